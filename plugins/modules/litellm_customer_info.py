#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_customer_info
short_description: Read the customers of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the customers of a LiteLLM proxy with their limits and their spending. LiteLLM creates a customer also when a
    request names one that does not exist.
  - If several options are set, a customer must match all of them.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  user_id:
    description: The ID of the customer to read.
    type: str
  alias:
    description: The alias of the customers to read.
    type: str
  budget_id:
    description: The ID of the budget whose customers to read.
    type: str
  blocked:
    description: Whether to read the customers that are blocked, or those that are not.
    type: bool
seealso:
  - module: litemaas.virtual_keys.litellm_customer
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all customers
  litemaas.virtual_keys.litellm_customer_info:
  register: all

- name: List the customers that have spent more than 80 percent of their budget
  ansible.builtin.debug:
    msg: "{{ item.user_id }}: {{ item.spend }} of {{ item.max_budget }} USD"
  loop: "{{ all.customers | selectattr('max_budget') }}"
  loop_control:
    label: "{{ item.user_id }}"
  when: item.spend > item.max_budget * 0.8
"""

RETURN = r"""
customers:
  description:
    - The customers, sorted by ID. Empty if no customer matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_customer) that are fields of the customer, and the
      readings below.
  returned: success
  type: list
  elements: dict
  contains:
    user_id:
      description: The ID of the customer.
      returned: always
      type: str
    alias:
      description: The name of the customer.
      returned: always
      type: str
    budget_id:
      description: The ID of the budget that contains the customer's limits.
      returned: always
      type: str
    blocked:
      description: Whether LiteLLM rejects all requests of the customer.
      returned: always
      type: bool
    spend:
      description: The amount in USD that the customer has spent in the current period.
      returned: always
      type: float
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(customers[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(customers[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - user_id: customer-4711
      alias: Example Inc.
      max_budget: 10.0
      spend: 1.5
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
    path: /customer/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._customer import Customer


def main(start: ModuleFactory = Module) -> None:
    run_info(Customer(), start)


if __name__ == "__main__":
    main()
