# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration of a key means, and what is sent for it. Nothing here talks to a proxy."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._durations import add_duration
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Plan
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import (
    KeyDeclaration,
    declare,
    derived_value,
    key_options,
    new_value,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._planning import Found, plan_key
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._requests import (
    create_body,
    create_path,
    update_body,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import (
    KEY,
    RETIRED_MARK,
    public_view,
    token_of,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import UNSET
from ansible_collections.litemaas.virtual_keys.tests.examples_of_keys import EXAMPLES
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import body, key_row
from hypothesis import example, given
from hypothesis import strategies as st

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
SEED = "a seed of at least thirty-two characters"
LICENSED = "allowed_passthrough_routes model_max_budget tags guardrails policies prompts"


def want(**options: Any) -> KeyDeclaration:
    return declare({"key_alias": "a", **options}, options.pop("state", "present"))


def row(**changes: Any) -> dict[str, Any]:
    """A key as it is listed, with nothing set but what is given."""
    empty = {"models": [], "max_budget": None, "expires": None, "user_id": None, "metadata": {}}
    return key_row(**{**empty, "key_alias": "a", "token": "t" * 64, **changes})


def planned(current: dict[str, Any] | None = None, retired: dict[str, Any] | None = None, **options: Any) -> Plan:
    found = Found([current] if current else [], [retired] if retired else [])
    return plan_key(want(**options), found, NOW, NOW)


def updated(current: dict[str, Any], **options: Any) -> dict[str, Any]:
    """What an update sends, without what identifies the key."""
    sent = update_body(planned(current, **options), NOW)
    assert sent.pop("key") == current["token"]
    return sent


def created(**options: Any) -> dict[str, Any]:
    return create_body(planned(**options), NOW)


# Declarations


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key_alias": None}, "key_alias or key_id is required"),
        ({"key_alias": ""}, "key_alias or key_id is required"),
        (
            {"key_id": "sk-value-of-a-key-0001"},
            "key_id: the ID of a key has 64 hexadecimal digits and is not its value.",
        ),
        ({"key_id": "A" * 64}, "key_id: the ID of a key has 64 hexadecimal digits"),
        ({"key_id": "a" * 64, "reissue": "x"}, "key_id and reissue are mutually exclusive"),
        ({"key_id": "a" * 64, "rotate_after": "1d"}, "key_id and rotate_after are mutually exclusive"),
        ({"key_alias": "  "}, "key_alias: must not be blank"),
        ({"key_alias": "a\tb"}, "control characters"),
        ({"key_alias": "a\x7f"}, "control characters"),
        ({"max_budget": -0.01}, "max_budget: must not be negative."),
        ({"max_budget": float("nan")}, "max_budget: must be a finite number."),
        ({"max_budget": float("inf")}, "max_budget: must be a finite number."),
        ({"tpm_limit": -1}, "tpm_limit: must not be negative."),
        ({"budget_duration": "1y"}, "budget_duration: '1y' is not a duration: use a whole number"),
        ({"duration": "30days"}, "duration: '30days' is not a duration"),
        ({"duration": "0d"}, "duration: '0d' is not a duration"),
        ({"duration": "1d", "renew_within": "soon"}, "renew_within: 'soon' is not a duration"),
        ({"renew_within": "1d"}, "renew_within requires duration"),
        ({"expires_at": "2031-01-01T00:00:00"}, "expires_at: '2031-01-01T00:00:00' is not a valid time"),
        ({"expires_at": "2031-01-01T00:00:00Z", "duration": "1d"}, "expires_at and duration are mutually exclusive"),
        ({"unset": ["max_budget"], "max_budget": 5.0}, "max_budget cannot be both set and listed in unset."),
        ({"unset": ["key_alias"]}, "key_alias cannot be unset."),
        ({"soft_budget": 1.0, "budget_id": "b"}, "soft_budget and budget_id are mutually exclusive"),
        ({"key_type": "llm_api", "allowed_routes": ["/x"]}, "key_type and allowed_routes are mutually exclusive"),
        ({"service_account_id": "s"}, "service_account_id requires team_id."),
        ({"auto_rotate": True}, "auto_rotate requires rotation_interval."),
        ({"rotation_interval": "30d"}, "rotation_interval requires auto_rotate"),
        ({"rotation_interval": "30d", "auto_rotate": False}, "rotation_interval requires auto_rotate"),
        ({"rotation_interval": "x"}, "rotation_interval: 'x' is not a duration"),
        ({"metadata": {"tags": ["a"]}}, "metadata: use the option tags to set tags."),
        ({"metadata": {"litellm_vkey_reset_spend": "x"}}, "use the option reset_spend to set"),
        ({"metadata": {"team_member_key_duration": "1d"}}, "metadata: team_member_key_duration is reserved."),
        ({"key": "sk-0123456789abcdef", "key_seed": SEED}, "key and key_seed are mutually exclusive."),
        ({"key": "0123456789abcdefgh"}, "key must start with sk- and have at least 16 characters."),
        ({"key": "sk-0123456789ab"}, "key must start with sk- and have at least 16 characters."),
        ({"key": ""}, "key must start with sk-"),
        ({"key_seed": "x" * 31}, "key_seed must have at least 32 characters."),
        (
            {"model_rpm_limit": {"gpt-4": "many", "x": 1}},
            "model_rpm_limit: needs a whole number, 0 or above, for gpt-4.",
        ),
        ({"model_tpm_limit": {"gpt-4": True}}, "model_tpm_limit: needs a whole number"),
        ({"model_tpm_limit": {"gpt-4": -1}}, "model_tpm_limit: needs a whole number"),
    ],
)
def test_a_wrong_declaration_is_refused_in_a_sentence(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        declare({"key_alias": "a", **options})
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")
    assert caught.value.subject == (options.get("key_alias", "a") or "")
    for secret in (options.get("key"), options.get("key_seed")):
        assert not secret or secret not in str(caught.value)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InputError, match=r"max_budget: .* tpm_limit: .* duration: "):
        declare({"key_alias": "a", "max_budget": -1.0, "tpm_limit": -1, "duration": "x"})


def of_type(option: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that pass an option's argument spec."""
    if option.get("choices") and option["type"] == "str":
        return st.sampled_from(option["choices"])
    if option.get("choices"):
        return st.lists(st.sampled_from(option["choices"]), max_size=2)
    plain = {
        "str": st.text(max_size=40),
        "int": st.integers(),
        "float": st.floats(),
        "bool": st.booleans(),
        "dict": st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(max_size=3), max_size=2),
    }
    if "options" in option:
        return st.lists(st.fixed_dictionaries({name: of_type(o) for name, o in option["options"].items()}), max_size=2)
    if option["type"] == "list":
        return st.lists(plain[option["elements"]], max_size=3)
    return plain[option["type"]]


OPTIONS = {name: of_type(option) for name, option in key_options().items()}
few = st.sets(st.sampled_from(sorted(OPTIONS)), max_size=4)


@given(few.flatmap(lambda names: st.fixed_dictionaries({name: OPTIONS[name] for name in names})), st.booleans())
@example({"budget_duration": "٣d"}, True)
@example({"expires_at": "0001-01-01T00:00:00+23:59"}, True)
@example({"duration": "999999999mo"}, True)
@example({"duration": "999999999w"}, True)
def test_a_declaration_of_the_right_types_is_taken_or_refused(options: dict[str, Any], there: bool) -> None:
    """Whatever the values are: it is an InputError, or a plan that can be shown and sent."""
    try:
        declared = declare({"key_alias": "a", **options})
        result = plan_key(declared, Found([row()] if there else []), NOW)
    except InputError:
        return
    assert result.diff["after_header"] == declared.alias
    assert (update_body if there else create_body)(result, NOW)


def test_aliases_and_defaults() -> None:
    plain = want()
    assert (plain.alias, plain.state, plain.value, plain.value_policy, plain.merge_metadata) == (
        "a",
        "present",
        None,
        "keep",
        True,
    )
    assert dict(plain.fields) == {"key_alias": "a"}
    assert want(key="sk-0123456789abcdef").value_policy == "fail"
    assert want(key="sk-0123456789abcdef", value_policy="reissue").value_policy == "reissue"
    assert want(metadata_mode="replace").merge_metadata is False
    assert want(state="absent").state == "absent"


def test_empty_text_and_unset_declare_no_value() -> None:
    assert want(user_id="", unset=["max_budget"]).fields == {"key_alias": "a", "user_id": UNSET, "max_budget": UNSET}


def test_a_service_account_gives_its_name_to_the_key() -> None:
    assert declare({"service_account_id": "robot", "team_id": "t"}).alias == "robot"


def test_only_what_is_secret_is_marked_so() -> None:
    options = key_options()
    assert sorted(name for name, option in options.items() if option.get("no_log")) == ["key", "key_seed"]
    assert options["key_alias"]["aliases"] == ["name"]
    assert "key_alias" not in options["unset"]["choices"]
    assert "key_type" not in options["unset"]["choices"]
    assert {"max_budget", "expires_at", "metadata"} <= set(options["unset"]["choices"])


# Values


def test_the_derived_value_is_the_published_formula() -> None:
    message = b"litemaas.virtual_keys.v1\x00alice\x002"
    digest = hmac.new(SEED.encode(), message, hashlib.sha256).digest()
    assert derived_value(SEED, "alice", 2) == "sk-" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert want(key_alias="alice", key_seed=SEED, key_version=2).value == derived_value(SEED, "alice", 2)
    assert want(key_alias="alice", key_seed=SEED).value == derived_value(SEED, "alice", 1)


def test_the_derived_value_never_changes() -> None:
    """People rely on it across versions of this collection."""
    assert derived_value("0123456789abcdef0123456789abcdef", "workshop-user1", 1) == DERIVED


DERIVED = "sk-zONJBHLGtoBjlt9R8GtDWIh47HzZYq83GtDNC2CYnSY"
names = st.text(min_size=1, max_size=8)


@given(st.lists(st.tuples(names, names, st.integers(1, 20), names | st.just("")), unique=True, min_size=2, max_size=5))
def test_derived_values_differ_and_are_good_values(inputs: list[tuple[str, str, int, str]]) -> None:
    # A lone surrogate cannot be encoded, and Ansible does not let one in.
    inputs = [one for one in inputs if "".join(map(str, one)).isprintable()]
    values = {derived_value(*one) for one in inputs}
    assert len(values) == len(inputs)
    assert all(re.fullmatch(r"sk-[A-Za-z0-9_-]{43}", value) for value in values)


def test_alias_and_version_cannot_be_confused() -> None:
    assert derived_value(SEED, "a1", 1) != derived_value(SEED, "a", 11)


def test_new_values_are_long_different_and_without_what_ansible_hides() -> None:
    values = {new_value("sk-master") for _time in range(50)}
    assert len(values) == 50
    assert all(re.fullmatch(r"sk-[A-Za-z0-9_-]{32}", value) for value in values)
    assert all("e" not in new_value("e") for _time in range(20))
    assert all(new_value(avoid) for avoid in ("", "s", "sk-"))


def test_token_of() -> None:
    assert token_of("sk-recorded-value-0001") == body("list_one")["keys"][0]["token"]
    assert token_of("sk-ä") == hashlib.sha256("sk-ä".encode()).hexdigest()


@given(names)
def test_retired_aliases_keep_to_strict_characters(alias: str) -> None:
    one = KeyDeclaration(alias, "present", {}).retired_alias
    assert re.fullmatch(r"\.retired-[0-9a-f]{8}", one.removeprefix(alias))


# Durations


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2030-01-31T12:00", "30s", "2030-01-31T12:00:30"),
        ("2030-01-31T12:00", "5m", "2030-01-31T12:05"),
        ("2030-01-31T12:00", "12h", "2030-02-01T00:00"),
        ("2030-01-31T12:00", "30d", "2030-03-02T12:00"),
        ("2030-01-31T12:00", "2w", "2030-02-14T12:00"),
        ("2030-01-31T12:00", "1mo", "2030-02-28T12:00"),
        ("2032-01-31T12:00", "1mo", "2032-02-29T12:00"),
        ("2030-12-15T12:00", "1mo", "2031-01-15T12:00"),
        ("2030-01-31T12:00", "14mo", "2031-03-31T12:00"),
        ("2030-01-31T12:00", "11mo", "2030-12-31T12:00"),
    ],
)
def test_add_duration(start: str, duration: str, end: str) -> None:
    assert add_duration(datetime.fromisoformat(start), duration) == datetime.fromisoformat(end)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(1, 500))
