#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_user_info
short_description: Read the users of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the users of a LiteLLM proxy with their limits and their spending.
  - If several options are set, a user must match all of them.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  user_id:
    description: The ID of the user to read.
    type: str
  user_email:
    description: The email address of the user to read, exactly as it is stored.
    type: str
  user_role:
    description: The role of the users to read.
    type: str
    choices: [proxy_admin, proxy_admin_viewer, internal_user, internal_user_viewer]
  admins:
    description:
      - Whether to return, instead of users, those who administer the proxy, an organization, or a team, in RV(admins).
      - This does not read all users, and ignores the other options.
    type: bool
    default: false
notes:
  - LiteLLM 1.83 returns C(max_parallel_requests) and C(allowed_cache_controls) only if O(user_id) is set.
seealso:
  - module: litemaas.virtual_keys.litellm_user
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all internal users
  litemaas.virtual_keys.litellm_user_info:
    user_role: internal_user
  register: internal

- name: List the users who have spent more than 80 percent of their budget
  ansible.builtin.debug:
    msg: "{{ item.user_email }}: {{ item.spend }} of {{ item.max_budget }} USD"
  loop: "{{ internal.users | selectattr('max_budget') }}"
  loop_control:
    label: "{{ item.user_id }}"
  when: item.spend > item.max_budget * 0.8

- name: Read who administers something
  litemaas.virtual_keys.litellm_user_info:
    admins: true
  register: administration
"""

RETURN = r"""
users:
  description:
    - The users, sorted by ID. Empty if no user matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_user) that are fields of the user, and the readings
      below.
  returned: success
  type: list
  elements: dict
  contains:
    user_id:
      description: The ID of the user.
      returned: always
      type: str
    user_email:
      description: The email address of the user.
      returned: always
      type: str
    user_role:
      description: What the user is allowed to do on the proxy.
      returned: always
      type: str
    spend:
      description: The amount in USD that the user has spent in the current period.
      returned: always
      type: float
    teams:
      description: The IDs of the teams to which the user belongs.
      returned: always
      type: list
      elements: str
    budget_reset_at:
      description: When the spending is reset.
      returned: always
      type: str
    created_at:
      description: When the user was created.
      returned: always
      type: str
    updated_at:
      description: When the user was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(users[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(users[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - user_id: ann@example.com
      user_email: ann@example.com
      models: [gpt-4o-mini]
      max_budget: 20.0
      spend: 1.5
      teams: [python-course]
admins:
  description: Those who administer something, sorted by ID. The user of the master key is one of them.
  returned: when O(admins=true)
  type: list
  elements: dict
  contains:
    user_id:
      description: The ID of the user.
      returned: always
      type: str
    administers:
      description: What the user administers.
      returned: always
      type: list
      elements: str
  sample:
    - user_id: ada@example.com
      administers: ["team python-course", "the proxy (proxy_admin)"]
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
    path: /user/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._user import User


def main(start: ModuleFactory = Module) -> None:
    run_info(User(), start)


if __name__ == "__main__":
    main()
