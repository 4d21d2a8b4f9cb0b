# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that arrive as text, as surveys, ``-e``, and templates before ansible-core 2.19 give them. Pure.

Private: only for use inside this collection. LiteLLM stores such text in a free mapping as it is, and fails when it
reckons with it. Only where LiteLLM expects a number, text that is one becomes one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from .._redaction import REFERENCE

# How LiteLLM calls prices; what else has "cost" in its name is the user's own.
PRICE = r"(.+_)?cost(_(per|above)_.+|(_(flex|priority|balanced|ultrafast|batches))*)"
# Entries of litellm_params, of model_info, and of router_settings.
IN_PARAMS = rf"""
    {PRICE}|.+_multiplier(_.+)?|[io]?[tr]pm|weight|order|priority|(stream_)?timeout(_by_service_tier)?
    |(max|num)_retries|retry_after|cooldown_time|allowed_fails|max_parallel_requests|default_api_key_[tr]pm_limit
    |max_budget|max_file_size_mb|keepalive_seconds|output_vector_size|anthropic_issuer_ttl_seconds
    |auto_router_max_input_chars|valkey_port|temperature|top_[pk]|top_logprobs|n|seed|dimensions|(presence|frequency)_penalty
    |max_(completion_)?tokens|max_tokens_to_sample|thinking_budget|budget_tokens
"""
# Those of litellm_params where LiteLLM refuses text, or drops it, when others of the task are written already.
ONLY_NUMBERS = r"[tr]pm|max_retries|max_parallel_requests|max_budget|(in|out)put_cost_per_.+"
IN_INFO = rf"""
    {PRICE}|.+_multiplier(_.+)?|[tr]pm|max(_input|_output)?_tokens|prompt_cache_min_tokens|output_vector_size
    |ptu_count
"""
IN_ROUTER_SETTINGS = r"""
    allowed_fails|cooldown_time|(max|num)_retries|(stream_)?timeout|retry_after|default_max_parallel_requests
    |max_fallbacks|ttl|lowest_latency_buffer|rpm|tpm|\w+(Retries|AllowedFails)
"""


def numbers(names: str = ".*") -> Callable[[Any], Any]:
    """Return a function that takes a declared mapping and returns it with numbers for text, at any depth.

    :param names: pattern of the names of entries in which LiteLLM expects a number; may hold white space.
    """
    pattern = re.compile("".join(names.split()))

    def parse(value: Any, name: str = "") -> Any:
        if isinstance(value, Mapping):
            return {part_name: parse(part, str(part_name)) for part_name, part in value.items()}
        if isinstance(value, list):
            return [parse(part, name) for part in value]
        return _number(value) if isinstance(value, str) and pattern.fullmatch(name) else value

    return parse


def check_numbers(names: str) -> Callable[[Mapping[str, Any]], str | None]:
    """Return a function that tells which entries are text where LiteLLM takes nothing but a number.

    What names a variable of the proxy's environment is for LiteLLM to read.
    """

    def check(value: Mapping[str, Any]) -> str | None:
        texts = {str(name): part for name, part in value.items() if isinstance(part, str) and part}
        wrong = [name for name, part in texts.items() if re.fullmatch(names, name) and not part.startswith(REFERENCE)]
        return f"needs a number for {', '.join(wrong)}." if wrong else None

    return check


def is_price(name: str) -> bool:
    """Return whether an entry of a model is a price of LiteLLM's."""
    return re.fullmatch(PRICE, name) is not None


def _number(text: str) -> Any:
    """Return the number that a text is; any other text as it is."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if text.isascii() and "_" not in text and math.isfinite(number) else text
    return text
