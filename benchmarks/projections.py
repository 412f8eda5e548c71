"""Rebuilding what reads stand on, against one process that merely reads the same log.

The *scan* reads topic and body of every event in order through a binary cursor on the server and decodes each body
into its type, as anybody would who wrote a fold in Python and had not begun to fold. Its snapshot stays open, which no
rebuild's does. Scan, rebuild of balances and rebuild of everything take turns; the figure is the median of the pairs'
ratios, in events a second.
"""

from __future__ import annotations

import statistics
import time
from typing import Any, Final, NamedTuple

from benchmarks.machine import console, execute, statement
from ledger.store.log import PoolLog
from ledger.store.mapper import decode
from projections.rebuild import rebuild

_ROWS: Final = 10_000
_TURNS: Final = 3


class RebuildFigures(NamedTuple):
    """Events of the log, and seconds of each turn."""

    events: int
    scan: list[float]
    balances: list[float]
    everything: list[float]

    def ratio(self, seconds: list[float]) -> float:
        """Events a second as a share of the scan's."""
        return statistics.median(scan / one for scan, one in zip(self.scan, seconds, strict=True))

    def info(self, seconds: list[float]) -> dict[str, Any]:
        """All figures."""
        return {"events": self.events, "scan_s": self.scan, "rebuild_s": seconds,
                "events_per_s": self.events / statistics.median(seconds)}  # fmt: skip


def measure(log: PoolLog) -> RebuildFigures:
    """Turns of scan, balances, everything."""
    execute(log, "VACUUM (ANALYZE) {ledger_events}", "CHECKPOINT")
    scan, balances, everything = [], [], []
    for _ in range(_TURNS):
        events, seconds = _scan(log)
        scan.append(seconds)
        began = time.perf_counter()
        rebuild(log, "balances", actor="bench")
        balances.append(time.perf_counter() - began)
        began = time.perf_counter()
        rebuild(log, actor="bench")
        everything.append(time.perf_counter() - began)
        console.print(f"  scan {scan[-1]:.2f} s, balances {balances[-1]:.2f} s, all {everything[-1]:.2f} s")
    return RebuildFigures(events, scan, balances, everything)


def _scan(log: PoolLog) -> tuple[int, float]:
    """How many events, and the seconds to read and decode them."""
    began = time.perf_counter()
    events = 0
    with (
        log.connections.transaction() as connection,
        connection.cursor("scan", binary=True) as cursor,
    ):
        cursor.execute(statement(log, "SELECT topic, state FROM {ledger_events} ORDER BY notification_id"))
        while rows := cursor.fetchmany(_ROWS):
            for topic, state in rows:
                decode(topic, state)
            events += len(rows)
    return events, time.perf_counter() - began
