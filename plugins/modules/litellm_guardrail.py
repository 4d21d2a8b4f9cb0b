#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_guardrail
short_description: Manage a guardrail of a LiteLLM proxy
version_added: 1.1.0
description:
  - Creates, updates, or deletes a guardrail of a LiteLLM proxy. A guardrail checks requests and answers, and blocks or
    masks what it finds.
  - A guardrail checks all requests if C(default_on) is set in O(litellm_params), and otherwise those that ask for it. To
    apply it to the requests of some teams, keys, or models, name it in a policy, see
    M(litemaas.virtual_keys.litellm_policy).
  - Entries of O(litellm_params) and O(guardrail_info) that are not set stay as they are.
  - The result, the diff, and error messages never contain secret parameters.
author:
  - litemaas.virtual_keys contributors (@litemaas)
requirements:
  - LiteLLM 1.106.2 or newer
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
attributes:
  idempotent:
    support: partial
    details:
      - LiteLLM does not show secret parameters such as C(api_key) again. To detect changed values, the module stores a
        salted fingerprint of each in the entry C(litemaas_virtual_keys) of C(guardrail_info), which the modules of this
        collection do not show.
      - The secret parameters of a guardrail that was not created by this module are written once, because there is no
        fingerprint to compare them with.
      - No fingerprint is stored of a secret that can be guessed, such as a short password or a sentence. A change of such
        a secret is detected only if its mask changes. The module warns when it writes one.
options:
  state:
    description:
      - V(present) creates the guardrail or updates the options that are set. V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  guardrail_name:
    description:
      - The name of the guardrail, which identifies it. Policies, keys, teams, models, and requests name the guardrail by
        it. To rename it, delete it and create another one.
    type: str
    required: true
  litellm_params:
    description:
      - The parameters of the guardrail, such as C(guardrail), C(mode), C(default_on), C(api_base), C(api_key), or
        C(blocked_words). C(guardrail), the provider, and C(mode) are required to create a guardrail.
      - Entries that are not listed stay as they are. An entry must not be null or empty. To remove an entry, list it in
        O(unset).
      - Where LiteLLM expects a number, such as in C(timeout), text that is a number becomes one.
      - Parameters are treated as secret if their name has a part such as C(key), C(token), C(secret), or C(password). This
        includes parameters that contain such an entry, such as C(headers) with C(Authorization).
      - Instead of a secret, you can set a value such as C(os.environ/LAKERA_API_KEY), which LiteLLM replaces with the
        environment variable of the proxy. Note that everybody who may create guardrails can read the environment
        variables of the proxy in this way.
    type: dict
  guardrail_info:
    description:
      - Information about the guardrail, such as a description. Everybody with a key can read it. Do not store secrets in
        it.
      - Entries that are not listed stay as they are. To remove an entry, list it in O(unset).
    type: dict
  unset:
    description:
      - The entries to remove, each with the option that contains it, such as C(litellm_params.api_base) or
        C(guardrail_info.owner). Entries that do not exist are ignored. LiteLLM rejects the removal of parameters that
        the provider requires.
    type: list
    elements: str
  force:
    description:
      - Whether to delete a guardrail although keys, teams, models, policies, or pass-through endpoints name it, or
        although C(default_on) applies it to all requests. LiteLLM serves a request that names a missing guardrail without the check.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
notes:
  - Guardrails that are defined in the configuration file of the proxy cannot be changed. The task fails.
  - LiteLLM stores secret parameters encrypted with C(LITELLM_SALT_KEY) since version 1.106, and older versions in plain text.
  - With several workers, the other workers of LiteLLM apply a changed guardrail within 30 seconds.
  - The guardrails of a key or a team, in the option O(litemaas.virtual_keys.litellm_key#module:guardrails) of
    M(litemaas.virtual_keys.litellm_key), require a LiteLLM Enterprise license. Policies do not.
seealso:
  - module: litemaas.virtual_keys.litellm_guardrail_info
  - module: litemaas.virtual_keys.litellm_policy
  - name: LiteLLM guardrails
    description: LiteLLM's documentation about guardrails and their providers.
    link: https://docs.litellm.ai/docs/proxy/guardrails/quick_start
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a guardrail that blocks words, for whoever asks for it
  litemaas.virtual_keys.litellm_guardrail:
    guardrail_name: no-internal-names
    litellm_params:
      guardrail: litellm_content_filter
      mode: pre_call
      blocked_words:
        - keyword: project-phoenix
          action: BLOCK
    guardrail_info:
      owner: security

- name: Apply it to all requests
  litemaas.virtual_keys.litellm_guardrail:
    guardrail_name: no-internal-names
    litellm_params:
      default_on: true

- name: Check answers with an API of your own
  litemaas.virtual_keys.litellm_guardrail:
    guardrail_name: own-checks
    litellm_params:
      guardrail: generic_guardrail_api
      mode: [pre_call, post_call]
      api_base: https://checks.example.com
      api_key: "{{ vault_guardrail_key }}"

- name: Remove an entry
  litemaas.virtual_keys.litellm_guardrail:
    guardrail_name: no-internal-names
    unset: [guardrail_info.owner]

- name: Delete the guardrail, although it applies to all requests
  litemaas.virtual_keys.litellm_guardrail:
    guardrail_name: no-internal-names
    state: absent
    force: true
"""

RETURN = r"""
guardrail_name:
  description: The name of the guardrail.
  returned: success, and failure of a write
  type: str
  sample: no-internal-names
guardrail_id:
  description: The ID that LiteLLM chose for the guardrail. Null if LiteLLM has yet to choose it, or the guardrail is gone.
  returned: success, and failure of a write
  type: str
  sample: 6e0a6dcd-6ff2-4763-b885-7ab827d29aab
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
guardrail:
  description:
    - The guardrail after the task. In check mode, the guardrail as it would be. Null for a guardrail that does not exist.
    - Contains each option of this module that is a field of the guardrail, with asterisks instead of secret parameters, and
      the readings below.
  returned: success, and failure of a write
  type: dict
  contains:
    guardrail_name:
      description: The name of the guardrail.
      returned: always
      type: str
    litellm_params:
      description: The parameters, including the defaults that LiteLLM adds for all providers.
      returned: always
      type: dict
    guardrail_id:
      description: The ID that LiteLLM chose.
      returned: always
      type: str
    guardrail_definition_location:
      description: Where the guardrail is defined. V(db) or V(config).
      returned: always
      type: str
    created_at:
      description: When the guardrail was created.
      returned: always
      type: str
    updated_at:
      description: When the guardrail was last changed.
      returned: always
      type: str
  sample:
    guardrail_id: 6e0a6dcd-6ff2-4763-b885-7ab827d29aab
    guardrail_name: own-checks
    guardrail_definition_location: db
    litellm_params:
      guardrail: generic_guardrail_api
      mode: pre_call
      api_base: https://checks.example.com
      api_key: "********"
    guardrail_info:
      owner: security
diff:
  description: The options that are set, before and after the task. Secret parameters are masked; the diff shows only
    whether they exist and change.
  returned: in diff mode
  type: dict
  sample:
    before_header: own-checks
    after_header: own-checks
    before:
      litellm_params:
        guardrail: generic_guardrail_api
        api_key: "********"
    after:
      litellm_params:
        guardrail: generic_guardrail_api
        api_key: "******** (changed)"
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
    path: /v2/guardrails/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._guardrail import Guardrail


def main(start: ModuleFactory = Module) -> None:
    run(Guardrail(), start)


if __name__ == "__main__":
    main()
