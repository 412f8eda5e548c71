"""Intake of payments end to end: the command on a .csv with the columns the tax side sends, its result file included.

One row for each account, all in one month of a year that is not credited. Three in a hundred are refused (a wrong check
digit, another name, an unknown person), one in two hundred cancels an earlier row; how each row must end is known
beforehand.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.data import person
from benchmarks.machine import BenchFault, Machine, Ran
from ledger.jobs.payment_rows import REQUIRED
from ledger.store.log import PoolLog

MONTH: Final = "2025-06"
"""In which all of it enters the treasury."""
_STRANGERS: Final = 5_000_000
"""From this place on nobody is registered."""


class ImportFigures(NamedTuple):
    """What was measured at one size: rows of the file, and the command's seconds and memory (MB)."""

    rows: int
    ran: Ran

    @property
    def rows_per_s(self) -> float:
        """Rows a second, whatever their outcome, the command's start included."""
        return self.rows / self.ran.seconds

    def info(self) -> dict[str, Any]:
        """All figures."""
        return {"rows": self.rows, "seconds": self.ran.seconds}


def measure(machine: Machine, log: PoolLog, size: int) -> ImportFigures:
    """Import one file of `size` rows. Raises `BenchFault` where a row did not end as it must."""
    path = machine.home / f"payments-{size}.csv"
    refused = _write(path, size)
    ran = machine.run("import", "payments", str(path), "--pool", log.pool, "--actor", "bench", "--json", ends=2)
    report = json.loads(ran.answer)
    if (report["rows"], report["recorded"], report["refused"]) != (size, size - refused, refused):
        raise BenchFault(f"of {size} rows {refused} must be refused, but the command says {report}")
    for one in machine.home.glob(f"{path.name}*"):
        one.unlink()
    return ImportFigures(size, ran)


def _write(path: Path, size: int) -> int:
    """The file; gives how many of its rows must be refused."""
    refused = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(REQUIRED)
        for place in range(size):
            row, is_refused = row_of(place)
            refused += is_refused
            table.writerow(row)
    return refused


def row_of(place: int) -> tuple[tuple[str, ...], bool]:
    """The row of a place, and whether it must be refused."""
    number, name, _ = person(place)
    cancels = place % 200 == 150
    if cancels:  # the row before, in every word but this one
        place -= 1
        number, name, _ = person(place)
    turn = place % 100
    if turn == 7:
        number = number[:17] + ("1" if number[17] == "0" else "0")
    elif turn == 41:
        name = "欧阳" + name
    elif turn == 83:
        number, name, _ = person(_STRANGERS + place)
    day = f"{MONTH}-{place % 28 + 1:02d}"
    row = (
        f"64010025{9_000_000_000 + place}", f"3640125{90_000_000 + place:011d}", number, name, "2025", "个人缴费",
        "正常应缴", f"{200 + place % 28 * 100}.00", day, day, "撤销" if cancels else "新增",
        f"2025{place // 50_000:08d}",
    )  # fmt: skip
    return row, turn in {7, 41, 83}
