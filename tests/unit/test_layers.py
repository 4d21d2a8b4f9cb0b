# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""
Holds the rule of the house: imports go down only, and each thing is done in one place.

LAYERS is the rule; the first entry that fits a file counts. A new file below plugins/module_utils fails until it stands
there; a new API object in _resources/ and a new module do not need to.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = "ansible_collections.litemaas.virtual_keys"
UTILS = f"{OURS}.plugins.module_utils"
MODULE_LINES = 20
FILE_LINES = 300
# All that something without input and output needs of Python itself.
PURE = """
    __future__ abc base64 collections copy dataclasses datetime decimal enum functools hashlib hmac itertools json math
    operator re string textwrap types typing
"""


@dataclass(frozen=True)
class Layer:
    """What a file may import: of ours, of others, and of Python itself (None is all).

    Ours are names below module_utils, or plugin_utils.NAME.
    """

    ours: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    python: frozenset[str] | None = None


def layer(ours: str = "", others: str = "", python: str | None = None) -> Layer:
    of_python = None if python is None else frozenset(python.split())
    return Layer(frozenset(ours.split()), frozenset(others.split()), of_python)


def package(folder: str, files: tuple[str, ...], below: str) -> dict[str, Layer]:
    """The layers inside a package of ours, its files from the top down: each may import those below it."""
    dotted = folder.replace("/", ".")
    return {
        f"plugins/module_utils/{folder}/{name}": layer(" ".join([below, *(f"{dotted}.{lower}" for lower in files[n:])]))
        for n, name in enumerate(files, 1)
    }


