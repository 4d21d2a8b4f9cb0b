#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_customer
short_description: Manage a customer of a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes a customer of a LiteLLM proxy, which LiteLLM also calls an end user.
  - A customer is somebody whom requests name in their parameter C(user), whatever key they are made with. The limits of a
    customer apply to all of these requests together, in addition to those of the keys.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
  - litemaas.virtual_keys._durations
  - litemaas.virtual_keys._durations.periods
attributes:
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) creates the customer or updates the options that are set. V(absent) deletes it.
      - LiteLLM forgets what a deleted customer has spent.
    type: str
    choices: [present, absent]
    default: present
  user_id:
    description: The ID of the customer, as requests name it. It cannot be changed.
    type: str
    required: true
  alias:
    description: The name of the customer.
    type: str
  budget_id:
    description:
      - The ID of a budget that several customers share as a template. Each of them can spend it.
      - Cannot be combined with the limits below, because the budget has its own. LiteLLM cannot remove the budget of an
        existing customer, but assign another one.
    type: str
  max_budget:
    description:
      - The amount in USD that the customer can spend.
      - LiteLLM keeps this and the other limits in a budget of the customer. If the customer has a budget that was assigned
        with O(budget_id), the task fails instead of changing the limits of others. An existing customer without a budget
        gets one only with this option.
    type: float
  soft_budget:
    description: The amount in USD at which LiteLLM sends an alert.
    type: float
  budget_duration:
    description:
      - The period after which the spending is reset, as a duration such as V(30d) or V(1mo).
    type: str
  tpm_limit:
    description: The number of tokens per minute for the customer.
    type: int
  rpm_limit:
    description: The number of requests per minute for the customer.
    type: int
  max_parallel_requests:
    description: The number of requests of the customer that can run at the same time.
    type: int
  models:
    description:
      - The models that requests of the customer can use. An empty list allows all models that the key can use.
      - Requires LiteLLM 1.106.2 or newer.
    type: list
    elements: str
  default_model:
    description: The model for requests of the customer. It must exist on the proxy.
    type: str
  allowed_model_region:
    description:
      - The region in which the models for the customer must run.
      - LiteLLM cannot remove it from an existing customer.
    type: str
    choices: [eu, us]
  blocked:
    description:
      - Whether LiteLLM rejects all requests of the customer.
      - Requires LiteLLM 1.106.2 or newer to unblock a customer.
    type: bool
  unset:
    description:
      - The options whose values are removed from the customer.
    type: list
    elements: str
    choices:
      - alias
      - max_budget
      - soft_budget
      - budget_duration
      - tpm_limit
      - rpm_limit
      - max_parallel_requests
      - models
      - default_model
      - blocked
  validate_models:
    description:
      - Whether to fail before anything is written if one of O(models) does not exist on the proxy.
        LiteLLM itself accepts any name.
    type: bool
    default: false
  force:
    description:
      - Whether to delete a customer who is blocked. LiteLLM would accept requests in the name of this customer again.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
notes:
  - LiteLLM can take up to a minute to apply changed limits.
seealso:
  - module: litemaas.virtual_keys.litellm_customer_info
  - name: LiteLLM customers
    description: LiteLLM's documentation about customers and their budgets.
    link: https://docs.litellm.ai/docs/proxy/customers
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Limit what a customer can spend
  litemaas.virtual_keys.litellm_customer:
    user_id: customer-4711
    alias: Example Inc.
    max_budget: 10
    budget_duration: 30d

- name: Remove the limit
  litemaas.virtual_keys.litellm_customer:
    user_id: customer-4711
    unset: [max_budget, budget_duration]

- name: Block the customer
  litemaas.virtual_keys.litellm_customer:
    user_id: customer-4711
    blocked: true

- name: Delete the customer, who is blocked and could send requests again
  litemaas.virtual_keys.litellm_customer:
    user_id: customer-4711
    state: absent
    force: true
"""

RETURN = r"""
user_id:
  description: The ID of the customer.
  returned: success, and failure of a write
  type: str
  sample: customer-4711
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
customer:
  description:
    - The customer after the task. In check mode, the customer as it would be.
    - Contains each option of this module that is a field of the customer, and the readings below. Null for a customer
      that does not exist.
  returned: success, and failure of a write
  type: dict
  contains:
    user_id:
      description: The ID of the customer.
      returned: always
      type: str
    spend:
      description: The amount in USD that the customer has spent in the current period.
      returned: always
      type: float
  sample:
    user_id: customer-4711
    alias: Example Inc.
    max_budget: 10.0
    spend: 1.5
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: customer-4711
    after_header: customer-4711
    before:
      max_budget: 10.0
    after:
      max_budget: 20.0
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
    path: /customer/info?end_user_id=customer-4711
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._customer import Customer


def main(start: ModuleFactory = Module) -> None:
    run(Customer(), start)


if __name__ == "__main__":
    main()
