"""Rosters of a large village, 2,000 rows each: declared from their files, reviewed, and allocated, each in one batch.

Run as a process of its own: reads a `Village` as JSON from stdin and prints `RosterFigures` as JSON. Every row is
right, so each takes its room under the cap and gets its money; the plan's own steps between are not measured.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from api.files.roster_file import open_roster
from api.files.tables import FileRows, file_sha256
from benchmarks.data import YEAR, fill, person
from benchmarks.machine import BenchFault, Machine, watched
from ledger.desk.plan_commands import AllocateRoster, DeclareRoster, DraftPlan, ReviewRoster, TakeStep
from ledger.desk.plans import PlanDesk
from ledger.identity import Sex, sex_of
from ledger.jobs.roster_batch import RosterFile, RosterTask, take_through
from ledger.jobs.roster_rows import REQUIRED
from ledger.late_money import Origin
from ledger.plan_events import Source, Standard
from ledger.plan_steps import who_is_next
from ledger.procedure import read_procedures
from ledger.store.connections import Connections
from ledger.store.keys import load_keys
from ledger.store.log import PoolLog
from ledger.store.payers import Payer, Payers, Period
from ledger.store.plans import Plans
from ledger.store.register import Register
from ledger.words import MoneyKind

ROWS: Final = 50_000
_OF_A_ROSTER: Final = 2_000
_REGION: Final = "panzhihua"
_PAYER: Final = "N2150781MF0000005R"
_FEN: Final = 10_000
_SAID: Final[dict[str, Any]] = {"actor": "bench", "reviewer": "check", "cause": "bench"}


class Village(msgspec.Struct, kw_only=True):
    """Where the village is, and how many of its people stand on rosters."""

    url: str
    home: str
    pool: str
    rows: int


class RosterFigures(msgspec.Struct, kw_only=True):
    """Seconds of all declarations (files read), reviews and allocations, the longest recording, the memory (MB)."""

    rows: int
    declare_s: float
    review_s: float
    allocate_s: float
    longest_record_ms: float
    rss_mb: float

    @property
    def reviewed_per_s(self) -> float:
        """Rows a second that were read, checked, checked again and reviewed."""
        return self.rows / (self.declare_s + self.review_s)

    @property
    def allocated_per_s(self) -> float:
        """Rows a second that were credited."""
        return self.rows / self.allocate_s

    def info(self) -> dict[str, Any]:
        """All figures."""
        return msgspec.to_builtins(self) | {"review_alone_per_s": self.rows / self.review_s}


def measure(machine: Machine, size: int) -> RosterFigures:
    """A pool of its own with the village in it, and the child's figures."""
    rows = min(size, ROWS)
    log = machine.pool(f"v{size}", _REGION)
    register = machine.register(log)
    fill(log, register, rows)
    payers = Payers(log)
    payers.write(Payer(_PAYER, "village_collective", "基准合作社", f"{log.pool}.01.001.001"), Origin("bench", "check"))
    payers.admit(f"{log.pool}.01.001.001", date(YEAR, 1, 1), None, "示例名单", Origin("bench", "check"))
    for first in range(0, rows, 10_000):
        digests = [register.digest(person(place).number) for place in range(first, min(first + 10_000, rows))]
        holders = register.find(digests).values()
        everybody = (Period(one.participant, _PAYER, date(YEAR, 1, 1), None) for one in holders)
        payers.write_members(everybody, Origin("bench", "check"))
    village = Village(url=machine.url, home=str(machine.home), pool=log.pool, rows=rows)
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.rosters"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[1],
    )  # fmt: skip
    with watched(child.pid) as memory:
        told, _ = child.communicate(msgspec.json.encode(village))
    if child.returncode:
        raise BenchFault(f"the rosters ended with {child.returncode}")
    return msgspec.structs.replace(msgspec.json.decode(told, type=RosterFigures), rss_mb=memory[0] / 1e6)


