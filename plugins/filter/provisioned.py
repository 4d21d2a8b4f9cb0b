# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What everybody ended up with: people, plan and written batches brought together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

REPORTED = ("key", "key_id", "action", "changed", "error")


def provisioned(
    people: Sequence[Mapping[str, Any]], planned: Sequence[Mapping[str, Any]], batches: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """A report for each person. Whom a batch never came to has that batch's message as error."""
    written = {report["key_alias"]: report for batch in batches for report in batch.get("virtual_keys", ())}
    broken = next((batch.get("msg") for batch in batches if "virtual_keys" not in batch), None)
    users = []
    for person, plan in zip(people, planned):
        alias = plan["key_alias"]
        report = written.get(alias, plan)
        if plan["changed"] and alias not in written:
            report = {"action": "none", "changed": False, "error": broken or "Not tried."}
        details = {name: report.get(name) for name in REPORTED}
        users.append({"user": person["user"], "user_id": person["user_id"], "alias": alias, **details})
    return users


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provisioned": provisioned}
