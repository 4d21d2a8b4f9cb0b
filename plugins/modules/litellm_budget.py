#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_budget
short_description: Manage a shared budget on a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes a budget on a LiteLLM proxy. Keys, customers, and tags refer to it with C(budget_id).
  - A budget is shared. A change applies to everything that refers to it. Each key, customer, or tag has its own spending
    that is compared with the limits.
  - To set limits for a single key, team, or user, use the options of M(litemaas.virtual_keys.litellm_key),
    M(litemaas.virtual_keys.litellm_team), or M(litemaas.virtual_keys.litellm_user). No budget is required for that.
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
      - V(present) creates the budget or updates the options that are set. V(absent) deletes it.
      - When LiteLLM deletes a budget, all that refers to it loses these limits. A budget that limits anything is deleted
        only with O(force=true). The task looks for all that refers to it first, which can take some time on a large
        proxy.
    type: str
    choices: [present, absent]
    default: present
  budget_id:
    description: The ID of the budget. It cannot be changed.
    type: str
    required: true
  max_budget:
    description: The amount in USD that each key, customer, or tag can spend. V(0) blocks all spending.
    type: float
  soft_budget:
    description: The amount in USD at which LiteLLM sends an alert.
    type: float
  budget_duration:
    description:
      - The period after which the spending is reset, as a duration such as V(30d) or V(1mo).
      - A change of the period also changes when it ends. A task that does not change it leaves the end as it is.
    type: str
  tpm_limit:
    description: The number of tokens per minute.
    type: int
  rpm_limit:
    description: The number of requests per minute.
    type: int
  tpd_limit:
    description: The number of tokens per day. Requires LiteLLM 1.106.0 or newer.
    type: int
  max_parallel_requests:
    description: The number of requests at the same time.
    type: int
  model_max_budget:
    description:
      - 'A budget in USD and a period for each model, such as
        C({"gpt-4o-mini": {"max_budget": 5, "budget_duration": "1d"}}).'
      - Models that are not listed are removed.
      - Requires a LiteLLM Enterprise license on the proxy.
    type: dict
  unset:
    description:
      - The options whose values are removed from the budget.
    type: list
    elements: str
    choices:
      - max_budget
      - soft_budget
      - budget_duration
      - tpm_limit
      - rpm_limit
      - tpd_limit
      - max_parallel_requests
      - model_max_budget
  force:
    description:
      - Whether to delete a budget, or to remove its last limit, although it limits keys, customers, tags,
        organizations, teams, members of teams, or model access groups.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
seealso:
  - module: litemaas.virtual_keys.litellm_budget_info
  - module: litemaas.virtual_keys.litellm_key
  - name: LiteLLM budgets
    description: LiteLLM's documentation about budgets and rate limits.
    link: https://docs.litellm.ai/docs/proxy/users
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a budget of 5 USD a day
  litemaas.virtual_keys.litellm_budget:
    budget_id: five-a-day
    max_budget: 5
    budget_duration: 1d
    rpm_limit: 60

- name: Create a key with this budget
  litemaas.virtual_keys.litellm_key:
    key_alias: demo
    budget_id: five-a-day
  no_log: true
  register: demo

- name: Raise the budget for everything that refers to it
  litemaas.virtual_keys.litellm_budget:
    budget_id: five-a-day
    max_budget: 8

- name: Remove its rate limit
  litemaas.virtual_keys.litellm_budget:
    budget_id: five-a-day
    unset: [rpm_limit]

- name: Delete the budget, even if keys lose their limit
  litemaas.virtual_keys.litellm_budget:
    budget_id: five-a-day
    state: absent
    force: true
"""

RETURN = r"""
budget_id:
  description: The ID of the budget.
  returned: success, and failure of a write
  type: str
  sample: five-a-day
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
budget:
  description:
    - The budget after the task. In check mode, the budget as it would be.
    - Contains each option of this module that is a field of the budget, and the readings below. Null for a budget that
      does not exist.
  returned: success, and failure of a write
  type: dict
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
  sample:
    budget_id: five-a-day
    max_budget: 8.0
    budget_duration: 1d
    budget_reset_at: "2026-12-02T00:00:00Z"
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: five-a-day
    after_header: five-a-day
    before:
      max_budget: 5.0
    after:
      max_budget: 8.0
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
    method: POST
    path: /budget/info
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._budget import Budget


def main(start: ModuleFactory = Module) -> None:
    run(Budget(), start)


if __name__ == "__main__":
    main()
