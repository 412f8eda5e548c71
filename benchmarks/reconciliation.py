"""A month of both books compared, as the command a user types, against a bare full outer join of the same two tables.

One payment for each account in a month of its own, taken in as one batch that states its count and sum; one approval
for each. Six in a thousand differ: another amount, a payment of nobody known with the approval it leaves unpaid, a
payment taken back, one made twice, one for another year, an approval that nobody paid. The join is what a person would
write to see them: item by item, with the numbers and amounts of what is not alike. The view of the month is dropped
before each run, so that each compares it whole.
"""

from __future__ import annotations

import csv
import json
import statistics
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.data import person
from benchmarks.machine import BenchFault, Machine
from ledger.jobs.payment_rows import REQUIRED as PAID
from ledger.jobs.receivable_rows import REQUIRED as APPROVED
from ledger.store.log import PoolLog

PAIRS: Final = 3
MONTH: Final = "2025-07"
_OTHER_AMOUNT, _STRANGER, _TAKEN_BACK, _TWICE, _OTHER_YEAR, _UNPAID = 101, 203, 307, 409, 503, 601
_JOIN: Final = """
SELECT t.serial, t.fen, a.number, a.fen
  FROM (SELECT * FROM {exchange_record} WHERE treasury_on >= '2025-07-01' AND treasury_on < '2025-08-01') t
  FULL JOIN {receivable} a ON (t.participant_id, t.kind, t.payment_type, t.period)
                            = (a.participant_id, a.kind, a.payment_type, a.period)
 WHERE t.fen IS DISTINCT FROM a.fen"""
_FOUND: Final = 3
"""The exit code of a month with open differences."""


class ReconciliationFigures(NamedTuple):
    """Seconds of each run and of each join beside it, in turn; memory of the command (MB); rows/s of both imports."""

    ours: list[float]
    joins: list[float]
    rss_mb: float
    payments_per_s: float
    receivables_per_s: float

    @property
    def ratio(self) -> float:
        """The median of the pairs."""
        return statistics.median(a / b for a, b in zip(self.ours, self.joins, strict=True))

    def info(self) -> dict[str, Any]:
        """All figures."""
        return {
            "ours_s": self.ours,
            "joins_s": self.joins,
            "batch_with_header_rows_per_s": self.payments_per_s,
            "receivables_rows_per_s": self.receivables_per_s,
        }


def measure(machine: Machine, log: PoolLog, size: int) -> ReconciliationFigures:
    """Take both books in, then compare the month again and again. Raises `BenchFault` for a wrong difference."""
    paid, approved = machine.home / "batch.csv", machine.home / "receivables.csv"
    _write_payments(paid, size)
    _write_approvals(approved, size)
    pool = ("--pool", log.pool)
    payments = machine.run("import", "payments", str(paid), *pool, "--actor", "bench", ends=2)
    receivables = machine.run(
        "tax", "receivables", "import", str(approved), *pool, "--actor", "bench", "--reviewer", "check"
    )
    for one in (*machine.home.glob("batch.csv*"), *machine.home.glob("receivables.csv*")):
        one.unlink()
    machine.run("balances", *pool)  # folds what the import recorded: every read does, and it is not the comparison's
    with log.connections.connection() as connection:
        connection.execute(log.sql("VACUUM (ANALYZE) {exchange_record}, {receivable}"), prepare=False)
    machine.run("tax", "reconcile", *pool, "--month", "2025-06", ends=_FOUND)  # what came before is open there
    ours: list[float] = []
    joins: list[float] = []
    rss = 0.0
    for _ in range(PAIRS):
        with log.connections.connection() as connection:
            connection.execute(log.sql("DELETE FROM {reconciliation_month_v1} WHERE month = '2025-07-01'"))
        ran = machine.run("tax", "reconcile", *pool, "--month", MONTH, ends=_FOUND)
        ours.append(ran.seconds)
        rss = max(rss, ran.rss_mb)
        joins.append(_join(log))
    _check(machine, log, size)
    return ReconciliationFigures(ours, joins, rss, size / payments.seconds, size / receivables.seconds)


def _join(log: PoolLog) -> float:
    """The bare join, as anybody's session would run it, its rows fetched."""
    with log.connections.transaction() as connection:
        began = time.perf_counter()
        connection.execute(log.sql(_JOIN)).fetchall()
        return time.perf_counter() - began


def _check(machine: Machine, log: PoolLog, size: int) -> None:
    ran = machine.run("tax", "reconcile", "--pool", log.pool, "--month", MONTH, "--json", ends=_FOUND)
    told = {name: one["rows"] for name, one in json.loads(ran.answer)["categories"].items()}
    each = size // 1_000
    expected = {
        "MATCHED": size - 5 * each, "AMOUNT": each, "PERSON": 2 * each, "CANCELLED": each, "DUP_PAYMENT": each,
        "PERIOD": each, "AGENCY_ONLY": each,
    }  # fmt: skip
    if told != expected:
        raise BenchFault(f"the month has {expected}, but the command says {told}")


def _write_payments(path: Path, size: int) -> None:
    """The payments as one batch: its count and sum first, then its rows."""
    rows = fen = 0
    for place in range(size):
        for _, yuan, sign in _payments(place):
            rows, fen = rows + 1, fen + sign * yuan
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerows((("传输批次号", "PC202507"), ("总笔数", rows), ("总金额", f"{fen}.00"), PAID))
        for place in range(size):
            table.writerows(row for row, _, _ in _payments(place))


def _payments(place: int) -> list[tuple[tuple[str, ...], int, int]]:
    """The rows of a place in the file, each with its yuan and its sign: none, one, or two."""
    number, name, _ = person(place)
    turn, yuan = place % 1_000, 200 + place % 28 * 100
    if turn == _UNPAID:
        return []
    if turn == _OTHER_AMOUNT:
        yuan += 100
    if turn == _STRANGER:
        number = number[:17] + ("1" if number[17] == "0" else "0")
    year = "2023" if turn == _OTHER_YEAR else "2024"
    day = f"{MONTH}-{place % 28 + 1:02d}"

    def row(serial: str, data_type: str) -> tuple[str, ...]:
        money = (year, "个人缴费", "正常应缴", f"{yuan}.00", day, day)
        return (serial, f"T{serial}", number, name, *money, data_type, "PC202507")

    rows = [(row(f"J{place}", "新增"), yuan, 1)]
    if turn == _TAKEN_BACK:
        rows.append((row(f"J{place}", "撤销"), yuan, -1))
    if turn == _TWICE:
        rows.append((row(f"K{place}", "新增"), yuan, 1))
    return rows


def _write_approvals(path: Path, size: int) -> None:
    """One approval for each account, a thousand to a number."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(APPROVED)
        for place in range(size):
            number, name, _ = person(place)
            money = ("2024", "个人缴费", "正常应缴", f"{200 + place % 28 * 100}.00", f"{MONTH}-01", "新增")
            table.writerow((f"H{place // 1_000:07d}", number, name, *money))
