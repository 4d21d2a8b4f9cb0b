# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys through lost answers, crashes, races and odd proxies: each ends once, with a known value or a clear error."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import declare
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._kind import Key, KeyStore
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import page
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import (
    NOW,
    FakeLiteLLM,
    no_answer,
    refusal,
    token_of,
)

VALUE = "sk-declared-value-0001"
SEED = "a seed of at least thirty-two characters"


@pytest.fixture
def proxy() -> FakeLiteLLM:
    return FakeLiteLLM()


def run_all(proxy: FakeLiteLLM, declared: list[dict[str, Any]], state: str = "present", **store: Any) -> list[Outcome]:
    keys = KeyStore(proxy, **{"secret": "sk-unit-master-key", "sleep": proxy.sleep, **store})
    return converge(keys, [declare(options, state) for options in declared])


def run(proxy: FakeLiteLLM, alias: str = "a", state: str = "present", **options: Any) -> Outcome:
    (outcome,) = run_all(proxy, [{"key_alias": alias, **options}], state)
    return outcome


def unchanged(proxy: FakeLiteLLM, **options: Any) -> None:
    """A further run writes nothing."""
    before = len(proxy.writes)
    outcome = run(proxy, **options)
    assert (outcome.action, outcome.error) == ("none", None)
    assert len(proxy.writes) == before


# The plain way


def test_create(proxy: FakeLiteLLM) -> None:
    outcome = run(proxy, max_budget=5.0, tpm_limit=3, metadata={"x": 1}, duration="1d")
    assert (outcome.action, outcome.error, outcome.warnings) == ("create", None, ())
    assert outcome.value is not None
    assert outcome.record is not None
    assert proxy.only("a")["token"] == token_of(outcome.value) == outcome.record["token"]
    assert "key" not in outcome.record
    assert [path for path, _body in proxy.writes] == ["/key/generate"]
    unchanged(proxy, max_budget=5.0, tpm_limit=3, metadata={"x": 1}, duration="1d")


def test_update(proxy: FakeLiteLLM) -> None:
    token = proxy.add("a", max_budget=1.0)["token"]
    outcome = run(proxy, max_budget=5.0, soft_budget=2.0)
    assert (outcome.action, outcome.error, outcome.value) == ("update", None, None)
    assert proxy.writes == [("/key/update", {"key": token, "max_budget": 5.0, "soft_budget": 2.0})]
    assert outcome.record is not None
    assert (outcome.record["max_budget"], outcome.record["token"]) == (5.0, token)
    unchanged(proxy, max_budget=5.0, soft_budget=2.0)


MOVE = {"team_id": "team", "models": ["new"], "max_budget": 5.0}


def test_a_move_to_a_team_that_is_interrupted_is_completed_by_the_next_run(proxy: FakeLiteLLM) -> None:
    proxy.models_of["team"] = ["new"]
    token = proxy.add("a", models=["old"])["token"]
    proxy.fault("/key/update", 2, raised=no_answer(), carried_out=False)
    assert run(proxy, **MOVE).error is not None
    assert (proxy.only("a")["models"], proxy.only("a")["team_id"]) == (["new"], None)
    assert run(proxy, **MOVE).error is None
    assert {name: proxy.only("a")[name] for name in MOVE} == MOVE
    assert proxy.writes[0] == ("/key/update", {"key": token, "models": ["new"]})
    unchanged(proxy, **MOVE)


@pytest.mark.parametrize("answered", [True, False])
def test_a_key_that_cannot_move_gets_back_what_it_had(proxy: FakeLiteLLM, answered: bool) -> None:
    proxy.models_of["team"] = ["new"]
    token = proxy.add("a", models=["old"], max_budget=1.0)["token"]
    refused = ApiError("No.", 403)
    proxy.fault("/key/update", 2, raised=refused, carried_out=False)
    if not answered:  # what the key had cannot be restored: the first error is told all the same
        proxy.lose_answer("/key/update", 3, carried_out=False)
    assert run(proxy, **MOVE).error is refused
    assert proxy.writes[-1] == ("/key/update", {"key": token, "models": ["old"]})
    assert (proxy.only("a")["models"], proxy.only("a")["max_budget"]) == (["old"] if answered else ["new"], 1.0)


@pytest.mark.parametrize(
    ("models", "of_team", "kept"),
    [
        (["all-team-models"], ["a", "b"], ["a", "b"]),
        (["c", "all-team-models"], ["a", "c"], ["c", "a"]),
        ([], ["a"], ["a"]),
        (["c"], ["a"], ["c"]),
        (["all-team-models"], [], []),
    ],
)
def test_a_key_that_leaves_its_team_keeps_the_models_that_it_had_there(
    proxy: FakeLiteLLM, models: list[str], of_team: list[str], kept: list[str]
) -> None:
    proxy.models_of["team"] = of_team
    proxy.add("a", models=models, team_id="team")
    outcome = run(proxy, unset=["team_id"])
    assert (outcome.error, proxy.only("a")["models"], proxy.only("a")["team_id"]) == (None, kept, None)
    assert bool(outcome.warnings) == (not kept)
    unchanged(proxy, unset=["team_id"])


def test_a_key_whose_team_is_not_shown_does_not_leave_with_unknown_models(proxy: FakeLiteLLM) -> None:
    proxy.add("a", models=["all-team-models"], team_id="gone")
    with pytest.raises(InputError, match=r"models of the team 'gone'.* Declare the models that the key keeps"):
        run(proxy, unset=["team_id"])
    outcome = run(proxy, unset=["team_id"], models=["all-team-models"])
    assert outcome.warnings == ("Without a team, the models of the key a are all models of the proxy.",)


