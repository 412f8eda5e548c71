"""Makes the tables anew beside the ones in use, and puts them in their place while readers go on reading.

A rebuild folds the whole log into a table of another name, a range of accounts at a time, makes its key, catches up as
a runner does, and takes the place of the old table under a lock that is waited for 200 ms at most and retried: a reader
queues for no longer than that. A killed rebuild leaves a table of that other name behind; the next one drops it. One
rebuild at a time in a pool (a session advisory lock, which ends with its holder), all projections side by side.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from psycopg import Connection
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from ledger.store.job_lock import PATIENCE_SECONDS, BusyError, job_lock
from ledger.store.log import PoolLog
from ledger.store.register import Register
from projections.folds import EVERYBODY, FOLDS, NOBODY, RANGE_MAX, Fold, composed, end_of_range, execute
from projections.reconciliation_rebuild import rebuild_view
from projections.reconciliation_sink import NAME
from projections.runner import catch_up

Done = TypeVar("Done")
Progress = Callable[[str, int, int], None]
"""Told after each range: the projection's name, the position reached, the end of the log."""

LANES: Final = 2
"""Connections that load one table. Folding keeps a core of the server busy, and the smallest server has two."""
SWAP_EVENTS_MAX: Final = 5_000
"""Events that the swap itself may still fold; more are folded before it, without a lock."""
_ASIDE: Final = "_aside"
_OLD: Final = "_old"
"""How the names of tables end that are being made, and that have been replaced."""
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '200ms'"
_NOTICE_DEATH: Final = "SET LOCAL client_connection_check_interval = '1s'"
"""So that the server ends the work of a killed rebuild, and the next one can drop its table."""
_SWAP_SECONDS_MAX: Final = 60.0
_RETRY_SECONDS: Final = 0.05


def rebuild(
    log: PoolLog,
    name: str | None = None,
    progress: Progress | None = None,
    *,
    actor: str = "",
    patience: float = PATIENCE_SECONDS,
    register: Register | None = None,
) -> int:
    """Rebuild every projection of the pool, or the one named; gives the least position they then stand at.

    The view of reconciled months is made after the others, on which it rests, and asks for the register: without one it
    is left as it is. Raises `BusyError` (Chinese) while another rebuild runs in the pool, or when readers never leave
    the table alone; LookupError for an unknown name, or for the view alone without a register.
    """
    chosen = [fold for fold in FOLDS if name in {None, fold.name}]
    if not chosen and name != NAME:
        raise LookupError(f"没有名为 {name} 的汇总，可选：{'、'.join([*(fold.name for fold in FOLDS), NAME])}")
    if not chosen and register is None:
        raise LookupError(f"{NAME} 的重建需要密钥")
    with job_lock(log, "projections rebuild", actor, patience):
        position = _side_by_side(log, chosen, progress) if chosen else catch_up(log)
        if register is not None and name in {None, NAME}:
            position = min(position, catch_up(log))
            with job_lock(log, "tax reconcile", actor, patience):
                rebuild_view(log, register, lambda done, of: progress(NAME, done, of) if progress else None)
    return position


class _Stopped(Exception):  # noqa: N818 — the other projection's fault is the one that is told
    """The rebuild of another projection failed, or the caller gave up."""


def _side_by_side(log: PoolLog, chosen: list[Fold], progress: Progress | None) -> int:
    """Rebuild the folds at once, each on a connection of its own; after a fault in one, none goes on."""
    stop, telling = threading.Event(), threading.Lock()

    def told(name: str, position: int, head: int) -> None:
        if stop.is_set():
            raise _Stopped
        if progress is not None:
            with telling:
                progress(name, position, head)

    def work(fold: Fold) -> int:
        with log.connections.connection() as connection:
            return _Rebuild(log, fold, connection, told, stop).run()

    return min(_at_once([partial(work, fold) for fold in chosen], stop))


