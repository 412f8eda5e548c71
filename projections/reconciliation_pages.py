"""What is read of a reconciled month: its figures, and its differences with what people said of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from ledger.differences import Category
from ledger.reconciliation_month import Mark, ReconciliationMonth, Status
from ledger.store.log import PoolLog
from ledger.store.reconciliation_months import ReconciliationMonths
from projections.folds import composed, execute
from projections.reconciliation_fold import TAX_AGENCY
from projections.reconciliation_sums import MonthTotals

_totals: Final = msgspec.json.Decoder(MonthTotals).decode
_PAGE: Final = 5_000
_SAID: Final = frozenset((Status.ASSIGNED, Status.EXPLAINED, Status.RESOLVED))
"""What only people make of a difference."""
_CLEARED: Final = {Status.CLEARED: True, Status.OPEN: False, Status.ASSIGNED: False, Status.EXPLAINED: False}
"""Whether a difference of a status has ended by itself; one that was resolved may have, too."""
_DIFFERENCES: Final = """
SELECT d.difference_id, d.comparison, d.category, d.fen, d.rows, d.participant_id, encode(t.sha256, 'hex'), d.tax_line,
       encode(a.sha256, 'hex'), d.agency_line, d.proposal, d.cleared, d.detail,
       (SELECT max(h.division) FROM {account_holder} h WHERE h.participant_id = d.participant_id),
       greatest(t.received_at, a.received_at),
       (SELECT p.participant_id FROM {reconciliation_difference_v1} p
         WHERE p.month = d.month AND p.difference_id = d.proposal)
  FROM {reconciliation_difference_v1} d LEFT JOIN {exchange_file} t ON t.file_id = d.tax_file
  LEFT JOIN {exchange_file} a ON a.file_id = d.agency_file
 WHERE d.month = %(month)s AND (%(ids)s::uuid[] IS NULL OR d.difference_id = ANY (%(ids)s))
   AND (%(category)s::text IS NULL OR d.category = %(category)s)
   AND (%(comparison)s::text IS NULL OR d.comparison = %(comparison)s)
   AND (%(cleared)s::boolean IS NULL OR (d.cleared <> '') = %(cleared)s)
   AND (%(after)s::uuid IS NULL OR d.difference_id > %(after)s)
 ORDER BY d.difference_id LIMIT %(limit)s"""


class Difference(NamedTuple):
    """A difference as it stands: what it is, where both records stand, and what people said of it.

    `division` is that of the person's account, whose county owns it as long as nobody else was named; `received_at`
    when the later of its records came (None: it has none); `proposed` the person of the proposal.
    """

    id: UUID
    comparison: str
    category: Category
    fen: int
    rows: int
    participant: UUID | None
    tax_file: str | None
    tax_line: int | None
    agency_file: str | None
    agency_line: int | None
    proposal: UUID | None
    cleared: str
    detail: dict[str, Any]
    division: str | None
    received_at: datetime | None
    proposed: UUID | None
    mark: Mark

    @property
    def status(self) -> Status:
        """How far it is."""
        return self.mark.of(self.category, self.fen, cleared=bool(self.cleared))


class CategoryTotal(NamedTuple):
    """The differences of a category: how many, how much (fen), and how many nobody has dealt with."""

    comparison: str
    category: Category
    rows: int
    fen: int
    open: int


class MonthView(NamedTuple):
    """A month as it was folded, and its stream; categories in the order people read them, row by row first."""

    month: date
    totals: MonthTotals
    position: int
    state: ReconciliationMonth
    categories: list[CategoryTotal]

    @property
    def open(self) -> int:
        """Differences that are neither cleared, explained nor resolved."""
        return sum(one.open for one in self.categories)


def month_view(log: PoolLog, month: date) -> MonthView | None:
    """The month; None where it was never folded."""
    with log.connections.connection() as connection:
        statement = "SELECT totals::text, position FROM {reconciliation_month_v1} WHERE month = %s"
        rows = execute(connection, log, statement, (month,))
        if not rows:
            return None
        state = ReconciliationMonths(log).find(month)
        done = [(one.id, one.category, one.fen) for one in state.done()]
        counted = execute(
            connection,
            log,
            "SELECT comparison, category, count(*), coalesce(sum(fen), 0)::bigint,"
            " count(*) FILTER (WHERE cleared = '' AND o.difference_id IS NULL)"
            " FROM {reconciliation_difference_v1} d LEFT JOIN unnest(%s::uuid[], %s::text[], %s::bigint[])"
            " AS o (difference_id, category, fen) USING (difference_id, category, fen)"
            " WHERE month = %s GROUP BY 1, 2",
            (*([one[place] for one in done] for place in range(3)), month),
        )
    order = list(Category)
    categories = [CategoryTotal(one[0], Category(one[1]), *one[2:]) for one in counted]
    categories.sort(key=lambda one: (one.comparison != TAX_AGENCY, one.comparison, order.index(one.category)))
    return MonthView(month, _totals(rows[0][0]), rows[0][1], state, categories)


def folded_at(log: PoolLog, month: date) -> int | None:
    """The position at which a month was folded; None where it never was."""
    with log.connections.connection() as connection:
        rows = execute(connection, log, "SELECT position FROM {reconciliation_month_v1} WHERE month = %s", (month,))
    return rows[0][0] if rows else None


def differences(
    log: PoolLog,
    month: date,
    *,
    ids: Collection[UUID] | None = None,
    category: str | None = None,
    comparison: str | None = None,
    status: Status | None = None,
    after: UUID | None = None,
    limit: int | None = None,
) -> Iterator[Difference]:
    """The differences of a month by id, behind the one `after`; those asked for by id, category, comparison, status."""
    marks = ReconciliationMonths(log).find(month).marks
    if status in _SAID:
        said = {one for one, mark in marks.items() if mark.status is status}
        ids = said if ids is None else said & set(ids)
    asked: dict[str, Any] = {
        "month": month, "ids": None if ids is None else list(ids), "category": category, "comparison": comparison,
        "cleared": _CLEARED.get(status) if status else None,
    }  # fmt: skip
    found = 0
    while limit is None or found < limit:
        asked |= {"after": after, "limit": _PAGE if limit is None else min(_PAGE, limit)}
        with log.connections.connection() as connection:
            rows = connection.execute(composed(log, _DIFFERENCES), asked).fetchall()
        for row in rows:
            one = Difference._make((*row[:2], Category(row[2]), *row[3:], marks.get(row[0], Mark())))
            if status is None or one.status is status:
                found += 1
                yield one
                if found == limit:
                    return
        if len(rows) < asked["limit"]:
            return
        after = rows[-1][0]


__all__ = ["TAX_AGENCY", "CategoryTotal", "Difference", "MonthView", "differences", "month_view"]
