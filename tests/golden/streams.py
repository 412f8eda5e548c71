"""The events behind the golden files, as objects of today, and the order in which a stream may hold them.

Each event type has three files: a realistic event (`<topic>.v1.json`), one that says everything it can
(`<topic>.v1.full.json`) and one that says nothing it may leave out (`<topic>.v1.minimal.json`). When a class gets
version 2, its files of version 1 stay as they are, and their objects here become what version 1 is read as.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from ledger.account_events import (
    AccountClosed,
    AccountEvent,
    AccountOpened,
    AidEvent,
    BalanceTakenOver,
    BenefitPaid,
    CollectiveSubsidyRecorded,
    ContributionRecorded,
    DeclarationReleased,
    EntryReversed,
    FenMonths,
    GovernmentSubsidyRecorded,
    HolderErased,
    HolderRenamed,
    InterestAdjusted,
    InterestCredited,
    Refunded,
    SocialAidRecorded,
    SubsidyDeclared,
    TransferredIn,
    TransferredOut,
)
from ledger.plan_events import (
    FundsReceived,
    HeldPayment,
    PlanClosed,
    PlanDrafted,
    PlanEvent,
    PlanResumed,
    PlanSuspended,
    RosterDeclared,
    RosterFunds,
    RosterReturned,
    RosterReviewed,
    Source,
    Standard,
    StepTaken,
    SubsidyAllocated,
    TierSubsidy,
    Unallocated,
)
from ledger.reconciliation_events import (
    DifferenceAssigned,
    DifferenceExplained,
    DifferenceResolved,
    MonthEvent,
    MonthReopened,
    MonthSigned,
    Spoken,
)
from ledger.region_rules import PoolOpened, RuleEvent, ValueEntered
from ledger.store.mapper import Event
from ledger.words import Amounts, MoneyKind

FOLDER = Path(__file__).parent / "events"
HOLDER = UUID("01906a8e-5c00-7a3b-9c11-2f6d3e4b5a60")
FILE = "file 9f2c41e07ad3b85566d1f0c3a4e27b98c1d05e6f7a8b9c0d1e2f3a4b5c6d7e8f line 12"
BY: dict[str, Any] = {"actor": "handler-07", "rule": "neimenggu 2026-11#3"}
BY_TWO: dict[str, Any] = {**BY, "reviewer": "reviewer-02"}
ALL: dict[str, Any] = {**BY_TWO, "cause": FILE, "command_id": "0190b3d2-7c1e-7f00-8a4d-93c2b1a0f5e4"}
BY_HAND: dict[str, Any] = {**BY, "cause": "command"}
ROSTER = "0192f0a1-7c1e-7f00-8a4d-93c2b1a0f5e4"
FROM_ROSTER: dict[str, Any] = {"roster": ROSTER, "from_declared": 9900}
VILLAGE_CODE, DONOR_CODE = "N2150781MF0000005R", "91350100M000100Y43"
TAKEN_OVER = Amounts(200000, 0, 30000, 0, 9000, 6678)
ALL_THAT_IS_LEFT = Amounts(247000, 0, 60000, 0, 15700, 19195)
EVERY_KIND = Amounts(60000, 20000, 30000, 10000, 7000, 1234)
EVERY_KIND_OUT = EVERY_KIND.times(-1)
INTEREST: dict[str, Any] = {
    "year": 2024,
    "effective_on": date(2024, 12, 31),
    "rate": "0.0262",
    "rate_document": "示例人社〔2025〕1号",
    "rounding": "half_up",
}
PAID: dict[str, Any] = {
    "serial": "3150781240300001234",
    "voucher": "315078240300000567",
    "payment_type": "lump_sum",
    "paid_on": date(2024, 3, 13),
    "payer": VILLAGE_CODE,
    "batch": "20240315-001",
}


def money(amounts: Amounts, on: date, year: int, interest_from: int) -> dict[str, Any]:
    """What every money event says."""
    return {"effect": amounts, "effective_on": on, "year": year, "interest_from": interest_from}


def paid(kind: str, fen: int, on: date, interest_from: int, **said: Any) -> dict[str, Any]:
    """A row of money in as the tax side reports it."""
    return {
        **BY,
        "cause": FILE,
        **money(Amounts(**{kind: fen}), on, on.year, interest_from),
        "serial": "3150781240300001234",
        "voucher": "315078240300000567",
        "paid_on": on,
        "batch": "20240315-001",
        **said,
    }


LIFE: tuple[AccountEvent, ...] = (
    AccountOpened(**BY, cause=FILE, participant=HOLDER, division="150781100200", opened_on=date(2012, 6, 1)),
    BalanceTakenOver(**BY_TWO, cause=FILE, **money(TAKEN_OVER, date(2023, 12, 31), 2023, 202401)),
    HolderRenamed(**BY_TWO, participant=HOLDER, register_version=2, document="户口簿更名页"),
    ContributionRecorded(**paid("contribution", 50000, date(2024, 3, 14), 202404)),
    CollectiveSubsidyRecorded(**paid("collective_subsidy", 30000, date(2024, 9, 2), 202410, payer=VILLAGE_CODE)),
    SocialAidRecorded(**paid("social_aid", 10000, date(2024, 9, 3), 202410, payer=DONOR_CODE)),
    GovernmentSubsidyRecorded(
        **BY, cause=FILE, **money(Amounts(government_subsidy=6000), date(2024, 11, 20), 2024, 202412),
        serial="C2024110001", level="省级", allocation_document="示例财社〔2024〕11号",
    ),
    BenefitPaid(**BY_HAND, **money(Amounts(contribution=-3000, interest=-597), date(2024, 12, 5), 2024, 202501)),
    InterestCredited(
        **BY_TWO, cause="interest 2024", effect=Amounts(interest=7694), **INTEREST,
        fen_months=FenMonths(opening=TAKEN_OVER.times(12), entries=Amounts(450000, 0, 90000, 30000, 6000)),
    ),
    EntryReversed(
        **BY_TWO, cause="command", **money(Amounts(social_aid=-10000), date(2024, 9, 3), 2024, 202410),
        reverses=6, original="account.social_aid_recorded", reason="资助方重复转账",
    ),
    InterestAdjusted(
        **BY_TWO, cause="command", effect=Amounts(interest=-65), **INTEREST,
        fen_months=FenMonths(opening=TAKEN_OVER.times(12), entries=Amounts(450000, 0, 90000, 0, 6000)),
        before=7694, after=7629, because="entry 10",
    ),
    TransferredIn(
        **BY, cause="command", **money(Amounts(10000, 0, 0, 0, 700, 321), date(2025, 2, 10), 2025, 202503),
        origin="150800", document="联系函示例7号",
    ),
    Refunded(**BY_HAND, **money(Amounts(contribution=-10000), date(2025, 3, 3), 2025, 202504), reason="重复缴费"),
    TransferredOut(
        **BY_TWO, cause="command", effect=ALL_THAT_IS_LEFT.times(-1), effective_on=date(2025, 7, 20), year=2025,
        to="640100", document="联系函示例9号",
    ),
    AccountClosed(
        **BY_TWO, cause="command", effect=ALL_THAT_IS_LEFT.times(-1), effective_on=date(2025, 7, 20), year=2025,
        reason="死亡",
    ),
    HolderErased(**BY_TWO, cause="command", participant=HOLDER, reason="本人书面申请"),
)  # fmt: skip
"""The realistic events of an account's life, in order; the aid in it was not declared before."""

