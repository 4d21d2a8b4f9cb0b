# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of litellm_hand_out, with the templates of the role, in a real folder."""

from __future__ import annotations

import ast
import contextlib
import csv
import email
import email.policy
import errno
import fcntl
import hashlib
import html
import html.parser
import itertools
import json
import os
import re
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out import _task
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._task import HandedOut
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._variables import VARIABLES
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._templates import Templates
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, Variable, Variables

ALL = ["csv", "json", "html", "env", "mail", "kubernetes"]
PREFIX = "litellm_vkey_"
TEXTS = {"output_title": "Python & <AI>", "output_note": "Ask Ada.", "output_namespace": "course"}
LIST = ".litellm_vkey_files.json"
HandOut = Callable[..., HandedOut]


def entry(user: str, key: str | None = "", **fields: Any) -> dict[str, Any]:
    value = f"sk-value-of-{hashlib.sha256(user.encode()).hexdigest()[:20]}"
    return {
        "user": user,
        "user_id": f"{user}@example.com",
        "alias": f"w-{user}",
        "key": value if key == "" else key,
        "key_id": hashlib.sha256((key or value).encode()).hexdigest(),
        "action": "none",
        "error": None,
        **fields,
    }


def result(*users: dict[str, Any], **fields: Any) -> dict[str, Any]:
    common = {"api_base_url": "https://llm.example.com/v1", "models": ["gpt-4"], "state": "present"}
    return {**common, "users": list(users), "pruned": [], **fields}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "course"


def render(variables: dict[str, Any]) -> Templates:
    loader = DataLoader()
    return Templates(Templar(loader, {}), lambda _kind, path: path, variables)


def read(folder: Path, options: dict[str, Any]) -> Variables:
    table = (*VARIABLES, Variable("alias"))
    return Variables(table, Source({"output_dir": str(folder), **options}, PREFIX))


@pytest.fixture
def hand_out(folder: Path) -> HandOut:
    """``hand_out(result, check=False, **options)`` is what was done; no value of a key is in it."""

    def hand_out(given: dict[str, Any], check: bool = False, **options: Any) -> HandedOut:
        variables = read(folder, {"output_formats": ALL, "output_mail_from": "ada@example.org", **TEXTS, **options})
        done = _task.hand_out(given, variables, render({}), check)
        assert "sk-value" not in f"{done}"
        return done

    return hand_out


@pytest.fixture
def check(folder: Path) -> Callable[..., None]:
    """``check(*users, **options)`` refuses what could keep them from being handed their keys."""

    def check(*users: str, **options: Any) -> None:
        variables = read(folder, {"output_formats": ALL, "output_mail_from": "ada@example.org", **TEXTS, **options})
        _task.ensure_ready(variables, render({}), [{"user": user, "alias": f"w-{user}"} for user in users])

    return check


def texts(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != LIST
    }


PEOPLE = (
    entry("ann", name='Ann "A" O\'Neil', max_budget=10.0, expires_at="2031-03-14T18:00:00+00:00"),
    entry("../ben", name="<script>alert(1)</script>"),
    entry("jürgen", name="{{ 7 * 7 }} {% raw %}", email="jg@example.org"),
)


def test_everything_is_written_for_the_owner_only_and_a_second_run_changes_nothing(
    hand_out: HandOut, folder: Path
) -> None:
    done = hand_out(result(*PEOPLE))
    assert done.changed and done.count == 3 and done.unknown == []
    assert f"Wrote 3 slips to {folder}/slips.html" in done.said
    written = texts(folder)
    assert {"keys.csv", "keys.json", "slips.html", "env/ann.env", "mail/ann.eml", "kubernetes/ann.yml"} <= set(written)
    assert len(written) == 11 and {"env", "mail", "kubernetes"} == {
        path.name for path in folder.iterdir() if path.is_dir()
    }
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)

    again = hand_out(result(*PEOPLE))
    assert not again.changed and again.files == [] and texts(folder) == written
    assert again.said == [f"{folder} is up to date, with 3 keys"]
    # Neither does a run that has lost the values.
    lost = [{**person, "key": None} for person in PEOPLE]
    assert not hand_out(result(*lost)).changed and texts(folder) == written


