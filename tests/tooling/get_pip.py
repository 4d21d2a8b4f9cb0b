# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""
Stand-in for the script that ansible-test downloads to put pip into its environments.

ansible-test takes a script of this kind from its cache before it looks for one on the network. This one starts from the
pip that comes with Python and installs the wanted version from the index that pip is configured for.
"""

from __future__ import annotations

import subprocess
import sys

# --no-setuptools and --no-wheel are options of the original alone.
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
subprocess.run([sys.executable, "-m", "pip", "install", *arguments], check=True)
