#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_vector_store_info
short_description: Read the vector stores of a LiteLLM proxy
version_added: 1.1.0
description:
  - Returns the vector stores of a LiteLLM proxy, also those from its configuration file. Secrets are hidden.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  vector_store_id:
    description: The ID of the vector store to read.
    type: str
  vector_store_name:
    description: The name of the vector stores to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_vector_store
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all vector stores
  litemaas.virtual_keys.litellm_vector_store_info:
  register: all

- name: List their providers
  ansible.builtin.debug:
    msg: "{{ item.vector_store_id }}: {{ item.custom_llm_provider }}"
  loop: "{{ all.vector_stores }}"
  loop_control:
    label: "{{ item.vector_store_id }}"
"""

RETURN = r"""
vector_stores:
  description:
    - The vector stores, sorted by ID. Empty if there is none.
    - Each contains the options of M(litemaas.virtual_keys.litellm_vector_store) that are fields of the vector store, and the
      readings below.
  returned: success
  type: list
  elements: dict
  contains:
    vector_store_id:
      description: The ID of the vector store.
      returned: always
      type: str
    team_id:
      description: The team to which the vector store belongs, if a key of a team created it.
      returned: always
      type: str
    user_id:
      description: The user whose key created the vector store.
      returned: always
      type: str
    is_config:
      description: Whether the configuration file of the proxy defines the vector store.
      returned: always
      type: bool
    created_at:
      description: When the vector store was created.
      returned: always
      type: str
    updated_at:
      description: When the vector store was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(vector_stores[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(vector_stores[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - vector_store_id: vs_handbook
      custom_llm_provider: openai
      litellm_params:
        api_key: "********"
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
    path: /vector_store/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._vector_store import VectorStore


def main(start: ModuleFactory = Module) -> None:
    run_info(VectorStore(), start)


if __name__ == "__main__":
    main()
