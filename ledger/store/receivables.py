"""应收核定 as stored: what persons (or payers for them) are to pay; a withdrawal is a row of its own.

One is known by (应收核定编号, person, item, period, 缴费类型, 数据类型), and an index keeps it from being there twice.
Nothing here says who a person is: rows hold ids.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from eventsourcing.persistence import IntegrityError

from ledger.exchange import APPROVED_SIDE, TYPES, rows_by_month
from ledger.late_money import Origin
from ledger.store.arrays import int8_array, text_array, uuid_array
from ledger.store.exchange_files import ExchangeFile, ExchangeFiles
from ledger.store.log import PoolLog
from ledger.words import KINDS, MoneyKind

_EPOCH: Final = date(2000, 1, 1)
KIND_PLACES: Final = {kind: place for place, kind in enumerate(KINDS)}
TYPE_PLACES: Final = {word: place for place, word in enumerate(TYPES)}


class ReceivableKey(NamedTuple):
    """What a receivable is for; `who` is the participant's id (16 bytes), `data_type` is NEW or CANCELLED."""

    number: str
    who: bytes
    kind: int
    payment_type: int
    period: int
    data_type: int


class Said(NamedTuple):
    """What it says: fen, the day of approval, and the payer's code (empty: the person)."""

    fen: int
    approved_on: date
    payer: str


class Receivable(NamedTuple):
    """A row of a file with its line."""

    line: int
    key: ReceivableKey
    said: Said


class ListedReceivable(NamedTuple):
    """A row for whoever looks a number up: where it came from, and what it says of whom (an id)."""

    file: str
    sha256: bytes
    line: int
    data_type: int
    kind: MoneyKind
    payment_type: str
    period: int
    approved_on: date
    fen: int
    participant: UUID
    payer: str


class MonthTotal(NamedTuple):
    """Of one item and 缴费类型 what a month's approvals say: rows and fen that are new, and that are withdrawn."""

    kind: MoneyKind
    payment_type: str
    rows: int
    fen: int
    withdrawn_rows: int
    withdrawn_fen: int


class Receivables:
    """The receivables of one pool."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._files = ExchangeFiles(log)

    def find(self, asked: Collection[tuple[str, bytes]]) -> dict[ReceivableKey, Said]:
        """All that is there under these numbers for these persons, withdrawals too.

        One look-up by key for each: left to itself, a planner without statistics reads the whole table.
        """
        pairs = list(asked)
        statement = self._log.sql(
            "SELECT r.number, uuid_send(r.participant_id), r.kind, r.payment_type, r.period, r.data_type,"
            " r.fen, r.approved_on, r.payer FROM unnest(%s, %s) AS a (number, who), LATERAL ("
            "SELECT * FROM {receivable} WHERE number = a.number AND participant_id = a.who OFFSET 0) AS r"
        )
        columns = (text_array([one[0] for one in pairs]), uuid_array([one[1] for one in pairs]))
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            rows = cursor.execute(statement, columns, prepare=True).fetchall()
        return {ReceivableKey(*row[:6]): Said(*row[6:]) for row in rows}

    def write(self, file: ExchangeFile, rows: Sequence[Receivable], origin: Origin) -> None:
        """Rows of a file in one transaction, with the file and the months they concern.

        Raises `IntegrityError` where one of them is there meanwhile; nothing is written then.
        """
        try:
            with self._log.connections.transaction() as connection, connection.cursor() as cursor:
                file_id = self._files.register(file, origin, connection)
                insert_receivables(self._log, cursor, file_id, rows)
                months = rows_by_month(row.said.approved_on for row in rows)
                self._files.add_months(cursor, APPROVED_SIDE, file_id, months)
        except psycopg.errors.UniqueViolation as fault:
            raise IntegrityError(str(fault)) from fault

    # -- reading ---------------------------------------------------------------------------------------------------

    def month_totals(self, month: date) -> list[MonthTotal]:
        """What was approved in a month (any day of it), by item and 缴费类型."""
        first = month.replace(day=1)
        following = (first + timedelta(days=32)).replace(day=1)
        statement = (
            "SELECT kind, payment_type, count(*) FILTER (WHERE data_type = 1),"
            " coalesce(sum(fen) FILTER (WHERE data_type = 1), 0)::bigint, count(*) FILTER (WHERE data_type = 2),"
            " coalesce(sum(fen) FILTER (WHERE data_type = 2), 0)::bigint FROM {receivable}"
            " WHERE approved_on >= %s AND approved_on < %s GROUP BY 1, 2 ORDER BY 1, 2"
        )
        with self._log.connections.connection() as connection:
            rows = connection.execute(self._log.sql(statement), (first, following)).fetchall()
        return [MonthTotal(KINDS[kind], TYPES[payment_type], *rest) for kind, payment_type, *rest in rows]

    def of_number(self, number: str) -> list[ListedReceivable]:
        """Every row under a number, as they came."""
        statement = (
            "SELECT f.kind, f.sha256, r.line, r.data_type, r.kind, r.payment_type, r.period, r.approved_on, r.fen,"
            " r.participant_id, r.payer FROM {receivable} r JOIN {exchange_file} f USING (file_id)"
            " WHERE r.number = %s ORDER BY r.file_id, r.line"
        )
        with self._log.connections.connection() as connection:
            rows = connection.execute(self._log.sql(statement), (number,)).fetchall()
        return [
            ListedReceivable(file, bytes(sha), line, data, KINDS[kind], TYPES[payment_type], *rest)
            for file, sha, line, data, kind, payment_type, *rest in rows
        ]


def insert_receivables(log: PoolLog, cursor: Any, file_id: int, rows: Sequence[Receivable]) -> None:
    """Rows of a file, by arrays, in an open transaction."""
    statement = log.sql(
        "INSERT INTO {receivable} (file_id, line, data_type, kind, payment_type, period, approved_on, fen,"
        " participant_id, number, payer) SELECT %s, line, data_type, kind, payment_type, period,"
        " DATE '2000-01-01' + day::int, fen, who, number, payer"
        " FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " AS a (line, data_type, kind, payment_type, period, day, fen, who, number, payer)"
    )
    keys, said = [row.key for row in rows], [row.said for row in rows]
    columns = (
        int8_array([row.line for row in rows]),
        int8_array([key.data_type for key in keys]),
        int8_array([key.kind for key in keys]),
        int8_array([key.payment_type for key in keys]),
        int8_array([key.period for key in keys]),
        int8_array([(one.approved_on - _EPOCH).days for one in said]),
        int8_array([one.fen for one in said]),
        uuid_array([key.who for key in keys]),
        text_array([key.number for key in keys]),
        text_array([one.payer for one in said]),
    )
    cursor.execute(statement, (file_id, *columns))
