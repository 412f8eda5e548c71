"""What may happen to a subsidy plan: pure decisions from state, procedure, command and rules to events or a refusal.

Which steps there are, in which order and by whom is data (`ledger/procedure.py`); here stands what a step does to the
plan. What a reviewed roster does to accounts is decided for each account by `ledger/declarations.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from ledger.late_money import Origin
from ledger.money import fen_to_yuan
from ledger.plan import STANDING, RosterOfPlan, Standing, SubsidyPlan
from ledger.plan_events import (
    PlanClosed,
    PlanEvent,
    PlanResumed,
    PlanSuspended,
    RosterDeclared,
    RosterReturned,
    RosterReviewed,
    SubsidyAllocated,
    Unallocated,
)
from ledger.plan_steps import MATTER_OF, Asked, taken_step
from ledger.procedure import Procedure
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules, same_person
from ledger.roster import ROWS_MAX

Decided = tuple[PlanEvent, ...] | Refusal


def take_step(
    state: SubsidyPlan, asked: Asked, chains: Mapping[str, Procedure], rules: RegionRules, origin: Origin, today: date
) -> Decided:
    """A step that is only taken, or ends a suspension or resumption. Reasons: as `taken_step`, STEP_DOES."""
    chain = chains.get(asked.matter or MATTER_OF[state.drafted.kind])
    step = chain.steps.get(asked.step) if chain else None
    if step is not None and step.does:
        return refuse(
            Reason.STEP_DOES, step.title, rule=f"{step.title}随{_DOES[step.does]}一并办理", clause=step.citation
        )
    went = taken_step(state, asked, chains, rules, origin, today)
    if isinstance(went, Refusal):
        return went
    step, taken = went
    if step.matter not in ("suspension", "resumption"):
        return (taken,)
    done = {one.name for one in state.taken(step.matter)} | {step.name}
    if done < set(chains[step.matter].steps):
        return (taken,)
    said = {**origin._asdict(), "rule": rules.name, "on": asked.on}
    return taken, PlanSuspended(**said) if step.matter == "suspension" else PlanResumed(**said)


_DOES: Final = {"declare": "名册申报", "review": "名册复核", "allocate": "到账分配"}


def declare_roster(
    state: SubsidyPlan,
    asked: Asked,
    declared: RosterOfPlan,
    chains: Mapping[str, Procedure],
    rules: RegionRules,
    origin: Origin,
    today: date,
) -> Decided:
    """申报 a roster.

    Reasons: as `taken_step`, STEP_DOES, PERIOD, ROSTER_ROWS, ROSTER_STATE (the same file is there), SOURCE.
    """
    of_roster = asked._replace(roster=declared.roster)
    went = taken_step(state, of_roster, chains, rules, origin, today, year=declared.year, new=True)
    if isinstance(went, Refusal):
        return went
    step, taken = went
    first, standing = state.drafted.year, state.drafted.standing
    if declared.year < first or (declared.year > first and not standing):
        rule = f"方案自{first}年度起" if standing else f"方案只适用于{first}年度（一年一策）"
        return refuse(Reason.PERIOD, f"{declared.year}年度", rule=rule, clause=rules.citation("plan.standing", first))
    if step.does != "declare":
        return refuse(Reason.STEP_DOES, step.title, rule="名册须随申报的步骤提交", clause=step.citation)
    if not 0 < declared.rows <= ROWS_MAX:
        return refuse(Reason.ROSTER_ROWS, f"{declared.rows}行")
    same = [one for one in state.rosters if one.file == declared.file and one.standing is not Standing.RETURNED]
    if same:
        value = f"名册{same[0].roster}（{STANDING[same[0].standing]}）"
        return refuse(Reason.ROSTER_STATE, value, rule="同一文件已申报")
    if over := _over_the_sources(state, declared):
        return over
    said = {name: getattr(declared, name) for name in ("roster", "year", "file", "digest", "rows", "fen")}
    return taken, RosterDeclared(**origin._asdict(), rule=rules.name, **said)


def _over_the_sources(state: SubsidyPlan, declared: RosterOfPlan) -> Refusal | None:
    """专款专用: what the rosters of a year ask for comes out of the plan's sources (a donor's too)."""
    total, before = sum(one.fen for one in state.drafted.sources), state.declared(declared.year)
    if before + declared.fen <= total:
        return None
    rest = f"{declared.year}年度资金来源合计{fen_to_yuan(total)}元，已申报{fen_to_yuan(before)}元"
    return refuse(
        Reason.SOURCE,
        f"名册合计{fen_to_yuan(declared.fen)}元",
        rule=f"{rest}，尚余{fen_to_yuan(total - before)}元，专款专用，不得超出",
        remedy="核减名册，或按新的资金来源另行拟定方案（下一序号）",
    )


def review_roster(
    state: SubsidyPlan,
    asked: Asked,
    floor_reason: str,
    chains: Mapping[str, Procedure],
    rules: RegionRules,
    origin: Origin,
    today: date,
) -> Decided:
    """复核 a declared roster, with its accounts' declarations. Reasons: as `taken_step`, STEP_DOES, ROSTER_STATE."""
    went = taken_step(state, asked, chains, rules, origin, today)
    if isinstance(went, Refusal):
        return went
    step, taken = went
    if step.does != "review":
        return refuse(Reason.STEP_DOES, step.title, rule="本步骤不是名册复核", clause=step.citation)
    roster = state.roster(asked.roster)
    if fault := _not_standing(roster, asked.roster, Standing.DECLARED):
        return fault
    assert roster is not None
    return taken, RosterReviewed(
        **origin._asdict(),
        rule=rules.name,
        roster=roster.roster,
        rows=roster.rows,
        fen=roster.fen,
        floor_reason=floor_reason,
    )


