"""What happened to an account, event by event, from the log itself: who, when, on what cause, under which clause.

Not a table: an account's events are read by its key. The clause behind an entry is that of the parameter which decided
it (from which month money earns, how a year is settled, what the cap counts), as the rules stood at the version that
the event cites; entered figures are cited by their document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec

from ledger.account_events import (
    AccountClosed,
    AccountEvent,
    AccountOpened,
    BalanceTakenOver,
    BenefitPaid,
    CollectiveSubsidyRecorded,
    ContributionRecorded,
    DeclarationReleased,
    EntryReversed,
    GovernmentSubsidyRecorded,
    HolderErased,
    HolderRenamed,
    InterestAdjusted,
    InterestCredited,
    InterestEvent,
    MoneyEvent,
    PaymentEvent,
    Refunded,
    SocialAidRecorded,
    SubsidyDeclared,
    TransferredIn,
    TransferredOut,
)
from ledger.money import fen_to_yuan
from ledger.plan_events import (
    FundsReceived,
    PlanClosed,
    PlanDrafted,
    PlanEvent,
    PlanResumed,
    PlanSuspended,
    RosterDeclared,
    RosterReturned,
    RosterReviewed,
    StepTaken,
    SubsidyAllocated,
)
from ledger.plan_steps import step_title
from ledger.procedure import Procedure, read_procedures
from ledger.reconciliation_events import (
    DifferenceAssigned,
    DifferenceExplained,
    DifferenceResolved,
    MonthEvent,
    MonthReopened,
    MonthSigned,
)
from ledger.reconciliation_month import month_stream
from ledger.refusals import HOUSE, Reason, Refused, refuse
from ledger.region_rules import PoolOpened, RegionRules, RuleEvent, ValueEntered, folded_rules, rules_stream
from ledger.store.log import PoolLog
from ledger.store.mapper import Event, decode
from ledger.words import KINDS, MoneyKind
from projections.folds import execute
from projections.known import Known, resolve

TITLES: Final = {
    AccountOpened.topic: "建账",
    HolderRenamed.topic: "姓名变更登记",
    HolderErased.topic: "删除身份信息",
    BalanceTakenOver.topic: "接收期初余额",
    ContributionRecorded.topic: "缴费记账",
    CollectiveSubsidyRecorded.topic: "集体补助记账",
    SocialAidRecorded.topic: "社会资助记账",
    GovernmentSubsidyRecorded.topic: "政府补贴记账",
    SubsidyDeclared.topic: "补助资助申报",
    DeclarationReleased.topic: "申报额度释放",
    InterestCredited.topic: "结息",
    InterestAdjusted.topic: "利息调整",
    BenefitPaid.topic: "支付个人账户养老金",
    EntryReversed.topic: "冲正",
    Refunded.topic: "退费",
    TransferredOut.topic: "转出",
    TransferredIn.topic: "转入",
    AccountClosed.topic: "注销",
    PoolOpened.topic: "设立统筹区",
    ValueEntered.topic: "录入参数",
    PlanDrafted.topic: "拟定方案",
    StepTaken.topic: "办理步骤",
    RosterDeclared.topic: "申报名册",
    RosterReviewed.topic: "复核名册",
    RosterReturned.topic: "退回名册",
    SubsidyAllocated.topic: "到账分配",
    FundsReceived.topic: "收到补助款项",
    PlanSuspended.topic: "暂停补助",
    PlanResumed.topic: "恢复补助",
    PlanClosed.topic: "终止方案",
    DifferenceExplained.topic: "说明差异原因",
    DifferenceAssigned.topic: "指定差异责任人",
    DifferenceResolved.topic: "了结差异",
    MonthSigned.topic: "对账签认",
    MonthReopened.topic: "重开对账月份",
}
"""What each event is called in Chinese."""


_PAGE: Final = 5_000


def events(
    log: PoolLog, account: UUID, known_at: str | None = None, as_of: date | None = None
) -> Iterator[dict[str, Any]]:
    """The events of one account in order, as known then; with `as_of`, those effective by that day.

    Raises `Refused` (UNKNOWN_ACCOUNT) and `KnownAtFault` at once, not when the first event is asked for.
    """
    known = resolve(log, known_at)
    rows = _stream(log, account, known)
    if not rows:
        raise Refused(refuse(Reason.UNKNOWN_ACCOUNT, f"账户{account}，位置{known.position}"))
    told = told_events(rows, Clauses(log))
    return (one for one in told if as_of is None or not one["effective_on"] or one["effective_on"] <= as_of.isoformat())


def pool_events(log: PoolLog, known_at: str | None = None) -> Iterator[dict[str, Any]]:
    """Every event of a pool in the order recorded, with its stream, page by page: no snapshot is held."""
    known = resolve(log, known_at)
    return _whole_log(log, known.position, Clauses(log))


def _whole_log(log: PoolLog, end: int, clauses: Clauses) -> Iterator[dict[str, Any]]:
    for above in range(0, end, _PAGE):
        with log.connections.connection() as connection:
            rows = execute(
                connection,
                log,
                "SELECT originator_id, originator_version, notification_id, recorded_at, topic, state"
                " FROM {ledger_events} WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id",
                (above, min(above + _PAGE, end)),
            )
        for row, event in zip(rows, told_events([row[1:] for row in rows], clauses), strict=True):
            yield {"account": str(row[0]) if event["topic"].startswith("account.") else None, **event}


def rules_events(log: PoolLog, known_at: str | None = None) -> Iterator[dict[str, Any]]:
    """The events of the pool's rules in order: what was entered, from which document, by which two people."""
    return told_events(_stream(log, rules_stream(log.pool), resolve(log, known_at)), Clauses(log))


