"""The sheet 汇总 of a reconciled month: both books, day by day, the categories, the other sums, who signs.

Every difference is the side named first less the one named second; whatever nobody stated is said to be so, for it was
compared with nothing. Amounts in fen, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Final

from api.files.month_list import TYPE_WORDS, kind_word
from ledger import clock
from ledger.differences import CHINESE, Category
from ledger.exchange import TYPES, FileKind
from ledger.forms.sheet import Cell, Role, Row, lines
from ledger.money import fen_to_yuan_grouped
from ledger.reconciliation_totals import BANK, COLLECTED, COUNTY, FISCAL, TAX_ITEMS, TREASURY, Figures
from ledger.stated_totals import SOURCES, StatedTotal
from ledger.treasury_arrivals import left_treasury
from ledger.words import KINDS, MoneyKind
from projections.reconciliation_pages import TAX_AGENCY
from projections.reconciliation_report import MonthReport
from projections.reconciliation_sums import Counts, DayTotals, ItemTotals, summed
from projections.reconciliation_told import COMPARISONS

WIDTHS: Final = (14, 12, 11, 16, 11, 16, 16, 11, 16, 16)
Stated = tuple[StatedTotal, Figures]
"""What the treasury states, and ours beside it."""
_COLUMNS: Final = len(WIDTHS)
_STATED_BY: Final = {
    TREASURY: (FileKind.TREASURY,),
    FISCAL: (FileKind.FISCAL_ACCOUNT,),
    BANK: (FileKind.EXPENDITURE_ACCOUNT, FileKind.INCOME_ACCOUNT),
    COUNTY: (FileKind.COUNTY,),
    COLLECTED: (FileKind.COLLECTED,),
    "refund": (),
}
"""Whose sums each comparison needs; refunds stand in the ledger and in what the tax side sent."""


def summary_rows(report: MonthReport) -> Iterator[Row]:
    """The rows of the sheet."""
    yield (Cell(Role.TITLE, f"{report.name}社税对账月报", _COLUMNS),)
    month = f"{report.view.month:%Y年%m月}"
    made_at = report.made_at.astimezone(clock.SHANGHAI)
    yield from lines(
        [f"月份：{month}|统筹区：{report.name}（{report.pool}）|对账口径：入库日期（核定按核定日期）"], _COLUMNS
    )
    signed = "已签认" if report.view.state.signed else "未签认"
    yield from lines([f"状态：{signed}|制表时间：{made_at:%Y-%m-%d %H:%M}|金额单位：元"], _COLUMNS)
    yield from _books(report)
    yield from _categories(report)
    yield from _others(report)
    yield from _days(report)
    yield from _signatures(report)


def _section(title: str) -> Row:
    return (Cell(Role.HEADING, title, _COLUMNS),)


def _head(*names: str | tuple[str, int]) -> Row:
    return tuple(Cell(Role.HEAD, *((name,) if isinstance(name, str) else name)) for name in names)


def _figures(one: Counts) -> tuple[Cell, Cell]:
    return Cell(Role.COUNT, one.rows), Cell(Role.MONEY, one.fen)


def _less(one: Counts, other: Counts) -> Counts:
    return Counts(one.rows - other.rows, one.fen - other.fen)


# -- 一 the two books --------------------------------------------------------------------------------------------------


def _books(report: MonthReport) -> Iterator[Row]:
    """Both books by item and payment type, and what the agency has booked of what need not be approved."""
    totals = report.view.totals
    yield _section("一、两方合计（税务入库、社保应收核定）")
    yield _head("品目", "缴费类型", "税务笔数", "税务金额", "核定笔数", ("核定金额", 2), "笔数差", ("金额差", 2))

    def key(one: ItemTotals) -> tuple[int, int]:
        return one.kind, one.payment_type

    for (kind, typed), found in groupby(sorted(totals.items, key=key), key):
        group = list(found)
        tax, agency = (summed(one.tax for one in group), summed(one.agency for one in group))
        yield _book(kind_word(KINDS[kind]), TYPE_WORDS[TYPES[typed]], tax, agency)
    yield _book("无须核定", "已入账", Counts(), totals.own)
    yield _book("合计", "", totals.tax, summed((totals.agency, totals.own)))


def _book(item: str, typed: str, tax: Counts, agency: Counts) -> Row:
    less = _less(tax, agency)
    return (
        Cell(Role.LABEL, item), Cell(Role.CENTRED, typed), *_figures(tax), Cell(Role.COUNT, agency.rows),
        Cell(Role.MONEY, agency.fen, 2), Cell(Role.COUNT, less.rows), Cell(Role.MONEY, less.fen, 2),
    )  # fmt: skip


# -- 二 categories -----------------------------------------------------------------------------------------------------


def _categories(report: MonthReport) -> Iterator[Row]:
    totals, details = report.view.totals, report.details
    yield _section("二、逐笔核对（税务减核定）")
    yield _head(("类别", 3), ("笔数", 2), "笔数差", ("金额差", 2), ("其中未了", 2))
    yield _category(CHINESE[Category.MATCHED], totals.matched, Counts(), 0)
    mine = [one for one in report.explained if one.comparison == TAX_AGENCY]
    for one in mine:
        yield _category(CHINESE[one.category], one.differences, Counts(one.rows, one.fen), one.open)
    yield _category("差异合计", sum(one.differences for one in mine), details, sum(one.open for one in mine))
    yield (Cell(Role.LABEL, "差额说明"), Cell(Role.TEXT, _explanation(report), _COLUMNS - 1))
    told = f"未划入账户的缴费{totals.unallocated.rows}笔{fen_to_yuan_grouped(totals.unallocated.fen)}元（账龄见“账龄”）"
    if totals.unreadable:
        told += f"；无法读取的行{totals.unreadable}行（全部批次，不知其月份，未计入任何合计）"
    yield (Cell(Role.LABEL, "另"), Cell(Role.TEXT, told, _COLUMNS - 1))


def _category(name: str, count: int, figures: Counts, is_open: int) -> Row:
    return (
        Cell(Role.LABEL, name, 3), Cell(Role.COUNT, count, 2), Cell(Role.COUNT, figures.rows),
        Cell(Role.MONEY, figures.fen, 2), Cell(Role.COUNT, is_open, 2),
    )  # fmt: skip


def _explanation(report: MonthReport) -> str:
    """Whether the differences of single rows add up to that of the two books."""
    totals, details = report.view.totals, report.details
    whole = totals.difference
    told = (
        f"税务入库{_said(totals.tax)}，减应收核定{_said(totals.agency)}、减无须核定而已入账{_said(totals.own)}，"
        f"两方相差{_said(whole)}；逐笔差异合计{_said(details)}，"
    )
    if details == whole:
        return told + "两者相符，差额已逐笔列明。"
    return told + f"两者不符，相差{_said(_less(whole, details))}，本表不得签认。"


def _said(one: Counts) -> str:
    return f"{one.rows}笔{fen_to_yuan_grouped(one.fen)}元"


# -- 三 sums that others state -----------------------------------------------------------------------------------------


def _others(report: MonthReport) -> Iterator[Row]:
    yield _section("三、其他对比（前者减后者）")
    yield _head(("对比", 2), ("报送方及本月是否报送", 3), "所报项数", "所报净额", "差异笔数", "差额", "其中未了")
    days = report.view.totals.days
    apart = [one for one in days if one.tax != one.ledger]
    fen = sum(one.tax.fen - one.ledger.fen for one in days)
    yield (
        Cell(Role.LABEL, COMPARISONS["tax_ledger"], 2), Cell(Role.TEXT, "本账簿逐日（见四）", 3), Cell(Role.COUNT),
        Cell(Role.MONEY), Cell(Role.COUNT, len(apart)), Cell(Role.MONEY, fen), Cell(Role.CENTRED, "—"),
    )  # fmt: skip
    for comparison, sources in _STATED_BY.items():
        stated = [one for source in sources if source in report.sides for one, _ in report.sides[source].totals]
        told = "、".join(
            f"{SOURCES[source]}（{'已报' if source in report.sides and report.sides[source].totals else '未报'}）"
            for source in sources
        )
        found = [one for one in report.explained if one.comparison == comparison]
        figures = (
            Cell(Role.COUNT, sum(one.differences for one in found)), Cell(Role.MONEY, sum(one.fen for one in found)),
            Cell(Role.COUNT, sum(one.open for one in found)),
        )  # fmt: skip
        yield (
            Cell(Role.LABEL, COMPARISONS[comparison], 2),
            Cell(Role.TEXT, told or "税务退费与本账簿", 3),
            Cell(Role.COUNT, len(stated) if stated else ""),
            Cell(Role.MONEY, sum(one.fen for one in stated) if stated else ""),
            *(figures if stated or found else (Cell(Role.CENTRED, "未核对" if sources else "未列差异", 3),)),
        )


# -- 四 day by day -----------------------------------------------------------------------------------------------------


def _days(report: MonthReport) -> Iterator[Row]:
    """Tax, ledger and, where it states anything of the month, treasury side by side."""
    yield _section("四、逐日核对（税务、账簿、国库）")
    yield _head(
        "日期", "品目", "税务笔数", "税务金额", "账簿笔数", "账簿金额", "税务—账簿", "国库笔数", "国库金额", "税务—国库"
    )
    side = report.sides.get(FileKind.TREASURY)
    stated: list[Stated] = [(one, ours or Figures(0, 0)) for one, ours in side.totals] if side else []
    of_day: dict[tuple[date, MoneyKind | None], list[Stated]] = {}
    for one in stated:
        if one[0].since == one[0].until:
            of_day.setdefault((one[0].since, one[0].kind), []).append(one)
    mine = {(one.day, KINDS[one.kind]): one for one in report.view.totals.days}
    for day in sorted({*(day for day, _ in mine), *(day for day, _ in of_day)}):
        kinds = [kind for kind in KINDS if (day, kind) in mine or (day, kind) in of_day]
        for kind in kinds:
            found = mine.get((day, kind), DayTotals(day, KINDS.index(kind)))
            is_due = bool(stated) and kind in TAX_ITEMS and not any(_covers(one, day, kind) for one, _ in stated)
            yield _day(day, kind_word(kind), [found], of_day.get((day, kind), []), is_due=is_due)
        if len(kinds) != 1 or (day, None) in of_day:
            every = [mine[day, kind] for kind in kinds if (day, kind) in mine]
            yield _day(day, "当日合计", every, of_day.get((day, None), []))
    yield from (_range(*one) for one in stated if one[0].since != one[0].until)
    yield from _month_of_days(report, [one for one, _ in stated])


def _covers(one: StatedTotal, day: date, kind: MoneyKind) -> bool:
    """Whether a stated total says something of an item on a day."""
    return one.since <= day <= one.until and one.kind in {None, kind}


def _range(stated: StatedTotal, ours: Figures) -> Row:
    """What the treasury states of several days together."""
    return (
        Cell(Role.CENTRED, f"{stated.since:%m-%d}至{stated.until:%m-%d}"),
        Cell(Role.CENTRED, kind_word(stated.kind or "") or "合计"),
        Cell(Role.COUNT, ours.rows or 0), Cell(Role.MONEY, ours.fen), Cell(Role.COUNT), Cell(Role.MONEY),
        Cell(Role.MONEY), Cell(Role.COUNT, "" if stated.rows is None else stated.rows),
        Cell(Role.MONEY, stated.fen), Cell(Role.MONEY, ours.fen - stated.fen),
    )  # fmt: skip


def _month_of_days(report: MonthReport, stated: list[StatedTotal]) -> Iterator[Row]:
    """The month; what differs from the treasury is the sum of the differences told above (三)."""
    days = report.view.totals.days
    tax, ledger = summed(one.tax for one in days), summed(one.ledger for one in days)
    apart = sum(one.fen for one in report.explained if one.comparison == TREASURY)
    yield (
        Cell(Role.LABEL, "全月合计", 2), *_figures(tax), *_figures(ledger), Cell(Role.MONEY, tax.fen - ledger.fen),
        Cell(Role.COUNT), Cell(Role.MONEY, sum(left_treasury(stated).values()) if stated else ""),
        Cell(Role.MONEY, apart if stated else ""),
    )  # fmt: skip
    told = "国库本月未报，国库各栏不填，未与国库核对。"
    if stated:
        told = "国库未列的日期、品目，以税务之数为差；国库只列数日合计的，逐日不填；政府补贴来自财政，不经国库。"
    yield (Cell(Role.NOTE, told, _COLUMNS),)


def _day(day: date, item: str, mine: list[DayTotals], stated: list[Stated], *, is_due: bool = False) -> Row:
    """A line of a day; `is_due` where the treasury should have stated something and did not."""
    tax, ledger = summed(one.tax for one in mine), summed(one.ledger for one in mine)
    counts = [one.rows for one, _ in stated]
    rows: int | str = sum(one or 0 for one in counts) if counts and None not in counts else ""
    treasury = (
        (
            Cell(Role.COUNT, rows), Cell(Role.MONEY, sum(one.fen for one, _ in stated)),
            Cell(Role.MONEY, sum(ours.fen - one.fen for one, ours in stated)),
        )
        if stated
        else (Cell(Role.COUNT), Cell(Role.MONEY), Cell(Role.MONEY, tax.fen if is_due else ""))
    )  # fmt: skip
    less = Cell(Role.MONEY, tax.fen - ledger.fen)
    return (Cell(Role.DATE, day), Cell(Role.CENTRED, item), *_figures(tax), *_figures(ledger), less, *treasury)


# -- 五 signatures -----------------------------------------------------------------------------------------------------


def _signatures(report: MonthReport) -> Iterator[Row]:
    yield _section("五、签认")
    signed = report.view.state.signed
    on = report.signed_at.astimezone(clock.SHANGHAI).date() if report.signed_at else ""
    yield _signature("税务部门（盖章）", signed.tax_side if signed else "", "", on)
    yield _signature("社保经办机构（盖章）", signed.actor if signed else "", signed.reviewer if signed else "", on)
    if signed is None:
        told = f"本月尚未签认；未了差异{report.view.open}笔。"
    else:
        told = f"签认单编号：{signed.document}；以上依签认记录填写，日期为登记签认之日。"
        if report.late_rows:
            told += (
                f"签认时税务{_said(Counts(signed.tax_rows, signed.tax))}、"
                f"核定及无须核定而已入账{_said(Counts(signed.agency_rows, signed.agency))}；"
                f"签认后又到达{report.late_rows}行，以上各表已计入，须重开本月后重新签认。"
            )
    yield (Cell(Role.NOTE, told, _COLUMNS),)


def _signature(who: str, handler: str, reviewer: str, on: date | str) -> Row:
    return (
        Cell(Role.LABEL, who, 2), Cell(Role.LABEL, "经办"), Cell(Role.TEXT, handler, 2), Cell(Role.LABEL, "复核"),
        Cell(Role.TEXT, reviewer, 2), Cell(Role.LABEL, "日期"), Cell(Role.DATE, on),
    )  # fmt: skip
