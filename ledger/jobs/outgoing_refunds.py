"""退费核验信息 and 退费信息 as they go to the tax side (S4 第三章): every verdict, and every refund of a request.

Both are known by ids that are never another's: a second verdict on a request is a row of its own. Who a row is about
stands in the written file alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from ledger.clock import SHANGHAI
from ledger.money import fen_to_yuan
from ledger.refund_requests import PAYERS
from ledger.sending import NAME, NUMBER, PLACE, OutRow
from ledger.store.log import PoolLog
from ledger.store.outgoing import PAGE, OutgoingRows
from ledger.store.refunds import Refunds


class RefundCheck(NamedTuple):
    """A row of 退费核验信息: the verdict on a request. `fen` is what was asked."""

    id: UUID
    number: str
    participant: UUID
    accepted: bool
    reason: str
    fen: int
    decided_on: date
    payer: str


class RefundPaid(NamedTuple):
    """A row of 退费信息: the refund of a request."""

    id: UUID
    number: str
    participant: UUID
    fen: int
    paid_on: date
    voucher: str
    serial: str
    payer: str


def refund_check_rows(log: PoolLog) -> list[RefundCheck]:
    """Every verdict, whether sent or not, in the order of the requests."""
    return [
        RefundCheck(
            verdict.verdict_id,
            record.request.number,
            record.request.participant,
            verdict.accepted,
            verdict.reason,
            verdict.fen,
            verdict.recorded_at.astimezone(SHANGHAI).date(),
            PAYERS[verdict.payer],
        )
        for record in Refunds(log).every().values()
        for verdict in record.verdicts
    ]


def refund_rows(log: PoolLog) -> list[RefundPaid]:
    """Every refund of a request, whether sent or not, in the order of the requests."""
    return [
        RefundPaid(
            record.pay_id,
            record.request.number,
            record.request.participant,
            -record.paid.event.effect.total,
            record.paid.event.effective_on,
            record.request.voucher,
            record.request.serial,
            PAYERS[record.verdict.payer] if record.verdict else "",
        )
        for record in Refunds(log).every().values()
        if record.paid and record.paid.event
    ]


class SentRefundChecks:
    """退费核验信息: what two people decided about each request, accepted or not."""

    kind = "refund-checks"
    columns = (PLACE, "退费申请编号", NUMBER, NAME, "申请退费额", "核验结果", "核验意见", "核验日期", "退费方")
    renamed = False

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    def pages(self) -> Iterator[list[OutRow]]:
        """By the day on which the request came and its number."""
        yield from _pages(self._log, [(one, _said_of_check(one)) for one in refund_check_rows(self._log)])


class SentRefunds:
    """退费信息: what was returned of each request."""

    kind = "refunds"
    columns = (PLACE, "退费申请编号", NUMBER, NAME, "退费金额", "退费日期", "电子税票号码", "缴费明细流水号", "退费方")
    renamed = False

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    def pages(self) -> Iterator[list[OutRow]]:
        """By the day on which the request came and its number."""
        yield from _pages(self._log, [(one, _said_of_refund(one)) for one in refund_rows(self._log)])


def _said_of_check(one: RefundCheck) -> tuple[str, ...]:
    verdict = "通过" if one.accepted else "不通过"
    return one.number, fen_to_yuan(one.fen), verdict, one.reason, one.decided_on.isoformat(), one.payer


def _said_of_refund(one: RefundPaid) -> tuple[str, ...]:
    return one.number, fen_to_yuan(one.fen), one.paid_on.isoformat(), one.voucher, one.serial, one.payer


def _pages(log: PoolLog, rows: Sequence[tuple[RefundCheck | RefundPaid, tuple[str, ...]]]) -> Iterator[list[OutRow]]:
    """Rows under the present version of the register; those of erased persons are left out."""
    for start in range(0, len(rows), PAGE):
        page = rows[start : start + PAGE]
        versions = OutgoingRows(log).versions({one.participant for one, _ in page})
        yield [
            OutRow(str(one.id), one.number, one.participant, versions[one.participant], one.fen, said)
            for one, said in page
            if one.participant in versions
        ]
