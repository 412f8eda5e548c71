"""Sheets ready to print, whatever stands on them: A4, framed table, its header on every page, nothing a formula.

Texts are written as texts, days as days and amounts as numbers of yuan with two decimals, so a text that begins with
`=` stays a text and a column can still be added up.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from math import ceil
from typing import Any, Final, NamedTuple

from ledger.forms.sheet import Cell, Role, Row
from ledger.money import fen_to_yuan

_FONT: Final = "宋体"
_POINTS: Final = {Role.TITLE: 16, Role.NOTE: 9, Role.HEADING: 12, Role.PARAGRAPH: 12, Role.BOX: 12, Role.END: 12}
_PLAIN_POINTS: Final = 11
_FRAMED: Final = frozenset(
    {Role.HEAD, Role.LABEL, Role.TEXT, Role.CENTRED, Role.NUMBER, Role.MONEY, Role.COUNT, Role.DATE}
)
_MARGINS: Final = {"left": 0.6, "right": 0.6, "top": 0.7, "bottom": 0.7}
_INDENT: Final = "　　"
"""Before a paragraph, as letters are written."""
_FLOAT_FEN_MAX: Final = 10**15
"""Below it a number of yuan with two decimals is exact in a spreadsheet."""
_LOOK: Final[dict[Role, dict[str, Any]]] = {
    Role.TITLE: {"bold": True, "align": "center"},
    Role.LINE: {"align": "left"},
    Role.PARAGRAPH: {"align": "left"},
    Role.HEADING: {"align": "left", "bold": True},
    Role.END: {"align": "right"},
    Role.NOTE: {"align": "left"},
    Role.HEAD: {"align": "center", "bold": True},
    Role.LABEL: {"align": "center"},
    Role.TEXT: {"align": "left", "indent": 1},
    Role.CENTRED: {"align": "center"},
    Role.NUMBER: {"align": "center", "num_format": "@"},
    Role.MONEY: {"align": "right", "indent": 1, "num_format": "#,##0.00"},
    Role.COUNT: {"align": "center", "num_format": "0"},
    Role.DATE: {"align": "center", "num_format": "yyyy-mm-dd"},
    Role.BOX: {"align": "left"},
}


class Layout(NamedTuple):
    """How a sheet is laid out: the widths of its columns, its header (first and last row), its footer, its paper.

    `bands` are the columns with which a page begins where the table is too wide for one; then the first column is
    repeated, and `scale` is the size in percent.
    """

    widths: tuple[int, ...]
    head: tuple[int, int] | None = None
    trace: str = ""
    landscape: bool = False
    bands: tuple[int, ...] = ()
    scale: int = 100


class Looks:
    """The formats of a workbook, made once each."""

    def __init__(self, book: Any, points: int = _PLAIN_POINTS) -> None:
        self._book = book
        self._points = points
        self._made: dict[tuple[Any, ...], Any] = {}

    def of(self, role: Role, *, top: bool = True, bottom: bool = True) -> Any:
        """The format of a role; `top` and `bottom` whether a line of a box is its first and its last."""
        key = (role, top, bottom)
        if key not in self._made:
            look = {
                "font_name": _FONT, "font_size": _POINTS.get(role, self._points), "valign": "vcenter",
                "text_wrap": True, **_LOOK[role],
            }  # fmt: skip
            if role in _FRAMED:
                look["border"] = 1
            if role is Role.BOX:
                look |= {"left": 1, "right": 1, "top": int(top), "bottom": int(bottom)}
            self._made[key] = self._book.add_format(look)
        return self._made[key]


def set_page(sheet: Any, layout: Layout) -> None:
    """Widths, paper and what stands on every page."""
    for column, width in enumerate(layout.widths):
        sheet.set_column(column, column, width)
    sheet.set_paper(9)
    sheet.set_margins(**_MARGINS)
    sheet.hide_gridlines(2)
    if layout.landscape:
        sheet.set_landscape()
    if layout.bands:
        sheet.print_across()
        sheet.set_print_scale(layout.scale)
        sheet.set_v_pagebreaks(list(layout.bands))
        sheet.repeat_columns(0, 0)
    else:
        sheet.center_horizontally()
        sheet.fit_to_pages(1, 0)
    if layout.head is not None:
        sheet.repeat_rows(*layout.head)
    sheet.ignore_errors({"number_stored_as_text": "A1:AZ1048576"})
    sheet.set_footer(f"&L&8 {layout.trace.replace('&', '&&')}&R&9第 &P 页 共 &N 页")


def write_row(
    sheet: Any,
    looks: Looks,
    place: int,
    row: Row,
    widths: tuple[int, ...],
    box: tuple[bool, bool] = (True, True),
    *,
    blanks: bool = True,
) -> None:
    """One row, tall enough for its texts; `box` says whether a line of a box is its first and its last.

    Without `blanks` an empty cell is left out, its frame with it: of a long list they are half of the work.
    """
    sheet.set_row(place, _height(widths, row))
    column = 0
    for cell in row:
        if cell.role is Role.BOX:
            _write_cell(sheet, looks.of(cell.role, top=box[0], bottom=box[1]), place, column, cell)
        elif cell.role is not Role.COVERED and (blanks or cell.value != ""):
            _write_cell(sheet, looks.of(cell.role), place, column, cell)
        column += cell.span


def _write_cell(sheet: Any, look: Any, row: int, column: int, cell: Cell) -> None:
    """One cell, merged where it takes several. Texts as texts: nothing in them is a formula, a link or a number."""
    value = cell.value
    if cell.span > 1 or cell.down > 1:
        sheet.merge_range(row, column, row + cell.down - 1, column + cell.span - 1, "", look)
    if value == "":
        sheet.write_blank(row, column, None, look)
    elif isinstance(value, str):
        sheet.write_string(row, column, _shown(cell), look)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, look)
    elif cell.role is Role.MONEY and abs(value) < _FLOAT_FEN_MAX:
        sheet.write_number(row, column, value / 100, look)
    elif cell.role is Role.MONEY:
        sheet.write_string(row, column, fen_to_yuan(value), look)
    else:
        sheet.write_number(row, column, value, look)


def _height(widths: tuple[int, ...], row: Row) -> float:
    """Tall enough for the longest text: merged cells do not grow by themselves."""
    lines, column, points = 1, 0, _PLAIN_POINTS
    for cell in row:
        room = sum(widths[column : column + cell.span])
        points = max(points, _POINTS.get(cell.role, _PLAIN_POINTS))
        if cell.value and isinstance(cell.value, str) and cell.down == 1:
            wide = room * _PLAIN_POINTS / _POINTS.get(cell.role, _PLAIN_POINTS) - 2
            lines = max(lines, ceil(_width(_shown(cell)) / wide))
        column += cell.span
    return min(409, points * (1.5 * lines + 0.6))


def _shown(cell: Cell) -> str:
    text = str(cell.value)
    return _INDENT + text if cell.role is Role.PARAGRAPH else text


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in text)
