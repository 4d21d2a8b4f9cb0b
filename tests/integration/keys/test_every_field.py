# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every field of a key on a real LiteLLM: made, changed, cleared, each in one request, predicted, and for itself alone.

The fields come from the table of the collection; one without an entry in EXAMPLES fails. What the table says an older
LiteLLM cannot do must be refused before anything is written; all else must work on the version under test.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import NOT_CLEARABLE
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import KEY, RETIRED_MARK
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import version_tuple
from ansible_collections.litemaas.virtual_keys.tests.examples_of_keys import (
    EXAMPLES,
    WITHOUT_EXAMPLE,
    Example,
)

pytestmark = [pytest.mark.quiet, pytest.mark.usefixtures("referred")]

# What the server changes by itself at every write.
OWN_PACE = {"updated_at", "settings_updated_at"}


# A key with all of these has as much as one key can have. Of each two that are mutually exclusive, one is missing.
EXCLUDED = {"budget_id", "key_type", "service_account_id"}
LICENSED = {row.name for row in KEY.fields if row.licensed}

each = pytest.mark.parametrize("name", sorted(EXAMPLES))


def test_every_field_has_an_example():
    missing = {row.name for row in KEY.fields} - set(EXAMPLES) - WITHOUT_EXAMPLE
    assert not missing, f"EXAMPLES has no values for {', '.join(missing)}"


# The rows that keys refer to


@pytest.fixture(scope="module")
def world(sandbox) -> Iterator[dict[str, str]]:
    """Ids of teams, users, budgets, organizations and projects, by the text that stands for each."""
    beginning = f"w{secrets.token_hex(4)}"
    kinds = ("team", "user", "budget", "organization", "project")
    ids = {f"{kind} {number}": f"{beginning}-{kind}-{number}" for kind in kinds for number in (1, 2)}
    members = [{"role": "user", "user_id": ids[f"user {number}"]} for number in (1, 2)]

    def post(path: str, **body: Any) -> None:
        sandbox.call("POST", path, body).raise_for_status()

    for number in (1, 2):
        post("/budget/new", budget_id=ids[f"budget {number}"], max_budget=100 * number)
        # Only licensed proxies make organizations and projects; all let keys refer to them.
        sandbox.execute(
            'INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models, '
            "created_by, updated_by) VALUES (%s, %s, %s, '{}', 'test', 'test')",
            *[ids[f"organization {number}"]] * 2,
            ids[f"budget {number}"],
        )
        sandbox.execute(
            'INSERT INTO "LiteLLM_ProjectTable" (project_id, models, created_by, updated_by) '
            "VALUES (%s, '{}', 'test', 'test')",
            ids[f"project {number}"],
        )
        post(
            "/team/new",
            team_id=ids[f"team {number}"],
            members_with_roles=members,
            organization_id=ids[f"organization {number}"],
        )
    yield ids
    post("/team/delete", team_ids=[ids["team 1"], ids["team 2"]])
    for table, column in (("Project", "project_id"), ("Organization", "organization_id")):
        sandbox.execute(f'DELETE FROM "LiteLLM_{table}Table" WHERE starts_with({column}, %s)', beginning)
    post("/user/delete", user_ids=[ids["user 1"], ids["user 2"]])
    for number in (1, 2):
        post("/budget/delete", id=ids[f"budget {number}"])


