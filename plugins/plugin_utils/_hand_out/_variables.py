# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of what is handed out. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from .._variables import Variable
from ._formats import FORMATS

VARIABLES = (
    Variable("output_dir", "path"),
    Variable("output_formats", "list", default=["csv", "html"], choices=tuple(FORMATS)),
    Variable("output_title"),
    Variable("output_note", default=""),
    Variable("output_base_url", default=""),
    Variable("output_mail_from", default=""),
    Variable("output_mail_subject"),
    Variable("output_namespace", default=""),
    *(Variable(f"output_{row.name}_template", "path") for row in FORMATS.values() if row.template),
    Variable("time_zone", default="UTC"),
)