# The files of what hands out keys, from the top down: each may use those below it.
HAND_OUT = "plugin_utils._hand_out"
BELOW_HAND_OUT = (
    "_errors _text plugin_utils._our_files plugin_utils._private_folder plugin_utils._variables plugin_utils._addresses"
)
HAND_OUT_FILES = ("_task", "_files", "_folder", "_variables", "_mail", "_formats", "_names", "_people", "_texts")
# The files of the workshop, likewise.
WORKSHOP = "plugin_utils._workshop"
BELOW_WORKSHOP = (
    "_errors _text _args _resources._key._declaration _resources._key._table plugin_utils._addresses "
    "plugin_utils._calls plugin_utils._changes plugin_utils._private_folder plugin_utils._registrations "
    f"plugin_utils._variables {HAND_OUT}._task {HAND_OUT}._files {HAND_OUT}._folder {HAND_OUT}._variables "
    f"{HAND_OUT}._people plugin_utils._usage._task plugin_utils._usage._variables"
)
WORKSHOP_FILES = (
    *(
        "_run",
        "_steps",
        "_raise",
        "_outliving",
        "_words",
        "_result",
        "_outcome",
        "_places",
        "_admins",
        "_team",
        "_declaration",
        "_trouble",
        "_teams",
        "_people",
    ),
    *("_options", "_variables"),
)
# The files of a key, from the top down: each may use those below it.
KEY_FILES = (
    "_kind",
    "_options_of",
    "_store",
    "_confirming",
    "_writing",
    "_checks",
    "_requests",
    "_reading",
    "_planning",
    "_rotation",
    "_teams",
    "_declaration",
    "_table",
)
CREDENTIAL_FILES = ("_kind", "_store", "_reading", "_planning", "_declaration", "_table")
MODEL_FILES = ("_kind", "_checks", "_losses", "_recreating", "_table")
POLICY_FILES = ("_kind", "_requests", "_table", "_attachments")
MCP_SERVER_FILES = ("_kind", "_checks", "_losses", "_reading", "_writing", "_table", "_credentials")
TEAM_MEMBERS_FILES = ("_kind", "_store", "_requests", "_table")
# The files of a whole platform, likewise.
PLATFORM_FILES = ("_task", "_options", "_undeclared", "_drift", "_run", "_entries", "_kinds")
BELOW_PLATFORM = (
    "_adopting _resources.* _module _results _batch _progress _args _proxy _intentions _listings _kind _engine "
    "_redaction _text _values _errors"
)
# What ordinary objects share, likewise.
CRUD_FILES = (
    "_budgets",
    "_shared_rows",
    "_object",
    "_store",
    "_limits",
    "_reading",
    "_definition",
    "_metadata",
    "_references",
    "_dependents",
    "_unlisted",
    "_entries",
    "_secret_entries",
    "_numbers",
    "_rows",
)
BELOW_CRUD = (
    "_adopting _fingerprints _intentions _proxy _listings _shapes _kind _engine _redaction _text _values _durations "
    "_errors"
)
BELOW_OBJECTS = f"_crud {BELOW_CRUD}"
LAYERS = {
    "plugins/action/litellm_workshop": layer(
        f"{WORKSHOP}.* plugin_utils._diff plugin_utils._role_action plugin_utils._templates plugin_utils._variables",
        others="ansible",
    ),
    "plugins/action/litellm_usage_report": layer(
        f"plugin_utils._usage.* plugin_utils._calls plugin_utils._registrations "
        f"plugin_utils._role_action plugin_utils._variables {HAND_OUT}._variables {WORKSHOP}._variables"
    ),
    "plugins/action/litellm_hand_out": layer(
        f"{HAND_OUT}.* plugin_utils._role_action plugin_utils._templates plugin_utils._variables {WORKSHOP}._variables"
    ),
    **{
        f"plugins/plugin_utils/_hand_out/{name}": layer(
            " ".join([BELOW_HAND_OUT, *(f"{HAND_OUT}.{lower}" for lower in HAND_OUT_FILES[n:])])
        )
        for n, name in enumerate(HAND_OUT_FILES, 1)
    },
    **{
        f"plugins/plugin_utils/_workshop/{name}": layer(
            " ".join([BELOW_WORKSHOP, *(f"{WORKSHOP}.{lower}" for lower in WORKSHOP_FILES[n:])])
        )
        for n, name in enumerate(WORKSHOP_FILES, 1)
    },
    "plugins/action/litellm_platform": layer("plugin_utils._platform.*"),
    "plugins/modules/litellm_platform": layer("_module _platform.*"),
    "plugins/plugin_utils/_platform/_action": layer(
        "_errors plugin_utils._diff plugin_utils._module_action plugin_utils._platform.*"
    ),
    "plugins/plugin_utils/_platform/_page": layer(
        "_text plugin_utils._our_files plugin_utils._pages plugin_utils._platform.*"
    ),
    "plugins/plugin_utils/_platform/_words": layer("_text plugin_utils._changes"),
    "plugins/plugin_utils/_pages": layer(others="jinja2"),
    "plugins/action/litellm_export": layer(
        "_errors plugin_utils._export._task plugin_utils._module_action plugin_utils._our_files"
    ),
    "plugins/plugin_utils/_export/_task": layer(
        "_errors _text plugin_utils._export._files plugin_utils._our_files plugin_utils._private_folder"
    ),
    "plugins/plugin_utils/_export/_files": layer("_text plugin_utils._export._yaml", python=PURE),
    "plugins/plugin_utils/_export/_yaml": layer(python=PURE),
    "plugins/plugin_utils/_variables": layer("_text _values", others="ansible yaml", python=f"{PURE} difflib"),
    "plugins/doc_fragments/*": layer(others="yaml", python="__future__ re"),
    "plugins/modules/litellm_export": layer("_module _export"),
    "plugins/modules/*": layer("_module _resources.*"),
    "plugins/action/*": layer("plugin_utils._module_action"),
    "plugins/plugin_utils/_module_action": layer(
        "_client _redaction _module plugin_utils._calls plugin_utils._shared_set plugin_utils._values_file",
        others="ansible",
    ),
    "plugins/plugin_utils/_shared_set": layer(python=f"{PURE} mmap"),
    "plugins/plugin_utils/_values_file": layer(
        "_errors plugin_utils._values_text plugin_utils._whole_file", others="ansible"
    ),
    "plugins/plugin_utils/_values_text": layer(others="yaml", python=PURE),
    "plugins/plugin_utils/_role_action": layer(
        "_errors plugin_utils._calls plugin_utils._module_action plugin_utils._registrations plugin_utils._variables",
        others="ansible",
    ),
    "plugins/plugin_utils/_registrations": layer(
        "_text plugin_utils._addresses plugin_utils._encodings", python=f"{PURE} csv io"
    ),
    "plugins/plugin_utils/_encodings": layer(python=f"{PURE} codecs"),
    "plugins/plugin_utils/_addresses": layer("_text", python=f"{PURE} unicodedata"),
    "plugins/plugin_utils/_our_files": layer("_errors plugin_utils._private_folder plugin_utils._whole_file"),
    "plugins/plugin_utils/_templates": layer("_errors", others="ansible jinja2"),
    "plugins/plugin_utils/_calls": layer("_args _errors plugin_utils._variables"),
    "plugins/plugin_utils/*": layer("_errors plugin_utils._whole_file", others="ansible yaml"),
    "plugins/plugin_utils/_usage/_task": layer(
        f"_errors _text plugin_utils._calls plugin_utils._our_files plugin_utils._usage.* plugin_utils._variables "
        f"{HAND_OUT}._texts"
    ),
    "plugins/plugin_utils/_usage/_page": layer(f"plugin_utils._pages plugin_utils._usage.* {HAND_OUT}._texts"),
    "plugins/plugin_utils/_usage/*": layer("_text _values plugin_utils._usage.* plugin_utils._variables"),
    "plugins/module_utils/_results": layer("_kind _engine _redaction _text _errors"),
    "plugins/module_utils/_export": layer("_adopting _platform._kinds _kind _text _errors", python=f"{PURE} fnmatch"),
    "plugins/module_utils/_module": layer(
        "_results _kind _engine _redaction _text _progress _batch _client _args _errors", others="ansible"
    ),
    "plugins/module_utils/_progress": layer("_batch"),
    "plugins/module_utils/_batch": layer("_kind _engine _text _errors"),
    **package("_resources/_key", KEY_FILES, BELOW_OBJECTS),
    **package("_resources/_credential", CREDENTIAL_FILES, BELOW_OBJECTS),
    **package("_resources/_model", MODEL_FILES, BELOW_OBJECTS),
    **package("_resources/_policy", POLICY_FILES, BELOW_OBJECTS),
    **package("_resources/_mcp_server", MCP_SERVER_FILES, BELOW_OBJECTS),
    **package("_resources/_team_members", TEAM_MEMBERS_FILES, BELOW_OBJECTS),
    "plugins/module_utils/_resources/*": layer(
        "_adopting _crud _fingerprints _kind.ArgumentSpec _kind.Client _engine _redaction _text _values _durations "
        "_errors _proxy _listings _shapes"
    ),
    **package("_platform", PLATFORM_FILES, BELOW_PLATFORM),
    "plugins/module_utils/_platform/_entries": layer(f"_platform._kinds {BELOW_PLATFORM}", others="ansible"),
    **package("_crud", CRUD_FILES, BELOW_CRUD),
    "plugins/module_utils/_proxy": layer("_intentions _kind _listings _shapes _values _errors"),
    "plugins/module_utils/_listings": layer("_shapes _errors", python=PURE),
    "plugins/module_utils/_shapes": layer("_values _errors", python=PURE),
    "plugins/module_utils/_adopting": layer("_kind _proxy _engine _redaction _values _errors"),
    "plugins/module_utils/_kind": layer("_engine _listings _text"),
    "plugins/module_utils/_intentions": layer("_listings", python=PURE),
    "plugins/module_utils/_client": layer(
        "_advice _clock _redaction _refusals _text _transport _errors", others="requests urllib3"
    ),
    "plugins/module_utils/_transport": layer("_environment", others="requests urllib3"),
    "plugins/module_utils/_clock": layer(python=f"email threading {PURE}"),
    "plugins/module_utils/_refusals": layer(python=f"ast {PURE}"),
    "plugins/module_utils/_advice": layer(python=PURE),
    "plugins/module_utils/_engine": layer("_redaction _text _values _errors", python=PURE),
    "plugins/module_utils/_values": layer(python=PURE),
    "plugins/module_utils/_fingerprints": layer("_redaction", python=f"contextlib secrets {PURE}"),
    "plugins/module_utils/_redaction": layer("_text", python=f"ast threading urllib {PURE}"),
    "plugins/module_utils/_text": layer(python=f"unicodedata {PURE}"),
    "plugins/module_utils/_durations": layer(python=f"calendar {PURE}"),
    "plugins/module_utils/_args": layer("_environment", others="ansible"),
    "plugins/module_utils/_environment": layer(python=f"ipaddress os urllib {PURE}"),
    "plugins/module_utils/_errors": layer("_text"),
}


