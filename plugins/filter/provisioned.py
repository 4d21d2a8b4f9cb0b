# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What everybody ended up with: people, and what was done to their keys, brought together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

REPORTED = ("key", "key_id", "action", "changed", "error")
WORDS = {"create": "created", "update": "updated", "reissue": "reissued", "delete": "deleted", "none": "unchanged"}

Entry = Mapping[str, Any]


def provisioned(people: Sequence[Entry], result: Entry) -> dict[str, Any]:
    """What came of everybody, how many of each, whose keys were removed, and who failed.

    :param people: of the roster.
    :param result: of ``litellm_keys``, with their keys in the same order.
    """
    users = [
        {
            "user": person["user"],
            "user_id": person["user_id"],
            "alias": report["key_alias"],
            **{name: report[name] for name in REPORTED},
        }
        for person, report in zip(people, result["virtual_keys"])
    ]
    failed = [f"{user['user']} ({user['error']})" for user in users if user["error"]]
    kept = [f"{report['key_alias']} ({report['error']})" for report in result["pruned"] if report["error"]]
    problems = [
        f"{len(failed)} of {len(users)} failed: {'; '.join(failed)}" if failed else "",
        f"{len(kept)} not removed: {'; '.join(kept)}" if kept else "",
    ]
    return {
        "users": users,
        "summary": dict(Counter("failed" if user["error"] else WORDS[user["action"]] for user in users)),
        "pruned": [report["key_alias"] for report in result["pruned"] if not report["error"]],
        "problem": " ".join(filter(None, problems)),
    }


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provisioned": provisioned}
