# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys outlive what they were made for."""

from __future__ import annotations

from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._outliving import not_listed

from .test_declaration import WORKSHOP, declared


def test_an_old_value_is_named_only_with_a_key_that_is_not_listed() -> None:
    keys = [
        {"key_alias": "ws-ann", "key_id": "1", "replaced_by": None},
        {"key_alias": "ws-ann.retired-12345678", "key_id": "2", "replaced_by": "1"},
        {"key_alias": "ws-gone", "key_id": "3", "replaced_by": None},
        {"key_alias": "ws-gone.retired-12345678", "key_id": "4", "replaced_by": "3"},
    ]
    assert not_listed(declared(WORKSHOP), keys) == ["ws-gone", "ws-gone.retired-12345678"]
