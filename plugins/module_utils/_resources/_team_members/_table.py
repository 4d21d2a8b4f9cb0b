# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who belongs to a team, and what each of them may use: each member is a small object with a table of its own. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..._adopting import declared_options
from ..._crud._metadata import SPEND_MARK
from ..._crud._rows import MAX_TOKENS, check_not_negative, check_up_to, has_text
from ..._durations import check_duration
from ..._engine import NOT_CLEARABLE, Field, Resource, declared_fields
from ..._proxy import MASTER_USER
from ..._shapes import MAPPING, NUMBER, TEXT, ensure_shape, maybe
from ..._text import check_name
from ..._values import UNSET

Member = Mapping[str, Any]
Team = Mapping[str, Any]
# Older servers know no period of a member, and take all limits away with one.
BUDGETS_SINCE = "1.90.0"

LIMITS = (
    Field("max_budget_in_team", "float", unit="USD", check=check_not_negative, clear_since=BUDGETS_SINCE),
    Field("budget_duration", unit="duration", check=check_duration, since=BUDGETS_SINCE),
    Field("tpm_limit", "int", unit="tokens/min", check=check_up_to(MAX_TOKENS), clear_since=BUDGETS_SINCE),
    Field("rpm_limit", "int", unit="requests/min", check=check_up_to(MAX_TOKENS), clear_since=BUDGETS_SINCE),
    Field("allowed_models", "list", "str", cleared=[], clear_since=BUDGETS_SINCE),
)
# Which text each member's spending was last reset for is kept in the metadata of the team.
RESET_SPEND = Field("reset_spend", check=has_text, cleared=NOT_CLEARABLE, since="1.106.2", declares=False)
MEMBER = Resource(
    kind="member",
    identity="user_id",
    fields=(
        Field("user_id", cleared=NOT_CLEARABLE),
        Field("role", choices=("user", "admin"), cleared=NOT_CLEARABLE, default="user"),
        *LIMITS,
        RESET_SPEND,
    ),
)
# The limits of all members, by the options of the team.
DEFAULTS = {
    "team_member_budget": "max_budget_in_team",
    "team_member_budget_duration": "budget_duration",
    "team_member_tpm_limit": "tpm_limit",
    "team_member_rpm_limit": "rpm_limit",
}
ROSTER = [{"user_id": maybe(TEXT), "role": TEXT}]
MEMBERSHIPS = [
    {"user_id": TEXT, "budget_id": maybe(TEXT), "spend": maybe(NUMBER), "litellm_budget_table": maybe(MAPPING)}
]


def called(item: Member) -> str:
    """Return the ID or address by which a member is declared."""
    return str(item.get("user_id") or item.get("user_email"))


def by_id(team: Team | None) -> dict[str, Member]:
    """Return the members of a team by their ids."""
    return {member["user_id"]: member for member in (team or {}).get("members") or ()}


def changes(wanted: Member, present: Member) -> dict[str, Any]:
    """Return what is different about a member."""
    return {
        row.name: wanted.get(row.name)
        for row in MEMBER.fields
        if not row.equal(wanted.get(row.name), present.get(row.name))
    }


def to_write(wanted: Member, present: Member) -> dict[str, Any]:
    """Return what requests have to change about a member.

    Limits that come from the team are not the member's to write.
    """
    own, there = _with_own_limits(wanted), present
    if wanted["budget_source"] != "custom":
        there = _with_own_limits(present)
    return {name: value for name, value in changes(own, there).items() if name != "user_id"}


def _with_own_limits(member: Member) -> Member:
    if not member or member["budget_source"] == "custom":
        return member
    return {**member, **dict.fromkeys((row.name for row in LIMITS), None)}


def limits_of(member: Member) -> dict[str, Any]:
    """Return the limits that a member has."""
    return {row.name: member[row.name] for row in LIMITS if not row.is_empty(member.get(row.name))}


