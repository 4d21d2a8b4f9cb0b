# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a values file, which changes entry by entry. Pure. Private: only for use inside this collection.

What else stands in the file is the user's: comments, further variables, and lines that did not change stay as they are,
to the byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

VALUES, PENDING, PROXY = "litellm_vkey_values", "litellm_vkey_values_pending", "litellm_vkey_values_proxy"
HEADER = "# Values of virtual keys. Anyone who can read this file can use the keys.\n---\n"
# How YAML names a part of a file, or gives it a type.
MARKS = ("&", "*", "!")


class DamagedError(ValueError):
    """The text is not that of a values file."""


class UnkeepableError(ValueError):
    """The text has something that the next change would destroy. The text is a sentence that names the line."""


@dataclass
class Piece:
    """Lines of the file that belong together.

    :param variable: the variable of ours that they belong to, None for lines of the user.
    :param alias: the key whose entry they are, None for the line that names the variable.
    """

    text: str = field(repr=False)
    variable: str | None = None
    alias: str | None = None


class ValuesText:
    """The text of a values file, and what it says.

    :param text: of the file; of a new one if there is none.
    :ivar values: the value of each key by its alias.
    :ivar pending: the values that each key may have.
    :ivar proxy: the address of the proxy, None if the file does not name it.

    :raises DamagedError: if it is not the text of a values file.
    :raises UnkeepableError: if not all of it would survive a change.
    """

    def __init__(self, text: str | None = None) -> None:
        self.values: dict[str, str] = {}
        self.pending: dict[str, list[str]] = {}
        self.proxy: str | None = None
        self._text = text if text is not None else f"{HEADER}{VALUES}: {{}}\n"
        self._indent = dict.fromkeys((VALUES, PENDING), 2)
        self._pieces = list(self._parse())

    def change(self, values: Mapping[str, str], pending: Mapping[str, list[str]], proxy: str) -> str:
        """Return the whole text with other entries."""
        self._set(VALUES, values, self.values)
        self._set(PENDING, pending, self.pending)
        if self.proxy is None:
            self._pieces.insert(self._end(), Piece(_dump({PROXY: proxy}), PROXY))
        self.values, self.proxy = dict(values), proxy
        self.pending = {alias: list(some) for alias, some in pending.items()}
        return "".join(piece.text for piece in self._pieces)

    # From the text

    def _parse(self) -> Iterator[Piece]:
        text = self._text if self._text.endswith("\n") else f"{self._text}\n"
        lines = text.splitlines(keepends=True)
        done = 0
        for key, value in _variables(text):
            first, last = key.start_mark.line, _last_line(value) if value.start_mark.index else key.end_mark.line
            yield from (Piece(line) for line in lines[done:first])
            yield from self._variable(text, lines, key, value)
            done = max(first, last) + 1
        yield from (Piece(line) for line in lines[done:])

    def _variable(self, text: str, lines: list[str], key: Any, value: Any) -> Iterator[Piece]:
        name = key.value
        if name == PROXY:
            self.proxy = _scalar(text, value)
            yield Piece("".join(lines[key.start_mark.line : _last_line(value) + 1]), name)
            return
        read: Callable[[str, Any], Any] = _scalar if name == VALUES else _scalars
        found: dict[str, Any] = self.values if name == VALUES else self.pending
        entries = _entries(value)
        for alias, entry in entries:
            if alias.value in found:
                raise UnkeepableError(f"{name} has '{alias.value}' twice, the second time in {_line(alias)}")
            found[_scalar(text, alias)] = read(text, entry)
        colon = text.index(":", key.end_mark.index) + 1
        start = text.rfind("\n", 0, key.start_mark.index) + 1
        if entries and not value.flow_style:
            yield Piece(f"{text[start:colon]}{_rest_of_line(text, colon)}", name)
            yield from self._block(lines, key, entries)
            return
        if "#" in text[colon : value.end_mark.index]:
            raise UnkeepableError(f"{name} has a comment between braces, in {_line(value)}")
        empty = "" if entries else " {}"
        yield Piece(f"{text[start:colon]}{empty}{_rest_of_line(text, value.end_mark.index)}", name)
        yield from (Piece(self._entry(name, alias, found[alias]), name, alias) for alias in sorted(found))

    def _block(self, lines: list[str], key: Any, entries: list[tuple[Any, Any]]) -> Iterator[Piece]:
        """Return the entries of a variable that has each of them on lines of its own."""
        self._indent[key.value] = _indent(lines[entries[0][0].start_mark.line])
        done = key.start_mark.line + 1
        for alias, entry in entries:
            first, last = alias.start_mark.line, _last_line(entry) + 1
            yield from (Piece(line) for line in lines[done:first])
            yield Piece("".join(lines[first:last]), key.value, alias.value)
            done = last

    # To the text

    def _set(self, name: str, wanted: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Make the entries of a variable those that are wanted."""
        if wanted == before:
            return
        header = next((piece for piece in self._pieces if (piece.variable, piece.alias) == (name, None)), None)
        if header is None:
            header = Piece(f"{name}: {{}}\n", name)
            self._pieces.insert(self._end(), header)
        if bool(wanted) != bool(before):
            colon = header.text.index(":") + 1
            rest = header.text[colon:].removeprefix(" {}")
            header.text = f"{header.text[:colon]}{'' if wanted else ' {}'}{rest}"
        pieces = []
        for piece in self._pieces:
            alias = piece.alias
            if piece.variable == name and alias is not None:
                if alias not in wanted:
                    continue
                if wanted[alias] != before[alias]:
                    piece.text = self._entry(name, alias, wanted[alias])
            if piece is not header or wanted or name == VALUES:
                pieces.append(piece)
        self._pieces = pieces
        self._insert(name, header, {alias: entry for alias, entry in wanted.items() if alias not in before})

    def _insert(self, name: str, header: Piece, new: Mapping[str, Any]) -> None:
        """Put new entries among the others, in the order of the aliases."""
        there = [piece for piece in self._pieces if piece.variable == name and piece.alias is not None]
        waiting = sorted(new, reverse=True)
        pieces = []
        for piece in self._pieces:
            is_entry = piece.variable == name and piece.alias is not None
            while is_entry and waiting and waiting[-1] < str(piece.alias):
                pieces.append(self._new(name, waiting.pop(), new))
            pieces.append(piece)
            if piece is (there[-1] if there else header):
                pieces += [self._new(name, alias, new) for alias in reversed(waiting)]
        self._pieces = pieces

    def _new(self, name: str, alias: str, entries: Mapping[str, Any]) -> Piece:
        return Piece(self._entry(name, alias, entries[alias]), name, alias)

    def _entry(self, name: str, alias: str, entry: Any) -> str:
        indent = " " * self._indent[name]
        return "".join(f"{indent}{line}" for line in _dump({alias: entry}).splitlines(keepends=True))

    def _end(self) -> int:
        """Return where the last line of ours ends."""
        return max(number for number, piece in enumerate(self._pieces, 1) if piece.variable)


def _variables(text: str) -> list[tuple[Any, Any]]:
    """Return the nodes of our variables."""
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise DamagedError from error  # an error of YAML's quotes the line, and with it the value
    if not isinstance(root, yaml.MappingNode):
        raise DamagedError
    found: dict[str, tuple[Any, Any]] = {}
    for key, value in root.value:
        if not isinstance(key, yaml.ScalarNode) or key.value not in (VALUES, PENDING, PROXY):
            continue
        if key.value in found:
            raise UnkeepableError(
                f"{key.value} stands twice, in {_line(found[key.value][0])} and {_line(key)}, as after a merge with Git"
            )
        if root.flow_style:
            raise UnkeepableError(f"the whole file stands between braces, from {_line(root)} on")
        if text[: key.start_mark.index].rpartition("\n")[2].strip(" \ufeff"):
            raise UnkeepableError(f"something stands before {key.value}, in {_line(key)}")
        found[key.value] = (key, value)
    if not {VALUES, PENDING} & found.keys():
        raise DamagedError
    return list(found.values())


def _entries(node: Any) -> list[tuple[Any, Any]]:
    if isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null"):
        return []
    if not isinstance(node, yaml.MappingNode):
        raise DamagedError
    return list(node.value)


def _scalar(text: str, node: Any) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise DamagedError
    if text[node.start_mark.index : node.start_mark.index + 1] in MARKS or node.style in ("|", ">"):
        raise UnkeepableError(f"an entry is not plain text, in {_line(node)}")
    return str(node.value)


def _scalars(text: str, node: Any) -> list[str]:
    if not isinstance(node, yaml.SequenceNode):
        raise DamagedError
    return [_scalar(text, entry) for entry in node.value]


def _last_line(node: Any) -> int:
    """Return the last line on which a node has something, as a block ends only where the next one begins."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _rest_of_line(text: str, start: int) -> str:
    return text[start : text.index("\n", start) + 1]


def _line(node: Any) -> str:
    return f"line {node.start_mark.line + 1}"


def _dump(content: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(content), allow_unicode=True, width=2**16))
