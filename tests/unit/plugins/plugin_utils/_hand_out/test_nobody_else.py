# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever is on the roster, everybody gets what is theirs, and nobody gets what is somebody else's."""

from __future__ import annotations

import csv
import email
import email.policy
import hashlib
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._formats import FORMATS
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._names import file_names, secret_names
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._task import hand_out
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._variables import VARIABLES
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._templates import Templates
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import (
    Source,
    Variable,
    VariableError,
    Variables,
)
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._declaration import declare
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES as WORKSHOP
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

MINE = "{{ person.seat | default('') }}|{{ person.key }}|{{ person.alias }}"
# What strangers call themselves: like each other, like files, like what is made up, like headers and separators.
LETTERS = st.text(st.sampled_from("aAnäÄß\u0308é. -_~@/\\\0\n\r\t'\"<>&{}%=?,;:0\u202e\uff20"), min_size=1, max_size=12)
LIKE_OTHERS = st.sampled_from(
    [
        *("ann", "Ann", "ANN", "ann ", "a~b", "con", "nul", "..", ".", "a" * 90, "../ann", "env", "keys.json"),
        *("Ännä", "A\u0308nna\u0308", "anna", "weiß", "weiss", "ann@x.org", "=?utf-8?q?=0ABcc:_e=40x.org?="),
    ]
)


def variants(user: str) -> list[str]:
    """Who could be taken for somebody: in another case, another form of Unicode, or called as their file or Secret."""
    alias = f"w-{user}"
    person = {"user": user, "alias": alias}
    made_up = [file_names([person])[alias], secret_names([person])[alias].removeprefix("litellm-key-w-")]
    return [
        user,
        user.upper(),
        unicodedata.normalize("NFD", user),
        *made_up,
        *(name.replace("~", "-") for name in made_up),
    ]


def rosters(users: list[str]) -> st.SearchStrategy[Any]:
    """The people of a first run, and those who join later, all from few names that are nearly the same."""
    name = st.sampled_from([variant for user in users for variant in variants(user)])
    people = st.lists(st.tuples(name, name, name, st.none() | name), min_size=1, max_size=6)
    return st.tuples(people, people)


ROSTERS = st.lists(LETTERS | LIKE_OTHERS, min_size=1, max_size=3).flatmap(rosters)


def accepted(people: list[tuple[str, str, str, str | None]]) -> list[dict[str, Any]]:
    """The people as entries of a result, if the roster is accepted."""
    table = [["user", "name", "seat", "email"], *([*person[:3], person[3] or ""] for person in people)]
    text = "\n".join(",".join('"{}"'.format(cell.replace('"', '""')) for cell in row) for row in table)
    given = {"alias": "w", "models": ["gpt-4"], "users_file": "people.csv"}
    try:
        roster = declare(Variables(WORKSHOP, Source(given, "litellm_vkey_")), lambda _path: text.encode()).people
    except VariableError:
        return []
    return [
        {
            **person.described(),
            "key": (key := f"sk-{hashlib.sha256(person.alias.encode()).hexdigest()}"),
            "key_id": hashlib.sha256(key.encode()).hexdigest(),
            "action": "create",
            "error": None,
        }
        for person in roster
    ]


def run(folder: Path, people: list[dict[str, Any]], template: str = "") -> None:
    given = {
        "alias": "w",
        "output_dir": str(folder),
        "output_formats": list(FORMATS),
        "output_mail_from": "ada@example.org",
        "output_env_template": template,
    }
    variables = Variables((*VARIABLES, Variable("alias")), Source(given, "litellm_vkey_"))
    result = {"api_base_url": "https://a/v1", "models": ["gpt-4"], "state": "present", "users": people}
    render = Templates(Templar(DataLoader(), {}), lambda _kind, path: path, {})
    hand_out(result, variables, render, check_mode=False)


def key_of(text: str) -> set[str]:
    """The values in a text."""
    return set(re.findall(r"sk-[0-9a-f]{64}", text))


@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(both=ROSTERS, own=st.booleans())
def test_everybody_has_files_of_their_own(tmp_path_factory: pytest.TempPathFactory, both: Any, own: bool) -> None:
    first, later = both
    before, everybody = accepted(first), accepted([*first, *later])
    assume(before)
    folder = tmp_path_factory.mktemp("course")
    mine = folder / "mine.j2"
    mine.write_text(MINE)
    out = folder / "out"
    run(out, before, str(mine) if own else "")
    early = {path: path.read_text() for path in out.rglob("*.env")}
    people = everybody or before
    run(out, people, str(mine) if own else "")

    keys = {person["key"]: person for person in people}
    listed = json.loads((out / "keys.json").read_text())
    assert [person["key"] for person in listed] == list(keys)
    assert len({person["alias"] for person in listed}) == len({one["user"].lower() for one in listed}) == len(keys)
    with (out / "keys.csv").open(newline="", encoding="utf-8-sig") as file:
        assert [row["key"] for row in csv.DictReader(file)] == list(keys)
    slips = re.split(r'<section class="slip">', (out / "slips.html").read_text())[1:]
    assert [key_of(re.sub("<.*?>", "", slip)) for slip in slips] == [{key} for key in keys]

    for kind in ("env", "kubernetes", "mail"):
        files = sorted((out / kind).glob("*")) if (out / kind).exists() else []
        assert len({unicodedata.normalize("NFC", file.name).lower() for file in files}) == len(files)
        found = [key_of(file.read_bytes().replace(b"=\r\n", b"").decode()) for file in files]
        assert all(len(one) == 1 for one in found)
        assert len(set.union(set(), *found)) == len(files)
        if kind != "mail":
            assert set.union(*found) == set(keys)
    # Whoever joins later takes nobody's file.
    assert {path: path.read_text() for path in early} == early

    manifests = [yaml.safe_load(file.read_text()) for file in (out / "kubernetes").iterdir()]
    assert len({manifest["metadata"]["name"] for manifest in manifests}) == len(keys)
    for manifest in manifests:
        assert manifest["metadata"]["annotations"]["litellm-key-alias"] == keys[manifest["stringData"]["key"]]["alias"]
    for file in (out / "mail").glob("*"):
        mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        (to,) = mail["To"].addresses
        person = keys[next(iter(key_of(mail.get_content())))]
        assert to.addr_spec in (person.get("email"), person["user_id"], person["user"]) and not mail["Bcc"]