def return_roster(
    state: SubsidyPlan, roster: str, reason: str, released: int, rules: RegionRules, origin: Origin
) -> Decided:
    """退回 a roster that is not allocated yet. Reasons: ROSTER_STATE, ROW_FAULT (no reason said)."""
    if not reason.strip():
        return refuse(Reason.ROW_FAULT, "“原因”", rule="退回须说明原因")
    if fault := _not_standing(state.roster(roster), roster, Standing.DECLARED, Standing.REVIEWED):
        return fault
    return (RosterReturned(**origin._asdict(), rule=rules.name, roster=roster, reason=reason, released=released),)


class Received(NamedTuple):
    """A sum that arrived for a roster: fen, day and voucher; credited to so many accounts, the rest held."""

    fen: int
    on: date
    voucher: str
    rows: int
    credited: int
    unallocated: tuple[Unallocated, ...]


def allocate_roster(
    state: SubsidyPlan,
    asked: Asked,
    received: Received,
    chains: Mapping[str, Procedure],
    rules: RegionRules,
    origin: Origin,
    today: date,
) -> Decided:
    """到账分配 of a whole roster. Reasons: as `taken_step`, STEP_DOES, SAME_PERSON, ROSTER_STATE, NOT_IN_FULL."""
    went = taken_step(state, asked, chains, rules, origin, today)
    if isinstance(went, Refusal):
        return went
    step, taken = went
    if same := same_person(rules, origin.actor, origin.reviewer):
        return same
    if step.does != "allocate":
        return refuse(
            Reason.STEP_DOES, step.title, rule="本地区按税务缴费明细逐人入账，不由方案入账", clause=step.citation
        )
    roster = state.roster(asked.roster)
    if fault := _not_standing(roster, asked.roster, Standing.REVIEWED):
        return fault
    assert roster is not None
    if received.fen != roster.fen:
        value, rule = f"到账{fen_to_yuan(received.fen)}元", f"名册合计{fen_to_yuan(roster.fen)}元，须一次性足额到账"
        return refuse(Reason.NOT_IN_FULL, value, rule=rule, clause=_payment_clause(chains[step.matter]))
    said = {**origin._asdict(), "rule": rules.name, "roster": roster.roster, "on": received.on}
    return taken, SubsidyAllocated(
        **said,
        voucher=received.voucher,
        received=received.fen,
        rows=received.rows,
        credited=received.credited,
        unallocated=received.unallocated,
    )


def parted_sum(state: SubsidyPlan, rosters: Sequence[str], fen: int, chain: Procedure) -> dict[str, int] | Refusal:
    """One full sum for several rosters: what each gets (fen). Reasons: ROSTER_STATE, NOT_IN_FULL."""
    parts: dict[str, int] = {}
    for roster in rosters:
        known = state.roster(roster)
        if fault := _not_standing(known, roster, Standing.REVIEWED):
            return fault
        assert known is not None
        parts[roster] = known.fen
    if sum(parts.values()) != fen:
        total = fen_to_yuan(sum(parts.values()))
        value, rule = f"到账{fen_to_yuan(fen)}元", f"{len(parts)}份名册合计{total}元，须一次性足额到账"
        return refuse(Reason.NOT_IN_FULL, value, rule=rule, clause=_payment_clause(chain))
    return parts


def _payment_clause(chain: Procedure) -> str:
    """Where it is written how a region's money comes in."""
    return next((step.citation for step in chain.steps.values() if step.name == "paid"), "")


def close_plan(state: SubsidyPlan, reason: str, released: int, rules: RegionRules, origin: Origin) -> Decided:
    """终止方案, by two people. Reasons: SAME_PERSON, PLAN_STATE, ROW_FAULT (no reason said)."""
    if same := same_person(rules, origin.actor, origin.reviewer):
        return same
    if state.closed:
        return refuse(Reason.PLAN_STATE, "方案已终止")
    if not reason.strip():
        return refuse(Reason.ROW_FAULT, "“原因”", rule="终止方案须说明原因")
    return (PlanClosed(**origin._asdict(), rule=rules.name, reason=reason, released=released),)


def _not_standing(roster: RosterOfPlan | None, asked: str, *allowed: Standing) -> Refusal | None:
    if roster is not None and roster.standing in allowed:
        return None
    value = f"名册{asked}{STANDING[roster.standing] if roster else '不在本方案中'}"
    return refuse(Reason.ROSTER_STATE, value, rule=f"须为{'或'.join(STANDING[one] for one in allowed)}的名册")
