# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From keys to people: what is handed out works, stays as it is, and goes with the keys."""

from __future__ import annotations

import csv
import email
import email.policy
import html
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

PLAYBOOK = str(Path(__file__).parents[1] / "playbooks" / "hand_out.yml")
ASK = """
import openai
print(openai.OpenAI().chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "Hello!"}])
      .choices[0].message.content)
"""


@pytest.fixture
def hand_out(play, alias, tmp_path):
    """Runs both roles with the variables given."""

    def run(*arguments, **variables):
        given = {
            "litellm_vkey_alias": alias,
            "litellm_vkey_models": ["gpt-4"],
            "hand_out_to": str(tmp_path / "course"),
            **{f"litellm_vkey_{name}": value for name, value in variables.items()},
        }
        given["hand_out_to"] = given.pop("litellm_vkey_output_dir", given["hand_out_to"])
        file = tmp_path / "variables.json"
        file.write_text(json.dumps(given))
        return play(PLAYBOOK, "-e", f"@{file}", *arguments)

    return run


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "course"


def texts(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".litellm_vkey_files.json"
    }


def handed(folder):
    with (folder / "keys.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["user"]: row for row in csv.DictReader(file)}


def test_a_workshop_from_the_first_run_to_the_last(sandbox, hand_out, alias, folder):
    everything = {"output_formats": ["csv", "json", "html", "env", "mail", "kubernetes"]}
    everything["output_mail_from"] = "Ada Löwe <ada@example.org>"
    users = ["ann", "jürgen groß", "ben@example.org"]
    done = hand_out(users=users, max_budget=10, **everything)
    assert done.rc == 0, done.messages
    assert f"Wrote 3 slips to {folder}/slips.html" in done.output
    people = handed(folder)
    assert list(people) == users
    for row in people.values():
        models = sandbox.call("GET", "/v1/models", key=row["key"])
        assert models.status_code == 200 and row["base_url"] == f"{sandbox.api_url}/v1"
    first = texts(folder)

    # LiteLLM shows a value once. This run, whose role keeps no values, knows none, and loses none.
    done = hand_out(users=users, max_budget=10, **everything)
    assert done.rc == 0 and done.changed == 0 and texts(folder) == first
    assert "is up to date, with 3 keys" in done.output

    done = hand_out(users=[*users, "late"], max_budget=10, **everything)
    assert (
        done.changed == 2
        and {user: row["key"] for user, row in handed(folder).items()}.items()
        > {user: row["key"] for user, row in people.items()}.items()
    )
    assert {name: text for name, text in texts(folder).items() if name.startswith("env/")}.items() > {
        name: text for name, text in first.items() if name.startswith("env/")
    }.items()

    (folder / "env" / "notes.txt").write_text("mine\n")
    assert hand_out(users=[*users, "late"], state="absent").changed == 2
    assert set(texts(folder)) == {"env/notes.txt"} and sandbox.keys(alias) == {}


def test_what_is_handed_out_works_as_it_is(sandbox, hand_out, folder, tmp_path):
    hand_out(
        users=["ann"],
        output_formats=["html", "env", "mail", "kubernetes"],
        output_mail_from="ada@example.org",
        output_namespace="course",
    )
    # The .env file, in a shell.
    answer = subprocess.run(
        ["sh", "-c", f'set -a; . "{folder}/env/ann.env"; exec "{sys.executable}" -c "$1"', "sh", ASK],
        env={},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert answer.strip()
    # The lines of the slip, broken wherever they may be, and those of the mail.
    page = (folder / "slips.html").read_text()
    lines = [html.unescape(line.replace("<wbr>", "\n")) for line in re.findall(r"<b>(.*)</b>", page)]
    mail = email.message_from_bytes((folder / "mail" / "ann.eml").read_bytes(), policy=email.policy.default)
    assert len(lines) == 3 and mail["To"].addresses[0].addr_spec == "ann@example.com"
    for text in ("\n".join(lines), mail.get_content()[mail.get_content().index("from openai") :]):
        done = subprocess.run([sys.executable, "-c", text], env={}, capture_output=True, text=True, check=True)
        assert done.stdout == answer
    # The Secret.
    secret = yaml.safe_load((folder / "kubernetes" / "ann.yml").read_text())
    assert secret["metadata"]["namespace"] == "course"
    assert sandbox.call("GET", "/v1/models", key=secret["stringData"]["key"]).status_code == 200


def test_a_value_that_is_not_known_is_named(sandbox, hand_out, folder):
    hand_out(users=["ann"], output_dir=str(folder / "elsewhere"))
    done = hand_out(users=["ann", "ben"])
    assert done.rc == 0 and "No value is known for 1: ann." in " ".join(done.output.split())
    assert handed(folder)["ann"]["key"] == "" and handed(folder)["ben"]["key"].startswith("sk-")


def test_check_mode_writes_nothing(sandbox, hand_out, folder):
    with sandbox.writes() as written:
        done = hand_out("--check", users=["ann", "ben"])
    assert done.rc == 0 and written == [] and not folder.exists()
    assert f"Would write 2 slips to {folder}/slips.html" in done.output and "No value is known" not in done.output


def test_a_single_key(sandbox, hand_out, alias, folder):
    assert hand_out().changed == 2
    assert sandbox.call("GET", "/v1/models", key=handed(folder)[alias]["key"]).status_code == 200
    assert hand_out(state="absent").changed == 2 and texts(folder) == {}


def test_two_batches_at_once(hand_out, play, alias, folder, tmp_path):
    """Each run has people of its own; none forgets those of the other."""

    def batch(name):
        file = tmp_path / f"{name}.json"
        variables = {
            "alias": alias,
            "models": ["gpt-4"],
            "users": [f"{name}{n}" for n in range(8)],
        }
        given = {f"litellm_vkey_{key}": value for key, value in variables.items()}
        file.write_text(json.dumps({**given, "hand_out_to": str(folder)}))
        return play(PLAYBOOK, "-e", f"@{file}")

    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(batch, ("a", "b", "c")))
    assert [run.rc for run in runs] == [0, 0, 0]
    people = handed(folder)
    assert len(people) == 24 and all(row["key"].startswith("sk-") for row in people.values())


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"output_formats": ["mail"]}, "Set litellm_vkey_output_mail_from"),
        ({"output_formats": ["pdf"]}, "litellm_vkey_output_formats"),
        ({"output_html_template": "no-such.j2"}, "Cannot find the template no-such.j2."),
    ],
)
def test_what_cannot_be_says_why(hand_out, folder, variables, said):
    done = hand_out(users=["ann"], **variables)
    assert done.rc != 0 and said in done.output and texts(folder) == {}


