"""A year's interest for every account of a pool: one run that can stop, resume and be proved.

The decision is the same pure function that serves one account (`credit_interest`). Processes of their own read the
states in key order and decide page after page; this one records them, several pages a tranche. A tranche commits
whole; an account that moved since it was read is left out and decided again. There is nothing to resume from but the
states: an account that is credited is not credited again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple

import msgspec

from ledger import clock
from ledger.interest_decisions import may_credit
from ledger.jobs.apart import Apart
from ledger.jobs.interest_pages import STRETCH_PAGES, Job, Page, credited_in, decide_page, decode_page
from ledger.jobs.interest_report import InterestReport
from ledger.jobs.pace import Pace
from ledger.jobs.pipeline import ReadAhead, RecordBehind, batch_pace
from ledger.refusals import Refused
from ledger.region_rules import same_person
from ledger.store.copy_rows import TrancheBuffer
from ledger.store.job_lock import job_lock
from ledger.store.job_record import JobRecord
from ledger.store.log import PoolLog
from ledger.store.recorder import RulesMovedError
from ledger.store.states import FIRST, borders, states_of

TRANCHE: Final = 10_000
"""Accounts a transaction: at twice as many the run needs half as much memory again and is no faster."""
HELPERS: Final = 2
"""Processes that decide. One cannot keep up with the recording of what it decides."""
Progress = Callable[[int], None]


class _Tranche(NamedTuple):
    """Pages decided and not yet recorded; `after` is the key before their first account."""

    after: bytes
    rules_version: int
    writes: TrancheBuffer
    report: InterestReport
    looked_at: int


@contextmanager
def helpers() -> Iterator[list[Apart]]:
    """The processes that decide, begun: they import what they need while a command is still opening its database."""
    with ExitStack() as begun:
        yield [begun.enter_context(Apart("ledger.jobs.interest_pages:decided")) for _ in range(HELPERS)]


class InterestRun:
    """One run of one year in one pool, on the word of handler and reviewer. `ready` are helpers that wait for it."""

    def __init__(
        self,
        log: PoolLog,
        year: int,
        actor: str,
        reviewer: str,
        *,
        dry_run: bool = False,
        ready: Sequence[Apart] = (),
    ) -> None:
        self._log = log
        self._year = year
        self._dry_run = dry_run
        self._rules = log.rules()
        self._pace = Pace(TRANCHE)
        self._job = Job(
            url=log.connections.url,
            pool=log.pool,
            year=year,
            actor=actor,
            reviewer=reviewer,
            today=clock.today(),
            page=self._pace.least,
        )
        self._ready = ready
        self._moved: list[bytes] = []
        self._again_after: bytes | None = None

    def check(self) -> None:
        """Raises `Refused`: SAME_PERSON, YEAR_NOT_ENDED, NO_RATE."""
        job = self._job
        same = same_person(self._rules, job.actor, job.reviewer)
        if refusal := same or may_credit(self._year, self._rules, job.today):
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
            job_lock(self._log, "interest", self._job.actor),
            JobRecord(self._log, "interest", str(self._year), self._job.origin) as record,
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
        with batch_pace(), RecordBehind(self._record) as recorder:
            after: bytes | None = FIRST
            while after is not None:
                after = self._credit_after(after, recorder, report, progress)
            while self._moved:
                self._look_at_rules()
                again, self._moved = self._moved[:TRANCHE], self._moved[TRANCHE:]
                page = decide_page(states_of(self._log, again), self._job, self._rules)
                self._again_after = None
                self._settle(recorder.give(_joined(FIRST, [page])), report)
                self._settle(recorder.rest(), report)
                if self._again_after is not None:
                    self._moved = again + self._moved
        return report

    def _credit_after(
        self, after: bytes, recorder: _Recorder, report: InterestReport, progress: Progress
    ) -> bytes | None:
        """Record what deciding processes say of all accounts after a key; the key to go on from if the rules moved."""
        self._again_after = None
        with ExitStack() as open_ones:
            ready, self._ready = self._ready or open_ones.enter_context(helpers()), ()
            for helper in ready:  # whoever began them, they end with this: what they still say rests on older rules
                open_ones.push(helper)
            pages = open_ones.enter_context(ReadAhead(lambda: self._decided(after, ready)))
            for tranche in self._tranches(after, pages):
                self._settle(recorder.give(tranche), report)
                if self._again_after is not None:
                    break
                progress(tranche.looked_at)
            self._settle(recorder.rest(), report)
        if self._again_after is not None:
            self._look_at_rules()
        return self._again_after

    def _decided(self, after: bytes, ready: Sequence[Apart]) -> Iterator[Page]:
        """The pages of all accounts after a key in key order: the helpers take stretch after stretch in turn."""
        parted = borders(self._log, after, STRETCH_PAGES * self._job.page)
        job = msgspec.structs.replace(self._job, after=after, borders=tuple(parted), helpers=len(ready))
        said = [
            helper.ask(msgspec.json.encode(msgspec.structs.replace(job, turn=turn)))
            for turn, helper in enumerate(ready)
        ]
        for stretch in range(len(parted) + 1):
            while parts := next(said[stretch % len(said)]):
                yield decode_page(parts)

    def _tranches(self, after: bytes, pages: Iterable[Page]) -> Iterator[_Tranche]:
        """Pages joined to tranches, fewer of them while somebody waits for the log."""
        waiting: list[Page] = []
        for page in pages:
            waiting.append(page)
            if sum(one.head.looked_at for one in waiting) >= self._pace.rows:
                yield _joined(after, waiting)
                after, waiting = page.head.last, []
        if waiting:
            yield _joined(after, waiting)

    def _look_at_rules(self) -> None:
        self._rules = self._log.rules()
        self.check()

    def _record(self, tranche: _Tranche) -> frozenset[bytes] | None:
        """Record a tranche; the accounts that moved, or None where the rules moved and nothing is recorded."""
        if self._dry_run or not tranche.writes.events:
            return frozenset()
        try:
            written = self._log.record(tranche.writes, rules_version=tranche.rules_version)
        except RulesMovedError:
            return None
        self._pace.told(company=written.company)
        return written.moved

    def _settle(self, recorded: Iterable[tuple[_Tranche, frozenset[bytes] | None]], report: InterestReport) -> None:
        for tranche, moved in recorded:
            if moved is None or self._again_after is not None:  # what follows stands on the same rules
                self._again_after = self._again_after or tranche.after
                continue
            report.join(tranche.report)
            if moved:
                _, left_out = tranche.writes.parted(moved)
                report.take_back(credited_in(left_out))
                self._moved.extend(moved)


_Recorder = RecordBehind[_Tranche, "frozenset[bytes] | None"]


def _joined(after: bytes, pages: list[Page]) -> _Tranche:
    first, *others = heads = [page.head for page in pages]
    for head in others:
        first.report.join(head.report)
    return _Tranche(
        after,
        min(head.rules_version for head in heads),  # helpers read the rules by themselves: the eldest decides
        TrancheBuffer([page.rows for page in pages]),
        first.report,
        sum(head.looked_at for head in heads),
    )