def as_team(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a team with its members, of the answer of ``/team/info`` or of an entry of a listing."""
    team = answer.get("team_info") or answer
    source = "GET /team/info"
    ensure_shape(team, {"metadata": maybe(MAPPING), "team_member_budget_table": maybe(MAPPING)}, source)
    roster = ensure_shape(team.get("members_with_roles") or [], ROSTER, source)
    memberships = ensure_shape(answer.get("team_memberships") or [], MEMBERSHIPS, source)
    metadata = team.get("metadata") or {}
    default, texts = metadata.get("team_member_budget_id"), resets_of(metadata)
    of_user = {membership["user_id"]: membership for membership in memberships}
    return {
        "team_id": team.get("team_id"),
        "budget_duration": team.get("budget_duration"),
        "members": [
            {
                **_member(entry, of_user.get(entry["user_id"]) or {}, default),
                RESET_SPEND.name: texts.get(entry["user_id"]),
            }
            for entry in roster
            if entry.get("user_id")
        ],
        "has_default": bool(default),
        "counted": list(of_user),
        "resets": texts,
        "default": _limits(team.get("team_member_budget_table") or {}),
        "default_models": team.get("default_team_member_models"),
    }


def resets_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return for which texts the spending of members was reset, by ID, of the metadata of a team."""
    resets = metadata.get(SPEND_MARK)
    return dict(resets) if isinstance(resets, Mapping) else {}


def with_defaults(team: Team, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a team with the limits of its members as changes to the team leave them."""
    changed = {name: changes[option] for option, name in DEFAULTS.items() if option in changes}
    limits = {name: None if value is UNSET else value for name, value in changed.items()}
    if limits_of(limits) and not team.get("has_default"):
        # LiteLLM creates the limits of all members with the period that the team has at that time.
        limits = {"budget_duration": team.get("budget_duration", changes.get("budget_duration")), **limits}
    models = changes.get("default_team_member_models", team.get("default_models"))
    return {
        **team,
        "default": {**(team.get("default") or {}), **limits},
        "default_models": None if models is UNSET else models,
    }


def _member(entry: Member, membership: Mapping[str, Any], default: str | None) -> dict[str, Any]:
    """Return a member. Names and addresses are those of the user and do not count."""
    budget = membership.get("budget_id")
    return {
        "user_id": entry["user_id"],
        "role": entry["role"],
        **_limits(membership.get("litellm_budget_table") or {}),
        "budget_source": "none" if not budget else "team_default" if budget == default else "custom",
        "spend": membership.get("spend") or 0.0,
    }


def _limits(budget: Mapping[str, Any]) -> dict[str, Any]:
    values = {**budget, "max_budget_in_team": budget.get("max_budget")}
    return {row.name: None if row.is_empty(values.get(row.name)) else values[row.name] for row in LIMITS}


def with_members(fields: Mapping[str, Any], options: Mapping[str, Any], team: Team | None) -> Mapping[str, Any]:
    """Return the members that the team is to have: all that there are, unless they are replaced, and those declared."""
    present = by_id(team)
    declared = {item["user_id"]: item for item in fields.get("members") or ()}
    stay = set(present)
    if options.get("mode") == "replace":
        stay = {*declared, MASTER_USER, (team or {}).get("caller")} & present.keys()
    kept = [_changed(team or {}, present[name], declared.get(name, {})) for name in present if name in stay]
    new = [_joining(team or {}, item) for name, item in declared.items() if name not in present]
    return {**fields, "members": kept + new}


def _changed(team: Team, present: Member, item: Member) -> Member:
    """Return a member of the team as declared. What comes from the team's default is no value to take away."""
    declared, _found = declared_fields(MEMBER, item)
    if present["budget_source"] != "custom":
        declared = {name: value for name, value in declared.items() if value is not UNSET}
    wanted = {**present, **{name: None if value is UNSET else value for name, value in declared.items()}}
    changed = changes(wanted, present)
    if RESET_SPEND.name in changed:
        wanted, changed = {**wanted, "spend": 0.0}, {**changed, "spend": 0.0}
    if not {row.name for row in LIMITS} & set(changed):
        return {**present, **changed}
    return {**wanted, "budget_source": "custom"} if limits_of(wanted) else {**wanted, **_default(team)}


def _joining(team: Team, item: Member) -> Member:
    """Return somebody new as declared. Whoever has no limits of their own gets the team's default."""
    declared, _found = declared_fields(MEMBER, item)
    own = {name: value for name, value in declared.items() if not MEMBER.field(name).is_empty(value)}
    if team.get("default_models") and "allowed_models" not in declared:
        own["allowed_models"] = team["default_models"]
    none = dict.fromkeys((*(row.name for row in LIMITS), RESET_SPEND.name), None)
    copied = {name: value for name, value in _copied(team, own).items() if name not in declared}
    member = {"role": "user", **none, **copied, **own, "spend": 0.0}
    if "budget_duration" not in declared and not copied:
        member["budget_duration"] = inherited_period(team, member)
    return {**member, "budget_source": "custom"} if limits_of(member) else {**member, **_default(team)}


def _copied(team: Team, own: Member) -> dict[str, Any]:
    """Return the limits of the team that a new member keeps: without a budget or models, they change only some."""
    limits = limits_of(own).keys()
    return limits_of(_default(team)) if limits and not limits & {"max_budget_in_team", "allowed_models"} else {}


def declared_members(team: Team) -> list[dict[str, Any]]:
    """Return the members of a team as they are declared. LiteLLM itself puts the user of the master key there."""
    members = [_with_own_limits(member) for member in team["members"]]
    chosen = [member for member in members if member["user_id"] != MASTER_USER or limits_of(member)]
    return sorted((declared_options(MEMBER, member) for member in chosen), key=lambda one: str(one["user_id"]))


def inherited_period(team: Team, member: Member) -> str | None:
    """Return the period that LiteLLM gives a new member with models of its own, whose budget is that of the team."""
    of_team = MEMBER.field("allowed_models").is_empty(member["allowed_models"])
    inherits = team.get("gives_period") and not of_team and member["max_budget_in_team"] is None
    return (team.get("default") or {}).get("budget_duration") if inherits else None


def _default(team: Team) -> dict[str, Any]:
    default = team.get("default") or {}
    return {**default, "budget_source": "team_default" if limits_of(default) else "none"}


def _check_members(value: Sequence[Member]) -> str | None:
    unclear = [item for item in value if bool(item.get("user_id")) == bool(item.get("user_email"))]
    if unclear:
        return "each member needs either O(user_id) or O(user_email)."
    counts = Counter(called(item) for item in value)
    twice = ", ".join(user_id for user_id, count in counts.items() if count > 1)
    if twice:
        return f"{twice} is listed more than once."
    for item in value:
        wrong = check_name(called(item))
        if wrong:
            return f"{'user_id' if item.get('user_id') else 'user_email'} {wrong}"
        _declared, found = declared_fields(MEMBER, item)
        if found:
            return f"{called(item)}: {' '.join(found)}"
    return None


def _same(declared: Sequence[Member], actual: Sequence[Member]) -> bool:
    wanted, present = by_id({"members": declared}), by_id({"members": actual})
    return wanted.keys() == present.keys() and not any(changes(wanted[name], present[name]) for name in wanted)


def _differing(before: Any, after: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the members that change, by name, each with what changes about them."""
    old, new = by_id({"members": before}), by_id({"members": after})
    shown: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for name in [*old, *(name for name in new if name not in old)]:
        changed = changes(new.get(name, {}), old.get(name, {})).keys() - {"user_id"}
        if RESET_SPEND.name in changed and name in old and name in new:
            changed |= {"spend"}
        for side, members in zip(shown, (old, new)):
            if changed and name in members:
                side[name] = {part: members[name].get(part) for part in sorted(changed)}
    return shown


class Roster(Field):
    """All members of a team. That there are none is no lack of a value."""

    def is_empty(self, value: Any) -> bool:
        return value is None or value is UNSET


MEMBERS = Roster(
    "members",
    "list",
    "dict",
    suboptions={
        **MEMBER.options(),
        "user_email": {"type": "str"},
        "unset": MEMBER.unset_option,
    },
    same=_same,
    diff_view=_differing,
    check=_check_members,
    cleared=NOT_CLEARABLE,
)
TEAM_MEMBERS = Resource(kind="team", identity="team_id", fields=(Field("team_id", cleared=NOT_CLEARABLE), MEMBERS))
