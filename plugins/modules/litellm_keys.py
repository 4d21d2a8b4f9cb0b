#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_keys
short_description: Manage many virtual keys on a LiteLLM proxy in one task
version_added: 1.0.0
description:
  - Creates, updates, or deletes any number of virtual keys on a LiteLLM proxy.
  - Everything is checked and planned before the first write. Then the module writes the differences, several keys at
    a time.
  - If a key fails, the module continues with the other keys unless O(fail_fast=true). At the end, the task fails, and
    its result still contains all keys with their values.
  - On the control node, the task reports progress.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._key_options.batch
  - litemaas.virtual_keys._key_options.task
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
  - litemaas.virtual_keys._durations
  - litemaas.virtual_keys._durations.periods
attributes:
  idempotent:
    support: partial
    details:
      - With O(virtual_keys[].value_policy=reissue) and neither O(virtual_keys[].key) nor O(virtual_keys[].key_seed),
        each run gives the key a new value.
options:
  virtual_keys:
    description:
      - The keys, with the options of M(litemaas.virtual_keys.litellm_key). Each must have a unique
        O(virtual_keys[].key_alias).
    type: list
    elements: dict
    required: true
  defaults:
    description:
      - Options for all of O(virtual_keys). An option that an item sets replaces the default as a whole, except for
        O(defaults.metadata), whose entries are added to those of the item.
      - A default that contradicts an item does not apply to it. For example, O(defaults.duration) does not apply to an
        item with O(virtual_keys[].expires_at), and O(defaults.key_seed) not to one with O(virtual_keys[].key).
    type: dict
  prune_metadata:
    description:
      - Also deletes every other key whose metadata contains all of these entries and whose alias is not in
        O(virtual_keys).
      - The value of each entry must match exactly. V(1) does not match V(1.0) or V("1"). Each entry must have a value,
        so that a blank variable does not select any keys.
      - To select the keys of a O(virtual_keys[].group), use the entry C(litellm_vkey_group).
      - The keys are deleted last, and only if none of O(virtual_keys) failed.
      - This option reads all keys on the proxy.
    type: dict
  prune_limit:
    description:
      - The maximum number of keys that O(prune_metadata) can delete. If there are more, the task names the keys and
        fails before anything is written, also in check mode.
      - The default is half of the keys that have the entries of O(prune_metadata). This means that a task never deletes
        more keys than it declares.
      - V(-1) removes the limit.
    type: int
  concurrency:
    description:
      - The number of keys to write at the same time, from 1 to 32. The default is enough to keep a proxy with a network
        latency of 50 ms busy. For a nearby proxy, 8 is enough. A higher number rarely helps, because the proxy is the
        limit.
    type: int
    default: 12
  fail_fast:
    description:
      - Whether to stop after the first key that fails. The keys that were not tried count as failed.
    type: bool
    default: false
  progress_every:
    description:
      - The number of keys after which a line of output reports progress. By default, progress is reported every few
        seconds.
      - Progress is reported only on the control node.
    type: int
seealso:
  - module: litemaas.virtual_keys.litellm_key
  - name: LiteLLM virtual keys
    description: LiteLLM's documentation about keys and their limits.
    link: https://docs.litellm.ai/docs/proxy/virtual_keys
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a key for each participant of a workshop
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

- name: Write the alias and the value of each key to a file
  ansible.builtin.copy:
    content: |
      {% for item in workshop.virtual_keys %}
      {{ item.key_alias }},{{ item.key }}
      {% endfor %}
    dest: "{{ playbook_dir }}/workshop-keys.csv"
    mode: "0600"
  no_log: true

- name: Store random values in a file, so that each run returns them
  litemaas.virtual_keys.litellm_keys:
    values_file: "{{ playbook_dir }}/workshop-values.yml"
    values_file_vault_id: workshop # run with --vault-id workshop@prompt
    virtual_keys:
      - key_alias: workshop-alice
      - key_alias: workshop-bob
  no_log: true
  register: workshop

- name: Manage keys from a variable and stop after the first failure
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

- name: Renew the keys of the workshop that expire within two days
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
  description: The result for each key, in the order of O(virtual_keys).
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
        - The value of the key. This is a secret, and the result contains it only here.
        - Null if it is not known, for example for an existing key without O(virtual_keys[].key) or
          O(virtual_keys[].key_seed), or for a deleted key. In check mode, also null for a key that would get a random
          value.
        - Masked by Ansible if it was set with O(virtual_keys[].key).
      returned: always
      type: str
    key_id:
      description:
        - The ID of the key, which LiteLLM also calls the token. It is the SHA-256 hash of the value in hexadecimal
          format.
        - Null for a key that does not exist.
      returned: always
      type: str
    action:
      description: What was done, or would be done in check mode. V(create), V(update), V(reissue), V(delete), or
        V(none).
      returned: always
      type: str
    changed:
      description: Whether the key was changed, or would be changed in check mode.
      returned: always
      type: bool
    error:
      description: Why the key failed. Null if it did not fail.
      returned: always
      type: str
    models:
      description: The models that the key can use.
      returned: always
      type: list
      elements: str
    max_budget:
      description: The budget of the key in USD. Null if it has none.
      returned: always
      type: float
    expires_at:
      description: When the key expires. Null if it does not expire.
      returned: always
      type: str
    blocked:
      description: Whether the key is blocked.
      returned: always
      type: bool
    spend:
      description: The amount in USD that the key has spent. For a deleted key, the amount at the time of its deletion.
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
      expires_at: "2031-03-14T17:00:00Z"
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
      expires_at: "2031-03-14T17:00:00Z"
      blocked: false
      spend: 1.27
pruned:
  description: The keys that O(prune_metadata) removed. The items are like those of RV(virtual_keys).
  returned: success, and failure after the first write
  type: list
  elements: dict
  sample: []
summary:
  description:
    - The number of keys for each action, and the number of keys that failed.
    - V(unknown_value) is the number of existing keys whose value this run does not know.
  returned: success, and failure after the first write
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
  description: For each key that was changed, or would be changed in check mode, the options that are set, before and
    after.
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
  description:
    - The answer of the proxy, if the keys could not be read. Nothing was written in this case.
    - If the proxy does not have models that keys are to have, C(unknown_models) contains these models instead, each with
      the aliases of the keys.
  returned: failure of a request before the first write, and if models are unknown
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

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_batch
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._kind import Key


def main(start: ModuleFactory = Module) -> None:
    run_batch(Key(), start)


if __name__ == "__main__":
    main()
