# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the files of a new API object, with a line that begins with GAP: where something is left to write.

tests/unit/test_gaps.py fails until no such line is left, and names each. All other unit tests pass.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).resolve().parent / "templates"
SECTION = """\
## $Things

The options are those of `litellm_$name`.

| field of the API | here |
|---|---|
| `${name}_id` | `${name}_id` |
| GAP: Map the fields of the API, of Terraform, and of the operator. | |

"""
ENDPOINTS = """\
| `POST /$name/new`, `POST /$name/update` | `litellm_$name` |
| `POST /$name/delete` | `state: absent` of `litellm_$name` |
| `GET /$name/info`, `GET /$name/list` | `litellm_${name}_info` |
"""
MODULES = "| $Things | `litellm_$name`, `litellm_${name}_info` |\n"
ACTIONS = "    - litellm_$name\n    - litellm_${name}_info\n"
# What is inserted into existing files: before which line.
INSERTED = {
    "README.md": [(MODULES, r"^\| Credentials of providers ")],
    "docs/mapping.md": [(SECTION, r"^## API$"), (ENDPOINTS, r"^$\n\[Options\]\(options.md\) lists the fields of ")],
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="new_object", description=__doc__)
    parser.add_argument("name", help="what the object is called in the singular, such as vector_store")
    name = parser.parse_args().name
    if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        parser.error(f"{name} must consist of lowercase letters, digits, and underscores, such as vector_store.")
    if list((ROOT / "plugins" / "module_utils" / "_resources").glob(f"_{name}*")):
        parser.error(f"{name} exists already.")
    words = words_of(name)
    for template in sorted(TEMPLATES.rglob("*.template")):
        path = ROOT / str(template.relative_to(TEMPLATES)).removesuffix(".template").replace("NAME", name)
        path.write_text(Template(template.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    for file, parts in INSERTED.items():
        for text, before in parts:
            insert(ROOT / file, Template(text).substitute(words), before)
    insert_sorted(ROOT / "meta" / "runtime.yml", Template(ACTIONS).substitute(words))
    subprocess.run([sys.executable, "-m", "tests.tooling.options_page"], cwd=ROOT, check=True)
    print("Run ./tests/run unit -- -k left_to_write to see what is left to write.")


def words_of(name: str) -> dict[str, str]:
    """The words by which templates call an object, of its name."""
    thing = name.replace("_", " ")
    (version,) = re.findall(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return {
        "name": name,
        "plural": f"{name}s",
        "thing": thing,
        "Things": f"{thing.capitalize()}s",
        "a": "an" if name[0] in "aeiou" else "a",
        "class": "".join(part.capitalize() for part in name.split("_")),
        "constant": name.upper(),
        "version": version,
        # ansible-test accepts it in no other file than a module.
        "shebang": "#!/usr/bin/python",
    }


def insert(path: Path, text: str, before: str) -> None:
    """Insert a text into a file before what matches."""
    content = path.read_text(encoding="utf-8")
    (place,) = (match.start() for match in re.finditer(before, content, re.MULTILINE))
    path.write_text(content[:place] + text + content[place:], encoding="utf-8")
    print(f"changed {path.relative_to(ROOT)}")


def insert_sorted(path: Path, entries: str) -> None:
    """Insert entries into the list at the end of a YAML file, in the order of the alphabet."""
    head, last, body = path.read_text(encoding="utf-8").rpartition("  litellm:\n")
    lines = sorted((body + entries).splitlines())
    path.write_text(head + last + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"changed {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
