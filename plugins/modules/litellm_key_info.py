#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_key_info
short_description: Read the virtual keys of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the virtual keys of a LiteLLM proxy with their options, spending, and expiry.
  - If several options are set, a key must match all of them. If none is set, all keys are read.
  - With O(key), the module sends its requests with that key, to find out what its owner can do with it.
  - The values of keys are not returned, because LiteLLM does not store them.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
  - litemaas.virtual_keys._durations
options:
  key_aliases:
    description:
      - The aliases of the keys. Aliases that do not exist are ignored. V([]) reads no keys.
    type: list
    elements: str
  key_ids:
    description:
      - The IDs of the keys, which LiteLLM also calls tokens. IDs that do not exist are ignored. V([]) reads no keys.
    type: list
    elements: str
  key_alias_prefix:
    description:
      - The beginning of the aliases of the keys to read.
      - From LiteLLM 1.83.4 on, this reads these keys only, not all keys of the proxy.
    type: str
  user_id:
    description:
      - The ID of the user to whom the keys belong.
    type: str
  team_id:
    description:
      - The ID of the team to which the keys belong.
    type: str
  organization_id:
    description:
      - The ID of the organization to which the keys belong.
    type: str
  created_by:
    description:
      - The IDs of the users who created the keys. A key that was created with another key was created by the user of
        that key, whoever owns it. V([]) reads no keys.
      - Use this to find the keys that people created for themselves, or for a team, with the keys that they were given.
      - The user of the master key is V(default_user_id).
    type: list
    elements: str
    version_added: 1.1.0
  group:
    description:
      - The group to which the keys belong, such as a workshop of the role P(litemaas.virtual_keys.manage_keys#role).
    type: str
  metadata:
    description:
      - Entries that the metadata of the keys must contain, with equal values.
    type: dict
  status:
    description:
      - The status of the keys. A key must have one of the listed statuses. See RV(virtual_keys[].status).
    type: list
    elements: str
    choices: [active, blocked, expired, over_budget]
  expiring_within:
    description:
      - The time within which the keys expire, such as V(2d). Keys that have already expired do not match.
    type: str
  unused_for:
    description:
      - The time for which the keys were not used, such as V(60d). A key that was never used counts from its last change.
      - Requests that LiteLLM rejects count as use.
      - If the proxy is too old to report when a key was last used, the module fails.
    type: str
    version_added: 1.1.0
  budget_used:
    description:
      - The percentage of their budget that the keys have spent at least in the current period, such as V(80). Keys
        without a budget do not match.
    type: int
    version_added: 1.1.0
  check_use:
    description:
      - Whether to return RV(virtual_keys[].used).
      - Takes one more request for each key that was active and has not spent anything.
    type: bool
    default: false
  key:
    description:
      - The value of a key with which to send the requests. Mutually exclusive with the options that
        select keys.
      - If that key is not allowed to read its own record, the module reads the record with O(api_key).
        An owner who has no other key can set O(api_key) to the same value.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_key
  - module: litemaas.virtual_keys.litellm_keys
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read two keys
  litemaas.virtual_keys.litellm_key_info:
    key_aliases: [alice, bob]
  register: found

- name: Show the spending of the keys
  ansible.builtin.debug:
    msg: "{{ item.key_alias }} has spent {{ item.spend }} USD and has {{ item.remaining_budget }} USD left"
  loop: "{{ found.virtual_keys }}"
  loop_control:
    label: "{{ item.key_alias }}"

- name: Read the keys of a workshop that cannot be used
  litemaas.virtual_keys.litellm_key_info:
    group: python-workshop
    status: [blocked, expired, over_budget]

- name: Read the keys of a team that expire within a week
  litemaas.virtual_keys.litellm_key_info:
    team_id: data-science
    expiring_within: 7d

- name: Read the keys that were not used for 60 days
  litemaas.virtual_keys.litellm_key_info:
    unused_for: 60d

- name: Read the keys that have spent 80 percent of their budget
  litemaas.virtual_keys.litellm_key_info:
    budget_used: 80

- name: Read the keys that two people created with the keys that they were given
  litemaas.virtual_keys.litellm_key_info:
    created_by: [alice@example.com, bob@example.com]

- name: Test a key as its owner
  litemaas.virtual_keys.litellm_key_info:
    key: "{{ alice_key }}"
  register: seen
  failed_when: "'gpt-4o-mini' not in (seen.models or [])"
"""

RETURN = r"""
virtual_keys:
  description:
    - The keys, sorted by alias.
    - Each contains the options of M(litemaas.virtual_keys.litellm_key) that are fields of the key, and the readings
      below. An option that the key does not have is null.
    - Values of C(callback_vars) in the metadata are masked.
  returned: success
  type: list
  elements: dict
  contains:
    key_alias:
      description: The alias of the key. Null if it has none.
      returned: always
      type: str
    key_id:
      description: The ID of the key, which LiteLLM also calls the token.
      returned: always
      type: str
    key_name:
      description: The last four characters of the value, as LiteLLM shows it.
      returned: always
      type: str
    status:
      description:
        - The first of V(blocked), V(expired), and V(over_budget) that applies, or V(active).
        - V(over_budget) is based on RV(virtual_keys[].remaining_budget). Budgets for individual models and budgets in
          C(budget_limits) do not count, nor do those of the user, the team, and the organization.
      returned: always
      type: str
    spend:
      description: The amount in USD that the key has spent in the current period.
      returned: always
      type: float
    remaining_budget:
      description:
        - The remaining amount in USD of the key's C(max_budget), or of the budget in its C(budget_id) if the key has no
          C(max_budget).
        - Null if it has neither.
      returned: always
      type: float
    expires_at:
      description: When the key expires, in ISO 8601 format. Null if it does not expire.
      returned: always
      type: str
    value_created_at:
      description: When the key got its value. Null if LiteLLM does not report it.
      returned: always
      type: str
    value_age_days:
      description: How many whole days ago the key got its value. Null if LiteLLM does not report it.
      returned: always
      type: int
    old_value_until:
      description:
        - Until when the value before this one works, in ISO 8601 format. Null if no old value works. See
          O(litemaas.virtual_keys.litellm_key#module:grace).
        - With O(key_ids), only if the ID of the old key is listed as well.
      returned: always
      type: str
    old_value_spend:
      description:
        - The amount in USD that the value before this one spent since it was replaced. The run that deletes the old value
          adds it to the spending of the key.
        - With O(key_ids), only if the ID of the old key is listed as well.
      returned: always
      type: float
    replaced_by:
      description:
        - The ID of the key that took the place of this one, which only works until its grace is over. See
          O(litemaas.virtual_keys.litellm_key#module:grace).
        - Null for all other keys.
      returned: always
      type: str
    last_active:
      description:
        - When the key was last used. Null if it was never used, or if LiteLLM is too old to report it.
        - Requests that LiteLLM rejects also count. See RV(virtual_keys[].used).
      returned: always
      type: str
    used:
      description:
        - Whether at least one request with the key has succeeded.
        - Null if the key was active and LiteLLM does not report the results of its requests.
      returned: if O(check_use=true)
      type: bool
    budget_reset_at:
      description: When the spending is reset. Null if it is not reset.
      returned: always
      type: str
    created_at:
      description: When the key was created.
      returned: always
      type: str
    created_by:
      description: The user who created the key. Null if LiteLLM does not know the user.
      returned: always
      type: str
    updated_at:
      description: When the key was last changed or used.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(virtual_keys[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(virtual_keys[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - key_alias: alice
      key_id: b480084790e220b7825f712d204124a34781ceb1f1a086bca622f5fba809ba92
      key_name: sk-...7oXow
      status: active
      models: [gpt-4o-mini]
      max_budget: 25.0
      spend: 3.75
      remaining_budget: 21.25
      expires_at: "2030-01-31T17:00:00+00:00"
models:
  description: The models that the key can list. Null if the proxy rejects the request; see RV(refused).
  returned: if O(key) is set
  type: list
  elements: str
  sample: [gpt-4o-mini]
health:
  description: The answer of C(/key/health) to the key. Null if the proxy rejects the request; see RV(refused).
  returned: if O(key) is set
  type: dict
  sample:
    key: healthy
    logging_callbacks:
refused:
  description:
    - The reasons for which the proxy rejected requests with the key. Empty if it did not reject any.
    - A key that is only allowed to call models cannot read its own health and record. This is not an error.
  returned: if O(key) is set
  type: list
  elements: str
  sample: []
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
    path: /key/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._kind import Key


def main(start: ModuleFactory = Module) -> None:
    run_info(Key(), start)


if __name__ == "__main__":
    main()
