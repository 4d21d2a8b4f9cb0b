# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a workshop: the table that the role, its documentation and the module are checked against. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import key_options
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import KEY

from .._calls import CONNECTION
from .._hand_out._variables import VARIABLES as OF_HAND_OUT
from .._usage._variables import VARIABLES as OF_USAGE
from .._variables import Variable, Variables

NO_LIMIT = -1
PRESENT, ABSENT = "present", "absent"
OWN = (
    # The key, or every key of a workshop
    Variable("state", default=PRESENT, choices=(PRESENT, ABSENT)),
    Variable("alias", option="key_alias"),
    Variable("models", "list", default=[]),
    Variable("validate_models", "bool", default=True),
    Variable("duration", default="30d"),
    Variable("expires_at"),
    Variable("renew_within"),
    Variable("user_id"),
    Variable("max_budget", "float"),
    Variable("metadata", "dict", default={}),
    Variable("key_type", default="llm_api", choices=KEY.field("key_type").choices),
    Variable("key_options", "dict", default={}),
    # Values that survive
    Variable("key_seed", "raw", no_log=True),
    Variable("key_version", "int", default=1, least=1),
    Variable("value_policy"),
    Variable("values_file", "path"),
    Variable("values_file_vault_id"),
    Variable("unknown_values", default="warn", choices=("warn", "fail", "reissue")),
    # What is handed out
    Variable("report_usage", "bool", default=True),
    Variable("artifact_password", "raw", no_log=True),
    # The people of a workshop
    Variable("multi_user", "bool", default=False),
    Variable("users", "raw"),
    Variable("users_file"),
    Variable("columns", "dict", default={}),
    Variable("users_encoding"),
    Variable("other_users_files", "list", default=[]),
    Variable("user_count", "int", least=1),
    Variable("user_start", "int", default=1, least=0),
    Variable("user_prefix", default="user"),
    Variable("user_domain", default="example.com"),
    Variable("allow_admins", "list", default=[]),
    Variable("total_budget", "float"),
    Variable("team_budget", "float"),
    Variable("teams", "dict", default={}),
    Variable("shared_keys", "bool", default=False),
    Variable("block", "list"),
    Variable("unblock", "list"),
    Variable("reissue", "raw"),
    Variable("raise", "raw"),
    Variable("prune", "bool", default=False),
    Variable("prune_limit", "int", least=NO_LIMIT),
    Variable("remove_made_keys", "bool", default=False),
    # How it is done
    Variable("batch_size", "int", least=1, option="progress_every"),
    Variable("concurrency", "int", default=12, least=1),
    Variable("no_log", "bool", default=True),
)
# The role's variables that are options of a key by another name, or make one.
NAMED_OTHERWISE = ("key_alias", "key", "group", "blocked")
_NAMED = {row.name for row in (*CONNECTION, *OWN, *OF_HAND_OUT, *OF_USAGE)}
# All other options of a key: each is a variable of its own, too.
OPTIONS_OF_KEYS = tuple(
    Variable(name, "raw", no_log=bool(spec.get("no_log")))
    for name, spec in key_options().items()
    if name not in _NAMED and name not in NAMED_OTHERWISE
)
VARIABLES = (*CONNECTION, *OWN, *OF_HAND_OUT, *OF_USAGE, *OPTIONS_OF_KEYS)
# By these, the roles of the collection tell a typo from a variable of the user's own.
NAMES = tuple(name for row in VARIABLES for name in (row.name, *row.aliases))


def option_names(variables: Variables) -> dict[str, str]:
    """Return what the user calls the options of the modules, by option: as a variable, or as an entry of one.

    An option of a key that is neither is an option of one person.
    """
    names, together = variables.option_names(), variables.called("key_options")
    for row in OPTIONS_OF_KEYS:
        if not variables.mentions(row.name):
            del names[row.name]
    names.update({name: f"{together}.{name}" for name in variables["key_options"] if not variables.mentions(name)})
    if not variables.says("values_file"):
        names["values_file"] = variables.called("output_dir")
    return names
