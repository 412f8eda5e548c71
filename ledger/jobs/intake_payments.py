"""缴费明细 in: the intake books what the treasury received, each row once, a 撤销 as a reversal of its original.

A row's identity is (缴费明细流水号, 数据类型). The same identity with the same content is already there; with other
content it is a conflict. A doubt about tier, duplicate or once-a-year is a notice, never a refusal (DESIGN §12).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.account import PersonalAccount
from ledger.account_decisions import Asked, Past, is_late, payment_fault, record_payment, reverse_entry
from ledger.account_events import PaymentEvent
from ledger.jobs.intake import Ended, Intake, Outcome, Source, refused
from ledger.jobs.payment_rows import OPTIONAL, REQUIRED, FaultyRow, PaymentRow, read_payment, serial_to_show
from ledger.refusals import Reason, Refusal, refuse
from ledger.store.external_identities import CANCELLED, NEW, Identity, RecordedRow, find_rows, write_rows
from ledger.store.log import PoolLog
from ledger.store.recorder import Hook
from ledger.store.register import Holder, Register
from ledger.store.states import load_states
from ledger.words import Amounts

Row = PaymentRow | FaultyRow
_REMEMBERED: Final = 4
"""Tranches whose identities are kept for those read ahead of them; the reading thread is at most two ahead."""


class LookedUp(NamedTuple):
    """What deciding a tranche's rows asks for, as it stood when `recorded` tranches of this intake were recorded."""

    recorded: int
    digests: dict[str, bytes]
    holders: dict[bytes, Holder]
    states: dict[bytes, PersonalAccount]
    known: dict[Identity, RecordedRow]


