# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: what a declaration means, and that it ends as declared whatever a worker's memory shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _fingerprints
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._declaration import (
    CredentialDeclaration,
    declare,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._kind import Credential
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._planning import (
    plan_credential,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._store import CredentialStore
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._table import (
    OWN_ENTRY,
    public_view,
)
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_credentials import FakeCredentials
from hypothesis import given
from hypothesis import strategies as st

# Random, as what issuers choose. The first two have the same mask.
FIRST, SECOND, OTHER = "sk-4Gv8Rk2Wp9Xt5Bn7Jq3Lz6Mh07", "sk-7Tb3Nf6Yc9Dw2Hs8Pm5Kx4Vg07", "sk-5Zj8Qr3Uf6Ls9Ew2Ya7Ck4Tn99"
BASE = "https://one.example.com/v1"
VALUES = {"api_key": FIRST, "api_base": BASE}
OLD = ("1.83.14", "1.98.1")
DEFAULTS = {name: option.get("default") for name, option in Credential().options.items()}


@pytest.fixture(autouse=True)
def _cheap_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fingerprints, "ROUNDS", 1)


def want(state: str = "present", **options: Any) -> CredentialDeclaration:
    return declare({**DEFAULTS, "credential_name": "c", **options}, state)


def run(proxy: FakeCredentials, state: str = "present", check: bool = False, **options: Any) -> Outcome:
    (outcome,) = converge(CredentialStore(proxy), [want(state, **options)], check)
    assert outcome.error is None, outcome.error
    return outcome


def unchanged(proxy: FakeCredentials, **options: Any) -> None:
    """A further run writes nothing."""
    before = len(proxy.writes)
    assert run(proxy, **options).action == "none"
    assert len(proxy.writes) == before


def info_of(proxy: FakeCredentials) -> dict[str, Any]:
    info = proxy.database["c"]["credential_info"].items()
    return {name: value for name, value in info if name != OWN_ENTRY and value is not None}


# Declarations


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"credential_name": " "}, "credential_name: must not be blank."),
        ({"credential_name": ".."}, "is not allowed in a URL"),
        ({"credential_name": "a\nb"}, "must not contain control characters"),
        (
            {"credential_values": {"api_key": None, "x": "y"}},
            "api_key has no value. To remove a value, list it in unset",
        ),
        ({"credential_values": {"api_key": ""}}, "api_key has no value"),
        ({"credential_values": {"api_key": "sk****07"}}, "api_key is a mask as LiteLLM shows it"),
        ({"credential_values": {"api_key": "*****"}}, "api_key is a mask"),
        ({"credential_values": {"vertex_credentials": {"private_key": "********"}}}, "vertex_credentials is a mask"),
        ({"credential_values": VALUES, "unset": ["api_key"]}, "api_key cannot be both set and listed in unset."),
        ({"credential_values": VALUES, "model_id": "m"}, "model_id and credential_values are mutually exclusive"),
        ({"credential_info": {OWN_ENTRY: {}}}, "is reserved for this collection"),
    ],
)
def test_refuses_what_cannot_be_meant(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        want(**options)
    assert sentence in str(error.value)
    assert FIRST not in str(error.value)


def test_what_is_not_text_becomes_json() -> None:
    declared = want(credential_values={"a": 5, "b": True, "c": {"y": 1, "x": ["ü"]}, "d": "5"})
    assert declared.values == {"a": "5", "b": "true", "c": '{"x": ["ü"], "y": 1}', "d": "5"}


def test_absent_needs_only_the_name() -> None:
    assert want("absent", credential_values={"api_key": None}).values == {}


# Plans


def test_no_value_is_in_a_plan_or_shown() -> None:
    proxy = FakeCredentials()
    proxy.put("c", {**VALUES, "region": "eu-hidden"}, {"owner": "a"})
    outcome = run(proxy, credential_values={"api_key": SECOND, "new_key": OTHER}, credential_info={"owner": "b"})
    seen = repr(outcome.plan) + json.dumps(public_view(outcome.record or {})) + json.dumps(outcome.plan.diff)
    for text in (FIRST, SECOND, OTHER, BASE, "eu-hidden"):
        assert text not in seen.replace(repr(outcome.plan.current), "")
    for text in (FIRST, SECOND, OTHER):
        assert text not in seen
    assert outcome.plan.diff["before"]["credential_values"] == dict.fromkeys(
        ("api_key", "api_base", "region"), "********"
    )
    assert outcome.plan.diff["after"]["credential_values"] == {
        "api_key": "******** (changed)",
        "api_base": "********",
        "region": "********",
        "new_key": "********",
    }
    assert OWN_ENTRY not in json.dumps(
        [outcome.plan.diff, public_view(outcome.record or {}), Credential().read(proxy, {"credential_name": "c"})]
    )


def test_check_mode_writes_nothing() -> None:
    proxy = FakeCredentials()
    assert run(proxy, check=True, credential_values=VALUES).action == "create"
    assert proxy.writes == []


# What is sent


@pytest.mark.parametrize("version", ["1.106.2", *OLD])
def test_create_change_delete(version: str) -> None:
    proxy = FakeCredentials(version)
    assert run(proxy, credential_values=VALUES, credential_info={"owner": "a"}).action == "create"
    assert proxy.database["c"]["credential_values"] == VALUES
    assert info_of(proxy) == {"owner": "a"}
    unchanged(proxy, credential_values=VALUES, credential_info={"owner": "a"})

    assert run(proxy, credential_values={"api_key": SECOND}).action == "update"
    assert proxy.writes[-1][2]["credential_values"] == {"api_key": SECOND}
    assert proxy.database["c"]["credential_values"] == {**VALUES, "api_key": SECOND}
    assert info_of(proxy) == {"owner": "a"}
    unchanged(proxy, credential_values={**VALUES, "api_key": SECOND})

    assert run(proxy, "absent").action == "delete"
    assert proxy.database == {}
    unchanged(proxy, state="absent")


@pytest.mark.parametrize("version", ["1.106.2", *OLD])
def test_remove_a_value(version: str) -> None:
    proxy = FakeCredentials(version)
    run(proxy, credential_values={**VALUES, "region": "eu"}, credential_info={"owner": "a"})
    assert run(proxy, credential_values=VALUES, unset=["region"]).action == "update"
    assert proxy.database["c"]["credential_values"] == VALUES
    assert info_of(proxy) == {"owner": "a"}
    assert [method for method, _name, _body in proxy.writes[1:]] == (
        ["DELETE", "POST"] if version in OLD else ["PATCH"]
    )
    unchanged(proxy, credential_values=VALUES, unset=["region"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"unset": ["api_key"]}, "also set api_base"),
        ({"unset": ["api_key", "api_base"]}, "set a value to keep, or use state: absent"),
        (
            {"unset": ["api_key"], "credential_values": {"api_base": BASE}, "update_values": "never"},
            "also set api_base",
        ),
    ],
)
def test_old_versions_remove_no_value_where_others_would_be_lost(options: dict[str, Any], sentence: str) -> None:
    proxy = FakeCredentials("1.98.1")
    proxy.put("c", VALUES)
    with pytest.raises(InputError, match=sentence):
        run(proxy, **options)
    assert proxy.writes == []


