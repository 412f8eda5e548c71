"""What the server holds while it runs: connections, keys, one queue of commands for each pool, readers, the runner.

Commands go through the pool's `PoolWriter` and are awaited on the event loop; a whole transaction's answers come back
in one call to it. Reads run in a bounded number of threads. One more thread folds the pools in use forward.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, ParamSpec, TypeVar

import psycopg

from api.http.faults import DATABASE_FAULTS
from api.http.journal import fault_of, tell
from api.http.problems import unavailable, unknown_pool
from api.http.together import Printed, StatementsTogether
from ledger import clock
from ledger.desk.coalesce import PoolWriter, Waiter, Writers
from ledger.desk.commands import AccountCommand, Answer, Command
from ledger.desk.nameless import require_nameless
from ledger.desk.transaction import Outcome
from ledger.store.connections import Connections
from ledger.store.keys import Keys
from ledger.store.log import PoolLog, schema_of
from ledger.store.pools import find_pool
from ledger.store.register import Register
from ledger.store.server import Database, EmbeddedServer, ServerFault
from ledger.store.tokens import Token, find_token
from migrations.run import MigrationFault, behind
from projections.folds import RebuildDue
from projections.runner import catch_up

READERS: Final = 8
"""Threads that read."""
READS_WAITING_MAX: Final = 256
READ_SECONDS_MAX: Final = 10.0
COMMAND_SECONDS_MAX: Final = 20.0
WHOLE_AT_ONCE: Final = 2
"""Threads that decide rosters and lists, up to five thousand rows each."""
WHOLE_WAITING_MAX: Final = 16
WAIT_SECONDS_MAX: Final = 3.0
"""How long a read waits for a position that it was asked to wait for."""
CONNECTIONS_MAX: Final = 20
"""Readers, writers (8), the runner, those who decide rosters, and one to spare; the server takes 200."""
CONNECTION_SECONDS_MAX: Final = 3.0
RUNNER_SECONDS: Final = 0.2
POOL_IN_USE_SECONDS: Final = 600.0
TOKEN_SECONDS: Final = 3.0
"""For how long a token that was looked up is not looked up again; so long may a revoked one still open the door."""
TOKENS_KEPT_MAX: Final = 4_096
NO_TEXTS: Final[Mapping[str, str | None]] = MappingProxyType({})

P = ParamSpec("P")
T = TypeVar("T")


class Counter(NamedTuple):
    """One pool as the server works on it."""

    log: PoolLog
    register: Register
    writer: PoolWriter
    statements: StatementsTogether


class Service:
    """The ledger as the routes use it. Made before the event loop runs; `start` and `stop` are called inside it."""

    def __init__(self, database: Database, keys: Callable[[Connections], Keys]) -> None:
        self.database = database
        self.connections = quick_connections(database.url)
        self._load_keys = keys
        self._keys: Keys | None = None
        self._writers = Writers()
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._reading = 0
        self._whole = ThreadPoolExecutor(WHOLE_AT_ONCE, "whole")
        self._wholes = 0
        self._counters: dict[str, Counter] = {}
        self._used: dict[str, float] = {}
        self._tokens: dict[str, tuple[float, Token | None]] = {}
        self._looking: dict[str, asyncio.Task[Token | None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._runner = threading.Thread(target=self._run, name="runner", daemon=True)

    def start(self) -> None:
        """Begin to fold, and to deliver answers on the loop that runs."""
        self._loop = asyncio.get_running_loop()
        self._runner.start()

    async def stop(self) -> None:
        """Record what was accepted, and end. Requests in flight have been answered by now."""
        self._stopping.set()
        await asyncio.to_thread(self._whole.shutdown)
        await asyncio.to_thread(self._writers.close)
        await asyncio.to_thread(self._runner.join)
        self._readers.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self.connections.close)

    # -- pools and tokens ------------------------------------------------------------------------------------------

    async def counter(self, pool: str) -> Counter:
        """The pool of an address. Ends the request where there is none, or where its schema is behind."""
        found = self._counters.get(pool)
        if found is None:
            found = await self.read(self._open, pool)
        self._used[pool] = time.monotonic()
        return found

    def _open(self, pool: str) -> Counter:
        try:
            schema_of(pool)
        except ValueError:
            raise unknown_pool() from None
        if find_pool(self.connections, pool) is None:
            raise unknown_pool()
        self.require_head(pool)
        if self._keys is None:
            self._keys = self._load_keys(self.connections)
        log = PoolLog(self.connections, pool)
        try:
            log.rules()
        except LookupError:  # its creation was cut short
            raise unknown_pool() from None
        register = Register(log, self._keys)
        writer = PoolWriter(log, register, self._writers, self._deliver)
        counter = Counter(log, register, writer, StatementsTogether(log, self._readers))
        return self._counters.setdefault(pool, counter)

    def require_head(self, *pools: str) -> None:
        """End the request while the schemas are behind this program, or ahead of it."""
        try:
            late = behind(self.database.url, pools)
        except MigrationFault:
            raise unavailable("数据库结构与本程序的版本不符", 60, "SCHEMA_BEHIND") from None
        if late:
            raise unavailable("数据库结构尚未更新，须先执行 pension-ledger database migrate", 60, "SCHEMA_BEHIND")

    def known_token(self, text: str) -> Token | bool | None:
        """The token if it was looked up a moment ago; False where it must be looked up."""
        kept = self._tokens.get(text)
        if kept is None or kept[0] < time.monotonic():
            return False
        return kept[1] if kept[1] is not None and kept[1].is_valid(clock.now()) else None

    async def token(self, text: str) -> Token | None:
        """The valid token of this text."""
        known = self.known_token(text)
        if not isinstance(known, bool):
            return known
        looking = self._looking.get(text)
        if looking is None:  # a portal's many requests come with one token: they wait for one look-up of it
            looking = self._looking[text] = asyncio.create_task(self._look_up(text))
            looking.add_done_callback(partial(self._looked_up, text))
        found = await asyncio.shield(looking)
        return found if found is not None and found.is_valid(clock.now()) else None

    async def _look_up(self, text: str) -> Token | None:
        found = await self.read(self._find_token, text)
        if len(self._tokens) >= TOKENS_KEPT_MAX:
            self._tokens.clear()
        self._tokens[text] = (time.monotonic() + TOKEN_SECONDS, found)
        return found

    def _looked_up(self, text: str, looking: asyncio.Task[Token | None]) -> None:
        del self._looking[text]
        if not looking.cancelled():
            looking.exception()  # looked at: whoever waited for it may be gone

    def _find_token(self, text: str) -> Token | None:
        try:
            return find_token(self.connections, text)
        except psycopg.errors.UndefinedTable:
            self.require_head()
            raise

    # -- commands --------------------------------------------------------------------------------------------------

    async def do(self, counter: Counter, command: Command, texts: Mapping[str, str | None] = NO_TEXTS) -> Answer:
        """Have a command done. A caller who goes away, or whose time is up, does not undo it.

        `texts` will stand in the log for ever, by the name of their field: they must not say who the holder is.
        """
        if isinstance(command, AccountCommand) and any(texts.values()):
            await self.read(require_nameless, counter.log, counter.register, command.account, texts)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        try:
            counter.writer.submit(command, future)
        except RuntimeError:  # the writers have ended
            raise unavailable("服务正在停止") from None
        try:
            return await asyncio.wait_for(asyncio.shield(future), COMMAND_SECONDS_MAX)
        except TimeoutError:
            raise unavailable("本笔业务仍在办理之中", 5, "TIMEOUT") from None

    async def do_whole(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what decides and records by itself, a plan's step or a list, in one of the threads for it.

        As with single commands, a caller who goes away, or whose time is up, does not undo it.
        """
        if self._wholes >= WHOLE_WAITING_MAX:
            raise unavailable("等待办理的业务已满", 1, "QUEUE_FULL")
        if self._stopping.is_set():
            raise unavailable("服务正在停止")
        call = asyncio.get_running_loop().run_in_executor(self._whole, partial(function, *args, **kwargs))
        self._wholes += 1
        call.add_done_callback(self._one_less)
        try:
            return await asyncio.wait_for(asyncio.shield(call), COMMAND_SECONDS_MAX)
        except TimeoutError:
            raise unavailable("本笔业务仍在办理之中", 5, "TIMEOUT") from None

    def _one_less(self, _call: asyncio.Future[T]) -> None:
        self._wholes -= 1

    def _deliver(self, outcomes: list[tuple[Waiter, Outcome]]) -> None:
        """Hand the answers of one transaction to the event loop, in one call for them all."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_resolve, outcomes)

    # -- reads -----------------------------------------------------------------------------------------------------

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that reads in one of the threads for it."""
        if self._reading >= READS_WAITING_MAX:
            raise unavailable("正在办理的查询过多", 1, "BUSY")
        self._reading += 1
        try:
            call = asyncio.get_running_loop().run_in_executor(self._readers, partial(function, *args, **kwargs))
            async with asyncio.timeout(READ_SECONDS_MAX):
                return await call
        except TimeoutError:
            raise unavailable("查询超时", 5, "TIMEOUT") from None
        finally:
            self._reading -= 1

    async def statement(self, counter: Counter, account: str, year: int, as_of: date | None) -> Printed:
        """A statement as it is known now, read together with those that others ask for at the same moment."""
        if counter.statements.waiting >= READS_WAITING_MAX:
            raise unavailable("正在办理的查询过多", 1, "BUSY")
        try:
            return await counter.statements.ask(account, year, as_of)
        except TimeoutError:
            raise unavailable("查询超时", 5, "TIMEOUT") from None

    async def wait_for(self, counter: Counter, position: int | None) -> None:
        """Wait until everything up to a position can be read. Ends the request where that takes too long."""
        until = time.monotonic() + WAIT_SECONDS_MAX
        while position is not None and await self.read(catch_up, counter.log, position) < position:
            if time.monotonic() > until or self._stopping.is_set():
                raise unavailable("账簿尚未到达 wait_for 所指的位置", 1, "NOT_YET")
            await asyncio.sleep(0.05)

    def check(self) -> None:
        """Whether requests can be answered: the database is there, and what pools share is at head."""
        if self._stopping.is_set():
            raise unavailable("服务正在停止")
        with self.connections.connection() as connection:
            connection.execute("SELECT 1")
        self.require_head()

    # -- the runner ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = RUNNER_SECONDS
        while not self._stopping.wait(pause):
            pause = RUNNER_SECONDS
            now = time.monotonic()
            for pool, used in list(self._used.items()):
                if now - used > POOL_IN_USE_SECONDS:
                    continue
                try:
                    catch_up(self._counters[pool].log)
                except DATABASE_FAULTS as fault:
                    tell("warning", event="database", pool=pool, **fault_of(fault))
                    pause = 1.0
                    self._revive()
                    break
                except (RebuildDue, psycopg.Error) as fault:
                    tell("error", event="fold", pool=pool, **fault_of(fault))
                    pause = 5.0

    def _revive(self) -> None:
        """Start the embedded server again where it was lost; the hold that `serve` has on it goes on."""
        if self.database.embedded and not self._stopping.is_set():
            try:
                with EmbeddedServer(self.database.home):
                    tell("info", event="database up")
            except ServerFault as fault:
                tell("error", event="database", **fault_of(fault))


def quick_connections(url: str) -> Connections:
    """Connections that say within seconds that the database is gone, and try again as soon as somebody asks."""
    return Connections(url, "pension-ledger serve", CONNECTIONS_MAX, patience=CONNECTION_SECONDS_MAX)


def _resolve(outcomes: list[tuple[Waiter, Outcome]]) -> None:
    for waiter, outcome in outcomes:
        assert isinstance(waiter, asyncio.Future)
        if waiter.done():
            continue
        if isinstance(outcome, BaseException):
            waiter.set_exception(outcome)
            waiter.exception()  # looked at: nobody need wait for it any more
        else:
            waiter.set_result(outcome)
