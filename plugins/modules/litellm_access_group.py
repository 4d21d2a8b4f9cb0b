#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_access_group
short_description: Manage an access group on a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes an access group on a LiteLLM proxy. It gives the teams and keys to which it is assigned
    access to models, MCP servers, and agents.
  - An access group adds to the models that a key or team has. A key or team without a list of models can use all models
    anyway.
  - The access groups in C(model_info.access_groups) of a model are something else. For these, use
    M(litemaas.virtual_keys.litellm_model).
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
    description:
      - V(present) creates the access group or updates the options that are set. V(absent) deletes it.
      - When LiteLLM deletes an access group, it also removes it from the teams and keys to which it is assigned. This
        requires O(force=true).
    type: str
    choices: [present, absent]
    default: present
  access_group_name:
    description: The name of the access group, which identifies it. To rename it, delete it and create another one.
    type: str
    required: true
  description:
    description: A description of the access group.
    type: str
  access_model_names:
    description: The names of the models. LiteLLM accepts any name, see O(validate_models).
    type: list
    elements: str
  access_mcp_server_ids:
    description: The MCP servers, by ID or by name.
    type: list
    elements: str
  access_agent_ids:
    description: The IDs of the agents.
    type: list
    elements: str
  mcp_tool_permissions:
    description:
      - The tools of MCP servers, as a list for the ID of each server.
      - Requires LiteLLM 1.108.0 or newer.
    type: dict
  access_skill_names:
    description:
      - The names of the skills.
      - Requires LiteLLM 1.108.0 or newer.
    type: list
    elements: str
  assigned_team_ids:
    description:
      - The IDs of all teams that have this access group, or their aliases, if only one team has each. They must exist.
      - LiteLLM stores the assignment in the access group and in C(access_group_ids) of the team. Declare it in one of the
        two places only, preferably here. Before LiteLLM 1.106, the access group does not show what is set in the team.
    type: list
    elements: str
  assigned_key_ids:
    description:
      - The IDs of all keys that have this access group, as the modules return them in C(key_id). They must exist.
      - LiteLLM stores the assignment in the access group and in C(access_group_ids) of the key. Declare it in one of the
        two places only.
    type: list
    elements: str
  unset:
    description:
      - The options whose values are removed from the access group.
    type: list
    elements: str
    choices:
      - description
      - access_model_names
      - access_mcp_server_ids
      - access_agent_ids
      - mcp_tool_permissions
      - access_skill_names
      - assigned_team_ids
      - assigned_key_ids
  validate_references:
    description:
      - Whether to fail before anything is written if one of O(assigned_team_ids) or O(assigned_key_ids) does not exist.
      - In check mode, the task shows a warning instead, because an earlier task of the play may create them.
    type: bool
    default: true
  validate_models:
    description:
      - Whether to fail before anything is written if one of O(access_model_names) does not exist on the proxy.
    type: bool
    default: false
  force:
    description:
      - Whether to delete an access group, or to remove its last model, although it is assigned to teams or keys.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
seealso:
  - module: litemaas.virtual_keys.litellm_access_group_info
  - module: litemaas.virtual_keys.litellm_model
  - module: litemaas.virtual_keys.litellm_team
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a team that can use one model
  litemaas.virtual_keys.litellm_team:
    team_id: python-course
    models: [gpt-4o-mini]

- name: Give it two more models
  litemaas.virtual_keys.litellm_access_group:
    access_group_name: large-models
    description: For the advanced exercises
    access_model_names: [gpt-4o, claude-3-5-sonnet]
    assigned_team_ids: [python-course]

- name: Take them away again, and keep the group
  litemaas.virtual_keys.litellm_access_group:
    access_group_name: large-models
    unset: [assigned_team_ids]

- name: Delete the group
  litemaas.virtual_keys.litellm_access_group:
    access_group_name: large-models
    state: absent
"""

RETURN = r"""
access_group_name:
  description: The name of the access group.
  returned: success, and failure of a write
  type: str
  sample: large-models
access_group_id:
  description: The ID that LiteLLM chose for the access group. Null if LiteLLM has yet to choose it, or the group is gone.
  returned: success, and failure of a write
  type: str
  sample: 6e0a6dcd-6ff2-4763-b885-7ab827d29aab
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
access_group:
  description:
    - The access group after the task. In check mode, the access group as it would be.
    - Contains each option of this module that is a field of the access group, and the readings below. Null for an access
      group that does not exist.
  returned: success, and failure of a write
  type: dict
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
  sample:
    access_group_id: 6e0a6dcd-6ff2-4763-b885-7ab827d29aab
    access_group_name: large-models
    access_model_names: [gpt-4o, claude-3-5-sonnet]
    assigned_team_ids: [python-course]
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: large-models
    after_header: large-models
    before:
      assigned_team_ids: [python-course]
    after:
      assigned_team_ids: []
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

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._access_group import AccessGroup


def main(start: ModuleFactory = Module) -> None:
    run(AccessGroup(), start)


if __name__ == "__main__":
    main()
