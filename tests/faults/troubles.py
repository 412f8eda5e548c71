"""Other ways in which a job is disturbed: its server dies under it, Ctrl-C, and a second one while it is on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ledger.jobs.pace import IN_COMPANY
from tests.faults.homes import Ended, Eyes, Home, ended
from tests.faults.kills import Kill, Killed, Kind, check_after_repeat, fresh, in_parts
from tests.faults.together import wait_for

_ERROR, _BUSY, _INTERRUPTED = 1, 75, 130
_INTERESTS: Final = "SELECT count(*) FROM {pool}.ledger_events WHERE topic = 'account.interest_credited'"


def server_dies(kind: Kind, folder: Path, whom: str) -> list[str]:
    """SIGKILL to the backend that works for the job, to the server or to its keeper, in the middle of a tranche."""
    home = fresh(kind, folder)
    with _held_job(kind, home, "before", "tranche#3") as (process, go, eyes):
        os.kill(_pid(eyes, whom), signal.SIGKILL)
        go()
        begun = time.monotonic()
        done = ended(process)
        seconds = time.monotonic() - begun
    faults = _text_faults(done, _ERROR)
    if seconds > 45:
        faults.append(f"it took {seconds:.0f} s to end")
    home.wait_until_stopped()
    return faults + _repeated(kind, home)


def helper_dies(kind: Kind, folder: Path, seed: int) -> list[str]:
    """SIGKILL to a process that reads or decides for the job, at a random moment: the job ends, and says so.

    Where it had said everything by then, the job ends as if nothing had happened.
    """
    home = fresh(kind, folder)
    with home.held():
        process = home.start(*kind.command(home))
        helpers: list[int] = []
        while process.poll() is None and not (helpers := _children_of(process.pid)):
            time.sleep(0.002)
        if not helpers:
            return ["nobody else worked for the job"]
        time.sleep(random.Random(seed).uniform(0, 0.8))
        helpers = _children_of(process.pid) or helpers
        with suppress(ProcessLookupError):
            os.kill(random.Random(seed).choice(helpers), signal.SIGKILL)
        done = ended(process)
    faults = [] if done.code == kind.code else _text_faults(done, _ERROR)
    home.wait_until_stopped()
    return faults + _repeated(kind, home)


def _children_of(pid: int) -> list[int]:
    """The processes that a process has begun, whichever thread of it did."""
    try:
        told = [path.read_text("utf-8") for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # a thread has ended meanwhile
        return []
    return [int(child) for one in told for child in one.split()]


def interrupted(kind: Kind, folder: Path) -> list[str]:
    """Ctrl-C while a tranche is being recorded: it is recorded whole, and nothing after it."""
    home = fresh(kind, folder)
    with _held_job(kind, home, "before", "tranche#2") as (process, go, eyes):
        before = eyes.one(_INTERESTS)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        go()
        done = ended(process)
        credited = eyes.one(_INTERESTS) - before
    faults = _text_faults(done, _INTERRUPTED)
    # One tranche was being recorded and one may have been handed over. A run begins with small ones, and has many.
    tranche = min(IN_COMPANY, kind.tranche)
    if credited not in {tranche, 2 * tranche}:
        faults.append(f"{credited} accounts were credited after Ctrl-C, in tranches of {tranche}")
    return faults + _repeated(kind, home)


def second_run(kind: Kind, folder: Path) -> list[str]:
    """A second run while the first is stopped in its middle: busy, by whom and since when; then the first goes on."""
    home = fresh(kind, folder)
    with _held_job(kind, home, "after", "tranche#1") as (process, go, _eyes):
        process.send_signal(signal.SIGSTOP)
        second = home.run(*kind.command(home))
        process.send_signal(signal.SIGCONT)
        go()
        first = ended(process)
    faults = _text_faults(second, _BUSY)
    today = time.strftime("%Y-%m-%dT", time.gmtime())
    if "甲" not in second.err or today[:8] not in second.err:
        faults.append(f"it does not say who, since when: {second.err}")
    if first.code != kind.code:
        faults.append(f"the first ended with {first.code}: {first.err}")
    return faults + _repeated(kind, home)


@contextmanager
def _held_job(
    kind: Kind, home: Home, side: str, commit: str
) -> Iterator[tuple[subprocess.Popen[str], Callable[[], None], Eyes]]:
    """The job held at one of its commits, a call that lets it go on, and a look at the database."""
    gate = home.path / "gate"
    gate.mkdir()
    launch = [*in_parts(kind.tranche, kind.range), "--hold", side, "--commit", commit, "--gate", str(gate)]
    with home.held() as eyes:
        process = home.start(*kind.command(home), launch=launch)
        try:
            wait_for(gate / "reached", process)
            yield process, (gate / "go").touch, eyes
        finally:
            if process.poll() is None:
                process.kill()


def _pid(eyes: Eyes, whom: str) -> int:
    server = eyes.server_pid()
    if whom == "server":
        return server
    if whom == "keeper":
        return int(Path(f"/proc/{server}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    busy = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pension-ledger' AND state LIKE 'idle in trans%'"
    return int(eyes.one(busy))


def _text_faults(done: Ended, code: int) -> list[str]:
    """It ended with this code and said why, in Chinese and without a traceback."""
    faults = [] if done.code == code else [f"ended with {done.code}, not {code}: {done.err}"]
    if "Traceback" in done.err or not any("一" <= letter <= "鿿" for letter in done.err):
        faults.append(f"not a clear text: {done.err}")
    return faults


def _repeated(kind: Kind, home: Home) -> list[str]:
    checked = Killed(kind.name, Kill())
    with home.held() as eyes:
        check_after_repeat(kind, eyes, checked)
    home.remove()
    return checked.faults
