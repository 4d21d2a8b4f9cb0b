#!/usr/bin/python

# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work."""

DOCUMENTATION = r"""
module: litellm_usage_report
short_description: Report the usage of virtual keys on a LiteLLM proxy
version_added: 1.0.0
author:
  - litemaas.virtual_keys contributors (@litemaas)
description:
  - Reads the keys of a workshop, or any other keys, and reports their usage. The sentences in RV(messages) name the people
    who need attention, because their budget is spent, their key has expired or is blocked, or they have not used it.
  - Writes C(usage.csv), C(usage.json), and C(usage.html) on the control node. The files change only if the data changes.
    They do not contain secrets. If there are no keys, the files of an earlier run stay as they are.
  - Files with these names that this module did not write, or that were changed since, stay as they are, with a warning.
  - The role P(litemaas.virtual_keys.report_usage#role) runs this module with its variables.
options:
  alias:
    description:
      - The alias of the workshop, as in the role P(litemaas.virtual_keys.manage_keys#role), or the alias of a single key
        if there is no such workshop.
      - Not required with O(usage_filter).
    type: str
  usage_filter:
    description:
      - Selects keys other than those of a workshop. Each entry is an option of
        M(litemaas.virtual_keys.litellm_key_info). A key must match all of them.
      - Takes precedence over O(alias).
      - Any of O(litemaas.virtual_keys.litellm_key_info#module:key_aliases),
        O(litemaas.virtual_keys.litellm_key_info#module:key_ids),
        O(litemaas.virtual_keys.litellm_key_info#module:user_id),
        O(litemaas.virtual_keys.litellm_key_info#module:team_id),
        O(litemaas.virtual_keys.litellm_key_info#module:organization_id),
        O(litemaas.virtual_keys.litellm_key_info#module:created_by),
        O(litemaas.virtual_keys.litellm_key_info#module:group),
        O(litemaas.virtual_keys.litellm_key_info#module:metadata),
        O(litemaas.virtual_keys.litellm_key_info#module:status),
        O(litemaas.virtual_keys.litellm_key_info#module:expiring_within),
        O(litemaas.virtual_keys.litellm_key_info#module:unused_for), and
        O(litemaas.virtual_keys.litellm_key_info#module:budget_used).
    type: dict
    default: {}
  users:
    description:
      - The people, to report them by name. Each item is a name, or a mapping with C(name) or C(user), and C(user_id).
      - If it is not set, the names come from O(users_file) or O(result), or from the aliases of the keys without the
        alias of the workshop.
    type: list
    elements: str
    default: []
  users_file:
    description:
      - The people as a CSV file, as in the role P(litemaas.virtual_keys.manage_keys#role), to report them by name.
    type: path
  users_encoding:
    description:
      - The encoding of the file, such as V(windows-1250).
      - By default, it is UTF-8, or the one that the file names at its beginning. If the file is in neither, the encoding
        is guessed, with a warning.
    type: str
  columns:
    description:
      - What the columns of the file are, by their headings, if they are not found. Each value is V(user), V(email),
        V(name), V(first_name), V(last_name), or V(user_id). An empty value ignores the column.
    type: dict
    default: {}
  result:
    description:
      - The result of the role P(litemaas.virtual_keys.manage_keys#role), which contains the names of the people.
    type: dict
    default: {}
  total_budget:
    description:
      - The amount in USD that all keys together can spend.
      - If the role P(litemaas.virtual_keys.manage_keys#role) has put the keys into a team, the budget of the team and
        what LiteLLM counts against it are reported, whatever is set here.
      - If the keys are in several teams, the cap is the sum of the budgets of the teams.
      - The default is the sum of the budgets of the keys. If a key has no budget, there is no cap.
    type: float
  output_dir:
    description:
      - The folder on the control node for the files. If it does not exist, it is created with mode V(0700). The files
        have mode V(0600). A relative path is relative to the folder in which C(ansible-playbook) runs.
      - If it is empty, no files are written. In the role P(litemaas.virtual_keys.report_usage#role), the default is
        O(alias).
    type: path
  output_title:
    description:
      - The title of the page.
      - The default is O(alias).
    type: str
  usage_formats:
    description:
      - The files to write.
      - V(html) is a single page that can be printed. V(csv) is safe to open in a spreadsheet. V(json) also keeps people
        whose keys were removed since the last report in later reports.
      - V(leaderboard) is a page with what each team spent, and nothing of people, which a browser reads again every 30
        seconds. It is written only if the workshop has teams, and shows no other teams.
    type: list
    elements: str
    choices: [csv, json, html, leaderboard]
    default: [csv, json, html, leaderboard]
  time_zone:
    description: The time zone for all times in the report, such as V(Europe/Berlin).
    type: str
    default: UTC
extends_documentation_fragment:
  - litemaas.virtual_keys._connection.role
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
attributes:
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Report the usage of a workshop
  litemaas.virtual_keys.litellm_usage_report:
    alias: python-course
    output_dir: python-course
"""

RETURN = r"""
usage:
  description: The report, which the role sets as the fact C(litellm_vkey_usage).
  returned: success
  type: dict
  contains:
    title:
      description: The title.
      type: str
    time_zone:
      description: The time zone of all times.
      type: str
    totals:
      description: The number of keys by status, what they spent, and the cap.
      type: dict
    people:
      description: What is known of each person and their key.
      type: list
      elements: dict
    teams:
      description: What each team spent of its budget, the one that spent most first.
      returned: if the keys are in several teams
      type: list
      elements: dict
messages:
  description: The report in sentences.
  returned: success
  type: list
  elements: str
  sample: ["python-course: 25 keys, 23 used, 12.50 USD of 50.00 USD.", "Never used: ann, ben."]
files:
  description: The files that were written.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path of the file.
      type: str
    action:
      description: C(create) or C(update).
      type: str
"""
