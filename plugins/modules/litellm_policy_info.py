#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_policy_info
short_description: Read the policies of a LiteLLM proxy
version_added: 1.1.0
description:
  - Returns the policies of a LiteLLM proxy, from its database and from its configuration file, each with its attachments.
  - A name without a policy is returned as well if attachments are left of an earlier policy with this name. LiteLLM applies
    a new policy of this name to them.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  policy_name:
    description: The name of the policy to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_policy
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all policies
  litemaas.virtual_keys.litellm_policy_info:
  register: all

- name: List attachments without a policy
  ansible.builtin.debug:
    msg: "{{ item.policy_name }}: {{ item.attachments }}"
  loop: "{{ all.policies | rejectattr('policy_id') }}"
  loop_control:
    label: "{{ item.policy_name }}"
"""

RETURN = r"""
policies:
  description:
    - The policies, sorted by name. Empty if no policy matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_policy) that are fields of the policy, and the readings
      below.
  returned: success
  type: list
  elements: dict
  contains:
    policy_name:
      description: The name of the policy.
      returned: always
      type: str
    keep_old_versions:
      description: Whether there are versions that were in production before. Null if no version is in production.
      returned: always
      type: bool
    policy_id:
      description: The ID of the version in production. Null if there is no such version.
      returned: always
      type: str
    version_number:
      description: The number of the version in production.
      returned: always
      type: int
    definition_location:
      description: Where the policy is defined. V(db) or V(config).
      returned: always
      type: str
    created_at:
      description: When the version in production was created.
      returned: always
      type: str
    updated_at:
      description: When the version in production was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(policies[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(policies[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - policy_name: customer-privacy
      guardrails_add: [no-customer-names]
      attachments:
        - teams: [support]
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
    path: /policies/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._policy._kind import Policy


def main(start: ModuleFactory = Module) -> None:
    run_info(Policy(), start)


if __name__ == "__main__":
    main()
