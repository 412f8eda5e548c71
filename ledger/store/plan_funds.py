"""What a tranche's payments bring to plans, recorded with them: see `ledger/plan_funds.py` for what it comes to.

Which plans are concerned is looked up before the lock; what comes of it is decided under it, on the plan as it stands
there and without the accounts that moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from ledger.account_events import AccountEvent, AidEvent
from ledger.late_money import Origin
from ledger.plan import Standing, SubsidyPlan, evolve_plan
from ledger.plan_events import HeldPayment
from ledger.plan_funds import Brought, aid_moved, is_for, receive_funds
from ledger.region_rules import RegionRules
from ledger.store.copy_rows import LogRow
from ledger.store.log import PoolLog
from ledger.store.plans import Plans, plan_rows
from ledger.store.recorder import Following
from ledger.words import MoneyKind


class Held(NamedTuple):
    """A payment that its account may not take, and the plan that holds it."""

    plan: UUID
    payment: HeldPayment


class Booking(NamedTuple):
    """What is recorded on somebody's word: accounts' events, and payments that were held or taken back unbooked."""

    origin: Origin
    recorded: Mapping[bytes, Sequence[AccountEvent]]
    held: Sequence[Held] = ()
    taken_back: Sequence[Held] = ()


class PlanFunds:
    """The plans of one pool, as payments find them."""

    def __init__(self, log: PoolLog) -> None:
        self._plans = Plans(log)
        self._of_payer: dict[str, list[tuple[UUID, SubsidyPlan]]] = {}

    def forget(self) -> None:
        """What was read of plans; they are read again when they are asked for."""
        self._of_payer.clear()

    def plan_for(self, payer: str, kind: MoneyKind, year: int) -> UUID | None:
        """The plan to which money of a payer for a year belongs: one with a roster of the year before one without."""
        plans = [
            (not any(one.year == year and one.standing is not Standing.RETURNED for one in state.rosters), place, plan)
            for place, (plan, state) in enumerate(self._plans_of(payer))
            if is_for(state, payer, kind, year)
        ]
        return min(plans)[2] if plans else None

    def _plans_of(self, payer: str) -> list[tuple[UUID, SubsidyPlan]]:
        if payer not in self._of_payer:
            found = [(plan, self._plans.find(plan)) for plan in self._plans.of_payers([payer])]
            self._of_payer[payer] = [(plan, state) for plan, state in found if state is not None]
        return self._of_payer[payer]

    def following(self, bookings: Sequence[Booking], rules: RegionRules) -> Following | None:
        """The plans' events that follow from bookings, in their order; None where no plan is concerned."""
        rosters = {
            moved.roster
            for booking in bookings
            for events in booking.recorded.values()
            for event in events
            if (moved := aid_moved(event)) and moved.roster
        }
        plan_of = self._plans.of_rosters(rosters) if rosters else {}
        brought = [self._brought(booking, plan_of) for booking in bookings]
        plans = sorted({plan for one in brought for plan in one})
        if not plans:
            return None

        def decide(cursor: Any, moved: frozenset[bytes]) -> list[LogRow]:
            rows: list[LogRow] = []
            for plan in plans:
                state = self._plans.fold(cursor, plan)
                for booking, brings in zip(bookings, brought, strict=True):
                    mine = brings.get(plan, [])
                    what = Brought(
                        [one for account, one in mine if account not in moved],
                        [one.payment for one in booking.held if one.plan == plan],
                        {one.payment.serial for one in booking.taken_back if one.plan == plan},
                    )
                    follow = receive_funds(state, what, rules.name, booking.origin)
                    rows += plan_rows(plan, follow, state.version)
                    for event in follow:
                        state = evolve_plan(state, event)
            return rows

        return Following(len(plans) * len(bookings), decide)

    def _brought(self, booking: Booking, plan_of: Mapping[str, UUID]) -> dict[UUID, list[tuple[bytes, AccountEvent]]]:
        """The accounts' events of a booking by the plan they concern; a plan that only holds something has none."""
        found: dict[UUID, list[tuple[bytes, AccountEvent]]] = {
            one.plan: [] for one in (*booking.held, *booking.taken_back)
        }
        for account, events in booking.recorded.items():
            for event in events:
                moved = aid_moved(event)
                if moved is None:
                    continue
                holding = self._holding(event)
                plan = plan_of.get(moved.roster) or holding or self.plan_for(*moved[:3])
                for one in {plan, holding} - {None}:
                    assert one is not None
                    found.setdefault(one, []).append((account, event))
        return found

    def _holding(self, event: AccountEvent) -> UUID | None:
        """The plan that held a payment which is credited now."""
        if not isinstance(event, AidEvent) or not event.serial:
            return None
        held = (
            plan for plan, state in self._plans_of(event.payer) if any(one.serial == event.serial for one in state.held)
        )
        return next(held, None)
