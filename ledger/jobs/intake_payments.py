"""缴费明细 in: the intake books what the treasury received, each row once, a 撤销 as a reversal of its original.

A row's identity is (缴费明细流水号, 数据类型). The same identity with the same content is already there; with other
content it is a conflict. A doubt about tier, duplicate or once-a-year is a notice, never a refusal (DESIGN §12).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.account import PersonalAccount
from ledger.account_decisions import (
    NO_REQUESTS,
    Asked,
    Past,
    Payment,
    is_late,
    payment_fault,
    record_payment,
    reverse_entry,
)
from ledger.account_events import PaymentEvent
from ledger.cap import UNDER_THE_CAP
from ledger.jobs.apart import Apart
from ledger.jobs.intake import Ended, Intake, Outcome, Source, refused
from ledger.jobs.payment_pages import (
    LookedUp,
    Page,
    Reading,
    ReadRow,
    asked_apart,
    decode_page,
    look_up_again,
    pages,
)
from ledger.jobs.payment_records import PaymentRecords, kept_before
from ledger.jobs.payment_rows import OPTIONAL, REQUIRED, FaultyRow, PaymentRow, RefusedRow
from ledger.jobs.recorded_since import RecordedSince
from ledger.jobs.signed_months import Arrived
from ledger.late_money import Origin
from ledger.plan_events import HeldPayment
from ledger.plan_funds import HELD_FOR, aid_moved
from ledger.refusals import Reason, Refusal, refuse
from ledger.store.exchange_files import ExchangeFiles
from ledger.store.exchange_records import Kept, Waiting
from ledger.store.external_identities import CANCELLED, NEW, Identity, RecordedRow, write_rows
from ledger.store.log import PoolLog
from ledger.store.plan_funds import Booking, Held, PlanFunds
from ledger.store.recorder import Following, Hook
from ledger.store.refunds import Refunds, RequestsOfEntries
from ledger.store.register import Register
from ledger.words import Amounts

Row = PaymentRow | FaultyRow
_NOTHING: Final = LookedUp(0, {}, {}, {}, {})


class _Ahead(NamedTuple):
    """A tranche's rows as they were read ahead, what was looked up for them, and each of them as it is to be kept."""

    found: LookedUp
    rows: list[ReadRow]
    kept: list[Kept]


