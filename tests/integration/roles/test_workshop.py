# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workshop does on a real LiteLLM, by its engine in this process: who gets what, and what is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

QUESTION = {"model": "gpt-4", "messages": [{"role": "user", "content": "hello"}]}
SEED = "a seed for tests only, of 32 characters and more"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "course"


@pytest.fixture
def people(sandbox, alias) -> Iterator[Any]:
    """``people(role, *users)`` makes users of the proxy, who are removed at the end. Returns their IDs."""
    made: list[str] = []

    def make(role: str, *users: str) -> list[str]:
        ids = [f"{user}@{alias}" for user in users]
        made.extend(ids)
        for user_id in ids:
            body = {"user_id": user_id, "user_role": role, "auto_create_key": False}
            sandbox.call("POST", "/user/new", body).raise_for_status()
        return ids

    yield make
    if made:
        sandbox.call("POST", "/user/delete", {"user_ids": made})


def said(done: dict[str, Any]) -> str:
    return "\n".join(done["messages"])


def generate(sandbox, key: str, **body: Any) -> Any:
    return sandbox.call("POST", "/key/generate", {"models": ["all-proxy-models"], **body}, key=key)


def test_nobody_can_make_keys_with_the_key_that_they_get(sandbox, run_workshop, people, alias) -> None:
    """With a team, and for who is a user of the proxy anyway; and keys of an earlier run are brought there."""
    people("internal_user", "ben")
    course = {"users": ["ann", "ben"], "user_domain": alias, "key_seed": SEED}
    for variables in ({"key_type": "default"}, {}, {"total_budget": 5}):
        done = run_workshop(**course, **variables)
        assert not done.get("failed"), done["msg"]
        ben = done["result"]["users"][1]["key"]
        made = generate(sandbox, ben, key_alias=f"{alias}-own")
        assert (made.status_code == 200) is ("key_type" in variables)
        assert sandbox.call("GET", "/v1/models", key=ben).status_code == 200
        if "key_type" in variables:
            sandbox.call("POST", "/key/delete", {"key_aliases": [f"{alias}-own"]}).raise_for_status()
    assert (
        any("allowed_routes" in change or "key_type" in change for change in run_workshop(**course)["changes"]) is False
    )
    with sandbox.writes() as written:
        assert not run_workshop(**course)["changed"]
    assert written == []
    sandbox.call("POST", "/team/delete", {"team_ids": [alias]}).raise_for_status()


def test_the_end_names_the_keys_that_people_made_and_can_remove_them(sandbox, run_workshop, people, alias) -> None:
    people("internal_user", "ben")
    course = {"users": ["ann", "ben"], "user_domain": alias, "key_type": "default"}
    ben = run_workshop(**course)["result"]["users"][1]
    assert generate(sandbox, ben["key"], key_alias=f"{alias}-own").status_code == 200
    sandbox.call("POST", "/key/generate", {"key_alias": f"{alias}-admins", "user_id": ben["user_id"]})
    end = {"state": "absent", "multi_user": True}
    predicted = run_workshop(check=True, **end, remove_made_keys=True)
    assert f"would be removed, made by people of the workshop: {alias}-own" in said(predicted)
    done = run_workshop(**end)
    assert f"made by people of the workshop, and still valid: {alias}-own; to remove them, set" in said(done)
    assert set(sandbox.keys(alias)) == {f"{alias}-own", f"{alias}-admins"}

    # The end has come, so nothing but the message tells who it was.
    told = f"litellm_vkey_remove_made_keys=true and litellm_vkey_users to {ben['user_id']}"
    assert told in said(done)
    done = run_workshop(**end, remove_made_keys=True, users=[ben["user_id"]])
    assert f"removed, made by people of the workshop: {alias}-own" in said(done)
    assert set(sandbox.keys(alias)) == {f"{alias}-admins"}

    ben = run_workshop(**course)["result"]["users"][1]
    assert generate(sandbox, ben["key"], key_alias=f"{alias}-own").status_code == 200
    done = run_workshop(**end, remove_made_keys=True)
    assert f"removed, made by people of the workshop: {alias}-own" in said(done)
    assert set(sandbox.keys(alias)) == {f"{alias}-admins"}


