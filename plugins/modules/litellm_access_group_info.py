#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_access_group_info
short_description: Read the access groups of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the access groups of a LiteLLM proxy with the teams and keys to which they are assigned.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  access_group_name:
    description: The name of the access group to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_access_group
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all access groups
  litemaas.virtual_keys.litellm_access_group_info:
  register: all

- name: List their models
  ansible.builtin.debug:
    msg: "{{ item.access_group_name }}: {{ item.access_model_names | join(', ') }}"
  loop: "{{ all.access_groups }}"
  loop_control:
    label: "{{ item.access_group_name }}"
"""

RETURN = r"""
access_groups:
  description:
    - The access groups, sorted by name. Empty if there is none.
    - Each contains the options of M(litemaas.virtual_keys.litellm_access_group) that are fields of the access group, and
      the readings below.
  returned: success
  type: list
  elements: dict
  contains:
    access_group_name:
      description: The name of the access group.
      returned: always
      type: str
    access_group_id:
      description: The ID that LiteLLM chose.
      returned: always
      type: str
    created_at:
      description: When the access group was created.
      returned: always
      type: str
    updated_at:
      description: When the access group was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(access_groups[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(access_groups[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - access_group_id: 6e0a6dcd-6ff2-4763-b885-7ab827d29aab
      access_group_name: large-models
      access_model_names: [gpt-4o, claude-3-5-sonnet]
      assigned_team_ids: [python-course]
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
    path: /v1/access_group
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._access_group import AccessGroup


def main(start: ModuleFactory = Module) -> None:
    run_info(AccessGroup(), start)


if __name__ == "__main__":
    main()
