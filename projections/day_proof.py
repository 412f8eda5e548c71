"""Proves that the sums of each effective day are those of its statement lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.money import fen_to_yuan
from ledger.store.log import PoolLog
from ledger.words import CHINESE, KINDS
from projections.evidence import Finding, snapshot, standing
from projections.folds import DAYS, execute

_KEPT: Final = f"SELECT {DAYS.columns} FROM {{line_day}}"
_LINES: Final = DAYS.select.replace(
    "<rows>", "{line} WHERE account_id > %(low)s AND account_id <= %(high)s AND notification_id <= %(to)s"
)

Day = tuple[date, str, bool]


class DayProof:
    """The sums as they stand, and what the lines up to the same position say while they are gone through.

    A line is never changed, so the lines up to a position are the same whenever a range of them is read.
    """

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        with snapshot(log) as connection:
            self._to = standing(connection, log)[1]
            self._kept: dict[Day, list[int]] = {row[:3]: list(row[3:]) for row in execute(connection, log, _KEPT)}
        self._lines: dict[Day, list[int]] = {}

    def add(self, connection: Connection[TupleRow], low: UUID, high: UUID) -> None:
        """Add up the lines of a range of accounts."""
        for row in execute(connection, self._log, _LINES, {"low": low, "high": high, "to": self._to}):
            before = self._lines.setdefault(row[:3], [0] * (2 * len(KINDS)))
            self._lines[row[:3]] = [one + other for one, other in zip(before, row[3:], strict=True)]

    def faults(self) -> Iterator[Finding]:
        """The days whose sums are not those of their lines, once all accounts were added."""
        nothing = [0] * (2 * len(KINDS))
        for key in sorted({*self._kept, *self._lines}):
            kept, lines = self._kept.get(key), self._lines.get(key)
            if kept == lines:
                continue
            day, topic, is_out = key
            told = "；".join(_told(kept or nothing, lines or nothing))
            where = {"table": "statement_day", "effective_on": day.isoformat(), "topic": topic, "is_out": is_out}
            yield Finding("day_sums", where, f"{day.isoformat()} {topic} 的日合计与账页行不符：{told}")


def _told(kept: list[int], lines: list[int]) -> Iterator[str]:
    of = len(KINDS)
    for place, kind in enumerate(KINDS):
        sums, found = ((one[place], one[place + of]) for one in (kept, lines))
        if sums != found:
            yield f"{CHINESE[kind]} 合计{_said(*sums)}，账页{_said(*found)}"


def _said(rows: int, fen: int) -> str:
    return f"{rows}笔 {fen_to_yuan(fen)} 元"
