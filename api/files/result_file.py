"""The result file of an import: one line for each row, beside the input, named `<input>.result.csv`.

It holds the line, the external identity, the outcome, the reason code and the text; never a name or a citizen number,
not even masked. The file appears whole or not at all: it is written under another name in the same folder, and renamed
when everything is in it. UTF-8 without a byte order mark.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from api.files.table_header import FileFault

IDENTITY: Final = "缴费明细流水号"
"""What the rows of most files are known by outside."""
COLUMNS: Final = ("行号", IDENTITY, "结果", "原因代码", "说明")

ResultRow = tuple[int, str, str, str, str]
"""Line (from 1), external identity, outcome, reason code, text."""

_MAX_TAILS: Final = 4_096
_SPACES: Final = re.compile(r"[\r\n\t\v\f\x00\x1c-\x1e\x85\u2028\u2029]+")
_FORMULA: Final = tuple("=+-@＝＋－＠")
_QUOTED: Final = re.compile(r'[",]')
_PLAIN_SERIAL: Final = re.compile(r"\w[\w\-./]*").fullmatch


class ResultFile:
    """Writes the result file; a context manager that publishes it on success and removes it on failure.

    Opening raises `FileFault` if the folder cannot be written or a folder has the file's name, so nothing has been
    recorded yet. Writing and closing raise `OSError` (a full disk).
    """

    def __init__(self, input_path: Path, identity: str = IDENTITY) -> None:
        self._columns: Final = tuple(identity if column == IDENTITY else column for column in COLUMNS)
        self.path: Final = input_path.with_name(f"{input_path.name}.result.csv")
        self._name: Final = input_path.name
        self._partial: Final = input_path.with_name(f".{input_path.name}.{secrets.token_hex(4)}.partial")
        self._stream: TextIO | None = None
        self._tails: dict[tuple[str, str, str], str] = {}

    def __enter__(self) -> Self:
        where, remedy = self.path.name, "请把文件放到可写的文件夹后重新导入；尚未记录任何内容"
        if self.path.is_dir():
            raise FileFault("结果文件的名称已被一个文件夹占用", where, remedy)
        try:
            remove_abandoned(self.path.parent, self._name)
            self._stream = self._partial.open("x", encoding="utf-8", newline="", buffering=1 << 20)
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FileFault("无法在输入文件旁写入结果文件", where, remedy) from error
        try:
            self._stream.write(",".join(self._columns) + "\n")
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._publish()
        except BaseException:
            self._discard()
            raise

    def write(self, line: int, serial: str, outcome: str, code: str, text: str) -> None:
        """Write the result of one row."""
        self.write_many([(line, serial, outcome, code, text)])

    def write_many(self, rows: Iterable[ResultRow]) -> None:
        """Write the results of many rows, one physical line each.

        Outcome, code and text repeat, so their common end of the line is made once and kept, up to 4,096 of them.
        """
        if self._stream is None:
            raise RuntimeError("the result file is not open")
        tails, plain, lines = self._tails, _PLAIN_SERIAL, []
        for line, serial, outcome, code, text in rows:
            key = (outcome, code, text)
            tail = tails.get(key)
            if tail is None:
                if len(tails) >= _MAX_TAILS:
                    tails.clear()
                tail = tails[key] = f"{csv_cell(outcome)},{csv_cell(code)},{csv_cell(text)}\n"
            lines.append(f"{line},{serial if plain(serial) else csv_cell(serial)},{tail}")
        self._stream.write("".join(lines))

    def _publish(self) -> None:
        """Make the file durable, then visible under its name, then the name durable."""
        if self._stream is None:
            raise RuntimeError("the result file is not open")
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._partial.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._stream = None

    def _discard(self) -> None:
        """Remove what was written; a stream that cannot be flushed any more is closed all the same."""
        stream, self._stream = self._stream, None
        try:
            if stream is not None:
                stream.close()
        except OSError:
            pass
        finally:
            self._partial.unlink(missing_ok=True)


def remove_abandoned(folder: Path, name: str) -> None:
    """Remove what killed writers of a file left: whoever still writes one holds its lock, the dead hold none."""
    for path in folder.glob(f".{glob.escape(name)}.*.partial"):
        with contextlib.suppress(OSError), path.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)


def csv_cell(text: str) -> str:
    """A text as one cell on one physical line, quoted where needed.

    A text that a spreadsheet would take for a formula gets a leading apostrophe.
    """
    plain = _SPACES.sub(" ", text)
    if plain.lstrip().startswith(_FORMULA):
        plain = "'" + plain
    if _QUOTED.search(plain):
        return '"' + plain.replace('"', '""') + '"'
    return plain
