# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every participant ends with exactly one key whose value is known, whatever goes wrong on the way."""
