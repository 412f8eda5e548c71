"""Rows of 缴费明细 as they came: kept with the event they became, who they are about sealed, and never changed.

A row of a person the register knows is sealed under that person's own key, and its hash is keyed by it, too: once the
key is destroyed, neither says anything. A row of nobody known is sealed under the intake key of the pool, and a digest
of its number leads an erasure to it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from ledger.account_decisions import Payment
from ledger.exchange import ENDINGS, TYPES
from ledger.identity import squeezed
from ledger.store.arrays import text_array
from ledger.store.copy_rows import HEADER, TRAILER
from ledger.store.external_identities import CANCELLED
from ledger.store.keys import DataKey, InvalidTag, Keys
from ledger.store.log import PoolLog
from ledger.words import KINDS

INTAKE: Final = b"intake"
"""Whose key the intake key is: that of nobody known."""
BETWEEN: Final = "\x1f"
"""What stands between the cells of a sealed row."""
_HASH_BYTES: Final = 16
_MARK_BYTES: Final = 8
_NUMBER: Final = 2
"""Where the number stands in a row that is sealed whole; the name follows."""
_ENDED: Final = {word: place for place, word in enumerate(ENDINGS)}
_KIND: Final = {kind: place for place, kind in enumerate(KINDS)}
_TYPE: Final = {word: place for place, word in enumerate(TYPES)}
_DAY_ZERO: Final = date(2000, 1, 1).toordinal()
_COLUMNS: Final = (
    "file_id, line, data_type, ended, kind, payment_type, period, paid_on, treasury_on, fen, participant_id, serial,"
    " voucher, approval, payer, agency, level, document, batch, reason, digest, sealed, row_hash"
)
_HEAD: Final = struct.Struct("!hiiiiihih")
_FIGURES: Final = struct.Struct("!ihihih")
_DATED: Final = struct.Struct("!ii")
_DATE_AND_FEN: Final = struct.Struct("!iiiq")
_NO_FIGURES: Final = struct.pack("!iiiiii", -1, -1, -1, -1, -1, -1)
_LENGTH: Final = struct.Struct("!i")
_NULL: Final = _LENGTH.pack(-1)
_EMPTY: Final = _LENGTH.pack(0)
_UUID_LENGTH: Final = _LENGTH.pack(16)
_encode: Final = msgspec.msgpack.Encoder().encode


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A received row as it is to be kept, laid out for COPY but for its place and its ending, which are known last.

    `said` is what it says in the open, `sealed` who it is about. `treasury_on` decides its month, None where its
    figures could not be read.
    """

    data_type: int
    treasury_on: date | None
    said: bytes
    sealed: bytes


class Said(NamedTuple):
    """What a row says in the open; no `payment` where its figures could not be read, `data_type` 0 then."""

    data_type: int
    serial: str
    payment: Payment | None = None
    approval: str = ""
    agency: str = ""

    def encoded(self) -> bytes:
        """All of it as bytes to be hashed: what is kept, and nothing that is not."""
        data_type, serial, payment, approval, agency = self
        if payment is None:
            return _encode((data_type, serial, approval, agency))
        figures = (payment.kind, payment.fen, payment.period, payment.payment_type)
        days = (payment.treasury_on, payment.paid_on)
        words = (payment.voucher, payment.payer, payment.level, payment.allocation_document, payment.batch)
        return _encode((data_type, serial, approval, agency, figures, days, words))


class ExchangeRecord(NamedTuple):
    """A received row: where it stood, how it ended (a word of ENDINGS) and why, and what is kept of it."""

    line: int
    ended: str
    reason: str
    kept: Kept


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A cancellation that waits for what it cancels: where it came from, and what it says."""

    file: str
    line: int
    participant: bytes
    payment: Payment


class Sealer:
    """Seals the rows of one file, bound to their place in it: a row that was moved does not open."""

    def __init__(self, keys: Keys, intake: DataKey, sha256: str) -> None:
        self._keys = keys
        self._intake = intake
        self._file = bytes.fromhex(sha256)

    def known(self, owner: bytes, wrapped: bytes, line: int, said: Said, identity: Sequence[str]) -> Kept:
        """A row of a registered person, under the person's own key."""
        place, key = bond(owner, self._file, line), self._keys.unwrapped(wrapped, owner)
        return _kept(said, owner, None, *_sealed(key, place, said, identity))

    def unknown(self, digest: bytes | None, line: int, said: Said, identity: Sequence[str]) -> Kept:
        """A row of nobody known, under the intake key; `digest` leads to it where it has a number that can be."""
        place = bond(INTAKE, self._file, line)
        return _kept(said, None, digest, *_sealed(self._intake, place, said, identity))


