#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_budget_info
short_description: Read the budgets of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the budgets of a LiteLLM proxy.
  - Among them are the budgets that LiteLLM creates itself, for example for members of teams and for tags. Deleting those
    that you did not create would remove the limits of others.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  budget_id:
    description: The ID of the budget to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_budget
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read a budget
  litemaas.virtual_keys.litellm_budget_info:
    budget_id: five-a-day
  register: found

- name: Tell when it is reset
  ansible.builtin.debug:
    msg: "{{ found.budgets[0].budget_reset_at }}"
  when: found.budgets | length > 0
"""

RETURN = r"""
budgets:
  description:
    - The budgets, sorted by ID. Empty if there is none.
    - Each contains the options of M(litemaas.virtual_keys.litellm_budget) that are fields of the budget, and the
      readings below.
  returned: success
  type: list
  elements: dict
  contains:
    budget_id:
      description: The ID of the budget.
      returned: always
      type: str
    budget_reset_at:
      description: When the current period ends. LiteLLM then resets the spending.
      returned: always
      type: str
    created_at:
      description: When the budget was created.
      returned: always
      type: str
    updated_at:
      description: When the budget was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(budgets[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(budgets[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - budget_id: five-a-day
      max_budget: 8.0
      budget_duration: 1d
      budget_reset_at: "2026-12-02T00:00:00Z"
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
    path: /budget/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._budget import Budget


def main(start: ModuleFactory = Module) -> None:
    run_info(Budget(), start)


if __name__ == "__main__":
    main()
