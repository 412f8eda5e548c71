"""The file of a batch for the tax side: its number, count and total in the line above the header, then the rows.

UTF-8 without a byte order mark, one physical line a row. The same batch gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from api.files.private_file import PrivateFile
from api.files.result_file import csv_cell
from ledger.money import fen_to_yuan
from ledger.sending import BATCH


def write_batch(
    file: PrivateFile, number: str, rows: int, fen: int, columns: Sequence[str], lines: Iterable[Sequence[str]]
) -> None:
    """Write a batch into an open file. Raises `OSError`."""
    file.write(_line((BATCH, number, "总笔数", str(rows), "总金额", fen_to_yuan(fen))))
    file.write(_line(columns))
    for line in lines:
        file.write(_line(line))


def _line(cells: Sequence[str]) -> bytes:
    return (",".join(map(csv_cell, cells)) + "\n").encode()
