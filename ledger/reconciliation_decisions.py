"""What may be said of a reconciled month next: explaining, assigning and resolving differences, signing, opening again.

A difference is ended by events of the ledger alone: explaining it moves no money. Of a signed month nothing is said
until it is opened again, for a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from ledger.differences import Category
from ledger.late_money import Origin
from ledger.reconciliation_events import (
    DifferenceAssigned,
    DifferenceExplained,
    DifferenceResolved,
    MonthEvent,
    MonthReopened,
    MonthSigned,
)
from ledger.reconciliation_month import Ending, Figures, Known, ReconciliationMonth, Status, status_of
from ledger.refusals import Reason, Refusal, first, refuse
from ledger.region_rules import RegionRules, same_person

Decided = tuple[MonthEvent, ...] | Refusal
_ENDED: Final = frozenset((Status.RESOLVED, Status.CLEARED))


def explain(
    state: ReconciliationMonth,
    asked: Sequence[UUID],
    known: Mapping[UUID, Known],
    reason: str,
    rules: RegionRules,
    origin: Origin,
) -> Decided:
    """Say why there are differences; whoever owns them still does.

    Reasons: ROW_FAULT, MONTH_SIGNED, DIFFERENCE_UNKNOWN, DIFFERENCE_ENDED.
    """
    if not reason.strip():
        return refuse(Reason.ROW_FAULT, "（空）", rule="说明原因不得为空", remedy="以 --reason 写明原因")
    if fault := _may_speak(state, asked, known):
        return fault
    spoken = tuple(known[one].spoken for one in dict.fromkeys(asked))
    return (DifferenceExplained(**origin._asdict(), rule=rules.name, differences=spoken, reason=reason.strip()),)


def assign(
    state: ReconciliationMonth,
    asked: Sequence[UUID],
    known: Mapping[UUID, Known],
    owner: str,
    due_on: date,
    rules: RegionRules,
    origin: Origin,
    today: date,
) -> Decided:
    """Give differences an owner and a day, also those that were explained: they are to be dealt with after all.

    Reasons: ROW_FAULT, DATE, MONTH_SIGNED, DIFFERENCE_UNKNOWN, DIFFERENCE_ENDED.
    """
    if not owner.strip():
        return refuse(Reason.ROW_FAULT, "（空）", rule="责任人不得为空", remedy="以 --owner 写明责任单位或责任人")
    if due_on < today:
        return refuse(Reason.DATE, due_on.isoformat(), rule="办结期限不得早于今日", remedy="另定期限")
    if fault := _may_speak(state, asked, known):
        return fault
    given = tuple(dict.fromkeys(asked))
    return (
        DifferenceAssigned(**origin._asdict(), rule=rules.name, differences=given, owner=owner.strip(), due_on=due_on),
    )


def resolve(
    state: ReconciliationMonth,
    asked: UUID,
    known: Mapping[UUID, Known],
    ending: Ending | None,
    reason: str,
    rules: RegionRules,
    origin: Origin,
) -> Decided:
    """End a difference by a payment, reversal or refund recorded since its records came, for the same person or serial.

    A 撤销 of what had been refunded by request is ended by that refund, earlier though it may be, if it returned all of
    it: the money left once. By two people. Reasons: SAME_PERSON, MONTH_SIGNED, DIFFERENCE_UNKNOWN, DIFFERENCE_ENDED,
    NOT_AN_ENDING.
    """
    if fault := same_person(rules, origin.actor, origin.reviewer) or _may_speak(state, [asked], known):
        return fault
    if fault := _not_an_ending(known[asked], ending):
        return fault
    assert ending is not None
    return (
        DifferenceResolved(
            **origin._asdict(), rule=rules.name, difference=known[asked].spoken, account=ending.account,
            version=ending.version, by=ending.topic, reason=reason.strip(),
        ),
    )  # fmt: skip


def _not_an_ending(one: Known, ending: Ending | None) -> Refusal | None:
    """NOT_AN_ENDING: what is recorded with a difference's own records is what makes it, not what ends it."""
    if one.received_at is None:
        rule = "合计之间的差异不由某一账户的记录了结"
        remedy = "由有误的一方更正其合计，重新导入后再次对账即自行消除；原因已明的，以 tax differences explain 说明"
        return refuse(Reason.NOT_AN_ENDING, f"差异{one.id}", rule=rule, remedy=remedy)
    if ending is None:
        return refuse(Reason.NOT_AN_ENDING, "账户、版本号", rule="没有这一笔记录")
    value = f"账户{ending.account}第{ending.version}号记录"
    if not ending.ends:
        return refuse(Reason.NOT_AN_ENDING, value, rule="差异只由缴费记账、冲正或退费了结")
    if ending.cause.removeprefix("file ").partition("#")[0] in one.files:
        return refuse(Reason.NOT_AN_ENDING, value, rule="该记录出自差异所涉的文件，即差异本身，不是其后的记录")
    if one.category == Category.CANCELLED and one.serial and ending.returns:
        rule = "该退费不是将税务撤销的这一笔全数退还的退费"
        return None if ending.returns == (one.serial, -one.fen) else refuse(Reason.NOT_AN_ENDING, value, rule=rule)
    if ending.recorded_at <= one.received_at:
        return refuse(Reason.NOT_AN_ENDING, value, rule="该记录早于差异所涉的数据")
    if ending.participant not in one.persons and not (one.serial and ending.serial == one.serial):
        return refuse(Reason.NOT_AN_ENDING, value, rule="该记录与差异不是同一人，也不是同一流水号")
    return None