def test_a_key_that_somebody_made_in_the_name_of_another_is_not_taken_for_theirs(
    sandbox, run_workshop, people, alias
) -> None:
    people("internal_user", "ben")
    course = {"users": ["ben"], "user_domain": alias, "key_type": "default"}
    ben = run_workshop(**course)["result"]["users"][0]
    # Whoever has a key of the workshop can read its mark.
    marks = {"litellm_vkey_group": alias, "litellm_vkey_reissue": "1"}
    for metadata in ({}, marks):
        made = generate(sandbox, ben["key"], key_alias=f"{alias}-hal", metadata=metadata).json()
        joined = {**course, "users": ["ben", "hal"]}
        for more in ({}, {"reissue": ["hal"]} if metadata else {}):
            with sandbox.writes() as written:
                done = run_workshop(**joined, **more)
            assert done["failed"] and f"{alias}-hal (created by {ben['user_id']})" in done["msg"] and written == []
        sandbox.call("POST", "/key/delete", {"keys": [made["token"]]}).raise_for_status()

    made = generate(sandbox, ben["key"], key_alias=f"{alias}-hal").json()
    done = run_workshop(**course | {"users": ["ben", "hal"]}, reissue=["hal"])
    assert not done.get("failed") and "reissued: hal" in said(done)
    assert sandbox.call("GET", "/v1/models", key=made["key"]).status_code == 401


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer"])
def test_an_admin_gets_a_key_only_by_name(sandbox, run_workshop, people, alias, role) -> None:
    people(role, "ada")
    course = {"users": ["ann", "ada"], "user_domain": alias}
    for check in (True, False):
        with sandbox.writes() as written:
            done = run_workshop(check=check, **course)
        assert done["failed"] and f"ada (the proxy ({role}))" in done["msg"] and written == []
        assert "ann" not in done["msg"].replace("anything", "") and "litellm_vkey_allow_admins" in done["msg"]
    done = run_workshop(**course, allow_admins=["ada"])
    assert not done.get("failed") and set(sandbox.keys(alias)) == {f"{alias}-ann", f"{alias}-ada"}
    assert not run_workshop(**course, state="absent").get("failed")


def test_the_admin_of_another_team_gets_a_key_only_by_name(sandbox, run_workshop, people, alias) -> None:
    (ada,) = people("internal_user", "ada")
    team = f"{alias}-other"
    member = {"user_id": ada, "role": "admin"}
    sandbox.call("POST", "/team/new", {"team_id": team, "members_with_roles": [member]}).raise_for_status()
    try:
        done = run_workshop(users=["ada"], user_domain=alias)
        assert done["failed"] and f"ada (team {team})" in done["msg"] and sandbox.keys(alias) == {}
    finally:
        sandbox.call("POST", "/team/delete", {"team_ids": [team]}).raise_for_status()


def test_whoever_left_the_list_is_named_until_their_key_is_gone(
    sandbox, run_workshop, run_module, alias, folder
) -> None:
    everybody = {"users": ["ann", "ben", "cem"], "output_dir": str(folder)}
    run_workshop(**everybody)
    run_module("litellm_key", key_alias=f"{alias}-stranger")
    two = {**everybody, "users": ["ann", "ben"]}
    for check in (True, False):
        done = run_workshop(check=check, **two)
        assert f"not listed, but still valid: {alias}-cem; to remove these keys, set litellm_vkey_prune=true" in said(
            done
        )
    assert "stranger" not in said(done) and f"{alias}-cem" in (folder / "keys.json").read_text()
    done = run_workshop(**two, state="absent")
    assert "1 more belong to the workshop" in said(done) and f"still there: {alias}-cem" in said(done)
    assert "litellm_vkey_prune=true" in said(done)

    run_workshop(**two)
    done = run_workshop(**two, state="absent", prune=True)
    assert "3 deleted" in said(done) and done["result"]["deleted_count"] == 3
    assert set(sandbox.keys(alias)) == {f"{alias}-stranger"}


