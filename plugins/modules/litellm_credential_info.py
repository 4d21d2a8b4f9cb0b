#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_credential_info
short_description: Read the provider credentials of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the credentials of a LiteLLM proxy and the names of their values, but never the values.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  credential_name:
    description:
      - The name of the credential to read. If it is not set, all credentials are read.
    type: str
    aliases:
      - name
notes:
  - Each worker of LiteLLM caches credentials and reads them from the database every 30 seconds.
seealso:
  - module: litemaas.virtual_keys.litellm_credential
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all credentials
  litemaas.virtual_keys.litellm_credential_info:
  register: all

- name: List the credentials for OpenAI
  ansible.builtin.debug:
    msg: >-
      {{ all.credentials | selectattr('credential_info.custom_llm_provider', 'defined')
      | selectattr('credential_info.custom_llm_provider', 'equalto', 'openai') | map(attribute='credential_name') }}

- name: Fail if a credential has no API key
  litemaas.virtual_keys.litellm_credential_info:
    credential_name: openai-workshops
  register: found
  failed_when: not found.credentials or 'api_key' not in found.credentials[0].credential_values
"""

RETURN = r"""
credentials:
  description: The credentials, sorted by name. Empty if no credential matches.
  returned: success
  type: list
  elements: dict
  contains:
    credential_name:
      description: The name of the credential.
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
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(credentials[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(credentials[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - credential_name: openai-workshops
      credential_info:
        custom_llm_provider: openai
      credential_values:
        api_key: "********"
        api_base: "********"
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
    path: /credentials
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._kind import Credential


def main(start: ModuleFactory = Module) -> None:
    run_info(Credential(), start)


if __name__ == "__main__":
    main()
