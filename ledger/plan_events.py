"""The events of a subsidy plan (集体补助方案, or a donor's 社会资助): what is stored, for ever.

A plan belongs to one payer and village; each of its rosters names accounts of the pool. Every event says who acted, who
checked, why, and which rules allowed it, as the events of an account do. Money in fen, dates in Asia/Shanghai. No name
or citizen number enters an event: a roster is known by its id and by a keyed digest of its rows.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Final

import msgspec

from ledger.words import MoneyKind


class PlanEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event of a plan says, whatever happened."""

    topic: ClassVar[str]
    class_version: ClassVar[int] = 1

    actor: str
    rule: str
    reviewer: str = ""
    cause: str = ""
    command_id: str = ""


class TierSubsidy(msgspec.Struct, frozen=True, array_like=True):
    """对个人缴费标准 `from_fen` 元至 `to_fen` 元的，每人补助 `fen` 元/年; both ends belong to it."""

    from_fen: int
    to_fen: int
    fen: int


class Standard(msgspec.Struct, frozen=True, omit_defaults=True):
    """补助标准: a flat amount, amounts by ranges of the person's own tier, or a share of it; groups have their own.

    Exactly one of `flat`, `tiers` and `share` (a decimal below 1) is given. Of several groups the highest amount holds.
    """

    flat: int = 0
    tiers: tuple[TierSubsidy, ...] = ()
    share: str = ""
    groups: dict[str, int] = {}


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """资金来源: what it is called, how much of it goes into the plan, and which share of the income that is."""

    name: str
    fen: int
    share: str = ""


class PlanDrafted(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """拟定方案: who pays whom, by which standard, from which sources; `standing` where it holds for later years too."""

    topic: ClassVar[str] = "plan.drafted"

    kind: MoneyKind
    payer: str
    village: str
    year: int
    sequence: int
    covered: str
    standard: Standard
    sources: tuple[Source, ...]
    standing: bool = False


class StepTaken(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A step of the region's procedure, taken on `on` for `acting_for` with `evidence` (what it is: which paper).

    `roster` is the roster it belongs to, empty for a step of the plan itself. `late` where it was due by `due_on`;
    `provisional` where that day rests on a calendar that is not published yet.
    """

    topic: ClassVar[str] = "plan.step_taken"

    matter: str
    step: str
    on: date
    acting_for: str
    clause: str
    roster: str = ""
    evidence: dict[str, str] = {}
    due_on: date | None = None
    late: bool = False
    provisional: bool = False


class RosterDeclared(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """申报: a roster of `year` is there, as a file (sha256) of so many rows and fen; no account is touched yet.

    `digest` is a keyed digest of its rows (account and amount, line by line).
    """

    topic: ClassVar[str] = "plan.roster_declared"

    roster: str
    year: int
    file: str
    digest: str
    rows: int
    fen: int


class RosterReviewed(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """复核: every row was in order, and each has taken its room under the cap on its account.

    `floor_reason` is why amounts below a floor that is only 原则上 may stand (S2 三（三）).
    """

    topic: ClassVar[str] = "plan.roster_reviewed"

    roster: str
    rows: int
    fen: int
    floor_reason: str = ""


class RosterReturned(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """退回: the roster goes back whole; what it held on accounts (`released` fen) is given back."""

    topic: ClassVar[str] = "plan.roster_returned"

    roster: str
    reason: str
    released: int = 0


class Unallocated(msgspec.Struct, frozen=True, array_like=True):
    """Money of one row that may not be credited: line, account, fen, and the reason."""

    line: int
    account: str
    fen: int
    reason: str


class SubsidyAllocated(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """到账分配: `received` fen by voucher on `on`, credited to `rows` accounts but for what is held unallocated."""

    topic: ClassVar[str] = "plan.subsidy_allocated"

    roster: str
    on: date
    voucher: str
    received: int
    rows: int
    credited: int
    unallocated: tuple[Unallocated, ...] = ()


class RosterFunds(msgspec.Struct, frozen=True, array_like=True):
    """What came for a roster: payments, fen received and fen credited; negative where payments were taken back.

    `roster` is empty for payments to persons that no roster had declared.
    """

    roster: str
    rows: int
    received: int
    credited: int


class HeldPayment(msgspec.Struct, frozen=True, array_like=True):
    """A payment for `year` that may not be credited: 缴费明细流水号, line in its file, fen, and the reason."""

    serial: str
    line: int
    year: int
    fen: int
    reason: str


class FundsReceived(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Money of the plan's payer came by 缴费明细: credited to accounts by roster, or held unallocated with its reason.

    `settled` are serials of payments held before that are credited or taken back now.
    """

    topic: ClassVar[str] = "plan.funds_received"

    rosters: tuple[RosterFunds, ...] = ()
    unallocated: tuple[HeldPayment, ...] = ()
    settled: tuple[str, ...] = ()


class PlanSuspended(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """暂停补助, once every step of it is taken."""

    topic: ClassVar[str] = "plan.suspended"

    on: date


class PlanResumed(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """恢复补助."""

    topic: ClassVar[str] = "plan.resumed"

    on: date


class PlanClosed(PlanEvent, frozen=True, kw_only=True, omit_defaults=True):
    """终止方案: what its rosters still held on accounts (`released` fen) is given back."""

    topic: ClassVar[str] = "plan.closed"

    reason: str
    released: int = 0


PLAN_EVENTS: Final[tuple[type[PlanEvent], ...]] = (
    PlanDrafted,
    StepTaken,
    RosterDeclared,
    RosterReviewed,
    RosterReturned,
    SubsidyAllocated,
    FundsReceived,
    PlanSuspended,
    PlanResumed,
    PlanClosed,
)
"""Every event of the stream, in the order of the plan's life."""
