"""What may happen to a personal account: pure decisions from state, command and rules to events or a refusal.

The same functions serve one command and a tranche of twenty thousand. A decision that must look at the account's own
past (late money, a reversal, a restatement) answers `NEEDS_HISTORY` until it is given the events of the stream; the
caller loads them by key and asks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec

from ledger.account import Declaration, PersonalAccount, evolve
from ledger.account_events import (
    AccountClosed,
    AccountEvent,
    AccountOpened,
    AidEvent,
    BalanceTakenOver,
    CollectiveSubsidyRecorded,
    ContributionRecorded,
    EntryReversed,
    GovernmentSubsidyRecorded,
    InterestEvent,
    MoneyEvent,
    PaymentEvent,
    Refunded,
    SocialAidRecorded,
    TransferredOut,
)
from ledger.cap import check_cap
from ledger.dates import FIRST_PERIOD
from ledger.identity import age_on
from ledger.late_money import Origin, entered_in, restate_rate, settle_late
from ledger.money import fen_to_yuan, yuan_to_fen
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules, same_person
from ledger.subsidies import LEVELS
from ledger.words import Amounts, MoneyKind


class History(Enum):
    """The answer of a decision that must see the account's own events first."""

    NEEDED = "needed"


NEEDS_HISTORY: Final = History.NEEDED
NO_REQUESTS: Final[Mapping[str, str]] = {}
Decided = tuple[AccountEvent, ...] | Refusal
Asked = tuple[AccountEvent, ...] | Refusal | History
Past = Sequence[AccountEvent] | None


class Payment(msgspec.Struct, frozen=True):
    """One row of money in, already read: amount in fen, dates in Asia/Shanghai, `period` 费款所属期 (a year)."""

    kind: MoneyKind
    fen: int
    period: int
    treasury_on: date
    payment_type: str = "regular"
    paid_on: date | None = None
    serial: str = ""
    voucher: str = ""
    payer: str = ""
    batch: str = ""
    level: str = ""
    allocation_document: str = ""


def open_account(
    rules: RegionRules,
    origin: Origin,
    participant: UUID,
    division: str,
    birth: date,
    opened_on: date,
    today: date,
) -> Decided:
    """建账 for a participant without an open account. Reasons: DATE, UNDER_AGE."""
    if opened_on > today or opened_on < birth:
        return refuse(Reason.DATE, opened_on.isoformat(), rule="参保日期不得晚于今日或早于出生日期")
    least = int(rules.text("account.minimum_age", opened_on.year))
    if age_on(birth, opened_on) < least:
        return refuse(
            Reason.UNDER_AGE,
            f"参保日期{opened_on.isoformat()}时{age_on(birth, opened_on)}周岁",
            rule=f"参保时须年满{least}周岁",
            clause=rules.citation("account.minimum_age", opened_on.year),
        )
    return (
        AccountOpened(
            actor=origin.actor,
            reviewer=origin.reviewer,
            cause=origin.cause,
            command_id=origin.command_id,
            rule=rules.name,
            participant=participant,
            division=division,
            opened_on=opened_on,
        ),
    )


def take_over_balance(
    state: PersonalAccount, rules: RegionRules, origin: Origin, effect: Amounts, as_of: date, today: date
) -> Decided:
    """A balance by kind at the end of a credited year, once, before any other money.

    Reasons: SAME_PERSON, AMOUNT, DATE, ACCOUNT_CLOSED.
    """
    if same := same_person(rules, origin.actor, origin.reviewer):
        return same
    if (as_of.month, as_of.day) != (12, 31) or not FIRST_PERIOD <= as_of.year < today.year:
        return refuse(Reason.DATE, as_of.isoformat(), rule="期初余额须为已结束年度12月31日的余额")
    if any(fen < 0 for fen in effect.by_kind()) or effect.total <= 0:
        return refuse(Reason.AMOUNT, fen_to_yuan(effect.total), rule="期初余额各项不得为负，合计须大于零")
    if state.closed:
        return refuse(Reason.ACCOUNT_CLOSED, "已注销或转出")
    if state.first_year and not state.uncredited:  # or the years credited since would be credited a second time
        return refuse(
            Reason.DATE,
            as_of.isoformat(),
            rule=f"账户已结息至{state.credited_through}年度，期初余额须在首次结息之前接收",
            remedy="转人工核查处理",
        )
    if state.taken_over_on is not None or state.years or state.balance.total:
        return refuse(
            Reason.DATE,
            as_of.isoformat(),
            rule="期初余额每个账户只接收一次，且在其他款项之前",
            remedy="先冲正已接收的期初余额及其后款项",
        )
    return (
        BalanceTakenOver(
            **origin._asdict(), rule=rules.name, effect=effect, effective_on=as_of, year=as_of.year,
            interest_from=(as_of.year + 1) * 100 + 1,
        ),
    )  # fmt: skip


def first_month(rules: RegionRules, name: str, day: date) -> int:
    """YYYYMM of the first month to which money of `day` counts, by the start-month parameter `name`."""
    if rules.text(name, day.year) == "same":
        return day.year * 100 + day.month
    return day.year * 100 + day.month + 1 if day.month < 12 else (day.year + 1) * 100 + 1


