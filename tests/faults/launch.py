"""Runs the installed command in this process and stops it at a commit of its own: killed, or held at a gate.

`python -m tests.faults.launch [options] -- interest run --pool …` runs the console script that is on disk. Nothing of
the product is changed but what the options say; commits are counted where they leave for the server, in psycopg:

    --told FILE                        write a line before and after each commit: which one of its meaning it is
    --kill before|after --commit X     SIGKILL to this very process there; X is a meaning and its number, `tranche#2`
    --hold before|after --commit X     wait there until a file `go` appears in the folder of --gate
    --tranche N, --range N             smaller tranches of jobs and ranges of folds: several commits with few accounts
    --meet N --gate FOLDER             at each of the first N records wait, decided and not yet recorded, until another
                                       process is as far
    --reads                            count the looking up of a tranche's rows, too: `rows looked up`
    --no-lock                          without the courtesy lock of jobs
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import re
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.sql import Composable

MEETING_SECONDS_MAX: Final = 60.0
_CHANGES: Final = re.compile(r"(?:^|;)\s*(?:INSERT|UPDATE|DELETE|COPY|CREATE|DROP|ALTER|GRANT|ANALYZE|TRUNCATE)\b")
_MEANINGS: Final = (
    (re.compile(r'"log_head" SET last_id'), "tranche"),
    (re.compile(r'UPDATE "\w+"\."projection" SET position'), "tables folded forward"),
    (re.compile(r"INSERT INTO pension_shared\.key_check"), "key checked"),
    (re.compile(r'INSERT INTO "\w+"\."job"'), "job row begun"),
    (re.compile(r'UPDATE "\w+"\."job"'), "job row ended"),
    (re.compile(r'CREATE TABLE "\w+"\."(\w+)_v\d+_aside"'), "table aside made"),
    (re.compile(r'GRANT .*"\w+"\."(\w+)_v\d+_aside"'), "readers let in"),
    (re.compile(r'"\w+"\."(\w+)_v\d+_aside" ADD CONSTRAINT'), "key made"),
    (re.compile(r'ALTER TABLE "\w+"\."(\w+)_v\d+" RENAME'), "swap"),
    (re.compile(r'DROP TABLE IF EXISTS "\w+"\."(\w+)_v\d+_aside"'), "table aside dropped"),
    (re.compile(r'DROP TABLE IF EXISTS "\w+"\."(\w+)_v\d+_old"'), "old table dropped"),
    (re.compile(r'ANALYZE "\w+"\."(\w+)_v\d+_aside"'), "statistics made"),
    (re.compile(r'INSERT INTO "\w+"\."(\w+)_v\d+_aside"'), "range folded"),
)
_TRANCHES: Final = ("ledger.jobs.interest_run", "ledger.jobs.intake")
_RANGES: Final = ("projections.folds", "projections.rebuild", "projections.runner")
_LOCKED: Final = ("ledger.jobs.interest_run", "ledger.jobs.intake", "projections.rebuild")


class Commits:
    """Counts the commits of this process, tells of them, and does at one of them what was asked."""

    def __init__(self, told: Path | None, at: tuple[str, str] | None, act: Callable[[], None]) -> None:
        self._told = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if told else None
        self._at = at
        self._act = act
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self._under_way: dict[int, list[str]] = {}

    @contextlib.contextmanager
    def commit(self, meaning: str) -> Iterator[None]:
        """What happens inside is one commit."""
        with self._lock:
            self._counts[meaning] = self._counts.get(meaning, 0) + 1
            name = f"{meaning}#{self._counts[meaning]}"
        self._come("before", name)
        yield
        self._come("after", name)

    def _come(self, side: str, name: str) -> None:
        if self._told is not None:
            os.write(self._told, f"{side}\t{name}\n".encode())
        if self._at == (side, name):
            self._act()

    # -- where commits are seen ---------------------------------------------------------------------------------------

    def statement(self, cursor: psycopg.Cursor[Any], query: Any) -> contextlib.AbstractContextManager[None]:
        """A statement about to run: noted for its transaction's end, or a commit of its own outside of one."""
        text = _text(query)
        if not _CHANGES.search(text):
            return contextlib.nullcontext()
        connection = cursor.connection
        if connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE:
            return self.commit(_meaning([text]))
        self._under_way.setdefault(id(connection), []).append(text)
        return contextlib.nullcontext()

    def end(self, transaction: psycopg.Transaction, failed: bool) -> contextlib.AbstractContextManager[None]:
        """A transaction about to end; one that changed nothing or is inside another is no commit."""
        if transaction.savepoint_name:
            return contextlib.nullcontext()
        statements = self._under_way.pop(id(transaction.connection), [])
        if failed or not statements:
            return contextlib.nullcontext()
        return self.commit(_meaning(statements))

    def watch(self) -> None:
        """Put the counting into psycopg, and around the renaming of a result file."""
        execute, copy, leave = psycopg.Cursor.execute, psycopg.Cursor.copy, psycopg.Transaction.__exit__
        replace = Path.replace

        def executed(cursor: Any, query: Any, *given: Any, **options: Any) -> Any:
            with self.statement(cursor, query):
                return execute(cursor, query, *given, **options)

        def copied(cursor: Any, query: Any, *given: Any, **options: Any) -> Any:
            with self.statement(cursor, query):
                return copy(cursor, query, *given, **options)

        def left(transaction: Any, kind: Any, fault: Any, trace: Any) -> Any:
            with self.end(transaction, kind is not None):
                return leave(transaction, kind, fault, trace)

        def replaced(path: Path, target: Any) -> Path:
            if str(target).endswith(".result.csv"):
                with self.commit("result file"):
                    return replace(path, target)
            return replace(path, target)

        psycopg.Cursor.execute = executed  # type: ignore[method-assign]
        psycopg.Cursor.copy = copied  # type: ignore[method-assign]
        psycopg.Transaction.__exit__ = left  # type: ignore[method-assign]
        Path.replace = replaced  # type: ignore[method-assign]


