"""`python -m tests.faults.many`: each job killed before and after every commit of its path, and at random.

At least twenty kills of each job are counted: those that came while work was in progress. Each kill is followed by a
repeat of the same command, by `verify`, and by a comparison of all that is recorded with a run left in peace. Ends with
1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from tests.faults.homes import prepare
from tests.faults.kills import Kill, Killed, Kind, commits_of, fresh, kill_once, kinds
from tests.faults.together import late_reader, two_at_once
from tests.faults.troubles import helper_dies, interrupted, second_run, server_dies
from tests.interrupts import let_through

COUNTED_MIN: Final = 20
AT_RANDOM: Final = 6
AS_INSTALLED: Final = 3
HELPERS_KILLED: Final = 4
_TRIES_MAX: Final = 30


def main() -> int:
    """Prepare, kill, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--large", type=int, default=24_000, help="people for kills of jobs as they are installed")
    parser.add_argument("--workers", type=int, default=max(2, (os.cpu_count() or 2) // 2))
    options = parser.parse_args()
    let_through()
    folder = Path(tempfile.mkdtemp(prefix="pl-faults-"))
    folder.chmod(0o755)
    begun = time.monotonic()
    try:
        small, large = (
            kinds(prepare(folder / f"people-{people}", people), people) for people in (options.people, options.large)
        )
        _say(f"prepared in {time.monotonic() - begun:.0f} s")
        with ThreadPoolExecutor(options.workers) as workers:
            killed = _kills(workers, small, large, folder)
            others = _others(workers, small, large, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    failed = _tell(killed, others)
    _say(f"{time.monotonic() - begun:.0f} s")
    return 1 if failed else 0


def _kills(workers: ThreadPoolExecutor, small: list[Kind], large: list[Kind], folder: Path) -> list[Killed]:
    """At each commit of each path, then at random until enough are counted."""
    planned: list[tuple[Kind, Kill]] = []
    for kind in small:
        commits = commits_of(kind, folder)
        _say(f"{kind.name}: {len(commits)} commits")
        planned += [(kind, Kill(side, commit)) for commit in commits for side in ("before", "after")]
        planned += [(kind, Kill(tranche=max(kind.tranche // 20, 1), seed=seed)) for seed in range(AT_RANDOM)]
    planned += [(kind, Kill(seed=seed)) for kind in large for seed in range(AS_INSTALLED)]
    killed = _all(workers, [partial(kill_once, kind, kill, folder) for kind, kill in planned])
    for kind in small:
        seed = 100
        while _counted(killed, kind) < COUNTED_MIN and seed < 100 + _TRIES_MAX:
            more = [Kill(tranche=max(kind.tranche // 20, 1), seed=seed + turn) for turn in range(2)]
            killed += _all(workers, [partial(kill_once, kind, kill, folder) for kill in more])
            seed += 2
    return killed


def _all(workers: ThreadPoolExecutor, work: Iterable[Callable[[], Killed]]) -> list[Killed]:
    done = []
    for killed in workers.map(lambda one: one(), work):
        _say(f"{killed.kind}, {killed.kill.told}: {'; '.join(killed.faults) or 'ok'}")
        done.append(killed)
    return done


def _others(workers: ThreadPoolExecutor, small: list[Kind], large: list[Kind], folder: Path) -> dict[str, list[str]]:
    """Two processes at once, and the other troubles: what is not as it must be, by name."""
    payments, interest = small[:2]
    work: dict[str, Callable[[], list[str]]] = {
        "two imports at once, one tranche": partial(_two, payments, folder, 1),
        "two imports at once, tranche by tranche": partial(_two, payments, folder, 4),
        "an import that looked its rows up too early": partial(_late, payments, folder),
        "two interest runs at once, one tranche": partial(_two, interest, folder, 1),
        "two interest runs at once, tranche by tranche": partial(_two, interest, folder, 4),
        "the job's backend killed": partial(server_dies, interest, folder, "backend"),
        "the server killed": partial(server_dies, interest, folder, "server"),
        "the server killed during an import": partial(server_dies, payments, folder, "server"),
        "the server killed during an import that is read apart": partial(server_dies, large[0], folder, "server"),
        "the keeper killed": partial(server_dies, interest, folder, "keeper"),
        **{
            f"{kind.name}: its other process killed, {seed}": partial(helper_dies, kind, folder, seed)
            for kind in large[:2]
            for seed in range(HELPERS_KILLED)
        },
        "Ctrl-C": partial(interrupted, interest, folder),
        "a second run while one is stopped": partial(second_run, interest, folder),
    }
    done = {}
    for name, faults in zip(work, workers.map(lambda one: one(), work.values()), strict=True):
        _say(f"{name}: {'; '.join(faults) or 'ok'}")
        done[name] = faults
    return done


def _two(kind: Kind, folder: Path, tranches: int) -> list[str]:
    home = fresh(kind, folder)
    with home.held() as eyes:
        faults = two_at_once(kind, eyes, tranches)
    home.remove()
    return faults


def _late(kind: Kind, folder: Path) -> list[str]:
    home = fresh(kind, folder)
    with home.held() as eyes:
        faults = late_reader(kind, eyes)
    home.remove()
    return faults


def _counted(killed: list[Killed], kind: Kind) -> int:
    return sum(one.in_progress for one in killed if one.kind == kind.name)


def _tell(killed: list[Killed], others: dict[str, list[str]]) -> int:
    """The table and the last line; how many failed."""
    print(f"{'job':20} {'killed':46} {'kills':>5} {'counted':>7} {'findings':>8} {'totals equal':>12}")
    points = Counter((one.kind, one.kill.told) for one in killed)
    for kind, told in points:
        rows = [one for one in killed if (one.kind, one.kill.told) == (kind, told)]
        _row(kind, told, rows)
    failed = sum(not one.passed for one in killed) + sum(bool(faults) for faults in others.values())
    names = list(dict.fromkeys(one.kind for one in killed))
    for name in names:
        rows = [one for one in killed if one.kind == name]
        _row(name, "all", rows)
        if (counted := sum(one.in_progress for one in rows)) < COUNTED_MIN:
            print(f"{name}: only {counted} kills while work was in progress")
            failed += 1
    for name, faults in others.items():
        print(f"{name:67} {'; '.join(faults) or 'ok'}")
    for one in killed:
        if one.faults:
            print(f"{one.kind}, {one.kill.told}: {'; '.join(one.faults)}")
    print(f"{len(killed) + len(others) + len(names) - failed} passed, {failed} failed")
    return failed


def _row(kind: str, told: str, rows: list[Killed]) -> None:
    counted, findings = sum(one.in_progress for one in rows), sum(one.findings for one in rows)
    equal = "yes" if all(one.equal for one in rows) else "NO"
    print(f"{kind:20} {told:46} {len(rows):5} {counted:7} {findings:8} {equal:>12}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
