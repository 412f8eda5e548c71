"""Commands about subsidy plans, each decided and recorded whole: the plan's events with those of all its accounts.

A roster has up to five thousand rows, so it is decided beside the log and recorded by the path of the interest run:
states are compared and set, and if a single account or the rules have moved meanwhile, nothing of it is recorded and
all of it is decided again. A plan that moved is asked again under the lock, or two counters with rosters of one plan
would undo each other's work. The log is held for the writing alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from ledger import clock
from ledger.account_decisions import Payment
from ledger.desk.commands import said
from ledger.desk.once import done_once
from ledger.desk.plan_commands import (
    AllocateRoster,
    ClosePlan,
    DeclareRoster,
    DraftPlan,
    PlanAnswer,
    PlanCommand,
    ReturnRoster,
    ReviewRoster,
    StepCommand,
    TakeStep,
)
from ledger.desk.plan_payers import draft_fault, unconfirmed
from ledger.desk.rosters import Arrival, Fault, Rosters, held_notices
from ledger.exchange import month_of
from ledger.identity import names_somebody
from ledger.plan import RosterOfPlan, Standing, SubsidyPlan, plan_stream
from ledger.plan_decisions import (
    Decided,
    allocate_roster,
    close_plan,
    declare_roster,
    return_roster,
    review_roster,
    take_step,
)
from ledger.plan_drafts import Draft, draft_plan
from ledger.plan_events import PlanDrafted, PlanEvent
from ledger.plan_notices import NoticeChanges, notice_changes
from ledger.plan_steps import MATTER_OF, Asked
from ledger.procedure import Procedure, read_procedures
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.region_rules import RegionRules
from ledger.roster import Row
from ledger.store.batch import Tranche
from ledger.store.command_ids import CommandRow, write_commands
from ledger.store.copy_rows import LogRow, TrancheBuffer
from ledger.store.donors import Donors, is_donor_code
from ledger.store.log import PoolLog
from ledger.store.notices import Notices
from ledger.store.payers import Payers
from ledger.store.plans import Plans, plan_rows, rows_digest
from ledger.store.reconciliation_months import ReconciliationMonths
from ledger.store.recorder import Following, MovedError
from ledger.store.register import Register
from ledger.words import new_id


class RosterFaultsError(Refused):
    """A roster with faults: everything that is wrong, line by line, and all of it in one refusal."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = sorted(faults, key=lambda one: one[0])
        lines = {line for line, _ in self.faults}
        super().__init__(refuse(Reason.ROSTER_FAULTS, f"{len(lines)}行有误，共{len(self.faults)}处"))


_EVENTS_MOST: Final = 2
"""Events of a plan that one command has at most."""


class _Decided(NamedTuple):
    """What a command becomes: the plan, its version before, its events, and what is recorded with them.

    `again` decides the plan's part for a plan that has moved; None where that may change what becomes of accounts.
    """

    plan: UUID
    before: int
    events: tuple[PlanEvent, ...]
    tranche: Tranche | None = None
    accounts: int = 0
    roster: str = ""
    rows: Sequence[Row] = ()
    notices: Sequence[str] = ()
    receivables: NoticeChanges = NoticeChanges()
    again: Callable[[SubsidyPlan], Decided] | None = None