def test_who_is_gone_from_the_proxy_leaves_the_folder(sandbox, run_workshop, alias, folder) -> None:
    """The first laptop prints no slips of keys that another one has removed."""
    course = {"users": ["ann", "ben", "cem", "dan"], "output_dir": str(folder), "output_formats": ["html", "env"]}
    run_workshop(**course)
    run_workshop(users=["ben", "dan"], state="absent")
    done = run_workshop(**{**course, "users": ["ann", "dan"]})
    assert done["result"]["gone"] == [f"{alias}-ben"]
    assert sorted(file.stem for file in (folder / "env").iterdir()) == ["ann", "cem", "dan"]
    assert "ben" not in (folder / "keys.json").read_text()
    assert "not listed, but still valid" in said(done) and "cem" in said(done)


@pytest.mark.parametrize(
    "nothing", [{"users": None}, {"users": ""}, {"users": []}, {"users_file": ""}, {"user_count": " "}]
)
@pytest.mark.parametrize("more", [{}, {"prune": True}])
def test_a_list_that_came_out_empty_ends_nothing(sandbox, run_workshop, nothing, more, alias) -> None:
    run_workshop(users=["ann"])
    with sandbox.writes() as written:
        done = run_workshop(state="absent", multi_user=True, **nothing, **more)
    assert done["failed"] and f"litellm_vkey_{next(iter(nothing))} is" in done["msg"]
    assert written == [] and list(sandbox.keys(alias)) == [f"{alias}-ann"]
    done = run_workshop(state="absent", multi_user=True, **more)
    assert not done.get("failed") and sandbox.keys(alias) == {}