def test_a_key_without_an_alias_is_found_by_its_id(proxy: FakeLiteLLM) -> None:
    key_id, other = proxy.add(None)["token"], proxy.add(None)["token"]
    (outcome,) = run_all(proxy, [{"key_id": key_id, "max_budget": 2.0}])
    assert (outcome.action, outcome.error, outcome.plan.name) == ("update", None, key_id)
    assert proxy.writes == [("/key/update", {"key": key_id, "max_budget": 2.0})]
    (outcome,) = run_all(proxy, [{"key_id": key_id, "key_alias": "a", "max_budget": 2.0}])
    assert proxy.writes[1:] == [("/key/update", {"key": key_id, "key_alias": "a"})]
    unchanged(proxy, max_budget=2.0)
    assert [one.action for one in run_all(proxy, [{"key_id": key_id}, {"key_id": other}], "absent")] == ["delete"] * 2
    assert proxy.keys == {}
    assert [one.action for one in run_all(proxy, [{"key_id": key_id}], "absent")] == ["none"]


def test_only_the_key_with_the_id_is_deleted_and_looked_for(proxy: FakeLiteLLM) -> None:
    ours, other = proxy.add("a")["token"], proxy.add("a")["token"]
    proxy.fault("/key/delete", carried_out=False)
    (outcome,) = run_all(proxy, [{"key_id": ours, "key_alias": "a"}], "absent")
    assert "The key a still exists after it was deleted." in str(outcome.error)
    (outcome,) = run_all(proxy, [{"key_id": ours, "key_alias": "a"}], "absent")
    assert outcome.error is None and list(proxy.keys) == [other]


def test_what_is_declared_by_id_is_not_pruned(proxy: FakeLiteLLM) -> None:
    mark = {"group": "g"}
    kept, pruned = proxy.add(None, metadata=mark)["token"], proxy.add(None, metadata=mark)["token"]
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep, prune_metadata=mark)
    wants = [declare({"key_id": kept})]
    converge(store, wants, last=store.undeclared(wants))
    assert list(proxy.keys) == [kept] and proxy.writes == [("/key/delete", {"keys": [pruned]})]


def test_absent(proxy: FakeLiteLLM) -> None:
    token = proxy.add("a")["token"]
    proxy.add("ab")
    outcome = run(proxy, state="absent")
    assert (outcome.action, outcome.error) == ("delete", None)
    assert proxy.writes == [("/key/delete", {"keys": [token]})]
    assert proxy.aliases() == ["ab"]
    unchanged(proxy, state="absent")


def test_a_seed_makes_the_value(proxy: FakeLiteLLM) -> None:
    first = run(proxy, key_seed=SEED)
    assert first.value is not None
    assert "a" in proxy.aliases()
    again = run(proxy, key_seed=SEED)
    assert (again.action, again.value) == ("none", first.value)
    with pytest.raises(InputError, match="the value of another key_version"):
        run(proxy, key_seed=SEED, key_version=2)


def test_a_new_value_has_nothing_that_ansible_would_hide(proxy: FakeLiteLLM) -> None:
    (outcome,) = run_all(proxy, [{"key_alias": "a"}], secret="z")
    assert outcome.value is not None
    assert "z" not in outcome.value


# Answers that are lost


def test_a_lost_answer_to_a_creation_is_found_by_its_token(proxy: FakeLiteLLM) -> None:
    proxy.lose_answer("/key/generate")
    outcome = run(proxy, max_budget=5.0)
    assert (outcome.action, outcome.error) == ("create", None)
    assert outcome.value is not None
    assert proxy.only("a")["token"] == token_of(outcome.value)
    assert len(proxy.asked("/key/generate")) == 1


def test_a_creation_that_did_not_happen_is_sent_again_with_the_same_value(proxy: FakeLiteLLM) -> None:
    proxy.lose_answer("/key/generate", 1, carried_out=False)
    proxy.lose_answer("/key/generate", 2, carried_out=False)
    outcome = run(proxy)
    assert (outcome.action, outcome.error) == ("create", None)
    sent = proxy.asked("/key/generate")
    assert len(sent) == 3
    assert {body["key"] for body in sent} == {outcome.value}
    assert proxy.naps


def test_a_creation_that_arrives_late_is_not_doubled(proxy: FakeLiteLLM) -> None:
    """The answer is lost, the key is not yet there when looked for, and the second try finds its alias taken."""
    value: list[str] = []

    def late() -> None:
        proxy.add("a", value[0])

    proxy.lose_answer("/key/generate", carried_out=False)
    proxy.fault("/key/generate", 2, before=lambda: (value.append(proxy.asked("/key/generate")[0]["key"]), late()))
    outcome = run(proxy)
    assert (outcome.action, outcome.error, outcome.value) == ("create", None, value[0])
    assert proxy.aliases() == ["a"]


def test_when_no_answer_ever_comes_the_creation_fails(proxy: FakeLiteLLM) -> None:
    for number in range(1, 20):
        proxy.lose_answer("/key/generate", number, carried_out=False)
    outcome = run(proxy)
    assert outcome.error is not None
    sent = proxy.asked("/key/generate")
    assert 2 <= len(sent) < 19
    # One of them may still be carried out.
    assert {body["key"] for body in sent} == {outcome.value}


def test_a_lost_creation_with_a_value_of_the_servers_choice_cannot_be_recovered(proxy: FakeLiteLLM) -> None:
    proxy.values_allowed = False
    proxy.lose_answer("/key/generate", 2)
    outcome = run(proxy)
    assert outcome.error is not None
    assert "value_policy: reissue" in str(outcome.error)
    assert proxy.aliases() == ["a"]


def test_a_lost_answer_to_a_deletion(proxy: FakeLiteLLM) -> None:
    """The client sends it again by itself, and is told that there is no such key."""
    proxy.add("a")
    proxy.fault("/key/delete", raised=refusal("delete_unknown"))
    assert run(proxy, state="absent").error is None
    assert proxy.aliases() == []


def test_a_refused_creation_is_an_error_and_not_repeated(proxy: FakeLiteLLM) -> None:
    proxy.licensed = True
    proxy.fault("/key/generate", raised=refusal("unlicensed"), carried_out=False)
    outcome = run(proxy, tags=["t"])
    assert "Enterprise" in str(outcome.error)
    assert len(proxy.asked("/key/generate")) == 1


