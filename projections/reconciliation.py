"""Which months must be folded, and the folding of them in order.

A month is due when its records have grown since it was folded, or an earlier one is: what a month leaves open is looked
at in the next.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from ledger.exchange import month_of
from ledger.store.job_lock import PATIENCE_SECONDS, job_lock
from ledger.store.log import PoolLog
from ledger.store.register import Register
from projections.folds import execute
from projections.reconciliation_fold import approved_first, fold_month, grown

Progress = Callable[[str], None]


def months_due(log: PoolLog, month: date) -> list[date]:
    """The months to be folded so that the view of `month` is as the records are, the earliest first.

    A month is due when rows came that concern it or an earlier one, when an earlier one is, or when the rule of what is
    approved first has changed; the month that is asked for is due when any rows came, for a later month's may have
    ended what it left open.
    """
    rules = log.rules()
    with log.connections.connection() as connection:
        columns = "month, rows_through, rows_all, approved_first"
        known = {
            row[0]: row[1:] for row in execute(connection, log, f"SELECT {columns} FROM {{reconciliation_month_v1}}")
        }
        months = [row[0] for row in execute(connection, log, "SELECT DISTINCT month FROM {exchange_month} ORDER BY 1")]
        due: list[date] = []
        for one in sorted({*(other for other in months if other <= month), *(m for m in known if m <= month), month}):
            told = known.get(one)
            now = grown(connection, log, one)
            stands = told is not None and (told[0], told[2]) == (now.through, approved_first(rules, one.year))
            if due or not stands or (one == month and told is not None and told[1] != now.everything):
                due.append(one)
    return due


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

    Months after it that this makes due are folded when they are asked for. One at a time in a pool, for two would end
    each other's transactions; whoever waited finds nothing due any more. Raises `BusyError` where another fold goes on
    for longer than `patience` seconds.
    """
    first = month_of(month)
    if not months_due(log, first):
        return []
    with job_lock(log, "tax reconcile", actor, patience):
        due, rules = months_due(log, first), log.rules()
        for one in due:
            told(f"{one.year}年{one.month}月")
            fold_month(log, register, one, rules)
    return due
