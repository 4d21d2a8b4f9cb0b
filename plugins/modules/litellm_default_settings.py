#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_default_settings
short_description: Manage what new teams or users of a LiteLLM proxy get by default
version_added: 1.1.0
description:
  - Sets what LiteLLM gives to new teams, or to new users, for which nothing else is set. Existing teams and users keep what
    they have.
  - What you set here appears in teams and users that are created later without these options. The modules
    M(litemaas.virtual_keys.litellm_team) and M(litemaas.virtual_keys.litellm_user) change it only if you set the option.
  - LiteLLM replaces all defaults of one kind with each write. The module writes those that are not declared as they are. It
    looks again at least one second after a write, and repeats what somebody else has undone, for about a minute.
  - With several workers or replicas of LiteLLM, the others use and show a change after up to 30 seconds. Until then, a change
    of other defaults through such a worker would restore the old ones. Do not run two plays that change the defaults at the
    same time.
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
      - V(present) sets the defaults that are declared. V(absent) removes all defaults of the kind in O(applies_to).
    type: str
    choices: [present, absent]
    default: present
  applies_to:
    description: Whether the defaults are those of new teams or those of new users.
    type: str
    choices: [teams, users]
    required: true
  max_budget:
    description: The amount in USD that a new team or user can spend.
    type: float
  budget_duration:
    description:
      - The period after which the spending of a new team or user is reset, as a duration such as V(30d) or V(1mo).
    type: str
  models:
    description:
      - The models that a new user can use. For teams, LiteLLM applies it only to those that it creates after a login with SSO.
      - LiteLLM accepts any name, see O(validate_models).
    type: list
    elements: str
  tpm_limit:
    description: The number of tokens per minute for a new team. Only for teams.
    type: int
  rpm_limit:
    description: The number of requests per minute for a new team. Only for teams.
    type: int
  team_member_permissions:
    description:
      - The routes that the members of a new team can use to manage its keys, such as V(/key/generate). Only for teams.
    type: list
    elements: str
  organization_id:
    description:
      - The ID of the organization of a new team. Only for teams.
      - Requires LiteLLM 1.98 or newer and a LiteLLM Enterprise license.
    type: str
  access_group_ids:
    description:
      - The access groups of a new team, by ID or by name. Only for teams.
      - Requires LiteLLM 1.110 or newer.
    type: list
    elements: str
  user_role:
    description:
      - The role of a new user. Only for users.
      - LiteLLM shows V(internal_user_viewer) also if no role is stored, and writes the role together with all other defaults.
        Until another role is stored, set it whenever you set another default.
    type: str
    choices: [proxy_admin, proxy_admin_viewer, internal_user, internal_user_viewer]
  teams:
    description:
      - The IDs of the teams of which a new user becomes a member, or their aliases, if only one team has each. They must exist.
      - Only for users.
    type: list
    elements: str
  unset:
    description:
      - The defaults that are removed.
    type: list
    elements: str
    choices:
      - max_budget
      - budget_duration
      - models
      - tpm_limit
      - rpm_limit
      - team_member_permissions
      - organization_id
      - access_group_ids
      - teams
  validate_references:
    description:
      - Whether to fail before anything is written if one of O(teams) or O(access_group_ids) does not exist.
      - In check mode, the task shows a warning instead, because an earlier task of the play may create them.
    type: bool
    default: true
  validate_models:
    description:
      - Whether to fail before anything is written if one of O(models) does not exist on the proxy.
    type: bool
    default: false
seealso:
  - module: litemaas.virtual_keys.litellm_default_settings_info
  - module: litemaas.virtual_keys.litellm_team
  - module: litemaas.virtual_keys.litellm_user
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Limit teams that are created without limits
  litemaas.virtual_keys.litellm_default_settings:
    applies_to: teams
    max_budget: 50
    budget_duration: 1mo
    team_member_permissions: [/key/generate, /key/delete]

- name: Let new users create keys, with a small budget
  litemaas.virtual_keys.litellm_default_settings:
    applies_to: users
    user_role: internal_user
    max_budget: 5

- name: Give new teams nothing any more
  litemaas.virtual_keys.litellm_default_settings:
    applies_to: teams
    state: absent

- name: Nor new users
  litemaas.virtual_keys.litellm_default_settings:
    applies_to: users
    state: absent
"""

RETURN = r"""
applies_to:
  description: Whether the defaults are those of new teams or those of new users.
  returned: success, and failure of a write
  type: str
  sample: teams
action:
  description: What was done, or would be done in check mode. V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
default_settings:
  description:
    - The defaults after the task. In check mode, the defaults as they would be. Null after V(state=absent).
    - Contains each option of this module that is a default. Those of the other kind are null.
  returned: success, and failure of a write
  type: dict
  contains:
    applies_to:
      description: Whether the defaults are those of new teams or those of new users.
      returned: always
      type: str
  sample:
    applies_to: teams
    max_budget: 50.0
    budget_duration: 1mo
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: teams
    after_header: teams
    before:
      max_budget: null
    after:
      max_budget: 50.0
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
    path: /get/default_team_settings
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._default_settings import DefaultSettings


def main(start: ModuleFactory = Module) -> None:
    run(DefaultSettings(), start)


if __name__ == "__main__":
    main()
