"""Rows of files by their identity (缴费明细流水号, 数据类型): what was recorded under it, and with what content."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.store.arrays import text_array
from ledger.store.copy_rows import HEADER, TRAILER
from ledger.store.log import PoolLog

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


def find_rows(log: PoolLog, serials: Collection[str]) -> dict[Identity, RecordedRow]:
    """The rows recorded under these serials, of both data types."""
    statement = log.sql(
        "SELECT serial, data_type, content, uuid_send(account_id), version FROM {external_identity}"
        " WHERE serial = ANY(%s)"
    )
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute(statement, (text_array(serials),)).fetchall()
    return {(row[0], row[1]): RecordedRow(row[2], row[3], row[4]) for row in rows}


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
