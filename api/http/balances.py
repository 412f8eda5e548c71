"""Balances of a pool: in all, by village or county, or account by account, page by page."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.http.answers import READ, Balances
from api.http.asked import Desk, Page, answer, cursor_of, known_at_of, known_at_told, page_of, service_of
from api.http.bodies import AsOf, Cursor, KnownAt, Limit, WaitFor
from api.http.problems import invalid
from projections.balances import balances
from projections.pages import account_balances

router = APIRouter(prefix="/v1/pools/{pool}/balances", tags=["余额"])
By = Annotated[
    Literal["village", "county", "account"] | None,
    Query(title="汇总口径", description="按村、按旗县或逐账户；不写为合计"),
]


@router.get(
    "",
    responses={200: {"model": Balances, "description": "余额"}, **READ},
    summary="统筹区余额",
    operation_id="get_balances",
)
async def get_balances(
    request: Request,
    counter: Desk,
    by: By = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    wait_for: WaitFor = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """合计与分来源，可按村、旗县列出；逐账户时按账户编号分页，各页出自同一日志位置。"""
    service, known, after = service_of(request), known_at_of(known_at), UUID(int=0)
    if page := page_of(cursor, as_of, known_at):
        if by != "account":
            raise invalid("query.cursor", "从何处继续", "只用于 by=account")
        try:
            after = UUID(page.after)
        except ValueError:
            raise invalid("query.cursor", "从何处继续", "不是本接口给出的 cursor") from None
        as_of, known = page.as_of, str(page.position)
    await service.wait_for(counter, wait_for)
    with known_at_told():
        if by != "account":
            return answer(await service.read(balances, counter.log, by, as_of, known))
        at, rows, more = await service.read(account_balances, counter.log, after, limit, as_of, known)
    following = None if more is None else cursor_of(Page(str(more), at.position, as_of))
    told: dict[str, Any] = {"pool": counter.log.pool, "position": at.position, "known_at": at.text}
    return answer({**told, "rows": rows, "next": following})
