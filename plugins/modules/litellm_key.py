#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_key
short_description: Manage a virtual key on a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes a virtual key on a LiteLLM proxy.
  - For more than a few keys, use M(litemaas.virtual_keys.litellm_keys), which manages all of them in one task.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._key_options
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
      - With O(value_policy=reissue) and neither O(key) nor O(key_seed), each run gives the key a new value.
seealso:
  - module: litemaas.virtual_keys.litellm_keys
  - name: LiteLLM virtual keys
    description: LiteLLM's documentation about keys and their limits.
    link: https://docs.litellm.ai/docs/proxy/virtual_keys
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a key for 30 days with two models and 25 USD a month
  litemaas.virtual_keys.litellm_key:
    key_alias: alice
    user_id: alice@example.com
    models: [gpt-4o-mini, claude-3-5-sonnet]
    max_budget: 25
    budget_duration: 1mo
    duration: 30d
  no_log: true # a new key's value is in the result
  register: alice

- name: Store the value, which LiteLLM never shows again
  when: alice.key is not none
  ansible.builtin.copy:
    content: "{{ alice.key }}"
    dest: "{{ playbook_dir }}/alice.key"
    mode: "0600"
  no_log: true

- name: Set the value from Ansible Vault
  litemaas.virtual_keys.litellm_key:
    key_alias: chatbot
    key: "{{ vault_chatbot_key }}"
    rpm_limit: 600

- name: Derive the value from a seed, so that each run returns it
  litemaas.virtual_keys.litellm_key:
    key_alias: bob
    key_seed: "{{ vault_key_seed }}"
    models: [workshop-models] # a model access group
  no_log: true
  register: bob

- name: Store a random value in a file, so that each run returns it
  litemaas.virtual_keys.litellm_key:
    key_alias: carol
    values_file: "{{ playbook_dir }}/values.yml"
  no_log: true
  register: carol

- name: Replace a leaked value once (keep the new version in the play)
  litemaas.virtual_keys.litellm_key:
    key_alias: bob
    key_seed: "{{ vault_key_seed }}"
    key_version: 2
    value_policy: reissue
  no_log: true
  register: bob

- name: Replace the value with a new random value on each run
  litemaas.virtual_keys.litellm_key:
    key_alias: alice
    value_policy: reissue
  no_log: true
  register: alice

- name: Remove the budget and keep everything else
  litemaas.virtual_keys.litellm_key:
    key_alias: alice
    unset: [max_budget, budget_duration]
  no_log: true

- name: Set the key to expire at the end of the workshop
  litemaas.virtual_keys.litellm_key:
    key_alias: bob
    key_seed: "{{ vault_key_seed }}"
    key_version: 2
    expires_at: "2030-01-31T18:00:00+01:00"
  no_log: true

- name: Renew the key for 30 days if it expires within two days
  litemaas.virtual_keys.litellm_key:
    key_alias: alice
    duration: 30d
    renew_within: 2d
  no_log: true

- name: Replace all entries of the key's metadata
  litemaas.virtual_keys.litellm_key:
    key_alias: alice
    metadata:
      cost_center: "4711"
      contact: alice@example.com
    metadata_mode: replace
  no_log: true

- name: Fail if a model does not exist on the proxy
  litemaas.virtual_keys.litellm_key:
    key_alias: alice
    models: [gpt-4o-mini, openai/gpt-4o]
    validate_models: true
  no_log: true

- name: Create a key for a service account of a team
  litemaas.virtual_keys.litellm_key:
    service_account_id: nightly-report
    team_id: data-science
    max_parallel_requests: 4
  no_log: true
  register: nightly_report

- name: Limit the individual models of a key and give one of them another name
  litemaas.virtual_keys.litellm_key:
    key_alias: alice
    model_rpm_limit:
      gpt-4o-mini: 60
      openai/gpt-4o: 10
    aliases:
      gpt-4: gpt-4o-mini
    budget_limits:
      - max_budget: 5
        budget_duration: 1d
      - max_budget: 50
        budget_duration: 1mo
  no_log: true

- name: Block a key
  litemaas.virtual_keys.litellm_key:
    key_alias: alice
    blocked: true
  no_log: true

- name: Read the keys of a team
  litemaas.virtual_keys.litellm_key_info:
    team_id: data-science
  register: found

- name: Give each of them that has no alias one
  litemaas.virtual_keys.litellm_key:
    key_id: "{{ item.key_id }}"
    key_alias: data-science-{{ item.key_id[:8] }}
  loop: "{{ found.virtual_keys | selectattr('key_alias', 'none') }}"
  loop_control:
    label: "{{ item.key_id }}"
  no_log: true