def is_late(state: PersonalAccount, year: int) -> bool:
    """Whether money of `year` touches years already credited (or taken over)."""
    return 0 < year <= state.credited_through and not (state.uncredited and state.taken_over_on is None)


def record_payment(
    state: PersonalAccount, payment: Payment, rules: RegionRules, origin: Origin, today: date, history: Past = None
) -> Asked:
    """Money in as the treasury received it.

    Reasons: KIND, AMOUNT, PERIOD, DATE, ACCOUNT_CLOSED, NO_RATE, NO_CAP, OVER_CAP.
    """
    if fault := payment_fault(state, payment, rules, today):
        return fault
    if state.closed:
        return refuse(Reason.ACCOUNT_CLOSED, "已注销或转出")
    late = is_late(state, payment.treasury_on.year)
    restated = late and _restates(rules, payment.treasury_on.year)
    if restated and history is None:
        return NEEDS_HISTORY
    declared = declared_payment(state, payment)
    event = _payment_event(payment, rules, origin, _first_open_month(state) if late and not restated else 0, declared)
    events: Decided = (event,)
    if restated and history is not None:
        events = settle_late(state, event, history, rules, origin)
    if isinstance(events, Refusal):
        return events
    more = payment.fen - (event.from_declared if declared and isinstance(event, AidEvent) else 0)
    return check_cap(state, payment.period, payment.kind, more, rules) or events


def _restates(rules: RegionRules, year: int) -> bool:
    """`current_year` lets late money earn from the first open year on and leaves credited years as they stand."""
    return rules.text("interest.late_entries", year) == "restate"


def _first_open_month(state: PersonalAccount) -> int:
    """YYYYMM of January of the first year not yet credited.

    Late money that leaves credited years alone says so in its event, or a later re-settlement would let it earn there.
    """
    return (state.credited_through + 1) * 100 + 1


def payment_fault(state: PersonalAccount, payment: Payment, rules: RegionRules, today: date) -> Refusal | None:
    """What is wrong with a payment as such, whatever else is recorded. Reasons: KIND, AMOUNT, PERIOD, DATE."""
    if payment.kind is MoneyKind.GOVERNMENT_SUBSIDY and payment.level not in {"", *LEVELS}:
        return refuse(
            Reason.KIND, "“补贴级次”", rule=f"补贴级次须为：{'、'.join(LEVELS)}", remedy="按拨付文件更正补贴级次"
        )
    most = _fen(rules.text("intake.amount_max", payment.treasury_on.year))
    if not 0 < payment.fen <= most:
        return refuse(
            Reason.AMOUNT, f"{fen_to_yuan(payment.fen)}元", rule=f"金额须大于零且不超过单笔上限{fen_to_yuan(most)}元"
        )
    if not FIRST_PERIOD <= payment.period <= today.year + 1:
        return refuse(Reason.PERIOD, payment.period, rule=f"费款所属期不得早于{FIRST_PERIOD}年或晚于下一年度")
    if payment.treasury_on > today or payment.treasury_on.year < FIRST_PERIOD:
        return refuse(Reason.DATE, payment.treasury_on.isoformat(), rule=f"入库日期不得早于{FIRST_PERIOD}年或晚于今日")
    if state.taken_over_on is not None and payment.treasury_on <= state.taken_over_on:
        return refuse(
            Reason.DATE,
            payment.treasury_on.isoformat(),
            rule=f"期初余额截至{state.taken_over_on.isoformat()}，已包含该日及以前的全部款项",
            remedy="核对期初余额是否已含本笔；确未包含的，冲正期初余额后以更正数重新接收",
        )
    return None


_fen: Final = cache(yuan_to_fen)
"""Fen of an amount that the rules state; the same few texts are asked for by every row of a file."""

_PAYMENT_EVENTS: Final[dict[MoneyKind, type[PaymentEvent]]] = {
    MoneyKind.CONTRIBUTION: ContributionRecorded,
    MoneyKind.GOVERNMENT_PAID: ContributionRecorded,
    MoneyKind.COLLECTIVE_SUBSIDY: CollectiveSubsidyRecorded,
    MoneyKind.SOCIAL_AID: SocialAidRecorded,
    MoneyKind.GOVERNMENT_SUBSIDY: GovernmentSubsidyRecorded,
}
_START_MONTH: Final = {kind: f"interest.start_month.{kind}" for kind in MoneyKind}


def declared_payment(state: PersonalAccount, payment: Payment) -> Declaration | None:
    """The declaration that a payment answers: of the same payer, kind and year.

    Of several it is that of the roster whose sum it is a part of (its batch), or else one of its amount.
    """
    if not state.declarations:
        return None
    mine = [
        one
        for one in state.declarations
        if (one.payer, one.kind, one.year) == (payment.payer, payment.kind, payment.period)
    ]
    of_roster = next((one for one in mine if one.roster == payment.batch), None)
    return of_roster or next((one for one in mine if one.fen == payment.fen), mine[0] if mine else None)