def test_months_end_on_the_same_day_or_the_last(start: datetime, months: int) -> None:
    end = add_duration(start, f"{months}mo")
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == start.day or ((end + timedelta(days=1)).day == 1 and end.day < start.day)
    assert end.time() == start.time()


@given(st.integers(1, 10**4), st.sampled_from("smhdw"))
def test_other_units_are_seconds(count: int, unit: str) -> None:
    names = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    assert add_duration(NOW, f"{count}{unit}") - NOW == timedelta(**{names[unit]: count})


# Creating


def test_create_sends_what_is_declared_and_nothing_empty() -> None:
    sent = created(
        models=["gpt-4"], max_budget=5.0, tags=[], guardrails=[], user_id="", blocked=False, duration="1h", rpm_limit=0
    )
    assert sent == {"key_alias": "a", "models": ["gpt-4"], "max_budget": 5.0, "duration": "3600s", "rpm_limit": 0}


def test_create_sends_the_chosen_value() -> None:
    assert created(key="sk-0123456789abcdef")["key"] == "sk-0123456789abcdef"
    assert "key" not in created()


def test_create_with_expires_at_sends_seconds() -> None:
    assert created(expires_at="2030-02-01T12:00:00+00:00")["duration"] == "86400s"
    assert created(expires_at="2030-01-31T13:00:00.5+00:00")["duration"] == "3600s"


