"""Payments of nobody known, and whom each may mean: proposals for people to look at, never matches.

A proposal needs both sides opened: what the row said of the person, and who has an approval of the same figures that
nobody paid. Both are opened for the month that is folded alone, and nothing of them is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.differences import Approved, Difference, Paid
from ledger.persons_alike import Candidate, Figures, Unknown, propose
from ledger.store.exchange_records import ExchangeRecords
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.holders import open_people
from ledger.store.log import PoolLog
from ledger.store.register import Register
from projections.folds import execute
from projections.reconciliation_bulk import IN_MONTH, Span
from projections.reconciliation_rows import cancels

_STRANGERS: Final = f"""
SELECT file_id, line, serial, voucher, approval, kind, payment_type, period, fen, paid_on, treasury_on,
       false AS booked, reason, data_type, participant_id
  FROM deliveries WHERE counts AND ended <> 1 AND owner IS NULL
   AND ({IN_MONTH} OR data_type = {CANCELLED}
        OR serial IN (SELECT serial FROM deliveries WHERE data_type = {CANCELLED} AND {IN_MONTH}))
 ORDER BY serial, data_type"""
"""Those of the month, and those that are taken back in it; a 撤销 may have been entered before what it takes back."""


class Stranger(NamedTuple):
    """A payment of nobody known, and whose number it bears under another name."""

    paid: Paid
    participant: UUID | None


def strangers(connection: Connection[TupleRow], log: PoolLog, span: Span) -> tuple[list[Stranger], list[Paid]]:
    """Payments of nobody known, and cancellations of what never came: what of them a month is about."""
    found: dict[str, Stranger] = {}
    cancelled: list[Paid] = []
    for *said, data_type, whose in execute(connection, log, _STRANGERS, span.asked()):
        paid = Paid(*said)
        serial = paid.serial
        if data_type == NEW:
            found[serial] = Stranger(paid, whose)
        else:
            cancelled.append(paid)
    orphans = []
    for one in cancelled:
        original = found.get(one.serial)
        if original is not None and cancels(one, original.paid):
            found[one.serial] = original._replace(paid=original.paid._replace(cancelled_on=one.treasury_on))
        elif span.first <= one.treasury_on < span.after:
            orphans.append(one)
    return list(found.values()), orphans


def whom_they_may_mean(
    register: Register, mine: Sequence[Stranger], waiting: Sequence[tuple[UUID, Difference]]
) -> dict[str, int]:
    """By serial, the place of the approval in `waiting` that a stranger's payment may mean."""
    if not mine or not waiting:
        return {}
    people = open_people(register, list({who for who, _ in waiting}))
    candidates = [
        Candidate(str(place), figures_of(one.approved), who, people[who].number, people[who].name)
        for place, (who, one) in enumerate(waiting)
        if who in people and one.approved is not None
    ]
    places = [(one.paid.file, one.paid.line) for one in mine]
    said = ExchangeRecords(register.log).identities(register.keys, places)
    unknown = [
        Unknown(one.paid.serial, figures_of(one.paid), one.participant, *said.get(place, ("", "")))
        for one, place in zip(mine, places, strict=True)
    ]
    return {serial: int(place) for serial, place in propose(unknown, candidates).items()}


def figures_of(one: Paid | Approved) -> Figures:
    """What must be the same for a payment to mean an approval."""
    return one.kind, one.payment_type, one.period, one.fen
