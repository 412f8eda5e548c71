"""What an interest run did, in figures that a query of the log gives again."""

from __future__ import annotations

from fractions import Fraction

import msgspec
from msgspec.structs import astuple

from ledger.account_events import FenMonths
from ledger.interest import split_by_kind
from ledger.refusals import Reason
from ledger.words import NOTHING, Amounts

Credited = tuple[str, int, int, FenMonths]
"""One account credited: where it belongs, its balance after the interest, the interest and its numerators (fen)."""


class CountyFigures(msgspec.Struct):
    """The figures of one county: accounts credited, balance before, interest (fen)."""

    accounts: int = 0
    before: int = 0
    interest: int = 0

    def join(self, other: CountyFigures) -> None:
        """The figures of other accounts of the county, too."""
        self.accounts += other.accounts
        self.before += other.before
        self.interest += other.interest

    def take_back(self, other: CountyFigures) -> None:
        """The figures without those accounts."""
        self.accounts -= other.accounts
        self.before -= other.before
        self.interest -= other.interest


class InterestReport(msgspec.Struct, kw_only=True):
    """The figures of one run. Amounts in fen; `fen_months` sums the exact numerators of the credited accounts."""

    pool: str
    year: int
    rate: str
    rate_document: str
    dry_run: bool = False
    credited: int = 0
    already_credited: int = 0
    waiting: int = 0
    without_money: int = 0
    closed: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    before: int = 0
    interest: int = 0
    fen_months: Amounts = NOTHING
    counties: dict[str, CountyFigures] = msgspec.field(default_factory=dict)

    @property
    def after(self) -> int:
        """before + interest (fen)."""
        return self.before + self.interest

    @property
    def unrounded(self) -> Fraction:
        """The exact sum of the accounts' interest in fen, before each was rounded."""
        return self.fen_months.total * Fraction(self.rate) / 12

    @property
    def by_kind(self) -> Amounts:
        """The interest by the money kind it was earned on: the exact numerators' split, by largest remainder."""
        return split_by_kind(self.interest, FenMonths(self.fen_months))

    def count(self, reason: Reason) -> None:
        """One account that was not credited."""
        if reason is Reason.ALREADY_CREDITED:
            self.already_credited += 1
        elif reason is Reason.EARLIER_YEAR_OPEN:
            self.waiting += 1
        elif reason is Reason.ACCOUNT_CLOSED:
            self.closed += 1
        else:
            self.refused[reason] = self.refused.get(reason, 0) + 1

    def join(self, other: InterestReport) -> None:
        """Take the figures of other accounts of the run in."""
        self.credited += other.credited
        self.already_credited += other.already_credited
        self.waiting += other.waiting
        self.without_money += other.without_money
        self.closed += other.closed
        for reason, accounts in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + accounts
        self.before += other.before
        self.interest += other.interest
        self.fen_months += other.fen_months
        for county, figures in other.counties.items():
            self.counties.setdefault(county, CountyFigures()).join(figures)

    def take_back(self, moved: list[Credited]) -> None:
        """Leave accounts out again that moved before they could be recorded."""
        report = InterestReport(pool=self.pool, year=self.year, rate=self.rate, rate_document=self.rate_document)
        report.add(moved)
        self.credited -= report.credited
        self.before -= report.before
        self.interest -= report.interest
        self.fen_months += report.fen_months.times(-1)
        for county, figures in report.counties.items():
            self.counties[county].take_back(figures)
            if not self.counties[county].accounts:
                del self.counties[county]

    def add(self, recorded: list[Credited]) -> None:
        """Take a page's credited accounts in. Column by column: this runs once for every account of a pool."""
        if not recorded:
            return
        divisions, afters, interests, fen_months = zip(*recorded, strict=True)
        interest = sum(interests)
        self.credited += len(recorded)
        self.interest += interest
        self.before += sum(afters) - interest
        self._add_months([months.opening for months in fen_months])
        for part in ("entries", "deducted"):
            self._add_months([amounts for months in fen_months if (amounts := getattr(months, part)) is not NOTHING])
        counties: dict[str, CountyFigures] = {}
        for division, after, credited in zip(divisions, afters, interests, strict=True):
            figures = counties.get(division)
            if figures is None:
                figures = counties[division] = self.counties.setdefault(county_of(division), CountyFigures())
            figures.accounts += 1
            figures.before += after - credited
            figures.interest += credited

    def _add_months(self, months: list[Amounts]) -> None:
        if months:
            self.fen_months += Amounts(*map(sum, zip(*map(astuple, months), strict=True)))


def county_of(division: str) -> str:
    """The county's code in a village's: pool.county.township.village."""
    return ".".join(division.split(".")[:2])
