"""应收核定 in: each row once, a 撤销 as a row of its own that names what it takes back.

A receivable moves no account, so a tranche needs neither the log nor its lock: its rows, their file and the months they
concern are one transaction. The same identity with the same content is already there; with other content it is a
conflict. A killed run is simply repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache
from typing import Final

from ledger.account import PersonalAccount
from ledger.dates import FIRST_PERIOD
from ledger.exchange import FileKind
from ledger.jobs.intake import Ended, IntakeReport, Outcome, Source, Told, refused
from ledger.jobs.intake_beside import BesideTheLog
from ledger.jobs.payment_rows import UNKNOWN_DONOR, FaultyRow
from ledger.jobs.receivable_rows import ReceivableRow, number_to_show, read_receivable
from ledger.jobs.signed_months import Arrived
from ledger.money import fen_to_yuan, yuan_to_fen
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.region_rules import same_person
from ledger.store.donors import Donors
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog
from ledger.store.receivables import KIND_PLACES, TYPE_PLACES, Receivable, ReceivableKey, Receivables, Said
from ledger.store.register import Holder, Register
from ledger.store.states import load_states

Row = ReceivableRow | FaultyRow
_fen: Final = cache(yuan_to_fen)


class ReceivableIntake(BesideTheLog[Row]):
    """One file of receivables, on the word of two people."""

    kind = "receivables"

    def __init__(
        self, log: PoolLog, register: Register, source: Source, actor: str, reviewer: str, *, dry_run: bool = False
    ) -> None:
        super().__init__(log, register, source, actor, reviewer, dry_run=dry_run)
        self._receivables = Receivables(log)
        self._donors = Donors(register)
        self._file = source.of_exchange(FileKind.RECEIVABLES)
        self._digests: dict[str, bytes] = {}
        self._holders: dict[bytes, Holder] = {}
        self._states: dict[bytes, PersonalAccount] = {}
        self._payers: dict[str, str] = {}
        self._known: dict[ReceivableKey, Said] = {}
        self._pending: dict[ReceivableKey, Receivable] = {}

    def run(self, told: Told, progress: Callable[[int], None] = lambda _rows: None) -> IntakeReport:
        """Take the file in; see `Intake.run`. Raises `Refused` (SAME_PERSON) before any row."""
        if same := same_person(self.rules, self.file_origin.actor, self.file_origin.reviewer):
            raise Refused(same)
        return super().run(told, progress)

    def read(self, line: int, cells: list[str]) -> Row | Outcome:
        """One row checked by itself."""

        def cell(column: str) -> str:
            return self.cell(cells, column)

        read = read_receivable(line, cell)
        return refused(line, number_to_show(cell), read) if isinstance(read, Refusal) else read

    def look_up(self, rows: Sequence[Row]) -> None:
        """The people, their accounts, donors behind citizen numbers, and what is there under the rows' numbers."""
        if not self.dry_run:  # a dry run writes nothing: what it decided stays pending to its end
            self._pending = {}
        citizens = {row.citizen if isinstance(row, ReceivableRow) else row.number for row in rows}
        self._digests = {citizen: self.register.digest(citizen) for citizen in citizens}
        self._holders = self.register.find(set(self._digests.values()))
        self._states = load_states(self.log, {one.account for one in self._holders.values() if one.account})
        self._payers = self._donors.payers_of(
            {row.donor for row in rows if isinstance(row, ReceivableRow) and row.donor}
        )
        asked = {
            (row.number, holder.owner)
            for row in rows
            if isinstance(row, ReceivableRow) and (holder := self._holder(row))
        }
        self._known = self._receivables.find(asked)

    def decide(self, row: Row) -> Outcome:
        """The outcome of one row, told by the precedence of the reasons: first the person, then what the row says."""
        holder = self._holder(row)
        number = row.serial if isinstance(row, FaultyRow) else row.number
        if fault := self._person_fault(row, holder):
            return refused(row.line, number, fault)
        if isinstance(row, FaultyRow):
            return refused(row.line, number, row.refusal)
        assert holder is not None
        payer, notice = self._payer(row)
        key = ReceivableKey(
            number, holder.owner, KIND_PLACES[row.kind], TYPE_PLACES[row.payment_type], row.period, row.data_type
        )
        original = self._said(key._replace(data_type=NEW))
        if row.data_type == CANCELLED and original is not None:
            payer = payer or original.payer
        said = Said(row.fen, row.approved_on, payer)
        standing = self._said(key)
        if standing == said:
            return Outcome(row.line, number, Ended.ALREADY_THERE, notice=notice)
        if refusal := self._fault(row, said, standing, original, holder):
            return refused(row.line, number, refusal)
        self._pending[key] = Receivable(row.line, key, said)
        return Outcome(row.line, number, Ended.RECORDED, notice=notice)

    def _fault(
        self, row: ReceivableRow, said: Said, standing: Said | None, original: Said | None, holder: Holder
    ) -> Refusal | None:
        if fault := self._figures_fault(row):
            return fault
        if row.data_type == CANCELLED:
            return _withdrawal_fault(row, said, standing, original)
        if standing is not None:
            rule = "同一应收核定编号、人员、征收品目、费款所属期、缴费类型的金额、核定日期、来源单位须一致"
            remedy = "与核定单位核对；确须更改的，先撤销，再以新的编号核定"
            return refuse(Reason.SERIAL_CONFLICT, f"应收核定编号{row.number}", rule=rule, remedy=remedy)
        if holder.account is None:
            return refuse(Reason.UNKNOWN_ACCOUNT, f"第{row.line}行“公民身份号码”", rule="须有本统筹区的个人账户")
        state = self._states.get(holder.account)
        if state is not None and state.closed:
            return refuse(Reason.ACCOUNT_CLOSED, f"第{row.line}行“公民身份号码”", rule="账户已注销的不再核定应收")
        return None

    def _figures_fault(self, row: ReceivableRow) -> Refusal | None:
        """AMOUNT, PERIOD, DATE."""
        most = _fen(self.rules.text("intake.amount_max", row.approved_on.year))
        if not 0 < row.fen <= most:
            rule = f"金额须大于零且不超过单笔上限{fen_to_yuan(most)}元"
            return refuse(Reason.AMOUNT, f"{fen_to_yuan(row.fen)}元", rule=rule)
        if row.period > self.today.year + 1:
            return refuse(Reason.PERIOD, row.period, rule=f"费款所属期不得早于{FIRST_PERIOD}年或晚于下一年度")
        if row.approved_on > self.today or row.approved_on.year < FIRST_PERIOD:
            rule = f"核定日期不得早于{FIRST_PERIOD}年或晚于今日"
            return refuse(Reason.DATE, row.approved_on.isoformat(), rule=rule, remedy="核对核定日期后更正重报")
        return None

    def _person_fault(self, row: Row, holder: Holder | None) -> Refusal | None:
        if holder is None:
            return refuse(Reason.UNKNOWN_PERSON, f"第{row.line}行“公民身份号码”")
        if not self.register.is_named(holder, row.name):
            return refuse(Reason.NAME_DIFFERS, f"第{row.line}行“姓名”")
        return None

    def _payer(self, row: ReceivableRow) -> tuple[str, str]:
        """The payer's code, and what is doubtful of it."""
        if row.donor and (code := self._payers.get(row.donor)):
            return code, "" if row.notice == UNKNOWN_DONOR else row.notice
        return row.payer, row.notice

    def _holder(self, row: Row) -> Holder | None:
        citizen = row.citizen if isinstance(row, ReceivableRow) else row.number
        return self._holders.get(self._digests[citizen])

    def _said(self, key: ReceivableKey) -> Said | None:
        pending = self._pending.get(key)
        return pending.said if pending else self._known.get(key)

    def days(self, rows: list[tuple[int, Row | Outcome]]) -> set[date]:
        """The days of approval."""
        return {row.approved_on for _, row in rows if isinstance(row, ReceivableRow)}

    def arrived(self, rows: list[tuple[int, Row | Outcome]]) -> Iterator[Arrived]:
        """What was recorded is in the book of approvals."""
        for line, row in rows:
            if isinstance(row, ReceivableRow) and self.ended[line].ended is Ended.RECORDED:
                yield Arrived(line, row.approved_on, -row.fen if row.data_type == CANCELLED else row.fen)

    # -- recording -------------------------------------------------------------------------------------------------

    def write_pending(self) -> None:
        """The rows of the tranche, with their file."""
        if self._pending:
            self._receivables.write(self._file, list(self._pending.values()), self.file_origin)


def _withdrawal_fault(row: ReceivableRow, said: Said, standing: Said | None, original: Said | None) -> Refusal | None:
    """NOTHING_TO_REVERSE, ALREADY_REVERSED, SERIAL_CONFLICT, DATE."""
    number = f"应收核定编号{row.number}"
    if original is None:
        rule = "撤销须有同一编号、人员、征收品目、费款所属期、缴费类型的应收核定"
        return refuse(Reason.NOTHING_TO_REVERSE, number, rule=rule, remedy="核对编号；原核定到达后重报")
    if standing is not None:
        return refuse(Reason.ALREADY_REVERSED, number, rule="一笔应收核定只撤销一次", remedy="无须再次撤销")
    if (said.fen, said.payer) != (original.fen, original.payer):
        rule = f"撤销的金额、来源单位须与原核定一致（{fen_to_yuan(original.fen)}元）"
        return refuse(Reason.SERIAL_CONFLICT, number, rule=rule, remedy="与核定单位核对后重报")
    if said.approved_on < original.approved_on:
        rule = f"撤销日期不得早于核定日期（{original.approved_on.isoformat()}）"
        return refuse(Reason.DATE, said.approved_on.isoformat(), rule=rule, remedy="核对核定日期后更正重报")
    return None
