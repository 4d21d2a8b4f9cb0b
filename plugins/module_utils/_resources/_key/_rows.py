# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rows of a key's table are made of: what they read, check, compare and send. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._engine import Field
from ..._text import check_name
from ..._values import parse_time

ZONE = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")


@dataclass(frozen=True)
class KeyField(Field):
    """A field of a key. One that is kept in metadata has a path that begins so.

    :param refers_to: the kind of object that it names by id or name, which must exist on the proxy.
    :param partner: the field without which an update does not take it.
    :param in_metadata_only: the requests (``create``, ``update``) that take it only as an entry of metadata.
    :param answered: whether the answer to a write shows it.
    :param create_path: the request that makes a key with it, if not the usual one.
    :param update: what an update sends, of the declared value and the present one, if not all that is declared.
    :param licensed_entries: entries that need an Enterprise license in a new key.
    """

    refers_to: str = ""
    requires_field: str = ""
    in_metadata_only: tuple[str, ...] = ()
    answered: bool = True
    create_path: str = ""
    update: Callable[[Any, Any], Any] | None = None
    licensed_entries: tuple[str, ...] = ()

    @property
    def entry(self) -> str | None:
        """The entry of metadata that holds the value, None if none does."""
        return self.path[1] if self.path[:1] == ("metadata",) else None


def check_alias(value: str) -> str | None:
    """LiteLLM refuses these since 1.94, in each of its formats of aliases."""
    if ".." in value.split("/"):
        return "must not contain '..' as part of a path."
    return check_name(value)


def without_zone(value: str) -> str:
    """Return a time as UTC that does not say so.

    Servers before 1.98 refuse each request of a key whose time has a zone.
    """
    return parse_time(value).replace(tzinfo=None).isoformat(timespec="seconds")


def second(value: Any) -> str:
    """Return a time to the second, whatever its zone; what another program left there and is no time as it is."""
    try:
        return without_zone(value)
    except ValueError:
        return str(value)


def temp_budget_expiry(record: Mapping[str, Any]) -> str | None:
    value = metadata_of(record).get("temp_budget_expiry")
    if not value:
        return None
    return str(value) if ZONE.search(str(value)) else f"{value}+00:00"


def check_time(value: str) -> str | None:
    try:
        parse_time(value)
    except ValueError:
        return (
            f"'{value}' is not a valid time. Use ISO 8601 format with a time zone, such as 2030-01-31T18:00:00+01:00."
        )
    return None


def has_text(value: str) -> str | None:
    return None if value.strip() else "must not be blank."


def organization(record: Mapping[str, Any]) -> Any:
    """Only the listing calls it ``org_id``; in a record of listing and answer together the answer counts."""
    return record["organization_id"] if "organization_id" in record else record.get("org_id")


def policies(record: Mapping[str, Any]) -> Any:
    return metadata_of(record).get("policies") or record.get("policies")


# What LiteLLM keeps of a key type, and all that it looks at: the column key_type stays as it was when routes change.
ROUTES_OF_TYPE: Mapping[str, list[str]] = {
    "default": [],
    "llm_api": ["llm_api_routes"],
    "management": ["management_routes"],
    "read_only": ["info_routes"],
}


def key_type(record: Mapping[str, Any]) -> str | None:
    """Return the type whose routes a key has, None if its routes are its own."""
    stored = record.get("allowed_routes") or []
    return next((name for name, routes in ROUTES_OF_TYPE.items() if routes == stored), None)


def metadata_of(record: Mapping[str, Any]) -> dict[str, Any]:
    value = record.get("metadata")
    return dict(value) if isinstance(value, Mapping) else {}
