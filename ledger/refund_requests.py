"""Whether a refund that the tax side asks for (退费申请) may be paid, and what may be done with a request next.

The tax side verifies the payment and asks; the agency verifies what the account says (退费核验), two people deciding;
then the money goes back (内蒙古自治区…经办规程 第三章: 退费申请 in, 退费核验信息 and 退费信息 out). Money moves only
with the refund itself, which is a payment out on its own date and keeps the interest earned. Amounts in fen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from ledger.account import PersonalAccount
from ledger.account_decisions import is_reversed
from ledger.account_events import AccountEvent, PaymentEvent
from ledger.money import fen_to_yuan
from ledger.money_out import available, available_of, kind_of
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.words import CHINESE, MoneyKind

REFUND_TYPES: Final = {"结算退费": 3, "误收退费": 4}
"""退费类型 by the code of AAE494."""
PAYERS: Final = {
    "agency": "由社保经办机构从支出户退还",
    "tax": "由税务部门通过国库退还",
    "either": "由税务部门或社保经办机构退还",
}
"""Who returns the money, by the word of the rule `refund.payer`."""


class RefundRequest(NamedTuple):
    """What the tax side asks: `fen` (AAE496) of a payment of `paid_fen` (AAE542), found by voucher and serial."""

    number: str
    participant: UUID
    kind: MoneyKind
    period: int
    fen: int
    paid_fen: int | None
    refund_type: int
    voucher: str
    serial: str
    paid_on: date
    treasury_on: date | None


class RefundStatus(StrEnum):
    """Where a request stands."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PAID = "paid"
    CANCELLED = "cancelled"


STATUSES: Final = {
    RefundStatus.ASKED: "待核验",
    RefundStatus.ACCEPTED: "核验通过，待退费",
    RefundStatus.REJECTED: "核验不通过",
    RefundStatus.PAID: "已退费",
    RefundStatus.CANCELLED: "已撤销",
}


class Held(NamedTuple):
    """An account of the person as the decision reads it: its state and its events from version 1."""

    account: UUID
    state: PersonalAccount
    events: Sequence[AccountEvent]


class Entry(NamedTuple):
    """The entry of an account that a request is about, and its amount."""

    account: UUID
    version: int
    fen: int
    effective_on: date


class Taken(NamedTuple):
    """What another request, accepted or paid, takes of an entry; `refund` is the version of its refund, 0 before."""

    account: UUID
    version: int
    fen: int
    refund: int


class TakenBack(NamedTuple):
    """What a 撤销 says that no account has: it waits, or was refused."""

    serial: str
    kind: MoneyKind
    period: int
    fen: int


def pay_id(pool: str, number: str) -> UUID:
    """The id under which the refund of a request is recorded: one request is paid once, however often it is sent."""
    return uuid5(NAMESPACE_URL, f"pension-ledger:refund:{pool}:{number}")


def pay_reason(number: str, voucher: str) -> str:
    """What the refund's event says: the link to the request and the voucher stands in the log."""
    return f"退费申请 {number}，电子税票 {voucher}"


def status_of(*, cancelled: bool, accepted: bool | None, paid: bool) -> RefundStatus:
    """Where a request stands; `accepted` is its latest verdict, None without one."""
    if paid:
        return RefundStatus.PAID
    if cancelled:
        return RefundStatus.CANCELLED
    if accepted is None:
        return RefundStatus.ASKED
    return RefundStatus.ACCEPTED if accepted else RefundStatus.REJECTED


def facts_of(accounts: Iterable[Held], taken: Iterable[Taken]) -> str:
    """What the books say about a person's refunds, in short: it differs where a new fact is there."""
    said = [f"{one.account}@{one.state.version}" for one in accounts]
    return " ".join([*sorted(said), *sorted(f"{one.account}#{one.version}-{one.fen}" for one in taken)])


def may_be_verified(status: RefundStatus, *, new_fact: bool) -> Refusal | None:
    """A request gets one verdict; a rejected one another, once the books say something new. Reason: REFUND_STATE."""
    if status is RefundStatus.ASKED or (status is RefundStatus.REJECTED and new_fact):
        return None
    if status is RefundStatus.REJECTED:
        return refuse(
            Reason.REFUND_STATE,
            STATUSES[status],
            rule="核验不通过的申请，账户或相关申请有新情况的方可再次核验",
            remedy="账户有新的记录后再核验，或由税务部门撤销后重新申请",
        )
    return refuse(Reason.REFUND_STATE, STATUSES[status], rule="只核验待核验的退费申请，每份申请核验一次")


