#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_default_settings_info
short_description: Read what new teams and users of a LiteLLM proxy get by default
version_added: 1.1.0
description:
  - Returns what LiteLLM gives to new teams and users for which nothing else is set.
  - With several workers or replicas of LiteLLM, a change can be missing for up to 30 seconds.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  applies_to:
    description: Whether to read only the defaults of new teams or those of new users.
    type: str
    choices: [teams, users]
seealso:
  - module: litemaas.virtual_keys.litellm_default_settings
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read the defaults of new teams and users
  litemaas.virtual_keys.litellm_default_settings_info:
  register: defaults

- name: Show their budgets
  ansible.builtin.debug:
    msg: "{{ item.applies_to }}: {{ item.max_budget | default('unlimited', true) }}"
  loop: "{{ defaults.default_settings }}"
  loop_control:
    label: "{{ item.applies_to }}"
"""

RETURN = r"""
default_settings:
  description:
    - The defaults of new teams and those of new users.
    - Each contains the options of M(litemaas.virtual_keys.litellm_default_settings) that are defaults. Those of the other kind
      are null.
  returned: success
  type: list
  elements: dict
  contains:
    applies_to:
      description: Whether the defaults are those of new teams or those of new users.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(default_settings[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(default_settings[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - applies_to: teams
      max_budget: 50.0
      budget_duration: 1mo
    - applies_to: users
      user_role: internal_user
      max_budget: 5.0
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
    path: /get/default_team_settings
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._default_settings import DefaultSettings


def main(start: ModuleFactory = Module) -> None:
    run_info(DefaultSettings(), start)


if __name__ == "__main__":
    main()
