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
    PlanDrafted,
    PlanEvent,
    PlanResumed,
    PlanSuspended,
    RosterDeclared,
    RosterReturned,
    RosterReviewed,
    Source,
    Standard,
    StepTaken,
    SubsidyAllocated,
    Unallocated,
)
from ledger.procedure import ACTORS, MATTERS, Attempt, Procedure, Step
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules, is_share, same_person
from ledger.roster import GROUPS, ROWS_MAX
from ledger.words import CHINESE, MoneyKind

Decided = tuple[PlanEvent, ...] | Refusal
MATTER_OF: Final = {MoneyKind.COLLECTIVE_SUBSIDY: "subsidy", MoneyKind.SOCIAL_AID: "aid"}
"""The procedure under which a plan of a kind runs."""


class Draft(NamedTuple):
    """A plan as it is proposed."""

    kind: MoneyKind
    payer: str
    village: str
    year: int
    sequence: int
    covered: str
    standard: Standard
    sources: tuple[Source, ...]
    standing: bool = False


class Asked(NamedTuple):
    """A step that somebody wants to take: which, on which day, for whom, with which papers, for which roster."""

    step: str
    on: date
    acting_for: str
    evidence: Mapping[str, str]
    roster: str = ""
    matter: str = ""


def draft_plan(draft: Draft, chain: Procedure | None, rules: RegionRules, origin: Origin, today: date) -> Decided:
    """拟定方案. Reasons: KIND, PERIOD, STANDING_PLAN, STANDARD, SOURCE."""
    year = draft.year
    if chain is None:
        return refuse(Reason.KIND, CHINESE[draft.kind], rule="本地区没有该类补助、资助的办理流程")
    if not chain.valid_from <= year <= today.year + 1:
        rule = f"方案年度须自{chain.valid_from}年起，不晚于下一年度"
        return refuse(Reason.PERIOD, f"{year}年度", rule=rule)
    if draft.standing and rules.text("plan.standing", year) != "allowed":
        return refuse(Reason.STANDING_PLAN, f"{year}年度长效方案", clause=rules.citation("plan.standing", year))
    fault = _standard_fault(draft) or _source_fault(draft, rules)
    if fault:
        return fault
    return (PlanDrafted(**origin._asdict(), rule=rules.name, **draft._asdict()),)


def _standard_fault(draft: Draft) -> Refusal | None:
    standard = draft.standard
    ways = sum(map(bool, (standard.flat, standard.tiers, standard.share)))
    if draft.kind is MoneyKind.SOCIAL_AID:
        return None if not ways else refuse(Reason.STANDARD, "资助", rule="社会资助按申报表逐人列明金额，不定标准")
    if ways != 1:
        return refuse(Reason.STANDARD, "（空）" if not ways else "多于一种")
    if standard.share and not (is_share(standard.share) and standard.share.strip("0.")):
        return refuse(Reason.STANDARD, standard.share, rule="比例须为小于1的小数，如0.05")
    amounts = [standard.flat or 1, *(tier.fen for tier in standard.tiers), *standard.groups.values()]
    if min(amounts) <= 0:
        return refuse(Reason.STANDARD, "金额", rule="补助标准的金额须大于零")
    if unknown := [group for group in standard.groups if group not in GROUPS]:
        return refuse(Reason.STANDARD, "、".join(unknown), rule=f"群体须为其中之一：{'、'.join(GROUPS)}")
    end = -1
    for tier in standard.tiers:
        if not end < tier.from_fen <= tier.to_fen:
            value = f"{fen_to_yuan(tier.from_fen)}元至{fen_to_yuan(tier.to_fen)}元"
            return refuse(Reason.STANDARD, value, rule="缴费档次的各段须由低到高、互不重叠")
        end = tier.to_fen
    return None


def _source_fault(draft: Draft, rules: RegionRules) -> Refusal | None:
    if not draft.sources:
        return refuse(Reason.SOURCE, "（空）", rule="方案须明确资金来源")
    forbidden = rules.text("plan.forbidden_source", draft.year)
    for source in draft.sources:
        if source.fen <= 0:
            return refuse(Reason.SOURCE, f"{source.name}{fen_to_yuan(source.fen)}元", rule="资金来源的金额须大于零")
        if forbidden and forbidden in source.name:
            clause = rules.citation("plan.forbidden_source", draft.year)
            return refuse(Reason.SOURCE, source.name, rule=f"不得以{forbidden}作为资金来源", clause=clause)
    return None


def take_step(
    state: SubsidyPlan, asked: Asked, chains: Mapping[str, Procedure], rules: RegionRules, origin: Origin, today: date
) -> Decided:
    """A step that does nothing but be taken, or ends a suspension or a resumption. Reasons: as `_step`, STEP_DOES."""
    chain = chains.get(asked.matter or MATTER_OF[state.drafted.kind])
    step = chain.steps.get(asked.step) if chain else None
    if step is not None and step.does:
        return refuse(
            Reason.STEP_DOES, step.title, rule=f"{step.title}随{_DOES[step.does]}一并办理", clause=step.citation
        )
    went = _step(state, asked, chains, rules, origin, today)
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
    """申报 a roster. Reasons: as `_step`, STEP_DOES, PERIOD, ROSTER_ROWS, ROSTER_STATE (the file is there), SOURCE."""
    of_roster = asked._replace(roster=declared.roster)
    went = _step(state, of_roster, chains, rules, origin, today, year=declared.year, new=True)
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
    """复核 a declared roster, with its accounts' declarations. Reasons: as `_step`, STEP_DOES, ROSTER_STATE."""
    went = _step(state, asked, chains, rules, origin, today)
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
    """到账分配 of a whole roster. Reasons: as `_step`, STEP_DOES, SAME_PERSON, ROSTER_STATE, NOT_IN_FULL."""
    went = _step(state, asked, chains, rules, origin, today)
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


def _step(
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


def _not_standing(roster: RosterOfPlan | None, asked: str, *allowed: Standing) -> Refusal | None:
    if roster is not None and roster.standing in allowed:
        return None
    value = f"名册{asked}{STANDING[roster.standing] if roster else '不在本方案中'}"
    return refuse(Reason.ROSTER_STATE, value, rule=f"须为{'或'.join(STANDING[one] for one in allowed)}的名册")


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
