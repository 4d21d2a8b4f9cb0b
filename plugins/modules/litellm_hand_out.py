#!/usr/bin/python

# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the control node."""

DOCUMENTATION = r"""
module: litellm_hand_out
short_description: Write virtual keys to files for the people who get them
version_added: 1.0.0
author:
  - litemaas.virtual_keys contributors (@litemaas)
description:
  - Writes the keys in a result of the role P(litemaas.virtual_keys.manage_keys#role) to a folder on the control node,
    as lists, as a page of slips to print, and as files for each person.
  - The role P(litemaas.virtual_keys.hand_out_keys#role) runs this module with its variables.
  - Only the owner can read the folder and the files. Each file is written as a whole or not at all. If two runs use the
    folder at the same time, the second one waits for the first.
  - Values are never lost. If the result does not contain the value of a key, the value that an earlier run wrote to the
    folder is kept, provided that it is still the value of the key. Otherwise, a warning names the person.
  - People from earlier runs stay on the list until their keys are removed. Then their files are removed as well.
  - Other files are not changed. A list in the folder, C(.litellm_vkey_files.json), tells which files this module wrote
    and what was in them. If a file with the name of one of them is there that this module did not write, or that was
    changed since, the task fails before anything is written. If the keys are removed, such a file stays.
  - The list in JSON format, C(keys.json), is always written, because later runs read it.
options:
  variables:
    description:
      - The prefix of variables of the play. Each variable with this prefix whose name without it is an option of this
        module sets the option, unless the variable is empty. The roles of this collection use V(litellm_vkey_).
    type: str
  result:
    description:
      - The fact C(litellm_vkey_result), for a single key or a workshop, with state C(present) or C(absent).
      - Required.
    type: dict
  alias:
    description: The alias of the key or the workshop. It is the default name of the folder and the default title.
    type: str
  output_dir:
    description:
      - The folder. A relative path is relative to the folder in which C(ansible-playbook) runs.
      - The default is O(alias).
    type: path
extends_documentation_fragment:
  - litemaas.virtual_keys._hand_out
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.control_node
attributes:
  diff_mode:
    support: partial
    details:
      - Lists the files, but not their contents, which are secret.
  idempotent:
    support: full
notes:
  - Set C(no_log) on the task if you set O(result), because it contains keys. The return values do not contain any.
"""

EXAMPLES = r"""
- name: Write only a list of the keys
  litemaas.virtual_keys.litellm_hand_out:
    result: "{{ litellm_vkey_result }}"
    output_dir: python-course
    output_formats: [csv]
  no_log: true
"""

RETURN = r"""
messages:
  description: Sentences about what was written, or would be written in check mode.
  returned: success
  type: list
  elements: str
  sample: [Wrote 25 slips to python-course/slips.html]
files:
  description: The files that were written or removed.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path of the file.
      type: str
    action:
      description: C(create), C(update), or C(delete).
      type: str
count:
  description: The number of people on the list.
  returned: success
  type: int
unknown:
  description: The users whose keys have no known value.
  returned: success
  type: list
  elements: str
warnings:
  description: What needs attention, such as people without a known value or an email address.
  returned: success
  type: list
  elements: str
"""
