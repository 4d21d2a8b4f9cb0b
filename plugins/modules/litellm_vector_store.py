#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_vector_store
short_description: Manage a vector store on a LiteLLM proxy
version_added: 1.1.0
description:
  - Creates, updates, or deletes a vector store, in which requests can search at a provider.
  - A vector store is only an entry of the proxy. What the provider stores stays as it is, also if the vector store is deleted.
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
      - V(present) creates the vector store or updates the options that are set. V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  vector_store_id:
    description: The ID of the vector store at the provider. It cannot be changed.
    type: str
    required: true
  custom_llm_provider:
    description: The provider of the vector store, such as V(openai) or V(bedrock). Required for a new vector store.
    type: str
  vector_store_name:
    description: The name of the vector store, by which O(litemaas.virtual_keys.litellm_key#module:object_permission) can list it.
    type: str
  vector_store_description:
    description: What the vector store is for.
    type: str
  vector_store_metadata:
    description:
      - Information about the vector store. Entries that are not set stay as they are. To remove one, list it in O(unset).
    type: dict
  litellm_credential_name:
    description:
      - The credential with which LiteLLM searches in the vector store, see M(litemaas.virtual_keys.litellm_credential).
      - LiteLLM cannot change it, see O(litellm_params).
    type: str
  litellm_params:
    description:
      - The parameters of the vector store, such as C(api_base), C(api_key), or C(vertex_project). Those that are not set stay
        as they are. To remove one, list it in O(unset).
      - LiteLLM cannot change parameters of a vector store. So the module deletes the vector store and creates it again with
        the same ID, and requests cannot use it for a moment. Set everything that the vector store has, also its secrets.
        Otherwise, the task fails before anything is written.
      - LiteLLM does not show secrets. The module stores a salted fingerprint of each in O(vector_store_metadata) to detect a
        changed secret. If a secret can be guessed, a changed value is not detected.
    type: dict
  validate_references:
    description: Whether the proxy must have the credential in O(litellm_credential_name).
    type: bool
    default: true
  unset:
    description:
      - The options whose values are removed, any of V(vector_store_name), V(vector_store_description),
        V(vector_store_metadata), and V(litellm_credential_name).
      - Also the entries that are removed, each after the name of its option and a dot, such as V(litellm_params.api_base) or
        V(vector_store_metadata.owner).
    type: list
    elements: str
  force:
    description:
      - Whether to delete a vector store that keys, teams, users, or customers name in their permissions, or models in
        C(litellm_params.vector_store_ids).
      - Without it, the task fails and names them. In check mode, it only warns, because an earlier task can change that.
        With it, the task warns as well.
    type: bool
notes:
  - Vector stores that are defined in the configuration file of the proxy cannot be changed. The task fails.
seealso:
  - module: litemaas.virtual_keys.litellm_vector_store_info
  - module: litemaas.virtual_keys.litellm_credential
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a vector store
  litemaas.virtual_keys.litellm_vector_store:
    vector_store_id: vs_handbook
    custom_llm_provider: openai
    vector_store_name: handbook
    vector_store_description: The handbook of the company
    litellm_params:
      api_key: "{{ vault_openai_key }}"

- name: Describe it in another way
  litemaas.virtual_keys.litellm_vector_store:
    vector_store_id: vs_handbook
    vector_store_description: The handbook, for everybody
    vector_store_metadata:
      owner: people@example.com

- name: Delete it
  litemaas.virtual_keys.litellm_vector_store:
    vector_store_id: vs_handbook
    state: absent
"""

RETURN = r"""
vector_store_id:
  description: The ID of the vector store.
  returned: success, and failure of a write
  type: str
  sample: vs_handbook
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
vector_store:
  description:
    - The vector store after the task. In check mode, the vector store as it would be. Null for one that does not exist.
    - Contains each option of this module that is a field of the vector store, and the readings below. Secrets are hidden.
  returned: success, and failure of a write
  type: dict
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
  sample:
    vector_store_id: vs_handbook
    custom_llm_provider: openai
    litellm_params:
      api_key: "********"
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: vs_handbook
    after_header: vs_handbook
    before:
      vector_store_description: The handbook of the company
    after:
      vector_store_description: The handbook, for everybody
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

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._vector_store import VectorStore


def main(start: ModuleFactory = Module) -> None:
    run(VectorStore(), start)


if __name__ == "__main__":
    main()
