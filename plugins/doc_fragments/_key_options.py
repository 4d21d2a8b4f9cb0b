# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be declared of a virtual key. Private: only for use inside this collection."""

from __future__ import annotations

import re

import yaml


def _batch(text: str) -> str:
    """The options of one key as those of each of many, and as their defaults, which only point there."""
    items = yaml.safe_load(re.sub(r"\b(O|RV)\((?=\w)", r"\1(virtual_keys[].", text))
    defaults = {
        name: {**option, "description": f"As O(virtual_keys[].{name})."} for name, option in items["options"].items()
    }
    options = {"virtual_keys": {"suboptions": items["options"]}, "defaults": {"suboptions": defaults}}
    return str(yaml.safe_dump({"options": options, "notes": items["notes"]}))


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  key_alias:
    description:
      - Name of the key, by which it is declared and found again. Case counts, and each character does.
      - Required, except that O(service_account_id) stands in for it. Must not be empty nor hold control characters.
      - A key cannot be renamed. Another alias declares another key.
    type: str
    aliases:
      - name
  models:
    description:
      - What the key may call, as a set. Names of the proxy's models, such as V(gpt-4o-mini), wildcards such as
        V(openai/*), names of model access groups, or V(all-team-models), V(all-proxy-models), V(no-default-models).
      - V([]) allows all models of the proxy.
      - A new key with a O(team_id) and without O(models) gets V(all-team-models).
    type: list
    elements: str
  max_budget:
    description:
      - How much the key may spend, in USD, such as V(25.5). LiteLLM refuses requests from then on.
      - V(0) allows nothing. For no limit, name it in O(unset).
    type: float
  soft_budget:
    description:
      - Spending, in USD, at which LiteLLM sends an alert. Nothing is refused.
      - LiteLLM keeps it in a budget that it makes for the key. Therefore it excludes O(budget_id), and the module
        refuses to change it if the key's budget may be shared with others.
      - Can be changed on an existing key with LiteLLM 1.102.0 or newer.
    type: float
  budget_duration:
    description:
      - After which time the spending counts from zero again, as a duration such as V(30d) or V(1mo).
      - LiteLLM aligns the periods with the calendar. V(30d) and V(1mo) end on the first of a month, V(7d) on a Monday,
        V(1d) at midnight.
      - Can be unset with LiteLLM 1.90.0 or newer.
    type: str
  budget_id:
    description:
      - Id of a budget on the proxy, whose limits apply to the key. It must exist.
    type: str
  budget_limits:
    description:
      - Several budgets that apply side by side, such as 5 USD a day and 50 USD a month, as a set.
      - When one of them differs, all are written, and their periods start anew.
      - Needs LiteLLM 1.83.10 or newer, and 1.90.0 or newer to unset it.
    type: list
    elements: dict
    suboptions:
      max_budget:
        description:
          - How much the key may spend within O(budget_limits[].budget_duration), in USD.
        type: float
        required: true
      budget_duration:
        description:
          - Length of the period, as a duration such as V(1d).
        type: str
        required: true
  temp_budget_increase:
    description:
      - By how much, in USD, O(max_budget) is raised until O(temp_budget_expiry), which must be given as well.
      - LiteLLM takes it into account only for a key that has a O(max_budget).
      - After that time it has no effect, though it stays with the key. To remove both, name both in O(unset).
    type: float
  temp_budget_expiry:
    description:
      - Until when O(temp_budget_increase) applies, as ISO 8601 time with zone, such as V(2030-01-31T18:00:00+01:00).
      - Equal to what the key has if less than a minute apart.
    type: str
  reset_spend:
    description:
      - Sets what the key has spent to zero, once for each text given here, such as V(2030-06) or V(after the workshop).
        When the text is another than that of the last reset, the spending is reset and the text is kept with the key,
        as entry C(litellm_vkey_reset_spend) of its metadata, which O(metadata) neither shows nor changes.
      - An existing key without such an entry is reset when this is first given. A new key only gets the entry.
      - Spending that LiteLLM has not booked yet, of the last seconds, counts after the reset. Before LiteLLM 1.90.0, a
        proxy that refuses the key for its budget may go on doing so for about a minute.
      - Named in O(unset), it removes the entry and resets nothing. Needs LiteLLM 1.81.7 or newer.
    type: str
  group:
    description:
      - Name of the group to which the key belongs, such as a workshop. The role
        P(litemaas.virtual_keys.manage_keys#role) declares it for each key of a workshop.
      - LiteLLM does not know groups. The name is kept as entry C(litellm_vkey_group) of the key's metadata, which
        O(metadata) neither shows nor changes.
      - A key that belongs to no group can join one. A key that belongs to another group is neither changed nor deleted;
        the task fails. To take a key out of its group, name this option in O(unset).
    type: str
  user_id:
    description:
      - Id of the user to whom the spending is attributed. LiteLLM does not ask whether that user exists.
    type: str
  team_id:
    description:
      - Id of the team to which the key belongs. It must exist.
    type: str
  organization_id:
    description:
      - Id of the organization to which the key belongs. It must exist.
      - A new key with a O(team_id) gets the organization of that team by itself, and no other is accepted.
      - Needs LiteLLM 1.79.0 or newer, and 1.82.3 or newer to change it on an existing key.
    type: str
  project_id:
    description:
      - Id of the project to which the key belongs. It must exist.
      - LiteLLM does not move an existing key to another project. It can be unset, with LiteLLM 1.102.0 or newer.
      - Needs LiteLLM 1.81.14 or newer.
    type: str
  agent_id:
    description:
      - Id of the agent to which the key belongs.
      - Needs LiteLLM 1.81.16 or newer.
    type: str
  service_account_id:
    description:
      - Makes a key for a service account of this name, which belongs to O(team_id) and to no user.
      - Serves as O(key_alias) if that is not given.
      - Cannot be changed on an existing key. Needs LiteLLM 1.74.1 or newer.
    type: str
  allowed_routes:
    description:
      - Which routes of the proxy the key may call, as a set. Paths such as V(/chat/completions), with wildcard
        V(/v1/*), or names of groups such as V(llm_api_routes).
      - V([]) allows what a key may call by default. Excludes any O(key_type) but V(default). Needs
        LiteLLM 1.66.3 or newer.
    type: list
    elements: str
  allowed_passthrough_routes:
    description:
      - Which pass-through endpoints of the proxy the key may call, as a set, such as V(/my-endpoint).
        LiteLLM ignores it if the key has O(allowed_routes).
      - Needs a LiteLLM Enterprise license on the proxy, and LiteLLM 1.78.2 or newer.
    type: list
    elements: str
  key_type:
    description:
      - What kind of routes the key may call. V(llm_api) calls models, V(management) manages keys, users and teams,
        V(read_only) reads information only, V(default) is LiteLLM's own default.
      - Cannot be changed on an existing key. Needs LiteLLM 1.74.9 or newer.
    type: str
    choices:
      - default
      - llm_api
      - management
      - read_only
  max_parallel_requests:
    description:
      - How many requests may be under way at once.
    type: int
  tpm_limit:
    description:
      - How many tokens the key may use, in tokens per minute.
    type: int
  rpm_limit:
    description:
      - How many requests the key may send, in requests per minute.
    type: int
  tpm_limit_type:
    description:
      - How O(tpm_limit) is meant. With V(guaranteed_throughput) LiteLLM refuses a limit that, together with those of
        other keys, exceeds what the team or the model has, with V(best_effort_throughput) it does not. With
        V(dynamic) the key may exceed the limit while the model takes all requests.
      - Needs LiteLLM 1.77.7 or newer.
    type: str
    choices:
      - guaranteed_throughput
      - best_effort_throughput
      - dynamic
  rpm_limit_type:
    description:
      - How O(rpm_limit) is meant, as for O(tpm_limit_type).
      - Needs LiteLLM 1.77.7 or newer.
    type: str
    choices:
      - guaranteed_throughput
      - best_effort_throughput
      - dynamic
  model_tpm_limit:
    description:
      - 'Limit for each model, in tokens per minute, such as C({"gpt-4o-mini": 100000}). Declared as a whole.'
    type: dict
  model_rpm_limit:
    description:
      - 'Limit for each model, in requests per minute, such as C({"gpt-4o-mini": 60}). Declared as a whole.'
    type: dict
  model_max_budget:
    description:
      - 'Budget for each model, in USD within a duration,
        such as C({"gpt-4o-mini": {"budget_limit": 5, "time_period": "1d"}}). Declared as a whole.'
      - Needs a LiteLLM Enterprise license on the proxy.
    type: dict
  metadata:
    description:
      - 'Entries of your own that are kept with the key, such as C({"cost_center": "4711"}).'
      - By default only the entries given are compared and written, all others stay. See O(metadata_mode).
      - Entries that LiteLLM uses for other options, such as C(tags), are declared by these options, and refused here.
      - LiteLLM encrypts the values of C(callback_vars) in it. A change of such a value alone goes unnoticed.
    type: dict
  tags:
    description:
      - Tags under which the spending is counted, and by which requests are routed, as a set.
      - Needs a LiteLLM Enterprise license on the proxy.
    type: list
    elements: str
  aliases:
    description:
      - 'Other names for models, for this key only. Each entry is the name that is asked for and the model that answers,
        such as C({"gpt-4": "gpt-4o-mini"}). Declared as a whole.'
    type: dict
  config:
    description:
      - Settings of the proxy that differ for this key. LiteLLM calls them deprecated. Declared as a whole.
    type: dict
  permissions:
    description:
      - 'What the key may do beyond calling models, such as C({"allow_pii_controls": true}). Declared as a whole.'
    type: dict
  guardrails:
    description:
      - Names of the guardrails that apply to each request, as a set.
      - Needs a LiteLLM Enterprise license on the proxy.
    type: list
    elements: str
  policies:
    description:
      - Names of the policies that apply to the key, as a set.
      - Needs a LiteLLM Enterprise license on the proxy, and LiteLLM 1.81.3 or newer.
    type: list
    elements: str
  prompts:
    description:
      - Ids of the prompts that the key may use, as a set. V([]) allows all.
      - Needs a LiteLLM Enterprise license on the proxy, and LiteLLM 1.74.15 or newer.
    type: list
    elements: str
  enforced_params:
    description:
      - Parameters that each request must have, as a set, such as V(user) or V(metadata.generation_name).
    type: list
    elements: str
  allowed_cache_controls:
    description:
      - Cache controls that requests may use, as a set, such as V(no-cache) or V(no-store).
    type: list
    elements: str
  object_permission:
    description:
      - 'Which MCP servers, vector stores, agents and other objects the key may use, as a list of ids for each kind,
        such as C({"vector_stores": ["vs-1"], "mcp_servers": []}). The lists are sets.'
      - Only the kinds given are compared and written. V([]) empties one kind, V({}) and O(unset) empty all.
      - Needs LiteLLM 1.71.3 or newer.
    type: dict
  access_group_ids:
    description:
      - Ids of the access groups whose models and tools the key may use, as a set.
      - Needs LiteLLM 1.81.12 or newer.
    type: list
    elements: str
  router_settings:
    description:
      - 'Settings of LiteLLM''s router for this key, such as C({"num_retries": 2, "timeout": 30}).'
      - Only the settings given are compared and changed; the others stay. A setting that is null has no value, V({}) and
        O(unset) reset all.
      - Needs LiteLLM 1.80.13 or newer.
    type: dict
  auto_rotate:
    description:
      - Whether LiteLLM itself replaces the value of the key, each O(rotation_interval), which must be given as well.
        The new values are not known to Ansible.
      - Needs LiteLLM 1.77.5 or newer.
    type: bool
  rotation_interval:
    description:
      - How often LiteLLM replaces the value of the key, as a duration such as V(90d). Needs O(auto_rotate=true).
      - Needs LiteLLM 1.77.5 or newer.
    type: str
  blocked:
    description:
      - Whether LiteLLM refuses the key, which keeps all it has and can be allowed again.
    type: bool
  expires_at:
    description:
      - When the key expires, as ISO 8601 time with zone, such as V(2030-01-31T18:00:00+01:00).
      - Equal to what the key has if less than a minute apart. A time in the past is refused.
      - For a key that never expires, name it in O(unset), which needs LiteLLM 1.80.12 or newer. Excludes O(duration) and
        O(renew_within).
    type: str
  duration:
    description:
      - How long a new key is valid, as a duration such as V(30d).
      - Counts when the key is created, and when O(renew_within) renews it. No other run moves the expiry of a key.
      - V("") is as if not given.
    type: str
  renew_within:
    description:
      - Renews the key, for O(duration) from now, when it expires within this time or has expired, such as V(2d).
      - A key that never expires is left so. Without this option, an expired key stays expired, and the module warns.
      - V("") is as if not given.
    type: str
  rotate_after:
    description:
      - Replaces the value of the key when it is older than this, as a duration such as V(90d), and returns the new one
        as RV(key). The key keeps its alias, options, spending and expiry, as with O(value_policy=reissue).
      - The age counts from when the key was made or its value was last replaced. In between, nothing is written.
      - A run that was interrupted is completed by the next, which replaces the value once more.
      - For values that LiteLLM or the module chooses. Excludes O(key) and O(key_seed), whose values are replaced by
        raising O(key_version), and any O(value_policy) but V(keep).
      - Unlike O(auto_rotate), the new value is known to the play.
      - V("") is as if not given.
    type: str
  key:
    description:
      - The value of the key, which must start with V(sk-) and have at least 16 characters. It must not be the value of
        another key.
      - If neither this nor O(key_seed) is given, a new key gets a random value, returned once as RV(key).
      - Ansible shows this value nowhere, so that it is starred in the result as well.
    type: str
  key_seed:
    description:
      - A secret of at least 32 characters, from which the values of keys are derived. Each run and each machine that
        knows the seed returns the same value for the same alias, so that values need not be stored.
      - This is a master secret. Whoever has it and knows the aliases has all the keys. Treat it like the master key.
        For one, take the output of C(openssl rand -hex 32).
      - The value is V("sk-" + base64url(HMAC-SHA256(seed, "litemaas.virtual_keys.v1\\0" + alias + "\\0" + version\)\)),
        without padding. The version is O(key_version) in decimal digits.
      - Excludes O(key).
    type: str
  key_version:
    description:
      - Number from which O(key_seed) derives the value besides the alias, 1 if not given.
      - Raise it, with O(value_policy=reissue), to replace the value of a key.
    type: int
  value_policy:
    description:
      - What to do with an existing key whose value is another than the one declared by O(key) or O(key_seed).
        If neither is given, each existing key counts as such, because the value of a key cannot be read.
      - V(keep) leaves the value as it is. What is returned as RV(key) is null.
      - V(fail) fails before anything is written.
      - V(reissue) puts a new key in the place of the old one, with the same alias, options, spending and expiry.
        The old value stops working. The old key waits as C(ALIAS.retired-XXXXXXXX) until the new one is there;
        a run that was interrupted is completed by the next. Where the proxy takes no such alias, the old key is deleted
        first, and the module warns. Without O(key) and O(key_seed), each run reissues.
      - If not given, V(fail) when O(key) or O(key_seed) is given, else V(keep).
    type: str
    choices:
      - keep
      - fail
      - reissue
  metadata_mode:
    description:
      - Which entries of O(metadata) are declared. V(merge) means those given, V(replace) means all, so that entries
        not given are removed. V(merge) if not given.
      - Entries that LiteLLM uses for other options stay in any case.
    type: str
    choices:
      - merge
      - replace
  unset:
    description:
      - Names of options that the key shall have no value for. The only way to clear numbers, and another way to clear
        the rest.
      - An option named here must not have a value at the same time.
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
  - An option that is not given, or is null, is left alone. An empty value (V([]), V({}), V("")) or O(unset) declares
    that the key has none. With O(metadata_mode=merge), O(metadata={}) names no entry and changes nothing.
  - Lists are sets. Neither order nor repetition counts. Mappings that are "declared as a whole" lose the entries not
    given.
  - 'A duration is a whole number above 0 and one of C(s), C(m), C(h), C(d), C(w), C(mo): seconds, minutes, hours, days,
    weeks, months.'
  - The value of a key is known only where it is declared, derived or newly made, because LiteLLM stores only its hash.
    It is returned as RV(key) and nowhere else. Set C(no_log) on the task, which leaves C(register) usable.
  - What a server is too old for is refused before anything is written, and so are unknown teams and budgets.
"""

    # With a type, because ansible-test takes the value of each plain assignment here for a literal.
    BATCH: str = _batch(DOCUMENTATION)

    # What holds for all keys of a task.
    TASK = r"""
options:
  state:
    description:
      - V(present) creates what is missing and changes what differs.
      - V(absent) deletes each key with exactly that alias, should there be several. All other options of a key are then
        checked but not used.
    type: str
    choices:
      - present
      - absent
    default: present
  validate_models:
    description:
      - Whether models that the proxy does not have are refused before anything is written.
        LiteLLM itself takes any name.
    type: bool
    default: false
  values_file:
    description:
      - A YAML file on the control node that keeps the values of keys, so that no value is lost, whatever interrupts a
        run. A random value is written to it before it is sent to the proxy.
      - "Its entry C(litellm_vkey_values) maps aliases to values; C(vars_files) can read it. Values that the proxy has not
        confirmed yet are in C(litellm_vkey_values_pending)."
      - A value in the file that is the one of the key is returned, as with C(key_seed). C(key) and
        C(key_seed) go before it. Entries of deleted keys are removed, entries of other keys stay.
      - The folder must exist. The file is created with mode C(0600), and refused if others can read it. A file that
        C(ansible-vault) has encrypted stays encrypted with the same vault ID.
      - While a run uses the file, another run waits up to a minute for it. Check mode only reads it.
      - Needs Ansible's own process on the control node. On other hosts, or with C(become), C(async), C(environment), or
        another Python interpreter, the task fails.
    type: path
  values_file_vault_id:
    description:
      - The vault ID with which a new O(values_file) is encrypted. The run needs its secret, from C(--vault-id).
      - If not given, a new file is plain text. A file that exists stays as it is.
    type: str
"""
