"""The view of a month: what the tax side and the agency say of it, and every difference between them.

Folded from the received rows, the receivables and the log, a whole month at a time in one snapshot; a month whose rows
have grown since is folded again, and with it every later one, for what a month leaves open is looked at in the next.
What a later month ends in an earlier one is written there as `cleared`. The pure decisions are in
`ledger/reconciliation.py` and `ledger/persons_alike.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha1
from typing import Any, Final, NamedTuple, TypeVar
from uuid import NAMESPACE_URL, UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from ledger.differences import STRANGER, Approved, Category, Difference, Paid
from ledger.exchange import BOOKED_LATER, TYPES, month_of
from ledger.reconciliation import Needs, compare_person
from ledger.refusals import Reason
from ledger.region_rules import RegionRules
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.words import KINDS
from projections.beside import Beside, beside
from projections.folds import STATEMENT, execute
from projections.reconciliation_bulk import (
    Bulk,
    Span,
    add_suspects,
    join_books,
    make_deliveries,
    make_suspects,
    who_is_approved_twice,
    who_paid_twice,
)
from projections.reconciliation_rows import repeated, suspects
from projections.reconciliation_sink import Aside, Ended, FoldedMonth, Row, Sink, View
from projections.reconciliation_strangers import Stranger, figures_of, strangers, whom_they_may_mean
from projections.reconciliation_sums import (
    Counts,
    Figures,
    MonthTotals,
    month_days,
    month_figures,
    month_items,
    summed,
    unallocated,
    unreadable,
)
from projections.reconciliation_totals import totals_differences
from projections.refund_pages import refund_differences
from projections.runner import catch_up

Read = TypeVar("Read")

WRITTEN_AT_ONCE: Final = 10_000
"""Differences kept in memory before they are written."""
ATTEMPTS: Final = 8
"""How often a month is begun anew because payments arrived since the lines were folded."""
TAX_AGENCY: Final = "tax_agency"
"""The comparison of payments with approvals, row by row."""
REFUND: Final = "refund"
"""The comparison of refund requests with refunds."""


@dataclass
class _Sums:
    """What the closer look finds of a month, added up."""

    matched: int = 0
    own_rows: int = 0
    own_fen: int = 0
    rows: int = 0
    fen: int = 0


class Grown(NamedTuple):
    """How many rows the records have, up to a month and in all: what a view of it rests on.

    `later` of them all are no rows that came, but payments booked, or reversed by hand, after they had come.
    """

    through: int
    everything: int
    later: int


class UnexplainedError(Exception):
    """The differences of a month do not add up to the difference of its totals: a fault of the program."""


def difference_id(pool: str, month: date, key: str) -> UUID:
    """The id of a difference, of version 5: the same whenever the month is folded again."""
    made = _month_of_ids(pool, month).copy()
    made.update(key.encode())
    return UUID(bytes=made.digest()[:16], version=5)


@cache
def _month_of_ids(pool: str, month: date) -> Any:
    """The hash of what the ids of a month begin with: thousands of them are made from it."""
    named = NAMESPACE_URL.bytes + f"pension-ledger:difference:{pool}:{month.isoformat()}:".encode()
    return sha1(named, usedforsecurity=False)


def approved_first(rules: RegionRules, year: int) -> str:
    """Which kinds are approved before they are paid in the pool, in the words of the rule."""
    return rules.text("tax.approved_first", year)


def grown(connection: Connection[TupleRow], log: PoolLog, month: date) -> Grown:
    """The rows of the records as they stand."""
    statement = (
        "SELECT coalesce(sum(rows) FILTER (WHERE month <= %s), 0)::bigint, coalesce(sum(rows), 0)::bigint,"
        " coalesce(sum(rows) FILTER (WHERE file_id = %s), 0)::bigint FROM {exchange_month}"
    )
    return Grown(*execute(connection, log, statement, (month, BOOKED_LATER))[0])


def fold_month(log: PoolLog, register: Register, month: date, rules: RegionRules) -> None:
    """Fold one month, in one snapshot and one transaction. Raises `UnexplainedError`.

    Two at once would end each other's transactions: whoever folds holds the lock of `tax reconcile`. While payments
    arrive it is begun anew until the lines have come as far as the log; after so many attempts, the days of the last
    ones may show less in the ledger than was received, until the month is folded again.
    """
    for attempt in range(1, ATTEMPTS + 1):
        catch_up(log)
        with log.connections.transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            if attempt < ATTEMPTS and _lines_lag(connection, log):
                continue  # a tranche came in between: its rows are there, and the ledger's lines are not
            with beside(connection, log) as other:
                bound = log.on(connection)
                _Fold(connection, bound, register, month, rules, View(connection, bound, month), other).run()
            return


def _lines_lag(connection: Connection[TupleRow], log: PoolLog) -> bool:
    statement = "SELECT position < last_id FROM {projection}, {log_head} WHERE name = %s"
    return bool(execute(connection, log, statement, (STATEMENT.name,))[0][0])


def fold_aside(
    connection: Connection[TupleRow], log: PoolLog, register: Register, month: date, rules: RegionRules
) -> FoldedMonth:
    """Fold one month into the temporary table `aside` of the open transaction. Raises `UnexplainedError`.

    What earlier months leave open is read from the view, which must be right for this one to come out so.
    """
    with beside(connection, log) as other:
        log = log.on(connection)
        aside = Aside(connection, log)
        _Fold(connection, log, register, month, rules, aside, other).run()
    assert aside.folded is not None
    return aside.folded


class _Fold:
    """One month while it is folded."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        log: PoolLog,
        register: Register,
        month: date,
        rules: RegionRules,
        sink: Sink,
        other: Beside,
    ) -> None:
        self._beside = other
        self._sink = sink
        self._connection = connection
        self._log = log
        self._register = register.on(log)
        self._month = month
        self._span = Span.of(month)
        self._first = approved_first(rules, month.year)
        self._needs = Needs.of(self._first.split(","))
        self._sums = _Sums()
        self._rows: list[Row] = []
        self._mean: set[tuple[int, int, int, int]] = set()
        self._candidates: list[tuple[UUID, Difference]] = []
        self._ended: list[Ended] = []

    def run(self) -> None:
        connection, log, span = self._connection, self._log, self._span
        figures, paid_twice = self._ask(month_figures), self._ask(who_paid_twice)
        self._sink.begin()
        make_deliveries(connection, log)
        joined = join_books(connection, log, span, self._needs)
        make_suspects(connection, log, span, joined.bulk)
        nobodys, orphans = strangers(connection, log, span)
        self._mean = {figures_of(one.paid) for one in nobodys if month_of(one.paid.treasury_on) == self._month}
        self._look_closer(1)
        add_suspects(connection, paid_twice.result(), 2)
        self._look_closer(2)
        if joined.paid != figures.result().payments:
            add_suspects(connection, self._ask(who_is_approved_twice).result(), 3)
            self._look_closer(3)
        self._strangers(nobodys, orphans)
        self._repeated()
        self._others()
        self._flush()
        self._sink.end_earlier(self._ended)
        self._finish(joined.bulk, figures.result())

    def _ask(self, read: Callable[[Connection[TupleRow], PoolLog, Span], Read]) -> Future[Read]:
        """Begin to read something beside all else."""
        return self._beside.ask(lambda other: read(other, self._log, self._span))

    # -- persons ---------------------------------------------------------------------------------------------------

    def _look_closer(self, turn: int) -> None:
        """Compare the suspects of a turn. An approval that nobody paid waits where a stranger paid as much."""
        sums = self._sums
        for books in suspects(self._connection, self._log, self._span, self._needs, turn):
            compared = compare_person(books.paid, books.approved, self._needs, books.orphans)
            own = compared.own.get(self._month)
            sums.matched += compared.matched.get(self._month, 0) - books.bulk.same - books.bulk.own
            sums.own_rows += (own.rows if own else 0) - books.bulk.own
            sums.own_fen += (own.fen if own else 0) - books.bulk.own_fen
            for one in compared.differences:
                if one.month != self._month:
                    if one.month < self._month and one.cleared:
                        ended = self._id(one.month, one.key, books.who)
                        self._ended.append(Ended(one.month, ended, one.category, one.cleared, one.cleared_in))
                elif one.approved and one.is_unpaid and figures_of(one.approved) in self._mean:
                    self._candidates.append((books.who, one))
                else:
                    self._add(one, books.who)
            if len(self._rows) >= WRITTEN_AT_ONCE:
                self._flush()

    def _id(self, month: date, key: str, who: UUID | None = None) -> UUID:
        """An approval's number may stand for many persons; a serial is one payment's."""
        told = f"{key}:{who}" if key[:2] in {"a:", "w:"} else key
        return difference_id(self._log.pool, month, told)

    # -- payments of nobody known ----------------------------------------------------------------------------------

    def _strangers(self, nobodys: list[Stranger], orphans: list[Paid]) -> None:
        """Payments of the month that are nobody's, with whom they may mean; what became of earlier ones."""
        mine: list[Stranger] = []
        for one in nobodys:
            paid, came = one.paid, month_of(one.paid.treasury_on)
            gone = paid.cancelled_on and month_of(max(paid.cancelled_on, paid.treasury_on))
            if gone == came:
                continue
            if came == self._month:
                mine.append(one)
            elif gone == self._month:
                told = Difference(self._month, f"c:{paid.serial}", Category.CANCELLED, -paid.fen, -1, paid)
                told.clear(f"撤销{came.year}年{came.month}月的缴费", came)
                self._add(told, None)
        for cancelled in orphans:
            key = f"c:{cancelled.serial}"
            self._add(Difference(self._month, key, Category.CANCELLED, -cancelled.fen, -1, cancelled), None)
        # In an order of their own: why a person was looked at decides nothing.
        self._candidates.sort(key=lambda told: (told[0].bytes, told[1].key))
        proposals = whom_they_may_mean(
            self._register, [one for one in mine if one.paid.reason in STRANGER], self._candidates
        )
        ids = [self._id(self._month, one.key, who) for who, one in self._candidates]
        taken: dict[int, UUID] = {}
        for one in mine:
            paid = one.paid
            category = Category.REGION if paid.reason == Reason.OTHER_POOL else Category.PERSON
            told = Difference(self._month, paid.key, category, paid.fen, 1, paid)
            if paid.cancelled_on:
                told.clear("税务撤销", month_of(paid.cancelled_on))
            place = proposals.get(paid.serial)
            mine_id = self._add(told, one.participant, None if place is None else ids[place])
            if place is not None:
                taken[place] = mine_id
        for place, (who, candidate) in enumerate(self._candidates):
            if place in taken:
                candidate.category = Category.PERSON
            self._add(candidate, who, taken.get(place))

    # -- the rest of the month -------------------------------------------------------------------------------------

    def _repeated(self) -> None:
        """Deliveries that brought nothing new; one that says something else under its serial is to be looked into."""
        for one in repeated(self._connection, self._log, self._span):
            other = one.reason == Reason.SERIAL_CONFLICT
            told = _json({"tax": {"serial": one.serial, "reason": one.reason}, "agency": None})
            ended = "" if other else "重复传输，未重复记账"
            self._rows.append((
                self._month, self._id(self._month, f"d:{one.file}:{one.line}"), TAX_AGENCY, Category.DUP_TRANSPORT,
                0, 0, None, one.file, one.line, None, None, None, ended, None, told,
            ))  # fmt: skip
            if len(self._rows) >= WRITTEN_AT_ONCE:
                self._flush()

    def _others(self) -> None:
        """The sums that others state, and refunds that stand on one side only."""
        position = self._log.position()[0]
        through = execute(self._connection, self._log, "SELECT coalesce(max(file_id), 0) FROM {exchange_file}")[0][0]
        for one in totals_differences(self._connection, self._log, self._month, through, position):
            self._rows.append((
                self._month, difference_id(self._log.pool, self._month, one.key), one.comparison, one.category, one.fen,
                one.rows, None, None, None, None, None, None, "", None, _json({"key": one.key, **one.detail}),
            ))  # fmt: skip
        for refund in refund_differences(self._connection, self._log, self._month, position):
            told = {"request": refund.request, "account": refund.account and str(refund.account)}
            self._rows.append((
                self._month, difference_id(self._log.pool, self._month, refund.key), REFUND, Category.REFUND_OPEN,
                refund.fen, 1 if refund.fen > 0 else -1, refund.participant, None, None, None, None, None,
                refund.cleared, None, _json({**told, "version": refund.version, **refund.detail}),
            ))  # fmt: skip

    def _add(self, one: Difference, who: UUID | None, proposal: UUID | None = None) -> UUID:
        """Write a difference down; gives its id."""
        paid, approved = one.paid, one.approved
        self._sums.rows += one.rows
        self._sums.fen += one.fen
        made = self._id(one.month, one.key, who)
        self._rows.append((
            one.month, made, TAX_AGENCY, one.category, one.fen, one.rows, who,
            paid and paid.file, paid and paid.line, approved and approved.file, approved and approved.line, proposal,
            one.cleared, one.cleared_in,
            _json({"tax": paid and _of_paid(paid), "agency": approved and _of_approved(approved)}),
        ))  # fmt: skip
        return made

    def _flush(self) -> None:
        """Write what was found so far."""
        self._sink.write(self._rows)
        self._rows.clear()

    # -- totals ----------------------------------------------------------------------------------------------------

    def _finish(self, bulk: Bulk, figures: Figures) -> None:
        sums, now = self._sums, grown(self._connection, self._log, self._month)
        sums.matched += bulk.same + bulk.own
        sums.own_rows += bulk.own
        sums.own_fen += bulk.own_fen
        totals = self._totals(figures, now.later)
        if (totals.difference.rows, totals.difference.fen) != (sums.rows, sums.fen):
            raise UnexplainedError(f"{self._month}: {totals.difference} is not explained by {sums} (alike: {bulk})")
        position = self._log.position()[0]
        self._sink.finish(FoldedMonth(self._month, now.through, now.everything, self._first, position, totals))

    def _totals(self, figures: Figures, later: int) -> MonthTotals:
        items = month_items(self._connection, self._log, self._span, figures)
        return MonthTotals(
            tax=summed(one.tax for one in items),
            agency=summed(one.agency for one in items),
            own=Counts(self._sums.own_rows, self._sums.own_fen),
            matched=self._sums.matched,
            unallocated=unallocated(self._connection, self._log, self._span),
            unreadable=unreadable(self._connection, self._log),
            items=tuple(items),
            days=tuple(month_days(figures, items)),
            later=later,
        )


def _of_paid(paid: Paid) -> dict[str, Any]:
    """What a difference tells of a payment."""
    return {
        "serial": paid.serial, "voucher": paid.voucher, "kind": KINDS[paid.kind], "type": TYPES[paid.payment_type],
        "period": paid.period, "fen": paid.fen, "on": paid.treasury_on.isoformat(),
        "paid_on": paid.paid_on and paid.paid_on.isoformat(), "booked": paid.booked, "reason": paid.reason,
    }  # fmt: skip


def _of_approved(approved: Approved) -> dict[str, Any]:
    """What a difference tells of an approval."""
    return {
        "number": approved.number, "kind": KINDS[approved.kind], "type": TYPES[approved.payment_type],
        "period": approved.period, "fen": approved.fen, "on": approved.approved_on.isoformat(),
    }  # fmt: skip


def _json(said: Any) -> Jsonb:
    return Jsonb(said, dumps=msgspec.json.encode)
