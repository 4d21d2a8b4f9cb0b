# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors

"""Merge the sandbox's configuration with the user's additions; runs with LiteLLM's Python, which has PyYAML.

Reads {"base": mapping, "extra": YAML text} as JSON from stdin and writes YAML to stdout.
"""

import json
import sys

import yaml


def merge(base, extra):
    """Merge two mappings deeply; a list of models is appended, anything else is replaced."""
    merged = dict(base)
    for name, value in extra.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = merge(merged[name], value)
        elif name == "model_list" and isinstance(merged.get(name), list):
            merged[name] = merged[name] + list(value or [])
        else:
            merged[name] = value
    return merged


def main():
    """Merge what comes on stdin."""
    request = json.load(sys.stdin)
    try:
        extra = yaml.safe_load(request["extra"] or "") or {}
    except yaml.YAMLError as error:
        sys.exit("it is not valid YAML: " + " ".join(str(error).split()))
    if not isinstance(extra, dict):
        sys.exit("it is not a mapping")
    yaml.safe_dump(merge(request["base"], extra), sys.stdout, sort_keys=False, explicit_start=True)


if __name__ == "__main__":
    main()
