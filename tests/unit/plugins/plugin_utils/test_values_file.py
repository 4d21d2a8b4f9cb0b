# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError, LiteLLMError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils import _values_file
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._values_file import ValuesFile
from hypothesis import given
from hypothesis import strategies as st

PROXY = "https://litellm.example.com"
ANN, BEN, CARL = (f"sk-value-of-{name}-0123" for name in ("ann", "ben", "carl"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "values.yml"


def opened(path: Path, **options: Any) -> Any:
    return ValuesFile.opened(str(path), **{"proxy": PROXY, "sleep": lambda _seconds: None, **options})


def content(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_a_chosen_value_is_pending_until_it_is_confirmed(path: Path) -> None:
    with opened(path) as file:
        file.remember({"ann": ANN, "ben": BEN})
        assert content(path)["litellm_vkey_values_pending"] == {"ann": [ANN], "ben": [BEN]}
        file.settle({"ann": ANN})
    assert content(path) == {
        "litellm_vkey_values": {"ann": ANN},
        "litellm_vkey_values_pending": {"ben": [BEN]},
        "litellm_vkey_values_proxy": PROXY,
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with opened(path) as file:
        assert file.candidates("ann") == [ANN]
        assert file.candidates("ben") == [BEN]
        assert file.candidates("carl") == []


def test_the_old_value_stays_until_the_new_one_is_confirmed(path: Path) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN})
        file.remember({"ann": BEN})
        assert file.candidates("ann") == [ANN, BEN]
        file.settle({"ann": BEN})
        assert file.candidates("ann") == [BEN]


def test_what_is_gone_leaves_and_others_stay(path: Path) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN, "ben": BEN})
        file.remember({"carl": CARL})
    with opened(path) as file:
        file.settle({}, gone=["ann", "carl"])
    assert content(path)["litellm_vkey_values"] == {"ben": BEN}
    assert "litellm_vkey_values_pending" not in content(path)


def test_nothing_new_writes_nothing(path: Path) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN})
    before = path.stat()
    with opened(path) as file:
        file.remember({"ann": ANN})
        file.settle({"ann": ANN}, gone=["nobody"])
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_only_the_file_is_left(path: Path) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN})
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def secret(vault_id: str, password: str) -> tuple[str, VaultSecret]:
    return (vault_id, VaultSecret(password.encode()))


@pytest.mark.parametrize("vault_id", ["default", "course"])
def test_a_vaulted_file_is_written_back_under_its_id(path: Path, vault_id: str) -> None:
    secrets = [secret("other", "wrong"), secret(vault_id, "right")]
    with opened(path, secrets=secrets, vault_id=vault_id) as file:
        file.settle({"ann": ANN})
    first = path.read_text().splitlines()[0]
    assert first == ("$ANSIBLE_VAULT;1.1;AES256" if vault_id == "default" else f"$ANSIBLE_VAULT;1.2;AES256;{vault_id}")
    with opened(path, secrets=secrets) as file:  # how it is encrypted is the file's own affair
        assert file.candidates("ann") == [ANN]
        file.settle({"ben": BEN})
    assert path.read_text().splitlines()[0] == first
    assert BEN.encode() in VaultLib(secrets).decrypt(path.read_bytes())


@pytest.mark.parametrize("secrets", [[], [secret("default", "wrong")]], ids=["no password", "wrong password"])
def test_a_vaulted_file_that_cannot_be_opened_is_left_alone(path: Path, secrets: list[Any]) -> None:
    with opened(path, secrets=[secret("default", "right")], vault_id="default") as file:
        file.settle({"ann": ANN})
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"cannot decrypt .* vault password"), opened(path, secrets=secrets):
        pass
    assert path.read_bytes() == before