def test_all_values_can_be_removed() -> None:
    proxy = FakeCredentials()
    proxy.put("c", VALUES, {"owner": "a"})
    run(proxy, unset=["api_key", "api_base"])
    assert proxy.database["c"]["credential_values"] == {}
    assert info_of(proxy) == {"owner": "a"}
    unchanged(proxy, unset=["api_key", "api_base"])


def test_an_adopted_credential_is_written_once() -> None:
    proxy = FakeCredentials()
    proxy.put("c", VALUES, {"owner": "a"})
    assert run(proxy, credential_values=VALUES).action == "update"
    # What LiteLLM does not mask need not be written.
    assert proxy.writes[-1][2]["credential_values"] == {"api_key": FIRST}
    assert info_of(proxy) == {"owner": "a"}
    unchanged(proxy, credential_values=VALUES)


def test_a_number_stored_in_clear_is_written_as_text() -> None:
    proxy = FakeCredentials()
    proxy.put("c", {"quota": 5})
    run(proxy, credential_values={"quota": 5})
    assert proxy.database["c"]["credential_values"] == {"quota": "5"}


@pytest.mark.parametrize("changed", [{"api_key": OTHER}, {"api_base": "https://two.example.com"}, {"api_key": 5}])
def test_what_somebody_else_changed_is_written_back(changed: dict[str, Any]) -> None:
    proxy = FakeCredentials()
    run(proxy, credential_values=VALUES)
    proxy.database["c"]["credential_values"] |= changed
    proxy.reload()
    assert run(proxy, credential_values=VALUES).action == "update"
    assert proxy.writes[-1][2]["credential_values"] == {name: VALUES[name] for name in changed}
    unchanged(proxy, credential_values=VALUES)


