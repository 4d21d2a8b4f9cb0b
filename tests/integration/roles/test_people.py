# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""People as they come, from a file or a survey, and somebody's trouble in one variable."""

from __future__ import annotations

from pathlib import Path

import pytest

SEED = "a seed for tests only, of 32 characters and more"


def csv_file(tmp_path: Path, *lines: str, encoding: str = "utf-8-sig") -> str:
    file = tmp_path / "people.csv"
    file.write_bytes("\r\n".join(lines).encode(encoding))
    return str(file)


def test_a_value_that_was_declared_is_handed_out(sandbox, manage, alias, tmp_path):
    """And not what Ansible shows in place of values that were given to it."""
    folder, value = tmp_path / "course", f"sk-{alias}-declared-value"
    for _run in range(2):
        done, result = manage(users=[{"user": "ann", "key": value}, "ben"], output_dir=str(folder), secret=(value,))
        assert done.rc == 0, done.messages
    assert done.changed == 0 and result["users"][0]["key"] == value
    slips = (folder / "slips.html").read_text()
    assert value in (folder / "keys.csv").read_text() and f"api_key=<wbr>&#34;{value}&#34;" in slips


def test_people_from_a_file(sandbox, manage, alias, tmp_path):
    touched = tmp_path / "touched"
    file = csv_file(
        tmp_path,
        "Name;E-Mail;Company;max_budget;models;blocked",
        '"Čapek, Änne";anne@example.org;"Öl; Gas";10.5;"gpt-4, gpt-4o-mini";true',
        ";;;;;",
        '=Ben ""B."" {{ lookup(\'ansible.builtin.pipe\', \'touch ' + str(touched) + "') }};ben@example.org;;;;",
    )
    for _run in range(2):
        done, result = manage(users_file=file, max_budget=3)
        assert done.rc == 0, done.messages
    assert done.changed == 0 and not touched.exists(), "what is in the file was taken for a template"
    anne, ben = result["users"]
    rows = sandbox.keys(alias)
    assert set(rows) == {f"{alias}-anne@example.org", f"{alias}-ben@example.org"}
    row = rows[anne["alias"]]
    assert (row["user_id"], row["max_budget"], row["blocked"]) == ("anne@example.org", 10.5, True)
    assert sorted(row["models"]) == ["gpt-4", "gpt-4o-mini"] and rows[ben["alias"]]["max_budget"] == 3
    assert rows[ben["alias"]]["models"] == ["gpt-4"]


def test_a_file_with_a_wrong_cell_writes_nothing(sandbox, manage, alias, tmp_path):
    file = csv_file(tmp_path, "email,max_budget", "anne@example.org,3", 'ben@example.org,"10,50"')
    with sandbox.writes() as written:
        done, _result = manage(users_file=file)
    assert done.rc != 0 and f"{file}: line 3: ben@example.org, max_budget must be a number" in done.messages, (
        done.messages
    )
    done, _result = manage(users_file=str(tmp_path / "none.csv"))
    assert done.rc != 0 and "none.csv: the file does not exist on the control node" in done.messages
    assert written == [] and sandbox.keys(alias) == {}


