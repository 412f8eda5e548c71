"""All benchmarks, or some rows: `python -m benchmarks.run --size small|full [--only NAME …]`.

Writes `benchmarks/results.json`, prints the table, and ends with 1 when a row is not ok or something that ought to be
equal is not.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from benchmarks import accounts, commands, data, imports, interest, library, projections, reconciliation, rosters, web
from benchmarks.machine import BenchFault, Machine, console, machine
from benchmarks.report import MEASURES, Row, exit_code, in_order, row, show, write
from ledger.store.log import PoolLog

SIZES: Final = {"small": (10_000, 20_000), "full": (10_000, 100_000, 1_000_000)}
RESULTS: Final = Path(__file__).with_name("results.json")
_INTEREST: Final = {"interest_vs_bare_work", "interest_vs_library_500", "interest_rss_mb", "interest_rss_growth"}
_RECONCILIATION: Final = {"reconcile_vs_outer_join", "reconcile_rss_mb"}
_IMPORT: Final = {"import_payments_rows_per_s", "import_rss_mb", *_RECONCILIATION}
"""A month is compared when its payments were taken in."""
_ROSTERS: Final = {name for name in MEASURES if name.startswith("roster_")}
_REBUILD: Final = {"rebuild_balances_vs_scan", "rebuild_all_vs_scan"}
_COMMANDS: Final = {name for name in MEASURES if name.startswith("commands_")} | {"run_rate_during_commands"}
_P99_MS_WELL: Final = 250.0
_ACCOUNTS: Final = {"open_account_600_vs_6", "statement_600_vs_6"}


class Benchmarks:
    """One run: the sizes one after another, each in a pool of its own, and the rows so far."""

    def __init__(self, machine: Machine, wanted: set[str]) -> None:
        self._machine = machine
        self._wanted = wanted
        self._rss_before: float | None = None
        self._run_alone: float | None = None
        self.rows: list[Row] = []

    def at(self, size: int) -> None:
        """Measure all that is wanted at one size."""
        began = time.perf_counter()
        console.print(f"{size:,} accounts: making them")
        log = self._machine.pool(f"b{size}")
        data.fill(log, self._machine.register(log), size)
        credited = bool(self._wanted & _INTEREST)
        self._run_alone = None
        if credited:
            console.print("interest run and bare work")
            with self._library(log, size) as turn:
                self._interest(interest.measure(self._machine, log, size, turn))
        if self._wanted & _IMPORT:
            console.print("import of payments")
            taken = imports.measure(self._machine, log, size)
            self._add(row("import_payments_rows_per_s", size, taken.rows_per_s, info=taken.info()))
            self._add(row("import_rss_mb", size, taken.ran.rss_mb))
        if self._wanted & _RECONCILIATION:
            console.print("reconciliation of the month of these payments")
            compared = reconciliation.measure(self._machine, log, size)
            self._add(row("reconcile_vs_outer_join", size, compared.ratio, info=compared.info()))
            self._add(row("reconcile_rss_mb", size, compared.rss_mb))
        if self._wanted & _COMMANDS:
            console.print("commands")
            self._commands(size, commands.measure(self._machine, log, self._run_alone))
        if "http_statement_vs_bare_endpoint" in self._wanted:
            console.print("statements over HTTP")
            asked = web.measure(self._machine, log)
            self._add(row("http_statement_vs_bare_endpoint", size, asked.ratio, info=asked.info()))
        if self._wanted & _ROSTERS:
            console.print("rosters of a village")
            self._rosters(size, rosters.measure(self._machine, size))
        long, short = accounts.add(log)
        if self._wanted & _REBUILD:
            console.print("rebuild and scan")
            built = projections.measure(log)
            for name, seconds in (("balances", built.balances), ("all", built.everything)):
                self._add(row(f"rebuild_{name}_vs_scan", size, built.ratio(seconds), info=built.info(seconds)))
        if credited:
            console.print("statements against the log")
            interest.check_statements(self._machine, log)
        if self._wanted & _ACCOUNTS:
            console.print("accounts of 600 and of 6 events")
            lives = accounts.measure(log, long, short)
            for name, many, few in (
                ("open_account_600_vs_6", lives.open_600, lives.open_6),
                ("statement_600_vs_6", lives.statement_600, lives.statement_6),
            ):
                self._add(row(name, size, accounts.ratio(many, few), info=accounts.info(many, few)))
        console.print(f"{size:,} accounts took {time.perf_counter() - began:.0f} s")

    @contextmanager
    def _library(self, log: PoolLog, size: int) -> Iterator[Callable[[], float] | None]:
        if "interest_vs_library_500" not in self._wanted:
            yield None
            return
        with library.library(self._machine, log, size) as theirs:
            yield theirs.accounts_per_s
            theirs.compare()

    def _interest(self, figures: interest.InterestFigures) -> None:
        size, peak = figures.accounts, max(figures.rss_mb)
        self._add(row("interest_vs_bare_work", size, figures.ratio, sound=figures.sound, info=figures.info()))
        self._add(row("interest_rss_mb", size, peak, info={"runs_mb": figures.rss_mb}))
        before = self._rss_before or peak  # the smallest size is compared with itself
        self._add(row("interest_rss_growth", size, peak / before, info={"mb": peak, "next_smaller_mb": before}))
        self._rss_before = peak
        self._run_alone = figures.accounts_per_s
        if figures.library_per_s:
            ours = [size / seconds for seconds in figures.ours]
            told = {"ours_accounts_per_s": ours, "library_accounts_per_s": figures.library_per_s}
            self._add(row("interest_vs_library_500", size, figures.times_library, info=told))

    def _commands(self, size: int, figures: commands.CommandFigures) -> None:
        many, one = figures.rate(64), figures.rate(1)
        info = figures.info()
        self._add(row("commands_64_vs_own_1", size, many / one, info=info))
        self._add(row("commands_64_vs_64_inserts", size, many / figures.inserted(64), info=info))
        self._add(row("commands_1_vs_1_insert", size, one / figures.inserted(1), info=info))
        for clients in (16, 64):
            quiet, during = figures.quiet[clients], figures.during[clients]
            told = {"quiet": msgspec.to_builtins(quiet), "during": msgspec.to_builtins(during)}
            well = during.p99_ms <= _P99_MS_WELL
            name = f"commands_p99_during_run_{clients}"
            self._add(row(name, size, during.p99_ms / quiet.p99_ms, well=well, info=told))
        shares = [figures.during[clients].rate / figures.quiet[clients].rate for clients in (16, 64)]
        self._add(row("commands_rate_during_run", size, min(shares), info={"of_16_and_64": shares}))
        told = {"alone_per_s": figures.run_alone, "beside_per_s": figures.run_beside}
        self._add(row("run_rate_during_commands", size, figures.run_beside / figures.run_alone, info=told))
        told = {"beside_per_s": figures.exporting, "alone_per_s": figures.not_exporting}
        share = statistics.median(a / b for a, b in zip(figures.exporting, figures.not_exporting, strict=True))
        self._add(row("commands_while_export", size, share, info=told))

    def _rosters(self, size: int, figures: rosters.RosterFigures) -> None:
        info = figures.info()
        self._add(row("roster_review_rows_per_s", size, figures.reviewed_per_s, info=info))
        self._add(row("roster_allocation_rows_per_s", size, figures.allocated_per_s, info=info))
        self._add(row("roster_rss_mb", size, figures.rss_mb))
        self._add(row("roster_lock_ms", size, figures.longest_record_ms))

    def _add(self, one: Row) -> None:
        if one.name in self._wanted:
            self.rows.append(one)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Ratios of pension-ledger on this machine.")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), metavar="NAME")
    asked = parser.parse_args(arguments)
    try:
        with machine() as here:
            benchmarks = Benchmarks(here, set(asked.only))
            for size in SIZES[asked.size]:
                benchmarks.at(size)
    except BenchFault as fault:
        console.print(f"the benchmarks failed: {fault}", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; nothing is left behind")
        return 130
    rows = in_order(benchmarks.rows)
    write(rows, RESULTS)
    show(rows, Console() if sys.stdout.isatty() else Console(width=120))
    return exit_code(rows)


if __name__ == "__main__":
    sys.exit(main())
