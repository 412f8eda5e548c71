"""Proves that refunds and requests agree: what was paid by request has its event and its verdict, once.

A request whose payment was recorded under its id must have an event of that account, date and amount, and an accepted
verdict of two people on an entry of that account before it; an event that says a request's number must be that
request's payment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from eventsourcing.persistence import MapperDeserialisationError

from ledger.account_events import Refunded
from ledger.refund_requests import pay_id, pay_reason
from ledger.store.log import PoolLog
from ledger.store.mapper import decode
from ledger.store.refunds import RefundRecord, Refunds
from projections.evidence import Finding


def refund_faults(log: PoolLog) -> Iterator[Finding]:
    """Every fault of the pool's refunds by request."""
    try:
        refunds = list(_refunds(log))  # before the requests: what is paid meanwhile stands with its request alone
        records = Refunds(log).every()
    except MapperDeserialisationError:
        return  # an event that cannot be read is told by whoever reads its stream
    for record in records.values():
        yield from _request_faults(log.pool, record)
    paid = {record.paid.position for record in records.values() if record.paid}
    by_id = {str(record.pay_id): number for number, record in records.items()}
    for position, account, version, event in refunds:
        number = by_id.get(event.command_id)
        if number is not None and position not in paid:
            where: dict[str, Any] = {"id": position, "stream": str(account), "version": version}
            yield Finding("refund_without_command", where, f"退费申请 {number} 的退费记录没有对应的命令")


def _request_faults(pool: str, record: RefundRecord) -> Iterator[Finding]:
    request, verdict, paid = record.request, record.verdict, record.paid
    where: dict[str, Any] = {"table": "refund_request", "request": request.number}
    if record.pay_id != pay_id(pool, request.number):
        yield Finding("refund_request_changed", where, f"退费申请 {request.number} 的退费编号不是由其编号得出")
    if verdict is not None and verdict.accepted and verdict.fen != request.fen:
        yield Finding("refund_request_changed", where, f"退费申请 {request.number} 的金额与核验时不同")
    if paid is None:
        return
    if paid.event is None:
        yield Finding("refund_without_event", where, f"退费申请 {request.number} 记为已退费，日志中没有其退费记录")
        return
    if verdict is None or not verdict.accepted or verdict.actor == verdict.reviewer:
        yield Finding("refund_without_verdict", where, f"退费申请 {request.number} 已退费，没有两人核验通过的记录")
        return
    right = (
        (paid.account, -paid.event.effect.total) == (verdict.account, verdict.fen)
        and paid.event.reason == pay_reason(request.number, request.voucher)
        and paid.event.command_id == str(record.pay_id)
    )
    if not right:
        text = f"退费申请 {request.number} 的退费记录与申请、核验不符（账户、金额或原因）"
        yield Finding("refund_differs", {**where, "stream": str(paid.account), "version": paid.version}, text)


def _refunds(log: PoolLog) -> Iterator[tuple[int, UUID, int, Refunded]]:
    statement = log.sql(
        "SELECT notification_id, originator_id, originator_version, topic, state FROM {ledger_events}"
        " WHERE topic = 'account.refunded' ORDER BY notification_id"
    )
    with log.connections.connection() as connection:
        for position, account, version, topic, state in connection.execute(statement):
            event = decode(topic, bytes(state))
            if isinstance(event, Refunded):
                yield position, account, version, event