@dataclass
class Bench:
    """One field, one key, one proxy."""

    name: str
    alias: str
    sandbox: Any
    run_module: Callable[..., Any]
    ids: dict[str, str]

    @property
    def example(self) -> Example:
        return EXAMPLES[self.name]

    def options(self, value: Any = None, **others: Any) -> dict[str, Any]:
        """A declaration of the field with that value, and of what it needs beside it."""
        given = {**self.example.beside, **({} if value is None else {self.name: value}), **others}
        return {name: self.ids.get(value, value) if isinstance(value, str) else value for name, value in given.items()}

    def declare(self, check: bool = False, **options: Any) -> Any:
        return self.run_module("litellm_key", check=check, key_alias=self.alias, **options)

    def second(self) -> dict[str, Any]:
        """A declaration of the field's second value."""
        options = self.options(self.example.second)
        if self.name == "auto_rotate":  # off, for which there is no interval
            del options["rotation_interval"]
        return options

    def unset(self) -> dict[str, Any]:
        """A declaration that the key has no such field."""
        names = self.example.unset or (self.name,)
        company = {name: value for name, value in self.options().items() if name not in names}
        return {**company, "unset": list(names)}

    def too_old(self, step: str) -> str:
        """The version that the table asks for, if the proxy's is older."""
        row = KEY.field(self.name)
        asked = {"make": [row.since], "change": [row.since, row.update_since]}
        asked["clear"] = [row.since, row.clear_since or row.update_since]
        version = self.sandbox.litellm_version
        return next((since for since in asked[step] if since and version_tuple(version) < version_tuple(since)), "")

    @property
    def row(self) -> dict[str, Any] | None:
        """All that the database has about the key, the rows that only it refers to included."""
        row = self.sandbox.keys(self.alias).get(self.alias)
        if row is None:
            return None
        permissions = self.sandbox.rows(
            'SELECT * FROM "LiteLLM_ObjectPermissionTable" WHERE object_permission_id = %s', row["object_permission_id"]
        )
        budget = self.sandbox.rows('SELECT * FROM "LiteLLM_BudgetTable" WHERE budget_id = %s', row["budget_id"])
        own = {name: value for name, value in (budget[0] if budget else {}).items() if name not in OWN_PACE}
        return {**row, "object_permission": permissions, "litellm_budget_table": own}

    def refused(self, *words: str, **options: Any) -> None:
        """Declare, and hold that it is refused in these words, and that nothing is written."""
        before = self.row
        for check in (True, False):
            with self.sandbox.writes() as written:
                answer = self.declare(check, **options)
            assert answer.failed and written == [] and self.row == before
            for word in words:
                assert word in answer.msg, answer.msg

    def settles(self, requests: int = 1, **options: Any) -> dict[str, Any]:
        """Declare, and hold that check mode predicted it, that it took so many requests, and a second run none."""
        before = self.row
        with self.sandbox.writes() as written:
            predicted = self.declare(check=True, **options)
        assert not predicted.failed, predicted.msg
        assert written == [] and self.row == before
        with self.sandbox.writes() as written:
            real = self.declare(**options)
        assert not real.failed, real.msg
        assert real.changed and len(written) == requests, written
        assert (predicted.changed, predicted.action) == (True, real.action)
        with self.sandbox.writes() as written:
            again = self.declare(**options)
        assert (again.failed, again.changed, again.action) == (False, False, "none"), again
        assert written == []
        # The second run wrote nothing, so what it returns was read.
        seen = again.virtual_key
        assert predicted.diff["before"].keys() <= predicted.diff["after"].keys()
        own = self.example.moves - predicted.diff["after"].keys()
        for prediction in (predicted.diff["after"], predicted.virtual_key, real.virtual_key):
            for option in (*EXAMPLES, "key_alias", "spend"):
                if option in prediction and option not in own:
                    assert json_equal(prediction[option], seen[option]), option
        return seen


@pytest.fixture
def bench(sandbox, run_module, world, alias) -> Callable[[str], Bench]:
    return lambda name: Bench(name, alias, sandbox, run_module, world)


def json_equal(left: Any, right: Any) -> bool:
    """Whether two values are the same: lists in any order, times but for two minutes, nothing for all that is empty."""
    left, right = plain(left), plain(right)
    if isinstance(left, datetime) and isinstance(right, datetime):
        return abs(left - right) < timedelta(minutes=2)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(json_equal(left[name], right[name]) for name in left)
    return bool(left == right)


def plain(value: Any) -> Any:
    """A value as it can be compared."""
    if isinstance(value, dict):
        parts = {name: plain(part) for name, part in value.items() if name != "reset_at"}
        return {name: part for name, part in parts.items() if part is not None} or None
    if isinstance(value, list):
        return sorted((plain(part) for part in value), key=str) or None
    if isinstance(value, str) and value[:2] == "20" and "T" in value:
        return datetime.fromisoformat(value)
    return None if value in (None, False, "") else value


def place(name: str) -> tuple[str, str | None]:
    """In which column LiteLLM keeps a field, and under which entry if that is ``metadata``."""
    if name == "policies":  # the table knows the column as well, which LiteLLM leaves empty
        return "metadata", name
    column, *entry = KEY.field(name).path or (name,)
    return column, entry[0] if entry and column == "metadata" else None


def plant(bench: Bench, name: str) -> None:
    """Give a key a value that only a licensed proxy takes, in the way in which LiteLLM itself keeps it."""
    key = bench.sandbox.keys(bench.alias)[bench.alias]
    column, entry = place(name)
    value = {**key[column], entry: EXAMPLES[name].first} if entry else EXAMPLES[name].first
    bench.sandbox.execute(
        f'UPDATE "LiteLLM_VerificationToken" SET {column} = %s WHERE token = %s', json.dumps(value), key["token"]
    )


# What can be done with one field


