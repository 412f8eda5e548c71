"""特殊缴费业务 (中断补缴, 一次性补缴) as they are told: approved, fed back by the tax side, booked on the account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import UUID

from ledger.account_events import AccountEvent, EntryReversed, PaymentEvent
from ledger.money import fen_to_yuan
from ledger.special_payments import Feedback
from ledger.store.log import PoolLog
from ledger.store.special_payments import SpecialPayments

_PERSONS: Final = 500
"""Persons whose accounts are read together."""


def special_told(log: PoolLog) -> list[dict[str, Any]]:
    """Every approved special payment with what came of it, by number and year."""
    payments = SpecialPayments(log)
    fed_back = payments.fed_back()
    booked = _booked(log, [one.feedback for one in fed_back.values()])
    told = []
    for approved in payments.approved():
        key = (approved.number, approved.participant, approved.period)
        found = fed_back.get(key)
        entry = booked.get(key)
        told.append(
            {
                "number": approved.number,
                "participant": str(approved.participant),
                "period": approved.period,
                "payment_type": approved.payment_type,
                "amount": fen_to_yuan(approved.fen),
                "approved_on": approved.approved_on.isoformat(),
                "status": "booked" if entry else "fed_back" if found else "approved",
                "treasury_on": found.feedback.treasury_on.isoformat() if found else None,
                "voucher": found.feedback.voucher if found else "",
                "entry": {"account": str(entry[0]), "version": entry[1]} if entry else None,
            }
        )
    return told


def _booked(log: PoolLog, fed_back: Iterable[Feedback]) -> dict[tuple[str, UUID, int], tuple[UUID, int]]:
    """The entry of each feedback that an account has: of its voucher, year and type, and not reversed."""
    found: dict[tuple[str, UUID, int], tuple[UUID, int]] = {}
    for some in _parts(list(fed_back)):
        for participant, account, version, event in _entries(log, {one.participant for one in some}):
            for one in some:
                said = (one.participant, one.voucher, one.period, one.payment_type)
                if said == (participant, event.voucher, event.year, event.payment_type):
                    found.setdefault((one.number, one.participant, one.period), (account, version))
    return found


def _entries(log: PoolLog, participants: set[UUID]) -> Iterator[tuple[UUID, UUID, int, PaymentEvent]]:
    statement = log.sql("SELECT account_id, participant_id FROM {account_holder} WHERE participant_id = ANY(%s)")
    with log.connections.connection() as connection:
        owners = dict(connection.execute(statement, (list(participants),)).fetchall())
    for stream, events in log.histories(owners).items():
        account = UUID(bytes=stream)
        undone = _undone(events)
        for version, event in enumerate(events, 1):
            if isinstance(event, PaymentEvent) and version not in undone:
                yield owners[account], account, version, event


def _undone(events: Iterable[AccountEvent]) -> set[int]:
    return {event.reverses for event in events if isinstance(event, EntryReversed)}


def _parts(fed_back: list[Feedback]) -> Iterator[list[Feedback]]:
    for begin in range(0, len(fed_back), _PERSONS):
        yield fed_back[begin : begin + _PERSONS]