- name: Delete a key
  litemaas.virtual_keys.litellm_key:
    key_alias: alice
    state: absent

- name: Set the connection options once for several tasks
  module_defaults:
    group/litemaas.virtual_keys.litellm:
      api_url: https://litellm.example.com
      api_key: "{{ vault_litellm_master_key }}"
  block:
    - name: Delete the chatbot's key
      litemaas.virtual_keys.litellm_key:
        key_alias: chatbot
        state: absent
"""

RETURN = r"""
key_alias:
  description: The alias of the key.
  returned: success, and failure of a write
  type: str
  sample: alice
key:
  description:
    - The value of the key. This is a secret, and the result contains it only here.
    - Null if it is not known, for example for an existing key without O(key) or O(key_seed), or for a deleted key.
      In check mode, also null for a key that would get a random value.
    - Masked by Ansible if it was set with O(key).
  returned: success, and failure of a write
  type: str
  sample: sk-gmc8haqo88hfF0VFpo9eoRc3COV7oXow
key_id:
  description:
    - The ID of the key, which LiteLLM also calls the token. It is the SHA-256 hash of the value in hexadecimal format.
    - Null for a key that does not exist.
  returned: success, and failure of a write
  type: str
  sample: b480084790e220b7825f712d204124a34781ceb1f1a086bca622f5fba809ba92
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(reissue), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: create
virtual_key:
  description:
    - The key after the task, without its value. In check mode, the key as it would be.
    - Values of C(callback_vars) in its metadata are masked.
    - Contains each option of this module that is a field of the key, and the readings below. An option that the key
      does not have is null.
    - Null for a key that does not exist.
  returned: success, and failure of a write
  type: dict
  contains:
    key_id:
      description: The same as RV(key_id).
      returned: always
      type: str
    key_name:
      description: The last four characters of the value, as LiteLLM shows it.
      returned: always
      type: str
    spend:
      description: The amount in USD that the key has spent in the current period.
      returned: always
      type: float
    budget_reset_at:
      description: When the spending is reset, in ISO 8601 format.
      returned: always
      type: str
    created_at:
      description: When the key was created, in ISO 8601 format.
      returned: always
      type: str
    created_by:
      description: The ID of the user who created the key.
      returned: always
      type: str
    updated_at:
      description: When the key was last changed or used, in ISO 8601 format.
      returned: always
      type: str
    last_active:
      description: When the key was last used, in ISO 8601 format.
      returned: always
      type: str
  sample:
    key_alias: alice
    key_id: b480084790e220b7825f712d204124a34781ceb1f1a086bca622f5fba809ba92
    key_name: sk-...oXow
    user_id: alice@example.com
    models:
      - gpt-4o-mini
    max_budget: 25.0
    soft_budget:
    blocked: false
    expires_at: "2026-12-21T05:45:55.190000Z"
    spend: 0.0
    budget_reset_at:
    created_at: "2026-11-21T05:45:55.192000Z"
    created_by: default_user_id
    updated_at: "2026-11-21T05:45:55.192000Z"
    last_active:
diff:
  description:
    - The options that are set, before and after the task. C(before) is empty for a new key, and C(after) is empty for a
      deleted key.
  returned: in diff mode
  type: dict
  sample:
    before_header: alice
    after_header: alice
    before:
      key_alias: alice
      max_budget: 25.0
    after:
      key_alias: alice
      max_budget: 30.0
failure:
  description: The answer of the proxy, if it rejected a request or could not be reached.
  returned: failure of a request
  type: dict
  contains:
    message:
      description: The message of the proxy, without secrets.
      returned: always
      type: str
    status:
      description: The HTTP status, or V(0) if there was no answer.
      returned: always
      type: int
    type:
      description: LiteLLM's type of the error.
      returned: always
      type: str
    code:
      description: LiteLLM's code of the error, or V(connection) or V(tls) if there was no answer.
      returned: always
      type: str
    param:
      description: The field that caused the error, if LiteLLM names it.
      returned: always
      type: str
    method:
      description: The HTTP method of the request.
      returned: always
      type: str
    path:
      description: The path of the request, relative to O(api_url).
      returned: always
      type: str
    hint:
      description: How to resolve the error.
      returned: always
      type: str
  sample:
    message: Key with alias 'alice' already exists. Unique key aliases across all keys are required.
    status: 400
    type: bad_request_error
    code: "400"
    param: key_alias
    method: POST
    path: /key/generate
    hint: ""
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._kind import Key


def main(start: ModuleFactory = Module) -> None:
    run(Key(), start)


if __name__ == "__main__":
    main()