DECLARED: tuple[AccountEvent, ...] = (
    SubsidyDeclared(
        **BY_TWO, cause=f"roster {ROSTER}", kind=MoneyKind.COLLECTIVE_SUBSIDY, fen=30000, year=2024, payer=VILLAGE_CODE,
        roster=ROSTER, line=12,
    ),
    CollectiveSubsidyRecorded(
        **paid("collective_subsidy", 20000, date(2024, 9, 2), 202410, payer=VILLAGE_CODE, roster=ROSTER),
        from_declared=20000,
    ),
    DeclarationReleased(
        **BY_TWO, cause="command", kind=MoneyKind.COLLECTIVE_SUBSIDY, fen=10000, year=2024, roster=ROSTER,
        reason="plan closed",
    ),
    SocialAidRecorded(
        **paid("social_aid", 10000, date(2024, 9, 3), 202410, payer=DONOR_CODE, roster=ROSTER), from_declared=10000
    ),
    EntryReversed(
        **BY_TWO, cause="command", **money(Amounts(collective_subsidy=-20000), date(2024, 9, 2), 2024, 202410),
        reverses=3, original="account.collective_subsidy_recorded", reason="错录", payer=VILLAGE_CODE,
        roster=ROSTER,
    ),
)  # fmt: skip
"""Room that rosters took, and what became of it."""

