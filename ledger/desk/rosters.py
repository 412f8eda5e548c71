"""What a roster does to its accounts: every row checked, room taken and given back, the whole sum credited.

The rows of a roster are decided as one tranche, each on the state its account has, by the functions that serve a single
command; what is told of them is told of all rows at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast
from uuid import UUID

import msgspec

from ledger import clock
from ledger.account import PersonalAccount
from ledger.account_decisions import Payment, record_payment
from ledger.account_events import DeclarationReleased
from ledger.declarations import Declared, declare_subsidy, release_declaration, room_fault
from ledger.late_money import Origin
from ledger.money import fen_to_yuan
from ledger.plan import RosterOfPlan, SubsidyPlan
from ledger.plan_decisions import Received
from ledger.plan_events import Unallocated
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.roster import Person, Row, RowRules, paid_in, twice
from ledger.store.batch import Decision, Tranche
from ledger.store.log import PoolLog
from ledger.store.payers import Payers
from ledger.store.plans import Plans
from ledger.store.states import load_states, states_in, states_query

Fault = tuple[int, Refusal]
_NOTHING: frozenset[str] = frozenset()


class Checked(NamedTuple):
    """A roster as it was checked: the tranche that takes its room, all faults by line, and what is only noticed."""

    tranche: Tranche
    faults: list[Fault]
    notices: list[str]


class Released(NamedTuple):
    """The tranche that gives room back, on how many accounts, and how much (fen)."""

    tranche: Tranche
    accounts: int
    fen: int


class Arrival(NamedTuple):
    """A sum that arrived for a whole roster: fen, and the payment's day and voucher."""

    fen: int
    payment: Payment


