"""A second, naive model of one account. It shares no code with the product, only the words.

It keeps a list of movements and nothing else. A reversed movement is struck out, as if it had never been; a late one is
put where its date says. Interest is worked out from scratch each time by the other road:

    interest(Y) = rate(Y) / 12 · Σ over months of the balance at the start of the month

with the months of Y up to the last one counted, exact fractions, and one rounding half-up to the fen. Interest already
worked out for earlier years is part of the balance from 1 January on. That is the whole rule.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import floor

KIND_NAMES = (
    "contribution",
    "government_paid",
    "collective_subsidy",
    "social_aid",
    "government_subsidy",
    "interest",
)
Kinds = tuple[int, ...]
ZERO: Kinds = (0, 0, 0, 0, 0, 0)
AID = {"collective_subsidy", "social_aid"}


@dataclass
class Movement:
    """Money of one day by kind; `out` when it left the account, `period` for the cap, `struck` when reversed."""

    on: date
    kinds: Kinds
    period: int = 0
    what: str = "payment"
    struck: bool = False


@dataclass
class NaiveAccount:
    """What the account should hold."""

    rates: dict[int, Fraction]
    caps: dict[int, int]
    movements: list[Movement] = field(default_factory=list)
    credited: dict[int, int] = field(default_factory=dict)
    """Each credited year with the last month it was settled through."""
    final_rates: dict[int, Fraction] = field(default_factory=dict)
    """Rates a year was settled at on leaving, where its own was not published."""
    left_on: date | None = None

    # What it holds.

    def standing(self) -> list[Movement]:
        """The movements of the history as it should have been."""
        return [one for one in self.movements if not one.struck]

    def interest(self) -> dict[int, int]:
        """The interest (fen) of every credited year, from scratch."""
        if not self.credited:
            return {}
        first = min(self.credited)
        at_start = 0
        by_month: dict[tuple[int, int], int] = {}
        for one in self.standing():
            fen = sum(one.kinds)
            if one.on.year < first:
                at_start += fen
            else:
                by_month[one.on.year, one.on.month] = by_month.get((one.on.year, one.on.month), 0) + fen
        found: dict[int, int] = {}
        balance = at_start
        for year in range(first, max(self.credited) + 1):
            starts = 0
            for month in range(1, 13):
                if month <= self.credited.get(year, 0):
                    starts += balance
                balance += by_month.get((year, month), 0)
            if year in self.credited:
                rate = self.final_rates[year] if year in self.final_rates else self.rates[year]
                found[year] = half_up(rate * starts / 12)
                balance += found[year]
        return found

    def closings(self) -> dict[int, Kinds]:
        """The balance by kind at the end of every credited year."""
        interest = self.interest()
        return {year: self._on(date(year, 12, 31), interest) for year in interest}

    def balance(self) -> Kinds:
        """The balance by kind after everything recorded."""
        return self._on(date.max, self.interest())

    def lowest(self, since: date) -> int:
        """The lowest balance at the end of a month, from that of `since` on (interest as far as it is credited)."""
        interest = self.interest()
        days = sorted({since, *(one.on for one in self.standing() if one.on > since)})
        ends = {date(day.year, day.month, monthrange(day.year, day.month)[1]) for day in days}
        return min(sum(self._on(day, interest)) for day in ends)

    def _on(self, day: date, interest: dict[int, int]) -> Kinds:
        total = list(ZERO)
        for one in self.standing():
            if one.on <= day:
                for kind, fen in enumerate(one.kinds):
                    total[kind] += fen
        total[5] += sum(fen for year, fen in interest.items() if date(year, 12, 31) <= day)
        return tuple(total)

    def aid_of(self, period: int) -> int:
        """Collective subsidy and social aid of a period year that stands."""
        return sum(one.kinds[2] + one.kinds[3] for one in self.standing() if one.what == "aid" and one.period == period)

    # What may not happen to it: every reason that holds; any of them may be told.

    def taken_over(self) -> Movement | None:
        """The taken-over balance that stands."""
        return next((one for one in self.standing() if one.what == "taken over"), None)

    def last_credited(self) -> int:
        """The last credited year; 0 when none is."""
        return max(self.credited, default=0)

    def faults_of_money_in(self, on: date, what: str, kinds: Kinds, period: int) -> set[str]:
        """A payment."""
        return holding(
            ("ACCOUNT_CLOSED", self.left_on is not None),
            ("DATE", self._taken_over_on(on)),
            ("NO_RATE", any(year not in self.rates for year in self.opened_by(on.year))),
            ("NO_CAP", what == "aid" and period not in self.caps),
            ("OVER_CAP", what == "aid" and self.aid_of(period) + sum(kinds) > self.caps.get(period, 10**9)),
        )

    def opened_by(self, year: int) -> Iterator[int]:
        """The years that money of `year` opens before the first credited one."""
        if self.credited and self.taken_over() is None:
            yield from range(year, min(self.credited))

    def open(self, year: int) -> None:
        """Money of `year` was recorded late: the years it opens are credited with it."""
        for opened in list(self.opened_by(year)):
            self.credited[opened] = 12

    def faults_of_taking_over(self) -> set[str]:
        """A taken-over balance comes first, once."""
        return holding(
            ("ACCOUNT_CLOSED", self.left_on is not None),
            ("DATE", bool(self.credited) or bool(self.standing())),
        )

    def faults_of_reversing(self, number: int | None) -> set[str]:
        """`number` is the place of the movement, None for an event that is none."""
        if number is None:
            return {"NOTHING_TO_REVERSE"}
        movement = self.movements[number]
        if movement.what == "left":
            return {"NOTHING_TO_REVERSE"}
        if movement.struck:
            return {"ALREADY_REVERSED"}
        if self.left_on is not None:
            return {"ACCOUNT_CLOSED"}
        movement.struck = True
        left = self.lowest(date(self.last_credited() or 1990, 12, 31))
        movement.struck = False
        return {"AMOUNT"} if left < 0 else set()

    def faults_of_leaving(self, on: date) -> set[str]:
        """The account ends in an open year, not before its last money."""
        later = any((one.on.year, one.on.month) > (on.year, on.month) for one in self.standing())
        return holding(
            ("ACCOUNT_CLOSED", self.left_on is not None),
            ("DATE", on.year <= self.last_credited() or later or self._taken_over_on(on)),
            ("NO_RATE", any(self.leaving_rate(year) is None for year in self.years_with_money(on.year))),
        )

    def years_with_money(self, until: int) -> range:
        """The years not credited yet, from the first in which there is something to earn."""
        return range(max(self.last_credited() + 1, min(self.first_earning_year(), until + 1)), until + 1)

    def first_earning_year(self) -> int:
        """The year of the first money that stands, or the one after a taken-over balance."""
        return min((one.on.year + (one.what == "taken over") for one in self.standing()), default=9999)

    def _taken_over_on(self, day: date) -> bool:
        taken = self.taken_over()
        return taken is not None and day <= taken.on

    def faults_of_paying_out(self, fen: int, on: date) -> set[str]:
        """Pension and refund come out of what is there, in a year that is open."""
        return holding(
            ("ACCOUNT_CLOSED", self.left_on is not None),
            ("AMOUNT", not 0 < fen <= self.lowest(on)),
            ("DATE", on.year <= self.last_credited() or self._taken_over_on(on)),
        )

    def faults_of_receiving(self, on: date) -> set[str]:
        """A transfer comes into an open year."""
        return self.faults_of_paying_out(1, on) - {"AMOUNT"}

    def faults_of_crediting(self, year: int, this_year: int) -> set[str]:
        """A year once, in order, when it has ended and has a rate."""
        return holding(
            ("ACCOUNT_CLOSED", self.left_on is not None),
            ("YEAR_NOT_ENDED", year >= this_year),
            ("ALREADY_CREDITED", year in self.credited),
            ("NO_RATE", year not in self.rates),
        )

    def leaving_rate(self, year: int) -> Fraction | None:
        """The year's rate, or the last one published before it."""
        known = [one for one in self.rates if one <= year]
        return self.rates[max(known)] if known else None


def holding(*reasons: tuple[str, bool]) -> set[str]:
    """The reasons that hold."""
    return {reason for reason, holds in reasons if holds}


def half_up(exact: Fraction) -> int:
    """四舍五入 of fen, the same for both signs."""
    return floor(exact + Fraction(1, 2)) if exact >= 0 else -floor(-exact + Fraction(1, 2))


def shares(fen: int, balance: Kinds) -> Kinds:
    """`fen` over the kinds of a balance pro rata: whole fen first, the rest to the largest fractions."""
    total = sum(balance)
    exact = [Fraction(fen * kind, total) for kind in balance]
    whole = [floor(one) for one in exact]
    missing = fen - sum(whole)
    by_fraction = sorted(range(6), key=lambda kind: (whole[kind] - exact[kind], kind))
    for kind in by_fraction[:missing]:
        whole[kind] += 1
    return tuple(whole)
