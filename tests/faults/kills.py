"""One job killed at one point, repeated to its end, and held against the same job left in peace."""

from __future__ import annotations

import csv
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.homes import POOL, YEAR, Books, Eyes, Home, Templates, ended

ENDED_WELL: Final = {"已记账", "已存在"}
_KILLED: Final = -9
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Kind:
    """A job that may be killed: its command, how it ends, and what its home and its books are."""

    name: str
    home: Home
    books: Books
    command: Callable[[Home], list[str]]
    code: int
    tranche: int
    range: int
    results: dict[int, list[str]] = field(default_factory=dict)
    """Of an import: the result of each line in peace."""


class Kill(NamedTuple):
    """Where a job is killed: before or after a commit, or somewhere in its course; `tranche` 0 leaves the product's."""

    side: str = ""
    commit: str = ""
    tranche: int = 0
    seed: int = 0

    @property
    def told(self) -> str:
        """The point in words."""
        if self.commit:
            return f"{self.side} {self.commit}"
        return "at random" if self.tranche else "at random, as installed"


@dataclass
class Killed:
    """What became of one kill. Faults are what must not be, in words."""

    kind: str
    kill: Kill
    in_progress: bool = False
    findings: int = 0
    equal: bool = False
    faults: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing is as it must not be."""
        return not self.faults


class Standing(NamedTuple):
    """How far a pool has come, as seen from outside."""

    position: int
    jobs_open: int
    tables: dict[str, int]


def kinds(templates: Templates, people: int) -> list[Kind]:
    """The three jobs, in tranches that make several commits of so few accounts."""
    who = ["--actor", "甲"]
    tranche, events = max(1, people // 4), people * 3

    def payments(home: Home) -> list[str]:
        return ["import", "payments", str(home.files.payments), "--pool", POOL, *who]

    def interest(_home: Home) -> list[str]:
        return ["interest", "run", "--pool", POOL, "--year", str(YEAR), *who, "--reviewer", "乙"]

    def rebuild(_home: Home) -> list[str]:
        return ["projections", "rebuild", "--pool", POOL]

    results = read_results(templates.interest)
    return [
        Kind("import payments", templates.imports, templates.after_imports, payments, 2, tranche * 2, events, results),
        Kind("interest run", templates.interest, templates.after_interest, interest, 0, tranche, events),
        Kind("projections rebuild", templates.rebuild, templates.after_interest, rebuild, 0, tranche, events),
    ]


def in_parts(tranche: int, events: int) -> list[str]:
    """The launcher's options for tranches of so many accounts or rows, and ranges of so many events."""
    return ["--tranche", str(tranche), "--range", str(events)]


def fresh(kind: Kind, folder: Path) -> Home:
    """A home that stands before the job, in which nobody has been."""
    return kind.home.copy(folder / f"fresh-{next(_numbers)}")


def commits_of(kind: Kind, folder: Path) -> list[str]:
    """Every commit of the job's path, in the order of one undisturbed run."""
    home = fresh(kind, folder)
    told = home.path / "told"
    done = home.run(*kind.command(home), launch=["--told", str(told), *in_parts(kind.tranche, kind.range)])
    if done.code != kind.code:
        raise AssertionError(f"{kind.name} ended with {done.code}: {done.err}")
    commits = [line.split("\t")[1] for line in told.read_text("utf-8").splitlines() if line.startswith("after")]
    home.remove()
    return commits


def kill_once(kind: Kind, kill: Kill, folder: Path) -> Killed:
    """Kill the job in a fresh home, repeat it, and say all that is not as it must be."""
    home = fresh(kind, folder)
    with home.held() as eyes:
        killed = kill_in(kind, kill, eyes)
        check_after_repeat(kind, eyes, killed)
    home.remove()
    return killed


def kill_in(kind: Kind, kill: Kill, eyes: Eyes) -> Killed:
    """Kill the job where it stands; the server must not notice."""
    killed = Killed(kind.name, kill)
    server, before = eyes.server_pid(), stand(eyes)
    if kill.commit:
        _killed_at_commit(kind, kill, eyes.of, killed)
    else:
        _killed_in_course(kind, kill, eyes, before, killed)
    killed.in_progress = in_progress(before, stand(eyes))
    if eyes.server_pid() != server:
        killed.faults.append("the server is another one")
    return killed


