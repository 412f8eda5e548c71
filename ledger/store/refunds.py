"""退费申请 and their verdicts as they are stored; what was paid of them is read from the log by its command's id."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.account_events import Refunded
from ledger.exchange import REFUND_SIDE
from ledger.refund_requests import Held, RefundRequest, RefundStatus, Taken, pay_id, status_of
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog
from ledger.store.mapper import decode
from ledger.store.states import load_states
from ledger.words import KINDS

_FIGURES: Final = (
    "number, participant_id, kind, period, fen, paid_fen, refund_type, voucher, serial, paid_on, treasury_on"
)
_VERDICT: Final = (
    "number, sequence, verdict_id, accepted, reason, payer, rule, account_id, entry, fen, facts, actor, reviewer,"
    " recorded_at"
)


class Place(NamedTuple):
    """Where a row came from: its file, its line, the day it was received, its batch."""

    file_id: int
    line: int
    received_on: date
    batch: str


class Verdict(NamedTuple):
    """退费核验 by two people. `account` and `entry` name the entry of an accepted request; `fen` what was asked."""

    number: str
    sequence: int
    verdict_id: UUID
    accepted: bool
    reason: str
    payer: str
    rule: str
    account: UUID | None
    entry: int | None
    fen: int
    facts: str
    actor: str
    reviewer: str
    recorded_at: datetime


class PaidRefund(NamedTuple):
    """The refund of a request in the log; None of all where the command has no event that can be read."""

    position: int
    account: UUID | None
    version: int
    event: Refunded | None


class RefundRecord(NamedTuple):
    """A request with all that happened to it."""

    request: RefundRequest
    pay_id: UUID
    received_on: date
    cancelled_on: date | None
    verdicts: tuple[Verdict, ...]
    paid: PaidRefund | None

    @property
    def verdict(self) -> Verdict | None:
        """The latest verdict."""
        return self.verdicts[-1] if self.verdicts else None

    @property
    def status(self) -> RefundStatus:
        """Where the request stands."""
        verdict = self.verdict
        return status_of(
            cancelled=self.cancelled_on is not None,
            accepted=verdict.accepted if verdict else None,
            paid=self.paid is not None,
        )


RequestsOfEntries = Mapping[tuple[bytes, int], Mapping[str, str]]
"""By account and entry: the numbers of the requests accepted for it, by the command ids of their refunds."""


class Refunds:
    """One pool's refund requests."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    @contextmanager
    def alone(self) -> Iterator[tuple[PoolLog, Cursor[TupleRow]]]:
        """One transaction in which nobody else writes here: the log over its connection, and a cursor to write with."""
        with self._log.connections.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(self._log.sql("LOCK TABLE {refund_request} IN SHARE ROW EXCLUSIVE MODE"))
            yield self._log.on(connection), cursor

    def write(self, cursor: Cursor[TupleRow], request: RefundRequest, data_type: int, place: Place) -> None:
        """A row of 退费申请 as it came."""
        columns = f"{_FIGURES}, data_type, file_id, line, received_on, batch, pay_id"
        cursor.execute(
            self._log.sql(f"INSERT INTO {{refund_request}} ({columns}) VALUES ({', '.join(['%s'] * 17)})"),
            (
                *request._replace(kind=KINDS.index(request.kind)),  # type: ignore[arg-type]
                data_type,
                *place,
                pay_id(self._log.pool, request.number),
            ),
        )
        self._mark(cursor, request.number)

    def write_verdict(self, cursor: Cursor[TupleRow], verdict: Verdict) -> None:
        """A verdict beside the earlier ones."""
        marks = ", ".join(["%s"] * len(Verdict._fields))
        cursor.execute(self._log.sql(f"INSERT INTO {{refund_verdict}} ({_VERDICT}) VALUES ({marks})"), tuple(verdict))
        self._mark(cursor, verdict.number)

    def _mark(self, cursor: Cursor[TupleRow], number: str) -> None:
        """Let the month in which a request came be compared again, and with it every later one."""
        statement = self._log.sql(
            "INSERT INTO {exchange_month} AS m SELECT date_trunc('month', received_on)::date, %s, file_id, 1"
            " FROM {refund_request} WHERE number = %s AND data_type = %s"
            " ON CONFLICT (month, side, file_id) DO UPDATE SET rows = m.rows + EXCLUDED.rows"
        )
        cursor.execute(statement, (REFUND_SIDE, number, NEW))

    def find(self, number: str) -> RefundRecord | None:
        """The request of a number; None where the tax side sent none."""
        return self.find_many([number]).get(number)

    def find_many(self, numbers: Collection[str]) -> dict[str, RefundRecord]:
        """The requests of these numbers."""
        return self._records("r.number = ANY(%s)", (list(numbers),))

    def of_participants(self, participants: Collection[UUID]) -> dict[str, RefundRecord]:
        """The requests about these persons."""
        return self._records("r.participant_id = ANY(%s)", (list(participants),))

    def accepted_for(self, participants: Collection[UUID]) -> RequestsOfEntries:
        """The accepted requests for entries of these persons.

        A verdict is there before its refund: read after an account's events, they are all whose refunds stand there.
        """
        found: dict[tuple[bytes, int], dict[str, str]] = {}
        if not participants:
            return found
        statement = self._log.sql(
            "SELECT v.account_id, v.entry, r.pay_id, r.number FROM {refund_request} r JOIN {refund_verdict} v"
            f" USING (number) WHERE r.participant_id = ANY(%s) AND r.data_type = {NEW} AND v.accepted"
        )
        with self._log.connections.connection() as connection:
            for account, entry, paying, number in connection.execute(statement, (list(participants),)):
                found.setdefault((account.bytes, entry), {})[str(paying)] = number
        return found

    def every(self) -> dict[str, RefundRecord]:
        """All requests, by the day they came and their number."""
        return self._records("true", ())

    def said(self, number: str, data_type: int) -> RefundRequest | None:
        """What the row of this identity said."""
        statement = self._log.sql(f"SELECT {_FIGURES} FROM {{refund_request}} WHERE number = %s AND data_type = %s")
        with self._log.connections.connection() as connection:
            row = connection.execute(statement, (number, data_type)).fetchone()
        return _request(row) if row else None

    def _records(self, where: str, parameters: tuple[Any, ...]) -> dict[str, RefundRecord]:
        figures = ", ".join(f"r.{name.strip()}" for name in _FIGURES.split(","))
        asked = self._log.sql(
            f"SELECT {figures}, r.pay_id, r.received_on, c.received_on, m.last_id, e.originator_id,"
            " e.originator_version, e.topic, e.state FROM {refund_request} r"
            f" LEFT JOIN {{refund_request}} c ON c.number = r.number AND c.data_type = {CANCELLED}"
            " LEFT JOIN {command} m ON m.command_id = r.pay_id"
            " LEFT JOIN {ledger_events} e ON e.notification_id = m.last_id"
            f" WHERE r.data_type = {NEW} AND {where} ORDER BY r.received_on, r.number"
        )
        told = self._log.sql(
            "SELECT " + ", ".join(f"v.{name.strip()}" for name in _VERDICT.split(",")) + " FROM {refund_verdict} v"
            f" JOIN {{refund_request}} r ON r.number = v.number AND r.data_type = {NEW} WHERE {where}"
            " ORDER BY v.number, v.sequence"
        )
        with self._log.connections.connection() as connection:
            rows = connection.execute(asked, parameters).fetchall()
            verdicts: dict[str, list[Verdict]] = {}
            for row in connection.execute(told, parameters):
                verdicts.setdefault(row[0], []).append(Verdict(*row))
        return {
            row[0]: RefundRecord(
                _request(row[:11]), row[11], row[12], row[13], tuple(verdicts.get(row[0], ())), _paid(row[14:])
            )
            for row in rows
        }


