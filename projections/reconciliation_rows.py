"""The rows of those who must be looked at, person by person, and deliveries that brought nothing new."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.differences import Approved, Paid
from ledger.reconciliation import Needs
from ledger.store.arrays import uuid_array
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog
from projections.folds import execute
from projections.reconciliation_bulk import COLLECTED, IN_MONTH, Bulk, Span

PERSONS: Final = 4_000
"""Whose rows are read at once: a person has few, so memory stays flat however many must be looked at."""
_OF: Final = "= ANY (%(persons)s)"
_ROWS: Final = f"""
SELECT uuid_send(participant_id) AS who, 0 AS side, file_id, line, data_type, kind, payment_type, period, fen,
       treasury_on AS day, serial AS known_by, voucher, approval, paid_on, true AS booked, '' AS reason
  FROM {{exchange_record}} WHERE participant_id {_OF} AND ended = 1 AND {COLLECTED}
UNION ALL
SELECT uuid_send(owner), 1, file_id, line, data_type, kind, payment_type, period, fen, treasury_on, serial, voucher,
       approval, paid_on, booked, reason
  FROM deliveries WHERE owner {_OF} AND counts AND ended <> 1
UNION ALL
SELECT uuid_send(participant_id), 2, file_id, line, data_type, kind, payment_type, period, fen, approved_on, number,
       payer, '', NULL, true, ''
  FROM {{receivable}} WHERE participant_id {_OF}
 ORDER BY who, side, day, known_by, file_id, line"""
_REPEATED: Final = f"""
SELECT file_id, line, serial, data_type, reason FROM deliveries WHERE delivery > 1 AND {IN_MONTH}
 ORDER BY file_id, line"""


class Row(NamedTuple):
    """A row of either book, as the statement gives it; `who` is the person's id, `day` the treasury entry, or the
    approval.

    `side` is 0 for a payment that was recorded as it came, 1 for another one, 2 for an approval.
    """

    who: bytes
    side: int
    file: int
    line: int
    data_type: int
    kind: int
    payment_type: int
    period: int
    fen: int
    day: date
    known_by: str
    voucher: str
    approval: str
    paid_on: date | None
    booked: bool
    reason: str


class Books(NamedTuple):
    """One person's two books; `orphans` are cancellations of what never came."""

    who: UUID
    paid: list[Paid]
    approved: list[Approved]
    orphans: list[Paid]
    bulk: Bulk


class Repeated(NamedTuple):
    """A delivery of what had been delivered before."""

    file: int
    line: int
    serial: str
    data_type: int
    reason: str


def suspects(connection: Connection[TupleRow], log: PoolLog, span: Span, needs: Needs, turn: int) -> Iterator[Books]:
    """The books of each suspect of a turn, whatever the month of their rows."""
    with connection.cursor("suspects", binary=True) as cursor:
        cursor.execute("SELECT who FROM suspects WHERE turn = %s ORDER BY who", (turn,))
        while persons := [row[0].bytes for row in cursor.fetchmany(PERSONS)]:
            found = execute(connection, log, _ROWS, {"persons": uuid_array(persons)})
            for who, of_person in groupby(map(Row._make, found), key=lambda row: row.who):
                yield _books(UUID(bytes=who), list(of_person), span, needs)


def repeated(connection: Connection[TupleRow], log: PoolLog, span: Span) -> list[Repeated]:
    """Deliveries of the month that brought nothing new."""
    return [Repeated(*row) for row in execute(connection, log, _REPEATED, span.asked())]


def _books(who: UUID, rows: list[Row], span: Span, needs: Needs) -> Books:
    paid: dict[str, Paid] = {}
    cancelled: list[Paid] = []
    approved: dict[tuple[str, int, int, int], Approved] = {}
    withdrawn: list[Row] = []
    for row in rows:
        if row.side == 2:
            if row.data_type == NEW:
                key = (row.known_by, row.kind, row.payment_type, row.period)
                approved[key] = Approved(
                    row.file, row.line, row.known_by, row.kind, row.payment_type, row.period, row.fen, row.day
                )
            else:
                withdrawn.append(row)
            continue
        one = Paid(
            row.file, row.line, row.known_by, row.voucher, row.approval, row.kind, row.payment_type, row.period,
            row.fen, row.paid_on, row.day, row.booked, row.reason,
        )  # fmt: skip
        if row.data_type == CANCELLED:
            cancelled.append(one)
        else:
            paid[one.serial] = one
    orphans = []
    for one in cancelled:
        original = paid.get(one.serial)
        if original is not None and cancels(one, original):
            paid[one.serial] = original._replace(cancelled_on=one.treasury_on, kept=original.booked and not one.booked)
        else:
            orphans.append(one)
    for row in withdrawn:
        key = (row.known_by, row.kind, row.payment_type, row.period)
        approved[key] = approved[key]._replace(withdrawn_on=row.day)
    return Books(who, list(paid.values()), list(approved.values()), orphans, _bulk(rows, span, needs))


def cancels(one: Paid, original: Paid) -> bool:
    """Whether a cancellation says the same of a payment."""
    return (one.kind, one.period, one.fen) == (original.kind, original.period, original.fen)


def _bulk(rows: list[Row], span: Span, needs: Needs) -> Bulk:
    """What was counted of this person without a closer look: it is counted by the closer look now."""
    groups: dict[tuple[int, int, int], tuple[list[int], list[int]]] = {}
    for row in rows:
        if row.side != 1 and row.data_type == NEW and span.first <= row.day < span.after:
            key = (row.kind, row.payment_type, row.period)
            groups.setdefault(key, ([], []))[row.side == 2].append(row.fen)
    same = own = own_fen = 0
    for (kind, typed, _), (paid, approved) in groups.items():
        if approved:
            same += sum(one == other for one in paid for other in approved)
        elif not needs.approval(kind, typed):
            own, own_fen = own + len(paid), own_fen + sum(paid)
    return Bulk(same, own, own_fen)
