# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of variables: what is declared, and what is a comment with its reason."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._export._files import (
    ABOUT_SECRETS,
    HEADER,
    file_of,
)


def declared(called: str, secrets: Any = None, not_declared: Any = None, **options: Any) -> dict[str, Any]:
    return {"name": called, "declaration": options, "hidden": secrets or [], "not_declared": not_declared or {}}


def undeclared(name: str, reason: str) -> dict[str, Any]:
    return {"name": name, "declaration": None, "hidden": [], "not_declared": {"": reason}}


def body(text: str) -> list[str]:
    assert text.startswith(HEADER)
    return text.removeprefix(HEADER).removeprefix(ABOUT_SECRETS).splitlines()


def test_each_object_is_an_item() -> None:
    teams = [declared("a", team_id="a", models=["m", "o"]), declared("b", team_id="b", metadata={"z": 1, "a": {}})]
    assert body(file_of("teams", teams)) == [
        "platform_teams:",
        "  - team_id: a",
        "    models:",
        "      - m",
        "      - o",
        "  - team_id: b",
        "    metadata:",
        "      a: {}",
        "      z: 1",
    ]


def test_no_object_is_an_empty_list_so_that_no_other_list_stays() -> None:
    text = file_of("tags", [undeclared("t", "it is automatic.")])
    assert body(text) == ["platform_tags: []", "# Not declared: it is automatic.", "#   t"]
    assert yaml.safe_load(text) == {"platform_tags": []}


def test_what_is_not_declared_stands_with_its_reason() -> None:
    objects = [
        undeclared("b\nx: 1", "made\nby LiteLLM."),
        declared("a", name="a"),
        undeclared("c", "made\nby LiteLLM."),
    ]
    assert body(file_of("tags", objects)) == [
        "platform_tags:",
        "  - name: a",
        "# Not declared: made?by LiteLLM.",
        "#   b?x: 1",
        "#   c",
    ]
    objects = [declared("a", not_declared={"max_budget": "LiteLLM\nignores 0."}, name="a")]
    assert body(file_of("tags", objects))[-1] == "    # max_budget: LiteLLM?ignores 0."


def test_a_secret_is_the_comment_with_which_it_can_be_declared() -> None:
    credential = declared(
        "OpenAI Production",
        [["credential_values", "api_key"], ["credential_values", "org"]],
        credential_name="OpenAI Production",
    )
    text = file_of("credentials", [credential])
    assert ABOUT_SECRETS in text
    assert body(text) == [
        "platform_credentials:",
        "  - credential_name: OpenAI Production",
        "    # credential_values:",
        '    #   api_key: "{{ vault_openai_production_api_key }}"',
        '    #   org: "{{ vault_openai_production_org }}"',
    ]
    uncommented = yaml.safe_load("\n".join(body(text)).replace("# ", ""))
    (item,) = uncommented["platform_credentials"]
    assert item["credential_values"]["org"] == "{{ vault_openai_production_org }}"


def test_a_secret_beside_other_entries_stands_among_them() -> None:
    model = declared("m", [["litellm_params", "api_key"], ["url"]], model_id="m", litellm_params={"model": "openai/a"})
    text = file_of("models", [model])
    assert body(text) == [
        "platform_models:",
        "  - model_id: m",
        "    litellm_params:",
        "      model: openai/a",
        '      # api_key: "{{ vault_m_api_key }}"',
        '    # url: "{{ vault_m_url }}"',
    ]
    (item,) = yaml.safe_load("\n".join(body(text)).replace("# ", ""))["platform_models"]
    assert item["litellm_params"] == {"model": "openai/a", "api_key": "{{ vault_m_api_key }}"}


def test_no_two_secrets_share_a_variable() -> None:
    names = ["a-b", "a_b", "A b", "日本", "中国", ""]
    credentials = [declared(name, [["credential_values", "api_key"]], credential_name=name) for name in names]
    found = [line.split("{{ ")[1].split(" }}")[0] for line in body(file_of("credentials", credentials)) if "{{" in line]
    assert found == [
        *("vault_a_b_api_key", "vault_a_b_api_key_2", "vault_a_b_api_key_3", "vault_api_key", "vault_api_key_2"),
        "vault_credentials_api_key",
    ]
