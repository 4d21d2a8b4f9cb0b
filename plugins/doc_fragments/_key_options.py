# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a virtual key. Private: only for use inside this collection."""

from __future__ import annotations

import re

import yaml


def _batch(text: str) -> str:
    """Return the options of one key as those of each item of a batch, and as defaults, which only refer to them."""
    items = yaml.safe_load(re.sub(r"\b(O|RV)\((?=\w)", r"\1(virtual_keys[].", text))
    defaults = {
        name: {**option, "description": f"As O(virtual_keys[].{name})."} for name, option in items["options"].items()
    }
    options = {"virtual_keys": {"suboptions": items["options"]}, "defaults": {"suboptions": defaults}}
    return str(yaml.safe_dump({"options": options, "notes": items["notes"]}))


# Options of a key that the module litellm_workshop has by another name, or works out by itself.
NAMED_OTHERWISE = (
    *(
        "key_alias",
        "key_id",
        "key",
        "group",
        "blocked",
        "reissue",
        "key_type",
        "key_seed",
        "key_version",
        "value_policy",
    ),
    *("models", "max_budget", "metadata", "user_id", "duration", "expires_at", "renew_within"),
)


def _for_all(text: str) -> str:
    """Return the options of one key as those of all keys of a workshop, which only refer to them."""
    options = {
        name: {
            part: [f"For all keys, as O(litemaas.virtual_keys.litellm_key#module:{name})."]
            if part == "description"
            else of
            for part, of in option.items()
            if part not in ("aliases", "suboptions")
        }
        for name, option in yaml.safe_load(text)["options"].items()
        if name not in NAMED_OTHERWISE
    }
    return str(yaml.safe_dump({"options": options}))


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  key_alias:
    description:
      - The alias of the key, which identifies it. Aliases are case-sensitive and must match exactly.
      - Required unless O(key_id) or O(service_account_id) is set. It must not be empty or contain control characters.
      - Without O(key_id), a different alias means a different key. With O(key_id), the key gets this alias.
    type: str
    aliases:
      - name
  key_id:
    description:
      - The ID of an existing key, which LiteLLM also calls its token. Use it for keys without an alias, to give a key an
        alias or another one, or to say which of several keys with one alias is meant.
      - If no key has this ID, the task fails, or does nothing if keys are to be absent. To delete a key with O(key_alias),
        the key must have this alias.
      - Mutually exclusive with options that declare or replace the value of the key, because a key with another value has
        another ID.
    type: str
    version_added: 1.1.0
  models:
    description:
      - The models that the key can use, as a set. Names of models on the proxy, such as V(gpt-4o-mini), wildcards such
        as V(openai/*), names of model access groups, or V(all-team-models), V(all-proxy-models), V(no-default-models).
      - V([]) allows all models on the proxy.
      - A new key with O(team_id) but without O(models) gets V(all-team-models).
      - LiteLLM rejects requests for models that the team of the key does not have. The task warns of such models, and fails if
        the key is moved to this team.
    type: list
    elements: str
  max_budget:
    description:
      - The amount in USD that the key can spend, such as V(25.5). Once it is spent, LiteLLM rejects requests.
      - V(0) allows no spending. To remove the limit, list this option in O(unset).
    type: float
  soft_budget:
    description:
      - The amount in USD at which LiteLLM sends an alert. No requests are rejected.
      - LiteLLM stores it in a budget that it creates for the key. It is therefore mutually exclusive with O(budget_id),
        and the module does not change it if other keys might share the budget of the key.
      - Requires LiteLLM 1.102.0 or newer to change it on an existing key.
    type: float
  budget_duration:
    description:
      - The period after which the spending is reset, as a duration such as V(30d) or V(1mo).
      - Requires LiteLLM 1.90.0 or newer to unset it.
    type: str
  budget_id:
    description:
      - The ID of an existing budget on the proxy. Its limits apply to the key.
    type: str
  budget_limits:
    description:
      - Several budgets that apply at the same time, such as 5 USD a day and 50 USD a month, as a set.
      - If one of them differs, all of them are written and their periods restart.
      - Requires LiteLLM 1.83.10 or newer, and 1.90.0 or newer to unset it.
    type: list
    elements: dict
    suboptions:
      max_budget:
        description:
          - The amount in USD that the key can spend within O(budget_limits[].budget_duration).
        type: float
        required: true
      budget_duration:
        description:
          - The length of the period, as a duration such as V(1d).
        type: str
        required: true
  temp_budget_increase:
    description:
      - The amount in USD by which O(max_budget) is raised until O(temp_budget_expiry), which is also required.
      - LiteLLM applies it only to keys that have a O(max_budget).
      - After that time it has no effect, but it stays with the key. To remove it, list both options in O(unset).
    type: float
  temp_budget_expiry:
    description:
      - The time at which O(temp_budget_increase) ends, in ISO 8601 format with a time zone, such as
        V(2030-01-31T18:00:00+01:00).
      - Differences of less than a minute are ignored.
    type: str
  reissue:
    description:
      - Replaces the value of the key, once for each text that is set here, such as V(1) or V(leaked in June). If the
        text differs from the one of the last reissue, the key is replaced as with O(value_policy=reissue). The text is
        stored in the entry C(litellm_vkey_reissue) of the key's metadata, which O(metadata) does not show or change.
      - With O(key_seed), the new value is derived from this text, too. Later runs with the seed return the new value,
        whether or not they set this option. If a value would return that was replaced before, the module fails.
      - Deleting a key also deletes the record of its old values. To make sure that they do not return with the seed, keep
        this option set, or use another seed.
      - A new key only gets the entry. You can change the text, but not remove it.
      - V("") has the same effect as omitting the option. Mutually exclusive with O(key).
    type: str
  reset_spend:
    description:
      - Resets the spending of the key to zero, once for each text that is set here, such as V(2030-06) or
        V(after the workshop). If the text differs from the one of the last reset, the spending is reset. The text is
        stored in the entry C(litellm_vkey_reset_spend) of the key's metadata, which O(metadata) does not show or
        change.
      - An existing key without this entry is reset. A new key only gets the entry.
      - Spending from the last few seconds, which LiteLLM has not recorded yet, counts after the reset. Before LiteLLM
        1.90.0, a proxy that rejects the key because of its budget can continue to do so for about a minute.
      - Listing this option in O(unset) removes the entry without a reset. Requires LiteLLM 1.81.7 or newer.
    type: str
  group:
    description:
      - The name of the group to which the key belongs, such as a workshop. The role
        P(litemaas.virtual_keys.manage_keys#role) sets it for each key of a workshop.
      - LiteLLM does not have groups. The name is stored in the entry C(litellm_vkey_group) of the key's metadata, which
        O(metadata) does not show or change.
      - A key that does not belong to a group can join one. If the key belongs to another group, the task fails and does
        not change or delete the key. To remove a key from its group, list this option in O(unset).
    type: str
  user_id:
    description:
      - The ID of the user to whom the spending is attributed. LiteLLM does not check whether the user exists.
    type: str
  team_id:
    description:
      - The ID of the team to which the key belongs, or its alias, if only one team has it. The team must exist.
      - To move a key to another team, also set the O(models), O(user_id), and limits that the team does not allow. The
        user must already be a member of the team.
      - A key that leaves its team without joining another one keeps the models that it had there, unless you set
        O(models).
    type: str
  organization_id:
    description:
      - The ID of the organization to which the key belongs. The organization must exist.
      - A new key with O(team_id) automatically gets the organization of the team, and no other is accepted.
      - Requires LiteLLM 1.79.0 or newer, and 1.82.3 or newer to change it on an existing key.
    type: str
  project_id:
    description:
      - The ID of the project to which the key belongs. The project must exist.
      - LiteLLM cannot move a key from one project to another. With LiteLLM 1.102.0 or newer, you can unset it, and with
        LiteLLM 1.109.0 or newer, a key without a project can join one that belongs to the key's team.
      - Requires LiteLLM 1.81.14 or newer.
    type: str
  agent_id:
    description:
      - The ID of the agent to which the key belongs.
      - Requires LiteLLM 1.81.16 or newer.
    type: str
  service_account_id:
    description:
      - Creates a key for a service account with this name. The key belongs to O(team_id) and not to a user.
      - It is used as O(key_alias) if that is not set.
      - Cannot be changed on an existing key. Requires LiteLLM 1.74.1 or newer.
    type: str
  allowed_routes:
    description:
      - The routes of the proxy that the key can call, as a set. Paths such as V(/chat/completions), wildcards such as
        V(/v1/*), or names of route groups such as V(llm_api_routes).
      - V([]) allows the default routes, or those of the O(key_type) that is also set. Other lists are mutually exclusive
        with any O(key_type) other than V(default). Requires LiteLLM 1.66.3 or newer.
    type: list
    elements: str
  allowed_passthrough_routes:
    description:
      - The pass-through endpoints of the proxy that the key can call, as a set, such as V(/my-endpoint).
        LiteLLM ignores this option if the key has O(allowed_routes).
      - Requires a LiteLLM Enterprise license on the proxy, and LiteLLM 1.78.2 or newer.
    type: list
    elements: str
  key_type:
    description:
      - The kind of routes that the key can call. V(llm_api) calls models, V(management) manages keys, users, and teams,
        V(read_only) only reads information, and V(default) is the default of LiteLLM.
      - LiteLLM stores a type as the routes that it stands for. An existing key of another type gets these routes. If it
        has O(allowed_routes) of its own, the task fails, unless you also set O(allowed_routes) to V([]).
      - Is null in the result if the key has O(allowed_routes) of its own.
      - With a key of the type V(default), an internal user of LiteLLM, such as a member of a team, can make further keys
        without a limit, and read the team. V(llm_api) prevents this.
      - Requires LiteLLM 1.74.9 or newer.
    type: str
    choices:
      - default
      - llm_api
      - management
      - read_only
  max_parallel_requests:
    description:
      - The number of requests that the key can run at the same time.
    type: int
  tpm_limit:
    description:
      - The number of tokens per minute that the key can use.
    type: int
  rpm_limit:
    description:
      - The number of requests per minute that the key can send.
    type: int
  tpd_limit:
    description:
      - The number of tokens per day that the key can use.
      - Requires LiteLLM 1.106.2 or newer.
    type: int
  tpm_limit_type:
    description:
      - How LiteLLM enforces O(tpm_limit). With V(guaranteed_throughput), LiteLLM rejects a limit that, together with
        the limits of other keys, exceeds what the team or the model has. With V(best_effort_throughput), it accepts
        such a limit. With V(dynamic), the key can exceed its limit as long as the model does not reject requests.
      - Requires LiteLLM 1.77.7 or newer.
    type: str
    choices:
      - guaranteed_throughput
      - best_effort_throughput
      - dynamic
  rpm_limit_type:
    description:
      - How LiteLLM enforces O(rpm_limit). See O(tpm_limit_type).
      - Requires LiteLLM 1.77.7 or newer.
    type: str
    choices:
      - guaranteed_throughput
      - best_effort_throughput
      - dynamic
  model_tpm_limit:
    description:
      - 'The number of tokens per minute for each model, such as C({"gpt-4o-mini": 100000}).'
      - Entries that are not listed are removed.
    type: dict
  model_rpm_limit:
    description:
      - 'The number of requests per minute for each model, such as C({"gpt-4o-mini": 60}).'
      - Entries that are not listed are removed.
    type: dict
  model_max_budget:
    description:
      - 'A budget in USD and a period for each model, such as
        C({"gpt-4o-mini": {"max_budget": 5, "budget_duration": "1d"}}).'
      - Models that are not listed are removed.
      - Requires a LiteLLM Enterprise license on the proxy.
    type: dict
  metadata:
    description:
      - 'Your own data about the key, such as C({"cost_center": "4711"}).'
      - By default, only the entries that are listed are compared and written. All other entries stay as they are. See
        O(metadata_mode).
      - Entries that LiteLLM uses for other options, such as C(tags), are not allowed. Use these options instead.
      - LiteLLM encrypts the values of C(callback_vars). The module cannot detect a change that affects only such a
        value.
    type: dict
  tags:
    description:
      - Tags for tracking spending and routing requests, as a set.
      - Requires a LiteLLM Enterprise license on the proxy.
    type: list
    elements: str
  aliases:
    description:
      - 'Other names for models, for this key only. Maps each requested name to the model that answers, such as
        C({"gpt-4": "gpt-4o-mini"}).'
      - Entries that are not listed are removed.
    type: dict
  config:
    description:
      - Settings of the proxy that this key overrides. LiteLLM has deprecated them.
      - Entries that are not listed are removed.
    type: dict
  permissions:
    description:
      - 'What the key can do in addition to using models, such as C({"allow_pii_controls": true}).'
      - Entries that are not listed are removed.
    type: dict
  guardrails:
    description:
      - The names of the guardrails that apply to each request, as a set.
      - Requires a LiteLLM Enterprise license on the proxy.
    type: list
    elements: str
  policies:
    description:
      - The names of the policies that apply to the key, as a set.
      - Requires a LiteLLM Enterprise license on the proxy, and LiteLLM 1.81.3 or newer.
    type: list
    elements: str
  prompts:
    description:
      - The IDs of the prompts that the key can use, as a set. V([]) allows all prompts.
      - Requires a LiteLLM Enterprise license on the proxy, and LiteLLM 1.74.15 or newer.
    type: list
    elements: str
  enforced_params:
    description:
      - The parameters that each request must have, as a set, such as V(user) or V(metadata.generation_name).
    type: list
    elements: str
  allowed_cache_controls:
    description:
      - The cache controls that requests can use, as a set, such as V(no-cache) or V(no-store).
    type: list
    elements: str
  object_permission:
    description:
      - 'The MCP servers, vector stores, agents, and other objects that the key can use, as a list of IDs for each kind,
        such as C({"vector_stores": ["vs-1"], "mcp_servers": []}). The lists are sets.'
      - Only the kinds that are listed are compared and written. V([]) empties one kind, and V({}) or O(unset) empties
        all of them.
      - A server in C(mcp_tool_permissions) can be used although C(mcp_servers) does not list it. To take a server away from
        the key, list both kinds. The task warns if only C(mcp_servers) is listed and the other one keeps a server.
      - MCP servers, MCP toolsets, and vector stores can also be listed by name, if only one has that name.
      - Requires LiteLLM 1.71.3 or newer.
    type: dict
  access_group_ids:
    description:
      - The access groups whose models and tools the key can use, by ID or by name, as a set.
      - Requires LiteLLM 1.81.12 or newer.
    type: list
    elements: str
  router_settings:
    description:
      - 'Settings of the LiteLLM router for this key, such as C({"num_retries": 2, "timeout": 30}).'
      - Only the settings that are listed are compared and changed. The others stay as they are. A setting that is null
        has no value. V({}) or O(unset) resets all settings.
      - Requires LiteLLM 1.80.13 or newer.
    type: dict
  auto_rotate:
    description:
      - Whether LiteLLM itself replaces the value of the key every O(rotation_interval), which is also required. Ansible
        does not know the new values.
      - Requires LiteLLM 1.77.5 or newer.
    type: bool
  rotation_interval:
    description:
      - How often LiteLLM replaces the value of the key, as a duration such as V(90d). Requires O(auto_rotate=true).
      - Requires LiteLLM 1.77.5 or newer.
    type: str
  blocked:
    description:
      - Whether LiteLLM rejects requests with the key. A blocked key keeps all its settings and can be unblocked.
    type: bool
  expires_at:
    description:
      - When the key expires, in ISO 8601 format with a time zone, such as V(2030-01-31T18:00:00+01:00).
      - Differences of less than a minute are ignored. A time in the past is not allowed.
      - For a key that never expires, list this option in O(unset). This requires LiteLLM 1.80.12 or newer.
      - Mutually exclusive with O(duration) and O(renew_within).
    type: str
  duration:
    description:
      - How long a new key is valid, as a duration such as V(30d).
      - Applies when the key is created and when O(renew_within) renews it. At any other time, the expiry of a key does
        not change.
      - V("") has the same effect as omitting the option.
    type: str
  renew_within:
    description:
      - Renews the key for O(duration) from now if it expires within this time, such as V(2d), or has expired.
      - A key that never expires is not renewed. Without this option, an expired key stays expired, and the module
        issues a warning.
      - V("") has the same effect as omitting the option.
    type: str
  rotate_after:
    description:
      - Replaces the value of the key if it is older than this duration, such as V(90d), and returns the new value
        as RV(key). The key keeps its alias, options, spending, and expiry, as with O(value_policy=reissue).
      - The age is the time since the key was created or its value was last replaced. Until then, nothing is written.
      - Together with O(renew_within), a key that has expired is renewed and gets a new value in one run. Without it, the
        value of an expired key stays as it is.
      - With O(key_seed), each replacement uses the next O(key_version), which LiteLLM stores with the key. So a run that
        has the seed finds the value without being told the version.
      - If a run is interrupted, the next run completes it.
      - Must be shorter than O(duration), unless O(renew_within) is set.
      - Mutually exclusive with O(key), whose value you replace by setting another one, and with O(auto_rotate), with
        which LiteLLM itself replaces the value and shows it to nobody.
      - V("") has the same effect as omitting the option.
    type: str
  grace:
    description:
      - How long the old value keeps working after O(rotate_after) replaced it, such as V(24h). Without it, the old value
        ends at once.
      - The old value belongs to a key with the alias C(<alias>.retired-<8 digits>), which LiteLLM itself ends when the
        grace is over, or when the key expires if that is earlier. The next run deletes it.
      - At most one old value works. If a value is replaced for another reason, such as O(reissue), all old values end at
        once.
      - The new key starts with the spending of the old one. What is spent with the old value during the grace is added
        when the old value is deleted. Until then, each of the two can spend what is left of the budget.
      - Must be shorter than O(rotate_after).
      - If a run is interrupted and nobody knows the new value, the old one stays in use, and a run five minutes later
        replaces it again. With C(values_file), the next run completes the interrupted one.
    type: str
    version_added: 1.1.0
  key:
    description:
      - The value of the key. It must start with V(sk-), have at least 16 characters, and not be the value of another
        key.
      - If neither O(key) nor O(key_seed) is set, a new key gets a random value, which is returned once as RV(key).
      - Ansible masks this value everywhere, including in the result.
    type: str
  key_seed:
    description:
      - A secret of at least 32 characters from which the values of keys are derived. Each run, on any machine that
        has the seed, returns the same value for the same alias, which means that you do not have to store the values.
      - This is a master secret. Anyone who has it and knows the aliases has all the keys. Protect it like the master
        key. You can generate one with C(openssl rand -hex 32).
      - The value is V("sk-" + base64url(HMAC-SHA256(seed, "litemaas.virtual_keys.v1\\0" + alias + "\\0" + version\)\)),
        without padding. The version is O(key_version) in decimal digits. If the key has been reissued with O(reissue),
        V("\\0" + reissue) follows the version.
      - Mutually exclusive with O(key).
    type: str
  key_version:
    description:
      - The number that, together with the alias, O(key_seed) derives the value from. The default is 1.
      - To replace the value of a key, increase this number and set O(value_policy=reissue).
      - With O(rotate_after), the version follows by itself and LiteLLM stores it with the key. A lower number has no
        effect then.
    type: int
  value_policy:
    description:
      - What to do with an existing key whose value is not the one that O(key) or O(key_seed) defines.
        If neither is set, this applies to each existing key, because the value of a key cannot be read.
      - V(keep) does not change the value. RV(key) is null.
      - V(fail) fails before anything is written.
      - V(reissue) replaces the key with a new one that has the same alias, options, spending, and expiry. The old value
        stops working. The old key is renamed to C(ALIAS.retired-XXXXXXXX) until the new one exists. If a run is
        interrupted, the next run completes it. If the proxy does not accept such an alias, the old key is deleted first
        and the module issues a warning. Without O(key) and O(key_seed), each run reissues the key.
      - LiteLLM records spending in batches, every 10 to 15 seconds by default (C(proxy_batch_write_at)). The new key does not
        count what the old one spent since the last batch. The user and the team do.
      - The default is V(fail) if O(key) or O(key_seed) is set, and V(keep) otherwise.
    type: str
    choices:
      - keep
      - fail
      - reissue
  metadata_mode:
    description:
      - With V(merge), which is the default, entries that are not in O(metadata) stay as they are. With V(replace), they
        are removed.
      - Entries that LiteLLM uses for other options always stay.
    type: str
    choices:
      - merge
      - replace
  unset:
    description:
      - The names of the options whose values are removed from the key. This is the only way to clear numbers, and
        another way to clear all other options.
      - An option cannot be both set and listed here.
    type: list
    elements: str
    choices:
      - models
      - max_budget
      - soft_budget
      - budget_duration
      - budget_id
      - budget_limits
      - temp_budget_increase
      - temp_budget_expiry
      - reset_spend
      - group
      - user_id
      - team_id
      - organization_id
      - project_id
      - agent_id
      - allowed_routes
      - allowed_passthrough_routes
      - max_parallel_requests
      - tpm_limit
      - rpm_limit
      - tpd_limit
      - tpm_limit_type
      - rpm_limit_type
      - model_tpm_limit
      - model_rpm_limit
      - model_max_budget
      - metadata
      - tags
      - aliases
      - config
      - permissions
      - guardrails
      - policies
      - prompts
      - enforced_params
      - allowed_cache_controls
      - object_permission
      - access_group_ids
      - router_settings
      - auto_rotate
      - rotation_interval
      - blocked
      - expires_at
notes:
  - Options that are omitted or null do not change the key. An empty value (V([]), V({}), V("")) or O(unset) clears an
    option. With O(metadata_mode=merge), O(metadata={}) lists no entries and changes nothing.
  - Lists are sets. The order of items and repeated items do not matter.
  - LiteLLM stores only the hash of a key. The value is therefore known only if it is set, derived, or newly created. It
    is returned only as RV(key). Set C(no_log) on the task; C(register) still works.
  - The task fails before anything is written if an option requires a newer LiteLLM, or if a team or a budget does not
    exist.
"""

    # With a type annotation, because ansible-test evaluates the value of each plain assignment here as a literal.
    BATCH: str = _batch(DOCUMENTATION)
    FOR_ALL: str = _for_all(DOCUMENTATION)

    # Options that apply to all keys of a task.
    TASK = r"""
options:
  state:
    description:
      - V(present) creates keys that are missing and changes keys that differ.
      - V(absent) deletes each key with exactly this alias, even if there are several. All other options of a key are
        checked but not used.
    type: str
    choices:
      - present
      - absent
    default: present
  validate_models:
    description:
      - Whether to fail before anything is written if a model does not exist on the proxy.
        LiteLLM itself accepts any name.
    type: bool
    default: false
  validate_references:
    description:
      - Whether to fail before anything is written if the team, organization, or budget of a key does not exist.
      - In check mode, the task shows a warning instead, because an earlier task of the play may create them.
    type: bool
    default: true
  values_file:
    description:
      - A YAML file on the control node that stores the values of keys, so that no value is lost if a run is
        interrupted. A random value is written to it before it is sent to the proxy.
      - "Its entry C(litellm_vkey_values) maps aliases to values; C(vars_files) can read it. Values that the proxy has
        not confirmed yet are in C(litellm_vkey_values_pending)."
      - A relative path starts in the folder in which C(ansible-playbook) runs.
      - If the value in the file is the value of the key, it is returned, as with C(key_seed). C(key) and C(key_seed)
        take precedence over the file. Entries of deleted keys are removed. Entries of other keys stay.
      - The folder must exist. The file is created with mode C(0600), and the task fails if other users can read it. A
        file that C(ansible-vault) has encrypted stays encrypted with the same vault ID.
      - While a run uses the file, other runs wait for up to a minute. Check mode only reads the file.
      - Requires the process of Ansible on the control node. On other hosts, or with C(become), C(async),
        C(environment), or another Python interpreter, the task fails.
    type: path
  values_file_vault_id:
    description:
      - The vault ID with which a new O(values_file) is encrypted. Pass its secret to the run with C(--vault-id).
      - If it is not set, a new file is in plain text. An existing file keeps its encryption. If this option is set and
        the existing file is in plain text, the task fails.
    type: str
"""
