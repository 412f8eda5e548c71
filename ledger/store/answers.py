"""校验结果 as stored: what the tax side answered to rows of batches, each with the file and the instant it came."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import psycopg
from eventsourcing.persistence import IntegrityError

from ledger import clock
from ledger.late_money import Origin
from ledger.store.arrays import int8_array
from ledger.store.exchange_files import ExchangeFile, ExchangeFiles
from ledger.store.log import PoolLog

Place = tuple[int, int]
"""Batch, and place in it."""


class Verdict(NamedTuple):
    """What was answered: 通过 or not, and why (no name or number of anybody)."""

    accepted: bool
    reason: str


class NewAnswer(NamedTuple):
    """An answer as it came, with its line."""

    place: Place
    line: int
    verdict: Verdict


class Answers:
    """The answers to one pool's batches."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._files = ExchangeFiles(log)

    def standing(self, places: Collection[Place], file_id: int | None) -> dict[Place, tuple[Verdict, Verdict | None]]:
        """The latest answer to each row, and what this file answered before; rows without an answer are absent."""
        statement = self._log.sql(
            "SELECT a.batch, a.place, l.accepted, l.reason, m.accepted, m.reason FROM unnest(%s, %s)"
            " AS a (batch, place), LATERAL (SELECT accepted, reason FROM {exchange_answer} WHERE batch = a.batch"
            " AND place = a.place ORDER BY answered_at DESC, file_id DESC LIMIT 1) AS l LEFT JOIN LATERAL (SELECT"
            " accepted, reason FROM {exchange_answer} WHERE batch = a.batch AND place = a.place AND file_id = %s) AS m"
            " ON true"
        )
        asked = (int8_array([one[0] for one in places]), int8_array([one[1] for one in places]), file_id)
        with self._log.connections.connection() as connection:
            rows = connection.execute(statement, asked).fetchall()
        return {
            (batch, place): (Verdict(accepted, reason), None if mine is None else Verdict(mine, why))
            for batch, place, accepted, reason, mine, why in rows
        }

    def write(self, file: ExchangeFile, answers: Sequence[NewAnswer], origin: Origin) -> None:
        """Answers of a file in one transaction. Raises `IntegrityError` where one of them is there meanwhile."""
        try:
            with self._log.connections.transaction() as connection, connection.cursor() as cursor:
                file_id, at = self._files.register(file, origin, connection), clock.now()
                with cursor.copy(self._log.sql("COPY {exchange_answer} FROM STDIN")) as copy:
                    for (batch, place), line, (accepted, reason) in answers:
                        copy.write_row((batch, place, file_id, line, accepted, reason, origin.actor, at))
        except psycopg.errors.UniqueViolation as fault:
            raise IntegrityError(str(fault)) from fault

    def file_id(self, file: ExchangeFile) -> int | None:
        """The id of a file that came before."""
        return self._files.find(file.kind, file.sha256)