@pytest.mark.parametrize("path", ["/key/update", "/key/delete"])
def test_a_refused_write_is_an_error(proxy: FakeLiteLLM, path: str) -> None:
    proxy.add("a")
    proxy.fault(path, raised=ApiError("refused", 403), carried_out=False)
    outcome = run(proxy, state="absent" if path == "/key/delete" else "present", max_budget=1.0)
    assert str(outcome.error).startswith("refused")
    assert outcome.action == "none"


# Somebody else


def test_an_alias_taken_meanwhile_is_adopted(proxy: FakeLiteLLM) -> None:
    proxy.fault("/key/generate", before=lambda: proxy.add("a", max_budget=1.0))
    outcome = run(proxy, max_budget=5.0)
    assert (outcome.action, outcome.error, outcome.value) == ("update", None, None)
    assert proxy.only("a")["max_budget"] == 5.0


def test_an_alias_taken_meanwhile_with_another_value_than_declared_is_an_error(proxy: FakeLiteLLM) -> None:
    proxy.fault("/key/generate", before=lambda: proxy.add("a"))
    outcome = run(proxy, key=VALUE)
    assert "another value" in str(outcome.error)
    assert outcome.value is None
    assert proxy.aliases() == ["a"]


def test_of_two_runs_at_once_the_junior_deletes_its_own_key(proxy: FakeLiteLLM) -> None:
    proxy.fault("/key/generate", after=lambda: proxy.add("a", "sk-value-of-the-senior", age=60, max_budget=1.0))
    outcome = run(proxy, max_budget=5.0)
    ours = token_of(proxy.asked("/key/generate")[0]["key"])
    assert proxy.asked("/key/delete") == [{"keys": [ours]}]
    assert proxy.only("a")["token"] == token_of("sk-value-of-the-senior")
    assert (outcome.action, outcome.error, outcome.value) == ("update", None, None)
    assert proxy.only("a")["max_budget"] == 5.0


def test_of_two_runs_at_once_the_senior_keeps_its_key(proxy: FakeLiteLLM) -> None:
    def junior_comes() -> None:
        proxy.add("a", "sk-value-of-the-junior", age=-60)

    proxy.fault("/key/generate", after=junior_comes)
    proxy.fault("/key/list", 4, before=lambda: proxy.keys.pop(token_of("sk-value-of-the-junior")))
    outcome = run(proxy)
    assert (outcome.action, outcome.error) == ("create", None)
    assert proxy.asked("/key/delete") == []
    assert outcome.value is not None
    assert list(proxy.keys) == [token_of(outcome.value)]


def test_a_senior_gives_way_to_a_junior_that_may_have_found_itself_alone(proxy: FakeLiteLLM) -> None:
    """The server notes when a creation begins: the junior may have been there, and confirmed, first."""
    junior = "sk-value-of-the-junior"
    proxy.fault("/key/generate", after=lambda: proxy.add("a", junior, age=-60))
    outcome = run(proxy)
    assert (outcome.action, outcome.error, outcome.value) == ("none", None, None)
    assert "Only that run knows its value" in outcome.warnings[-1]
    assert list(proxy.keys) == [token_of(junior)]
    assert proxy.naps


def test_of_two_keys_of_one_moment_both_runs_keep_the_same(proxy: FakeLiteLLM) -> None:
    other: list[str] = []

    def twin() -> None:
        created_at = proxy.only("a")["created_at"]
        other.append(proxy.add("a", created_at=created_at)["token"])

    def twin_settles() -> None:
        if token_of(proxy.asked("/key/generate")[0]["key"]) < other[0]:
            proxy.keys.pop(other[0])

    proxy.fault("/key/generate", after=twin)
    proxy.fault("/key/list", 4, before=twin_settles)
    outcome = run(proxy)
    ours = token_of(proxy.asked("/key/generate")[0]["key"])
    assert (outcome.action == "create") == (ours < other[0])
    assert list(proxy.keys) == [min(ours, other[0])]


def test_a_value_that_another_run_has_replaced_is_not_reported(proxy: FakeLiteLLM) -> None:
    """One key bears the alias, as it should; but it is another one."""

    def replaced() -> None:
        proxy.keys.clear()
        proxy.add("a", "sk-value-of-another-run")

    proxy.fault("/key/generate", after=replaced)
    outcome = run(proxy)
    assert (outcome.error, outcome.value) == (None, None)
    assert "Only that run knows its value" in outcome.warnings[-1]


@pytest.mark.parametrize("number", [2, 3])
def test_of_many_only_the_one_with_another_token_is_not_reported(proxy: FakeLiteLLM, number: int) -> None:
    def replaced() -> None:
        proxy.keys.pop(proxy.only("a-2")["token"])
        proxy.add("a-2", "sk-value-of-another-run")

    proxy.fault("/key/generate", number, after=replaced)
    outcomes = run_all(proxy, [{"key_alias": f"a-{one}"} for one in (1, 2, 3)])
    known = [bool(one.value) and proxy.only(one.plan.name)["token"] == token_of(str(one.value)) for one in outcomes]
    assert known == [True, False, True]
    assert [one.value for one in outcomes][1] is None


def test_a_new_double_may_be_what_another_run_is_about_to_report(proxy: FakeLiteLLM) -> None:
    for _twin in range(2):
        proxy.add("a", created_at=NOW.isoformat())
    outcome = run(proxy)
    assert "another run may be creating one of them" in str(outcome.error)
    assert "Run again in 5 minutes" in str(outcome.error)
    assert proxy.writes == []


def test_a_lost_race_with_a_declared_value_is_an_error(proxy: FakeLiteLLM) -> None:
    proxy.fault("/key/generate", after=lambda: proxy.add("a", age=60))
    outcome = run(proxy, key=VALUE)
    assert "another value" in str(outcome.error)
    assert (outcome.value, outcome.record) == (None, None)
    assert token_of(VALUE) not in proxy.keys


def test_doubles_are_removed_with_a_warning(proxy: FakeLiteLLM) -> None:
    senior = proxy.add("a")["token"]
    junior = proxy.add("a")["token"]
    outcome = run(proxy)
    assert (outcome.action, outcome.error) == ("update", None)
    assert "Removed 1 additional key" in outcome.warnings[0]
    assert set(proxy.keys) == {senior}
    assert proxy.asked("/key/delete") == [{"keys": [junior]}]
    unchanged(proxy)


