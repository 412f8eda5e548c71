"""Homes of the installed command: one prepared for each kind of job, and copies of it that may be damaged.

A prepared home is complete but for the job in question, and its server is stopped; a copy takes a fraction of a second,
and has the same accounts. So the log of a job that was killed and repeated must be, byte for byte, that of the same job
left in peace, but for instants and ids.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import TupleRow

from api.cli.main import run as run_here
from ledger.store.connections import Connections
from ledger.store.keys import load_keys
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.store.server import EmbeddedServer, Layout
from projections.statement import statements
from projections.verify import register_check, verify
from tests.faults.people import Files, write_files

HOUSE: Final = Path(__file__).resolve().parents[2]
COMMAND: Final = str(Path(sys.executable).with_name("pension-ledger"))
OURS: Final = ("DATABASE_URL", "PENSION_LEDGER_KEY", "PENSION_LEDGER_HOME")
POOL: Final = "640100"
YEAR: Final = 2024
SECONDS_MAX: Final = 180.0
_TWO: Final = ("--actor", "甲", "--reviewer", "乙")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Books(NamedTuple):
    """All that is recorded in a pool, without instants and ids: what an undisturbed run leaves, too."""

    events: int
    log: str
    states: str
    identities: str
    statements: dict[str, Any]


@dataclass(frozen=True)
class Home:
    """One folder `path` with a home of the command, and the files to take in beside it."""

    path: Path

    @property
    def home(self) -> Path:
        """PENSION_LEDGER_HOME."""
        return self.path / "home"

    @property
    def files(self) -> Files:
        """The input files."""
        names = ("participants", "openings", "payments-2023", "payments-2024")
        return Files(*(self.path / "files" / f"{name}.csv" for name in names))

    @property
    def environment(self) -> dict[str, str]:
        """The shell's environment with this home, and neither another database nor another key."""
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        return {**kept, "PENSION_LEDGER_HOME": str(self.home)}

    def start(self, *arguments: str, launch: list[str] | None = None) -> subprocess.Popen[str]:
        """Start the installed command; with `launch`, under the launcher with those options."""
        how = [COMMAND] if launch is None else [sys.executable, "-m", "tests.faults.launch", *launch, "--"]
        return subprocess.Popen(
            [*how, *arguments],
            cwd=HOUSE,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, launch: list[str] | None = None) -> Ended:
        """Run it to its end."""
        return ended(self.start(*arguments, launch=launch))

    def must(self, *arguments: str, code: int = 0) -> str:
        """Do the same inside this process, which nobody kills, to the end it must have; what it said on stdout."""
        out, err = io.StringIO(), io.StringIO()
        here = {name: value for name, value in os.environ.items() if name in OURS}
        try:
            for name in OURS:
                os.environ.pop(name, None)
            os.environ["PENSION_LEDGER_HOME"] = str(self.home)
            with redirect_stdout(out), redirect_stderr(err):
                found = run_here(list(arguments))
        finally:
            del os.environ["PENSION_LEDGER_HOME"]
            os.environ.update(here)
        if found != code:
            raise AssertionError(f"{arguments} ended with {found}, not {code}: {out.getvalue()}{err.getvalue()}")
        return out.getvalue()

    def copy(self, to: Path) -> Home:
        """The same home at another place. Its server must have stopped."""
        subprocess.run(["cp", "-a", "--reflink=auto", str(self.path), str(to)], check=True)
        return Home(to)

    def wait_until_stopped(self) -> None:
        """Wait until the home's keeper is gone."""
        deadline = time.monotonic() + SECONDS_MAX
        with Layout(self.home).keeper_lock.open("a") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)
                else:
                    return

    def remove(self) -> None:
        """Remove it when its server has stopped."""
        self.wait_until_stopped()
        shutil.rmtree(self.path)

    @contextmanager
    def held(self) -> Iterator[Eyes]:
        """Keep the server up, and look into the database beside the command."""
        with (
            EmbeddedServer(self.home) as server,
            Connections(server.url, "faults") as connections,
            psycopg.connect(server.url, autocommit=True) as connection,
        ):
            yield Eyes(self, connection, PoolLog(connections, POOL))


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a command's end."""
    try:
        out, err = process.communicate(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{process.args!r} did not end: {out}{err}") from None
    return Ended(process.returncode, out, err)


@dataclass
class Eyes:
    """A connection of our own to the database of a home whose server we keep up."""

    of: Home
    connection: psycopg.Connection[TupleRow]
    log: PoolLog

    def rows(self, text: str) -> list[TupleRow]:
        """All rows of a statement; `{pool}` stands for the pool's schema."""
        return self.connection.execute(text.replace("{pool}", f"pool_{POOL}").encode()).fetchall()

    def one(self, text: str) -> Any:
        """The one value of a statement."""
        return self.rows(text)[0][0]

    def position(self) -> int:
        """The end of the log."""
        return int(self.one("SELECT last_id FROM {pool}.log_head"))

    def jobs_open(self) -> int:
        """Jobs that began and have not ended."""
        return int(self.one("SELECT count(*) FROM {pool}.job WHERE ended_at IS NULL"))

    def tables(self) -> dict[str, int]:
        """The tables that the projections are in, with their ids."""
        return dict(
            self.rows(
                "SELECT relname::text, oid::bigint FROM pg_class WHERE relkind = 'r' AND relnamespace ="
                " '{pool}'::regnamespace AND (relname LIKE 'balance%' OR relname LIKE 'statement%')"
            )
        )

    def server_pid(self) -> int:
        """The process id of the server."""
        return int((Layout(self.of.home).cluster / "postmaster.pid").read_text("utf-8").splitlines()[0])

    def digest(self, columns: str, table: str) -> str:
        """The sha256 of columns (text) of all rows, whatever their order on disk."""
        return str(
            self.one(
                f"SELECT encode(sha256(convert_to(coalesce(string_agg(row, E'\\n' ORDER BY row COLLATE \"C\"), ''),"
                f" 'UTF8')), 'hex') FROM (SELECT concat_ws(' ', {columns}) AS row FROM {{pool}}.{table}) t"
            )
        )

    def books(self) -> Books:
        """All that is recorded."""
        told = statements(self.log, YEAR, None, None, self._register().versions)
        return Books(
            int(self.one("SELECT count(*) FROM {pool}.ledger_events")),
            self.digest("originator_id, originator_version, topic, encode(state, 'hex')", "ledger_events"),
            self.digest("account_id, version, credited_through, encode(state, 'hex')", "account_state"),
            self.digest("serial, data_type, encode(content, 'hex'), account_id, version", "external_identity"),
            dict(_without_instants(one) for one in told),
        )

    def findings(self) -> list[str]:
        """What verify finds."""
        return [finding.text for finding in verify(self.log, register_check(self._register()))]

    def _register(self) -> Register:
        return Register(self.log, load_keys(self.of.home, {}))


def _without_instants(told: dict[str, Any]) -> tuple[str, Any]:
    entries = [{name: value for name, value in entry.items() if name != "recorded_at"} for entry in told["entries"]]
    return told["account"], {name: told[name] for name in ("year", "opening", "interest", "closing")} | {
        "entries": entries
    }


class Templates(NamedTuple):
    """A home prepared for each kind of job, and the books that the job leaves when it is left in peace."""

    imports: Home
    interest: Home
    rebuild: Home
    after_imports: Books
    after_interest: Books


def prepare(folder: Path, people: int) -> Templates:
    """Make them, with so many accounts; each is the one before and the undisturbed run of its job."""
    folder.mkdir(mode=0o755)
    imports = Home(folder / "imports")
    _set_up(imports, people)
    interest, after_imports = _next(imports, "interest", take_payments_in)
    rebuild, after_interest = _next(interest, "rebuild", run_interest)
    with rebuild.held() as eyes:
        damage(eyes)
    rebuild.wait_until_stopped()
    return Templates(imports, interest, rebuild, after_imports, after_interest)


def prepare_one(folder: Path, people: int) -> Templates:
    """The same with two servers: one home that stands before the import, and one that was left in peace throughout."""
    folder.mkdir(mode=0o755)
    imports = Home(folder / "imports")
    _set_up(imports, people)
    peace = imports.copy(folder / "peace")
    with peace.held() as eyes:
        take_payments_in(peace)
        after_imports = eyes.books()
        run_interest(peace)
        after_interest = eyes.books()
    peace.wait_until_stopped()
    return Templates(imports, peace, peace, after_imports, after_interest)


def _set_up(home: Home, people: int) -> None:
    """A pool with rules, people, balances taken over, money of 2023 and its interest."""
    files = home.files
    files.payments.parent.mkdir(parents=True)
    write_files(files.payments.parent, people)
    with EmbeddedServer(home.home):
        home.must("pool", "create", POOL, "--name", "银川", "--region", "ningxia")
        for year in (YEAR - 1, YEAR):
            rate = ("--rate", "0.0262", "--document", f"示例文号{year}")
            home.must("interest", "rate", "set", "--pool", POOL, "--year", str(year), *rate, *_TWO)
        home.must("import", "participants", str(files.participants), "--pool", POOL, "--actor", "甲")
        home.must("import", "openings", str(files.openings), "--pool", POOL, "--as-of", f"{YEAR - 2}-12-31", *_TWO)
        home.must("import", "payments", str(files.early_payments), "--pool", POOL, "--actor", "甲")
        home.must("interest", "run", "--pool", POOL, "--year", str(YEAR - 1), *_TWO)
    home.wait_until_stopped()


def _next(home: Home, name: str, job: Callable[[Home], None]) -> tuple[Home, Books]:
    following = home.copy(home.path.with_name(name))
    with following.held() as eyes:
        job(following)
        books = eyes.books()
        if found := eyes.findings():
            raise AssertionError(f"left in peace, verify finds {found}")
    following.wait_until_stopped()
    return following, books


def take_payments_in(home: Home) -> None:
    """Its result file stays beside the input, for results to be compared with."""
    home.must("import", "payments", str(home.files.payments), "--pool", POOL, "--actor", "甲", code=2)


def run_interest(home: Home) -> None:
    """The interest of the year."""
    home.must("interest", "run", "--pool", POOL, "--year", str(YEAR), *_TWO)


def damage(eyes: Eyes) -> None:
    """What a rebuild has to heal: a balance that no event gave, and a line that is missing."""
    first = "(SELECT min(account_id::text)::uuid FROM {pool}.balance_v1)"
    eyes.connection.execute(
        (
            f"UPDATE {{pool}}.balance_v1 SET contribution = contribution + 1 WHERE account_id = {first};"
            f" DELETE FROM {{pool}}.statement_line_v1 WHERE account_id = {first} AND version = 2"
        )
        .replace("{pool}", f"pool_{POOL}")
        .encode()
    )
    if not eyes.findings():
        raise AssertionError("the damage that a rebuild is to heal is not seen")
