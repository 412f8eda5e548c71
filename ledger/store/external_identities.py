"""Rows of files by their identity (缴费明细流水号, 数据类型): what was recorded under it, and with what content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.store.log import PoolLog

NEW: Final = 1
"""数据类型 新增."""
CANCELLED: Final = 2
"""数据类型 撤销."""


class RecordedRow(NamedTuple):
    """Where a row stands: its keyed content digest, and the event it became."""

    content: bytes
    account: bytes
    version: int


Identity = tuple[str, int]


def find_rows(log: PoolLog, serials: Iterable[str]) -> dict[Identity, RecordedRow]:
    """The rows recorded under these serials, of both data types."""
    statement = log.sql(
        "SELECT serial, data_type, content, uuid_send(account_id), version FROM {external_identity}"
        " WHERE serial = ANY(%s)"
    )
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute(statement, (list(serials),)).fetchall()
    return {(row[0], row[1]): RecordedRow(row[2], row[3], row[4]) for row in rows}


def write_rows(log: PoolLog, cursor: Cursor[TupleRow], rows: Iterable[tuple[Identity, RecordedRow]]) -> None:
    """Rows in the transaction of their events. An identity that is there already fails the whole transaction."""
    with cursor.copy(log.sql("COPY {external_identity} FROM STDIN (FORMAT BINARY)")) as copy:
        copy.set_types(["text", "int2", "bytea", "uuid", "int8"])
        for (serial, data_type), row in rows:
            values: tuple[Any, ...] = (serial, data_type, row.content, UUID(bytes=row.account), row.version)
            copy.write_row(values)
