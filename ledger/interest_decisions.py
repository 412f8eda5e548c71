"""When interest is credited: a year after it has ended, or up to the month in which an account leaves.

内蒙古经办规程 第四章 (结息年度 1 January to 31 December, settled after its end) and 第七章 (结息处理 before transfer);
the months counted on leaving and what happens without a published rate are parameters.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from ledger.account import PersonalAccount, evolve
from ledger.account_decisions import Decided
from ledger.account_events import AccountClosed, AccountEvent, InterestCredited, TransferredOut
from ledger.interest import Rate, Terms, year_interest
from ledger.late_money import Origin, interest_credited
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules, same_person


def credit_interest(
    state: PersonalAccount, year: int, rules: RegionRules, origin: Origin, today: date
) -> tuple[InterestCredited, ...] | Refusal:
    """The interest of `year` for one account; nothing where the account has no money in it.

    Reasons: ACCOUNT_CLOSED, YEAR_NOT_ENDED, ALREADY_CREDITED, EARLIER_YEAR_OPEN, NO_RATE.
    """
    if state.closed:
        return refuse(Reason.ACCOUNT_CLOSED, "已注销或转出")
    if not state.first_year or state.first_year > year:
        return ()
    if year >= today.year:
        return may_credit(year, rules, today) or ()
    if state.credited_through >= year:
        return refuse(Reason.ALREADY_CREDITED, f"已结息至{state.credited_through}年度")
    if state.credited_through < year - 1:
        return refuse(Reason.EARLIER_YEAR_OPEN, f"{state.credited_through + 1}年度尚未结息")
    terms = rules.terms(year)
    if terms is None:
        return may_credit(year, rules, today) or ()
    interest = year_interest(state.opening, state.entries_of(year), terms.rate, terms.rounding)
    return (interest_credited(terms, interest, year_end(year), rules, origin),)


def may_credit(year: int, rules: RegionRules, today: date) -> Refusal | None:
    """Whether a year may be credited at all. Reasons: YEAR_NOT_ENDED, NO_RATE."""
    if year >= today.year:
        return refuse(Reason.YEAR_NOT_ENDED, f"{year}年度", clause=rules.citation("interest.settlement", year))
    if rules.rate(year) is None:
        return refuse(Reason.NO_RATE, f"{year}年度", clause=rules.citation("interest.settlement", year))
    return None


@cache
def year_end(year: int) -> date:
    """31 December, on which interest of the year and its adjustments are effective."""
    return date(year, 12, 31)


def settle_leaving(state: PersonalAccount, on: date, rules: RegionRules, origin: Origin) -> Decided:
    """Interest of every open year up to the month of `on` (or the month before, by `interest.closing_month`).

    A year whose rate is not published is settled at the last published one and marked provisional, or refused with
    NO_RATE, by `interest.unpublished_rate`. Reason DATE: the year of `on` is credited already.
    """
    if state.first_year and on.year <= state.credited_through:
        return refuse(Reason.DATE, on.isoformat(), rule=f"{state.credited_through}年度已结息，终结日期须在其后")
    events: list[AccountEvent] = []
    last_month = on.month if rules.text("interest.closing_month", on.year) == "included" else on.month - 1
    for year in range(state.credited_through + 1 if state.first_year else on.year + 1, on.year + 1):
        rate = _rate_for_leaving(year, rules)
        if isinstance(rate, Refusal):
            return rate
        terms = Terms(year, rate, rules.rounding, 12 if year < on.year else last_month)
        interest = year_interest(state.opening, state.entries_of(year), rate, rules.rounding, terms.through_month)
        day = on if year == on.year else year_end(year)
        event = interest_credited(terms, interest, day, rules, origin, provisional=rules.rate(year) is None)
        events.append(event)
        state = evolve(state, event)
    return tuple(events)


def _rate_for_leaving(year: int, rules: RegionRules) -> Rate | Refusal:
    rate = rules.rate(year)
    if rate is None and rules.text("interest.unpublished_rate", year) == "last_published":
        rate = rules.last_rate_before(year)
    return rate or refuse(Reason.NO_RATE, f"{year}年度", clause=rules.citation("interest.unpublished_rate", year))


def _moved_after(state: PersonalAccount, on: date) -> bool:
    """Whether money is dated in a month after that of `on`: it first counts in the month after its own, at the latest.

    Days inside a month are not in the state, so money of the same month passes.
    """
    if not state.years:
        return False
    last = state.years[-1]
    return (last.year, last.entries[-1].from_month) > (on.year, on.month + 1)


def leave(
    state: PersonalAccount,
    on: date,
    rules: RegionRules,
    origin: Origin,
    today: date,
    *,
    reason: str = "",
    to: str = "",
    document: str = "",
) -> Decided:
    """注销, or 转出 where `to` names the receiving pool or scheme: interest is settled and the whole balance leaves.

    Reasons: SAME_PERSON, DATE, NO_RATE, ACCOUNT_CLOSED.
    """
    if same := same_person(rules, origin.actor, origin.reviewer):
        return same
    if on > today:
        return refuse(Reason.DATE, on.isoformat(), rule="终结日期不得晚于今日")
    if _moved_after(state, on):
        return refuse(Reason.DATE, on.isoformat(), rule=f"账户在{state.years[-1].year}年度已有款项，终结日期不得更早")
    if state.closed:
        return refuse(Reason.ACCOUNT_CLOSED, "已注销或转出")
    settled = settle_leaving(state, on, rules, origin)
    if isinstance(settled, Refusal):
        return settled
    for event in settled:
        state = evolve(state, event)
    said: dict[str, Any] = {
        **origin._asdict(),
        "rule": rules.name,
        "effect": state.balance.times(-1),
        "effective_on": on,
        "year": on.year,
    }
    end = TransferredOut(**said, to=to, document=document) if to else AccountClosed(**said, reason=reason)
    return *settled, end