def plugin_files(root: Path) -> list[PurePosixPath]:
    found = (root / "plugins").rglob("*.py")
    return sorted(PurePosixPath(path.relative_to(root)) for path in found if path.stat().st_size)


def imports(root: Path, file: PurePosixPath) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of all that a file imports, wherever in the file."""
    package = (OURS, *file.parts[:-1])
    for node in ast.walk(ast.parse((root / file).read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*up, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def allows(rule: Layer, name: str) -> bool:
    if name.startswith((f"{UTILS}.", f"{OURS}.plugins.plugin_utils.")):
        # "_client.Client" and "_client" are both of _client.
        short = name.removeprefix(f"{UTILS}.").removeprefix(f"{OURS}.plugins.")
        inside = PurePosixPath(short.replace(".", "/"))
        return any(part.match(i.replace(".", "/")) for part in (inside, *inside.parents) for i in rule.ours)
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return rule.python is None or top in rule.python
    return top in rule.others


def faults(root: Path) -> list[str]:
    """One sentence for each import that breaks the rule, and for each file that it does not know."""
    found = []
    for file in plugin_files(root):
        rule = next((rule for name, rule in LAYERS.items() if file.match(f"{name}.py")), None)
        if rule is None:
            found.append(f"{file} is in no layer: give it one in tests/unit/test_layers.py")
            continue
        for line, name in imports(root, file):
            if not allows(rule, name):
                found.append(f"{file}:{line} must not import {name}")
            elif name == "ansible.module_utils.basic.AnsibleModule" and file.stem != "_module":
                found.append(f"{file}:{line}: only _module may use AnsibleModule")
    return found


def code_lines(source: str) -> int:
    """Lines that are neither blank, nor comment, nor documentation, nor the table of an object."""
    documentation: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        targets = [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]
        is_table = isinstance(node, ast.Assign) and getattr(getattr(node.value, "func", None), "id", "") == "Resource"
        if is_table or (isinstance(node, ast.Assign) and {"DOCUMENTATION", "EXAMPLES", "RETURN"} & set(targets)):
            documentation |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = ((number, line.strip()) for number, line in enumerate(source.splitlines(), 1))
    return sum(1 for number, line in lines if line and not line.startswith("#") and number not in documentation)


def module_names() -> list[str]:
    return sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py"))


def test_imports_go_down_only() -> None:
    assert faults(ROOT) == []


@pytest.mark.parametrize(
    ("file", "source", "fault"),
    [
        ("modules/litellm_x.py", "from ..module_utils._client import Client", "must not import"),
        ("modules/litellm_x.py", "from ..module_utils import _engine", "must not import"),
        ("modules/litellm_x.py", "from ansible.module_utils.basic import AnsibleModule", "must not import"),
        ("modules/litellm_x.py", "from .litellm_key import main", "must not import"),
        ("doc_fragments/_x.py", "import os", "must not import"),
        ("module_utils/_new.py", "x = 1", "is in no layer"),
        ("module_utils/_resources/deeper/_x.py", "x = 1", "is in no layer"),
        ("module_utils/_resources/_x.py", "from ._key._table import KEY", "must not import"),
        ("module_utils/_resources/_x.py", "from ._y import Y", "must not import"),
        ("module_utils/_resources/_x.py", "from .._kind import Kind", "must not import"),
        ("module_utils/_crud/_new.py", "x = 1", "is in no layer"),
        ("module_utils/_crud/_definition.py", "from ._store import ObjectStore", "must not import"),
        ("module_utils/_crud/_store.py", "from .._resources._key._table import KEY", "must not import"),
        ("module_utils/_resources/_key/_new.py", "x = 1", "is in no layer"),
        ("module_utils/_resources/_key/_table.py", "from ._store import KeyStore", "must not import"),
        ("module_utils/_resources/_credential/_store.py", "from .._key._table import token_of", "must not import"),
        ("module_utils/_args.py", "from ansible.module_utils.basic import AnsibleModule", "only _module"),
        ("module_utils/_args.py", "from ._errors import ApiError", "must not import"),
        ("module_utils/_module.py", "import requests", "must not import"),
        ("module_utils/_module.py", "from ._resources import _key", "must not import"),
        ("module_utils/_batch.py", "from . import _client", "must not import"),
        ("module_utils/_client.py", f"from {UTILS}._engine import make_plan", "must not import"),
        ("module_utils/_client.py", "import ansible.module_utils.common", "must not import"),
        ("module_utils/_engine.py", "def f():\n    from time import sleep", "must not import"),
        ("module_utils/_engine.py", "import os.path", "must not import"),
        ("module_utils/_errors.py", f"import {UTILS}._engine", "must not import"),
        ("module_utils/_resources/_x.py", "from .._client import Client", "must not import"),
    ],
)
def test_the_rule_finds_what_breaks_it(tmp_path: Path, file: str, source: str, fault: str) -> None:
    target = tmp_path / "plugins" / file
    target.parent.mkdir(parents=True)
    target.write_text(source)
    assert [fault in sentence for sentence in faults(tmp_path)] == [True]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("modules/litellm_x.py", f"import sys\nfrom {UTILS}._module import run\nfrom {UTILS}._resources._x import X"),
        ("modules/litellm_x.py", "from ..module_utils._resources import _x"),
        ("module_utils/_module.py", "from ansible.module_utils.basic import AnsibleModule\nfrom . import _batch"),
        ("module_utils/_client.py", "import requests, time\nfrom ._errors import ApiError"),
        ("module_utils/_engine.py", "from __future__ import annotations\nfrom ._errors import ApiError\nimport re"),
        ("module_utils/_resources/_x.py", "from .._engine import Field\nfrom .. import _errors"),
        ("module_utils/_resources/_x.py", "from .._crud._object import CrudObject"),
    ],
)
def test_the_rule_lets_pass_what_keeps_it(tmp_path: Path, file: str, source: str) -> None:
    target = tmp_path / "plugins" / file
    target.parent.mkdir(parents=True)
    target.write_text(source)
    assert faults(tmp_path) == []


@pytest.mark.parametrize("name", module_names())
def test_a_module_is_documentation_and_little_more(name: str) -> None:
    assert code_lines((ROOT / "plugins" / "modules" / f"{name}.py").read_text()) <= MODULE_LINES


@pytest.mark.parametrize("file", plugin_files(ROOT), ids=str)
def test_a_file_has_one_job_and_so_few_lines(file: PurePosixPath) -> None:
    assert code_lines((ROOT / file).read_text()) <= FILE_LINES


def test_documentation_comments_and_blank_lines_are_not_counted() -> None:
    assert code_lines('# one\n\nDOCUMENTATION = r"""\na\n\nb\n"""\nEXAMPLES = ""\nRETURN = ""\nx = 1\n\n\ny = 2\n') == 2
    assert code_lines('class ModuleDocFragment:\n    DOCUMENTATION = r"""\n    a\n    """\n') == 1


def modules_of_the_proxy() -> set[str]:
    """All but those that only write files, and so have no use for the options of a connection."""
    return {
        name
        for name in module_names()
        if re.search(r"litemaas\.virtual_keys\._connection", (ROOT / "plugins" / "modules" / f"{name}.py").read_text())
    }


def test_the_action_group_holds_every_module_of_the_proxy() -> None:
    group = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["litellm"]
    assert set(group) == modules_of_the_proxy(), "the action group litellm of meta/runtime.yml must hold exactly these"


def test_the_one_action_carries_out_every_module_of_the_proxy() -> None:
    actions = list((ROOT / "plugins" / "action").glob("*.py"))
    assert {path.stem for path in actions} == set(module_names())
    imported = f"{OURS}.plugins.plugin_utils._module_action import ActionModule\n"
    own = {
        path.stem
        for path in actions
        if re.search(
            r"_role_action import RoleAction\n|_module_action import ModuleCaller\n|_action import ActionModule\n",
            path.read_text().replace(imported, ""),
        )
    }
    assert {path.stem for path in actions if imported in path.read_text()} == modules_of_the_proxy() - own


# What no single file answers for.
ACROSS = {"action/test_wrong_answers.py", "modules/test_rows.py", "modules/test_secrets.py"}
# Parts of the tests of a file that is named in them.
PARTS = {
    "_workshop/test_end.py",
    "_key/test_faults.py",
    "_key/test_ledger.py",
    "_hand_out/test_nobody_else.py",
    "_usage/test_report.py",
}


def test_each_unit_test_has_the_name_of_what_it_tests() -> None:
    plugins, tests = ROOT / "plugins", ROOT / "tests" / "unit" / "plugins"
    found = [path.relative_to(tests) for path in sorted(tests.rglob("test_*.py"))]
    named = [path for path in found if str(path) not in ACROSS and "/".join(path.parts[-2:]) not in PARTS]
    sources = {path: path.name.removeprefix("test_") for path in named}
    lost = [
        str(path)
        for path, name in sources.items()
        if not any((plugins / path.parent / source).is_file() for source in (name, f"_{name}"))
    ]
    assert lost == []
