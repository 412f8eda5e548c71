"""The figures of a month: what was collected, approved and booked, by day, item and payment type."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.account_events import (
    CollectiveSubsidyRecorded,
    ContributionRecorded,
    EntryReversed,
    SocialAidRecorded,
)
from ledger.refusals import Reason
from ledger.store.external_identities import NEW
from ledger.store.log import PoolLog
from ledger.store.received_payments import IS_CANCELLED
from ledger.words import KINDS, MoneyKind
from projections.folds import KIND_COLUMNS, KIND_ROWS, execute
from projections.reconciliation_bulk import APPROVED_IN_MONTH, COLLECTED, IN_MONTH, Span

_MONEY_IN: Final = (
    ContributionRecorded.topic,
    CollectiveSubsidyRecorded.topic,
    SocialAidRecorded.topic,
)
_NOT_COLLECTED: Final = {MoneyKind.GOVERNMENT_SUBSIDY, MoneyKind.INTEREST}
_COUNTED: Final = "kind, payment_type, data_type, count(*), sum(fen)::bigint"
_RECORDED: Final = f"""
SELECT treasury_on, {_COUNTED} FROM {{exchange_record}} WHERE {IN_MONTH} AND ended = 1 AND {COLLECTED}
 GROUP BY 1, 2, 3, 4"""
_BESIDES: Final = f"""
SELECT treasury_on, {_COUNTED} FROM deliveries WHERE {IN_MONTH} AND counts AND ended <> 1 GROUP BY 1, 2, 3, 4"""
_APPROVED: Final = f"""
SELECT approved_on, {_COUNTED} FROM {{receivable}} WHERE {APPROVED_IN_MONTH} GROUP BY 1, 2, 3, 4"""
_BOOKED: Final = f"""
SELECT effective_on, topic, {KIND_ROWS}, {KIND_COLUMNS} FROM {{line_day}}
 WHERE effective_on >= %(first)s AND effective_on < %(after)s
   AND (topic = ANY (%(money_in)s) OR topic = %(reversed)s AND is_out)"""
_UNALLOCATED: Final = f"""
SELECT count(*), coalesce(sum(fen), 0)::bigint FROM deliveries d
 WHERE {IN_MONTH} AND counts AND data_type = 1 AND NOT booked AND reason <> %(elsewhere)s
   AND NOT {IS_CANCELLED}"""
_UNREADABLE: Final = "SELECT count(*) FROM {exchange_record} WHERE data_type <> 1 AND data_type = 0"


class Counts(msgspec.Struct, frozen=True):
    """Net rows and fen."""

    rows: int = 0
    fen: int = 0


class ItemTotals(msgspec.Struct, frozen=True):
    """What each side says of one day, item and payment type (as they are stored). Approvals stand under their day."""

    day: date
    kind: int
    payment_type: int
    tax: Counts = Counts()
    agency: Counts = Counts()


class DayTotals(msgspec.Struct, frozen=True):
    """What was collected on a day by item, and what the ledger's entries of that day say."""

    day: date
    kind: int
    tax: Counts = Counts()
    ledger: Counts = Counts()


class MonthTotals(msgspec.Struct, frozen=True):
    """The figures of a month. `own` are payments that need no approval, for which the ledger's own entry stands.

    `unreadable` are received rows whose figures could not be read: they stand in no sum. `later` counts the payments of
    all months that were booked, or reversed by hand, after they had come: as many as the view knows of.
    """

    tax: Counts
    agency: Counts
    own: Counts
    matched: int
    unallocated: Counts
    unreadable: int
    items: tuple[ItemTotals, ...]
    days: tuple[DayTotals, ...]
    later: int = 0

    @property
    def difference(self) -> Counts:
        """Tax less agency."""
        return Counts(self.tax.rows - self.agency.rows - self.own.rows, self.tax.fen - self.agency.fen - self.own.fen)


