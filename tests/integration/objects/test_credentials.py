# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provider credentials on a real LiteLLM."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest

OWN_ENTRY = "litemaas_virtual_keys"
# Random, as what issuers choose. The first two have the same mask: sk****07.
FIRST, SECOND, OTHER = "sk-4Gv8Rk2Wp9Xt5Bn7Jq3Lz6Mh07", "sk-7Tb3Nf6Yc9Dw2Hs8Pm5Kx4Vg07", "sk-5Zj8Qr3Uf6Ls9Ew2Ya7Ck4Tn99"
INFO = {"custom_llm_provider": "openai", "owner": "team-a"}
VALUES = {"api_key": FIRST, "api_base": "https://one.example.com/v1"}
TABLE = '"LiteLLM_CredentialsTable"'


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The beginning of this test's names. The credentials that have it are removed at the end."""
    beginning = f"t{secrets.token_hex(4)}"
    yield beginning
    rows = sandbox.rows(f"SELECT credential_name FROM {TABLE} WHERE starts_with(credential_name, %s)", beginning)
    for row in rows:
        sandbox.call("DELETE", path_of(row["credential_name"])).raise_for_status()


@pytest.fixture
def credential(run_module, name):
    """Runs litellm_credential on this test's credential."""
    return partial(run_module, "litellm_credential", credential_name=name)


def path_of(name: str) -> str:
    return f"/credentials/{quote(name, safe='')}"


def stored(sandbox, name: str) -> dict[str, Any] | None:
    """The credential as it is in the database: values encrypted, our own entry apart from the user's."""
    rows = sandbox.rows(f"SELECT credential_values, credential_info FROM {TABLE} WHERE credential_name = %s", name)
    if not rows:
        return None
    # LiteLLM 1.110 keeps the names of entries that have gone, with null.
    info = {entry: value for entry, value in rows[0]["credential_info"].items() if value is not None}
    own = info.pop(OWN_ENTRY, None)
    return {"values": rows[0]["credential_values"], "info": info, "own": own}


def version(sandbox) -> tuple[int, ...]:
    return tuple(int(part) for part in sandbox.litellm_version.split(".")[:2])


def removes_values(sandbox) -> bool:
    return version(sandbox) >= (1, 106)


def test_create_and_run_again(sandbox, credential, name):
    declared = {
        "credential_info": INFO,
        "credential_values": {
            **VALUES,
            "vertex_credentials": {"type": "service_account", "id": 770078},
            "quota": 770077,
        },
    }
    with sandbox.writes() as written:
        created = credential(**declared)
    assert created.changed
    assert created.action == "create"
    assert written == [("POST", "/credentials", 200)]
    row = stored(sandbox, name)
    assert row["info"] == INFO
    assert sorted(row["values"]) == ["api_base", "api_key", "quota", "vertex_credentials"]
    # All are encrypted, so also what is not text.
    assert all(isinstance(value, str) and len(value) > 40 for value in row["values"].values())
    assert created.credential == {
        "credential_name": name,
        "credential_info": INFO,
        "credential_values": dict.fromkeys(("api_key", "api_base", "vertex_credentials", "quota"), "********"),
    }

    with sandbox.requests_made() as made:
        again = credential(**declared)
    assert not again.changed
    assert again.credential["credential_values"] == created.credential["credential_values"]
    assert [(method, status) for method, _path, status in made] == [("GET", 200)]
    assert stored(sandbox, name) == row


def test_a_changed_value_is_noticed_although_its_mask_is_the_same(sandbox, credential, name):
    credential(credential_info=INFO, credential_values=VALUES)
    before = stored(sandbox, name)
    with sandbox.writes() as written:
        changed = credential(credential_info=INFO, credential_values={"api_key": SECOND})
    after = stored(sandbox, name)
    assert changed.action == "update"
    assert len(written) == 1
    assert written[0][::2] == ("PATCH", 200)
    assert after["values"]["api_key"] != before["values"]["api_key"]
    assert after["values"]["api_base"] == before["values"]["api_base"]
    assert after["info"] == INFO
    assert changed.diff["before"]["credential_values"] == {"api_base": "********", "api_key": "********"}
    assert changed.diff["after"]["credential_values"] == {"api_base": "********", "api_key": "******** (changed)"}
    for text in (FIRST, SECOND, after["own"]["fingerprints"]["api_key"]):
        assert text not in changed.output

    for declared in ({"api_key": SECOND}, {**VALUES, "api_key": SECOND}):
        with sandbox.writes() as written:
            again = credential(credential_info=INFO, credential_values=declared)
        assert not again.changed
        assert written == []


