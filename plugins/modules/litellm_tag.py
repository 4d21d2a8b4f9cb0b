#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_tag
short_description: Manage a tag of a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes a tag of a LiteLLM proxy.
  - The limits of a tag apply to all requests that have it together. Requests have the tags in their C(metadata), and those
    of their key and team.
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
      - V(present) creates the tag or updates the options that are set. V(absent) deletes it.
      - Models to which LiteLLM has added the tag keep it.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: The name of the tag. It cannot be changed.
    type: str
    required: true
  description:
    description: What the tag stands for.
    type: str
  models:
    description:
      - The names or IDs of the models for requests with the tag.
      - LiteLLM adds the tag to the models themselves only when it creates the tag, and only to models that are stored in its
        database. Otherwise, the task warns.
    type: list
    elements: str
  budget_id:
    description:
      - The ID of a budget whose limits apply to the tag.
      - Cannot be combined with the limits below, because the budget has its own. LiteLLM cannot assign another budget to a
        tag that has one.
    type: str
  max_budget:
    description:
      - The amount in USD that all requests with the tag can spend together.
      - LiteLLM keeps this and the other limits in a budget of the tag. If the tag has a budget that was assigned with
        O(budget_id), the task fails instead of changing the limits of others.
    type: float
  soft_budget:
    description: The amount in USD at which LiteLLM sends an alert.
    type: float
  budget_duration:
    description:
      - The period after which the spending is reset, as a duration such as V(30d) or V(1mo).
    type: str
  tpm_limit:
    description: The number of tokens per minute for all requests with the tag.
    type: int
  rpm_limit:
    description: The number of requests per minute for all requests with the tag.
    type: int
  max_parallel_requests:
    description: The number of requests with the tag that can run at the same time.
    type: int
  unset:
    description:
      - The options whose values are removed from the tag.
    type: list
    elements: str
    choices:
      - description
      - models
      - max_budget
      - soft_budget
      - budget_duration
      - tpm_limit
      - rpm_limit
      - max_parallel_requests
  force:
    description:
      - Whether to delete a tag that keys, teams, or models bear. Its limits then no longer apply to their requests.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
notes:
  - LiteLLM can take up to a minute to apply changed limits.
seealso:
  - module: litemaas.virtual_keys.litellm_tag_info
  - name: LiteLLM tag budgets
    description: LiteLLM's documentation about budgets of tags.
    link: https://docs.litellm.ai/docs/proxy/tag_budgets
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Limit what all requests of a project can spend
  litemaas.virtual_keys.litellm_tag:
    name: project-blue
    description: All requests of the project Blue
    max_budget: 100
    budget_duration: 30d

- name: Raise the limit. Everything else stays as it is
  litemaas.virtual_keys.litellm_tag:
    name: project-blue
    max_budget: 150

- name: Remove the limit
  litemaas.virtual_keys.litellm_tag:
    name: project-blue
    unset: [max_budget, budget_duration]

- name: Delete the tag
  litemaas.virtual_keys.litellm_tag:
    name: project-blue
    state: absent
"""

RETURN = r"""
name:
  description: The name of the tag.
  returned: success, and failure of a write
  type: str
  sample: project-blue
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
tag:
  description:
    - The tag after the task. In check mode, the tag as it would be.
    - Contains each option of this module that is a field of the tag, and the readings below. Null for a tag that does not
      exist.
  returned: success, and failure of a write
  type: dict
  contains:
    name:
      description: The name of the tag.
      returned: always
      type: str
    created_by:
      description: The ID of the user who created the tag.
      returned: always
      type: str
    created_at:
      description: When the tag was created.
      returned: always
      type: str
    updated_at:
      description: When the tag was last changed.
      returned: always
      type: str
  sample:
    name: project-blue
    max_budget: 100.0
    budget_duration: 30d
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: project-blue
    after_header: project-blue
    before:
      max_budget: 100.0
    after:
      max_budget: 150.0
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
    path: /tag/info
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._tag import Tag


def main(start: ModuleFactory = Module) -> None:
    run(Tag(), start)


if __name__ == "__main__":
    main()
