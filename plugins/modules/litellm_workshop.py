#!/usr/bin/python

# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work."""

DOCUMENTATION = r"""
module: litellm_workshop
short_description: Manage virtual keys for people, with what they get and what is said about it
version_added: 1.0.0
author:
  - litemaas.virtual_keys contributors (@litemaas)
description:
  - Creates, updates, or deletes a single virtual key or a key for each participant of a workshop, writes what is handed
    out, and says what was done. You can run it as often as you like.
  - The role P(litemaas.virtual_keys.manage_keys#role) runs this module with its variables, and is what most playbooks
    use.
  - Everything is checked and planned before the first write. If the key of a participant fails, the task continues with
    the others and fails at the end. RV(result) contains all keys with their values even then.
extends_documentation_fragment:
  - litemaas.virtual_keys._connection.role
  - litemaas.virtual_keys._hand_out.workshop
  - litemaas.virtual_keys._key_options.for_all
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
  - litemaas.virtual_keys._durations.periods
attributes:
  idempotent:
    support: full
options:
  state:
    description:
      - Whether the keys should exist, V(present) or V(absent).
    type: str
    choices:
      - present
      - absent
    default: present
  alias:
    description:
      - The alias of the key. In a workshop, the aliases are C(<alias>-<user>).
      - It must not be empty.
    type: str
  models:
    description:
      - The models that the keys can use, as a list of model names, wildcards such as V(openai/*), access groups, or V(all-proxy-models).
        At least one is required, unless the keys belong to a team.
      - It can also be text with commas or line breaks between the names.
    type: list
    elements: str
    default: []
  validate_models:
    description:
      - Whether to fail before anything is written if a model does not exist on the proxy.
    type: bool
    default: true
  duration:
    description:
      - How long a new key is valid, as a duration such as V(3d). Existing keys keep their expiry. See O(renew_within).
      - 'A duration is a whole number above 0 followed by one of C(s), C(m), C(h), C(d), C(w), C(mo): seconds, minutes,
        hours, days, weeks, months.'
    type: str
    default: 30d
  expires_at:
    description:
      - When the keys expire, in ISO 8601 format with a time zone. Takes precedence over O(duration).
    type: str
  renew_within:
    description:
      - Renews a key for O(duration) if it expires within this time or has expired.
    type: str
  user_id:
    description:
      - The C(user_id) of a single key. The default is the alias.
    type: str
  max_budget:
    description:
      - The amount in USD that each key can spend. If it is null or empty, new keys have no limit, and existing keys keep
        their limit.
    type: float
  metadata:
    description:
      - Entries for the metadata of each key. Other entries stay as they are.
    type: dict
    default: {}
  key_type:
    description:
      - What the keys are for. With V(llm_api), they can call models and nothing else. They cannot create keys or read
        what belongs to others, also if their user may.
      - Existing keys are changed, too. A key with O(litemaas.virtual_keys.litellm_key#module:allowed_routes) of its own
        keeps them.
    type: str
    choices:
      - default
      - llm_api
      - management
      - read_only
    default: llm_api
  key_options:
    description:
      - Any other options of M(litemaas.virtual_keys.litellm_key) for all keys.
    type: dict
    default: {}
  key_seed:
    description:
      - A secret of at least 32 characters from which the values of the keys are derived, so that every run returns them.
        Protect it like the master key.
      - With O(state=present), empty text is an error, because it comes from a variable or an environment variable that
        is not set.
    type: str
  key_version:
    description:
      - To give every key a new derived value, increase this number and set O(value_policy=reissue).
    type: int
    default: 1
  value_policy:
    description:
      - What to do with an existing key whose value differs from the declared value or cannot be known.
      - The default is V(fail) with a seed, and V(keep) otherwise.
    type: str
  values_file:
    description:
      - A file on the control node that keeps the value of every key, in YAML, for its owner only. Each value is written
        there before it is sent to the proxy, so that none is lost, whatever happens.
      - The folder must exist. A relative path starts at the folder in which C(ansible-playbook) runs.
      - The default is C(values.yml) in O(output_dir), if that is set.
      - Needs the role to run on the control node itself, without C(become).
    type: path
  values_file_vault_id:
    description:
      - The vault ID under which a new O(values_file) is encrypted by Ansible Vault. An encrypted file stays encrypted.
    type: str
  unknown_values:
    description:
      - What to do about keys that exist and whose value nobody knows any more.
      - V(warn) names them, V(fail) makes the play fail after all else is done.
      - V(reissue) replaces these values, and only these. Needs O(output_dir), O(values_file), or O(key_seed).
    type: str
    choices:
      - warn
      - fail
      - reissue
    default: warn
  report_usage:
    description:
      - Whether the role P(litemaas.virtual_keys.report_usage#role) writes its report to O(output_dir) before keys are
        deleted. LiteLLM forgets what a key has spent when the key is deleted.
      - Only with V(absent) as O(state) and with O(output_dir).
    type: bool
    default: true
  artifact_password:
    description:
      - For AWX and Automation Platform, which throw away the folders of a job. Publishes the result as the artifact
        C(litellm_vkey_artifact), encrypted by Ansible Vault with this password.
      - Save the artifact to a file and open it with C(ansible-vault view FILE). It is JSON.
    type: str
  multi_user:
    description:
      - Whether to manage a workshop with a key for each user.
    type: bool
    default: false
  users:
    description:
      - The participants. Each item is a name, or a mapping with C(user), optionally C(user_id), and any option of M(litemaas.virtual_keys.litellm_key)
        that is different for that person.
      - A mapping can also have the C(name) and C(email) of the person, which the result returns. The C(user_id) is then
        the e-mail address, and you can omit C(user).
      - If it is set, the role manages a workshop. Otherwise, the users of a workshop are numbered.
      - It can also be text with commas or line breaks between the names. An empty list is an error.
    type: raw
  users_file:
    description:
      - The participants as a CSV file on the control node, as registration systems and spreadsheets export it. The first
        line names the columns, C(user) or C(email) among them. Encoding and delimiter are found out.
      - A column sets an option of M(litemaas.virtual_keys.litellm_key) for the person if its heading is exactly the name
        of the option, such as C(max_budget) or C(models). The result returns the other columns, such as C(name). Check
        mode says which columns are which.
      - First and last names in two columns, and the usual headings in other languages, are found, too.
      - The C(user_id) is the e-mail address unless there is a column C(user_id).
      - A relative path is searched beside the playbook, then in the folder in which C(ansible-playbook) runs. The file
        may be encrypted with Ansible Vault.
      - Makes it a workshop. Mutually exclusive with O(users).
    type: str
  columns:
    description:
      - What the columns of the file are, by their headings, if they are not found. Each value is V(user), V(email),
        V(name), V(first_name), V(last_name), or an option of M(litemaas.virtual_keys.litellm_key). An empty value
        ignores the column.
    type: dict
    default: {}
  users_encoding:
    description:
      - The encoding of the file, such as V(windows-1250).
      - By default, it is UTF-8, or the one that the file names at its beginning. If the file is in neither, the encoding
        is guessed, with a warning.
    type: str
  other_users_files:
    description:
      - CSV files like O(users_file), of workshops on other proxies. If somebody is in two of the files, the task fails
        before anything is written.
    type: list
    elements: str
    default: []
  user_count:
    description:
      - The number of users, if they are numbered. The default is 1.
      - With O(state=absent) and neither this variable nor O(users), all keys that carry the mark of the workshop are
        deleted.
    type: int
  user_start:
    description:
      - The number of the first user.
    type: int
    default: 1
  user_prefix:
    description:
      - The prefix of numbered users.
    type: str
    default: user
  user_domain:
    description:
      - The C(user_id) is C(<user>@<domain>).
    type: str
    default: example.com
  allow_admins:
    description:
      - The people who get a key although their user administers the proxy, an organization, or another team. Everybody
        else of that kind is refused before anything is written, because whoever has the key of an admin can act as the
        admin.
    type: list
    elements: str
    default: []
  total_budget:
    description:
      - The amount in USD that all keys of the workshop together can spend. LiteLLM rejects the requests of every key
        after that. It must be above 0.
      - The role puts the keys into a team whose C(team_id) is O(alias), with the users as members and O(models) as its
        models. Raising the total budget or adding a model for everyone takes only one write.
      - Existing keys join the team. Their earlier spending does not count. Keys of the workshop that are not declared
        do not join.
      - O(max_budget) also limits each key.
      - If this variable is no longer set, a workshop keeps its team and its total budget. To remove the limit, use M(litemaas.virtual_keys.litellm_team)
        with C(unset).
      - With O(state=absent), the team is deleted after the keys, unless it contains other keys.
      - Only for a workshop. A team with the same C(team_id) that the role did not create is not used or deleted.
    type: float
  team_budget:
    description:
      - The amount in USD that the keys of each team together can spend, such as in a hackathon. LiteLLM rejects the
        requests of every key of the team after that. It must be above 0.
      - The column C(team) of O(users_file), or the entry C(team) in O(users), says in which team somebody is. Everybody
        must be in one. Without this option and O(teams), the column sets nothing.
      - The role creates a team with the C(team_id) C(<alias>-<team>) for each, with its people as members and O(models)
        as its models. O(max_budget) also limits each key.
      - Somebody whose team changes keeps the key. What the key has spent stays with the team that paid for it.
      - With O(state=absent), if nobody is named or with O(prune=true), all teams that the role created for this workshop
        are deleted after the keys, unless they contain other keys. A team with such a C(team_id) that the role did not
        create is not used or deleted.
      - With O(state=absent), if people are named, each team in which nobody is left is deleted, too. LiteLLM forgets what
        it spent, so whoever comes back has the whole budget again.
      - Mutually exclusive with O(total_budget).
    type: float
  teams:
    description:
      - The teams by name, for budgets of their own, and so that no typo in the table makes a further team.
      - A team can have C(max_budget), which is O(team_budget) if it is not set, and C(models), which are O(models) if they
        are not set.
    type: dict
    default: {}
  shared_keys:
    description:
      - Whether each team has one key that all its people share, instead of a key for each of them. Its alias is
        C(<alias>-<team>).
      - Each person of the team gets a slip with this key, and the team gets one mail.
      - In O(block), O(reissue), and O(raise), the name of the team names the key.
      - If O(teams) names the teams, nobody has to be listed in them.
    type: bool
    default: false
  block:
    description:
      - The people whose keys are blocked, a list of users, e-mail addresses, or names, or text with commas or line breaks
        between them. Everybody who is not named stays as blocked or unblocked as they are.
      - A blocked key has no effect until a run names the person in O(unblock).
      - If nothing names the people of the workshop, such as O(users), the ones who have keys are meant. The task then
        does nothing else, and uses neither O(output_dir) nor O(values_file).
      - If the task fails before anything is written, the people are blocked all the same, and the message names them.
    type: list
    elements: str
  unblock:
    description:
      - The people whose keys are unblocked, as in O(block).
    type: list
    elements: str
  reissue:
    description:
      - The people whose keys get a new value, as in O(block). The old value stops working and never returns, also not
        in later runs with O(key_seed). Everybody else keeps their value.
      - It is done once. To do it again, add a colon and a text that was not used before for this person, such as V(ivan:2).
        The first time is V(ivan:1). Also a mapping of people to such texts.
      - See O(litemaas.virtual_keys.litellm_key#module:reissue).
    type: raw
  raise:
    description:
      - More budget for some people, as a mapping of people, as in O(block), to amounts in USD, or as text such as
        V(ann:10, exhausted:5).
      - Who is named can spend this amount on top of the budget that the variables declare. V(0) takes it back.
      - V(exhausted) names everybody who has spent the whole budget, and lets each of them spend this amount from now on.
        When the same command runs again, nobody is exhausted, unless somebody has spent that as well and gets the amount once more.
      - V(never_used) names everybody whose key has not been used. They can spend this amount on top.
      - A raise stays in later runs, whatever O(max_budget) is. LiteLLM stores it with the key, in C(temp_budget_increase).
      - A raise does not change O(total_budget).
      - For more from the start, set C(max_budget) of a person, such as C(10), or C(extra_budget), such as C(5) for 5 USD
        more than everybody. In a table, C(+5) as C(max_budget) means the same; in YAML, that is the number 5.
      - If nothing names the people of the workshop, the ones who have keys are meant, as in O(block).
    type: raw
  prune:
    description:
      - Whether to delete the keys that carry the mark of this workshop and are no longer declared. The mark is the entry
        C(group) in the metadata of a key.
      - They are deleted last, and only if no declared key failed.
      - Requires O(users) or O(user_count), which define the keys to keep.
    type: bool
    default: false
  prune_limit:
    description:
      - The maximum number of keys that O(prune) can delete. If there are more, the role names the keys and fails before
        anything is written, also in check mode.
      - The default is half of the keys that carry the mark of the workshop. V(-1) removes the limit.
    type: int
  remove_made_keys:
    description:
      - At the end of a workshop, whether to delete the keys that its people have created themselves in the meantime.
        Otherwise, they are only named.
    type: bool
    default: false
  batch_size:
    description:
      - Report progress each time this many keys are written. The default is every few seconds.
      - On a remote host no progress is reported.
    type: int
  concurrency:
    description:
      - The number of requests to run at the same time, from 1 to 32.
    type: int
    default: 12
  no_log:
    description:
      - Whether to hide output that contains secrets. With V(false), C(-v) shows the values of the keys.
    type: bool
    default: true
  output_dir:
    description:
      - A folder on the control node for what is handed out, written by the role P(litemaas.virtual_keys.hand_out_keys#role),
        also when some keys failed. Its other variables can be set here, too.
      - It is created for its owner only, before the first key is. A relative path starts at the folder in which C(ansible-playbook)
        runs.
      - With V(absent) as O(state), the people and their files are removed from it.
    type: path
  usage_filter:
    description:
      - As O(litemaas.virtual_keys.litellm_usage_report#module:usage_filter).
    type: dict
    default: {}
  usage_formats:
    description:
      - As O(litemaas.virtual_keys.litellm_usage_report#module:usage_formats).
    type: list
    elements: str
    choices:
      - csv
      - json
      - html
      - leaderboard
    default:
      - csv
      - json
      - html
      - leaderboard
  show:
    description:
      - RV(shown) of an earlier task with this module, which C(no_log) has hidden. The task then only shows it.
    type: dict
seealso:
  - module: litemaas.virtual_keys.litellm_keys
  - module: litemaas.virtual_keys.litellm_hand_out
  - module: litemaas.virtual_keys.litellm_usage_report
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Create a key for each participant of a workshop
  litemaas.virtual_keys.litellm_workshop:
    alias: python-course
    models: [gpt-4o-mini]
    max_budget: 5
    users: [ann, ben, cem]
    output_dir: python-course
  no_log: true # the values are in the result
  register: workshop

- name: Show the changes and the warnings, which no_log has hidden
  litemaas.virtual_keys.litellm_workshop:
    show: "{{ workshop.shown }}"

- name: End the workshop
  litemaas.virtual_keys.litellm_workshop:
    alias: python-course
    state: absent
    multi_user: true
"""

