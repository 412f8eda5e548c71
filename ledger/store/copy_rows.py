"""PostgreSQL's binary COPY rows, made and read here because a general adapter costs more than the decision it carries.

A row is an int16 count of fields, then for each field an int32 length and its bytes. Row makers leave the notification
id relative (1..n) and the instant zero; `stamp` fills both in once `log_head` has handed out the range, so that all
other work is done before the lock is held.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER: Final = struct.pack("!h", -1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_HEAD = struct.Struct("!hi16siqi")
_LENGTH = struct.Struct("!i")
_STAMP = struct.Struct("!iqiq")
_STATE = struct.Struct("!hi16siqiqihi")


class LogRow(NamedTuple):
    """One event on its way into the log: `account` is the stream's id in 16 bytes, `state` the stored bytes."""

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


class LogBuffer:
    """Rows of the log in COPY's format, complete but for ids and instant."""

    def __init__(self, rows: Iterable[LogRow]) -> None:
        self.data = bytearray(HEADER)
        self._stamps: list[int] = []
        data, stamps = self.data, self._stamps
        head, length = _HEAD.pack, _LENGTH.pack
        hole = bytes(_STAMP.size)
        for stream, version, topic, state in rows:
            data += head(6, 16, stream, 8, version, len(topic))
            data += topic
            data += length(len(state))
            data += state
            stamps.append(len(data))
            data += hole
        data += TRAILER

    def __len__(self) -> int:
        return len(self._stamps)

    def stamp(self, first_id: int, at: datetime) -> bytearray:
        """The buffer with ids from `first_id` on and the one instant of the transaction."""
        micros = microseconds(at)
        pack = _STAMP.pack_into
        data = self.data
        for place, offset in enumerate(self._stamps, first_id):
            pack(data, offset, 8, place, 8, micros)
        return data


def state_rows(rows: Iterable[StateRow]) -> bytearray:
    """Rows (account, expected, version, credited_through, state) in COPY's format."""
    data = bytearray(HEADER)
    pack = _STATE.pack
    for account, expected, version, credited_through, state in rows:
        data += pack(5, 16, account, 8, expected, 8, version, 2, credited_through, len(state))
        data += state
    data += TRAILER
    return data


def microseconds(at: datetime) -> int:
    """An instant as PostgreSQL stores it: microseconds since 2000-01-01 UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def read_rows(blocks: Iterable[bytes | memoryview]) -> Iterator[Sequence[bytes]]:
    """The fields of rows that a COPY TO in binary format sends, one row a block; NULL comes as empty bytes."""
    unpack = _LENGTH.unpack_from
    first = True
    for block in blocks:
        row = bytes(block)
        offset = 0
        if first:
            offset = len(HEADER)
            first = False
            if len(row) == offset:
                continue
        if row[offset : offset + 2] == TRAILER:
            continue  # the stream must be read to its end, or the connection stays in the middle of the copy
        offset += 2
        fields = []
        size = len(row)
        while offset < size:
            length = unpack(row, offset)[0]
            offset += 4
            if length < 0:
                fields.append(b"")
                continue
            fields.append(row[offset : offset + length])
            offset += length
        yield fields
