"""Where the benchmarks run: a fresh home with a server of its own, and the command as a user types it.

The home lies in the system's temporary folder and is gone at the end, also after Ctrl-C. Its server is the one every
user gets, with the same settings (fsync on).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Formatter
from types import FrameType
from typing import Any, Final, NamedTuple

from psycopg.sql import SQL, Composed, Identifier
from rich.console import Console

from ledger.jobs.rule_entry import enter, open_rules
from ledger.region_rules import ValueEntered
from ledger.store.connections import Connections
from ledger.store.keeper import Keeper
from ledger.store.keys import Keys, check_keys, load_keys
from ledger.store.log import PoolLog
from ledger.store.pools import Pool, add_pool
from ledger.store.register import Register
from ledger.store.server import OWNER, EmbeddedServer, Layout
from migrations.run import migrate

COMMAND: Final = Path(sys.executable).with_name("pension-ledger")
RATES: Final = dict.fromkeys(range(2012, 2026), "0.0262")
CAP_YUAN: Final = "100000"
_STOPPED_SECONDS_MAX: Final = 150.0
_POLL_SECONDS: Final = 0.02
console: Final = Console(stderr=True, highlight=False)


class BenchFault(Exception):  # noqa: N818 (the bench itself found something wrong; no figure can be trusted)
    """What ought to be equal is not, or a command did not end as it must."""


class Ran(NamedTuple):
    """A command that ended: its whole wall time, the peak of its memory (MB of 10⁶ bytes), what it said on stdout."""

    seconds: float
    rss_mb: float
    answer: str


class Machine:
    """The home, its server, and this process's own connections to it."""

    def __init__(self, home: Path, server: EmbeddedServer, connections: Connections, keys: Keys) -> None:
        self.home = home
        self.url = server.url
        self.connections = connections
        self._keys = keys

    def pool(self, code: str, region: str = "ningxia") -> PoolLog:
        """A new pool with rates and caps for the years of the benchmarks."""
        migrate(self.url, [code])
        add_pool(self.connections, Pool(code, "基准统筹区", region))
        log = PoolLog(self.connections, code)
        open_rules(log, "基准统筹区", region, "bench")
        for year, rate in RATES.items():
            for name, value in (("rate", rate), ("cap", CAP_YUAN)):
                entry = ValueEntered(
                    actor="bench", reviewer="check", name=name, year=year, value=value, document=f"示例〔{year}〕1号"
                )
                enter(log, entry)
        return log

    def register(self, log: PoolLog) -> Register:
        """The register of a pool under the home's own key."""
        return Register(log, self._keys)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """`pension-ledger …` while something else is measured; what it says goes nowhere, and it is ended after."""
        child = subprocess.Popen(
            [str(COMMAND), *arguments],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield child
            if child.poll() not in {None, 0}:
                raise BenchFault(f"{' '.join(arguments[:2])} ended with {child.returncode}")
        finally:
            child.terminate()
            child.wait()

    def _environment(self) -> dict[str, str]:
        """The environment of a command on this home, whatever of the ledger's the shell carries."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PENSION_", "POSTGRES_"))}
        kept.pop("DATABASE_URL", None)
        return {**kept, "PENSION_LEDGER_HOME": str(self.home)}

    def run(self, *arguments: str, ends: int = 0) -> Ran:
        """`pension-ledger …` as a process of its own; `BenchFault` unless it ends with the exit code `ends`."""
        began = time.perf_counter()
        child = subprocess.Popen(
            [str(COMMAND), *arguments],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            with watched(child.pid) as memory:
                answer, notices = child.communicate()
                seconds = time.perf_counter() - began
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
        if child.returncode != ends:
            said = notices.decode("utf-8", "replace").strip()
            raise BenchFault(f"{' '.join(arguments[:2])} ended with {child.returncode}, not {ends}: {said}")
        return Ran(seconds, memory[0] / 1e6, answer.decode())


@contextmanager
def watched(pid: int) -> Iterator[list[int]]:
    """The high-water mark (bytes) of the memory of a process and its living children together, asked for as they live.

    Not `wait4`: its figure starts with the memory of the process that forked the child, which here is the larger one.
    """
    peak, ended = [0], threading.Event()

    def mark(one: int) -> int:
        with suppress(OSError, ValueError, IndexError):
            line = Path(f"/proc/{one}/status").read_text().split("VmHWM:")[1].splitlines()[0]
            return int(line.split()[0]) * 1024
        return 0

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
            children: list[int] = []
            with suppress(OSError):
                children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            peak[0] = max(peak[0], sum(map(mark, (pid, *children))))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine of our own for one run of the benchmarks; whatever ends it, its home goes with it."""
    signal.signal(signal.SIGTERM, _interrupted)
    home = Path(tempfile.mkdtemp(prefix="pl-bench-"))
    home.chmod(0o755)
    try:
        with EmbeddedServer(home):
            pass
        _wait_until_stopped(home)
        _may_checkpoint(home)
        with EmbeddedServer(home) as server, Connections(server.url, "pension-ledger bench") as connections:
            migrate(server.url, [])
            keys = load_keys(home, {})
            check_keys(connections, keys)
            yield Machine(home, server, connections, keys)
    finally:
        patient = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave the home behind
        _wait_until_stopped(home)
        shutil.rmtree(home, ignore_errors=True)
        signal.signal(signal.SIGINT, patient)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _may_checkpoint(home: Path) -> None:
    """Let the owner's role begin a checkpoint, which nothing but a benchmark asks for, in this cluster alone."""
    layout = Layout(home.resolve())
    keeper = Keeper(layout.home, {})
    program = [keeper.programs() / "postgres", "--single", "-D", layout.cluster, "-c", "exit_on_error=true", "postgres"]
    child = keeper._spawn([str(part) for part in program], quiet=True)
    child.communicate(f"GRANT pg_checkpoint TO {OWNER};\n".encode("ascii"))
    if child.returncode != 0:
        raise BenchFault("the benchmark's own cluster cannot be prepared")


def _wait_until_stopped(home: Path) -> None:
    """Until the keeper has stopped the server: it does so by itself once the last user has left."""
    path = Layout(home.resolve()).keeper_lock
    deadline = time.monotonic() + _STOPPED_SECONDS_MAX
    while path.exists() and time.monotonic() < deadline:
        with path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                return


def statement(log: PoolLog, text: str) -> Composed:
    """A statement with `{name}` for a table of the pool's schema, the benchmarks' own tables included."""
    names = {name for _, name, _, _ in Formatter().parse(text) if name}
    return SQL(text).format(**{name: Identifier(log.schema, name) for name in names})


def execute(log: PoolLog, *texts: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Statements, each in a transaction of its own or in none; the rows of the last."""
    rows: list[tuple[Any, ...]] = []
    with log.connections.connection() as connection:
        for text in texts:
            cursor = connection.execute(statement(log, text), parameters or None, prepare=False)
            rows = cursor.fetchall() if cursor.description else []
    return rows