def test_a_table_of_another_system(sandbox, manage, alias, tmp_path):
    """Columns are found, mapped, or free; a similar name is none of an option's; and check mode says which is which."""
    file = csv_file(
        tmp_path,
        "sep=;",
        "Vorname;Name;Kontakt;Max budget;Config;Groups;models;rpm_limit;Budget in USD",
        "Jiří;Dvořák;jiri@example.org;99;x;y;trains;7;2.5",
        "Eve;Lee;eve@example.org;;;;;;",
        encoding="windows-1250",
    )
    table = {"users_file": file, "columns": {"Kontakt": "email", "budget in usd": "max_budget", "models": None}}
    with sandbox.writes() as written:
        done, _result = manage("--check", **table)
    assert done.rc == 0 and written == [], done.messages
    assert "These columns set options of keys: rpm_limit, max_budget." in done.output
    assert "These columns set nothing: max budget, column_config, groups." in done.output
    assert "the file is not in UTF-8. It was read as windows-1252" in " ".join(done.output.split())
    done, result = manage(**table, users_encoding="windows-1250")
    assert done.rc == 0 and "not in UTF-8" not in done.output, done.messages
    assert [person["name"] for person in result["users"]] == ["Jiří Dvořák", "Eve Lee"]
    jiri, eve = (sandbox.keys(alias)[person["alias"]] for person in result["users"])
    assert (jiri["max_budget"], jiri["models"], jiri["rpm_limit"]) == (2.5, ["gpt-4"], 7)
    assert (eve["max_budget"], eve["models"]) == (None, ["gpt-4"])


def test_all_mistakes_of_a_file_are_said_at_once(sandbox, manage, alias, tmp_path):
    file = csv_file(
        tmp_path,
        "name,email,max_budget",
        'Ann,ann@example.org,"10,50"',
        "Ben,ben\uff20example.org,1",
        "=?utf-8?q?x=0ABcc:_eve=40x.org?=,cem@example.org,1",
        "Dan,dan@example.org,10 €",
        "Eve,ann@example.org,",
    )
    with sandbox.writes() as written:
        done, _result = manage(users_file=file)
    assert done.rc != 0 and written == [] and sandbox.keys(alias) == {}
    for said in (
        "line 2: ann@example.org, max_budget must be a number such as 10 or 2.5, not '10,50'.",
        "line 3: 'ben\uff20example.org' is not an email address.",
        "line 4: the name '=?utf-8?q?x=0ABcc:_eve=40x.org?=' is encoded as in the header of an email.",
        "line 5: dan@example.org, max_budget must be a number such as 10 or 2.5, not '10 €'.",
        "'ann@example.org' appears more than once, in lines 2, 6.",
    ):
        assert said in done.messages, done.messages


def test_answers_of_a_survey(sandbox, manage, alias):
    """Text areas, numbers as text, and answers left blank."""
    survey = {
        "users": "ann\nben\n",
        "models": "gpt-4\ngpt-4o-mini",
        "max_budget": "10.5",
        "expires_at": "",
        "prune": "",
    }
    done, result = manage(**survey)
    assert done.rc == 0, done.messages
    assert [person["user"] for person in result["users"]] == ["ann", "ben"]
    row = sandbox.keys(alias)[f"{alias}-ann"]
    assert row["max_budget"] == 10.5 and sorted(row["models"]) == ["gpt-4", "gpt-4o-mini"]
    done, _result = manage(**{**survey, "max_budget": "10,50"})
    assert done.rc != 0 and "litellm_vkey_max_budget must be a number such as 10 or 2.5, not '10,50'" in done.messages


def test_an_empty_seed_is_refused(sandbox, manage_by_play, alias):
    with sandbox.writes() as written:
        for empty in ("", "{{ lookup('ansible.builtin.env', 'NO_SUCH_SEED_OF_TESTS') }}"):
            done, _result = manage_by_play(users=["ann"], key_seed=empty)
            assert done.rc != 0 and "litellm_vkey_key_seed is empty" in done.messages, done.messages
    assert written == [] and sandbox.keys(alias) == {}
    assert manage_by_play(users=["ann"], key_seed=None)[0].rc == 0
    assert manage_by_play(users=["ann"], key_seed="", state="absent")[0].rc == 0


def test_a_misspelled_variable_is_refused(sandbox, manage_by_play, alias):
    with sandbox.writes() as written:
        done, _result = manage_by_play(max_budgett=3)
    meant = "litellm_vkey_max_budgett is not a variable of this collection. Did you mean 'litellm_vkey_max_budget'?"
    assert done.rc != 0 and meant in done.messages and written == []
    assert manage_by_play(room="A 113")[0].rc == 0


