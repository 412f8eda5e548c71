"""The commands of one shared transaction: those known by their ids, those decided, and what is written for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from ledger.desk.batch import Accepted, Batch, accounts_in, serials_in
from ledger.desk.commands import Answer, Command, decode_answer, encode_answer
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.region_rules import RegionRules
from ledger.store.command_ids import CommandRow, commands_in, commands_query, write_commands
from ledger.store.exchange_erasure import UnreadRows
from ledger.store.external_identities import rows_query
from ledger.store.log import PoolLog
from ledger.store.recorder import Query, ToRecord
from ledger.store.recorder_ways import StreamWrite
from ledger.store.register import Register
from ledger.store.states import states_query

Outcome = Answer | BaseException
PART: Final = 22
"""Commands of a part at least: the server writes one part while the next is decided, and each costs it a start."""
PARTS_MAX: Final = 4


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
        unread: UnreadRows | None = None,
    ) -> None:
        self._log = log
        self._batch = Batch(log, register, rules, village, unread)
        self._last_id = last_id
        self._decided: list[tuple[Asked, Outcome | Accepted | Refusal]] = []
        self._first: dict[bytes, bytes] = {}
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

    def decide(self, asked: Sequence[Asked], found: Sequence[Sequence[Any]], seconds_max: float) -> Iterator[ToRecord]:
        """Decide as many as there is time for, at least one, and give what they write part by part.

        What was given is taken to be written when the next part is asked for. A fault of one fails them all; see
        `_one_by_one`.
        """
        known = commands_in(found[0])
        fresh = [one.command for one in asked if one.id not in known]
        self._batch.look_up(fresh, found[1], found[2])
        size = max(PART, -(-len(asked) // PARTS_MAX)) if self._batch.parts(fresh) else len(asked)
        until = time.monotonic() + seconds_max
        for begin in range(0, len(asked), size):
            decided = len(self._decided)
            for one in asked[begin : begin + size]:
                if self._decided and time.monotonic() > until:
                    break
                self._decided.append((one, self._outcome_of(one, known)))
            accepted = [(one, outcome) for one, outcome in self._decided[decided:] if isinstance(outcome, Accepted)]
            if accepted:
                yield self._to_record(accepted)
                self._batch.sent()

    def _outcome_of(self, one: Asked, known: Mapping[bytes, CommandRow]) -> Outcome | Accepted | Refusal:
        if before := known.get(one.id):
            return repeated(before, one.digest)
        if one.id in self._first:
            return _PENDING if self._first[one.id] == one.digest else _other_input()
        outcome = self._batch.decide(one.command)
        if isinstance(outcome, Accepted):
            self._first[one.id] = one.digest
        return outcome

    def _to_record(self, accepted: Sequence[tuple[Asked, Accepted]]) -> ToRecord:
        """What these commands write."""
        writes = self._batch.writes([(asked.command, outcome) for asked, outcome in accepted])

        def hook(cursor: Any, at: datetime) -> None:
            rows = []
            recorded_at = at.astimezone(UTC).isoformat(timespec="microseconds")
            for plan in self._plans(accepted, writes):
                answer = self._told[plan.asked.id] = plan.answer(recorded_at)
                first = plan.position - len(plan.accepted.events) + 1 if plan.accepted.events else plan.position
                rows.append(CommandRow(plan.asked.id, plan.asked.digest, first, plan.position, encode_answer(answer)))
            write_commands(self._log, cursor, rows)
            self._batch.write_beside(cursor, at)

        return ToRecord(writes, hook, self._batch.in_one_go)

    def _plans(self, accepted: Sequence[tuple[Asked, Accepted]], writes: Sequence[StreamWrite]) -> list[_Plan]:
        """Each accepted command with its position: ids follow the writes, stream by stream.

        One that recorded nothing gets the end of the log, for what it found may have been recorded beside it.
        """
        before: dict[bytes, int] = {}
        for write in writes:
            before[write.stream] = self._last_id - write.rows[0].version + 1
            self._last_id += len(write.rows)
        return [
            _Plan(asked, one, before[one.stream] + one.last if one.events else self._last_id) for asked, one in accepted
        ]

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
