"""总额对账 with those who only state sums: how their sums of a month differ from ours, and from each other.

A difference is the left side less the right side of its comparison's name (fen, rows):

- `tax_treasury`: the rows of 缴费明细 we received, by treasury entry, less what the treasury states;
- `treasury_fiscal`: what the treasury states less what arrived in the 财政专户 (S4 第三章: 全额划入), or, for a roster
  paid there in one sum (S2), what was allocated under a voucher less what the account's lines say of that voucher;
- `agency_bank`: what the ledger paid out less what left the 支出户; of the 收入户 the balance itself, which is to be
  zero at the month's end (S4 第八章);
- `pool_county`: the pool's rows of a county less what the county states;
- `collected`: what the tax side counts of 集体补助 and 社会资助 (S3 五（四）) less the rows we received.

Category: AMOUNT where both sides say something, AGENCY_ONLY where only the ledger's side (in `treasury_fiscal` the
account's) does, TAX_ONLY where only the other one does; in `tax_treasury` our rows are the tax side's. CUTOFF where the
next month's lines show that it arrived. Where nobody states anything of a month there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from ledger.cap import UNDER_THE_CAP
from ledger.stated_totals import BUSINESS, Business, StatedTotal
from ledger.words import MoneyKind

TAX_ITEMS: Final = (
    MoneyKind.CONTRIBUTION,
    MoneyKind.GOVERNMENT_PAID,
    MoneyKind.COLLECTIVE_SUBSIDY,
    MoneyKind.SOCIAL_AID,
)
"""What comes through tax and treasury. 政府补贴 comes from finance, and is in no sum that does not name it."""

TREASURY: Final = "tax_treasury"
FISCAL: Final = "treasury_fiscal"
BANK: Final = "agency_bank"
COUNTY: Final = "pool_county"
COLLECTED: Final = "collected"


class TotalDifference(NamedTuple):
    """One difference: `key` names it for ever and holds no amount; `detail` has both figures (fen)."""

    comparison: str
    category: str
    key: str
    fen: int
    rows: int
    detail: dict[str, str | int | None]


class Cell(NamedTuple):
    """Our rows of one day, item, payment type and county: net count and net fen. No county: of nobody known."""

    day: date
    kind: MoneyKind
    payment_type: str
    county: str
    rows: int
    fen: int


class Figures(NamedTuple):
    """A count (None where none was stated) and fen."""

    rows: int | None
    fen: int

    @property
    def is_something(self) -> bool:
        """Whether there is anything at all."""
        return bool(self.fen or self.rows)


class Sums:
    """Our rows of a month, by day, for those who ask for the sum under a stated total."""

    def __init__(self, cells: Iterable[Cell], items: Sequence[MoneyKind] = TAX_ITEMS) -> None:
        self._items = frozenset(items)
        self._days: dict[date, list[Cell]] = {}
        for cell in cells:
            self._days.setdefault(cell.day, []).append(cell)
        self._told: set[Cell] = set()

    def under(self, stated: StatedTotal) -> Figures:
        """What we have under a stated total; it is told with that."""
        rows = fen = 0
        for day in (day for day in self._days if stated.since <= day <= stated.until):
            for cell in self._days[day]:
                if self._is_under(cell, stated):
                    self._told.add(cell)
                    rows, fen = rows + cell.rows, fen + cell.fen
        return Figures(rows, fen)

    def untold(self) -> list[Cell]:
        """What no stated total has covered."""
        cells = (cell for day in sorted(self._days) for cell in self._days[day])
        return [cell for cell in cells if cell.kind in self._items and cell not in self._told]

    def _is_under(self, cell: Cell, stated: StatedTotal) -> bool:
        named = cell.kind is stated.kind if stated.kind else cell.kind in self._items
        return named and stated.payment_type in {"", cell.payment_type} and stated.county in {"", cell.county}


def tax_treasury(stated: Sequence[StatedTotal], received: Iterable[Cell]) -> list[TotalDifference]:
    """Our rows against each of the treasury's totals, and the days (and items, where it states items) it says nothing
    of.
    """
    by_item = any(one.kind for one in stated)
    sums = Sums(received)
    found = [_against(TREASURY, one, sums.under(one), ours_is_tax=True) for one in stated]
    if stated:
        rest = _grouped(sums.untold(), lambda cell: (cell.day, cell.kind if by_item else None, ""))
        found += [
            _one_sided(TREASURY, "TAX_ONLY", _key(TREASURY, day, day, kind), 1, figures)
            for (day, kind, _), figures in rest.items()
        ]
    return _told(found)


def pool_county(month: date, stated: Sequence[StatedTotal], ours: Iterable[Cell]) -> list[TotalDifference]:
    """Each county's totals against the pool's rows of it; then what no county states, by county and item.

    So the counties' sums and these differences make the pool's sum: rows of persons whom nobody knows have no county.
    """
    sums = Sums(ours)
    found = [_against(COUNTY, one, sums.under(one)) for one in stated]
    if stated:
        rest = _grouped(sums.untold(), lambda cell: (month, cell.kind, cell.county))
        found += [
            _one_sided(COUNTY, "AGENCY_ONLY", _key(COUNTY, month, None, kind, county=county), 1, figures)
            for (_, kind, county), figures in rest.items()
        ]
    return _told(found)


def collected(month: date, stated: Sequence[StatedTotal], received: Iterable[Cell]) -> list[TotalDifference]:
    """The tax side's counts of subsidies and aid against the rows we received of them, and what it says nothing of."""
    sums = Sums(received, UNDER_THE_CAP)
    found = [_against(COLLECTED, one, sums.under(one), sign=-1) for one in stated]
    if stated:
        rest = _grouped(sums.untold(), lambda cell: (month, cell.kind, ""))
        found += [
            _one_sided(COLLECTED, "AGENCY_ONLY", _key(COLLECTED, month, None, kind), -1, figures)
            for (_, kind, _), figures in rest.items()
        ]
    return _told(found)