class PaymentIntake(Intake[Row]):
    """One file of payments."""

    kind = "payments"

    def __init__(self, log: PoolLog, register: Register, source: Source, actor: str, *, dry_run: bool = False) -> None:
        super().__init__(log, register, source, actor, dry_run=dry_run)
        self._holders: dict[bytes, Holder] = {}
        self._digests: dict[str, bytes] = {}
        self._known: dict[Identity, RecordedRow] = {}
        self._pending: dict[Identity, RecordedRow] = {}
        self._recorded: deque[dict[Identity, RecordedRow]] = deque(maxlen=_REMEMBERED)
        self._tranches_recorded = 0
        self._disturbed_after = -1
        columns = source.columns
        self._order = [columns.get(column, -1) for column in (*REQUIRED, *OPTIONAL)]

    def read(self, line: int, cells: list[str]) -> Row | Outcome:
        """One row checked by itself."""
        ordered = [cells[place] if place >= 0 else "" for place in self._order]
        row = read_payment(line, ordered)
        return refused(line, serial_to_show(ordered, row), row) if isinstance(row, Refusal) else row

    def look_ahead(self, rows: Sequence[Row]) -> LookedUp:
        """People, the states of their accounts, and what is recorded under the serials.

        States before serials: a row that somebody else records in between then shows in its account's version, and is
        decided again; the other way round it would meet its own identity in the log. A rename moves the account too.
        """
        recorded = self._tranches_recorded
        digests = {row.number: self.register.digest(row.number) for row in rows}
        holders = self.register.find(set(digests.values()))
        states = load_states(self.log, {holder.account for holder in holders.values() if holder.account})
        known = find_rows(self.log, {row.payment.serial for row in rows if isinstance(row, PaymentRow)})
        states.update(load_states(self.log, {row.account for row in known.values()} - states.keys()))
        return LookedUp(recorded, digests, holders, states, known)

    def look_up(self, rows: Sequence[Row]) -> None:
        """What was looked up ahead, mended by what this intake recorded since; events of accounts that need them."""
        found: LookedUp | None = self.ahead
        if found is None:  # somebody else recorded some of these rows; nothing that was looked up before shows it
            self._disturbed_after = self._tranches_recorded
        if found is None or not self._holds(found):
            found = self.look_ahead(rows)
        since = self._tranches_recorded - found.recorded
        self._digests, self._holders, self._known = found.digests, found.holders, found.known
        if not self.dry_run:  # a dry run records nothing: what it decided stays pending to its end
            self._pending = {}
        serials = {row.payment.serial for row in rows if isinstance(row, PaymentRow)}
        for identities in islice(self._recorded, len(self._recorded) - since, None):
            mine = {identity: row for identity, row in identities.items() if identity[0] in serials}
            self._known.update(mine)
            moved = {row.account for row in identities.values()} & found.states.keys()
            found.states.update(load_states(self.log, moved | {row.account for row in mine.values()}))
        self.tranche.take(found.states)
        self.tranche.load_histories(
            {UUID(bytes=account) for row in rows if (account := self.account(row)) and self._will_need(row, account)}
        )

    def _holds(self, found: LookedUp) -> bool:
        """Whether what was looked up can be mended: nobody else disturbed since, and what we did is remembered."""
        since = self._tranches_recorded - found.recorded
        return found.recorded > self._disturbed_after and since <= len(self._recorded)

    def recorded(self, rows: Sequence[Row]) -> None:
        """Remember the tranche for those that were looked up before it was recorded."""
        identities = [(row.payment.serial, row.data_type) for row in rows if isinstance(row, PaymentRow)]
        self._recorded.append({identity: self._pending[identity] for identity in identities})
        self._tranches_recorded += 1

    def _will_need(self, row: Row, account: bytes) -> bool:
        state = self.tranche.state(account)
        return (
            isinstance(row, PaymentRow)
            and state is not None
            and (row.data_type == CANCELLED or is_late(state, row.payment.treasury_on.year))
        )

    def decide(self, row: Row) -> Outcome:
        """The outcome of one row, told by the precedence of the reasons: first the person, then what the row says."""
        if isinstance(row, FaultyRow):
            return refused(row.line, row.serial, self._person_fault(row) or row.refusal)
        serial = row.payment.serial
        identity = (serial, row.data_type)
        holder = self._holders.get(self._digests[row.number])
        content = self.register.payment_content(holder.owner, row.payment) if holder else b""
        known = self._pending.get(identity) or self._known.get(identity)
        if known and known.content == content:
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
            return refused(row.line, serial, answer)
        self._pending[identity] = RecordedRow(content, account, answer)
        return Outcome(row.line, serial, Ended.RECORDED, notice=row.notice)

    def _person_fault(self, row: Row) -> Refusal | None:
        holder = self._holders.get(self._digests[row.number])
        if holder is None or holder.account is None:
            return refuse(Reason.UNKNOWN_PERSON, f"第{row.line}行“公民身份号码”")
        if not self.register.is_named(holder, row.name):
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
        original = self._pending.get((serial, NEW)) or self._known.get((serial, NEW))
        if original is None:
            return refuse(Reason.NOTHING_TO_REVERSE, f"流水号{serial}", rule="撤销须有已记账的同流水号新增记录")
        if self._participant(original.account) != self._participant(account):
            return refuse(Reason.SERIAL_CONFLICT, f"流水号{serial}", rule="撤销的人员须与原记录一致")
        account = original.account  # an earlier account of the same person is closed, and the decision says so
        origin = self.origin(row.line)
        before = self.tranche.version(account)

        def decision(state: PersonalAccount, past: Past) -> Asked:
            if past is not None and not _agrees(past[original.version - 1], row):
                return refuse(
                    Reason.SERIAL_CONFLICT, f"流水号{serial}", rule="撤销的费款所属期、征收品目、金额须与原记录一致"
                )
            return reverse_entry(state, original.version, "税务撤销", self.rules, origin, past, serial)

        answer = self.tranche.decide(account, decision)
        return answer if isinstance(answer, Refusal) else before + 1

    def _participant(self, account: bytes) -> UUID | None:
        state = self.tranche.state(account)
        return state.participant if state else None

    def account(self, row: Row) -> bytes | None:
        """The latest account of the row's person."""
        holder = self._holders.get(self._digests[row.number])
        return holder.account if holder else None

    def hook(self, rows: Sequence[Row]) -> Hook | None:
        """The identities of the recorded rows."""
        identities = [(row.payment.serial, row.data_type) for row in rows if isinstance(row, PaymentRow)]

        def write(cursor: Any, _moved: frozenset[bytes], _at: datetime) -> None:
            write_rows(self.log, cursor, ((identity, self._pending[identity]) for identity in identities))

        return write

    def forget(self, rows: Sequence[Row]) -> None:
        """Identities noted for rows that were not recorded."""
        for row in rows:
            if isinstance(row, PaymentRow):
                self._pending.pop((row.payment.serial, row.data_type), None)


def _agrees(original: object, row: PaymentRow) -> bool:
    """Whether a cancellation says the same period, item and amount as what it cancels."""
    return (
        isinstance(original, PaymentEvent)
        and original.year == row.payment.period
        and original.effect == Amounts.only(row.payment.kind, row.payment.fen)
    )