def test_a_new_file_needs_the_secret_of_its_id(path: Path) -> None:
    with pytest.raises(InputError, match="no vault secret with the ID course"), opened(path, vault_id="course"):
        pass
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "litellm_vkey_values: {ann: ",
        "[]",
        "other: 1",
        "litellm_vkey_values: [sk-value-of-ann-0123]",
        "litellm_vkey_values: {ann: {key: sk-value-of-ann-0123}}",
        "litellm_vkey_values: {ann: sk-cut}",
        "litellm_vkey_values_pending: {ann: sk-value-of-ann-0123}",
        "litellm_vkey_values_pending: {ann: [[sk-value-of-ann-0123]]}",
        "[" * 5000,
        "\x00\x01",
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(path: Path, text: str) -> None:
    write(path, text)
    with pytest.raises(InputError, match="damaged or is not a values file") as refused, opened(path):
        pass
    assert "sk-" not in str(refused.value)
    assert path.read_text() == text


BY_HAND = f"""# mine
litellm_vkey_values_proxy: {PROXY} # moved in May
db_password: precious

litellm_vkey_values:   # the course
    # table 3
    ben: '{BEN}'   # by the window
    carl: {CARL}
# the end
other: {{a: 1}}
"""


def test_what_the_user_wrote_into_the_file_stays_to_the_byte(path: Path) -> None:
    write(path, BY_HAND)
    with opened(path) as file:
        assert file.candidates("ben") == [BEN]
        file.remember({"dan": ANN})
        assert content(path)["litellm_vkey_values_pending"] == {"dan": [ANN]}
        file.settle({"ann": f"{ANN}-1", "dan": ANN}, gone=["carl"])
    new = path.read_text()
    assert content(path)["litellm_vkey_values"] == {"ann": f"{ANN}-1", "ben": BEN, "dan": ANN}
    assert [line for line in new.splitlines() if line not in BY_HAND.splitlines()] == [
        f"    ann: {ANN}-1",
        f"    dan: {ANN}",
    ]
    assert [line for line in BY_HAND.splitlines() if line not in new.splitlines()] == [f"    carl: {CARL}"]
    with opened(path) as file:
        file.settle({}, gone=["ann", "ben", "dan"])
    assert content(path)["litellm_vkey_values"] == {} and content(path)["other"] == {"a": 1}
    assert "litellm_vkey_values: {}   # the course\n    # table 3\n# the end\n" in path.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("litellm_vkey_values:\n  a: {ANN}\nx: 1\nlitellm_vkey_values:\n  b: {BEN}\n", "twice, in line 1 and line 4"),
        ("litellm_vkey_values:\n  a: {ANN}\n  a: {BEN}\n", "'a' twice, the second time in line 3"),
        ("litellm_vkey_values: {{a: {ANN}, a: {BEN}}}\n", "'a' twice, the second time in line 1"),
        ("litellm_vkey_values_pending:\n  a: [{ANN}]\n  a: [{BEN}]\n", "'a' twice"),
        ("litellm_vkey_values: {{\n  a: {ANN}, # first\n  b: {BEN}}}\n", "a comment between braces, in line 1"),
        ("litellm_vkey_values:\n  a: &x {ANN}\nmine: *x\n", "not plain text, in line 2"),
        ("mine: &x {ANN}\nlitellm_vkey_values:\n  a: *x\n", "not plain text"),
        ("litellm_vkey_values:\n  a: |-\n    {ANN}\n", "not plain text, in line 2"),
        ("{{litellm_vkey_values: {{a: {ANN}}}}}\n", "between braces, from line 1 on"),
        ("x: 1\n? litellm_vkey_values\n: a: {ANN}\n", "something stands before litellm_vkey_values, in line 2"),
    ],
)  # fmt: skip
def test_what_a_change_would_not_keep_is_refused_with_its_line(path: Path, text: str, said: str) -> None:
    text = text.format(ANN=ANN, BEN=BEN)
    write(path, text)
    with pytest.raises(InputError, match=said) as refused, opened(path):
        pass
    assert "sk-" not in str(refused.value) and "Correct it by hand" in str(refused.value)
    assert path.read_text() == text


@pytest.mark.parametrize("alias", ["b", "b" * 200, "b: 'x' #" * 30])
def test_entries_in_the_long_form_of_yaml_stay(path: Path, alias: str) -> None:
    """YAML has no other one for a long alias."""
    write(path, f"litellm_vkey_values:\n   ? mine\n   : {ANN}\n")
    for _run in range(2):
        with opened(path) as file:
            file.settle({alias: BEN, "a": CARL})
    with opened(path) as file:
        file.remember({alias: f"{BEN}-2"})
        assert file.candidates(alias) == [BEN, f"{BEN}-2"] and file.candidates("mine") == [ANN]
        file.settle({}, gone=["a", "mine"])
    with opened(path) as file:
        assert file.candidates(alias) == [BEN, f"{BEN}-2"]


