"""Whether a payer may draft a plan or declare a roster: what is registered, against the region's rules."""

from __future__ import annotations

from ledger.desk.plan_commands import DraftPlan
from ledger.plan_events import PlanDrafted
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.store.donors import Donors
from ledger.store.payers import AID_PAYER_KINDS, KINDS, PERSON, Payers
from ledger.words import MoneyKind


def draft_fault(payers: Payers, donors: Donors, command: DraftPlan, rules: RegionRules) -> Refusal | None:
    """PAYER_UNKNOWN, PAYER_KIND, NOT_ADMITTED."""
    year, payer = command.year, payers.find(command.payer)
    if payer is None:
        return refuse(Reason.PAYER_UNKNOWN, command.payer)
    if payer.kind == PERSON and donors.is_erased(payer.code):
        return refuse(Reason.PAYER_UNKNOWN, command.payer, rule="资助人的身份信息已删除，不再拟定方案")
    if command.kind is MoneyKind.SOCIAL_AID:
        if payer.kind in AID_PAYER_KINDS:
            return None
        allowed = "、".join(AID_PAYER_KINDS.values())
        return refuse(Reason.PAYER_KIND, KINDS[payer.kind], rule=f"社会资助由{allowed}提供")
    allowed_kinds = rules.text("plan.payer_kinds", year).split(",")
    if payer.kind not in allowed_kinds:
        rule = f"集体补助由{'、'.join(KINDS[kind] for kind in allowed_kinds)}提供"
        return refuse(Reason.PAYER_KIND, KINDS[payer.kind], rule=rule, clause=rules.citation("plan.payer_kinds", year))
    if rules.text("plan.admission", year) == "listed" and not payers.is_admitted(command.village, year):
        return refuse(Reason.NOT_ADMITTED, command.village, clause=rules.citation("plan.admission", year))
    return None


def unconfirmed(payers: Payers, drafted: PlanDrafted, year: int, rules: RegionRules) -> Refusal | None:
    """PAYER_UNCONFIRMED. A donor has no virtual unit with the tax side (S0 附件2 三)."""
    if drafted.kind is not MoneyKind.COLLECTIVE_SUBSIDY or rules.text("plan.payer_confirmation", year) != "tax":
        return None
    payer = payers.find(drafted.payer)
    if payer is not None and payer.confirmed_on:
        return None
    return refuse(Reason.PAYER_UNCONFIRMED, drafted.payer, clause=rules.citation("plan.payer_confirmation", year))