def test_a_name_is_one_part_of_the_address() -> None:
    proxy = FakeCredentials()
    name = "a/../b c?d=e&f#g%2F"
    assert run(proxy, credential_name=name, credential_values=VALUES).action == "create"
    assert list(proxy.database) == [name]
    unchanged(proxy, credential_name=name, credential_values=VALUES)
    assert run(proxy, "absent", credential_name=name).action == "delete"


@pytest.mark.parametrize(("policy", "action"), [("on_change", "none"), ("always", "update"), ("never", "none")])
def test_when_values_are_written(policy: str, action: str) -> None:
    proxy = FakeCredentials()
    run(proxy, credential_values=VALUES)
    assert run(proxy, credential_values=VALUES, update_values=policy).action == action


def test_never_adds_what_is_not_there() -> None:
    proxy = FakeCredentials()
    proxy.put("c", {"api_key": OTHER})
    run(proxy, credential_values=VALUES, update_values="never")
    assert proxy.database["c"]["credential_values"] == {"api_key": OTHER, "api_base": BASE}


def test_making_one_needs_values() -> None:
    with pytest.raises(InputError, match=r"it does not exist yet\. To create it, set credential_values or model_id"):
        run(FakeCredentials(), credential_info={"owner": "a"})


def test_what_is_in_the_configuration_file_is_left_there() -> None:
    proxy = FakeCredentials()
    proxy.put("c", VALUES)
    proxy.in_config = {"c"}
    for options in ({"credential_values": {"api_key": OTHER}}, {"state": "absent"}):
        with pytest.raises(InputError, match="configuration file"):
            run(proxy, **options)
    assert run(proxy, credential_values={"api_base": BASE}).action == "none"
    assert proxy.writes == []


def test_success_must_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = FakeCredentials()
    monkeypatch.setattr(proxy, "send", lambda *args, **options: {"message": "?"})
    (outcome,) = converge(CredentialStore(proxy), [want(credential_values=VALUES)])
    assert isinstance(outcome.error, ApiError)


def test_a_404_of_something_else_does_not_mean_that_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> Any:
        raise ApiError("Not Found", 404)

    proxy = FakeCredentials()
    monkeypatch.setattr(proxy, "get", refuse)
    with pytest.raises(ApiError):
        run(proxy, "absent")


# Memories that lag


@pytest.mark.parametrize("version", ["1.110.2", "1.106.2", *OLD])
def test_an_entry_that_is_gone_is_not_written_again_though_its_name_stays(version: str) -> None:
    proxy = FakeCredentials(version)
    run(proxy, credential_values=VALUES, credential_info={"a": 1, "b": 2, "c": 3})
    run(proxy, credential_info={"a": 1, "b": 2})
    run(proxy, credential_info={"a": 1})
    assert set(proxy.memory["c"]["credential_info"]) == {"a", "b", "c", OWN_ENTRY}
    assert info_of(proxy) == {"a": 1}
    unchanged(proxy, credential_values=VALUES, credential_info={"a": 1})
    proxy.reload()
    unchanged(proxy, credential_values=VALUES, credential_info={"a": 1})
    assert Credential().read(proxy, {"credential_name": "c"})["credentials"][0]["credential_info"] == {"a": 1}


def test_null_is_no_entry() -> None:
    proxy = FakeCredentials()
    run(proxy, credential_values=VALUES, credential_info={"a": 1, "b": None})
    unchanged(proxy, credential_values=VALUES, credential_info={"a": 1})


@pytest.mark.parametrize("version", ["1.110.2", "1.106.2", *OLD])
def test_an_entry_that_somebody_added_since_is_removed(version: str) -> None:
    proxy = FakeCredentials(version)
    run(proxy, credential_values=VALUES, credential_info={"a": 1, "b": 2})
    run(proxy, credential_info={"a": 1})
    proxy.database["c"]["credential_info"]["b"] = 3
    proxy.reload()
    assert run(proxy, credential_info={"a": 1}).action == "update"
    assert info_of(proxy) == {"a": 1}


@pytest.mark.parametrize("version", ["1.106.2", *OLD])
def test_a_lost_answer_is_no_second_write(version: str) -> None:
    proxy = FakeCredentials(version)
    proxy.lose_answer = True
    assert run(proxy, credential_values=VALUES).action == "create"
    assert [method for method, _name, _body in proxy.writes] == ["POST"]
    unchanged(proxy, credential_values=VALUES)


