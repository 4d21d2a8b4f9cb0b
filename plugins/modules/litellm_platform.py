#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_platform
short_description: Manage everything on a LiteLLM proxy in one task
version_added: 1.1.0
description:
  - Declares credentials, models, budgets, tags, access groups, users, teams with their members, customers, and virtual
    keys of a LiteLLM proxy, in one task.
  - Each entry of a list takes all options of the module for such an object, such as
    M(litemaas.virtual_keys.litellm_team) for O(teams), except for those of the connection.
  - Everything is checked and planned before the first write, for all lists together. What an entry refers to must exist
    or be declared in the same task. All mistakes are reported at once.
  - What other objects refer to is written first. A user whose key moves to another team joins that team before, and
    leaves the old team after it. Objects that are to be deleted are deleted at the end, in the opposite order, and only
    if nothing else failed.
  - If an object fails, the task continues with the others unless O(fail_fast=true), and fails at the end. Its result
    still contains all objects.
  - In RV(drift), the task reports how the proxy differed from the declarations. With O(output_dir), it writes this as a
    page.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
attributes:
  check_mode:
    details:
      - Unlike the modules for single objects, the task also fails in check mode if an entry refers to something that
        does not exist and is not declared, so that a check tells what the run will do.
      - The files of O(output_dir) are written in check mode, too, because they are a report about the proxy.
  idempotent:
    support: partial
    details:
      - An entry that is not idempotent with its own module is not idempotent here.
