# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""People as they come, from a file or a survey, and somebody's trouble in one variable."""

from __future__ import annotations

from pathlib import Path

SEED = "a seed for tests only, of 32 characters and more"


def csv_file(tmp_path: Path, *lines: str, encoding: str = "utf-8-sig") -> str:
    file = tmp_path / "people.csv"
    file.write_bytes("\r\n".join(lines).encode(encoding))
    return str(file)


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
    assert done.rc != 0 and f"{file}, ben@example.org, max_budget must be a number" in done.messages, done.messages
    done, _result = manage(users_file=str(tmp_path / "none.csv"))
    assert done.rc != 0 and "none.csv: the file does not exist on the control node" in done.messages
    assert written == [] and sandbox.keys(alias) == {}


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


def test_an_empty_seed_is_refused(sandbox, manage, alias):
    with sandbox.writes() as written:
        for empty in ("", "{{ lookup('ansible.builtin.env', 'NO_SUCH_SEED_OF_TESTS') }}"):
            done, _result = manage(users=["ann"], key_seed=empty)
            assert done.rc != 0 and "litellm_vkey_key_seed is empty" in done.messages, done.messages
    assert written == [] and sandbox.keys(alias) == {}
    assert manage(users=["ann"], key_seed=None)[0].rc == 0
    assert manage(users=["ann"], key_seed="", state="absent")[0].rc == 0


def test_a_misspelled_variable_is_refused(sandbox, manage, alias):
    with sandbox.writes() as written:
        done, _result = manage(max_budgett=3)
    meant = "litellm_vkey_max_budgett is not a variable of this collection. Did you mean 'litellm_vkey_max_budget'?"
    assert done.rc != 0 and meant in done.messages and written == []
    assert manage(room="A 113")[0].rc == 0
