"""Which months must be folded, and the folding of them in order.

A month is due when its records have grown since it was folded, when money moved on one of its days that no file told of
(a counter, a plan, a refund), or when an earlier one is due: what a month leaves open is looked at in the next.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.exchange import month_of
from ledger.store.job_lock import PATIENCE_SECONDS, job_lock
from ledger.store.log import PoolLog
from ledger.store.register import Register
from projections.folds import RebuildDue, composed, execute
from projections.reconciliation_fold import approved_first, fold_month, grown
from projections.reconciliation_moves import money_moved
from projections.reconciliation_sink import NAME, VERSION

Progress = Callable[[str], None]
LOOKED_AGAIN_MAX = 50_000
"""Events of the log that are rather looked through again than kept in mind: a tenth of a second."""


def months_due(log: PoolLog, month: date) -> list[date]:
    """The months to be folded so that the view of `month` is as the records are, the earliest first.

    A month is due when rows came that concern it or an earlier one, when money moved in it or an earlier one, when an
    earlier one is, or when the rule of what is approved first has changed; the month that is asked for is due when any
    rows came, for a later month's may have ended what it left open.
    """
    with log.connections.connection() as connection:
        return look_at(connection, log, month).due


def view_version(connection: Connection[TupleRow], log: PoolLog) -> int:
    """The version of the fold that made the view; 0 where none says so."""
    rows = execute(connection, log, "SELECT fold_version FROM {projection} WHERE name = %s", (NAME,))
    return int(rows[0][0]) if rows else 0


class Look(NamedTuple):
    """The months that are due; those that are not, and the position of the log up to which nothing moved in them."""

    due: list[date]
    standing: list[date]
    position: int
    behind: int
    """How many events were looked through for them, beyond what is kept with each."""


def look_at(connection: Connection[TupleRow], log: PoolLog, month: date) -> Look:
    """The months up to one, in the caller's snapshot. Raises `RebuildDue` where another version folded them."""
    if view_version(connection, log) != VERSION:
        raise RebuildDue(log, NAME)
    rules, position = log.rules(), log.on(connection).position()[0]
    columns = "month, rows_through, rows_all, approved_first, position"
    statement = f"SELECT {columns} FROM {{reconciliation_month_v1}} WHERE month <= %s"
    known = {row[0]: row[1:] for row in execute(connection, log, statement, (month,))}
    statement = "SELECT DISTINCT month FROM {exchange_month} WHERE month <= %s"
    months = {row[0] for row in execute(connection, log, statement, (month,))}
    looked = min((told[3] for told in known.values()), default=position)
    moved = money_moved(connection, log, looked, position)
    due: list[date] = []
    latest = 0
    for one in sorted({*months, *known, *moved, month}):
        latest = max(latest, moved.get(one, 0))
        if one > month or not (one in known or one in months or one == month):
            continue
        told, now = known.get(one), grown(connection, log, one)
        stands = told is not None and (told[0], told[2]) == (now.through, approved_first(rules, one.year))
        grew = one == month and told is not None and told[1] != now.everything
        if due or not stands or grew or (told is not None and latest > told[3]):
            due.append(one)
    return Look(due, [one for one in known if one not in due], position, position - looked)


def compared_as_received(log: PoolLog, month: date) -> bool:
    """Whether a month was folded since the last file came; what was booked by hand since then does not count."""
    statement = (
        "SELECT rows_all - coalesce((totals ->> 'later')::bigint, 0) FROM {reconciliation_month_v1} WHERE month = %s"
    )
    with log.connections.connection() as connection:
        told = execute(connection, log, statement, (month,))
        now = grown(connection, log, month)
    return bool(told) and told[0][0] == now.everything - now.later


def reconcile(
    log: PoolLog,
    register: Register,
    month: date,
    told: Progress = lambda _text: None,
    *,
    actor: str = "",
    patience: float = PATIENCE_SECONDS,
) -> list[date]:
    """Fold every month that is due, up to and with `month`; gives the months folded. The balances must have been folded
    to the log's end.

    Months after it that this makes due are folded when they are asked for. That nothing moved in a month up to a
    position is kept with it, so that the log is looked through once. One at a time in a pool, for two would end each
    other's transactions; whoever waited finds nothing due any more. Raises `BusyError` where another fold goes on for
    longer than `patience` seconds.
    """
    first = month_of(month)
    look = _looked(log, first)
    if not look.due and look.behind <= LOOKED_AGAIN_MAX:
        return []
    with job_lock(log, "tax reconcile", actor, patience):
        look, rules = _looked(log, first), log.rules()
        with log.connections.connection() as connection:
            statement = "UPDATE {reconciliation_month_v1} SET position = %s WHERE month = ANY(%s) AND position < %s"
            connection.execute(composed(log, statement), (look.position, look.standing, look.position))
        for one in look.due:
            told(f"{one.year}年{one.month}月")
            fold_month(log, register, one, rules)
    return look.due


def _looked(log: PoolLog, month: date) -> Look:
    with log.connections.connection() as connection:
        return look_at(connection, log, month)
