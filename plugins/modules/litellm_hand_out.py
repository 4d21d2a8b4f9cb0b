#!/usr/bin/python

# Copyright: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of this name, which does the work on the control node."""

DOCUMENTATION = r"""
module: litellm_hand_out
short_description: Write virtual keys for the people who get them
version_added: 1.0.0
author:
  - litemaas.virtual_keys contributors (@litemaas)
description:
  - Writes the keys in a result of the role P(litemaas.virtual_keys.manage_keys#role) to a folder on the control node,
    as lists, as a page of slips to print, and as files for each person.
  - The role P(litemaas.virtual_keys.hand_out_keys#role) is the easy way to use it, and brings the templates.
  - The folder is created for its owner only, and so is each file. Every file is written whole or not at all, and a
    second run at the same time waits for the first.
  - A value is never lost. Where the result does not hold the value of a key, the value that an earlier run wrote to
    this folder stays, provided that it is still the key's. Otherwise a warning names the person.
  - People of earlier runs stay on the list until their keys are removed. Then their files go too. Files of others are
    left alone.
  - The list in JSON, C(keys.json), is always written, because later runs read it.
options:
  result:
    description:
      - The fact C(litellm_vkey_result), of one key or of a workshop, C(present) or C(absent).
    type: dict
    required: true
  path:
    description:
      - The folder. A relative path starts at the folder in which C(ansible-playbook) runs.
    type: str
    required: true
  formats:
    description:
      - V(csv) writes C(keys.csv), a list that spreadsheets open safely.
      - V(json) writes C(keys.json), with everything known of each person.
      - V(html) writes C(slips.html), a page to print and cut into a slip for each person.
      - V(env) writes C(env/<user>.env) for each person, with C(OPENAI_API_KEY) and C(OPENAI_BASE_URL).
      - V(mail) writes C(mail/<user>.eml) for each person with an e-mail address, ready to open and send.
      - V(kubernetes) writes C(kubernetes/<user>.yml) for each person, the manifest of a Secret.
      - C(<user>) is made up where the user's name is not good as the name of a file.
      - C(keys.csv) and C(slips.html) that are there already are kept up to date, whether they are listed or not.
    type: list
    elements: str
    choices: [csv, json, html, env, mail, kubernetes]
    default: [csv, html]
  base_url:
    description:
      - The address that people use, if it is not C(api_base_url) of the result.
    type: str
    default: ""
  mail_from:
    description:
      - The sender of the mails. Required for V(mail).
    type: str
    default: ""
  mail_subject:
    description:
      - The subject of the mails.
    type: str
    default: Your API key
  time_zone:
    description:
      - The time zone in which times are written for people, such as V(Europe/Berlin).
    type: str
    default: UTC
  templates:
    description:
      - The Jinja templates of the formats that have one.
      - They know the variables of the play. C(slips.html) has C(people) besides, the others have C(person).
    type: dict
    default: {}
    suboptions:
      html:
        description: Template of the whole page.
        type: str
      env:
        description: Template of a person's C(.env) file.
        type: str
      mail:
        description: Template of the text of a person's mail.
        type: str
      kubernetes:
        description: Template of a person's manifest.
        type: str
attributes:
  action:
    description: Indicates that this has a corresponding action plugin, so that some parts of the options run on the control node.
    support: full
  bypass_host_loop:
    description: Runs once for all hosts.
    support: none
  check_mode:
    description: Can run in C(check_mode) and return what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns what it changed, or in check mode would change, when in diff mode.
    support: partial
    details:
      - Names the files. What is in them is secret.
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing.
    support: full
notes:
  - Give the task C(no_log), because O(result) holds keys. What the task returns holds none.
seealso:
  - ref: ansible_collections.litemaas.virtual_keys.hand_out_keys_role
    description: The role that does this.
"""

EXAMPLES = r"""
- name: Write a list of the keys, and nothing else
  litemaas.virtual_keys.litellm_hand_out:
    result: "{{ litellm_vkey_result }}"
    path: python-course
    formats: [csv]
  no_log: true
"""

RETURN = r"""
said:
  description: What was written, or in check mode would be, in words.
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
      description: Path of the file.
      type: str
    action:
      description: C(create), C(update) or C(delete).
      type: str
count:
  description: How many people are on the list.
  returned: success
  type: int
unknown:
  description: Users whose keys have no known value.
  returned: success
  type: list
  elements: str
"""
