#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_team
short_description: Manage a team on a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes a team on a LiteLLM proxy.
  - The budget, rate limits, and models of a team apply to all keys of the team together.
  - The module does not manage the members of the team.
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
      - V(present) creates the team or updates the options that are set. V(absent) deletes it.
      - LiteLLM deletes the keys and models of a team, and the limits of its members, together with the team. If there are
        any, the team is deleted only with O(force=true).
    type: str
    choices: [present, absent]
    default: present
  team_id:
    description:
      - The ID of the team. It cannot be changed.
      - Set O(team_id), O(team_alias), or both. The ID identifies the team if it is set.
    type: str
  team_alias:
    description:
      - The name of the team.
      - Without O(team_id), the alias identifies the team. The task fails if more than one team has this alias. LiteLLM
        chooses the ID of a new team.
    type: str
  organization_id:
    description: The ID of the organization to which the team belongs.
    type: str
  models:
    description:
      - The models that the keys of the team can use. An empty list allows all models of the proxy.
      - A key with the model C(all-team-models) follows this list.
    type: list
    elements: str
  model_aliases:
    description:
      - Other names for models, as a mapping of each name to the model it stands for.
      - Requires LiteLLM 1.98.1 or newer, because older versions do not show what is stored.
    type: dict
  max_budget:
    description:
      - The amount in USD that all keys of the team can spend together.
      - LiteLLM ignores a team budget of 0. Use O(unset) for a team without a limit, and O(blocked) to stop all
        spending.
    type: float
  soft_budget:
    description: The amount in USD at which LiteLLM sends an alert. It must be below O(max_budget).
    type: float
  budget_duration:
    description:
      - The period after which the spending is reset, as a duration such as V(30d) or V(1mo).
    type: str
  budget_limits:
    description: Further budgets, each with its own period.
    type: list
    elements: dict
    suboptions:
      max_budget:
        description: The amount in USD that can be spent in each period.
        type: float
        required: true
      budget_duration:
        description: The length of the period, as a duration such as V(1d).
        type: str
        required: true
  tpm_limit:
    description: The number of tokens per minute for all keys of the team together.
    type: int
  rpm_limit:
    description: The number of requests per minute for all keys of the team together.
    type: int
  model_tpm_limit:
    description: The number of tokens per minute for individual models, as a mapping of model names to numbers.
    type: dict
  model_rpm_limit:
    description: The number of requests per minute for individual models, as a mapping of model names to numbers.
    type: dict
  tpd_limit:
    description:
      - The number of tokens per day for all keys of the team together.
      - Requires LiteLLM 1.106.2 or newer.
    type: int
  model_max_budget:
    description:
      - 'A budget in USD and a period for each model, such as
        C({"gpt-4o-mini": {"max_budget": 5, "budget_duration": "1d"}}).'
      - It applies to each key of the team.
      - Models that are not listed are removed.
      - Requires a LiteLLM Enterprise license on the proxy, and LiteLLM 1.106.2 or newer.
    type: dict
  mcp_rpm_limit:
    description:
      - The number of requests per minute for individual MCP servers, as a mapping of server names to numbers.
      - Requires LiteLLM 1.90.0 or newer.
    type: dict
  tpm_limit_type:
    description:
      - How LiteLLM treats O(tpm_limit) of a new team. With V(guaranteed_throughput), it rejects a limit that, together
        with the limits of other teams, exceeds what the model has. With V(best_effort_throughput), it accepts it.
    type: str
    choices:
      - guaranteed_throughput
      - best_effort_throughput
  rpm_limit_type:
    description: How LiteLLM treats O(rpm_limit). See O(tpm_limit_type).
    type: str
    choices:
      - guaranteed_throughput
      - best_effort_throughput
  default_estimated_output_tokens:
    description:
      - The number of output tokens that LiteLLM expects of a request that sets no limit, when it checks the rate limits.
      - Requires LiteLLM 1.98.1 or newer.
    type: int
  default_estimated_output_tokens_per_model:
    description:
      - The same for individual models, as a mapping of model names to numbers.
      - Requires LiteLLM 1.98.1 or newer.
    type: dict
  allowed_vector_store_indexes:
    description: The indexes of vector stores that the team can use. Indexes that are not listed are removed.
    type: list
    elements: dict
    suboptions:
      index_name:
        description: The name of the index.
        type: str
        required: true
      index_permissions:
        description: What the team can do with the index.
        type: list
        elements: str
        choices:
          - read
          - write
        required: true
  enforced_batch_output_expires_after:
    description:
      - 'When the output files of batches expire, such as C({"anchor": "created_at", "seconds": 86400}). It replaces what
        requests ask for.'
    type: dict
  enforced_file_expires_after:
    description:
      - When uploaded files expire, in the format of O(enforced_batch_output_expires_after).
    type: dict
  require_trace_id:
    description:
      - Whether LiteLLM refuses requests of the team that bear no trace ID.
      - Requires LiteLLM 1.108.0 or newer.
    type: bool
  tags:
    description:
      - Tags for tracking spending and routing requests, as a set.
      - Requires a LiteLLM Enterprise license on the proxy.
    type: list
    elements: str
  guardrails:
    description:
      - The names of the guardrails that apply to each request, as a set.
      - Requires a LiteLLM Enterprise license on the proxy.
    type: list
    elements: str
  disable_global_guardrails:
    description:
      - Whether the guardrails of the proxy do not apply to the team.
      - Requires a LiteLLM Enterprise license on the proxy, and LiteLLM 1.90.0 or newer.
    type: bool
  policies:
    description:
      - The names of the policies that apply to the team, as a set.
      - Requires a LiteLLM Enterprise license on the proxy.
    type: list
    elements: str
  prompts:
    description:
      - The IDs of the prompts that the team can use, as a set.
      - Requires a LiteLLM Enterprise license on the proxy.
    type: list
    elements: str
  allowed_passthrough_routes:
    description:
      - The pass-through endpoints of the proxy that the team can call, as a set, such as V(/my-endpoint).
      - Requires a LiteLLM Enterprise license on the proxy.
    type: list
    elements: str
  denied_passthrough_routes:
    description:
      - The pass-through endpoints of the proxy that the team cannot call, as a set.
      - Requires a LiteLLM Enterprise license on the proxy, and LiteLLM 1.106.2 or newer.
    type: list
    elements: str
  team_member_key_duration:
    description:
      - How long the keys are valid that members of the team create, as a duration such as V(30d).
      - Requires a LiteLLM Enterprise license on the proxy.
    type: str
  object_permission:
    description:
      - 'The MCP servers, vector stores, agents, and other objects that the team can use, as a list of IDs for each kind,
        such as C({"vector_stores": ["vs-1"], "mcp_servers": []}). The lists are sets.'
      - Only the kinds that are listed are compared and written. V([]) empties one kind, and V({}) or O(unset) empties
        all of them.
      - A server in C(mcp_tool_permissions) can be used although C(mcp_servers) does not list it. To take a server away from
        the team, list both kinds. The task warns if only C(mcp_servers) is listed and the other one keeps a server.
      - MCP servers, MCP toolsets, and vector stores can also be listed by name, if only one has that name.
    type: dict
  team_member_budget:
    description:
      - The amount in USD that each member of the team can spend, unless the member has a budget of their own.
      - Applies to keys that have both a team and a user.
      - Clearing it requires LiteLLM 1.90.0 or newer.
    type: float
  team_member_budget_duration:
    description:
      - The period after which the spending of each member is reset.
      - If it is not set when O(team_member_budget) is first set, LiteLLM uses O(budget_duration).
      - Clearing it requires LiteLLM 1.90.0 or newer.
    type: str
  team_member_tpm_limit:
    description:
      - The number of tokens per minute for each member of the team.
      - Clearing it requires LiteLLM 1.90.0 or newer.
    type: int
  team_member_rpm_limit:
    description:
      - The number of requests per minute for each member of the team.
      - Clearing it requires LiteLLM 1.90.0 or newer.
    type: int
  team_member_permissions:
    description:
      - What members can do with the keys of the team. An empty list stands for LiteLLM's default.
      - V(/team/key/bulk_update), V(/key/access_group_assignment), and V(/spend/logs/v2) require LiteLLM 1.90,
        V(/auto_router/manage) and V(/team/daily/activity/aggregated) LiteLLM 1.106.
    type: list
    elements: str
    choices:
      - /key/generate
      - /key/update
      - /key/delete
      - /key/regenerate
      - /key/service-account/generate
      - /key/{key_id}/regenerate
      - /key/block
      - /key/unblock
      - /key/bulk_update
      - /team/key/bulk_update
      - /key/{key_id}/reset_spend
      - /key/access_group_assignment
      - /key/info
      - /key/health
      - /key/list
      - /key/aliases
      - /team/daily/activity
      - /team/daily/activity/aggregated
      - /spend/logs
      - /spend/logs/v2
      - /auto_router/manage
  default_team_member_models:
    description: The models of members for whom no models are set.
    type: list
    elements: str
  access_group_ids:
    description: The access groups whose models the team can use as well, by ID or by name.
    type: list
    elements: str
  metadata:
    description:
      - Your own data about the team. Options of this module that LiteLLM stores there are not allowed in it.
      - The entry C(logging) contains the logging callbacks of the team. LiteLLM encrypts the values of C(callback_vars).
        The module cannot detect a change that affects only such a value.
      - See O(metadata_mode).
    type: dict
  metadata_mode:
    description:
      - With V(merge), which is the default, entries that are not in O(metadata) stay as they are.
      - With V(replace), they are removed.
    type: str
    choices: [merge, replace]
  router_settings:
    description: Settings of the router for requests of this team. Settings that are not declared stay as they are.
    type: dict
  blocked:
    description: Whether LiteLLM rejects all requests made with keys of the team.
    type: bool
  unset:
    description:
      - The options whose values are removed from the team.
    type: list
    elements: str
    choices:
      - team_alias
      - organization_id
      - models
      - model_aliases
      - max_budget
      - soft_budget
      - budget_duration
      - budget_limits
      - tpm_limit
      - rpm_limit
      - tpd_limit
      - model_max_budget
      - model_tpm_limit
      - model_rpm_limit
      - mcp_rpm_limit
      - tpm_limit_type
      - rpm_limit_type
      - default_estimated_output_tokens
      - default_estimated_output_tokens_per_model
      - allowed_vector_store_indexes
      - enforced_batch_output_expires_after
      - enforced_file_expires_after
      - require_trace_id
      - tags
      - guardrails
      - disable_global_guardrails
      - policies
      - prompts
      - allowed_passthrough_routes
      - denied_passthrough_routes
      - team_member_key_duration
      - team_member_budget
      - team_member_budget_duration
      - team_member_tpm_limit
      - team_member_rpm_limit
      - team_member_permissions
      - default_team_member_models
      - access_group_ids
      - object_permission
      - metadata
      - router_settings
      - blocked
  validate_models:
    description:
      - Whether to fail before anything is written if one of O(models) does not exist on the proxy.
        LiteLLM itself accepts any name.
    type: bool
    default: false
  force:
    description:
      - Whether to delete a team that has keys, models, or members with limits of their own. LiteLLM deletes these together
        with the team.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
