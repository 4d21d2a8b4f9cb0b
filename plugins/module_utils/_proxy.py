# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy is and has: its version, models, teams, budgets. Private: only for use inside this collection.

Each question is asked at most once, and only when an answer is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

from ._errors import ApiError
from ._intentions import Intentions
from ._kind import Client
from ._listings import (
    BUDGETS,
    CREDENTIALS,
    FEW,
    MODEL_ACCESS_GROUPS,
    MODELS,
    ROSTERS,
    TEAMS,
    USERS,
    Listing,
    fetch_all,
    fetch_page,
)
from ._shapes import ANY, FLAG, MAPPING, NUMBER, TEXT, Shape, ensure_shape, maybe
from ._values import version_tuple

# The user of the master key, whom LiteLLM also puts into each team.
MASTER_USER = "default_user_id"
NO_SUCH_KEY = "key not found"
SPECIAL_MODELS = frozenset({"*", "all-proxy-models", "all-team-models", "no-default-models"})


MODEL = {"model_name": TEXT, "model_info": maybe({"access_groups": maybe([TEXT])})}
BUDGET = {"budget_id": TEXT, "max_budget": maybe(NUMBER)}


class Proxy:
    """Questions to a proxy."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._teams: dict[str, Mapping[str, Any] | None] = {}
        self._aliases: dict[str, list[str]] = {}
        self._known: dict[Listing, list[Any]] = {}

    @property
    def intentions(self) -> Intentions:
        """What the run is going to do, while it plans; nothing once it writes."""
        return getattr(self.client, "intentions", None) or Intentions()

    @property
    def version(self) -> str | None:
        """LiteLLM's version, None if the proxy does not tell it."""
        version: str | None = self._fact("version", self._read_version)
        return version

    @property
    def title(self) -> str:
        """How a sentence calls the proxy: with its version, if it tells it."""
        return f"LiteLLM {self.version}" if self.version else "the proxy"

    def at_least(self, version: str) -> bool:
        """Return whether the proxy is known to be of that version or newer."""
        return self.version is not None and version_tuple(self.version) >= version_tuple(version)

    @property
    def licensed(self) -> bool | None:
        """Whether the proxy has an Enterprise license, None if it is too old to report it.

        :raises ApiError: if the caller's key does not belong to an admin, because the proxy answers only admins.
        """
        licensed: bool | None = self._fact("licensed", self._read_license)
        return licensed

    @property
    def caller(self) -> str:
        """The user of the key with which requests are made."""
        caller: str = self._fact("caller", self._read_caller)
        return caller

    def ensure_reachable(self) -> None:
        """Refuse to go on if there is no proxy that answers to the caller's key.

        :raises ApiError: saying so.
        """
        self._fact("version", self._read_version)

    def ensure_admin(self) -> None:
        """Refuse to go on if the caller's key does not belong to an admin.

        :raises ApiError: saying so.
        """
        self._fact("licensed", self._read_license)

    def _fact(self, name: str, read: Callable[[], Any]) -> Any:
        """Return what the proxy says of itself, which the client keeps for those that come after it."""
        facts = self.client.facts
        if name not in facts:
            facts[name] = read()
        return facts[name]

    def _read_version(self) -> str | None:
        for path in ("/health/readiness/details", "/health/readiness"):
            try:
                version = self._get(path, {"litellm_version": maybe(TEXT)}).get("litellm_version")
            except ApiError as error:
                if error.status in (401, 0):
                    raise
                continue
            if version:
                return str(version)
        return None

    def _read_license(self) -> bool | None:
        try:
            return bool(self._get("/health/license", {"has_license": maybe(FLAG)}).get("has_license"))
        except ApiError as error:
            if error.status in (404, 405):
                return None
            raise

    def _read_caller(self) -> str:
        try:
            info = self._get("/key/info", {"info": {"user_id": maybe(TEXT)}})["info"]
        except ApiError as error:
            if NO_SUCH_KEY in error.message.lower():
                return MASTER_USER  # the master key is no key of the database
            raise
        return info.get("user_id") or MASTER_USER

    def unknown_models(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that are no model, wildcard, access group or special name of the proxy."""
        asked = [name for name in dict.fromkeys(names) if name not in SPECIAL_MODELS]
        models = self._models if asked else frozenset()
        unknown = [name for name in asked if not _is_model(name, models)]
        return [name for name in unknown if name not in self._access_groups] if unknown else []

    def missing_models(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that no deployment has exactly, not even for a team."""
        known: set[str | None] = set()
        for deployment in self.known(MODELS, MODEL):
            known |= {deployment["model_name"], (deployment.get("model_info") or {}).get("team_public_model_name")}
        return [name for name in dict.fromkeys(names) if name not in known]

    @cached_property
    def catalog(self) -> Mapping[str, Mapping[str, Any]]:
        """What the proxy knows about the models of providers, by their names. Empty if it does not tell.

        LiteLLM registers the models of the proxy there, too, with all that was set for them. These have an ID.
        """
        answer = self._if_there("/public/litellm_model_cost_map", {}, MAPPING, "not found") or {}
        return {name: known for name, known in answer.items() if isinstance(known, Mapping) and "id" not in known}

    @property
    def models(self) -> list[str]:
        """All models and access groups, sorted."""
        return sorted(self._models | self._access_groups)

    @property
    def single_models(self) -> frozenset[str]:
        """The names that stand for one model each: no wildcards, and no access groups."""
        names = {name for name, _groups in self._deployments if "*" not in name}
        return frozenset(
            names - {group for _name, groups in self._deployments for group in groups} - self._access_groups
        )

    @property
    def _models(self) -> frozenset[str]:
        """All models, and the access groups that they themselves name."""
        return frozenset(name for one, groups in self._deployments for name in (one, *groups))

    @property
    def _deployments(self) -> list[tuple[str, list[str]]]:
        """The name of each model, and the access groups that it names."""
        return [
            (row["model_name"], (row.get("model_info") or {}).get("access_groups") or [])
            for row in self.known(MODELS, MODEL)
        ]

    @cached_property
    def _access_groups(self) -> frozenset[str]:
        try:
            groups = self.listed(MODEL_ACCESS_GROUPS, row={"access_group": TEXT})
        except ApiError as error:
            if error.status not in (404, 405):
                raise
            groups = []  # older proxies keep access groups only at their models
        return frozenset(group["access_group"] for group in groups)

    def team(self, team_id: str) -> Mapping[str, Any] | None:
        """Return a team, None if there is none with that id, empty if the proxy does not show it."""
        if team_id not in self._teams and not self.intentions.creates(TEAMS, team_id):
            answer = self._if_there("/team/info", {"team_id": team_id}, {"team_info": maybe(MAPPING)}, "team not found")
            self._teams[team_id] = None if answer is None else answer.get("team_info") or {}
        found = self._teams.get(team_id)
        if found == {}:
            return found
        teams = self.intentions.all(TEAMS, [] if found is None else [{**found, "team_id": team_id}])
        asked = [team for team in teams if team["team_id"] == team_id]
        return next(iter(self.intentions.stay(ROSTERS, asked)), None)

    def teams_called(self, alias: str) -> list[str]:
        """Return the IDs of the teams with exactly that alias."""
        if alias not in self._aliases:
            rows = self.intentions.all(TEAMS, self.fitting(TEAMS, {"team_alias": alias}))
            self._aliases[alias] = [row["team_id"] for row in rows if row.get("team_alias") == alias]
        return self._aliases[alias]

    def users_called(self, email: str) -> list[str]:
        """Return the IDs of the users with that address, in which upper and lower case are the same."""
        rows = self.intentions.all(USERS, self.fitting(USERS, {"user_email": email}))
        return [row["user_id"] for row in rows if str(row.get("user_email") or "").lower() == email.lower()]

    def missing_teams(self, ids: Iterable[str]) -> list[str]:
        asked = list(dict.fromkeys(ids))
        listed = self._listed_teams([team for team in asked if team not in self._teams])
        return [team for team in asked if team not in listed and self.team(team) is None]

    def _listed_teams(self, ids: Collection[str]) -> frozenset[str]:
        """Return the teams of the listing, none where it takes more requests than to look each of these up."""
        if TEAMS not in self._known:
            first = self.first_page(TEAMS, {}) if len(ids) > FEW else {"pages": len(ids) + 1}
            if first["pages"] > len(ids):
                return frozenset()
            self.remember(TEAMS, self.listed(TEAMS, first=first))
        return frozenset(team["team_id"] for team in self.known(TEAMS, {"team_id": TEXT}))

    def missing_organizations(self, ids: Iterable[str]) -> list[str]:
        return [organization for organization in dict.fromkeys(ids) if self._organization(organization) is None]

    def budgets(self, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Return those of the budgets that exist, by id."""
        asked = list(dict.fromkeys(ids))
        if not asked:
            return {}
        try:
            rows = ensure_shape(
                self.client.send("/budget/info", {"budgets": asked}, idempotent=True), [BUDGET], "POST /budget/info"
            )
        except ApiError as error:
            if error.status not in (401, 403):
                raise
            rows = self.listed(BUDGETS, row=BUDGET)  # a viewer may read, but send nothing
        return {row["budget_id"]: row for row in rows if row["budget_id"] in asked}

    def missing_budgets(self, ids: Iterable[str]) -> list[str]:
        asked = list(dict.fromkeys(ids))
        there = self.intentions.all(BUDGETS, self.budgets(asked).values())
        known = {budget["budget_id"] for budget in there}
        return [budget for budget in asked if budget not in known]

    def missing_keys(self, ids: Iterable[str]) -> list[str]:
        return [
            key
            for key in dict.fromkeys(ids)
            if self._if_there("/key/info", {"key": key}, {"info": MAPPING}, NO_SUCH_KEY) is None
        ]

    def missing_credentials(self, names: Iterable[str]) -> list[str]:
        return [name for name in dict.fromkeys(names) if not self._has_credential(name)]

    def _has_credential(self, name: str) -> bool:
        if self.intentions.creates(CREDENTIALS, name):
            return True
        path = f"/credentials/by_name/{quote(name, safe='')}"
        found = self._if_there(path, {}, {"credential_name": TEXT}, "credential not found")
        return found is not None and bool(self.intentions.stay(CREDENTIALS, [{"credential_name": name}]))

    def _organization(self, organization: str) -> Mapping[str, Any] | None:
        asked = {"organization_id": organization}
        return self._if_there("/organization/info", asked, MAPPING, "organization not found")

    def _if_there(self, path: str, params: Mapping[str, str], shape: Shape, missing: str) -> Mapping[str, Any] | None:
        """Return what the proxy tells about an object, None if there is none.

        :param missing: what LiteLLM says then; any other 404 may come from what stands before the proxy.
        """
        try:
            answer: Mapping[str, Any] = self._get(path, shape, params)
        except ApiError as error:
            # 403: only licensed proxies answer for organizations; there the write itself tells.
            if error.status == 403:
                return {}
            if missing in error.message.lower():
                return None
            raise
        return answer

    def listed(
        self,
        listing: Listing,
        params: Mapping[str, Any] | None = None,
        row: Shape = ANY,
        first: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        """Return all entries of a listing, as ``_listings.fetch_all``."""
        return fetch_all(self.client.get, listing, params or {}, row, first)

    def known(
        self,
        listing: Listing,
        row: Shape = ANY,
        params: Mapping[str, Any] | None = None,
        fetch: Callable[[Proxy], list[Any]] | None = None,
    ) -> list[Any]:
        """Return all entries of a listing as they were when they were last read, and as the run will leave them.

        :param params: without which the listing does not show all that there is to read.
        :param fetch: what returns the entries, if the proxy does not list them as such.
        """
        if listing not in self._known:
            self._known[listing] = fetch(self) if fetch else self.listed(listing, params)
        entries = ensure_shape(self._known[listing], [row], f"GET {listing.path}")
        return self.intentions.all(listing, entries)

    def remember(self, listing: Listing, entries: list[Any]) -> None:
        """Remember all entries of a listing that were just read."""
        self._known[listing] = entries

    def fitting(self, listing: Listing, params: Mapping[str, Any]) -> list[Any]:
        """Return the entries that can fit a filter, which the caller compares: all, if they were read already."""
        return self.known(listing) if listing in self._known else self.listed(listing, params)

    def shown(self, path: str) -> Any:
        """Return what the proxy shows at an address, which is asked once while a run plans."""
        shown = self.intentions.shown
        if path not in shown:
            shown[path] = self.client.get(path)
        return shown[path]

    def first_page(self, listing: Listing, params: Mapping[str, Any], row: Shape = ANY) -> Mapping[str, Any]:
        """Return the first page of a listing, as ``_listings.fetch_page``, which tells how long the listing is."""
        return fetch_page(self.client.get, listing, params, 1, row)

    def _get(self, path: str, shape: Shape, params: Mapping[str, Any] | None = None) -> Any:
        answer = self.client.get(path, dict(params)) if params else self.client.get(path)
        return ensure_shape(answer, shape, f"GET {path}")


def _is_model(name: str, models: Collection[str]) -> bool:
    if name in models:
        return True
    # "openai/*" on the proxy serves "openai/gpt-4o"; a key may also name a part of it, "openai/gpt-*".
    return any(known.endswith("*") and name.startswith(known[:-1]) for known in models)
