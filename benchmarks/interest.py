"""A year's interest as a user runs it, against the same outcome written by nothing but the database.

*Ours* is `pension-ledger interest run … --json`, from the start of its interpreter to its end. The *bare work* writes
the very rows that a run of ours left: its event bytes, already in memory in COPY's binary format, into the same table
with the same indexes and the same earlier rows; its states by one UPDATE from a filled table, whose primary key gives
the planner the tranche; `log_head`; the same tranches, the same commits. It reads nothing, decides nothing, checks
nothing. Both begin on the same data: the run's events deleted, the states written anew in key order, indexes rebuilt,
VACUUM (ANALYZE), CHECKPOINT. They take turns, and the figure is the median of the pairs' ratios.

A baseline that is slow by itself would flatter us, so the same rows also go through psql's own `\\copy` from files:
where that and the COPY of the baseline differ by a third or more, the row is not ok (from 100,000 accounts on; below,
a copy is over in a tenth of a second).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarks.data import YEAR
from benchmarks.machine import BenchFault, Machine, Ran, console, execute, statement
from ledger.account_events import InterestCredited, InterestEvent
from ledger.money import fen_to_yuan
from ledger.store.log import PoolLog
from ledger.store.server import bin_dir
from projections.statement import statement as read_statement

PAIRS: Final = 5
_COPIES: Final = 3
_COLUMNS: Final = "originator_id, originator_version, topic, state, notification_id, recorded_at"
_COPY_LOG: Final = f"COPY {{ledger_events}} ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_DIFFERENCE_MAX: Final = 1 / 3
_JUDGED_FROM: Final = 100_000
"""Accounts whose copy takes long enough (half a second) for such a difference to mean something."""
_SAMPLE: Final = 300


class InterestFigures(NamedTuple):
    """What was measured at one size. Seconds of each pair, of a run without accounts, of each way to copy; MB.

    `library_per_s` are the accounts a second of the library's turns, one after each run of ours.
    """

    accounts: int
    ours: list[float]
    bare: list[float]
    library_per_s: list[float]
    start_up: float
    rss_mb: list[float]
    copy_psycopg: list[float]
    copy_psql: list[float]

    @property
    def ratio(self) -> float:
        """Ours to bare, the median of the pairs."""
        return statistics.median(ours / bare for ours, bare in zip(self.ours, self.bare, strict=True))

    @property
    def times_library(self) -> float:
        """Our accounts a second to the library's, the median of the pairs."""
        pairs = zip(self.ours, self.library_per_s, strict=True)
        return statistics.median(self.accounts / ours / theirs for ours, theirs in pairs)

    @property
    def accounts_per_s(self) -> float:
        """Accounts a second of the command, its start included."""
        return self.accounts / statistics.median(self.ours)

    @property
    def sound(self) -> bool:
        """Whether psql's own copy and the baseline's take the same time, the quickest of each."""
        quick, slow = sorted((min(self.copy_psycopg), min(self.copy_psql)))
        return self.accounts < _JUDGED_FROM or 1 - quick / slow < _DIFFERENCE_MAX

    def info(self) -> dict[str, Any]:
        """All figures."""
        net = [ours - self.start_up for ours in self.ours]
        return {
            "ours_s": self.ours,
            "bare_s": self.bare,
            "ratios": [ours / bare for ours, bare in zip(self.ours, self.bare, strict=True)],
            "start_up_s": self.start_up,
            "ratio_without_start_up": statistics.median(a / b for a, b in zip(net, self.bare, strict=True)),
            "accounts_per_s": self.accounts_per_s,
            "baseline_copy_vs_psql": min(self.copy_psycopg) / min(self.copy_psql),
            "copy_psycopg_s": self.copy_psycopg,
            "copy_psql_s": self.copy_psql,
        }


class Tranche(NamedTuple):
    """One transaction of the run as the bare work repeats it."""

    number: int
    rows: int
    least: Any
    greatest: Any
    events: bytes