def test_a_team_key_without_models_gets_those_of_the_team() -> None:
    assert created(team_id="t")["models"] == ["all-team-models"]
    assert created(team_id="t", models=["gpt-4"])["models"] == ["gpt-4"]
    assert "models" not in created(team_id="t", models=[])
    assert "models" not in created(team_id="")
    assert "models" not in updated(row(team_id="t"), team_id="t", max_budget=1.0)


def test_a_service_account_has_an_endpoint_of_its_own() -> None:
    result = planned(service_account_id="robot", team_id="t", metadata={"x": 1})
    assert create_path(result) == "/key/service-account/generate"
    assert create_body(result, NOW)["metadata"] == {"x": 1, "service_account_id": "robot"}
    assert create_path(planned()) == "/key/generate"
    old = row(metadata={"service_account_id": "robot"}, team_id="t")
    assert create_path(planned(old, value_policy="reissue")) == "/key/service-account/generate"


def test_budget_windows_are_sent_without_what_the_server_adds() -> None:
    window = {"max_budget": 1.0, "budget_duration": "1d", "reset_at": "2030-01-01T00:00:00Z"}
    result = planned(row(budget_limits=[window]), value_policy="reissue")
    assert create_body(result, NOW)["budget_limits"] == [{"max_budget": 1.0, "budget_duration": "1d"}]


# Each field, once


