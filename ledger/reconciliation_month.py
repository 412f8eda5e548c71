"""A reconciled month: what was said of its differences, and whether it is signed.

A difference itself follows from the records and is folded, not decided (`projections/reconciliation_fold.py`); what
people make of it stands here. What was said of a difference holds while it is what it was: one whose category or amount
has changed since is open again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from ledger.reconciliation_events import (
    DifferenceAssigned,
    DifferenceExplained,
    DifferenceResolved,
    MonthEvent,
    MonthReopened,
    MonthSigned,
    Spoken,
)


class Status(StrEnum):
    """How far a difference is: nobody's, somebody's, its cause known, ended by an event, ended by itself."""

    OPEN = "open"
    ASSIGNED = "assigned"
    EXPLAINED = "explained"
    RESOLVED = "resolved"
    CLEARED = "cleared"


DONE: Final = frozenset((Status.EXPLAINED, Status.RESOLVED))
UNDONE: Final = frozenset((Status.OPEN, Status.ASSIGNED))
"""With one of these a month cannot be signed."""


class Mark(msgspec.Struct, frozen=True):
    """What was said of a difference. `resolved_by` is account, version and topic of the event that ended it.

    `spoken` is its category and amount when it was explained or resolved.
    """

    status: Status = Status.OPEN
    owner: str = ""
    due_on: date | None = None
    reason: str = ""
    resolved_by: tuple[UUID, int, str] | None = None
    spoken: tuple[str, int] | None = None

    def of(self, category: str, fen: int, *, cleared: bool) -> Status:
        """How far a difference is that is so now. One that changed since it was explained or resolved is open again."""
        status = self.status
        if status in DONE and self.spoken != (category, fen):
            status = Status.ASSIGNED if self.owner else Status.OPEN
        return Status.CLEARED if cleared and status is not Status.RESOLVED else status


class ReconciliationMonth(msgspec.Struct, frozen=True):
    """The state after a month's stream."""

    version: int = 0
    signed: MonthSigned | None = None
    marks: Mapping[UUID, Mark] = {}

    def done(self) -> list[Spoken]:
        """The differences that were explained or resolved, as they were then."""
        return [Spoken(one, *mark.spoken) for one, mark in self.marks.items() if mark.status in DONE and mark.spoken]


class Known(NamedTuple):
    """A difference as the view has it.

    `persons` are the participant and, where a person is only proposed, the proposed one; `files` the sha256 (hex) of
    those in which its records came, at the latest at `received_at` (None: it has no records, but sums of others).
    """

    id: UUID
    category: str
    fen: int
    cleared: bool
    persons: frozenset[UUID] = frozenset()
    serial: str = ""
    files: frozenset[str] = frozenset()
    received_at: datetime | None = None

    @property
    def spoken(self) -> Spoken:
        """As an event names it."""
        return Spoken(self.id, self.category, self.fen)


class Ending(NamedTuple):
    """An event of an account that is said to end a difference: of whom, of which serial, recorded why and when.

    `ends` says that it is a payment, a reversal or a refund: neither interest nor a pension puts two books right.
    `returns` is, of a refund by request that stands, the serial of the payment it returned and how much (fen).
    """

    account: UUID
    version: int
    topic: str
    participant: UUID
    serial: str
    cause: str
    recorded_at: datetime
    ends: bool
    returns: tuple[str, int] | None = None


class Figures(NamedTuple):
    """What both sides sign: rows and fen of either (the agency's own entries among them), the differences, and `rows`.

    `rows` are the rows of the month that were received, but for repetitions; `received` are all of them.
    """

    tax_rows: int
    tax: int
    agency_rows: int
    agency: int
    differences: int
    open: int
    rows: int
    received: int
    is_current: bool


def month_stream(pool: str, month: date) -> UUID:
    """The id of a month's stream in a pool."""
    return uuid5(NAMESPACE_URL, f"pension-ledger:reconciliation:{pool}:{month:%Y-%m}")


def evolve_month(state: ReconciliationMonth, event: MonthEvent) -> ReconciliationMonth:
    """The state after one more event. Raises ValueError for one that cannot follow: a stream that was tampered with."""
    if isinstance(event, MonthReopened) is (state.signed is None):
        raise ValueError("spoken of while signed" if state.signed else "opened again while open")
    marks = dict(state.marks)
    signed = state.signed
    if isinstance(event, DifferenceExplained):
        for one in event.differences:
            before, spoken = marks.get(one.id, Mark()), (one.category, one.fen)
            marks[one.id] = msgspec.structs.replace(before, status=Status.EXPLAINED, reason=event.reason, spoken=spoken)
    elif isinstance(event, DifferenceAssigned):
        for given in event.differences:
            said = {"status": Status.ASSIGNED, "owner": event.owner, "due_on": event.due_on}
            marks[given] = msgspec.structs.replace(marks.get(given, Mark()), **said)
    elif isinstance(event, DifferenceResolved):
        ended = event.difference
        before = marks.get(ended.id, Mark())
        marks[ended.id] = msgspec.structs.replace(
            before,
            status=Status.RESOLVED,
            reason=event.reason or before.reason,
            resolved_by=(event.account, event.version, event.by),
            spoken=(ended.category, ended.fen),
        )
    elif isinstance(event, MonthSigned):
        signed = event
    elif isinstance(event, MonthReopened):
        signed = None
    return ReconciliationMonth(state.version + 1, signed, marks)


def fold_month_events(events: Iterable[MonthEvent]) -> ReconciliationMonth:
    """The state after a whole stream; a month nobody spoke of has an empty one."""
    state = ReconciliationMonth()
    for event in events:
        state = evolve_month(state, event)
    return state


def undone(
    state: ReconciliationMonth, known: Mapping[UUID, Known], statuses: Collection[Status] = UNDONE
) -> tuple[UUID, ...]:
    """Those of the differences that stand so."""
    return tuple(one for one in known if status_of(state, known[one]) in statuses)


def status_of(state: ReconciliationMonth, one: Known) -> Status:
    """How far a difference is."""
    return state.marks.get(one.id, Mark()).of(one.category, one.fen, cleared=one.cleared)
