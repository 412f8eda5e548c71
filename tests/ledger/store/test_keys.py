"""The master key: where it comes from, when it is refused, and what it derives."""

import os
import stat
import subprocess
import sys

import pytest

from ledger.store.keys import KEY_FILE, DataKey, InvalidTag, KeyFaultError, Keys, load_keys

HEX = "0123456789abcdef" * 4
OTHER = "f" * 64


def test_a_key_is_made_once_and_only_for_its_owner(tmp_path):
    made = load_keys(tmp_path / "home", {})
    path = tmp_path / "home" / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_keys(tmp_path / "home", {}).check_value == made.check_value
    assert [one.name for one in path.parent.iterdir()] == [KEY_FILE]
    assert load_keys(tmp_path / "other", {}).check_value != made.check_value


def test_what_the_environment_says(tmp_path):
    said = load_keys(tmp_path, {"PENSION_LEDGER_KEY": f" {HEX.upper()}\n"})
    assert not list(tmp_path.iterdir())
    (tmp_path / KEY_FILE).write_text(HEX)
    assert load_keys(tmp_path, {}).check_value == said.check_value
    assert load_keys(tmp_path, {"PENSION_LEDGER_KEY": HEX.upper()}).check_value == said.check_value
    assert load_keys(tmp_path, {"PENSION_LEDGER_KEY": "  "}).check_value == said.check_value
    with pytest.raises(KeyFaultError, match="不一致"):
        load_keys(tmp_path, {"PENSION_LEDGER_KEY": OTHER})


@pytest.mark.parametrize("said", [HEX[:-1], HEX + "0", "g" * 64, "中" * 64])
def test_what_is_no_key_is_refused_and_never_repeated(tmp_path, said):
    with pytest.raises(KeyFaultError, match="64位") as fault:
        load_keys(tmp_path, {"PENSION_LEDGER_KEY": said})
    assert said not in str(fault.value)
    (tmp_path / KEY_FILE).write_text(said)
    with pytest.raises(KeyFaultError, match="已损坏") as fault:
        load_keys(tmp_path, {})
    assert said not in str(fault.value)
    assert (tmp_path / KEY_FILE).read_text() == said


def test_without_leave_no_key_is_made(tmp_path):
    with pytest.raises(KeyFaultError, match="PENSION_LEDGER_KEY"):
        load_keys(tmp_path, {}, make=False)
    assert not list(tmp_path.iterdir())


def test_processes_that_begin_together_agree(tmp_path):
    program = (
        "import sys; from pathlib import Path; from ledger.store.keys import load_keys;"
        "sys.stdin.read(1); print(load_keys(Path(sys.argv[1]), {}).check_value.hex())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    told = {one.communicate(b"x")[0] for one in started}
    assert len(told) == 1
    assert len(told.pop()) == 33
    assert os.listdir(tmp_path) == [KEY_FILE]  # noqa: PTH208


def test_digests_and_seals_are_bound_to_what_they_are_for():
    keys, same, other = Keys(bytes.fromhex(HEX)), Keys(bytes.fromhex(HEX)), Keys(bytes.fromhex(OTHER))
    assert keys.digest(b"number", b"a", b"b") == same.digest(b"number", b"a", b"b")
    assert len({keys.digest(*parts) for parts in ((b"number", b"a"), (b"name", b"a"), (b"number", b"b"))}) == 3
    assert keys.digest(b"a") != other.digest(b"a")
    assert len({keys.check_value, other.check_value, keys.digest(b"check")[:16]}) == 3
    data = DataKey()
    wrapped = keys.wrapped(data.key, b"owner")
    assert keys.wrapped(data.key, b"owner") != wrapped
    assert same.unwrapped(wrapped, b"owner").key == data.key
    sealed = data.sealed("阿丽玛", b"name")
    assert "阿丽玛".encode() not in sealed
    assert data.opened(sealed, b"name") == "阿丽玛"
    for attempt in (
        lambda: keys.unwrapped(wrapped, b"other"),
        lambda: other.unwrapped(wrapped, b"owner"),
        lambda: keys.unwrapped(wrapped[:-1], b"owner"),
        lambda: data.opened(sealed, b"number"),
        lambda: DataKey().opened(sealed, b"name"),
    ):
        with pytest.raises(InvalidTag):
            attempt()
