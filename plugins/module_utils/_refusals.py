# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes in which LiteLLM reports an error. Private: only for use inside this collection. Pure."""

from __future__ import annotations

import ast
import json
from typing import Any

LONGEST_LITERAL = 20_000


def is_error_body(body: Any) -> bool:
    """Return whether a body reports a failure although it came with a status of success.

    LiteLLM up to 1.98 answers so on its credential routes: the error itself as body, with ``code`` and ``type``.
    """
    if not isinstance(body, dict):
        return False
    if isinstance(body.get("error"), (dict, str)) and body["error"] and not {"key", "keys", "data"} & set(body):
        return True
    return {"message", "type", "code"} <= set(body) and body.get("success") is not True


def error_details(body: Any) -> dict[str, str]:
    """Return ``message, type, code, param`` from any of the shapes in which LiteLLM reports an error."""
    details = dict.fromkeys(("message", "type", "code", "param"), "")
    if not isinstance(body, dict):
        return details
    error = body.get("error", body if "message" in body else None)
    if isinstance(error, dict):
        details.update((name, str(error[name])) for name in details if error.get(name) not in (None, "None"))
    else:
        details["message"] = error or body.get("detail") or ""
    return {**details, "message": _unwrap(details["message"])}


def _unwrap(text: Any) -> str:
    """Return the sentence inside ``{'error': ...}``, its Python repr, or a list of validation errors.

    Of validation errors only place and reason are taken: older servers put the whole request, secrets included,
    beside them.
    """
    if isinstance(text, str) and text.startswith("{") and len(text) <= LONGEST_LITERAL:
        try:
            text = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            return text
    if isinstance(text, dict):
        return _unwrap(text.get("error") or text.get("message") or text.get("msg") or "")
    if isinstance(text, list):
        return "; ".join(_validation_error(item) for item in text if isinstance(item, dict))
    return text if isinstance(text, str) else json.dumps(text, default=str)


def _validation_error(item: dict[str, Any]) -> str:
    place = item.get("loc")
    # The first part of a place says where in the request it is, such as "body".
    parts = [str(part) for part in place[1:]] if isinstance(place, list) else []
    return f"{'.'.join(parts)}: {item.get('msg') or ''}"
