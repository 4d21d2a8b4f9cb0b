#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_user
short_description: Manage a user of a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes a user of a LiteLLM proxy.
  - The budget, rate limits, and models of a user apply to all keys of the user together, but not to keys that belong to
    a team. For keys of a team, use the limits of the team and of its members.
  - The module never creates a key, as LiteLLM does by default. Create keys for the user with
    M(litemaas.virtual_keys.litellm_key).
  - The module does not manage the teams of the user. Use M(litemaas.virtual_keys.litellm_team_members).
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
      - V(present) creates the user or updates the options that are set. V(absent) deletes it.
      - LiteLLM deletes the keys of a user together with the user, also those that belong to a team. A user who has keys, or
        is a member of teams, is deleted only with O(force=true).
    type: str
    choices: [present, absent]
    default: present
  user_id:
    description:
      - The ID of the user. It cannot be changed. Required for a new user.
      - Without it, O(user_email) identifies a user that exists.
    type: str
  user_email:
    description:
      - The email address of the user. The task fails if another user has it.
      - Without O(user_id), it identifies the user. The task fails if nobody or more than one has it. Upper and lower case are
        then the same.
      - LiteLLM cannot remove it from an existing user.
    type: str
  user_alias:
    description:
      - The name of the user.
      - LiteLLM cannot remove it from an existing user.
    type: str
  user_role:
    description:
      - What the user is allowed to do on the proxy. LiteLLM cannot remove it from an existing user.
      - If the proxy has default limits for internal users, LiteLLM applies them to a new V(internal_user) for whom
        O(max_budget) or O(budget_duration) is not set.
    type: str
    choices: [proxy_admin, proxy_admin_viewer, internal_user, internal_user_viewer]
  models:
    description:
      - The models that the keys of the user can use. A new user without a list can use all models of the proxy.
      - LiteLLM cannot empty the list of an existing user. Use C(all-proxy-models) to allow all models and
        C(no-default-models) to allow none.
    type: list
    elements: str
  max_budget:
    description:
      - The amount in USD that all keys of the user can spend together. A budget of 0 stops all spending.
      - Does not apply to keys that belong to a team.
    type: float
  budget_duration:
    description:
      - The period after which the spending is reset, as a duration such as V(30d) or V(1mo).
      - Requires LiteLLM 1.106.2 or newer to be unset.
    type: str
  tpm_limit:
    description:
      - The number of tokens per minute for all keys of the user together.
      - Requires LiteLLM 1.106.2 or newer to be unset.
    type: int
  rpm_limit:
    description:
      - The number of requests per minute for all keys of the user together.
      - Requires LiteLLM 1.106.2 or newer to be unset.
    type: int
  max_parallel_requests:
    description:
      - The number of requests that can run at the same time.
      - LiteLLM cannot remove the limit from an existing user.
    type: int
  model_tpm_limit:
    description: The number of tokens per minute for individual models, as a mapping of model names to numbers.
    type: dict
  model_rpm_limit:
    description: The number of requests per minute for individual models, as a mapping of model names to numbers.
    type: dict
  allowed_cache_controls:
    description:
      - The cache controls that requests of the user can contain, such as V(no-cache).
      - LiteLLM cannot empty the list of an existing user.
    type: list
    elements: str
  object_permission:
    description:
      - 'The MCP servers, vector stores, and other objects that the keys of the user can use at most, as a list of IDs for
        each kind, such as C({"mcp_servers": ["issues"], "mcp_toolsets": []}). The lists are sets.'
      - Only the kinds that are listed are compared and written. V([]) empties one kind, and V({}) or O(unset) empties
        all of them.
      - A server in C(mcp_tool_permissions) can be used although C(mcp_servers) does not list it. To take a server away from
        the user, list both kinds. The task warns if only C(mcp_servers) is listed and the other one keeps a server.
      - MCP servers, MCP toolsets, and vector stores can also be listed by name, if only one has that name.
      - Requires LiteLLM 1.106.2 or newer.
    type: dict
  reset_spend:
    description:
      - Resets the spending of the user to zero, once for each text that is set here, such as V(2030-06). If the text differs
        from the one of the last reset, the spending is reset. The text is stored in the entry C(litellm_vkey_reset_spend) of
        the user's metadata, which O(metadata) does not show or change.
      - An existing user without this entry is reset. A new user only gets the entry.
      - Spending from the last few seconds, which LiteLLM has not recorded yet, counts after the reset.
      - LiteLLM versions before 1.98 can refuse requests of the user for a while after the reset.
    type: str
  metadata:
    description:
      - Your own data about the user. Options of this module that LiteLLM stores there are not allowed in it.
      - LiteLLM cannot remove the last entry from an existing user.
      - The entry C(logging) contains logging callbacks. The module does not compare the values of C(callback_vars).
      - See O(metadata_mode).
    type: dict
  metadata_mode:
    description:
      - With V(merge), which is the default, entries that are not in O(metadata) stay as they are.
      - With V(replace), they are removed.
    type: str
    choices: [merge, replace]
  sso_user_id:
    description: The ID of the user at the provider of single sign-on. LiteLLM sets it only when it creates the user.
    type: str
  unset:
    description:
      - The options whose values are removed from the user. LiteLLM cannot remove the values of the other options.
    type: list
    elements: str
    choices:
      - max_budget
      - budget_duration
      - tpm_limit
      - rpm_limit
      - model_tpm_limit
      - model_rpm_limit
      - object_permission
  validate_models:
    description:
      - Whether to fail before anything is written if one of O(models) does not exist on the proxy.
        LiteLLM itself accepts any name.
    type: bool
    default: false
  validate_references:
    description:
      - Whether to fail before anything is written if an object in O(object_permission) does not exist.
      - In check mode, the task shows a warning instead, because an earlier task of the play may create it.
    type: bool
    default: true
  force:
    description:
      - Whether to delete a user who has keys, which LiteLLM deletes together with the user, or who is a member of
        teams.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
