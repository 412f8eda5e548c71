"""A form on a sheet, ready to print: A4, framed table, its header on every page, page numbers, nothing a formula.

Texts are written as texts and amounts as numbers of yuan with two decimals, so a name that begins with `=` stays a name
and a column can still be added up. The file appears whole or not at all, and only its owner can read it: it holds
citizen numbers.
"""

from __future__ import annotations

import io
import unicodedata
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from api.files.private_file import PrivateFile
from ledger.forms.sheet import Cell, Form, Role
from ledger.money import fen_to_yuan

_FONT: Final = "宋体"
_POINTS: Final = {Role.TITLE: 16, Role.NOTE: 9, Role.HEADING: 12, Role.PARAGRAPH: 12, Role.BOX: 12, Role.END: 12}
_PLAIN_POINTS: Final = 11
_FRAMED: Final = frozenset({Role.HEAD, Role.LABEL, Role.TEXT, Role.CENTRED, Role.NUMBER, Role.MONEY, Role.COUNT})
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
    Role.BOX: {"align": "left"},
}


def write_form(form: Form, path: Path, made_at: datetime, *, overwrite: bool = False) -> None:
    """Lay a form out and write it. Raises `FileFault` where the file is there already, or cannot be written."""
    written = _workbook(form, made_at)
    with PrivateFile(path, overwrite=overwrite) as file:
        file.write(written)


def _workbook(form: Form, made_at: datetime) -> bytes:
    """The bytes of the workbook; made in memory, for temporary files would hold what the sheet holds."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        book.set_properties({"title": form.title, "created": made_at.replace(tzinfo=None)})
        sheet = book.add_worksheet("表")
        _set_page(sheet, form)
        looks = _Looks(book)
        for place, row in enumerate(form.rows):
            _write_row(sheet, looks, form, place, row)
        _set_choices(sheet, form)
    return stream.getvalue()


class _Looks:
    """The formats of a workbook, made once each."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[Any, ...], Any] = {}

    def of(self, role: Role, *, top: bool = True, bottom: bool = True) -> Any:
        key = (role, top, bottom)
        if key not in self._made:
            look = {
                "font_name": _FONT, "font_size": _POINTS.get(role, _PLAIN_POINTS), "valign": "vcenter",
                "text_wrap": True, **_LOOK[role],
            }  # fmt: skip
            if role in _FRAMED:
                look["border"] = 1
            if role is Role.BOX:
                look |= {"left": 1, "right": 1, "top": int(top), "bottom": int(bottom)}
            self._made[key] = self._book.add_format(look)
        return self._made[key]


def _set_page(sheet: Any, form: Form) -> None:
    for column, width in enumerate(form.widths):
        sheet.set_column(column, column, width)
    sheet.set_paper(9)
    sheet.set_margins(**_MARGINS)
    sheet.center_horizontally()
    sheet.fit_to_pages(1, 0)
    sheet.print_area(0, 0, len(form.rows) - 1, len(form.widths) - 1)
    sheet.hide_gridlines(2)
    if form.head is not None:
        sheet.repeat_rows(form.head)
    sheet.ignore_errors({"number_stored_as_text": "A1:Z99999"})
    sheet.set_footer(f"&L&8{form.trace.replace('&', '&&')}&R&9第 &P 页 共 &N 页")


def _write_row(sheet: Any, looks: _Looks, form: Form, place: int, row: tuple[Cell, ...]) -> None:
    sheet.set_row(place, _height(form, row))
    column = 0
    for cell in row:
        if cell.role is not Role.COVERED:
            _write_cell(sheet, looks.of(cell.role, **_ends(form, place, cell)), place, column, cell)
        column += cell.span


def _ends(form: Form, place: int, cell: Cell) -> dict[str, bool]:
    """Whether a line of a box is its first and its last."""
    if cell.role is not Role.BOX:
        return {}
    neighbours = [form.rows[one][0].role if 0 <= one < len(form.rows) else None for one in (place - 1, place + 1)]
    return {"top": neighbours[0] is not Role.BOX, "bottom": neighbours[1] is not Role.BOX}


def _write_cell(sheet: Any, look: Any, row: int, column: int, cell: Cell) -> None:
    """One cell, merged where it takes several. Texts as texts: nothing in them is a formula, a link or a number."""
    if cell.span > 1 or cell.down > 1:
        sheet.merge_range(row, column, row + cell.down - 1, column + cell.span - 1, "", look)
    if cell.value == "":
        sheet.write_blank(row, column, None, look)
    elif isinstance(cell.value, str):
        sheet.write_string(row, column, _shown(cell), look)
    elif cell.role is Role.MONEY and abs(cell.value) < _FLOAT_FEN_MAX:
        sheet.write_number(row, column, cell.value / 100, look)
    elif cell.role is Role.MONEY:
        sheet.write_string(row, column, fen_to_yuan(cell.value), look)
    else:
        sheet.write_number(row, column, cell.value, look)


def _height(form: Form, row: tuple[Cell, ...]) -> float:
    """Tall enough for the longest text: merged cells do not grow by themselves."""
    lines, column, points = 1, 0, _PLAIN_POINTS
    for cell in row:
        room = sum(form.widths[column : column + cell.span])
        points = max(points, _POINTS.get(cell.role, _PLAIN_POINTS))
        if isinstance(cell.value, str) and cell.down == 1:
            wide = room * _PLAIN_POINTS / _POINTS.get(cell.role, _PLAIN_POINTS) - 2
            lines = max(lines, ceil(_width(_shown(cell)) / wide))
        column += cell.span
    return min(409, points * (1.5 * lines + 0.6))


def _shown(cell: Cell) -> str:
    text = str(cell.value)
    return _INDENT + text if cell.role is Role.PARAGRAPH else text


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in text)


def _set_choices(sheet: Any, form: Form) -> None:
    """What may be filled into an empty form: words of a list; a citizen number as text of its length."""
    if not form.choices or form.body is None:
        return
    first, last = form.body
    for choice in form.choices:
        rule: dict[str, Any] = (
            {"validate": "list", "source": list(choice.words), "error_title": "取值有误",
             "error_message": f"请选择：{'、'.join(choice.words)}"}
            if choice.words
            else {"validate": "length", "criteria": "between", "minimum": 15, "maximum": 18, "error_title": "号码有误",
                  "error_message": "公民身份号码为18位（或原15位），请按文本填写", "input_title": "公民身份号码",
                  "input_message": "本列为文本格式，请填写完整号码"}
        )  # fmt: skip
        sheet.data_validation(first, choice.column, last, choice.column, rule)
