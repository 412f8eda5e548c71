"""How decided rows get into the tables: through a temporary table and COPY, or as parallel arrays in one statement.

Both set states by comparing them, both leave out the streams that moved, and both take what follows behind the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.store.arrays import bytea_array, int8_array, utf8_array, uuid_array
from ledger.store.copy_rows import LogRow, RowBlock, StateRow, TrancheBuffer
from ledger.store.pipelined import Executor
from ledger.store.recorder_statements import Statements

COPY_ABOVE: Final = 500
"""Up to so many events go as arrays in one statement; above, binary COPY is faster."""


class StreamWrite(NamedTuple):
    """All that one decision chain adds to one stream; `state` is None for a stream without a state row."""

    stream: bytes
    rows: tuple[LogRow, ...]
    state: StateRow | None


def laid_down(writes: Sequence[StreamWrite]) -> TrancheBuffer:
    """Many writes in COPY's format."""
    block = RowBlock()
    for write in writes:
        for row in write.rows:
            block.add_event(*row)
        if write.state is not None:
            block.add_state(*write.state)
    return TrancheBuffer([block])


class ByCopy:
    """A tranche: states through a temporary table, events by binary COPY."""

    def __init__(self, statements: Statements, buffer: TrancheBuffer) -> None:
        self._sql = statements
        self._buffer = buffer

    def __len__(self) -> int:
        return self._buffer.events

    def prepare(self, cursor: Cursor[TupleRow]) -> None:
        """All that needs no lock."""
        cursor.execute(self._sql.moving_table)
        with cursor.copy(self._sql.fill_moving) as copy:
            for part in self._buffer.state_rows():
                copy.write(part)

    def set_states(self, cursor: Cursor[TupleRow]) -> frozenset[bytes]:
        """Compare and set; gives the accounts that moved since, asked for only when the count is short."""
        accounts, new, least, greatest = self._buffer.extent
        if not accounts:
            return frozenset()
        done = 0
        if new:
            done += cursor.execute(self._sql.insert_moving).rowcount
        if new < accounts:
            done += cursor.execute(self._sql.update_moving, (UUID(bytes=least), UUID(bytes=greatest))).rowcount
        if done == accounts:
            return frozenset()
        return frozenset(row[0].bytes for row in cursor.execute(self._sql.moved_of_moving))

    def leave_out(self, moved: frozenset[bytes]) -> None:
        """Write nothing of these accounts."""
        self._buffer, _ = self._buffer.parted(moved)

    def add(self, rows: Sequence[LogRow]) -> None:
        """Write these events too, behind all others."""
        block = RowBlock()
        for row in rows:
            block.add_event(*row)
        self._buffer = TrancheBuffer([*self._buffer.blocks, block])

    def insert(self, cursor: Cursor[TupleRow], first_id: int, at: datetime) -> None:
        """The events, with ids from `first_id` on."""
        with cursor.copy(self._sql.copy_log) as copy:
            for part in self._buffer.log_rows(first_id, at):
                copy.write(part)


class ByArrays:
    """A few events: everything in parallel arrays, without a temporary table."""

    def __init__(self, statements: Statements, writes: Sequence[StreamWrite]) -> None:
        self._sql = statements
        self._writes = writes

    def __len__(self) -> int:
        return sum(len(write.rows) for write in self._writes)

    def prepare(self, cursor: Cursor[TupleRow]) -> None:
        """Nothing needs to be done before the lock."""

    def set_states(self, cursor: Cursor[TupleRow]) -> frozenset[bytes]:
        """Compare and set; gives the accounts that moved since, asked for only when the count is short."""
        states = self._states()
        if not states:
            return frozenset()
        columns, new = _columns(states), sum(state.expected == 0 for state in states)
        done = cursor.execute(self._sql.insert_states, columns).rowcount if new else 0
        if new < len(states):
            done += cursor.execute(self._sql.update_states, columns, prepare=True).rowcount
        if done == len(states):
            return frozenset()
        return frozenset(row[0].bytes for row in cursor.execute(self._sql.moved_states, columns))

    def write(self, cursor: Executor, first_id: int, at: datetime) -> None:
        """States, head and events, or a failed transaction: for decisions made under the lock, where no state moves."""
        if not self._writes:
            return
        states = self._states()
        old = [state for state in states if state.expected]
        if len(old) < len(states):
            cursor.execute(self._sql.insert_states, _columns(states))
        events = self._events(first_id, at)
        said = {**_columns(old), **events, "old": len(old), "events": len(self)}
        cursor.execute(self._sql.write_decided, said, prepare=True)

    def _states(self) -> list[StateRow]:
        return [write.state for write in self._writes if write.state is not None]

    def leave_out(self, moved: frozenset[bytes]) -> None:
        """Write nothing of these accounts."""
        self._writes = [write for write in self._writes if write.stream not in moved]

    def add(self, rows: Sequence[LogRow]) -> None:
        """Write these events too, behind all others."""
        self._writes = [*self._writes, *(StreamWrite(row.stream, (row,), None) for row in rows)]

    def insert(self, cursor: Cursor[TupleRow], first_id: int, at: datetime) -> None:
        """The events, with ids from `first_id` on."""
        if self._writes:
            cursor.execute(self._sql.insert_log, self._events(first_id, at), prepare=True)

    def _events(self, first_id: int, at: datetime) -> dict[str, Any]:
        rows = [row for write in self._writes for row in write.rows]
        return {
            "before": first_id - 1,
            "at": at,
            "streams": uuid_array([row.stream for row in rows]),
            "numbers": int8_array([row.version for row in rows]),
            "topics": utf8_array([row.topic for row in rows]),
            "bodies": bytea_array([row.state for row in rows]),
        }


def _columns(states: Sequence[StateRow]) -> dict[str, Any]:
    return {
        "accounts": uuid_array([state.account for state in states]),
        "expected": int8_array([state.expected for state in states]),
        "versions": int8_array([state.version for state in states]),
        "through": int8_array([state.credited_through for state in states]),
        "states": bytea_array([state.state for state in states]),
    }
