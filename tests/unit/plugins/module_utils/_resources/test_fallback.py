# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of fallbacks that the configuration file of the proxy owns."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._fallback import Fallback

OWNED = r"owned by the configuration file of the proxy, for all models\. Change it there\."


class Proxy:
    """A proxy whose configuration file has a list of fallbacks, and none for long prompts."""

    facts: dict[str, Any] = {"version": "1.110.2"}

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/v2/model/info":
            return {"data": [{"model_name": name, "model_info": {"id": name}} for name in "abc"], **COUNT}
        assert path == "/router/settings"
        return {
            "current_values": {"fallbacks": [{"a": ["b"]}], "context_window_fallbacks": [{"a": ["c"]}]},
            "source": {"fallbacks": "config", "context_window_fallbacks": "db"},
        }


COUNT = {"total_count": 3, "total_pages": 1}


def planned(model: str, state: str = "present", **options: Any) -> Outcome:
    want = Fallback().declare({"model": model, **options}, state)
    (outcome,) = converge(Fallback().store(Proxy(), {}, None), [want], check=True)  # type: ignore[arg-type]
    return outcome


@pytest.mark.parametrize(
    ("model", "state", "options"),
    [
        ("a", "present", {"fallback_models": ["c"]}),
        ("a", "present", {"unset": ["fallback_models"]}),
        ("a", "absent", {}),
        ("b", "present", {"fallback_models": ["c"], "context_window_fallback_models": ["c"]}),
    ],
)
def test_what_the_configuration_file_owns_is_refused(model: str, state: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"fallback_models.*: {OWNED}"):
        planned(model, state, **options)


def test_what_it_does_not_own_can_be_declared() -> None:
    assert planned("a", fallback_models=["b"]).action == "none"
    assert planned("a", context_window_fallback_models=["b"]).action == "update"
    assert planned("b", context_window_fallback_models=["c"]).action == "create"
