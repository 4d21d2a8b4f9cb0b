# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of variables that nearly are those of the collection's roles. Private: only for use inside this collection.

Ansible ignores a variable that nobody reads: a typo in that of a budget gives unlimited keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import yaml

from ._variables import VariableError, did_you_mean, nearest

PREFIX = "litellm_vkey_"
ROLES = Path(__file__).resolve().parents[2] / "roles"
# What the roles set, and what a file with the values of keys holds.
SET = ("result", "usage", "values", "values_pending", "values_proxy")
LIKELY = 0.75


@lru_cache(maxsize=1)
def known_names() -> tuple[str, ...]:
    """The variables of all roles, as their argument specs have them, without the prefix."""
    found = set(SET)
    for file in ROLES.glob("*/meta/argument_specs.yml"):
        spec = yaml.safe_load(file.read_text(encoding="utf-8"))["argument_specs"]["main"]
        found |= {name[len(PREFIX) :] for name in spec["options"] if name.startswith(PREFIX)}
    return tuple(sorted(found))


def refuse_likely_typos(names: Iterable[str]) -> None:
    """Refuse variables that are none of the roles' but nearly so. Others are the user's own."""
    for name in sorted(names):
        short = name[len(PREFIX) :]
        meant = None if short in known_names() else nearest(short, known_names(), LIKELY)
        if meant:
            raise VariableError(f"{name} is not a variable of this collection{did_you_mean(PREFIX + meant)}")