class StartingPoint:
    """The pool as it stood before the run, and the way back to it."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self.last_id = int(execute(log, "SELECT last_id FROM {log_head}")[0][0])
        execute(
            log,
            "CREATE TABLE {bench_start} AS SELECT * FROM {account_state} ORDER BY account_id",
            "CREATE TABLE {bench_head} AS SELECT * FROM {log_head}",
        )

    def restore(self, *, states: bool = True) -> None:
        """Undo a run; the log's tables are left as if freshly loaded, vacuumed and written out."""
        if states:
            execute(
                self._log,
                "TRUNCATE {account_state}",
                "INSERT INTO {account_state} SELECT * FROM {bench_start} ORDER BY account_id",
                "UPDATE {log_head} h SET last_id = b.last_id, last_at = b.last_at FROM {bench_head} b",
                "VACUUM (ANALYZE) {account_state}",
                "VACUUM {log_head}",
            )
        execute(
            self._log,
            "SET maintenance_work_mem = '512MB'",
            f"DELETE FROM {{ledger_events}} WHERE notification_id > {self.last_id}",
            "VACUUM (ANALYZE) {ledger_events}",
            "REINDEX TABLE {ledger_events}",
            "CHECKPOINT",
        )

    def drop(self) -> None:
        """Take the benchmarks' own tables away."""
        execute(self._log, "DROP TABLE IF EXISTS {bench_start}, {bench_head}, {bench_new}")


def measure(machine: Machine, log: PoolLog, size: int, library: Callable[[], float] | None) -> InterestFigures:
    """Pairs of runs on the accounts of `log`; the last run is ours, and its events stay.

    `library` is the other peer: it gives the accounts a second of a turn of its own, taken right after each of ours.
    """
    start_up = _start_up(machine)
    start = StartingPoint(log)
    start.restore()
    first = _ours(machine, log, size)
    work = _work(log, start)
    by_psycopg, by_psql = _copies(machine, log, start, work)
    ours, bare, theirs, memory = [], [], [], [first.rss_mb]
    for turn in range(PAIRS):
        for mine in (True, False) if (PAIRS - turn) % 2 == 0 else (False, True):
            start.restore()
            if mine:
                ran = _ours(machine, log, size)
                ours.append(ran.seconds)
                memory.append(ran.rss_mb)
                if library is not None:
                    theirs.append(library())
            else:
                bare.append(_bare(log, work))
        console.print(f"  pair {turn + 1}: ours {ours[-1]:.2f} s, bare {bare[-1]:.2f} s")
    start.drop()
    return InterestFigures(size, ours, bare, theirs, start_up, memory, by_psycopg, by_psql)


def _start_up(machine: Machine) -> float:
    """A run in a pool without accounts: interpreter, imports, database, locks, report."""
    empty = f"empty{time.time_ns()}"
    machine.pool(empty)
    return statistics.median(_run(machine, empty).seconds for _ in range(3))


def _ours(machine: Machine, log: PoolLog, size: int) -> Ran:
    ran = _run(machine, log.pool)
    report = json.loads(ran.answer)
    told = execute(
        log,
        "SELECT count(*), sum((convert_from(state, 'UTF8')::jsonb #>> '{{effect,interest}}')::bigint)"
        " FROM {ledger_events} WHERE topic = %(topic)s",
        topic=InterestCredited.topic,
    )[0]
    if (report["credited"], report["interest"]) != (size, fen_to_yuan(int(told[1] or 0))) or told[0] != size:
        raise BenchFault(f"the run reports {report['credited']} / {report['interest']}, the log holds {told}")
    return ran


def _run(machine: Machine, pool: str) -> Ran:
    return machine.run(
        "interest", "run", "--pool", pool, "--year", str(YEAR), "--actor", "bench", "--reviewer", "check", "--json"
    )


# -- the bare work -------------------------------------------------------------------------------------------------


def _work(log: PoolLog, start: StartingPoint) -> list[Tranche]:
    """What the run wrote: the bytes of each transaction's events, and its states in a filled table."""
    transactions = execute(
        log,
        "SELECT min(notification_id), max(notification_id), count(*) FROM {ledger_events}"
        f" WHERE notification_id > {start.last_id} GROUP BY recorded_at ORDER BY 1",
    )
    execute(
        log,
        "CREATE TABLE {bench_new} (tranche integer, account_id uuid, version bigint, credited_through smallint,"
        " state bytea, PRIMARY KEY (tranche, account_id))",
    )
    work = []
    with log.connections.connection() as connection:
        for number, (first, last, rows) in enumerate(transactions):
            written = f"notification_id BETWEEN {first} AND {last}"
            connection.execute(
                statement(
                    log,
                    f"INSERT INTO {{bench_new}} SELECT {number}, s.account_id, s.version, s.credited_through, s.state"
                    " FROM {account_state} s JOIN {ledger_events} e ON e.originator_id = s.account_id"
                    f" AND e.originator_version = s.version WHERE {written} ORDER BY s.account_id",
                )
            )
            ends = connection.execute(
                statement(
                    log,
                    "SELECT account_id FROM ((SELECT account_id FROM {bench_new} WHERE tranche = %(n)s ORDER BY 1"
                    " LIMIT 1) UNION ALL (SELECT account_id FROM {bench_new} WHERE tranche = %(n)s ORDER BY 1 DESC"
                    " LIMIT 1)) ends ORDER BY 1",
                ),
                {"n": number},
            ).fetchall()
            question = f"SELECT {_COLUMNS} FROM {{ledger_events}} WHERE {written} ORDER BY notification_id"
            with connection.cursor().copy(statement(log, f"COPY ({question}) TO STDOUT (FORMAT BINARY)")) as copy:
                events = b"".join(bytes(part) for part in copy)
            work.append(Tranche(number, rows, ends[0][0], ends[-1][0], events))
        connection.execute(statement(log, "VACUUM (ANALYZE) {bench_new}"))
    return work


