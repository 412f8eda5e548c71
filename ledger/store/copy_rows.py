"""PostgreSQL's binary COPY rows, made here because a general adapter costs more than the decision it carries.

A row is an int16 count of fields, then for each field an int32 length and its bytes. Notification id and instant are
left open until `log_head` has handed them out, so that all other work is done before the lock is held.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

import msgspec

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER: Final = struct.pack("!h", -1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_HEAD = struct.Struct("!hi16siqi")
_LENGTH = struct.Struct("!i")
_STAMP = struct.Struct("!iqiq")
_HOLE: Final = bytes(_STAMP.size)
Buffer = bytes | bytearray | memoryview
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


class Extent(NamedTuple):
    """Which accounts a block writes: how many, how many of them are new, the least and the greatest."""

    accounts: int
    new_accounts: int
    least: bytes
    greatest: bytes


class RowBlock(msgspec.Struct, gc=False):
    """Events and states laid down in COPY's format, complete but for ids and instant.

    Rows are laid down as they are decided: a tranche of ten thousand held as objects costs five times the memory, and
    the time to make them. `log` and `states` hold rows without header and trailer, `stamps` the place of each event's
    hole for id and instant, which is its end too. Nothing else is kept of a row: whoever needs more reads it again. A
    block from another process has its extent as it was `told`, one of our own has it from its `accounts`.
    """

    log: bytearray = msgspec.field(default_factory=bytearray)
    states: bytearray = msgspec.field(default_factory=bytearray)
    stamps: array[int] = msgspec.field(default_factory=lambda: array("Q"))
    accounts: list[bytes] = msgspec.field(default_factory=list)
    new_accounts: int = 0
    told: Extent | None = None

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
        if not expected:
            self.new_accounts += 1

    @property
    def extent(self) -> Extent:
        """Which accounts it writes."""
        if self.told is not None:
            return self.told
        ends = (min(self.accounts), max(self.accounts)) if self.accounts else (b"", b"")
        return Extent(len(self.accounts), self.new_accounts, *ends)

    def parts(self) -> list[Buffer]:
        """All of it for another process, in parts that are not copied; `of` puts them together again."""
        return [msgspec.msgpack.encode(self.extent), self.log, self.states, memoryview(self.stamps).cast("B")]

    @staticmethod
    def of(parts: Sequence[bytearray]) -> RowBlock:
        """The block whose parts these are."""
        extent, log, states, stamps = parts
        places = array("Q")
        places.frombytes(stamps)
        return RowBlock(log, states, places, told=msgspec.msgpack.decode(extent, type=Extent))

    def stamp(self, first_id: int, at: datetime) -> None:
        """Give the events ids from `first_id` on and the one instant of the transaction."""
        micros = microseconds(at)
        pack = _STAMP.pack_into
        data = self.log
        for place, offset in enumerate(self.stamps, first_id):
            pack(data, offset, 8, place, 8, micros)

    def stored_events(self) -> Iterator[bytes]:
        """The events as they are stored."""
        start = 0
        for end in self.stamps:
            place = start + _HEAD.size + _HEAD.unpack_from(self.log, start)[5]
            yield bytes(self.log[place + _LENGTH.size : end])
            start = end + _STAMP.size

    def stored_states(self) -> Iterator[bytes]:
        """The states as they are stored."""
        return (row.state for row in self._state_rows())

    def parted(self, moved: Container[bytes]) -> tuple[RowBlock, RowBlock]:
        """The rows of all other accounts, and those of the `moved` ones."""
        blocks = RowBlock(), RowBlock()
        start = 0
        for end in self.stamps:
            block = blocks[_HEAD.unpack_from(self.log, start)[2] in moved]
            block.log += self.log[start:end]
            block.stamps.append(len(block.log))
            block.log += _HOLE
            start = end + _STAMP.size
        for row in self._state_rows():
            blocks[row.account in moved].add_state(*row)
        return blocks

    def _state_rows(self) -> Iterator[StateRow]:
        place = 0
        while place < len(self.states):
            _, _, account, _, expected, _, version, _, through, length = _STATE.unpack_from(self.states, place)
            place += _STATE.size + length
            yield StateRow(account, expected, version, through, bytes(self.states[place - length : place]))


class TrancheBuffer(msgspec.Struct, frozen=True):
    """What one transaction writes: blocks of rows of different accounts, one after the other."""

    blocks: Sequence[RowBlock]

    @property
    def events(self) -> int:
        """How many events."""
        return sum(map(len, self.blocks))

    @property
    def extent(self) -> Extent:
        """Which accounts it writes."""
        blocks = [one for block in self.blocks if (one := block.extent).accounts]
        if not blocks:
            return Extent(0, 0, b"", b"")
        return Extent(
            sum(one.accounts for one in blocks),
            sum(one.new_accounts for one in blocks),
            min(one.least for one in blocks),
            max(one.greatest for one in blocks),
        )

    def state_rows(self) -> Iterator[Buffer]:
        """Rows (account, expected, version, credited_through, state), in parts: a copy would double a tranche."""
        yield HEADER
        for block in self.blocks:
            yield memoryview(block.states)
        yield TRAILER

    def log_rows(self, first_id: int, at: datetime) -> Iterator[Buffer]:
        """The events with ids from `first_id` on and the one instant of the transaction, in parts."""
        yield HEADER
        for block in self.blocks:
            block.stamp(first_id, at)
            first_id += len(block)
            yield memoryview(block.log)
        yield TRAILER

    def stored_events(self) -> Iterator[bytes]:
        """The events as they are stored."""
        return chain.from_iterable(block.stored_events() for block in self.blocks)

    def stored_states(self) -> Iterator[bytes]:
        """The states as they are stored."""
        return chain.from_iterable(block.stored_states() for block in self.blocks)

    def parted(self, moved: Container[bytes]) -> tuple[TrancheBuffer, TrancheBuffer]:
        """The rows of all other accounts, and those of the `moved` ones."""
        kept, left_out = zip(*(block.parted(moved) for block in self.blocks), strict=True)
        return TrancheBuffer(kept), TrancheBuffer(left_out)


@cache
def _head_with(topic: bytes) -> struct.Struct:
    """All of an event's row before its body. There are few topics, and one packing is cheaper than three."""
    return struct.Struct(f"!hi16siqi{len(topic)}si")


def microseconds(at: datetime) -> int:
    """An instant as PostgreSQL stores it: microseconds since 2000-01-01 UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)
