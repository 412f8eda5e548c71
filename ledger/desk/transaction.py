"""The commands of one shared transaction: those known by their ids, those decided, and what is written for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ledger.desk.batch import Accepted, Batch, accounts_in, serials_in
from ledger.desk.commands import Answer, Command, decode_answer, encode_answer
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.region_rules import RegionRules
from ledger.store.command_ids import CommandRow, commands_in, commands_query, write_commands
from ledger.store.external_identities import rows_query
from ledger.store.log import PoolLog
from ledger.store.recorder import Query, StreamWrite, ToRecord
from ledger.store.register import Register
from ledger.store.states import states_query

Outcome = Answer | BaseException


class Asked(NamedTuple):
    """A command, the keyed digest of what it says, and the bytes of its id: a UUID makes them anew at every look."""

    command: Command
    digest: bytes
    id: bytes

    @staticmethod
    def of(command: Command, digest: bytes) -> Asked:
        """A command with its digest."""
        return Asked(command, digest, command.command_id.bytes)


class _Plan(NamedTuple):
    """An accepted command, and the log's position after it."""

    asked: Asked
    accepted: Accepted
    position: int

    def answer(self, recorded_at: str | None) -> Answer:
        """What is told, recorded at an instant (ISO 8601 in UTC); without one it is a dry run."""
        events = self.accepted.told()
        return Answer(
            command_id=self.asked.command.command_id,
            account=self.accepted.account,
            version=self.accepted.last,
            position=self.position,
            recorded_at=recorded_at if events else None,
            events=events,
            already_there=self.accepted.already_there,
            dry_run=recorded_at is None,
        )


class Transaction:
    """Decides commands in their order while the log stands at `last_id`; those left over wait for the next one."""

    def __init__(
        self,
        log: PoolLog,
        register: Register,
        rules: RegionRules,
        village: Callable[[str], str | None],
        last_id: int,
    ) -> None:
        self._log = log
        self._batch = Batch(log, register, rules, village)
        self._last_id = last_id
        self._decided: list[tuple[Asked, Outcome | Accepted | Refusal]] = []
        self._told: dict[bytes, Answer] = {}

    @staticmethod
    def queries(log: PoolLog, asked: Sequence[Asked]) -> list[Query]:
        """What `decide` must be given the rows of: commands by id, states, rows by serial."""
        commands = [one.command for one in asked]
        return [
            commands_query(log, {one.id for one in asked}),
            states_query(log, accounts_in(commands)),
            rows_query(log, serials_in(commands)),
        ]

    def decide(self, asked: Sequence[Asked], found: Sequence[Sequence[Any]], seconds_max: float) -> None:
        """Decide as many as there is time for, at least one. A fault of one fails them all; see `_one_by_one`."""
        known = commands_in(found[0])
        fresh = [one.command for one in asked if one.id not in known]
        self._batch.look_up(fresh, found[1], found[2])
        first: dict[bytes, bytes] = {}
        until = time.monotonic() + seconds_max
        for one in asked:
            if self._decided and time.monotonic() > until:
                return
            outcome: Outcome | Accepted | Refusal
            if before := known.get(one.id):
                outcome = repeated(before, one.digest)
            elif one.id in first:
                outcome = _PENDING if first[one.id] == one.digest else _other_input()
            else:
                outcome = self._batch.decide(one.command)
                if isinstance(outcome, Accepted):
                    first[one.id] = one.digest
            self._decided.append((one, outcome))

    def to_record(self) -> ToRecord | None:
        """What the accepted commands write; None where none was accepted."""
        if not any(isinstance(outcome, Accepted) for _, outcome in self._decided):
            return None
        writes = self._batch.writes()

        def hook(cursor: Any, _moved: frozenset[bytes], at: datetime) -> None:
            rows = []
            recorded_at = at.astimezone(UTC).isoformat(timespec="microseconds")
            for plan in self._plans(writes):
                answer = self._told[plan.asked.id] = plan.answer(recorded_at)
                first = plan.position - len(plan.accepted.events) + 1 if plan.accepted.events else plan.position
                rows.append(CommandRow(plan.asked.id, plan.asked.digest, first, plan.position, encode_answer(answer)))
            write_commands(self._log, cursor, rows)
            self._batch.write_beside(cursor, at)

        return ToRecord(writes, hook, self._batch.in_one_go)

    def _plans(self, writes: Sequence[StreamWrite]) -> list[_Plan]:
        """Each accepted command with its position: ids follow the writes, stream by stream.

        One that recorded nothing gets the end of the log, for what it found may have been recorded beside it.
        """
        before: dict[bytes, int] = {}
        last_id = self._last_id
        for write in writes:
            before[write.stream] = last_id - write.rows[0].version + 1
            last_id += len(write.rows)
        plans = []
        for asked, accepted in self._decided:
            if isinstance(accepted, Accepted):
                position = before[accepted.stream] + accepted.last if accepted.events else last_id
                plans.append(_Plan(asked, accepted, position))
        return plans

    def outcomes(self) -> list[Outcome]:
        """The outcome of each command decided, in order; of an accepted one, once it is recorded, its answer."""
        return [self._outcome(asked, outcome) for asked, outcome in self._decided]

    def _outcome(self, asked: Asked, outcome: Outcome | Accepted | Refusal) -> Outcome:
        if isinstance(outcome, Refusal):
            return Refused(outcome)
        if isinstance(outcome, Accepted) or outcome is _PENDING:
            told = self._told.get(asked.id)
            if told is None and isinstance(outcome, Accepted):  # a dry run
                return _Plan(asked, outcome, self._last_id).answer(None)
            assert told is not None
            return told
        return outcome


_PENDING = BaseException("the same command stands in this transaction already")


def repeated(known: CommandRow, digest: bytes) -> Outcome:
    """The first answer again, or a refusal where another command came under the same id."""
    return decode_answer(known.answer) if known.input_hash == digest else _other_input()


def _other_input() -> Refused:
    return Refused(refuse(Reason.COMMAND_ID, "命令编号"))
