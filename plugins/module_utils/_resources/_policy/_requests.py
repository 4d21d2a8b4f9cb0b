# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that make a policy as planned. Private: only for use inside this collection.

A version in production cannot be changed. So a draft is made of it, filled, published, and put into production, and the
version before it is deleted. Until the last step but one, the version before it is in force. Wherever this ends too
early, the next run goes on with the draft that it finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..._engine import Plan
from ..._listings import POLICIES
from ..._proxy import Proxy
from ._attachments import differing
from ._table import (
    CONTENT,
    DRAFT,
    ENTRY,
    KEEP,
    PRODUCTION,
    PUBLISHED,
    Version,
    as_records,
    content_of,
    old_versions,
    same_content,
)

Request = tuple[str, str, Mapping[str, Any]]
ATTACH = "/policies/attachments"


def requests(plan: Plan, proxy: Proxy) -> Iterator[Request]:
    """Yield the requests of a plan, as method, path, and body."""
    missing, surplus = differing(plan.after.get("attachments") or (), plan.existing.get("attachments") or ())
    if "attachments" not in plan.changes and plan.action != "delete":
        missing, surplus = [], []
    if plan.action == "delete":
        yield from _detachments(plan.existing["attachments"])
        # By id, because a name with a slash is none of a path. The version in production is the last.
        yield from _deletions(sorted(plan.existing["versions"], key=lambda row: row["version_status"] == PRODUCTION))
    elif not plan.existing.get("versions"):
        # Attachments of an earlier policy with this name would apply at once.
        yield from _detachments(surplus)
        named = {"policy_name": plan.name}
        yield "POST", "/policies", {**named, **content_of({**named, **plan.after})}
        yield from _attachments(plan.name, missing)
    else:
        yield from _versions(plan, proxy)
        yield from _attachments(plan.name, missing)
        yield from _detachments(surplus)


def _attachments(name: str, missing: Sequence[Mapping[str, Any]]) -> Iterator[Request]:
    return (("POST", ATTACH, {"policy_name": name, **attachment}) for attachment in missing)


def _detachments(surplus: Sequence[Mapping[str, Any]]) -> Iterator[Request]:
    return (("DELETE", f"{ATTACH}/{quote(one['attachment_id'], safe='')}", {}) for one in surplus)


def _versions(plan: Plan, proxy: Proxy) -> Iterator[Request]:
    """Yield the requests that put a new version into production, if it differs, and delete those before it."""
    record, versions = plan.existing, plan.existing["versions"]
    content = [row.name for row in CONTENT if row.name in plan.after]
    several = sum(version["version_status"] == PRODUCTION for version in versions) > 1
    old, kept = old_versions(record), record.get("policy_id")
    if several or not kept or any(name in plan.changes for name in content):
        source = record if kept else max(versions, key=lambda version: version["version_number"])
        wanted = {**source, **{name: plan.after[name] for name in content}}
        draft = _draft(versions, wanted)
        if draft is None:
            yield "POST", f"{_by_name(plan.name)}/versions", {"source_policy_id": source["policy_id"]}
            versions = _fetch_versions(plan.name, proxy)
            draft = _draft(versions, wanted)
        if draft is None:
            return
        path = f"/policies/{quote(draft['policy_id'], safe='')}"
        if not same_content(draft, wanted):
            yield "PUT", path, content_of(wanted)
        if draft["version_status"] == DRAFT:
            yield "PUT", f"{path}/status", {"version_status": PUBLISHED}
        yield "PUT", f"{path}/status", {"version_status": PRODUCTION}
        old = old_versions({"versions": versions, "policy_id": draft["policy_id"]})
        kept = draft["policy_id"]
    if KEEP in plan.after:
        untouched = [
            version for version in versions if _is_untouched(version, versions) and version["policy_id"] != kept
        ]
        yield from _deletions([*old, *untouched])


def _deletions(versions: Sequence[Version]) -> Iterator[Request]:
    return (("DELETE", f"/policies/{quote(version['policy_id'], safe='')}", {}) for version in versions)


def _draft(versions: Sequence[Version], wanted: Version) -> Version | None:
    """Return a version that was never in production and says what is wanted, or else one that nobody has filled."""
    never = [
        version for version in versions if not version.get("production_at") and version["version_status"] != PRODUCTION
    ]
    ready = [version for version in never if same_content(version, wanted)]
    return next(iter(ready or [version for version in never if _is_untouched(version, versions)]), None)


def _is_untouched(version: Version, versions: Sequence[Version]) -> bool:
    """Return whether a draft still says what the version says of which it was made."""
    made_of = [one for one in versions if one["policy_id"] == version.get("parent_version_id")]
    return version["version_status"] == DRAFT and any(same_content(version, one) for one in made_of)


def _fetch_versions(name: str, proxy: Proxy) -> Sequence[Version]:
    records = as_records(proxy.listed(POLICIES, row=ENTRY), ())
    return next((record["versions"] for record in records if record["policy_name"] == name), ())


def _by_name(name: str) -> str:
    return f"/policies/name/{quote(name, safe='')}"
