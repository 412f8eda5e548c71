"""Accounts: opened, looked at, closed."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from api.http.answers import READ, WRITE, Account, Done, Statuses
from api.http.asked import Desk, Order, answer, done, known_at_of, known_at_told, service_of
from api.http.bodies import AccountId, AsOf, ClosureBody, KnownAt, OpenAccountBody, WaitFor
from ledger.desk.commands import CloseAccount, OpenAccount
from ledger.identity import IdentityFault, normalise_citizen_number, squeezed
from ledger.refusals import Reason, Refused, refuse
from projections.pages import account as read_account

router = APIRouter(prefix="/v1/pools/{pool}/accounts", tags=["账户"])
CREATED: Final[Statuses] = {
    200: {"model": Done, "description": "试算：可以办理，未记账"},
    201: {"model": Done, "description": "已记账"},
}


@router.post("", status_code=201, responses={**CREATED, **WRITE}, summary="建账", operation_id="open_account")
async def open_account(request: Request, said: Order, body: OpenAccountBody, counter: Desk) -> Response:
    """为参保人建立个人账户。一人在一个统筹区只能有一个未注销的账户。"""
    try:
        number = normalise_citizen_number(body.number)
    except IdentityFault as fault:
        raise Refused(refuse(Reason.IDENTITY_FAULT, "“公民身份号码”", rule=str(fault))) from None
    name = squeezed(body.name)
    if not name:
        raise Refused(refuse(Reason.IDENTITY_FAULT, "“姓名”", rule="姓名不得为空"))
    command = OpenAccount(**said._asdict(), number=number, name=name, division=body.division, opened_on=body.opened_on)
    told = await service_of(request).do(counter, command)
    return done(told, f"/v1/pools/{counter.log.pool}/accounts/{told.account}")


@router.post(
    "/{account}/closure",
    status_code=201,
    responses={**CREATED, **WRITE},
    summary="注销或转出",
    operation_id="close_account",
)
async def close_account(
    request: Request, account: AccountId, said: Order, body: ClosureBody, counter: Desk
) -> Response:
    """终结账户：利息结至当月，余额全部支付或转出。"""
    command = CloseAccount(
        **said._asdict(),
        account=account,
        reviewer=body.reviewer,
        on=body.on,
        reason=body.reason or "",
        to=body.to or "",
        document=body.document or "",
    )
    texts = {"注销原因": body.reason, "转入方": body.to, "转出文号": body.document, "复核人": body.reviewer}
    return done(await service_of(request).do(counter, command, texts))


@router.get(
    "/{account}",
    responses={200: {"model": Account, "description": "账户"}, **READ},
    summary="账户与分来源余额",
    operation_id="get_account",
)
async def get_account(
    request: Request,
    account: AccountId,
    counter: Desk,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    wait_for: WaitFor = None,
) -> Response:
    """状态、所属村、版本号与分来源余额；不含姓名与号码。"""
    service, known = service_of(request), known_at_of(known_at)
    await service.wait_for(counter, wait_for)
    with known_at_told():
        return answer(await service.read(read_account, counter.log, account, as_of, known))
