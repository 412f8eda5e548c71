"""Rows of a file in, one outcome for every row out: what participants, openings and payments have in common.

A tranche of rows is looked up, decided in file order, and recorded in one transaction with everything that must commit
with it. Rows whose account moved meanwhile are decided again, before the tranche's outcomes are told. The same file
again changes nothing, and so a killed run is simply repeated: a row is known by its identity, never by its line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from itertools import count, islice
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from eventsourcing.persistence import IntegrityError

from ledger import clock
from ledger.batch_header import BatchHeader
from ledger.exchange import FileKind, month_of
from ledger.jobs.pace import Pace
from ledger.jobs.pipeline import ReadAhead, batch_pace
from ledger.jobs.signed_months import Arrived, SignedMonth, SignedMonths
from ledger.late_money import Origin
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.store.batch import Tranche
from ledger.store.exchange_files import ExchangeFile
from ledger.store.job_lock import job_lock
from ledger.store.job_record import JobRecord
from ledger.store.log import PoolLog
from ledger.store.recorder import Following, Hook, RulesMovedError
from ledger.store.register import Register

TRANCHE: Final = 10_000
ATTEMPTS: Final = 5
"""How often one tranche may meet, at its commit, an identity that somebody else recorded meanwhile."""
FileRow = tuple[int, list[str], str]
"""Line in the file (from 1), cells by `Source.columns`, and what is wrong with the row as such (empty if nothing)."""


class Ended(StrEnum):
    """How a row ends."""

    RECORDED = "recorded"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"
    WAITING = "waiting"


class Outcome(NamedTuple):
    """How one row ended: a refusal where it was refused or waits, a notice where something is doubtful."""

    line: int
    serial: str
    ended: Ended
    refusal: Refusal | None = None
    notice: str = ""


class IntakeReport(msgspec.Struct, kw_only=True):
    """The figures of one file. `signed_months` are those that rows of it touch although both sides had signed them.

    `settled` are no rows of it: 撤销 of earlier files that were booked after them.
    """

    kind: str
    file: str
    sha256: str
    dry_run: bool = False
    rows: int = 0
    recorded: int = 0
    already_there: int = 0
    refused: int = 0
    waiting: int = 0
    settled: int = 0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)
    notices: list[str] = msgspec.field(default_factory=list)
    signed_months: list[SignedMonth] = msgspec.field(default_factory=list)

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count outcomes."""
        for outcome in outcomes:
            self.rows += 1
            if outcome.ended is Ended.RECORDED:
                self.recorded += 1
            elif outcome.ended is Ended.ALREADY_THERE:
                self.already_there += 1
            else:
                if outcome.ended is Ended.WAITING:
                    self.waiting += 1
                else:
                    self.refused += 1
                assert outcome.refusal is not None
                self.reasons[outcome.refusal.reason] = self.reasons.get(outcome.refusal.reason, 0) + 1


class Source(NamedTuple):
    """A file to take in: its name, the sha256 of its bytes in hex, its rows, and where columns stand in them.

    `long` says that there are many rows, and that they can be read in a process of its own: `rows` can be pickled.
    `batch_header` is what a file of the exchange states of itself, borne out by its rows, with its profile's name.
    """

    name: str
    sha256: str
    rows: Iterable[FileRow]
    columns: dict[str, int]
    long: bool = False
    batch_header: BatchHeader = BatchHeader()

    def of_exchange(self, kind: FileKind) -> ExchangeFile:
        """The file as the exchange knows it."""
        header = self.batch_header
        return ExchangeFile(kind, bytes.fromhex(self.sha256), header.profile, header.batch, header.rows, header.fen)


Row = TypeVar("Row")
Told = Callable[[Sequence[Outcome]], None]


