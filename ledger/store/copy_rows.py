"""PostgreSQL's binary COPY rows, made here because a general adapter costs more than the decision it carries.

A row is an int16 count of fields, then for each field an int32 length and its bytes. Notification id and instant are
left open until `log_head` has handed them out, so that all other work is done before the lock is held.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, NamedTuple

import msgspec

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


class TrancheBuffer(msgspec.Struct, gc=False):
    """What a tranche writes, in COPY's format and complete but for ids and instant.

    Rows are laid down as they are decided: a tranche of ten thousand held as objects costs five times the memory, and
    the time to make them. `log` and `states` hold rows without header and trailer; for each account in `accounts`,
    `ends` says how many events, and how many bytes of either, there are up to its last. Where accounts moved,
    `without` cuts their rows out again.
    """

    log: bytearray = msgspec.field(default_factory=bytearray)
    states: bytearray = msgspec.field(default_factory=bytearray)
    stamps: list[int] = msgspec.field(default_factory=list)
    accounts: list[bytes] = msgspec.field(default_factory=list)
    ends: list[tuple[int, int, int]] = msgspec.field(default_factory=list)
    new_accounts: int = 0

    def __len__(self) -> int:
        """How many events."""
        return len(self.stamps)

    def add_event(self, stream: bytes, version: int, topic: bytes, state: bytes) -> None:
        """One event; the events of a stream are added in order, and before its state."""
        data = self.log
        data += _head_with(topic).pack(6, 16, stream, 8, version, len(topic), topic, len(state))
        data += state
        self.stamps.append(len(data))
        data += _HOLE

    def add_state(self, account: bytes, expected: int, version: int, credited_through: int, state: bytes) -> None:
        """The state an account has after its events above; `expected` is the version it was decided on."""
        data = self.states
        data += _STATE.pack(5, 16, account, 8, expected, 8, version, 2, credited_through, len(state))
        data += state
        self.accounts.append(account)
        self.ends.append((len(self.stamps), len(self.log), len(data)))
        self.new_accounts += expected == 0

    def add(self, other: TrancheBuffer) -> None:
        """The rows of another tranche, of other accounts, after these."""
        events, log, states = len(self.stamps), len(self.log), len(self.states)
        self.log += other.log
        self.states += other.states
        self.stamps += [offset + log for offset in other.stamps]
        self.accounts += other.accounts
        self.ends += [(end[0] + events, end[1] + log, end[2] + states) for end in other.ends]
        self.new_accounts += other.new_accounts

    def state_rows(self) -> tuple[bytes, bytearray, bytes]:
        """Rows (account, expected, version, credited_through, state), in parts: a copy would double a tranche."""
        return HEADER, self.states, TRAILER

    def log_rows(self, first_id: int, at: datetime) -> tuple[bytes, bytearray, bytes]:
        """The events with ids from `first_id` on and the one instant of the transaction, in parts."""
        micros = microseconds(at)
        pack = _STAMP.pack_into
        data = self.log
        for place, offset in enumerate(self.stamps, first_id):
            pack(data, offset, 8, place, 8, micros)
        return HEADER, data, TRAILER

    def stored_events(self) -> Iterator[bytes]:
        """The events as they are stored."""
        start = 0
        for end in self.stamps:
            place = start + _HEAD.size + _HEAD.unpack_from(self.log, start)[5]
            yield bytes(self.log[place + _LENGTH.size : end])
            start = end + _STAMP.size

    def stored_states(self) -> Iterator[bytes]:
        """The states as they are stored."""
        start = 0
        for _, _, end in self.ends:
            yield bytes(self.states[start + _STATE.size : end])
            start = end

    def parted(self, moved: Container[bytes]) -> tuple[TrancheBuffer, TrancheBuffer]:
        """The rows of all other accounts, and those of the `moved` ones."""
        parts = TrancheBuffer(), TrancheBuffer()
        first, log_start, state_start = 0, 0, 0
        for account, (events, log_end, state_end) in zip(self.accounts, self.ends, strict=True):
            part = parts[account in moved]
            shift = len(part.log) - log_start
            part.stamps += [offset + shift for offset in self.stamps[first:events]]
            part.log += self.log[log_start:log_end]
            part.states += self.states[state_start:state_end]
            part.accounts.append(account)
            part.ends.append((len(part.stamps), len(part.log), len(part.states)))
            part.new_accounts += _STATE.unpack_from(self.states, state_start)[4] == 0
            first, log_start, state_start = events, log_end, state_end
        return parts


@cache
def _head_with(topic: bytes) -> struct.Struct:
    """All of an event's row before its body. There are few topics, and one packing is cheaper than three."""
    return struct.Struct(f"!hi16siqi{len(topic)}si")


def microseconds(at: datetime) -> int:
    """An instant as PostgreSQL stores it: microseconds since 2000-01-01 UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)
