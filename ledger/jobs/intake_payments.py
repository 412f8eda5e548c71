"""缴费明细 in: the intake books what the treasury received, each row once, a 撤销 as a reversal of its original.

A row's identity is (缴费明细流水号, 数据类型). The same identity with the same content is already there; with other
content it is a conflict. A doubt about tier, duplicate or once-a-year is a notice, never a refusal (DESIGN §12).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
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
from ledger.words import Amounts

Row = PaymentRow | FaultyRow


class PaymentIntake(Intake[Row]):
    """One file of payments."""

    kind = "payments"

    def __init__(self, log: PoolLog, register: Register, source: Source, actor: str, *, dry_run: bool = False) -> None:
        super().__init__(log, register, source, actor, dry_run=dry_run)
        self._holders: dict[bytes, Holder] = {}
        self._digests: dict[str, bytes] = {}
        self._known: dict[Identity, RecordedRow] = {}
        self._pending: dict[Identity, RecordedRow] = {}
        columns = source.columns
        self._order = [columns.get(column, -1) for column in (*REQUIRED, *OPTIONAL)]

    def read(self, line: int, cells: list[str]) -> Row | Outcome:
        """One row checked by itself."""
        ordered = [cells[place] if place >= 0 else "" for place in self._order]
        row = read_payment(line, ordered)
        return refused(line, serial_to_show(ordered, row), row) if isinstance(row, Refusal) else row

    def look_ahead(self, rows: Sequence[Row]) -> tuple[dict[str, bytes], dict[bytes, Holder]]:
        """Who the rows are about. A rename meanwhile moves the account, whose rows are then looked up again."""
        digests = {row.number: self.register.digest(row.number) for row in rows}
        return digests, self.register.find(set(digests.values()))

    def look_up(self, rows: Sequence[Row]) -> None:
        """People, states, what is recorded under the serials, and the events of accounts that will need them.

        States before serials: a row that somebody else records in between then shows in its account's version, and is
        decided again; the other way round it would meet its own identity in the log.
        """
        self._digests, self._holders = self.ahead or self.look_ahead(rows)
        self._load({holder.account for holder in self._holders.values() if holder.account})
        self._known = find_rows(self.log, {row.payment.serial for row in rows if isinstance(row, PaymentRow)})
        if not self.dry_run:  # a dry run records nothing: what it decided stays pending to its end
            self._pending = {}
        self._load({row.account for row in self._known.values()})
        self.tranche.load_histories(
            {UUID(bytes=account) for row in rows if (account := self.account(row)) and self._will_need(row, account)}
        )

    def _load(self, accounts: set[bytes]) -> None:
        self.tranche.load(UUID(bytes=account) for account in accounts if self.tranche.state(account) is None)

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
        content = self._content(row)
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
        if holder.name_digest != self.register.name_digest(holder.participant, row.name):
            return refuse(Reason.NAME_DIFFERS, f"第{row.line}行“姓名”")
        return None

    def _content(self, row: PaymentRow) -> bytes:
        """A keyed digest of what makes a row the same again: not the batch number, not how it was written."""
        payment = row.payment
        return self.register.content_digest(
            row.number,
            str(payment.period),
            payment.kind,
            payment.payment_type,
            str(payment.fen),
            str(payment.paid_on),
            str(payment.treasury_on),
            payment.voucher,
        )

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
