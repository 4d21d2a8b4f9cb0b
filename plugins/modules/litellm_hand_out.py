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
  - The role P(litemaas.virtual_keys.hand_out_keys#role) is the easiest way to use this module. It includes the
    templates.
  - Only the owner can read the folder and the files. Each file is written as a whole or not at all. If two runs use the
    folder at the same time, the second one waits for the first.
  - Values are never lost. If the result does not contain the value of a key, the value that an earlier run wrote to the
    folder is kept, provided that it is still the value of the key. Otherwise, a warning names the person.
  - People from earlier runs stay on the list until their keys are removed. Then their files are removed as well. Other
    files are not changed.
  - The list in JSON format, C(keys.json), is always written, because later runs read it.
options:
  result:
    description:
      - The fact C(litellm_vkey_result), for a single key or a workshop, with state C(present) or C(absent).
    type: dict
    required: true
  path:
    description:
      - The folder. A relative path is relative to the folder in which C(ansible-playbook) runs.
    type: str
    required: true
  formats:
    description:
      - V(csv) writes C(keys.csv), a list that is safe to open in a spreadsheet.
      - V(json) writes C(keys.json), with all data about each person.
      - V(html) writes C(slips.html), a page to print and cut into slips.
      - V(env) writes C(env/<user>.env) for each person, with C(OPENAI_API_KEY) and C(OPENAI_BASE_URL).
      - V(mail) writes C(mail/<user>.eml) for each person with an email address, ready to open and send.
      - V(kubernetes) writes C(kubernetes/<user>.yml) for each person, a manifest of a Kubernetes Secret.
      - If the user's name is not safe as a file name, C(<user>) is a similar name that is.
      - An existing C(keys.csv) or C(slips.html) is updated even if its format is not listed.
    type: list
    elements: str
    choices: [csv, json, html, env, mail, kubernetes]
    default: [csv, html]
  base_url:
    description:
      - The address that people use. The default is C(api_base_url) of the result.
    type: str
    default: ""
  mail_from:
    description:
      - The sender of the emails. Required for V(mail).
    type: str
    default: ""
  mail_subject:
    description:
      - The subject of the emails.
    type: str
    default: Your API key
  time_zone:
    description:
      - The time zone for times in slips and emails, such as V(Europe/Berlin).
    type: str
    default: UTC
  templates:
    description:
      - The Jinja templates of the formats that have one.
      - They can use the variables of the play. The template of C(slips.html) can also use C(people), and the other
        templates C(person).
    type: dict
    default: {}
    suboptions:
      html:
        description: The template of the whole page.
        type: str
      env:
        description: The template of a person's C(.env) file.
        type: str
      mail:
        description: The template of the text of a person's email.
        type: str
      kubernetes:
        description: The template of a person's manifest.
        type: str
extends_documentation_fragment:
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
  - Set C(no_log) on the task, because O(result) contains keys. The return values do not contain any.
"""

EXAMPLES = r"""
- name: Write only a list of the keys
  litemaas.virtual_keys.litellm_hand_out:
    result: "{{ litellm_vkey_result }}"
    path: python-course
    formats: [csv]
  no_log: true
"""

RETURN = r"""
said:
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
"""