class _Rosters:
    """One plan, and its rosters on their way."""

    def __init__(self, village: Village, log: PoolLog, register: Register) -> None:
        self._log, self._register, self._village = log, register, village
        self._desk, self._plans = PlanDesk(log, register), Plans(log)
        self._chains = read_procedures(_REGION)
        self._day = date(YEAR, 10, 8)
        draft = DraftPlan(
            **_SAID, command_id=uuid4(), kind=MoneyKind.COLLECTIVE_SUBSIDY, payer=_PAYER,
            village=f"{village.pool}.01.001.001", year=YEAR, covered="成员", standard=Standard(flat=_FEN),
            sources=(Source(name="集体经济收益", fen=_FEN * village.rows),),
        )  # fmt: skip
        self.plan: UUID = self._desk.do(draft).plan

    def walk(self, until: str, roster: str = "") -> None:
        """Take the steps before one of this name."""
        state = self._plans.find(self.plan)
        assert state is not None
        steps = {str(one["step"]): one for one in who_is_next(state, self._chains, roster)}
        self._day = max(
            self._day, *(date.fromisoformat(str(one["from"])) for one in steps.values() if one["from"]), self._day
        )
        if until not in steps:
            step = next(one for one in steps.values() if not one["does"])
            self._desk.do(TakeStep(**self._said(step, roster, f"handler {step['step']}")))
            self.walk(until, roster)

    def _said(self, step: dict[str, Any], roster: str, actor: str = "bench") -> dict[str, Any]:
        return {
            **_SAID, "actor": actor, "command_id": uuid4(), "plan": self.plan, "step": step["step"], "on": self._day,
            "acting_for": step["acting_for"], "evidence": dict.fromkeys(step["evidence"], "示例"), "roster": roster,
        }  # fmt: skip

    def _step(self, name: str, roster: str = "") -> dict[str, Any]:
        state = self._plans.find(self.plan)
        assert state is not None
        return next(one for one in who_is_next(state, self._chains, roster) if one["step"] == name)

    def declare(self, files: list[Path]) -> tuple[list[str], float]:
        """Rosters from their files in one batch; their ids in the order of the files, and the seconds."""
        step, began = self._step("declared"), time.perf_counter()
        tasks = []
        for file in files:
            table = open_roster(file)
            source = RosterFile(FileRows(table), table.index, MoneyKind.COLLECTIVE_SUBSIDY)
            said = {"year": YEAR, "file": file_sha256(file).hex(), "rows": ()}
            tasks.append(RosterTask(file.name, DeclareRoster(**self._said(step, ""), **said), source))
        answers = self._taken(tasks)
        return [answers[file.name] for file in files], time.perf_counter() - began

    def review(self, rosters: list[str]) -> float:
        """The seconds of the rosters' reviews."""
        step, began = self._step("reviewed", rosters[0]), time.perf_counter()
        self._taken([RosterTask(one, ReviewRoster(**self._said(step, one, "check"))) for one in rosters])
        return time.perf_counter() - began

    def allocate(self, rows: dict[str, int]) -> float:
        """The seconds of the rosters' allocations."""
        for roster in rows:
            self.walk("allocated", roster)
        step, began = self._step("allocated", next(iter(rows))), time.perf_counter()
        said = {"arrived_on": self._day, "voucher": "示例凭证"}
        self._taken(
            [
                RosterTask(one, AllocateRoster(**self._said(step, one), **said, fen=count * _FEN))
                for one, count in rows.items()
            ]
        )
        return time.perf_counter() - began

    def _taken(self, tasks: list[RosterTask]) -> dict[str, str]:
        """The roster of each task; none may be refused."""
        told = {}
        for one in take_through(self._log, self._register, tasks):
            if one.answer is None:
                raise BenchFault(f"{one.name}: {one.refusal}")
            told[one.name] = one.answer.roster
        return told


def _write(folder: Path, first: int, last: int) -> Path:
    path = folder / f"roster-{first}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(REQUIRED)
        for place in range(first, last):
            number, name, _ = person(place)
            sex = "男" if sex_of(number) is Sex.MALE else "女"
            table.writerow((name, sex, number, f"{_FEN // 100}.00", "集体补助"))
    return path


def _main() -> None:
    village = msgspec.json.decode(sys.stdin.buffer.read(), type=Village)
    with Connections(village.url, "pension-ledger bench rosters") as connections:
        log = PoolLog(connections, village.pool)
        rosters = _Rosters(village, log, Register(log, load_keys(Path(village.home), {})))
        rosters.walk("declared")
        longest, record = 0.0, log.record

        def timed(*given: Any, **named: Any) -> Any:
            nonlocal longest
            began = time.perf_counter()
            written = record(*given, **named)
            longest = max(longest, time.perf_counter() - began)
            return written

        log.record = timed  # type: ignore[method-assign]
        files = [
            (_write(Path(village.home), first, last := min(first + _OF_A_ROSTER, village.rows)), last - first)
            for first in range(0, village.rows, _OF_A_ROSTER)
        ]
        ids, declare_s = rosters.declare([file for file, _ in files])
        for one in ids:
            rosters.walk("reviewed", one)
        review_s = rosters.review(ids)
        allocate_s = rosters.allocate({one: rows for one, (_, rows) in zip(ids, files, strict=True)})
        for file, _ in files:
            file.unlink()
    figures = RosterFigures(
        rows=village.rows,
        declare_s=declare_s,
        review_s=review_s,
        allocate_s=allocate_s,
        longest_record_ms=longest * 1000,
        rss_mb=0.0,
    )
    sys.stdout.buffer.write(msgspec.json.encode(figures))


if __name__ == "__main__":
    _main()
