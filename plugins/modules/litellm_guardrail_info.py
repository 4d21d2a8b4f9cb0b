#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_guardrail_info
short_description: Read the guardrails of a LiteLLM proxy
version_added: 1.1.0
description:
  - Returns the guardrails of a LiteLLM proxy, from its database and from its configuration file, without secret
    parameters. Asterisks show that a guardrail has one.
  - Guardrails that a team has submitted and nobody has approved yet are not returned.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  guardrail_name:
    description: The name of the guardrail to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_guardrail
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all guardrails
  litemaas.virtual_keys.litellm_guardrail_info:
  register: all

- name: List those that check all requests
  ansible.builtin.debug:
    msg: "{{ all.guardrails | selectattr('litellm_params.default_on', 'true') | map(attribute='guardrail_name') }}"
"""

RETURN = r"""
guardrails:
  description:
    - The guardrails, sorted by name. Empty if no guardrail matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_guardrail) that are fields of the guardrail, with
      asterisks instead of secret parameters, and the readings below.
  returned: success
  type: list
  elements: dict
  contains:
    guardrail_name:
      description: The name of the guardrail.
      returned: always
      type: str
    guardrail_id:
      description: The ID that LiteLLM chose.
      returned: always
      type: str
    guardrail_definition_location:
      description: Where the guardrail is defined. V(db) or V(config).
      returned: always
      type: str
    created_at:
      description: When the guardrail was created.
      returned: always
      type: str
    updated_at:
      description: When the guardrail was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(guardrails[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(guardrails[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - guardrail_name: no-internal-names
      guardrail_definition_location: db
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
    path: /v2/guardrails/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._guardrail import Guardrail


def main(start: ModuleFactory = Module) -> None:
    run_info(Guardrail(), start)


if __name__ == "__main__":
    main()