notes:
  - LiteLLM adds the user of O(api_key) to each new team as an administrator.
seealso:
  - module: litemaas.virtual_keys.litellm_team_info
  - module: litemaas.virtual_keys.litellm_keys
  - name: LiteLLM teams
    description: LiteLLM's documentation about budgets of teams.
    link: https://docs.litellm.ai/docs/proxy/team_budgets
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a team that spends no more than 50 USD in total
  litemaas.virtual_keys.litellm_team:
    team_id: python-course
    team_alias: Python course
    models: [gpt-4o-mini]
    max_budget: 50
    metadata:
      cost_center: "4711"

- name: Create a key for the team that follows the team's models
  litemaas.virtual_keys.litellm_key:
    key_alias: python-course-ann
    team_id: python-course
    models: [all-team-models]
  no_log: true
  register: ann

- name: Give each member 5 USD a day
  litemaas.virtual_keys.litellm_team:
    team_id: python-course
    team_member_budget: 5
    team_member_budget_duration: 1d

- name: Remove the limit for the team
  litemaas.virtual_keys.litellm_team:
    team_id: python-course
    unset: [max_budget]

- name: Pause the team
  litemaas.virtual_keys.litellm_team:
    team_id: python-course
    blocked: true

- name: Delete the team and all of its keys
  litemaas.virtual_keys.litellm_team:
    team_id: python-course
    state: absent
    force: true
