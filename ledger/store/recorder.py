"""The one way into the log: one plain transaction for one command and for a tranche of twenty thousand.

In this order, always: `log_head` (lock, ids, instant) → states, compare and set → the hook (identities of rows,
register) → events, by arrays or COPY → commit. Whoever locks states before `log_head` builds a deadlock. What was
decided under the lock needs no comparison: the hook comes first, then states, head and events in one statement. Ids
have no gap, stand in commit order, and one instant belongs to one transaction.

The library's own insert takes a table lock, hangs on large calls in its pipeline and retries what must not be
retried; it is replaced, not extended. Reads are ours too: its decorated selects make ten seconds a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

import psycopg
from eventsourcing.persistence import IntegrityError, Notification, OperationalError, PersistenceError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from ledger import clock
from ledger.store.copy_rows import LogRow, TrancheBuffer
from ledger.store.pipelined import Pipelined
from ledger.store.recorder_statements import Statements
from ledger.store.recorder_ways import COPY_ABOVE, ByArrays, ByCopy, StreamWrite, laid_down

Hook = Callable[[Cursor[TupleRow], frozenset[bytes], datetime], None]

Query = tuple[bytes, tuple[Any, ...]]
"""A statement and its parameters."""
Decide = Callable[[Connection[TupleRow], int, int, list[list[TupleRow]]], "Iterator[ToRecord]"]


class MovedError(Exception):
    """Something was recorded between a decision and its record: decide again."""


class RulesMovedError(MovedError):
    """The rules of the pool changed between the decision and the record: decide again."""


class Following(NamedTuple):
    """Events of other streams that follow from those recorded: `most` of them at most.

    They are decided under the lock, over its cursor, when it is known which streams moved; so nothing they stand on can
    move any more. What `decide` raises leaves nothing recorded.
    """

    most: int
    decide: Callable[[Cursor[TupleRow], frozenset[bytes]], Sequence[LogRow]]


class ToRecord(NamedTuple):
    """A part of what was decided under the lock; `in_one_go` where the hook neither copies nor needs an answer."""

    writes: Sequence[StreamWrite]
    hook: Callable[[Any, datetime], None]
    in_one_go: bool


class Written(NamedTuple):
    """What a transaction recorded: ids `first_id`..`last_id`, its instant, and the streams left out as moved.

    `company` says that somebody waited for the log when a tranche was about to commit.
    """

    first_id: int
    last_id: int
    recorded_at: datetime
    moved: frozenset[bytes]
    company: bool = False


class LedgerRecorder(PostgresApplicationRecorder):
    """The library's recorder interface over `record`, for one pool's schema."""

    def __init__(self, datastore: Any, *, events_table_name: str = "ledger_events") -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        self._sql = Statements(datastore.schema, events_table_name)
        self.connections = datastore.connections

    # -- writing ------------------------------------------------------------------------------------------------

    def record(
        self,
        writes: Sequence[StreamWrite] | TrancheBuffer,
        hook: Hook | None = None,
        *,
        rules_version: int | None = None,
        new_rules_version: int | None = None,
        following: Following | None = None,
    ) -> Written:
        """Record `writes` in one transaction; streams whose state has moved since it was read are left out.

        `rules_version` is the version the decisions rest on. Raises `RulesMovedError` when it is no longer the current
        one, and the library's `IntegrityError` when an event or identity is there already: nothing is recorded then.
        """
        if not isinstance(writes, TrancheBuffer) and sum(len(write.rows) for write in writes) > COPY_ABOVE:
            writes = laid_down(writes)
        way = ByCopy(self._sql, writes) if isinstance(writes, TrancheBuffer) else ByArrays(self._sql, writes)
        with (
            _library_errors(),
            self.connections.connection() as connection,
            connection.transaction(),
            connection.cursor(binary=True) as cursor,
        ):
            way.prepare(cursor)
            asked = len(way) + (following.most if following else 0)
            first_id, at = self._take_head(cursor, asked, rules_version, new_rules_version)
            moved = way.set_states(cursor)
            if moved:
                way.leave_out(moved)
            if following is not None:
                way.add(following.decide(cursor, moved))
            if len(way) < asked:
                cursor.execute(self._sql.give_back, (asked - len(way),))
            if hook is not None:
                hook(cursor, moved, at)
            way.insert(cursor, first_id, at)
            company = isinstance(way, ByCopy) and cursor.execute(self._sql.waited_for).fetchone() is not None
        return Written(first_id, first_id + len(way) - 1, at, moved, company)

    def record_under_lock(self, decide: Decide, queries: Sequence[Query] = ()) -> Written | None:
        """Take the lock first, decide then: what was read after it can no longer move.

        Two round trips: the lock with `queries`, and the writes with their commit. `decide` gets the connection, the
        log's last id, the version of the rules and the rows of each query, and gives what is to be recorded in parts:
        the server writes one while the next is decided. Raises as `record` does; nothing is recorded then.
        """
        with _library_errors(), self.connections.connection() as connection:
            try:
                with _rolled_back(connection):
                    return self._under_lock(connection, decide, queries)
            except psycopg.errors.InvalidSqlStatementName:
                pass  # the driver had the server forget what was prepared, as it does after a rollback
            with _rolled_back(connection):
                return self._under_lock(connection, decide, queries)

    def _under_lock(self, connection: Connection[TupleRow], decide: Decide, queries: Sequence[Query]) -> Written | None:
        with Pipelined(connection) as asking:
            asking.execute(b"BEGIN")
            asking.execute(self._sql.lock_head)
            for query in queries:
                asking.execute(*query)
            _, head, *rows = asking.finish()
        if not head:
            raise PersistenceError("the pool has no log_head row")
        last_id, last_at, rules_version = head[0]
        at = max(clock.now(), last_at + timedelta(microseconds=1))
        parts = decide(connection, last_id, rules_version, rows)
        first = next(parts, None)
        if first is None:
            connection.execute("COMMIT")
            return None
        before = last_id
        with Pipelined(connection) if first.in_one_go else connection.cursor(binary=True) as way:
            for part in chain((first,), parts):
                part.hook(way, at)  # first: an erasure looks up in the log what was there before it
                rows_of_part = ByArrays(self._sql, part.writes)
                rows_of_part.write(way, last_id + 1, at)
                last_id += len(rows_of_part)
                if isinstance(way, Pipelined):
                    way.flush()
            way.execute(b"COMMIT")
        return Written(before + 1, last_id, at, frozenset())

    def _take_head(
        self, cursor: Cursor[TupleRow], count: int, rules_version: int | None, new_rules_version: int | None
    ) -> tuple[int, datetime]:
        row = cursor.execute(self._sql.take_head, (count, clock.now(), new_rules_version), prepare=True).fetchone()
        if row is None:
            raise PersistenceError("the pool has no log_head row")
        last_id, at, current = row
        if rules_version is not None and new_rules_version is None and current != rules_version:
            raise RulesMovedError
        return last_id - count + 1, at

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """The library's way in: the ids of the events, None above 500. `hook` in kwargs joins the transaction."""
        writes = [
            StreamWrite(
                _uuid(event.originator_id).bytes,
                (
                    LogRow(
                        _uuid(event.originator_id).bytes, event.originator_version, event.topic.encode(), event.state
                    ),
                ),
                None,
            )
            for event in stored_events
        ]
        written = self.record(writes, kwargs.get("hook"))
        if len(stored_events) > COPY_ABOVE:
            return None
        return list(range(written.first_id, written.last_id + 1))

    # -- reading ------------------------------------------------------------------------------------------------

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one stream in the order of their versions."""
        statement = self._sql.select_stream + (b" DESC" if desc else b" ASC") + b" LIMIT %s"
        with _library_errors(), self.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            rows = cursor.execute(statement, (_uuid(originator_id), gt or 0, lte, lte, limit)).fetchall()
        return [StoredEvent(row[0], row[1], row[2], row[3]) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events in the order in which they were recorded."""
        above = 0 if start is None else start - 1 if inclusive_of_start else start
        wanted = list(topics)
        parameters = (above, stop, stop, wanted, wanted, limit)
        with _library_errors(), self.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            rows = cursor.execute(self._sql.select_log, parameters).fetchall()
        return [Notification(row[0], row[1], row[2], row[3], id=row[4]) for row in rows]

    def max_notification_id(self) -> int | None:
        """The id of the latest event, None for an empty log."""
        with _library_errors(), self.connections.connection() as connection:
            row = connection.execute(self._sql.max_id).fetchone()
        return row[0] if row else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> NoReturn:
        """Refused: without NOTIFY the library's subscription waits for ever. Read by position instead."""
        raise NotImplementedError("the ledger's log is read by position (select_notifications), not by subscription")


def _uuid(stream: UUID | str) -> UUID:
    return stream if isinstance(stream, UUID) else UUID(stream)


@contextmanager
def _rolled_back(connection: Connection[TupleRow]) -> Iterator[None]:
    """An exception takes the connection out of its transaction."""
    try:
        yield
    except BaseException:
        with suppress(psycopg.Error):
            connection.rollback()
        raise


@contextmanager
def _library_errors() -> Iterator[None]:
    """psycopg's errors under the names the library's callers know."""
    try:
        yield
    except psycopg.IntegrityError as fault:
        raise IntegrityError(str(fault)) from fault
    except psycopg.OperationalError as fault:
        raise OperationalError(str(fault)) from fault
    except psycopg.Error as fault:
        raise PersistenceError(str(fault)) from fault


def instant_of(connection: Connection[TupleRow], schema: str) -> tuple[int, datetime, int]:
    """Position, instant and rules version of a pool's log as this snapshot sees them."""
    row = connection.execute(
        SQL("SELECT last_id, last_at, rules_version FROM {}").format(Identifier(schema, "log_head"))
    ).fetchone()
    if row is None:
        raise PersistenceError("the pool has no log_head row")
    return row[0], row[1], row[2]