options:
  state:
    description:
      - Whether the objects should exist. An entry can set its own C(state).
      - With V(absent), a team is deleted together with the members that its entry names. If it has more members, or keys
        that are not declared, the task fails before anything is written unless O(force=true).
    type: str
    choices: [present, absent]
    default: present
  credentials:
    description: Credentials of providers, with the options of M(litemaas.virtual_keys.litellm_credential).
    type: list
    elements: dict
    default: []
  models:
    description: Models, with the options of M(litemaas.virtual_keys.litellm_model).
    type: list
    elements: dict
    default: []
  guardrails:
    description: Guardrails, with the options of M(litemaas.virtual_keys.litellm_guardrail).
    type: list
    elements: dict
    default: []
  mcp_servers:
    description: MCP servers, with the options of M(litemaas.virtual_keys.litellm_mcp_server).
    type: list
    elements: dict
    default: []
  mcp_toolsets:
    description: MCP toolsets, with the options of M(litemaas.virtual_keys.litellm_mcp_toolset).
    type: list
    elements: dict
    default: []
  search_tools:
    description: Search tools, with the options of M(litemaas.virtual_keys.litellm_search_tool).
    type: list
    elements: dict
    default: []
  vector_stores:
    description: Vector stores, with the options of M(litemaas.virtual_keys.litellm_vector_store).
    type: list
    elements: dict
    default: []
  fallbacks:
    description: Fallbacks of models, with the options of M(litemaas.virtual_keys.litellm_fallback).
    type: list
    elements: dict
    default: []
  pass_throughs:
    description: Pass-through endpoints, with the options of M(litemaas.virtual_keys.litellm_pass_through).
    type: list
    elements: dict
    default: []
  budgets:
    description: Budgets, with the options of M(litemaas.virtual_keys.litellm_budget).
    type: list
    elements: dict
    default: []
  tags:
    description: Tags, with the options of M(litemaas.virtual_keys.litellm_tag).
    type: list
    elements: dict
    default: []
  access_groups:
    description: Access groups, with the options of M(litemaas.virtual_keys.litellm_access_group).
    type: list
    elements: dict
    default: []
  users:
    description: Users, with the options of M(litemaas.virtual_keys.litellm_user).
    type: list
    elements: dict
    default: []
  teams:
    description:
      - Teams, with the options of M(litemaas.virtual_keys.litellm_team).
      - A team can also have C(members), with the options of
        O(litemaas.virtual_keys.litellm_team_members#module:members), C(members_mode), which is the option
        O(litemaas.virtual_keys.litellm_team_members#module:mode), and C(members_prune_limit), which is the option
        O(litemaas.virtual_keys.litellm_team_members#module:prune_limit) of that module. These require C(team_id).
    type: list
    elements: dict
    default: []
  policies:
    description: Policies with their attachments, with the options of M(litemaas.virtual_keys.litellm_policy).
    type: list
    elements: dict
    default: []
  customers:
    description: Customers, with the options of M(litemaas.virtual_keys.litellm_customer).
    type: list
    elements: dict
    default: []
  keys:
    description: Virtual keys, with the options of M(litemaas.virtual_keys.litellm_keys).
    type: list
    elements: dict
    default: []
  default_settings:
    description: Defaults of new teams and users, with the options of M(litemaas.virtual_keys.litellm_default_settings).
    type: list
    elements: dict
    default: []
  members_mode:
    description:
      - What happens to members of a team who are not listed, unless the entry of the team sets C(members_mode). With
        V(merge), they stay. With V(replace), they are removed.
    type: str
    choices: [merge, replace]
    default: merge
  force:
    description:
      - Whether to delete or change an object although others lose something by it. For example, LiteLLM deletes the keys
        of a team together with the team. An entry can set its own C(force).
    type: bool
    default: false
  validate_models:
    description:
      - Whether to fail before anything is written if a model does not exist. Models that the task declares exist.
    type: bool
    default: false
  validate_references:
    description:
      - Whether to fail before anything is written if an object refers to something else that does not exist, such as the
        team of a key.
    type: bool
    default: true
  values_file:
    description:
      - A file on the control node in which the values of the keys are stored before the keys are created, as
        O(litemaas.virtual_keys.litellm_keys#module:values_file).
    type: path
  values_file_vault_id:
    description:
      - The vault ID with which to encrypt a new O(values_file).
    type: str
  return_values:
    description:
      - Whether RV(virtual_keys[].key) contains the values of the keys. If so, set C(no_log) for the task.
      - By default, the result contains no secret, so that the task needs no C(no_log) and its diff can be shown, for
        example on the page of a pull request. New keys then need O(values_file), or the option C(key_seed) or C(key).
    type: bool
    default: false
  prune:
    description:
      - Lists from which objects are deleted that exist and are not declared. For each of them, O(prune_metadata) or
        O(prune_names) says which objects can be deleted. Nothing else is.
      - A list that is empty is refused.
    type: list
    elements: str
    default: []
  prune_metadata:
    description:
      - The objects that can be deleted have all of these entries in their metadata, with exactly these values. Only
        users, teams, and keys have metadata.
    type: dict
  prune_names:
    description:
      - The names of objects that can be deleted, by list. The name is the ID of a user, team, model, customer, or
        budget, the alias of a key, and the name of any other object.
    type: dict
  prune_limit:
    description:
      - The maximum number of objects of a list that can be deleted. If there are more, the task names them and fails
        before anything is written, also in check mode.
      - By default, at most half of the objects of a list that match O(prune_metadata) can be deleted. V(-1) removes the
        limit.
    type: int
  report_undeclared:
    description:
      - Lists of which RV(drift.not_declared) names the objects that exist and are not declared. They are not deleted.
    type: list
    elements: str
    default: []
  strict:
    description:
      - Whether RV(drift.undeclared_fields) contains what is set on declared objects but is not declared.
    type: bool
    default: false
  output_dir:
    description:
      - The folder on the control node for C(drift.html), a page to read, and C(drift.json), the same as data. If it
        does not exist, it is created with mode V(0700). The files have mode V(0600) and do not contain secrets.
      - Files with these names that this module did not write, or that were changed since, stay as they are, with a
        warning.
    type: path
  drift_formats:
    description: The files to write to O(output_dir).
    type: list
    elements: str
    choices: [json, html]
    default: [json, html]
  concurrency:
    description: The number of objects of a kind to write at the same time, from 1 to 32.
    type: int
    default: 12
  fail_fast:
    description:
      - Whether to stop after the first object that fails. The objects that were not tried count as failed.
    type: bool
    default: false
  progress_every:
    description:
      - The number of objects after which a line of output reports progress. By default, progress is reported every few
        seconds.
      - Progress is reported only on the control node.
    type: int
seealso:
  - module: litemaas.virtual_keys.litellm_keys
  - module: litemaas.virtual_keys.litellm_workshop
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Declare a platform
  litemaas.virtual_keys.litellm_platform:
    credentials:
      - credential_name: openai-production
        credential_values:
          api_key: "{{ vault_openai_key }}"
    models:
      - model_id: chat-small-1
        model_name: chat-small
        litellm_params:
          model: openai/gpt-4o-mini
          litellm_credential_name: openai-production
    users:
      - user_id: platform-ann@example.com
    teams:
      - team_id: platform-science
        team_alias: Data science
        models: [chat-small]
        members:
          - user_id: platform-ann@example.com
    keys:
      - key_alias: platform-nightly-report
        team_id: platform-science
    members_mode: replace
    values_file: "{{ playbook_dir }}/platform-values.yml"

- name: Report what differs, and what is there besides
  litemaas.virtual_keys.litellm_platform:
    teams: "{{ platform_teams | default([]) }}"
    keys: "{{ platform_keys | default([]) }}"
    values_file: "{{ playbook_dir }}/platform-values.yml"
    report_undeclared: [teams, keys]
    strict: true
    output_dir: "{{ playbook_dir }}/drift"
  check_mode: true
  register: platform

- name: Show it
  ansible.builtin.debug:
    msg: "{{ platform.messages }}"

- name: Delete the teams of former projects, which are no longer declared
  litemaas.virtual_keys.litellm_platform:
    teams:
      - team_id: platform-science
        metadata:
          managed_by: platform
    prune: [teams]
    prune_metadata:
      managed_by: platform
    prune_limit: 3

- name: Delete the platform
  litemaas.virtual_keys.litellm_platform:
    keys:
      - key_alias: platform-nightly-report
    teams:
      - team_id: platform-science
        members:
          - user_id: platform-ann@example.com
    users:
      - user_id: platform-ann@example.com
    models:
      - model_id: chat-small-1
    credentials:
      - credential_name: openai-production
    state: absent
    values_file: "{{ playbook_dir }}/platform-values.yml"
"""

RETURN = r"""
drift:
  description:
    - How the proxy differed from what is declared, before the task wrote anything. In check mode, it is what the task
      would change, and what it would leave as it is.
    - In each list, C(kind) is the name of the option, or C(members) for the members of a team, and C(name) is the name of
      the object, or the ID of the team.
  returned: success, and failure after the first write
  type: dict
  contains:
    differs:
      description: Whether any of the lists is not empty.
      returned: always
      type: bool
    changed:
      description: Objects of which declared options differ. C(fields) contains the value of each as C(declared) and as
        C(actual).
      returned: always
      type: list
      elements: dict
    missing:
      description: Objects that are declared and do not exist.
      returned: always
      type: list
      elements: dict
    unwanted:
      description: Objects that exist and are to be deleted.
      returned: always
      type: list
      elements: dict
    not_declared:
      description: Objects of the lists in O(report_undeclared) that exist and are not declared.
      returned: always
      type: list
      elements: dict
    undeclared_fields:
      description: Objects with values of options that are not declared, if O(strict=true). C(fields) contains these
        values.
      returned: always
      type: list
      elements: dict
  sample:
    differs: true
    changed:
      - kind: teams
        name: data-science
        fields:
          max_budget: {declared: 200.0, actual: 500.0}
    missing:
      - {kind: keys, name: support-bot}
    unwanted: []
    not_declared:
      - {kind: teams, name: test}
    undeclared_fields: []
messages:
  description: The same in sentences.
  returned: always
  type: list
  elements: str
  sample: ["1 changed, 1 missing, 1 not declared.", "~ teams: data-science  max_budget 500 -> 200"]
files:
  description: The files in O(output_dir) that were written.
  returned: when O(output_dir) is set
  type: list
  elements: dict
  sample: [{path: drift/drift.html, action: create}]
summary:
  description:
    - The number of objects for each action, and the number of objects that failed.
    - V(unknown_value) is the number of existing keys whose value this run does not know.
  returned: success, and failure after the first write
  type: dict
  sample: {create: 1, update: 1, reissue: 0, delete: 0, none: 42, failed: 0, unknown_value: 0}
virtual_keys:
  description:
    - The result for each entry of O(keys), in their order, as in M(litemaas.virtual_keys.litellm_keys). The other lists
      are returned under the names of their options, and the members of the teams as RV(members).
  returned: success, and failure after the first write
  type: list
  elements: dict
  contains:
    key:
      description: The value of the key. Null unless O(return_values=true).
      returned: always
      type: str
    key_alias:
      description: The alias of the key.
      returned: always
      type: str
    key_id:
      description: The ID of the key.
      returned: always
      type: str
    action:
      description: What was done, or would be done in check mode. V(create), V(update), V(reissue), V(delete), or
        V(none).
      returned: always
      type: str
    changed:
      description: Whether the object was changed, or would be changed in check mode.
      returned: always
      type: bool
    error:
      description: Why the object failed. Null if it did not fail.
      returned: always
      type: str
members:
  description: The result for the members of each team, with C(team_id), C(action), C(changed), and C(error).
  returned: success, and failure after the first write
  type: list
  elements: dict
pruned:
  description: The objects that O(prune) deleted, with C(kind), C(name), C(action), C(changed), and C(error).
  returned: success, and failure after the first write
  type: list
  elements: dict
diff:
  description: What was changed, or would be changed in check mode, a line for each option of each object. It contains no
    secrets.
  returned: in diff mode
  type: dict
failure:
  description: The answer of the proxy, if the objects could not be read. Nothing was written in this case.
  returned: failure of a request before the first write
  type: dict
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._task import run_platform


def main(start: ModuleFactory = Module) -> None:
    run_platform(start)


if __name__ == "__main__":
    main()