def by_user(sandbox, result) -> dict[str, dict]:
    rows = sandbox.rows(
        'SELECT * FROM "LiteLLM_VerificationToken" WHERE key_alias = ANY(%s)', [one["alias"] for one in result["users"]]
    )
    users = {one["alias"]: one["user"] for one in result["users"]}
    return {users[row["key_alias"]]: row for row in rows}


def works(sandbox, value: str) -> bool:
    return sandbox.call("GET", "/v1/models", key=value).status_code == 200


def test_one_person_is_blocked_and_unblocked(sandbox, manage):
    shared = {"users": ["ann", "ivan"], "key_seed": SEED}
    _done, first = manage(**shared)
    before = by_user(sandbox, first)
    with sandbox.writes() as written:
        done, result = manage(**shared, block=["ivan"])
    assert done.rc == 0, done.output
    after = by_user(sandbox, result)
    assert after["ann"] == before["ann"] and after["ivan"]["blocked"] is True and len(written) == 1
    with sandbox.writes() as written:
        done, _result = manage(**shared)
        assert done.changed == 0 and by_user(sandbox, result) == after, "who is not named stays as they are"
        done, _result = manage(**shared, block="ivna")
        assert done.rc != 0 and "Did you mean" in done.output
    assert written == []
    done, result = manage(**shared, unblock="ivan@example.com")
    after = by_user(sandbox, result)
    assert after["ann"] == before["ann"] and after["ivan"]["blocked"] is False


@pytest.mark.parametrize(("source", "kept"), [("list", "seed"), ("csv", "file"), ("csv", "nothing")])
def test_one_persons_leaked_key_is_replaced_for_ever(sandbox, manage, run_module, tmp_path, kept, source):
    file = csv_file(tmp_path, "user,email,name", "ann,ann@x.org,Änn", "ivan,ivan@x.org,Ivan")
    people = {"users": ["ann", "ivan"]} if source == "list" else {"users_file": file}
    values = tmp_path / "values.yml"
    keeping = {"seed": {"key_seed": SEED}, "file": {"values_file": str(values)}, "nothing": {}}[kept]
    _done, first = manage(**people, **keeping)
    before = by_user(sandbox, first)
    leaked = first["users"][1]["key"]

    with sandbox.writes() as written:
        done, predicted = manage("--check", **people, **keeping, reissue=["ivan"])
    assert done.rc == 0 and [one["action"] for one in predicted["users"]] == ["none", "reissue"] and written == []
    done, result = manage(**people, **keeping, reissue=["ivan"])
    assert done.rc == 0, done.output
    ann, ivan = result["users"]
    assert (ann["action"], ivan["action"]) == ("none", "reissue") and ivan["key"] not in ("", None, leaked)
    assert by_user(sandbox, result)["ann"] == before["ann"]
    assert works(sandbox, ivan["key"]) and not works(sandbox, leaked)

    known = ivan["key"] if keeping else None
    with sandbox.writes() as written:
        for variables in ({"reissue": ["ivan"]}, {}, {"reissue": "ivan:1"}):
            done, again = manage(**people, **keeping, **variables)
            assert done.rc == 0 and done.changed == 0, done.output
            assert again["users"][1]["key"] == known
            assert ("to do it again, set litellm_vkey_reissue to ivan" in done.output) is bool(variables)
    assert written == [] and works(sandbox, ivan["key"]) and not works(sandbox, leaked)

    done, once_more = manage(**people, **keeping, reissue={"ivan": 2})
    assert once_more["users"][1]["key"] not in (None, leaked, ivan["key"]) and works(
        sandbox, once_more["users"][1]["key"]
    )
    assert not works(sandbox, ivan["key"]) and not works(sandbox, leaked)
    assert by_user(sandbox, once_more)["ann"] == before["ann"]
    if kept == "seed":
        # Whatever is advised, whatever is tried: neither value is ever alive again.
        for variables in (
            {"reissue": "ivan:1"},
            {"value_policy": "reissue"},
            {"key_version": 2, "value_policy": "reissue"},
        ):
            manage(**people, **keeping, **variables)
            assert not works(sandbox, ivan["key"]) and not works(sandbox, leaked)


