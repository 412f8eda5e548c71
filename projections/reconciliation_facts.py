"""What the view says of a month to whoever decides, lists or signs: its differences, their owners and age, its figures.

The view must have been folded before (`projections/reconciliation.py`); whether it is as the records are is part of
what is said.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from ledger import clock
from ledger.desk.reconciliation import Chosen, Facts, MonthCommand, Resolve, Sign
from ledger.differences import Category
from ledger.reconciliation_month import Figures, Known
from ledger.store.divisions import Divisions
from ledger.store.log import PoolLog
from ledger.store.reconciliation_months import ReconciliationMonths
from ledger.working_days import passed
from projections.folds import execute
from projections.reconciliation import months_due
from projections.reconciliation_pages import Difference, MonthView, differences, month_view

POOL_AGENCY: Final = "盟市级社保经办机构"
"""Owns what is of no county: a difference of sums, or of somebody who has no account."""


def facts_of(log: PoolLog, command: MonthCommand) -> Facts:
    """What the view says of what a command is about."""
    month = command.month
    if isinstance(command, Chosen):
        category, comparison = command.category or None, command.comparison or None
        found = differences(log, month, ids=command.differences or None, category=category, comparison=comparison)
    elif isinstance(command, Resolve):
        found = differences(log, month, ids=[command.difference])
    else:
        view = month_view(log, month) if isinstance(command, Sign) else None
        return Facts(month, {}, figures_of(log, view) if view else _never_folded())
    return Facts(month, {one.id: known(one) for one in found})


def known(one: Difference) -> Known:
    """A difference as decisions know it."""
    return Known(
        id=one.id,
        category=one.category,
        fen=one.fen,
        cleared=bool(one.cleared),
        persons=frozenset(person for person in (one.participant, one.proposed) if person),
        serial=(one.detail.get("tax") or {}).get("serial", ""),
        files=frozenset(file for file in (one.tax_file, one.agency_file) if file),
        received_at=one.received_at,
    )


def figures_of(log: PoolLog, view: MonthView) -> Figures:
    """What is signed of a month."""
    totals = view.totals
    with log.connections.connection() as connection:
        received = ReconciliationMonths(log).received(connection, view.month)
        statement = (
            "SELECT count(*) FROM {reconciliation_difference_v1} WHERE month = %s AND category = %s AND cleared <> ''"
        )
        repeated = execute(connection, log, statement, (view.month, Category.DUP_TRANSPORT))[0][0]
    return Figures(
        tax_rows=totals.tax.rows,
        tax=totals.tax.fen,
        agency_rows=totals.agency.rows + totals.own.rows,
        agency=totals.agency.fen + totals.own.fen,
        differences=sum(one.rows for one in view.categories),
        open=view.open,
        rows=received - repeated,
        received=received,
        is_current=not months_due(log, view.month),
    )


def _never_folded() -> Figures:
    return Figures(0, 0, 0, 0, 0, 0, 0, 0, is_current=False)


def late_rows(log: PoolLog, view: MonthView) -> int:
    """How many rows of a signed month came since it was signed, but for repetitions; 0 where it is not signed."""
    signed = view.state.signed
    return figures_of(log, view).rows - signed.rows if signed else 0


class Owners:
    """Who owns differences: whoever was named, else the county of the person's account, else the pool's agency."""

    def __init__(self, log: PoolLog) -> None:
        self._names = Divisions(log).names()

    def of(self, one: Difference) -> str:
        """The owner's name."""
        county = ".".join((one.division or "").split(".")[:2])
        return one.mark.owner or self._names.get(county) or POOL_AGENCY


def age(one: Difference, month: date, today: date) -> int:
    """Working days since a difference could be known: since the later of its records came, or its month ended."""
    ended = (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    came = one.received_at.astimezone(clock.SHANGHAI).date() if one.received_at else ended
    return passed(max(came, ended), today)
