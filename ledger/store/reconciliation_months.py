"""The streams of reconciled months, as they are stored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from ledger.account_decisions import is_reversed
from ledger.account_events import AccountEvent, AccountOpened, EntryReversed, PaymentEvent, Refunded
from ledger.reconciliation_events import MonthEvent, MonthReopened, MonthSigned
from ledger.reconciliation_month import Ending, ReconciliationMonth, fold_month_events, month_stream
from ledger.store.log import PoolLog
from ledger.store.mapper import decode
from ledger.store.refunds import Refunds
from ledger.store.states import load_states


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

    def signed(self, months: Collection[date] | None = None) -> dict[date, MonthSigned]:
        """Which of these months are signed; by default of those that have rows. What else was said is not read."""
        with self._log.connections.connection() as connection:
            if months is None:
                statement = self._log.sql("SELECT DISTINCT month FROM {exchange_month} ORDER BY 1")
                months = [month for (month,) in connection.execute(statement)]
            streams = {month_stream(self._log.pool, month): month for month in months}
            statement = self._log.sql(
                "SELECT DISTINCT ON (originator_id) originator_id, topic, state FROM {ledger_events}"
                " WHERE originator_id = ANY(%s) AND topic = ANY(%s)"
                " ORDER BY originator_id, originator_version DESC"
            )
            topics = [MonthSigned.topic, MonthReopened.topic]
            rows = connection.execute(statement, (list(streams), topics)).fetchall() if streams else []
        latest = {streams[stream]: decode(topic, bytes(state)) for stream, topic, state in rows}
        return {month: event for month, event in sorted(latest.items()) if isinstance(event, MonthSigned)}

    def received(self, cursor: Any, month: date) -> int:
        """How many rows of a month were received, repetitions among them."""
        statement = self._log.sql("SELECT coalesce(sum(rows), 0)::bigint FROM {exchange_month} WHERE month = %s")
        row: Any = cursor.execute(statement, (month,)).fetchone()
        return int(row[0])

    def ending(self, account: UUID, version: int) -> Ending | None:
        """The event of an account that is said to end a difference; None where there is none."""
        statement = self._log.sql(
            "SELECT topic, state, recorded_at FROM {ledger_events} WHERE originator_id = %s"
            " AND originator_version IN (1, %s) AND starts_with(topic, 'account.') ORDER BY originator_version"
        )
        with self._log.connections.connection() as connection:
            rows = connection.execute(statement, (account, version)).fetchall()
        if len(rows) != len({1, version}):
            return None
        told: list[tuple[AccountEvent, datetime]] = [
            (cast("AccountEvent", decode(topic, bytes(state))), at) for topic, state, at in rows
        ]
        (opened, _), (event, at) = told[0], told[-1]
        if not isinstance(opened, AccountOpened):
            return None
        serial = event.serial if isinstance(event, PaymentEvent | EntryReversed) else ""
        ends = isinstance(event, PaymentEvent | EntryReversed | Refunded)
        told_by = (account, version, event.topic, opened.participant, serial, event.cause, at, ends)
        return Ending(*told_by, self._returned(account, version, event) if isinstance(event, Refunded) else None)

    def _returned(self, account: UUID, version: int, refund: Refunded) -> tuple[str, int] | None:
        """The serial of the payment that a refund by request returned, and how much; None without one, or reversed."""
        state = load_states(self._log, [account.bytes])[account.bytes]
        history = self._log.history(account)
        requests = Refunds(self._log).accepted_for([state.participant])
        entry = next((of for of, by in requests.items() if refund.command_id in by), None)
        if entry is None or entry[0] != account.bytes or is_reversed(history, version):
            return None
        payment = history[entry[1] - 1]
        return (payment.serial, -refund.effect.total) if isinstance(payment, PaymentEvent) else None
