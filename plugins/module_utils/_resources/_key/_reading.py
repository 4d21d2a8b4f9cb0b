# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding virtual keys on a proxy. Private: only for use inside this collection.

No filter of the server is trusted: its versions take a name for the whole, a part or nothing of what it is compared to.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..._errors import ApiError
from ..._kind import Client
from ..._listings import KEY_ALIASES, KEYS, PAGE
from ..._proxy import Proxy
from ..._shapes import LIST, MAPPING, NUMBER, TEXT, TIME, Nullable, ensure_shape, maybe
from ..._values import parse_time
from ._table import KEY

Record = Mapping[str, Any]
# One look-up by alias costs the server about a third of a page of 100 keys.
LOOKUPS_PER_PAGE = 3
# The row of a key costs the server about as much as three aliases in a listing of them.
LISTED_PER_ROW = 3
# Rows are asked for by name: there is no page that others could shift, only a size to keep in bounds.
MAX_ROWS = 500
# How often to look while another run is at work, and how long to wait between two looks, in seconds.
LOOKS = 5
PAUSE = 0.5
# The run that made a key of this age has reported it, or never will.
NOBODYS = timedelta(minutes=5)
FULL = {"return_full_object": "true"}
OF_TYPE = {"dict": MAPPING, "int": NUMBER, "float": NUMBER}
LIST_OF = {"dict": [MAPPING], "str": [TEXT]}
# A key as it is shown by itself.
INFO = {
    **{row.name: maybe(OF_TYPE[row.type]) for row in KEY.fields if row.type in OF_TYPE and not row.path},
    **{
        row.name: maybe(LIST_OF.get(str(row.elements), LIST))
        for row in KEY.fields
        if row.type == "list" and not row.path
    },
    **dict.fromkeys(("key_alias", "key_name", "budget_id", "user_id", "team_id", "org_id"), maybe(TEXT)),
    **dict.fromkeys(("created_at", "expires", "last_rotation_at"), maybe(TIME)),
    "spend": maybe(NUMBER),
    "metadata": maybe(MAPPING),
    "litellm_budget_table": maybe({"max_budget": maybe(NUMBER)}),
}
# As rows show it, one of many.
ROW = {**INFO, "key_alias": Nullable(TEXT), "key_name": Nullable(TEXT)}
LISTED = {**ROW, "token": TEXT}


@dataclass(frozen=True)
class Standing:
    """How many keys bear an alias, and whether the one that is looked for is among them."""

    bearers: int
    ours: bool