def test_entries_between_braces_are_taken_apart_into_lines(path: Path) -> None:
    write(path, f"x: 1\r\nlitellm_vkey_values: {{b: {BEN}, a: {ANN}}} # all\r\ny: 2")
    with opened(path) as file:
        file.settle({"c": CARL})
    text = path.read_bytes().decode()
    assert text.startswith("x: 1\r\nlitellm_vkey_values: # all\r\n  a: ") and "\ny: 2" in text
    assert content(path)["litellm_vkey_values"] == {"a": ANN, "b": BEN, "c": CARL}


@pytest.mark.parametrize("reading", [False, True])
def test_the_file_of_another_owner_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, reading: bool) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN})
    # As root sees a file of somebody else: it can read it, and whoever owns it says what is in it.
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with (
        pytest.raises(InputError, match=f"belongs to the user with the ID {os.getuid()}"),
        opened(path, reading=reading),
    ):
        pass


def test_a_file_that_others_can_read_is_refused_with_the_remedy(path: Path) -> None:
    write(path, f"litellm_vkey_values: {{ann: {ANN}}}", mode=0o640)
    with pytest.raises(InputError, match=f"Run: chmod 600 {path}"), opened(path):
        pass


def test_a_symbolic_link_is_refused(path: Path) -> None:
    target = path.with_name("target.yml")
    write(target, f"litellm_vkey_values: {{ann: {ANN}}}")
    path.symlink_to(target)
    with pytest.raises(InputError, match="symbolic link"), opened(path):
        pass
    assert path.is_symlink()


def test_a_folder_that_is_missing_is_named(path: Path) -> None:
    for reading in (True, False):  # check mode foretells it
        missing = opened(path.parent / "missing" / "v.yml", reading=reading)
        with pytest.raises(InputError, match=f"no folder {path.parent}/missing"), missing:
            pass


def test_a_folder_in_place_of_the_file_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(InputError, match="not a regular file"), opened(path):
        pass


def test_the_file_of_another_proxy_is_refused(path: Path) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN})
    with pytest.raises(InputError, match=r"keys on https://litellm\.example\.com, but this task is for http://b"):
        opened(path, proxy="http://b").__enter__()


def test_a_second_run_waits_and_is_then_refused(path: Path) -> None:
    waits: list[float] = []
    with opened(path) as file:
        file.settle({"ann": ANN})
        with pytest.raises(InputError, match="another run is using"), opened(path, sleep=waits.append):
            pass
    assert 50 < sum(waits) < 70
    with opened(path) as file:
        assert file.candidates("ann") == [ANN]


def test_a_full_disk_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN})
        before = path.read_bytes()
        monkeypatch.setattr(os, "fsync", _no_space)
        with pytest.raises(LiteLLMError, match=r"cannot write .*: No space left on device"):
            file.remember({"ben": BEN})
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def _no_space(_handle: int) -> None:
    raise OSError(28, "No space left on device")


def test_values_that_wait_for_an_answer_add_up(path: Path) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN})
        file.remember({"ann": BEN})
        file.remember({"ann": CARL})
        file.remember({"ann": BEN})
    with opened(path) as file:
        assert file.candidates("ann") == [ANN, BEN, CARL]
        assert file.pending("ann") == [BEN, CARL]
        file.settle({"ann": BEN})
        assert file.candidates("ann") == [BEN]


def test_a_vaulted_file_without_an_id_is_written_with_the_secret_that_opened_it(path: Path) -> None:
    with opened(path, secrets=[secret("default", "right")], vault_id="default") as file:
        file.settle({"ann": ANN})
    secrets = [secret("default", "wrong"), secret("other", "wrong"), secret("course", "right")]
    with opened(path, secrets=secrets) as file:
        file.settle({"ben": BEN})
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.1;")
    assert BEN.encode() in VaultLib([secret("default", "right")]).decrypt(path.read_bytes())


