# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One workshop on two proxies, as docs/several_proxies.md shows it."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.tooling.sandbox import started
from ansible_collections.litemaas.virtual_keys.tests.tooling.server import token_of

from ..conftest import ROOT, Sandbox, described

PAGE = (ROOT / "docs" / "several_proxies.md").read_text(encoding="utf-8")
INVENTORY, PLAY = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
BERLIN, PARIS = re.findall(r"^```csv\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def other() -> Iterator[Sandbox]:
    """A second proxy. SECOND_SANDBOX_JSON can describe one that is running."""
    with ExitStack() as until:
        given = os.environ.get("SECOND_SANDBOX_JSON")
        path = Path(given) if given else until.enter_context(started())
        yield until.enter_context(described(path))


@pytest.mark.long
def test_one_workshop_on_two_proxies(sandbox, other, play, alias, tmp_path):
    (tmp_path / "gateways.yml").write_text(INVENTORY)
    (tmp_path / "berlin.csv").write_text(BERLIN)
    (tmp_path / "paris.csv").write_text(PARIS)
    (tmp_path / "workshop.yml").write_text(PLAY.replace("python-course", alias))
    env = {
        "BERLIN_URL": sandbox.api_url, "BERLIN_KEY": sandbox.master_key,
        "PARIS_URL": other.api_url, "PARIS_KEY": other.master_key,
    }  # fmt: skip

    def run() -> int:
        done = play(
            "-i", "gateways.yml", "--forks", "4", "workshop.yml", cwd=tmp_path, env=env, secret=(other.master_key,)
        )
        assert done.rc == 0, done.messages
        assert "5 keys, 0.0 USD." in done.output
        return done.changed

    try:
        assert run() > 0
        berlin, paris = sandbox.keys(alias), other.keys(alias)
        assert (len(berlin), len(paris)) == (3, 2) and not berlin.keys() & paris.keys()
        keys = {row["alias"]: row for row in csv.DictReader((tmp_path / alias / "all.csv").read_text().splitlines())}
        for proxy, rows, folder in ((sandbox, berlin, "berlin"), (other, paris, "paris")):
            file = yaml.safe_load((tmp_path / alias / folder / "values.yml").read_text())
            for name, row in rows.items():
                value = file["litellm_vkey_values"][name]
                assert keys.pop(name) == {"alias": name, "key": value, "base_url": f"{proxy.api_url}/v1"}
                assert token_of(value) == row["token"]
        assert keys == {}
        assert run() == 0

        # Ben moves from Paris to Berlin.
        ben = PARIS.splitlines()[1]
        (tmp_path / "paris.csv").write_text(PARIS.replace(ben + "\n", ""))
        (tmp_path / "berlin.csv").write_text(BERLIN + ben + "\n")
        assert run() > 0
        assert sandbox.keys(alias).keys() == {*berlin, *(name for name in paris if "ben" in name)}
        assert other.keys(alias).keys() == {name for name in paris if "ben" not in name}

        # Nothing is done for somebody who is in both files.
        (tmp_path / "paris.csv").write_text(PARIS)
        done = play("-i", "gateways.yml", "workshop.yml", cwd=tmp_path, env=env, secret=(other.master_key,))
        assert done.rc != 0 and "ben@example.org is in" in done.output and len(other.keys(alias)) == 1
    finally:
        tokens = [row["token"] for row in other.keys(alias).values()]
        if tokens:
            other.call("POST", "/key/delete", {"keys": tokens}).raise_for_status()