class PaymentIntake(Intake[Row]):
    """One file of payments."""

    kind = "payments"

    def __init__(self, log: PoolLog, register: Register, source: Source, actor: str, *, dry_run: bool = False) -> None:
        super().__init__(log, register, source, actor, dry_run=dry_run)
        self._found = _NOTHING
        self._pending: dict[Identity, RecordedRow] = {}
        self._since = RecordedSince(log)
        self._trusted_from = 0
        self._funds = PlanFunds(log)
        self._held: dict[str, Held] = {}
        self._taken_back: dict[str, Held] = {}
        self._waiting: dict[str, list[Waiting]] = {}
        self._settled: set[str] = set()
        self._requests: RequestsOfEntries = {}
        self._records: PaymentRecords | None = None
        self._tranche_rows: list[ReadRow] = []

    def begin(self) -> None:
        """The file is known from now on."""
        self._records = PaymentRecords(self.log, self.source, self.file_origin)

    def received(self, ahead: _Ahead) -> None:
        """All rows of the tranche are to be kept, however they end."""
        self._tranche_rows = ahead.rows
        if self._records is not None:
            self._records.receive((row.line for row in ahead.rows), ahead.kept)

    # -- reading ahead ---------------------------------------------------------------------------------------------

    def tranches(self) -> Iterator[tuple[list[tuple[int, Row | Outcome]], _Ahead]]:
        """Pages joined to tranches, fewer of them while somebody waits for the log."""
        with self._pages() as read:
            ahead: _Ahead | None = None
            for page in read:
                if ahead is None:
                    ahead = _Ahead(page.looked_up, page.rows, page.kept)
                else:
                    ahead.found.join(page.looked_up)
                    ahead.rows.extend(page.rows)
                    ahead.kept.extend(page.kept)
                if len(ahead.rows) >= self.pace.rows:
                    yield [(row.line, _told(row)) for row in ahead.rows], ahead
                    ahead = None
            if ahead is not None:
                yield [(row.line, _told(row)) for row in ahead.rows], ahead

    @contextmanager
    def _pages(self) -> Iterator[Iterable[Page]]:
        """The file's pages; those of a long one come from a process of their own."""
        columns = self.source.columns
        order = [columns.get(column, -1) for column in (*REQUIRED, *OPTIONAL)]
        reading = Reading(self.source.rows, order, self.pace.least, self.source.sha256)
        if not self.source.long:
            yield pages(self.log, self.register, reading)
            return
        with Apart("ledger.jobs.payment_pages:pages_apart") as reader:
            yield map(decode_page, reader.ask(asked_apart(self.log, self.register, reading)))

    def look_up(self, rows: Sequence[Row]) -> None:
        """What was looked up ahead, mended by what this intake recorded since; events of accounts that need them."""
        found: LookedUp | None = self.ahead.found if self.ahead else None
        if found is not None:
            self._since.forget(found.position)
        if found is None or found.position < self._trusted_from:
            found = look_up_again(self.log, self.register, rows)
        if self.ahead is None:  # somebody else recorded some of these rows; nothing that was looked up before shows it
            self._trusted_from = found.position
        if not self.dry_run:  # a dry run records nothing: what it decided stays pending to its end
            self._pending = {}
            self._settled = set()
            self._held, self._taken_back = {}, {}
            self._funds.forget()
        self._found = found
        self.tranche.take(found.accounts or found.decoded().accounts)
        self.tranche.take(self._since.mend(found, rows))
        self._look_back(rows)

    def _look_back(self, rows: Sequence[Row]) -> None:
        """Read the events of accounts whose credited years or entries are touched, and what was refunded of them."""
        histories: set[UUID] = set()
        people: set[UUID] = set()
        for row in rows:
            account = self.account(row)
            state = self.tranche.state(account) if account else None
            if account is None or state is None or not isinstance(row, PaymentRow):
                continue
            if row.data_type == CANCELLED:
                histories.add(UUID(bytes=account))
                people.add(state.participant)
            elif is_late(state, row.payment.treasury_on.year):
                histories.add(UUID(bytes=account))
        self.tranche.load_histories(histories)
        self._requests = Refunds(self.log).accepted_for(people)

    def recorded(self, rows: Sequence[Row], last_id: int) -> None:
        """Remember the tranche for those that were looked up before it was recorded."""
        self._since.add(last_id, {identity: self._pending[identity] for identity in self._identities(rows)})
        if self._records is not None:
            self._records.written()

    def decide(self, row: Row) -> Outcome:
        """The outcome of one row. What a plan's payer paid and no account may take is held by the plan."""
        outcome = self._outcome(row)
        if outcome.refusal is None or not isinstance(row, PaymentRow) or row.payment.kind not in UNDER_THE_CAP:
            return outcome
        return self._with_plan(row, outcome, outcome.refusal.reason)

    def _with_plan(self, row: PaymentRow, outcome: Outcome, reason: Reason) -> Outcome:
        """A payment that no account may take is held, one that is taken back before any account had it is let go.

        A serial under which an account has money already is somebody else's row: there is no further money behind it.
        """
        payment = row.payment
        identity = (payment.serial, NEW)
        if not payment.payer or identity in self._pending or identity in self._found.known:
            return outcome
        if reason not in HELD_FOR and not (row.data_type == CANCELLED and reason is Reason.NOTHING_TO_REVERSE):
            return outcome
        plan = self._funds.plan_for(payment.payer, payment.kind, payment.period)
        if plan is None:
            return outcome
        held = Held(plan, HeldPayment(payment.serial, row.line, payment.period, payment.fen, reason))
        if row.data_type == NEW:
            account = self.account(row)
            if account and self._cancellation_of(payment, account):
                return outcome._replace(notice="税务已撤销本笔")
            self._held.setdefault(payment.serial, held)
            return outcome._replace(notice=f"款项列入方案{plan}的未分配款项")
        self._held.pop(payment.serial, None)
        self._taken_back[payment.serial] = held
        return outcome

    def following(self) -> Following | None:
        """The events of plans whose payers paid."""
        aid = {account: events for account, events in self.tranche.pending.items() if any(map(aid_moved, events))}
        if not aid and not self._held and not self._taken_back:
            return None
        booking = Booking(self.file_origin, aid, list(self._held.values()), list(self._taken_back.values()))
        return self._funds.following([booking], self.rules)

    def _outcome(self, row: Row) -> Outcome:
        """Told by the precedence of the reasons: first the person, then what the row says."""
        if isinstance(row, FaultyRow):
            return refused(row.line, row.serial, self._person_fault(row) or row.refusal)
        serial = row.payment.serial
        identity = (serial, row.data_type)
        person = self._found.people.get(row.line)
        if row.pool and row.pool != self.log.pool:
            return refused(row.line, serial, refuse(Reason.OTHER_POOL, f"第{row.line}行“统筹区编码”"))
        known = self._pending.get(identity) or self._found.known.get(identity)
        if known and person and known.content == person.content:
            return Outcome(row.line, serial, Ended.ALREADY_THERE, notice=row.notice)
        if refusal := self._person_fault(row):
            return refused(row.line, serial, refusal)
        account = self.account(row)
        assert account is not None
        if known:
            state = self.tranche.state(account)
            fault = state and payment_fault(state, row.payment, self.rules, self.today)
            return refused(row.line, serial, fault or refuse(Reason.SERIAL_CONFLICT, f"流水号{serial}"))
        answer = self._cancel(row, account) if row.data_type == CANCELLED else self._book(row, account)
        if isinstance(answer, Refusal):
            if row.data_type == CANCELLED and answer.reason is Reason.NOTHING_TO_REVERSE:
                return self._wait(row, account, answer)
            return refused(row.line, serial, answer)
        assert person is not None
        self._pending[identity] = RecordedRow(person.content, account, answer)
        notices = [row.notice, self._settle(row.payment, account) if row.data_type == NEW else ""]
        return Outcome(row.line, serial, Ended.RECORDED, notice="；".join(filter(None, notices)))

    # -- a cancellation that came before what it cancels -----------------------------------------------------------

    def _wait(self, row: PaymentRow, account: bytes, answer: Refusal) -> Outcome:
        """It is kept, and done with as soon as its original is booked."""
        participant = self._participant(account)
        assert participant is not None
        waits = Waiting(self.source.sha256, row.line, participant.bytes, row.payment)
        self._waiting.setdefault(row.payment.serial, []).append(waits)
        return Outcome(row.line, row.payment.serial, Ended.WAITING, answer, row.notice)

    def _cancellation_of(self, payment: Payment, account: bytes) -> Waiting | None:
        """The cancellation that waits for a person's payment and says the same of it."""
        waiting: Waiting
        serial, participant = payment.serial, self._participant(account)
        identity = (serial, CANCELLED)
        if participant is None or identity in self._pending or identity in self._found.known:
            return None
        for waiting in (*self._waiting.get(serial, ()), *self._found.waiting.get(serial, ())):
            if waiting.participant == participant.bytes and _figures(waiting.payment) == _figures(payment):
                return waiting
        return None

    def _settle(self, payment: Payment, account: bytes) -> str:
        """Reverse what was just booked where its cancellation waits; gives the notice."""
        waiting, serial = self._cancellation_of(payment, account), payment.serial
        if waiting is None:
            return ""
        origin = self._origin._replace(cause=f"file {waiting.file}#{waiting.line}")
        answer = self._reverse(self._pending[serial, NEW], waiting.payment, serial, origin)
        if isinstance(answer, Refusal):
            return f"先到的撤销仍待处理：{answer.text}"
        content = self.register.payment_content(waiting.participant, waiting.payment)
        self._pending[serial, CANCELLED] = RecordedRow(content, account, answer)
        self._settled.add(serial)
        return "先到的撤销已一并记账"

    def _person_fault(self, row: Row) -> Refusal | None:
        person = self._found.people.get(row.line)
        if person is None or person.account is None:
            return refuse(Reason.UNKNOWN_PERSON, f"第{row.line}行“公民身份号码”")
        if not person.named:
            return refuse(Reason.NAME_DIFFERS, f"第{row.line}行“姓名”")
        return None

    def _book(self, row: PaymentRow, account: bytes) -> int | Refusal:
        """The version of the recorded payment."""
        origin = self.origin(row.line)
        before = self.tranche.version(account)

        def decision(state: PersonalAccount, past: Past) -> Asked:
            return record_payment(state, row.payment, self.rules, origin, self.today, past)

        answer = self.tranche.decide(account, decision)
        return answer if isinstance(answer, Refusal) else before + 1

    def _cancel(self, row: PaymentRow, account: bytes) -> int | Refusal:
        """The version of the reversal of the row that is cancelled."""
        serial = row.payment.serial
        original = self._pending.get((serial, NEW)) or self._found.known.get((serial, NEW))
        if original is None:
            return refuse(Reason.NOTHING_TO_REVERSE, f"流水号{serial}", rule="撤销须有已记账的同流水号新增记录")
        if self._participant(original.account) != self._participant(account):
            return refuse(Reason.SERIAL_CONFLICT, f"流水号{serial}", rule="撤销的人员须与原记录一致")
        return self._reverse(original, row.payment, serial, self.origin(row.line))

    def _reverse(self, original: RecordedRow, said: Payment, serial: str, origin: Origin) -> int | Refusal:
        """The version of the reversal of a recorded row."""
        account = original.account  # an earlier account of the same person is closed, and the decision says so
        before = self.tranche.version(account)

        def decision(state: PersonalAccount, past: Past) -> Asked:
            if past is not None and not _agrees(past[original.version - 1], said):
                return refuse(
                    Reason.SERIAL_CONFLICT, f"流水号{serial}", rule="撤销的费款所属期、征收品目、金额须与原记录一致"
                )
            requests = self._requests.get((account, original.version), NO_REQUESTS)
            return reverse_entry(state, original.version, "税务撤销", self.rules, origin, past, serial, requests)

        answer = self.tranche.decide(account, decision)
        return answer if isinstance(answer, Refusal) else before + 1

    def _participant(self, account: bytes) -> UUID | None:
        state = self.tranche.state(account)
        return state.participant if state else None

    def account(self, row: Row) -> bytes | None:
        """The latest account of the row's person."""
        person = self._found.people.get(row.line)
        return person.account if person else None

    def hook(self, rows: Sequence[Row]) -> Hook | None:
        """The identities of the recorded rows, and every row of the tranche as it came."""
        identities = self._identities(rows)

        def write(cursor: Any, moved: frozenset[bytes], _at: datetime) -> None:
            write_rows(self.log, cursor, ((identity, self._pending[identity]) for identity in identities))
            for booked in (NEW, CANCELLED):
                serials = [serial for serial, data_type in identities if data_type == booked]
                if serials:
                    ExchangeFiles(self.log).add_booked(cursor, serials, booked)
            if self._records is not None:
                people = self._found.people
                again = {line for line, person in people.items() if person.account in moved} if moved else ()
                self._records.write(cursor, self.ended, again)

        return write

    def _identities(self, rows: Sequence[Row]) -> list[Identity]:
        """What these rows are known by, with the cancellations that waited for them."""
        identities = [(row.payment.serial, row.data_type) for row in rows if isinstance(row, PaymentRow)]
        if self._settled:
            identities += [
                (serial, CANCELLED) for serial, data_type in identities if serial in self._settled and data_type == NEW
            ]
        return identities

    def ended_all(self) -> None:
        """Keep the rows that were recorded with nothing."""
        if self._records is not None:
            self._records.write_rest(self.ended)

    def days(self, rows: list[tuple[int, Row | Outcome]]) -> set[date]:  # noqa: ARG002 — of those that were read ahead
        """The days of treasury entry."""
        return {row.payment.treasury_on for row in self._paid_rows()}

    def arrived(self, rows: list[tuple[int, Row | Outcome]]) -> Iterator[Arrived]:
        """Every row with figures that is new to the book of what was collected, whether an account took it or not."""
        known = self._records.known if self._records else kept_before(self.log, self.source, [line for line, _ in rows])
        for row in self._paid_rows():
            ended, fen = self.ended[row.line].ended, row.payment.fen
            if ended is Ended.RECORDED or (ended is not Ended.ALREADY_THERE and row.line not in known):
                yield Arrived(row.line, row.payment.treasury_on, -fen if row.data_type == CANCELLED else fen)

    def _paid_rows(self) -> Iterator[PaymentRow]:
        for row in self._tranche_rows:
            paid = row.paid if isinstance(row, RefusedRow) else row
            if isinstance(paid, PaymentRow):
                yield paid

    def forget(self, rows: Sequence[Row]) -> None:
        """Identities noted for rows that were not recorded."""
        for row in rows:
            if isinstance(row, PaymentRow):
                self._pending.pop((row.payment.serial, row.data_type), None)
                if row.payment.serial in self._settled:
                    self._settled.discard(row.payment.serial)
                    self._pending.pop((row.payment.serial, CANCELLED), None)


def _told(row: ReadRow) -> Row | Outcome:
    return refused(row.line, row.serial, row.refusal) if isinstance(row, RefusedRow) else row


def _agrees(original: object, said: Payment) -> bool:
    """Whether a cancellation says the same period, item and amount as what it cancels."""
    return (
        isinstance(original, PaymentEvent)
        and original.year == said.period
        and original.effect == Amounts.only(said.kind, said.fen)
    )


def _figures(payment: Payment) -> tuple[int, str, int]:
    return payment.period, payment.kind, payment.fen
