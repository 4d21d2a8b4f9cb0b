# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of this collection. Private: only for use inside it.

Everything below ``_module`` raises one of these; ``_module`` turns them into a failed task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._text import render


class LiteLLMError(Exception):
    """Base of all errors that a user can act upon. Its text is one sentence for that user.

    An option stands in it as markup, such as ``O(api_url)``: who tells it knows what the user calls that option.
    """

    def __str__(self) -> str:
        return self.told({})

    def told(self, called: Mapping[str, str]) -> str:
        """Return the sentence with the names of options.

        :param called: what the user calls an option, where that is another name.
        """
        return render(self.marked, called)

    @property
    def marked(self) -> str:
        """The sentence with its markup."""
        return super().__str__()

    def as_dict(self, called: Mapping[str, str]) -> dict[str, Any]:
        """Return the parts of the error, for a task's result. ``called`` is as in :meth:`told`."""
        return {}


class InputError(LiteLLMError):
    """The declared options cannot be carried out. Raised before anything is written.

    :param message: what is wrong and what to do.
    :param subject: alias or name of the object concerned, if there is one.
    :param details: the same as data, for a task's result.
    """

    def __init__(self, message: str, subject: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.subject = subject
        self._details = dict(details or {})

    def as_dict(self, called: Mapping[str, str]) -> dict[str, Any]:
        return self._details


class ApiError(LiteLLMError):
    """The proxy refused a request, or could not be reached.

    :param message: the server's own words, cleaned, without secrets.
    :param status: HTTP status, or 0 when there was no answer.
    :param type: LiteLLM's ``error.type``; often meaningless, see :attr:`message`.
    :param code: LiteLLM's ``error.code``.
    :param param: the field at fault, where the server names it.
    :param unanswered: true if the server may have carried the request out although no usable answer came.
    :param hint: what to do about it.
    """

    def __init__(
        self,
        message: str,
        status: int = 0,
        method: str = "",
        path: str = "",
        type: str = "",
        code: str = "",
        param: str = "",
        may_have_applied: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.method = method
        self.path = path
        self.type = type
        self.code = code
        self.param = param
        self.may_have_applied = may_have_applied
        self.hint = hint

    @property
    def marked(self) -> str:
        where = f" ({self.method} {self.path}: HTTP {self.status})" if self.status else ""
        return " ".join(part for part in (f"{self.message}{where}", self.hint) if part)

    def as_dict(self, called: Mapping[str, str]) -> dict[str, Any]:
        told = {name: render(getattr(self, name), called) for name in ("message", "hint")}
        return {**told, **{name: getattr(self, name) for name in ("status", "type", "code", "param", "method", "path")}}


def say_that_it_was_written(error: Exception) -> None:
    """Add to an error of the read after a write that there was a write."""
    if isinstance(error, ApiError) and not error.hint:
        error.hint = "LiteLLM accepted the write, but what it stored could not be read. Run the task again."


class NotStoredError(ApiError):
    """The proxy took a write, and does not have what was written."""