def sign(
    state: ReconciliationMonth,
    month: date,
    figures: Figures,
    tax_side: str,
    document: str,
    rules: RegionRules,
    origin: Origin,
    today: date,
) -> Decided:
    """Both sides sign a month that has ended.

    Reasons: ROW_FAULT, SAME_PERSON, DATE, MONTH_SIGNED, MONTH_STALE, DIFFERENCES_OPEN.
    """
    tax_side, document = tax_side.strip(), document.strip()
    if not tax_side or not document:
        rule, remedy = "须写明税务方签认人及签认单编号", "以 --tax-side、--document 写明"
        return refuse(Reason.ROW_FAULT, "（空）", rule=rule, remedy=remedy)
    if same := same_person(rules, origin.actor, origin.reviewer):
        return same
    if tax_side in {origin.actor.strip(), origin.reviewer.strip()}:
        return refuse(Reason.SAME_PERSON, f"税务方 {tax_side}", rule="税务方签认人须为税务部门人员")
    if (today.year, today.month) <= (month.year, month.month):
        rule, remedy = "月份结束后方可签认", "于次月1日及以后签认"
        return refuse(Reason.DATE, f"{month:%Y-%m}", rule=rule, remedy=remedy)
    if state.signed is not None:
        return _signed(state.signed)
    if not figures.is_current:
        return refuse(Reason.MONTH_STALE, f"{month:%Y-%m}")
    if figures.open:
        return refuse(Reason.DIFFERENCES_OPEN, f"{figures.open}笔差异")
    return (
        MonthSigned(
            **origin._asdict(), rule=rules.name, tax_side=tax_side, document=document,
            tax_rows=figures.tax_rows, tax=figures.tax, agency_rows=figures.agency_rows, agency=figures.agency,
            difference=figures.tax - figures.agency, differences=figures.differences, rows=figures.rows,
        ),
    )  # fmt: skip


def reopen(state: ReconciliationMonth, reason: str, rules: RegionRules, origin: Origin) -> Decided:
    """Open a signed month again; what was said of its differences stands. Reasons: ROW_FAULT, SAME_PERSON,
    MONTH_NOT_SIGNED.
    """
    if not reason.strip():
        return refuse(Reason.ROW_FAULT, "（空）", rule="重开原因不得为空", remedy="以 --reason 写明原因")
    if same := same_person(rules, origin.actor, origin.reviewer):
        return same
    if state.signed is None:
        return refuse(Reason.MONTH_NOT_SIGNED, "本月")
    return (MonthReopened(**origin._asdict(), rule=rules.name, reason=reason.strip()),)


def _may_speak(state: ReconciliationMonth, asked: Collection[UUID], known: Mapping[UUID, Known]) -> Refusal | None:
    """MONTH_SIGNED, DIFFERENCE_UNKNOWN, DIFFERENCE_ENDED: of all that are asked for, the first in this order."""
    if state.signed is not None:
        return _signed(state.signed)
    if not asked:
        rule, remedy = "须有未了的差异可办", "按 tax differences list 核对"
        return refuse(Reason.DIFFERENCE_UNKNOWN, "（无）", rule=rule, remedy=remedy)
    unknown = next((refuse(Reason.DIFFERENCE_UNKNOWN, one) for one in asked if one not in known), None)
    done = (one for one in asked if one in known and status_of(state, known[one]) in _ENDED)
    return first(unknown, next((refuse(Reason.DIFFERENCE_ENDED, one) for one in done), None))


def _signed(signed: MonthSigned) -> Refusal:
    return refuse(Reason.MONTH_SIGNED, f"签认单{signed.document}")