def test_a_plain_file_that_is_to_be_encrypted_is_refused_with_the_remedy(path: Path) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN})
    encrypted = opened(path, secrets=[secret("course", "right")], vault_id="course")
    with pytest.raises(InputError, match=f"ansible-vault encrypt --encrypt-vault-id course {path}"), encrypted:
        pass


def test_one_value_for_two_keys_is_refused(path: Path) -> None:
    write(path, f"litellm_vkey_values: {{ann: {ANN}}}\nlitellm_vkey_values_pending: {{ben: [{ANN}]}}")
    with pytest.raises(InputError, match="same value for 'ann' and 'ben'") as refused, opened(path):
        pass
    assert ANN not in str(refused.value)


@pytest.mark.parametrize("umask", [0, 0o277, 0o777])
def test_the_mode_does_not_depend_on_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with opened(path) as file:
            file.settle({"ann": ANN})
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_killed_run_left_beside_the_file_is_removed(path: Path) -> None:
    for purpose in ("lock", "new"):
        write(path.with_name(f".{path.name}.{purpose}"), f"litellm_vkey_values: {{ann: {ANN}}}")
    with opened(path) as file:
        assert file.candidates("ann") == []
    assert not list(path.parent.iterdir())


def test_check_mode_reads_while_another_run_writes(path: Path) -> None:
    with opened(path) as file:
        file.settle({"ann": ANN})
        with opened(path, reading=True) as reader:
            assert reader.candidates("ann") == [ANN]


def test_where_nothing_can_be_locked_it_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_handle: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(_values_file.fcntl, "flock", no_locks)
    with pytest.raises(InputError, match=r"cannot lock .*: No locks available"), opened(path):
        pass


def test_threads_lose_nothing_of_each_other(path: Path) -> None:
    values = {f"user{number}": f"sk-value-of-user-{number}-0123" for number in range(40)}
    with opened(path) as file, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: file.remember(dict([one])), values.items()))
    assert content(path)["litellm_vkey_values_pending"] == {alias: [value] for alias, value in values.items()}


def test_no_value_is_in_a_repr() -> None:
    vault = _values_file.Vault([secret("default", "the password")], "default")
    assert "the password" not in repr(vault)


def _differ(values: dict[str, str]) -> bool:
    return len(set(values.values())) == len(values)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(st.dictionaries(TEXT, TEXT.map(lambda text: f"sk-a-long-value-{text}")).filter(_differ))
def test_any_alias_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("values") / "values.yml"
    with opened(path) as file:
        file.settle(values)
    with opened(path) as file:
        assert {alias: file.candidates(alias) for alias in values} == {
            alias: [value] for alias, value in values.items()
        }


LINE = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Zl", "Zp"]))
ALIASES = st.lists(st.sampled_from("abcdefg"), unique=True)


@given(st.lists(LINE, min_size=4, max_size=4), ALIASES, ALIASES, ALIASES)
def test_lines_of_the_user_survive_any_change(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], there: list[str], new: list[str], gone: list[str]
) -> None:
    path = tmp_path_factory.mktemp("values") / "values.yml"
    value = {alias: f"sk-a-long-value-{alias}" for alias in "abcdefg"}
    first, second, third, fourth = (f"# {line}" for line in lines)
    entries = "".join(f"   {alias}: {value[alias]}\n{second}\n" for alias in there)
    named = f"litellm_vkey_values:{'' if there else ' {}'} {third}\n{entries}"
    write(path, f"{first}\nmine: |\n  text\n{named}{fourth}\nalso: 1")
    with opened(path) as file:
        file.settle({alias: value[alias] for alias in new}, gone=set(gone) - set(new))
    left = set(new) | (set(there) - set(gone))
    assert content(path)["litellm_vkey_values"] == {alias: value[alias] for alias in left}
    assert (content(path)["mine"], content(path)["also"]) == ("text\n", 1)
    kept = path.read_text().split("\n")
    assert [kept.count(line) >= 1 for line in (first, fourth)] == [True, True]
    assert kept.count(second) >= len(there) and sum(line.endswith(third) for line in kept) >= 1
