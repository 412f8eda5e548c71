"""A year's interest: the resident rule, its one rounding point, and settling credited years anew.

The rule (内蒙古经办规程 第四章: 按缴入国库时间记账，从次月开始计息; elsewhere a house default marked as assumed): the
opening balance earns the whole year, money in earns from the month its event names, money out stops earning from the
month its event names, simple inside the year, capitalised on 31 December. In fen-months:

    interest = (opening · M  +  Σ in · months  −  Σ out · months) · rate / 12   M = 12, or the last month

Everything is exact integer arithmetic until the one rounding on the year's total.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec

from ledger.account_events import FenMonths
from ledger.words import KINDS, NOTHING, Amounts

NEVER_THIS_YEAR: Final = 13


class MonthEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Money of one kind with one first earning month: `from_month` 1..12, 13 when it earns nothing in its year.

    `kind` indexes `KINDS`; `incoming` is 1 for money in (and its reversal, negative), 0 for money out; `fen` is signed.
    """

    from_month: int
    kind: int
    incoming: int
    fen: int


class Rate(NamedTuple):
    """A crediting rate (记账利率) of one year as published, with the document that published it."""

    text: str
    document: str
    numerator: int
    denominator: int

    @staticmethod
    def of(text: str, document: str) -> Rate:
        """The exact rate of a decimal text such as ``"0.0262"``."""
        numerator, denominator = Decimal(text).as_integer_ratio()
        return Rate(text, document, numerator, denominator)


class YearInterest(msgspec.Struct, frozen=True, gc=False):
    """A year's interest: exact numerators, and the fen after the one rounding."""

    fen_months: FenMonths
    fen: int

    @property
    def effect(self) -> Amounts:
        """What the account gains: the interest, as one money kind."""
        return Amounts(0, 0, 0, 0, 0, self.fen)


def earning_month(interest_from: int, year: int) -> int:
    """The first earning month (1..12, or 13) inside `year` of money whose event says YYYYMM."""
    from_year, month = divmod(interest_from, 100)
    if from_year > year:
        return NEVER_THIS_YEAR
    return month if from_year == year else 1


def fen_months(opening: Amounts, entries: Iterable[MonthEntry], through_month: int = 12) -> FenMonths:
    """The 积数 of a year settled through `through_month` (1..12, inclusive)."""
    earned: list[int] | None = None
    deducted: list[int] | None = None
    last = through_month + 1
    for entry in entries:
        months = last - entry.from_month
        if months > 0:
            if entry.incoming:
                earned = earned or [0, 0, 0, 0, 0, 0]
                earned[entry.kind] += entry.fen * months
            else:
                deducted = deducted or [0, 0, 0, 0, 0, 0]
                deducted[entry.kind] += entry.fen * months
    return FenMonths(
        opening.times(through_month),
        Amounts(*earned) if earned and any(earned) else NOTHING,
        Amounts(*deducted) if deducted and any(deducted) else NOTHING,
    )


def year_interest(
    opening: Amounts, entries: Iterable[MonthEntry], rate: Rate, rounding: str, through_month: int = 12
) -> YearInterest:
    """The interest of a year from its opening balance and its entries, rounded once."""
    months = fen_months(opening, entries, through_month)
    return YearInterest(months, rounded(months.total * rate.numerator, 12 * rate.denominator, rounding))


def rounded(numerator: int, denominator: int, rounding: str) -> int:
    """`numerator/denominator` fen as whole fen. Negative figures round like their positive mirror.

    half_up 四舍五入到分 · half_even · down 舍去 · up_to_jiao 见分进角.
    """
    if numerator < 0:
        return -rounded(-numerator, denominator, rounding)
    if rounding == "half_up":
        return (2 * numerator + denominator) // (2 * denominator)
    if rounding == "half_even":
        return round(Fraction(numerator, denominator))
    if rounding == "down":
        return numerator // denominator
    if rounding == "up_to_jiao":
        return -(-numerator // (denominator * 10)) * 10
    raise ValueError(f"unknown rounding {rounding!r}")


def split_by_kind(fen: int, months: FenMonths) -> Amounts:
    """Rounded interest split over its source kinds by largest remainder (ties: the earlier kind).

    The parts sum to `fen` exactly; a report "per kind" shows this split.
    """
    weights = (months.opening + months.entries + months.deducted).by_kind()
    total = sum(weights)
    if total == 0 or fen == 0:
        return NOTHING
    floors = [fen * weight // total for weight in weights]
    remainders = [fen * weight % total for weight in weights]
    order = sorted(range(len(KINDS)), key=lambda kind: (-remainders[kind] if total > 0 else remainders[kind], kind))
    for kind in order[: fen - sum(floors)]:
        floors[kind] += 1
    return Amounts(*floors)


class Moved(NamedTuple):
    """One movement of a history as the re-settlement needs it: the year of its own date, from when it earns, what."""

    year: int
    interest_from: int
    incoming: bool
    effect: Amounts


def month_entries(movements: Iterable[Moved], year: int) -> tuple[MonthEntry, ...]:
    """The entries of `year` among `movements`, one for each money kind that moved."""
    return tuple(
        MonthEntry(earning_month(movement.interest_from, year), kind, int(movement.incoming), fen)
        for movement in movements
        if movement.year == year
        for kind, fen in enumerate(movement.effect.by_kind())
        if fen
    )


class Terms(NamedTuple):
    """On what a credited year was settled: the rate then used, the rounding, and the month it was settled through."""

    year: int
    rate: Rate
    rounding: str
    through_month: int = 12


def resettled(movements: Sequence[Moved], capitalised: int, years: Sequence[Terms]) -> list[YearInterest]:
    """Consecutive credited years settled as an undisturbed history would have them.

    `movements` is all money but interest; `capitalised` the interest (fen) of all years before the first of `years`.
    The interest of each year is capitalised into the next.
    """
    settled: list[YearInterest] = []
    for terms in years:
        opening = Amounts(interest=capitalised)
        for movement in movements:
            if movement.year < terms.year:
                opening += movement.effect
        entries = month_entries(movements, terms.year)
        interest = year_interest(opening, entries, terms.rate, terms.rounding, terms.through_month)
        capitalised += interest.fen
        settled.append(interest)
    return settled