# These have tests of their own.
SPECIAL = {
    "key_alias",
    "key_version",
    "service_account_id",
    "key_type",
    "project_id",
    "temp_budget_increase",
    "temp_budget_expiry",
    "reset_spend",
    "reissue",
    "group",
}


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The part of a record that shows a value at that place."""
    return {path[0]: nested(path[1:], value) if path[1:] else value}


# Where a record shows a field otherwise than it was declared: option, declared, the record, another value.
SHOWN_OTHERWISE: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("models", ["b", "a"], {"models": ["a", "b"]}, ["a"]),
    ("soft_budget", 2.0, {"litellm_budget_table": {"soft_budget": 2.0}}, 3.0),
    (
        "budget_limits",
        [{"max_budget": 1.0, "budget_duration": "1d"}],
        {"budget_limits": [{"max_budget": 1.0, "budget_duration": "1d", "reset_at": "x"}]},
        [{"max_budget": 2.0, "budget_duration": "1d"}],
    ),
    ("organization_id", "o", {"org_id": "o"}, "p"),
    ("allowed_routes", ["/b", "/a"], {"allowed_routes": ["/a", "/b"]}, ["/a"]),
    ("metadata", {"x": 1}, {"metadata": {"x": 1, "tags": ["t"]}}, {"x": 2}),
    ("tags", ["b", "a"], {"metadata": {"tags": ["a", "b"]}}, ["a"]),
    (
        "object_permission",
        {"mcp_servers": ["b", "a"], "vector_stores": []},
        {"object_permission": {"object_permission_id": "i", "mcp_servers": ["a", "b"], "agents": [], "teams": []}},
        {"mcp_servers": ["a"]},
    ),
    ("router_settings", {"timeout": 3}, {"router_settings": {"timeout": 3.0, "weights": None}}, {"timeout": 4}),
    ("expires_at", "2031-01-01T00:00:00Z", {"expires": "2031-01-01T00:00:00.412000Z"}, "2031-01-01T00:02:00Z"),
    ("organization_id", "o", {"organization_id": "o"}, "p"),
    (
        "model_max_budget",
        {"m": {"budget_limit": 1, "time_period": "1d"}},
        {"model_max_budget": {"m": {"budget_limit": 1.0, "time_period": "1d"}}},
        {"m": {"budget_limit": 2, "time_period": "1d"}},
    ),
    ("policies", ["p"], {"metadata": {"policies": ["p"]}}, ["q"]),
    ("policies", ["p"], {"policies": ["p"]}, ["q"]),
]
FIELDS = SHOWN_OTHERWISE + [
    (name, example.first, nested(KEY.field(name).path or (name,), example.first), example.second)
    for name, example in EXAMPLES.items()
    if name not in {option for option, *_others in SHOWN_OTHERWISE} | SPECIAL
]
with_each_field = pytest.mark.parametrize(("option", "declared", "stored", "other"), FIELDS)
# What a declaration of an option needs beside it, and what an update of it sends as well.
COMPANY: dict[str, dict[str, Any]] = {
    "auto_rotate": {"rotation_interval": "30d"},
    "rotation_interval": {"auto_rotate": True},
}
SENT_ALONG = {"auto_rotate": {"rotation_interval"}, "rotation_interval": {"auto_rotate"}}


def test_each_field_of_the_table_is_tried() -> None:
    missing = {field.name for field in KEY.fields} - {option for option, *_others in FIELDS} - SPECIAL
    assert not missing, f"tests/examples_of_keys.py has no values for {', '.join(missing)}"


@with_each_field
def test_what_is_there_is_not_written_again(option: str, declared: Any, stored: dict[str, Any], other: Any) -> None:
    company = COMPANY.get(option, {})
    result = planned(row(**company, **stored), **company, **{option: declared})
    assert (result.action, dict(result.changes)) == ("none", {})


@with_each_field
def test_what_differs_is_written(option: str, declared: Any, stored: dict[str, Any], other: Any) -> None:
    current = row(**{**COMPANY.get(option, {}), **stored})
    result = planned(current, **({} if other is False else COMPANY.get(option, {})), **{option: other})
    assert result.action == "update"
    assert set(result.changes) == {option}
    sent = update_body(result, NOW)
    expected = "duration" if option == "expires_at" else option
    assert expected in sent
    in_metadata = "metadata" in stored or option in ("policies", "metadata")
    assert set(sent) == {"key", expected} | SENT_ALONG.get(option, set()) | ({"metadata"} if in_metadata else set())


@with_each_field
def test_what_is_missing_is_written(option: str, declared: Any, stored: dict[str, Any], other: Any) -> None:
    result = planned(row(), **COMPANY.get(option, {}), **{option: declared})
    assert result.action == "update"
    assert option in result.changes
    assert result.before[option] in (None, False, [], {})


@with_each_field
def test_a_field_is_taken_away(option: str, declared: Any, stored: dict[str, Any], other: Any) -> None:
    current = row(**stored)
    result = planned(current, unset=[option])
    assert (result.action, set(result.changes)) == ("update", {option})
    assert result.after[option] is None
    sent = update_body(result, NOW)
    # null for a list is refused, and null for a dict spoils the row: every page of the listing would fail.
    kind = KEY.field(option).type
    if option == "expires_at":
        assert sent["duration"] == "-1"
    elif option == "object_permission":
        assert sent[option] == {"mcp_servers": []}
    elif option in ("metadata", "policies") or "metadata" in stored:
        assert option not in sent["metadata"]
        assert option == "metadata" or option not in sent
    else:
        assert sent[option] == {"list": [], "dict": {}, "bool": False}.get(kind)
    assert planned(row(), unset=[option]).action == "none"


def test_a_key_joins_a_project_and_leaves_it_but_does_not_change_it() -> None:
    assert updated(row(project_id="p"), unset=["project_id"]) == {"project_id": None}
    assert planned(row(project_id="p"), project_id="p").action == "none"
    assert updated(row(), project_id="q") == {"project_id": "q"}
    with pytest.raises(InputError, match="cannot change project_id of an existing virtual key"):
        planned(row(project_id="p"), project_id="q")


RAISE = {"temp_budget_increase": 5.0, "temp_budget_expiry": "2030-02-01T01:00:00+01:00"}
RAISED = {"temp_budget_increase": 5.0, "temp_budget_expiry": "2030-02-01T00:00:00"}


def test_all_kinds_of_permissions_on_objects_are_read_and_cleared() -> None:
    stored = {
        "object_permission_id": "i",
        "agents": ["a"],
        "mcp_tool_permissions": {"server": ["tool"]},
        "mcp_tool_search_enabled": True,
        "models": [],
        "skills": None,
        "verification_tokens": [{"token": "t"}],
        "agents_table": [{"agent_id": "a"}],
    }
    current = row(object_permission=stored)
    kinds = {"agents": ["a"], "mcp_tool_permissions": {"server": ["tool"]}, "mcp_tool_search_enabled": True}
    assert public_view(current)["object_permission"] == kinds
    assert planned(current, object_permission=kinds).action == "none"
    changing = planned(current, object_permission={"agents": ["b"]})
    assert update_body(changing, NOW)["object_permission"] == {"agents": ["b"]}
    assert changing.after["object_permission"] == {**kinds, "agents": ["b"]}
    cleared = {"agents": [], "mcp_tool_permissions": {}, "mcp_tool_search_enabled": None}
    assert updated(current, unset=["object_permission"]) == {"object_permission": cleared}


def test_an_organization_that_was_left_is_not_read_from_the_listing_any_more() -> None:
    assert KEY.field("organization_id").value(row(org_id="o")) == "o"
    assert KEY.field("organization_id").value(row(org_id="o", organization_id=None)) is None


def test_a_temporary_budget_is_kept_in_metadata_with_a_time_that_all_servers_read() -> None:
    assert created(**RAISE) == {"key_alias": "a", "metadata": RAISED}
    assert updated(row(metadata={"x": 1}), **RAISE) == {**RAISED, "metadata": {"x": 1, **RAISED}}
    assert planned(row(metadata=RAISED), **RAISE).action == "none"
    assert (
        planned(row(metadata={**RAISED, "temp_budget_expiry": "2030-02-01T02:00:00+02:00"}), **RAISE).action == "none"
    )
    assert planned(row(metadata=RAISED), metadata={}, metadata_mode="replace").action == "none"


def test_half_of_a_temporary_budget_is_changed_with_the_other_half() -> None:
    sent = updated(row(metadata=RAISED), **{**RAISE, "temp_budget_increase": 6.0})
    assert sent == {**RAISED, "temp_budget_increase": 6.0, "metadata": {**RAISED, "temp_budget_increase": 6.0}}


def test_a_temporary_budget_is_taken_away() -> None:
    for none in ({"unset": list(RAISE)}, {"unset": ["temp_budget_increase"], "temp_budget_expiry": ""}):
        assert updated(row(metadata={"x": 1, **RAISED}), **none) == {"metadata": {"x": 1}}
        assert planned(row(), **none).action == "none"


@pytest.mark.parametrize("half", ["temp_budget_increase", "temp_budget_expiry"])
def test_half_of_a_temporary_budget_is_refused(half: str) -> None:
    other = next(name for name in RAISE if name != half)
    for options in ({half: RAISE[half]}, {"unset": [half]}, {half: RAISE[half], "unset": [other]}):
        with pytest.raises(InputError, match="temp_budget_increase and temp_budget_expiry must be set together"):
            want(**options)


def test_rotation_by_the_server_is_sent_as_a_pair() -> None:
    current = row(auto_rotate=True, rotation_interval="30d")
    pair = {"auto_rotate": True, "rotation_interval": "7d"}
    assert updated(current, **pair) == pair
    assert updated(current, auto_rotate=False) == {"auto_rotate": False, "rotation_interval": "30d"}
    assert updated(row(auto_rotate=True), **pair) == pair
    assert updated(row(rotation_interval="7d"), **pair) == pair


SPEND_MARK = "litellm_vkey_reset_spend"


def test_a_reset_of_the_spending_is_marked_and_announced() -> None:
    result = planned(row(spend=3.5, metadata={"x": 1}), reset_spend="june")
    assert update_body(result, NOW) == {"key": "t" * 64, "metadata": {"x": 1, SPEND_MARK: "june"}}
    assert (result.before["spend"], result.after["spend"]) == (3.5, 0.0)
    assert planned(row(spend=9.0, metadata={SPEND_MARK: "june"}), reset_spend="june").action == "none"


def test_a_new_key_starts_with_the_mark() -> None:
    assert created(reset_spend="june") == {"key_alias": "a", "metadata": {SPEND_MARK: "june"}}


def test_the_mark_of_a_reset_is_not_the_users_metadata() -> None:
    marked = row(metadata={"x": 1, SPEND_MARK: "june"})
    assert public_view(marked)["metadata"] == {"x": 1}
    assert public_view(marked)["reset_spend"] == "june"
    assert updated(marked, metadata={"y": 2}, metadata_mode="replace") == {"metadata": {"y": 2, SPEND_MARK: "june"}}


def test_taking_the_mark_away_resets_nothing() -> None:
    result = planned(row(spend=3.5, metadata={SPEND_MARK: "june"}), unset=["reset_spend"])
    assert update_body(result, NOW)["metadata"] == {}
    assert "spend" not in result.after


def test_a_new_value_and_a_reset_go_together() -> None:
    result = planned(row(spend=3.5, metadata={"x": 1}), reset_spend="june", value_policy="reissue")
    sent = create_body(result, NOW)
    assert "spend" not in sent and sent["metadata"] == {"x": 1, SPEND_MARK: "june", RETIRED_MARK: [row()["token"]]}
    assert create_body(planned(row(spend=3.5), value_policy="reissue"), NOW)["spend"] == 3.5


@pytest.mark.parametrize(
    ("current", "retired", "action"),
    [
        (None, None, "create"),
        ({"created_at": "2030-01-02T12:00:00Z"}, None, "none"),
        ({"created_at": "2030-01-01T12:00:00Z"}, None, "reissue"),
        ({"created_at": "2029-01-01T12:00:00Z"}, None, "reissue"),
        ({"created_at": "2029-01-01T12:00:00Z", "last_rotation_at": "2030-01-30T12:00:00Z"}, None, "none"),
        ({"created_at": None}, None, "none"),
        # The last run was interrupted before it could return the new value.
        ({"created_at": "2030-01-31T11:59:00Z"}, {"created_at": "2029-01-01T12:00:00Z"}, "reissue"),
        (None, {"created_at": "2030-01-30T12:00:00Z"}, "reissue"),
    ],
)
def test_a_value_is_replaced_for_its_age(current: Any, retired: Any, action: str) -> None:
    old = retired and row(**retired, key_alias=want().retired_alias, token="r" * 64)
    result = planned(current and row(**current), old, rotate_after="30d")
    assert result.action == action
    if action == "reissue":
        assert result.value is None and result.after["key_id"] != result.before["key_id"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key": "sk-0123456789abcdef"}, "to replace the declared value, set another one"),
        ({"auto_rotate": True, "rotation_interval": "1d"}, "LiteLLM would replace the value as well"),
    ],
)
def test_a_declared_value_is_not_replaced_for_its_age(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        want(rotate_after="30d", **options)


def test_metadata_backed_fields_go_to_the_top_as_well_where_the_server_checks_them() -> None:
    sent = updated(row(metadata={"owner": "x", "model_rpm_limit": {"m": 1}}), tags=["a"])
    assert sent == {"tags": ["a"], "metadata": {"owner": "x", "model_rpm_limit": {"m": 1}, "tags": ["a"]}}


@pytest.mark.parametrize("option", LICENSED.split())
def test_licensed_fields_are_marked_and_never_sent_empty(option: str) -> None:
    assert KEY.field(option).licensed
    assert option not in created(**{option: {} if KEY.field(option).type == "dict" else []})


def test_no_other_field_is_licensed() -> None:
    assert sorted(field.name for field in KEY.fields if field.licensed) == sorted(LICENSED.split())


# Key types


@pytest.mark.parametrize(
    ("routes", "kind"),
    [
        (None, "default"),
        ([], "default"),
        (["llm_api_routes"], "llm_api"),
        (["management_routes"], "management"),
        (["info_routes"], "read_only"),
        (["/x"], None),
        (["llm_api_routes", "/x"], None),
    ],
)
@pytest.mark.parametrize("column", [None, "default", "management"])
def test_a_key_type_is_read_from_the_routes_and_not_from_its_column(
    column: str | None, routes: list[str] | None, kind: str | None
) -> None:
    current = row(key_type=column, allowed_routes=routes)
    assert public_view(current)["key_type"] == kind
    if kind:
        assert planned(current, key_type=kind).action == "none"


@pytest.mark.parametrize("routes", [[], ["management_routes"], ["info_routes"]])
def test_a_key_of_another_type_gets_the_routes_of_the_declared_one(routes: list[str]) -> None:
    current = row(key_type="default", allowed_routes=routes)
    result = planned(current, key_type="llm_api")
    assert update_body(result, NOW)["allowed_routes"] == ["llm_api_routes"]
    assert (result.before["allowed_routes"], result.after["allowed_routes"]) == (routes, ["llm_api_routes"])
    reissued = planned(current, key_type="default", value_policy="reissue")
    assert create_body(reissued, NOW).get("allowed_routes") is None


@pytest.mark.parametrize("kind", ["default", "llm_api"])
def test_routes_of_its_own_give_way_to_a_key_type_only_if_the_play_says_so(kind: str) -> None:
    current = row(key_type="default", allowed_routes=["/v1/models", "/v1/messages"])
    with pytest.raises(InputError, match=re.escape("allowed_routes (/v1/models, /v1/messages)")):
        planned(current, key_type=kind)
    for none in ({"allowed_routes": []}, {"unset": ["allowed_routes"]}):
        routes = [] if kind == "default" else ["llm_api_routes"]
        assert updated(current, key_type=kind, **none) == {"key_type": kind, "allowed_routes": routes}
        assert planned(row(allowed_routes=routes), key_type=kind, **none).action == "none"


def test_the_default_type_leaves_room_for_declared_routes() -> None:
    declared = {"key_type": "default", "allowed_routes": ["/x"]}
    assert created(**declared) == {"key_alias": "a", "allowed_routes": ["/x"]}
    assert planned(row(allowed_routes=["/x"]), **declared).action == "none"


def test_what_cannot_be_changed_is_refused() -> None:
    with pytest.raises(InputError, match="cannot change service_account_id"):
        planned(row(team_id="t"), service_account_id="robot", team_id="t")


# Metadata


def test_metadata_of_others_stays() -> None:
    current = row(metadata={"theirs": 1, "ours": 1, "tags": ["t"], "service_account_id": "s"})
    assert updated(current, metadata={"ours": 2}) == {
        "metadata": {"theirs": 1, "ours": 2, "tags": ["t"], "service_account_id": "s"}
    }
    assert planned(current, metadata={"ours": 1}).action == "none"
    assert planned(current, metadata={}).action == "none"


def test_replacing_metadata_keeps_only_what_backs_fields_and_is_the_servers() -> None:
    current = row(metadata={"theirs": 1, "ours": 1, "tags": ["t"], "service_account_id": "s"})
    replaced = {"ours": 1, "tags": ["t"], "service_account_id": "s"}
    assert updated(current, metadata={"ours": 1}, metadata_mode="replace") == {"metadata": replaced}
    kept = {"tags": ["t"], "service_account_id": "s"}
    assert updated(current, metadata={}, metadata_mode="replace") == {"metadata": kept}
    assert updated(current, unset=["metadata"]) == {"metadata": kept}
    assert planned(row(metadata=replaced), metadata={"ours": 1}, metadata_mode="replace").action == "none"


def test_what_the_server_keeps_in_metadata_for_itself_is_no_ones_to_replace() -> None:
    theirs = {"team_member_key_duration": "30d", "disable_global_guardrails": True}
    current = row(metadata={"ours": 1, **theirs})
    assert planned(current, metadata={"ours": 1}, metadata_mode="replace").action == "none"
    assert updated(current, metadata={"ours": 2}, metadata_mode="replace") == {"metadata": {"ours": 2, **theirs}}
    assert public_view(current)["metadata"] == {"ours": 1}


def test_secrets_of_callbacks_are_not_compared_and_not_shown() -> None:
    def logging(secret: str, name: str = "langfuse") -> dict[str, Any]:
        return {"logging": [{"callback_name": name, "callback_vars": {"langfuse_secret_key": secret}}]}

    current = row(metadata=logging("litellm_enc::abc"))
    assert planned(current, metadata=logging("plain")).action == "none"
    changed = planned(current, metadata=logging("plain", "otel"))
    assert changed.action == "update"
    assert "plain" not in str(changed.diff)
    assert "litellm_enc" not in str(changed.diff)


# Expiry

EXPIRES = {"expires": "2030-02-10T12:00:00.412000Z"}


def test_no_update_moves_an_expiry_by_accident() -> None:
    assert updated(row(**EXPIRES), max_budget=1.0, duration="30d") == {"max_budget": 1.0}
    assert planned(row(**EXPIRES), duration="30d").action == "none"
    assert planned(row(), duration="30d").action == "none"


@pytest.mark.parametrize(
    ("within", "expires", "renewed"),
    [
        ("2d", "2030-02-02T11:59:00Z", True),
        ("2d", "2030-02-02T12:01:00Z", False),
        ("2d", "2029-02-02T12:00:00Z", True),
        ("1mo", "2030-02-28T11:59:00Z", True),
        ("1mo", "2030-02-28T12:01:00Z", False),
    ],
)
def test_renew_within(within: str, expires: str, renewed: bool) -> None:
    result = planned(row(expires=expires), duration="30d", renew_within=within)
    assert result.action == ("update" if renewed else "none")
    assert result.warnings == ()
    if renewed:
        assert update_body(result, NOW)["duration"] == f"{30 * 86400}s"


def test_a_key_without_an_end_is_not_renewed() -> None:
    assert planned(row(), duration="30d", renew_within="2d").action == "none"


def test_expires_at_is_kept_within_a_minute() -> None:
    assert planned(row(**EXPIRES), expires_at="2030-02-10T13:00:50+01:00").action == "none"
    assert updated(row(**EXPIRES), expires_at="2030-02-10T12:02:00Z") == {"duration": f"{10 * 86400 + 120}s"}
    assert updated(row(**EXPIRES), unset=["expires_at"]) == {"duration": "-1"}


def test_an_end_in_the_past_is_refused_unless_it_is_the_keys_own() -> None:
    with pytest.raises(InputError, match="is in the past") as caught:
        planned(row(), expires_at="2030-01-31T11:59:59Z")
    assert caught.value.subject == "a"
    with pytest.raises(InputError, match="is in the past"):
        planned(expires_at="2029-01-01T00:00:00Z")
    assert planned(row(expires="2030-01-31T11:59:59Z"), expires_at="2030-01-31T11:59:59Z").action == "none"


def test_an_expired_key_without_a_rule_earns_a_warning() -> None:
    result = planned(row(expires="2030-01-31T12:00:00Z"), duration="30d")
    assert result.action == "none"
    assert "expired at 2030-01-31T12:00:00+00:00" in result.warnings[0]
    assert planned(row(expires="2030-01-31T12:00:01Z")).warnings == ()
    assert planned(row(expires="2029-01-31T12:00:00Z"), expires_at="2031-01-01T00:00:00Z").warnings == ()


# Budgets that are shared


def test_a_soft_budget_is_not_written_into_a_shared_budget() -> None:
    shared = row(budget_id="b", litellm_budget_table={"max_budget": 5.0, "soft_budget": 1.0})
    with pytest.raises(InputError, match="would change the budget b for all who share it"):
        planned(shared, soft_budget=2.0)
    with pytest.raises(InputError, match="would change the budget b"):
        planned(shared, unset=["soft_budget"])
    assert planned(shared, soft_budget=1.0).action == "none"
    assert planned(shared, rpm_limit=1).action == "update"
    own = row(budget_id="b", litellm_budget_table={"max_budget": None, "soft_budget": 1.0})
    assert updated(own, soft_budget=2.0) == {"soft_budget": 2.0}


# The value of a key that exists


def test_value_policies() -> None:
    value = "sk-0123456789abcdef"
    same = row(token=token_of(value))
    assert planned(same, key=value).value == value
    assert planned(same, key=value, value_policy="reissue").action == "none"
    with pytest.raises(InputError, match=r"another value .* value_policy to keep .* reissue") as caught:
        planned(row(), key=value)
    assert value not in str(caught.value)
    kept = planned(row(), key=value, value_policy="keep")
    assert (kept.action, kept.value) == ("none", None)
    again = planned(row(), key=value, value_policy="reissue")
    assert (again.action, again.value) == ("reissue", value)
    assert planned(row()).value is None
    assert planned(row(), value_policy="reissue").action == "reissue"
    with pytest.raises(InputError, match="its value is not known"):
        planned(row(), value_policy="fail")
    assert planned(key=value).value == value


def test_a_reissued_key_has_all_that_the_old_one_had() -> None:
    old = row(
        models=["gpt-4"],
        max_budget=5.0,
        spend=1.25,
        tpd_limit=7,
        user_id="u",
        organization_id="o",
        budget_id="b",
        litellm_budget_table={"soft_budget": 2.0},
        metadata={"theirs": 1, "tags": ["t"], "service_account_id": "s"},
        rpm_limit=3,
        **EXPIRES,
    )
    result = planned(old, value_policy="reissue", rpm_limit=4, metadata={"ours": 2})
    sent = create_body(replace(result, value="sk-new"), NOW)
    assert sent == {
        "key": "sk-new",
        "key_alias": "a",
        "key_type": "default",
        "models": ["gpt-4"],
        "max_budget": 5.0,
        "spend": 1.25,
        "tpd_limit": 7,
        "user_id": "u",
        "organization_id": "o",
        "budget_id": "b",
        "rpm_limit": 4,
        "duration": f"{10 * 86400 + 1}s",
        "metadata": {"theirs": 1, "ours": 2, "tags": ["t"], "service_account_id": "s", RETIRED_MARK: [row()["token"]]},
    }


def test_a_reissued_key_leaves_out_what_is_taken_away() -> None:
    old = row(max_budget=5.0, metadata={"tags": ["t"], "x": 1}, **EXPIRES)
    result = planned(old, value_policy="reissue", unset=["max_budget", "tags", "expires_at"])
    sent = create_body(result, NOW)
    assert sent["metadata"] == {"x": 1, RETIRED_MARK: [row()["token"]]}
    assert not {"max_budget", "tags", "duration"} & set(sent)


# Values that were replaced


def version(number: int) -> str:
    return token_of(derived_value(SEED, "a", number))


def test_each_reissue_notes_the_id_that_it_retires() -> None:
    old = row(metadata={"x": 1, RETIRED_MARK: ["first"]})
    sent = create_body(planned(old, value_policy="reissue"), NOW)
    assert sent["metadata"] == {"x": 1, RETIRED_MARK: ["first", old["token"]]}
    assert public_view(old)["metadata"] == {"x": 1}
    assert updated(old, metadata={}, metadata_mode="replace")["metadata"] == {RETIRED_MARK: ["first"]}
    many = row(metadata={RETIRED_MARK: [str(number) for number in range(60)]})
    kept = create_body(planned(many, value_policy="reissue"), NOW)["metadata"][RETIRED_MARK]
    assert len(kept) == 50 and kept[-2:] == ["59", many["token"]]


@pytest.mark.parametrize("policy", ["fail", "reissue"])
def test_a_seed_does_not_bring_a_replaced_value_back(policy: str) -> None:
    leaked = row(metadata={RETIRED_MARK: [version(1)]})  # its value was replaced by a random one
    with pytest.raises(
        InputError, match=r"cannot be used again. Set key_version: 2 with value_policy: reissue, or, .* reissue"
    ):
        planned(leaked, key_seed=SEED, value_policy=policy)
    raised = row(token=version(2), metadata={RETIRED_MARK: [version(1)]})
    with pytest.raises(InputError, match=r"Set key_version: 2, whose value the key has\.$"):
        planned(raised, key_seed=SEED, value_policy=policy)
    assert planned(raised, key_seed=SEED, key_version=2).action == "none"
    assert planned(leaked, key_seed=SEED, value_policy="keep").action == "none"


def test_a_declared_value_does_not_come_back_either() -> None:
    leaked = row(metadata={RETIRED_MARK: [token_of("sk-the-leaked-value-1")]})
    with pytest.raises(InputError, match=r"Set another value\.$") as refused:
        planned(leaked, key="sk-the-leaked-value-1", value_policy="reissue")
    assert "leaked-value" not in str(refused.value)


def test_a_refusal_says_that_the_key_has_the_value_of_another_version() -> None:
    with pytest.raises(InputError, match="the value of another key_version"):
        planned(row(token=version(3)), key_seed=SEED)


# A reissue that is asked for by name


REISSUE_MARK = "litellm_vkey_reissue"


def reissued(number: int = 1, note: str = "1") -> str:
    return token_of(derived_value(SEED, "a", number, note))


def test_a_reissue_that_was_not_carried_out_replaces_the_value_and_notes_it() -> None:
    old = row(metadata={"x": 1})
    result = planned(old, reissue="1")
    assert (result.action, result.value) == ("reissue", None)
    assert create_body(result, NOW)["metadata"] == {"x": 1, REISSUE_MARK: "1", RETIRED_MARK: [old["token"]]}
    done = row(metadata={"x": 1, REISSUE_MARK: "1"})
    assert planned(done, reissue="1").action == "none"
    assert planned(done, reissue="2").action == "reissue"
    assert planned(done, reissue="").action == planned(done).action == "none"
    assert public_view(done)["reissue"] == "1" and public_view(done)["metadata"] == {"x": 1}
    assert planned(reissue="1").action == "create"


def test_a_reissue_with_a_seed_derives_another_value_that_later_runs_find() -> None:
    old = row(token=version(1))
    result = planned(old, reissue="1", key_seed=SEED)
    assert result.action == "reissue" and token_of(result.value or "") == reissued()
    done = row(token=reissued(), metadata={REISSUE_MARK: "1", RETIRED_MARK: [version(1)]})
    for options in ({}, {"reissue": "1"}, {"value_policy": "reissue"}, {"value_policy": "fail"}):
        again = planned(done, key_seed=SEED, **options)
        assert again.action == "none" and token_of(again.value or "") == reissued()
    raised = planned(done, key_seed=SEED, key_version=2, value_policy="reissue")
    assert raised.action == "reissue" and token_of(raised.value or "") == reissued(2)
    with pytest.raises(InputError, match="another key_version"):
        planned(row(token=reissued(2), metadata={REISSUE_MARK: "1"}), key_seed=SEED)
    once_more = row(token=reissued(note="2"), metadata={REISSUE_MARK: "2", RETIRED_MARK: [version(1), reissued()]})
    with pytest.raises(InputError, match=r"cannot be used again. Set another text as reissue\.$"):
        planned(once_more, key_seed=SEED, reissue="1")


def test_a_new_key_with_a_reissue_does_not_get_the_value_that_was_to_go() -> None:
    """Somebody may have deleted the leaked key by hand."""
    assert token_of(planned(reissue="1", key_seed=SEED).value or "") == reissued()


def test_a_reissue_whose_note_was_lost_is_noted_again() -> None:
    result = planned(row(token=reissued()), reissue="1", key_seed=SEED)
    assert (result.action, dict(result.changes)) == ("update", {"reissue": "1"})


def test_an_interrupted_reissue_is_completed() -> None:
    old = row(key_alias=want().retired_alias, token=version(1))
    new = row(token=reissued(), metadata={REISSUE_MARK: "1", RETIRED_MARK: [version(1)]})
    for options in ({"reissue": "1", "key_seed": SEED}, {"key_seed": SEED}):
        result = planned(new, old, **options)
        assert (result.existing, result.surplus, result.action) == (new, (old,), "update")
        assert token_of(result.value or "") == reissued()
    assert planned(retired=old, reissue="1", key_seed=SEED).action == "reissue"
    assert planned(new, old, reissue="1").action == "reissue", "nobody has got the new value"
    assert plan_key(recalling("sk-x", reissue="1"), Found([row(token=token_of("sk-x"))]), NOW).action == "reissue"


def test_a_reissue_is_not_repeated_where_another_run_was_quicker() -> None:
    new = row(metadata={REISSUE_MARK: "other"})
    result = plan_key(want(reissue="1"), Found([new], replaced=True), NOW)
    assert result.action == "none" and "not replaced again" in result.warnings[0]
    seeded = row(token=reissued(), metadata={REISSUE_MARK: "1"})
    result = plan_key(want(reissue="1", key_seed=SEED), Found([seeded], replaced=True), NOW)
    assert result.action == "none" and token_of(result.value or "") == reissued()


@pytest.mark.parametrize(
    "options", [{"reissue": " "}, {"reissue": "a\0b"}, {"reissue": "1", "key": "sk-of-the-users-own"}]
)
def test_a_reissue_that_cannot_be_meant(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="reissue"):
        want(**options)


@given(st.lists(st.sampled_from(["1", "2", "3"]), max_size=6))
def test_no_value_ever_comes_back(notes: list[str]) -> None:
    """Whatever is asked for in whatever order, with runs between that ask for nothing."""
    current, had = row(token=version(1)), {version(1)}
    for note in notes:
        try:
            plan = planned(current, reissue=note, key_seed=SEED)
        except InputError:
            continue
        if plan.action == "reissue":
            sent = create_body(plan, NOW)
            assert token_of(sent["key"]) not in had
            current = row(token=token_of(sent["key"]), metadata=sent["metadata"])
            had.add(current["token"])
        later = planned(current, key_seed=SEED)
        assert later.action == "none" and token_of(later.value or "") == current["token"]


# Values that a ledger knows


def recalling(*candidates: str, **options: Any) -> KeyDeclaration:
    return replace(declare({"key_alias": "a", **options}), candidates=candidates)


@pytest.mark.parametrize("policy", [None, "keep", "fail", "reissue"])
def test_a_value_in_the_ledger_is_the_keys_if_its_id_is(policy: str | None) -> None:
    stored = row(token=token_of("sk-known"))
    for candidates in (("sk-known",), ("sk-old", "sk-known"), ("sk-known", "sk-never-sent")):
        plan = plan_key(recalling(*candidates, value_policy=policy), Found([stored]), NOW)
        assert (plan.action, plan.value) == ("none", "sk-known")


def test_a_value_that_was_chosen_and_never_sent_is_used_for_the_new_key() -> None:
    plan = plan_key(recalling("sk-old", "sk-chosen"), Found(), NOW)
    assert (plan.action, plan.value) == ("create", "sk-chosen")


def test_a_reissue_takes_no_value_of_the_ledger() -> None:
    plan = plan_key(recalling("sk-old", value_policy="reissue"), Found([row()]), NOW)
    assert (plan.action, plan.value) == ("reissue", None)


def test_a_known_value_is_replaced_when_it_is_due() -> None:
    stored = row(token=token_of("sk-known"), created_at="2020-01-01T00:00:00+00:00")
    assert plan_key(recalling("sk-known", rotate_after="1d"), Found([stored]), NOW, NOW).action == "reissue"


# Doubles, and what an interrupted reissue left behind


def test_doubles_go_and_the_first_stays() -> None:
    first, second = row(token="1" * 64), row(token="2" * 64)
    result = plan_key(want(), Found([first, second]), NOW)
    assert (result.action, result.existing, result.surplus) == ("update", first, (second,))


def test_of_doubles_the_one_with_the_declared_value_stays() -> None:
    value = "sk-0123456789abcdef"
    first, ours = row(token="1" * 64), row(token=token_of(value))
    result = plan_key(want(key=value), Found([first, ours]), NOW)
    assert (result.existing, result.surplus, result.value) == (ours, (first,), value)


def test_a_retired_key_is_the_current_one_until_there_is_another() -> None:
    old = row(key_alias="a.retired-ca978112", token="1" * 64)
    alone = planned(retired=old)
    assert (alone.existing, alone.surplus) == (old, ())
    assert update_body(alone, NOW) == {"key": "1" * 64, "key_alias": "a"}
    new = row(token="2" * 64)
    both = planned(new, old)
    assert (both.action, both.existing, both.surplus) == ("update", new, (old,))


def test_absent_means_all_of_them() -> None:
    first, second, old = row(token="1" * 64), row(token="2" * 64), row(key_alias="a.retired-ca978112", token="3" * 64)
    result = plan_key(want(state="absent"), Found([first, second], [old]), NOW)
    assert (result.action, result.existing, result.surplus) == ("delete", first, (second, old))
    assert planned(state="absent").action == "none"


# What is returned


def test_shown_has_every_field_and_no_secret() -> None:
    record = row(key="sk-secret-value", metadata={"theirs": 1, "tags": ["t"]}, spend=1.5)
    view = public_view(record)
    assert {field.name for field in KEY.fields} <= set(view)
    assert (view["metadata"], view["tags"], view["spend"], view["blocked"]) == ({"theirs": 1}, ["t"], 1.5, False)
    assert (view["key_id"], view["max_budget"]) == (record["token"], None)
    assert "sk-secret-value" not in str(view)
