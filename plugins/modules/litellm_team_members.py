#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_team_members
short_description: Manage the members of a team on a LiteLLM proxy
version_added: 1.0.0
description:
  - Adds users to a team, sets their roles and limits, and removes members who are not listed, if requested.
  - LiteLLM accepts a key that has both a team and a user only if the user is a member of the team.
  - The limits of a member apply to the keys that have both this user and this team.
  - Whoever joins a team becomes a user of LiteLLM. Their keys can then also read who is in the team, with e-mail addresses
    and spending, and create more keys, without a budget, for all models, and beyond the end of the first one. To prevent
    this, give them keys with O(litemaas.virtual_keys.litellm_key#module:key_type=llm_api).
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
    description: The members are in the team. To remove members, see O(mode).
    type: str
    choices: [present]
    default: present
  team_id:
    description:
      - The ID of the team, or its alias, if only one team has it. The team must exist.
      - In check mode, the task only shows a warning if it does not, because an earlier task of the play may create it.
    type: str
    required: true
  mode:
    description:
      - With V(merge), members of the team who are not listed stay as they are.
      - With V(replace), they are removed, except for V(default_user_id) and the user to whom O(api_key) belongs. LiteLLM
        adds these two to teams by itself.
    type: str
    choices: [merge, replace]
    default: merge
  prune_limit:
    description:
      - The maximum number of members that O(mode=replace) can remove. If there are more, the task names them and fails.
      - By default, any number can be removed, but if O(members) is empty, as by a variable that is empty by mistake, none.
      - V(-1) removes the limit.
    type: int
  force:
    description:
      - Whether to remove members who have keys in the team, which LiteLLM deletes together with the member, or more
        members than O(prune_limit) allows.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
  members:
    description:
      - The users who are members of the team. What is not set for a member who is already in the team stays as it is.
      - A member without limits of their own has those of the team, such as O(litemaas.virtual_keys.litellm_team#module:team_member_budget).
        A member who gets a limit of their own no longer follows the limits of the team.
    type: list
    elements: dict
    required: true
    suboptions:
      user_id:
        description: The ID of the user. LiteLLM creates a user that does not exist.
        type: str
      user_email:
        description:
          - The email address of the user, in the place of O(members[].user_id). Exactly one user must have it. Upper and lower
            case are the same.
          - In check mode, the task only shows a warning if no user has it, because an earlier task may create the user.
        type: str
      role:
        description:
          - The role of the member in the team.
          - If it is not set, a new member gets the role V(user), and a member of the team keeps their role.
          - V(admin) requires a LiteLLM Enterprise license.
        type: str
        choices: [user, admin]
      max_budget_in_team:
        description:
          - The amount in USD that the member can spend in the team. With V(0), the member cannot use any model that costs
            something.
          - Without O(members[].budget_duration), the spending of a new member is never reset. Since LiteLLM 1.110, a new
            member with O(members[].allowed_models) and without this option gets the reset period of the team's members.
        type: float
      budget_duration:
        description:
          - The period after which the spending of the member is reset, as a duration such as V(7d) or
            V(1mo).
          - Requires LiteLLM 1.90.0 or newer.
        type: str
      tpm_limit:
        description: The number of tokens per minute that the member can use.
        type: int
      rpm_limit:
        description: The number of requests per minute that the member can send.
        type: int
      allowed_models:
        description: The models that the member can use, as a set. They must be among those of the team.
        type: list
        elements: str
      reset_spend:
        description:
          - Resets what the member has spent in the team to zero, once for each text that is set here, such as V(2030-06). If
            the text differs from the one of the last reset, the spending is reset. The texts are stored in the entry
            C(litellm_vkey_reset_spend) of the team's metadata, which O(litemaas.virtual_keys.litellm_team#module:metadata) does
            not show or change.
          - The spending of a member without a text is reset. A new member only gets the text.
          - The spending of the team and of the member's keys stays as it is.
          - LiteLLM stores the metadata of a team as a whole. Do not run two tasks at the same time that write the metadata of the
            same team.
          - Neither the ID of the team nor that of the member can contain a slash.
          - Requires LiteLLM 1.106.2 or newer.
        type: str
      unset:
        description:
          - The limits to remove from the member. A member without any limit of their own has those of the team again.
          - Limits that come from the team stay.
          - Requires LiteLLM 1.90.0 or newer.
        type: list
        elements: str
        choices:
          - max_budget_in_team
          - budget_duration
          - tpm_limit
          - rpm_limit
          - allowed_models
notes:
  - LiteLLM older than 1.98 loses members when tasks add members to the same team at the same time.
  - LiteLLM older than 1.98 gives each new member a copy of the limits of the team, which later changes to the team do not
    affect.
seealso:
  - module: litemaas.virtual_keys.litellm_team
  - module: litemaas.virtual_keys.litellm_team_members_info
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a team
  litemaas.virtual_keys.litellm_team:
    team_id: python-course
    models: [gpt-4o-mini]
    max_budget: 50

- name: Add two members
  litemaas.virtual_keys.litellm_team_members:
    team_id: python-course
    members:
      - user_id: ann@example.com
      - user_id: ben@example.com

- name: Create a key that a member uses in the team
  litemaas.virtual_keys.litellm_key:
    key_alias: python-course-ann
    user_id: ann@example.com
    team_id: python-course
  no_log: true
  register: ann

- name: Give Ben 5 USD a week and one model
  litemaas.virtual_keys.litellm_team_members:
    team_id: python-course
    members:
      - user_id: ben@example.com
        max_budget_in_team: 5
        budget_duration: 7d
        allowed_models: [gpt-4o-mini]

- name: Let the limits of the team apply to Ben again
  litemaas.virtual_keys.litellm_team_members:
    team_id: python-course
    members:
      - user_id: ben@example.com
        unset: [max_budget_in_team, budget_duration, allowed_models]

- name: Let Ben spend anew in June, however often this runs
  litemaas.virtual_keys.litellm_team_members:
    team_id: python-course
    members:
      - user_id: ben@example.com
        reset_spend: 2030-06

- name: Remove everybody but Ann, together with their keys in the team
  litemaas.virtual_keys.litellm_team_members:
    team_id: python-course
    mode: replace
    force: true
    members:
      - user_id: ann@example.com
"""

RETURN = r"""
team_id:
  description: The ID of the team.
  returned: success, and failure of a write
  type: str
  sample: python-course
action:
  description: What was done, or would be done in check mode. V(update) or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
team:
  description: The team after the task. In check mode, the team as it would be.
  returned: success, and failure of a write
  type: dict
  contains:
    team_id:
      description: The ID of the team.
      returned: always
      type: str
    members:
      description:
        - All members of the team with the suboptions of O(members), which are null where there is no limit.
        - Also contains C(spend), the amount in USD that the member has spent in the current period, and C(budget_source),
          which is V(custom) for a member with limits of their own, V(team_default) for one with the limits of the
          team, and V(none) for one without limits.
      returned: always
      type: list
      elements: dict
  sample:
    team_id: python-course
    members:
      - user_id: ann@example.com
        role: user
        max_budget_in_team: 5.0
        budget_duration: 7d
        tpm_limit: null
        rpm_limit: null
        allowed_models: null
        reset_spend: null
        budget_source: custom
        spend: 0.25
diff:
  description: The members who change, by ID, and what changes about them, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: python-course
    after_header: python-course
    before:
      members:
        ann@example.com:
          max_budget_in_team: 5.0
    after:
      members:
        ann@example.com:
          max_budget_in_team: 10.0
        ben@example.com:
          role: user
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
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members._kind import TeamMembers


def main(start: ModuleFactory = Module) -> None:
    run(TeamMembers(), start)


if __name__ == "__main__":
    main()