def test_a_key_that_was_deleted_by_hand_does_not_come_back(sandbox, manage):
    shared = {"users": ["ann", "ivan"], "key_seed": SEED}
    _done, first = manage(**shared)
    leaked = first["users"][1]
    sandbox.call("POST", "/key/delete", {"keys": [leaked["key_id"]]}).raise_for_status()
    done, result = manage(**shared, reissue="ivan")
    assert done.rc == 0 and works(sandbox, result["users"][1]["key"]) and not works(sandbox, leaked["key"])
    assert manage(**shared)[1]["users"][1]["key"] == result["users"][1]["key"]


def test_unknown_models_of_some_people_are_named_with_their_column(sandbox, run_workshop, alias, tmp_path) -> None:
    rows = ("Name;E-Mail;models", "Ann;ann@x.org;trains", "Ben;ben@x.org;gpt-4, ships", "Cem;cem@x.org;")
    file = csv_file(tmp_path, *rows)
    for more in ({}, {"total_budget": 5}):
        for check in (True, False):
            with sandbox.writes() as written:
                done = run_workshop(check=check, users_file=file, **more)
            assert done["failed"] and written == []
            assert f"{file}, ann@x.org, models: the proxy has no model 'trains'." in done["msg"]
            assert f"{file}, ben@x.org, models: the proxy has no model 'ships'. It has " in done["msg"]
            assert "litellm_vkey_models" not in done["msg"] and "cem" not in done["msg"]
    assert sandbox.keys(alias) == {}
    listed = run_workshop(users=["ann", {"user": "ben", "models": ["ships"]}])
    assert "litellm_vkey_users, ben, models: the proxy has no model 'ships'." in listed["msg"]
    of_all = run_workshop(users=["ann", {"user": "ben", "models": ["gpt-4"]}], models=["ships"])
    assert "litellm_vkey_models: the proxy has no model 'ships'." in of_all["msg"]


@pytest.mark.parametrize("cap", [{}, {"total_budget": 5}], ids=["", "in a team"])
def test_who_gets_another_address_keeps_the_key(sandbox, run_workshop, alias, tmp_path, cap) -> None:
    course = {"output_dir": str(tmp_path / "course"), "output_formats": ["csv"], **cap}
    wrong = csv_file(tmp_path, "Name;E-Mail", "Anne;anne@exmaple.org", "Ben;ben@x.org")
    first = run_workshop(users_file=wrong, **course)["result"]["users"][0]
    sandbox.call("POST", "/key/update", {"key": first["key_id"], "spend": 1.5}).raise_for_status()
    corrected = csv_file(tmp_path, "Name;E-Mail", "Anne;anne@example.org", "Ben;ben@x.org")
    offered = run_workshop(check=True, users_file=corrected, **course)
    assert offered["messages"][-1] == (
        "probably the same person: anne@example.org is new, and anne@exmaple.org is not listed; to keep the key and "
        "its spending, set user to anne@exmaple.org in the line of anne@example.org"
    )
    kept = csv_file(tmp_path, "Name;E-Mail;user", "Anne;anne@example.org;anne@exmaple.org", "Ben;ben@x.org;")
    done = run_workshop(users_file=kept, **course)
    assert not done.get("failed") and "1 updated, 1 unchanged" in done["messages"][0], done
    row = sandbox.keys(alias)[f"{alias}-anne@exmaple.org"]
    assert (row["token"], row["spend"], row["user_id"]) == (first["key_id"], 1.5, "anne@example.org")
    assert len(sandbox.keys(alias)) == 2 and not run_workshop(users_file=kept, **course)["changed"]
    run_workshop(state="absent", multi_user=True)
