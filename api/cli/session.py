"""What every command does first: the database, its schemas at head, the key, and the pool it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import psycopg

from api.cli import console
from ledger.store.connections import Connections
from ledger.store.keys import Keys, check_keys, is_sealed, load_keys
from ledger.store.log import PoolLog
from ledger.store.pools import find_pool
from ledger.store.register import Register
from ledger.store.server import Database, open_database
from migrations.run import behind_on, migrate
from projections.folds import RebuildDue
from projections.runner import catch_up, lag

if TYPE_CHECKING:
    from ledger.desk.coalesce import PoolWriter

FOLDED_AT_ONCE: Final = 50_000
"""Events that a command folds before it ends; about a second."""


class CommandFault(Exception):  # noqa: N818 — told to the user, not an error of the program
    """A command that cannot be done as it was given; text in Chinese. Exit code 1."""


@dataclass
class Session:
    """One command's hold on database, key and pools."""

    database: Database
    connections: Connections

    @cached_property
    def keys(self) -> Keys:
        """The installation's keys, held against the database's check value."""
        keys = load_keys(self.database.home, make=not is_sealed(self.connections))
        check_keys(self.connections, keys)
        return keys

    def bring_to_head(self, *pools: str, shared: bool = False) -> None:
        """Schemas at head: the embedded database's are brought there, those of another must be there already.

        Only what a command works on is asked about: with a hundred pools, to ask about all of them took longer than the
        command. Raises `CommandFault` that names what is behind.
        """
        with self.connections.connection() as connection:
            late = behind_on(connection, pools, shared=shared)
        if not late:
            return
        if not self.database.embedded:
            raise CommandFault(f"数据库结构尚未更新：{'、'.join(late)}。请先执行 pension-ledger database migrate")
        migrate(self.database.url, pools, shared=shared)

    def log(self, pool: str) -> PoolLog:
        """The log of an existing pool, its schema at head. Raises `CommandFault` for an unknown one."""
        unknown = CommandFault(
            f"没有统筹区 {pool}：请先执行 pension-ledger pool create {pool} --name 名称 --region 地区"
        )
        if find_pool(self.connections, pool) is None:
            raise unknown
        self.bring_to_head(pool)
        log = PoolLog(self.connections, pool)
        try:
            log.rules()
        except LookupError as fault:  # its creation was cut short, and is simply repeated
            raise unknown from fault
        return log

    def register(self, log: PoolLog) -> Register:
        """The register of a pool."""
        return Register(log, self.keys)

    @contextmanager
    def counter(self, log: PoolLog) -> Iterator[PoolWriter]:
        """A queue for single commands of a pool; what was submitted is recorded before it ends."""
        from ledger.desk.coalesce import PoolWriter, Writers  # most commands ask for none of it, and start without

        writers = Writers()
        try:
            yield PoolWriter(log, self.register(log), writers)
        finally:
            writers.close()


def fold_forward(log: PoolLog) -> None:
    """Fold what a command recorded, so that the tables to read bear witness to the log from the first moment.

    A large backlog (an import of millions, a year's interest) is left to the next read: a command does not take twice
    its time for it. What is recorded stays recorded, so a table that cannot be folded is a notice, not a failure.
    """
    try:
        if lag(log) <= FOLDED_AT_ONCE:
            catch_up(log)
    except (RebuildDue, psycopg.Error) as fault:
        console.notice(f"已记账；汇总表尚未更新：{str(fault).strip()}")


@contextmanager
def session() -> Iterator[Session]:
    """Open the database, with what its pools share at head; a pool is brought there when its log is asked for."""
    with open_database() as database:
        if not database.embedded:  # one that is not there is told at once: a pool of connections waits for it
            psycopg.connect(database.url, connect_timeout=10).close()
        with Connections(database.url) as connections:
            opened = Session(database, connections)
            opened.bring_to_head(shared=True)
            yield opened