class Rosters:
    """The rosters of one pool against its accounts."""

    def __init__(self, log: PoolLog, plans: Plans, payers: Payers) -> None:
        self._log = log
        self._plans = plans
        self._payers = payers

    def faults(self, state: SubsidyPlan, roster: RosterOfPlan, rows: Sequence[Row], rules: RegionRules) -> Checked:
        """Every row of a roster that is declared against everything; nothing is taken yet."""
        return self._check(state, roster, rows, rules, None, "")

    def room(
        self,
        state: SubsidyPlan,
        roster: RosterOfPlan,
        rows: Sequence[Row],
        rules: RegionRules,
        origin: Origin,
        floor_reason: str,
    ) -> Checked:
        """The same for a review: each row that is well takes its room. A reason lets amounts below the floor stand."""
        return self._check(state, roster, rows, rules, origin, floor_reason)

    def _check(
        self,
        state: SubsidyPlan,
        roster: RosterOfPlan,
        rows: Sequence[Row],
        rules: RegionRules,
        origin: Origin | None,
        floor_reason: str,
    ) -> Checked:
        drafted, year = state.drafted, roster.year
        tranche = Tranche(self._log)
        people = self._people(tranche, drafted.payer, rows, year)
        row_rules = RowRules.of(rules, drafted.kind, drafted.standard, year)
        by_roster = origin._replace(cause=f"roster {roster.roster}") if origin else None
        faults: list[Fault] = []
        notices: list[str] = []
        repeated = twice(rows)
        for row in rows:
            line, account = row.line, row.account
            if line in repeated:
                rule = f"第{repeated[line]}行已列同一人"
                faults.append((line, refuse(Reason.ALREADY_DECLARED, f"第{line}行", rule=rule)))
                continue
            faults += (
                (line, fault)
                for fault in row_rules.faults(row, people[account])
                if not (floor_reason and fault.reason is Reason.BELOW_FLOOR)
            )
            standing = tranche.state(account)
            assert standing is not None
            if standing.declarations and _elsewhere(standing, drafted.payer, year):
                notices.append(f"第{line}行：该人同年度已列入另一单位的名册，合计以最高缴费档次为限")
            asked = Declared(drafted.kind, row.fen, year, drafted.payer, roster.roster, line)
            if by_roster is None:
                refusal = room_fault(standing, asked, rules)
            else:
                answer = tranche.decide(account, _declaring(asked, rules, by_roster))
                refusal = answer if isinstance(answer, Refusal) else None
            if refusal is not None:
                faults.append((line, refusal))
            if notice := row_rules.notice(row):
                notices.append(f"第{line}行：{notice}")
        return Checked(tranche, faults, notices)

    def _people(self, tranche: Tranche, payer: str, rows: Sequence[Row], year: int) -> dict[bytes, Person]:
        accounts = {row.account for row in rows}
        asked = states_query(self._log, accounts), self._plans.paid_query(accounts, year)
        stored, paid = self._log.read(asked)  # at once: the server looks for the second while the first is decoded
        states, events = states_in(stored), self._plans.paid_events(paid)
        tranche.take(states)
        holders = {account: state.participant.bytes for account, state in states.items()}
        today = clock.today()
        members = self._payers.members(payer, list(holders.values()), today)
        statuses = self._payers.statuses(list(holders.values()), today)
        return {
            account: Person(paid_in(events.get(account, ()), year), holder in members, statuses.get(holder, _NOTHING))
            for account, holder in holders.items()
        }

    def credited(
        self, state: SubsidyPlan, roster: str, arrival: Arrival, rules: RegionRules, origin: Origin
    ) -> tuple[Tranche, Received]:
        """A whole roster credited; what an account may not take (closed, over the cap) is held with its reason."""
        rows = self._plans.rows(roster) if state.roster(roster) is not None else []
        tranche = Tranche(self._log)
        tranche.take(load_states(self._log, [row.account for row in rows]))
        by_roster = origin._replace(cause=f"roster {roster}")
        paying: dict[int, Decision] = {}
        held: list[Unallocated] = []
        credited = 0
        for row in rows:
            decision = paying.get(row.fen)
            if decision is None:
                decision = paying[row.fen] = _paying(arrival.payment, row.fen, rules, by_roster)
            answer = tranche.decide(row.account, decision)
            if isinstance(answer, Refusal):
                held.append(Unallocated(row.line, str(UUID(bytes=row.account)), row.fen, answer.reason))
            else:
                credited += row.fen
        payment = arrival.payment
        received = Received(
            arrival.fen, payment.treasury_on, payment.voucher, len(rows) - len(held), credited, tuple(held)
        )
        return tranche, received

    def released(self, rosters: Sequence[str], reason: str, rules: RegionRules, origin: Origin) -> Released:
        """The room that rosters still hold on accounts, given back."""
        tranche, accounts, fen = Tranche(self._log), 0, 0
        for roster in rosters:
            rows = self._plans.rows(roster)
            tranche.take(load_states(self._log, [row.account for row in rows]))
            releasing = _releasing(roster, reason, rules, origin._replace(cause=f"roster {roster}"))
            for row in rows:
                answer = tranche.decide(row.account, releasing)
                assert not isinstance(answer, Refusal)
                accounts += bool(answer)
                fen += sum(cast("DeclarationReleased", event).fen for event in answer)
        return Released(tranche, accounts, fen)


def _elsewhere(account: PersonalAccount, payer: str, year: int) -> bool:
    """Whether another payer's roster names the account's holder for the year."""
    return any(one.year == year and one.payer != payer for one in account.declarations)


def held_notices(received: Received) -> list[str]:
    """What is told of money that was not credited."""
    return [f"第{one.line}行{fen_to_yuan(one.fen)}元未入账：{one.reason}" for one in received.unallocated]


def _declaring(asked: Declared, rules: RegionRules, origin: Origin) -> Decision:
    return lambda account, _past: declare_subsidy(account, asked, rules, origin)


def _paying(payment: Payment, fen: int, rules: RegionRules, origin: Origin) -> Decision:
    mine, today = msgspec.structs.replace(payment, fen=fen), clock.today()
    return lambda account, past: record_payment(account, mine, rules, origin, today, past)


def _releasing(roster: str, reason: str, rules: RegionRules, origin: Origin) -> Decision:
    return lambda account, _past: release_declaration(account, roster, reason, rules, origin)