class PlanDesk:
    """The plans of one pool, for whoever asks."""

    def __init__(self, log: PoolLog, register: Register) -> None:
        self._log = log
        self._register = register
        self._plans = Plans(log)
        self._payers = Payers(log)
        self._donors = Donors(register)
        self._receivables = Notices(log)
        self._rosters = Rosters(log, self._plans, self._payers)

    def do(self, command: DraftPlan | PlanCommand) -> PlanAnswer:
        """Have a command done. Raises `Refused`, of it `RosterFaultsError`, and the library's errors."""
        if naming := [text for text in _texts(_without_rows(command)) if names_somebody(text)]:
            rule = "方案的记录永久保存，不得含有公民身份号码"
            remedy = "删去号码后重办；人员只列在名册中"
            raise Refused(refuse(Reason.ROW_FAULT, f"{len(naming)}处文字", rule=rule, remedy=remedy))
        self._require_nameless(command)
        digest = self._register.command_digest(said(command))

        def attempt() -> PlanAnswer:
            rules = self._log.rules()
            decided = self._decided(command, rules)
            if command.dry_run:
                return self._answer(command, decided, self._log.position()[0], None)
            return self._record(command, digest, decided, rules)

        return done_once(self._log, command, digest, _decode, attempt)

    def _require_nameless(self, command: DraftPlan | PlanCommand) -> None:
        """What a plan says of a donor who is a person must not say who they are. Raises `Refused` (ROW_FAULT)."""
        payer = command.payer if isinstance(command, DraftPlan) else self._plans.payer_of(command.plan)
        if payer is None or not is_donor_code(payer):
            return
        told = msgspec.structs.replace(command, actor="", reviewer="")  # whoever acts is named, donor or not
        if naming := [text for text in _texts(_without_rows(told)) if text and self._donors.says(payer, text)]:
            rule = "方案的记录永久保存，不得含有资助人的姓名或公民身份号码"
            remedy = "删去姓名后重办；资助人以其编号指明"
            raise Refused(refuse(Reason.ROW_FAULT, f"{len(naming)}处文字", rule=rule, remedy=remedy))

    # -- deciding --------------------------------------------------------------------------------------------------

    def _decided(self, command: DraftPlan | PlanCommand, rules: RegionRules) -> _Decided:
        chains = read_procedures(rules.region)
        if isinstance(command, DraftPlan):
            return self._draft(command, chains, rules)
        state = self._plans.find(command.plan)
        if state is None:
            raise Refused(refuse(Reason.PLAN_UNKNOWN, command.plan))
        plan = command.plan
        if isinstance(command, DeclareRoster):
            return self._declare(command, state, chains, rules)
        if isinstance(command, ReviewRoster):
            return self._review(command, state, chains, rules)
        if isinstance(command, AllocateRoster):
            return self._allocate(command, state, chains, rules)
        if isinstance(command, TakeStep):
            step = command

            def take(now: SubsidyPlan) -> Decided:
                return take_step(now, _asked(step), chains, rules, step.origin, clock.today())

            events = _accepted(take(state))
            changes = notice_changes(state, events, chains.get(MATTER_OF[state.drafted.kind]))
            late = self._late(changes)
            return _Decided(
                plan, state.version, events, roster=command.roster, notices=late, receivables=changes, again=take
            )
        if isinstance(command, ReturnRoster | ClosePlan):
            return self._end(command, state, rules)
        raise TypeError(f"no decision for {type(command).__name__}")

    def _late(self, changes: NoticeChanges) -> list[str]:
        """What is told of receivables that a notice brings into months which both sides have signed."""
        months = {month_of(one.on) for one in changes.issued}
        signed = ReconciliationMonths(self._log).signed(months) if months else {}
        return [f"应收核定涉及已签认的{month.year}年{month.month}月" for month in signed]

    def _draft(self, command: DraftPlan, chains: Mapping[str, Procedure], rules: RegionRules) -> _Decided:
        plan = plan_stream(self._log.pool, command.village or command.payer, command.year, command.sequence)
        if self._plans.find(plan) is not None:
            raise Refused(refuse(Reason.PLAN_EXISTS, f"{command.year}年度第{command.sequence}号方案"))
        if fault := draft_fault(self._payers, self._donors, command, rules):
            raise Refused(fault)
        draft = Draft(*(getattr(command, name) for name in Draft._fields))
        chain = chains.get(MATTER_OF[command.kind]) if command.kind in MATTER_OF else None
        events = draft_plan(draft, chain, rules, command.origin, clock.today())
        return _Decided(plan, 0, _accepted(events))

    def _declare(
        self, command: DeclareRoster, state: SubsidyPlan, chains: Mapping[str, Procedure], rules: RegionRules
    ) -> _Decided:
        if fault := unconfirmed(self._payers, state.drafted, command.year, rules):
            raise Refused(fault)
        digest, fen = rows_digest(self._register, command.rows), sum(row.fen for row in command.rows)
        roster = RosterOfPlan(str(new_id()), command.year, command.file, digest, len(command.rows), fen)

        def declare(now: SubsidyPlan) -> Decided:
            return declare_roster(now, _asked(command), roster, chains, rules, command.origin, clock.today())

        decided = declare(state)
        if not (isinstance(decided, Refusal) and decided.reason is Reason.SOURCE):
            _accepted(decided)  # what is wrong with its rows is told before that they ask for too much in all
        _, faults, notices = self._rosters.faults(state, roster, command.rows, rules)
        if any(refusal.reason is not Reason.BELOW_FLOOR for _, refusal in faults):
            raise RosterFaultsError(faults)
        accepted = _accepted(decided)
        notices = [*notices, *(f"{refusal.value}：{refusal.rule}，须由复核人说明理由" for _, refusal in faults)]
        return _Decided(
            command.plan, state.version, accepted, None, 0, roster.roster, command.rows, notices, again=declare
        )

    def _review(
        self, command: ReviewRoster, state: SubsidyPlan, chains: Mapping[str, Procedure], rules: RegionRules
    ) -> _Decided:
        reason = command.floor_reason.strip()

        def review(now: SubsidyPlan) -> Decided:
            return review_roster(now, _asked(command), reason, chains, rules, command.origin, clock.today())

        accepted = _accepted(review(state))
        roster = state.roster(command.roster)
        assert roster is not None
        rows = self._plans.rows(roster.roster)
        tranche, faults, notices = self._rosters.room(state, roster, rows, rules, command.origin, reason)
        if faults:
            raise RosterFaultsError(faults)
        return _Decided(
            command.plan, state.version, accepted, tranche, len(rows), roster.roster, (), notices, again=review
        )

    def _allocate(
        self, command: AllocateRoster, state: SubsidyPlan, chains: Mapping[str, Procedure], rules: RegionRules
    ) -> _Decided:
        known = state.roster(command.roster)
        payment = Payment(
            state.drafted.kind, 0, known.year if known else 0, command.arrived_on, paid_on=command.arrived_on,
            voucher=command.voucher, payer=state.drafted.payer, batch=command.roster,
        )  # fmt: skip
        arrival = Arrival(command.fen, payment)
        tranche, received = self._rosters.credited(state, command.roster, arrival, rules, command.origin)

        def allocate(now: SubsidyPlan) -> Decided:
            return allocate_roster(now, _asked(command), received, chains, rules, command.origin, clock.today())

        accepted, notices = _accepted(allocate(state)), held_notices(received)
        return _Decided(
            command.plan, state.version, accepted, tranche, received.rows, command.roster, (), notices, again=allocate
        )

    def _end(self, command: ReturnRoster | ClosePlan, state: SubsidyPlan, rules: RegionRules) -> _Decided:
        """A roster that goes back, or the whole plan: what they still hold on accounts is given back."""
        origin, reason = command.origin, command.reason
        if isinstance(command, ReturnRoster):
            rosters = [one.roster for one in state.rosters if one.roster == command.roster]
            released = self._rosters.released(rosters, reason, rules, origin)
            events = return_roster(state, command.roster, reason, released.fen, rules, origin)
        else:
            rosters = [one.roster for one in state.rosters if one.standing is Standing.REVIEWED]
            released = self._rosters.released(rosters, reason, rules, origin)
            events = close_plan(state, reason, released.fen, rules, origin)
        roster = command.roster if isinstance(command, ReturnRoster) else ""
        accepted = _accepted(events)
        return _Decided(
            command.plan, state.version, accepted, released.tranche, released.accounts, roster,
            receivables=notice_changes(state, accepted, None),
        )  # fmt: skip

    # -- recording -------------------------------------------------------------------------------------------------

    def _record(
        self, command: DraftPlan | PlanCommand, digest: bytes, decided: _Decided, rules: RegionRules
    ) -> PlanAnswer:
        writes = decided.tranche.laid_down() if decided.tranche else ()
        events = writes.events if isinstance(writes, TrancheBuffer) else 0
        told: list[PlanAnswer] = []

        def follow(cursor: Any, moved: frozenset[bytes]) -> list[LogRow]:
            nonlocal decided
            if moved:
                raise MovedError
            decided = self._as_it_stands(cursor, decided)
            return plan_rows(decided.plan, decided.events, decided.before)

        def hook(cursor: Any, _moved: frozenset[bytes], at: datetime) -> None:
            (last_id,) = cursor.execute(self._log.sql("SELECT last_id FROM {log_head}")).fetchone()
            answer = self._answer(command, decided, last_id, at.astimezone(UTC).isoformat(timespec="microseconds"))
            told.append(answer)
            first_id = last_id - events - len(decided.events) + 1
            write_commands(
                self._log, cursor, [CommandRow(command.command_id.bytes, digest, first_id, last_id, _encode(answer))]
            )
            if isinstance(decided.events[0], PlanDrafted):
                self._plans.write_plan(cursor, decided.plan, decided.events[0])
            if decided.rows:
                self._plans.write_rows(cursor, decided.plan, decided.roster, decided.rows)
            self._receivables.write(cursor, decided.receivables, command.origin, clock.today())

        following = Following(_EVENTS_MOST, follow)
        self._log.record(writes, hook, rules_version=rules.version, following=following)
        return told[-1]

    def _as_it_stands(self, cursor: Any, decided: _Decided) -> _Decided:
        """What was decided, on the plan as it stands under the lock. Raises `Refused`, `MovedError`."""
        version = self._plans.version(cursor, decided.plan)
        if version == decided.before:
            return decided
        if decided.again is None:
            raise MovedError
        events = _accepted(decided.again(self._plans.fold(cursor, decided.plan)))
        return decided._replace(before=version, events=events)

    @staticmethod
    def _answer(
        command: DraftPlan | PlanCommand, decided: _Decided, position: int, recorded_at: str | None
    ) -> PlanAnswer:
        version = decided.before + len(decided.events)
        return PlanAnswer(
            command_id=command.command_id,
            plan=decided.plan,
            version=version,
            position=position,
            recorded_at=recorded_at,
            events=[{"topic": event.topic, **msgspec.to_builtins(event)} for event in decided.events],
            roster="" if recorded_at is None and isinstance(command, DeclareRoster) else decided.roster,
            accounts=decided.accounts,
            notices=list(decided.notices),
            dry_run=recorded_at is None,
        )


_encode: Final[Callable[[PlanAnswer], bytes]] = msgspec.json.Encoder().encode
_decode: Final[Callable[[bytes], PlanAnswer]] = msgspec.json.Decoder(PlanAnswer).decode


def _without_rows(command: DraftPlan | PlanCommand) -> Any:
    """What a command says in words; the rows of a roster hold ids and amounts."""
    return msgspec.to_builtins(
        msgspec.structs.replace(command, rows=()) if isinstance(command, DeclareRoster) else command
    )


def _texts(said: Any) -> Iterator[str]:
    """Every text of a command, however deep it stands."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, Mapping):
        for one in said.values():
            yield from _texts(one)
    elif isinstance(said, list | tuple):
        for one in said:
            yield from _texts(one)


def _asked(command: StepCommand) -> Asked:
    return Asked(command.step, command.on, command.acting_for, command.evidence, command.roster, command.matter)


def _accepted(events: Decided) -> tuple[PlanEvent, ...]:
    if isinstance(events, Refusal):
        raise Refused(events)
    return events
