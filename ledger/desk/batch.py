"""Commands decided one after the other while the log stands still, each on what its predecessors left.

Everything they ask for is read in a few statements first. A refused command leaves no trace; two commands on one
account chain in their order; the decisions are the pure functions that serve a file of a million rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger import clock
from ledger.account import PersonalAccount
from ledger.account_decisions import (
    NO_REQUESTS,
    Asked,
    Past,
    is_late,
    open_account,
    payment_fault,
    record_payment,
    reverse_entry,
)
from ledger.account_events import (
    AccountEvent,
    AccountOpened,
    BenefitPaid,
    HolderErased,
    MoneyEvent,
    PaymentEvent,
    Refunded,
)
from ledger.cap import UNDER_THE_CAP
from ledger.desk.commands import (
    AccountCommand,
    AllocatePayment,
    CloseAccount,
    Command,
    EraseParticipant,
    OpenAccount,
    PayOut,
    Recorded,
    RecordPayment,
    RefundEntry,
    ReverseEntry,
)
from ledger.desk.donors import still_giving
from ledger.identity import birth_date, squeezed
from ledger.interest_decisions import leave
from ledger.money import fen_to_yuan
from ledger.money_out import pay_out, refund_entry
from ledger.naming import Somebody
from ledger.plan_funds import aid_moved
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules, same_person
from ledger.store.batch import Tranche
from ledger.store.donors import Donors
from ledger.store.exchange_erasure import UnreadRows, empty_rows, somebody
from ledger.store.exchange_files import ExchangeFiles
from ledger.store.external_identities import NEW, Identity, RecordedRow, insert_rows, rows_in
from ledger.store.log import PoolLog
from ledger.store.payers import Payer, Payers
from ledger.store.plan_funds import Booking, PlanFunds
from ledger.store.recorder_ways import StreamWrite
from ledger.store.refunds import Refunds, RequestsOfEntries
from ledger.store.register import Holder, NewHolder, Register, new_participant
from ledger.store.states import states_in
from ledger.words import NOTHING, new_id

_PAYING_OUT: Final[dict[str, type[BenefitPaid] | type[Refunded]]] = {"pension": BenefitPaid, "refund": Refunded}


class Accepted(NamedTuple):
    """What a command decided: its account, and its events in versions `first`..`last`; none where already there.

    `stream` is the account's id in bytes, empty without an account.
    """

    account: UUID | None
    stream: bytes
    events: tuple[AccountEvent, ...]
    first: int
    last: int
    already_there: bool = False

    def told(self) -> list[Recorded]:
        """The events as an answer tells them."""
        return [_recorded(event, version) for version, event in enumerate(self.events, self.first)]


class Batch:
    """The commands of one transaction: what they asked for, what they decided, what is to be written."""

    def __init__(
        self,
        log: PoolLog,
        register: Register,
        rules: RegionRules,
        village: Callable[[str], str | None],
        unread: UnreadRows | None = None,
    ) -> None:
        self._log = log
        self._register = register
        self._rules = rules
        self._village = village
        self._today = clock.today()
        self._tranche = Tranche(log)
        self._holders: dict[bytes, Holder] = {}
        self._known: dict[Identity, RecordedRow] = {}
        self._rows: dict[Identity, RecordedRow] = {}
        self._reversed: list[date] = []
        self._opened: dict[bytes, NewHolder] = {}
        self._opening: list[tuple[NewHolder, OpenAccount]] = []
        self._erased: list[tuple[Holder, EraseParticipant, Somebody, Payer | None]] = []
        self._unread = unread or UnreadRows(register)
        self._concerns_plans = False
        self._requests: RequestsOfEntries = {}

    def look_up(self, commands: Sequence[Command], states: Sequence[Any], rows: Sequence[Any]) -> None:
        """All that deciding these commands will ask for; `states` and `rows` answer the queries of `accounts_in` and
        `serials_in`.
        """
        self._tranche.take(states_in(states))
        self._known = rows_in(rows)
        digests = {self._digest(one) for one in commands if isinstance(one, OpenAccount | EraseParticipant)}
        if digests:
            self._holders = self._register.find(digests)
            self._tranche.load(UUID(bytes=holder.account) for holder in self._holders.values() if holder.account)
        if histories := {one.account for one in commands if isinstance(one, AccountCommand) and self._will_need(one)}:
            self._tranche.load_histories(histories)
        reversing = {one.account.bytes for one in commands if isinstance(one, ReverseEntry)}
        states_there = filter(None, map(self._tranche.state, reversing))
        self._requests = Refunds(self._log).accepted_for({state.participant for state in states_there})

    def _will_need(self, command: AccountCommand) -> bool:
        state = self._tranche.state(command.account.bytes)
        if isinstance(command, RecordPayment):
            return state is not None and is_late(state, command.payment.treasury_on.year)
        return isinstance(command, ReverseEntry | RefundEntry) and state is not None

    def _digest(self, command: OpenAccount | EraseParticipant) -> bytes:
        return self._register.digest(command.number)

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, command: Command) -> Accepted | Refusal:
        """What one command becomes."""
        if isinstance(command, OpenAccount):
            return self._open(command)
        if isinstance(command, EraseParticipant):
            return self._erase(command)
        if not isinstance(command, AccountCommand):
            raise TypeError(f"no decision for {type(command).__name__}")
        account = command.account.bytes
        if self._tranche.state(account) is None:
            return refuse(Reason.UNKNOWN_ACCOUNT, command.account)
        if isinstance(command, RecordPayment):
            return self._pay(command, account)
        return self._ask(command, account)

    def _ask(self, command: AccountCommand, account: bytes) -> Accepted | Refusal:
        """Ask the decision that belongs to a command about an existing account."""
        rules, origin, today = self._rules, command.origin, self._today

        def decision(state: PersonalAccount, past: Past) -> Asked:
            if isinstance(command, AllocatePayment) and (same := same_person(rules, origin.actor, origin.reviewer)):
                return same
            if isinstance(command, RecordPayment):
                return record_payment(state, command.payment, rules, origin, today, past)
            if isinstance(command, RefundEntry):
                paid = (command.entry, command.fen, command.on)
                return refund_entry(state, *paid, rules, origin, today, command.reason, past)
            if isinstance(command, PayOut):
                return pay_out(
                    state, _PAYING_OUT[command.kind], command.fen, command.on, rules, origin, today, command.reason
                )
            if isinstance(command, ReverseEntry):
                same = same_person(rules, origin.actor, origin.reviewer)
                requests = self._requests.get((account, command.version), NO_REQUESTS)
                return same or reverse_entry(
                    state, command.version, command.reason, rules, origin, past, requests=requests
                )
            if isinstance(command, CloseAccount):
                ends = {"reason": command.reason, "to": command.to, "document": command.document}
                return leave(state, command.on, rules, origin, today, **ends)
            raise TypeError(f"no decision for {type(command).__name__}")

        before = self._tranche.version(account)
        answer = self._tranche.decide(account, decision)
        if isinstance(answer, Refusal):
            return answer
        if isinstance(command, ReverseEntry):
            original = self._tranche.history(account)[command.version - 1]
            if isinstance(original, PaymentEvent) and original.serial:
                self._reversed.append(original.effective_on)
        return Accepted(command.account, account, answer, before + 1, before + len(answer))

    def _pay(self, command: RecordPayment, account: bytes) -> Accepted | Refusal:
        """A payment, known by its serial as a row of a file is: the same again is already there."""
        payment = command.payment
        if not payment.serial:
            return self._ask(command, account)
        state = self._tranche.state(account)
        assert state is not None
        identity = (payment.serial, NEW)
        content = self._register.payment_content(state.participant.bytes, payment)
        known = self._rows.get(identity) or self._known.get(identity)
        if known and (known.account, known.content) == (account, content):
            return Accepted(command.account, account, (), known.version, known.version, already_there=True)
        if known and isinstance(command, AllocatePayment):
            return refuse(Reason.ALREADY_ALLOCATED, f"流水号{payment.serial}")
        if known:
            fault = payment_fault(state, payment, self._rules, self._today)
            return fault or refuse(Reason.SERIAL_CONFLICT, f"流水号{payment.serial}")
        answer = self._ask(command, account)
        if isinstance(answer, Accepted):
            self._rows[identity] = RecordedRow(content, account, answer.first)
        return answer

    def _open(self, command: OpenAccount) -> Accepted | Refusal:
        """建账. A refusal about who it is names the column, as in a file: the text could be a name or a number."""
        digest, name = self._digest(command), squeezed(command.name)
        holder, new = self._holders.get(digest), self._opened.get(digest)
        if not name:
            return refuse(Reason.IDENTITY_FAULT, "“姓名”", rule="姓名不得为空")
        if holder and not self._register.is_named(holder, name):
            return refuse(Reason.NAME_DIFFERS, "“姓名”")
        if new and new.name and new.name != name:
            return refuse(Reason.NAME_DIFFERS, "“姓名”")
        if new:
            return refuse(Reason.ALREADY_OPEN, f"账户{UUID(bytes=new.account)}")
        if holder and holder.account:
            state = self._tranche.state(holder.account)
            if state is not None and not state.closed:
                return refuse(Reason.ALREADY_OPEN, f"账户{UUID(bytes=holder.account)}")
        village = self._village(squeezed(command.division))
        if village is None:
            return refuse(Reason.UNKNOWN_DIVISION, "“旗县、乡镇、村”")
        participant, account = (holder.participant if holder else new_participant()), new_id()
        events = open_account(
            self._rules,
            command.origin,
            participant,
            village,
            birth_date(command.number),
            command.opened_on,
            self._today,
        )
        if isinstance(events, Refusal):
            return events
        self._tranche.add(account.bytes, events)
        person = ("", "") if holder else (command.number, name)
        self._opened[digest] = NewHolder(participant, account.bytes, village, *person)
        self._opening.append((self._opened[digest], command))
        return Accepted(account, account.bytes, events, 1, len(events))

    def _erase(self, command: EraseParticipant) -> Accepted | Refusal:
        """A person's accounts each say that the identity is gone; see `Register.erase` and `empty_rows` for what goes.

        Whoever is a donor of social aid, too, is erased as such with it, or else the number would still lead to them.
        Refusals: SAME_PERSON, UNKNOWN_PERSON, ROW_FAULT (the reason says who it is), NOT_CLOSED.
        """
        digest = self._digest(command)
        holder = self._holders.get(digest)
        if same := same_person(self._rules, command.actor, command.reviewer):
            return same
        if opened := self._opened.get(digest):  # by a command before this one, and not recorded yet
            return refuse(Reason.NOT_CLOSED, f"账户{UUID(bytes=opened.account)}")
        if holder is None:
            return refuse(Reason.UNKNOWN_PERSON, "“公民身份号码”")
        donors = Donors(self._register)
        donor = donors.codes([command.number]).get(command.number, "")
        says = self._register.says(holder.participant, command.number, command.reason)
        if not command.reason.strip() or says or (donor and donors.says(donor, command.reason)):
            rule = "删除原因须填写，且不得含有该人的姓名或公民身份号码"
            return refuse(Reason.ROW_FAULT, "“原因”", rule=rule, remedy="改写原因后重办")
        event = HolderErased(
            **command.origin._asdict(), rule=self._rules.name, participant=holder.participant, reason=command.reason
        )
        last: Accepted | None = None
        accounts = self._register.accounts_of(holder.participant)
        self._tranche.load(accounts)
        for account in accounts:
            state = self._tranche.state(account.bytes)
            if state is not None and (not state.closed or state.balance != NOTHING):
                return refuse(Reason.NOT_CLOSED, f"账户{account}")
        if donor and (standing := still_giving(self._log, donor)):
            return standing
        for account in accounts:
            self._tranche.decide(account.bytes, lambda _state, _past: (event,))
            version = self._tranche.version(account.bytes)
            last = Accepted(account, account.bytes, (event,), version, version)
        who = somebody(self._register, holder.participant, command.number)
        self._erased.append((holder, command, who, Payers(self._log).find(donor) if donor else None))
        del self._holders[digest]  # whoever asks for the same person after this finds nobody
        return last or Accepted(None, b"", (), 0, 0)

    # -- writing ---------------------------------------------------------------------------------------------------

    def writes(self, accepted: Sequence[tuple[Command, Accepted]]) -> list[StreamWrite]:
        """The events and states of accepted commands, and behind them what they bring to plans."""
        writes = self._tranche.stream_writes()
        if self._concerns_plans:
            bookings = [
                Booking(command.origin, {one.stream: one.events})
                for command, one in accepted
                if any(map(aid_moved, one.events))
            ]
            following = PlanFunds(self._log).following(bookings, self._rules)
            if following is not None:
                with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
                    rows = following.decide(cursor, frozenset())
                writes += (StreamWrite(row.stream, (row,), None) for row in rows)
        return writes

    def sent(self) -> None:
        """What was accepted so far is written, in the transaction that is open: what comes now stands on it."""
        self._tranche.sent()
        self._known.update(self._rows)
        self._rows.clear()
        self._reversed.clear()

    def parts(self, commands: Sequence[Command]) -> bool:
        """Whether commands may be written in parts: while one is written, the connection answers no question."""
        self._concerns_plans = any(map(_concerns_plans, commands))
        return not self._concerns_plans and all(isinstance(command, AccountCommand) for command in commands)

    @property
    def in_one_go(self) -> bool:
        """Whether what is written beside the events needs no answer in between."""
        return not self._opening and not self._erased

    def write_beside(self, cursor: Any, at: datetime) -> None:
        """What commits with the events: identities of rows, register rows, the erasing of people."""
        if self._rows:
            insert_rows(self._log, cursor, self._rows.items())
            ExchangeFiles(self._log).add_booked(cursor, [serial for serial, _ in self._rows])
        if self._reversed:
            ExchangeFiles(self._log).add_reversed(cursor, self._reversed)
        for holder, command in self._opening:
            self._register.write(cursor, [holder], command.actor, "开户登记", at)
        for gone, erasing, who, donor in self._erased:
            self._register.erase(cursor, gone.participant)
            empty_rows(cursor, self._register, who, self._unread)
            if donor is not None:
                Donors(self._register).erase(cursor, donor, erasing.reason, erasing.origin, at)


def _concerns_plans(command: Command) -> bool:
    """Whether money of a plan's payer may move with it."""
    if isinstance(command, RecordPayment):
        return command.payment.kind in UNDER_THE_CAP and bool(command.payment.payer)
    return isinstance(command, ReverseEntry)


def accounts_in(commands: Sequence[Command]) -> set[bytes]:
    """The accounts that commands name."""
    return {one.account.bytes for one in commands if isinstance(one, AccountCommand)}


def serials_in(commands: Sequence[Command]) -> set[str]:
    """The serials that payments carry."""
    return {one.payment.serial for one in commands if isinstance(one, RecordPayment) and one.payment.serial}


def _recorded(event: AccountEvent, version: int) -> Recorded:
    if isinstance(event, MoneyEvent):
        amount = fen_to_yuan(event.effect.total)
        return Recorded(
            version=version, topic=event.topic, effective_on=event.effective_on, year=event.year, amount=amount
        )
    day = event.opened_on if isinstance(event, AccountOpened) else None
    return Recorded(version=version, topic=event.topic, effective_on=day)
