#!/usr/bin/python
# Copyright: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_keys
short_description: Declare many virtual keys of a LiteLLM proxy in one task
version_added: 1.0.0
description:
  - Creates, changes or deletes any number of virtual keys of a LiteLLM proxy, so that they are as declared.
  - Checks all declarations and reads all keys before the first write. Then writes what differs, several keys at a time.
  - If a key fails, the others are done all the same, unless O(fail_fast). At the end the task fails, and its result
    still has all keys with their values.
  - On the control node itself, the task reports progress.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._key_options.batch
  - litemaas.virtual_keys._key_options.task
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
attributes:
  idempotent:
    support: partial
    details:
      - With O(virtual_keys[].value_policy=reissue) and neither O(virtual_keys[].key) nor O(virtual_keys[].key_seed),
        each run gives the key a new value.
options:
  virtual_keys:
    description:
      - The keys, each as M(litemaas.virtual_keys.litellm_key) takes one. Each needs a O(virtual_keys[].key_alias),
        and none may stand here twice.
    type: list
    elements: dict
    required: true
  defaults:
    description:
      - Options for all of O(virtual_keys). What an item itself gives counts instead, as a whole.
      - A default that contradicts an item does not apply to it. For example, O(defaults.duration) does not apply to an
        item with O(virtual_keys[].expires_at), and O(defaults.key_seed) not to one with O(virtual_keys[].key).
    type: dict
  prune_metadata:
    description:
      - Deletes also every other key whose metadata has all of these entries, and whose alias is not among
        O(virtual_keys).
      - A key must have each entry with exactly the same value. V(1) is neither V(1.0) nor V("1"). Each entry must
        have a value, so that a blank variable chooses no key.
      - To choose the keys of a O(virtual_keys[].group), use the entry C(litellm_vkey_group).
      - The keys are deleted last, and only if none of O(virtual_keys) failed.
      - Reads all keys on the proxy.
    type: dict
  prune_limit:
    description:
      - The largest number of keys that O(prune_metadata) may delete. If there are more, the task fails before anything
        is written, also in check mode, and names the keys.
      - By default, half of the keys that have the entries of O(prune_metadata). The other half is declared then, so a
        task never deletes more keys than it declares.
      - V(-1) removes the limit.
    type: int
  concurrency:
    description:
      - How many keys are written at a time, from 1 to 32. The default keeps also a proxy busy that is 50 ms away; of
        one nearby 8 get as much. More seldom gains anything, the proxy sets the pace.
    type: int
    default: 12
  fail_fast:
    description:
      - Whether to begin no further key once one has failed. Those not tried count as failed.
    type: bool
    default: false
  progress_every:
    description:
      - Report progress each time this many keys are written. The default is every few seconds.
      - Progress is reported only where the task runs on the control node.
    type: int
seealso:
  - module: litemaas.virtual_keys.litellm_key
  - name: LiteLLM virtual keys
    description: What LiteLLM's documentation says about keys and their limits.
    link: https://docs.litellm.ai/docs/proxy/virtual_keys
"""

EXAMPLES = r"""
# Address and master key come from the environment: LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Make a key for each participant of a workshop
  litemaas.virtual_keys.litellm_keys:
    defaults:
      models: [gpt-4o-mini, llama-3-70b]
      max_budget: 5
      duration: 7d
      key_seed: "{{ vault_key_seed }}" # each run returns the same values
    virtual_keys:
      - key_alias: workshop-alice
        user_id: alice@example.com
      - key_alias: workshop-bob
        user_id: bob@example.com
        max_budget: 20 # instead of the default
  no_log: true # the values are in the result
  register: workshop

- name: Write a file with alias and value of each key
  ansible.builtin.copy:
    content: |
      {% for item in workshop.virtual_keys %}
      {{ item.key_alias }},{{ item.key }}
      {% endfor %}
    dest: "{{ playbook_dir }}/workshop-keys.csv"
    mode: "0600"
  no_log: true

- name: Take many keys from a variable, stop at the first that fails
  litemaas.virtual_keys.litellm_keys:
    virtual_keys: "{{ team_keys }}"
    defaults:
      team_id: data-science
      rpm_limit: 60
    validate_models: true
    concurrency: 16
    fail_fast: true
  vars:
    team_keys:
      - key_alias: data-science-training
        models: [gpt-4o-mini]
      - key_alias: data-science-reports # gets all models of the team
  no_log: true
  register: team

