# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy is and has: its version, models, teams, budgets. Private: only for use inside this collection.

Each question is asked at most once, and only when an answer is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from ._errors import ApiError
from ._values import version_tuple

PAGE = 100
SPECIAL_MODELS = frozenset({"*", "all-proxy-models", "all-team-models", "no-default-models"})


def unexpected_shape(request: str) -> ApiError:
    """The error for an answer with success that is none of LiteLLM's."""
    return ApiError(
        f"The answer to {request} has an unexpected shape.",
        hint="Check that api_url is the address of a LiteLLM proxy.",
    )


class Proxy:
    """Questions to a proxy.

    :param client: an object with ``get`` and ``send``, such as ``_client.Client``.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self._teams: dict[str, Mapping[str, Any] | None] = {}

    @cached_property
    def version(self) -> str | None:
        """LiteLLM's version, None if the proxy does not tell it."""
        for path in ("/health/readiness/details", "/health/readiness"):
            try:
                version = self.client.get(path).get("litellm_version")
            except ApiError as error:
                if error.status in (401, 0):
                    raise
                continue
            if version:
                return str(version)
        return None

    def at_least(self, version: str) -> bool:
        """Whether the proxy is known to be of that version or newer."""
        return self.version is not None and version_tuple(self.version) >= version_tuple(version)

    @cached_property
    def licensed(self) -> bool | None:
        """Whether the proxy has an Enterprise licence, None if it is too old to tell.

        :raises ApiError: if the caller's key is no admin's: only to admins does the proxy answer this.
        """
        try:
            return bool(self.client.get("/health/license").get("has_license"))
        except ApiError as error:
            if error.status in (404, 405):
                return None
            raise

    def unknown_models(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are no model, wildcard, access group or special name of the proxy."""
        asked = [name for name in dict.fromkeys(names) if name not in SPECIAL_MODELS]
        unknown = [name for name in asked if not self._is_model(name)]
        return [name for name in unknown if name not in self._access_groups] if unknown else []

    def _is_model(self, name: str) -> bool:
        if name in self._models:
            return True
        # "openai/*" on the proxy serves "openai/gpt-4o"; a key may also name a part of it, "openai/gpt-*".
        return any(known.endswith("*") and name.startswith(known[:-1]) for known in self._models)

    @cached_property
    def _models(self) -> frozenset[str]:
        """All models, and the access groups that they themselves name."""
        known: set[str] = set()
        for deployment in self.pages("/v2/model/info", "data"):
            known.add(deployment["model_name"])
            known.update((deployment.get("model_info") or {}).get("access_groups") or ())
        return frozenset(known)

    @cached_property
    def _access_groups(self) -> frozenset[str]:
        try:
            groups = self.client.get("/access_group/list").get("access_groups", [])
        except ApiError as error:
            if error.status not in (404, 405):
                raise
            groups = []  # older proxies keep access groups only at their models
        return frozenset(group["access_group"] for group in groups)

    def team(self, team_id: str) -> Mapping[str, Any] | None:
        """A team, None if there is none with that id, empty if the proxy does not show it."""
        if team_id not in self._teams:
            answer = self._if_there("/team/info", {"team_id": team_id})
            self._teams[team_id] = None if answer is None else answer.get("team_info") or {}
        return self._teams[team_id]

    def missing_teams(self, ids: Iterable[str]) -> list[str]:
        return [team for team in dict.fromkeys(ids) if self.team(team) is None]

    def missing_organizations(self, ids: Iterable[str]) -> list[str]:
        return [
            organization
            for organization in dict.fromkeys(ids)
            if self._if_there("/organization/info", {"organization_id": organization}) is None
        ]

    def budgets(self, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Those of the budgets that exist, by id."""
        asked = list(dict.fromkeys(ids))
        rows = self.client.send("/budget/info", {"budgets": asked}, replay=True) if asked else []
        return {row["budget_id"]: row for row in rows}

    def missing_budgets(self, ids: Iterable[str]) -> list[str]:
        asked = list(dict.fromkeys(ids))
        known = self.budgets(asked)
        return [budget for budget in asked if budget not in known]

    def _if_there(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any] | None:
        """What the proxy tells about an object, None if there is none."""
        try:
            answer: Mapping[str, Any] = self.client.get(path, dict(params))
        except ApiError as error:
            # 403: only licensed proxies answer for organisations; there the write itself tells.
            if error.status == 403:
                return {}
            if error.status == 404 or "not found" in error.message.lower() or "doesn't exist" in error.message.lower():
                return None
            raise
        return answer

    def pages(self, path: str, entries: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """All entries of a paged listing."""
        page = 1
        while True:
            body = self.client.get(path, {**(params or {}), "page": page, "size": PAGE})
            if not isinstance(body, dict) or entries not in body:
                raise unexpected_shape(f"GET {path}")
            yield from body[entries]
            if page >= (body.get("total_pages") or 1):
                return
            page += 1