RULES: tuple[RuleEvent, ...] = (
    PoolOpened(actor="handler-07", code="150700", name="示例统筹区", region="neimenggu"),
    ValueEntered(
        actor="handler-07", reviewer="reviewer-02", name="rate", year=2024, value="0.0262",
        document="示例人社〔2025〕1号",
    ),
)  # fmt: skip

PLAN: tuple[PlanEvent, ...] = (
    PlanDrafted(
        **BY, cause="command plan draft", kind=MoneyKind.COLLECTIVE_SUBSIDY, payer=VILLAGE_CODE,
        village="150781.01.001.001", year=2025, sequence=1, covered="本集体经济组织成员", standard=Standard(flat=30000),
        sources=(Source(name="集体经济收益", fen=3690000),),
    ),
    StepTaken(
        **BY, cause="command plan step", matter="subsidy", step="deliberated", on=date(2025, 3, 3),
        acting_for="organisation", evidence={"minutes": "会议记录1号", "votes": "表决票1号", "plan_text": "方案1号"},
        clause="内人社办发〔2025〕16号二、主要内容（四）履行民主议事程序",
    ),
    RosterDeclared(
        **BY, cause="command plan step", roster=ROSTER, year=2025, file=FILE.split()[1],
        digest="00112233445566778899aabbccddeeff", rows=123, fen=3690000,
    ),
    RosterReviewed(**BY_TWO, cause="command plan step", roster=ROSTER, rows=123, fen=3690000),
    SubsidyAllocated(
        **BY_TWO, cause="command plan step", roster=ROSTER, on=date(2025, 6, 20), voucher="缴存0001", received=3690000,
        rows=122, credited=3660000,
        unallocated=(Unallocated(7, "01906a8e-5c00-7a3b-9c11-2f6d3e4b5a61", 30000, "ACCOUNT_CLOSED"),),
    ),
    FundsReceived(**BY_TWO, cause="command", rosters=(RosterFunds(ROSTER, -1, 0, -30000),)),
    PlanSuspended(**BY, cause="command plan step", on=date(2025, 7, 1)),
    PlanResumed(**BY, cause="command plan step", on=date(2025, 9, 1)),
    RosterReturned(**BY, cause="command plan return", roster=ROSTER, reason="名单有误", released=3690000),
    PlanClosed(**BY_TWO, cause="command plan close", reason="年度终了", released=30000),
)  # fmt: skip
"""A plan's realistic events."""

UNPAID, TWICE = UUID("5b1de1d2-8c3a-5f7e-9a61-0c4f1e2d3b4a"), UUID("7c2ef2e3-9d4b-5a8f-8b72-1d5a2f3e4c5b")
"""Ids of differences."""
SIGNED: dict[str, Any] = {
    "tax_side": "税务方经办人", "document": "对账单2025-03", "tax_rows": 9, "tax": 370000, "agency_rows": 8,
    "agency": 390000, "difference": -20000, "differences": 7, "rows": 18,
}  # fmt: skip

MONTH: tuple[MonthEvent, ...] = (
    DifferenceAssigned(
        **BY, cause="command tax assign", differences=(UNPAID, TWICE), owner="示例旗社保经办机构",
        due_on=date(2025, 4, 30),
    ),
    DifferenceExplained(
        **BY, cause="command tax explain", differences=(Spoken(UNPAID, "AGENCY_ONLY", -20000),), reason="已催缴"
    ),
    DifferenceResolved(
        **BY_TWO, cause="command tax resolve", difference=Spoken(TWICE, "DUP_PAYMENT", 30000), account=HOLDER,
        version=14, by="account.refunded", reason="重复缴费已退",
    ),
    MonthSigned(**BY_TWO, cause="command tax sign", **SIGNED),
    MonthReopened(**BY_TWO, cause="command tax reopen", reason="签认后又有一笔到达"),
)  # fmt: skip
"""A reconciled month's realistic events, in order."""

REALISTIC: tuple[Event, ...] = (
    *(event for event in LIFE if not isinstance(event, AidEvent | EntryReversed)),
    *DECLARED,
    *RULES,
    *PLAN,
    *MONTH,
)