def agency_bank(month: date, stated: Sequence[StatedTotal], paid: Mapping[Business, Figures]) -> list[TotalDifference]:
    """What the ledger paid out of accounts in a month against what left the 支出户, net of what came back there.

    By business where every line out says one, else in one sum. What is paid for anything else than out of accounts
    (基础养老金) is left out; what comes in without a business is money from the 财政专户.
    """
    out = [one for one in stated if one.fen < 0 or one.business is not None]
    if not stated:
        return []
    if all(one.business is not None for one in out):
        groups: list[tuple[str, Sequence[Business]]] = [(one, (one,)) for one in BUSINESS if one is not Business.OTHER]
    else:
        groups = [("", tuple(Business))]
    found = []
    for name, of in groups:
        mine = [paid[one] for one in of if one in paid]
        theirs = [one for one in out if (one.business in of if name else one.business is not Business.OTHER)]
        ours = Figures(sum(one.rows or 0 for one in mine), sum(one.fen for one in mine))
        bank = Figures(None, -sum(one.fen for one in theirs))
        key = _key(BANK, month, None, None, reference=name or "all")
        found.append(_difference(BANK, key, ours, bank, only=("AGENCY_ONLY", "TAX_ONLY")))
    return _told(found)


def income_account(month: date, lines: Iterable[StatedTotal]) -> list[TotalDifference]:
    """The balance of the 收入户 at a month's end, of all its lines up to then: 原则上月末无余额."""
    balance = sum(one.fen for one in lines)
    key = _key(BANK, month, None, None, reference="income_account")
    detail: dict[str, str | int | None] = {"account": "income", "balance": balance}
    return [TotalDifference(BANK, "AMOUNT", key, balance, 0, detail)] if balance else []


# -- how a difference is made ------------------------------------------------------------------------------------------


def _against(
    comparison: str, stated: StatedTotal, ours: Figures, *, sign: int = 1, ours_is_tax: bool = False
) -> TotalDifference | None:
    """Ours less theirs, or (sign −1) theirs less ours; a count is compared where one was stated."""
    theirs = Figures(stated.rows, stated.fen)
    key = _key(
        comparison, stated.since, stated.until, stated.kind, stated.payment_type, stated.county, stated.reference
    )
    ours_alone, theirs_alone = ("TAX_ONLY", "AGENCY_ONLY") if ours_is_tax else ("AGENCY_ONLY", "TAX_ONLY")
    if sign < 0:
        return _difference(comparison, key, theirs, ours, only=(theirs_alone, ours_alone))
    return _difference(comparison, key, ours, theirs, only=(ours_alone, theirs_alone))


def _difference(
    comparison: str, key: str, left: Figures, right: Figures, *, only: tuple[str, str]
) -> TotalDifference | None:
    """The difference of two sides, None where there is none; `only` are the categories of one side alone."""
    rows = left.rows - right.rows if left.rows is not None and right.rows is not None else 0
    fen = left.fen - right.fen
    if not (fen or rows):
        return None
    category = "AMOUNT"
    if not right.is_something:
        category = only[0]
    elif not left.is_something:
        category = only[1]
    detail = {"left_rows": left.rows, "left": left.fen, "right_rows": right.rows, "right": right.fen}
    return TotalDifference(comparison, category, key, fen, rows, dict(detail))


def _one_sided(comparison: str, category: str, key: str, sign: int, figures: Figures) -> TotalDifference | None:
    nothing = Figures(None, 0)
    left, right = (figures, nothing) if sign > 0 else (nothing, figures)
    if not figures.is_something:
        return None
    detail = {"left_rows": left.rows, "left": left.fen, "right_rows": right.rows, "right": right.fen}
    return TotalDifference(comparison, category, key, sign * figures.fen, sign * (figures.rows or 0), dict(detail))


Group = tuple[date, MoneyKind | None, str]
GroupOf = Callable[[Cell], Group]


def _grouped(cells: Iterable[Cell], of: GroupOf) -> dict[Group, Figures]:
    found: dict[Group, Figures] = {}
    for cell in cells:
        before = found.get(of(cell), Figures(0, 0))
        found[of(cell)] = Figures((before.rows or 0) + cell.rows, before.fen + cell.fen)
    return found


def _key(
    comparison: str,
    since: date,
    until: date | None,
    kind: MoneyKind | None,
    payment_type: str = "",
    county: str = "",
    reference: str = "",
) -> str:
    """The name of a difference: its comparison, day, range or month, item, payment type, county and voucher."""
    days = f"{since:%Y-%m}" if until is None else f"{since}" if since == until else f"{since}/{until}"
    return "|".join((comparison, days, kind or "", payment_type, county, reference))


def _told(found: Iterable[TotalDifference | None]) -> list[TotalDifference]:
    return [one for one in found if one is not None]
