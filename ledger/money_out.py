"""Money that leaves an account while it lives on, and money that arrives from another pool: 养老金, 退费, 转入.

What leaves is taken from every money kind pro rata, but for the refund of a payment, which is taken from the kind that
was paid; what arrives keeps its kinds. Ending an account is `leave`, which settles its interest first.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from ledger.account import PersonalAccount
from ledger.account_decisions import NEEDS_HISTORY, Asked, Decided, Past, first_month, is_late, is_reversed
from ledger.account_events import BenefitPaid, PaymentEvent, Refunded, TransferredIn
from ledger.interest import earning_month
from ledger.late_money import Origin
from ledger.money import fen_to_yuan
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.words import CHINESE, KINDS, Amounts, MoneyKind


def apportioned(fen: int, balance: Amounts) -> Amounts:
    """`fen` taken from a balance over its kinds pro rata, by largest remainder (ties: the earlier kind)."""
    parts = balance.by_kind()
    total = sum(parts)
    floors = [fen * part // total for part in parts]
    order = sorted(range(len(parts)), key=lambda kind: (-(fen * parts[kind] % total), kind))
    for kind in order[: fen - sum(floors)]:
        floors[kind] += 1
    return Amounts(*floors)


def available(state: PersonalAccount, on: date, rules: RegionRules) -> int:
    """What may be paid out on a day, in fen: no later balance may be overdrawn either."""
    stops = first_month(rules, "interest.debit_month", on)
    return min(state.lowest_from(on.year, earning_month(stops, on.year)), state.balance.total)


def kind_of(payment: PaymentEvent) -> MoneyKind:
    """The one kind of money that a payment brought."""
    return next(kind for kind in KINDS if payment.effect.of(kind))


def available_of(state: PersonalAccount, kind: MoneyKind, on: date, rules: RegionRules) -> int:
    """What of one kind may be paid out on a day, in fen: as `available`, of this kind alone."""
    stops = first_month(rules, "interest.debit_month", on)
    return min(state.lowest_from(on.year, earning_month(stops, on.year), kind), state.balance.of(kind))


def pay_out(
    state: PersonalAccount,
    kind: type[BenefitPaid] | type[Refunded],
    fen: int,
    on: date,
    rules: RegionRules,
    origin: Origin,
    today: date,
    reason: str = "",
) -> Decided:
    """个人账户养老金 or 退费 out of the balance, apportioned over its kinds. Reasons: AMOUNT, DATE, ACCOUNT_CLOSED."""
    if fault := _payable(state, fen, on, rules, today):
        return fault
    said = _said(apportioned(fen, state.balance), on, rules, origin)
    return (Refunded(**said, reason=reason) if kind is Refunded else BenefitPaid(**said),)


def refund_entry(
    state: PersonalAccount,
    version: int,
    fen: int,
    on: date,
    rules: RegionRules,
    origin: Origin,
    today: date,
    reason: str,
    history: Past = None,
) -> Asked:
    """退费 of the payment recorded as `version`, out of the kind that was paid; interest and other kinds stay.

    Reasons: NOTHING_TO_REFUND, ALREADY_REVERSED, AMOUNT, DATE, ACCOUNT_CLOSED.
    """
    if history is None:
        return NEEDS_HISTORY
    entry = history[version - 1] if 0 < version <= len(history) else None
    if not isinstance(entry, PaymentEvent):
        return refuse(Reason.NOTHING_TO_REFUND, f"第{version}号记录", rule="只退还记为缴费的一笔")
    if is_reversed(history, version):
        return refuse(Reason.ALREADY_REVERSED, f"第{version}号记录", rule="已冲正或撤销的缴费不再退费")
    if fault := _payable(state, fen, on, rules, today):
        return fault
    kind = kind_of(entry)
    most = available_of(state, kind, on, rules)
    if fen > most:
        return refuse(
            Reason.AMOUNT,
            f"{fen_to_yuan(fen)}元",
            rule=f"退费从所缴的{CHINESE[kind]}中支出，不得超过账户当时起所存该项的{fen_to_yuan(most)}元",
            remedy="核对该项已支付的部分；其余由两部门核对后另行办理",
        )
    return (Refunded(**_said(Amounts.only(kind, fen), on, rules, origin), reason=reason),)


def _payable(state: PersonalAccount, fen: int, on: date, rules: RegionRules, today: date) -> Refusal | None:
    """Why so much may not leave the account on a day."""
    most = available(state, on, rules)
    if not 0 < fen <= most:
        return refuse(
            Reason.AMOUNT,
            f"{fen_to_yuan(fen)}元",
            rule=f"支付金额须大于零且不超过当时起的余额{fen_to_yuan(most)}元",
        )
    if on > today:
        return refuse(Reason.DATE, on.isoformat(), rule="支付日期不得晚于今日")
    if 0 < on.year <= state.credited_through:
        return refuse(Reason.DATE, on.isoformat(), rule=f"{state.credited_through}年度已结息，支付须记入其后年度")
    if state.closed:
        return refuse(Reason.ACCOUNT_CLOSED, "已注销或转出")
    return None


def _said(paid: Amounts, on: date, rules: RegionRules, origin: Origin) -> dict[str, Any]:
    """What the event of a payment out says."""
    return {
        **origin._asdict(),
        "rule": rules.name,
        "effect": paid.times(-1),
        "effective_on": on,
        "year": on.year,
        "interest_from": first_month(rules, "interest.debit_month", on),
    }


def receive_transfer(
    state: PersonalAccount,
    effect: Amounts,
    on: date,
    rules: RegionRules,
    origin: Origin,
    today: date,
    sender: str,
    document: str,
) -> Decided:
    """转入: a balance arrives and keeps its kinds. Reasons: AMOUNT, DATE, ACCOUNT_CLOSED."""
    if any(fen < 0 for fen in effect.by_kind()) or effect.total <= 0:
        return refuse(Reason.AMOUNT, fen_to_yuan(effect.total), rule="转入金额各项不得为负，合计须大于零")
    if on > today:
        return refuse(Reason.DATE, on.isoformat(), rule="转入日期不得晚于今日")
    if is_late(state, on.year):
        return refuse(Reason.DATE, on.isoformat(), rule=f"{state.credited_through}年度已结息，转入须记入其后年度")
    if state.closed:
        return refuse(Reason.ACCOUNT_CLOSED, "已注销或转出")
    return (
        TransferredIn(
            **origin._asdict(), rule=rules.name, effect=effect, effective_on=on, year=on.year,
            interest_from=first_month(rules, "interest.start_month.contribution", on), origin=sender, document=document,
        ),
    )  # fmt: skip
