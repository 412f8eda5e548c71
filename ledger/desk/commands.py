"""What a counter, a portal or a partner may ask the ledger to do, one command at a time.

A command is a value: it says what is wanted and on whose word, and knows nothing of tables. Amounts in fen, dates in
Asia/Shanghai. `command_id` makes it happen once, however often it is sent.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from ledger.account_decisions import Payment
from ledger.late_money import Origin


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """On whose word (handler, and reviewer where two people are needed), through which door, under which id."""

    actor: str
    command_id: UUID
    reviewer: str = ""
    cause: str = ""
    dry_run: bool = False

    @property
    def origin(self) -> Origin:
        """What the events of the command say about their origin."""
        return Origin(self.actor, self.reviewer, self.cause, str(self.command_id))


class OpenAccount(Command, frozen=True, kw_only=True):
    """建账 for a person: a normalised citizen number, the name, the village (code, or 旗县/乡镇/村), the day."""

    number: str
    name: str
    division: str
    opened_on: date


class AccountCommand(Command, frozen=True, kw_only=True):
    """A command about an existing account."""

    account: UUID


class RecordPayment(AccountCommand, frozen=True, kw_only=True):
    """Money in, as the treasury received it."""

    payment: Payment


BY_HAND: Final = "command tax allocate"
"""Begins what an event says of its cause where a received payment was put into an account by hand."""


class AllocatePayment(RecordPayment, frozen=True, kw_only=True):
    """到账划账 by hand: a payment that came in a file and that no account has, by two people of a county (its code).

    `file` (sha256 in hex) and `line` say where it came.
    """

    file: str
    line: int
    county: str
    reason: str

    @property
    def origin(self) -> Origin:
        """Its events say which row they come from, which county put it there, and why."""
        return super().origin._replace(cause=f"{BY_HAND} file {self.file}#{self.line} {self.county}: {self.reason}")


class PayOut(AccountCommand, frozen=True, kw_only=True):
    """`pension` 个人账户养老金 or `refund` 退费 out of the balance, in fen."""

    kind: str
    fen: int
    on: date
    reason: str = ""


class RefundEntry(PayOut, frozen=True, kw_only=True):
    """退费 by a verified request: of the payment recorded as `entry`, out of the kind that was paid."""

    entry: int


class ReverseEntry(AccountCommand, frozen=True, kw_only=True):
    """冲正 of the entry recorded as `version`, by two people."""

    version: int
    reason: str


class CloseAccount(AccountCommand, frozen=True, kw_only=True):
    """注销, or 转出 where `to` names the receiving pool or scheme and `document` the paper; by two people."""

    on: date
    reason: str = ""
    to: str = ""
    document: str = ""


class EraseParticipant(Command, frozen=True, kw_only=True):
    """删除 a person's identity from the register; refused while an account is open or holds money."""

    number: str
    reason: str


_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def said(command: Command) -> bytes:
    """What makes a command the same again: all it says but its id, its door, and whether it was a dry run.

    Of an erasing command the number is left out: its row stays for ever, and must neither tell whom it erased nor be
    emptied as the person's other commands are, for its repetition is told the first answer.
    """
    plain = msgspec.structs.replace(command, command_id=UUID(int=0), cause="", dry_run=False)
    return _encode(msgspec.structs.replace(plain, number="") if isinstance(plain, EraseParticipant) else plain)


class Recorded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event of an answer: its version in the account, what it is, and what it moves (yuan)."""

    version: int
    topic: str
    effective_on: date | None = None
    year: int | None = None
    amount: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an accepted command is told, the first time and every time after.

    `version` is the account's after the command, of a row that had been recorded its own. `position` is that of its
    last event in the log (the log's end for one that recorded nothing), `recorded_at` ISO 8601 in UTC. `already_there`
    says that the same row had been recorded. A dry run of 建账 has no account: the real one will get its own id.
    """

    command_id: UUID
    account: UUID | None
    version: int
    position: int
    recorded_at: str | None
    events: list[Recorded]
    already_there: bool = False
    dry_run: bool = False


encode_answer: Final = msgspec.json.Encoder().encode
decode_answer: Final = msgspec.json.Decoder(Answer).decode
