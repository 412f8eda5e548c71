"""Received rows read back from where they are kept, with what each of them says in the open."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, NamedTuple

from ledger.account_decisions import Payment
from ledger.exchange import TYPES
from ledger.store.exchange_records import INTAKE, Said, bond
from ledger.words import KINDS

KEPT_COLUMNS: Final = (
    "r.file_id, r.line, f.sha256, uuid_send(r.participant_id), r.digest, r.sealed, r.row_hash, r.data_type, r.serial,"
    " r.approval, r.agency, r.kind, r.payment_type, r.period, r.paid_on, r.treasury_on, r.fen, r.voucher, r.payer,"
    " r.level, r.document, r.batch"
)
"""What `kept_row` takes, in this order; `r` is the record, `f` its file."""


class KeptRow(NamedTuple):
    """A row as it is kept: its place, who it is about as it is stored, and what it says in the open (None: no row that
    was taken in says such a thing).
    """

    file_id: int
    line: int
    sha256: bytes
    participant: bytes | None
    digest: bytes | None
    sealed: bytes | None
    row_hash: bytes
    said: Said | None

    @property
    def place(self) -> bytes:
        """What the row is bound to."""
        return bond(self.participant or INTAKE, self.sha256, self.line)


def kept_row(row: Any) -> KeptRow:
    """A row of KEPT_COLUMNS."""
    file_id, line, sha256, participant, digest, sealed, hashed, data_type, serial, approval, agency, *figures = row
    said: Said | None = None
    with suppress(ValueError, IndexError):
        said = Said(data_type, serial, _payment(serial, figures), approval, agency)
    return KeptRow(file_id, line, sha256, participant, digest, sealed, hashed, said)


def _payment(serial: str, columns: Any) -> Payment | None:
    kind, payment_type, period, paid_on, treasury_on, fen, voucher, payer, level, document, batch = columns
    figures = (kind, payment_type, period, treasury_on, fen)
    if figures == (None,) * 5:
        if paid_on is not None or voucher or payer or level or document or batch:
            raise ValueError("a row without figures says something in other columns")
        return None
    if None in figures or kind < 0 or payment_type < 0:
        raise ValueError("some figures of a row are absent")
    figured = (KINDS[kind], fen, period, treasury_on, TYPES[payment_type], paid_on)
    return Payment(*figured, serial, voucher, payer, batch, level, document)