def _sealed(key: DataKey, place: bytes, said: Said, identity: Sequence[str]) -> tuple[bytes, bytes]:
    """Who a row is about, sealed, and the row's hash."""
    text = BETWEEN.join(identity)
    return key.sealed(text, place), row_hash(key, place, said, text)


def bond(owner: bytes, file: bytes, line: int) -> bytes:
    """What a sealed row is bound to: whose key it is, and its place."""
    return b"\0".join((owner, b"exchange", file, _LENGTH.pack(line)))


def row_hash(key: DataKey, place: bytes, said: Said, identity: str) -> bytes:
    """The hash of all that is kept of a row, keyed by the key under which it is sealed: `place` is its bond.

    Whoever cannot open the row can change nothing of what it says: no figure, no word, no place.
    """
    whole = b"".join((place, said.encoded(), identity.encode()))
    return hashlib.blake2b(whole, key=key.key, digest_size=_HASH_BYTES).digest()


def emptied_mark(intake: DataKey, place: bytes, said: Said) -> bytes:
    """What stands instead of the hash of an intake row whose person was erased: it proves what is left of the row.

    It is shorter, so none is taken for the other, and says nothing of who it was.
    """
    left = b"".join((b"emptied", place, said.encoded()))
    return hashlib.blake2b(left, key=intake.key, digest_size=_MARK_BYTES).digest()


