# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a duration is, for the modules that have one. Private: only for use inside this collection.

Ansible takes no fragment without options.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
notes:
  - 'A duration is a whole number above 0 followed by one of C(s), C(m), C(h), C(d), C(w), C(mo): seconds, minutes,
    hours, days, weeks, months.'
"""

    # For modules with budgets, whose periods are durations.
    PERIODS = r"""
options: {}
notes:
  - LiteLLM aligns the periods of budgets with the calendar. V(30d) and V(1mo) end on the first of a month, V(7d) on a
    Monday, and V(1d) each day, at midnight UTC.
"""