def plan_events(log: PoolLog, plan: UUID, known_at: str | None = None) -> Iterator[dict[str, Any]]:
    """The events of one plan in order, as known then. Raises `Refused` (PLAN_UNKNOWN) and `KnownAtFault` at once."""
    rows = _stream(log, plan, resolve(log, known_at))
    if not rows or rows[0][3] != PlanDrafted.topic:
        raise Refused(refuse(Reason.PLAN_UNKNOWN, plan))
    chains = read_procedures(log.rules().region)
    return (_with_step(one, chains) for one in told_events(rows, Clauses(log)))


def month_events(log: PoolLog, month: date, known_at: str | None = None) -> Iterator[dict[str, Any]]:
    """What was said of a reconciled month in order, as known then. Raises `KnownAtFault` at once."""
    return told_events(_stream(log, month_stream(log.pool, month), resolve(log, known_at)), Clauses(log))


def _with_step(told: dict[str, Any], chains: Mapping[str, Procedure]) -> dict[str, Any]:
    """An event whose title says which step was taken."""
    if told["topic"] != StepTaken.topic:
        return told
    return {**told, "title": step_title(chains, told["body"]["matter"], told["body"]["step"])}


def _stream(log: PoolLog, stream: UUID, known: Known) -> list[tuple[Any, ...]]:
    with log.connections.connection() as connection:
        return execute(
            connection,
            log,
            "SELECT originator_version, notification_id, recorded_at, topic, state FROM {ledger_events}"
            " WHERE originator_id = %s AND notification_id <= %s ORDER BY originator_version",
            (stream, known.position),
        )


def told_events(rows: list[tuple[Any, ...]], clauses: Clauses) -> Iterator[dict[str, Any]]:
    """Events as they are shown, from rows of (version, position, recorded_at, topic, state)."""
    for version, position, recorded_at, topic, state in rows:
        event = decode(topic, state)
        said: dict[str, Any] = msgspec.json.decode(state)
        yield {
            "version": version,
            "position": position,
            "recorded_at": recorded_at.isoformat(timespec="microseconds"),
            "topic": topic,
            "title": _title(event),
            "effective_on": _effective_on(event),
            "amounts": _amounts(event),
            "actor": event.actor,
            "reviewer": event.reviewer,
            "cause": "" if isinstance(event, RuleEvent) else event.cause,
            "rule": "" if isinstance(event, RuleEvent) else event.rule,
            "clause": clauses.behind(event),
            "body": said,
        }


def _title(event: Event) -> str:
    if isinstance(event, ContributionRecorded) and event.effect.government_paid:
        return "政府代缴记账"
    return TITLES[event.topic]