notes:
  - If the proxy has default settings for new users, LiteLLM uses them for options that are not set when it creates the
    user.
seealso:
  - module: litemaas.virtual_keys.litellm_user_info
  - module: litemaas.virtual_keys.litellm_key
  - module: litemaas.virtual_keys.litellm_team_members
  - name: LiteLLM users
    description: LiteLLM's documentation about budgets of users.
    link: https://docs.litellm.ai/docs/proxy/users
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a user who can spend 20 USD a month
  litemaas.virtual_keys.litellm_user:
    user_id: ann@example.com
    user_email: ann@example.com
    user_alias: Ann
    user_role: internal_user
    models: [gpt-4o-mini]
    max_budget: 20
    budget_duration: 1mo
    metadata:
      cost_center: "4711"

- name: Create a key for the user
  litemaas.virtual_keys.litellm_key:
    key_alias: ann
    user_id: ann@example.com
  no_log: true
  register: ann

- name: Allow the user to use all models, without a budget
  litemaas.virtual_keys.litellm_user:
    user_id: ann@example.com
    models: [all-proxy-models]
    unset: [max_budget]

- name: Delete the user and all of the user's keys
  litemaas.virtual_keys.litellm_user:
    user_id: ann@example.com
    state: absent
    force: true
"""

RETURN = r"""
user_id:
  description: The ID of the user.
  returned: success, and failure of a write
  type: str
  sample: ann@example.com
user_email:
  description: The email address, if it identified the user.
  returned: if O(user_id) is not set
  type: str
  sample: ann@example.com
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
user:
  description:
    - The user after the task. In check mode, the user as it would be.
    - Contains each option of this module that is a field of the user, and the readings below. Null for a user who does
      not exist.
  returned: success, and failure of a write
  type: dict
  contains:
    user_id:
      description: The ID of the user.
      returned: always
      type: str
    spend:
      description: The amount in USD that the user has spent in the current period.
      returned: always
      type: float
    teams:
      description: The IDs of the teams to which the user belongs.
      returned: always
      type: list
      elements: str
    budget_reset_at:
      description: When the spending is reset.
      returned: always
      type: str
    created_at:
      description: When the user was created.
      returned: always
      type: str
    updated_at:
      description: When the user was last changed.
      returned: always
      type: str
  sample:
    user_id: ann@example.com
    user_alias: Ann
    models: [gpt-4o-mini]
    max_budget: 20.0
    spend: 1.5
    teams: [python-course]
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: ann@example.com
    after_header: ann@example.com
    before:
      max_budget: 20.0
    after:
      max_budget: 30.0
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
    path: /user/info?user_id=ann%40example.com
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._user import User


def main(start: ModuleFactory = Module) -> None:
    run(User(), start)


if __name__ == "__main__":
    main()
