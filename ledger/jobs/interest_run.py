"""A year's interest for every account of a pool: one run that can stop, resume and be proved.

The decision is the same pure function that serves one account (`credit_interest`). States are read ahead in key order
and tranches recorded behind. A tranche commits whole; an account that moved since it was read is left out and decided
again. There is nothing to resume from but the states: an account that is credited is not credited again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from uuid import UUID

from ledger import clock
from ledger.account import evolve
from ledger.account_events import InterestCredited
from ledger.interest_decisions import credit_interest, may_credit
from ledger.jobs.interest_report import Credited, InterestReport
from ledger.jobs.pipeline import ReadAhead, RecordBehind, batch_pace
from ledger.late_money import Origin
from ledger.refusals import Refusal, Refused
from ledger.region_rules import same_person
from ledger.store.copy_rows import TrancheBuffer
from ledger.store.job_lock import job_lock
from ledger.store.job_record import JobRecord
from ledger.store.log import PoolLog
from ledger.store.mapper import encode
from ledger.store.recorder import RulesMovedError
from ledger.store.states import decode_state, encode_state, page_of_states, states_of

TRANCHE: Final = 10_000
"""Accounts a transaction: at twice as many the run needs half as much memory again and is no faster."""
_TOPIC: Final = InterestCredited.topic.encode()
Progress = Callable[[int], None]


class _Tranche(NamedTuple):
    """Decided and not yet recorded, with the version of the rules it rests on."""

    writes: TrancheBuffer
    credited: list[Credited]
    rules_version: int


class InterestRun:
    """One run of one year in one pool, on the word of handler and reviewer."""

    def __init__(self, log: PoolLog, year: int, actor: str, reviewer: str, *, dry_run: bool = False) -> None:
        self._log = log
        self._year = year
        self._origin = Origin(actor, reviewer, f"job interest {year}")
        self._dry_run = dry_run
        self._rules = log.rules()
        self._today = clock.today()
        self._moved: list[bytes] = []

    def check(self) -> None:
        """Raises `Refused`: SAME_PERSON, YEAR_NOT_ENDED, NO_RATE."""
        origin = self._origin
        same = same_person(self._rules, origin.actor, origin.reviewer)
        if refusal := same or may_credit(self._year, self._rules, self._today):
            raise Refused(refusal)

    def run(self, progress: Progress = lambda _accounts: None) -> InterestReport:
        """Credit every account that is due. Raises `Refused`, and `BusyError` while another run is on.

        An exception (Ctrl-C among them) ends the run after the tranche that is being recorded. `progress` is told how
        many more accounts were looked at.
        """
        self.check()
        if self._dry_run:
            return self._run(progress)
        with (
            job_lock(self._log, "interest", self._origin.actor),
            JobRecord(self._log, "interest", str(self._year), self._origin) as record,
        ):
            report = self._run(progress)
            record.report = {"credited": report.credited, "waiting": report.waiting, "interest_fen": report.interest}
            return report

    def _run(self, progress: Progress) -> InterestReport:
        rate = self._rules.rate(self._year)
        assert rate is not None
        report = InterestReport(
            pool=self._log.pool, year=self._year, rate=rate.text, rate_document=rate.document, dry_run=self._dry_run
        )
        with batch_pace(), RecordBehind(self._record) as recorder, ReadAhead(self._pages) as pages:
            for page in pages:
                self._settle(recorder.give(self._decide(page, report)), report)
                progress(len(page))
            self._settle(recorder.rest(), report)
            while self._moved:
                self._rules = self._log.rules()
                self.check()
                again, self._moved = self._moved[:TRANCHE], self._moved[TRANCHE:]
                page = states_of(self._log, [UUID(bytes=account) for account in again])
                self._settle(recorder.give(self._decide(page, report)), report)
                self._settle(recorder.rest(), report)
        return report

    def _pages(self) -> Iterator[list[tuple[bytes, bytes]]]:
        """Every account of the pool in key order; one short transaction a page, never a snapshot held open."""
        last = bytes(16)
        with self._log.connections.connection() as connection:
            while page := page_of_states(connection, self._log, last, TRANCHE):
                yield page
                last = page[-1][0]

    def _decide(self, page: list[tuple[bytes, bytes]], report: InterestReport) -> _Tranche:
        writes = TrancheBuffer()
        credited: list[Credited] = []
        year, rules, origin, today = self._year, self._rules, self._origin, self._today
        for account, stored in page:
            state = decode_state(stored)
            answer = credit_interest(state, year, rules, origin, today)
            if isinstance(answer, Refusal):
                report.count(answer.reason)
            elif not answer:
                report.without_money += 1
            else:
                event = answer[0]
                after = evolve(state, event)
                writes.add_event(account, after.version, _TOPIC, encode(event))
                writes.add_state(account, state.version, after.version, year, encode_state(after))
                credited.append(
                    Credited(account, state.division, after.opening.total, event.effect.interest, event.fen_months)
                )
        return _Tranche(writes, credited, rules.version)

    def _record(self, tranche: _Tranche) -> frozenset[bytes]:
        """Record a tranche; the accounts that moved, all of them where the rules moved."""
        if self._dry_run or not tranche.writes:
            return frozenset()
        try:
            return self._log.record(tranche.writes, rules_version=tranche.rules_version).moved
        except RulesMovedError:
            return frozenset(one.account for one in tranche.credited)

    def _settle(self, recorded: Iterator[tuple[_Tranche, frozenset[bytes]]], report: InterestReport) -> None:
        for tranche, moved in recorded:
            self._moved.extend(moved)
            report.add([one for one in tranche.credited if one.account not in moved] if moved else tranche.credited)
