#!/usr/bin/python

# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of this name, which does the work on the control node."""

DOCUMENTATION = r"""
module: litellm_files
short_description: Write files that only their owner can read
version_added: 1.1.0
author:
  - litemaas.virtual_keys contributors (@litemaas)
description:
  - Creates a folder on the control node and writes files in it.
  - The roles of this collection use it for their reports. It runs without starting a module, so that several files take no longer
    than one.
  - Only the owner can read a new folder and the files. The permissions of an existing folder do not change. Each file is
    written as a whole or not at all.
options:
  path:
    description:
      - The folder. A relative path is relative to the folder in which C(ansible-playbook) runs.
    type: str
    required: true
  files:
    description:
      - The contents of each file by its name. Text is written as it is, and anything else as JSON.
      - Other files in the folder are not changed.
    type: dict
    default: {}
extends_documentation_fragment:
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.control_node
attributes:
  diff_mode:
    support: partial
    details:
      - Lists the files, but not their contents.
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Write two files
  litemaas.virtual_keys.litellm_files:
    path: python-course
    files:
      welcome.txt: |
        The workshop begins at nine.
      models.json:
        - gpt-4
        - gpt-4o-mini
"""

RETURN = r"""
files:
  description: The folder, if it was created, and the files that were written.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path.
      type: str
    action:
      description: C(create) or C(update).
      type: str
"""
