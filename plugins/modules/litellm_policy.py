#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_policy
short_description: Manage a policy of a LiteLLM proxy
version_added: 1.1.0
description:
  - Creates, updates, or deletes a policy of a LiteLLM proxy, with its attachments. A policy names guardrails, and its
    attachments say to which requests they apply, such as to those of a team.
  - Policies and their attachments do not require a LiteLLM Enterprise license. Without one, they are the only way to apply
    a guardrail to some teams, keys, or models.
  - LiteLLM cannot change a policy that is in production. The module creates a new version, puts it into production, and
    deletes the old one. Until then, the old version is in force. If the task is interrupted, the next run continues with
    the version that it finds.
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
    support: full
options:
  state:
    description:
      - V(present) creates the policy or updates the options that are set. V(absent) deletes all its versions and
        attachments, including attachments that were left by an earlier policy with this name.
    type: str
    choices: [present, absent]
    default: present
  policy_name:
    description:
      - The name of the policy, which identifies it. To rename it, delete it and create another one.
      - It must not contain a slash, except to delete a policy.
    type: str
    required: true
  inherit:
    description: The name of another policy, whose guardrails this one has as well. It must exist.
    type: str
  description:
    description: A description of the policy.
    type: str
  guardrails_add:
    description: The names of the guardrails of the policy. They must exist.
    type: list
    elements: str
  guardrails_remove:
    description: The names of guardrails that the policy does not inherit. They must exist.
    type: list
    elements: str
  condition:
    description: The condition under which the policy applies.
    type: dict
    suboptions:
      model:
        description: The name of the model of the request, or a regular expression that matches the whole name.
        type: str
  pipeline:
    description:
      - Runs guardrails one after another, with an action for each result.
      - LiteLLM cannot remove the pipeline of an existing policy. To do so, delete the policy and create it again.
    type: dict
    suboptions:
      mode:
        description: When the pipeline runs.
        type: str
        choices: [pre_call, post_call]
        required: true
      steps:
        description: The steps, in their order. There must be at least one.
        type: list
        elements: dict
        required: true
        suboptions:
          guardrail:
            description: The name of the guardrail. It must exist.
            type: str
            required: true
          on_pass:
            description: What to do if the guardrail finds nothing. LiteLLM's default is V(allow).
            type: str
            choices: [next, block, allow, modify_response]
          on_fail:
            description: What to do if the guardrail objects. LiteLLM's default is V(block).
            type: str
            choices: [next, block, allow, modify_response]
          on_error:
            description: What to do if the guardrail cannot be reached. LiteLLM's default is the value of O(pipeline.steps[].on_fail).
            type: str
            choices: [next, block, allow, modify_response]
          pass_data:
            description: Whether the next step receives the request as this guardrail has changed it.
            type: bool
          modify_response_message:
            description: The message of the action V(modify_response).
            type: str
  attachments:
    description:
      - All attachments of the policy. Without an attachment, the policy applies only to requests that ask for it. Other
        attachments of the policy are deleted.
      - A request must match everything that an attachment names. A name that ends in V(*) is a pattern.
      - LiteLLM applies an attachment that names nothing to all requests. The module rejects it, unless O(attachments[].scope)
        says so.
    type: list
    elements: dict
    suboptions:
      scope:
        description: Applies the policy to all requests. Cannot be combined with names of teams, keys, models, or tags.
        type: str
        choices: ["*"]
      teams:
        description: The aliases of teams, not their IDs. They must exist.
        type: list
        elements: str
      keys:
        description: The aliases of keys. They must exist.
        type: list
        elements: str
      models:
        description: The names of models. They must exist.
        type: list
        elements: str
      tags:
        description: The tags of a request, its key, or its team. LiteLLM accepts any tag.
        type: list
        elements: str
      priority:
        description:
          - The position among the policies of a request. The lowest number comes first, and policies without a number last.
        type: int
      default:
        description:
          - Whether the attachment applies only to requests to which no other attachment applies.
        type: bool
  keep_old_versions:
    description:
      - Whether versions that were in production before are kept. By default, the module deletes them. Drafts and published
        versions that were never in production stay in any case.
    type: bool
  unset:
    description:
      - The options whose values are removed from the policy.
    type: list
    elements: str
    choices: [inherit, description, guardrails_add, guardrails_remove, condition, attachments]
  validate_references:
    description:
      - Whether to fail before anything is written if a guardrail, a policy, a team, a key, or a model that the task names
        does not exist. LiteLLM itself ignores missing guardrails and policies, and serves requests without them.
      - In check mode, the task shows a warning instead, because an earlier task of the play may create them.
    type: bool
    default: true
  force:
    description:
      - Whether to delete a policy although keys, teams, or other policies name it. LiteLLM serves a request that names a
        missing policy without its guardrails.
      - Without it, the task fails and names what would be lost. In check mode, it only warns, because an earlier task can
        change that. With it, the task warns as well.
    type: bool
