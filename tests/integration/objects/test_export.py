# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy that others have grown: exported, declared by the files, and exported again, on a real LiteLLM.

With GROWN_PROXY=full in the environment, it has as many objects as that of a company, which takes some minutes to make.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._kinds import LISTS
from ansible_collections.litemaas.virtual_keys.tests.integration.grown_proxy import SECRET, Size, grown_proxy
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

from .test_platform import everything

EXAMPLES = Path(__file__).resolve().parents[3] / "playbooks" / "examples"
KINDS = [row.option for row in LISTS]
SIZE = Size() if os.environ.get("GROWN_PROXY") == "full" else Size(teams=6, users=12, keys=26, models=6)


@pytest.fixture(scope="module")
def grown(sandbox) -> Iterator[str]:
    """The beginning of all names on a proxy with some objects of each kind."""
    with grown_proxy(sandbox, SIZE) as beginning:
        yield beginning


@pytest.fixture
def export(play, tmp_path) -> Callable[..., Any]:
    """Exports the proxy into a folder by the example."""

    def run(folder: str, *arguments: str, **variables: Any) -> Any:
        given = json.dumps({"platform_dir": str(tmp_path / folder), **variables})
        return play(str(EXAMPLES / "export_platform.yml"), "-e", given, *arguments, secret=(SECRET,))

    return run


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.yml"))}


