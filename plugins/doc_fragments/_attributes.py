# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of the modules: check mode, diff mode, and idempotence, and the option of those that read.

Private: only for use inside this collection.
"""

from __future__ import annotations


class ModuleDocFragment:
    # For modules that write. Each of them adds its support for idempotence.
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

    # With the option that all of them have.
    INFO_MODULE = r"""
options:
  declaration:
    description:
      - Whether to return with each object what declares it as it is, so that a proxy that exists can be managed with
        Ansible.
      - Each object then also contains C(declaration), the options for the module of the object. A task with these options
        changes nothing. It is null if the object cannot be declared.
      - C(hidden) lists the secrets, which are not returned, each as the option and its entry. They stay as they are.
      - C(not_declared) has the reason for each other option that is missing, and for the object itself under an empty
        name.
      - M(litemaas.virtual_keys.litellm_export) writes the declarations of all objects to files.
    type: bool
    default: false
    version_added: 1.1.0
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

    # Every module has both: the action group, and the action plugin that runs it on the control node.
    ACTION_GROUP = r"""
attributes:
  action:
    description: Has an action plugin that does the work on the control node without starting a module.
    support: partial
    details:
      - The plugin does the work only if the connection of the task's host is C(local) and the task does not use
        C(become), C(async), C(environment), or its own Python interpreter. Otherwise, the module runs on that host.
  action_group:
    description:
      - Use C(group/litemaas.virtual_keys.litellm) in C(module_defaults) to set options for all of these modules.
    support: full
    membership:
      - litemaas.virtual_keys.litellm
"""

    # For modules that are nothing but an action plugin. Their other attributes are those of modules that write.
    CONTROL_NODE = r"""
attributes:
  action:
    description: Indicates that this has a corresponding action plugin, so that some parts of the options run on the
      control node.
    support: full
  bypass_host_loop:
    description: Runs once for all hosts.
    support: none
"""
