# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provider credentials on a proxy: planning and writing. Private: only for use inside this collection.

The proxy answers reads from the memory of the worker that happens to answer, which may lag its database by 30 s. So a
write that was answered with success is not read back, and what a write reports about the database is believed more than
what was read before: "exists already" leads to an update, "does not exist" to a creation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._crud._dependents import MODEL, VECTOR_STORE, Row, count_and_name, find_dependents, guard, warn_of
from ..._engine import Outcome, Plan
from ..._errors import ApiError, InputError
from ..._kind import Client, Store
from ..._proxy import Proxy
from ..._redaction import HIDDEN
from ._declaration import CredentialDeclaration
from ._planning import info_after, plan_credential, removed_values, value_names, written_values
from ._reading import fetch_all, find, find_all, is_missing, quoted
from ._table import Record, own_entry

REMOVES_VALUES_SINCE = "1.106.0"
# The parameter by which others use a credential.
REFERENCE = "litellm_credential_name"


class CredentialStore(Store):
    """The provider credentials of one proxy."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._proxy = Proxy(client)

    # Planning

    def existing(self) -> list[Record]:
        """Return all credentials."""
        return fetch_all(self._client)

    def plans(self, wants: Sequence[CredentialDeclaration]) -> list[Plan]:
        """Return what has to be done for each declared credential, in their order. Writes nothing.

        :raises InputError: for the first declaration that cannot be carried out.
        """
        records = find_all(self._client, [want.name for want in wants])
        plans = [plan_credential(want, record) for want, record in zip(wants, records)]
        for want, plan in zip(wants, plans):
            self._refuse(want, plan)
        return [warn_of(self._losses(plan), plan) if want.force else plan for want, plan in zip(wants, plans)]

    def missing(self, wants: Sequence[CredentialDeclaration], plans: Sequence[Plan]) -> dict[str, list[str]]:
        guards = {plan.name: guard(self._losses(plan)) for want, plan in zip(wants, plans) if not want.force}
        return {sentence: [name] for name, sentence in guards.items() if sentence}

    def _losses(self, plan: Plan) -> list[str]:
        """Return what others lose with a credential, or with the last of its values."""
        emptied = removed_values(plan) and not value_names(plan)
        if plan.action != "delete" and not emptied:
            return []

        def uses(row: Row) -> bool:
            return plan.name in (row.get(REFERENCE), (row.get("litellm_params") or {}).get(REFERENCE))

        users = count_and_name(find_dependents(self._proxy, {MODEL: uses, VECTOR_STORE: uses}))
        return [f"It is used by {users}."] if users else []

    def _refuse(self, want: CredentialDeclaration, plan: Plan) -> None:
        if plan.changed and plan.existing.get("source") == "config":
            raise InputError("it is defined in the configuration file of the proxy. Change it there.", want.name)
        if plan.action == "create" and not (want.values or want.model_id):
            raise InputError("it does not exist yet. To create it, set O(credential_values) or O(model_id).", want.name)
        if removed_values(plan) and not self._removes_values:
            self._refuse_remaking(want, plan)

    def _refuse_remaking(self, want: CredentialDeclaration, plan: Plan) -> None:
        """Refuse to delete and re-create a credential if that would lose some of its values."""
        names = value_names(plan)
        lost = names if want.update_values == "never" else [name for name in names if name not in (want.values or {})]
        if lost or not names:
            remedy = f"also set {', '.join(lost)}" if lost else "set a value to keep, or use O(state): absent"
            removed = ", ".join(removed_values(plan))
            raise InputError(
                f"{self._proxy.title} cannot remove {removed} (requires {REMOVES_VALUES_SINCE}), and "
                f"re-creating the credential would lose other values: {remedy}.",
                want.name,
            )

    @property
    def _removes_values(self) -> bool:
        return self._proxy.at_least(REMOVES_VALUES_SINCE)

    # Writing

    def apply(self, wants: Sequence[CredentialDeclaration], plans: Sequence[Plan]) -> list[Outcome]:
        """Carry out one unit."""
        steps = {"create": self._create, "update": self._update, "delete": self._delete}
        return [steps[plan.action](want, plan) for want, plan in zip(wants, plans)]

    def _create(self, want: CredentialDeclaration, plan: Plan) -> Outcome:
        info = info_after(want, plan, want.declared_values)
        try:
            self._post(want, info)
        except ApiError as error:
            if not _is_taken(error):
                raise
            return self._adopt(want, plan, info)
        # Only the proxy knows which values it copied from a model.
        record = (find(self._client, want.name) if want.model_id else None) or _record(want.name, info, want.values)
        return Outcome(plan, "create", record)

    def _adopt(self, want: CredentialDeclaration, plan: Plan, sent: Mapping[str, Any]) -> Outcome:
        """Make as declared what exists, although it was not to be seen."""
        current = find(self._client, want.name)
        if current is None:
            # It is in the database, but not in the memory of the worker that answers: write without having read.
            plan = plan_credential(want, {"credential_name": want.name})
            values = {} if want.update_values == "never" else dict(want.declared_values)
            info = {} if want.info is None else info_after(want, plan, values)  # {} leaves it as it is
            self._patch(want.name, info, values)
            return Outcome(plan, "update", _record(want.name, info, want.values))
        if want.values and own_entry(current) == own_entry({"credential_info": sent}):
            return Outcome(plan, "create", current)  # our own request, whose answer was lost
        plan = plan_credential(want, current)
        self._refuse(want, plan)
        return self._update(want, plan) if plan.changed else Outcome(plan, "none", current)

    def _update(self, want: CredentialDeclaration, plan: Plan) -> Outcome:
        removed = removed_values(plan)
        if removed and not self._removes_values:
            self._delete(want, plan)
            info = info_after(want, plan, want.declared_values)
            self._post(want, info)
        else:
            values = written_values(want, plan)
            info = info_after(want, plan, values)
            try:
                self._patch(want.name, info, values, removed)
            except ApiError as error:
                if not (is_missing(error) and want.values):
                    raise
                # Somebody else deleted it, which the worker that was read from does not know yet.
                info = info_after(want, replace(plan, current=None), want.declared_values)
                self._post(want, info)
        return Outcome(plan, "update", _record(want.name, info, value_names(plan)))

    def _delete(self, want: CredentialDeclaration, plan: Plan) -> Outcome:
        try:
            _expect_success(self._client.send(_path(want.name), method="DELETE", idempotent=True))
        except ApiError as error:
            if not is_missing(error):
                raise
            return Outcome(plan, "none")
        return Outcome(plan, "delete")

    def _post(self, want: CredentialDeclaration, info: Mapping[str, Any]) -> None:
        source = {"model_id": want.model_id} if want.model_id else {"credential_values": dict(want.declared_values)}
        body = {"credential_name": want.name, "credential_info": dict(info), **source}
        _expect_success(self._client.send("/credentials", body, idempotent=True))

    def _patch(
        self, name: str, info: Mapping[str, Any], values: Mapping[str, str], removed: Sequence[str] = ()
    ) -> None:
        # Older versions want the whole object, name and values included.
        body = {"credential_name": name, "credential_info": dict(info), "credential_values": dict(values)}
        if removed:
            body["credential_values_to_delete"] = list(removed)
        _expect_success(self._client.send(_path(name), body, method="PATCH", idempotent=True))


def _path(name: str) -> str:
    return f"/credentials/{quoted(name)}"


def _record(name: str, info: Mapping[str, Any], values: Any) -> Record:
    """Return a credential as it was written."""
    return {"credential_name": name, "credential_info": info, "credential_values": dict.fromkeys(values or (), HIDDEN)}


def _expect_success(answer: Any) -> None:
    if not isinstance(answer, Mapping) or answer.get("success") is not True:
        raise ApiError("The proxy did not confirm that it wrote the credential.", hint="Run again.")


def _is_taken(error: ApiError) -> bool:
    """Return whether the name is taken: up to 1.102 the proxy hands on what its database says."""
    return error.status == 409 or (error.status == 500 and "unique constraint" in error.message.lower())
