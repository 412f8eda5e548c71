"""A reconciled month: what was said of its differences, whether it is signed, and what may be said next.

A difference itself follows from the records and is folded, not decided (`projections/reconciliation_fold.py`); what
people make of it is decided here. It is ended by events of the ledger alone: explaining it moves no money.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from ledger.late_money import Origin
from ledger.reconciliation_events import (
    DifferenceAssigned,
    DifferenceExplained,
    DifferenceResolved,
    MonthEvent,
    MonthReopened,
    MonthSigned,
)
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules, same_person

Decided = tuple[MonthEvent, ...] | Refusal


class Status(StrEnum):
    """How far a difference is: nobody's, somebody's, its cause known, ended by an event, ended by itself."""

    OPEN = "open"
    ASSIGNED = "assigned"
    EXPLAINED = "explained"
    RESOLVED = "resolved"
    CLEARED = "cleared"


class Mark(msgspec.Struct, frozen=True):
    """What was said of a difference. `resolved_by` is account, version and topic of the event that ended it."""

    status: Status = Status.OPEN
    owner: str = ""
    due_on: date | None = None
    reason: str = ""
    resolved_by: tuple[UUID, int, str] | None = None


class ReconciliationMonth(msgspec.Struct, frozen=True):
    """The state after a month's stream."""

    version: int = 0
    signed: MonthSigned | None = None
    marks: Mapping[UUID, Mark] = {}

    def done(self) -> set[UUID]:
        """The differences that were explained or resolved."""
        return {one for one, mark in self.marks.items() if mark.status in {Status.EXPLAINED, Status.RESOLVED}}


class Known(NamedTuple):
    """A difference as the view has it: whose it is, its serial, when its records came, and whether it ended by itself.

    `persons` are the participant and, where a person is only proposed, the proposed one.
    """

    id: UUID
    persons: frozenset[UUID]
    serial: str
    received_at: datetime | None
    cleared: bool


class Ending(NamedTuple):
    """An event of an account that is said to end a difference."""

    account: UUID
    version: int
    topic: str
    participant: UUID
    serial: str
    recorded_at: datetime
    moves_money: bool


class Figures(NamedTuple):
    """What both sides sign: rows and fen of either, and the rows of the records it rests on."""

    tax_rows: int
    tax: int
    agency_rows: int
    agency: int
    differences: int
    open: int
    rows: int
    is_current: bool


def month_stream(pool: str, month: date) -> UUID:
    """The id of a month's stream in a pool."""
    return uuid5(NAMESPACE_URL, f"pension-ledger:reconciliation:{pool}:{month:%Y-%m}")


def evolve_month(state: ReconciliationMonth, event: MonthEvent) -> ReconciliationMonth:
    """The state after one more event."""
    marks = dict(state.marks)
    signed = state.signed
    if isinstance(event, DifferenceExplained):
        for one in event.differences:
            marks[one] = msgspec.structs.replace(marks.get(one, Mark()), status=Status.EXPLAINED, reason=event.reason)
    elif isinstance(event, DifferenceAssigned):
        said = {"status": Status.ASSIGNED, "owner": event.owner, "due_on": event.due_on}
        for one in event.differences:
            marks[one] = msgspec.structs.replace(marks.get(one, Mark()), **said)
    elif isinstance(event, DifferenceResolved):
        by = (event.account, event.version, event.by)
        before = marks.get(event.difference, Mark())
        reason = event.reason or before.reason
        marks[event.difference] = msgspec.structs.replace(before, status=Status.RESOLVED, reason=reason, resolved_by=by)
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


# -- decisions ---------------------------------------------------------------------------------------------------------


def explain(
    state: ReconciliationMonth,
    asked: Sequence[UUID],
    known: Mapping[UUID, Known],
    reason: str,
    rules: RegionRules,
    origin: Origin,
) -> Decided:
    """Say why there are differences. Reasons: MONTH_SIGNED, DIFFERENCE_UNKNOWN, DIFFERENCE_ENDED, ROW_FAULT."""
    if fault := _may_speak(state, asked, known):
        return fault
    if not reason.strip():
        return refuse(Reason.ROW_FAULT, "（空）", rule="说明原因不得为空", remedy="以 --reason 写明原因")
    return (DifferenceExplained(**origin._asdict(), rule=rules.name, differences=tuple(asked), reason=reason.strip()),)


def assign(
    state: ReconciliationMonth,
    asked: Sequence[UUID],
    known: Mapping[UUID, Known],
    owner: str,
    due_on: date,
    rules: RegionRules,
    origin: Origin,
    today: date,
) -> Decided:
    """Give differences an owner and a day. Reasons: MONTH_SIGNED, DIFFERENCE_UNKNOWN, DIFFERENCE_ENDED, ROW_FAULT,
    DATE.
    """
    if fault := _may_speak(state, asked, known):
        return fault
    if not owner.strip():
        return refuse(Reason.ROW_FAULT, "（空）", rule="责任人不得为空", remedy="以 --owner 写明责任单位或责任人")
    if due_on < today:
        return refuse(Reason.DATE, due_on.isoformat(), rule="办结期限不得早于今日", remedy="另定期限")
    return (
        DifferenceAssigned(
            **origin._asdict(), rule=rules.name, differences=tuple(asked), owner=owner.strip(), due_on=due_on
        ),
    )


