#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_team_members
short_description: Add members to a team on a LiteLLM proxy
version_added: 1.0.0
description:
  - Adds users to a team and sets their roles.
  - Members of the team that are not listed stay as they are.
  - LiteLLM accepts a key that has both a team and a user only if the user is a member of the team.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
attributes:
  idempotent:
    support: full
options:
  state:
    description: The members are in the team. The module does not remove members.
    type: str
    choices: [present]
    default: present
  team_id:
    description: The ID of the team. The team must exist.
    type: str
    required: true
  members:
    description: The users who are members of the team.
    type: list
    elements: dict
    required: true
    suboptions:
      user_id:
        description: The ID of the user. LiteLLM creates a user that does not exist.
        type: str
        required: true
      role:
        description:
          - The role of the member in the team.
          - If it is not set, a new member gets the role V(user), and a member of the team keeps their role.
          - V(admin) requires a LiteLLM Enterprise license.
          - LiteLLM older than 1.90 cannot change the role of a member without removing the member's budget. The task fails
            and changes nothing.
        type: str
        choices: [user, admin]
notes:
  - LiteLLM older than 1.98 loses members when tasks add members to the same team at the same time.
seealso:
  - module: litemaas.virtual_keys.litellm_team
  - module: litemaas.virtual_keys.litellm_team_members_info
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a team
  litemaas.virtual_keys.litellm_team:
    team_id: python-course
    models: [gpt-4o-mini]
    max_budget: 50

- name: Add two members
  litemaas.virtual_keys.litellm_team_members:
    team_id: python-course
    members:
      - user_id: ann@example.com
      - user_id: ben@example.com

- name: Create a key that a member uses in the team
  litemaas.virtual_keys.litellm_key:
    key_alias: python-course-ann
    user_id: ann@example.com
    team_id: python-course
  no_log: true
  register: ann
"""

RETURN = r"""
team_id:
  description: The ID of the team.
  returned: success, and failure of a write
  type: str
  sample: python-course
action:
  description: What was done, or would be done in check mode. V(update) or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
team:
  description: The team after the task. In check mode, the team as it would be.
  returned: success, and failure of a write
  type: dict
  contains:
    team_id:
      description: The ID of the team.
      returned: always
      type: str
    members:
      description: All members of the team with O(members[].user_id) and O(members[].role).
      returned: always
      type: list
      elements: dict
  sample:
    team_id: python-course
    members:
      - user_id: default_user_id
        role: admin
      - user_id: ann@example.com
        role: user
diff:
  description: The members before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: python-course
    after_header: python-course
    before:
      members: []
    after:
      members:
        - user_id: ann@example.com
          role: user
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
    path: /v2/team/list?team_id=python-course
    hint: Check api_url, and that the proxy runs and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, Start, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members import TEAM_MEMBERS_KIND


def main(start: Start = Module) -> None:
    run(TEAM_MEMBERS_KIND, start)


if __name__ == "__main__":
    main()