def test_a_removed_double_is_told_although_what_followed_failed(proxy: FakeLiteLLM) -> None:
    proxy.add("a")
    proxy.add("a")
    proxy.fault("/key/update", raised=refusal("unlicensed"), carried_out=False)
    outcome = run(proxy, max_budget=5.0)
    assert "Enterprise" in str(outcome.error)
    assert (outcome.action, outcome.value) == ("update", None)
    assert "Removed 1 additional key" in outcome.warnings[0]
    assert proxy.only("a")["max_budget"] is None


def test_absent_removes_every_key_with_the_alias(proxy: FakeLiteLLM) -> None:
    tokens = [proxy.add("a")["token"], proxy.add("a")["token"]]
    assert run(proxy, state="absent").error is None
    assert proxy.writes == [("/key/delete", {"keys": tokens})]


# Values


def test_where_chosen_values_are_forbidden_the_server_chooses_and_a_warning_says_so(proxy: FakeLiteLLM) -> None:
    proxy.values_allowed = False
    outcomes = run_all(proxy, [{"key_alias": "a-1"}, {"key_alias": "a-2"}])
    for outcome in outcomes:
        assert (outcome.action, outcome.error) == ("create", None)
        assert outcome.value is not None
        assert token_of(outcome.value) in proxy.keys
        assert "cannot be recovered" in outcome.warnings[0]
    assert len(proxy.asked("/key/generate")) == 3  # the refusal is remembered


def test_a_declared_value_that_is_forbidden_is_an_error(proxy: FakeLiteLLM) -> None:
    proxy.values_allowed = False
    outcome = run(proxy, key=VALUE)
    assert "Custom API key values are disabled" in str(outcome.error)
    assert proxy.keys == {}


def test_a_value_that_another_key_has_is_refused_before_writing(proxy: FakeLiteLLM) -> None:
    proxy.add("other", VALUE)
    with pytest.raises(InputError, match="already the value of the key 'other'") as caught:
        run_all(proxy, [{"key_alias": "b"}, {"key_alias": "a", "key": VALUE}])
    assert caught.value.subject == "a" or str(caught.value).startswith("a: ")
    assert VALUE not in str(caught.value)
    assert proxy.writes == []


def test_servers_that_answer_404_where_no_value_is_taken(proxy: FakeLiteLLM) -> None:
    proxy.fault("/v2/key/info", raised=refusal("update_unknown"))
    assert run(proxy, key=VALUE).value == VALUE
    proxy.fault("/v2/key/info", raised=ApiError("away", 500))
    with pytest.raises(ApiError):
        run(proxy, "b", key="sk-declared-value-0002")


# Reissuing


def order(proxy: FakeLiteLLM) -> list[str]:
    return [path.rsplit("/", 1)[1] for path, _body in proxy.writes]


def test_reissue_renames_creates_and_deletes(proxy: FakeLiteLLM) -> None:
    old = proxy.add("a", max_budget=5.0, spend=1.5, user_id="u")["token"]
    outcome = run(proxy, value_policy="reissue", max_budget=6.0)
    assert (outcome.action, outcome.error) == ("reissue", None)
    assert order(proxy) == ["update", "generate", "delete"]
    retired = proxy.writes[0][1]
    assert retired["key"] == old
    assert re.fullmatch(r"a\.retired-[0-9a-f]{8}", retired["key_alias"])
    new = proxy.only("a")
    assert outcome.value is not None
    assert new["token"] == token_of(outcome.value) != old
    assert (new["spend"], new["max_budget"], new["user_id"]) == (1.5, 6.0, "u")
    assert list(proxy.keys) == [new["token"]]


REISSUE = {"key": VALUE, "value_policy": "reissue"}


@pytest.mark.parametrize("path", ["/key/update", "/key/generate", "/key/delete"])
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_reissue_that_breaks_off_is_mended_by_the_next_run(proxy: FakeLiteLLM, path: str, carried_out: bool) -> None:
    """The run dies with KeyboardInterrupt before or after each of its writes, as if it were killed."""
    proxy.add("a", spend=1.5)

    def die() -> None:
        raise KeyboardInterrupt

    proxy.fault(path, **{"after" if carried_out else "before": die})
    with pytest.raises(KeyboardInterrupt):
        run(proxy, **REISSUE)
    outcome = run(proxy, **REISSUE)
    assert outcome.error is None
    assert outcome.value == VALUE
    assert proxy.only("a")["token"] == token_of(VALUE)
    assert proxy.only("a")["spend"] == 1.5
    assert len(proxy.keys) == 1
    unchanged(proxy, **REISSUE)


@pytest.mark.parametrize("path", ["/key/update", "/key/generate", "/key/delete"])
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_reissue_whose_answers_are_lost_ends_well_at_the_latest_in_the_next_run(
    proxy: FakeLiteLLM, path: str, carried_out: bool
) -> None:
    proxy.add("a", spend=1.5)
    proxy.lose_answer(path, carried_out=carried_out)
    first = run(proxy, **REISSUE)
    tokens = list(proxy.keys)
    second = run(proxy, **REISSUE)
    assert (second.error, second.value) == (None, VALUE)
    assert first.value == (VALUE if token_of(VALUE) in tokens else None)
    assert proxy.only("a")["spend"] == 1.5
    assert len(proxy.keys) == 1


def test_an_interrupted_reissue_is_mended_whatever_is_declared(proxy: FakeLiteLLM) -> None:
    retired = declare({"key_alias": "a"}).retired_alias
    token = proxy.add(retired, max_budget=5.0)["token"]
    outcome = run(proxy)
    assert (outcome.action, outcome.error) == ("update", None)
    assert proxy.only("a")["token"] == token
    assert proxy.aliases() == ["a"]


def test_of_several_declared_keys_each_ones_retired_key_is_mended(proxy: FakeLiteLLM) -> None:
    retired = declare({"key_alias": "a-1"}).retired_alias
    proxy.add(retired)
    proxy.add("a-1")
    proxy.add("a-2")
    outcomes = run_all(proxy, [{"key_alias": "a-1"}, {"key_alias": "a-2"}])
    assert [one.action for one in outcomes] == ["update", "none"]
    assert proxy.aliases() == ["a-1", "a-2"]


