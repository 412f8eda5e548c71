"""退费核验 and 退费: a request is verified by two people, and paid once through the way of every single command.

A verdict moves no money, so it stands beside the log; the refund is an event of the account. Nobody else writes here
while one is decided: two requests for one entry cannot both be accepted beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from ledger import clock
from ledger.account_events import PaymentEvent
from ledger.desk.coalesce import PoolWriter
from ledger.desk.commands import Answer, Command, RefundEntry, said
from ledger.desk.nameless import require_nameless_of
from ledger.desk.once import answered
from ledger.money import fen_to_yuan
from ledger.refund_requests import (
    Entry,
    Held,
    Taken,
    TakenBack,
    check_refund,
    facts_of,
    may_be_paid,
    may_be_verified,
    pay_reason,
)
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.region_rules import RegionRules, same_person
from ledger.store.command_ids import CommandRow, write_commands
from ledger.store.log import PoolLog
from ledger.store.received_payments import ReceivedPayments
from ledger.store.refunds import RefundRecord, Refunds, Verdict, held_accounts, taken_by
from ledger.store.register import Register


class VerifyRefund(Command, frozen=True, kw_only=True):
    """核验通过 or 不通过 of a request, with the reason that the tax side is told."""

    number: str
    accept: bool
    reason: str


class VerdictAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict as it is told. `account` and `entry` are those of an accepted request; `payer` who returns the money
    by the rule of the region, `rule` where that is written.
    """

    command_id: UUID
    number: str
    accepted: bool
    reason: str
    amount: str
    payer: str
    rule: str
    account: UUID | None = None
    entry: int | None = None
    recorded_at: str | None = None
    dry_run: bool = False


class _Books(NamedTuple):
    """What a decision about a request reads: the person's accounts, what other requests take, what was taken back."""

    accounts: Sequence[Held]
    taken: Sequence[Taken]
    taken_back: frozenset[TakenBack]


class RefundDesk:
    """The refund requests of one pool, for whoever decides about them."""

    def __init__(self, log: PoolLog, register: Register) -> None:
        self._log = log
        self._register = register

    def verify(self, command: VerifyRefund) -> VerdictAnswer:
        """Decide about a request. Raises `Refused`: COMMAND_ID, ROW_FAULT, SAME_PERSON, REFUND_UNKNOWN, REFUND_STATE,
        and those of `check_refund` where it is to be accepted.
        """
        digest = self._register.command_digest(said(command))
        with Refunds(self._log).alone() as (log, cursor):
            if (stored := answered(log, command, digest)) is not None:
                return _decode(stored)
            refunds = Refunds(log)
            verdict = self._verdict(command, refunds, log)
            answer = _told(verdict, dry_run=command.dry_run)
            if not command.dry_run:
                refunds.write_verdict(cursor, verdict)
                at = log.position()[0]
                write_commands(log, cursor, [CommandRow(command.command_id.bytes, digest, at, at, _encode(answer))])
            return answer

    def pay(
        self, number: str, on: date, actor: str, reviewer: str, counter: PoolWriter, *, dry_run: bool = False
    ) -> Answer:
        """Record the refund of an accepted request. The same again is told the first answer.

        Raises `Refused`: SAME_PERSON, REFUND_UNKNOWN, REFUND_STATE, COMMAND_ID, those of `check_refund` and of
        `refund_entry`. The request is held until the refund is recorded, so it cannot be cancelled meanwhile.
        """
        with Refunds(self._log).alone() as (log, _):
            rules, record = log.rules(), _found(Refunds(log), number)
            _require(same_person(rules, actor, reviewer))
            verdict = record.verdict
            if record.paid is None:
                _require(may_be_paid(record.status))
                entry = _entry(record, _books(log, self._register.on(log), record), rules, on)
                _require(_same_entry(entry, verdict))
            assert verdict is not None
            assert verdict.account is not None
            assert verdict.entry is not None
            command = RefundEntry(
                actor=actor,
                reviewer=reviewer,
                cause="command tax refunds pay",
                command_id=record.pay_id,
                dry_run=dry_run,
                account=verdict.account,
                kind="refund",
                entry=verdict.entry,
                fen=record.request.fen,
                on=on,
                reason=pay_reason(number, record.request.voucher),
            )
            try:
                return counter.ask(command)
            except Refused as answer:
                if record.paid is None or answer.refusal.reason is not Reason.COMMAND_ID:
                    raise
                raise Refused(may_be_paid(record.status) or answer.refusal) from answer

    def _verdict(self, command: VerifyRefund, refunds: Refunds, log: PoolLog) -> Verdict:
        """The verdict that a command asks for, numbered after the earlier ones."""
        rules, record = log.rules(), _found(refunds, command.number)
        _require(same_person(rules, command.actor, command.reviewer))
        require_nameless_of(self._register.on(log), record.request.participant, {"--reason": command.reason})
        books = _books(log, self._register.on(log), record)
        facts = facts_of(books.accounts, books.taken)
        before = record.verdict
        _require(may_be_verified(record.status, new_fact=before is not None and before.facts != facts))
        today = clock.today()
        entry = _entry(record, books, rules, today) if command.accept else None
        payer = rules.method("refund.payer", today.year)
        return Verdict(
            number=command.number,
            sequence=len(record.verdicts) + 1,
            verdict_id=command.command_id,
            accepted=command.accept,
            reason=command.reason.strip(),
            payer=str(payer.value),
            rule=payer.citation,
            account=entry.account if entry else None,
            entry=entry.version if entry else None,
            fen=record.request.fen,
            facts=facts,
            actor=command.actor,
            reviewer=command.reviewer,
            recorded_at=clock.now(),
        )


def _found(refunds: Refunds, number: str) -> RefundRecord:
    record = refunds.find(number)
    if record is None:
        raise Refused(refuse(Reason.REFUND_UNKNOWN, "退费申请编号"))
    return record


def _books(log: PoolLog, register: Register, record: RefundRecord) -> _Books:
    participant = record.request.participant
    accounts = register.accounts_of(participant)
    others = Refunds(log).of_participants([participant]).values()
    held = held_accounts(log, accounts)
    serials = {event.serial for one in held for event in one.events if isinstance(event, PaymentEvent) and event.serial}
    taken_back = ReceivedPayments(log).taken_back(serials)
    return _Books(held, taken_by(others, but=record.request.number), taken_back)


def _entry(record: RefundRecord, books: _Books, rules: RegionRules, on: date) -> Entry:
    """The entry of which a request may be paid. Raises `Refused`."""
    entry = check_refund(record.request, *books[:2], rules, on, books.taken_back)
    if isinstance(entry, Refusal):
        raise Refused(entry)
    return entry


def _same_entry(entry: Entry, verdict: Verdict | None) -> Refusal | None:
    if verdict is not None and (verdict.account, verdict.entry) == (entry.account, entry.version):
        return None
    rule = "退费的一笔须与核验时的一笔相同"
    return refuse(Reason.NOTHING_TO_REFUND, f"第{entry.version}号记录", rule=rule, remedy="由税务部门撤销后重新申请")


def _require(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal)


def _told(verdict: Verdict, *, dry_run: bool) -> VerdictAnswer:
    return VerdictAnswer(
        command_id=verdict.verdict_id,
        number=verdict.number,
        accepted=verdict.accepted,
        reason=verdict.reason,
        amount=fen_to_yuan(verdict.fen),
        payer=verdict.payer,
        rule=verdict.rule,
        account=verdict.account,
        entry=verdict.entry,
        recorded_at=None if dry_run else verdict.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        dry_run=dry_run,
    )


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(VerdictAnswer).decode
