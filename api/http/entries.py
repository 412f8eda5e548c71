"""Entries of an account: money in, money out, and the reversal of either."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.http.accounts import CREATED
from api.http.answers import WRITE
from api.http.asked import Desk, Order, done, service_of
from api.http.bodies import AccountId, EntryBody, PaymentBody, ReversalBody, Version, may_hold_number
from api.http.service import Counter
from ledger.account_decisions import Payment
from ledger.desk.commands import AccountCommand, PayOut, RecordPayment, ReverseEntry
from ledger.identity import can_be_citizen_number
from ledger.money import yuan_to_fen
from ledger.refusals import Reason, Refused, refuse
from ledger.store.donors import Donors
from ledger.subsidies import normal_level
from ledger.words import MoneyKind

router = APIRouter(prefix="/v1/pools/{pool}/accounts/{account}/entries", tags=["记账"])


@router.post(
    "", status_code=201, responses={**CREATED, **WRITE}, summary="记一笔收入或支出", operation_id="record_entry"
)
async def record_entry(request: Request, account: AccountId, order: Order, body: EntryBody, counter: Desk) -> Response:
    """收入按入库记账；支出为个人账户养老金或退费，从各来源按比例支付。"""
    said: dict[str, Any] = {**order._asdict(), "account": account}
    command: AccountCommand
    texts: dict[str, str | None]
    if isinstance(body, PaymentBody):
        if body.payer and can_be_citizen_number(body.payer):
            await service_of(request).read(_require_payer, counter, body.payer)
        command = RecordPayment(**said, payment=_payment(body))
        codes = {"缴费明细流水号": body.serial, "电子税票号码": body.voucher, "传输批次号": body.batch}
        texts = {field: code for field, code in codes.items() if code and may_hold_number(code)}
        texts |= {"补贴级次": body.level, "拨付文号": body.allocation_document}
    else:
        fen = yuan_to_fen(body.amount)
        command = PayOut(**said, kind=body.kind, fen=fen, on=body.on, reason=body.reason or "")
        texts = {"原因": body.reason}
    return done(await service_of(request).do(counter, command, texts))


def _require_payer(counter: Counter, payer: str) -> None:
    """A credit code that could be somebody's number, too, is one only where it is registered. Raises `Refused`."""
    if Donors(counter.register).payers_of([payer]).get(payer) != payer:
        raise Refused(refuse(Reason.PAYER_UNKNOWN, "“来源单位”"))


def _payment(body: PaymentBody) -> Payment:
    return Payment(
        kind=MoneyKind(body.kind),
        fen=yuan_to_fen(body.amount),
        period=body.period,
        treasury_on=body.treasury_on,
        payment_type=body.payment_type,
        paid_on=body.paid_on,
        serial=body.serial or "",
        voucher=body.voucher or "",
        payer=body.payer or "",
        batch=body.batch or "",
        level=normal_level(body.level or ""),
        allocation_document=body.allocation_document or "",
    )


@router.post(
    "/{version}/reversal", status_code=201, responses={**CREATED, **WRITE}, summary="冲正", operation_id="reverse_entry"
)
async def reverse_entry(
    request: Request,
    account: AccountId,
    version: Version,
    said: Order,
    body: ReversalBody,
    counter: Desk,
) -> Response:
    """冲正一笔记录：按原记录日期抵销，已结年度的利息随之重算。"""
    command = ReverseEntry(
        **said._asdict(),
        account=account,
        version=version,
        reason=body.reason,
        reviewer=body.reviewer,
    )
    texts = {"冲正原因": body.reason, "复核人": body.reviewer}
    return done(await service_of(request).do(counter, command, texts))