@pytest.mark.parametrize("others", [0, 1])
def test_a_retired_key_that_still_works_is_removed_whatever_is_declared(proxy: FakeLiteLLM, others: int) -> None:
    """A reissue was killed before it deleted the old key. One item and many are mended alike."""
    aliases = ["a", "b"][: 1 + others]
    for alias in aliases:
        proxy.add(declare({"key_alias": alias}).retired_alias)
        proxy.add(alias)
    outcomes = run_all(proxy, [{"key_alias": alias} for alias in aliases])
    assert proxy.aliases() == aliases
    for outcome in outcomes:
        assert (outcome.action, outcome.error, outcome.value) == ("update", None, None)
        assert "the old key, which still worked, was removed" in outcome.warnings[0]
        assert "use O(value_policy): reissue" in outcome.warnings[0]


def test_a_key_that_has_its_alias_back_says_so(proxy: FakeLiteLLM) -> None:
    proxy.add(declare({"key_alias": "a"}).retired_alias)
    assert "has its alias back, and its old value" in run(proxy).warnings[0]


def test_a_reissue_with_a_seed_that_broke_off_is_completed_by_the_default_policy(proxy: FakeLiteLLM) -> None:
    """Under its retired name the old key can only have been on its way out."""
    proxy.add(declare({"key_alias": "a"}).retired_alias, spend=1.5)
    outcome = run(proxy, key=VALUE)
    assert (outcome.action, outcome.error, outcome.value) == ("reissue", None, VALUE)
    assert list(proxy.keys) == [token_of(VALUE)]
    assert proxy.only("a")["spend"] == 1.5


def test_an_unchanged_key_is_one_request(proxy: FakeLiteLLM) -> None:
    proxy.add("a", max_budget=5.0)
    run(proxy, max_budget=5.0)
    assert [path for path, _data in proxy.log] == ["/key/list"]


def test_a_new_key_is_four_requests_at_most(proxy: FakeLiteLLM) -> None:
    run(proxy, max_budget=5.0)
    assert len(proxy.log) <= 4


@pytest.mark.parametrize("foreign", ["a{}", "b{}"])
def test_both_names_are_found_where_many_have_the_alias_in_theirs(proxy: FakeLiteLLM, foreign: str) -> None:
    for number in range(150):
        proxy.add(foreign.format(number))
    proxy.add("a")
    retired = proxy.add(declare({"key_alias": "a"}).retired_alias)
    run(proxy)
    assert retired["token"] not in proxy.keys
    assert len(proxy.keys) == 151


# Other runs that reissue


def test_a_key_that_another_run_is_reissuing_is_left_to_it(proxy: FakeLiteLLM) -> None:
    """The old key waits beside a new one: that run has yet to confirm it."""
    old = proxy.add(declare({"key_alias": "a"}).retired_alias)
    new = proxy.add("a", created_at=NOW.isoformat())
    proxy.fault("/key/list", 3, before=lambda: proxy.keys.pop(old["token"]))
    outcome = run(proxy, value_policy="reissue")
    assert (outcome.action, outcome.error, outcome.value) == ("none", None, None)
    assert "Another run has just replaced the value" in outcome.warnings[0]
    assert list(proxy.keys) == [new["token"]]


def test_a_key_that_another_run_reissues_while_this_one_waits_for_it_is_left_to_it(proxy: FakeLiteLLM) -> None:
    """At the first look the other run had not come to the second key yet."""
    retired = proxy.add(declare({"key_alias": "a-1"}).retired_alias)
    proxy.add("a-1", created_at=NOW.isoformat())
    old = proxy.add("a-2")

    def done() -> None:
        proxy.keys.pop(retired["token"])
        proxy.keys.pop(old["token"])
        proxy.add("a-2", created_at=NOW.isoformat())

    proxy.fault("/key/list", 2, before=done)
    options = [{"key_alias": f"a-{number}", "value_policy": "reissue"} for number in (1, 2)]
    outcomes = run_all(proxy, options)
    assert [(one.action, one.error, one.value) for one in outcomes] == [("none", None, None)] * 2
    assert proxy.writes == []


def test_a_reissue_that_another_run_broke_off_just_now_is_done_again(proxy: FakeLiteLLM) -> None:
    proxy.add(declare({"key_alias": "a"}).retired_alias)
    proxy.add("a", created_at=NOW.isoformat())
    outcome = run(proxy, **REISSUE)
    assert (outcome.action, outcome.error, outcome.value) == ("reissue", None, VALUE)
    assert list(proxy.keys) == [token_of(VALUE)]
    assert proxy.naps


@pytest.mark.parametrize("request_before", ["/key/info", "/key/update"])
def test_a_key_that_another_run_has_reissued_meanwhile_is_taken_over(proxy: FakeLiteLLM, request_before: str) -> None:
    proxy.add("a")

    def reissued() -> None:
        proxy.keys.clear()
        proxy.add("a", "sk-value-of-another-run")

    gone = refusal("update_unknown") if request_before == "/key/info" else None
    proxy.fault(request_before, before=reissued, carried_out=gone is None, raised=gone)
    outcome = run(proxy, value_policy="reissue")
    assert (outcome.action, outcome.error, outcome.value) == ("none", None, None)
    assert "Only that run knows its value" in outcome.warnings[-1]
    assert list(proxy.keys) == [token_of("sk-value-of-another-run")]


def test_an_old_key_goes_only_when_the_new_one_is_confirmed(proxy: FakeLiteLLM) -> None:
    old = proxy.add("a")["token"]
    proxy.fault("/key/generate", after=lambda: proxy.keys.pop(proxy.only("a")["token"]))
    outcome = run(proxy, value_policy="reissue")
    assert "does not exist after it was created" in str(outcome.error)
    assert list(proxy.keys) == [old]


# Expired keys

EXPIRED = {"expires": "2030-01-01T00:00:00+00:00"}


