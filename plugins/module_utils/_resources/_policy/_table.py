# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy, and what a record shows of it: its table of fields. Pure. Private: only for use inside this collection.

LiteLLM keeps versions of a policy, of which one is in production. The listing shows each, and the policies of the
configuration file. Attachments are objects of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._crud._references import TO_GUARDRAILS
from ..._crud._rows import without_null
from ..._engine import NOT_CLEARABLE, Field, Resource
from ..._shapes import COUNT, TEXT, maybe
from ._attachments import ATTACHMENTS

Record = Mapping[str, Any]
Version = Mapping[str, Any]

PRODUCTION, PUBLISHED, DRAFT = "production", "published", "draft"
KEEP = "keep_old_versions"
ACTIONS = ["next", "block", "allow", "modify_response"]
STEP = {
    "guardrail": {"type": "str", "required": True},
    "on_pass": {"type": "str", "choices": ACTIONS},
    "on_fail": {"type": "str", "choices": ACTIONS},
    "on_error": {"type": "str", "choices": ACTIONS},
    "pass_data": {"type": "bool"},
    "modify_response_message": {"type": "str"},
}
# What LiteLLM adds to a step.
OF_STEP = {"on_pass": "allow", "on_fail": "block", "pass_data": False}
ANEW = "delete the policy and create it again."
ENTRY = {
    "policy_id": TEXT,
    "policy_name": TEXT,
    "version_status": TEXT,
    "version_number": COUNT,
    "inherit": maybe(TEXT),
}


def _pipeline(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pipeline with what LiteLLM adds to each step, but for null."""
    steps = [{**OF_STEP, **without_null(step)} for step in value.get("steps") or ()]
    return {**without_null(value), "steps": steps}


def _check_pipeline(value: Mapping[str, Any]) -> str | None:
    return None if value["steps"] else f"steps must not be empty. To remove it, {ANEW}"


CONTENT = (
    Field("inherit", cleared=""),
    Field("description", cleared=""),
    Field("guardrails_add", "list", "str", references=TO_GUARDRAILS, cleared=[]),
    Field("guardrails_remove", "list", "str", references=TO_GUARDRAILS, cleared=[]),
    Field(
        "condition",
        "dict",
        suboptions={"model": {"type": "str"}},
        empty_values=({"model": None}, {"model": ""}),
        normalize=without_null,
        cleared={},
    ),
    Field(
        "pipeline",
        "dict",
        suboptions={
            "mode": {"type": "str", "choices": ["pre_call", "post_call"], "required": True},
            "steps": {"type": "list", "elements": "dict", "options": STEP, "required": True},
        },
        parse=_pipeline,
        read=lambda record: _pipeline(record["pipeline"]) if record.get("pipeline") else None,
        normalize=_pipeline,
        check=_check_pipeline,
        cleared=NOT_CLEARABLE,
        hint=f"{ANEW[0].upper()}{ANEW[1:]}",
    ),
)


def content_of(version: Version) -> dict[str, Any]:
    """Return what a version says, as requests take it."""
    return {
        row.name: row.to_api(row.value(version))
        for row in CONTENT
        if row.clearable or not row.is_empty(row.value(version))
    }


def same_content(one: Version, other: Version) -> bool:
    return all(row.equal(row.value(one), row.value(other)) for row in CONTENT)


def old_versions(record: Record) -> list[Version]:
    """Return the versions that were in production before the one that is now, and those that are beside it."""
    return [
        version
        for version in record.get("versions") or ()
        if version["policy_id"] != record.get("policy_id")
        and (version.get("production_at") or version["version_status"] == PRODUCTION)
    ]


def _has_old_versions(record: Record) -> bool | None:
    """Return whether there are any; None if no version is in production, which then has to be made."""
    return bool(old_versions(record)) if record.get("policy_id") else None


POLICY = Resource(
    kind="policy",
    identity="policy_name",
    since="1.106.2",
    fields=(
        Field("policy_name", cleared=NOT_CLEARABLE),
        *CONTENT,
        ATTACHMENTS,
        Field(KEEP, "bool", read=_has_old_versions, cleared=NOT_CLEARABLE, default=False),
    ),
)


def as_records(versions: Sequence[Version], attachments: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a record for each name that has versions or attachments, in the database or in the configuration file.

    It is the version in production, with all ``versions`` and ``attachments`` of the database.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in (*versions, *attachments):
        found.setdefault(row["policy_name"], {"policy_name": row["policy_name"], "attachments": [], "versions": []})
    for version in sorted(versions, key=lambda row: (not is_configured(row), row["version_number"])):
        record = found[version["policy_name"]]
        if version["version_status"] == PRODUCTION:
            record.update(version)
        if not is_configured(version):
            record["versions"].append(version)
    for attachment in sorted(attachments, key=lambda row: str(row.get("created_at"))):
        if not is_configured(attachment):
            found[attachment["policy_name"]]["attachments"].append(attachment)
    return list(found.values())


def is_configured(row: Mapping[str, Any]) -> bool:
    return row.get("definition_location") == "config"
