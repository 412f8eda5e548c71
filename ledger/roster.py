"""One row of a 补助/资助申报表 against the account, the payer's roll and the plan: everything that is wrong with it.

All faults of a row are told at once, so a village corrects its list in one round. What differs by region is a value of
its rules (`roster.*`): S0 二（二）, 附件1 一; S1 三（一）（二）; S2 三（二）（三）; S3 2、3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from ledger.account_events import AccountEvent, ContributionRecorded, EntryReversed
from ledger.money import fen_to_yuan, yuan_to_fen
from ledger.plan_events import Standard
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.words import MoneyKind

PENSIONER: Final = "pensioner"
"""The status of a person who draws the pension."""
GROUPS: Final = {
    "minimum_living": "低保对象",
    "extreme_poverty": "特困人员",
    "returned_to_poverty": "返贫致贫人口",
    "severe_disability": "重度残疾人",
}
"""缴费困难群体 that a standard may name (S2 附件2 二); the list is open there, and grows here."""
ROWS_MAX: Final = 5_000
"""Rows of a roster at most: it is recorded whole, and a larger organisation declares several."""


class Row(NamedTuple):
    """A row that is well by itself: its line, whom it means, and the amount (fen)."""

    line: int
    account: bytes
    fen: int


class PaidOf(NamedTuple):
    """What a person paid for one year, by what it can make eligible (fen; reversed entries are gone)."""

    regular: int = 0
    interrupted: int = 0
    lump_sum: int = 0
    by_government: int = 0


class Person(NamedTuple):
    """What the checks ask of a person: paid this year, on the payer's roll, and which statuses held on the day."""

    paid: PaidOf
    is_member: bool
    statuses: frozenset[str]


def paid_in(events: Iterable[tuple[int, AccountEvent]], year: int) -> PaidOf:
    """What an account's events (with their versions, in order) say was paid for `year` (费款所属期)."""
    found: dict[int, tuple[str, int]] = {}
    for version, event in events:
        if isinstance(event, ContributionRecorded) and event.year == year:
            column = "by_government" if event.effect.government_paid else _COLUMNS[event.payment_type]
            found[version] = (column, event.effect.total)
        elif isinstance(event, EntryReversed):
            found.pop(event.reverses, None)
    sums: dict[str, int] = {}
    for column, fen in found.values():
        sums[column] = sums.get(column, 0) + fen
    return PaidOf(**sums)


_COLUMNS: Final = {
    "regular": "regular",
    "interrupted": "interrupted",
    "unspecified": "interrupted",
    "lump_sum": "lump_sum",
}
"""Which figure of `PaidOf` a payment type counts to."""


def amount_due(standard: Standard, paid: PaidOf, statuses: frozenset[str]) -> int | None:
    """What the plan's standard gives a person (fen); None where it gives nothing for such a tier.

    A group's own amount holds before the general standard, the highest of several groups; a share is of the person's
    own contribution of the year, rounded half-up to the fen.
    """
    groups = [fen for group, fen in standard.groups.items() if group in statuses]
    if groups:
        return max(groups)
    own = paid.regular + paid.interrupted
    if standard.flat:
        return standard.flat
    if standard.share:
        return int((own * Decimal(standard.share)).quantize(Decimal(1), ROUND_HALF_UP)) or None
    return next((tier.fen for tier in standard.tiers if tier.from_fen <= own <= tier.to_fen), None)


