"""Commands about payers, admitted villages, rolls and statuses: each decided, written beside the log, and done once.

They record no event, so they share no transaction with others: one at a time in a pool, under a lock of their own.
"""

from __future__ import annotations

from datetime import UTC
from functools import partial
from typing import Any, Final

import msgspec

from ledger import clock
from ledger.desk.commands import Command, said
from ledger.desk.donors import DonorDesk
from ledger.desk.once import answered
from ledger.desk.payer_commands import (
    AdmitVillage,
    ConfirmPayer,
    EnrolMembers,
    EraseDonor,
    PayerAnswer,
    RegisterDonor,
    RegisterPayer,
    SetStatuses,
)
from ledger.forms.filing import filed_text, filing_fault
from ledger.forms.rules import read_forms
from ledger.identity import names_somebody
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.region_rules import same_person
from ledger.store.command_ids import CommandRow, write_commands
from ledger.store.divisions import Divisions
from ledger.store.log import PoolLog
from ledger.store.payers import KINDS, PERSON, Payer, Payers
from ledger.store.register import Register


class PayerDesk:
    """The payers of one pool, for whoever asks."""

    def __init__(self, log: PoolLog, register: Register) -> None:
        self._log = log
        self._register = register

    def do(self, command: Command) -> PayerAnswer:
        """Have a command done. Raises `Refused`: COMMAND_ID, ROW_FAULT, SAME_PERSON, UNKNOWN_DIVISION, DATE,
        NOT_CLOSED, PAYER_KIND, PAYER_UNKNOWN, FORM_UNKNOWN, FILING.
        """
        digest = self._register.command_digest(said(command))
        with Payers(self._log).alone() as (log, cursor):
            if (stored := answered(log, command, digest)) is not None:
                return _decode(stored)
            donors = DonorDesk(log, self._register.on(log), cursor)
            answer = _carried_out(command, log, donors)
            if command.dry_run:
                return answer
            at = log.position()[0]
            write_commands(log, cursor, [CommandRow(command.command_id.bytes, digest, at, at, _encode(answer))])
            return answer


def _carried_out(command: Command, log: PoolLog, donors: DonorDesk) -> PayerAnswer:
    """Decide a command and write what it asks for, unless it is only tried."""
    told = partial(
        PayerAnswer,
        command_id=command.command_id,
        recorded_at=None if command.dry_run else clock.now().astimezone(UTC).isoformat(timespec="microseconds"),
        dry_run=command.dry_run,
    )
    payers, writes = Payers(log), not command.dry_run
    if isinstance(command, RegisterDonor):
        _two(command, log)
        payer, stands = donors.register(command, _village(command.village, log) if command.village else "")
        return told(payer=payer, already_there=stands)
    if isinstance(command, EraseDonor):
        _two(command, log)
        return told(payer=donors.erase(command))
    if isinstance(command, RegisterPayer | ConfirmPayer):
        _two(command, log)
        payer = _registered(command, log, payers)
        stands = payers.find(payer.code) == payer
        if writes and not stands:
            payers.write(payer, command.origin)
        return told(payer=payer, already_there=stands)
    if isinstance(command, AdmitVillage):
        _two(command, log)
        if command.until is not None and command.until < command.since:
            raise Refused(refuse(Reason.DATE, "“起、止”", rule="止日不得早于起日"))
        village = _village(command.village, log)
        if writes:
            payers.admit(village, command.since, command.until, command.document.strip(), command.origin)
        return told(village=village)
    if isinstance(command, EnrolMembers):
        payer = _organisation(command.code, payers)
        if writes:
            payers.write_members(command.periods, command.origin)
        return told(payer=payer, persons=len(command.periods))
    if isinstance(command, SetStatuses):
        if writes:
            payers.write_statuses(command.periods, command.origin)
        return told(persons=len(command.periods))
    raise TypeError(f"no decision for {type(command).__name__}")


def _registered(command: RegisterPayer | ConfirmPayer, log: PoolLog, payers: Payers) -> Payer:
    """The payer as it is to stand: what the command does not speak of stays."""
    if isinstance(command, ConfirmPayer):
        numbers = {"tax_number": command.tax_number.strip(), "social_code": command.social_code.strip()}
        if any(map(names_somebody, numbers.values())):
            rule = "“纳税人识别号”“社保编码”不得为公民身份号码"
            raise Refused(refuse(Reason.ROW_FAULT, "“纳税人识别号”“社保编码”", rule=rule))
        return _organisation(command.code, payers)._replace(**numbers, confirmed_on=command.on)
    if command.kind not in KINDS or command.kind == PERSON:
        allowed = "、".join(f"{kind}（{chinese}）" for kind, chinese in KINDS.items() if kind != PERSON)
        rule = f"单位类型须为：{allowed}；个人按公民身份号码登记"
        raise Refused(refuse(Reason.PAYER_KIND, "“单位类型”", rule=rule))
    if names_somebody(command.name) or not command.name.strip():
        raise Refused(refuse(Reason.ROW_FAULT, "“单位名称”", rule="单位名称不得为空，不得含有公民身份号码"))
    said: dict[str, Any] = {
        "kind": command.kind, "name": command.name.strip(),
        "document": "；".join(filter(None, (command.document.strip(), _filed(command, log)))),
        "village": _village(command.village, log) if command.village else "",
        "village_number": command.village_number.strip(),
    }  # fmt: skip
    known = payers.find(command.code)
    return known._replace(**said) if known else Payer(code=command.code, **said)


def _filed(command: RegisterPayer, log: PoolLog) -> str:
    """What the 备案表 says of its figures, checked; nothing where none are given. Refusals: FORM_UNKNOWN, FILING."""
    if not command.filed:
        return ""
    rule = read_forms(log.rules().region).rule("filing_form", "subsidy")
    if isinstance(rule, Refusal):
        raise Refused(rule)
    if wrong := filing_fault(command.filed, command.filed_fen, rule.citation):
        raise Refused(wrong)
    return filed_text(command.filed)


def _organisation(code: str, payers: Payers) -> Payer:
    """A payer that is no person: only organisations have a virtual unit at the tax side, and members."""
    payer = payers.find(code)
    if payer is None:
        raise Refused(refuse(Reason.PAYER_UNKNOWN, code))
    if payer.kind == PERSON:
        rule = "税务端确认、成员名单只用于单位，个人资助人无须办理"
        raise Refused(refuse(Reason.PAYER_KIND, KINDS[PERSON], rule=rule, remedy="直接拟定资助方案"))
    return payer


def _village(said: str, log: PoolLog) -> str:
    village = Divisions(log).find(said)
    if village is None:
        raise Refused(refuse(Reason.UNKNOWN_DIVISION, "“所在村”"))
    return village


def _two(command: Command, log: PoolLog) -> None:
    if same := same_person(log.rules(), command.actor, command.reviewer):
        raise Refused(same)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(PayerAnswer).decode