@each
def test_made(bench, name):
    bench = bench(name)
    options = bench.options(bench.example.first)
    if too_old := bench.too_old("make"):
        bench.refused(name, bench.sandbox.litellm_version, too_old, **options)
    elif name in LICENSED:
        bench.refused(name, "license", **options)
    else:
        seen = bench.settles(**options)
        assert json_equal(seen[name], options[name]) and plain(seen[name]) is not None


@each
def test_changed(bench, name):
    bench = bench(name)
    if bench.too_old("make"):
        assert not bench.declare().failed
        bench.refused(name, bench.sandbox.litellm_version, **bench.second())
        return
    options = bench.second()
    if name in LICENSED:
        assert not bench.declare().failed
        plant(bench, name)
        assert not bench.declare(**bench.options(bench.example.first)).changed
        bench.refused(name, "license", **options)
        return
    assert not bench.declare(**bench.options(bench.example.first)).failed
    if not bench.example.can_change(name):
        bench.refused(name, bench.example.refused or "cannot change", **options)
    elif too_old := bench.too_old("change"):
        bench.refused(name, bench.sandbox.litellm_version, too_old, **options)
    else:
        seen = bench.settles(bench.example.requests, **options)
        if KEY.field(name).merged:  # what is not declared stays
            options[name] = {**bench.example.first, **bench.example.second}
        assert json_equal(seen[name], options[name])


def empties(name: str) -> list[Any]:
    """How the field is cleared: by ``unset`` (None), and by the empty value of its type."""
    row = KEY.field(name)
    if row.cleared is NOT_CLEARABLE:
        return []
    empty = {"list": [], "dict": {}, "str": "", "bool": False}.get(row.type)
    return [None] if empty is None or not EXAMPLES[name].empty or row.choices else [None, empty]


@pytest.mark.parametrize(
    ("name", "empty"),
    [pytest.param(name, empty, id=f"{name}-{empty!r}") for name in sorted(EXAMPLES) for empty in empties(name)],
)
def test_cleared(bench, name, empty):
    bench = bench(name)
    if bench.too_old("make"):
        assert not bench.declare().failed
        assert not bench.declare(**bench.unset()).changed
        return
    first = bench.options(bench.example.first)
    if name in LICENSED:
        assert not bench.declare().failed
        plant(bench, name)
    else:
        assert not bench.declare(**first).failed
    options = bench.unset()
    if empty is not None:
        options = {**options, name: empty, "unset": [part for part in options["unset"] if part != name]}
    if too_old := bench.too_old("clear"):
        bench.refused(name, bench.sandbox.litellm_version, too_old, **options)
    else:
        seen = bench.settles(**options)
        assert plain(seen[name]) is None


@pytest.mark.parametrize("name", sorted(name for name in EXAMPLES if KEY.field(name).cleared is NOT_CLEARABLE))
def test_not_clearable(bench, name):
    bench = bench(name)
    assert not bench.declare(**bench.options(bench.example.first)).failed
    bench.refused(name, **bench.unset())


# A field changes nothing but itself


@pytest.fixture
def rich(bench) -> Callable[[str], Bench]:
    """A key with all that a key can have at once."""

    def make(name: str) -> Bench:
        mine = bench(name)
        options: dict[str, Any] = {}
        for other, one in EXAMPLES.items():
            part = bench(other)
            if other not in EXCLUDED | LICENSED and not part.too_old("make"):
                options |= part.options(one.first)
        made = mine.declare(**options)
        assert not made.failed, made.msg
        for other in sorted(LICENSED):
            plant(mine, other)
        mine.sandbox.execute('UPDATE "LiteLLM_VerificationToken" SET spend = 1.5 WHERE token = %s', made.key_id)
        return mine

    return make


@pytest.mark.parametrize("step", ["change", "clear"])
@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - EXCLUDED))
def test_changes_nothing_else(rich, name, step):
    bench = rich(name)
    if bench.too_old("make") or bench.too_old(step):
        pytest.skip("this LiteLLM cannot; that it is refused is tested above")
    if step == "change" and name in LICENSED:
        pytest.skip("needs a LiteLLM Enterprise license; that it is refused without one is tested above")
    if step == "change" and not EXAMPLES[name].can_change(name):
        pytest.skip("LiteLLM cannot change it; that this is refused is tested above")
    before = bench.row
    done = bench.declare(**(bench.second() if step == "change" else bench.unset()))
    assert not done.failed, done.msg
    assert done.changed
    after = bench.row
    together = bench.example.unset if step == "clear" else ()
    columns = {place(one)[0] for one in (name, *together)}
    changed = {column for column in before if before[column] != after[column]} - OWN_PACE
    assert columns <= changed <= columns | {name} | bench.example.moves
    entries = {place(one)[1] for one in (name, *together)}
    if name == "metadata":  # all that is not another field's
        entries = {one for row in (before, after) for one in row["metadata"]} - {place(other)[1] for other in EXAMPLES}
    for entry in (before["metadata"].keys() | after["metadata"].keys()) - entries:
        assert before["metadata"].get(entry) == after["metadata"].get(entry), entry


