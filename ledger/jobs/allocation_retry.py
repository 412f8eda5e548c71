"""到账划账 again: rows that no account has, through the decision that takes a file's rows in.

Payments of persons who are known now, and 撤销 whose originals are booked now. The rows are those that were kept when
they came; no file is needed. Each becomes what its row of the file would become if the file came once more, under the
same cause, and its serial and data type keep it from being booked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from ledger.allocation import Received
from ledger.jobs.intake import Outcome, Source
from ledger.jobs.intake_payments import PaymentIntake, Row
from ledger.jobs.payment_pages import LookedUp, look_up_again
from ledger.jobs.payment_rows import PaymentRow
from ledger.refusals import Reason
from ledger.region_rules import RegionRules
from ledger.store.exchange_records import ExchangeRecords
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog
from ledger.store.received_payments import ReceivedPayments
from ledger.store.register import Register

Rows = Iterator[tuple[list[tuple[int, Row | Outcome]], Any]]


class _Ahead(NamedTuple):
    """A tranche's rows, all of one file and data type, and what was looked up for them."""

    found: LookedUp
    file: str
    data_type: int


class KeptRows(PaymentIntake):
    """Received rows of a pool that may be bookable now, of one month of treasury entry or of all.

    `file` (sha256 in hex) and `data_type` are those of the rows that were taken in last.
    """

    def __init__(
        self,
        log: PoolLog,
        register: Register,
        actor: str,
        *,
        span: tuple[date, date] | None = None,
        dry_run: bool = False,
    ) -> None:
        super().__init__(log, register, Source("", "", (), {}), actor, dry_run=dry_run)
        self._span = span
        self.file, self.data_type = "", NEW

    def begin(self) -> None:
        """No file is registered: these rows are kept already."""

    def received(self, ahead: Any) -> None:
        """The rows that come next are of this file."""
        self.file, self.data_type = ahead.file, ahead.data_type
        self._cause = f"file {ahead.file}"

    def payments(self) -> Rows:
        """Payments in the order in which they came, each tranche of one file: a line is told with its file."""
        received = ReceivedPayments(self.log)
        yield from self._of(NEW, lambda after, limit: received.retried(self._span, after, limit))

    def cancellations(self, booked: Collection[str] = ()) -> Rows:
        """The same of 撤销; `booked` are serials that a dry run would have booked before."""
        received = ReceivedPayments(self.log)
        yield from self._of(CANCELLED, lambda after, limit: received.settled(self._span, after, limit, booked))

    def _of(self, data_type: int, read: Callable[[tuple[int, int], int], list[Received]]) -> Rows:
        after = (0, 0)
        while page := read(after, self.pace.rows):
            after = page[-1].file_id, page[-1].line
            for file, of_file in groupby(page, key=lambda one: one.file):
                rows = self._rows(list(of_file), data_type)
                if rows:
                    found = look_up_again(self.log, self.register, rows)
                    yield [(row.line, row) for row in rows], _Ahead(found, file, data_type)

    def _rows(self, page: Sequence[Received], data_type: int) -> list[PaymentRow]:
        """The rows as they were read then; of somebody erased nothing is left to be read."""
        places = {(one.file_id, one.line): one for one in page}
        said = ExchangeRecords(self.log).identities(self.register.keys, list(places))
        return [
            PaymentRow(one.line, *said[place], data_type, one.payment, "", one.approval, "", one.agency)
            for place, one in places.items()
            if place in said
        ]


class AllocationRetry(KeptRows):
    """Both, as a job of its own."""

    @property
    def job(self) -> tuple[str, str]:
        """What the job is, and of which month."""
        return "tax retry", f"{self._span[0]:%Y-%m}" if self._span else ""

    def tranches(self) -> Rows:
        """Payments first: none of them is cancelled by a 撤销 that waits, for then it would not be among them."""
        yield from self.payments()
        yield from self.cancellations()


def retriable(log: PoolLog, rules: RegionRules) -> int:
    """How many payments what hindered them no longer does: their person has registered, their year has its figure."""
    return sum(
        rows
        for reason, period, year, rows in ReceivedPayments(log).hindered()
        if reason == Reason.UNKNOWN_PERSON
        or (reason == Reason.NO_CAP and rules.cap(period) is not None)
        or (reason == Reason.NO_RATE and rules.rate(year) is not None)
    )
