# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's variables say of the whole task. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GROUP_MARK

from .._variables import VariableError, flag, whole

NO_LIMIT = -1


def task_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What concerns the task and no single key, as the module's options."""
    if given["state"] not in ("present", "absent"):
        raise VariableError(f"litellm_vkey_state must be present or absent, not '{given['state']}'.")
    for name in ("no_log", "report_usage"):  # the role's own
        flag(f"litellm_vkey_{name}", given[name])
    return {
        "state": str(given["state"]),
        "timeout": whole("litellm_vkey_api_timeout", given["api_timeout"], least=1),
        "retries": whole("litellm_vkey_retry_count", given["retry_count"], least=0),
        "validate_certs": flag("litellm_vkey_verify_ssl", given["verify_ssl"]),
        "validate_models": flag("litellm_vkey_validate_models", given["validate_models"]),
        "progress_every": whole("litellm_vkey_batch_size", given["batch_size"], 1) if "batch_size" in given else None,
        "concurrency": whole("litellm_vkey_concurrency", given["concurrency"], least=1),
        **({"ca_path": str(given["ca_path"])} if "ca_path" in given else {}),
    }


def pruning(given: Mapping[str, Any], alias: str, is_workshop: bool, is_named: bool, ends: bool) -> dict[str, Any]:
    """Which undeclared keys are deleted, and how many at most, as the module's options.

    :param is_named: whether the variables say who is in the workshop.
    :param ends: whether all keys of the workshop go.
    """
    limit = whole("litellm_vkey_prune_limit", given["prune_limit"], least=NO_LIMIT) if "prune_limit" in given else None
    prunes = flag("litellm_vkey_prune", given["prune"])
    if prunes and not is_workshop:
        raise VariableError(
            "litellm_vkey_prune requires a workshop. Set litellm_vkey_users, litellm_vkey_users_file, "
            "or litellm_vkey_multi_user and litellm_vkey_user_count."
        )
    if prunes and not is_named and not ends:
        raise VariableError(
            "litellm_vkey_prune requires litellm_vkey_users, litellm_vkey_users_file, or "
            "litellm_vkey_user_count, which define the keys to keep."
        )
    if ends and limit is None:
        limit = NO_LIMIT
    if not prunes and not ends:
        return {}
    return {"prune_metadata": {GROUP_MARK: alias}, **({} if limit is None else {"prune_limit": limit})}
