"""Commands about a reconciled month: what people say of its differences, its signing and its opening again.

Which differences there are follows from the records and is folded elsewhere; whoever asks brings what the view says of
them along (`Facts`), and the month's own stream decides. A command is done once, whoever sends it how often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from ledger import clock
from ledger.desk.commands import Command, said
from ledger.desk.once import done_once
from ledger.identity import names_somebody, squeezed
from ledger.reconciliation_decisions import Decided, assign, explain, reopen, resolve, sign
from ledger.reconciliation_events import MonthEvent, MonthSigned
from ledger.reconciliation_month import Figures, Known, ReconciliationMonth, Status, month_stream, undone
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.region_rules import RegionRules
from ledger.store.command_ids import CommandRow, write_commands
from ledger.store.copy_rows import LogRow
from ledger.store.holders import open_people
from ledger.store.log import PoolLog
from ledger.store.mapper import encode
from ledger.store.reconciliation_months import ReconciliationMonths
from ledger.store.recorder import MovedError
from ledger.store.recorder_ways import StreamWrite
from ledger.store.register import Register


class MonthCommand(Command, frozen=True, kw_only=True):
    """A command about one month (its first day)."""

    month: date


class Chosen(MonthCommand, frozen=True, kw_only=True):
    """A command about differences that are named by their ids, or about all of a `category` that are not done with.

    A category may be narrowed to one `comparison`. Which differences those are is asked when the command is decided.
    """

    differences: tuple[UUID, ...] = ()
    category: str = ""
    comparison: str = ""


class Explain(Chosen, frozen=True, kw_only=True):
    """Say why there are differences; of a category, those that are open or assigned."""

    reason: str


class Assign(Chosen, frozen=True, kw_only=True):
    """Give differences an owner and a day; of a category, those that are open: what somebody has stays theirs."""

    owner: str
    due_on: date


class Resolve(MonthCommand, frozen=True, kw_only=True):
    """End a difference by an event of an account, by two people."""

    difference: UUID
    account: UUID
    version: int
    reason: str = ""


class Sign(MonthCommand, frozen=True, kw_only=True):
    """Both sides sign: `tax_side` for the tax side, by `document`."""

    tax_side: str
    document: str


class Reopen(MonthCommand, frozen=True, kw_only=True):
    """Open a signed month again."""

    reason: str


class Facts(NamedTuple):
    """What the view says: of the differences asked for, and, where the month is to be signed, of its figures."""

    month: date
    known: Mapping[UUID, Known]
    figures: Figures | None = None


class MonthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an accepted command is told. `recorded_at` ISO 8601 in UTC, None for a dry run."""

    command_id: UUID
    month: date
    version: int
    position: int
    recorded_at: str | None
    events: list[dict[str, Any]]
    dry_run: bool = False


