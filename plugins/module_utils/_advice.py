# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a refusal means for the user, whatever was asked for. Private: only for use inside this collection. Pure.

What concerns one kind of object alone, the object brings: ``Kind.advice``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# From what the proxy says, as a pattern, to what to do; "{option}" is the option that holds the key.
Advice = Mapping[str, str]

# The first is a type, which all versions give to a key that they do not know; the others have none of their own.
UNKNOWN_KEY = re.compile(
    r"token_not_found_in_db|no api key passed|litellm virtual key expected|malformed api key", re.IGNORECASE
)
NO_ADMIN = "The key in {option} does not belong to an admin. Use the master key or the key of a proxy admin."
GENERAL: Advice = {
    r"only proxy admin can|not allowed to (call|access) this route|only be called by|doesn't have access"
    r"|no 'user_id' is associated with your api key": NO_ADMIN,
    r"key is blocked|expired key|key has expired": "The key in {option} is blocked or has expired. Use another one.",
    r"set in the config file|config file owns": (
        "It is owned by the configuration file of the proxy. Change it there."
    ),
    r"enterprise|premium user|get_spend_routes permission": (
        "This requires a LiteLLM Enterprise license on the proxy. Remove the option, or add the license."
    ),
}
CHECK_PROXY = "Check the proxy and the network between it and this host."
CHECK_REACH = "Check O(api_url), and that the proxy is running and can be reached from the host that runs this task."
CHECK_TRUST = "Set O(ca_path) to the CA of the proxy. If the proxy requires a client certificate, set O(client_cert)."
CHECK_URL = "Check that O(api_url) is the URL of a LiteLLM proxy, including its path if it has one."
REFUSED = "The proxy rejects the key in {option}. Use the master key or the key of a proxy admin."

# Refusals with 401 that are about what was asked for: some versions answer so for the models of an organization.
ABOUT_VALUES = "request body|not allowed to access model"


def advice(text: str, status: int, option: str, special: Advice) -> str:
    """Return what the user can do about a refusal, "" if that follows from its words.

    A refusal with 403 that no pattern explains is about what was asked for, not about the key.

    :param text: all that the proxy says.
    :param option: the option that holds the key with which was asked.
    :param special: the advice of the object that was asked for, which goes before the general one.
    """
    for pattern, sentence in {**special, **GENERAL}.items():
        if re.search(pattern, text, re.IGNORECASE):
            return sentence.replace("{option}", option)
    about_key = status == 401 and not re.search(ABOUT_VALUES, text)
    return REFUSED.replace("{option}", option) if about_key else ""
