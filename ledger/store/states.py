"""The current state of each account as the recorder keeps it: stored bytes, and how decisions get at them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.account import PersonalAccount
from ledger.store.arrays import uuid_array
from ledger.store.copy_rows import StateRow
from ledger.store.log import PoolLog
from ledger.store.recorder import Query

encode_state: Final = msgspec.json.Encoder().encode
decode_state: Final = msgspec.json.Decoder(PersonalAccount).decode
FIRST: Final = bytes(16)
"""Before every account's key."""
LAST: Final = b"\xff" * 16
"""Not before any account's key."""


def state_row(account: bytes, before: PersonalAccount | None, after: PersonalAccount) -> StateRow:
    """The row to write for an account that was `before` when it was decided on."""
    return StateRow(
        account, before.version if before else 0, after.version, after.credited_through, encode_state(after)
    )


def load_states(log: PoolLog, accounts: Collection[bytes]) -> dict[bytes, PersonalAccount]:
    """The states of these accounts by id; unknown ids are absent."""
    return states_in(states_of(log, accounts))


def states_query(log: PoolLog, accounts: Collection[bytes]) -> Query:
    """Asks for the stored states of these accounts, as (id, bytes)."""
    statement = log.sql("SELECT uuid_send(account_id), state FROM {account_state} WHERE account_id = ANY(%s)")
    return statement, (uuid_array(accounts),)


def states_in(rows: Iterable[TupleRow]) -> dict[bytes, PersonalAccount]:
    """The answer of `states_query`, by id."""
    return {account: decode_state(state) for account, state in rows}


def states_of(log: PoolLog, accounts: Collection[bytes]) -> list[tuple[bytes, bytes]]:
    """The stored states of these accounts, as (id, bytes)."""
    if not accounts:
        return []
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        return cursor.execute(*states_query(log, accounts)).fetchall()


def page_of_states(
    connection: Connection[TupleRow], log: PoolLog, after: bytes, limit: int, through: bytes = LAST
) -> list[tuple[bytes, bytes]]:
    """The next `limit` accounts in key order, up to `through`, with their stored states, as (id, bytes)."""
    statement = log.sql(
        "SELECT uuid_send(account_id), state FROM {account_state} WHERE account_id > %s AND account_id <= %s"
        " ORDER BY account_id LIMIT %s"
    )
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(statement, (UUID(bytes=after), UUID(bytes=through), limit)).fetchall()


def borders(log: PoolLog, after: bytes, accounts: int) -> list[bytes]:
    """The key of every `accounts`-th account after a key: where the pool's accounts part into equal stretches."""
    statement = log.sql(
        "SELECT uuid_send(account_id) FROM (SELECT account_id, row_number() OVER (ORDER BY account_id) AS place"
        " FROM {account_state} WHERE account_id > %s) AS placed WHERE place %% %s = 0 ORDER BY account_id"
    )
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        return [key for (key,) in cursor.execute(statement, (UUID(bytes=after), accounts))]
