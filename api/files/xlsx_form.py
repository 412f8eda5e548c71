"""A form that people fill in, print and sign, against the .xlsx it comes as: what they see is what is read.

A spreadsheet shows its readers other things than its file holds, and money must not follow what nobody saw. A formula's
result in the file may be from before the last change, or missing; of merged cells only the first holds anything; a
hidden row, column or sheet is read like any other; and of several sheets only the first is read. Each is told with its
row, or with the file where it concerns all rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from api.files.table_header import (
    HEADER_ROWS,
    Columns,
    FileFault,
    Header,
    RowFault,
    RowFaultKind,
    find_header,
)
from api.files.xlsx_extent import column_number, first_sheet_rows, measure_sheet
from ledger.column_names import plain_name

MAX_OTHER_CELLS: Final = 1_000_000
"""A further sheet beyond this is not looked into: nobody fills in a form beside so much."""

_TAG: Final = re.compile(rb"<(?:\w+:)?(c|f)\b([^>]*)>")
_PLACE: Final = re.compile(rb'\br="([A-Z]{1,3})\d')
_SPREAD: Final = re.compile(rb'\bt="(?:array|dataTable)"')
_RANGE: Final = re.compile(rb'\bref="([A-Z]{1,3})(\d{1,7})(?::([A-Z]{1,3})(\d{1,7}))?"')
_HIDDEN_ROW: Final = re.compile(rb'[^>]*?\shidden="(?:1|true)"')
_COLUMNS: Final = re.compile(rb"<(?:\w+:)?col\s([^>]*)>")
_HIDDEN: Final = re.compile(rb'\bhidden="(?:1|true)"')
_MIN, _MAX = re.compile(rb'\bmin="(\d{1,5})"'), re.compile(rb'\bmax="(\d{1,5})"')
_ONE_SHEET: Final = "请把全部人员放在第一个工作表并删去其他工作表，或分为多个文件申报"


class Form(NamedTuple):
    """What is wrong with rows by their lines: unseen where they hold something, and computed cells."""

    unseen: Mapping[int, RowFault]
    computed: Mapping[int, RowFault]

    def fault(self, line: int, typed: Sequence[object]) -> RowFault | None:
        """The fault of a row with these cells in the typed columns; an empty one may look as it likes."""
        if any(cell not in ("", None) for cell in typed) and line in self.unseen:
            return self.unseen[line]
        return self.computed.get(line)


def look_at_form(
    path: Path, workbook: CalamineWorkbook, sheet: CalamineSheet, header: Header, columns: Columns, last_row: int
) -> Form:
    """Hold the first sheet of a measured workbook, down to its last row, against what its readers see.

    Raises `FileFault`: the sheet or a wanted column is hidden, or a further sheet holds the form too.
    """
    if workbook.sheets_metadata[0].visible is not SheetVisibleEnum.Visible:
        raise FileFault("第一个工作表是隐藏的", path.name, "请取消隐藏并核对，或删去该工作表")
    if others := sheets_with(path, workbook, columns):
        raise FileFault(f"第{others[0]}个工作表也填有申报的内容，只读取第一个工作表", path.name, _ONE_SHEET)
    unseen: dict[int, RowFault] = dict(_covered(sheet, header, columns, last_row))
    computed: dict[int, RowFault] = {}
    typed = {header.places[columns.names.index(name)]: name for name in columns.typed}
    for line, xml in first_sheet_rows(path):
        if line == 0:
            _require_visible(xml, path.name, header, columns)
            continue
        if _HIDDEN_ROW.match(xml):
            unseen[line] = RowFault(RowFaultKind.HIDDEN, "该行是隐藏的（或被筛选隐去）；请取消隐藏并核对，或删去该行")
        for place, last in _formulas(xml, line):
            for at in range(line, min(last, last_row) + 1) if place in typed else ():
                text = f"“{typed[place]}”列是公式，文件中的结果未必是最新的；请复制后选择性粘贴为数值"
                computed[at] = RowFault(RowFaultKind.FORMULA, text)
    return Form(unseen, computed)


def sheets_with(path: Path, workbook: CalamineWorkbook, columns: Columns) -> list[int]:
    """Which sheets after the first (counted from 1) hold the header with something below it."""
    found = []
    for place, about in enumerate(workbook.sheets_metadata[1:], 1):
        if about.typ is not SheetTypeEnum.WorkSheet:
            continue
        extent = measure_sheet(path, place)
        if extent.last_row * extent.last_column > MAX_OTHER_CELLS:
            raise FileFault(f"第{place + 1}个工作表过大，无法核对", path.name, _ONE_SHEET)
        first = list(workbook.get_sheet_by_index(place).iter_rows())[:HEADER_ROWS] if extent.last_row else []
        header, _ = find_header(enumerate(([str(cell) for cell in row] for row in first), 1), columns)
        if header is not None and extent.last_row > header.line:
            found.append(place + 1)
    return found


def _require_visible(head: bytes, file_name: str, header: Header, columns: Columns) -> None:
    """Raises `FileFault` for a hidden column that is read, from the XML before the rows."""
    hidden: list[range] = []
    for found in _COLUMNS.finditer(head):
        least, most = _MIN.search(found[1]), _MAX.search(found[1])
        if _HIDDEN.search(found[1]) and least and most:
            hidden.append(range(int(least[1]) - 1, int(most[1])))
    for name, place in zip(columns.names, header.places, strict=True):
        if any(place in span for span in hidden):
            raise FileFault(f"“{plain_name(name)}”列是隐藏的", file_name, "请取消隐藏并核对后再申报")


def _covered(sheet: CalamineSheet, header: Header, columns: Columns, last_row: int) -> Iterator[tuple[int, RowFault]]:
    """Rows below the header of which a required cell lies under a merged one and so can hold nothing."""
    required = dict(zip(header.places, columns.required, strict=False))
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        for line in range(max(top + 1, header.line + 1), min(bottom + 1, last_row) + 1):
            for place, name in required.items():
                if place is not None and left <= place <= right and (line, place) != (top + 1, left):
                    text = f"“{name}”列是合并单元格，只有其左上一格有内容；请取消合并，逐行逐列填写"
                    yield line, RowFault(RowFaultKind.MERGED, text)


def _formulas(xml: bytes, line: int) -> Iterator[tuple[int, int]]:
    """Each formula of a row's XML: its column (from 0) and the last line that its result fills."""
    place = -1
    for tag, attributes in _TAG.findall(xml):
        if tag == b"c":
            found = _PLACE.search(attributes)
            place = column_number(found[1]) - 1 if found else place + 1
            continue
        spread = _RANGE.search(attributes) if _SPREAD.search(attributes) else None
        if spread is None or not spread[3]:
            yield place, line
            continue
        for one in range(column_number(spread[1]) - 1, column_number(spread[3])):
            yield one, int(spread[4])
