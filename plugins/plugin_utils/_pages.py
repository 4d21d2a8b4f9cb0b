# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages that need nothing from elsewhere. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2


def render_page(template: Path, page: Mapping[str, Any]) -> str:
    """Return a page, of a template of ours and its content. All text in it is made fit for HTML."""
    return _template(template).render(page=page)


@lru_cache(maxsize=4)
def _template(path: Path) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent), autoescape=True, trim_blocks=True, keep_trailing_newline=True
    )
    return environment.get_template(path.name)
