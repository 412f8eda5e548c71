"""Single commands at counters: how many a second, beside single durable INSERTs, and while a run or an export is on.

*Clients* are closed loops in a process of their own (`clients`), over the queue that `serve` uses: payments to accounts
of the pool, one in ten refused. *Inserts* are the peer: as many connections as there are clients, from one process of
the same language, each committing one row of an event's bytes after the other into a table with the log's two keys and
its earlier rows.
Both are measured in turns. While a year's interest is run, the same clients go on, first 16, then 64.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple
from uuid import uuid4

import msgspec
import psycopg

from benchmarks.clients import Load, Served
from benchmarks.data import YEAR
from benchmarks.machine import BenchFault, Machine, execute, statement
from ledger.store.log import PoolLog

PAIRS: Final = 3
_SECONDS: Final = 2.0
_LONG: Final = 600.0
_FEW, _MANY = 16, 64


class CommandFigures(NamedTuple):
    """Rates a second of each turn; what clients were served quietly and during the run; the run's own rates."""

    own: dict[int, list[float]]
    inserts: dict[int, list[float]]
    quiet: dict[int, Served]
    during: dict[int, Served]
    run_alone: float
    run_beside: float
    exporting: list[float]
    not_exporting: list[float]

    def rate(self, clients: int) -> float:
        """Our commands a second, the median of the turns."""
        return statistics.median(self.own[clients])

    def inserted(self, connections: int) -> float:
        """Rows a second of the peer, the median of the turns."""
        return statistics.median(self.inserts[connections])

    def info(self) -> dict[str, Any]:
        """All figures."""
        return {
            **{f"own_{clients}_per_s": rates for clients, rates in self.own.items()},
            **{f"inserts_{connections}_per_s": rates for connections, rates in self.inserts.items()},
        }


class Counters:
    """A process of clients, ready to begin."""

    def __init__(self, machine: Machine, log: PoolLog, clients: int, seconds: float) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.clients"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[1],
        )  # fmt: skip
        load = Load(url=machine.url, home=str(machine.home), pool=log.pool, clients=clients, seconds=seconds)
        self._say(msgspec.json.encode(load).decode())
        self._hear()

    def __enter__(self) -> Counters:
        self._say("begin")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._child.kill()
        self._child.wait()

    def served(self, *, stop: bool = False) -> Served:
        """What the clients got, at once or when their time is over."""
        if stop:
            self._say("end")
        return msgspec.json.decode(self._hear(), type=Served)

    def _say(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def _hear(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise BenchFault("the clients ended without a word")
        return line


def measure(machine: Machine, log: PoolLog, run_alone: float | None) -> CommandFigures:
    """All of it. `run_alone` is the interest run's rate (accounts/s) where it was measured already.

    The year of the run is not credited yet where it was not measured; the next year is credited beside the clients.
    """
    alone = run_alone or _run(machine, log, YEAR)
    _clients(machine, log, _MANY)
    own: dict[int, list[float]] = {1: [], _MANY: []}
    inserts: dict[int, list[float]] = {1: [], _MANY: []}
    quiet: dict[int, Served] = {_FEW: _clients(machine, log, _FEW)}
    with _insert_table(log):
        for _ in range(PAIRS):
            for clients in (1, _MANY):
                quiet[clients] = _clients(machine, log, clients)
                own[clients].append(quiet[clients].rate)
                inserts[clients].append(asyncio.run(_insert(log, clients)))
    exporting, not_exporting = _beside_export(machine, log)
    during, beside = _beside_run(machine, log)
    return CommandFigures(own, inserts, quiet, during, alone, beside, exporting, not_exporting)


def _clients(machine: Machine, log: PoolLog, clients: int, seconds: float = _SECONDS) -> Served:
    with Counters(machine, log, clients, seconds) as counters:
        return counters.served()


def _run(machine: Machine, log: PoolLog, year: int) -> float:
    """Accounts a second of the interest run of a year."""
    asked = ("--pool", log.pool, "--year", str(year), "--actor", "bench", "--reviewer", "check", "--json")
    ran = machine.run("interest", "run", *asked)
    told = json.loads(ran.answer)
    return float(told["credited"] + told["already_credited"] + told["waiting"] + told["without_money"]) / ran.seconds


def _beside_run(machine: Machine, log: PoolLog) -> tuple[dict[int, Served], float]:
    """What 16 and then 64 clients are served while the next year is credited, and the run's rate meanwhile."""
    rates: list[float] = []
    runner = threading.Thread(target=lambda: rates.append(_run(machine, log, YEAR + 1)))
    accounts = execute(log, "SELECT count(*) FROM {account_state}")[0][0]
    half = max(1.0, accounts / 100_000)
    first, second = Counters(machine, log, _FEW, half), Counters(machine, log, _MANY, _LONG)
    runner.start()
    time.sleep(min(1.0, half))
    during: dict[int, Served] = {}
    with first:
        during[_FEW] = first.served()
    with second:
        least = time.monotonic() + 1.0  # a small pool's run is over before they begin; such sizes are not judged
        while runner.is_alive() or time.monotonic() < least:
            time.sleep(0.05)
        during[_MANY] = second.served(stop=True)
    if not rates:
        raise BenchFault("the interest run beside the clients failed")
    return during, rates[0]


def _beside_export(machine: Machine, log: PoolLog) -> tuple[list[float], list[float]]:
    """Rates of 64 clients in turns: while every event of the pool streams out, and while none does."""
    beside, alone = [], []
    for _ in range(PAIRS):
        alone.append(_clients(machine, log, _MANY).rate)
        with machine.running("events", "--pool", log.pool, "--all", "--json"):
            time.sleep(1.0)
            beside.append(_clients(machine, log, _MANY).rate)
    return beside, alone


@contextmanager
def _insert_table(log: PoolLog) -> Iterator[None]:
    execute(
        log,
        "CREATE TABLE {bench_insert} (LIKE {ledger_events} INCLUDING ALL)",
        "INSERT INTO {bench_insert} SELECT * FROM {ledger_events} ORDER BY notification_id",
        "CREATE SEQUENCE {bench_insert_id}",
        f"SELECT setval('{log.schema}.bench_insert_id', max(notification_id)) FROM {{ledger_events}}",
        "VACUUM (ANALYZE) {bench_insert}",
    )
    try:
        yield
    finally:
        execute(log, "DROP TABLE {bench_insert}", "DROP SEQUENCE {bench_insert_id}")


async def _insert(log: PoolLog, connections: int) -> float:
    """Rows a second of so many connections that each commit one after the other."""
    topic, state = execute(
        log, "SELECT topic, state FROM {ledger_events} WHERE topic = 'account.contribution_recorded' LIMIT 1"
    )[0]
    text = statement(
        log,
        "INSERT INTO {bench_insert} (originator_id, originator_version, topic, state, notification_id, recorded_at)"
        f" VALUES (%s, 1, %s, %s, nextval('{log.schema}.bench_insert_id'), clock_timestamp())",
    )
    url = log.connections.url
    opened = [await psycopg.AsyncConnection.connect(url, autocommit=True) for _ in range(connections)]
    done = 0

    async def one(connection: psycopg.AsyncConnection[Any], until: float) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await connection.execute(text, (uuid4(), topic, state), prepare=True)
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(one(connection, began + _SECONDS) for connection in opened))
    seconds = time.perf_counter() - began
    for connection in opened:
        await connection.close()
    return done / seconds
