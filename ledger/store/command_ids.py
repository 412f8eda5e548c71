"""Commands from outside by their id: what was asked under it (a keyed digest), and what was answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.store.arrays import bytea_array, uuid_array
from ledger.store.log import PoolLog


class CommandRow(NamedTuple):
    """An accepted command: its id (16 bytes), the digest of what it said, its events' ids, its answer."""

    command_id: bytes
    input_hash: bytes
    first_id: int
    last_id: int
    answer: bytes


def find_commands(log: PoolLog, ids: Collection[bytes]) -> dict[bytes, CommandRow]:
    """The accepted commands among these ids."""
    statement = log.sql(
        "SELECT uuid_send(command_id), input_hash, first_id, last_id, answer FROM {command} WHERE command_id = ANY(%s)"
    )
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute(statement, (uuid_array(ids),), prepare=True).fetchall()
    return {row[0]: CommandRow(*row) for row in rows}


def write_commands(log: PoolLog, cursor: Cursor[TupleRow], rows: Sequence[CommandRow]) -> None:
    """Accepted commands, in the transaction of their events. An id that is there already fails the transaction."""
    statement = log.sql(
        "INSERT INTO {command} (command_id, input_hash, first_id, last_id, answer)"
        " SELECT * FROM unnest(%s, %s, %s::bigint[], %s::bigint[], %s)"
    )
    cursor.execute(
        statement,
        (
            uuid_array([row.command_id for row in rows]),
            bytea_array([row.input_hash for row in rows]),
            [row.first_id for row in rows],
            [row.last_id for row in rows],
            bytea_array([row.answer for row in rows]),
        ),
        prepare=True,
    )
