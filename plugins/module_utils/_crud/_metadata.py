# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``metadata`` of an object: the user's entries beside the fields that LiteLLM keeps in there. Pure.

Private: only for use inside this collection. The server replaces metadata as a whole, and older ones also when only a
field is written that is kept in there. So each such write carries all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._engine import Field, Plan
from .._redaction import redact
from .._values import UNSET

# What requests take as fields of their own and LiteLLM keeps in metadata, of one object or another.
KEPT_IN_METADATA = """
    model_rpm_limit model_tpm_limit model_itpm_limit model_otpm_limit default_estimated_output_tokens
    default_estimated_output_tokens_per_model mcp_rpm_limit tag_rpm_limit rpm_limit_type tpm_limit_type enforced_params
    temp_budget_increase temp_budget_expiry allowed_vector_store_indexes throttle_on_budget_exceeded
    enable_prompt_caching end_user_budget_id enforced_batch_output_expires_after enforced_file_expires_after
    disable_global_guardrails guardrails policies tags team_member_key_duration prompts
    secret_manager_settings allowed_passthrough_routes denied_passthrough_routes
"""

# The entry that says which declared reset of the spending was the last one carried out.
SPEND_MARK = "litellm_vkey_reset_spend"


def without_callback_values(value: Any) -> Any:
    """Return metadata without variables of callbacks, which the server encrypts differently each time."""
    if isinstance(value, Mapping):
        return {
            name: sorted(part)
            if name == "callback_vars" and isinstance(part, Mapping)
            else without_callback_values(part)
            for name, part in value.items()
        }
    return [without_callback_values(part) for part in value] if isinstance(value, list) else value


class Metadata:
    """
    :param fields: the fields of the object that are kept in its metadata.
    :param server: further entries that are LiteLLM's own.
    :param carried_by: fields that are kept elsewhere, but whose write replaces the metadata on older servers.
    """

    options: Mapping[str, Mapping[str, Any]] = {"metadata_mode": {"type": "str", "choices": ["merge", "replace"]}}

    def __init__(self, fields: Sequence[Field], server: Sequence[str] = (), carried_by: Sequence[str] = ()) -> None:
        self._fields = {row.name: row for row in fields}
        self._entries = {row.name: row.path[-1] for row in fields}
        self._reserved = {*self._entries.values(), *KEPT_IN_METADATA.split(), *server}
        self._carriers = {"metadata", *self._entries, *carried_by}
        self.field = Field(
            "metadata", "dict", read=self.of_user, normalize=without_callback_values, redact=redact, cleared={}
        )

    def of_user(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the user's entries."""
        return {name: value for name, value in _all(record).items() if name not in self._reserved}

    def check_options(self, options: Mapping[str, Any]) -> list[str]:
        """Return entries that would never be seen as the user's, so that each run would write them again."""
        option_of = {entry: name for name, entry in self._entries.items()}
        taken = [entry for entry in options.get("metadata") or {} if entry in self._reserved]
        return [
            f"O(metadata): use the option O({option_of[entry]}) to set {entry}."
            if entry in option_of
            else f"O(metadata): {entry} is reserved for LiteLLM."
            for entry in taken
        ]

    def desired(
        self, fields: Mapping[str, Any], options: Mapping[str, Any], record: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Return the fields with the entries that stay, with ``metadata_mode: merge``, the default, all others."""
        declared = fields.get("metadata", UNSET)
        if declared is UNSET or record is None or options.get("metadata_mode") == "replace":
            return fields
        return {**fields, "metadata": {**self.of_user(record), **declared}}

    def update_body(self, body: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
        """Return a body with all of the metadata in it, if the write would replace it."""
        if not self._carriers & set(plan.changes):
            return dict(body)
        merged = _all(plan.existing)
        if "metadata" in plan.changes:
            merged = {name: value for name, value in merged.items() if name in self._reserved}
            merged.update(body["metadata"])
        for name, entry in self._entries.items():
            if name in plan.changes:
                merged.pop(entry, None)
                if not self._fields[name].is_empty(plan.changes[name]):
                    merged[entry] = plan.changes[name]
        return {**{name: value for name, value in body.items() if name not in self._entries}, "metadata": merged}


def _all(record: Mapping[str, Any]) -> dict[str, Any]:
    value = record.get("metadata")
    return dict(value) if isinstance(value, Mapping) else {}