def _killed_at_commit(kind: Kind, kill: Kill, home: Home, killed: Killed) -> None:
    launch = [*in_parts(kind.tranche, kind.range), "--kill", kill.side, "--commit", kill.commit]
    done = home.run(*kind.command(home), launch=launch)
    if done.code != _KILLED:
        killed.faults.append(f"was not killed but ended with {done.code}: {done.err}")


def _killed_in_course(kind: Kind, kill: Kill, eyes: Eyes, before: Standing, killed: Killed) -> None:
    """Wait until work is in progress, then a random while more."""
    home = eyes.of
    launch = in_parts(kill.tranche, kind.range // 4) if kill.tranche else None
    process = home.start(*kind.command(home), launch=launch)
    while process.poll() is None and not in_progress(before, stand(eyes)):
        time.sleep(0.002)
    time.sleep(random.Random(kill.seed).uniform(0, 0.3))
    process.kill()
    done = ended(process)
    if done.code not in {_KILLED, kind.code}:
        killed.faults.append(f"ended with {done.code}: {done.err}")


def stand(eyes: Eyes) -> Standing:
    """How far the pool has come."""
    return Standing(eyes.position(), eyes.jobs_open(), eyes.tables())


def in_progress(before: Standing, now: Standing) -> bool:
    """Whether a job was at work: money recorded and its row still open, or some but not all tables put anew."""
    if now.position > before.position:
        return now.jobs_open > before.jobs_open
    stands = {name: number for name, number in now.tables.items() if name in before.tables}
    aside = len(now.tables) > len(before.tables)
    replaced = [name for name, number in stands.items() if before.tables[name] != number]
    return aside or 0 < len(replaced) < len(before.tables)


def check_after_repeat(kind: Kind, eyes: Eyes, killed: Killed) -> None:
    """Repeat the same command to its end; verify, totals, results, leftovers."""
    home = eyes.of
    repeated = home.run(*kind.command(home))
    verified = home.run("projections", "verify", "--pool", POOL)
    found = eyes.findings()
    killed.findings = len(found)
    books = eyes.books()
    killed.equal = books == kind.books
    killed.faults += [
        *_fault(repeated.code == kind.code, f"the repeat ended with {repeated.code}: {repeated.err}"),
        *_fault(verified.code == 0 and not found, f"verify ended with {verified.code}: {verified.out}{verified.err}"),
        *_fault(killed.equal, f"the books differ: {_difference(books, kind.books)}"),
        *(result_faults(home, kind) if kind.results else []),
        *leftovers(eyes),
    ]


def read_results(home: Home) -> dict[int, list[str]]:
    """The result file of the payments by line; a line that is there twice is a fault."""
    payments = home.files.payments
    with payments.with_name(f"{payments.name}.result.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    found = {int(row[0]): row[1:] for row in rows}
    if len(found) != len(rows):
        raise AssertionError("a line is in the result file twice")
    return found


def result_faults(home: Home, kind: Kind) -> list[str]:
    """Each row of the file once, and each as it must end: a recorded one may be there already."""
    try:
        found = read_results(home)
    except (OSError, AssertionError) as fault:
        return [f"result file: {fault}"]
    with home.files.payments.open(encoding="utf-8") as file:
        rows = sum(1 for _ in file) - 1
    faults = _fault(len(found) == rows, f"the result file has {len(found)} rows of {rows}")
    for line, result in kind.results.items():
        told = found.get(line, [])
        same = told == result or (bool(told) and {told[1], result[1]} <= ENDED_WELL and told[0] == result[0])
        if not same:
            return [*faults, f"line {line} ended as {told}, not {result}"]
    return faults


def leftovers(eyes: Eyes) -> list[str]:
    """What a killed job must not leave once it was repeated."""
    files = sorted(path.name for path in eyes.of.path.rglob("*.partial"))
    tables = [name for name in eyes.tables() if name.endswith(("_aside", "_old"))]
    return [f"left behind: {name}" for name in files + tables]


def _fault(well: bool, text: str) -> list[str]:
    return [] if well else [text]


def _difference(found: Books, expected: Books) -> str:
    differ = [name for name in Books._fields if getattr(found, name) != getattr(expected, name)]
    accounts = found.statements.keys() | expected.statements.keys()
    wrong = [one for one in accounts if found.statements.get(one) != expected.statements.get(one)]
    return f"{differ}, {found.events} events of {expected.events}, {len(wrong)} accounts"
