"""Where a folded month goes: into the view that reads stand on, or aside, to be held against it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.store.log import PoolLog
from projections.folds import composed
from projections.reconciliation_sums import MonthTotals

VERSION: Final = 1
"""The version of the fold, which the names of its tables carry."""
NAME: Final = "reconciliation"
"""Its name among the projections."""
COLUMNS: Final = (
    "month", "difference_id", "comparison", "category", "fen", "rows", "participant_id", "tax_file", "tax_line",
    "agency_file", "agency_line", "proposal", "cleared", "cleared_in", "detail",
)  # fmt: skip
_TYPES: Final = (
    "date", "uuid", "text", "text", "int8", "int4", "uuid", "int4", "int4", "int4", "int4", "uuid", "text",
    "date", "jsonb",
)  # fmt: skip

Row = tuple[Any, ...]


class Ended(NamedTuple):
    """A difference of an earlier month that this one's rows end: its category then, and what ended it."""

    month: date
    difference_id: UUID
    category: str
    cleared: str
    cleared_in: date | None


class FoldedMonth(NamedTuple):
    """The row of a month: what it rests on, the rule under which it was folded, its figures."""

    month: date
    rows_through: int
    rows_all: int
    approved_first: str
    position: int
    totals: MonthTotals


class Sink(Protocol):
    """What takes a month in the open transaction of its fold."""

    def begin(self) -> None:
        """Nothing of the month is there any more."""

    def write(self, rows: Sequence[Row]) -> None:
        """Differences, with the values of `COLUMNS`."""

    def end_earlier(self, ended: Sequence[Ended]) -> None:
        """What the month ends in earlier ones."""

    def finish(self, month: FoldedMonth) -> None:
        """The month's own row."""


class View:
    """A month's place in the view itself."""

    def __init__(self, connection: Connection[TupleRow], log: PoolLog, month: date) -> None:
        self._connection, self._log, self._month = connection, log, month

    def begin(self) -> None:
        """Its differences go, and come again in the same transaction."""
        delete = "DELETE FROM {reconciliation_difference_v1} WHERE month = %s"
        self._connection.execute(composed(self._log, delete), (self._month,))

    def write(self, rows: Sequence[Row]) -> None:
        """Beside those that were written."""
        _copy(self._connection, composed(self._log, "{reconciliation_difference_v1}"), rows)

    def end_earlier(self, ended: Sequence[Ended]) -> None:
        """What was paid in its month and entered later is a cutoff."""
        if not ended:
            return
        statement = (
            "UPDATE {reconciliation_difference_v1} d SET cleared = e.cleared, cleared_in = e.month_of_it,"
            " category = CASE WHEN e.category = 'CUTOFF' THEN e.category ELSE d.category END"
            " FROM unnest(%s::date[], %s::uuid[], %s::text[], %s::text[], %s::date[])"
            " AS e (month, difference_id, category, cleared, month_of_it) WHERE d.month = e.month"
            " AND d.difference_id = e.difference_id AND d.cleared <> e.cleared"
        )
        columns = [list(column) for column in zip(*ended, strict=True)]
        self._connection.execute(composed(self._log, statement), columns)

    def finish(self, month: FoldedMonth) -> None:
        """In the place of the row that was there."""
        columns = FoldedMonth._fields
        again = ", ".join(f"{one} = EXCLUDED.{one}" for one in columns[1:])
        statement = (
            f"INSERT INTO {{reconciliation_month_v1}} ({', '.join(columns)}) VALUES (%s, %s, %s, %s, %s, %s)"
            f" ON CONFLICT (month) DO UPDATE SET {again}"
        )
        said = (*month[:-1], msgspec.json.encode(month.totals).decode())
        self._connection.execute(composed(self._log, statement), said)


class Aside:
    """A temporary table `aside` of the open transaction, and the month's row in `folded`; the view stays as it is."""

    def __init__(self, connection: Connection[TupleRow], log: PoolLog) -> None:
        self._connection, self._log = connection, log
        self.folded: FoldedMonth | None = None

    def begin(self) -> None:
        """The table, empty."""
        statement = "CREATE TEMP TABLE aside (LIKE {reconciliation_difference_v1}) ON COMMIT DROP"
        self._connection.execute(composed(self._log, statement))

    def write(self, rows: Sequence[Row]) -> None:
        """Beside those that were written."""
        _copy(self._connection, b"aside", rows)

    def end_earlier(self, ended: Sequence[Ended]) -> None:
        """Each month is held against its own fold."""

    def finish(self, month: FoldedMonth) -> None:
        """Kept for whoever compares."""
        self.folded = month


def _copy(connection: Connection[TupleRow], table: bytes, rows: Sequence[Row]) -> None:
    statement = b"COPY " + table + f" ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)".encode()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)
