"""A person as donor: registered, changed, and erased, inside the transaction of a payer's command."""

from __future__ import annotations

from typing import Any

from ledger import clock
from ledger.desk.payer_commands import EraseDonor, RegisterDonor
from ledger.identity import names_somebody, squeezed
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.store.donors import Donors, new_code
from ledger.store.log import PoolLog
from ledger.store.payers import KINDS, PERSON, Payer, Payers
from ledger.store.plans import Plans
from ledger.store.register import Register


class DonorDesk:
    """The people among a pool's payers, while nobody else writes there."""

    def __init__(self, log: PoolLog, register: Register, cursor: Any) -> None:
        self._log, self._cursor = log, cursor
        self._donors, self._payers = Donors(register), Payers(log)

    def register(self, command: RegisterDonor, village: str) -> tuple[Payer, bool]:
        """The donor as they stand after the command, without a name, and whether they stood so before.

        Raises `Refused`: ROW_FAULT, IDENTITY_FAULT.
        """
        name, document = squeezed(command.name), command.document.strip()
        if not name or names_somebody(name):
            raise Refused(refuse(Reason.IDENTITY_FAULT, "“姓名”", rule="姓名不得为空，不得含有公民身份号码"))
        code = self._donors.codes([command.number]).get(command.number, "")
        if not document or self._is_said(document, name, code):
            rule = "依据文号须填写，且不得含有姓名或公民身份号码"
            raise Refused(refuse(Reason.ROW_FAULT, "“依据文号”", rule=rule, remedy="改写依据文号后重办"))
        known = self._payers.find(code) if code else None
        payer = (known or Payer("", PERSON, ""))._replace(village=village, document=document)
        stands = known == payer and self._donors.named([payer])[0].name == name
        if command.dry_run:
            return payer, stands
        payer = payer._replace(code=code or new_code())
        if not stands:
            self._donors.write(self._cursor, command.number, name, payer, command.origin, clock.now())
        self._donors.note_command(self._cursor, payer.code, command.command_id)
        return payer, stands

    def _is_said(self, document: str, name: str, code: str) -> bool:
        said = name.upper() in squeezed(document).upper() or names_somebody(document)
        return said or bool(code and self._donors.says(code, document))

    def erase(self, command: EraseDonor) -> Payer:
        """The donor of whom only the code is left.

        Raises `Refused`: PAYER_UNKNOWN, PAYER_KIND, ROW_FAULT (the reason says who it is), NOT_CLOSED.
        """
        payer = self._payers.find(command.code)
        if payer is None or self._donors.is_erased(command.code):
            raise Refused(refuse(Reason.PAYER_UNKNOWN, command.code))
        if payer.kind != PERSON:
            rule = "只删除个人资助人的身份信息，单位的登记照常留存"
            raise Refused(refuse(Reason.PAYER_KIND, KINDS[payer.kind], rule=rule, remedy="无须办理"))
        reason = command.reason.strip()
        if not reason or names_somebody(reason) or self._donors.says(payer.code, reason):
            rule = "删除原因须填写，且不得含有该人的姓名或公民身份号码"
            raise Refused(refuse(Reason.ROW_FAULT, "“原因”", rule=rule, remedy="改写原因后重办"))
        if standing := still_giving(self._log, payer.code):
            raise Refused(standing)
        if not command.dry_run:
            self._donors.erase(self._cursor, payer, reason, command.origin, clock.now())
        return payer


def still_giving(log: PoolLog, code: str) -> Refusal | None:
    """Why a donor may not be erased yet: a plan of theirs is open, or money of it is not on accounts. NOT_CLOSED."""
    plans = Plans(log)
    for plan in plans.of_payers([code]):
        state = plans.find(plan)
        if state is not None and (not state.closed or state.unallocated):
            rule = "资助方案未终止或仍有未分配款项的，不得删除资助人的身份信息"
            return refuse(Reason.NOT_CLOSED, f"方案{plan}", rule=rule, remedy="先终止方案并处理未分配款项，再申请删除")
    return None
