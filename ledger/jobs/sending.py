"""A batch for the tax side: what is due of a kind, checked by ourselves first, recorded whole, then written as a file.

What fails our checks is left out with its reason and stays due. A batch that was recorded and not written (a full disk,
a kill) is written again from what was recorded, byte for byte, but for persons whose identity was destroyed since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ledger.late_money import Origin
from ledger.refusals import Refusal, Refused
from ledger.region_rules import same_person
from ledger.sending import PAYER, ROWS_MAX, Outgoing, OutRow, cells_of, identity_fault, is_due, total_of
from ledger.store.donors import Donors, is_donor_code
from ledger.store.holders import HolderName, open_versions
from ledger.store.job_lock import job_lock
from ledger.store.log import PoolLog
from ledger.store.register import ERASED, Register
from ledger.store.sent import Batch, SentBatches, SentRow

_GONE: Final = HolderName(ERASED, "")


class LeftOut(NamedTuple):
    """A row that was not sent: its place among those that are due, its label, and why."""

    place: int
    label: str
    refusal: Refusal


class Sent(NamedTuple):
    """A batch that was recorded (or would be): its number (None: nothing is due), its figures, what was left out."""

    batch: int | None
    kind: str
    rows: int
    fen: int
    left_out: list[LeftOut]
    more: bool


class Sending:
    """Batches of one pool."""

    def __init__(self, log: PoolLog, register: Register) -> None:
        self._log, self._register = log, register
        self._batches = SentBatches(log)

    def send(self, source: Outgoing, origin: Origin, *, dry_run: bool = False, most: int = ROWS_MAX) -> Sent:
        """Record the next batch of a kind. Raises `Refused` (SAME_PERSON), `BusyError` while another one is made."""
        if same := same_person(self._log.rules(), origin.actor, origin.reviewer):
            raise Refused(same)
        if dry_run:
            rows, left_out, more = self._due(source, most)
            batch = self._batches.next_number() if rows else None
        else:
            with job_lock(self._log, "tax export", origin.actor):
                rows, left_out, more = self._due(source, most)
                batch = self._batches.record(source.kind, source.columns, rows, origin) if rows else None
        return Sent(batch, source.kind, len(rows), total_of(rows), left_out, more)

    def _due(self, source: Outgoing, most: int) -> tuple[list[OutRow], list[LeftOut], bool]:
        """Rows that go out now, those that are due and do not, and whether more are due than one batch takes."""
        rows: list[OutRow] = []
        left_out: list[LeftOut] = []
        for page in source.pages():
            latest = self._batches.latest(source.kind, [row.subject for row in page]) if page else {}
            due = [row for row in page if is_due(row, latest.get(row.subject), renamed=source.renamed)]
            people = open_versions(self._register, {(row.participant, row.version) for row in due if row.participant})
            for row in due:
                if len(rows) == most:
                    return rows, left_out, True
                fault = row.fault
                if row.participant:
                    person = people.get((row.participant, row.version), _GONE)
                    fault = identity_fault(row.label, person.number, person.name) or fault
                if fault:
                    left_out.append(LeftOut(len(rows) + len(left_out) + 1, row.label, fault))
                else:
                    rows.append(row)
        return rows, left_out, False

    def find(self, batch: int) -> Batch | None:
        """A batch that was recorded."""
        return self._batches.find(batch)

    def lines(self, batch: Batch) -> Iterator[tuple[str, ...]]:
        """The rows of a batch as its file has them, identities opened. Raises `InvalidTag` where a row was changed."""
        for page in self._batches.pages(batch.batch):
            people = open_versions(self._register, {(row.participant, row.version) for row in page if row.participant})
            donors = self._donors_of(batch.columns, page)
            for row in page:
                person = people.get((row.participant, row.version), _GONE) if row.participant else _GONE
                cells = cells_of(batch.columns, row.said, row.place, person.number, person.name)
                yield tuple(donors.get(cell, cell) for cell in cells) if donors else tuple(cells)

    def _donors_of(self, columns: Sequence[str], page: Sequence[SentRow]) -> dict[str, str]:
        """The citizen numbers of donors who pay rows of a page, by our codes, which the tax side does not know."""
        if PAYER not in columns:
            return {}
        codes = {cell for row in page for cell in row.said if is_donor_code(cell)}
        donors = Donors(self._register)
        return {
            one.code: donors.number(one, donors.key(one)) if one.wrapped else ERASED
            for one in donors.stored(list(codes))
        }