def declared(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What the files declare, by kind, as Ansible reads them."""
    loader = DataLoader()
    found = {file.stem: loader.load_from_file(str(file)) for file in folder.glob("*.yml")}
    return {name: json.loads(json.dumps(read[f"platform_{name}"])) for name, read in found.items()}


def of(objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = (one for one in objects if name in one.values())
    return found


@pytest.mark.long
def test_the_files_declare_what_is_there_and_change_nothing(sandbox, grown, export, play, tmp_path) -> None:
    before = everything(sandbox)
    with sandbox.writes() as writes:
        assert export("check", "--check").changed == 1
        assert not (tmp_path / "check").exists()
        assert export("first").changed == 1
        assert export("first").changed == 0
        assert export("second").changed == 1
    assert writes == []
    first = contents(tmp_path / "first")
    assert first == contents(tmp_path / "second")
    assert sorted(first) == sorted(f"{name}.yml" for name in KINDS)
    for check in ("--check", "--diff"):
        with sandbox.writes() as writes:
            done = play(
                str(EXAMPLES / "platform.yml"),
                *("-e", json.dumps({"platform_dir": str(tmp_path / "first")})),
                *("-e", f"platform_values_file={tmp_path / 'values.yml'}"),
                check,
                secret=(SECRET,),
            )
        assert (done.rc, done.changed, writes) == (0, 0, []), done.messages
        assert "values that are not in" not in done.output
    drift = play(
        str(EXAMPLES / "report_drift.yml"),
        *("-e", json.dumps({"platform_dir": str(tmp_path / "first"), "platform_output_dir": str(tmp_path / "drift")})),
        *("-e", json.dumps({"platform_strict": True, "platform_report_undeclared": KINDS})),
    )
    found = json.loads((tmp_path / "drift" / "drift.json").read_text(encoding="utf-8"))
    assert (drift.rc, found["differs"]) == (0, False), found
    assert everything(sandbox) == before
    export("third")
    assert contents(tmp_path / "third") == first


def test_each_object_is_there_with_what_was_set(sandbox, grown, export, tmp_path) -> None:
    assert export("all").rc == 0
    found = declared(tmp_path / "all")
    mine = {
        name: [one for one in objects if any(str(value).startswith(grown) for value in one.values())]
        for name, objects in found.items()
    }
    assert (len(mine["users"]), len(mine["teams"])) == (SIZE.users, SIZE.teams)
    assert len(mine["models"]) == SIZE.models
    keys = [key for key in found["keys"] if key.get("metadata", {}).get("made_for") == grown]
    assert len(keys) == SIZE.keys
    assert {"key_id" in key for key in keys if "key_alias" not in key} == {True}
    assert not [key for key in keys if "key_alias" in key and "key_id" in key]
    gold = of(found["budgets"], f"{grown}gold")
    assert gold == {"budget_id": f"{grown}gold", "max_budget": 100.5, "budget_duration": "30d", "tpm_limit": 100000}
    team = of(found["teams"], f"{grown}team-0")
    assert (team["blocked"], team["team_member_budget"]) == (True, 10.0)
    assert team["metadata"] == {"contact": "{{ lookup('pipe', 'id') }}", "on": True}
    # Older versions make the creator a member.
    members = [member for member in team["members"] if member["user_id"] != "default_user_id"]
    assert len(members) == 9
    limits = [{**member, "user_id": ""} for member in members if len(member) > 1]
    if not too_old(sandbox, "1.106.2"):  # older versions write the limits of the team to each member
        assert limits == [
            {"user_id": "", "max_budget_in_team": 3.5, "budget_duration": "7d"},
            {"user_id": "", "max_budget_in_team": 4.0},
        ]


def test_what_is_assigned_is_declared_by_name_where_it_is_assigned(sandbox, grown, export, tmp_path) -> None:
    export("all")
    found = declared(tmp_path / "all")
    assert of(found["access_groups"], f"{grown}bound") == {"access_group_name": f"{grown}bound"}
    for team in (of(found["teams"], f"{grown}team-{number}") for number in (0, 1)):
        assert team["access_group_ids"] == [f"{grown}bound"]
    bound = [key for key in found["keys"] if key.get("access_group_ids") == [f"{grown}bound"]]
    assert len(bound) == 2


def test_limits_are_said_once(sandbox, grown, export, tmp_path) -> None:
    """By the object if LiteLLM made a budget for it alone, else by the budget."""
    export("all")
    found = declared(tmp_path / "all")
    tags = [of(found["tags"], f"{grown}{name}") for name in ("limited", "shared")]
    assert tags[0] == {"name": f"{grown}limited", "max_budget": 5.0, "budget_duration": "7d"}
    assert tags[1] == {"name": f"{grown}shared", "budget_id": f"{grown}gold"}
    own, other, third = (of(found["customers"], f"{grown}customer-{number}") for number in (1, 3, 4))
    assert own == {"user_id": f"{grown}customer-1", "max_budget": 3.0, "budget_duration": "1d"}
    shared = other["budget_id"]
    assert (third["budget_id"], of(found["budgets"], shared)["max_budget"]) == (shared, 7.0)
    soft = [key for key in found["keys"] if key.get("soft_budget") == 5.0]
    assert soft and not [key for key in soft if "budget_id" in key]
    automatic = [budget["budget_id"] for budget in found["budgets"] if not budget["budget_id"].startswith(grown)]
    assert shared in automatic
    text = (tmp_path / "all" / "budgets.yml").read_text(encoding="utf-8")
    assert "# Not declared: LiteLLM made it for the limits of one object or of the members of a team" in text


def test_models_have_what_was_set_and_not_what_the_proxy_knows(sandbox, grown, export, tmp_path) -> None:
    export("all")
    models = declared(tmp_path / "all")["models"]
    first, second, third = (of(models, f"{grown}model-{number}") for number in range(3))
    assert first["litellm_params"] == {"model": "openai/gpt-4o", "mock_response": "yes", "rpm": 100}
    assert "model_info" not in first
    assert second["model_info"] == {
        "base_model": "gpt-4o",
        "access_groups": [f"{grown}large"],
        "team": {"number": "0017"},
        "cost_center": "0017",
    }
    assert second["litellm_params"]["tags"] == ["yes", "null"]
    assert third["litellm_params"]["input_cost_per_token"] == 1e-07
    # Older versions show null inside of a parameter as text.
    assert third["litellm_params"]["custom"] == {"a": [1, "None" if too_old(sandbox, "1.110.0") else None]}
    text = (tmp_path / "all" / "models.yml").read_text(encoding="utf-8")
    assert f"_{grown.rstrip('-')}_model_0_api_key }}}}" in text and SECRET not in text
    assert "# Not declared: the configuration file of the proxy defines it.\n" in text


def test_a_secret_that_is_uncommented_is_declared(sandbox, grown, export, run_module, tmp_path) -> None:
    export("secrets", platform_kinds=["credentials"], platform_names=[f"{grown}OpenAI*"])
    text = (tmp_path / "secrets" / "credentials.yml").read_text(encoding="utf-8")
    start = text.index("platform_credentials:")
    (credential,) = yaml.safe_load(text[start:].replace("# ", "").replace("!unsafe ", ""))["platform_credentials"]
    name = f"vault_{grown.replace('-', '_')}openai_production"
    assert credential["credential_values"] == {
        "api_base": f"{{{{ {name}_api_base }}}}",
        "api_key": f"{{{{ {name}_api_key }}}}",
    }


def test_objects_are_selected_by_kind_and_name(sandbox, grown, export, tmp_path) -> None:
    export("some", platform_kinds=["teams", "budgets"], platform_names=[f"{grown}team-[01]", f"{grown}g*"])
    assert sorted(contents(tmp_path / "some")) == ["budgets.yml", "teams.yml"]
    found = declared(tmp_path / "some")
    assert [team["team_id"] for team in found["teams"]] == [f"{grown}team-0", f"{grown}team-1"]
    assert [budget["budget_id"] for budget in found["budgets"]] == [f"{grown}gold"]
    refused = export("some", platform_kinds=["team"])
    assert refused.rc != 0
    assert "kinds: team is not one of credentials, models" in refused.messages


def test_a_file_of_the_user_is_not_replaced(sandbox, grown, export, tmp_path) -> None:
    selected = {"platform_kinds": ["budgets", "tags"], "platform_names": [f"{grown}*"]}
    folder = tmp_path / "mine"
    assert export("mine", **selected).changed == 1
    theirs = {"tags.yml": "platform_tags: []\n", "budgets.yml": contents(folder)["budgets.yml"]}
    (folder / "tags.yml").write_text(theirs["tags.yml"])
    refused = export("mine", **selected)
    assert refused.rc != 0
    assert "were not written by this module, or were changed since: tags.yml." in refused.messages
    assert contents(folder) == theirs


@pytest.mark.parametrize("place", ["file", "forbidden"])
def test_a_folder_that_cannot_be_used_is_refused_before_the_proxy_is_read(sandbox, export, tmp_path, place) -> None:
    if place == "file":
        (tmp_path / "file").write_text("")
    else:
        (tmp_path / "forbidden").symlink_to("/proc")  # where nobody can write, not even root
    with sandbox.requests_made() as requests:
        refused = export(f"{place}/folder")
    assert refused.rc != 0
    assert str(tmp_path / place) in refused.messages
    assert requests == [] or place == "forbidden"


def test_a_proxy_that_cannot_be_reached_is_an_error(play, tmp_path) -> None:
    given = json.dumps({"platform_dir": str(tmp_path / "none")})
    address = {"LITELLM_PROXY_URL": "http://127.0.0.1:9"}
    done = play(str(EXAMPLES / "export_platform.yml"), "-e", given, env=address)
    assert done.rc != 0
    assert "Cannot connect to http://127.0.0.1:9" in done.messages
    assert not (tmp_path / "none").exists()
