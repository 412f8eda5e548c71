"""The sheet 账龄: what has no end yet, by category and age in working days; payments that no account has, by item."""

from __future__ import annotations

from typing import Final

from api.files.month_list import kind_word
from ledger.differences import Category
from ledger.forms.sheet import Cell, Role, Row
from projections.reconciliation_report import AGES, Aged, MonthReport
from projections.reconciliation_sums import Counts, summed
from projections.reconciliation_told import COMPARISONS, category_word

_SINCE: Final = tuple(low + 1 for low in AGES[:-1])
AGE_NAMES: Final = (
    f"0至{AGES[0]}日",
    *(f"{low}至{high}日" for low, high in zip(_SINCE, AGES[1:], strict=True)),
    f"{AGES[-1]}日以上",
)
"""What the ages are called."""
AGE_WIDTHS: Final = (18, 18, *(8, 14) * (len(AGE_NAMES) + 1))
_COLUMNS: Final = len(AGE_WIDTHS)


def age_rows(report: MonthReport) -> tuple[list[Row], tuple[int, int]]:
    """The rows of the sheet, and where its header stands."""
    month = f"{report.view.month:%Y年%m月}"
    rows: list[Row] = [
        (Cell(Role.TITLE, f"{report.name}社税对账未了事项账龄", _COLUMNS),),
        (Cell(Role.LINE, f"截至{month}（含以前各月），制表日 {report.made_on.isoformat()}；账龄为工作日", _COLUMNS),),
        (
            Cell(
                Role.NOTE,
                "未了差异自对账月份终了之日（数据其后方到的为到达之日）起算，金额按绝对值合计，正负不相抵；未划入账户的缴费自上解之日（未列的为入库之日）起算。",
                _COLUMNS,
            ),
        ),
    ]
    head = len(rows)
    rows.append(
        (
            Cell(Role.HEAD, "事项", 2),
            *(Cell(Role.HEAD, name, 2) for name in (*AGE_NAMES, "合计")),
        )
    )
    rows.append(
        (
            Cell(Role.HEAD, "对比"),
            Cell(Role.HEAD, "类别、品目"),
            *(Cell(Role.HEAD, "笔数"), Cell(Role.HEAD, "金额（元）")) * 6,
        )
    )
    rows += [_row(_compared(one), category_word(one.comparison, Category(one.what)), one.ages) for one in report.aged]
    rows.append(_total("未了差异合计", report.aged))
    rows += [_row("未划入账户", kind_word(one.what), one.ages) for one in report.unallocated]
    rows.append(_total("未划入账户合计", report.unallocated))
    return rows, (head, head + 1)


def _compared(one: Aged) -> str:
    return COMPARISONS.get(one.comparison, one.comparison)


def _row(first: str, second: str, ages: tuple[Counts, ...]) -> Row:
    return (Cell(Role.LABEL, first), Cell(Role.CENTRED, second), *_figures(ages))


def _total(name: str, found: list[Aged]) -> Row:
    ages = tuple(summed(one.ages[place] for one in found) for place in range(len(AGE_NAMES)))
    return (Cell(Role.LABEL, name, 2), *_figures(ages))


def _figures(ages: tuple[Counts, ...]) -> list[Cell]:
    return [cell for one in (*ages, summed(ages)) for cell in (Cell(Role.COUNT, one.rows), Cell(Role.MONEY, one.fen))]