def test_an_expired_key_gets_no_new_value_that_expires_at_another_time(proxy: FakeLiteLLM) -> None:
    proxy.add("a", **EXPIRED)
    with pytest.raises(InputError, match="without moving its expiry") as caught:
        run(proxy, value_policy="reissue", duration="30d")
    assert caught.value.subject == "a" or str(caught.value).startswith("a: ")
    assert proxy.writes == []


@pytest.mark.parametrize(
    "options",
    [{"duration": "30d", "renew_within": "2d"}, {"expires_at": "2031-01-01T00:00:00Z"}, {"unset": ["expires_at"]}],
)
def test_an_expired_key_gets_a_new_value_when_its_new_end_is_said(proxy: FakeLiteLLM, options: dict[str, Any]) -> None:
    proxy.add("a", **EXPIRED)
    outcome = run(proxy, value_policy="reissue", **options)
    assert (outcome.action, outcome.error) == ("reissue", None)
    assert proxy.only("a")["expires"] is None or proxy.only("a")["expires"] > NOW.isoformat()


GRACE = {"rotate_after": "2d", "grace": "1d"}


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    ("path", "number", "carried_out"),
    [
        ("/key/update", 1, True),
        ("/key/generate", 1, False),
        ("/key/generate", 1, True),
        ("/key/update", 2, False),
    ],
    ids=["renamed", "not created", "created", "not marked"],
)
def test_an_old_value_stays_in_use_while_nobody_knows_the_new_one(
    proxy: FakeLiteLLM, path: str, number: int, carried_out: bool
) -> None:
    old = proxy.add("a", age=3 * 86400)["token"]
    proxy.fault(path, number, raised=Killed(), carried_out=carried_out)
    with pytest.raises(Killed):
        run(proxy, **GRACE)
    outcome = run(proxy, **GRACE)
    assert (outcome.action, outcome.error) == ("reissue", None)
    assert proxy.only("a")["token"] == token_of(outcome.value or "")
    (going_on,) = (row for row in proxy.keys.values() if row["key_alias"] != "a")
    assert going_on["token"] == old and going_on["expires"] == (NOW + timedelta(days=1)).isoformat()
    unchanged(proxy, **GRACE)


def test_a_grace_needs_an_age_after_which_values_are_replaced() -> None:
    with pytest.raises(InputError, match="grace requires rotate_after"):
        declare({"key_alias": "a", "grace": "1d"})


def test_an_expired_key_is_not_rotated(proxy: FakeLiteLLM) -> None:
    proxy.add("a", **EXPIRED)
    outcome = run(proxy, rotate_after="1h")
    assert (outcome.action, outcome.error) == ("none", None)
    assert "expired at 2030-01-01" in outcome.warnings[0]


def test_a_refused_reissue_gives_the_old_key_its_alias_back(proxy: FakeLiteLLM) -> None:
    token = proxy.add("a")["token"]
    proxy.licensed = True
    proxy.fault("/key/generate", raised=refusal("unlicensed"), carried_out=False)
    outcome = run(proxy, **REISSUE, tags=["t"])
    assert "Enterprise" in str(outcome.error)
    assert proxy.only("a")["token"] == token


def test_where_no_other_alias_is_allowed_the_old_key_goes_first_with_a_warning(proxy: FakeLiteLLM) -> None:
    proxy.add("a")
    proxy.alias_pattern = r"[a-z]"
    outcome = run(proxy, **REISSUE)
    assert (outcome.action, outcome.error, outcome.value) == ("reissue", None, VALUE)
    assert order(proxy)[:3] == ["update", "delete", "generate"]
    assert "deleted first" in outcome.warnings[-1]
    assert list(proxy.keys) == [token_of(VALUE)]


def test_a_reissue_whose_rename_is_refused_for_another_reason_stops(proxy: FakeLiteLLM) -> None:
    token = proxy.add("a")["token"]
    proxy.fault("/key/update", raised=ApiError("forbidden", 403), carried_out=False)
    assert "forbidden" in str(run(proxy, **REISSUE).error)
    assert list(proxy.keys) == [token]


# What the server does not keep


@pytest.mark.parametrize("there", [True, False])
def test_fields_that_the_server_drops_are_an_error_beside_the_value(proxy: FakeLiteLLM, there: bool) -> None:
    proxy.ignored = {"access_group_ids"}
    if there:
        proxy.add("a", VALUE)
    outcome = run(proxy, key=VALUE, access_group_ids=["g"], max_budget=5.0)
    assert "LiteLLM 1.106.2 accepted the request but did not store access_group_ids of the key a" in str(outcome.error)
    assert outcome.value == VALUE
    assert outcome.action == ("update" if there else "create")


@pytest.mark.parametrize("options", [{"tags": ["t"]}, {"permissions": {"get_spend_routes": True}}])
def test_what_needs_a_licence_is_refused_before_writing(proxy: FakeLiteLLM, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="requires a LiteLLM Enterprise license") as caught:
        run_all(proxy, [{"key_alias": "b"}, {"key_alias": "a", **options}])
    assert caught.value.subject == "a" or str(caught.value).startswith("a: ")
    assert proxy.writes == []
    licensed = FakeLiteLLM()
    licensed.licensed = True
    assert run(licensed, **options).error is None


def test_all_keys_that_need_a_licence_are_named(proxy: FakeLiteLLM) -> None:
    keys = [
        {"key_alias": "a", "tags": ["t"]},
        {"key_alias": "b", "guardrails": ["g"]},
        {"key_alias": "c", "tags": ["u"]},
    ]
    needs = "requires a LiteLLM Enterprise license, which the proxy does not have."
    with pytest.raises(InputError) as caught:
        run_all(proxy, keys)
    assert str(caught.value) == f"a, c: tags {needs} b: guardrails {needs}"


def test_fields_too_new_for_the_server_are_refused_before_writing(proxy: FakeLiteLLM) -> None:
    proxy.version = "1.76.3"
    with pytest.raises(
        InputError, match=r"LiteLLM 1\.76\.3 on this proxy does not know access_group_ids \(since 1\.81"
    ):
        run(proxy, access_group_ids=["g"])
    assert proxy.writes == []


