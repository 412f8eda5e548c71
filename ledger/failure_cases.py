"""缴费不成功信息: a case for each payment that failed, in which both sides look for the cause.

内蒙古自治区…经办规程 第三章: 对于缴费不成功信息的双方启动查找问题流程. A case is open until somebody answers for it, is
explained when its cause is found, and closed by two people.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import IntEnum
from typing import Final, NamedTuple

from ledger.refusals import Reason, Refusal, refuse


class Step(IntEnum):
    """What was done about a case, by the number it is stored with."""

    ASSIGNED = 1
    EXPLAINED = 2
    CLOSED = 3


OPEN: Final = "open"
STATUSES: Final = {OPEN: "待指定", "assigned": "查找中", "explained": "已查明", "closed": "已办结"}


class StepTaken(NamedTuple):
    """A step of a case: owner and due date where it was assigned, the reason where it was explained or closed."""

    step: Step
    owner: str
    due_on: date | None
    reason: str
    actor: str
    reviewer: str
    recorded_at: datetime


class CaseStanding(NamedTuple):
    """Where a case stands after its steps."""

    status: str = OPEN
    owner: str = ""
    due_on: date | None = None
    reason: str = ""


def standing(steps: Sequence[StepTaken]) -> CaseStanding:
    """Owner and due date are those of the last assignment; the reason is the last that was told."""
    found = CaseStanding()
    for one in steps:
        found = found._replace(status=one.step.name.lower())
        if one.step is Step.ASSIGNED:
            found = found._replace(owner=one.owner, due_on=one.due_on)
        if one.reason:
            found = found._replace(reason=one.reason)
    return found


def may_take(step: Step, status: str) -> Refusal | None:
    """A closed case is closed; what is explained or closed has an owner first. Reason: FAILURE_STATE."""
    if status == "closed":
        return refuse(Reason.FAILURE_STATE, STATUSES[status], rule="已办结的事项不再办理")
    if step is not Step.ASSIGNED and status == OPEN:
        return refuse(
            Reason.FAILURE_STATE, STATUSES[status], rule="须先指定责任人", remedy="先以 tax failed assign 指定"
        )
    return None
