"""What every table that is read has in common: the columns asked for, the header that holds them, the faults.

The header is the first of the first ten rows that holds all required names. Names match without spaces and without
bracketed units: `实缴金额（元）` and `实缴金额` are one column. A bracket or a title above the header that names
another unit of money than yuan is refused, because passing over it would book ten thousand times too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from unicodedata import normalize

from ledger.column_names import BRACKETS, plain_name

HEADER_ROWS: Final = 10
"""The header must stand in one of so many first rows of the file or of the first sheet."""

_UNIT: Final = "(?:人民币)?(分|角|百元|千元|万元?|[十百千]万元|亿元?)(?![\u4e00-\u9fff])"
"""Another unit than yuan, as a word of its own: `万元/年` is one, `分档` is none."""
_UNIT_OF_COLUMN: Final = re.compile(f"(?:单位:?)?{_UNIT}")
_UNIT_OF_TABLE: Final = re.compile(f"单位:?{_UNIT}")


class FileFault(Exception):  # noqa: N818 — a fault of the input, not of the program
    """A file that cannot be read at all, or a result that cannot be written; nothing of it has been recorded.

    `what` is wrong, `where` (file, line, column), and the `remedy`, all in Chinese and without the content of cells.
    """

    def __init__(self, what: str, where: str, remedy: str) -> None:
        super().__init__(f"{what}（{where}）。{remedy}")
        self.what = what
        self.where = where
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[FileFault], tuple[str, str, str]]:
        """Raised as it was where a process of its own read the file."""
        return type(self), (self.what, self.where, self.remedy)


class NoHeader(FileFault):
    """A file none of whose first rows holds all required names."""


class RowFaultKind(StrEnum):
    """Why one row of a readable file cannot be taken as it stands."""

    EXTRA_CELLS = "extra_cells"
    BROKEN_QUOTES = "broken_quotes"
    DIGITS_LOST = "digits_lost"
    FORMULA = "formula"
    MERGED = "merged"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class RowFault:
    """The fault of one row: its kind, and what is wrong with the remedy in Chinese, without the content of cells."""

    kind: RowFaultKind
    text: str


Row = tuple[int, list[str], RowFault | None]
"""A row as read: the physical line (from 1) on which it starts, its cells in the order required + optional, its fault.

Cells are stripped; an absent column or cell is "". Of a row with a fault, the cells are what could be read of them.
"""


@dataclass(frozen=True)
class Columns:
    """The columns a caller reads, by their Chinese names; rows give them in the order required, then optional.

    `typed` are those of a form that people fill in, print and sign, whose cells must hold what was typed. Where there
    are any, what a spreadsheet shows its readers and what stands in its file are held together (`xlsx_form`).
    `called` are those that other formats call otherwise: the headers to look for, of which the first that is there
    holds the column. Everywhere behind the header a column goes by its own name.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    called: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def names(self) -> tuple[str, ...]:
        """All names in the order of the cells."""
        return self.required + self.optional

    def title(self, name: str) -> str:
        """A column as a person is told to look for it: its name, and what it is called in the file where it differs."""
        headers = self.called.get(name, (name,))
        return name if headers == (name,) else f"{name}（{'或'.join(headers)}）"

    def place(self, name: str, header: Sequence[str]) -> int | None:
        """Where a column stands in a header of plain names."""
        for wanted in map(plain_name, self.called.get(name, (name,))):
            if wanted in header:
                return header.index(wanted)
        return None


@dataclass(frozen=True)
class Header:
    """The header of one table: where it stands, and at which place of a row each wanted column is found.

    The width counts to the last column with a name, so that a cell behind it is noticed as too many. `above` are the
    rows over it, with their lines.
    """

    line: int
    width: int
    places: tuple[int | None, ...]
    ignored: tuple[str, ...]
    above: tuple[tuple[int, tuple[str, ...]], ...] = ()


def find_header(rows: Iterable[tuple[int, Sequence[str]]], columns: Columns) -> tuple[Header | None, Sequence[str]]:
    """The header among the first rows (line, cells); without one, the names most of which the best row did hold."""
    missing: Sequence[str] = columns.required
    above: list[tuple[int, tuple[str, ...]]] = []
    for line, row in rows:
        names = [plain_name(cell) for cell in row]
        lacking = [name for name in columns.required if columns.place(name, names) is None]
        if not lacking:
            return _header(line, row, names, columns, tuple(above)), ()
        if len(lacking) < len(missing):
            missing = lacking
        above.append((line, tuple(row)))
    return None, missing


def no_header(file_name: str, missing: Sequence[str], columns: Columns) -> NoHeader:
    """The fault of a file without a header: names the columns that no row of the first ten held."""
    if len(missing) < len(columns.required):
        what = f"缺少必需的列：{'、'.join(map(columns.title, missing))}"
    else:
        what = f"前 {HEADER_ROWS} 行中没有找到表头"
    wanted = "、".join(map(columns.title, columns.required))
    return NoHeader(what, file_name, f"表头须在前 {HEADER_ROWS} 行之内，且含有：{wanted}")


def repeated_or_scaled(
    first: Mapping[int, Sequence[str]], file_name: str, line: int, columns: Columns
) -> FileFault | None:
    """The fault of a header in which a wanted column stands twice, or of amounts in another unit than yuan.

    `first` are the first rows by their lines, the header and what stands above it among them.
    """
    where = f"{file_name} 第 {line} 行"
    names = [plain_name(cell) for cell in first[line]]
    for wanted in columns.names:
        place = columns.place(wanted, names)
        if place is None:
            continue
        if names.count(names[place]) > 1:
            return FileFault(f"表头中“{columns.title(wanted)}”出现不止一次", where, "请只保留一列，或改去多余列的名称")
        if unit := _other_unit(first[line][place]):
            return FileFault(f"“{columns.title(wanted)}”列的单位是{unit}", where, _IN_YUAN)
    for above in sorted(one for one in first if one < line):
        for cell in first[above]:
            if found := _UNIT_OF_TABLE.search("".join(normalize("NFKC", cell).split())):
                return FileFault(f"表中注明的单位是{found[1]}", f"{file_name} 第 {above} 行", _IN_YUAN)
    return None


_IN_YUAN: Final = "金额须以元为单位，请换算后再导入"


def _header(
    line: int, row: Sequence[str], names: list[str], columns: Columns, above: tuple[tuple[int, tuple[str, ...]], ...]
) -> Header:
    places = tuple(columns.place(name, names) for name in columns.names)
    ignored = tuple(row[place].strip() for place, name in enumerate(names) if name and place not in places)
    width = max(place for place, name in enumerate(names, 1) if name)
    return Header(line=line, width=width, places=places, ignored=ignored, above=above)


def _other_unit(cell: str) -> str | None:
    """The unit of money that a bracket of the name states, if it is not yuan."""
    for group in _bracketed(cell):
        if found := _UNIT_OF_COLUMN.match("".join(group.split())):
            return found[1]
    return None


def _bracketed(cell: str) -> Iterator[str]:
    for found in BRACKETS.finditer(normalize("NFKC", cell)):
        yield next(group for group in found.groups() if group is not None)
