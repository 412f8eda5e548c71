"""Batches that went out to the tax side, their rows by ids, and what was answered to each.

Batches are numbered without a gap in the transaction that records them. Citizen numbers and names are not stored again:
they are opened from the register as it stood then whenever a batch's file is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger import clock
from ledger.late_money import Origin
from ledger.sending import LatestSent, OutRow, total_of
from ledger.store.arrays import int8_array, text_array
from ledger.store.log import PoolLog

_PAGE: Final = 5_000
_VERDICT: Final = (
    "LATERAL (SELECT (SELECT a.accepted FROM {exchange_answer} a WHERE a.batch = s.batch AND a.place = s.place"
    " ORDER BY a.answered_at DESC, a.file_id DESC LIMIT 1) AS accepted) AS v"
)
"""The latest answer to the row `s`: null where there is none."""


class Batch(NamedTuple):
    """A batch: its number, the kind and columns of its rows, how many and how much (fen), on whose word and when."""

    batch: int
    kind: str
    columns: tuple[str, ...]
    rows: int
    fen: int
    actor: str
    reviewer: str
    sent_at: datetime


class BatchCounts(NamedTuple):
    """A batch with how its rows were answered."""

    batch: Batch
    accepted: int
    rejected: int


class SentRow(NamedTuple):
    """A row as it was sent."""

    place: int
    participant: UUID | None
    version: int
    said: tuple[str, ...]


class Rejected(NamedTuple):
    """A rejected row that was not sent again: what it is about, the reason, and the village (code) it belongs to."""

    batch: int
    place: int
    kind: str
    subject: str
    participant: UUID | None
    said: tuple[str, ...]
    columns: tuple[str, ...]
    reason: str
    answered_at: datetime
    division: str
    released: bool


class SentBatches:
    """The batches of one pool."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    # -- writing ---------------------------------------------------------------------------------------------------

    def record(self, kind: str, columns: Sequence[str], rows: Sequence[OutRow], origin: Origin) -> int:
        """The next batch with its rows, numbered from 1 in their order; gives its number."""
        with self._log.connections.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(self._log.sql("LOCK TABLE {exchange_batch} IN SHARE ROW EXCLUSIVE MODE"))
            batch = self._next(cursor)
            cursor.execute(
                self._log.sql("INSERT INTO {exchange_batch} VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"),
                (batch, kind, list(columns), len(rows), total_of(rows), origin.actor, origin.reviewer, clock.now()),
            )
            columns_of_row = "batch, place, kind, subject, participant_id, register_version, fen, said"
            with cursor.copy(self._log.sql(f"COPY {{exchange_sent}} ({columns_of_row}) FROM STDIN")) as copy:
                for place, row in enumerate(rows, 1):
                    cells = (row.subject, row.participant, row.version, row.fen, list(row.said))
                    copy.write_row((batch, place, kind, *cells))
        return batch

    def _next(self, cursor: Any) -> int:
        (number,) = cursor.execute(self._log.sql("SELECT coalesce(max(batch), 0) + 1 FROM {exchange_batch}")).fetchone()
        return int(number)

    def next_number(self) -> int:
        """The number that the next batch would have."""
        with self._log.connections.connection() as connection:
            return self._next(connection)

    def release(self, batch: int, place: int, reason: str, origin: Origin) -> bool:
        """A rejected row that was not sent again, to be sent as it stands; False where it is no such row."""
        statement = (
            "INSERT INTO {exchange_release} SELECT s.batch, s.place, %(reason)s, %(actor)s, %(reviewer)s, %(at)s"
            f" FROM {{exchange_sent}} s, {_VERDICT} WHERE s.batch = %(batch)s AND s.place = %(place)s"
            f" AND NOT v.accepted AND {_NOT_AGAIN} ON CONFLICT DO NOTHING"
        )
        said = {
            "batch": batch, "place": place, "reason": reason, "actor": origin.actor, "reviewer": origin.reviewer,
            "at": clock.now(),
        }  # fmt: skip
        with self._log.connections.connection() as connection:
            return connection.execute(self._log.sql(statement), said).rowcount == 1

    # -- reading ---------------------------------------------------------------------------------------------------

    def latest(self, kind: str, subjects: Collection[str]) -> dict[str, LatestSent]:
        """What was sent last about each of these subjects, and how it was answered."""
        statement = self._log.sql(
            "SELECT s.subject, s.batch, s.place, s.register_version, s.said, v.accepted,"
            " EXISTS (SELECT FROM {exchange_release} r WHERE r.batch = s.batch AND r.place = s.place)"
            " FROM unnest(%s) AS a (subject), LATERAL (SELECT * FROM {exchange_sent}"
            " WHERE kind = %s AND subject = a.subject ORDER BY batch DESC LIMIT 1) AS s, " + _VERDICT
        )
        with self._log.connections.connection() as connection:
            rows = connection.execute(statement, (text_array(subjects), kind)).fetchall()
        return {
            subject: LatestSent(batch, place, version, tuple(said), accepted, released)
            for subject, batch, place, version, said, accepted, released in rows
        }

    def find(self, batch: int) -> Batch | None:
        """A batch by its number."""
        columns = ", ".join(Batch._fields)
        statement = self._log.sql(f"SELECT {columns} FROM {{exchange_batch}} WHERE batch = %s")
        with self._log.connections.connection() as connection:
            row = connection.execute(statement, (batch,)).fetchone()
        return Batch(*row)._replace(columns=tuple(row[2])) if row else None

    def pages(self, batch: int) -> Iterator[list[SentRow]]:
        """The rows of a batch in their order."""
        statement = self._log.sql(
            "SELECT place, participant_id, register_version, said FROM {exchange_sent}"
            " WHERE batch = %s AND place > %s ORDER BY place LIMIT %s"
        )
        after = 0
        while True:
            with self._log.connections.connection() as connection:
                rows = connection.execute(statement, (batch, after, _PAGE)).fetchall()
            if not rows:
                return
            yield [SentRow(place, who, version, tuple(said)) for place, who, version, said in rows]
            after = rows[-1][0]

    def every(self) -> list[BatchCounts]:
        """All batches with how they were answered, the latest first."""
        columns = ", ".join(f"b.{name}" for name in Batch._fields)
        statement = self._log.sql(
            f"SELECT {columns}, coalesce(c.accepted, 0), coalesce(c.rejected, 0) FROM {{exchange_batch}} b LEFT JOIN ("
            "SELECT batch, count(*) FILTER (WHERE accepted) AS accepted, count(*) FILTER (WHERE NOT accepted)"
            " AS rejected FROM (SELECT DISTINCT ON (batch, place) batch, accepted FROM {exchange_answer}"
            " ORDER BY batch, place, answered_at DESC, file_id DESC) AS latest GROUP BY batch) AS c USING (batch)"
            " ORDER BY b.batch DESC"
        )
        with self._log.connections.connection() as connection:
            rows = connection.execute(statement).fetchall()
        return [BatchCounts(Batch(*row[:8])._replace(columns=tuple(row[2])), row[8], row[9]) for row in rows]

    def rejected(self, kind: str | None = None) -> list[Rejected]:
        """The rejected rows that were not sent again, by batch and place; of one kind, or all."""
        statement = self._log.sql(
            "SELECT s.batch, s.place, s.kind, s.subject, s.participant_id, s.said, b.columns, l.reason, l.answered_at,"
            " coalesce((SELECT h.division FROM (SELECT * FROM {account_holder} WHERE participant_id = s.participant_id"
            " OFFSET 0) AS h ORDER BY h.account_id DESC LIMIT 1),"
            " (SELECT p.village FROM {payer} p WHERE p.code = s.subject ORDER BY p.version DESC LIMIT 1), ''),"
            " EXISTS (SELECT FROM {exchange_release} r WHERE r.batch = s.batch AND r.place = s.place)"
            " FROM (SELECT DISTINCT ON (batch, place) batch, place, accepted, reason, answered_at"
            " FROM {exchange_answer} ORDER BY batch, place, answered_at DESC, file_id DESC) AS l"
            " JOIN {exchange_sent} s USING (batch, place) JOIN {exchange_batch} b USING (batch)"
            f" WHERE NOT l.accepted AND {_NOT_AGAIN} AND (%(kind)s::text IS NULL OR s.kind = %(kind)s)"
            " ORDER BY s.batch, s.place"
        )
        with self._log.connections.connection() as connection:
            rows = connection.execute(statement, {"kind": kind}).fetchall()
        return [Rejected(*row)._replace(said=tuple(row[5]), columns=tuple(row[6])) for row in rows]

    def rows_at(self, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], SentRow]:
        """The rows at these places of batches; unknown ones are absent."""
        statement = self._log.sql(
            "SELECT s.batch, s.place, s.participant_id, s.register_version, s.said FROM unnest(%s, %s)"
            " AS a (batch, place), LATERAL (SELECT * FROM {exchange_sent} WHERE batch = a.batch AND place = a.place"
            " OFFSET 0) AS s"
        )
        asked = (int8_array([one[0] for one in places]), int8_array([one[1] for one in places]))
        with self._log.connections.connection() as connection:
            rows = connection.execute(statement, asked).fetchall()
        return {(batch, place): SentRow(place, who, version, tuple(said)) for batch, place, who, version, said in rows}


_NOT_AGAIN: Final = (
    "NOT EXISTS (SELECT FROM {exchange_sent} n WHERE n.kind = s.kind AND n.subject = s.subject AND n.batch > s.batch)"
)
"""The row `s` is the latest of its subject."""
