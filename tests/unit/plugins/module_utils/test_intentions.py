# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run is going to do, as its questions before the first write see it."""

from __future__ import annotations

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._intentions import Intentions
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._listings import KEYS, MODELS, TEAMS


def test_what_goes_is_gone_and_what_changes_is_changed() -> None:
    intentions = Intentions()
    rows = [{"token": "1", "key_alias": "a", "team_id": "t"}, {"token": "2", "key_alias": "b"}, {"token": "3"}]
    assert intentions.stay(KEYS, rows) == rows
    intentions.note(KEYS, ["1", "a"], {"team_id": "u"})
    intentions.note(KEYS, ["2", "b"], None)
    assert intentions.stay(KEYS, rows) == [{**rows[0], "team_id": "u"}, rows[2]]
    # LiteLLM leaves the tokens out of the keys of a team.
    assert intentions.stay(KEYS, [{"key_alias": "a"}, {"key_alias": "b"}]) == [{"key_alias": "a", "team_id": "u"}]


def test_what_is_created_is_there_in_whole_listings_only() -> None:
    intentions = Intentions()
    intentions.note(TEAMS, ["t"], {"max_budget": 5}, new=True)
    intentions.note(TEAMS, ["t"], {"blocked": True})
    assert intentions.creates(TEAMS, "t") and not intentions.creates(MODELS, "t")
    assert intentions.stay(TEAMS, []) == []
    assert intentions.all(TEAMS, [{"team_id": "u"}]) == [
        {"team_id": "u"},
        {"team_id": "t", "max_budget": 5, "blocked": True},
    ]


def test_ids_inside_other_fields_are_found() -> None:
    intentions = Intentions()
    intentions.note(MODELS, ["m"], None)
    row = {"model_name": "x", "model_info": {"id": "n"}}
    assert intentions.stay(MODELS, [{"model_info": {"id": "m"}}, row]) == [row]
