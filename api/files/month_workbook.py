"""The report of a reconciled month as one workbook: 汇总, 差异明细, 账龄.

Nothing in it says who anybody is, so it may lie in temporary files while it is made: however long the list, memory
stays flat.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from api.files import month_list
from api.files.month_ages import AGE_WIDTHS, age_rows
from api.files.month_summary import WIDTHS, summary_rows
from api.files.private_file import PrivateFile
from api.files.sheets import Layout, Looks, set_page, write_row
from ledger import clock
from ledger.forms.sheet import Cell, Role, Row
from projections.reconciliation_report import Listed, MonthReport

DETAILS_MAX: Final = 200_000
"""Differences that the workbook lists; the rest stand in .csv and JSON."""
_HEAD: Final = 2
"""The first line of the list's header, below its title and what it holds."""


def write_workbook(report: MonthReport, found: Iterable[Listed], path: Path, *, overwrite: bool = False) -> None:
    """Write the report; `found` are the differences to list. Raises `FileFault`."""
    with PrivateFile(path, overwrite=overwrite) as file:
        _write(report, found, file.stream)


def _write(report: MonthReport, found: Iterable[Listed], stream: Any) -> None:
    with xlsxwriter.Workbook(stream, {"constant_memory": True}) as book:
        title = f"{report.view.month:%Y-%m} 社税对账 {report.pool}"
        book.set_properties({"title": title, "created": report.made_at.replace(tzinfo=None)})
        made_at = report.made_at.astimezone(clock.SHANGHAI)
        trace = f"{report.pool} {report.view.month:%Y-%m} 日志位置 {report.view.position} 制表 {made_at:%Y-%m-%d %H:%M}"
        looks = Looks(book)
        _put(book.add_worksheet("汇总"), looks, list(summary_rows(report)), Layout(WIDTHS, None, trace, landscape=True))
        _put_list(book.add_worksheet("差异明细"), looks, report, found, trace)
        ages, head = age_rows(report)
        sheet = book.add_worksheet("账龄")
        _put(sheet, looks, ages, Layout(AGE_WIDTHS, head, trace, landscape=True))
        sheet.freeze_panes(head[1] + 1, 2)


def _put(sheet: Any, looks: Looks, rows: list[Row], layout: Layout) -> None:
    set_page(sheet, layout)
    sheet.print_area(0, 0, len(rows) - 1, len(layout.widths) - 1)
    for place, row in enumerate(rows):
        write_row(sheet, looks, place, row, layout.widths)


def _put_list(sheet: Any, looks: Looks, report: MonthReport, found: Iterable[Listed], trace: str) -> None:
    """The list, written as it is read."""
    widths = tuple(column.width for column in month_list.COLUMNS)
    bands = month_list.BANDS
    set_page(sheet, Layout(widths, (_HEAD, _HEAD + 1), trace, landscape=True, bands=bands, scale=_scale(widths, bands)))
    # The first column stands on every page; a title that began in it would be cut off on those beside the first.
    top = [(Cell(Role.LINE), Cell(role, text, bands[0] - 1)) for role, text in _tops(report)]
    for place, row in enumerate([*top, *month_list.heads()]):
        write_row(sheet, looks, place, row, widths)
    place = _HEAD + 1
    for one in found:
        place += 1
        write_row(sheet, looks, place, month_list.cells(one), widths, blanks=False)
    sheet.hide_gridlines(0)  # they stand for the frames of cells that were left out, printed too
    sheet.freeze_panes(_HEAD + 2, 1)
    sheet.autofilter(_HEAD + 1, 0, place, len(widths) - 1)
    sheet.print_area(0, 0, place, len(widths) - 1)


def _tops(report: MonthReport) -> tuple[tuple[Role, str], tuple[Role, str]]:
    return (Role.HEADING, "差异明细"), (Role.LINE, _holds(report))


def _holds(report: MonthReport) -> str:
    """What the list holds, and what it does not."""
    told = (
        f"{report.view.month:%Y年%m月}共{report.differences}笔差异；"
        "差额为税务减核定（合计为前者减后者）；不列姓名和号码"
    )
    if report.differences > DETAILS_MAX:
        told += f"；本表只列前{DETAILS_MAX}笔，其余见 tax report --csv 或 tax reconcile --json"
    return told


_INCHES: Final = 9.6
"""Of an A4 page across, between its margins, less what fonts differ."""


def _scale(widths: tuple[int, ...], bands: tuple[int, ...]) -> int:
    """The size in percent at which each part of the list fits its page, the first column standing on all of them."""
    parts = [(widths[0], *widths[max(begin, 1) : end]) for begin, end in pairwise((0, *bands, len(widths)))]
    pixels = max(sum(7 * width + 5 for width in part) for part in parts)
    return max(10, min(100, int(100 * _INCHES * 96 / pixels)))
