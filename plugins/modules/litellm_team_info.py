#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_team_info
short_description: Read the teams of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the teams of a LiteLLM proxy with their limits and their spending.
  - If several options are set, a team must match all of them.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  team_id:
    description: The ID of the team to read.
    type: str
  team_alias:
    description: The alias of the teams to read.
    type: str
  organization_id:
    description: The ID of the organization whose teams to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_team
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all teams
  litemaas.virtual_keys.litellm_team_info:
  register: all

- name: List the teams that have spent more than 80 percent of their budget
  ansible.builtin.debug:
    msg: "{{ item.team_alias }}: {{ item.spend }} of {{ item.max_budget }} USD"
  loop: "{{ all.teams | selectattr('max_budget') }}"
  loop_control:
    label: "{{ item.team_id }}"
  when: item.spend > item.max_budget * 0.8
"""

RETURN = r"""
teams:
  description:
    - The teams, sorted by ID. Empty if no team matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_team) that are fields of the team, and the readings
      below.
  returned: success
  type: list
  elements: dict
  contains:
    team_id:
      description: The ID of the team.
      returned: always
      type: str
    team_alias:
      description: The name of the team.
      returned: always
      type: str
    spend:
      description: The amount in USD that the team has spent in the current period.
      returned: always
      type: float
    budget_reset_at:
      description: When the spending is reset.
      returned: always
      type: str
    created_at:
      description: When the team was created.
      returned: always
      type: str
    updated_at:
      description: When the team was last changed.
      returned: always
      type: str
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
      team_alias: Python course
      models: [gpt-4o-mini]
      max_budget: 50.0
      spend: 12.5
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
    path: /v2/team/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team import Team


def main(start: ModuleFactory = Module) -> None:
    run_info(Team(), start)


if __name__ == "__main__":
    main()