def test_no_fingerprint_is_kept_of_a_value_that_can_be_guessed(sandbox, credential, name):
    weak = credential(credential_info=INFO, credential_values={**VALUES, "db_password": "hunter2"})
    assert "credential_values: db_password can be guessed" in weak.output
    kept = stored(sandbox, name)["own"]["fingerprints"]
    assert kept["db_password"] == "guessable" and len(kept["api_key"]) > 64
    for declared in ({"db_password": "hunter2"}, {**VALUES, "db_password": "hunter2"}):
        with sandbox.writes() as written:
            assert not credential(credential_values=declared).changed
        assert written == []
    assert credential(credential_values={"db_password": "another"}).changed  # its mask is another one


def test_a_value_is_added(sandbox, credential, name):
    credential(credential_values={"api_key": FIRST})
    before = stored(sandbox, name)
    added = credential(credential_values={"api_base": VALUES["api_base"]})
    assert added.action == "update"
    after = stored(sandbox, name)
    assert sorted(after["values"]) == ["api_base", "api_key"]
    assert after["values"]["api_key"] == before["values"]["api_key"]
    assert not credential(credential_values=VALUES).changed


def test_a_value_is_removed(sandbox, credential, name):
    credential(credential_info=INFO, credential_values={**VALUES, "region": "eu"})
    declared = {"credential_values": VALUES, "unset": ["region", "never_there"]}
    with sandbox.writes() as written:
        removed = credential(**declared)
    assert removed.action == "update"
    assert [method for method, _path, _status in written] == (
        ["PATCH"] if removes_values(sandbox) else ["DELETE", "POST"]
    )
    row = stored(sandbox, name)
    assert sorted(row["values"]) == ["api_base", "api_key"]
    assert row["info"] == INFO
    assert sorted(row["own"]["fingerprints"]) == ["api_base", "api_key"]
    with sandbox.writes() as written:
        assert not credential(**declared).changed
    assert written == []


def test_a_value_is_not_removed_where_that_would_lose_others(sandbox, credential, name):
    credential(credential_values={**VALUES, "region": "eu"})
    row = stored(sandbox, name)
    with sandbox.writes() as written:
        result = credential(credential_values={"api_key": FIRST}, unset=["region"])
    if removes_values(sandbox):
        assert result.action == "update"
        assert sorted(stored(sandbox, name)["values"]) == ["api_base", "api_key"]
    else:
        assert result.failed
        assert "api_base" in result.msg
        assert sandbox.litellm_version in result.msg
        assert written == []
        assert stored(sandbox, name) == row


def test_an_entry_of_the_info_goes_although_the_proxy_still_shows_it(sandbox, credential, name):
    credential(credential_info=INFO, credential_values=VALUES)
    less = {"custom_llm_provider": "openai"}
    with sandbox.writes() as written:
        changed = credential(credential_info=less, credential_values=VALUES)
    assert changed.action == "update"
    assert len(written) == 1
    assert changed.credential["credential_info"] == less
    assert stored(sandbox, name)["info"] == less
    # The worker's memory was merged, not replaced, and still has the owner.
    with sandbox.writes() as written:
        again = credential(credential_info=less, credential_values=VALUES)
    assert not again.changed
    assert written == []

    back = credential(credential_info=INFO)
    assert back.action == "update"
    assert stored(sandbox, name)["info"] == INFO
    assert not credential(credential_info=INFO, credential_values=VALUES).changed

    emptied = credential(credential_info={})
    assert emptied.action == "update"
    assert stored(sandbox, name)["info"] == {}
    assert not credential(credential_info={}, credential_values=VALUES).changed


def test_what_is_not_declared_stays(sandbox, credential, name):
    credential(credential_info=INFO, credential_values=VALUES)
    credential(credential_values={"api_key": SECOND})
    assert stored(sandbox, name)["info"] == INFO
    before = stored(sandbox, name)["values"]
    credential(credential_info={"owner": "team-b"})
    assert stored(sandbox, name)["values"] == before
    assert not credential(credential_values={**VALUES, "api_key": SECOND}).changed


@pytest.mark.parametrize("values", [VALUES, {"api_base": VALUES["api_base"]}], ids=["masked", "unmasked"])
@pytest.mark.parametrize("policy", ["on_change", "never"])
def test_adopts_what_somebody_else_made(sandbox, credential, name, policy, values):
    made = {"credential_name": name, "credential_info": INFO, "credential_values": VALUES}
    sandbox.call("POST", "/credentials", made).raise_for_status()
    declared = {"credential_info": INFO, "credential_values": values, "update_values": policy}
    unknown = policy == "on_change" and "api_key" in values
    with sandbox.writes() as written:
        first = credential(**declared)
    assert first.changed == unknown
    assert len(written) == unknown
    with sandbox.writes() as written:
        assert not credential(**declared).changed
    assert written == []


