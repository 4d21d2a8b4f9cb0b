# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a file that spreadsheets saved. Pure. Private: only for use inside this collection."""

from __future__ import annotations

import codecs

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# How spreadsheets on Windows save a file: in the west of Europe, and in its middle.
OF_WINDOWS = ("windows-1252", "windows-1250")


class EncodingError(ValueError):
    """The file is no text. The text of the error is a sentence for the user."""


def decode(data: bytes, encoding: str | None, called: str) -> tuple[str, str | None]:
    """Return the text of a file, and a warning if its encoding had to be guessed.

    :param encoding: of the file, None if that is not known.
    :param called: the variable that says it.

    :raises EncodingError: if the file is in no such encoding.
    """
    mark = next((of_mark for mark, of_mark in BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    known = encoding or mark
    try:
        return _checked(data.decode(known or "utf-8").removeprefix("\ufeff")), None
    except LookupError:
        raise EncodingError(
            f"{called}: {known} is not an encoding that Python knows. Use a name such as utf-8 or windows-1250."
        ) from None
    except UnicodeError as error:
        if not known:
            return _guess(data, called)
        line = data[: getattr(error, "start", 0)].count(b"\n") + 1
        raise EncodingError(f"line {line} is not in the encoding {known}.") from None


def _guess(data: bytes, called: str) -> tuple[str, str]:
    texts = {}
    for encoding in OF_WINDOWS:
        try:
            texts[encoding] = _checked(data.decode(encoding))
        except UnicodeDecodeError:
            continue
    if not texts:
        raise EncodingError(f"the file is neither in UTF-8 nor in an encoding of Windows. Set {called}.")
    encoding = min(texts, key=lambda name: _oddities(texts[name]))
    (other,) = set(OF_WINDOWS) - {encoding}
    words = texts[encoding].replace('"', " ").split()
    example = next((word for word in words if not word.isascii()), "")
    return texts[encoding], (
        f"the file is not in UTF-8. It was read as {encoding}, such as '{example}'. If that is wrong, set {called}, "
        f"for example to {other}."
    )


def _oddities(text: str) -> int:
    """Return how many signs that are no letters stand beside a letter, as in a wrong encoding."""
    pairs = [*zip(text, text[1:]), *zip(text[1:], text)]
    return sum(not char.isascii() and not char.isalpha() and beside.isalpha() for char, beside in pairs)


def _checked(text: str) -> str:
    if "\0" in text:
        raise EncodingError("the file has null characters. Save it as CSV in UTF-8.")
    return text