def test_a_new_value_keeps_every_field(rich):
    bench = rich("models")
    # A column, which only a licensed proxy takes; the entries of metadata it takes from everybody.
    bench.sandbox.execute(
        """UPDATE "LiteLLM_VerificationToken" SET model_max_budget = '{}' WHERE key_alias = %s""", bench.alias
    )
    before = bench.row
    done = bench.declare(value_policy="reissue")
    assert not done.failed, done.msg
    assert done.action == "reissue"
    after = bench.row
    # Of its own: what identifies the value, and the rows and moments that are made with it.
    own = {"token", "key_name", "created_at", "updated_at", "settings_updated_at", "expires", "budget_limits"}
    own |= {"object_permission_id", "object_permission", "key_rotation_at"}
    assert after["metadata"].pop(RETIRED_MARK) == [before["token"]]
    assert {name for name in before if before[name] != after[name]} <= own
    assert abs(after["expires"] - before["expires"]) < timedelta(minutes=1)
    assert json_equal(after["budget_limits"], before["budget_limits"])
    permissions = [{**row["object_permission"][0], "object_permission_id": None} for row in (before, after)]
    assert permissions[0] == permissions[1]


# What concerns more than one field


def test_a_soft_budget_is_not_written_into_a_budget_of_others(bench, world):
    bench = bench("soft_budget")
    budget = world["budget 1"]
    assert not bench.declare(budget_id=budget).failed
    bench.refused("soft_budget", "for all who share it", soft_budget=3)
    assert bench.sandbox.rows('SELECT soft_budget FROM "LiteLLM_BudgetTable" WHERE budget_id = %s', budget) == [
        {"soft_budget": None}
    ]


def test_a_new_key_of_a_team_is_in_the_organization_of_that_team(bench, world):
    bench = bench("organization_id")
    bench.refused("organization_id", team_id=world["team 1"], organization_id=world["organization 2"])
    seen = bench.settles(team_id=world["team 1"], organization_id=world["organization 1"])
    assert seen["organization_id"] == world["organization 1"]


def test_a_key_of_a_team_may_use_the_models_of_that_team(bench, world):
    bench = bench("team_id")
    seen = bench.settles(team_id=world["team 1"])
    assert seen["models"] == ["all-team-models"] and seen["organization_id"] == world["organization 1"]


def test_a_key_type_stands_for_its_routes(bench):
    bench = bench("key_type")
    assert bench.settles(key_type="management")["allowed_routes"] == ["management_routes"]
    bench.refused("mutually exclusive", key_type="management", allowed_routes=["/v1/models"])


def test_a_key_type_replaces_routes_of_the_keys_own_only_if_the_play_says_so(bench):
    bench = bench("allowed_routes")
    assert bench.settles(allowed_routes=["/v1/models"])["key_type"] is None
    bench.refused("the key's own allowed_routes (/v1/models)", key_type="llm_api")
    assert bench.settles(key_type="llm_api", allowed_routes=[])["allowed_routes"] == ["llm_api_routes"]


def test_an_existing_key_of_a_user_that_becomes_one_for_models_makes_no_further_keys(bench, world):
    """LiteLLM itself ignores the type in an update: what the key reaches decides."""
    bench = bench("key_type")
    key = bench.declare(user_id=world["user 1"], models=["gpt-4"]).key

    def reached() -> list[int]:
        questions = (("POST", "/key/generate", {"models": ["all-proxy-models"]}), ("GET", "/key/info", None))
        answers = [bench.sandbox.call(*question, key=key) for question in questions]
        for answer in answers:
            if "key" in answer.json() and answer.request.method == "POST":
                bench.sandbox.call("POST", "/key/delete", {"keys": [answer.json()["key"]]}).raise_for_status()
        models = bench.sandbox.call("GET", "/v1/models", key=key)
        return [*(answer.status_code for answer in answers), models.status_code]

    assert reached() == [200, 200, 200]
    bench.settles(key_type="llm_api")
    assert reached() == [403, 403, 200]
    bench.settles(key_type="default")
    assert reached() == [200, 200, 200]


def test_blocked_or_never_blocked(bench):
    bench = bench("blocked")
    with bench.sandbox.writes() as written:
        assert bench.declare(blocked=False).action == "create"
        assert not bench.declare(blocked=False).changed
        assert not bench.declare(unset=["blocked"]).changed
    assert len(written) == 1 and bench.row["blocked"] is None
