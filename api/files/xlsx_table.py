"""Reading the first sheet of an .xlsx with python-calamine, after its size was measured.

The reader holds the whole sheet as one rectangle in memory (1.3 GB at a million rows; one stray cell in the last corner
is enough for more). So the sheet's last row and last column are measured first, streaming, with flat memory.

Numbers arrive as floats. A citizen number or a serial typed as a number has lost its digits in the spreadsheet already,
so in the columns the caller calls text such a number is a fault; others become the decimal text the spreadsheet shows,
15 significant digits at most. Cells with an error (`#N/A`) arrive empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from api.files.table_header import (
    HEADER_ROWS,
    Columns,
    FileFault,
    Header,
    Row,
    RowFault,
    RowFaultKind,
    find_header,
    no_header,
    repeated_or_scaled,
)
from api.files.xlsx_extent import measure_sheet
from api.files.xlsx_form import Form, look_at_form, sheets_with

MAX_ROWS: Final = 200_000
MAX_CELLS: Final = 12_000_000
"""Limits of what the reader may load: data rows, and the rectangle up to the last row and column (about 60 columns)."""

_SAVE_AS_CSV: Final = "请在电子表格软件中另存为“CSV UTF-8（逗号分隔）”后再导入"
_LOST: Final = "（数字格式）"
"""Stands for a number above the rows that has lost digits: whoever looks for one there finds that it cannot be read."""
_EXACT_INTEGERS: Final = 2**53
_TEXT_DIGITS: Final = 15

Cell = str | float | bool | date | datetime | time | timedelta


def open_xlsx(path: Path, columns: Columns, text_columns: Sequence[str]) -> tuple[Header, int, partial[Iterator[Row]]]:
    """The header of the first sheet, about how many rows follow it, and what makes a fresh pass over the rows.

    Raises `FileFault`: not an .xlsx, encrypted, damaged, larger than 1 GiB unpacked, over 200,000 rows, an empty
    sheet, a missing or repeated column; of a form also what its readers do not see.
    """
    extent = measure_sheet(path)
    if not extent.last_row:
        raise FileFault("第一个工作表是空的", path.name, "请把数据放在第一个工作表，并核对是否选错了文件")
    if extent.last_row > MAX_ROWS + HEADER_ROWS:
        raise FileFault(f"工作表有 {extent.last_row:,} 行，.xlsx 至多 {MAX_ROWS:,} 行", path.name, _SAVE_AS_CSV)
    if extent.last_row * extent.last_column > MAX_CELLS:
        what = f"工作表范围过大（{extent.last_row:,} 行 × {extent.last_column:,} 列）"
        raise FileFault(what, path.name, f"请删去表格右侧和下方的零星内容，或{_SAVE_AS_CSV.removeprefix('请')}")
    with _readable(path):
        workbook = CalamineWorkbook.from_path(path)
        sheet = workbook.get_sheet_by_index(0)
        header = _header(path, workbook, sheet, columns)
        form = look_at_form(path, workbook, sheet, header, columns, extent.last_row) if columns.typed else None
    as_text = frozenset(place for place, name in enumerate(columns.names) if name in text_columns)
    return header, max(extent.last_row - header.line, 0), partial(_rows, sheet, header, columns, as_text, form)


def cell_text(cell: Cell) -> str:
    """A cell as text: shortest decimal without exponent, ISO dates (midnight left out), 是 or 否."""
    match cell:
        case str():
            return cell.strip()
        case bool():
            return "是" if cell else "否"
        case int() | float():
            return _number_text(cell)
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="seconds")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)


def digits_lost(number: float) -> bool:
    """Whether a number in a text column may not be what was typed: 2**53 and above, or 15 significant digits."""
    if abs(number) >= _EXACT_INTEGERS:
        return True
    return len(_number_text(abs(number)).replace(".", "").lstrip("0")) >= _TEXT_DIGITS


def _number_text(number: float) -> str:
    """`39` of 39.0, `0.1` of 0.1: whole numbers exactly, others as spreadsheets show them, to 15 digits."""
    if not isfinite(number):
        return str(number)
    if number == int(number):
        return str(int(number))
    return f"{Decimal(f'{number:.15g}'):f}"


def _rows(
    sheet: CalamineSheet, header: Header, columns: Columns, as_text: frozenset[int], form: Form | None
) -> Iterator[Row]:
    """All rows after the header. Blank rows are passed over, but keep their numbers."""
    typed = [place for place, name in enumerate(columns.names) if name in columns.typed]
    for line, row in enumerate(sheet.iter_rows(), 1):
        if line <= header.line or not any(cell not in ("", None) for cell in row):
            continue
        wanted = [row[place] if place is not None else "" for place in header.places]
        cells = [cell.strip() if type(cell) is str else cell_text(cell) for cell in wanted]
        fault = _lost(wanted, columns, as_text) or _extra(row, header)
        if form and not fault:
            fault = form.fault(line, [cells[place] for place in typed])
        if fault or any(cells) or any(cell_text(cell) for cell in row):
            yield line, cells, fault


def _lost(wanted: Sequence[Cell], columns: Columns, as_text: frozenset[int]) -> RowFault | None:
    for place in as_text:
        if _has_lost(wanted[place]):
            text = f"“{columns.names[place]}”列是数字格式，长号码的末几位已丢失；请把该列设为文本格式后重新录入"
            return RowFault(RowFaultKind.DIGITS_LOST, text)
    return None


def _has_lost(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and digits_lost(cell)


def _extra(row: Sequence[Cell], header: Header) -> RowFault | None:
    if any(cell_text(cell) for cell in row[header.width :]):
        text = f"该行的单元格多于表头的 {header.width} 列；请删去表格右侧的零星内容，或为该列加上列名"
        return RowFault(RowFaultKind.EXTRA_CELLS, text)
    return None


def _header(path: Path, workbook: CalamineWorkbook, sheet: CalamineSheet, columns: Columns) -> Header:
    first = []
    for line, row in enumerate(sheet.iter_rows(), 1):
        if line > HEADER_ROWS:
            break
        first.append((line, [_LOST if _has_lost(cell) else cell_text(cell) for cell in row]))
    header, missing = find_header(first, columns)
    if header is None:
        if columns.typed and (others := sheets_with(path, workbook, columns)):
            what = f"第一个工作表中没有表头，第{others[0]}个工作表中有"
            raise FileFault(what, path.name, "请把申报的工作表移到第一个，并删去其他工作表")
        raise no_header(path.name, missing, columns)
    if fault := repeated_or_scaled(dict(first), path.name, header.line, columns):
        raise fault
    return header


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What the reader cannot read, as a fault of the file."""
    try:
        yield
    except (CalamineError, OSError, ValueError) as error:
        raise FileFault("工作簿无法读取，可能已损坏", path.name, _SAVE_AS_CSV) from error