def _bare(log: PoolLog, work: list[Tranche]) -> float:
    """Seconds for head, states and events of every tranche, each committed."""
    with log.connections.connection() as connection:
        began = time.perf_counter()
        for tranche in work:
            with connection.transaction():
                connection.execute(
                    statement(log, "UPDATE {log_head} SET last_id = last_id + %s, last_at = now()"), (tranche.rows,)
                )
                connection.execute(
                    statement(
                        log,
                        "UPDATE {account_state} s SET version = n.version, credited_through = n.credited_through,"
                        f" state = n.state FROM {{bench_new}} n WHERE n.tranche = {tranche.number}"
                        " AND n.account_id = s.account_id AND s.account_id BETWEEN %s AND %s",
                    ),
                    (tranche.least, tranche.greatest),
                    prepare=False,
                )
                _copy(log, connection, tranche)
        return time.perf_counter() - began


def _copy(log: PoolLog, connection: Connection[Any], tranche: Tranche) -> None:
    with connection.cursor().copy(statement(log, _COPY_LOG)) as copy:
        copy.write(tranche.events)


# -- is the baseline itself sound? ---------------------------------------------------------------------------------


def _copies(
    machine: Machine, log: PoolLog, start: StartingPoint, work: list[Tranche]
) -> tuple[list[float], list[float]]:
    """Seconds of the events alone, by psycopg from memory and by psql from files, in turns."""
    folder = machine.home / "copies"
    folder.mkdir(mode=0o700)
    for tranche in work:
        (folder / f"{tranche.number}").write_bytes(tranche.events)
    by_psycopg, by_psql = [], []
    for _ in range(_COPIES):
        start.restore()
        with log.connections.connection() as connection:
            began = time.perf_counter()
            for tranche in work:
                _copy(log, connection, tranche)
            by_psycopg.append(time.perf_counter() - began)
        start.restore()
        by_psql.append(_psql(machine, log, [folder / f"{tranche.number}" for tranche in work]))
    for tranche in work:
        (folder / f"{tranche.number}").unlink()
    folder.rmdir()
    return by_psycopg, by_psql


def _psql(machine: Machine, log: PoolLog, files: list[Path]) -> float:
    """Seconds that psql itself tells for `\\copy` of each file."""
    parameters = conninfo_to_dict(machine.url)
    password = str(parameters.pop("password"))
    target = statement(log, f"{{ledger_events}} ({_COLUMNS})").as_string(None)
    copies = "".join(f"\\copy {target} from '{file}' with (format binary)\n" for file in files)
    done = subprocess.run(
        [str(bin_dir() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", make_conninfo("", **parameters)],
        input="\\timing on\n" + copies,
        env={**os.environ, "PGPASSWORD": password, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("Time:")]
    if done.returncode != 0 or len(told) != len(files):
        raise BenchFault(f"psql could not copy: {done.stderr.strip()}")
    return sum(told) / 1000


# -- does the statement show what the run recorded? ----------------------------------------------------------------


def check_statements(machine: Machine, log: PoolLog) -> None:
    """Hold the interest in the log against the statement of a sample of accounts, a few of them as the command prints.

    Raises `BenchFault`.
    """
    accounts = [row[0] for row in execute(log, "SELECT account_id FROM {account_state} ORDER BY account_id")]
    for place, account in enumerate(accounts[:: max(1, len(accounts) // _SAMPLE)]):
        recorded = sum(
            event.effect.interest
            for event in log.history(account)
            if isinstance(event, InterestEvent) and event.year == YEAR
        )
        told = [read_statement(log, account, YEAR)["interest"]]
        if place % 150 == 75:
            asked = ("--pool", log.pool, "--account", str(account), "--year", str(YEAR), "--json")
            told.append(json.loads(machine.run("statement", *asked).answer)["interest"])
        if any(shown != fen_to_yuan(recorded) for shown in told):
            raise BenchFault(f"account {account}: the log holds interest {fen_to_yuan(recorded)}, stated is {told}")