def test_a_server_that_does_not_tell_its_version_is_tried(proxy: FakeLiteLLM) -> None:
    proxy.version = None
    assert run(proxy, access_group_ids=["g"]).error is None


def test_the_version_is_not_asked_where_nothing_depends_on_it(proxy: FakeLiteLLM) -> None:
    run(proxy, max_budget=5.0)
    assert proxy.asked("/health/readiness/details") == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"team_id": "nobody"}, "team_id: the proxy has no team 'nobody'."),
        ({"budget_id": "none"}, "budget_id: the proxy has no budget 'none'."),
        ({"models": ["gpt-4", "gpt-17"]}, "models: the proxy has no model 'gpt-17'. It has gpt-4, "),
    ],
)
def test_what_the_proxy_does_not_have_is_refused_before_writing(
    proxy: FakeLiteLLM, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        run_all(proxy, [{"key_alias": "b"}, {"key_alias": "a", **options}], validate_models=True)
    assert caught.value.subject == "a" or str(caught.value).startswith("a: ")
    assert proxy.writes == []


def test_what_the_proxy_has_is_accepted(proxy: FakeLiteLLM) -> None:
    declared = {"key_alias": "a", "team_id": "team", "budget_id": "budget", "models": ["gpt-4", "beta", "*"]}
    (outcome,) = run_all(proxy, [declared], validate_models=True)
    assert outcome.error is None


def test_models_are_checked_on_demand_only(proxy: FakeLiteLLM) -> None:
    assert run(proxy, models=["gpt-17"]).error is None
    assert proxy.asked("/v2/model/info") == []


def test_an_organization_that_cannot_be_asked_for_is_left_to_the_server(proxy: FakeLiteLLM) -> None:
    assert run(proxy, organization_id="o").error is None


# Reading back


def test_a_key_that_vanishes_after_it_was_made_is_an_error(proxy: FakeLiteLLM) -> None:
    proxy.fault("/key/generate", after=proxy.keys.clear)
    outcome = run(proxy)
    assert "does not exist after it was created" in str(outcome.error)
    assert outcome.value is not None


def test_a_key_that_stays_after_it_was_deleted_is_an_error(proxy: FakeLiteLLM) -> None:
    row = proxy.add("a")
    proxy.fault("/key/delete", after=lambda: proxy.keys.update({row["token"]: row}))
    assert "still exists after it was deleted" in str(run(proxy, state="absent").error)


def test_a_stale_read_is_given_time(proxy: FakeLiteLLM) -> None:
    row = proxy.add("a")
    proxy.fault("/key/delete", after=lambda: proxy.keys.update({row["token"]: row}))
    proxy.fault("/key/list", 4, before=proxy.keys.clear)
    assert run(proxy, state="absent").error is None
    assert proxy.naps


def test_a_value_is_returned_although_it_cannot_be_read_back(proxy: FakeLiteLLM) -> None:
    proxy.fault("/key/list", 2, raised=no_answer())
    outcome = run(proxy)
    assert outcome.error is not None
    assert outcome.value is not None
    assert token_of(outcome.value) in proxy.keys


def test_a_value_is_returned_although_the_new_key_cannot_be_read_in_full(proxy: FakeLiteLLM) -> None:
    proxy.fault("/key/info", raised=no_answer())
    outcome = run(proxy, soft_budget=2.0)
    assert outcome.error is not None
    assert outcome.action == "create"
    assert outcome.value is not None
    assert token_of(outcome.value) in proxy.keys


@pytest.mark.parametrize("refused", [no_answer(), ApiError("refused", 403)])
def test_a_value_is_returned_although_the_old_key_cannot_be_deleted(proxy: FakeLiteLLM, refused: ApiError) -> None:
    old = proxy.add("a")["token"]
    proxy.fault("/key/delete", raised=refused, carried_out=False)
    outcome = run(proxy, value_policy="reissue")
    assert outcome.error is not None
    assert outcome.action == "reissue"
    assert outcome.value is not None
    assert set(proxy.keys) == {old, token_of(outcome.value)}


# Many


def many(count: int, **options: Any) -> list[dict[str, Any]]:
    return [{"key_alias": f"workshop-user{number}", **options} for number in range(1, count + 1)]


def test_deletions_go_a_hundred_at_a_time(proxy: FakeLiteLLM) -> None:
    for one in many(250):
        proxy.add(one["key_alias"])
    proxy.add("workshop-user")
    outcomes = run_all(proxy, many(251), "absent")
    assert [len(sent["keys"]) for sent in proxy.asked("/key/delete")] == [100, 100, 50]
    assert proxy.aliases() == ["workshop-user"]
    assert [one.action for one in outcomes] == ["delete"] * 250 + ["none"]
    assert not any(one.error for one in outcomes)


def refuse_to_delete(proxy: FakeLiteLLM, monkeypatch: pytest.MonkeyPatch, tokens: set[str]) -> None:
    delete = proxy._delete

    def answer(sent: dict[str, Any]) -> Any:
        if tokens & set(sent["keys"]):
            raise ApiError("Internal Server Error.", 500)
        return delete(sent)

    monkeypatch.setattr(proxy, "_delete", answer)


def test_one_key_that_cannot_be_deleted_does_not_keep_the_others(
    proxy: FakeLiteLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [proxy.add(one["key_alias"])["token"] for one in many(100)]
    refuse_to_delete(proxy, monkeypatch, {tokens[41]})
    outcomes = run_all(proxy, many(100), "absent")
    assert proxy.aliases() == ["workshop-user42"]
    assert [one.plan.name for one in outcomes if one.error] == ["workshop-user42"]
    assert {one.action for one in outcomes if not one.error} == {"delete"}
    assert len(proxy.asked("/key/delete")) <= 15


def test_where_nothing_can_be_deleted_not_every_key_is_tried(
    proxy: FakeLiteLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = {proxy.add(one["key_alias"])["token"] for one in many(100)}
    refuse_to_delete(proxy, monkeypatch, tokens)
    outcomes = run_all(proxy, many(100), "absent")
    assert all(one.error for one in outcomes)
    assert len(proxy.asked("/key/delete")) <= 15


def test_deletions_of_many_go_one_after_the_other(proxy: FakeLiteLLM) -> None:
    for one in many(450):
        proxy.add(one["key_alias"])
    under_way = Lock()

    def begin() -> None:
        assert under_way.acquire(blocking=False), "two deletions at once"

    for number in range(1, 6):
        proxy.fault("/key/delete", number, before=begin, after=lambda: time.sleep(0.02) or under_way.release())
    keys = KeyStore(proxy, "sk-unit-master-key", sleep=proxy.sleep)
    outcomes = converge(keys, [declare(one, "absent") for one in many(450)], concurrency=8)
    assert {(one.action, one.error) for one in outcomes} == {("delete", None)}


def test_a_listing_narrowed_to_the_common_beginning(proxy: FakeLiteLLM) -> None:
    for number in range(300):
        proxy.add(f"foreign-{number}")
    for one in many(150):
        proxy.add(one["key_alias"])
    outcomes = run_all(proxy, many(150))
    assert {one.action for one in outcomes} == {"none"}
    asked = proxy.asked("/key/list")
    assert len(asked) == 2
    assert {one["key_alias"] for one in asked} == {"workshop-user"}


def test_a_part_of_an_alias_is_not_the_alias(proxy: FakeLiteLLM) -> None:
    proxy.add("xworkshop-user1")
    proxy.add("workshop-user11")
    outcomes = run_all(proxy, many(2))
    assert [one.action for one in outcomes] == ["create", "create"]


@pytest.mark.parametrize("version", ["1.106.2", "1.84.0", None])
def test_thousands_of_foreign_keys_are_not_read(version: str | None) -> None:
    proxy = FakeLiteLLM(version)
    for number in range(1500):
        proxy.add(f"foreign-{number}")
    proxy.add("b")
    outcomes = run_all(proxy, [{"key_alias": "a"}, {"key_alias": "b"}, {"key_alias": "c"}])
    assert [one.action for one in outcomes] == ["create", "none", "create"]
    assert len([path for path, _body in proxy.log if path == "/key/list"]) < 14
    assert sum(1 for asked in proxy.asked("/key/list") if "key_alias" not in asked) <= 2
    assert len(proxy.asked("/key/generate")) == 2


def test_on_old_servers_all_keys_are_listed_where_that_costs_less(proxy: FakeLiteLLM) -> None:
    proxy.version = "1.80.0"
    for number in range(150):
        proxy.add(f"foreign-{number}")
    for one in many(60):
        proxy.add(one["key_alias"])
    assert {one.action for one in run_all(proxy, many(60))} == {"none"}
    assert [asked.get("key_alias") for asked in proxy.asked("/key/list")] == [None] * 3


def test_a_backslash_in_the_common_beginning(proxy: FakeLiteLLM) -> None:
    aliases = ["team\\user-1", "team\\user-2"]
    for alias in aliases:
        proxy.add(alias)
    assert [one.action for one in run_all(proxy, [{"key_alias": alias} for alias in aliases])] == ["none", "none"]
    assert proxy.asked("/key/list")[0]["key_alias"] == "team"


def test_pages_that_shift_while_they_are_read_are_read_again(proxy: FakeLiteLLM) -> None:
    """Between two pages a key of the first page goes: all others move up, and one of ours falls between the pages."""
    for one in many(150):
        proxy.add(one["key_alias"])
    foreign = "0" * 64
    proxy.keys[foreign] = {**proxy.keys.pop(proxy.add("workshop-users")["token"]), "token": foreign}
    proxy.fault("/key/list", 2, before=lambda: proxy.keys.pop(foreign))
    assert {one.action for one in run_all(proxy, many(150))} == {"none"}
    assert len(proxy.asked("/key/list")) == 4


def test_older_servers_take_an_alias_for_a_part_of_one(proxy: FakeLiteLLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "_list", lambda params: page(*proxy.keys.values()))
    proxy.add("ab", max_budget=1.0)
    outcome = run(proxy, max_budget=5.0)
    assert outcome.action == "create"
    assert proxy.only("ab")["max_budget"] == 1.0


def test_many_keys_are_read_back_together(proxy: FakeLiteLLM) -> None:
    run_all(proxy, many(520))
    assert [asked["page"] for asked in proxy.asked("/key/aliases")] == [1, 2, 3, 4, 5, 6]
    assert {asked["search"] for asked in proxy.asked("/key/aliases")} == {"workshop-user"}
    assert len(proxy.keys) == 520


def test_many_keys_are_read_back_by_name_where_others_have_like_names(proxy: FakeLiteLLM) -> None:
    for number in range(2000):
        proxy.add(f"workshop-user-of-others-{number}")
    outcomes = run_all(proxy, many(520))
    assert [len(sent.get("key_aliases", [])) for sent in proxy.asked("/v2/key/info")][-2:] == [500, 20]
    assert {(one.action, one.error) for one in outcomes} == {("create", None)}


def test_an_answer_that_is_none_when_keys_are_read_back(proxy: FakeLiteLLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "_aliases", lambda _params: {"status": "ok"})
    outcomes = run_all(proxy, many(2))
    assert all(str(one.error).startswith("The answer to GET /key/aliases has an unexpected") for one in outcomes)
    assert [token_of(one.value) for one in outcomes] == [proxy.only(one.plan.name)["token"] for one in outcomes]


def test_many_keys_are_read_back_from_a_listing_on_older_servers(proxy: FakeLiteLLM) -> None:
    proxy.version = "1.83.14"
    outcomes = run_all(proxy, many(3))
    assert not any(one.error for one in outcomes)
    assert not any("key_aliases" in sent for sent in proxy.asked("/v2/key/info"))


def test_the_kind_says_what_the_modules_need() -> None:
    params = {"api_key": "sk-master", "validate_models": True, "validate_references": True}
    assert isinstance(Key().store(FakeLiteLLM(), params), KeyStore)
    assert (Key().result, Key().secret, Key().identity) == ("virtual_key", "key", ("key_alias",))
