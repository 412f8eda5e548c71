"""What the two books say of a person (社税对账), and what a difference between them is.

A payment is a row of 缴费明细, each serial once; an approval is a receivable (应收核定). A difference belongs to a
month, and is tax less agency in fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from ledger.exchange import TYPES
from ledger.refusals import Reason


class Category(StrEnum):
    """What a difference is, and so how it usually ends (domain §6.3)."""

    MATCHED = "MATCHED"
    AMOUNT = "AMOUNT"
    PERIOD = "PERIOD"
    ITEM = "ITEM"
    PERSON = "PERSON"
    REGION = "REGION"
    TAX_ONLY = "TAX_ONLY"
    AGENCY_ONLY = "AGENCY_ONLY"
    DUP_TRANSPORT = "DUP_TRANSPORT"
    DUP_PAYMENT = "DUP_PAYMENT"
    CUTOFF = "CUTOFF"
    CANCELLED = "CANCELLED"
    REFUND_OPEN = "REFUND_OPEN"


CHINESE: Final[dict[Category, str]] = {
    Category.MATCHED: "相符",
    Category.AMOUNT: "金额不符",
    Category.PERIOD: "所属期不符",
    Category.ITEM: "品目、类型不符",
    Category.PERSON: "人员不符",
    Category.REGION: "非本统筹区",
    Category.TAX_ONLY: "税务有、核定无",
    Category.AGENCY_ONLY: "核定有、税务无",
    Category.DUP_TRANSPORT: "重复传输",
    Category.DUP_PAYMENT: "重复缴费",
    Category.CUTOFF: "跨月入库",
    Category.CANCELLED: "已撤销",
    Category.REFUND_OPEN: "退费未了",
}
"""What a category is called."""

STRANGER: Final = frozenset((Reason.IDENTITY_FAULT, Reason.UNKNOWN_PERSON, Reason.NAME_DIFFERS))
"""Why a row was refused that is nobody's until a person says whose it is."""
BACK_PAYMENT: Final = "back_payment"
"""Stands among the kinds that are approved before they are paid for any back payment (特殊缴费业务核定)."""
BACK_TYPES: Final = frozenset((TYPES.index("interrupted"), TYPES.index("lump_sum")))
"""中断补缴 and 一次性补缴, as they are stored."""


class Paid(NamedTuple):
    """A payment, each serial once. `kind` and `payment_type` as they are stored; `booked` says that an account has it,
    `reason` why not; `cancelled_on` is the treasury entry of its 撤销, `kept` says that the account
    has the money all the same.
    """

    file: int
    line: int
    serial: str
    voucher: str
    approval: str
    kind: int
    payment_type: int
    period: int
    fen: int
    paid_on: date | None
    treasury_on: date
    booked: bool
    reason: str = ""
    cancelled_on: date | None = None
    kept: bool = False

    @property
    def key(self) -> str:
        """What names it in a difference, however often it was sent."""
        return f"t:{self.serial}"


class Approved(NamedTuple):
    """A receivable. `withdrawn_on` is the day of its withdrawal."""

    file: int
    line: int
    number: str
    kind: int
    payment_type: int
    period: int
    fen: int
    approved_on: date
    withdrawn_on: date | None = None

    @property
    def key(self) -> str:
        """What names it in a difference of its person."""
        return f"a:{self.number}:{self.kind}:{self.payment_type}:{self.period}"


@dataclass
class Difference:
    """A difference of a month: tax less agency in fen and rows, with both records.

    `cleared` says what ended it by itself, `cleared_in` is the other month in which that lies.
    """

    month: date
    key: str
    category: Category
    fen: int
    rows: int
    paid: Paid | None = None
    approved: Approved | None = None
    cleared: str = ""
    cleared_in: date | None = None

    @property
    def is_unpaid(self) -> bool:
        """Whether it is an approval that nobody paid, so that a payment of nobody known may mean it."""
        return self.category is Category.AGENCY_ONLY and not self.cleared

    def clear(self, why: str, month: date) -> None:
        """It has ended, by what stands in a month."""
        self.cleared, self.cleared_in = why, month
