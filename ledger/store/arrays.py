"""Arrays of keys as PostgreSQL takes them in binary, for statements that look thousands of rows up at once.

The driver's own way builds an object and asks its adapters for each element, which took a seventh of an import's time.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable
from typing import Final

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_HEAD: Final = struct.Struct("!iiiii")
_EMPTY_HEAD: Final = struct.Struct("!iii")
_LENGTH: Final = struct.Struct("!i")
_INT8_ELEMENT: Final = struct.Struct("!iq")
_UUID_LENGTH: Final = _LENGTH.pack(16)
_TEXT, _BYTEA, _INT8, _UUID = 25, 17, 20, 2950


class UuidArray(bytes):
    """A `uuid[]`."""


class ByteaArray(bytes):
    """A `bytea[]`."""


class TextArray(bytes):
    """A `text[]`."""


class Int8Array(bytes):
    """A `bigint[]`."""


def uuid_array(ids: Collection[bytes]) -> UuidArray:
    """Ids of 16 bytes each."""
    return UuidArray(_head(_UUID, len(ids)) + (_UUID_LENGTH + _UUID_LENGTH.join(ids) if ids else b""))


def bytea_array(values: Collection[bytes]) -> ByteaArray:
    """Digests and the like."""
    return ByteaArray(_laid_down(_BYTEA, values))


def text_array(values: Iterable[str]) -> TextArray:
    """Texts in UTF-8."""
    return utf8_array([value.encode() for value in values])


def utf8_array(values: Collection[bytes]) -> TextArray:
    """Texts that are in UTF-8 already."""
    return TextArray(_laid_down(_TEXT, values))


def int8_array(values: Collection[int]) -> Int8Array:
    """Versions, positions and the like."""
    pack = _INT8_ELEMENT.pack
    return Int8Array(_head(_INT8, len(values)) + b"".join([pack(8, value) for value in values]))


def _head(element: int, count: int) -> bytes:
    return _HEAD.pack(1, 0, element, count, 1) if count else _EMPTY_HEAD.pack(0, 0, element)


def _laid_down(element: int, values: Collection[bytes]) -> bytes:
    pack = _LENGTH.pack
    lengths = set(map(len, values))
    if len(lengths) == 1:  # digests, topics of one kind
        length = pack(lengths.pop())
        return _head(element, len(values)) + length + length.join(values)
    return _head(element, len(values)) + b"".join([part for value in values for part in (pack(len(value)), value)])


class _AsItStands(Dumper):
    """What is in PostgreSQL's binary format already."""

    format = Format.BINARY

    def dump(self, obj: bytes) -> Buffer | None:
        return obj


class _UuidArrayDumper(_AsItStands):
    oid = 2951


class _ByteaArrayDumper(_AsItStands):
    oid = 1001


class _TextArrayDumper(_AsItStands):
    oid = 1009


class _Int8ArrayDumper(_AsItStands):
    oid = 1016


psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)
psycopg.adapters.register_dumper(ByteaArray, _ByteaArrayDumper)
psycopg.adapters.register_dumper(TextArray, _TextArrayDumper)
psycopg.adapters.register_dumper(Int8Array, _Int8ArrayDumper)
