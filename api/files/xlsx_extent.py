"""How far a sheet of an .xlsx reaches, measured with flat memory before anything loads it; and its XML, row by row.

Every part that the reader will unpack is streamed to its end once. That also holds each part against the size the
archive declares for it: a part that unpacks to more fails its checksum here.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree

from api.files.table_header import FileFault

MAX_UNPACKED_BYTES: Final = 1 << 30

_BLOCK: Final = 1 << 20
_MAX_INDEX_BYTES: Final = 16 << 20
_MAX_ROW_BYTES: Final = 16 << 20
_OLD_OR_ENCRYPTED: Final = b"\xd0\xcf\x11\xe0"
_SAVE_AGAIN: Final = "请在电子表格软件中去掉密码，另存为 .xlsx 或“CSV UTF-8（逗号分隔）”后再导入"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION: Final = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

# Names may carry a namespace prefix (`<x:row`), as some exporters write them.
_ROW: Final = re.compile(rb"<(?:\w+:)?row[\s>]")
_END: Final = re.compile(rb"</(?:\w+:)?sheetData\s*>")
_ROW_NUMBER: Final = re.compile(rb'[^>]*?\br="(\d{1,9})"')
_LAST_CELL: Final = re.compile(rb'.*<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})\d', re.DOTALL)


class Extent(NamedTuple):
    """The last row and the last column of a sheet that hold a value, counted from 1; 0 if there is none."""

    last_row: int
    last_column: int


def measure_sheet(path: Path, place: int = 0) -> Extent:
    """The extent of a sheet, the first unless another is said; rows and cells that only have a format do not count.

    Raises `FileFault`: not an .xlsx, encrypted, damaged, or larger than 1 GiB unpacked.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
    if not start:
        raise FileFault("文件是空的", path.name, "请核对是否选错了文件")
    if start == _OLD_OR_ENCRYPTED:
        raise FileFault("工作簿有密码，或是旧版 .xls", path.name, _SAVE_AGAIN)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive, path.name)
            sheet = _sheet(archive, place)
            for name in archive.namelist():
                if name != sheet and name.lower().endswith((".xml", ".rels")) and "worksheets/" not in name.lower():
                    for _ in _blocks(archive, name):
                        pass
            return _extent(_blocks(archive, sheet), path.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, ElementTree.ParseError) as error:
        raise FileFault("文件不是有效的 .xlsx 工作簿，或已损坏", path.name, _SAVE_AGAIN) from error


def first_sheet_rows(path: Path) -> Iterator[tuple[int, bytes]]:
    """The XML of the first sheet of a measured workbook: what stands before its rows as row 0, then row by row."""
    with zipfile.ZipFile(path) as archive:
        pieces = _rows(_blocks(archive, _sheet(archive, 0)), path.name)
        yield 0, next(pieces, b"")
        yield from _numbered(pieces)


def column_number(letters: bytes) -> int:
    """The number of a column from its letters: A is 1, XFD is 16,384."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _check_entries(archive: zipfile.ZipFile, file_name: str) -> None:
    """Refuse what is encrypted, or declares more than may be unpacked."""
    entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise FileFault("工作簿有密码", file_name, _SAVE_AGAIN)
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise FileFault("工作簿解压后超过 1 GiB", file_name, _SAVE_AGAIN)


def _sheet(archive: zipfile.ZipFile, place: int) -> str:
    """The archive's name of a sheet's part (from 0); raises `KeyError` if the workbook does not lead to one."""
    sheets = [node for node in _index(archive, "xl/workbook.xml").iter() if node.tag.rpartition("}")[2] == "sheet"]
    if len(sheets) <= place:
        raise KeyError("sheet")
    wanted = sheets[place].get(_RELATION) or sheets[place].get(_STRICT_RELATION)
    for node in _index(archive, "xl/_rels/workbook.xml.rels"):
        if node.get("Id") == wanted:
            return posixpath.normpath(posixpath.join("/xl", node.get("Target", ""))).lstrip("/")
    raise KeyError("relation")


def _index(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if archive.getinfo(name).file_size > _MAX_INDEX_BYTES:
        raise zipfile.BadZipFile(name)
    return ElementTree.fromstring(archive.read(name))


def _blocks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as part:
        while block := part.read(_BLOCK):
            yield block


def _extent(blocks: Iterator[bytes], file_name: str) -> Extent:
    """The last row and column with a value, from the XML of a sheet in blocks."""
    last_row = last_column = 0
    pieces = _rows(blocks, file_name)
    next(pieces, b"")
    for row, piece in _numbered(pieces):
        end = max(piece.rfind(b"v>"), piece.rfind(b"is>"))
        if end >= 0:
            last_row = max(last_row, row)
            cell = _LAST_CELL.match(piece, 0, end)
            last_column = max(last_column, column_number(cell[1]) if cell else piece.count(b"v>"))
    return Extent(last_row, last_column)


def _numbered(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Rows with their numbers, which some exporters leave out."""
    row = 0
    for piece in pieces:
        found = _ROW_NUMBER.match(piece)
        row = int(found[1]) if found else row + 1
        yield row, piece


def _rows(blocks: Iterator[bytes], file_name: str) -> Iterator[bytes]:
    """The XML before the first row, then of one row after the other, each from behind its `<row`; nothing without."""
    rest, begun = b"", False
    for block in blocks:
        *whole, rest = _ROW.split(rest + block)
        if len(rest) > _MAX_ROW_BYTES:
            raise FileFault("工作表有一行超过 16 MiB，不是表格", file_name, _SAVE_AGAIN)
        yield from whole
        begun = begun or bool(whole)
        if begun and (end := _END.search(rest)):
            yield rest[: end.start()]
            break
    else:
        if begun:
            raise zipfile.BadZipFile("sheetData")
    for _ in blocks:
        pass
