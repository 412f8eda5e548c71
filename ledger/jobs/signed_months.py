"""Late records: rows that concern months which both sides have signed. They are booked all the same, and told.

Whether a month is signed is asked after the rows are recorded: one that is signed in between is told rather once too
often, and rows that came before a signing are no late ones. Where both meet at the same instant, the next
reconciliation of the month tells it by its count of rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import msgspec

from ledger.exchange import month_of
from ledger.money import fen_to_yuan
from ledger.store.log import PoolLog
from ledger.store.reconciliation_months import ReconciliationMonths


class Arrived(NamedTuple):
    """A row of one of the two books: its line, the day that decides its month, and its amount (fen, less for 撤销)."""

    line: int
    day: date
    fen: int


class SignedMonth(msgspec.Struct):
    """What came late for a signed month: rows, and their amount in yuan."""

    month: str
    rows: int
    amount: str


class SignedMonths:
    """The signed months that a file touches."""

    def __init__(self, log: PoolLog) -> None:
        self._months = ReconciliationMonths(log)
        self._touched: dict[date, tuple[int, int]] = {}

    def late(self, days: Iterable[date]) -> frozenset[date]:
        """Which of the months of these days are signed now, by their first days."""
        months = {month_of(day) for day in set(days)}
        return frozenset(self._months.signed(months)) if months else frozenset()

    def notice(self, one: Arrived) -> str:
        """Count a row of a signed month; gives what is told of it."""
        month = month_of(one.day)
        rows, fen = self._touched.get(month, (0, 0))
        self._touched[month] = rows + 1, fen + one.fen
        return f"涉及已签认的{month.year}年{month.month}月"

    def told(self) -> list[SignedMonth]:
        """What came for each signed month, the earliest first."""
        return [
            SignedMonth(f"{month:%Y-%m}", rows, fen_to_yuan(fen))
            for month, (rows, fen) in sorted(self._touched.items())
        ]
