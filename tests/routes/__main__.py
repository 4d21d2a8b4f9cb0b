# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries what keys of each type can do on the sandboxes that SANDBOX_JSON names, and prints it as a table.

The result of each version is kept in .build/routes, and the table is about all versions that have one.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tooling.checkout import BUILD

from routes.measuring import Measured, measure
from routes.report import put, routes, tables
from routes.server import Server

RESULTS = BUILD / "routes"


def main() -> int:
    parser = argparse.ArgumentParser(prog="routes", description=__doc__)
    parser.add_argument("--sweep", action="store_true", help="also try all routes; takes minutes for each version")
    parser.add_argument("--markdown", type=Path, help="a page in which to renew the tables, such as docs/secrets.md")
    given = parser.parse_args()
    states = [Path(one) for one in os.environ.get("SANDBOX_JSON", "").split(os.pathsep) if one]
    if not states:
        parser.error("SANDBOX_JSON is not set: run ./tests/run routes, or see tests/routes/README.md.")
    for server in map(Server.described_in, states):
        one = measure(server, sweep=given.sweep)
        one.write(RESULTS)
        if given.sweep:
            (RESULTS / f"{one.version}.csv").write_text(routes(one), encoding="utf-8")
        print(f"Measured LiteLLM {one.version}.", file=sys.stderr, flush=True)
    measured = Measured.all_in(RESULTS)
    print(tables(measured))
    if given.markdown:
        put(measured, " ".join(["./tests/run routes --", *map(shlex.quote, sys.argv[1:])]), given.markdown)
    return _check_updates(measured)


def _check_updates(measured: list[Measured]) -> int:
    """Return 1, and say where, if a key that was bound by an update can do something else than one of that type."""
    different = [
        f"LiteLLM {one.version}: {key_type}, {role}"
        for one in measured
        for key_type, roles in one.updated.items()
        for role, able in roles.items()
        if able != one.answers[key_type][role]
    ]
    print("\n".join(f"Not as a key of that type: {one}" for one in different), end="", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
