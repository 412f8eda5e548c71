"""期初余额 in: one amount per money kind at the end of a credited year, once for each account, before other money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from ledger.account import PersonalAccount
from ledger.account_decisions import Decided, take_over_balance
from ledger.account_events import BalanceTakenOver
from ledger.identity import IdentityFault, normalise_citizen_number
from ledger.jobs.intake import Ended, IntakeReport, Outcome, RowByRow, Source, Told, refused
from ledger.money import MoneyFault, yuan_to_fen
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.store.log import PoolLog
from ledger.store.recorder import Hook
from ledger.store.register import Holder, Register
from ledger.words import CHINESE, KINDS, Amounts

REQUIRED: Final = ("公民身份号码",)
OPTIONAL: Final = tuple(CHINESE[kind] for kind in KINDS)
TEXT: Final = ("公民身份号码",)


class OpeningRow(NamedTuple):
    """A row that is well by itself."""

    line: int
    digest: bytes
    effect: Amounts


class OpeningIntake(RowByRow[OpeningRow]):
    """One file of opening balances as of one 31 December."""

    kind = "openings"

    def __init__(
        self,
        log: PoolLog,
        register: Register,
        source: Source,
        as_of: date,
        actor: str,
        reviewer: str,
        *,
        dry_run: bool = False,
    ) -> None:
        super().__init__(log, register, source, actor, reviewer, dry_run=dry_run)
        self._as_of = as_of
        self._holders: dict[bytes, Holder] = {}

    def check(self) -> None:
        """Hold date, handler and reviewer, the same for every row, against an account to which nothing has happened.

        Raises `Refused`: SAME_PERSON, DATE.
        """
        nobody = PersonalAccount(version=1, participant=UUID(int=0), opened_on=self._as_of, division="")
        answer = take_over_balance(nobody, self.rules, self._origin, Amounts(interest=1), self._as_of, self.today)
        if isinstance(answer, Refusal):
            raise Refused(answer)

    def run(self, told: Told, progress: Callable[[int], None] = lambda _rows: None) -> IntakeReport:
        """Take the file in; see `Intake.run`. Raises `Refused` before any row where all would be."""
        self.check()
        return super().run(told, progress)

    def read(self, line: int, cells: list[str]) -> OpeningRow | Outcome:
        """Number and amounts of one row. Reasons: IDENTITY_FAULT, AMOUNT."""
        try:
            number = normalise_citizen_number(self.cell(cells, "公民身份号码"))
        except IdentityFault as fault:
            return refused(line, "", refuse(Reason.IDENTITY_FAULT, f"第{line}行“公民身份号码”", rule=str(fault)))
        fen = []
        for column in OPTIONAL:
            text = self.cell(cells, column)
            try:
                fen.append(yuan_to_fen(text) if text else 0)
            except MoneyFault as fault:
                return refused(line, "", refuse(Reason.AMOUNT, f"第{line}行“{column}”", rule=str(fault)))
        return OpeningRow(line, self.register.digest(number), Amounts(*fen))

    def look_up(self, rows: Sequence[OpeningRow]) -> None:
        """The holders, their states, and the events of accounts that took a balance over already."""
        self._holders = self.register.find({row.digest for row in rows})
        accounts = [UUID(bytes=holder.account) for holder in self._holders.values() if holder.account]
        self.tranche.load(accounts)
        taken = [one for one in accounts if (state := self.tranche.state(one.bytes)) and state.taken_over_on]
        self.tranche.load_histories(taken)

    def decide(self, row: OpeningRow) -> Outcome:
        """Take the balance over. Reasons: UNKNOWN_PERSON, DATE, AMOUNT, ACCOUNT_CLOSED."""
        account = self.account(row)
        if account is None:
            return refused(row.line, "", refuse(Reason.UNKNOWN_PERSON, f"第{row.line}行“公民身份号码”"))
        if self._stands(account, row.effect):
            return Outcome(row.line, "", Ended.ALREADY_THERE)
        origin = self.origin(row.line)

        def decision(state: PersonalAccount, _past: object) -> Decided:
            return take_over_balance(state, self.rules, origin, row.effect, self._as_of, self.today)

        answer = self.tranche.decide(account, decision)
        return refused(row.line, "", answer) if isinstance(answer, Refusal) else Outcome(row.line, "", Ended.RECORDED)

    def _stands(self, account: bytes, effect: Amounts) -> bool:
        """Whether the account took over this very balance, and it was not reversed since."""
        state = self.tranche.state(account)
        if state is None or state.taken_over_on != self._as_of:
            return False
        taken = [event for event in self.tranche.history(account) if isinstance(event, BalanceTakenOver)]
        return taken[-1].effect == effect

    def account(self, row: OpeningRow) -> bytes | None:
        """The latest account of the row's person."""
        holder = self._holders.get(row.digest)
        return holder.account if holder else None

    def hook(self, rows: Sequence[OpeningRow]) -> Hook | None:  # noqa: ARG002 — asked of every intake
        """Nothing: a taken-over balance is known by the state."""
        return None
