#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_search_tool
short_description: Manage a search tool on a LiteLLM proxy
version_added: 1.1.0
description:
  - Creates, updates, or deletes a search tool, with which requests can search the web through a provider.
  - LiteLLM replaces all parameters with each update and does not show secrets. So each task that changes a search tool has to
    set its C(litellm_params.api_key) again. Otherwise, the task fails before anything is written.
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
      - V(present) creates the search tool or updates the options that are set. V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  search_tool_name:
    description: The name of the search tool, which identifies it. To rename it, delete it and create another one.
    type: str
    required: true
  litellm_params:
    description:
      - The parameters of the search tool. Those that are not set stay as they are. To remove one, list it in O(unset).
      - C(search_provider) is required for a new search tool. It must be a provider that the proxy offers.
      - C(api_key) is the key of the provider. LiteLLM shows only a mask of it. The module stores a salted fingerprint in
        C(search_tool_info) to detect a changed key. If the key can be guessed, it only compares the mask.
      - The others are C(api_base), C(timeout), C(max_retries), and C(input_cost_per_query), which requires LiteLLM 1.110 or
        newer. LiteLLM drops any other parameter, so the module refuses it.
      - LiteLLM sends a value such as V(os.environ/TAVILY_API_KEY) to the provider as it is, without replacing it. The task shows
        a warning.
    type: dict
  search_tool_info:
    description:
      - Information about the search tool, such as a C(description). Entries that are not set stay as they are. To remove one,
        list it in O(unset).
    type: dict
  unset:
    description:
      - The entries that are removed, each after the name of its option and a dot, such as V(litellm_params.timeout) or
        V(search_tool_info.description).
    type: list
    elements: str
  force:
    description:
      - Whether to delete a search tool that keys, teams, users, or customers name in their permissions.
      - Without it, the task fails and names them. In check mode, it only warns, because an earlier task can change that.
        With it, the task warns as well.
    type: bool
seealso:
  - module: litemaas.virtual_keys.litellm_search_tool_info
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a search tool
  litemaas.virtual_keys.litellm_search_tool:
    search_tool_name: web
    litellm_params:
      search_provider: tavily
      api_key: "{{ vault_openai_key }}"
      timeout: 20
    search_tool_info:
      description: The web, for everybody

- name: Remove its time limit
  litemaas.virtual_keys.litellm_search_tool:
    search_tool_name: web
    litellm_params:
      api_key: "{{ vault_openai_key }}"
    unset: [litellm_params.timeout]

- name: Delete it
  litemaas.virtual_keys.litellm_search_tool:
    search_tool_name: web
    state: absent
"""

RETURN = r"""
search_tool_name:
  description: The name of the search tool.
  returned: success, and failure of a write
  type: str
  sample: web
search_tool_id:
  description: The ID that LiteLLM chose. Null if LiteLLM has yet to choose it, or the search tool is gone.
  returned: success, and failure of a write
  type: str
  sample: 0b9d2c6e-3a34-4c1c-9a43-6bd52ffb5d7e
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
search_tool:
  description:
    - The search tool after the task. In check mode, the search tool as it would be. Null for one that does not exist.
    - Contains each option of this module that is a field of the search tool, and the readings below. Secrets are hidden.
  returned: success, and failure of a write
  type: dict
  contains:
    search_tool_name:
      description: The name of the search tool.
      returned: always
      type: str
    search_tool_id:
      description: The ID that LiteLLM chose.
      returned: always
      type: str
    is_from_config:
      description: Whether the search tool is owned by the configuration file of the proxy.
      returned: always
      type: bool
    created_at:
      description: When the search tool was created.
      returned: always
      type: str
    updated_at:
      description: When the search tool was last changed.
      returned: always
      type: str
  sample:
    search_tool_name: web
    litellm_params:
      search_provider: tavily
      api_key: "********"
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: web
    after_header: web
    before:
      search_tool_info: {}
    after:
      search_tool_info:
        description: The web, for everybody
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
    path: /search_tools/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._search_tool import SearchTool


def main(start: ModuleFactory = Module) -> None:
    run(SearchTool(), start)


if __name__ == "__main__":
    main()
