"""Refunds as they are told: every request with its status, and what a month leaves open.

Nothing here says who somebody is: a person stands by the id of the register. Amounts in fen inside, yuan outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.account_events import Refunded
from ledger.clock import SHANGHAI
from ledger.money import fen_to_yuan
from ledger.refund_requests import REFUND_TYPES, STATUSES, RefundStatus, status_of
from ledger.store.log import PoolLog
from ledger.store.mapper import decode
from ledger.store.refunds import RefundRecord, Refunds
from ledger.words import CHINESE
from ledger.working_days import passed

_TYPE_TITLES: Final = {code: title for title, code in REFUND_TYPES.items()}
_OPEN: Final = (RefundStatus.ASKED, RefundStatus.ACCEPTED)


class RefundDifference(NamedTuple):
    """A refund that one side alone has at a month's end (REFUND_OPEN). `fen` is tax less agency.

    `key` is the same whenever the month is compared; `cleared` tells what ended it after the month, if anything did.
    """

    key: str
    participant: UUID
    fen: int
    request: str | None
    account: UUID | None
    version: int | None
    cleared: str
    detail: dict[str, Any]


def requests_told(log: PoolLog, today: date, *, only_open: bool = False) -> list[dict[str, Any]]:
    """Every request, or those that wait for somebody, with its age in working days since it came."""
    records = Refunds(log).every().values()
    return [_told(one, today) for one in records if not only_open or one.status in _OPEN]


def _told(record: RefundRecord, today: date) -> dict[str, Any]:
    request, verdict, paid = record.request, record.verdict, record.paid
    event = paid.event if paid else None
    return {
        "request": request.number,
        "status": record.status.value,
        "item": CHINESE[request.kind],
        "period": request.period,
        "amount": fen_to_yuan(request.fen),
        "refund_type": _TYPE_TITLES[request.refund_type],
        "voucher": request.voucher,
        "serial": request.serial,
        "received_on": record.received_on.isoformat(),
        "age_working_days": passed(record.received_on, today) if record.status in _OPEN else None,
        "cancelled_on": record.cancelled_on.isoformat() if record.cancelled_on else None,
        "verdict": {
            "accepted": verdict.accepted,
            "reason": verdict.reason,
            "payer": verdict.payer,
            "payer_rule": verdict.rule,
            "account": str(verdict.account) if verdict.account else None,
            "entry": verdict.entry,
            "actor": verdict.actor,
            "reviewer": verdict.reviewer,
            "recorded_at": verdict.recorded_at.isoformat(),
        }
        if verdict
        else None,
        "refund": {
            "account": str(paid.account),
            "version": paid.version,
            "on": event.effective_on.isoformat(),
            "amount": fen_to_yuan(-event.effect.total),
        }
        if paid and event
        else None,
    }


# -- what a month leaves open ------------------------------------------------------------------------------------------


def refund_differences(
    connection: Connection[TupleRow], log: PoolLog, month: date, position: int
) -> list[RefundDifference]:
    """The differences of a month (its first day), read over one connection, the log as of a position.

    A request that came by the month's end and was neither paid, nor cancelled, nor rejected by then: the tax side waits
    for its money, the agency's books do not show it (its amount below zero). A refund dated in the month that answers
    no request: the agency's books show it, the tax side knows nothing of it (its amount above zero).
    """
    last = _last_day(month)
    records = Refunds(log.on(connection)).every().values()
    found = [one for record in records if (one := _waiting(record, last, position)) is not None]
    return [*found, *_unasked(connection, log, month, last, position)]


def _waiting(record: RefundRecord, last: date, position: int) -> RefundDifference | None:
    """A request as it stood at the end of the day `last`; verdicts and rows count by the day on which they came."""
    paid = record.paid if record.paid and record.paid.position <= position else None
    paid_on = paid.event.effective_on if paid and paid.event else None
    verdicts = [one for one in record.verdicts if one.recorded_at.astimezone(SHANGHAI).date() <= last]
    then = status_of(
        cancelled=record.cancelled_on is not None and record.cancelled_on <= last,
        accepted=verdicts[-1].accepted if verdicts else None,
        paid=paid_on is not None and paid_on <= last,
    )
    if record.received_on > last or then not in _OPEN:
        return None
    request = record.request
    return RefundDifference(
        f"refund request {request.number}",
        request.participant,
        -request.fen,
        request.number,
        None,
        None,
        "" if record.status in _OPEN else STATUSES[record.status],
        {"status": then.value, "received_on": record.received_on.isoformat(), "voucher": request.voucher},
    )


def _unasked(
    connection: Connection[TupleRow], log: PoolLog, month: date, last: date, position: int
) -> Iterator[RefundDifference]:
    """Refunds dated in the month that were recorded for no request, and not reversed since."""
    statement = log.sql(
        "SELECT e.originator_id, e.originator_version, e.topic, e.state, h.participant_id FROM {ledger_events} e"
        " JOIN {account_holder} h ON h.account_id = e.originator_id WHERE e.topic = 'account.refunded'"
        " AND e.notification_id <= %s AND NOT EXISTS (SELECT FROM {refund_request} r JOIN {command} m"
        " ON m.command_id = r.pay_id WHERE m.last_id = e.notification_id) AND NOT EXISTS (SELECT FROM {ledger_events} v"
        " WHERE v.originator_id = e.originator_id AND v.topic = 'account.entry_reversed' AND v.notification_id <= %s"
        " AND (convert_from(v.state, 'UTF8')::jsonb ->> 'reverses')::bigint = e.originator_version)"
        " ORDER BY e.notification_id"
    )
    asked = (position, position)
    for account, version, topic, state, participant in connection.execute(statement, asked).fetchall():
        event = decode(topic, bytes(state))
        if isinstance(event, Refunded) and month <= event.effective_on <= last:
            yield RefundDifference(
                f"refund entry {account} {version}",
                participant,
                -event.effect.total,
                None,
                account,
                version,
                "",
                {"effective_on": event.effective_on.isoformat()},
            )


def _last_day(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
