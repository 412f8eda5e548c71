"""One row of a 补助/资助申报表 against the account, the payer's roll and the plan: everything that is wrong with it.

All faults of a row are told at once, so a village corrects its list in one round. What differs by region is a value of
its rules (`roster.*`): S0 二（二）, 附件1 一; S1 三（一）（二）; S2 三（二）（三）; S3 2、3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
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


def row_faults(
    row: Row, person: Person, kind: MoneyKind, standard: Standard | None, rules: RegionRules, year: int
) -> list[Refusal]:
    """Everything that keeps a row from being declared, but for the account's own answer (`declare_subsidy`).

    Reasons: NOT_MEMBER, PENSIONER, NOT_PAID, NOT_STANDARD, BELOW_FLOOR. A donor's aid asks for no membership, no
    standard, and does not exclude who draws a pension (S0 附件2; 附件1 一 binds collective subsidy only).
    """
    faults = []
    collective = kind is MoneyKind.COLLECTIVE_SUBSIDY
    where = f"第{row.line}行"
    if collective and not person.is_member and rules.text("roster.members", year) == "required":
        faults.append(refuse(Reason.NOT_MEMBER, where, clause=rules.citation("roster.members", year)))
    if collective and PENSIONER in person.statuses and rules.text("roster.pensioners", year) == "excluded":
        faults.append(refuse(Reason.PENSIONER, where, clause=rules.citation("roster.pensioners", year)))
    if fault := _unpaid(where, person.paid, rules, year):
        faults.append(fault)
    if standard is not None:
        due = amount_due(standard, person.paid, person.statuses)
        if due != row.fen:
            value = f"{where}{fen_to_yuan(row.fen)}元"
            rule = f"方案的补助标准为{fen_to_yuan(due)}元" if due else "方案的补助标准未列该缴费档次"
            faults.append(refuse(Reason.NOT_STANDARD, value, rule=rule))
    floor = _floor(rules, year)
    if collective and row.fen < floor:
        value, rule = f"{where}{fen_to_yuan(row.fen)}元", f"原则上不少于每人{fen_to_yuan(floor)}元/年"
        faults.append(refuse(Reason.BELOW_FLOOR, value, rule=rule, clause=rules.citation("roster.floor", year)))
    return faults


def row_notice(row: Row, rules: RegionRules, year: int) -> str:
    """What is only suggested (S3 3：建议在200元至600元五个档次中选择), empty where the row keeps to it."""
    suggested = rules.text("roster.suggested", year)
    if not suggested:
        return ""
    least, most = (yuan_to_fen(text) for text in suggested.split("-"))
    if least <= row.fen <= most:
        return ""
    return f"{fen_to_yuan(row.fen)}元不在建议的{suggested}元之内（{rules.citation('roster.suggested', year)}）"


def _floor(rules: RegionRules, year: int) -> int:
    text = rules.text("roster.floor", year)
    return yuan_to_fen(text) if text else 0


def _unpaid(where: str, paid: PaidOf, rules: RegionRules, year: int) -> Refusal | None:
    """NOT_PAID where nothing that the person paid for the year counts, with the rule that leaves it out."""
    if rules.text("roster.paid_this_year", year) != "required":
        return None
    left_out = ""
    for column, fen in zip(PaidOf._fields, paid, strict=True):
        if not fen:
            continue
        name = _COUNTS[column]
        if name is None or rules.text(name, year) == "counts":
            return None
        left_out = name
    clause = rules.citation(left_out or "roster.paid_this_year", year)
    said = {
        "roster.government_paid": "只有政府代缴",
        "roster.lump_sum": "只有一次性补缴",
        "roster.back_payment": "只有补缴",
    }
    return refuse(
        Reason.NOT_PAID, f"{where}{said.get(left_out, '')}", rule=f"须已缴纳{year}年度养老保险费", clause=clause
    )


_COUNTS: Final[dict[str, str | None]] = {
    "regular": None,
    "interrupted": "roster.back_payment",
    "lump_sum": "roster.lump_sum",
    "by_government": "roster.government_paid",
}
"""Which value of the rules says whether such a payment makes the year eligible; a regular one always does."""


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


def status_on(periods: Iterable[tuple[str, date, date | None]], day: date) -> frozenset[str]:
    """The statuses that hold on a day, from (status, first day, last day or open)."""
    return frozenset(status for status, since, until in periods if since <= day and (until is None or day <= until))
