# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a time zone is that the control node does not know."""

from __future__ import annotations

import sys
import zoneinfo

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._texts import time_zone


def test_without_time_zone_data_no_name_is_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a slim container: neither the system nor Python's package tzdata has any."""
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        with pytest.raises(InputError, match=r"no time zone data at all\. Install the package tzdata") as refused:
            time_zone("Europe/Berlin")
        assert "Use a name such as Europe/Berlin" not in str(refused.value)
        assert time_zone("UTC").utcoffset(None) is not None
    finally:
        zoneinfo.reset_tzpath()


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(InputError, match=r"'Europe/Berlim' is not a time zone .* Use a name such as Europe/Berlin"):
        time_zone("Europe/Berlim")
