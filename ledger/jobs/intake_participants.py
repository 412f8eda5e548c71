"""参保人名册 in: the register and AccountOpened in one transaction, one account a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.account_decisions import open_account
from ledger.dates import DateFault, parse_business_date
from ledger.identity import (
    IdentityFault,
    birth_date,
    normalise_citizen_number,
    parse_sex,
    require_sex,
    squeezed,
)
from ledger.jobs.intake import Ended, Outcome, RowByRow, Source, refused
from ledger.refusals import Reason, Refusal, refuse
from ledger.store.divisions import Divisions
from ledger.store.log import PoolLog
from ledger.store.recorder import Hook
from ledger.store.register import Holder, NewHolder, Register, new_participant
from ledger.words import new_id

REQUIRED: Final = ("姓名", "公民身份号码", "性别", "旗县", "乡镇", "村", "参保日期")
TEXT: Final = ("公民身份号码",)
_PLACES: Final = ("旗县", "乡镇", "村")


class ParticipantRow(NamedTuple):
    """A row that is well by itself."""

    line: int
    number: str
    digest: bytes
    name: str
    birth: date
    places: tuple[str, str, str]
    opened_on: date


class ParticipantIntake(RowByRow[ParticipantRow]):
    """One file of participants."""

    kind = "participants"

    def __init__(
        self,
        log: PoolLog,
        register: Register,
        source: Source,
        actor: str,
        *,
        strict_divisions: bool = False,
        dry_run: bool = False,
    ) -> None:
        super().__init__(log, register, source, actor, dry_run=dry_run)
        self._strict = strict_divisions
        self._read_divisions: Divisions | None = None
        self._holders: dict[bytes, Holder] = {}
        self._new: dict[bytes, NewHolder] = {}

    @property
    def divisions_added(self) -> list[str]:
        """Names of the counties, townships and villages this file named for the first time."""
        return self._divisions.new_names

    @property
    def _divisions(self) -> Divisions:
        """Read when the first row asks: by then the job lock is held, and nobody else adds any."""
        if self._read_divisions is None:
            self._read_divisions = Divisions(self.log)
        return self._read_divisions

    def read(self, line: int, cells: list[str]) -> ParticipantRow | Outcome:
        """Number, sex, name, places and date of one row. Reasons: IDENTITY_FAULT, UNKNOWN_DIVISION, DATE."""
        try:
            number = normalise_citizen_number(self.cell(cells, "公民身份号码"))
            require_sex(number, parse_sex(self.cell(cells, "性别")))
        except IdentityFault as fault:
            column = "性别" if "性别" in fault.rule else "公民身份号码"
            return refused(line, "", refuse(Reason.IDENTITY_FAULT, f"第{line}行“{column}”", rule=str(fault)))
        name = squeezed(self.cell(cells, "姓名"))
        if not name or "\n" in name:
            return refused(
                line, "", refuse(Reason.IDENTITY_FAULT, f"第{line}行“姓名”", rule="姓名不得为空，须在一行之内")
            )
        county, township, village = (squeezed(self.cell(cells, column)) for column in _PLACES)
        if not (county and township and village):
            empty = next(column for column in _PLACES if not squeezed(self.cell(cells, column)))
            return refused(line, "", refuse(Reason.UNKNOWN_DIVISION, f"第{line}行“{empty}”为空"))
        try:
            opened_on = parse_business_date(self.cell(cells, "参保日期"))
        except DateFault as fault:
            return refused(line, "", refuse(Reason.DATE, f"第{line}行“参保日期”", rule=str(fault)))
        places = (county, township, village)
        digest = self.register.digest(number)
        return ParticipantRow(line, number, digest, name, birth_date(number), places, opened_on)

    def look_up(self, rows: Sequence[ParticipantRow]) -> None:
        """Who is in the register already, and the states of their accounts."""
        if not self.dry_run:
            self._new = {}
        found = self.register.find({row.digest for row in rows})
        self._holders = found
        self.tranche.load(UUID(bytes=holder.account) for holder in found.values() if holder.account)

    def decide(self, row: ParticipantRow) -> Outcome:
        """Open the account, unless the person has one. Reasons: NAME_DIFFERS, ALREADY_OPEN, UNDER_AGE, DATE, …"""
        found, new = self._holders.get(row.digest), self._new.get(row.digest)
        if found and not self.register.is_named(found, row.name):
            return refused(row.line, "", refuse(Reason.NAME_DIFFERS, f"第{row.line}行“姓名”"))
        if new and new.name and new.name != row.name:
            return refused(row.line, "", refuse(Reason.NAME_DIFFERS, f"第{row.line}行“姓名”"))
        if new:
            return self._standing(row, new.account)
        if found and found.account:
            state = self.tranche.state(found.account)
            if state is not None and not state.closed:
                return self._standing(row, found.account)
        return self._open(row, found)

    def _standing(self, row: ParticipantRow, account: bytes) -> Outcome:
        state = self.tranche.state(account)
        same_place = state is not None and state.division == self._divisions.village(row.places)
        if state is not None and same_place and state.opened_on == row.opened_on:
            return Outcome(row.line, "", Ended.ALREADY_THERE)
        # Without the account's id: a dry run, whose accounts get none, says the very same.
        return refused(row.line, "", refuse(Reason.ALREADY_OPEN, f"第{row.line}行“公民身份号码”"))

    def _open(self, row: ParticipantRow, found: Holder | None) -> Outcome:
        participant = found.participant if found else new_participant()
        division = self._divisions.village(row.places)
        origin = self.origin(row.line)
        asked = (row.birth, row.opened_on, self.today)
        events = open_account(self.rules, origin, participant, division or "", *asked)
        if isinstance(events, Refusal):
            return refused(row.line, "", events)
        if division is None:  # added only now: a refused row leaves no trace
            if self._strict:
                return refused(row.line, "", refuse(Reason.UNKNOWN_DIVISION, f"第{row.line}行“旗县、乡镇、村”"))
            division = self._divisions.add(row.places)
            events = open_account(self.rules, origin, participant, division, *asked)
            assert not isinstance(events, Refusal)
        account = new_id().bytes
        self.tranche.add(account, events)
        number, name = ("", "") if found else (row.number, row.name)
        self._new[row.digest] = NewHolder(participant, account, division, number, name)
        return Outcome(row.line, "", Ended.RECORDED)

    def account(self, row: ParticipantRow) -> bytes | None:
        """The account this row opens."""
        holder = self._new.get(row.digest)
        return holder.account if holder else None

    def recorded(self, rows: Sequence[ParticipantRow], last_id: int) -> None:  # noqa: ARG002 — asked of every intake
        """The divisions stand with the accounts."""
        self._divisions.written()

    def forget(self, rows: Sequence[ParticipantRow]) -> None:  # noqa: ARG002 — asked of every intake
        """Nothing was recorded, perhaps because somebody else added the same division: they are read again."""
        self._divisions.read()

    def hook(self, rows: Sequence[ParticipantRow]) -> Hook | None:
        """Register and divisions with the accounts."""
        holders = [self._new[row.digest] for row in rows]

        def write(cursor: Any, _moved: frozenset[bytes], at: datetime) -> None:
            self._divisions.write(cursor)
            self.register.write(cursor, holders, self._origin.actor, f"参保登记文件 {self.source.sha256[:16]}", at)

        return write