class KeyReader:
    """Reads the virtual keys of one proxy, at a cost that follows what is asked for.

    :param client: an object with ``get`` and ``send``, such as ``_client.Client``.
    """

    def __init__(self, client: Client, proxy: Proxy) -> None:
        self._client = client
        self._proxy = proxy

    def with_alias(self, alias: str) -> list[Record]:
        """Return all keys with exactly this alias."""
        # Some versions take the alias for a part of one, and list all keys for an empty one: compare here.
        return [record for record in self.listing({"key_alias": alias}) if record["key_alias"] == alias]

    def with_alias_or(self, alias: str, longer: str) -> list[Record]:
        """Return all keys with exactly this alias, or with another one that begins with it.

        One request where the server also finds parts of aliases. LiteLLM before 1.83.4 does not: there a key with the
        longer alias is found beside one with the alias only.
        """
        beginning = _beginning([alias])
        either = {"key_alias": beginning, "substring_matching": "true"}
        first = self._first_page(either) if beginning else None
        if first is None or first["pages"] > 1:
            return [*self.with_alias(alias), *self.with_alias(longer)]
        records = [record for record in self.listing(either, first) if record["key_alias"] in (alias, longer)]
        if any(_is_old(record) for record in records) and not any(one["key_alias"] == longer for one in records):
            records += self.with_alias(longer)
        return records

    def with_any_alias(self, aliases: Sequence[str], expected: int) -> list[Record]:
        """Return all keys with one of the aliases: from a listing narrowed to their common beginning, or look-ups."""
        asked = set(aliases)
        just_read = self._just_read(_beginning(aliases))
        if just_read is not None:
            return [record for record in just_read if record["key_alias"] in asked]
        narrow = self._narrow(_beginning(aliases))
        first = self._first_page(narrow)
        further = first["pages"] - 1
        if further * PAGE > 2 * expected:
            present = self._existing(aliases, cheaper_than=further * LOOKUPS_PER_PAGE)
            if present is not None:
                return [record for alias in present for record in self.with_alias(alias)]
        return [record for record in self.listing(narrow, first) if record["key_alias"] in asked]

    def with_prefix(self, prefix: str, params: Mapping[str, Any]) -> list[Record]:
        """Return all keys of a listing whose alias begins with a text."""
        narrow = self._narrow(_beginning([prefix]))
        records = self.listing({**params, **narrow})
        if narrow and not params:
            self._client.last_read[KEYS] = (narrow["key_alias"], records)
        return [record for record in records if str(record["key_alias"] or "").startswith(prefix)]

    def _just_read(self, beginning: str) -> list[Record] | None:
        """Return all keys whose aliases begin so, if that is what the run has read last, and nothing since.

        It is used once: who looks again wants to know what others have written meanwhile.
        """
        known, records = self._client.last_read.pop(KEYS, (None, []))
        return records if known is not None and beginning.startswith(known) else None

    def _narrow(self, beginning: str) -> dict[str, str]:
        """Return parameters of a listing that has all aliases with this beginning, and as few others as possible."""
        if not beginning or not self._proxy.at_least("1.83.4"):
            return {}
        return {"key_alias": beginning, "substring_matching": "true"}

    def standing(self, tokens: Mapping[str, str]) -> dict[str, Standing]:
        """Return how each alias stands: how many keys bear it, and whether one of them has the token given with it."""
        aliases = list(tokens)
        if len(aliases) > 1 and self._proxy.at_least("1.84.10"):
            # The tokens first: what was there before a key that was found is then counted with it.
            ours = {row["key_alias"] for row in self.rows_of_tokens([token for token in tokens.values() if token])}
            listed = self._listed_aliases(aliases)
            rows = self.rows_of_aliases(aliases) if listed is None else listed
        else:
            found = len(aliases) > 1
            rows = self.with_any_alias(aliases, expected=len(aliases)) if found else self.with_alias(aliases[0])
            ours = {row["key_alias"] for row in rows if row["token"] == tokens.get(row["key_alias"])}
        tally = Counter(row["key_alias"] for row in rows)
        return {alias: Standing(tally[alias], alias in ours) for alias in aliases}

    def with_bearers(self, records: Sequence[Record]) -> list[Record]:
        """Return the same keys, each with whether it alone bears its alias."""
        aliases = {record["key_alias"]: record["token"] for record in records if record["key_alias"]}
        alone = {alias for alias, found in self.standing(aliases).items() if found.bearers == 1} if aliases else set()
        return [{**record, "is_alone": record["key_alias"] in alone} for record in records]

    def with_any_token(self, tokens: Sequence[str]) -> list[Record]:
        """Return all keys with one of the tokens: by look-ups, or from the listing of all keys if that costs less."""
        asked = set(tokens)
        first = self._first_page({}) if len(asked) > LOOKUPS_PER_PAGE else None
        if first and (first["pages"] - 1) * LOOKUPS_PER_PAGE < len(asked):
            return [record for record in self.listing({}, first) if record["token"] in asked]
        found = [record for token in sorted(asked) for record in self.listing({"key_hash": token})]
        return [record for record in found if record["token"] in asked]

    def with_budgets(self, records: Sequence[Record]) -> list[Record]:
        """Return the same keys with the budgets that they refer to, which older listings leave out."""
        if any(_is_old(record) for record in records):
            rows = self.rows_of_tokens([record["token"] for record in records])
            ids = {_likeness(row): row.get("budget_id") for row in rows}
            records = [{**record, "budget_id": ids.get(_likeness(record))} for record in records]
        lacking = [record for record in records if record["budget_id"] and not record.get("litellm_budget_table")]
        budgets = self._proxy.budgets(record["budget_id"] for record in lacking)
        return [
            record
            if record.get("litellm_budget_table")
            else {**record, "litellm_budget_table": budgets.get(record["budget_id"])}
            for record in records
        ]

    def rows_of_aliases(self, aliases: Sequence[str]) -> list[Record]:
        """Return the keys with these aliases, without their tokens. Needs LiteLLM 1.84.10."""
        return self._rows("key_aliases", aliases)

    def rows_of_tokens(self, tokens: Sequence[str]) -> list[Record]:
        """Return the keys with these tokens, without their tokens."""
        try:
            return self._rows("keys", tokens)
        except ApiError as error:
            if error.status == 404:  # up to 1.80: none of them exists
                return []
            raise

    def listing(self, params: Mapping[str, Any], first: Mapping[str, Any] | None = None) -> list[Record]:
        """Return all keys of a listing."""
        return self._proxy.listed(KEYS, {**params, **FULL}, LISTED, first)

    def complete(self, record: Record) -> Record:
        """Return a record with what only ``/key/info`` tells.

        :raises ApiError: with status 404 if the key is gone.
        """
        answer = self._client.get("/key/info", {"key": record["token"]})
        info = ensure_shape(answer, {"info": INFO}, "GET /key/info")["info"]
        if info.get("deleted_at"):  # newer versions remember it
            raise ApiError(f"The key {info.get('key_alias')} was deleted.", 404)
        return {**record, **info, "token": record["token"]}

    def _rows(self, kind: str, values: Sequence[str]) -> list[Record]:
        """Return rows without their tokens, in any order, missing ones left out."""
        rows: list[Record] = []
        for start in range(0, len(values), MAX_ROWS):
            answer = self._client.send("/v2/key/info", {kind: list(values[start : start + MAX_ROWS])}, idempotent=True)
            rows += ensure_shape(answer, {"info": [ROW]}, "POST /v2/key/info")["info"]
        return rows

    def _listed_aliases(self, aliases: Sequence[str]) -> list[Record] | None:
        """Return all aliases with the common beginning of these, one for each key; None if rows by name cost less."""
        most = LISTED_PER_ROW * len(aliases)
        search = {"search": _beginning(aliases)}
        first = self._proxy.first_page(KEY_ALIASES, search, TEXT)
        if first["total"] > most:
            return None
        return [{"key_alias": alias} for alias in self._proxy.listed(KEY_ALIASES, search, TEXT, first)]

    def _existing(self, aliases: Sequence[str], cheaper_than: int) -> list[str] | None:
        """Return those of the aliases that are worth a look-up each; None where a listing costs less."""
        if self._proxy.at_least("1.84.10"):
            aliases = sorted({row["key_alias"] for row in self.rows_of_aliases(aliases)})
        return list(aliases) if len(aliases) < cheaper_than else None

    def _first_page(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._proxy.first_page(KEYS, {**params, **FULL}, LISTED)


def seniority(record: Record) -> tuple[str, str]:
    """Return by what to sort keys with one alias, of which all runs keep the same one: the oldest."""
    return (str(record.get("created_at")), str(record["token"]))


def is_young(time: Any, past: datetime) -> bool:
    """Return whether what was written at that time may be the work of a run that is not over yet."""
    return bool(time) and past - parse_time(time) < NOBODYS


def _beginning(aliases: Sequence[str]) -> str:
    """Return what the server's filters are given to find all of these aliases, and others."""
    # In a pattern of the database a backslash is no character of its own.
    return os.path.commonprefix(aliases).split("\\")[0]  # noqa: RUF071


def _is_old(record: Record) -> bool:
    """Return whether a listing is that of an older version, up to 1.83."""
    return "budget_id" not in record


def _likeness(record: Record) -> tuple[Any, ...]:
    """Return what tells a row without its token from the others."""
    created = record.get("created_at")
    return (record["key_alias"], record["key_name"], parse_time(created) if created else None)