def entry_of(request: RefundRequest, accounts: Sequence[Held]) -> Entry | Refusal:
    """The entry that a request is about. Reasons: NOTHING_TO_REFUND, ALREADY_REVERSED, ACCOUNT_CLOSED, AMOUNT."""
    found = [
        (held, version, event)
        for held in accounts
        for version, event in enumerate(held.events, 1)
        if isinstance(event, PaymentEvent) and _is_meant(request, event)
    ]
    if not found:
        return refuse(
            Reason.NOTHING_TO_REFUND, f"{request.period}年度{CHINESE[request.kind]}，电子税票 {request.voucher}"
        )
    standing = [(held, version, event) for held, version, event in found if not is_reversed(held.events, version)]
    if not standing:
        return refuse(Reason.ALREADY_REVERSED, f"第{found[0][1]}号记录", rule="已冲正或撤销的缴费不再退费")
    if len(standing) > 1 and request.paid_fen is not None:
        standing = [one for one in standing if one[2].effect.total == request.paid_fen] or standing
    if len(standing) > 1:
        return refuse(
            Reason.NOTHING_TO_REFUND,
            f"同一电子税票有{len(standing)}笔缴费",
            rule="须能确定退哪一笔",
            remedy="由税务部门注明缴费明细流水号后重新申请",
        )
    held, version, event = standing[0]
    if held.state.closed:
        return refuse(Reason.ACCOUNT_CLOSED, "已注销或转出", rule="账户注销或转出后，款项已随账户结清，不再退费")
    if request.paid_fen is not None and request.paid_fen != event.effect.total:
        return refuse(
            Reason.AMOUNT,
            f"实缴金额{fen_to_yuan(request.paid_fen)}元",
            rule=f"实缴金额须与账户第{version}号记录的{fen_to_yuan(event.effect.total)}元一致",
        )
    return Entry(held.account, version, event.effect.total, event.effective_on)


def check_refund(
    request: RefundRequest,
    accounts: Sequence[Held],
    taken: Sequence[Taken],
    rules: RegionRules,
    on: date,
    taken_back: Collection[TakenBack] = (),
) -> Entry | Refusal:
    """The entry of which a request may be paid on a day. `taken` is what other requests take of the person's entries,
    `taken_back` what the tax side took back without their accounts knowing it: it returned that money already.

    All requests for an entry together stay within it, and within what the account holds, in all and of its kind, beside
    what is accepted and not yet paid; a refund that was reversed takes nothing, nor does a request whose entry was.
    Reasons: those of `entry_of`, CANCELLED_BY_TAX, DATE, AMOUNT.
    """
    entry = entry_of(request, accounts)
    if isinstance(entry, Refusal):
        return entry
    held = next(one for one in accounts if one.account == entry.account)
    if _said(held, entry) in taken_back:
        return refuse(
            Reason.CANCELLED_BY_TAX,
            f"第{entry.version}号记录",
            rule="税务已撤销的缴费不再退费",
            remedy="以 tax retry 办理待办的撤销；撤销有误的，由税务部门收回后重新申请退费",
        )
    if on < entry.effective_on:
        return refuse(Reason.DATE, on.isoformat(), rule=f"退费日期不得早于该笔缴费的入库日期{entry.effective_on}")
    others = [one for one in taken if one.account == entry.account and not is_reversed(held.events, one.refund)]
    left = entry.fen - sum(one.fen for one in others if one.version == entry.version)
    if not 0 < request.fen <= left:
        return refuse(
            Reason.AMOUNT,
            f"申请退费额{fen_to_yuan(request.fen)}元",
            rule=f"申请退费额须大于零且不超过该笔缴费尚可退的{fen_to_yuan(left)}元",
        )
    promised = [one for one in others if not one.refund and not is_reversed(held.events, one.version)]
    of_kind = [one for one in promised if _kind(held, one.version) is request.kind]
    for most, whose in (
        (available(held.state, on, rules) - sum(one.fen for one in promised), "账户"),
        (available_of(held.state, request.kind, on, rules) - sum(one.fen for one in of_kind), CHINESE[request.kind]),
    ):
        if request.fen > most:
            return refuse(
                Reason.AMOUNT,
                f"申请退费额{fen_to_yuan(request.fen)}元",
                rule=f"申请退费额不得超过{whose}可退的余额{fen_to_yuan(most)}元",
            )
    return entry


def may_be_paid(status: RefundStatus) -> Refusal | None:
    """Only an accepted request is paid. Reason: REFUND_STATE."""
    if status is RefundStatus.ACCEPTED:
        return None
    return refuse(Reason.REFUND_STATE, STATUSES[status], rule="核验通过且未撤销的退费申请方可退费")


def may_be_cancelled(status: RefundStatus) -> Refusal | None:
    """What was paid cannot be unasked. Reason: REFUND_STATE."""
    if status is not RefundStatus.PAID:
        return None
    return refuse(
        Reason.REFUND_STATE,
        STATUSES[status],
        rule="已退费的申请不得撤销",
        remedy="与税务部门核对；确属误退的，冲正退费记录后另行办理",
    )


def _said(held: Held, entry: Entry) -> TakenBack:
    """What a 撤销 of the entry says."""
    event = held.events[entry.version - 1]
    assert isinstance(event, PaymentEvent)
    return TakenBack(event.serial, kind_of(event), event.year, entry.fen)


def _kind(held: Held, version: int) -> MoneyKind:
    event = held.events[version - 1]
    assert isinstance(event, PaymentEvent)
    return kind_of(event)


def _is_meant(request: RefundRequest, event: PaymentEvent) -> bool:
    return (
        event.voucher == request.voucher
        and event.year == request.period
        and event.effect.of(request.kind) == event.effect.total
        and request.serial in ("", event.serial)
    )
