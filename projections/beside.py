"""Reading over a second connection, in the same snapshot, while work goes on over the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Literal

from ledger.store.log import PoolLog
from projections.folds import execute

Read = TypeVar("Read")


class Beside:
    """What is asked is read one after the other, in a thread of its own."""

    def __init__(self, connection: Connection[TupleRow], reader: ThreadPoolExecutor) -> None:
        self._connection, self._reader = connection, reader

    def ask(self, read: Callable[[Connection[TupleRow]], Read]) -> Future[Read]:
        """Begin to read, or wait for what was asked before."""
        return self._reader.submit(read, self._connection)


@contextmanager
def beside(connection: Connection[TupleRow], log: PoolLog) -> Iterator[Beside]:
    """A second connection that sees what the transaction open on the first saw when it began, and none of its own.

    One processor is its share: the others are for the work beside which it reads.
    """
    snapshot = str(execute(connection, log, "SELECT pg_export_snapshot()")[0][0])
    with log.connections.transaction() as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        other.execute(SQL("SET TRANSACTION SNAPSHOT {}").format(Literal(snapshot)))
        other.execute("SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0")
        with ThreadPoolExecutor(1) as reader:
            yield Beside(other, reader)
