"""A month of both books compared, as the command a user types, against a bare full outer join of the same two tables.

The month is the one that the import of payments took in: one payment for each account, three in a hundred of nobody
known, one in two hundred taken back. An approval stands for each, one in a hundred over another amount and one in a
hundred for somebody who did not pay. The view is dropped before each run, so every run compares the whole month.
"""

from __future__ import annotations

import csv
import json
import statistics
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.data import person
from benchmarks.imports import MONTH, row_of
from benchmarks.machine import BenchFault, Machine
from ledger.jobs.receivable_rows import REQUIRED
from ledger.store.log import PoolLog

PAIRS: Final = 3
_JOIN: Final = """
SELECT count(*), count(*) FILTER (WHERE t.fen IS DISTINCT FROM a.fen)
  FROM (SELECT participant_id, kind, payment_type, period, fen FROM {exchange_record}) t
  FULL JOIN (SELECT participant_id, kind, payment_type, period, fen FROM {receivable}) a
 USING (participant_id, kind, payment_type, period)"""
_FOUND: Final = 3
"""The exit code of a month with open differences."""


class ReconciliationFigures(NamedTuple):
    """Seconds of each run and of each join beside it, in turn; memory of the command (MB); rows/s of the approvals."""

    ours: list[float]
    joins: list[float]
    rss_mb: float
    receivables_per_s: float

    @property
    def ratio(self) -> float:
        """The median of the pairs."""
        return statistics.median(a / b for a, b in zip(self.ours, self.joins, strict=True))

    def info(self) -> dict[str, Any]:
        """All figures."""
        return {"ours_s": self.ours, "joins_s": self.joins, "receivables_rows_per_s": self.receivables_per_s}


def measure(machine: Machine, log: PoolLog, size: int) -> ReconciliationFigures:
    """Take the approvals in, then compare the month again and again. Raises `BenchFault` for a wrong difference."""
    path = machine.home / f"receivables-{size}.csv"
    expected = _write(path, size)
    pool = ("--pool", log.pool)
    began = time.perf_counter()
    machine.run("tax", "receivables", "import", str(path), *pool, "--actor", "bench", "--reviewer", "check")
    receivables_per_s = size / (time.perf_counter() - began)
    path.unlink()
    machine.run("balances", *pool)  # folds what the import recorded: every read does, and it is not the comparison's
    _run_vacuum(log)
    ours: list[float] = []
    joins: list[float] = []
    rss = 0.0
    for _ in range(PAIRS):
        with log.connections.connection() as connection:
            connection.execute(log.sql("DELETE FROM {reconciliation_month_v1}"))
        ran = machine.run("tax", "reconcile", *pool, "--month", MONTH, ends=_FOUND)
        ours.append(ran.seconds)
        rss = max(rss, ran.rss_mb)
        joins.append(_join(log))
    _check(machine, log, expected)
    return ReconciliationFigures(ours, joins, rss, receivables_per_s)


def _join(log: PoolLog) -> float:
    """The bare join, with the memory that the fold allows itself."""
    with log.connections.transaction() as connection:
        connection.execute("SET LOCAL work_mem = '96MB'; SET LOCAL jit = off")
        began = time.perf_counter()
        connection.execute(log.sql(_JOIN)).fetchone()
        return time.perf_counter() - began


def _run_vacuum(log: PoolLog) -> None:
    with log.connections.connection() as connection:
        connection.execute(log.sql("VACUUM (ANALYZE) {exchange_record}, {receivable}"), prepare=False)


def _check(machine: Machine, log: PoolLog, expected: dict[str, int]) -> None:
    ran = machine.run("tax", "reconcile", "--pool", log.pool, "--month", MONTH, "--json", ends=_FOUND)
    told = {name: one["rows"] for name, one in json.loads(ran.answer)["categories"].items()}
    if {name: told.get(name, 0) for name in expected} != expected:
        raise BenchFault(f"the month has {expected}, but the command says {told}")


def _write(path: Path, size: int) -> dict[str, int]:
    """The approvals; gives how many differences there must be of the categories that stand apart."""
    amounts = absent = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(REQUIRED)
        for place in range(size):
            number, name, _ = person(place)
            paid, is_refused = row_of(place)
            yuan = paid[7]
            turn = place % 100
            if turn == 23 and not is_refused:
                yuan, amounts = f"{int(yuan[:-3]) + 100}.00", amounts + 1
            absent += is_refused
            table.writerow(
                (f"H{place // 1000:07d}", number, name, "2025", "个人缴费", "正常应缴", yuan, f"{MONTH}-01", "新增")
            )
    cancelled = len(range(150, size, 200))
    return {"AMOUNT": amounts, "CANCELLED": cancelled}
