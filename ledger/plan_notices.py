"""What becomes of receivables when something happens to a plan: its notices issue them, a return or an end withdraws.

S0 附件1 四（三）: 生成缴费通知单并将代缴数据向税务部门传递. Where
the money comes in one sum (S2) no step issues a notice, and there are none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from ledger.plan import SubsidyPlan
from ledger.plan_events import PlanClosed, PlanEvent, RosterReturned, StepTaken
from ledger.procedure import Procedure
from ledger.words import MoneyKind


class Notice(NamedTuple):
    """A notice to be written: the roster's rows are due from `payer` for `year`, approved on `on`."""

    roster: UUID
    kind: MoneyKind
    payer: str
    year: int
    on: date


class NoticeChanges(NamedTuple):
    """What a command about a plan does to receivables: notices issued, and rosters whose unpaid rows are withdrawn."""

    issued: tuple[Notice, ...] = ()
    withdrawn: tuple[UUID, ...] = ()


def notice_changes(state: SubsidyPlan, events: Iterable[PlanEvent], chain: Procedure | None) -> NoticeChanges:
    """What a command's events, which follow on `state`, do to receivables; `chain` is that of the plan's own matter."""
    issued: list[Notice] = []
    withdrawn: list[UUID] = []
    drafted = state.drafted
    for event in events:
        if isinstance(event, StepTaken):
            step = chain.steps.get(event.step) if chain and chain.matter == event.matter else None
            roster = state.roster(event.roster)
            if step is not None and step.is_notice and roster is not None:
                issued.append(Notice(UUID(roster.roster), drafted.kind, drafted.payer, roster.year, event.on))
        elif isinstance(event, RosterReturned):
            withdrawn.append(UUID(event.roster))
        elif isinstance(event, PlanClosed):
            withdrawn += [UUID(one.roster) for one in state.rosters]
    return NoticeChanges(tuple(issued), tuple(withdrawn))
