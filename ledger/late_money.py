"""Money dated in a year that is already credited: recorded on its own date, and the credited years settled anew.

*Right* means that every closing equals that of an undisturbed history. The account's own stream is folded, each
credited year from the first one touched is recomputed on the terms then used, and one InterestAdjusted is recorded per
year that differs. Money before the account's first credited year opens the years between, each with an
InterestCredited at the pool's rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from ledger.account import PersonalAccount, stands_incoming
from ledger.account_events import (
    AccountEvent,
    InterestAdjusted,
    InterestCredited,
    InterestEvent,
    MoneyEvent,
)
from ledger.interest import Moved, Rate, Terms, YearInterest, resettled
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.words import Amounts


class Origin(NamedTuple):
    """On whose word: handler, reviewer (where two people are needed), cause, and command id from outside."""

    actor: str
    reviewer: str = ""
    cause: str = ""
    command_id: str = ""


class CreditedYear(NamedTuple):
    """A credited year of a history: the terms last used, the interest it stands at (fen), and its date."""

    terms: Terms
    fen: int
    effective_on: date
    provisional: bool


def credited_years(history: Sequence[AccountEvent]) -> dict[int, CreditedYear]:
    """Each credited year with the terms of its latest InterestCredited or InterestAdjusted."""
    years: dict[int, CreditedYear] = {}
    for event in history:
        if isinstance(event, InterestEvent):
            terms = Terms(event.year, Rate.of(event.rate, event.rate_document), event.rounding, event.through_month)
            before = years.get(event.year)
            fen = event.effect.interest + (before.fen if before else 0)
            years[event.year] = CreditedYear(terms, fen, event.effective_on, event.provisional)
    return years


def entered_in(event: MoneyEvent) -> int:
    """The year in which money counts toward interest for the first time, or stands in the balance at its end.

    That is the year of its date; money that came late under `current_year` entered at the end of the last year then
    credited, and its `interest_from` says so.
    """
    return max(event.effective_on.year, event.interest_from // 100 - 1)


def movements(history: Sequence[AccountEvent]) -> list[Moved]:
    """All money of a history but interest."""
    return [
        Moved(entered_in(event), event.interest_from, stands_incoming(event), event.effect)
        for event in history
        if isinstance(event, MoneyEvent) and not isinstance(event, InterestEvent)
    ]


def settle_late(
    state: PersonalAccount,
    event: MoneyEvent,
    history: Sequence[AccountEvent],
    rules: RegionRules,
    origin: Origin,
) -> tuple[AccountEvent, ...] | Refusal:
    """`event` and the interest events that make every credited closing right. Reason: NO_RATE.

    `state` and `history` stand before `event`, whose year is at most `state.credited_through`.
    """
    touched = entered_in(event)
    credited = credited_years(history)
    opened: dict[int, CreditedYear] = {}
    if state.taken_over_on is None:
        for year in range(touched, min(state.first_year, state.credited_through + 1)):
            rate = rules.rate(year)
            if rate is None:
                return refuse(Reason.NO_RATE, f"{year}年度", clause=rules.citation("interest.late_entries", year))
            opened[year] = CreditedYear(Terms(year, rate, rules.rounding), 0, date(year, 12, 31), provisional=False)
    return event, *_adjustments(
        [*history, event],
        {**opened, **credited},
        touched,
        frozenset(opened),
        f"entry {state.version + 1}",
        rules,
        origin,
    )


def restate_rate(
    history: Sequence[AccountEvent], year: int, rate: Rate, rules: RegionRules, origin: Origin
) -> tuple[AccountEvent, ...]:
    """The years from `year` on settled anew with another rate for `year`; nothing where it already stands at that rate.

    The restated year always gets its InterestAdjusted, also of 0.00: it records the rate the year now stands at.
    """
    credited = credited_years(history)
    standing = credited.get(year)
    if standing is None or (standing.terms.rate.text, standing.terms.rate.document) == (rate.text, rate.document):
        return ()
    credited[year] = standing._replace(terms=standing.terms._replace(rate=rate), provisional=False)
    return _adjustments(history, credited, year, frozenset(), f"restatement {year}", rules, origin, always=year)


def _adjustments(
    history: Sequence[AccountEvent],
    credited: dict[int, CreditedYear],
    touched: int,
    opened: frozenset[int],
    because: str,
    rules: RegionRules,
    origin: Origin,
    always: int = 0,
) -> tuple[AccountEvent, ...]:
    years = [credited[year] for year in sorted(credited) if year >= touched]
    capitalised = sum(one.fen for year, one in credited.items() if year < touched)
    anew = resettled(movements(history), capitalised, [one.terms for one in years])
    events: list[AccountEvent] = []
    for one, interest in zip(years, anew, strict=True):
        if one.terms.year in opened:
            events.append(interest_credited(one.terms, interest, one.effective_on, rules, origin))
        elif interest.fen != one.fen or one.terms.year == always:
            events.append(_adjusted(one, interest, because, rules, origin))
    return tuple(events)


def interest_credited(
    terms: Terms,
    interest: YearInterest,
    effective_on: date,
    rules: RegionRules,
    origin: Origin,
    *,
    provisional: bool = False,
) -> InterestCredited:
    """The event of a settled year."""
    return InterestCredited(
        actor=origin.actor,
        reviewer=origin.reviewer,
        cause=origin.cause,
        command_id=origin.command_id,
        rule=rules.name,
        effect=Amounts(interest=interest.fen),
        effective_on=effective_on,
        year=terms.year,
        rate=terms.rate.text,
        rate_document=terms.rate.document,
        fen_months=interest.fen_months,
        rounding=terms.rounding,
        through_month=terms.through_month,
        provisional=provisional,
    )


def _adjusted(
    standing: CreditedYear, interest: YearInterest, because: str, rules: RegionRules, origin: Origin
) -> InterestAdjusted:
    anew = interest_credited(
        standing.terms, interest, standing.effective_on, rules, origin, provisional=standing.provisional
    )
    said = {**msgspec.structs.asdict(anew), "effect": Amounts(interest=interest.fen - standing.fen)}
    return InterestAdjusted(**said, before=standing.fen, after=interest.fen, because=because)
