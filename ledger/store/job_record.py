"""What was run, on whose word, over which file or year, and how it ended: a row beside the log for auditors."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from psycopg.types.json import Jsonb

from ledger import clock
from ledger.late_money import Origin
from ledger.store.log import PoolLog
from ledger.words import new_id


class JobRecord:
    """A job's row: written when it starts, closed with its report when it ends; a killed job's row stays open."""

    def __init__(self, log: PoolLog, kind: str, subject: str, origin: Origin) -> None:
        self._log = log
        self._id = new_id()
        self._told = (kind, subject, origin.actor, origin.reviewer)
        self.report: dict[str, Any] | None = None

    def __enter__(self) -> JobRecord:
        with self._log.connections.connection() as connection:
            connection.execute(
                self._log.sql(
                    "INSERT INTO {job} (job_id, kind, subject, actor, reviewer, started_at)"
                    " VALUES (%s, %s, %s, %s, %s, %s)"
                ),
                (self._id, *self._told, clock.now()),
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        with self._log.connections.connection() as connection:
            connection.execute(
                self._log.sql("UPDATE {job} SET ended_at = %s, report = %s WHERE job_id = %s"),
                (clock.now(), Jsonb(self.report), self._id),
            )
