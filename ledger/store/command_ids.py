"""Commands from outside by their id: what was asked under it (a keyed digest), and what was answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from psycopg.rows import TupleRow

from ledger.store.arrays import bytea_array, int8_array, uuid_array
from ledger.store.log import PoolLog
from ledger.store.pipelined import Executor
from ledger.store.recorder import Query


class CommandRow(NamedTuple):
    """An accepted command: its id (16 bytes), the digest of what it said, its events' ids, its answer."""

    command_id: bytes
    input_hash: bytes
    first_id: int
    last_id: int
    answer: bytes


def commands_query(log: PoolLog, ids: Collection[bytes]) -> Query:
    """Asks for the accepted commands among these ids."""
    statement = log.sql(
        "SELECT uuid_send(command_id), input_hash, first_id, last_id, answer FROM {command} WHERE command_id = ANY(%s)"
    )
    return statement, (uuid_array(ids),)


def commands_in(rows: Sequence[TupleRow]) -> dict[bytes, CommandRow]:
    """The answer of `commands_query`, by id."""
    return {row[0]: CommandRow(*row) for row in rows}


def find_commands(log: PoolLog, ids: Collection[bytes]) -> dict[bytes, CommandRow]:
    """The accepted commands among these ids."""
    return commands_in(*log.read([commands_query(log, ids)]))


def write_commands(log: PoolLog, cursor: Executor, rows: Sequence[CommandRow]) -> None:
    """Accepted commands, in the transaction of their events. An id that is there already fails the transaction."""
    statement = log.sql(
        "INSERT INTO {command} (command_id, input_hash, first_id, last_id, answer)"
        " SELECT * FROM unnest(%s, %s, %s, %s, %s)"
    )
    cursor.execute(
        statement,
        (
            uuid_array([row.command_id for row in rows]),
            bytea_array([row.input_hash for row in rows]),
            int8_array([row.first_id for row in rows]),
            int8_array([row.last_id for row in rows]),
            bytea_array([row.answer for row in rows]),
        ),
        prepare=True,
    )