def _effective_on(event: Event) -> str | None:
    if isinstance(event, MoneyEvent):
        return event.effective_on.isoformat()
    if isinstance(event, StepTaken | SubsidyAllocated | PlanSuspended | PlanResumed):
        return event.on.isoformat()
    return event.opened_on.isoformat() if isinstance(event, AccountOpened) else None


def _amounts(event: Event) -> dict[str, str]:
    """What the event moves, by kind, in yuan; kinds that it does not move are left out."""
    if not isinstance(event, MoneyEvent):
        return {}
    return {kind.value: fen_to_yuan(fen) for kind, fen in zip(KINDS, event.effect.by_kind(), strict=True) if fen}


class Clauses:
    """The clauses behind events, by the rules as they stood at the version that each event cites."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._entered: tuple[RuleEvent, ...] | None = None
        self._rules: dict[int, RegionRules | None] = {}

    def behind(self, event: Event) -> str:
        """Document and clause, several parted by a semicolon; empty where the pool has no rules."""
        if isinstance(event, ValueEntered):
            return event.document
        if isinstance(event, RuleEvent):
            return HOUSE
        if isinstance(event, MonthEvent):
            return HOUSE
        if isinstance(event, PlanEvent):
            return event.clause if isinstance(event, StepTaken) else HOUSE
        rules = self._at(event.rule)
        if rules is None:
            return ""
        try:
            return "；".join(dict.fromkeys(filter(None, _clauses(event, rules))))
        except LookupError:  # a date before the rules begin
            return ""

    def _at(self, cited: str) -> RegionRules | None:
        """The rules at the version in `region file-version#version`; None for a pool without that version."""
        number = cited.rpartition("#")[2]
        version = int(number) if number.isascii() and number.isdigit() else 0
        if self._entered is None:
            stored = self._log.recorder.select_events(rules_stream(self._log.pool))
            decoded = (decode(one.topic, one.state) for one in stored)
            self._entered = tuple(one for one in decoded if isinstance(one, RuleEvent))
        if version not in self._rules:
            known = 0 < version <= len(self._entered)
            self._rules[version] = folded_rules(self._entered[:version]) if known else None
        return self._rules[version]


def _clauses(event: AccountEvent, rules: RegionRules) -> Iterator[str]:
    """What decided the event: the citations of its parameters, and the documents of the figures it rests on."""
    if isinstance(event, AccountOpened):
        yield rules.citation("account.minimum_age", event.opened_on.year)
    elif isinstance(event, HolderRenamed):
        yield event.document
    elif isinstance(event, InterestEvent):
        if isinstance(event, InterestAdjusted) and event.because.startswith("entry"):
            yield rules.citation("interest.late_entries", event.year)
        yield rules.citation("interest.settlement", event.year)
        yield event.rate_document
        yield rules.citation("interest.rounding", 9999)
    elif isinstance(event, PaymentEvent):
        yield from _clauses_of_payment(event, rules)
    elif isinstance(event, SubsidyDeclared | DeclarationReleased):
        yield from _clauses_of_cap(event.year, rules)
    elif isinstance(event, BenefitPaid | Refunded):
        yield rules.citation("interest.debit_month", event.effective_on.year)
    elif isinstance(event, TransferredIn):
        yield event.document
        yield rules.citation("interest.start_month.contribution", event.effective_on.year)
    elif isinstance(event, TransferredOut | AccountClosed):
        yield event.document if isinstance(event, TransferredOut) else ""
        yield rules.citation("interest.closing_month", event.effective_on.year)
        yield rules.citation("duties.separation", 9999)
    elif isinstance(event, BalanceTakenOver):
        yield rules.citation("duties.separation", 9999)
        yield HOUSE
    else:
        yield HOUSE


def _clauses_of_payment(event: PaymentEvent, rules: RegionRules) -> Iterator[str]:
    kind = next((one for one in KINDS if event.effect.of(one)), MoneyKind.CONTRIBUTION)
    if kind in {MoneyKind.COLLECTIVE_SUBSIDY, MoneyKind.SOCIAL_AID}:
        yield from _clauses_of_cap(event.year, rules)
    yield rules.citation(f"interest.start_month.{kind}", event.effective_on.year)


def _clauses_of_cap(year: int, rules: RegionRules) -> Iterator[str]:
    yield rules.citation("cap.basis", year)
    cap = rules.figure("cap", year)
    yield cap.document if cap else ""
