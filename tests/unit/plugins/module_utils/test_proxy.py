# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to proxies of all ages: each is asked once, and what cannot be answered is not guessed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import body

NOT_FOUND = ApiError("Not Found", 404)


class Answers:
    """A client that gives fixed answers by path, and counts the questions."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: Counter[str] = Counter()
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}

    def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        return self.send(path, params, idempotent=True)

    def send(self, path: str, sent: Any = None, idempotent: bool = False) -> Any:
        assert idempotent, "it only reads"
        self.asked[path] += 1
        answer = self.answers[path]
        if isinstance(answer, list):
            answer = answer[self.asked[path] - 1]
        if isinstance(answer, ApiError):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("details", "readiness", "version"),
    [
        (body("readiness_details", litellm_version="1.84.10"), None, "1.84.10"),
        (NOT_FOUND, body("readiness", litellm_version="1.82.6"), "1.82.6"),
        (body("readiness"), body("readiness", litellm_version="1.82.6"), "1.82.6"),
        (ApiError("forbidden", 403), body("readiness"), None),
        (NOT_FOUND, NOT_FOUND, None),
    ],
)
def test_version(details: Any, readiness: Any, version: str | None) -> None:
    client = Answers({"/health/readiness/details": details, "/health/readiness": readiness})
    proxy = Proxy(client)
    assert proxy.version == version == proxy.version
    assert client.asked["/health/readiness/details"] == 1
    assert proxy.at_least("1.84.10") is (version == "1.84.10")
    assert proxy.at_least("1.106.0") is False


@pytest.mark.parametrize("status", [401, 0])
def test_a_wrong_key_or_no_answer_is_no_unknown_version(status: int) -> None:
    with pytest.raises(ApiError):
        assert Proxy(Answers({"/health/readiness/details": ApiError("no", status)})).version


@pytest.mark.parametrize(
    ("answer", "licensed"),
    [({"has_license": True}, True), (body("license"), False), (NOT_FOUND, None), (ApiError("method", 405), None)],
)
def test_licensed(answer: Any, licensed: bool | None) -> None:
    assert Proxy(Answers({"/health/license": answer})).licensed is licensed


def test_who_is_no_admin_learns_so_from_the_license() -> None:
    with pytest.raises(ApiError):
        assert Proxy(Answers({"/health/license": ApiError("Only proxy admin", 401)})).licensed


def models(*names: str, number: int = 1, of: int = 1, count: int = 1, groups: tuple[str, ...] = ()) -> dict[str, Any]:
    entries = [{"model_name": name, "model_info": {"id": name, "access_groups": list(groups)}} for name in names]
    return body("models", data=entries, current_page=number, total_count=count, total_pages=of)


@pytest.mark.parametrize("groups", [body("access_groups"), NOT_FOUND])
def test_unknown_models(groups: Any) -> None:
    pages = [models("gpt-4", "openai/*", of=2, count=3), models("mistral", number=2, of=2, count=3, groups=("beta",))]
    client = Answers({"/v2/model/info": pages, "/access_group/list": groups})
    known = ["gpt-4", "mistral", "openai/gpt-4o", "openai/gpt-*", "beta", "*", "all-team-models", "no-default-models"]
    proxy = Proxy(client)
    assert proxy.unknown_models(known) == []
    assert proxy.unknown_models(["gpt-5", "gpt-4", "azure/x", "gpt-5"]) == ["gpt-5", "azure/x"]
    assert client.asked["/v2/model/info"] == 2


def test_names_that_stand_for_one_model() -> None:
    pages = [models("gpt-4", "openai/*", "beta", of=2, count=4), models("m", number=2, of=2, count=4, groups=("beta",))]
    client = Answers({"/v2/model/info": pages, "/access_group/list": body("access_groups")})
    assert Proxy(client).single_models == {"gpt-4", "m"}


def test_access_groups_that_cannot_be_read() -> None:
    client = Answers({"/v2/model/info": models("a"), "/access_group/list": ApiError("broken", 500)})
    with pytest.raises(ApiError, match="broken"):
        Proxy(client).unknown_models(["a", "b"])


def test_access_groups_are_asked_for_only_about_what_is_no_model() -> None:
    client = Answers({"/v2/model/info": models("a"), "/access_group/list": ApiError("broken", 500)})
    assert Proxy(client).unknown_models(["a"]) == []


@pytest.mark.parametrize("answer", [{"status": "ok"}, ["ok"]])
def test_a_listing_that_is_none(answer: Any) -> None:
    with pytest.raises(ApiError, match="GET /v2/model/info has an unexpected shape"):
        Proxy(Answers({"/v2/model/info": answer})).unknown_models(["a"])


def test_special_names_need_no_question() -> None:
    assert Proxy(Answers({})).unknown_models(["*", "all-proxy-models"]) == []


QUESTIONS = {
    "/team/info": Proxy.missing_teams,
    "/organization/info": Proxy.missing_organizations,
    "/key/info": Proxy.missing_keys,
}
SAID = {
    "/team/info": "Team not found, passed team id: t.",
    "/organization/info": "Organization not found",
    "/key/info": "Key not found in database",
}


@pytest.mark.parametrize("path", QUESTIONS)
def test_missing(path: str) -> None:
    ask = QUESTIONS[path]
    assert ask(Proxy(Answers({path: {"info": {}}})), ["t", "t"]) == []
    assert ask(Proxy(Answers({path: ApiError("only for Enterprise", 403)})), ["t"]) == []
    assert ask(Proxy(Answers({path: ApiError(SAID[path], 404)})), ["t", "t"]) == ["t"]


@pytest.mark.parametrize("path", QUESTIONS)
@pytest.mark.parametrize(
    "failure",
    [
        ApiError("broken", 500),
        ApiError("Not Found", 404),
        ApiError("http://x answered text/html instead of JSON", 404),
        ApiError("The table `public.LiteLLM_TeamTable` does not exist in the current database.", 500),
    ],
)
def test_a_question_that_fails_is_not_an_answer(path: str, failure: ApiError) -> None:
    with pytest.raises(ApiError) as raised:
        QUESTIONS[path](Proxy(Answers({path: failure})), ["t"])
    assert raised.value is failure


def test_missing_budgets() -> None:
    client = Answers({"/budget/info": [[{"budget_id": "a"}]]})
    assert Proxy(client).missing_budgets(["a", "b"]) == ["b"]
    assert Proxy(client).missing_budgets([]) == []
    assert client.asked["/budget/info"] == 1


def test_a_license_that_cannot_be_read_is_no_missing_license() -> None:
    with pytest.raises(ApiError, match="broken"):
        assert Proxy(Answers({"/health/license": ApiError("broken", 500)})).licensed


@pytest.mark.parametrize(
    ("answer", "caller"),
    [
        ({"info": {"user_id": "ann"}}, "ann"),
        ({"info": {"user_id": None}}, "default_user_id"),
        (ApiError("Key not found in database", 404), "default_user_id"),
    ],
)
def test_who_asks(answer: Any, caller: str) -> None:
    client = Answers({"/key/info": answer})
    proxy = Proxy(client)
    assert proxy.caller == caller == proxy.caller
    assert client.asked["/key/info"] == 1


@pytest.mark.parametrize("failure", [ApiError("broken", 500), ApiError("Not Found", 404)])
def test_who_asks_is_not_guessed(failure: ApiError) -> None:
    with pytest.raises(ApiError) as raised:
        assert Proxy(Answers({"/key/info": failure})).caller
    assert raised.value is failure


def test_models_that_no_deployment_has_exactly() -> None:
    of_team = {"model_name": "model_name_t_1", "model_info": {"id": "i", "team_public_model_name": "ours"}}
    rows = [*models("gpt-4", "openai/*")["data"], of_team]
    client = Answers({"/v2/model/info": body("models", data=rows, current_page=1, total_count=3, total_pages=1)})
    asked = ["gpt-4", "openai/gpt-4o", "openai/*", "ours", "none", "none"]
    assert Proxy(client).missing_models(asked) == ["openai/gpt-4o", "none"]


def test_what_is_known_about_models_leaves_out_those_of_the_proxy() -> None:
    catalog = {"gpt-4": {"mode": "chat"}, "ours": {"mode": "chat", "id": "i"}, "spec": "a text"}
    assert Proxy(Answers({"/public/litellm_model_cost_map": catalog})).catalog == {"gpt-4": {"mode": "chat"}}
    assert Proxy(Answers({"/public/litellm_model_cost_map": NOT_FOUND})).catalog == {}


def test_a_viewer_finds_budgets_in_the_listing() -> None:
    """LiteLLM lets a viewer read, but send nothing."""
    listing = [{"budget_id": name, "max_budget": None} for name in ("a", "c")]
    client = Answers({"/budget/info": ApiError("Only for admins", 403), "/budget/list": [listing, listing]})
    assert Proxy(client).missing_budgets(["a", "b"]) == ["b"]
    with pytest.raises(ApiError, match="broken"):
        Proxy(Answers({"/budget/info": ApiError("broken", 500)})).missing_budgets(["a"])


@pytest.mark.parametrize(
    ("answer", "missing"),
    [({"credential_name": "a/b"}, []), (ApiError("Credential not found. Name: a/b", 404), ["a/b"])],
)
def test_missing_credentials(answer: Any, missing: list[str]) -> None:
    client = Answers({"/credentials/by_name/a%2Fb": answer})
    assert Proxy(client).missing_credentials(["a/b", "a/b"]) == missing
