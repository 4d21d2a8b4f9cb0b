# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pass-through endpoints that the configuration file of the proxy owns, and which paths LiteLLM itself serves."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._pass_through import PassThrough

URL = "https://example.com"
OWN = {"id": "made-at-the-start", "path": "/configured", "target": URL, "is_from_config": True}
# The paths that LiteLLM itself serves, and what it answers there.
SERVED = (405, "Method Not Allowed")
OWN_PATHS = {
    "/any/mcp": (404, "MCP server 'any' not found"),
    **dict.fromkeys(("/key/list", "/gone", "/gone/list", "/both"), SERVED),
}
ROUTES = (
    *(("/both", "own"), ("/both", "endpoint_func"), ("/gone", "endpoint_func")),
    ("/gone/{subpath:path}", "endpoint_func"),
)


class Proxy:
    """A proxy with endpoints, one of which stands in its configuration file."""

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/routes":
            return {"routes": [{"path": route, "endpoint": endpoint} for route, endpoint in ROUTES]}
        return {"endpoints": [OWN, {"id": None, "path": "/nameless", "target": URL, "is_from_config": True}]}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        assert method == "OPTIONS"
        status, message = OWN_PATHS.get(path, (404, "Not Found")) if path != "/away" else (503, "Away")
        raise ApiError(message, status)


def declared(proxy: Proxy, name: str, state: str = "present", **options: Any) -> Outcome:
    want = PassThrough().declare({"endpoint_id": name, **options}, state)
    (outcome,) = converge(PassThrough().store(proxy, {}, None), [want], check=True)  # type: ignore[arg-type]
    return outcome


@pytest.mark.parametrize(("state", "options"), [("absent", {}), ("present", {"target": f"{URL}/x"})])
def test_what_the_configuration_file_owns_is_refused(state: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"owned by the configuration file of the proxy\. Change it there\."):
        declared(Proxy(), OWN["id"], state, **options)
    assert declared(Proxy(), OWN["id"], target=URL).action == "none"


@pytest.mark.parametrize("path", ["/configured", "/nameless"])
def test_a_path_of_the_configuration_file_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=f"path: {path} is that of the endpoint of the configuration file"):
        declared(Proxy(), "other", path=path, target=URL)


@pytest.mark.parametrize(
    ("path", "served"),
    [
        *((path, True) for path in ("/key/list", "/key/list/", "/any/mcp", "/both")),
        *((path, False) for path in ("/key/list/x", "/key", "/gone", "/gone/list")),
    ],
)
def test_the_paths_that_litellm_serves(path: str, served: bool) -> None:
    if served:
        with pytest.raises(InputError, match="path: LiteLLM itself serves "):
            declared(Proxy(), "other", path=path, target=URL)
    else:
        assert declared(Proxy(), "other", path=path, target=URL).action == "create"


def test_subpaths_that_litellm_serves() -> None:
    with pytest.raises(InputError, match=r"path: LiteLLM itself serves /key/list\."):
        declared(Proxy(), "other", path="/key", target=URL, include_subpath=True)
    for path in ("/docs", "/gone"):
        assert declared(Proxy(), "other", path=path, target=URL, include_subpath=True).action == "create"


def test_a_path_of_which_nobody_can_tell_is_not_taken() -> None:
    with pytest.raises(ApiError):
        declared(Proxy(), "other", path="/away", target=URL)
