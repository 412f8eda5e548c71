"""缴费不成功信息 as it is stored: cases, and what was done about each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.failure_cases import CaseStanding, Step, StepTaken, standing
from ledger.store.log import PoolLog
from ledger.words import KINDS, MoneyKind

_COLUMNS: Final = (
    "case_id, file_id, line, participant_id, digest, kind, period, fen, failed_on, serial, voucher, cause, batch,"
    " received_at"
)


class Failure(NamedTuple):
    """A payment that failed. A person who is not registered stands by the keyed digest of their number alone."""

    case_id: UUID
    file_id: int
    line: int
    participant: UUID | None
    digest: bytes | None
    kind: MoneyKind
    period: int
    fen: int
    failed_on: date
    serial: str
    voucher: str
    cause: str
    batch: str
    received_at: datetime

    @property
    def content(self) -> tuple[Any, ...]:
        """What makes a failure the same again: not its file, not its batch, not whether its person was known then."""
        return (self.participant or self.digest, *self[5:12])


class FailureCase(NamedTuple):
    """A failure with what was done about it."""

    failure: Failure
    steps: tuple[StepTaken, ...]

    @property
    def standing(self) -> CaseStanding:
        """Where the case stands."""
        return standing(self.steps)


class Failures:
    """One pool's cases."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    @contextmanager
    def alone(self) -> Iterator[tuple[PoolLog, Cursor[TupleRow]]]:
        """One transaction in which nobody else writes here: the log over its connection, and a cursor to write with."""
        with self._log.connections.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(self._log.sql("LOCK TABLE {payment_failure} IN SHARE ROW EXCLUSIVE MODE"))
            yield self._log.on(connection), cursor

    def write(self, cursor: Cursor[TupleRow], failure: Failure) -> None:
        """A new case."""
        marks = ", ".join(["%s"] * len(Failure._fields))
        cursor.execute(
            self._log.sql(f"INSERT INTO {{payment_failure}} ({_COLUMNS}) VALUES ({marks})"),
            tuple(failure._replace(kind=KINDS.index(failure.kind))),  # type: ignore[arg-type]
        )

    def write_step(self, cursor: Cursor[TupleRow], case: UUID, sequence: int, command: UUID, step: StepTaken) -> None:
        """What was done about a case, after the earlier steps."""
        columns = "case_id, sequence, command_id, step, owner, due_on, reason, actor, reviewer, recorded_at"
        cursor.execute(
            self._log.sql(f"INSERT INTO {{failure_step}} ({columns}) VALUES ({', '.join(['%s'] * 10)})"),
            (case, sequence, command, int(step.step), *step[1:]),
        )

    def of_persons(self, participants: Collection[UUID], digests: Collection[bytes]) -> list[Failure]:
        """The failures of these persons, registered or not."""
        where = "participant_id = ANY(%s) OR digest = ANY(%s)"
        return [case.failure for case in self._cases(where, (list(participants), list(digests)))]

    def find(self, case: UUID) -> FailureCase | None:
        """A case by its id."""
        return next(iter(self._cases("case_id = %s", (case,))), None)

    def every(self) -> list[FailureCase]:
        """All cases as they came. Somebody registered since stands by their participant."""
        return self._cases("true", ())

    def _cases(self, where: str, parameters: tuple[Any, ...]) -> list[FailureCase]:
        columns = _COLUMNS.replace("participant_id,", "coalesce(f.participant_id, p.participant_id),")
        columns = columns.replace(" digest,", " f.digest,")
        asked = self._log.sql(
            f"SELECT {columns} FROM (SELECT * FROM {{payment_failure}} WHERE {where}) f LEFT JOIN {{participant}} p"
            " ON f.participant_id IS NULL AND p.digest = f.digest ORDER BY received_at, file_id, line"
        )
        told = self._log.sql(
            "SELECT case_id, step, owner, due_on, reason, actor, reviewer, recorded_at FROM {failure_step}"
            " WHERE case_id = ANY(%s) ORDER BY case_id, sequence"
        )
        with self._log.connections.connection() as connection:
            found = [_failure(row) for row in connection.execute(asked, parameters)]
            steps: dict[UUID, list[StepTaken]] = {}
            for case, step, *rest in connection.execute(told, ([one.case_id for one in found],)):
                steps.setdefault(case, []).append(StepTaken(Step(step), *rest))
        return [FailureCase(one, tuple(steps.get(one.case_id, ()))) for one in found]


def _failure(row: tuple[Any, ...]) -> Failure:
    rest: tuple[Any, ...] = row[6:]
    return Failure(row[0], row[1], row[2], row[3], row[4], KINDS[row[5]], *rest)
