"""Rows of files by their identity (缴费明细流水号, 数据类型): what was recorded under it, and with what content."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.store.arrays import bytea_array, int8_array, text_array, uuid_array
from ledger.store.copy_rows import HEADER, TRAILER
from ledger.store.log import PoolLog
from ledger.store.pipelined import Executor
from ledger.store.recorder import Query

NEW: Final = 1
"""数据类型 新增."""
CANCELLED: Final = 2
"""数据类型 撤销."""
_SERIAL: Final = struct.Struct("!hi")
_REST: Final = struct.Struct("!ihi16si16siq")


class RecordedRow(NamedTuple):
    """Where a row stands: its keyed content digest, and the event it became."""

    content: bytes
    account: bytes
    version: int


Identity = tuple[str, int]


def rows_query(log: PoolLog, serials: Collection[str]) -> Query:
    """Asks for the rows recorded under these serials, of both data types."""
    statement = log.sql(
        "SELECT serial, data_type, content, uuid_send(account_id), version FROM {external_identity}"
        " WHERE serial = ANY(%s)"
    )
    return statement, (text_array(serials),)


def rows_in(rows: Iterable[TupleRow]) -> dict[Identity, RecordedRow]:
    """The answer of `rows_query`, by identity."""
    return {(row[0], row[1]): RecordedRow(row[2], row[3], row[4]) for row in rows}


def find_rows(log: PoolLog, serials: Collection[str]) -> dict[Identity, RecordedRow]:
    """The rows recorded under these serials, of both data types."""
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        return rows_in(cursor.execute(*rows_query(log, serials)).fetchall())


def insert_rows(log: PoolLog, cursor: Executor, rows: Collection[tuple[Identity, RecordedRow]]) -> None:
    """A few rows, as `write_rows` writes many, without a COPY."""
    statement = log.sql("INSERT INTO {external_identity} SELECT * FROM unnest(%s, %s, %s, %s, %s)")
    columns = (
        text_array([serial for (serial, _), _ in rows]),
        int8_array([data_type for (_, data_type), _ in rows]),
        bytea_array([row.content for _, row in rows]),
        uuid_array([row.account for _, row in rows]),
        int8_array([row.version for _, row in rows]),
    )
    cursor.execute(statement, columns, prepare=True)


def write_rows(log: PoolLog, cursor: Cursor[TupleRow], rows: Iterable[tuple[Identity, RecordedRow]]) -> None:
    """Rows in the transaction of their events. An identity that is there already fails the whole transaction."""
    data = bytearray(HEADER)
    for (serial, data_type), row in rows:
        text = serial.encode()
        data += _SERIAL.pack(5, len(text))
        data += text
        data += _REST.pack(2, data_type, len(row.content), row.content, 16, row.account, 8, row.version)
    data += TRAILER
    with cursor.copy(log.sql("COPY {external_identity} FROM STDIN (FORMAT BINARY)")) as copy:
        copy.write(data)
