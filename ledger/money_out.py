"""Money that leaves an account while it lives on, and money that arrives from another pool: 养老金, 退费, 转入.

What leaves is taken from every money kind pro rata; what arrives keeps its kinds. Ending an account is `leave`, which
settles its interest first.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from ledger.account import PersonalAccount
from ledger.account_decisions import Decided, first_month, is_late
from ledger.account_events import BenefitPaid, Refunded, TransferredIn
from ledger.interest import earning_month
from ledger.late_money import Origin
from ledger.money import fen_to_yuan
from ledger.refusals import Reason, refuse
from ledger.region_rules import RegionRules
from ledger.words import Amounts


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
    said: dict[str, Any] = {
        **origin._asdict(),
        "rule": rules.name,
        "effect": apportioned(fen, state.balance).times(-1),
        "effective_on": on,
        "year": on.year,
        "interest_from": first_month(rules, "interest.debit_month", on),
    }
    return (Refunded(**said, reason=reason) if kind is Refunded else BenefitPaid(**said),)


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
