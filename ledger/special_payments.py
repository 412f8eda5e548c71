"""特殊缴费业务 (中断补缴, 一次性补缴): approved by the agency, paid at tax, fed back when it entered the treasury.

内蒙古自治区…经办规程 第三章: the person asks the agency, which approves; 特殊缴费业务核定 goes to the tax side, and the
特殊缴费业务入库反馈 comes back. Amounts in fen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from ledger.money import fen_to_yuan
from ledger.refusals import Reason, Refusal, refuse

SPECIAL_TYPES: Final = ("interrupted", "lump_sum")
"""The payment types that need an approval before they are paid."""


class Approved(NamedTuple):
    """An approved receivable that was not withdrawn, of a special type."""

    number: str
    participant: UUID
    period: int
    payment_type: str
    fen: int
    approved_on: date


class Feedback(NamedTuple):
    """What the tax side feeds back of one: what entered the treasury, when, under which voucher."""

    number: str
    participant: UUID
    period: int
    payment_type: str
    fen: int
    treasury_on: date
    voucher: str


def check_feedback(said: Feedback, approved: Sequence[Approved], known: Feedback | None, today: date) -> Refusal | None:
    """Whether a feedback is that of an approved payment. `approved` are those of its number and person.

    `known` is what was fed back for the same number, person and year before: the same again is no fault. Reasons, in
    this order: NOT_APPROVED, KIND, PERIOD, AMOUNT, DATE, SERIAL_CONFLICT.
    """
    if not approved:
        return refuse(Reason.NOT_APPROVED, f"应收核定编号 {said.number}")
    typed = [one for one in approved if one.payment_type == said.payment_type]
    if not typed:
        return refuse(Reason.KIND, "“缴费类型”", rule="缴费类型须与核定的一致", remedy="与税务部门核对缴费类型")
    of_year = [one for one in typed if one.period == said.period]
    if not of_year:
        years = "、".join(sorted({str(one.period) for one in typed}))
        return refuse(Reason.PERIOD, said.period, rule=f"费款所属期须为核定的年度（{years}）")
    due = sum(one.fen for one in of_year)
    if said.fen != due:
        return refuse(Reason.AMOUNT, f"{fen_to_yuan(said.fen)}元", rule=f"实缴金额须与核定的{fen_to_yuan(due)}元一致")
    if not min(one.approved_on for one in of_year) <= said.treasury_on <= today:
        return refuse(Reason.DATE, said.treasury_on.isoformat(), rule="入库日期不得早于核定日期或晚于今日")
    if known is not None and known != said:
        return refuse(
            Reason.SERIAL_CONFLICT,
            f"应收核定编号 {said.number}",
            rule="同一应收核定、同一人、同一年度的入库反馈须一致",
            remedy="与税务部门核对，确有重复缴费的办理退费",
        )
    return None
