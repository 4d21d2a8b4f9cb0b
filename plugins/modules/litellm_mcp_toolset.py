#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_mcp_toolset
short_description: Manage an MCP toolset of a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes an MCP toolset of a LiteLLM proxy, which is a selection of tools of one or more MCP servers.
  - Keys, teams, and users reach the tools if their C(object_permission.mcp_toolsets) names the toolset.
author:
  - litemaas.virtual_keys contributors (@litemaas)
requirements:
  - LiteLLM 1.106.2 or newer
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
      - V(present) creates the toolset or updates the options that are set. V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  toolset_name:
    description:
      - The name of the toolset. It identifies the toolset and cannot be changed. LiteLLM chooses the ID of a new toolset.
    type: str
    required: true
  description:
    description: A description of the toolset.
    type: str
  tools:
    description:
      - The tools, as a set. The list that is set is the whole selection.
    type: list
    elements: dict
    suboptions:
      server_id:
        description: The ID, the name, or the alias of the MCP server.
        type: str
        required: true
      tool_name:
        description: The name of the tool, as the MCP server calls it. LiteLLM does not check whether it exists.
        type: str
        required: true
  unset:
    description: The options to clear.
    type: list
    elements: str
    choices: [description, tools]
  validate_references:
    description:
      - Whether to fail before anything is written if one of the MCP servers does not exist. LiteLLM itself accepts any ID.
      - In check mode, the task shows a warning instead, because an earlier task of the play may create it.
    type: bool
    default: true
  force:
    description:
      - Whether to delete a toolset that keys, teams, or users name.
      - Without it, the task fails and names them. In check mode, it only warns, because an earlier task can change that.
        With it, the task warns as well.
    type: bool
seealso:
  - module: litemaas.virtual_keys.litellm_mcp_toolset_info
  - module: litemaas.virtual_keys.litellm_mcp_server
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create the MCP server
  litemaas.virtual_keys.litellm_mcp_server:
    server_name: tickets
    transport: http
    url: https://tickets.example.com/mcp

- name: Select one of its tools
  litemaas.virtual_keys.litellm_mcp_toolset:
    toolset_name: readers
    description: What can be read without harm
    tools:
      - server_id: tickets
        tool_name: read_ticket

- name: Let a team use it
  litemaas.virtual_keys.litellm_team:
    team_id: data-science
    object_permission:
      mcp_toolsets: [readers]

- name: Take it from the team
  litemaas.virtual_keys.litellm_team:
    team_id: data-science
    object_permission:
      mcp_toolsets: []

- name: Delete it
  litemaas.virtual_keys.litellm_mcp_toolset:
    toolset_name: readers
    state: absent

- name: Delete the MCP server
  litemaas.virtual_keys.litellm_mcp_server:
    server_name: tickets
    state: absent
"""

RETURN = r"""
toolset_name:
  description: The name of the toolset.
  returned: success, and failure of a write
  type: str
  sample: readers
toolset_id:
  description: The ID that LiteLLM chose. Null for a toolset that does not exist.
  returned: success, and failure of a write
  type: str
  sample: 0b2c4d6e-8f01-4a23-b456-7c89d0e1f234
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
mcp_toolset:
  description:
    - The toolset after the task. In check mode, the toolset as it would be. Null for a toolset that does not exist.
    - Contains each option of this module that is a field of the toolset, and the readings below.
  returned: success, and failure of a write
  type: dict
  contains:
    toolset_id:
      description: The ID that LiteLLM chose.
      returned: always
      type: str
    created_at:
      description: When the toolset was created.
      returned: always
      type: str
    updated_at:
      description: When the toolset was last changed.
      returned: always
      type: str
  sample:
    toolset_name: readers
    toolset_id: 0b2c4d6e-8f01-4a23-b456-7c89d0e1f234
    description: What can be read without harm
    tools:
      - server_id: tickets
        tool_name: read_ticket
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: readers
    after_header: readers
    before:
      description:
    after:
      description: What can be read without harm
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
    path: /v1/mcp/toolset
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_toolset import McpToolset


def main(start: ModuleFactory = Module) -> None:
    run(McpToolset(), start)


if __name__ == "__main__":
    main()
