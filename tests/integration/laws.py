# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The laws of every field of an object, held on a real LiteLLM: set, changed and cleared, each in check mode, for real in
one write, and once more without one; and nothing but the field itself changes in the database. What its info module
says declares the object has the field, and changes nothing.

An object brings its module, its table, two values for each field, and its row::

    LAWS = Laws("litellm_gadget", GADGET, row, {"label": two("a", "b"), …}, without={"gadget_id"})

    def test_every_field_has_values() -> None:
        assert LAWS.fields_without_values == set()

    @pytest.mark.parametrize("field", LAWS.examples)
    def test_every_field(sandbox, run_module, name, field: str) -> None:
        LAWS.hold(sandbox, partial(run_module, gadget_id=name), field)

What the table says an older or unlicensed LiteLLM cannot do must be refused by name before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._adopting import is_default
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Field, Resource
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._redaction import check_not_hidden
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import version_tuple

# What the server changes by itself at every write.
OWN_PACE = {"updated_at", "updated_by", "settings_updated_at"}
# The user whom the master key stands for, whom LiteLLM adds to every team.
CALLER = "default_user_id"
EMPTY: dict[str, Any] = {"str": "", "list": [], "dict": {}}
Path = tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """Two values of a field, and what is particular about it.

    :param beside: options that its creation needs beside it.
    :param change: all that declares the second value, if not the field alone.
    :param refused: what is said of a change of a field that the table calls updatable.
    :param unset: what has to be cleared together with it.
    :param at: where the row has it, if not where the record has it.
    :param moves: parts of the row that the server changes with it, as names joined by a dot.
    :param requests: how many writes a change takes, and ``clears`` to clear it, if not as many.
    :param shown: what is returned for each of the two values, if not these.
    :param empty: whether an empty value of its type clears it as well.
    """

    first: Any
    second: Any
    beside: Mapping[str, Any] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    unset: tuple[str, ...] = ()
    at: str = ""
    moves: Collection[str] = ()
    requests: int = 1
    clears: int = 0
    shown: tuple[Any, ...] = ()
    empty: bool = True


def two(first: Any, second: Any, **particulars: Any) -> Example:
    return Example(first, second, **particulars)