"""

RETURN = r"""
team_id:
  description: The ID of the team. Null if LiteLLM has yet to choose it, or the team is gone.
  returned: success, and failure of a write
  type: str
  sample: python-course
team_alias:
  description: The alias, if it identified the team.
  returned: if O(team_id) is not set
  type: str
  sample: Python course
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
team:
  description:
    - The team after the task. In check mode, the team as it would be.
    - Contains each option of this module that is a field of the team, and the readings below. Null for a team that does
      not exist.
  returned: success, and failure of a write
  type: dict
  contains:
    team_id:
      description: The ID of the team.
      returned: always
      type: str
    spend:
      description: The amount in USD that the team has spent in the current period.
      returned: always
      type: float
    budget_reset_at:
      description: When the spending is reset.
      returned: always
      type: str
    created_at:
      description: When the team was created.
      returned: always
      type: str
    updated_at:
      description: When the team was last changed.
      returned: always
      type: str
  sample:
    team_id: python-course
    team_alias: Python course
    models: [gpt-4o-mini]
    max_budget: 50.0
    spend: 12.5
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: python-course
    after_header: python-course
    before:
      max_budget: 50.0
    after:
      max_budget: 75.0
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
    path: /team/info?key_limit=1&team_id=python-course
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team import Team


def main(start: ModuleFactory = Module) -> None:
    run(Team(), start)


if __name__ == "__main__":
    main()
