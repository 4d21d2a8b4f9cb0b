# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who needs a model that goes: keys and others that name it, and fallbacks, as the run leaves them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._unlisted import FALLBACKS
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Plan
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._intentions import Intentions
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._model._losses import losses
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import UNSET

SETTINGS = {
    "fallbacks": [{"gone": ["other"]}, {"asks": [{"model": "gone"}, "other"]}, "damaged"],
    "context_window_fallbacks": [{"other": ["gone"]}],
    "content_policy_fallbacks": None,
}


class Client:
    """A proxy with the models gone and other, and with fallbacks, of which it counts how often they are read."""

    def __init__(self, deployments: int = 1) -> None:
        names = [*["gone"] * deployments, "other"]
        self.models = [
            {"model_name": name, "model_info": {"id": f"id-{number}"}, "litellm_params": {}}
            for number, name in enumerate(names)
        ]
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}
        self.settings_read = 0
        self.intentions = Intentions()

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/router/settings":
            self.settings_read += 1
            return {"current_values": SETTINGS}
        if path == "/v1/access_group":
            return []
        rows: dict[str, tuple[str, list[Any]]] = {
            "/v2/model/info": ("data", self.models),
            "/key/list": ("keys", [{"token": "t", "key_alias": "k", "models": ["gone"]}]),
            "/v2/team/list": ("teams", []),
            "/user/list": ("users", []),
        }
        entries, found = rows[path]
        return {entries: found, "total_count": len(found), "total_pages": 1}


def plan(**changes: Any) -> Plan:
    current = {"model_id": "id-0", "model_name": "gone", "model_info": {"id": "id-0"}}
    return Plan("id-0", "update" if changes else "delete", changes=changes, current=current)


@pytest.mark.parametrize("what", [plan(), plan(model_name="renamed")])
def test_fallbacks_name_a_model_on_both_sides(what: Plan) -> None:
    client = Client()
    proxy = Proxy(client)  # type: ignore[arg-type]
    named = "No other deployment serves gone, which is named by 1 key (k), 2 fallbacks (gone, other)."
    assert losses(what, proxy) == [named]
    assert losses(what, proxy) == [named]
    assert client.settings_read == 1


def test_nobody_needs_one_of_two_deployments() -> None:
    assert losses(plan(), Proxy(Client(2))) == []  # type: ignore[arg-type]


def test_fallbacks_that_go_with_the_same_run_need_nothing() -> None:
    proxy = Proxy(Client())  # type: ignore[arg-type]
    proxy.intentions.note(FALLBACKS, ["gone"], None)
    proxy.intentions.note(FALLBACKS, ["other"], {"context_window_fallback_models": UNSET})
    assert losses(plan(), proxy) == ["No other deployment serves gone, which is named by 1 key (k)."]
    proxy.intentions.note(FALLBACKS, ["new"], {"fallback_models": ["gone"]}, new=True)
    (sentence,) = losses(plan(), proxy)
    assert "1 fallback (new)." in sentence