@pytest.mark.parametrize("place", ["values.yml", "~/values.yml"])
def test_a_value_that_was_deleted_never_comes_back(sandbox, run_workshop, monkeypatch, tmp_path, alias, place) -> None:
    """A relative path, or one in the home, is the same file for each state."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    course = {"users": ["ann"], "values_file": place}
    first = run_workshop(**course)["result"]["users"][0]
    assert first["key"] in (tmp_path / "values.yml").read_text()
    run_workshop(**course, state="absent")
    assert first["key"] not in (tmp_path / "values.yml").read_text()
    second = run_workshop(**course)["result"]["users"][0]
    assert second["key_id"] != first["key_id"] and second["key"] in (tmp_path / "values.yml").read_text()


def damaged_list(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "keys.json").write_text('{"not": "ours"}')


def file_in_the_place_of_a_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "env").write_text("hi")


def nothing_yet(folder: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "variables", "words"),
    [
        (nothing_yet, {"output_formats": ["mail"], "output_mail_from": "Ada Lovelace"}, "output_mail_from"),
        (nothing_yet, {"output_formats": ["html"], "output_html_template": "nope.j2"}, "nope.j2"),
        (damaged_list, {"output_formats": ["csv"]}, "keys.json"),
        (file_in_the_place_of_a_folder, {"output_formats": ["env"]}, "env"),
        (nothing_yet, {"artifact_password": ["a", "list"]}, "litellm_vkey_artifact_password must be text"),
        (nothing_yet, {"values_file_vault_id": "no-such-id"}, "litellm_vkey_values_file_vault_id"),
        (nothing_yet, {"models": ["no-such-model"]}, "no-such-model"),
        (nothing_yet, {"users": ["ann", {"user": "ben", "budget_duration": "soon"}]}, "budget_duration"),
    ],
)
@pytest.mark.parametrize("cap", [{}, {"total_budget": 5}], ids=["", "with a team"])
def test_all_that_can_be_refused_is_refused_before_the_first_write(
    sandbox, run_workshop, alias, folder, prepare, variables, words, cap
) -> None:
    prepare(folder)
    with sandbox.writes() as written:
        done = run_workshop(**{"users": ["ann", "ben"], "output_dir": str(folder), **cap, **variables})
    assert done["failed"] and words in done["msg"], done
    assert written == [] and sandbox.keys(alias) == {}


def test_the_values_reach_the_result_whatever_fails_afterwards(
    sandbox, run_workshop, alias, folder, monkeypatch
) -> None:
    """A full disk, as an example."""
    from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop import _run

    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device", str(folder / "keys.csv"))

    monkeypatch.setattr(_run, "hand_out", full)
    done = run_workshop(users=["ann"], output_dir=str(folder))
    assert done["failed"] and "No space left on device" in done["msg"]
    assert done["result"]["users"][0]["key"].startswith("sk-") and list(sandbox.keys(alias)) == [f"{alias}-ann"]


def test_a_damaged_report_keeps_no_key_alive(sandbox, run_workshop, alias, folder) -> None:
    run_workshop(users=["ann"], output_dir=str(folder))
    (folder / "usage.json").write_text("no JSON")
    done = run_workshop(state="absent", multi_user=True, output_dir=str(folder))
    assert not done.get("failed") and sandbox.keys(alias) == {}
    assert any("usage.json" in note for note in done["notes"]), done["notes"]


def test_an_option_of_a_key_by_its_own_variable(sandbox, run_workshop, alias) -> None:
    done = run_workshop(users=["ann"], budget_duration="1mo", rpm_limit="7", max_budget=5)
    assert not done.get("failed"), done
    row = sandbox.keys(alias)[f"{alias}-ann"]
    assert (row["budget_duration"], row["rpm_limit"]) == ("1mo", 7)


def encrypt(file: Path) -> None:
    """Encrypt a file as ``ansible-vault encrypt`` does, with a password that no run of these tests has."""
    secret = VaultSecret(b"a password that is not given")
    file.write_bytes(VaultLib([("course", secret)]).encrypt(file.read_bytes(), secret=secret, vault_id="course"))


def test_blocking_and_the_end_work_without_the_vault_password(sandbox, run_workshop, alias, folder) -> None:
    course = {"users": ["ann", "ben"], "output_dir": str(folder)}
    ann = run_workshop(**course)["result"]["users"][0]["key"]
    encrypt(folder / "values.yml")
    encrypted = (folder / "values.yml").read_bytes()
    refused = run_workshop(**course)
    assert refused["failed"] and "cannot decrypt" in refused["msg"] and "Blocked" not in refused["msg"]
    planned = run_workshop(check=True, **course, block=["ann"])
    assert "Blocked" not in planned["msg"] and not sandbox.keys(alias)[f"{alias}-ann"]["blocked"]

    done = run_workshop(**course, block=["ann"])
    assert done["failed"] and done["msg"].startswith("Blocked: ann. The rest of the run failed. ")
    assert "cannot decrypt" in done["msg"] and sandbox.keys(alias)[f"{alias}-ann"]["blocked"]
    assert sandbox.call("POST", "/v1/chat/completions", QUESTION, key=ann).status_code == 401

    predicted = run_workshop(check=True, **course, state="absent")
    assert not predicted.get("failed") and "2 would be deleted" in said(predicted)
    done = run_workshop(**course, state="absent")
    assert not done.get("failed") and "2 deleted" in said(done) and sandbox.keys(alias) == {}
    assert any("cannot decrypt" in note for note in done["notes"]), done["notes"]
    assert (folder / "values.yml").read_bytes() == encrypted and not (folder / "slips.html").exists()


def test_blocking_needs_nothing_but_the_name(sandbox, run_workshop, alias, folder) -> None:
    run_workshop(users=["ann", "ben"], key_seed=SEED)
    nowhere = {"models": [], "multi_user": True, "output_dir": "/sys/course"}
    with sandbox.writes() as written:
        predicted = run_workshop(check=True, **nowhere, block=["ben"])
    assert predicted["messages"] == ["1 would be updated"] and written == []
    with sandbox.writes() as written:
        assert run_workshop(**nowhere, block=["ben"])["messages"] == ["1 updated"]
        assert run_workshop(**nowhere, block=["ben"])["messages"] == ["1 unchanged"]
    assert len(written) == 1 and [row["blocked"] for row in sandbox.keys(alias).values()] == [None, True]
    typo = run_workshop(**nowhere, block=["bne"])
    assert typo["failed"] and "Did you mean 'ben'?" in typo["msg"]
    ended = run_workshop(state="absent", multi_user=True, output_dir="/sys/course")
    assert not ended.get("failed") and sandbox.keys(alias) == {} and any("/sys/course" in one for one in ended["notes"])
