"""What the payments of 缴费明细 bring to a plan: pure, from accounts' events and refused payments to the plan's event.

Through tax an account is credited from its own 缴费明细 alone (S4 第四章), and nothing is credited again from the plan:
the plan only says what came for it. It is booked as it comes, whatever the plan's standing, so nothing here refuses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from ledger.account_events import (
    AccountEvent,
    AidEvent,
    CollectiveSubsidyRecorded,
    EntryReversed,
    SocialAidRecorded,
)
from ledger.late_money import Origin
from ledger.plan import Standing, SubsidyPlan
from ledger.plan_events import FundsReceived, HeldPayment, RosterFunds
from ledger.refusals import Reason
from ledger.words import MoneyKind

HELD_FOR: Final = frozenset(
    (
        Reason.UNKNOWN_PERSON,
        Reason.NAME_DIFFERS,
        Reason.ACCOUNT_CLOSED,
        Reason.NO_RATE,
        Reason.NO_CAP,
        Reason.OVER_CAP,
    )
)
"""Why a payment is held: its money is there and well told, but its account may not take it."""


class Brought(NamedTuple):
    """What one tranche brings to one plan.

    `events` are those its accounts record, `held` the payments they may not take, `taken_back` the serials of payments
    that the tax side cancelled before any account had them.
    """

    events: Sequence[AccountEvent] = ()
    held: Sequence[HeldPayment] = ()
    taken_back: Collection[str] = ()


class AidMoved(NamedTuple):
    """The aid that an account's event moves: whose it is, of which kind and year, and the roster it was declared in."""

    payer: str
    kind: MoneyKind
    year: int
    roster: str


_KIND_OF: Final = {
    CollectiveSubsidyRecorded.topic: MoneyKind.COLLECTIVE_SUBSIDY,
    SocialAidRecorded.topic: MoneyKind.SOCIAL_AID,
}


def aid_moved(event: AccountEvent) -> AidMoved | None:
    """What an account's event may be to a plan; None where it moves no aid of a known payer or roster."""
    if not isinstance(event, AidEvent | EntryReversed) or not (event.payer or event.roster):
        return None
    topic = event.original if isinstance(event, EntryReversed) else event.topic
    return AidMoved(event.payer, _KIND_OF[topic], event.year, event.roster)


def funds_of(events: Iterable[AccountEvent]) -> list[RosterFunds]:
    """What accounts' events move for each roster: money in, and its reversals with the opposite sign."""
    sums: dict[str, list[int]] = {}
    for event in events:
        if isinstance(event, AidEvent | EntryReversed):
            rows_and_fen = sums.setdefault(event.roster, [0, 0])
            rows_and_fen[0] += 1 if isinstance(event, AidEvent) else -1
            rows_and_fen[1] += event.effect.total
    return [RosterFunds(roster, rows, fen, fen) for roster, (rows, fen) in sums.items()]


def receive_funds(state: SubsidyPlan, brought: Brought, rule: str, origin: Origin) -> tuple[FundsReceived, ...]:
    """The plan's event; none where nothing of it is new.

    Of a roster that was allocated from one sum, a reversal takes back what was credited and not what arrived: the money
    is there, and unallocated.
    """
    allocated = {one.roster for one in state.rosters if one.standing is Standing.ALLOCATED}
    mine = {"", *(one.roster for one in state.rosters)}
    rosters = tuple(
        RosterFunds(one.roster, one.rows, 0, one.credited) if one.roster in allocated and one.received < 0 else one
        for one in funds_of(brought.events)
        if one.roster in mine  # a payment that this plan held may have been declared in a roster of another one
    )
    known = {one.serial for one in state.held}
    credited = {event.serial for event in brought.events if isinstance(event, AidEvent)}
    settled = tuple(one.serial for one in state.held if one.serial in credited or one.serial in brought.taken_back)
    there = (known - set(brought.taken_back)) | credited  # what is taken back first may be held anew
    unallocated = tuple(one for one in brought.held if one.serial not in there)
    if not (rosters or unallocated or settled):
        return ()
    return (FundsReceived(**origin._asdict(), rule=rule, rosters=rosters, unallocated=unallocated, settled=settled),)


def is_for(state: SubsidyPlan, payer: str, kind: MoneyKind, year: int) -> bool:
    """Whether money of a payer for a year may be the plan's."""
    drafted = state.drafted
    of_year = year == drafted.year or (drafted.standing and year > drafted.year)
    return (drafted.payer, drafted.kind) == (payer, kind) and of_year
