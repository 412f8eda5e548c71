"""Tables that come in as files: .csv of any length, .xlsx up to 200,000 rows, read by their Chinese column names.

    columns = Columns(required=("姓名", "公民身份号码"), optional=("备注",))
    for line, cells, fault in open_table(path, columns, text_columns=("公民身份号码",)): ...

What concerns the whole file is found when it is opened and raises `FileFault`, before any row is handed out. What
concerns one row arrives with that row, so that every row is accounted for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from api.files.csv_table import open_csv
from api.files.table_header import Columns, FileFault, Header, NoHeader, Row, RowFault, RowFaultKind
from api.files.xlsx_table import open_xlsx

__all__ = [
    "Columns",
    "FileFault",
    "FileRows",
    "OpenTable",
    "Row",
    "RowFault",
    "RowFaultKind",
    "file_sha256",
    "open_any",
    "open_table",
]


@dataclass(frozen=True)
class OpenTable:
    """A table whose header was found. Each iteration is a fresh pass over its rows and holds no file open afterwards.

    `header_line` counts from 1; `ignored` are other columns; `total_hint` is about how many rows there are, blank ones
    and line breaks in cells included; `index` gives the place of a column's name in `cells`. A `portable` table can be
    pickled, and read by another process: its rows come from the file as they are asked for. `above` are the rows over
    the header, with their lines; `present` names the columns asked for that the file has. `narrow` makes a
    pass that reads fewer cells, where the file allows one.
    """

    header_line: int
    ignored: tuple[str, ...]
    total_hint: int | None
    index: dict[str, int]
    portable: bool
    rows: Callable[[], Iterator[Row]] = field(repr=False, compare=False)
    above: tuple[tuple[int, tuple[str, ...]], ...] = ()
    present: frozenset[str] = frozenset()
    narrow: Callable[[Sequence[int]], Callable[[], Iterator[Row]]] | None = field(
        default=None, repr=False, compare=False
    )

    def __iter__(self) -> Iterator[Row]:
        return self.rows()

    def only(self, names: Sequence[str]) -> OpenTable:
        """The same table for whoever needs no more than some of its columns: a pass over it may take half the time."""
        wanted = [name for name in names if name in self.index]
        if self.narrow is None or not wanted:
            return self
        places = [self.index[name] for name in wanted]
        index = {name: place for place, name in enumerate(wanted)}
        return replace(self, rows=self.narrow(places), index=index, present=self.present & index.keys(), narrow=None)


class FileRows:
    """The rows of a table as whoever takes them in reads them: line, cells, and the text of the row's fault."""

    def __init__(self, table: OpenTable) -> None:
        self._table = table

    def __iter__(self) -> Iterator[tuple[int, list[str], str]]:
        for line, cells, fault in self._table:
            yield line, cells, fault.text if fault else ""


def open_table(path: Path, columns: Columns, text_columns: Sequence[str] = ()) -> OpenTable:
    """Open a .csv or .xlsx file and find its header.

    `text_columns` are identity and serial columns: a number in them that may have lost digits in a spreadsheet is a
    fault of its row. Raises `FileFault` for all that makes the whole file unreadable, with its remedy.
    """
    suffix = path.suffix.lower()
    rows: Callable[[], Iterator[Row]]
    narrow: Callable[[Sequence[int]], Callable[[], Iterator[Row]]] | None = None
    try:
        if suffix == ".csv":
            header, total, read = open_csv(path, columns)
            rows, narrow = partial(read, header), partial(_narrowed, read, header)
        elif suffix == ".xlsx":
            header, total, rows = open_xlsx(path, columns, text_columns)
        else:
            raise FileFault("只能读取 .csv 和 .xlsx 文件", path.name, "请另存为其中一种格式，并保留扩展名")
    except OSError as error:
        raise FileFault("文件无法打开", path.name, "请核对路径、文件名和读取权限") from error
    index = {name: place for place, name in enumerate(columns.names)}
    present = frozenset(name for name, place in zip(columns.names, header.places, strict=True) if place is not None)
    return OpenTable(header.line, header.ignored, total, index, suffix == ".csv", rows, header.above, present, narrow)


def _narrowed(
    read: Callable[[Header], Iterator[Row]], header: Header, places: Sequence[int]
) -> Callable[[], Iterator[Row]]:
    return partial(read, replace(header, places=tuple(header.places[place] for place in places)))


def open_any(path: Path, ways: Sequence[Columns], text_columns: Sequence[str] = ()) -> OpenTable:
    """Open a file whose header may be one of several, tried in their order; without any, the fault is the first's."""
    missing: NoHeader | None = None
    for columns in ways:
        try:
            return open_table(path, columns, text_columns)
        except NoHeader as fault:
            missing = missing or fault
    assert missing is not None
    raise missing


def file_sha256(path: Path) -> bytes:
    """The 32-byte SHA-256 of a file's bytes, by which an import file is known. Raises `OSError`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