@pytest.mark.parametrize("foreign", [{"api_key": OTHER}, {"api_base": "https://two.example.com/v1"}])
def test_notices_what_somebody_else_changed(sandbox, credential, name, foreign):
    credential(credential_info=INFO, credential_values=VALUES)
    shown = sandbox.call("GET", f"/credentials/by_name/{name}").json()["credential_info"]
    patch = {"credential_name": name, "credential_info": shown, "credential_values": foreign}
    sandbox.call("PATCH", path_of(name), patch).raise_for_status()
    never = {"credential_info": INFO, "credential_values": VALUES, "update_values": "never"}
    assert not credential(**never).changed
    with sandbox.writes() as written:
        mended = credential(credential_info=INFO, credential_values=VALUES)
    assert mended.action == "update"
    assert len(written) == 1
    (changed,) = foreign
    assert mended.diff["after"]["credential_values"][changed] == "******** (changed)"
    assert not credential(credential_info=INFO, credential_values=VALUES).changed


def test_always_writes_the_values_each_time(sandbox, credential, name):
    for action in ("create", "update", "update"):
        with sandbox.writes() as written:
            assert credential(credential_values=VALUES, update_values="always").action == action
        assert len(written) == 1


def test_absent_and_absent_again(sandbox, credential, name):
    credential(credential_info=INFO, credential_values=VALUES)
    with sandbox.writes() as written:
        removed = credential(state="absent")
    assert removed.action == "delete"
    assert removed.changed
    assert removed.credential is None
    assert written == [("DELETE", path_of(name), 200)]
    assert stored(sandbox, name) is None
    with sandbox.writes() as written:
        assert not credential(state="absent").changed
    assert written == []
    assert credential(credential_info=INFO, credential_values=VALUES).action == "create"


@pytest.mark.parametrize("ending", ["/a/b", " c d", "%2F", "?e=f&g", "#h", "ü☃", ".", "/..", "/jwks", "'\"\\;--"])
def test_names_with_special_characters(sandbox, run_module, name, ending):
    name += ending
    run = partial(run_module, "litellm_credential", credential_name=name)
    assert run(credential_values=VALUES, credential_info=INFO).action == "create"
    assert not run(credential_values=VALUES, credential_info=INFO).changed
    assert run(credential_values={"api_key": SECOND}).action == "update"
    assert stored(sandbox, name)["info"] == INFO
    shown = run_module("litellm_credential_info", credential_name=name).credentials
    assert [one["credential_name"] for one in shown] == [name]
    assert run(state="absent").action == "delete"
    assert stored(sandbox, name) is None


@pytest.mark.parametrize(
    ("before", "declared"),
    [
        pytest.param(None, {"credential_info": INFO, "credential_values": VALUES}, id="create"),
        pytest.param(VALUES, {"credential_info": INFO, "credential_values": VALUES}, id="unchanged"),
        pytest.param(VALUES, {"credential_values": {"api_key": SECOND}}, id="another value"),
        pytest.param(VALUES, {"credential_values": {"api_version": "1"}}, id="a further value"),
        pytest.param(VALUES, {"credential_info": {"owner": "b"}}, id="another info"),
        pytest.param(VALUES, {"credential_values": {"api_key": FIRST}, "unset": ["api_base"]}, id="one value less"),
        pytest.param(VALUES, {"state": "absent"}, id="absent"),
        pytest.param(None, {"state": "absent"}, id="absent, not there"),
    ],
)
def test_check_mode_tells_what_the_run_does_and_writes_nothing(sandbox, credential, name, before, declared):
    if before:
        credential(credential_info=INFO, credential_values=before)
    row = stored(sandbox, name)
    with sandbox.writes() as written:
        predicted = credential(check=True, **declared)
    assert written == []
    assert stored(sandbox, name) == row
    done = credential(**declared)
    for part in ("changed", "action", "diff"):
        assert getattr(predicted, part) == getattr(done, part)
    assert credential(check=True, **declared).changed is False


