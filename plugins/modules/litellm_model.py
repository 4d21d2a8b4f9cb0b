#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_model
short_description: Manage a model on a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes a deployment of a model on a LiteLLM proxy.
  - Several deployments can have the same O(model_name). LiteLLM then distributes the requests among them. Only
    O(model_id) identifies a deployment.
  - Entries of O(litellm_params) and O(model_info) that are not set stay as they are.
  - The result, the diff, and error messages never contain secret parameters.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
attributes:
  idempotent:
    support: partial
    details:
      - LiteLLM does not show secret parameters such as C(api_key) again. To detect changed values, the module stores a
        salted fingerprint of each in the entry C(litemaas_virtual_keys) of C(model_info), which the modules of this
        collection do not show.
      - The secret parameters of a model that was not created by this module are written once, because there is no
        fingerprint to compare them with.
      - No fingerprint is stored of a secret that can be guessed, such as a short password or a sentence, because every
        key of the proxy can read C(model_info). A change of such a secret is detected only if its mask changes. The
        module warns when it writes one, and removes a fingerprint that an earlier version stored.
options:
  state:
    description:
      - V(present) creates or updates the model. V(absent) deletes it.
      - Keys, teams, and users that are allowed to use the model keep its name in their lists.
    type: str
    choices: [present, absent]
    default: present
  model_id:
    description:
      - The ID of the deployment, of your choice. It cannot be changed, and it must not contain a slash.
      - In the API, this is C(model_info.id).
    type: str
    required: true
  model_name:
    description:
      - The name by which users call the model. Required to create a model.
      - When a model is renamed, LiteLLM 1.106 also changes the name in the lists of keys, teams, and users. With older
        versions, these lists still contain the old name, which no longer exists.
    type: str
  litellm_params:
    description:
      - The parameters with which LiteLLM calls the provider, such as C(model), C(api_base), C(api_key), C(rpm), or
        C(input_cost_per_token). C(model) is required to create a model, including its provider, as in
        C(openai/gpt-4o).
      - Entries that are not listed stay as they are. An entry must not be null or empty. To remove an entry, list it
        in O(unset).
      - Where LiteLLM expects a number, such as in C(rpm), C(weight), or C(timeout), text that is a number becomes one.
      - Parameters are treated as secret if their name has a part such as C(key), C(token), C(secret), C(password), or
        C(credentials). This includes parameters that contain such an entry, such as C(extra_headers) with
        C(Authorization).
      - Instead of a secret, you can set C(litellm_credential_name), the name of a credential that exists, or a value
        such as C(os.environ/OPENAI_API_KEY), which refers to an environment variable of the proxy.
    type: dict
  model_info:
    description:
      - Information about the model, such as C(mode), C(base_model), C(access_groups), or your own entries. Do not store
        secrets in it.
      - Entries that are not listed stay as they are. LiteLLM adds what its catalog says about the model of the
        provider. To remove one of your own entries, list it in O(unset).
      - C(team_id), for a model of a single team, requires a LiteLLM Enterprise license.
      - Set prices in O(litellm_params).
    type: dict
  blocked:
    description:
      - Whether LiteLLM rejects all requests for this deployment.
      - Requires LiteLLM 1.90.0 or newer.
    type: bool
  unset:
    description:
      - The entries to remove, each with the option that contains it, such as C(litellm_params.api_base) or
        C(model_info.base_model). Entries that do not exist are ignored, and entries that LiteLLM itself adds are refused.
      - Of a model that LiteLLM does not serve, such as a blocked one, nobody can tell whether it has a secret parameter.
        To remove one, unblock the model first.
      - LiteLLM 1.109.0 and newer can remove all parameters but C(model). LiteLLM 1.106 can remove only
        C(input_cost_per_token), C(output_cost_per_token), C(input_cost_per_character), C(output_cost_per_character),
        C(cache_read_input_token_cost), C(cache_creation_input_token_cost), C(tiered_pricing),
        C(cache_control_injection_points), and C(litellm_credential_name). LiteLLM 1.90 can remove the first six of
        them, and LiteLLM 1.83 none. For all other parameters, and for entries of O(model_info), set
        O(recreate=true).
    type: list
    elements: str
  recreate:
    description:
      - Whether the module can delete the model and create it again with the same ID to remove entries that LiteLLM
        cannot remove otherwise. LiteLLM does not serve the model for a moment.
      - The task must set everything else that the model has, because a new model has only what the task sets.
        Otherwise, the task fails before anything is written, and names what is missing. What LiteLLM adds to
        O(model_info) is not missing, except for C(mode), which nothing tells from a C(mode) that was set.
      - LiteLLM removes a deleted model from its access groups. The module adds it to them again.
      - If the model is deleted and cannot be created again, for example because the network fails, run the task again.
      - It has no effect if there is nothing to remove.
    type: bool
    default: false
  validate_references:
    description:
      - Whether to fail before anything is written if the credential in C(litellm_credential_name) does not exist.
      - In check mode, the task shows a warning instead, because an earlier task of the play may create it.
    type: bool
    default: true
  force:
    description:
      - Whether to delete or rename a model although keys, teams, users, access groups, or fallbacks name it and no other
        deployment has this name. The same applies to the names in C(access_groups).
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
notes:
  - The proxy must be able to store models in its database, see C(general_settings.store_model_in_db).
  - Models that are defined in the configuration file of the proxy cannot be changed. The task fails.
  - LiteLLM encrypts parameters with C(LITELLM_SALT_KEY). If that key changes, the models must be created again.
  - LiteLLM can store a model that it cannot serve, for example with an unknown provider. The task then shows a warning.
    To correct such a model, run the task again with other parameters.
  - Each write makes LiteLLM load its models again, which takes up to a second.
  - With several workers, each worker of LiteLLM reads the models from the database every 30 seconds. A run that follows
    another one within that time can write the same values again. The model ends up as declared.