RETURN = r"""
result:
  description:
    - Who has which key now, as in the fact C(litellm_vkey_result) of the role
      P(litemaas.virtual_keys.manage_keys#role). It contains the values of the keys.
  returned: unless nothing was done because something cannot be
  type: dict
  sample:
    alias: python-course-ann
    key_id: c5b6decb3dcf9d7fb2447798765477be74b1a7eeaf851ba1c5684a9ded00ffb4
    state: present
    changed: true
messages:
  description: What was done, in sentences.
  returned: as RV(result)
  type: list
  elements: str
  sample: ["3 created, 0 without a known value; written to python-course/", "created: ann, ben, cem"]
changes:
  description: A line for each field that changed, and for each key that is new or gone.
  returned: as RV(result)
  type: list
  elements: str
  sample: ["~ ann  max_budget 10 -> 15", "+ ben"]
files:
  description: The files on the control node that were written or removed, with what was done.
  returned: as RV(result)
  type: list
  elements: dict
  sample: []
notes:
  description: The warnings. They are shown unless C(no_log) hides them.
  returned: as RV(result)
  type: list
  elements: str
  sample: []
shown:
  description: What may be seen of this result, which is whether something changed, the diff, and the warnings.
  returned: as RV(result)
  type: dict
  sample:
    changed: true
"""
