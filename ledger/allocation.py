"""到账划账: when a payment is due to be in an account, and what speaks against putting it there by hand.

By S0 附件1 四（七） payments reach the accounts by themselves within some working days. What did not is looked for
after the reconciliation, and the county's agency puts it there: two people (S4 第十一章), on an account of theirs.
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from ledger.account_decisions import Payment
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules, same_person
from ledger.working_days import counted

RETRIED: Final = (Reason.UNKNOWN_PERSON, Reason.NAME_DIFFERS, Reason.NO_RATE, Reason.NO_CAP, Reason.OVER_CAP)
"""Why a payment was refused that may be bookable by itself later: somebody registered, or a figure was entered."""
SETTLED: Final = (
    Reason.NOTHING_TO_REVERSE,
    Reason.UNKNOWN_PERSON,
    Reason.NAME_DIFFERS,
    Reason.ALREADY_REFUNDED,
)
"""Why a 撤销 waits, or was refused, that may be bookable by itself once its original is: the original came another way,
somebody registered, or a refund was reversed.
"""
_DAYS: Final = "tax.allocation_days"


class Received(NamedTuple):
    """A payment that was not booked as it came: where it stands, why it was refused, and what it says.

    `owner` is the person it was refused for although the row named them rightly; `cancelled` says that the tax side
    took it back.
    """

    file_id: int
    line: int
    file: str
    reason: str
    owner: UUID | None
    digest: bytes | None
    cancelled: bool
    approval: str
    agency: str
    payment: Payment

    @property
    def paid_on(self) -> date:
        """The day from which its working days count: 上解日期, or 入库日期 where the row has none."""
        return self.payment.paid_on or self.payment.treasury_on

    @property
    def elsewhere(self) -> bool:
        """Whether it is another pool's, and to be forwarded."""
        return self.reason == Reason.OTHER_POOL


class Age(NamedTuple):
    """Working days since a payment, whether they were counted beyond the published calendar, and whether it is due."""

    days: int
    provisional: bool
    due: bool


def age_of(received: Received, on: date, rules: RegionRules) -> Age:
    """How long a payment waits at the end of the day `on`; another pool's is never due here."""
    passed = counted(received.paid_on, on)
    allowed = int(rules.text(_DAYS, received.paid_on.year))
    return Age(passed.days, passed.provisional, passed.days > allowed and not received.elsewhere)


class ByHand(NamedTuple):
    """What putting a payment into an account by hand rests on.

    `received` is None where no such payment came, or where it was booked as it came; `account` has it already. `person`
    is whom the row names, where they are registered under that name; `holder` and `division` are the chosen account's.
    `county` is the code of the county that asks, None for one that the pool has not. `reconciled` says that the month
    of the treasury entry was compared since the last file came.
    """

    serial: str
    received: Received | None
    account: UUID | None
    person: UUID | None
    holder: UUID | None
    division: str
    county: str | None
    reconciled: bool


def allocation_fault(asked: ByHand, actor: str, reviewer: str, rules: RegionRules) -> Refusal | None:
    """Why a payment may not be put into an account by hand; what the account itself says is the decision's own.

    Reasons: SAME_PERSON, NOT_RECEIVED, ALREADY_ALLOCATED, OTHER_POOL, CANCELLED_BY_TAX, MONTH_STALE, UNKNOWN_DIVISION,
    UNKNOWN_ACCOUNT, OTHER_COUNTY, OTHER_PERSON.
    """
    told = f"流水号{asked.serial}"
    if same := same_person(rules, actor, reviewer):
        return same
    if asked.account is not None:
        return refuse(Reason.ALREADY_ALLOCATED, f"{told}，账户{asked.account}")
    if asked.received is None:
        return refuse(Reason.NOT_RECEIVED, told)
    payment = asked.received.payment
    clause = rules.citation(_DAYS, asked.received.paid_on.year)
    if asked.received.elsewhere:
        return refuse(Reason.OTHER_POOL, told)
    if asked.received.cancelled:
        return refuse(Reason.CANCELLED_BY_TAX, told)
    if not asked.reconciled:
        return refuse(
            Reason.MONTH_STALE, f"{payment.treasury_on:%Y-%m}", rule="对账后方可由人工到账划账", clause=clause,
            remedy="先以 tax reconcile 对账该月",
        )  # fmt: skip
    if asked.county is None:
        return refuse(Reason.UNKNOWN_DIVISION, "“旗县”", rule="须为本统筹区已有的旗县", remedy="核对旗县名称或编码")
    if asked.holder is None:
        return refuse(Reason.UNKNOWN_ACCOUNT, "所填账户")
    if not f"{asked.division}.".startswith(f"{asked.county}."):
        return refuse(Reason.OTHER_COUNTY, f"{told}，账户区划{asked.division}", clause=clause)
    if asked.person not in (None, asked.holder):
        return refuse(Reason.OTHER_PERSON, told)
    return None