Item = tuple[date, int, int]
"""Day, kind, payment type."""


class Figures(NamedTuple):
    """What is recorded as it came, approved, and booked: each read in one go. `payments` counts what is recorded but
    for cancellations.
    """

    payments: int
    recorded: dict[Item, Counts]
    approved: dict[Item, Counts]
    booked: dict[tuple[date, int], Counts]


def month_figures(connection: Connection[TupleRow], log: PoolLog, span: Span) -> Figures:
    """The figures of a month, but for what was not recorded as it came."""
    recorded = execute(connection, log, _RECORDED, span.asked())
    payments = sum(rows for _, _, _, data_type, rows, _ in recorded if data_type == NEW)
    approved = execute(connection, log, _APPROVED, span.asked())
    return Figures(payments, _items(recorded), _items(approved), _booked(connection, log, span))


def month_items(connection: Connection[TupleRow], log: PoolLog, span: Span, figures: Figures) -> list[ItemTotals]:
    """Both books by day, item and payment type; the temporary tables of the month must be there."""
    tax = dict(figures.recorded)
    for item, counts in _items(execute(connection, log, _BESIDES, span.asked())).items():
        tax[item] = summed((tax.get(item, Counts()), counts))
    return [
        ItemTotals(*item, tax.get(item, Counts()), figures.approved.get(item, Counts()))
        for item in sorted({*tax, *figures.approved})
    ]


def month_days(figures: Figures, items: Iterable[ItemTotals]) -> list[DayTotals]:
    """What was collected, and what the ledger's entries of the day say: money in, and its reversals on its own day."""
    tax: dict[tuple[date, int], Counts] = {}
    for one in items:
        if one.tax != Counts():
            key = (one.day, one.kind)
            tax[key] = summed((tax.get(key, Counts()), one.tax))
    booked = figures.booked
    return [DayTotals(*key, tax.get(key, Counts()), booked.get(key, Counts())) for key in sorted({*tax, *booked})]


def _items(rows: Iterable[TupleRow]) -> dict[Item, Counts]:
    """Rows of `_COUNTED` by day: what is new less what is taken back."""
    found: dict[Item, Counts] = {}
    for day, kind, typed, data_type, count, fen in rows:
        sign = 1 if data_type == NEW else -1
        before = found.get((day, kind, typed), Counts())
        found[day, kind, typed] = Counts(before.rows + sign * count, before.fen + sign * fen)
    return found


def _booked(connection: Connection[TupleRow], log: PoolLog, span: Span) -> dict[tuple[date, int], Counts]:
    booked: dict[tuple[date, int], Counts] = {}
    asked = span.asked() | {"money_in": list(_MONEY_IN), "reversed": EntryReversed.topic}
    for day, topic, *figures in execute(connection, log, _BOOKED, asked):
        sign = -1 if topic == EntryReversed.topic else 1
        for kind, (rows, fen) in enumerate(zip(figures[: len(KINDS)], figures[len(KINDS) :], strict=True)):
            if rows and KINDS[kind] not in _NOT_COLLECTED:
                key = (day, kind)
                booked[key] = summed((booked.get(key, Counts()), Counts(sign * rows, fen)))
    return booked


def unallocated(connection: Connection[TupleRow], log: PoolLog, span: Span) -> Counts:
    """Payments of the month that no account has."""
    return Counts(*execute(connection, log, _UNALLOCATED, span.asked() | {"elsewhere": Reason.OTHER_POOL})[0])


def unreadable(connection: Connection[TupleRow], log: PoolLog) -> int:
    """Received rows whose figures could not be read: of no month, and in no sum."""
    return int(execute(connection, log, _UNREADABLE)[0][0])


def summed(counts: Iterable[Counts]) -> Counts:
    """Rows and fen added up."""
    rows = fen = 0
    for one in counts:
        rows, fen = rows + one.rows, fen + one.fen
    return Counts(rows, fen)
