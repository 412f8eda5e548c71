"""特殊缴费业务 as they are stored: the approved receivables of those types, and what was fed back of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.exchange import TYPES
from ledger.special_payments import SPECIAL_TYPES, Approved, Feedback
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog

_SPECIAL: Final = [TYPES.index(word) for word in SPECIAL_TYPES]


class FedBack(NamedTuple):
    """A feedback and where it came from: its file, its line, the day it was received."""

    feedback: Feedback
    file_id: int
    line: int
    received_on: date


class SpecialPayments:
    """One pool's special payments."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    @contextmanager
    def alone(self) -> Iterator[tuple[PoolLog, Cursor[TupleRow]]]:
        """One transaction in which nobody else writes here: the log over its connection, and a cursor to write with."""
        with self._log.connections.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(self._log.sql("LOCK TABLE {special_feedback} IN SHARE ROW EXCLUSIVE MODE"))
            yield self._log.on(connection), cursor

    def approved(self, numbers: Collection[str] | None = None) -> list[Approved]:
        """Approved special payments that were not withdrawn, of these numbers or all, by number and year.

        A withdrawal answers the approval of its number, person, item, type and year.
        """
        statement = self._log.sql(
            "SELECT number, participant_id, period, payment_type, fen, approved_on FROM {receivable} r"
            " WHERE data_type = %s AND payment_type = ANY(%s) AND (%s::text[] IS NULL OR number = ANY(%s))"
            " AND NOT EXISTS (SELECT FROM {receivable} w WHERE w.data_type = %s AND w.number = r.number"
            " AND w.participant_id = r.participant_id AND w.kind = r.kind AND w.payment_type = r.payment_type"
            " AND w.period = r.period)"
            " ORDER BY number, period, participant_id"
        )
        asked = None if numbers is None else list(numbers)
        with self._log.connections.connection() as connection:
            rows = connection.execute(statement, (NEW, _SPECIAL, asked, asked, CANCELLED)).fetchall()
        return [Approved(row[0], row[1], row[2], TYPES[row[3]], row[4], row[5]) for row in rows]

    def fed_back(self, numbers: Collection[str] | None = None) -> dict[tuple[str, UUID, int], FedBack]:
        """What was fed back of these numbers or of all, by number, person and year."""
        statement = self._log.sql(
            "SELECT number, participant_id, period, payment_type, fen, treasury_on, voucher, file_id, line, received_on"
            " FROM {special_feedback} WHERE %s::text[] IS NULL OR number = ANY(%s) ORDER BY number, period"
        )
        asked = None if numbers is None else list(numbers)
        with self._log.connections.connection() as connection:
            rows = connection.execute(statement, (asked, asked)).fetchall()
        return {(row[0], row[1], row[2]): _fed_back(row) for row in rows}

    def write(self, cursor: Cursor[TupleRow], said: FedBack) -> None:
        """A feedback as it came."""
        columns = "number, participant_id, period, payment_type, fen, treasury_on, voucher, file_id, line, received_on"
        number, participant, period, payment_type, *rest = said.feedback
        cursor.execute(
            self._log.sql(f"INSERT INTO {{special_feedback}} ({columns}) VALUES ({', '.join(['%s'] * 10)})"),
            (number, participant, period, TYPES.index(payment_type), *rest, *said[1:]),
        )


def _fed_back(row: tuple[Any, ...]) -> FedBack:
    number, participant, period, payment_type, fen, treasury_on, voucher, *place = row
    return FedBack(Feedback(number, participant, period, TYPES[payment_type], fen, treasury_on, voucher), *place)