FULL: tuple[Event, ...] = (
    AccountOpened(**ALL, participant=HOLDER, division="150781100200", opened_on=date(2012, 6, 1)),
    HolderRenamed(**ALL, participant=HOLDER, register_version=2, document="户口簿更名页"),
    HolderErased(**ALL, participant=HOLDER, reason="本人书面申请"),
    BalanceTakenOver(**ALL, **money(EVERY_KIND, date(2023, 12, 31), 2023, 202401)),
    ContributionRecorded(**ALL, **PAID, **money(Amounts(government_paid=20000), date(2024, 3, 14), 2022, 202404)),
    CollectiveSubsidyRecorded(
        **ALL, **PAID, **money(Amounts(collective_subsidy=30000), date(2024, 3, 14), 2022, 202404), **FROM_ROSTER
    ),
    SocialAidRecorded(
        **ALL, **PAID, **money(Amounts(social_aid=10000), date(2024, 3, 14), 2022, 202404), **FROM_ROSTER
    ),
    SubsidyDeclared(
        **ALL, kind=MoneyKind.SOCIAL_AID, fen=10000, year=2024, payer=DONOR_CODE, roster=ROSTER, line=12
    ),
    DeclarationReleased(
        **ALL, kind=MoneyKind.SOCIAL_AID, fen=10000, year=2024, roster=ROSTER, reason="plan closed"
    ),
    GovernmentSubsidyRecorded(
        **ALL, **PAID, **money(Amounts(government_subsidy=7000), date(2024, 3, 14), 2022, 202404),
        level="县级", allocation_document="示例财社〔2024〕11号",
    ),
    InterestCredited(
        **ALL, effect=Amounts(interest=12505), interest_from=0, **INTEREST,
        fen_months=FenMonths(opening=EVERY_KIND.times(7), entries=EVERY_KIND, deducted=EVERY_KIND_OUT),
        through_month=7, provisional=True,
    ),
    InterestAdjusted(
        **ALL, effect=Amounts(interest=-65), **INTEREST,
        fen_months=FenMonths(opening=EVERY_KIND.times(12), entries=EVERY_KIND, deducted=EVERY_KIND_OUT),
        through_month=11, provisional=True, before=7735, after=7670, because="restatement 2024",
    ),
    BenefitPaid(**ALL, **money(EVERY_KIND_OUT, date(2024, 12, 5), 2024, 202501)),
    EntryReversed(
        **ALL, **money(EVERY_KIND_OUT, date(2023, 12, 31), 2023, 202401),
        reverses=2, original="account.balance_taken_over", reason="核对有误", serial="3150781240300001234",
        payer=VILLAGE_CODE, roster=ROSTER,
    ),
    Refunded(**ALL, **money(EVERY_KIND_OUT, date(2025, 3, 3), 2025, 202504), reason="重复缴费"),
    TransferredOut(
        **ALL, **money(EVERY_KIND_OUT, date(2025, 7, 20), 2025, 202508), to="640100", document="联系函示例9号"
    ),
    TransferredIn(
        **ALL, **money(EVERY_KIND, date(2025, 2, 10), 2025, 202503), origin="150800", document="联系函示例7号"
    ),
    AccountClosed(**ALL, **money(EVERY_KIND_OUT, date(2025, 7, 20), 2025, 202508), reason="参加职工养老保险"),
    PoolOpened(actor="handler-07", reviewer="reviewer-02", code="150700", name="示例统筹区", region="neimenggu"),
    ValueEntered(
        actor="handler-07", reviewer="reviewer-02", name="interest.debit_month", year=2024, value="same",
        document="示例文号",
    ),
    PlanDrafted(
        **ALL, kind=MoneyKind.COLLECTIVE_SUBSIDY, payer=VILLAGE_CODE, village="510400.01.001.001", year=2025,
        sequence=2, covered="本集体经济组织成员",
        standard=Standard(
            flat=1, tiers=(TierSubsidy(20000, 50000, 3000),), share="0.05", groups={"severe_disability": 1}
        ),
        sources=(Source(name="集体经济收益", fen=3690000, share="0.3"),), standing=True,
    ),
    StepTaken(
        **ALL, matter="subsidy", step="entered", on=date(2025, 3, 10), acting_for="county_agency", roster=ROSTER,
        evidence={"check_record": "核查1号"}, clause="内人社办发〔2025〕16号附件1 三、审核确认",
        due_on=date(2025, 3, 6), late=True, provisional=True,
    ),
    RosterDeclared(**ALL, roster=ROSTER, year=2025, file=FILE.split()[1], digest="00", rows=123, fen=3690000),
    RosterReviewed(**ALL, roster=ROSTER, rows=123, fen=3690000, floor_reason="集体收益有限"),
    RosterReturned(**ALL, roster=ROSTER, reason="名单有误", released=3690000),
    SubsidyAllocated(
        **ALL, roster=ROSTER, on=date(2025, 6, 20), voucher="缴存0001", received=3690000, rows=122, credited=3660000,
        unallocated=(Unallocated(7, "01906a8e-5c00-7a3b-9c11-2f6d3e4b5a61", 30000, "ACCOUNT_CLOSED"),),
    ),
    FundsReceived(
        **ALL, rosters=(RosterFunds(ROSTER, 2, 60000, 60000),),
        unallocated=(HeldPayment("3150781250600009876", 17, 2025, 30000, "ACCOUNT_CLOSED"),),
        settled=("3150781250600001234",),
    ),
    PlanSuspended(**ALL, on=date(2025, 7, 1)),
    PlanResumed(**ALL, on=date(2025, 9, 1)),
    PlanClosed(**ALL, reason="年度终了", released=30000),
    DifferenceExplained(
        **ALL, differences=(Spoken(UNPAID, "AGENCY_ONLY", -20000), Spoken(TWICE, "DUP_PAYMENT", 30000)), reason="已催缴"
    ),
    DifferenceAssigned(**ALL, differences=(UNPAID,), owner="示例旗社保经办机构", due_on=date(2025, 4, 30)),
    DifferenceResolved(
        **ALL, difference=Spoken(TWICE, "DUP_PAYMENT", 30000), account=HOLDER, version=14, by="account.refunded",
        reason="重复缴费已退",
    ),
    MonthSigned(**ALL, **SIGNED),
    MonthReopened(**ALL, reason="签认后又有一笔到达"),
)  # fmt: skip

