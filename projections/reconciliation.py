"""Which months must be folded, and the folding of them in order.

A month is due when its records have grown since it was folded, or an earlier one is: what a month leaves open is looked
at in the next.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from ledger.exchange import month_of
from ledger.store.log import PoolLog
from ledger.store.register import Register
from projections.folds import execute
from projections.reconciliation_fold import fold_month, grown

Progress = Callable[[str], None]


def months_due(log: PoolLog, month: date) -> list[date]:
    """The months to be folded so that the view of `month` is as the records are, the earliest first.

    A month is due when rows came that concern it or an earlier one, or when an earlier one is; the month that is asked
    for is due when any rows came, for a later month's may have ended what it left open.
    """
    with log.connections.connection() as connection:
        known = {row[0]: row[1:] for row in execute(connection, log, "SELECT * FROM {reconciliation_month_v1}")}
        months = [row[0] for row in execute(connection, log, "SELECT DISTINCT month FROM {exchange_month} ORDER BY 1")]
        due: list[date] = []
        for one in sorted({*(other for other in months if other <= month), *(m for m in known if m <= month), month}):
            told = known.get(one)
            now = grown(connection, log, one)
            stale = told is None or told[0] != now.through or (one == month and told[1] != now.everything)
            if stale or due:
                due.append(one)
    return due


def later_folded(log: PoolLog, month: date) -> list[date]:
    """The months after `month` that have a view: what was folded before them has changed."""
    with log.connections.connection() as connection:
        statement = "SELECT month FROM {reconciliation_month_v1} WHERE month > %s ORDER BY 1"
        return [row[0] for row in execute(connection, log, statement, (month,))]


def reconcile(log: PoolLog, register: Register, month: date, told: Progress = lambda _text: None) -> None:
    """Fold every month that is due, up to and with `month`. The balances must have been folded to the log's end.

    A month before the one asked for that changed makes the later ones due; those after it are folded again, too.
    """
    due = months_due(log, month_of(month))
    rules = log.rules()
    again = later_folded(log, month) if due and due[0] < month_of(month) else []
    for one in [*due, *again]:
        told(f"{one.year}年{one.month}月")
        fold_month(log, register, one, rules)
