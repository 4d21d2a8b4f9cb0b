#!/usr/bin/python
# Copyright: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_credential
short_description: Declare a provider credential of a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, changes or deletes one credential, under whose name the models of a LiteLLM proxy find the API key, the
    address and the like with which they reach their provider (C(litellm_credential_name)).
  - LiteLLM does not show secret values again, only a mask of their first and last two characters. So that a changed
    value is noticed all the same, the module keeps a salted fingerprint of each value it writes in the entry
    C(litemaas_virtual_keys) of C(credential_info). The modules of this collection do not show that entry.
  - Values are never in the result, the diff or an error.
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
      - With O(update_values=always) each run writes the values.
      - A credential that something else made is written once, because nobody can tell whether its masked values are
        the declared ones.
options:
  state:
    description:
      - V(present) makes the credential as declared, V(absent) deletes it.
      - LiteLLM deletes a credential even if models use it.
    type: str
    choices: [present, absent]
    default: present
  credential_name:
    description:
      - The name of the credential, by which models refer to it. It may hold any characters but control characters.
    type: str
    required: true
    aliases:
      - name
  credential_info:
    description:
      - What is known of the credential, such as C(custom_llm_provider), which LiteLLM's user interface shows.
        Nothing in it is secret.
      - Declared as a whole, entries not given are removed. If not given, it stays as it is.
    type: dict
  credential_values:
    description:
      - The values, by the names under which LiteLLM hands them to the provider, such as C(api_key), C(api_base),
        C(api_version), C(vertex_credentials), C(aws_access_key_id).
      - A value that is there and is not named here stays as it is. To remove one, name it in O(unset).
      - LiteLLM encrypts text only. Numbers, booleans, lists and mappings are therefore written as JSON text.
      - A value must not be null or empty, so that a variable that is not set does no harm, nor a mask as LiteLLM shows it.
    type: dict
  unset:
    description:
      - Names of values to remove. Those that are not there do not matter.
      - LiteLLM before 1.106.0 cannot remove a value. There the module deletes the credential and makes it anew, for which
        O(credential_values) must have all the other values, else it refuses. Models that use the credential may fail for
        a moment.
    type: list
    elements: str
  model_id:
    description:
      - Id of a deployment whose values LiteLLM copies when it makes the credential.
        Of no effect if the credential exists. Excludes O(credential_values).
    type: str
  update_values:
    description:
      - Which values of an existing credential are written.
      - With V(on_change) those that have changed, by what LiteLLM shows of them and by their fingerprints. If something
        else replaces a secret by one with the same first and last two characters, this is not noticed.
      - With V(always) all in O(credential_values), with each run.
      - With V(never) none but those that are not there yet.
    type: str
    choices: [on_change, always, never]
    default: on_change
notes:
  - Each worker of LiteLLM answers from its memory, which it reads from the database every 30 seconds. With several
    workers a run that follows another one within that time may write once more what is there already, or
    not yet notice a change. The result is the declared one in each case.
  - LiteLLM reads credentials from its database only if C(general_settings.store_model_in_db) is set. If it is not, they
    are gone after a restart.
  - Ansible stars each declared value wherever it occurs in the output. A very short value, such as a digit, makes the
    output hard to read.
seealso:
  - module: litemaas.virtual_keys.litellm_credential_info
  - name: LiteLLM credentials
    description: What LiteLLM's documentation says about adding credentials.
    link: https://docs.litellm.ai/docs/proxy/ui_credentials
"""

EXAMPLES = r"""
# Address and master key come from the environment: LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Declare the credential of a provider
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    credential_info:
      custom_llm_provider: openai
    credential_values:
      api_key: "{{ vault_openai_key }}"
      api_base: https://api.openai.com/v1

- name: Rotate its key, leave everything else as it is
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    credential_values:
      api_key: "{{ vault_new_openai_key }}"

- name: Go back to the provider's own address
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    credential_values:
      api_key: "{{ vault_new_openai_key }}"
    unset: [api_base]

- name: Take a service account from a file
  litemaas.virtual_keys.litellm_credential:
    credential_name: vertex/europe-west4
    credential_values:
      vertex_credentials: "{{ lookup('ansible.builtin.file', 'service-account.json') }}"
      vertex_location: europe-west4

- name: Write the values even if they seem to be the same
  litemaas.virtual_keys.litellm_credential:
    credential_name: openai-workshops
    credential_values:
      api_key: "{{ vault_new_openai_key }}"
    update_values: always

- name: Make a credential of what a model has now
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
  description: What was done, or would be in check mode, V(create), V(update), V(delete) or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
credential:
  description:
    - The credential as it is after the task, without its values. In check mode as it would be.
    - Null for a credential that is not there.
  returned: success, and failure of a write
  type: dict
  contains:
    credential_name:
      description: As RV(credential_name).
      returned: always
      type: str
    credential_info:
      description: What is known of the credential, without this collection's own entry.
      returned: always
      type: dict
    credential_values:
      description: The names of its values, each with stars instead of the value.
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
  description: What was declared, as it was and as it is. Of values only whether they are there and whether they change.
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
  description: What the proxy answered, if it refused a request or could not be reached.
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
    hint: Check api_url, and that the proxy runs and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, Start, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._store import CREDENTIAL_KIND


def main(start: Start = Module) -> None:
    run(CREDENTIAL_KIND, start)


if __name__ == "__main__":
    main()
