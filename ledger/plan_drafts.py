"""拟定方案: whether a plan may be drafted as it is proposed. Pure."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from ledger.late_money import Origin
from ledger.money import fen_to_yuan
from ledger.plan_events import PlanDrafted, PlanEvent, Source, Standard
from ledger.procedure import Procedure
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules, is_share
from ledger.roster import GROUPS
from ledger.words import CHINESE, MoneyKind


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


def draft_plan(
    draft: Draft, chain: Procedure | None, rules: RegionRules, origin: Origin, today: date
) -> tuple[PlanEvent, ...] | Refusal:
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
