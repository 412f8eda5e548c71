"""Brings the tables up to the log, in ranges, by any number of runners at once.

The position of a fold moves by compare-and-set, first thing in the transaction that folds the range: its row lock is
the lock of (projection, pool), and a runner that comes second finds the position moved and goes on from there. The
library's tracking asks only for "greater than", by which two overlapping ranges are both accepted.
"""

from __future__ import annotations

from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.store.log import PoolLog
from projections.folds import FOLDS, RANGE_MAX, Fold, RebuildDue, composed, execute


class Status(NamedTuple):
    """How far a projection has come: `position` of `head` events; `rebuild_due` when another version folded it."""

    name: str
    fold_version: int
    position: int
    head: int
    rebuild_due: bool

    @property
    def lag(self) -> int:
        """Events recorded but not folded yet."""
        return self.head - self.position


def status(log: PoolLog) -> list[Status]:
    """Each projection of the pool; a fold whose table is missing or of another version is due to be rebuilt."""
    with log.connections.connection() as connection:
        head = _head(connection, log)
        stored = {row[0]: row[1:] for row in execute(connection, log, "SELECT * FROM {projection}")}
    states = []
    for fold in FOLDS:
        version, position = stored.get(fold.name, (0, 0))
        states.append(Status(fold.name, version, position, head, version != fold.version))
    return states


def lag(log: PoolLog) -> int:
    """How many events the projection that is furthest behind has still to fold."""
    return max(state.lag for state in status(log))


def catch_up(log: PoolLog, to: int | None = None) -> int:
    """Fold every projection forward to position `to` (default: the log's end now); gives the least position reached.

    Raises `RebuildDue` when a table was folded by another version. Costs one query where nothing is to be done.
    """
    with log.connections.connection() as connection:
        stands = _positions(connection, log)
        if to is None or to > min(stands.values()):
            head = _head(connection, log)
            target = head if to is None else min(to, head)
            for fold in FOLDS:
                while stands[fold.name] < target:
                    reach = min(stands[fold.name] + RANGE_MAX, target)
                    stands[fold.name] = _advance(connection, log, fold, stands[fold.name], reach)
    return min(stands.values())


def _head(connection: Connection[TupleRow], log: PoolLog) -> int:
    return int(execute(connection, log, "SELECT last_id FROM {log_head}")[0][0])


def _positions(connection: Connection[TupleRow], log: PoolLog) -> dict[str, int]:
    """Where each fold stands. Raises `RebuildDue` where one was made by another version."""
    rows = execute(connection, log, "SELECT name, fold_version, position FROM {projection}")
    stored = {name: (version, position) for name, version, position in rows}
    for fold in FOLDS:
        if stored.get(fold.name, (0, 0))[0] != fold.version:
            raise RebuildDue(log, fold.name)
    return {fold.name: stored[fold.name][1] for fold in FOLDS}


def _advance(connection: Connection[TupleRow], log: PoolLog, fold: Fold, position: int, to: int) -> int:
    """Fold one range, unless another runner did; the position reached."""
    with connection.transaction():
        moved = connection.execute(
            composed(
                log,
                "UPDATE {projection} SET position = %(to)s"
                " WHERE name = %(name)s AND position = %(position)s AND fold_version = %(version)s",
            ),
            {"to": to, "name": fold.name, "position": position, "version": fold.version},
        ).rowcount
        if moved:
            fold.run(connection, log, position, to)
    return to if moved else _positions(connection, log)[fold.name]
