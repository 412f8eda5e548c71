"""A subsidy plan as it stands: a frozen value folded from its events. `evolve_plan` knows no rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from ledger.plan_events import (
    FundsReceived,
    HeldPayment,
    PlanClosed,
    PlanDrafted,
    PlanEvent,
    PlanResumed,
    PlanSuspended,
    RosterDeclared,
    RosterReturned,
    RosterReviewed,
    StepTaken,
    SubsidyAllocated,
)
from ledger.procedure import Taken


def plan_stream(pool: str, village: str, year: int, sequence: int) -> UUID:
    """The id of a plan: two drafts of one plan are the same stream, and the second is refused."""
    return uuid5(NAMESPACE_URL, f"pension-ledger:plan:{pool}:{village}:{year}:{sequence}")


class Standing(StrEnum):
    """Where a roster stands."""

    DECLARED = "declared"
    REVIEWED = "reviewed"
    RETURNED = "returned"
    ALLOCATED = "allocated"


STANDING: Final = {
    Standing.DECLARED: "已申报",
    Standing.REVIEWED: "已复核",
    Standing.RETURNED: "已退回",
    Standing.ALLOCATED: "已分配",
}
"""The official term of each."""


class RosterOfPlan(msgspec.Struct, frozen=True):
    """One roster: its year, file and rows, and what became of it (fen)."""

    roster: str
    year: int
    file: str
    digest: str
    rows: int
    fen: int
    standing: Standing = Standing.DECLARED
    received: int = 0
    credited: int = 0

    @property
    def unallocated(self) -> int:
        """Received and not credited."""
        return self.received - self.credited


class StepOfPlan(NamedTuple):
    """A step that was taken, of which matter and for which roster."""

    matter: str
    roster: str
    taken: Taken


class SubsidyPlan(msgspec.Struct, frozen=True):
    """The state of one plan after `version` events.

    `held` are payments that no account may take, `beside` is what its payer paid to persons on no roster (fen).
    """

    version: int
    drafted: PlanDrafted
    steps: tuple[StepOfPlan, ...] = ()
    rosters: tuple[RosterOfPlan, ...] = ()
    held: tuple[HeldPayment, ...] = ()
    beside: int = 0
    suspended_on: date | None = None
    closed: bool = False

    @property
    def received(self) -> int:
        """What came and was not taken back (fen): credited, or unallocated."""
        return self.beside + sum(one.received for one in self.rosters) + sum(one.fen for one in self.held)

    @property
    def credited(self) -> int:
        """What stands on accounts (fen)."""
        return self.beside + sum(one.credited for one in self.rosters)

    @property
    def unallocated(self) -> int:
        """Received and not credited (fen)."""
        return self.received - self.credited

    def declared(self, year: int) -> int:
        """What the rosters of a year ask for (fen), those that went back left out."""
        return sum(one.fen for one in self.rosters if one.year == year and one.standing is not Standing.RETURNED)

    def roster(self, roster: str) -> RosterOfPlan | None:
        """One of its rosters."""
        return next((one for one in self.rosters if one.roster == roster), None)

    def taken(self, matter: str, roster: str = "") -> list[Taken]:
        """The steps taken in a matter: those of the plan itself, and of one roster.

        A suspension begins anew after each resumption, and so does a resumption after each suspension.
        """
        return [step.taken for step in self.steps if step.matter == matter and step.roster in ("", roster)]


_ROUNDS: Final = ("suspension", "resumption")


def evolve_plan(state: SubsidyPlan | None, event: PlanEvent) -> SubsidyPlan:
    """The state after `event`. The events of a stream are given in the order of their versions, from 1."""
    if state is None:
        if not isinstance(event, PlanDrafted):
            raise ValueError(f"the first event of a plan is {PlanDrafted.topic}, not {event.topic}")
        return SubsidyPlan(1, event)
    after = msgspec.structs.replace(state, version=state.version + 1)
    match event:
        case StepTaken():
            step = StepOfPlan(event.matter, event.roster, Taken(event.step, event.on, event.actor))
            return msgspec.structs.replace(after, steps=(*state.steps, step))
        case RosterDeclared():
            new = RosterOfPlan(event.roster, event.year, event.file, event.digest, event.rows, event.fen)
            return msgspec.structs.replace(after, rosters=(*state.rosters, new))
        case RosterReviewed():
            return _with_roster(after, event.roster, standing=Standing.REVIEWED)
        case RosterReturned():
            return _with_roster(after, event.roster, standing=Standing.RETURNED)
        case SubsidyAllocated():
            figures = {"received": event.received, "credited": event.credited}
            return _with_roster(after, event.roster, standing=Standing.ALLOCATED, **figures)
        case FundsReceived():
            return _with_funds(after, event)
        case PlanSuspended():
            return msgspec.structs.replace(after, suspended_on=event.on, steps=_without_rounds(state))
        case PlanResumed():
            return msgspec.structs.replace(after, suspended_on=None, steps=_without_rounds(state))
        case PlanClosed():
            return msgspec.structs.replace(after, closed=True)
    raise ValueError(f"{event.topic} cannot follow version {state.version}")


def _with_roster(state: SubsidyPlan, roster: str, **changes: object) -> SubsidyPlan:
    if state.roster(roster) is None:
        raise ValueError(f"the plan has no roster {roster}")
    rosters = tuple(msgspec.structs.replace(one, **changes) if one.roster == roster else one for one in state.rosters)
    return msgspec.structs.replace(state, rosters=rosters)


def _with_funds(state: SubsidyPlan, event: FundsReceived) -> SubsidyPlan:
    """Rosters with what came for them, and the payments still held."""
    for one in event.rosters:
        if not one.roster:
            state = msgspec.structs.replace(state, beside=state.beside + one.credited)
            continue
        roster = state.roster(one.roster)
        if roster is None:
            raise ValueError(f"the plan has no roster {one.roster}")
        figures = {"received": roster.received + one.received, "credited": roster.credited + one.credited}
        state = _with_roster(state, one.roster, **figures)
    held = (*(one for one in state.held if one.serial not in event.settled), *event.unallocated)
    return msgspec.structs.replace(state, held=held)


def _without_rounds(state: SubsidyPlan) -> tuple[StepOfPlan, ...]:
    return tuple(step for step in state.steps if step.matter not in _ROUNDS)


def fold_plan(events: Iterable[PlanEvent]) -> SubsidyPlan:
    """The state after a whole stream."""
    state: SubsidyPlan | None = None
    for event in events:
        state = evolve_plan(state, event)
    if state is None:
        raise ValueError("a stream has at least one event")
    return state