class MonthDesk:
    """The reconciled months of one pool, for whoever asks."""

    def __init__(self, log: PoolLog, register: Register, facts: Callable[[MonthCommand], Facts]) -> None:
        self._log = log
        self._register = register
        self._facts = facts
        self._months = ReconciliationMonths(log)

    def do(self, command: MonthCommand) -> MonthAnswer:
        """Have a command done. Raises `Refused` and the library's errors."""
        plain = msgspec.to_builtins(msgspec.structs.replace(command, actor="", reviewer=""))
        if any(names_somebody(text) for text in plain.values() if isinstance(text, str)):
            rule = "对账的记录永久保存，不得含有公民身份号码"
            raise Refused(refuse(Reason.ROW_FAULT, "文字", rule=rule, remedy="删去号码后重办"))
        digest = self._register.command_digest(said(command))

        def attempt() -> MonthAnswer:
            rules, state = self._log.rules(), self._months.find(command.month)
            facts = self._facts(command)
            events = self._decided(command, state, rules, facts)
            if isinstance(events, Refusal):
                raise Refused(events)
            if command.dry_run:
                return _answer(command, state, events, self._log.position()[0], None)
            return self._record(command, digest, state, events, rules, facts)

        return done_once(self._log, command, digest, _decode, attempt)

    def _decided(self, command: MonthCommand, state: ReconciliationMonth, rules: RegionRules, facts: Facts) -> Decided:
        known = facts.known
        if isinstance(command, Explain):
            asked = command.differences or undone(state, known)
            self._require_nameless(command.reason, known, asked)
            return explain(state, asked, known, command.reason, rules, command.origin)
        if isinstance(command, Assign):
            said_of = (command.differences or undone(state, known, {Status.OPEN}), known)
            return assign(state, *said_of, command.owner, command.due_on, rules, command.origin, clock.today())
        if isinstance(command, Resolve):
            ending = self._months.ending(command.account, command.version)
            self._require_nameless(command.reason, known, known)
            return resolve(state, command.difference, known, ending, command.reason, rules, command.origin)
        if isinstance(command, Sign):
            assert facts.figures is not None
            said = (command.tax_side, command.document)
            return sign(state, command.month, facts.figures, *said, rules, command.origin, clock.today())
        if isinstance(command, Reopen):
            return reopen(state, command.reason, rules, command.origin)
        raise TypeError(f"no decision for {type(command).__name__}")

    def _require_nameless(self, reason: str, known: Mapping[UUID, Known], asked: Iterable[UUID]) -> None:
        """A reason stands in the log for ever, and so names none of those it is about. Raises `Refused` (ROW_FAULT)."""
        persons = {person for one in asked if one in known for person in known[one].persons}
        said = squeezed(reason)
        if any(squeezed(one.name) in said for one in open_people(self._register, persons).values()):
            rule = "对账的记录永久保存，不得含有姓名"
            raise Refused(refuse(Reason.ROW_FAULT, "说明原因", rule=rule, remedy="改写后重办"))

    def _record(
        self,
        command: MonthCommand,
        digest: bytes,
        state: ReconciliationMonth,
        events: tuple[MonthEvent, ...],
        rules: RegionRules,
        facts: Facts,
    ) -> MonthAnswer:
        stream = month_stream(self._log.pool, command.month).bytes
        rows = tuple(
            LogRow(stream, version, event.topic.encode(), encode(event))
            for version, event in enumerate(events, state.version + 1)
        )
        told: list[MonthAnswer] = []

        def hook(cursor: Any, _moved: frozenset[bytes], at: datetime) -> None:
            self._still(cursor, events, facts)
            (last_id,) = cursor.execute(self._log.sql("SELECT last_id FROM {log_head}")).fetchone()
            recorded_at = at.astimezone(UTC).isoformat(timespec="microseconds")
            told.append(_answer(command, state, events, last_id, recorded_at))
            row = CommandRow(command.command_id.bytes, digest, last_id - len(rows) + 1, last_id, _encode(told[-1]))
            write_commands(self._log, cursor, [row])

        self._log.record([StreamWrite(stream, rows, None)], hook, rules_version=rules.version)
        return told[-1]

    def _still(self, cursor: Any, events: tuple[MonthEvent, ...], facts: Facts) -> None:
        """Nothing of a month that is to be signed came since it was looked at. Raises `MovedError`."""
        signs = any(isinstance(event, MonthSigned) for event in events)
        if signs and facts.figures and self._months.received(cursor, facts.month) != facts.figures.received:
            raise MovedError


def _answer(
    command: MonthCommand,
    state: ReconciliationMonth,
    events: tuple[MonthEvent, ...],
    position: int,
    recorded_at: str | None,
) -> MonthAnswer:
    return MonthAnswer(
        command_id=command.command_id,
        month=command.month,
        version=state.version + len(events),
        position=position,
        recorded_at=recorded_at,
        events=[{"topic": event.topic, **msgspec.to_builtins(event)} for event in events],
        dry_run=recorded_at is None,
    )


_encode: Final[Callable[[MonthAnswer], bytes]] = msgspec.json.Encoder().encode
_decode: Final[Callable[[bytes], MonthAnswer]] = msgspec.json.Decoder(MonthAnswer).decode
