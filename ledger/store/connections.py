"""One pool of connections per process for all schemas, made from the URL as it stands.

The library's datastore takes five fields instead of a URL, drops `sslmode`, `options` and further hosts silently, and
opens a pool per application; here every 统筹区 shares one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

SIZE: Final = 12
"""Connections of one process at most: the server takes 200, and a county runs several processes."""
PATIENCE_SECONDS: Final = 30.0


class Connections:
    """Connections to one database: autocommit, UTC, no transaction idle for longer than 30 s.

    `patience` (seconds) is how long one is waited for, and how long a database that is gone is tried again by itself.
    """

    def __init__(
        self, url: str, application: str = "pension-ledger", size: int = SIZE, patience: float = PATIENCE_SECONDS
    ) -> None:
        self.url = url
        self._pool: ConnectionPool[Connection[TupleRow]] = ConnectionPool(
            url,
            min_size=0,
            max_size=size,
            open=False,
            timeout=patience,
            reconnect_timeout=patience,
            kwargs={"autocommit": True, "application_name": application[:63]},
            configure=_configure,
        )

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        """A connection in autocommit, given back at the end."""
        self._pool.open()
        with self._pool.connection() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection[TupleRow]]:
        """A connection inside one transaction: committed at the end, rolled back by an exception."""
        with self.connection() as connection, connection.transaction():
            yield connection

    def close(self) -> None:
        """Close every connection; the object is not used again."""
        self._pool.close()

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class OneConnection:
    """One connection in the place of many, for what belongs inside a transaction that is open on it."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        """The connection; it is not given back."""
        yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[Connection[TupleRow]]:
        """The connection, in the transaction that is open on it."""
        yield self._connection


def _configure(connection: Connection[TupleRow]) -> None:
    # No transaction of ours outlives ten seconds: an open snapshot lets dead versions of the log_head row pile up and
    # slows every writer. Idle ones are ended by the server.
    # A writer waits ten seconds for the log, and no longer.
    connection.execute("SET TIME ZONE 'UTC'; SET idle_in_transaction_session_timeout = '30s'; SET lock_timeout = '10s'")