@dataclass(frozen=True)
class Laws:
    """What is held of each field of an object.

    :param module: the module that declares the object.
    :param row: what the database has of the object with that identity: its row, with the rows that belong to it under
        the names by which records show them.
    :param examples: two values for each field of the table.
    :param without: the fields that have none, such as the identity.
    :param others: options whose write must leave all fields alone, and ``other_requests`` how many writes that takes.
    :param beside: options that the object has beside a field of that name all the time, so that it shows whether a
        write loses another field.
    :param many: the option by which the info module selects several objects by identity, if it has no other.
    :param grow: changes the row of a new object of that identity as others do later, such as what it has spent.
    :param creates: how many writes the creation takes.
    :param begins: what the first declaration is called: an object that always exists is not created.
    """

    module: str
    table: Resource
    row: Callable[[Any, str], dict[str, Any]]
    examples: Mapping[str, Example]
    without: Collection[str] = ()
    others: Mapping[str, Any] = field(default_factory=dict)
    creates: int = 1
    begins: str = "create"
    other_requests: int = 1
    beside: Callable[[str], Mapping[str, Any]] = lambda name: {}
    many: str = ""
    grow: Callable[[Any, str], None] = lambda sandbox, identity: None

    @property
    def fields_without_values(self) -> set[str]:
        return {row.name for row in self.table.fields} ^ {*self.examples, *self.without}

    def hold(self, sandbox: Any, run_module: Callable[..., Any], name: str) -> None:
        """All laws of a field.

        :param run_module: runs modules on the object of the test, whose identity is among its arguments.
        """
        run, identity = partial(run_module, self.module), run_module.keywords[self.table.identity]  # type: ignore[attr-defined]
        example, row = self.examples[name], self.table.field(name)
        reason = self._never(sandbox, row)
        first = {**self.beside(name), **example.beside, name: example.first}
        if reason:
            refused(run, sandbox, reason, **first)
            return
        created = as_declared(run, sandbox, self.creates, **first)
        assert created.action == self.begins
        self._shows(created, row, 0)
        self.grow(sandbox, identity)
        selected = {self.many: [identity]} if self.many else {self.table.identity: identity}
        declaration = adopted(run_module.func, sandbox, self.module, **selected)  # type: ignore[attr-defined]
        is_secret = bool(example.shown and check_not_hidden(example.shown[0]))
        is_as_given = not (is_default(row, example.first) or is_secret or row.references)
        if row.declares and is_as_given:
            assert row.equal(example.first, declaration.get(name)), declaration
        held = self._held(sandbox, identity, row)
        second = {**example.change, name: example.second}
        if row.updatable and not row.once and not example.refused and not too_old(sandbox, row.update_since):
            with self._only(sandbox, identity, name):
                updated = as_declared(run, sandbox, example.requests, **second)
            assert updated.action == "update"
            self._shows(updated, row, 1)
            if row.type == "dict":
                # Entries that are not declared any more are gone, and what they held as well.
                as_declared(run, sandbox, example.requests, **{name: example.first})
                assert not differing(held, self._held(sandbox, identity, row))
        else:
            never = row.once or not row.updatable
            reason = example.refused or (f"LiteLLM cannot change {name}" if never else f"(since {row.update_since})")
            refused(run, sandbox, reason, **second)
        self._stays(sandbox, run, identity, row)
        self._can_be_cleared(sandbox, run, identity, row)

    def hold_together(self, sandbox: Any, run_module: Callable[..., Any], changes: int = 1, clears: int = 1) -> None:
        """The laws of all fields at once.

        :param changes: how many writes it takes to change them all, and ``clears`` to clear them all.
        """
        run = partial(run_module, self.module)
        known = [row for row in map(self.table.field, self.examples) if not self._never(sandbox, row)]
        beside = {name: value for row in known for name, value in self.examples[row.name].beside.items()}
        first = {row.name: self.examples[row.name].first for row in known}
        as_declared(run, sandbox, self.creates, **{**beside, **first})
        changing = [row for row in known if row.updatable and not too_old(sandbox, row.update_since)]
        as_declared(run, sandbox, changes, **{row.name: self.examples[row.name].second for row in changing})
        clearable = [row for row in known if row.clearable and not too_old(sandbox, row.clear_since)]
        named = {name for row in clearable for name in (row.name, *self.examples[row.name].unset)}
        as_declared(run, sandbox, clears, unset=sorted(named))

    def _never(self, sandbox: Any, row: Field) -> str:
        """Why the server under test, which has no license, cannot have the field at all."""
        if too_old(sandbox, row.since):
            return f"does not know {row.name} (since {row.since})."
        return f"{row.name} requires a LiteLLM Enterprise license" if row.licensed else ""

    def _stays(self, sandbox: Any, run: Callable[..., Any], identity: str, row: Field) -> None:
        """A write of other options leaves the field alone."""
        if self.others and row.name not in self.others:
            with self._only(sandbox, identity, *self.others):
                as_declared(run, sandbox, self.other_requests, **self.others)

    def _can_be_cleared(self, sandbox: Any, run: Callable[..., Any], identity: str, row: Field) -> None:
        unset, example = {"unset": [row.name]}, self.examples[row.name]
        since = row.clear_since or row.update_since
        empty = example.empty and row.type in EMPTY and not (row.type == "str" and row.choices)
        if not row.clearable:
            with sandbox.writes() as writes:
                assert run(**unset).failed
            assert writes == []
            if row.updatable and empty:
                refused(run, sandbox, f"LiteLLM cannot clear {row.name}", **{row.name: EMPTY[row.type]})
            return
        if too_old(sandbox, since):
            refused(run, sandbox, f"does not clear {row.name} (since {since}).", **unset)
            return
        if row.is_empty(example.second):
            with sandbox.writes() as writes:
                assert run(**unset).changed is False
            assert writes == []
        else:
            with self._only(sandbox, identity, row.name, *example.unset):
                cleared = as_declared(
                    run, sandbox, example.clears or example.requests, unset=[row.name, *example.unset]
                )
            assert row.is_empty(cleared.values[self._result][row.name])
        if empty:
            assert run(**{row.name: EMPTY[row.type]}).changed is False

    def _held(self, sandbox: Any, identity: str, row: Field) -> Any:
        """What the database has of a field."""
        held: Any = self.row(sandbox, identity)
        for part in next(self._places(row.name)):
            held = held.get(part) if isinstance(held, Mapping) else None
        return held

    def _only(self, sandbox: Any, identity: str, *names: str) -> AbstractContextManager[None]:
        """Holds that nothing but the fields so named changes in the row, not even a field that is kept within one."""
        allowed = {place for name in names for place in self._places(name)}
        others = {next(self._places(name)) for name in self.examples.keys() - {*names}} - allowed
        return only_changes(partial(self.row, sandbox, identity), allowed, others)

    def _places(self, name: str) -> Iterator[Path]:
        if name not in self.examples:
            yield (name,)
            return
        example, row = self.examples[name], self.table.field(name)
        yield tuple(example.at.split(".")) if example.at else row.path or (name,)
        yield from (tuple(moved.split(".")) for moved in example.moves)

    @property
    def _result(self) -> str:
        return self.table.kind.lower().replace(" ", "_")

    def _shows(self, result: Any, row: Field, number: int) -> None:
        """Holds that a result shows the first or second value of a field, whatever else the server adds to it."""
        example, shown = self.examples[row.name], result.values[self._result][row.name]
        value = (example.shown or (example.first, example.second))[number]
        expected, actual = (None if row.is_empty(one) else row.normalize(one) for one in (value, shown))
        assert expected == actual or (row.same and row.equal(value, shown)), shown