def resolve(
    state: ReconciliationMonth,
    asked: UUID,
    known: Mapping[UUID, Known],
    ending: Ending | None,
    reason: str,
    rules: RegionRules,
    origin: Origin,
) -> Decided:
    """End a difference by an event that was recorded since its records came, for the same person or serial.

    By two people. Reasons: SAME_PERSON, MONTH_SIGNED, DIFFERENCE_UNKNOWN, DIFFERENCE_ENDED, NOT_AN_ENDING.
    """
    if same := same_person(rules, origin.actor, origin.reviewer):
        return same
    if fault := _may_speak(state, [asked], known):
        return fault
    if ending is None:
        return refuse(Reason.NOT_AN_ENDING, "账户、版本号", rule="没有这一笔记录")
    one, value = known[asked], f"账户{ending.account}第{ending.version}号记录"
    if not ending.moves_money:
        return refuse(Reason.NOT_AN_ENDING, value, rule="该记录不涉及款项")
    if one.received_at is None or ending.recorded_at <= one.received_at:
        return refuse(Reason.NOT_AN_ENDING, value, rule="该记录早于差异所涉的数据")
    if ending.participant not in one.persons and not (one.serial and ending.serial == one.serial):
        return refuse(Reason.NOT_AN_ENDING, value, rule="该记录与差异不是同一人，也不是同一流水号")
    return (
        DifferenceResolved(
            **origin._asdict(), rule=rules.name, difference=asked, account=ending.account, version=ending.version,
            by=ending.topic, reason=reason.strip(),
        ),
    )  # fmt: skip


def sign(
    state: ReconciliationMonth,
    figures: Figures,
    tax_side: str,
    document: str,
    rules: RegionRules,
    origin: Origin,
) -> Decided:
    """Both sides sign. Reasons: SAME_PERSON, MONTH_SIGNED, MONTH_STALE, ROW_FAULT, DIFFERENCES_OPEN."""
    if same := same_person(rules, origin.actor, origin.reviewer):
        return same
    if state.signed is not None:
        return _signed(state.signed)
    if not figures.is_current:
        return refuse(Reason.MONTH_STALE, "本月")
    if not tax_side.strip() or not document.strip():
        return refuse(Reason.ROW_FAULT, "（空）", rule="须写明税务方签认人及签认单编号")
    if tax_side.strip() in {origin.actor.strip(), origin.reviewer.strip()}:
        return refuse(Reason.SAME_PERSON, f"税务方 {tax_side}", rule="税务方签认人须为税务部门人员")
    if figures.open:
        return refuse(Reason.DIFFERENCES_OPEN, f"{figures.open}笔差异")
    return (
        MonthSigned(
            **origin._asdict(), rule=rules.name, tax_side=tax_side.strip(), document=document.strip(),
            tax_rows=figures.tax_rows, tax=figures.tax, agency_rows=figures.agency_rows, agency=figures.agency,
            difference=figures.tax - figures.agency, differences=figures.differences, rows=figures.rows,
        ),
    )  # fmt: skip


def reopen(state: ReconciliationMonth, reason: str, rules: RegionRules, origin: Origin) -> Decided:
    """Open a signed month again. Reasons: SAME_PERSON, MONTH_NOT_SIGNED, ROW_FAULT."""
    if same := same_person(rules, origin.actor, origin.reviewer):
        return same
    if state.signed is None:
        return refuse(Reason.MONTH_NOT_SIGNED, "本月")
    if not reason.strip():
        return refuse(Reason.ROW_FAULT, "（空）", rule="重开原因不得为空", remedy="以 --reason 写明原因")
    return (MonthReopened(**origin._asdict(), rule=rules.name, reason=reason.strip()),)


def _may_speak(state: ReconciliationMonth, asked: Collection[UUID], known: Mapping[UUID, Known]) -> Refusal | None:
    if state.signed is not None:
        return _signed(state.signed)
    if not asked:
        return refuse(Reason.DIFFERENCE_UNKNOWN, "（无）")
    for one in asked:
        if one not in known:
            return refuse(Reason.DIFFERENCE_UNKNOWN, one)
        if known[one].cleared or state.marks.get(one, Mark()).status is Status.RESOLVED:
            return refuse(Reason.DIFFERENCE_ENDED, one)
    return None


def _signed(signed: MonthSigned) -> Refusal:
    return refuse(Reason.MONTH_SIGNED, f"签认单{signed.document}")


EMPTY: Final = ReconciliationMonth()
"""A month of which nobody has spoken."""