class Intake(ABC, Generic[Row]):
    """One file into one pool on somebody's word."""

    kind: str
    """The word of the command: participants, openings, payments."""

    def __init__(
        self, log: PoolLog, register: Register, source: Source, actor: str, reviewer: str = "", *, dry_run: bool = False
    ) -> None:
        self.log = log
        self.register = register
        self.source = source
        self.dry_run = dry_run
        self.rules: RegionRules = log.rules()
        self.today: date = clock.today()
        self.tranche = Tranche(log)
        self.ahead: Any = None
        self.ended: dict[int, Outcome] = {}
        self.pace = Pace(TRANCHE)
        self._signed = SignedMonths(log)
        self._origin = Origin(actor, reviewer)
        self._cause = f"file {source.sha256}"

    def origin(self, line: int) -> Origin:
        """On whose word a row is taken in: the actors, the file and the line."""
        return Origin(self._origin.actor, self._origin.reviewer, f"{self._cause}#{line}")

    @property
    def job(self) -> tuple[str, str]:
        """What the job is called, and what it is about."""
        return f"import {self.kind}", self.source.sha256

    @property
    def file_origin(self) -> Origin:
        """On whose word the file is taken in."""
        return self._origin._replace(cause=self._cause)

    def cell(self, cells: list[str], column: str) -> str:
        """The text of a column, empty where the file has none."""
        place = self.source.columns.get(column)
        return cells[place] if place is not None else ""

    # -- what each kind of file decides ----------------------------------------------------------------------------

    @abstractmethod
    def tranches(self) -> Iterator[tuple[list[tuple[int, Row | Outcome]], Any]]:
        """The file's rows by line, each checked by itself or refused already, as many as the pace says; and what was
        looked up for them. Asked in a thread of its own, while the tranche before is decided and recorded.
        """

    @abstractmethod
    def look_up(self, rows: Sequence[Row]) -> None:
        """Read, in a few statements, all that deciding these rows will ask for."""

    @abstractmethod
    def decide(self, row: Row) -> Outcome:
        """The outcome of one row, on the state its predecessors left; what it decided is pending in `tranche`."""

    @abstractmethod
    def account(self, row: Row) -> bytes | None:
        """The account a row was decided on."""

    @abstractmethod
    def hook(self, rows: Sequence[Row]) -> Hook | None:
        """What must commit with the events of the recorded rows."""

    def following(self) -> Following | None:
        """What follows in other streams from what was decided, and from what was refused."""
        return None

    def begin(self) -> None:
        """Before the first row of a file that is to be recorded."""

    def received(self, ahead: Any) -> None:
        """A tranche has come; `ahead` is what was looked up for it."""

    def recorded(self, rows: Sequence[Row], last_id: int) -> None:
        """These rows are recorded now, up to this id of the log."""

    def ended_all(self) -> None:
        """Every row of the tranche has its outcome in `ended`, and what of it was to be recorded is."""

    def days(self, rows: list[tuple[int, Row | Outcome]]) -> Iterable[date]:  # noqa: ARG002 — not every file has any
        """The days that decide the months of the tranche's rows: asked of every tranche, so nothing but a look."""
        return ()

    def arrived(self, rows: list[tuple[int, Row | Outcome]]) -> Iterable[Arrived]:  # noqa: ARG002 — not every file has any
        """What of the tranche now stands in one of the two books that are reconciled month by month."""
        return ()

    def forget(self, rows: Sequence[Row]) -> None:
        """Drop what was noted of rows that are to be decided again."""

    # -- the run ---------------------------------------------------------------------------------------------------

    def run(self, told: Told, progress: Callable[[int], None] = lambda _rows: None) -> IntakeReport:
        """Take the file in; `told` gets the outcomes of each recorded tranche in file order.

        Raises `BusyError` while another intake of the kind is on in the pool.
        """
        report = IntakeReport(kind=self.kind, file=self.source.name, sha256=self.source.sha256, dry_run=self.dry_run)
        if self.dry_run:
            self._run(report, told, progress)
            return report
        kind, subject = self.job
        with job_lock(self.log, kind, self._origin.actor), JobRecord(self.log, kind, subject, self._origin) as job:
            self.begin()
            self._run(report, told, progress)
            job.report = {
                "rows": report.rows,
                "recorded": report.recorded,
                "already_there": report.already_there,
                "refused": report.refused,
                "waiting": report.waiting,
                **({"settled": report.settled} if report.settled else {}),
            }
        return report

    def _run(self, report: IntakeReport, told: Told, progress: Callable[[int], None]) -> None:
        with batch_pace(), ReadAhead(self.tranches, depth=1) as tranches:
            for rows, ahead in tranches:
                outcomes = self._take_in(rows, ahead)
                report.add(outcomes)
                told(outcomes)
                progress(len(outcomes))
        report.signed_months = self._signed.told()

    def _take_in(self, rows: list[tuple[int, Row | Outcome]], ahead: Any) -> list[Outcome]:
        """The outcomes of one tranche, recorded. What was looked up ahead serves the first attempt alone."""
        self.ahead = ahead
        self.received(ahead)
        ended = self.ended = dict[int, Outcome]()
        todo: list[tuple[int, Row]] = []
        for line, read in rows:
            if isinstance(read, Outcome):
                ended[line] = read
            else:
                todo.append((line, read))
        for attempt in count(1):
            if not todo:
                break
            moved = self._attempt(todo, ended, last=attempt == ATTEMPTS)
            self.ahead = None
            todo = [(line, row) for line, row in todo if self.account(row) in moved] if moved else []
        if not self.dry_run:
            self.ended_all()
        self._tell_late(rows)
        return [ended[line] for line, _ in rows]

    def _tell_late(self, rows: list[tuple[int, Row | Outcome]]) -> None:
        """Rows that concern signed months say so in their notices."""
        late = self._signed.late(self.days(rows))
        for one in self.arrived(rows) if late else ():
            if month_of(one.day) in late:
                before = self.ended[one.line]
                notices = filter(None, (before.notice, self._signed.notice(one)))
                self.ended[one.line] = before._replace(notice="；".join(notices))

    def _attempt(
        self, todo: list[tuple[int, Row]], ended: dict[int, Outcome], *, last: bool
    ) -> frozenset[bytes | None]:
        """Decide and record `todo`; gives the accounts whose rows must be decided again.

        Somebody else may record a row's identity between our look-up and our commit; the database then refuses the
        whole tranche, and it is looked up and decided again, but not for ever.
        """
        if not self.dry_run:
            self.tranche = Tranche(self.log)
        self.look_up([row for _, row in todo])
        for line, row in todo:
            ended[line] = self.decide(row)
        if self.dry_run:
            return frozenset()
        decided = [row for line, row in todo if ended[line].ended is Ended.RECORDED]
        following = self.following()
        if not decided and following is None:
            return frozenset()
        accounts = frozenset(self.account(row) for _, row in todo)
        try:
            written = self.log.record(
                self.tranche.writes(),
                self._hook_without_moved(decided),
                rules_version=self.rules.version,
                following=following,
            )
        except RulesMovedError:
            self.rules = self.log.rules()
            self.forget([row for _, row in todo])
            return accounts
        except IntegrityError:
            if last:
                raise
            self.forget([row for _, row in todo])
            return accounts
        self.pace.told(company=written.company)
        here = [row for row in decided if self.account(row) not in written.moved] if written.moved else decided
        self.recorded(here, written.last_id)
        again = accounts & written.moved
        if again:
            self.forget([row for _, row in todo if self.account(row) in again])
        return frozenset(again)

    def _hook_without_moved(self, decided: Sequence[Row]) -> Hook:
        def hook(cursor: object, moved: frozenset[bytes], at: datetime) -> None:
            inner = self.hook([row for row in decided if self.account(row) not in moved] if moved else decided)
            if inner is not None:
                inner(cursor, moved, at)  # type: ignore[arg-type]

        return hook


class RowByRow(Intake[Row]):
    """A file whose rows are read one by one, and looked up when their turn has come."""

    @abstractmethod
    def read(self, line: int, cells: list[str]) -> Row | Outcome:
        """One row read and checked by itself, or the outcome of a row that cannot be."""

    def tranches(self) -> Iterator[tuple[list[tuple[int, Row | Outcome]], Any]]:
        """Rows read ahead; nothing is looked up for them."""
        rows = iter(self.source.rows)
        while tranche := list(islice(rows, self.pace.rows)):
            yield [(line, self._read(line, cells, fault)) for line, cells, fault in tranche], None

    def _read(self, line: int, cells: list[str], fault: str) -> Row | Outcome:
        return refused(line, "", refuse(Reason.ROW_FAULT, f"第{line}行：{fault}")) if fault else self.read(line, cells)


def refused(line: int, serial: str, refusal: Refusal) -> Outcome:
    """A refused row."""
    return Outcome(line, serial, Ended.REFUSED, refusal)
