"""The events of a personal account: what is stored, for ever.

Every event says who acted (`actor`), who checked (`reviewer`, where two people are needed), why (`cause`: a job, or a
file's sha256 and line, or a command), and which rules allowed it (`rule`: region file and version of the entered
values). Ids and versions are columns of the log and not repeated here. No name, citizen number, phone or bank account
may ever enter an event.

**What SQL folds is a contract**: every event that moves money has `effect` (signed fen by money kind), `effective_on`
(business date, Asia/Shanghai; the treasury entry for money) and `year` (费款所属期 of money in, the settled year of
interest). These three are never renamed, retyped or moved. `interest_from` (YYYYMM) is the first month in which money
in earns, or money out no longer earns, as the rule in force decided: `evolve` and the folds apply it, they do not
decide it.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from ledger.words import NOTHING, Amounts, MoneyKind


class AccountEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What every event of an account says, whatever happened."""

    topic: ClassVar[str]
    class_version: ClassVar[int] = 1

    actor: str
    rule: str
    reviewer: str = ""
    cause: str = ""
    command_id: str = ""


class MoneyEvent(AccountEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event that moves money. `incoming` says on which side of the interest formula it stands."""

    incoming: ClassVar[bool] = True

    effect: Amounts
    effective_on: date
    year: int
    interest_from: int = 0


class AccountOpened(AccountEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """建账: a participant's account in a pool begins. `division` is the code of the village."""

    topic: ClassVar[str] = "account.opened"

    participant: UUID
    division: str
    opened_on: date


class HolderRenamed(AccountEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The register holds a new name of the holder. The name stays in the register; its version is cited here."""

    topic: ClassVar[str] = "account.holder_renamed"

    participant: UUID
    register_version: int
    document: str


class HolderErased(AccountEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The holder's identity was destroyed in the register, for `reason`; the account's entries stay."""

    topic: ClassVar[str] = "account.holder_erased"

    participant: UUID
    reason: str


class BalanceTakenOver(MoneyEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The balance by kind at the end of a credited year, taken over from the former system."""

    topic: ClassVar[str] = "account.balance_taken_over"


class PaymentEvent(MoneyEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Money in, as the tax side (or, for 政府补贴, finance) reported it.

    `serial` 缴费明细流水号, `voucher` 电子税票号码, `payment_type` regular | interrupted | lump_sum | unspecified
    (正常应缴, 中断补缴, 一次性补缴, 补缴), `paid_on` 上解日期, `payer` 来源单位 (credit code or donor code),
    `batch` 传输批次号.
    """

    serial: str = ""
    voucher: str = ""
    payment_type: str = "regular"
    paid_on: date | None = None
    payer: str = ""
    batch: str = ""


class AidEvent(PaymentEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Money under the cap of `year`. Where a roster had declared it, `from_declared` fen of it take the place of the
    room that `roster` held (since version 2).
    """

    class_version: ClassVar[int] = 2

    roster: str = ""
    from_declared: int = 0


class ContributionRecorded(PaymentEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """个人缴费 or 政府代缴, told apart by the kind in `effect`; regular or back payment by `payment_type`."""

    topic: ClassVar[str] = "account.contribution_recorded"


class CollectiveSubsidyRecorded(AidEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """集体补助 of the village collective, under the cap of `year`."""

    topic: ClassVar[str] = "account.collective_subsidy_recorded"


class SocialAidRecorded(AidEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """社会资助 of a donor, under the cap of `year`."""

    topic: ClassVar[str] = "account.social_aid_recorded"


class GovernmentSubsidyRecorded(PaymentEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """政府补贴 from finance: `level` 补贴级次, `allocation_document` 拨付文号."""

    topic: ClassVar[str] = "account.government_subsidy_recorded"

    level: str = ""
    allocation_document: str = ""


class SubsidyDeclared(AccountEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A reviewed roster takes room under the cap of `year`: `fen` of `kind` (集体补助 or 社会资助), not yet received.

    `payer` is the credit code or donor code of whoever pays, `roster` the roster's id, `line` its line in the roster.
    """

    topic: ClassVar[str] = "account.subsidy_declared"

    kind: MoneyKind
    fen: int
    year: int
    payer: str
    roster: str
    line: int = 0


class DeclarationReleased(AccountEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a roster still holds of the room under the cap is given back: `fen` of `kind` in `year`, for `reason`."""

    topic: ClassVar[str] = "account.declaration_released"

    kind: MoneyKind
    fen: int
    year: int
    roster: str
    reason: str


class FenMonths(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """积数: the exact numerators of a year's interest in fen-months, by source kind and part.

    interest = (opening + entries + deducted) · rate / 12, before rounding; `deducted` is negative or zero.
    """

    opening: Amounts = NOTHING
    entries: Amounts = NOTHING
    deducted: Amounts = NOTHING

    @property
    def total(self) -> int:
        """The fen-months that earn. Summed once for every account of a pool, so empty parts are passed over."""
        total = self.opening.total
        if self.entries is not NOTHING:
            total += self.entries.total
        return total if self.deducted is NOTHING else total + self.deducted.total


class InterestEvent(MoneyEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Interest of `year`: rate and document it rests on, 积数, rounding, months counted."""

    rate: str
    rate_document: str
    fen_months: FenMonths
    rounding: str
    through_month: int = 12
    provisional: bool = False


class InterestCredited(InterestEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """结息: the interest of one year enters the account, once."""

    topic: ClassVar[str] = "account.interest_credited"


class InterestAdjusted(InterestEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A credited year's interest settled anew: `effect` is the difference of the rounded interests.

    `before` and `after` are the year's interest in fen; rate and 积数 are the new ones, `because` names what made it
    necessary (the version of the late entry, or the restatement).
    """

    topic: ClassVar[str] = "account.interest_adjusted"

    before: int
    after: int
    because: str


class BenefitPaid(MoneyEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """个人账户养老金 paid out of the account."""

    topic: ClassVar[str] = "account.benefit_paid"
    incoming: ClassVar[bool] = False


class EntryReversed(MoneyEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """冲正, 撤销: undoes the entry of version `reverses` on that entry's own date, so its interest goes too.

    `payer` and `roster` are those of aid that is undone, where it had them (since version 2).
    """

    topic: ClassVar[str] = "account.entry_reversed"
    class_version: ClassVar[int] = 2

    reverses: int
    original: str
    reason: str
    serial: str = ""
    payer: str = ""
    roster: str = ""


class Refunded(MoneyEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """退费: a payment out on its own date; the interest earned stays."""

    topic: ClassVar[str] = "account.refunded"
    incoming: ClassVar[bool] = False

    reason: str


class TransferredOut(MoneyEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """转出: the whole balance leaves for another pool or scheme; ends the account."""

    topic: ClassVar[str] = "account.transferred_out"
    incoming: ClassVar[bool] = False

    to: str
    document: str


class TransferredIn(MoneyEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """转入: a balance arrives and keeps its kinds."""

    topic: ClassVar[str] = "account.transferred_in"

    origin: str
    document: str


class AccountClosed(MoneyEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """注销: what is left is paid out and the account ends."""

    topic: ClassVar[str] = "account.closed"
    incoming: ClassVar[bool] = False

    reason: str


EVENTS: Final[tuple[type[AccountEvent], ...]] = (
    AccountOpened,
    HolderRenamed,
    HolderErased,
    BalanceTakenOver,
    ContributionRecorded,
    CollectiveSubsidyRecorded,
    SocialAidRecorded,
    GovernmentSubsidyRecorded,
    SubsidyDeclared,
    DeclarationReleased,
    InterestCredited,
    InterestAdjusted,
    BenefitPaid,
    EntryReversed,
    Refunded,
    TransferredOut,
    TransferredIn,
    AccountClosed,
)
"""Every event of the stream, in the order of the account's life."""

BY_TOPIC: Final = {event.topic: event for event in EVENTS}
INCOMING_TOPICS: Final = frozenset(event.topic for event in EVENTS if issubclass(event, MoneyEvent) and event.incoming)
"""Topics whose money stands on the earning side; the reversal of one stands there too, with the opposite sign."""
