# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy of some version cannot carry out is refused before anything is written."""

from __future__ import annotations

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key import wanted
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key_api import KeyStore
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM


@pytest.mark.parametrize(
    ("version", "there", "refused"), [("1.98.1", True, True), ("1.98.1", False, False), ("1.102.4", True, False)]
)
def test_what_a_version_can_set_on_a_new_key_only(version: str, there: bool, refused: bool) -> None:
    proxy = FakeLiteLLM(version)
    if there:
        proxy.add("a")
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    declared = [wanted({"key_alias": "a", "soft_budget": 2.0})]
    if refused:
        with pytest.raises(InputError, match=r"LiteLLM 1\.98\.1 .*soft_budget"):
            converge(store, declared)
        assert proxy.writes == []
    else:
        assert converge(store, declared)[0].error is None
        assert proxy.only("a")["litellm_budget_table"] == {"soft_budget": 2.0}