class ExchangeRecords:
    """The received rows of one pool."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    def intake_key(self, keys: Keys) -> DataKey:
        """The key for rows of unknown persons, made when it is first needed. Raises `InvalidTag` for a changed one."""
        found = self.stored_intake_key(keys)
        while found is None:
            made = keys.wrapped(DataKey().key, self._owner)
            statement = self._log.sql("INSERT INTO {intake_key} (wrapped_key) VALUES (%s) ON CONFLICT DO NOTHING")
            with self._log.connections.connection() as connection:
                connection.execute(statement, (made,))
            found = self.stored_intake_key(keys)
        return found

    def stored_intake_key(self, keys: Keys) -> DataKey | None:
        """The key for rows of unknown persons, None where none was needed yet. Raises `InvalidTag`."""
        statement = self._log.sql("SELECT wrapped_key FROM {intake_key}")
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            row = cursor.execute(statement).fetchone()
        return None if row is None else keys.unwrapped(row[0], self._owner)

    @property
    def _owner(self) -> bytes:
        return b"\0".join((INTAKE, self._log.pool.encode()))

    def lines_there(self, cursor: Any, file_id: int, first: int, last: int) -> set[int]:
        """Which lines of a file are kept already: those of a run that was stopped, or of the same file sent before."""
        statement = self._log.sql("SELECT line FROM {exchange_record} WHERE file_id = %s AND line BETWEEN %s AND %s")
        return {line for (line,) in cursor.execute(statement, (file_id, first, last), prepare=True)}

    def waiting(self, serials: Collection[str]) -> dict[str, list[Waiting]]:
        """The cancellations that wait for rows with these serials, in the order in which they came."""
        statement = self._log.sql(
            "SELECT r.serial, encode(f.sha256, 'hex'), r.line, uuid_send(r.participant_id), r.kind, r.fen, r.period,"
            " r.treasury_on, r.payment_type, r.paid_on, r.voucher FROM {exchange_record} r"
            " JOIN {exchange_file} f USING (file_id) WHERE r.serial = ANY(%s) AND r.ended > 2 AND r.ended = %s"
            " AND r.data_type = %s AND r.participant_id IS NOT NULL AND NOT EXISTS (SELECT FROM {external_identity} x"
            " WHERE x.serial = r.serial AND x.data_type = r.data_type) ORDER BY r.file_id, r.line"
        )
        found: dict[str, list[Waiting]] = {}
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            asked = (text_array(serials), _ENDED["waiting"], CANCELLED)
            for serial, file, line, owner, kind, fen, period, treasury_on, typed, paid_on, voucher in cursor.execute(
                statement, asked
            ):
                payment = Payment(
                    KINDS[kind], fen, period, treasury_on, TYPES[typed], paid_on, serial=serial, voucher=voucher
                )
                found.setdefault(serial, []).append(Waiting(file, line, owner, payment))
        return found

    def identities(self, keys: Keys, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], tuple[str, str]]:
        """Number and name as they stood in the rows at these places (file, line); erased ones are left out.

        Raises `InvalidTag` where a row was changed.
        """
        statement = self._log.sql(
            "SELECT r.file_id, r.line, f.sha256, uuid_send(r.participant_id), p.wrapped_key, r.sealed"
            " FROM unnest(%s::int[], %s::int[]) AS a (file_id, line) JOIN {exchange_record} r USING (file_id, line)"
            " JOIN {exchange_file} f USING (file_id) LEFT JOIN {participant} p ON p.participant_id = r.participant_id"
            " WHERE r.sealed IS NOT NULL"
        )
        intake = self.intake_key(keys)
        found = {}
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            asked = [list(column) for column in zip(*places, strict=True)] or [[], []]
            rows = cursor.execute(statement, asked).fetchall()
        for file, line, sha256, owner, wrapped, sealed in rows:
            if owner is not None and wrapped is None:
                continue
            key = intake if owner is None else keys.unwrapped(wrapped, owner)
            cells = key.opened(sealed, bond(owner or INTAKE, sha256, line)).split(BETWEEN)
            number, name = cells if len(cells) == 2 else cells[_NUMBER : _NUMBER + 2]
            found[file, line] = (number.upper(), squeezed(name))
        return found

    def write(self, cursor: Any, file_id: int, records: Iterable[ExchangeRecord]) -> None:
        """Records of a file, in the transaction of the events they became."""
        data = bytearray(HEADER)
        for record in records:
            _lay_down(data, file_id, record)
        data += TRAILER
        with cursor.copy(self._log.sql(f"COPY {{exchange_record}} ({_COLUMNS}) FROM STDIN (FORMAT BINARY)")) as copy:
            copy.write(data)


def _kept(said: Said, participant: bytes | None, *held: bytes | None) -> Kept:
    """A row in the columns of `_COLUMNS`: figures as numbers, words as texts; `held` are those after the reason."""
    data_type, serial, payment, approval, agency = said
    open_part = bytearray()
    if payment is None:
        open_part += _NO_FIGURES
        words: tuple[str, ...] = (serial, "", approval, "", agency, "", "", "")
    else:
        open_part += _FIGURES.pack(2, _KIND[payment.kind], 2, _TYPE[payment.payment_type], 2, payment.period)
        paid_on = payment.paid_on
        open_part += _NULL if paid_on is None else _DATED.pack(4, paid_on.toordinal() - _DAY_ZERO)
        open_part += _DATE_AND_FEN.pack(4, payment.treasury_on.toordinal() - _DAY_ZERO, 8, payment.fen)
        papers = (payment.level, payment.allocation_document, payment.batch)
        words = (serial, payment.voucher, approval, payment.payer, agency, *papers)
    open_part += _NULL if participant is None else _UUID_LENGTH + participant
    for word in words:
        open_part += _cell(word.encode())
    day = payment.treasury_on if payment else None
    return Kept(data_type, day, bytes(open_part), b"".join(_NULL if one is None else _cell(one) for one in held))


def _cell(text: bytes) -> bytes:
    """One value of a row of COPY."""
    return _LENGTH.pack(len(text)) + text


def _lay_down(data: bytearray, file_id: int, record: ExchangeRecord) -> None:
    """A record as a row of COPY."""
    line, ended, reason, kept = record
    data += _HEAD.pack(23, 4, file_id, 4, line, 2, kept.data_type, 2, _ENDED[ended])
    data += kept.said
    data += _cell(reason.encode()) if reason else _EMPTY
    data += kept.sealed


__all__ = [
    "BETWEEN",
    "INTAKE",
    "ExchangeRecord",
    "ExchangeRecords",
    "InvalidTag",
    "Kept",
    "Said",
    "Sealer",
    "Waiting",
    "bond",
    "emptied_mark",
    "row_hash",
]
