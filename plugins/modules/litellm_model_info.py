#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_model_info
short_description: Read the models of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the deployments of models on a LiteLLM proxy, from its database and from its configuration file, without
    secret parameters. Asterisks show that a model has one. To find those that LiteLLM leaves out of its models, the
    module sends a request for each model.
  - If several options are set, a deployment must match all of them.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  model_id:
    description:
      - The ID of the deployment to read.
      - Models that LiteLLM stored but cannot serve are returned only if this option is set.
    type: str
  model_name:
    description: The name of the model whose deployments to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_model
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all deployments
  litemaas.virtual_keys.litellm_model_info:
  register: all

- name: List the models that can be changed, with their providers
  ansible.builtin.debug:
    msg: "{{ item.model_id }}: {{ item.model_name }} from {{ item.litellm_params.model }}"
  loop: "{{ all.models | selectattr('db_model') }}"
  loop_control:
    label: "{{ item.model_id }}"
"""

RETURN = r"""
models:
  description:
    - The deployments, sorted by ID. Empty if none matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_model) that are fields of the model, with asterisks
      instead of secret parameters, and the readings below.
  returned: success
  type: list
  elements: dict
  contains:
    model_id:
      description: The ID of the deployment.
      returned: always
      type: str
    model_name:
      description: The name by which users call the model.
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
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(models[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(models[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - db_model: true
      model_id: gpt-4o-mini-azure
      model_name: gpt-4o-mini
      litellm_params:
        model: azure/gpt-4o-mini
        api_key: "********"
      model_info:
        mode: chat
      blocked: false
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
    path: /v2/model/info
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._model._kind import Model


def main(start: ModuleFactory = Module) -> None:
    run_info(Model(), start)


if __name__ == "__main__":
    main()
