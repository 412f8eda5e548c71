"""Makes the view of reconciled months anew, and says how it stands.

Months are folded one after the other, each in a transaction of its own, so readers always find a whole month. Only what
was reconciled before is made, also by an earlier version of the fold, whose tables then go.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.store.log import PoolLog
from ledger.store.register import Register
from projections.folds import composed, execute
from projections.reconciliation import look_at, view_version
from projections.reconciliation_fold import fold_month
from projections.reconciliation_sink import NAME, VERSION

_TABLES: Final = "reconciliation_(month|difference)"


class ViewStatus(NamedTuple):
    """How many months were reconciled, which of them are behind their records, and whether all must be made anew."""

    fold_version: int
    months: int
    due: list[date]
    rebuild_due: bool


def view_status(log: PoolLog) -> ViewStatus:
    """The view of a pool as it stands."""
    with log.connections.connection() as connection:
        version = view_version(connection, log)
        months = [row[0] for row in execute(connection, log, "SELECT month FROM {reconciliation_month_v1} ORDER BY 1")]
        if version != VERSION:
            return ViewStatus(version, len(months), [], rebuild_due=True)
        due = look_at(connection, log, months[-1]).due if months else []
    return ViewStatus(version, len(months), [one for one in due if one in months], rebuild_due=False)


def rebuild_view(log: PoolLog, register: Register, told: Callable[[int, int], None]) -> int:
    """Fold every month that was reconciled before, in order; gives how many. Told how many of how many are done.

    The statement lines must have been folded to the log's end.
    """
    rules = log.rules()
    with log.connections.transaction() as connection:
        months = _reconciled(connection, log)
        stray = "DELETE FROM {reconciliation_difference_v1} WHERE month <> ALL (%s)"
        connection.execute(composed(log, stray), (months,))
    for done, month in enumerate(months, 1):
        fold_month(log, register, month, rules)
        told(done, len(months))
    with log.connections.transaction() as connection:
        statement = (
            "INSERT INTO {projection} (name, fold_version, position) VALUES (%s, %s, 0)"
            " ON CONFLICT (name) DO UPDATE SET fold_version = EXCLUDED.fold_version"
        )
        connection.execute(composed(log, statement), (NAME, VERSION))
        for table in _earlier(connection, log, _TABLES):
            connection.execute(composed(log, "DROP TABLE {earlier}", earlier=table))
    return len(months)


def _reconciled(connection: Connection[TupleRow], log: PoolLog) -> list[date]:
    """The months that this version of the fold or an earlier one made."""
    tables = ["reconciliation_month_v1", *_earlier(connection, log, "reconciliation_month")]
    found = {
        row[0]
        for table in tables
        for row in connection.execute(composed(log, "SELECT month FROM {one}", one=table)).fetchall()
    }
    return sorted(found)


def _earlier(connection: Connection[TupleRow], log: PoolLog, base: str) -> list[str]:
    """The tables that an earlier version of the fold filled."""
    rows = execute(
        connection,
        log,
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s"
        " AND c.relkind = 'r' AND c.relname ~ %s AND substring(c.relname FROM '[0-9]+$')::integer < %s ORDER BY 1",
        (log.schema, f"^{base}_v[0-9]+$", VERSION),
    )
    return [row[0] for row in rows]