def test_check_mode_writes_nothing_and_says_what_it_would(hand_out: HandOut, folder: Path) -> None:
    planned = result(entry("ann", None, key_id=None, action="create"))
    done = hand_out(planned, check=True, output_formats=["csv", "html", "env"])
    assert done.changed and not folder.exists() and " ".join(done.warnings) == ""
    assert f"Would write 1 slip to {folder}/slips.html" in done.said
    assert f"Would write 1 file to {folder}/env" in done.said
    hand_out(result(entry("ann")))
    before = texts(folder)
    done = hand_out(result(entry("ann"), state="absent"), check=True)
    assert f"Would remove {folder}/slips.html" in done.said and texts(folder) == before


class Page(html.parser.HTMLParser):
    """The text of a page, its tags, and what it loads from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags, self.addresses = "", [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_of_slips(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(*PEOPLE, entry("dan", None)))
    raw = (folder / "slips.html").read_text()
    page = Page(raw)
    assert (
        "script" not in page.tags and page.addresses == [] and "url(" not in raw and raw.startswith("<!DOCTYPE html>")
    )
    assert page.tags.count("section") == 4 and page.text.count("No value known") == 1
    for text in ('Ann "A" O\'Neil', "<script>alert(1)</script>", "{{ 7 * 7 }} {% raw %}", "Python & <AI>", "Ask Ada."):
        assert text in page.text
    for text in (PEOPLE[0]["key"], "https://llm.example.com/v1", "14 March 2031, 18:00 UTC", "10 USD", "gpt-4"):
        assert text in page.text
    assert f'client = OpenAI(base_url="https://llm.example.com/v1", api_key="{PEOPLE[0]["key"]}")' in page.text


def test_no_line_of_the_example_breaks_what_it_says(hand_out: HandOut, folder: Path) -> None:
    """Wherever a line of a printed page ends, what is copied from it is Python."""
    address = f"https://llm.example.com/{'a-long-path/' * 12}v1?x='&y"
    key = "sk-value-" + '-a-b-\u00e4"' * 20
    hand_out(result(entry("ann", key, models=["bedrock/a-long-name-" + "x" * 60]), api_base_url=address))
    lines = re.findall(r"<b>(.*)</b>", (folder / "slips.html").read_text())
    client, chat = (ast.parse(html.unescape(line.replace("<wbr>", "\n"))).body[0] for line in lines[1:])
    found = {one.arg: ast.literal_eval(one.value) for one in client.value.keywords}
    assert found == {"base_url": address, "api_key": key}
    assert "'role'" in ast.unparse(chat) and "x" * 60 in ast.unparse(chat)


@pytest.mark.parametrize("key", ["sk--x-y-z-Qw-", "sk-aaa-bbb-ccc-ddd-eee", "sk-" + "-" * 20])
def test_no_line_of_a_key_ends_at_a_hyphen(hand_out: HandOut, folder: Path, key: str) -> None:
    hand_out(result(entry("ann", f"sk-value{key}")))
    (shown,) = re.findall(r"<code>(<i>.*)</code>", (folder / "slips.html").read_text())
    lines = [re.sub("<.*?>", "", line) for line in shown.split("<wbr>")]
    assert "".join(lines) == f"sk-value{key}"
    assert not any(first.endswith("-") or then.startswith("-") for first, then in itertools.pairwise(lines))


def test_new_slips_stand_together_at_the_end(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(entry("ann"), entry("ben")))
    assert 'class="batch"' not in (folder / "slips.html").read_text()
    people = json.loads((folder / "keys.json").read_text())
    for person in people:
        person["written_at"] = "2020-01-02T03:04:05+00:00"
    (folder / "keys.json").write_text(json.dumps(people, indent=2, ensure_ascii=False) + "\n")
    hand_out(result(entry("ann", "sk-value-new"), entry("ben"), entry("cem")))
    page = (folder / "slips.html").read_text()
    before, after = page.split('<h2 class="batch">')
    assert "sk-value-new" in re.sub("<.*?>", "", after) and ">cem<" in after
    assert re.findall(r'<h2 dir="auto">(\w+)</h2>', before) == ["ben"]
    alone = (folder / "slips-new.html").read_text()
    assert re.findall(r'<h2 dir="auto">(\w+)</h2>', alone) == ["ann", "cem"] and "2 slips to hand out" in alone
    assert not hand_out(result(entry("ann", "sk-value-new"), entry("ben"), entry("cem"))).changed
    assert (folder / "slips-new.html").exists()


TEAMS = [
    {"team": "red", "team_id": "w-red", "max_budget": 20.0, "models": ["gpt-4"]},
    {"team": "Öl & Gas", "team_id": "w-Öl & Gas", "max_budget": 7.5, "models": ["llama"]},
]


def test_slips_and_the_list_are_by_team(hand_out: HandOut, folder: Path) -> None:
    people = [
        entry("ann", team="red", models=["all-team-models"]),
        entry("ben", team="Öl & Gas", models=["all-team-models"]),
        entry("cem", team="red", models=["all-team-models"]),
    ]
    given = result(*people, teams=TEAMS)
    hand_out(given, output_formats=["csv", "html", "mail"], output_mail_from="ada@example.org")
    page = html.unescape((folder / "slips.html").read_text())
    assert re.findall(r"<h2[^>]*>(\w+)</h2>", page) == ["ann", "cem", "ben"]
    assert re.findall(r"<dt>(?:Team|Budget of the team|Model)</dt><dd>(.*?)</dd>", page) == [
        *["gpt-4", "red", "20 USD"] * 2,
        *["llama", "Öl & Gas", "7.5 USD"],
    ]
    table = csv.DictReader((folder / "keys.csv").read_text(encoding="utf-8-sig").splitlines())
    assert [(row["user"], row["team"]) for row in table] == [("ann", "red"), ("ben", "Öl & Gas"), ("cem", "red")]
    mail = email.message_from_bytes((folder / "mail" / "ben.eml").read_bytes(), policy=email.policy.default)
    assert "Team:     Öl & Gas, which can spend 7.5 USD in all" in mail.get_content()
    assert hand_out(given, output_formats=["csv", "html"]).changed is False
    (folder / "keys.json").unlink()
    unknown = [{**person, "key": None} for person in people]
    hand_out(result(*unknown, teams=TEAMS), output_formats=["csv", "html"])  # which knows the values from the list
    assert "No value known" not in (folder / "slips.html").read_text()


def test_everybody_gets_a_slip_of_a_key_that_a_team_shares(hand_out: HandOut, folder: Path) -> None:
    members = [{"user": "ann", "name": "Ann", "email": "a@example.org"}, {"user": "ben", "name": "Ben", "email": None}]
    shared = entry("red", name="red", team="red", members=members)
    done = hand_out(result(shared, entry("blue", name="blue", members=[])), output_formats=["csv", "html", "env"])
    page = (folder / "slips.html").read_text()
    assert re.findall(r"<h2[^>]*>(\w+)</h2>", page) == ["Ann", "Ben", "blue"]
    assert len(set(re.findall(r"sk-value-of-\w+", re.sub(r"<[^>]+>", "", page)))) == 2
    assert f"Wrote 3 slips to {folder / 'slips.html'}" in done.said
    assert {path.name for path in (folder / "env").iterdir()} == {"red.env", "blue.env"}
    table = list(csv.DictReader((folder / "keys.csv").read_text().splitlines()))
    assert [row["user"] for row in table] == ["ann", "ben", "blue"] and table[0]["key"] == table[1]["key"]


def test_a_column_that_is_called_team_makes_no_teams(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(entry("ann", team="Sales")), output_formats=["csv", "html"])
    assert "Sales" not in (folder / "slips.html").read_text() + (folder / "keys.csv").read_text()


def test_where_all_slips_are_new_they_have_no_page_of_their_own(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(entry("ann"), entry("ben")))
    assert not (folder / "slips-new.html").exists()
    (folder / "slips-new.html").write_text("of the user")
    assert hand_out(result(entry("ann"), entry("ben"))).warnings == []
    assert (folder / "slips-new.html").read_text() == "of the user"


def test_env_files_are_for_a_shell(hand_out: HandOut, folder: Path, tmp_path: Path) -> None:
    key, address = 'sk-value it\'s $(touch pwned) `id` "x" \\', "https://a/v1?x=1&y='2'"
    hand_out(result(entry("$(touch pwned)", key), api_base_url=address))
    (file,) = (folder / "env").iterdir()
    command = f'set -a; . "{file}"; printf "%s\\n" "$OPENAI_API_KEY" "$OPENAI_BASE_URL"'
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{key}\n{address}\n" and not (tmp_path / "pwned").exists()


def test_secrets_are_manifests(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(*PEOPLE))
    manifests = [yaml.safe_load(path.read_text()) for path in sorted((folder / "kubernetes").iterdir())]
    assert {manifest["stringData"]["key"] for manifest in manifests} == {person["key"] for person in PEOPLE}
    for manifest in manifests:
        assert (manifest["apiVersion"], manifest["kind"], manifest["type"]) == ("v1", "Secret", "Opaque")
        assert manifest["metadata"]["namespace"] == "course"
        assert manifest["stringData"]["OPENAI_BASE_URL"] == "https://llm.example.com/v1"
        assert manifest["stringData"]["OPENAI_API_KEY"] == manifest["stringData"]["key"]


def test_removed_people_leave_and_files_of_others_stay(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(*PEOPLE))
    (folder / "env" / "mine.env").write_text("A=1\n")
    (folder / "notes.txt").write_text("mine\n")
    done = hand_out(result(PEOPLE[0], state="absent"), output_formats=["csv"])
    assert not [name for name in texts(folder) if "ann." in name]
    assert b"w-ann" not in b"".join(texts(folder).values()) and b"w-j" in (folder / "keys.csv").read_bytes()
    assert f"Removed 1 mail from {folder}/mail" in done.said
    hand_out(result(*PEOPLE, state="absent"), output_formats=["csv"])
    assert set(texts(folder)) == {"env/mine.env", "notes.txt"} and not (folder / "mail").exists()
    assert not hand_out(result(*PEOPLE, state="absent")).changed


def test_what_was_written_once_is_kept_true(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(*PEOPLE))
    before = texts(folder)
    hand_out(result({**PEOPLE[0], "key": "sk-value-new"}), output_formats=["json"], output_mail_from="")
    now = texts(folder)
    for name in ("keys.csv", "slips.html", "env/ann.env", "kubernetes/ann.yml"):
        assert b"sk-value-new" in now[name] and PEOPLE[0]["key"].encode() not in now[name]
    # Nobody said who sends the mails: what is wrong goes, what is right stays.
    others = [name for name in before if name.startswith("mail/") and name != "mail/ann.eml"]
    assert "mail/ann.eml" not in now and others and all(now[name] == before[name] for name in others)


def test_another_batch_of_the_workshop_joins_the_list(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(PEOPLE[0]))
    before = texts(folder)
    hand_out(result(PEOPLE[1]), output_formats=["env"])
    now = texts(folder)
    assert b"w-ann" in now["keys.csv"] and b"w-../ben" in now["keys.csv"] and now["slips.html"].count(b"<section") == 2
    assert now["env/ann.env"] == before["env/ann.env"]


def test_who_has_no_value_is_named_and_gets_no_file(hand_out: HandOut, folder: Path) -> None:
    done = hand_out(result(PEOPLE[0], entry("dora", None)))
    assert done.unknown == [
        "dora"
    ] and "No value is known for 1: dora. Their keys keep working; only this folder cannot print them. " in " ".join(
        done.warnings
    )
    assert "env/dora.env" not in texts(folder) and b",w-dora,," in (folder / "keys.csv").read_bytes()


def test_a_lost_json_is_made_up_for_by_the_csv(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(PEOPLE[0]))
    (folder / "keys.json").unlink()
    assert hand_out(result({**PEOPLE[0], "key": None})).unknown == []
    assert json.loads((folder / "keys.json").read_text())[0]["key"] == PEOPLE[0]["key"]


def test_a_template_of_the_user(hand_out: HandOut, folder: Path, tmp_path: Path) -> None:
    template = tmp_path / "my page.j2"
    template.write_text("{% for person in people %}{{ person.name }}: {{ litellm_vkey_output_title }}\n{% endfor %}")
    hand_out(result(PEOPLE[2]), output_formats=["html"], output_html_template=str(template))
    assert (folder / "slips.html").read_text() == "{{ 7 * 7 }} {% raw %}: Python & <AI>\n"


def test_nothing_in_the_fields_of_a_person_reaches_the_files_of_others(
    hand_out: HandOut, folder: Path, tmp_path: Path
) -> None:
    template = tmp_path / "mine.j2"
    template.write_text("{{ person.seat }} {{ person.key }}")
    users = [entry(user, seat="a\0b\0") for user in ("ann", "ben", "cem")]
    hand_out(result(*users), output_formats=["env"], output_env_template=str(template))
    for person in users:
        assert (folder / "env" / f"{person['user']}.env").read_text() == f"a\0b\0 {person['key']}\n"


@pytest.mark.parametrize(
    ("prepare", "options", "said"),
    [
        (lambda folder: (folder / "keys.json").write_text("{"), {}, "keys.json is not JSON"),
        (lambda folder: (folder / "keys.json").write_text('{"a": 1}'), {}, "keys.json is not a list of keys"),
        (
            lambda folder: (folder / "keys.json").write_text(
                '[{"alias": "w-bob", "user": "bob", "key": "sk-1", "key_id": "k"}]'
            ),
            {},
            "keys.json is not a list of keys",
        ),
        (lambda folder: (folder / LIST).write_text('{"files": {"../x": []}}'), {}, f"{LIST} is damaged"),
        (lambda folder: (folder / "keys.csv").write_text("a,b\n1,2\n"), {}, "keys.csv"),
        (lambda folder: (folder / "slips.html").mkdir(), {}, "slips.html is a folder, not a file"),
        (lambda folder: (folder / "env").write_text("mine"), {}, "env is a file, not a folder"),
        (lambda folder: (folder / "mail" / "ben.eml").mkdir(parents=True), {}, "ben.eml is a folder"),
        (lambda folder: [(folder / "env").mkdir(), (folder / "env" / "ann.env").write_text("m")], {}, "env/ann.env"),
        (lambda folder: None, {"output_mail_from": ""}, "litellm_vkey_output_mail_from"),
        (lambda folder: None, {"output_mail_from": "Ada Lovelace"}, "litellm_vkey_output_mail_from"),
        (lambda folder: None, {"output_mail_from": "a@x.org, b@x.org"}, "litellm_vkey_output_mail_from"),
        (lambda folder: None, {"output_mail_from": "a\nBcc: b@example.org"}, "litellm_vkey_output_mail_from"),
        (lambda folder: None, {"output_mail_from": "ada@good.org\uff20evil.org"}, "litellm_vkey_output_mail_from"),
        (lambda folder: None, {"output_html_template": "nope.j2"}, "Cannot find the template nope.j2."),
        (lambda folder: None, {"output_env_template": "/dev/null/x"}, "template /dev/null/x"),
        (lambda folder: None, {"time_zone": "Europe/Nowhere"}, "litellm_vkey_time_zone: 'Europe/Nowhere'"),
        (lambda folder: None, {"time_zone": "../../etc/passwd"}, "litellm_vkey_time_zone"),
        (lambda folder: None, {"output_dir": "/dev/null"}, "/dev/null"),
    ],
)
def test_what_cannot_be_is_refused_before_a_key_is_made(
    check: Callable[..., None], folder: Path, prepare: Callable[[Path], Any], options: dict[str, Any], said: str
) -> None:
    folder.mkdir(parents=True)
    prepare(folder)
    before = texts(folder)
    with pytest.raises(InputError, match=re.escape(said)):
        check("ann", "ben", **options)
    assert texts(folder) == before


@pytest.mark.parametrize(
    ("template", "said"), [("{% for %}", "Expected an expression"), ("{{ person.seat }}", "has no attribute 'seat'")]
)
def test_a_template_that_cannot_be_rendered_is_refused_before_a_key_is_made(
    check: Callable[..., None], tmp_path: Path, template: str, said: str
) -> None:
    mine = tmp_path / "mine.j2"
    mine.write_text(template)
    with pytest.raises(InputError, match=said):
        check("ann", output_env_template=str(mine))


def test_what_can_be_is_not_refused_and_nothing_is_written(
    check: Callable[..., None], hand_out: HandOut, folder: Path
) -> None:
    check("ann", "jürgen")
    assert not folder.exists()
    hand_out(result(*PEOPLE))
    before = texts(folder)
    check("ann", "emil")
    assert texts(folder) == before


def test_a_folder_that_nobody_can_write_to_is_refused_before_a_key_is_made(
    check: Callable[..., None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(InputError, match=re.escape(f"Cannot write to {folder.parent.parent}: Permission denied.")):
        check("ann")


def test_what_is_no_result_is_refused(hand_out: HandOut, folder: Path) -> None:
    with pytest.raises(InputError, match="manage_keys"):
        hand_out({})
    assert texts(folder) == {}


@pytest.mark.parametrize("planned", [False, True])
def test_a_file_in_the_place_of_the_folder_is_said(hand_out: HandOut, folder: Path, planned: bool) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("of somebody else")
    with pytest.raises(InputError) as refused:
        hand_out(result(*PEOPLE), check=planned)
    assert str(refused.value) == f"{folder} is a file, not a folder. Move it or use another path."
    assert folder.read_text() == "of somebody else"


def test_a_full_disk_leaves_every_file_whole(hand_out: HandOut, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_out(result(PEOPLE[0]))
    before = texts(folder)
    replaced = os.replace

    def full(source: str, target: str) -> None:
        if Path(target).name == "slips.html":
            raise OSError(errno.ENOSPC, "No space left on device", target)
        replaced(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left on device"):
        hand_out(result(*PEOPLE))
    now = texts(folder)
    assert now["slips.html"] == before["slips.html"] and b"w-../ben" in now["keys.json"]
    monkeypatch.undo()
    hand_out(result(*PEOPLE))
    assert texts(folder)["slips.html"].count(b"<section") == 3


def test_what_a_killed_run_left_behind_is_cleared_up(hand_out: HandOut, folder: Path) -> None:
    (folder / "env").mkdir(parents=True)
    (folder / "env" / ".hand-out-abc").write_text("sk-value-half")
    hand_out(result(PEOPLE[0]))
    assert not list(folder.rglob(".hand-out-*"))


# Files of the user


def test_files_of_the_user_with_our_names_stay_as_they_are(hand_out: HandOut, folder: Path) -> None:
    """Those of formats that nobody asked for, from the first run to the end of the workshop."""
    mine = {"slips.html": b"mine", "keys.csv": b"mine", "env/ann.env": b"A=1\n", "mail/ann.eml": b"mine"}
    for name, content in mine.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for state in ("present", "present", "absent"):
        hand_out(result(PEOPLE[0], state=state), output_formats=["json"])
        assert {name: content for name, content in texts(folder).items() if name != "keys.json"} == mine
    assert not (folder / "keys.json").exists()


def test_a_file_that_somebody_changed_is_neither_replaced_nor_removed(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(*PEOPLE[:2]))
    mine = (folder / "keys.csv").read_bytes() + b"mine\n"
    (folder / "keys.csv").write_bytes(mine)
    before = texts(folder)
    with pytest.raises(InputError, match=r"changed since: keys\.csv\. Move them away, or leave their format out of"):
        hand_out(result(*PEOPLE))
    assert texts(folder) == before
    done = hand_out(result(*PEOPLE, state="absent"))
    assert texts(folder) == {"keys.csv": mine}
    assert done.warnings == [
        f"These files in {folder} were not written by this role, or were changed since: keys.csv. They were left as "
        "they are."
    ]
    assert not (folder / LIST).exists()


def test_what_is_in_the_place_of_our_files_stops_no_end(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(*PEOPLE[:2]))
    shutil.rmtree(folder / "env")
    (folder / "env").write_text("mine")
    (folder / "slips.html").unlink()
    (folder / "slips.html").mkdir()
    hand_out(result(PEOPLE[0], state="absent"))
    assert b"w-ann" not in (folder / "keys.json").read_bytes()
    hand_out(result(PEOPLE[1], state="absent"))
    assert texts(folder) == {"env": b"mine"} and (folder / "slips.html").is_dir()


def test_what_was_written_before_there_was_a_list_is_ours_if_we_would_write_it(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(*PEOPLE))
    written = texts(folder)
    (folder / LIST).unlink()
    (folder / "env" / "ann.env").write_text("mine")
    assert not hand_out(result(*PEOPLE), output_formats=["csv", "html", "mail", "kubernetes"]).changed
    (folder / LIST).unlink()
    done = hand_out(result(*PEOPLE, state="absent"))
    assert texts(folder) == {"env/ann.env": b"mine"} and len(done.files) == len(written) - 1


def test_a_list_of_keys_that_somebody_changed_is_refused(hand_out: HandOut, folder: Path) -> None:
    hand_out(result(*PEOPLE))
    people = json.loads((folder / "keys.json").read_text())
    (folder / "keys.json").write_text(json.dumps(people))
    with pytest.raises(InputError, match=r"keys\.json was not written by this role, or was changed"):
        hand_out(result(*PEOPLE))


def test_the_lists_of_another_owner_are_refused(
    hand_out: HandOut, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_out(result(PEOPLE[0]))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(InputError, match=f"belongs to the user with the ID {os.getuid()}"):
        hand_out(result(PEOPLE[0]))
    (folder / LIST).unlink()
    with pytest.raises(InputError, match=r"keys\.json belongs to the user"):
        hand_out(result(PEOPLE[0]))


@pytest.mark.parametrize("killed_at", range(8))
def test_a_run_that_was_killed_leaves_no_file_that_is_taken_for_the_users(
    hand_out: HandOut, folder: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    hand_out(result(PEOPLE[0]))
    replaced, done = os.replace, iter(range(100))

    def killed(source: str, target: str) -> None:
        if next(done) == killed_at:
            raise KeyboardInterrupt
        replaced(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with contextlib.suppress(KeyboardInterrupt):
        hand_out(result({**PEOPLE[0], "key": "sk-value-new"}))
    monkeypatch.undo()
    hand_out(result({**PEOPLE[0], "key": "sk-value-new"}))
    assert all(b"sk-value-new" in content for name, content in texts(folder).items() if name != "slips.html")
    hand_out(result(PEOPLE[0], state="absent"))
    assert texts(folder) == {}


def test_a_second_run_waits_for_the_first(hand_out: HandOut, folder: Path) -> None:
    folder.mkdir(parents=True)
    first = os.open(folder, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    second = threading.Thread(target=hand_out, args=(result(PEOPLE[0]),))
    second.start()
    time.sleep(0.3)
    assert texts(folder) == {}
    os.close(first)
    second.join(timeout=30)
    assert "keys.json" in texts(folder)