def _watch_reads(commits: Commits) -> None:
    """Make the looking up of a tranche's rows a point like a commit."""
    pages = importlib.import_module("ledger.jobs.payment_pages")
    find = pages.find_rows

    def found(*given: Any) -> Any:
        with commits.commit("rows looked up"):
            return find(*given)

    pages.find_rows = found  # type: ignore[attr-defined]


def _text(query: Any) -> str:
    if isinstance(query, Composable):
        return query.as_string(None)
    return query.decode() if isinstance(query, bytes) else str(query)


def _meaning(statements: list[str]) -> str:
    for pattern, meaning in _MEANINGS:
        for text in statements:
            if found := pattern.search(text):
                return f"{meaning} ({found[1]})" if found.groups() else meaning
    return statements[0].strip()[:60]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + MEETING_SECONDS_MAX
    while not path.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"nobody came: {path.name}")
        time.sleep(0.005)


def _hold_at(gate: Path) -> Callable[[], None]:
    def hold() -> None:
        (gate / "reached").touch()
        _wait_for(gate / "go")

    return hold


def _meet(gate: Path, meetings: int) -> None:
    """At each of the first records, wait for the other process: both have read and decided, and neither has written."""
    recorder = importlib.import_module("ledger.store.recorder").LedgerRecorder
    record, records = recorder.record, iter(range(1, meetings + 1))

    def met(self: Any, *given: Any, **options: Any) -> Any:
        number = next(records, None)
        if number is not None:
            (gate / f"{number}.{os.getpid()}").touch()
            deadline = time.monotonic() + MEETING_SECONDS_MAX
            while len(list(gate.glob(f"{number}.*"))) < 2:
                if time.monotonic() > deadline:
                    raise SystemExit(f"nobody came to meeting {number}")
                time.sleep(0.002)
        return record(self, *given, **options)

    recorder.record = met


def _prepare(options: argparse.Namespace) -> None:
    importlib.import_module("api.cli.main")
    for modules, name, size in ((_TRANCHES, "TRANCHE", options.tranche), (_RANGES, "RANGE_MAX", options.range)):
        for module in modules if size else ():
            setattr(importlib.import_module(module), name, size)
    if options.no_lock:
        for module in _LOCKED:
            importlib.import_module(module).job_lock = lambda *_given, **_options: contextlib.nullcontext()  # type: ignore[attr-defined]
    if options.meet:
        _meet(options.gate, options.meet)
    side = options.kill or options.hold
    act = _die if options.kill else _hold_at(options.gate) if options.hold else lambda: None
    commits = Commits(options.told, (side, options.commit) if side else None, act)
    commits.watch()
    if options.reads:
        _watch_reads(commits)


def main() -> None:
    """Read the options, then be the installed command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--told", type=Path)
    parser.add_argument("--kill", choices=("before", "after"))
    parser.add_argument("--hold", choices=("before", "after"))
    parser.add_argument("--commit", default="")
    parser.add_argument("--gate", type=Path)
    parser.add_argument("--tranche", type=int)
    parser.add_argument("--range", type=int)
    parser.add_argument("--meet", type=int, default=0)
    parser.add_argument("--reads", action="store_true")
    parser.add_argument("--no-lock", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    _prepare(options)
    script = Path(sys.executable).with_name("pension-ledger")
    sys.argv = [str(script), *options.command]
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