- name: Renew all keys of the workshop that expire within two days
  litemaas.virtual_keys.litellm_keys:
    defaults:
      duration: 7d
      renew_within: 2d
    virtual_keys:
      - key_alias: workshop-alice
      - key_alias: workshop-bob
  no_log: true

- name: Block all keys of the workshop
  litemaas.virtual_keys.litellm_keys:
    defaults:
      blocked: true
    virtual_keys:
      - key_alias: workshop-alice
      - key_alias: workshop-bob
  no_log: true

- name: Delete the keys of the workshop
  litemaas.virtual_keys.litellm_keys:
    virtual_keys:
      - key_alias: workshop-alice
      - key_alias: workshop-bob
    state: absent
"""

RETURN = r"""
virtual_keys:
  description: What became of each key, in the order of O(virtual_keys).
  returned: success, and failure after the first write
  type: list
  elements: dict
  contains:
    key_alias:
      description: The alias of the key.
      returned: always
      type: str
    key:
      description:
        - The value of the key. A secret, and the only place in the result where it stands.
        - Null if it is not known, as for an existing key without O(virtual_keys[].key) or O(virtual_keys[].key_seed),
          and for a deleted key. In check mode also null for a key that would get a random value.
        - Starred by Ansible if it was given as option O(virtual_keys[].key).
      returned: always
      type: str
    key_id:
      description:
        - The id of the key, which LiteLLM also calls token. The SHA-256 of the value, as hexadecimal digits.
        - Null for a key that is not there.
      returned: always
      type: str
    action:
      description: What was done, or would be in check mode, V(create), V(update), V(reissue), V(delete) or V(none).
      returned: always
      type: str
    changed:
      description: Whether anything was done, or would be in check mode.
      returned: always
      type: bool
    error:
      description: Why the key failed. Null if it did not.
      returned: always
      type: str
    models:
      description: The models that the key may call.
      returned: always
      type: list
      elements: str
    max_budget:
      description: The budget of the key in USD. Null if it has none.
      returned: always
      type: float
    expires_at:
      description: When the key expires. Null if it never does.
      returned: always
      type: str
    blocked:
      description: Whether the key is blocked.
      returned: always
      type: bool
    spend:
      description: What the key has spent so far in USD, for a deleted key what it had spent.
      returned: always
      type: float
  sample:
    - key_alias: workshop-alice
      key: sk-CEpkTLD9gssTsa6tCLVzL7nB2C7ocU8G
      key_id: c5b6decb3dcf9d7fb2447798765477be74b1a7eeaf851ba1c5684a9ded00ffb4
      action: create
      changed: true
      error:
      models: [gpt-4o-mini]
      max_budget: 5.0
      expires_at: "2031-03-14T17:00:00+00:00"
      blocked: false
      spend: 0.0
    - key_alias: workshop-bob
      key:
      key_id: b480084790e220b7825f712d204124a34781ceb1f1a086bca622f5fba809ba92
      action: none
      changed: false
      error:
      models: [gpt-4o-mini]
      max_budget: 20.0
      expires_at: "2031-03-14T17:00:00+00:00"
      blocked: false
      spend: 1.27
pruned:
  description: What became of the keys that O(prune_metadata) removed, each like an item of RV(virtual_keys).
  returned: as RV(virtual_keys)
  type: list
  elements: dict
  sample: []
summary:
  description:
    - How many keys were created, updated and so on, and how many failed.
    - V(unknown_value) counts the keys that exist and whose value this run does not know.
  returned: as RV(virtual_keys)
  type: dict
  sample:
    create: 1
    update: 0
    reissue: 0
    delete: 0
    none: 1
    failed: 0
    unknown_value: 1
diff:
  description: For each key that was changed, or would be in check mode, what was declared, as it was and as it is.
  returned: in diff mode
  type: list
  elements: dict
  sample:
    - before_header: workshop-bob
      after_header: workshop-bob
      before:
        key_alias: workshop-bob
        max_budget: 5.0
      after:
        key_alias: workshop-bob
        max_budget: 20.0
failure:
  description: What the proxy answered, if it could not be asked for the keys at all, so that nothing was written.
  returned: failure of a request before the first write
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

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, Start, run_batch
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._store import KEY_KIND


def main(start: Start = Module) -> None:
    run_batch(KEY_KIND, start)


if __name__ == "__main__":
    main()
