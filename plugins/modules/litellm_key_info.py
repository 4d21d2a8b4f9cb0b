#!/usr/bin/python
# Copyright: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key_info import KEY_INFO


def main() -> None:
    run_info(KEY_INFO)


if __name__ == "__main__":
    main()
