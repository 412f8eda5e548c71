"""A generator in a process of its own: all it yields arrives, faults as they were raised, and nobody stays behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from api.files.table_header import FileFault
from ledger.jobs.apart import Apart, ApartError

HERE = "tests.ledger.jobs.test_apart"


@pytest.fixture(autouse=True)
def our_own_modules(monkeypatch, request):
    """The child finds this module."""
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))


def counted(asked):
    """As many words as it was asked for, one of them in parts, of which one is longer than a pipe."""
    for number in range(int(asked)):
        yield [b"%d" % number] if number != 3 else [b"", b"x" * 3_000_000, b"end"]


def faulty(asked):
    """A fault of a file after two words."""
    yield [b"1"]
    yield [b"2"]
    raise FileFault("读不下去", "第 3 行", asked.decode())


class SecretiveError(Exception):
    """Cannot be pickled and raised again."""

    def __init__(self, one, other):
        super().__init__(f"{one} {other}")


def secretive(_asked):
    yield [b"1"]
    raise SecretiveError("nobody", "knows")


def endless(_asked):
    """Its own process id, for ever."""
    while True:
        yield [b"%d" % os.getpid()]


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid, seconds=20.0):
    """Whether a process is gone by then; a child of ours that nobody waits for would stay, so it is waited for."""
    until = time.monotonic() + seconds
    while is_there(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def test_all_that_is_yielded_arrives_in_order():
    with Apart(f"{HERE}:counted") as child:
        told = list(child.ask(b"6"))
    assert [[len(part) for part in one] for one in told] == [[1], [1], [1], [0, 3_000_000, 3], [1], [1]]
    assert [told[place] for place in (0, 5)] == [[b"0"], [b"5"]]


def test_a_fault_is_raised_as_it_was_after_what_came_before_it():
    told = []
    with pytest.raises(FileFault, match="读不下去") as fault, Apart(f"{HERE}:faulty") as child:
        told.extend(child.ask("重来".encode()))
    assert told == [[b"1"], [b"2"]]
    assert (fault.value.where, fault.value.remedy) == ("第 3 行", "重来")


def test_a_fault_that_cannot_travel_is_told_by_its_text():
    with (
        pytest.raises(ApartError, match="SecretiveError: nobody knows"),
        Apart(f"{HERE}:secretive") as child,
    ):
        list(child.ask(b""))


def test_whoever_stops_listening_ends_it():
    with Apart(f"{HERE}:endless") as child:
        pid = int(next(child.ask(b""))[0])
        assert is_there(pid)
    assert not is_there(pid)


def test_killed_it_is_missed_and_not_taken_for_ended():
    with Apart(f"{HERE}:endless") as child:
        said = child.ask(b"")
        os.kill(int(next(said)[0]), signal.SIGKILL)
        with pytest.raises(ApartError, match="提前结束"):
            list(said)


def test_never_asked_it_ends_with_whoever_began_it():
    with Apart(f"{HERE}:endless") as child:
        pid = child._child.pid
        assert is_there(pid)
    assert not is_there(pid)


def test_killed_before_it_is_asked_it_is_missed():
    with Apart(f"{HERE}:endless") as child:
        child._child.kill()
        child._child.wait()
        with pytest.raises(ApartError, match="提前结束"):
            next(child.ask(b"x" * 200_000))


def test_it_does_not_outlive_whoever_asked():
    """Its parent is killed outright: the next word finds nobody, and it ends."""
    code = (
        "import sys\nfrom ledger.jobs.apart import Apart\n"
        f"with Apart('{HERE}:endless') as child:\n"
        "    print(next(child.ask(b''))[0].decode(), flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        assert is_there(pid)
        parent.kill()
    assert gone(pid)
