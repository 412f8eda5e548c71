"""What may go out to the tax side, as it stands: registered persons, and receivables; page by page in a fixed order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.exchange import TYPES
from ledger.store.arrays import uuid_array
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog
from ledger.words import KINDS, MoneyKind

PAGE: Final = 5_000
_NOBODY: Final = UUID(int=0)
_EVERYBODY: Final = UUID(int=(1 << 128) - 1)
_MOST: Final = 2**31 - 1
Key = tuple[Any, ...]
_SAME: Final = (
    "o.number = r.number AND o.participant_id = r.participant_id AND o.kind = r.kind AND o.period = r.period"
    " AND o.payment_type = r.payment_type"
)


class RegisteredPerson(NamedTuple):
    """A participant who is not erased: the register's version, their latest account and its village (code)."""

    participant: UUID
    version: int
    account: bytes
    division: str


class DueReceivable(NamedTuple):
    """A receivable or a withdrawal. `original` is the place (file, line) of the receivable that a withdrawal names."""

    file: int
    line: int
    data_type: int
    kind: MoneyKind
    payment_type: str
    period: int
    approved_on: date
    fen: int
    participant: UUID
    version: int
    number: str
    payer: str
    original: tuple[int, int] | None


class OutgoingRows:
    """One pool's."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    def persons(self) -> Iterator[list[RegisteredPerson]]:
        """All participants who are not erased, by id.

        Their accounts are found first and ordered then: asked at once, a planner walks all accounts for each of them.
        """
        statement = self._log.sql(
            "SELECT p.participant_id, p.register_version, uuid_send(h.account_id), h.division FROM {participant} p,"
            " LATERAL (SELECT * FROM (SELECT account_id, division FROM {account_holder}"
            " WHERE participant_id = p.participant_id OFFSET 0) AS held ORDER BY account_id DESC LIMIT 1) AS h"
            " WHERE p.participant_id > %(after)s AND p.participant_id <= %(until)s AND p.wrapped_key IS NOT NULL"
            " ORDER BY p.participant_id"
        )
        for after, until in self._ranges("{participant}", "participant_id", (_NOBODY,), (_EVERYBODY,)):
            with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
                said = {"after": after[0], "until": until[0]}
                yield [RegisteredPerson(*row) for row in cursor.execute(statement, said)]

    def receivables(self, *, special: bool) -> Iterator[list[DueReceivable]]:
        """All receivables by file and line: regular ones, or those of back payments (`special`).

        One that was withdrawn is no longer due, and its withdrawal names it. Persons who are erased are left out.
        """
        statement = self._log.sql(
            "SELECT r.file_id, r.line, r.data_type, r.kind, r.payment_type, r.period, r.approved_on, r.fen,"
            " r.participant_id, p.register_version, r.number, r.payer, o.place FROM {receivable} r"
            " JOIN {participant} p USING (participant_id) LEFT JOIN LATERAL (SELECT ARRAY[file_id, line] AS place"
            f" FROM {{receivable}} o WHERE {_SAME} AND o.data_type = %(new)s) AS o ON r.data_type = %(cancelled)s"
            " WHERE (r.file_id, r.line) > (%(file)s, %(line)s) AND (r.file_id, r.line) <= (%(last)s, %(last_line)s)"
            " AND (r.payment_type <> 0) = %(special)s AND p.wrapped_key IS NOT NULL AND (r.data_type = %(cancelled)s"
            f" OR NOT EXISTS (SELECT FROM {{receivable}} o WHERE {_SAME} AND o.data_type = %(cancelled)s))"
            " ORDER BY r.file_id, r.line"
        )
        for after, until in self._ranges("{receivable}", "file_id, line", (0, 0), (_MOST, _MOST)):
            said = {
                "file": after[0], "line": after[1], "last": until[0], "last_line": until[1], "special": special,
                "new": NEW, "cancelled": CANCELLED,
            }  # fmt: skip
            with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
                rows = cursor.execute(statement, said).fetchall()
            yield [
                DueReceivable._make((*row[:3], KINDS[row[3]], TYPES[row[4]], *row[5:12], row[12] and tuple(row[12])))
                for row in rows
            ]

    def versions(self, participants: Collection[UUID]) -> dict[UUID, int]:
        """The register's present version of each of these participants; erased ones are left out."""
        statement = self._log.sql(
            "SELECT participant_id, register_version FROM {participant}"
            " WHERE participant_id = ANY(%s) AND wrapped_key IS NOT NULL"
        )
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            asked = uuid_array([one.bytes for one in participants])
            return dict(cursor.execute(statement, (asked,)).fetchall())

    def _ranges(self, table: str, key: str, first: Key, last: Key) -> Iterator[tuple[Key, Key]]:
        """Bounds of `PAGE` rows of a table by its key: behind the one, up to the other.

        A page is bounded by keys and not by a limit behind the filters: a planner that expects few rows to be left
        would sort all that follow, for every page again.
        """
        marks = ", ".join(["%s"] * len(first))
        statement = self._log.sql(
            f"SELECT {key} FROM {table} WHERE ({key}) > ({marks}) ORDER BY {key} OFFSET {PAGE - 1} LIMIT 1"
        )
        after = first
        while True:
            with self._log.connections.connection() as connection:
                row = connection.execute(statement, after).fetchone()
            yield after, row or last
            if row is None:
                return
            after = row
