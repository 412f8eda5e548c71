"""What left the treasury and what of it arrived in the 财政专户 (S4 第三章: 及时将保费收入全额划入): days and vouchers.

The treasury hands over a day's premiums in one sum, or several days' in one. A line of the account that is the sum of a
day, or of days in a row, is theirs; what is left over clears the oldest days first. What is still outstanding at a
month's end and stands in the first days of the next month's lines is cut off by the month's end, nothing more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from ledger.cap import UNDER_THE_CAP
from ledger.exchange import month_of
from ledger.reconciliation_totals import FISCAL, TAX_ITEMS, TotalDifference
from ledger.stated_totals import StatedTotal

CUTOFF_DAYS: Final = 10
"""How far into the next month a transfer of the last days is looked for."""


class Allocated(NamedTuple):
    """What was allocated to rosters under one voucher: fen and the day of arrival."""

    voucher: str
    on: date
    fen: int


class Arrival(NamedTuple):
    """A line of the account, fen in on a day."""

    day: date
    fen: int


def left_treasury(stated: Iterable[StatedTotal]) -> dict[date, int]:
    """Fen that the treasury states by day (of a range its last one): the total of all items where it states one, else
    the sum of the items.
    """
    whole: Counter[tuple[date, date]] = Counter()
    parts: Counter[tuple[date, date]] = Counter()
    for one in stated:
        if one.kind in {None, *TAX_ITEMS} and not one.county:
            sums = parts if one.kind or one.payment_type else whole
            sums[one.since, one.until] += one.fen
    found: Counter[date] = Counter()
    for days in {*whole, *parts}:
        found[days[1]] += whole[days] if days in whole else parts[days]
    return dict(sorted(found.items()))


def arrived(lines: Iterable[StatedTotal], vouchers: Iterable[str]) -> list[Arrival]:
    """What arrived from the treasury: money in of no other item, money taken back of a named one.

    Money out without an item goes to the 支出户; 政府补贴 and interest come from elsewhere, as do sums under a voucher.
    """
    known = set(vouchers)
    return [
        Arrival(one.since, one.fen)
        for one in lines
        if one.kind in {None, *TAX_ITEMS} and (one.kind or one.fen > 0) and one.reference not in known
    ]


def treasury_fiscal(
    month: date, treasury: Mapping[date, int], arrivals: Sequence[Arrival], first: date
) -> list[TotalDifference]:
    """What left the treasury in a month and has not arrived by its end, by day; or what arrived beyond it.

    `treasury` and `arrivals` reach from the month of `first`, the first day both are known of, into the next month:
    what a month cut off is no arrival of the one after it.
    """
    taken: Counter[Arrival] = Counter()
    at, found = month_of(first), _Month({}, 0, {})
    while at <= month:
        mine = Counter(one for one in arrivals if month_of(one.day) == at) - taken
        after = [one for one in arrivals if month_of(one.day) == _next(at) and one.day.day <= CUTOFF_DAYS]
        found = _settled({day: fen for day, fen in treasury.items() if month_of(day) == at}, list(mine.elements()))
        cut, taken = _cut_off(found.outstanding, after)
        found = found._replace(cut_off=cut)
        at = _next(at)
    return _differences(month, found, sum(fen for day, fen in treasury.items() if month_of(day) == month))


def in_transit(treasury: Mapping[date, int], arrivals: Sequence[Arrival]) -> dict[date, int]:
    """By day of a month on which something moved: fen that have left the treasury by then and not yet arrived."""
    days = sorted({*treasury, *(one.day for one in arrivals)})
    return {
        day: sum(fen for left, fen in treasury.items() if left <= day)
        - sum(one.fen for one in arrivals if one.day <= day)
        for day in days
    }


def by_voucher(
    month: date, allocated: Iterable[Allocated], lines: Iterable[StatedTotal], *, no_tax_side: bool
) -> list[TotalDifference]:
    """Sums allocated to rosters under a voucher less what the account's lines say of it (S2 附件1 六).

    A voucher belongs to the month in which it was allocated, or else in which the account shows it first. Where there
    is a tax side, a line under no such voucher came from the treasury; where there is none (`no_tax_side`), it is
    money in that nothing was allocated of: under its own voucher, or together with the month's others that have none.
    """
    ours: dict[str, list[Allocated]] = {}
    for one in allocated:
        ours.setdefault(one.voucher, []).append(one)
    theirs: dict[str, list[StatedTotal]] = {}
    for line in lines:
        aid = line.kind in UNDER_THE_CAP or (line.kind is None and line.fen > 0)
        told = bool(line.reference) or month_of(line.since) == month
        if line.reference in ours or (no_tax_side and aid and told):
            theirs.setdefault(line.reference, []).append(line)
    found = []
    for voucher in sorted({*ours, *theirs}):
        mine, stated = ours.get(voucher, []), theirs.get(voucher, [])
        since = min(one.on for one in mine) if mine else min(one.since for one in stated)
        left, right = sum(one.fen for one in mine), sum(one.fen for one in stated)
        if month_of(since) == month and left != right:
            category = "AMOUNT" if mine and stated else "TAX_ONLY" if mine else "AGENCY_ONLY"
            key = f"{FISCAL}|{month:%Y-%m}||||{voucher}"
            detail: dict[str, str | int | None] = {"voucher": voucher, "left": left, "right": right}
            found.append(TotalDifference(FISCAL, category, key, left - right, 0, detail))
    return found


class _Month(NamedTuple):
    """What is outstanding of a month by day, what arrived beyond all of it, and what was cut off by day."""

    outstanding: dict[date, int]
    beyond: int
    cut_off: dict[date, int]


def _settled(treasury: Mapping[date, int], arrivals: Sequence[Arrival]) -> _Month:
    outstanding = {day: fen for day, fen in sorted(treasury.items()) if fen}
    loose = 0
    for one in sorted(arrivals):
        days = _days_of(one.fen, {day: fen for day, fen in outstanding.items() if day <= one.day})
        if days:
            outstanding = {day: fen for day, fen in outstanding.items() if day not in days}
        else:
            loose += one.fen
    for day in list(outstanding):
        cleared = min(loose, outstanding[day]) if loose > 0 else 0
        loose -= cleared
        outstanding[day] -= cleared
    return _Month({day: fen for day, fen in outstanding.items() if fen}, loose, {})


def _cut_off(outstanding: Mapping[date, int], after: Sequence[Arrival]) -> tuple[dict[date, int], Counter[Arrival]]:
    """Of what is outstanding, by day, what the next month's first lines are the very sums of; and those lines."""
    rest, cut = dict(outstanding), {}
    taken: Counter[Arrival] = Counter()
    for one in sorted(after):
        days = _days_of(one.fen, rest)
        taken[one] += bool(days)
        for day in days:
            cut[day] = rest.pop(day)
    return cut, taken


def _days_of(fen: int, outstanding: Mapping[date, int]) -> list[date]:
    """The day, or the days in a row, whose sum this is; the oldest that are. Empty where there are none."""
    days = sorted(outstanding)
    for place in range(len(days)):
        total = 0
        for until in range(place, len(days)):
            total += outstanding[days[until]]
            if total == fen:
                return days[place : until + 1]
    return []


def _differences(month: date, found: _Month, left: int) -> list[TotalDifference]:
    differences = []
    for day, fen in found.outstanding.items():
        category = "CUTOFF" if day in found.cut_off else "AMOUNT"
        detail: dict[str, str | int | None] = {"treasury_on": day.isoformat(), "left": fen, "right": 0}
        differences.append(TotalDifference(FISCAL, category, f"{FISCAL}|{day}||||", fen, 0, detail))
    if found.beyond:
        category = "AMOUNT" if left else "AGENCY_ONLY"
        told: dict[str, str | int | None] = {"left": left, "right": left + found.beyond}
        key = f"{FISCAL}|{month:%Y-%m}||||"
        differences.append(TotalDifference(FISCAL, category, key, -found.beyond, 0, told))
    return differences


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
