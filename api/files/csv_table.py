"""Reading .csv of any length with flat memory: encoding, delimiter, header, rows.

The file is read twice. The first pass settles what concerns the whole file before any row is handed out: UTF-8
strictly, else GB18030, no NUL bytes, no endless line. The second streams the rows.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import StringIO
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

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

if TYPE_CHECKING:
    from _csv import Reader

_BLOCK: Final = 1 << 20
_ENCODINGS: Final = ("utf-8", "gb18030")
_DELIMITERS: Final = (",", "\t", ";")
_SAVE_AGAIN: Final = "请在电子表格软件中另存为“CSV UTF-8（逗号分隔）”后再导入"


@dataclass(frozen=True)
class _Scan:
    """What the first pass found: the encoding, the number of physical lines, size and time of the file it read."""

    encoding: str
    lines: int
    stamp: tuple[int, int]


def open_csv(path: Path, columns: Columns) -> tuple[Header, int, partial[Iterator[Row]]]:
    """The header of a .csv, about how many rows follow it, and what makes a fresh pass over the rows of a header.

    A pass with a header of fewer places reads no more than their cells. Raises `FileFault`: empty, NUL bytes, encoding,
    no table, missing or repeated column, and, during a pass, a file that was changed since.
    """
    scan = _scan(path)
    header, delimiter = _header(path, scan.encoding, columns)
    return header, max(scan.lines - header.line, 0), partial(_rows, path, scan, delimiter)


def _scan(path: Path) -> _Scan:
    """One strict pass for each encoding until one fits."""
    stamp = _stamp(path)
    for encoding in _ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
        try:
            return _Scan(encoding, _decode(path, decoder), stamp)
        except UnicodeDecodeError:
            continue
    raise FileFault("文件编码既不是 UTF-8 也不是 GB18030", path.name, _SAVE_AGAIN)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _decode(path: Path, decoder: codecs.IncrementalDecoder) -> int:
    """Decode the file in blocks and count its lines; raises `UnicodeDecodeError` or `FileFault`."""
    feeds = returns = size = 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            if b"\0" in block:
                raise FileFault("文件中有空字节（NUL），不是 CSV 文本", f"{path.name} 第 {size} 字节之后", _SAVE_AGAIN)
            found, found_returns = block.count(b"\n"), block.count(b"\r")
            if not found and not found_returns and len(block) == _BLOCK:
                raise FileFault("有一行超过 1 MiB，不是表格", f"{path.name} 第 {size} 字节之后", _SAVE_AGAIN)
            decoder.decode(block)
            feeds, returns, size = feeds + found, returns + found_returns, size + len(block)
    decoder.decode(b"", final=True)
    if not size:
        raise FileFault("文件是空的", path.name, "请核对是否选错了文件")
    return feeds or returns


def _open(path: Path, encoding: str) -> TextIO:
    """The text after a byte order mark, if there is one; line ends are left to the csv reader."""
    stream = path.open(encoding=encoding, errors="strict", newline="")
    if stream.read(1) != "\ufeff":
        stream.seek(0)
    return stream


def _header(path: Path, encoding: str, columns: Columns) -> tuple[Header, str]:
    """The header and the delimiter with which it is one: comma, else tab, else semicolon."""
    with _open(path, encoding) as stream:
        head = stream.read(_BLOCK)
    if not head.strip():
        raise FileFault("文件是空的", path.name, "请核对是否选错了文件")
    missing = columns.required
    for delimiter in _DELIMITERS:
        first = list(_first_rows(head, delimiter))
        header, lacking = find_header(first, columns)
        if header is not None:
            if fault := repeated_or_scaled(dict(first), path.name, header.line, columns):
                raise fault
            return header, delimiter
        missing = min(missing, tuple(lacking), key=len)
    raise no_header(path.name, missing, columns)


def _first_rows(head: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that start on the first ten lines; titles with stray quotes are passed over."""
    reader = csv.reader(StringIO(head, newline=""), delimiter=delimiter, strict=True)
    while (line := reader.line_num + 1) <= HEADER_ROWS:
        try:
            yield line, next(reader)
        except csv.Error:
            continue
        except StopIteration:
            return


def _rows(path: Path, scan: _Scan, delimiter: str, header: Header) -> Iterator[Row]:
    """All rows after the header. Blank rows are passed over, but keep their lines.

    After a quote that is never closed the reader gives up at 128 KiB, at a character behind a closing quote or at the
    end of the file; the lines it swallowed are one faulty row that names them, and reading goes on behind them.
    """
    if _stamp(path) != scan.stamp:
        raise FileFault("文件在打开之后被改动", path.name, "请重新导入")
    pick, width, strip = _picker(header), header.width, str.strip
    with _open(path, scan.encoding) as stream:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        _skip_to(reader, header.line)
        while True:
            first = reader.line_num + 1
            try:
                for row in reader:
                    fault = None if len(row) == width else _fit(row, width, first, reader.line_num)
                    row.append("")
                    cells = [*map(strip, pick(row))]
                    if cells[0] or any(cells) or "".join(row).strip():
                        yield first, cells, fault
                    first = reader.line_num + 1
            except csv.Error:
                yield first, [""] * len(header.places), _broken_quotes(first, reader.line_num)
            except UnicodeDecodeError:
                raise FileFault("文件在读取期间被改动", f"{path.name} 第 {first} 行之后", "请重新导入") from None
            else:
                return


def _picker(header: Header) -> Callable[[list[str]], tuple[str, ...]]:
    """Takes the wanted cells out of a row of the header's width with one empty cell appended, for absent columns."""
    places = [-1 if place is None else place for place in header.places]
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)


def _skip_to(reader: Reader, line: int) -> None:
    """Read up to and with the record that starts on a line."""
    while reader.line_num < line:
        with suppress(csv.Error):
            if next(reader, None) is None:
                return


def _fit(row: list[str], width: int, first: int, last: int) -> RowFault | None:
    """Make a row as wide as the header: the fault if it is wider, or if it is narrower and spans lines.

    A narrow row on one line only lacks empty cells at its end; on several lines a stray quote has most likely
    swallowed what stood between.
    """
    if len(row) <= width:
        missing = width - len(row)
        row.extend([""] * missing)
        return _broken_quotes(first, last) if missing and last > first else None
    extra = "".join(row[width:]).strip()
    del row[width:]
    if not extra:
        return None
    text = f"该行的单元格多于表头的 {width} 列；含逗号的内容须加英文双引号，金额请不要带千位逗号"
    return RowFault(RowFaultKind.EXTRA_CELLS, text)


def _broken_quotes(first: int, last: int) -> RowFault:
    where = f"第 {first} 行" if last <= first else f"第 {first} 至 {last} 行"
    text = f"{where}的双引号不成对，这几行均未读入；请补上或删去多余的双引号后重新导入"
    return RowFault(RowFaultKind.BROKEN_QUOTES, text)
