# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""Makes the checkout importable as ansible_collections.litemaas.virtual_keys, whatever its folder is called."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

ROOT = Path(__file__).resolve().parents[1]
MEMBER = Path("ansible_collections", "litemaas", "virtual_keys")


def pytest_configure(config: pytest.Config) -> None:
    """Put a link to the checkout on the collections path, for this process and those it starts."""
    known = [Path(path) for path in os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(os.pathsep) if path]
    # So it is in a worker of pytest-xdist, and under ansible-test, which has installed a finder of its own.
    if not any((path / MEMBER).resolve() == ROOT for path in known):
        folder = tempfile.TemporaryDirectory(prefix="virtual_keys-")
        config.add_cleanup(folder.cleanup)
        link = Path(folder.name) / MEMBER
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT, target_is_directory=True)
        known.insert(0, Path(folder.name))
        os.environ["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(map(str, known))
    try:
        import ansible_collections.litemaas.virtual_keys  # noqa: F401
    except ImportError:
        _AnsibleCollectionFinder([str(path) for path in known])._install()