seealso:
  - module: litemaas.virtual_keys.litellm_model_info
  - module: litemaas.virtual_keys.litellm_credential
  - module: litemaas.virtual_keys.litellm_access_group
  - name: LiteLLM model management
    description: LiteLLM's documentation about adding models.
    link: https://docs.litellm.ai/docs/proxy/model_management
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create the credential that the model uses
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    credential_values:
      api_key: "{{ vault_openai_key }}"

- name: Create a model with this credential
  litemaas.virtual_keys.litellm_model:
    model_id: gpt-4o-mini-openai
    model_name: gpt-4o-mini
    litellm_params:
      model: openai/gpt-4o-mini
      litellm_credential_name: openai-workshops
      rpm: 500
    model_info:
      access_groups: [workshop-models]

- name: Add a second deployment, among which LiteLLM distributes the requests
  litemaas.virtual_keys.litellm_model:
    model_id: gpt-4o-mini-azure
    model_name: gpt-4o-mini
    litellm_params:
      model: azure/gpt-4o-mini
      api_base: https://workshops.openai.azure.com
      api_version: "2024-10-21"
      api_key: "{{ vault_azure_key }}"

- name: Rotate its key and keep everything else
  litemaas.virtual_keys.litellm_model:
    model_id: gpt-4o-mini-azure
    litellm_params:
      api_key: "{{ vault_new_azure_key }}"

- name: Remove its version, which LiteLLM can do only by creating the model again
  litemaas.virtual_keys.litellm_model:
    model_id: gpt-4o-mini-azure
    model_name: gpt-4o-mini
    litellm_params:
      model: azure/gpt-4o-mini
      api_base: https://workshops.openai.azure.com
      api_key: "{{ vault_new_azure_key }}"
    model_info:
      mode: chat
    unset: [litellm_params.api_version]
    recreate: true

- name: Take a deployment out of service
  litemaas.virtual_keys.litellm_model:
    model_id: gpt-4o-mini-azure
    blocked: true

- name: Delete it
  litemaas.virtual_keys.litellm_model:
    model_id: gpt-4o-mini-azure
    state: absent
"""

RETURN = r"""
model_id:
  description: The ID of the deployment.
  returned: success, and failure of a write
  type: str
  sample: gpt-4o-mini-azure
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
model:
  description:
    - The model after the task. In check mode, the model as it would be.
    - Contains each option of this module that is a field of the model, with asterisks instead of secret parameters, and
      the readings below. Null for a model that does not exist.
  returned: success, and failure of a write
  type: dict
  contains:
    model_id:
      description: The ID of the deployment.
      returned: always
      type: str
    model_info:
      description:
        - Information about the model, including what LiteLLM adds from its own list of models, such as prices and
          limits.
      returned: always
      type: dict
    db_model:
      description: Whether the model is stored in the database. If it is not, it is defined in the configuration file of
        the proxy.
      returned: always
      type: bool
  sample:
    db_model: true
    model_id: gpt-4o-mini-azure
    model_name: gpt-4o-mini
    litellm_params:
      model: azure/gpt-4o-mini
      api_base: https://workshops.openai.azure.com
      api_key: "********"
    model_info:
      mode: chat
    blocked: false
diff:
  description: The options that are set, before and after the task. Secret parameters are masked; the diff shows only
    whether they exist and change.
  returned: in diff mode
  type: dict
  sample:
    before_header: gpt-4o-mini-azure
    after_header: gpt-4o-mini-azure
    before:
      litellm_params:
        model: azure/gpt-4o-mini
        api_key: "********"
    after:
      litellm_params:
        model: azure/gpt-4o-mini
        api_key: "******** (changed)"
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
    path: /v2/model/info?modelId=gpt-4o-mini-azure
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._model._kind import Model


def main(start: ModuleFactory = Module) -> None:
    run(Model(), start)


if __name__ == "__main__":
    main()