def taken_by(records: Iterable[RefundRecord], *, but: str = "") -> list[Taken]:
    """What accepted and paid requests take of entries, beside the request `but`."""
    counted = (RefundStatus.ACCEPTED, RefundStatus.PAID)
    return [
        Taken(verdict.account, verdict.entry, record.request.fen, record.paid.version if record.paid else 0)
        for record in records
        if record.request.number != but and record.status in counted and (verdict := record.verdict) is not None
        if verdict.account is not None and verdict.entry is not None
    ]


def held_accounts(log: PoolLog, accounts: Collection[UUID]) -> list[Held]:
    """Accounts with their states and events, for the decision."""
    states = load_states(log, [account.bytes for account in accounts])
    histories = log.histories(accounts)
    return [
        Held(account, states[account.bytes], histories[account.bytes])
        for account in accounts
        if account.bytes in states and account.bytes in histories
    ]


def _request(row: tuple[Any, ...]) -> RefundRequest:
    number, participant, kind, *rest = row
    return RefundRequest(number, participant, KINDS[kind], *rest)


def _paid(row: tuple[Any, ...]) -> PaidRefund | None:
    position, account, version, topic, state = row
    if position is None:
        return None
    event = decode(topic, bytes(state)) if topic == Refunded.topic else None
    return PaidRefund(position, account, version or 0, event if isinstance(event, Refunded) else None)
