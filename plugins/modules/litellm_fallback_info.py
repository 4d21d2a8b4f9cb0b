#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_fallback_info
short_description: Read the fallbacks of the models of a LiteLLM proxy
version_added: 1.1.0
description:
  - Returns the models of a LiteLLM proxy that have fallbacks, with these, also those from its configuration file.
  - With several workers or replicas of LiteLLM, a change can be missing for up to 30 seconds.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  model:
    description: The name of the model whose fallbacks are read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_fallback
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read the fallbacks of all models
  litemaas.virtual_keys.litellm_fallback_info:
  register: all

- name: List them
  ansible.builtin.debug:
    msg: "{{ item.model }}: {{ (item.fallback_models or []) | join(', ') }}"
  loop: "{{ all.fallbacks }}"
  loop_control:
    label: "{{ item.model }}"
"""

RETURN = r"""
fallbacks:
  description:
    - The models that have fallbacks, sorted by name. Empty if no model has any.
    - Each contains the options of M(litemaas.virtual_keys.litellm_fallback) that are fields of the fallbacks.
  returned: success
  type: list
  elements: dict
  contains:
    model:
      description: The name of the model.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(fallbacks[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(fallbacks[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - model: gpt-4o
      fallback_models: [gpt-4o-mini]
      context_window_fallback_models: null
      content_policy_fallback_models: null
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
    path: /router/settings
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._fallback import Fallback


def main(start: ModuleFactory = Module) -> None:
    run_info(Fallback(), start)


if __name__ == "__main__":
    main()
