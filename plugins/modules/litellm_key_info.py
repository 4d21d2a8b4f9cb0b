#!/usr/bin/python
# Copyright: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_key_info
short_description: Read virtual keys of a LiteLLM proxy
version_added: 1.0.0
description:
  - Tells which virtual keys a LiteLLM proxy has, what they may do, what they have spent and how long they last.
  - A key must fit all options that are given. Without any, all keys are read, however many there are.
  - With O(key) the module asks the proxy as that key, to find out what its owner can do with it.
  - The values of keys are not returned, LiteLLM does not know them.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  key_aliases:
    description:
      - Aliases of the keys. Those that no key has do not matter. V([]) reads no key.
    type: list
    elements: str
  key_ids:
    description:
      - Ids of the keys, which LiteLLM also calls tokens. Those that no key has do not matter. V([]) reads no key.
    type: list
    elements: str
  user_id:
    description:
      - The user to whom the keys belong.
    type: str
  team_id:
    description:
      - The team to which the keys belong.
    type: str
  organization_id:
    description:
      - The organisation to which the keys belong.
    type: str
  group:
    description:
      - The group to which the keys belong, such as a workshop of the role P(litemaas.virtual_keys.manage_keys#role).
    type: str
  metadata:
    description:
      - Entries that the metadata of the keys must have, with equal values.
    type: dict
  status:
    description:
      - What the keys must be, one of these. See RV(virtual_keys[].status).
    type: list
    elements: str
    choices: [active, blocked, expired, over_budget]
  expiring_within:
    description:
      - How soon the keys must expire, such as V(2d). Keys that have expired already do not count.
      - A duration is a whole number above 0 and one of C(s), C(m), C(h), C(d), C(w), C(mo).
    type: str
  key:
    description:
      - The value of a key to ask as. Excludes all options above.
      - Where that key may not ask about itself, O(api_key) is asked about it.
        If the owner of the key has no other one, it may be given as O(api_key) as well.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_key
  - module: litemaas.virtual_keys.litellm_keys
"""

EXAMPLES = r"""
# Address and master key come from the environment: LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read two keys
  litemaas.virtual_keys.litellm_key_info:
    key_aliases: [alice, bob]
  register: found

- name: Show what they have spent
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

- name: Test a key from its owner's side
  litemaas.virtual_keys.litellm_key_info:
    key: "{{ alice_key }}"
  register: seen
  failed_when: "'gpt-4o-mini' not in (seen.models or [])"
"""

RETURN = r"""
virtual_keys:
  description:
    - The keys, by alias. Each has an entry for each option of M(litemaas.virtual_keys.litellm_key) that is kept with the
      key, null if the key has none, and those below.
    - Values of C(callback_vars) in the metadata are starred.
  returned: success
  type: list
  elements: dict
  contains:
    key_alias:
      description: The alias of the key. Null if it has none.
      returned: always
      type: str
    key_id:
      description: The id of the key, which LiteLLM also calls token.
      returned: always
      type: str
    key_name:
      description: The last four characters of the value, by which LiteLLM shows it.
      returned: always
      type: str
    status:
      description:
        - V(blocked), else V(expired), else V(over_budget), else V(active).
        - V(over_budget) goes by RV(virtual_keys[].remaining_budget). Budgets for one model or in C(budget_limits)
          are not taken into account, and neither are those of the user, the team and the organisation.
      returned: always
      type: str
    spend:
      description: What the key has spent since its budget last began anew, in USD.
      returned: always
      type: float
    remaining_budget:
      description:
        - What is left of the key's C(max_budget), or else of that of the budget that it has as C(budget_id), in USD.
        - Null if it has neither.
      returned: always
      type: float
    expires_at:
      description: When the key expires, in ISO 8601. Null if it does not.
      returned: always
      type: str
    last_active:
      description: When the key was last used. Null if it never was, or if LiteLLM is too old to tell.
      returned: always
      type: str
    budget_reset_at:
      description: When the budget begins anew. Null if it does not.
      returned: always
      type: str
    created_at:
      description: When the key was created.
      returned: always
      type: str
    created_by:
      description: The user who created the key.
      returned: always
      type: str
    updated_at:
      description: When the key was last changed or used.
      returned: always
      type: str
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
  description: The models that the key sees. Null if the proxy refuses to tell it, see RV(refused).
  returned: if O(key) is given
  type: list
  elements: str
  sample: [gpt-4o-mini]
health:
  description: What C(/key/health) answers the key. Null if the proxy refuses it, see RV(refused).
  returned: if O(key) is given
  type: dict
  sample:
    key: healthy
    logging_callbacks:
refused:
  description:
    - Why the proxy refused what it was asked as the key. Empty if it did not.
    - A key that may only call models is refused its own health and record, which is no fault.
  returned: if O(key) is given
  type: list
  elements: str
  sample: []
failure:
  description: What the proxy answered, if it refused a request or could not be reached.
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
    hint: Check api_url, and that the proxy runs and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, Start, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._info import KEY_INFO


def main(start: Start = Module) -> None:
    run_info(KEY_INFO, start)


if __name__ == "__main__":
    main()
