# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules promise about check mode, diff mode and repetition. Private: only for use inside this collection."""

from __future__ import annotations


class ModuleDocFragment:
    # For modules that write. Each says itself how far it is idempotent.
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns what it changed, or in check mode would change, when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing.
"""

    INFO_MODULE = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what it would change, without changing anything.
    support: full
    details:
      - This module only reads.
  diff_mode:
    description: Returns what it changed, or in check mode would change, when in diff mode.
    support: N/A
    details:
      - This module only reads.
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing.
    support: full
    details:
      - This module only reads.
"""

    # Every module has both: the action group, and the action that carries it out on the control node.
    ACTION_GROUP = r"""
attributes:
  action:
    description: Has an action plugin, which does the work on the control node itself, without the start of a module.
    support: partial
    details:
      - The plugin does the work only where the task's host has the connection C(local) and the task has neither
        C(become), C(async), C(environment) nor an interpreter of its own. Otherwise the module does it on that host.
  action_group:
    description:
      - Use C(group/litemaas.virtual_keys.litellm) in C(module_defaults) to set options for all these modules at once.
    support: full
    membership:
      - litemaas.virtual_keys.litellm
"""