def as_declared(run: Callable[..., Any], sandbox: Any, writes_expected: int, **options: Any) -> Any:
    """What a declaration leads to; in check mode it writes nothing, and a second time neither."""
    with sandbox.writes() as writes:
        planned = run(check=True, **options)
    assert (planned.failed, writes) == (False, []), planned.values
    with sandbox.writes() as writes:
        done = run(**options)
    assert not done.failed, done.msg
    assert (done.action, len(writes)) == (planned.action, writes_expected), writes
    assert planned.diff == done.diff
    with sandbox.writes() as writes:
        assert run(**options).changed is False
    assert writes == []
    return done


def adopted(run_module: Callable[..., Any], sandbox: Any, module: str, **selected: Any) -> dict[str, Any]:
    """The options that declare an object that is there, as its info module returns them; they change nothing."""
    record = described(run_module, module, **selected)
    declaration: dict[str, Any] | None = record["declaration"]
    assert declaration, record["not_declared"]
    with sandbox.writes() as writes:
        planned, done = (run_module(module, check=check, **declaration) for check in (True, False))
    assert (planned.failed, done.failed) == (False, False), (planned.values.get("msg"), done.values.get("msg"))
    assert (planned.changed, done.changed, writes) == (False, False, [])
    return declaration


def described(run_module: Callable[..., Any], module: str, **selected: Any) -> dict[str, Any]:
    """The one object that an info module finds, with what declares it."""
    result = run_module(f"{module}_info", declaration=True, **selected)
    assert not result.failed, result.msg
    (records,) = (value for name, value in result.values.items() if isinstance(value, list) and name != "warnings")
    (record,) = records
    found: dict[str, Any] = record
    return found


def refused(run: Callable[..., Any], sandbox: Any, sentence: str, **options: Any) -> None:
    """Holds that a declaration fails with that sentence, in check mode and for real, and writes nothing."""
    with sandbox.writes() as writes:
        planned, done = run(check=True, **options), run(**options)
    assert planned.failed, planned.values
    assert (sentence in planned.msg, done.msg, writes) == (True, planned.msg, []), planned.msg


def lacking(run: Callable[..., Any], sandbox: Any, sentence: str, **options: Any) -> None:
    """Holds that a declaration fails for lack of what another task can create, of which check mode only warns."""
    with sandbox.writes() as writes:
        planned, done = run(check=True, **options), run(**options)
    assert planned.changed, planned.values
    assert f"{done.msg} This task fails unless an earlier task changes that." in str(planned.warnings)
    assert (sentence in done.msg, done.failed, writes) == (True, True, []), done.msg


def too_old(sandbox: Any, since: str) -> bool:
    return bool(since) and version_tuple(sandbox.litellm_version) < version_tuple(since)


@contextmanager
def only_changes(
    read: Callable[[], Mapping[str, Any]], allowed: Collection[Path], others: Collection[Path] = ()
) -> Iterator[None]:
    """Holds that meanwhile something changes, and only below the places that are allowed.

    :param others: places that are not, although they may be below one that is.
    """
    before = read()
    yield
    changed = differing(before, read())
    assert changed, "nothing changed in the database"
    wrong = {place for place in changed if not _deepest(place, allowed) > _deepest(place, others)}
    assert not wrong, f"more than the declared fields changed: {sorted(wrong)}"


def _deepest(place: Path, above: Collection[Path]) -> int:
    """How deep the deepest of those places is that hold that one, -1 if none does."""
    return max((len(one) for one in above if place[: len(one)] == one), default=-1)


def users_of(sandbox: Any, team: str) -> dict[str, dict[str, Any]]:
    """The rows of all users in a team, and of those whose ids begin with its id, by user_id.

    What CALLER spent is not among it: LiteLLM adds what the chats of other tests cost some seconds later.
    """
    found = sandbox.rows(
        'SELECT * FROM "LiteLLM_UserTable" WHERE %s = ANY(teams) OR starts_with(user_id, %s)', team, team
    )
    by_id = {user["user_id"]: user for user in found}
    by_id.get(CALLER, {}).pop("spend", None)
    return by_id


def differing(before: Any, after: Any, place: Path = ()) -> set[Path]:
    """Where two rows differ, as deep as mappings go, but for what the server changes at every write."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = (before.keys() | after.keys()) - OWN_PACE
        return {found for name in names for found in differing(before.get(name), after.get(name), (*place, str(name)))}
    return set() if before == after else {place}
