# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors

"""Print what the installed litellm[proxy] requires here, one requirement a line; runs with LiteLLM's Python.

It must not require anything else, so it uses the parser of requirements that pip brings.
"""

from importlib.metadata import requires

from pip._vendor.packaging.requirements import Requirement

for line in requires("litellm"):
    requirement = Requirement(line)
    if requirement.marker is None or requirement.marker.evaluate({"extra": "proxy"}):
        requirement.marker = None
        print(requirement)
