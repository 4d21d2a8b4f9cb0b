# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential types and job templates for AWX fit the roles, the modules, and what AWX accepts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

ROOT = Path(__file__).resolve().parents[3]
AWX = ROOT / "playbooks" / "awx"
# What AWX accepts, as its API checks it.
TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "textarea": str,
    "integer": int,
    "float": (int, float),
    "multiplechoice": str,
}
ENVIRONMENT = r"E\((LITELLM_\w+)\)"


def load(name: str) -> list[dict[str, Any]]:
    (content,) = DataLoader().load_from_file(str(AWX / name)).values()
    return content


(PLAY,) = yaml.safe_load((AWX / "configure.yml").read_text(encoding="utf-8"))
CREDENTIAL_TYPES = {one["name"]: one for one in load("credential_types.yml")}
JOB_TEMPLATES = {one["name"]: one for one in load("job_templates.yml")}


def variables(role: str) -> dict[str, Any]:
    path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]


def variables_of(playbook: str) -> dict[str, Any]:
    """The variables of the roles that a playbook includes."""
    plays = yaml.safe_load((ROOT / "playbooks" / "examples" / playbook).read_text(encoding="utf-8"))
    tasks = [task for play in plays for task in play["tasks"] if "ansible.builtin.include_role" in task]
    roles = [task["ansible.builtin.include_role"]["name"] for task in tasks]
    return {name: spec for role in roles for name, spec in variables(role.rpartition(".")[2]).items()}


def own_variables(playbook: str) -> set[str]:
    """The variables that a playbook takes besides those of the roles."""
    text = (ROOT / "playbooks" / "examples" / playbook).read_text(encoding="utf-8")
    return set(re.findall(r"\b(workshop_\w+) \|", text))


@pytest.mark.parametrize("name", CREDENTIAL_TYPES)
def test_a_credential_type_is_complete(name: str) -> None:
    kind, inputs, injectors = (CREDENTIAL_TYPES[name][part] for part in ("kind", "inputs", "injectors"))
    fields = {field["id"]: field for field in inputs["fields"]}
    assert kind == "cloud" and set(inputs["required"]) == set(fields)
    templates = [text for target in injectors.values() for text in target.values()]
    assert {text: re.sub(r"\{\{ (\w+) \}\}", r"\1", text) for text in templates} == dict(
        zip(templates, fields, strict=True)
    )
    assert set(injectors) <= {"env", "extra_vars"}
    assert set(injectors.get("extra_vars", {})) <= set(variables("manage_keys"))
    documentation = (ROOT / "plugins" / "doc_fragments" / "_connection.py").read_text(encoding="utf-8")
    assert set(injectors.get("env", {})) <= set(re.findall(ENVIRONMENT, documentation))


def test_all_but_the_address_is_secret() -> None:
    fields = [field for one in CREDENTIAL_TYPES.values() for field in one["inputs"]["fields"]]
    assert [field["id"] for field in fields if not field.get("secret")] == ["url"]


@pytest.mark.parametrize("name", JOB_TEMPLATES)
def test_a_job_template_fits_the_role(name: str) -> None:
    template = JOB_TEMPLATES[name]
    chosen = [re.sub(r"\{\{ (\w+) \}\}", lambda found: PLAY["vars"][found[1]], one) for one in template["credentials"]]
    assert set(chosen) <= set(CREDENTIAL_TYPES)
    known = variables_of(template["playbook"])
    from_credentials = {
        variable for one in CREDENTIAL_TYPES.values() for variable in one["injectors"].get("extra_vars", {})
    }
    asked = [question["variable"] for question in template["survey"]["spec"]]
    assert len(set(asked)) == len(asked)
    assert set(asked) <= (set(known) - from_credentials) | own_variables(template["playbook"])
    assert {name for name in known if known[name].get("required")} <= set(asked)


@pytest.mark.parametrize("name", JOB_TEMPLATES)
def test_awx_accepts_the_survey(name: str) -> None:
    survey = JOB_TEMPLATES[name]["survey"]
    known = variables_of(JOB_TEMPLATES[name]["playbook"])
    assert set(survey) == {"name", "description", "spec"} and survey["spec"]
    for question in survey["spec"]:
        variable, default = question["variable"], question["default"]
        assert isinstance(question["question_name"], str) and isinstance(question["required"], bool), variable
        assert default == "" or isinstance(default, TYPES[question["type"]]), variable
        assert all(isinstance(question[limit], int) for limit in ("min", "max")), variable
        # Users see the same default everywhere.
        allowed = question.get("choices") or [known.get(variable, {}).get("default")]
        assert default in ("", *allowed), variable


def test_the_playbook_writes_exactly_these() -> None:
    assert PLAY["vars_files"] == ["credential_types.yml", "job_templates.yml"]
    used = set(re.findall(r"\bitem\.(\w+)", str(PLAY["tasks"])))
    assert used == {part for one in (*CREDENTIAL_TYPES.values(), *JOB_TEMPLATES.values()) for part in one}
