"""The streams of reconciled months, as they are stored."""

from __future__ import annotations

from datetime import date, datetime
from typing import cast
from uuid import UUID

from ledger.account_events import AccountEvent, AccountOpened, EntryReversed, MoneyEvent, PaymentEvent
from ledger.reconciliation_events import MonthEvent, MonthSigned
from ledger.reconciliation_month import Ending, ReconciliationMonth, fold_month_events, month_stream
from ledger.store.log import PoolLog
from ledger.store.mapper import decode


class ReconciliationMonths:
    """One pool's months."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    def events(self, month: date) -> list[MonthEvent]:
        """What was said of a month, in order."""
        stored = self._log.recorder.select_events(month_stream(self._log.pool, month))
        return [cast("MonthEvent", decode(event.topic, event.state)) for event in stored]

    def find(self, month: date) -> ReconciliationMonth:
        """The month as it stands; an empty one where nobody spoke of it."""
        return fold_month_events(self.events(month))

    def signed(self) -> dict[date, MonthSigned]:
        """The months that have rows and are signed."""
        statement = self._log.sql("SELECT DISTINCT month FROM {exchange_month} ORDER BY 1")
        with self._log.connections.connection() as connection:
            months = [month for (month,) in connection.execute(statement)]
        found = ((month, self.find(month).signed) for month in months)
        return {month: signed for month, signed in found if signed is not None}

    def ending(self, account: UUID, version: int) -> Ending | None:
        """The event of an account that is said to end a difference; None where there is none."""
        statement = self._log.sql(
            "SELECT topic, state, recorded_at FROM {ledger_events} WHERE originator_id = %s"
            " AND originator_version IN (1, %s) AND starts_with(topic, 'account.') ORDER BY originator_version"
        )
        with self._log.connections.connection() as connection:
            rows = connection.execute(statement, (account, version)).fetchall()
        if len(rows) != 2:
            return None
        told: list[tuple[AccountEvent, datetime]] = [
            (cast("AccountEvent", decode(topic, bytes(state))), at) for topic, state, at in rows
        ]
        (opened, _), (event, at) = told
        if not isinstance(opened, AccountOpened):
            return None
        serial = event.serial if isinstance(event, PaymentEvent | EntryReversed) else ""
        return Ending(account, version, event.topic, opened.participant, serial, at, isinstance(event, MoneyEvent))
