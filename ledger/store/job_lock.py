"""One job of a kind in a pool at a time: a courtesy that saves work, not what keeps the money right.

The lock is a session advisory lock, never a row: it ends with its holder, however that ends. Underneath, the state and
the version check make two runs at once harmless.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.sql import SQL, Literal

from ledger import clock
from ledger.store.log import PoolLog

PATIENCE_SECONDS: Final = 10.0
"""A killed run's session is gone within a second or two; a live one keeps the lock for longer than this."""


class BusyError(Exception):
    """Another is at it, and the same may be tried again; of a job, the text says who runs it, and since when."""


@contextmanager
def job_lock(log: PoolLog, kind: str, actor: str, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock of job `kind` in the pool of `log`. Raises `BusyError` when it is held for `patience` seconds."""
    key = f"pension-ledger job {log.schema} {kind}"
    with psycopg.connect(log.connections.url, autocommit=True, application_name=f"pension-ledger {kind}") as connection:
        deadline = time.monotonic() + patience
        while not _taken(connection, key):
            if time.monotonic() >= deadline:
                raise BusyError(f"统筹区 {log.pool} 正在运行同类作业（{_holder(connection, key)}），请稍后再试")
            time.sleep(0.2)
        _tell(connection, f"{kind}，{clock.now():%Y-%m-%dT%H:%M:%SZ} 起，{actor}")
        yield


def _taken(connection: psycopg.Connection[tuple[bool]], key: str) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (key,)).fetchone()
    return bool(row and row[0])


def _tell(connection: psycopg.Connection[tuple[bool]], told: str) -> None:
    """Leave it as the session's latest query, where others read it: an application name takes neither Chinese nor 64
    bytes. Quotes and backslashes are replaced, as the text is read back as it stands between quotes.
    """
    plain = told.replace("'", "’").replace("\\", "/")[:200]
    connection.execute(SQL("SELECT {}").format(Literal(plain)))


def _holder(connection: psycopg.Connection[tuple[bool]], key: str) -> str:
    row = connection.execute(
        "SELECT substring(a.query FROM '^SELECT ''(.*)''$')"
        " FROM pg_locks l JOIN pg_stat_activity a USING (pid), hashtextextended(%s, 0) k"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
        " AND l.classid::bigint = (k >> 32) & 4294967295 AND l.objid::bigint = k & 4294967295",
        (key,),
    ).fetchone()
    return str(row[0]) if row and row[0] else "刚刚开始或结束"
