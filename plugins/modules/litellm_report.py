#!/usr/bin/python

# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of this name, which does the work on the control node."""

DOCUMENTATION = r"""
module: litellm_report
short_description: Show changes as a diff, and warn
version_added: 1.0.0
author:
  - litemaas.virtual_keys contributors (@litemaas)
description:
  - Shows lines of text as the diff of a task, in the colors of a diff, and issues warnings.
  - The role P(litemaas.virtual_keys.manage_keys#role) uses it, because a task with C(no_log) shows neither its diff nor
    its warnings.
options:
  changed:
    description: Whether the task counts as changed. Ansible shows no diff of a task that does not.
    type: bool
    default: false
  changes:
    description:
      - The lines. They are shown only in diff mode.
      - A line that begins with V(+) is shown as an addition, one with V(-) as a removal, and one with V(~) as a change.
    type: list
    elements: str
    default: []
  warnings:
    description: The warnings.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.control_node
attributes:
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Show the changes
  litemaas.virtual_keys.litellm_report:
    changed: true
    changes:
      - ~ ann  max_budget 10 -> 15
      - + ben
    warnings:
      - "No value is known for carl."
"""

RETURN = r"""
diff:
  description: The lines.
  returned: in diff mode
  type: dict
  sample:
    prepared: |
      ~ ann  max_budget 10 -> 15
      + ben
"""