notes:
  - Policies and attachments that are defined in the configuration file of the proxy cannot be changed. The task fails.
  - If attachments are left of an earlier policy with the same name, the task fails unless it sets O(attachments), because
    LiteLLM would apply the new policy to them.
  - With several workers, the other workers of LiteLLM apply a change within 30 seconds.
  - To apply a policy to a team, the team must have an alias. LiteLLM applies it to all teams with this alias.
seealso:
  - module: litemaas.virtual_keys.litellm_policy_info
  - module: litemaas.virtual_keys.litellm_guardrail
  - name: LiteLLM policies
    description: LiteLLM's documentation about policies for guardrails.
    link: https://docs.litellm.ai/docs/proxy/guardrails/guardrail_policies
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a guardrail
  litemaas.virtual_keys.litellm_guardrail:
    guardrail_name: no-customer-names
    litellm_params:
      guardrail: litellm_content_filter
      mode: pre_call
      blocked_words:
        - keyword: acme corporation
          action: BLOCK

- name: Create a team
  litemaas.virtual_keys.litellm_team:
    team_id: support
    team_alias: support

- name: Apply the guardrail to the requests of this team
  litemaas.virtual_keys.litellm_policy:
    policy_name: customer-privacy
    guardrails_add: [no-customer-names]
    attachments:
      - teams: [support]

- name: Apply it to all keys whose aliases begin with chatbot- as well
  litemaas.virtual_keys.litellm_policy:
    policy_name: customer-privacy
    attachments:
      - teams: [support]
      - keys: [chatbot-*]

- name: Apply it to all requests
  litemaas.virtual_keys.litellm_policy:
    policy_name: customer-privacy
    attachments:
      - scope: "*"

- name: Delete the policy and its attachments
  litemaas.virtual_keys.litellm_policy:
    policy_name: customer-privacy
    state: absent
"""

RETURN = r"""
policy_name:
  description: The name of the policy.
  returned: success, and failure of a write
  type: str
  sample: customer-privacy
policy_id:
  description: The ID of the version in production. It changes with each update. Null if there is no such version.
  returned: success, and failure of a write
  type: str
  sample: 6e0a6dcd-6ff2-4763-b885-7ab827d29aab
action:
  description:
    - What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
    - V(update) as well if attachments of an earlier policy with this name were left.
  returned: success, and failure of a write
  type: str
  sample: update
policy:
  description:
    - The policy after the task. In check mode, the policy as it would be. Null for a policy that does not exist.
    - Contains each option of this module that is a field of the policy, and the readings below.
  returned: success, and failure of a write
  type: dict
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
      description: The ID of the version in production.
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
  sample:
    policy_id: 6e0a6dcd-6ff2-4763-b885-7ab827d29aab
    policy_name: customer-privacy
    version_number: 3
    guardrails_add: [no-customer-names]
    attachments:
      - teams: [support]
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: customer-privacy
    after_header: customer-privacy
    before:
      attachments:
        - teams: [support]
    after:
      attachments:
        - scope: "*"
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

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._policy._kind import Policy


def main(start: ModuleFactory = Module) -> None:
    run(Policy(), start)


if __name__ == "__main__":
    main()