def test_makes_up_for_a_memory_that_does_not_know_it_yet(sandbox, credential, name):
    """As another worker would answer, which has not read the database since the credential was made there."""
    credential(credential_info=INFO, credential_values=VALUES)
    (row,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE credential_name = %s", name)
    sandbox.call("DELETE", path_of(name)).raise_for_status()
    insert(sandbox, row)
    with sandbox.writes() as written:
        result = credential(credential_values={"api_key": SECOND})
    assert result.action == "update", result
    assert written[-1] == ("PATCH", path_of(name), 200)
    after = stored(sandbox, name)
    assert after["values"]["api_key"] != row["credential_values"]["api_key"]
    # Nothing of what could not be seen is lost.
    assert after["values"]["api_base"] == row["credential_values"]["api_base"]
    assert after["info"] == INFO


def test_makes_up_for_a_memory_that_still_knows_it(sandbox, credential, name):
    """As another worker would answer, which has not read the database since the credential was deleted there."""
    for declared, there in (({"credential_values": {**VALUES, "api_key": SECOND}}, True), ({"state": "absent"}, False)):
        credential(credential_info=INFO, credential_values=VALUES)
        sandbox.rows(f"DELETE FROM {TABLE} WHERE credential_name = %s RETURNING 1", name)
        result = credential(**declared)
        assert not result.failed, result
        assert (stored(sandbox, name) is not None) == there


def insert(sandbox, row: dict[str, Any]) -> None:
    values = [json.dumps(value) if isinstance(value, dict) else value for value in row.values()]
    columns, places = ", ".join(row), ", ".join("%s" for _column in row)
    sandbox.rows(f"INSERT INTO {TABLE} ({columns}) VALUES ({places}) RETURNING 1", *values)


class Provider(BaseHTTPRequestHandler):
    """An OpenAI-compatible provider that answers with the key that it was asked with."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Authorization"].removeprefix("Bearer ")
        answer = {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": key}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[str]:
    """The address of such a provider."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(sandbox, name):
    """Asks a model that uses the credential; returns the key with which the provider was asked."""
    parameters = {"model": "openai/echo", "litellm_credential_name": name}
    made = sandbox.call("POST", "/model/new", {"model_name": name, "litellm_params": parameters, "model_info": {}})
    made.raise_for_status()

    def ask() -> str:
        body = {"model": name, "messages": [{"role": "user", "content": secrets.token_hex(8)}]}
        answer = sandbox.call("POST", "/v1/chat/completions", body)
        answer.raise_for_status()
        return answer.json()["choices"][0]["message"]["content"]

    yield ask
    sandbox.call("POST", "/model/delete", {"id": made.json()["model_id"]}).raise_for_status()


def test_a_model_uses_the_credential(credential, provider, ask):
    credential(credential_values={"api_key": FIRST, "api_base": provider}, credential_info=INFO)
    assert ask() == FIRST
    credential(credential_values={"api_key": SECOND})
    assert ask() == SECOND


def test_copies_the_values_of_a_model(sandbox, credential, name, provider):
    parameters = {"model": "openai/echo", "api_key": FIRST, "api_base": provider}
    made = sandbox.call("POST", "/model/new", {"model_name": name, "litellm_params": parameters, "model_info": {}})
    model = made.json()["model_id"]
    try:
        with sandbox.writes() as written:
            created = credential(model_id=model, credential_info=INFO)
        assert created.action == "create"
        assert written == [("POST", "/credentials", 200)]
        assert {"api_key", "api_base"} <= set(stored(sandbox, name)["values"])
        assert created.credential["credential_values"]["api_key"] == "********"
        with sandbox.writes() as written:
            assert not credential(model_id=model, credential_info=INFO).changed
        assert written == []
    finally:
        sandbox.call("POST", "/model/delete", {"id": model}).raise_for_status()


PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - litemaas.virtual_keys.litellm_credential:
        credential_name: {name}
        credential_info: {{owner: a}}
        credential_values: {{api_key: "{first}", api_base: "{base}"}}
      register: made
    - litemaas.virtual_keys.litellm_credential:
        credential_name: {name}
        credential_info: {{owner: b}}
        credential_values: {{api_key: "{{{{ second }}}}"}}
        unset: [api_base]
      register: changed
    - litemaas.virtual_keys.litellm_credential_info:
      register: all
    - ansible.builtin.debug:
        msg: "{{{{ [made, changed, all] }}}}"
    - litemaas.virtual_keys.litellm_credential:
        credential_name: {name}
        credential_values: {{api_key: "{first}", other_key: }}
      register: refused
      failed_when: not refused.failed
    - litemaas.virtual_keys.litellm_credential:
        credential_name: {name}
        state: absent
"""


@pytest.mark.parametrize("mode", [[], ["--check"]], ids=["run", "check"])
def test_no_value_is_printed(sandbox, play, name, tmp_path: Path, mode):
    base = "https://hidden.example.com/v1"
    book = tmp_path / "play.yml"
    book.write_text(
        PLAY.format(name=name, first=FIRST, base=base).replace(
            "unset: [api_base]", ("unset: [api_base]" if removes_values(sandbox) else "update_values: on_change")
        )
    )
    extra = json.dumps({"second": SECOND})
    done = play(str(book), "-e", extra, *mode, secret=(FIRST, SECOND, base, "fingerprints"))
    assert done.rc == 0, done.output[-3000:]
    assert "********" in done.output
    assert "credential_values" in done.output
    if not mode:
        assert done.changed == 3
        assert "******** (changed)" in done.output
