"""The statement (对账单) of an account and year, with an entity tag of its content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request, Response
from starlette.types import Scope, Send

from api.http.answers import READ, Statement
from api.http.asked import JSON, Desk, known_at_of, known_at_told, service_of
from api.http.bodies import AccountId, AsOf, KnownAt, WaitFor, Year
from api.http.service import Service
from api.http.together import Printed, printed
from ledger.dates import FIRST_PERIOD, LAST_PERIOD
from projections.statement import statement

router = APIRouter(prefix="/v1/pools/{pool}/accounts/{account}/statement", tags=["账户"])
_TAG = {"ETag": {"description": "内容的标记，可作 If-None-Match", "schema": {"type": "string"}, "required": True}}


@router.get(
    "",
    responses={
        200: {"model": Statement, "description": "对账单", "headers": _TAG},
        304: {"description": "内容未变", "headers": _TAG},
        **READ,
    },
    summary="个人账户对账单",
    operation_id="get_statement",
)
async def get_statement(
    request: Request,
    account: AccountId,
    year: Year,
    counter: Desk,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    wait_for: WaitFor = None,
) -> Response:
    """一个年度的期初、各笔记录、利息与期末。同一 known_at 的对账单永远逐字相同。"""
    service, known = service_of(request), known_at_of(known_at)
    await service.wait_for(counter, wait_for)
    if known is None:
        ready = await service.statement(counter, str(account), year, as_of)
    else:
        with known_at_told():
            told = await service.read(statement, counter.log, account, year, as_of, known, counter.register.versions)
        ready = printed(told)
    return answered(ready, request.headers.get("if-none-match"))


def answered(ready: Printed, seen: str | None) -> Response:
    """A statement with its tag, or 304 where the caller has seen it."""
    if seen is not None and _was_seen(ready, seen):
        return Response(None, 304, {"ETag": ready.tag})
    return Response(ready.body, 200, {"ETag": ready.tag}, JSON)


def _was_seen(ready: Printed, seen: str) -> bool:
    return seen.strip() == "*" or ready.tag[2:] in seen


# -- the plain question -----------------------------------------------------------------------------------------------
# Nearly every statement is asked for by its year alone. Such a request is answered at the door: the framework took four
# times as long to find the route and take the address apart as it takes to read the statement. Others go to the route.


class PlainQuestion(NamedTuple):
    """A statement of a year as it is known now, and the tag that the caller has seen."""

    pool: str
    account: str
    year: int
    seen: str | None


def plain_statement(scope: Scope, headers: Mapping[bytes, bytes]) -> PlainQuestion | None:
    """The question, where a request is a plain one."""
    if scope["method"] != "GET" or not (year := _YEAR.fullmatch(scope["query_string"])):
        return None
    found = _ADDRESS.fullmatch(scope["path"])
    if found is None or not FIRST_PERIOD <= int(year[1]) <= LAST_PERIOD:
        return None
    seen = headers.get(b"if-none-match")
    return PlainQuestion(found[1], found[2], int(year[1]), seen.decode("latin-1") if seen is not None else None)


async def send_statement(service: Service, state: dict[str, Any], asked: PlainQuestion, send: Send) -> None:
    """Answer a plain question as the route does."""
    state["route"] = router.prefix
    counter = await service.counter(asked.pool)
    state["pool"] = counter.log.pool
    ready = await service.statement(counter, asked.account, asked.year, None)
    tag = (b"etag", ready.tag.encode())
    if asked.seen is not None and _was_seen(ready, asked.seen):
        await send({"type": "http.response.start", "status": 304, "headers": [tag]})
        await send({"type": "http.response.body", "body": b""})
        return
    length = (b"content-length", str(len(ready.body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [tag, length, _TYPE]})
    await send({"type": "http.response.body", "body": ready.body})


_ADDRESS: Final = re.compile(
    r"/v1/pools/([0-9]{6}|[a-z][a-z0-9]{0,30})/accounts/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/statement"
)
_YEAR: Final = re.compile(rb"year=([0-9]{4})")
_TYPE: Final = (b"content-type", JSON.encode())
