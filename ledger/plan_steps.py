"""The steps of a plan on the chain of its matter: whether one may be taken now, which come next, which are missing.

Which steps there are is data (`ledger/procedure.py`); what one does besides is decided in `ledger/plan_decisions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from ledger.late_money import Origin
from ledger.plan import STANDING, Standing, SubsidyPlan
from ledger.plan_events import StepTaken
from ledger.procedure import ACTORS, MATTERS, Attempt, Procedure, Step
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.words import MoneyKind

MATTER_OF: Final = {MoneyKind.COLLECTIVE_SUBSIDY: "subsidy", MoneyKind.SOCIAL_AID: "aid"}
"""The procedure under which a plan of a kind runs."""


class Asked(NamedTuple):
    """A step that somebody wants to take: which, on which day, for whom, with which papers, for which roster."""

    step: str
    on: date
    acting_for: str
    evidence: Mapping[str, str]
    roster: str = ""
    matter: str = ""


def taken_step(
    state: SubsidyPlan,
    asked: Asked,
    chains: Mapping[str, Procedure],
    rules: RegionRules,
    origin: Origin,
    today: date,
    *,
    year: int = 0,
    new: bool = False,
) -> tuple[Step, StepTaken] | Refusal:
    """The step and its event. Reasons: PLAN_STATE, STEP_UNKNOWN, ROSTER_STATE, and those of `Procedure.take`."""
    if state.closed:
        return refuse(Reason.PLAN_STATE, "方案已终止")
    matter = asked.matter or MATTER_OF[state.drafted.kind]
    chain = chains.get(matter)
    if chain is None:
        return refuse(Reason.STEP_UNKNOWN, matter, rule=f"本地区没有{MATTERS.get(matter, matter)}的办理流程")
    if state.suspended_on and matter != "resumption":
        value = f"方案自{state.suspended_on.isoformat()}起暂停"
        return refuse(Reason.PLAN_STATE, value, rule="暂停期间不办理补助", remedy="先申请恢复")
    if matter == "resumption" and not state.suspended_on:
        return refuse(Reason.PLAN_STATE, "方案未暂停", rule="只有暂停的方案可以恢复")
    step = chain.steps.get(asked.step)
    of_roster = step is not None and step.object != "plan"
    if of_roster and not new and (known := state.roster(asked.roster)) is None:
        return refuse(Reason.ROSTER_STATE, asked.roster or "（空）", rule="须指明本方案已申报的名册")
    if of_roster and not new:
        assert known is not None
        if known.standing is Standing.RETURNED:
            return refuse(Reason.ROSTER_STATE, STANDING[known.standing], rule="退回的名册须更正后重新申报")
        year = known.year
    roster = asked.roster if of_roster else ""
    attempt = Attempt(asked.step, asked.on, origin.actor, asked.acting_for, tuple(asked.evidence))
    went = chain.take(attempt, state.taken(matter, roster), year or state.drafted.year, today)
    if isinstance(went, Refusal):
        return went
    return went.step, StepTaken(
        **origin._asdict(),
        rule=rules.name,
        matter=matter,
        step=went.step.name,
        on=asked.on,
        acting_for=asked.acting_for,
        clause=went.step.citation,
        roster=roster,
        evidence=dict(asked.evidence),
        due_on=went.due_on,
        late=went.late,
        provisional=went.provisional,
    )


def step_of(state: SubsidyPlan, chains: Mapping[str, Procedure], matter: str, name: str) -> Step | None:
    """A step of the plan's procedure, or of another matter of it; None where the region knows none of this name."""
    chain = chains.get(matter or MATTER_OF[state.drafted.kind])
    return chain.steps.get(name) if chain else None


def steps_missing(state: SubsidyPlan, chains: Mapping[str, Procedure], roster: str = "") -> list[Step]:
    """The steps not taken yet, in order: for one roster; without, those of a plan itself, and of a roster to come."""
    chain = chains.get("resumption" if state.suspended_on else MATTER_OF[state.drafted.kind])
    if chain is None or state.closed:
        return []
    done = {one.name for one in state.taken(chain.matter, roster)}
    every = bool(roster) or not state.rosters
    return [step for step in chain.steps.values() if step.name not in done and (every or step.object == "plan")]


def who_is_next(state: SubsidyPlan, chains: Mapping[str, Procedure], roster: str = "") -> list[dict[str, object]]:
    """The steps that may be taken next: which, by whom, with which papers, from when and until when."""
    matter = "resumption" if state.suspended_on else MATTER_OF[state.drafted.kind]
    if state.closed or matter not in chains:
        return []
    known = state.roster(roster)
    year = known.year if known else state.drafted.year
    return [
        {
            "step": one.step.name,
            "title": one.step.title,
            "acting_for": one.step.actor,
            "who": ACTORS[one.step.actor],
            "evidence": list(one.step.evidence),
            "from": one.from_day.isoformat() if one.from_day else None,
            "until": one.until.isoformat() if one.until else None,
            "clause": one.step.citation,
            "does": one.step.does,
        }
        for one in chains[matter].open(state.taken(matter, roster), year)
    ]


def step_title(chains: Mapping[str, Procedure], matter: str, name: str) -> str:
    """What a step that was taken is called; its name where the region's procedure has it no more."""
    chain = chains.get(matter)
    step = chain.steps.get(name) if chain else None
    return step.title if step else name