class RowRules(NamedTuple):
    """What the rules in force ask of the rows of a roster of `year`: looked up once, asked of each row.

    `counted` are the figures of `PaidOf` that make the year eligible, empty where nobody need have paid; `floor` and
    `suggested` in fen. A donor's aid asks for no membership and no standard, and does not exclude who draws a pension
    (S0 附件2; 附件1 一 binds collective subsidy only).
    """

    rules: RegionRules
    year: int
    standard: Standard | None
    members_only: bool
    no_pensioners: bool
    counted: tuple[str, ...]
    floor: int
    suggested: tuple[int, int] | None

    @staticmethod
    def of(rules: RegionRules, kind: MoneyKind, standard: Standard, year: int) -> RowRules:
        """Those of one roster."""
        collective = kind is MoneyKind.COLLECTIVE_SUBSIDY
        paid = rules.text("roster.paid_this_year", year) == "required"
        counted = tuple(
            column for column, name in _COUNTS.items() if name is None or rules.text(name, year) == "counts"
        )
        floor, suggested = rules.text("roster.floor", year), rules.text("roster.suggested", year)
        least, _, most = suggested.partition("-")
        return RowRules(
            rules,
            year,
            standard if collective else None,
            collective and rules.text("roster.members", year) == "required",
            collective and rules.text("roster.pensioners", year) == "excluded",
            counted if paid else (),
            yuan_to_fen(floor) if floor and collective else 0,
            (yuan_to_fen(least), yuan_to_fen(most)) if suggested else None,
        )

    def faults(self, row: Row, person: Person) -> list[Refusal]:
        """Everything that keeps a row from being declared, but for the account's own answer (`declare_subsidy`).

        Reasons: NOT_MEMBER, PENSIONER, NOT_PAID, NOT_STANDARD, BELOW_FLOOR.
        """
        faults = []
        if self.members_only and not person.is_member:
            faults.append(refuse(Reason.NOT_MEMBER, _line(row), clause=self._clause("roster.members")))
        if self.no_pensioners and PENSIONER in person.statuses:
            faults.append(refuse(Reason.PENSIONER, _line(row), clause=self._clause("roster.pensioners")))
        if self.counted and not any(getattr(person.paid, column) for column in self.counted):
            faults.append(self._unpaid(row, person.paid))
        if self.standard is not None:
            due = amount_due(self.standard, person.paid, person.statuses)
            if due != row.fen:
                rule = f"方案的补助标准为{fen_to_yuan(due)}元" if due else "方案的补助标准未列该缴费档次"
                faults.append(refuse(Reason.NOT_STANDARD, f"{_line(row)}{fen_to_yuan(row.fen)}元", rule=rule))
        if row.fen < self.floor:
            value, rule = f"{_line(row)}{fen_to_yuan(row.fen)}元", f"原则上不少于每人{fen_to_yuan(self.floor)}元/年"
            faults.append(refuse(Reason.BELOW_FLOOR, value, rule=rule, clause=self._clause("roster.floor")))
        return faults

    def notice(self, row: Row) -> str:
        """What is only suggested (S3 3：建议在200元至600元五个档次中选择), empty where the row keeps to it."""
        if self.suggested is None or self.suggested[0] <= row.fen <= self.suggested[1]:
            return ""
        least, most = map(fen_to_yuan, self.suggested)
        return f"{fen_to_yuan(row.fen)}元不在建议的{least}元至{most}元之内（{self._clause('roster.suggested')}）"

    def _unpaid(self, row: Row, paid: PaidOf) -> Refusal:
        """NOT_PAID, with the rule that leaves out what was paid."""
        left_out = next((_COUNTS[column] for column in reversed(PaidOf._fields) if getattr(paid, column)), None)
        value = f"{_line(row)}{_LEFT_OUT.get(left_out or '', '')}"
        clause = self._clause(left_out or "roster.paid_this_year")
        return refuse(Reason.NOT_PAID, value, rule=f"须已缴纳{self.year}年度养老保险费", clause=clause)

    def _clause(self, name: str) -> str:
        return self.rules.citation(name, self.year)


def _line(row: Row) -> str:
    return f"第{row.line}行"


_COUNTS: Final[dict[str, str | None]] = {
    "regular": None,
    "interrupted": "roster.back_payment",
    "lump_sum": "roster.lump_sum",
    "by_government": "roster.government_paid",
}
"""Which value of the rules says whether such a payment makes the year eligible; a regular one always does."""
_LEFT_OUT: Final = {
    "roster.government_paid": "只有政府代缴",
    "roster.lump_sum": "只有一次性补缴",
    "roster.back_payment": "只有补缴",
}


def twice(rows: Sequence[Row]) -> dict[int, int]:
    """The lines that name an account a second time, with the line of the first."""
    first: dict[bytes, int] = {}
    found = {}
    for row in rows:
        if row.account in first:
            found[row.line] = first[row.account]
        else:
            first[row.account] = row.line
    return found