@pytest.mark.parametrize(
    ("prepare", "variables", "said"),
    [
        (lambda folder: None, {"output_formats": ["mail"], "output_mail_from": "Ada"}, "Emails need a sender"),
        (lambda folder: None, {"output_html_template": "no-such.j2"}, "Cannot find the template no-such.j2."),
        (lambda folder: (folder / "keys.json").write_text("{}"), {}, "keys.json is not a list of keys"),
        (
            lambda folder: (folder / "keys.csv").write_text("mine"),
            {},
            "not written by this role, or were changed since",
        ),
        (lambda folder: (folder / "env").write_text("hi"), {"output_formats": ["env"]}, "env is a file, not a folder"),
        (lambda folder: None, {"time_zone": "Nowhere"}, "litellm_vkey_time_zone: 'Nowhere' is not a time zone"),
    ],
)
def test_no_key_is_made_that_could_not_be_handed_out(sandbox, manage, alias, folder, prepare, variables, said):
    folder.mkdir()
    prepare(folder)
    before = texts(folder)
    with sandbox.writes() as written:
        done, _result = manage(users=["ann"], output_dir=str(folder), **variables)
    assert done.rc != 0 and said in done.messages, done.messages
    assert written == [] and sandbox.keys(alias) == {} and texts(folder) == before


def test_files_of_the_user_outlive_the_workshop(sandbox, manage, alias, folder):
    """Also those that have the names of ours, and a report that nobody can read."""
    mine = {"slips.html": b"mine", "keys.csv": b"mine", "env/ann.env": b"A=1", "mail/ann.eml": b"m", "usage.json": b"x"}
    for name, content in mine.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    workshop = {"users": ["ann"], "output_dir": str(folder), "output_formats": ["json"]}
    for _run in range(2):
        done, result = manage(**workshop)
        assert done.rc == 0 and done.changed == (0 if _run else 1), done.messages
    assert json.loads((folder / "keys.json").read_text())[0]["key"] == result["users"][0]["key"]
    done, _result = manage(**workshop, state="absent")
    assert done.rc == 0 and sandbox.keys(alias) == {}, done.messages
    assert "usage.json is not a report that this role wrote" in " ".join(done.output.split())
    now = texts(folder)
    assert {name: now[name] for name in mine} == mine
    assert set(now) - set(mine) <= {"usage.csv", "usage.html", "values.yml"}