@pytest.mark.parametrize("version", ["1.106.2", *OLD])
def test_a_worker_that_does_not_know_it_yet(version: str) -> None:
    proxy = FakeCredentials(version, workers=2)
    run(proxy, credential_values=VALUES, credential_info={"owner": "a"})
    proxy.worker = 1
    run(proxy, credential_values={"api_key": SECOND})
    assert proxy.database["c"]["credential_values"] == {**VALUES, "api_key": SECOND}
    assert info_of(proxy) == {"owner": "a"}
    run(proxy, credential_values={"api_key": OTHER}, credential_info={"owner": "b"})
    assert info_of(proxy) == {"owner": "b"}
    proxy.reload()
    unchanged(proxy, credential_values={"api_key": OTHER}, credential_info={"owner": "b"})


def test_a_worker_that_does_not_know_it_yet_and_values_that_are_not_to_be_touched() -> None:
    proxy = FakeCredentials(workers=2)
    run(proxy, credential_values=VALUES)
    proxy.worker = 1
    run(proxy, credential_values={"api_key": SECOND}, update_values="never")
    assert proxy.database["c"]["credential_values"] == VALUES


@pytest.mark.parametrize("version", ["1.106.2", *OLD])
def test_a_worker_that_still_knows_it(version: str) -> None:
    proxy = FakeCredentials(version, workers=2)
    run(proxy, credential_values=VALUES)
    proxy.reload()
    run(proxy, "absent")
    proxy.worker = 1
    assert run(proxy, "absent").action == ("delete" if version in OLD else "none")
    proxy.memory["c"] = {"credential_info": {}, "credential_values": dict(VALUES)}
    run(proxy, credential_values={**VALUES, "api_key": SECOND})
    assert proxy.database["c"]["credential_values"] == {**VALUES, "api_key": SECOND}
    unchanged(proxy, credential_values={**VALUES, "api_key": SECOND})


def test_what_another_run_made_meanwhile_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = FakeCredentials()
    post = proxy._post

    def overtaken(name: str, body: dict[str, Any]) -> Any:
        monkeypatch.setattr(proxy, "_post", post)
        run(proxy, credential_values=VALUES)
        return post(name, body)

    monkeypatch.setattr(proxy, "_post", overtaken)
    assert run(proxy, credential_values=VALUES).action == "none"
    assert [method for method, _name, _body in proxy.writes] == ["POST", "POST"]


infos = st.dictionaries(st.sampled_from("ab"), st.integers(0, 1))
values = st.dictionaries(st.sampled_from(["api_key", "api_base"]), st.sampled_from([FIRST, SECOND, OTHER]), min_size=1)
step = st.one_of(
    st.fixed_dictionaries({"credential_info": infos, "credential_values": values}),
    st.fixed_dictionaries({"credential_values": values}),
    st.fixed_dictionaries({"state": st.just("absent")}),
    st.just("reload"),
    st.integers(0, 1),
)


def holds(proxy: FakeCredentials, declared: dict[str, Any]) -> bool:
    """Whether the database has what is declared."""
    if declared.get("state") == "absent":
        return "c" not in proxy.database
    stored = proxy.database["c"]
    return stored["credential_values"] == {**stored["credential_values"], **declared["credential_values"]} and (
        info_of(proxy) == declared.get("credential_info", info_of(proxy))
    )


@given(steps=st.lists(step, max_size=8), last=step.filter(lambda one: isinstance(one, dict)))
def test_any_history_ends_as_declared(steps: list[Any], last: dict[str, Any]) -> None:
    """With one worker at each run, and no run ever writes what is there; with two, as soon as they have caught up."""
    for workers in (1, 2):
        proxy = FakeCredentials(workers=workers)
        for one in steps:
            if one == "reload":
                proxy.reload()
            elif isinstance(one, int):
                proxy.worker = one % workers
            else:
                run(proxy, **one)
                assert workers == 2 or holds(proxy, one)
                unchanged(proxy, **one) if workers == 1 else None
        proxy.reload()
        run(proxy, **last)
        assert holds(proxy, last)
        unchanged(proxy, **last)
        proxy.reload()
        unchanged(proxy, **last)


def test_a_plan_needs_no_server() -> None:
    assert plan_credential(want(credential_values=VALUES), None).action == "create"
