"""The history of an account, event by event, page by page."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.http.answers import READ, Events
from api.http.asked import Desk, Page, answer, cursor_of, known_at_of, known_at_told, page_of, service_of
from api.http.bodies import POSITION_MAX, AccountId, AsOf, Cursor, KnownAt, Limit, WaitFor
from api.http.problems import invalid
from projections.pages import account_events

router = APIRouter(prefix="/v1/pools/{pool}/accounts/{account}/events", tags=["账户"])


@router.get(
    "",
    responses={200: {"model": Events, "description": "一页事件"}, **READ},
    summary="账户历史",
    operation_id="get_events",
)
async def get_events(
    request: Request,
    account: AccountId,
    counter: Desk,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    wait_for: WaitFor = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """何时、何事、何人经办复核、依据哪一条。各页出自同一日志位置。"""
    service, known, after = service_of(request), known_at_of(known_at), 0
    if page := page_of(cursor, as_of, known_at):
        if not (page.after.isascii() and page.after.isdigit() and len(page.after) < 19):
            raise invalid("query.cursor", "从何处继续", "不是本接口给出的 cursor")
        after, as_of, known = int(page.after), page.as_of, str(page.position)
    await service.wait_for(counter, wait_for)
    with known_at_told():
        at, events, more = await service.read(account_events, counter.log, account, after, limit, as_of, known)
    following = None if more is None else cursor_of(Page(str(min(more, POSITION_MAX)), at.position, as_of))
    return answer(
        {
            "pool": counter.log.pool,
            "account": str(account),
            "position": at.position,
            "known_at": at.text,
            "events": events,
            "next": following,
        }
    )
