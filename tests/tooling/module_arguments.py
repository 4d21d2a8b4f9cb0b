# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of a module that a test runs in its own process, with any ansible-core."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from ansible.module_utils import basic


@contextmanager
def module_arguments(arguments: Mapping[str, Any]) -> Iterator[None]:
    """An AnsibleModule that is created meanwhile has these arguments."""
    values: dict[str, Any] = {"basic._ANSIBLE_ARGS": json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()}
    if hasattr(basic, "_ANSIBLE_PROFILE"):  # since ansible-core 2.19
        values["basic._ANSIBLE_PROFILE"] = "legacy"
        # Tests of controller plugins in the same process make Ansible take it for the control node's.
        values["_internal.is_controller"] = False
    with ExitStack() as until:
        for name, value in values.items():
            until.enter_context(patch(f"ansible.module_utils.{name}", value))
        yield
