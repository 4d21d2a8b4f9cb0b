# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about refusals that only virtual keys meet. Private: only for use inside this collection."""

from __future__ import annotations

KEY_ADVICE = {
    r"custom api key values are disabled": (
        "The proxy does not allow clients to choose key values. Remove key and key_seed."
    ),
    r"invalid key_alias": "The proxy restricts the characters of key_alias. Choose another alias.",
    r"over max limit set in config": "The proxy sets a lower limit in upperbound_key_generate_params.",
    r"is not a member of the team": "Add the user to the team first, with litellm_team_members.",
    r"team_model_access_denied|not allowed to call model": (
        "The key's models must be among the team's models. Declare them in models, or use all-team-models."
    ),
}
