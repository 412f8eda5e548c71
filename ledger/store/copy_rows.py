"""PostgreSQL's binary COPY rows, made here because a general adapter costs more than the decision it carries.

A row is an int16 count of fields, then for each field an int32 length and its bytes. Notification id and instant are
left open until `log_head` has handed them out, so that all other work is done before the lock is held.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER: Final = struct.pack("!h", -1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_HEAD = struct.Struct("!hi16siqi")
_LENGTH = struct.Struct("!i")
_STAMP = struct.Struct("!iqiq")
_HOLE: Final = bytes(_STAMP.size)
_STATE = struct.Struct("!hi16siqiqihi")


class LogRow(NamedTuple):
    """One event on its way into the log: `stream` is the stream's id in 16 bytes, `state` the stored bytes."""

    stream: bytes
    version: int
    topic: bytes
    state: bytes


class StateRow(NamedTuple):
    """The new state of an account and the version it was decided on (0: the account is new)."""

    account: bytes
    expected: int
    version: int
    credited_through: int
    state: bytes


class TrancheBuffer:
    """What a tranche writes, in COPY's format and complete but for ids and instant.

    Rows are laid down as they are decided: a tranche of twenty thousand held as objects costs five times the memory,
    and the time to make them. Where accounts moved, `without` cuts their rows out again.
    """

    def __init__(self) -> None:
        self._log = bytearray(HEADER)
        self._states = bytearray(HEADER)
        self._stamps: list[int] = []
        self._streams: list[tuple[bytes, int, int, int]] = []
        self.new_accounts = 0

    def __len__(self) -> int:
        """How many events."""
        return len(self._stamps)

    @property
    def accounts(self) -> int:
        """How many states."""
        return len(self._streams)

    def add_event(self, stream: bytes, version: int, topic: bytes, state: bytes) -> None:
        """One event; the events of a stream are added in order, and before its state."""
        data = self._log
        data += _HEAD.pack(6, 16, stream, 8, version, len(topic))
        data += topic
        data += _LENGTH.pack(len(state))
        data += state
        self._stamps.append(len(data))
        data += _HOLE

    def add_state(self, account: bytes, expected: int, version: int, credited_through: int, state: bytes) -> None:
        """The state an account has after its events above; `expected` is the version it was decided on."""
        data = self._states
        data += _STATE.pack(5, 16, account, 8, expected, 8, version, 2, credited_through, len(state))
        data += state
        self._streams.append((account, len(self._stamps), len(self._log), len(data)))
        self.new_accounts += expected == 0

    def ends(self) -> tuple[bytes, bytes]:
        """The least and the greatest account id."""
        accounts = [stream[0] for stream in self._streams]
        return min(accounts), max(accounts)

    def states(self) -> tuple[bytearray, bytes]:
        """Rows (account, expected, version, credited_through, state), in two parts: a copy would double a tranche."""
        return self._states, TRAILER

    def log(self, first_id: int, at: datetime) -> tuple[bytearray, bytes]:
        """The events with ids from `first_id` on and the one instant of the transaction, in two parts."""
        micros = microseconds(at)
        pack = _STAMP.pack_into
        data = self._log
        for place, offset in enumerate(self._stamps, first_id):
            pack(data, offset, 8, place, 8, micros)
        return data, TRAILER

    def without(self, moved: frozenset[bytes]) -> TrancheBuffer:
        """The same without the rows of some accounts."""
        kept = TrancheBuffer()
        first, log_start, state_start = 0, len(HEADER), len(HEADER)
        for account, events, log_end, state_end in self._streams:
            if account not in moved:
                shift = len(kept._log) - log_start
                kept._stamps += [offset + shift for offset in self._stamps[first:events]]
                kept._log += self._log[log_start:log_end]
                kept._states += self._states[state_start:state_end]
                kept._streams.append((account, len(kept._stamps), len(kept._log), len(kept._states)))
            first, log_start, state_start = events, log_end, state_end
        return kept


def microseconds(at: datetime) -> int:
    """An instant as PostgreSQL stores it: microseconds since 2000-01-01 UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)
