"""Received payments that were not booked as they came: which delivery of a serial counts, and what it says.

Of a serial that was sent more than once, one delivery counts: the one that was booked, or else the last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Final

from ledger.account_decisions import Payment
from ledger.allocation import RETRIED, SETTLED, Received
from ledger.exchange import TYPES
from ledger.refund_requests import TakenBack
from ledger.refusals import Reason
from ledger.store.arrays import text_array
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog
from ledger.words import KINDS


def deliveries(which: str) -> str:
    """The rows (`r`) that `which` names, each with its place among the deliveries of its serial: one of them counts."""
    return f"""
SELECT r.file_id, r.line, r.serial, r.data_type, r.ended, r.kind, r.payment_type, r.period, r.fen, r.paid_on,
       r.treasury_on, r.participant_id, r.voucher, r.approval, r.reason, r.digest, r.ended <= 2 AS booked,
       CASE WHEN r.reason <> '{Reason.NAME_DIFFERS}' THEN r.participant_id END AS owner,
       row_number() OVER (PARTITION BY r.serial, r.data_type ORDER BY r.file_id, r.line) AS delivery,
       row_number() OVER (PARTITION BY r.serial, r.data_type
                          ORDER BY r.ended = 1 DESC, r.ended = 2 DESC, r.file_id DESC, r.line DESC) = 1 AS counts
  FROM {{exchange_record}} r
 WHERE {which}"""


IS_CANCELLED: Final = f"""EXISTS (SELECT FROM deliveries c WHERE c.counts AND c.data_type = {CANCELLED}
            AND (c.serial, c.kind, c.period, c.fen) = (d.serial, d.kind, d.period, d.fen))"""
"""Of the delivery `d` of a payment: whether the tax side took it back, saying the same of it."""
_NOT_BOOKED: Final = "r.data_type > 0 AND r.ended > 2"
_COLUMNS: Final = """
SELECT d.file_id, d.line, encode(f.sha256, 'hex'), d.reason, d.owner, d.digest, d.approval, e.agency,
       d.kind, d.fen, d.period, d.treasury_on, d.payment_type, d.paid_on, d.serial, d.voucher, e.payer,
       e.batch, e.level, e.document"""
_JOINED: Final = f"""
  FROM deliveries d JOIN {{exchange_record}} e USING (file_id, line) JOIN {{exchange_file}} f USING (file_id)
  LEFT JOIN {{external_identity}} x ON x.serial = d.serial AND x.data_type = d.data_type
 WHERE d.counts AND d.data_type = {NEW}"""
_FREE: Final = f" AND x.serial IS NULL AND NOT {IS_CANCELLED}"
_KNOWN_NOW: Final = (
    " AND d.reason = ANY (%(reasons)s)"
    " AND (d.participant_id IS NOT NULL OR EXISTS (SELECT FROM {participant} p WHERE p.digest = d.digest))"
    " AND (%(first)s::date IS NULL OR d.treasury_on >= %(first)s AND d.treasury_on < %(after)s)"
)
_OF_SERIAL: Final = (
    f"WITH deliveries AS ({deliveries(_NOT_BOOKED + ' AND r.serial = %(serial)s')}){_COLUMNS}, {IS_CANCELLED}{_JOINED}"
)
_ALL: Final = f"WITH deliveries AS ({deliveries(_NOT_BOOKED)})"
_LISTED: Final = (
    f"{_ALL}{_COLUMNS}{_JOINED}{_FREE} AND (coalesce(d.paid_on, d.treasury_on), d.serial) > (%(day)s, %(serial)s)"
    " ORDER BY coalesce(d.paid_on, d.treasury_on), d.serial LIMIT %(limit)s"
)
_RETRIED: Final = (
    f"{_ALL}{_COLUMNS}{_JOINED}{_FREE}{_KNOWN_NOW} AND (d.file_id, d.line) > (%(file)s, %(line)s)"
    " ORDER BY d.file_id, d.line LIMIT %(limit)s"
)
_HINDERED: Final = (
    f"{_ALL} SELECT d.reason, d.period, extract(year FROM d.treasury_on)::int, count(*){_JOINED}{_FREE}{_KNOWN_NOW}"
    " GROUP BY 1, 2, 3"
)
_CANCELLATIONS: Final = (
    "SELECT r.file_id, r.line, encode(f.sha256, 'hex'), r.reason, r.participant_id, r.digest, r.approval, r.agency,"
    " r.kind, r.fen, r.period, r.treasury_on, r.payment_type, r.paid_on, r.serial, r.voucher, r.payer, r.batch,"
    " r.level, r.document FROM {exchange_record} r JOIN {exchange_file} f USING (file_id) WHERE r.ended > 2"
    f" AND r.data_type = {CANCELLED} AND r.kind IS NOT NULL AND (r.file_id, r.line) > (%(file)s, %(line)s)"
    " AND NOT EXISTS (SELECT FROM {external_identity} x WHERE x.serial = r.serial AND x.data_type = r.data_type)"
)
_HAS_ORIGINAL: Final = f"EXISTS (SELECT FROM {{external_identity}} x WHERE x.serial = r.serial AND x.data_type = {NEW})"
_SETTLED: Final = (
    f"{_CANCELLATIONS} AND r.reason = ANY (%(reasons)s) AND ({_HAS_ORIGINAL} OR r.serial = ANY (%(booked)s))"
    " AND (r.participant_id IS NOT NULL OR EXISTS (SELECT FROM {participant} p WHERE p.digest = r.digest))"
    " AND (%(first)s::date IS NULL OR r.treasury_on >= %(first)s AND r.treasury_on < %(after)s)"
    " ORDER BY r.file_id, r.line LIMIT %(limit)s"
)
_WAITING: Final = (
    f"SELECT *, {_HAS_ORIGINAL} FROM ({_CANCELLATIONS} AND r.reason <> '{Reason.OTHER_POOL}'"
    " AND NOT EXISTS (SELECT FROM {exchange_record} o WHERE (o.serial, o.kind, o.period, o.fen) ="
    f" (r.serial, r.kind, r.period, r.fen) AND o.ended > 2 AND o.data_type = {NEW} AND NOT {_HAS_ORIGINAL})"
    " ORDER BY r.file_id, r.line LIMIT %(limit)s) AS r"
)
_TAKEN_BACK: Final = (
    "SELECT DISTINCT r.serial, r.kind, r.period, r.fen FROM {exchange_record} r WHERE r.serial = ANY(%(serials)s)"
    f" AND r.ended > 2 AND r.data_type = {CANCELLED} AND r.kind IS NOT NULL AND r.reason <> '{Reason.OTHER_POOL}'"
    " AND NOT EXISTS (SELECT FROM {external_identity} x WHERE x.serial = r.serial AND x.data_type = r.data_type)"
)
_UNREADABLE: Final = (
    "SELECT r.file_id, r.line, encode(f.sha256, 'hex') FROM {exchange_record} r JOIN {exchange_file} f USING (file_id)"
    " WHERE r.data_type = 0 AND (r.file_id, r.line) > (%(file)s, %(line)s) ORDER BY 1, 2 LIMIT %(limit)s"
)


class ReceivedPayments:
    """The payments of one pool that were not booked as they came."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    def find(self, serial: str) -> Received | None:
        """The payment of a serial, also where an account has it since or the tax side took it back."""
        found = self._read(_OF_SERIAL, {"serial": serial})
        return _received(found[0]) if found else None

    def unallocated(self, day: date, serial: str, limit: int) -> list[Received]:
        """Payments that no account has and nobody cancelled, behind that of `serial` paid on `day`, in that order."""
        asked = {"day": day, "serial": serial, "limit": limit}
        return [_received(row) for row in self._read(_LISTED, asked)]

    def retried(self, span: tuple[date, date] | None, after: tuple[int, int], limit: int) -> list[Received]:
        """Those of persons who are known now, refused for what may have changed, behind a file's line, in that order.

        `span` is the treasury entry from a day to before another.
        """
        asked = {**_of(span), "file": after[0], "line": after[1], "limit": limit}
        return [_received(row) for row in self._read(_RETRIED, asked)]

    def settled(
        self, span: tuple[date, date] | None, after: tuple[int, int], limit: int, booked: Collection[str] = ()
    ) -> list[Received]:
        """撤销 that no account has although their originals are booked now, of persons who are known now, behind a
        file's line, in that order.

        `booked` are serials that are to be taken as booked, too; `span` as in `retried`.
        """
        reasons = [reason.value for reason in SETTLED]
        asked = {**_of(span), "reasons": reasons, "file": after[0], "line": after[1], "limit": limit}
        return [_received(row) for row in self._read(_SETTLED, {**asked, "booked": text_array(booked)})]

    def waiting(self, after: tuple[int, int], limit: int) -> list[tuple[Received, bool]]:
        """撤销 that no account has, but for those of payments that none has either, behind a file's line, in that
        order; each with whether its original is booked.
        """
        rows = self._read(_WAITING, {"file": after[0], "line": after[1], "limit": limit})
        return [(_received(row[:-1]), row[-1]) for row in rows]

    def hindered(self) -> list[tuple[str, int, int, int]]:
        """Those of persons known now by reason, period and year of treasury entry: how many."""
        return [(row[0], row[1], row[2], row[3]) for row in self._read(_HINDERED, _of(None))]

    def taken_back(self, serials: Collection[str]) -> frozenset[TakenBack]:
        """What the tax side says, in rows that no account has, that it took back of payments with these serials."""
        rows = self._read(_TAKEN_BACK, {"serials": text_array(serials)})
        return frozenset(TakenBack(serial, KINDS[kind], period, fen) for serial, kind, period, fen in rows)

    def unreadable(self, after: tuple[int, int], limit: int) -> list[tuple[int, int, str]]:
        """Rows whose figures could not be read, behind a file's line: file, line, and the file's sha256 in hex."""
        asked = {"file": after[0], "line": after[1], "limit": limit}
        return [(row[0], row[1], row[2]) for row in self._read(_UNREADABLE, asked)]

    def _read(self, statement: str, asked: Mapping[str, Any]) -> list[Any]:
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            return cursor.execute(self._log.sql(statement), asked).fetchall()


def _of(span: tuple[date, date] | None) -> dict[str, Any]:
    first, after = span or (None, None)
    return {"reasons": [reason.value for reason in RETRIED], "first": first, "after": after}


def _received(row: Any) -> Received:
    """A row of `_COLUMNS`, behind which may stand whether it was cancelled."""
    file_id, line, file, reason, owner, digest, approval, agency = row[:8]
    kind, fen, period, treasury_on, typed, paid_on, serial, voucher, payer, batch, level, document, *cancelled = row[8:]
    payment = Payment(
        KINDS[kind], fen, period, treasury_on, TYPES[typed], paid_on, serial, voucher, payer, batch, level, document
    )
    return Received(file_id, line, file, reason, owner, digest, any(cancelled), approval, agency, payment)
