"""Files of the exchange, known by the sha256 of their bytes, and which months their rows concern."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger import clock
from ledger.exchange import BOOKED_LATER, COLLECTED_SIDE, FileKind
from ledger.late_money import Origin
from ledger.store.arrays import text_array
from ledger.store.external_identities import NEW
from ledger.store.log import PoolLog
from ledger.store.pipelined import Executor


class ExchangeFile(NamedTuple):
    """A file of the exchange: its kind and sha256, its profile, and what its own batch header states, if it has one."""

    kind: FileKind
    sha256: bytes
    profile: str = ""
    batch: str = ""
    said_rows: int | None = None
    said_fen: int | None = None


class ExchangeFiles:
    """The files of one pool."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    def find(self, kind: FileKind, sha256: bytes) -> int | None:
        """The id of a file that came before."""
        statement = self._log.sql("SELECT file_id FROM {exchange_file} WHERE kind = %s AND sha256 = %s")
        with self._log.connections.connection() as connection:
            row = connection.execute(statement, (kind, sha256)).fetchone()
        return int(row[0]) if row else None

    def register(self, file: ExchangeFile, origin: Origin, connection: Connection[TupleRow] | Any = None) -> int:
        """The id of a file, written down where it comes for the first time; in an open transaction or alone."""
        if connection is None:
            with self._log.connections.connection() as own:
                return self.register(file, origin, own)
        columns = "kind, sha256, profile, batch, said_rows, said_fen, actor, reviewer, received_at"
        connection.execute(
            self._log.sql(
                f"INSERT INTO {{exchange_file}} ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (kind, sha256) DO NOTHING"
            ),
            (*file, origin.actor, origin.reviewer, clock.now()),
        )
        statement = self._log.sql("SELECT file_id FROM {exchange_file} WHERE kind = %s AND sha256 = %s")
        row: Any = connection.execute(statement, (file.kind, file.sha256)).fetchone()
        return int(row[0])

    def hold(self, cursor: Any, file_id: int) -> None:
        """Keep everybody else from writing rows of a file until this transaction ends: the log's lock does not, where
        nothing is recorded with them.
        """
        cursor.execute(self._log.sql("SELECT FROM {exchange_file} WHERE file_id = %s FOR UPDATE"), (file_id,))

    def add_months(self, cursor: Any, side: int, file_id: int, rows: Mapping[date, int]) -> None:
        """Rows of a file that are written in this transaction, by month."""
        statement = self._log.sql(
            "INSERT INTO {exchange_month} AS m VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (month, side, file_id) DO UPDATE SET rows = m.rows + EXCLUDED.rows"
        )
        for month, count in rows.items():
            cursor.execute(statement, (month, side, file_id, count))

    def add_booked(self, cursor: Executor, serials: Collection[str], data_type: int = NEW) -> None:
        """Payments (or their 撤销) booked in this transaction, by all their serials: those that had come before change
        a month.
        """
        self._add_later(
            cursor,
            "SELECT date_trunc('month', r.treasury_on)::date AS month, count(DISTINCT r.serial) AS rows"
            " FROM {exchange_record} r WHERE r.serial = ANY(%s) AND r.ended > 2"
            f" AND r.data_type = {data_type:d} GROUP BY 1",
            serials,
        )

    def add_reversed(self, cursor: Executor, days: Iterable[date]) -> None:
        """Payments of these treasury entries, reversed by hand in this transaction: of a month that received any."""
        self._add_later(
            cursor,
            "SELECT date_trunc('month', day::date)::date AS month, count(*) AS rows FROM unnest(%s) AS day"
            " WHERE EXISTS (SELECT FROM {exchange_month} x WHERE x.month = date_trunc('month', day::date)::date"
            f" AND x.side = {COLLECTED_SIDE}) GROUP BY 1",
            [day.isoformat() for day in days],
        )

    def _add_later(self, cursor: Executor, counted: str, told: Collection[str]) -> None:
        statement = self._log.sql(
            f"INSERT INTO {{exchange_month}} AS m SELECT month, {COLLECTED_SIDE}, {BOOKED_LATER}, rows"
            f" FROM ({counted}) AS c WHERE month IS NOT NULL"
            " ON CONFLICT (month, side, file_id) DO UPDATE SET rows = m.rows + EXCLUDED.rows"
        )
        cursor.execute(statement, (text_array(told),), prepare=True)
