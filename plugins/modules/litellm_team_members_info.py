#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_team_members_info
short_description: Read the members of teams of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the members of a team, or of all teams.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  team_id:
    description: The ID of the team whose members to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_team_members
  - module: litemaas.virtual_keys.litellm_team_info
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read the members of a team
  litemaas.virtual_keys.litellm_team_members_info:
    team_id: python-course
  register: course

- name: List their user IDs
  ansible.builtin.debug:
    msg: "{{ course.teams[0].members | map(attribute='user_id') }}"

- name: List the members who have less than 1 USD left
  ansible.builtin.debug:
    msg: "{{ item.user_id }}: {{ item.spend }} of {{ item.max_budget_in_team }} USD"
  loop: "{{ course.teams[0].members | rejectattr('max_budget_in_team', 'none') }}"
  loop_control:
    label: "{{ item.user_id }}"
  when: item.max_budget_in_team - item.spend < 1
"""

RETURN = r"""
teams:
  description: The teams, sorted by ID. Empty if there is no team with this ID.
  returned: success
  type: list
  elements: dict
  contains:
    team_id:
      description: The ID of the team.
      returned: always
      type: str
    members:
      description:
        - The members of the team, each with the suboptions of O(litemaas.virtual_keys.litellm_team_members#module:members).
        - Also contains C(spend), the amount in USD that the member has spent in the current period, and C(budget_source),
          which is V(custom) for a member with limits of their own, V(team_default) for one with the limits of the
          team, and V(none) for one without limits.
      returned: always
      type: list
      elements: dict
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(teams[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(teams[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - team_id: python-course
      members:
        - user_id: ann@example.com
          role: user
          max_budget_in_team: 5.0
          budget_duration: 7d
          tpm_limit: null
          rpm_limit: null
          allowed_models: null
          budget_source: custom
          spend: 0.25
failure:
  description: The answer of the proxy, if it rejected a request or could not be reached.
  returned: failure of a request
  type: dict
  sample:
    message: "Cannot connect to https://litellm.example.com: Connection refused."
    status: 0
    type: ""
    code: connection
    param: ""
    method: GET
    path: /team/info?key_limit=1&team_id=python-course
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members._kind import TeamMembers


def main(start: ModuleFactory = Module) -> None:
    run_info(TeamMembers(), start)


if __name__ == "__main__":
    main()
