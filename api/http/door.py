"""What every request passes first and last: its id, its token, its size, its line in the journal.

Plain ASGI, outside of the routes: a request without a valid token is refused before anything of it is read.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.faults import problem_of
from api.http.journal import fault_of, tell
from api.http.problems import Problem, forbidden, unauthorized, unavailable
from api.http.service import Service
from api.http.statements import plain_statement, send_statement
from ledger.roster import ROWS_MAX
from ledger.store.tokens import Token
from ledger.words import new_id

BODY_BYTES_MAX: Final = 64 * 1024
LIST_BYTES_MAX: Final = BODY_BYTES_MAX + ROWS_MAX * 320
"""A body that lists persons: a row has some 150 bytes, twice that where it is indented or its text escaped."""
BODY_SECONDS_MAX: Final = 10.0
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LISTS: Final = re.compile(r"/v1/pools/[^/]+/(?:plans/[^/]+/steps|payers/[^/]+/members|statuses)")
_PERHAPS_A_NUMBER: Final = re.compile(rb"\d{15}|\d{17}[\dXx]")
_BODIES: Final = frozenset(("POST", "PUT", "PATCH"))
_READING: Final = frozenset(("GET", "HEAD", "OPTIONS"))


class Door:
    """The application around the routes. What it finds stands in the request's state: `request_id`, `actor`, `pool`."""

    def __init__(self, app: ASGIApp, service: Service | None) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = _chosen(scope["headers"])
        state = scope.setdefault("state", {})
        request_id = state["request_id"] = _request_id(headers.get(b"x-request-id"))
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            try:
                if scope["path"].startswith("/v1/"):
                    token = await self._admitted(headers)
                    state["actor"] = token.actor
                    _let_in(token, scope)
                    if (plain := plain_statement(scope, headers)) is not None:
                        assert self._service is not None
                        await send_statement(self._service, state, plain, sending)
                        return
                if scope["method"] in _BODIES:
                    most = LIST_BYTES_MAX if _LISTS.fullmatch(scope["path"]) else BODY_BYTES_MAX
                    receive = await _whole_body(headers, receive, most)
                await self._app(scope, receive, sending)
            except Exception as fault:
                if not status:
                    await problem_of(fault).response(request_id)(scope, receive, sending)
                state.setdefault("fault", fault)
        finally:
            _write(scope, status, began)

    async def _admitted(self, headers: Mapping[bytes, bytes]) -> Token:
        assert self._service is not None
        scheme, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(text.strip()) <= 200:
            raise unauthorized()
        token = await self._service.token(text.strip())
        if token is None:
            raise unauthorized()
        return token


def _let_in(token: Token, scope: Scope) -> None:
    """End the request where the token does not open the pool of the address, before anything looks for that pool."""
    area, _, rest = scope["path"].removeprefix("/v1/").partition("/")
    pool = rest.partition("/")[0] if area == "pools" else ""
    if not token.opens(pool, to_write=scope["method"] not in _READING):
        raise forbidden()


def _write(scope: Scope, status: int, began: float) -> None:
    """The request's line. Of a fault, where it arose; an answer that was meant to be is none."""
    state, route = scope["state"], scope.get("route")
    fault = state.get("fault")
    tell(
        "error" if status >= 500 and status != 503 else "info",
        request_id=state["request_id"],
        method=scope["method"] if scope["method"].isalpha() else "",
        route=getattr(route, "path", None) or state.get("route", "-"),
        status=status,
        ms=round((time.perf_counter() - began) * 1000, 1),
        pool=state.get("pool"),
        actor=state.get("actor"),
        **(fault_of(fault) if fault is not None and not isinstance(fault, Problem) and status >= 500 else {}),
    )


def _chosen(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    return {name: value for name, value in headers if name in _WANTED}


_WANTED: Final = frozenset((b"x-request-id", b"authorization", b"content-length", b"if-none-match"))


def _request_id(said: bytes | None) -> str:
    """The caller's id if it may stand in an event and a log, else a new one."""
    if said is not None and _REQUEST_ID.fullmatch(said) and not _PERHAPS_A_NUMBER.fullmatch(said):
        return said.decode()
    return str(new_id())


async def _whole_body(headers: Mapping[bytes, bytes], receive: Receive, bytes_max: int) -> Receive:
    """The body, read as far as the limits allow, to be received again."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > bytes_max:
        raise _too_large(bytes_max)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    break
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > bytes_max:
                    raise _too_large(bytes_max)
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise unavailable("请求体未及时送达", 1, "TIMEOUT") from None
    body: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

    async def again() -> Message:
        return body.pop() if body else await receive()

    return again


def _too_large(bytes_max: int) -> Problem:
    rule = f"请求体不得超过{bytes_max // 1024} KiB"
    return Problem(413, "TOO_LARGE", value="请求体", rule=rule, remedy="逐笔报送；名单分为多份报送")