def _payment_event(
    payment: Payment, rules: RegionRules, origin: Origin, not_before: int, declared: Declaration | None
) -> PaymentEvent:
    kind = payment.kind
    event = _PAYMENT_EVENTS[kind](
        actor=origin.actor,
        reviewer=origin.reviewer,
        cause=origin.cause,
        command_id=origin.command_id,
        rule=rules.name,
        effect=Amounts.only(kind, payment.fen),
        effective_on=payment.treasury_on,
        year=payment.period,
        interest_from=max(first_month(rules, _START_MONTH[kind], payment.treasury_on), not_before),
        serial=payment.serial,
        voucher=payment.voucher,
        payment_type=payment.payment_type,
        paid_on=payment.paid_on,
        payer=payment.payer,
        batch=payment.batch,
    )
    if kind is MoneyKind.GOVERNMENT_SUBSIDY:
        said: dict[str, Any] = {"level": payment.level, "allocation_document": payment.allocation_document}
        return msgspec.structs.replace(event, **said)
    if declared is not None:
        said = {"roster": declared.roster, "from_declared": min(payment.fen, declared.fen)}
        return msgspec.structs.replace(event, **said)
    return event


def reverse_entry(
    state: PersonalAccount,
    version: int,
    reason: str,
    rules: RegionRules,
    origin: Origin,
    history: Past = None,
    serial: str = "",
    requests: Mapping[str, str] = NO_REQUESTS,
) -> Asked:
    """冲正 of the entry recorded as `version`, on that entry's own date.

    `requests` are the refund requests that were accepted for the entry: their numbers by the command ids of their
    refunds. Whether one was paid is read from the history. Reasons: NOTHING_TO_REVERSE, ALREADY_REVERSED,
    ALREADY_REFUNDED, ACCOUNT_CLOSED, AMOUNT, NO_RATE. Interest is not reversible by hand: it follows from what is
    reversed.
    """
    if history is None:
        return NEEDS_HISTORY
    if not 0 < version <= len(history):
        return refuse(Reason.NOTHING_TO_REVERSE, f"第{version}号记录", rule=f"该账户只有1至{len(history)}号记录")
    original = history[version - 1]
    if not isinstance(original, MoneyEvent) or isinstance(
        original, InterestEvent | EntryReversed | AccountClosed | TransferredOut
    ):
        return refuse(
            Reason.NOTHING_TO_REVERSE, f"第{version}号记录", rule="建账、利息、冲正和终结记录不能冲正",
            remedy="利息随所冲正的款项自动重算；请指明款项记录的版本号",
        )  # fmt: skip
    if is_reversed(history, version):
        return refuse(Reason.ALREADY_REVERSED, f"第{version}号记录")
    if paid := _paid_request(history, requests):
        return refuse(Reason.ALREADY_REFUNDED, f"第{version}号记录，退费申请{paid}")
    if state.closed:
        return refuse(Reason.ACCOUNT_CLOSED, "已注销或转出")
    late = is_late(state, entered_in(original))
    restated = late and _restates(rules, original.effective_on.year)
    event = EntryReversed(
        **origin._asdict(),
        rule=rules.name,
        effect=original.effect.times(-1),
        effective_on=original.effective_on,
        year=original.year,
        interest_from=max(original.interest_from, _first_open_month(state) if late and not restated else 0),
        reverses=version,
        original=original.topic,
        reason=reason,
        serial=serial,
        payer=original.payer if isinstance(original, AidEvent) else "",
        roster=original.roster if isinstance(original, AidEvent) else "",
    )
    events = settle_late(state, event, history, rules, origin) if restated else (event,)
    if isinstance(events, Refusal):
        return events
    after = state
    for one in events:
        after = evolve(after, one)
    left = after.lowest_from()
    if left < 0:
        return refuse(
            Reason.AMOUNT, f"{fen_to_yuan(-event.effect.total)}元", rule=f"冲正后账户余额将低至{fen_to_yuan(left)}元",
            remedy="先收回已支付的部分，再办理冲正",
        )  # fmt: skip
    return events


def is_reversed(history: Sequence[AccountEvent], version: int) -> bool:
    """Whether the entry recorded as `version` was taken back."""
    return any(isinstance(event, EntryReversed) and event.reverses == version for event in history)


def _paid_request(history: Sequence[AccountEvent], requests: Mapping[str, str]) -> str | None:
    """The number of one of the requests whose refund stands."""
    if not requests:
        return None
    return next(
        (
            requests[event.command_id]
            for version, event in enumerate(history, 1)
            if isinstance(event, Refunded) and event.command_id in requests and not is_reversed(history, version)
        ),
        None,
    )


def restate_interest(
    state: PersonalAccount, year: int, rules: RegionRules, origin: Origin, history: Past = None
) -> Asked:
    """A credited year settled anew at the rate now in force; nothing for a closed account, its money has left."""
    if state.closed or not state.first_year <= year <= state.credited_through:
        return ()
    rate = rules.rate(year)
    if rate is None:
        return refuse(Reason.NO_RATE, f"{year}年度")
    if history is None:
        return NEEDS_HISTORY
    return restate_rate(history, year, rate, rules, origin)
