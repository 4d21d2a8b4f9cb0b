#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_credential
short_description: Manage a provider credential on a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes a credential on a LiteLLM proxy. A credential contains the API key, the address, and
    other values that models use to connect to their provider. Models refer to it with C(litellm_credential_name).
  - LiteLLM never shows secret values again, only a mask with their first and last two characters. To detect changed
    values, the module stores a salted fingerprint of each value that it writes in the entry C(litemaas_virtual_keys) of
    C(credential_info). The modules of this collection do not show that entry. No fingerprint is stored of a secret that
    can be guessed.
  - The result, the diff, and error messages never contain values.
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
      - With O(update_values=always), each run writes the values.
      - A credential that was not created by this module is written once, because its masked values cannot be compared.
options:
  state:
    description:
      - V(present) creates or updates the credential. V(absent) deletes it.
      - A credential that models or vector stores use is deleted only with O(force=true).
    type: str
    choices: [present, absent]
    default: present
  credential_name:
    description:
      - The name of the credential, which models use to refer to it. It must not contain control characters.
    type: str
    required: true
    aliases:
      - name
  credential_info:
    description:
      - Information about the credential, such as C(custom_llm_provider), which the user interface of LiteLLM shows.
        Do not store secrets in it.
      - Entries that are not listed are removed. If this option is not set, the information stays as it is.
      - LiteLLM keeps the name of a removed entry with the value null, which the modules of this collection do not return.
    type: dict
  credential_values:
    description:
      - The values, by the names of the parameters of the provider, such as C(api_key), C(api_base), C(api_version),
        C(vertex_credentials), or C(aws_access_key_id).
      - Existing values that are not listed stay as they are. To remove a value, list it in O(unset).
      - LiteLLM encrypts only text. Numbers, booleans, lists, and mappings are therefore written as JSON text.
      - A value must not be null or empty, so that an unset variable does no harm. It must not be a mask as LiteLLM
        shows it.
    type: dict
  unset:
    description:
      - The names of the values to remove. Names that do not exist are ignored.
      - LiteLLM before 1.106.0 cannot remove a value. For these versions, the module deletes and re-creates the
        credential. O(credential_values) must then contain all other values; otherwise, the task fails. Models that use
        the credential can fail for a moment.
    type: list
    elements: str
  model_id:
    description:
      - The ID of a deployment whose values LiteLLM copies when it creates the credential.
        It has no effect if the credential exists. Mutually exclusive with O(credential_values).
    type: str
  update_values:
    description:
      - Which values of an existing credential to write.
      - V(on_change) writes the values that have changed, based on their masks and their fingerprints. If a secret can
        be guessed, such as a short password or a sentence, it has no fingerprint, and a change is detected only if the
        first or last two characters change. The module warns when it writes such a secret.
      - V(always) writes all of O(credential_values) in each run.
      - V(never) writes only values that do not exist yet.
    type: str
    choices: [on_change, always, never]
    default: on_change
  force:
    description:
      - Whether to delete a credential, or to remove its last value, although models or vector stores use it.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
notes:
  - Each worker of LiteLLM caches credentials and reads them from the database every 30 seconds. With several workers, a
    run that follows another one within that time can write the same values again, or miss a recent change. In each
    case, the credential ends up as declared.
  - LiteLLM reads credentials from its database only if C(general_settings.store_model_in_db) is set. If it is not set,
    they are lost after a restart.
  - Ansible masks each value that is set wherever it occurs in the output. A very short value, such as a single digit,
    makes the output hard to read.
seealso:
  - module: litemaas.virtual_keys.litellm_credential_info
  - name: LiteLLM credentials
    description: LiteLLM's documentation about adding credentials.
    link: https://docs.litellm.ai/docs/proxy/ui_credentials
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create the credential of a provider
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    credential_info:
      custom_llm_provider: openai
    credential_values:
      api_key: "{{ vault_openai_key }}"
      api_base: https://api.openai.com/v1

- name: Rotate its key and keep everything else
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    credential_values:
      api_key: "{{ vault_new_openai_key }}"

- name: Remove the address, so that the default of the provider applies
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    credential_values:
      api_key: "{{ vault_new_openai_key }}"
    unset: [api_base]

- name: Read a service account from a file
  litemaas.virtual_keys.litellm_credential:
    credential_name: vertex/europe-west4
    credential_values:
      vertex_credentials: "{{ lookup('ansible.builtin.file', 'service-account.json') }}"
      vertex_location: europe-west4

- name: Write the values even if they seem unchanged
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    credential_values:
      api_key: "{{ vault_new_openai_key }}"
    update_values: always

- name: Create a credential from the values of a model
  litemaas.virtual_keys.litellm_credential:
    credential_name: from-gpt-4o
    model_id: 8f0a4c1e-6c3e-4a29-9f3b-0d6f6f6d2b11

- name: Delete a credential
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    state: absent
"""

RETURN = r"""
credential_name:
  description: The name of the credential.
  returned: success, and failure of a write
  type: str
  sample: openai-workshops
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
credential:
  description:
    - The credential after the task, without its values. In check mode, the credential as it would be.
    - Null for a credential that does not exist.
  returned: success, and failure of a write
  type: dict
  contains:
    credential_name:
      description: The same as RV(credential_name).
      returned: always
      type: str
    credential_info:
      description: Information about the credential, without the entry of this collection.
      returned: always
      type: dict
    credential_values:
      description: The names of its values, with asterisks instead of each value.
      returned: always
      type: dict
  sample:
    credential_name: openai-workshops
    credential_info:
      custom_llm_provider: openai
    credential_values:
      api_key: "********"
      api_base: "********"
diff:
  description: The options that are set, before and after the task. Values are masked; the diff shows only whether they
    exist and change.
  returned: in diff mode
  type: dict
  sample:
    before_header: openai-workshops
    after_header: openai-workshops
    before:
      credential_name: openai-workshops
      credential_values:
        api_key: "********"
    after:
      credential_name: openai-workshops
      credential_values:
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
    path: /credentials/by_name/openai-workshops
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._kind import Credential


def main(start: ModuleFactory = Module) -> None:
    run(Credential(), start)


if __name__ == "__main__":
    main()