def _at_once(works: Sequence[Callable[[], Done]], stop: threading.Event) -> list[Done]:
    """Do all, each in a thread of its own; after a fault in one, `stop` is set and its fault is told."""

    def done(work: Callable[[], Done]) -> Done:
        try:
            return work()
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(len(works)) as workers:
        futures = [workers.submit(done, work) for work in works]
        try:
            wait(futures)
        except BaseException:  # Ctrl-C
            stop.set()
            raise
    faults = [fault for future in futures if (fault := future.exception()) is not None]
    for fault in sorted(faults, key=lambda one: isinstance(one, _Stopped)):
        raise fault
    return [future.result() for future in futures]


class _Ranges:
    """Ranges of accounts of about `RANGE_MAX` events each, for several lanes to take one after the other."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._low = NOBODY
        self._folded = 0

    def next(self, connection: Connection[TupleRow]) -> tuple[UUID, UUID] | None:
        """The next range (above, up to); None when all are taken."""
        with self._lock:
            low = self._low
            if low == EVERYBODY:
                return None
            self._low = end_of_range(connection, self._log, low, RANGE_MAX)
            return low, self._low

    def folded(self) -> int:
        """Events folded by now, counting one more range."""
        with self._lock:
            self._folded += RANGE_MAX
            return self._folded


class _Rebuild:
    """One projection being made anew. `position` is how far the table aside has come."""

    def __init__(
        self, log: PoolLog, fold: Fold, connection: Connection[TupleRow], told: Progress, stop: threading.Event
    ) -> None:
        self._log = log
        self._fold = fold
        self._connection = connection
        self._told = told
        self._stop = stop
        self.position = 0

    def run(self) -> int:
        tables = self._fold.tables
        self._drop(*(f"{table}{ending}" for table in tables for ending in (_ASIDE, _OLD)))
        for table in tables:
            self._make(table)
        self._load(self._head())
        with self._connection.transaction():
            self._execute(_NOTICE_DEATH)
            self._fold.add_up(self._connection, self._log, _ASIDE)
        for table, key in tables.items():
            self._make_key(table, key)
        self._catch_up()
        for table in tables:
            self._execute("ANALYZE {aside}", aside=f"{table}{_ASIDE}")
        while not self._within_locks(self._swap):
            self._catch_up()
        self._drop(*(f"{table}{_OLD}" for table in tables), *self._earlier_versions())
        return self.position

    def _make(self, table: str) -> None:
        """An empty table aside, made like the one in use and readable to the same roles."""
        aside = f"{table}{_ASIDE}"
        filled = f" WITH (fillfactor = {self._fold.fillfactor})" if self._fold.fillfactor < 100 else ""
        self._execute(f"CREATE TABLE {{aside}} (LIKE {{table}} INCLUDING DEFAULTS){filled}", aside=aside, table=table)
        granted = self._execute(
            "SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl)"
            " WHERE n.nspname = %s AND c.relname = %s AND grantee <> c.relowner",
            self._log.schema, table,
        )  # fmt: skip
        for privilege, grantee in granted:
            self._execute(f"GRANT {privilege} ON {{aside}} TO {grantee}", aside=aside)

    def _load(self, to: int) -> None:
        """Fold all that is recorded up to `to`, account by account, each range in a transaction of its own."""
        ranges = _Ranges(self._log)

        def lane() -> None:
            with self._log.connections.connection() as connection:
                while (between := ranges.next(connection)) is not None:
                    with connection.transaction():
                        connection.execute(_NOTICE_DEATH)
                        self._fold.run_accounts(connection, self._log, *between, to, _ASIDE)
                    self._told(self._fold.name, min(ranges.folded(), to), to)

        _at_once([lane] * LANES, self._stop)
        self.position = to

    def _make_key(self, table: str, key: tuple[str, ...]) -> None:
        """A transaction that may outlive ten seconds: it builds an index."""
        aside = f"{table}{_ASIDE}"
        with self._connection.transaction():
            self._execute(f"SET LOCAL maintenance_work_mem = '256MB'; {_NOTICE_DEATH}")
            name = _name(f"{aside}_pkey")
            self._execute(f"ALTER TABLE {{aside}} ADD CONSTRAINT {name} PRIMARY KEY ({', '.join(key)})", aside=aside)

    def _catch_up(self) -> None:
        """Fold what was recorded since, range by range of the log."""
        head = self._head()
        while self.position < head:
            to = min(self.position + RANGE_MAX, head)
            with self._connection.transaction():
                self._execute(_NOTICE_DEATH)
                self._fold.run(self._connection, self._log, self.position, to, _ASIDE)
            self.position = to
            head = max(head, self._head())
            self._told(self._fold.name, to, head)

    def _swap(self) -> bool:
        """Fold what is still missing and change the names; False when too much is missing to do it under the lock.

        The row of the position is locked before the tables, as every runner does. The new table stands nowhere below
        the old one's position: a reader that saw it must see it again.
        """
        stands = self._execute("SELECT position FROM {projection} WHERE name = %s FOR UPDATE", self._fold.name)
        to = max([self.position, self._head(), *(row[0] for row in stands)])
        if to - self.position > SWAP_EVENTS_MAX:
            return False
        self._fold.run(self._connection, self._log, self.position, to, _ASIDE)
        for table in self._fold.tables:
            for before, after in ((table, f"{table}{_OLD}"), (f"{table}{_ASIDE}", table)):
                self._execute(f"ALTER TABLE {{before}} RENAME TO {_name(after)}", before=before)
                self._execute(f"ALTER INDEX {{before}} RENAME TO {_name(after + '_pkey')}", before=f"{before}_pkey")
        self._execute(
            "INSERT INTO {projection} (name, fold_version, position) VALUES (%s, %s, %s) ON CONFLICT (name)"
            " DO UPDATE SET fold_version = EXCLUDED.fold_version, position = EXCLUDED.position",
            self._fold.name, self._fold.version, to,
        )  # fmt: skip
        self.position = to
        return True

    def _within_locks(self, work: Callable[[], bool]) -> bool:
        """Do `work` in a transaction that waits 200 ms for any lock; wait outside and try again until it has them."""
        deadline = time.monotonic() + _SWAP_SECONDS_MAX
        while True:
            try:
                with self._connection.transaction():
                    self._execute(_LOCK_TIMEOUT)
                    return work()
            except LockNotAvailable:
                if time.monotonic() > deadline:
                    raise BusyError(
                        f"{self._fold.table} 一直有读取占用，{_SWAP_SECONDS_MAX:.0f} 秒内未能换上新表，请稍后再试"
                    ) from None
            time.sleep(_RETRY_SECONDS)

    def _drop(self, *tables: str) -> None:
        for table in tables:
            self._within_locks(lambda table=table: self._dropped(table))  # type: ignore[misc]

    def _dropped(self, table: str) -> bool:
        self._execute("DROP TABLE IF EXISTS {before}", before=table)
        return True

    def _earlier_versions(self) -> list[str]:
        """Tables of this projection that an earlier version of the fold filled, and what its rebuilds left."""
        bases = "|".join(table.removesuffix(f"_v{self._fold.version}") for table in self._fold.tables)
        rows = self._execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname ~ %s",
            self._log.schema, f"^({bases})_v[0-9]+(_aside|_old)?$",
        )  # fmt: skip
        versions = [(row[0], int(row[0].rpartition("_v")[2].split("_")[0])) for row in rows]
        return [table for table, version in versions if version < self._fold.version]

    def _head(self) -> int:
        return int(execute(self._connection, self._log, "SELECT last_id FROM {log_head}")[0][0])

    def _execute(self, text: str, *parameters: object, **tables: str) -> list[TupleRow]:
        cursor = self._connection.execute(composed(self._log, text, **tables), parameters or None, prepare=False)
        return cursor.fetchall() if cursor.description else []


def _name(text: str) -> str:
    return SQL("{}").format(Identifier(text)).as_string(None)
