# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action that hands out keys: what it returns is what its module documents."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import yaml
from ansible_collections.litemaas.virtual_keys.plugins.action import litellm_hand_out as action
from ansible_collections.litemaas.virtual_keys.plugins.modules.litellm_hand_out import RETURN


def test_what_is_returned_is_documented(tmp_path: Path) -> None:
    people = [{"user": "ann", "alias": "w-ann", "key": "sk-1", "key_id": "1", "action": "create"}]
    args = {"alias": "w", "output_dir": str(tmp_path), "output_formats": ["csv"], "result": {"users": people}}
    task = SimpleNamespace(
        action="a", args=args, check_mode=False, diff=True, async_val=0, environment=[], delegate_to=None
    )
    here = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir=""))
    templar = SimpleNamespace(template=lambda value: value)
    result = action.ActionModule(task, here, None, None, templar, None).run(None, {})
    assert set(result) == {"changed", "diff", *yaml.safe_load(RETURN)}, result.get("msg")
    assert result["messages"][0].startswith("Wrote ")
