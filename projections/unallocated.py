"""Payments that no account has, with their age and the plan that holds them; and rows that could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from ledger.allocation import Age, Received, age_of
from ledger.store.log import PoolLog
from ledger.store.plans import Plans
from ledger.store.received_payments import ReceivedPayments

_PAGE: Final = 5_000
_PAYERS_MAX: Final = 256


class Waiting(NamedTuple):
    """A payment that no account has, how long, and the plan that holds it."""

    received: Received
    age: Age
    plan: UUID | None


class Cancellation(NamedTuple):
    """A 撤销 that no account has, and whether its original is booked: `tax retry` takes it in then, or says why not."""

    received: Received
    booked: bool


class Unread(NamedTuple):
    """A row whose figures could not be read: its file's sha256 in hex, and its line."""

    file: str
    line: int


def unallocated(log: PoolLog, on: date) -> Iterator[Waiting]:
    """What no account has, the oldest first, aged at the end of the day `on`; a page of it is held at a time."""
    rules, received, holding = log.rules(), ReceivedPayments(log), _Holding(log)
    day, serial = date.min, ""
    while page := received.unallocated(day, serial, _PAGE):
        for one in page:
            yield Waiting(one, age_of(one, on, rules), holding.plan_of(one))
        day, serial = page[-1].paid_on, page[-1].payment.serial


def cancellations(log: PoolLog) -> Iterator[Cancellation]:
    """撤销 that no account has, in the order in which they came; one of a payment that none has either is done with."""
    received, after = ReceivedPayments(log), (0, 0)
    while page := received.waiting(after, _PAGE):
        for one, booked in page:
            yield Cancellation(one, booked)
        after = page[-1][0].file_id, page[-1][0].line


def unreadable(log: PoolLog) -> Iterator[Unread]:
    """Received rows whose figures could not be read: of no day, and no money that is known."""
    received, after = ReceivedPayments(log), (0, 0)
    while page := received.unreadable(after, _PAGE):
        for _, line, file in page:
            yield Unread(file, line)
        after = page[-1][:2]


class _Holding:
    """Which plan holds a payment; the plans of some payers are kept while others' are not asked for."""

    def __init__(self, log: PoolLog) -> None:
        self._plans = Plans(log)
        self._held: dict[str, dict[str, UUID]] = {}

    def plan_of(self, received: Received) -> UUID | None:
        payer = received.payment.payer
        if not payer:
            return None
        if payer not in self._held:
            if len(self._held) >= _PAYERS_MAX:
                self._held.clear()
            states = self._plans.find_many(self._plans.of_payers([payer]))
            self._held[payer] = {one.serial: plan for plan, state in states.items() for one in state.held}
        return self._held[payer].get(received.payment.serial)