_NOTHING: dict[str, Any] = {**BY, "effect": Amounts(), "effective_on": date(2024, 12, 31), "year": 2024}
_NO_INTEREST: dict[str, Any] = {**BY, **INTEREST, "effect": Amounts(), "fen_months": FenMonths()}

MINIMAL: tuple[Event, ...] = (
    AccountOpened(**BY, participant=HOLDER, division="", opened_on=date(2012, 6, 1)),
    HolderRenamed(**BY, participant=HOLDER, register_version=1, document=""),
    HolderErased(**BY, participant=HOLDER, reason=""),
    BalanceTakenOver(**_NOTHING),
    ContributionRecorded(**_NOTHING),
    CollectiveSubsidyRecorded(**_NOTHING),
    SocialAidRecorded(**_NOTHING),
    SubsidyDeclared(**BY, kind=MoneyKind.COLLECTIVE_SUBSIDY, fen=1, year=2024, payer="", roster=""),
    DeclarationReleased(**BY, kind=MoneyKind.COLLECTIVE_SUBSIDY, fen=1, year=2024, roster="", reason=""),
    GovernmentSubsidyRecorded(**_NOTHING),
    InterestCredited(**_NO_INTEREST),
    InterestAdjusted(**_NO_INTEREST, before=0, after=0, because=""),
    BenefitPaid(**_NOTHING),
    EntryReversed(**_NOTHING, reverses=2, original="account.contribution_recorded", reason=""),
    Refunded(**_NOTHING, reason=""),
    TransferredOut(**_NOTHING, to="", document=""),
    TransferredIn(**_NOTHING, origin="", document=""),
    AccountClosed(**_NOTHING, reason=""),
    PoolOpened(actor="handler-07", code="", name="", region="neimenggu"),
    ValueEntered(actor="handler-07", name="cap", year=2024, value="", document=""),
    PlanDrafted(
        **BY, kind=MoneyKind.SOCIAL_AID, payer="", village="", year=2025, sequence=1, covered="", standard=Standard(),
        sources=(),
    ),
    StepTaken(**BY, matter="", step="", on=date(2025, 3, 3), acting_for="", clause=""),
    RosterDeclared(**BY, roster="", year=2025, file="", digest="", rows=0, fen=0),
    RosterReviewed(**BY, roster="", rows=0, fen=0),
    RosterReturned(**BY, roster="", reason=""),
    SubsidyAllocated(**BY, roster="", on=date(2025, 6, 20), voucher="", received=0, rows=0, credited=0),
    FundsReceived(**BY),
    PlanSuspended(**BY, on=date(2025, 7, 1)),
    PlanResumed(**BY, on=date(2025, 9, 1)),
    PlanClosed(**BY, reason=""),
    DifferenceExplained(**BY, differences=(), reason=""),
    DifferenceAssigned(**BY, differences=(), owner="", due_on=date(2025, 4, 30)),
    DifferenceResolved(**BY, difference=Spoken(TWICE, "", 0), account=HOLDER, version=1, by=""),
    MonthSigned(
        **BY, tax_side="", document="", tax_rows=0, tax=0, agency_rows=0, agency=0, difference=0, differences=0, rows=0
    ),
    MonthReopened(**BY, reason=""),
)  # fmt: skip


_SINCE_VERSION_2: dict[str, dict[str, Any]] = {
    CollectiveSubsidyRecorded.topic: {"roster": "", "from_declared": 0},
    SocialAidRecorded.topic: {"roster": "", "from_declared": 0},
    EntryReversed.topic: {"payer": "", "roster": ""},
}
EARLIER: dict[str, Event] = {
    **{f"{event.topic}.v1.json": event for event in LIFE if isinstance(event, AidEvent | EntryReversed)},
    **{
        f"{event.topic}.v1.full.json": msgspec.structs.replace(event, **_SINCE_VERSION_2[event.topic])
        for event in FULL
        if isinstance(event, AidEvent | EntryReversed)
    },
    **{f"{event.topic}.v1.minimal.json": event for event in MINIMAL if isinstance(event, AidEvent | EntryReversed)},
}
"""What files of earlier class versions are read as; today no longer writes their bytes."""


def golden_files() -> Iterator[tuple[str, Event]]:
    """Each golden file's name with the event it holds."""
    for suffix, events in (("", REALISTIC), (".full", FULL), (".minimal", MINIMAL)):
        for event in events:
            yield f"{event.topic}.v{event.class_version}{suffix}.json", event


LEAVING_INTEREST = InterestCredited(
    **BY_TWO,
    cause="command",
    effect=Amounts(interest=5164),
    effective_on=date(2025, 7, 20),
    year=2025,
    rate="0.0262",
    rate_document="示例人社〔2025〕1号",
    rounding="half_up",
    through_month=7,
    provisional=True,
    fen_months=FenMonths(
        opening=Amounts(247000, 0, 60000, 0, 15000, 13710).times(7),
        entries=Amounts(10000, 0, 0, 0, 700, 321).times(5),
        deducted=Amounts(contribution=-10000).times(4),
    ),
)
"""A life has two of this type; the golden file is that of a whole year."""


def golden_stream() -> tuple[AccountEvent, ...]:
    """One life through every realistic event of an account but its last ones, in an order that `evolve` accepts.

    An account ends once: this stream ends by transfer, `golden_stream_of_a_closure` by closing.
    """
    *before, transferred_out, _, _ = _account_events()
    return *before, LEAVING_INTEREST, transferred_out


def golden_stream_of_a_closure() -> tuple[AccountEvent, ...]:
    """The same life, closed instead of transferred out."""
    *before, _, closed, _ = _account_events()
    return *before, LEAVING_INTEREST, closed


def golden_stream_of_an_erasure() -> tuple[AccountEvent, ...]:
    """The closed life, and then its holder's identity is destroyed."""
    return *golden_stream_of_a_closure(), _account_events()[-1]


def _account_events() -> list[AccountEvent]:
    return list(LIFE)


def golden_stream_of_a_declaration() -> tuple[AccountEvent, ...]:
    """An account on which a roster takes room, is paid in part, and gives the rest back."""
    declared, paid_in_part, released, _, reversed_entry = DECLARED
    return LIFE[0], declared, paid_in_part, released, reversed_entry


def golden_rules() -> tuple[RuleEvent, ...]:
    """The realistic events of a pool's rules, in order."""
    return RULES
