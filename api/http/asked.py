"""What the routes share: whose request it is, the instants it names, and answers as bytes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any, Final, NamedTuple, cast
from uuid import UUID

import msgspec
from fastapi import Depends, Request, Response

from api.http.bodies import POSITION_MAX, DryRun, IdempotencyKey, PoolCode
from api.http.problems import Problem, invalid
from api.http.service import Counter, Service
from projections.known import KnownAtFault

JSON: Final = "application/json"
encode: Final = msgspec.json.Encoder().encode
_POSITION: Final = re.compile(r"\d{1,19}", re.ASCII)
_PLUS_LOST: Final = re.compile(r"(.*\d) (\d\d:?\d\d)", re.ASCII)


def service_of(request: Request) -> Service:
    """The service behind the application."""
    return cast("Service", request.app.state.service)


async def counter_of(request: Request, pool: PoolCode) -> Counter:
    """The pool that the address names; from here on the journal's line may name it, too."""
    counter = await service_of(request).counter(pool)
    request.state.pool = counter.log.pool
    return counter


Desk = Annotated[Counter, Depends(counter_of)]


class Said(NamedTuple):
    """On whose word a command is, what its events say of the request, and whether it is only tried."""

    actor: str
    command_id: UUID
    cause: str
    dry_run: bool = False


async def said_by(request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Said:
    """The origin of a request's command."""
    return Said(request.state.actor, key, f"request {request.state.request_id}", dry_run)


Order = Annotated[Said, Depends(said_by)]


def known_at_of(text: str | None) -> str | None:
    """A `known_at` as the ledger reads it. Ends the request for what is neither a position nor an instant."""
    if text is None:
        return None
    plain = text.strip()
    if _POSITION.fullmatch(plain) and int(plain) <= POSITION_MAX:
        return plain
    if lost := _PLUS_LOST.fullmatch(plain):  # a + in an address is a space
        plain = f"{lost[1]}+{lost[2]}"
    try:
        instant = datetime.fromisoformat(plain)
    except ValueError:
        raise _no_instant() from None
    if instant.tzinfo is None or not 1900 < instant.year < 9000:
        raise _no_instant()
    return plain


@contextmanager
def known_at_told() -> Iterator[None]:
    """A position that the log has not reached: told without repeating it."""
    try:
        yield
    except KnownAtFault:
        raise invalid("query.known_at", "按当时已记录的数据", "超过本统筹区日志的最后一笔") from None


def _no_instant() -> Problem:
    return invalid(
        "query.known_at", "按当时已记录的数据", "须为位置（纯数字）或带时区的时刻，例如 2026-11-22T17:30:00Z"
    )


class Page(msgspec.Struct, frozen=True, array_like=True):
    """Where a page begins: behind which key, at which position, on which day."""

    after: str
    position: int
    as_of: date | None = None


_decode_page: Final = msgspec.json.Decoder(Page).decode


def cursor_of(page: Page) -> str:
    """A page as the text in an address."""
    return base64.urlsafe_b64encode(encode(page)).decode().rstrip("=")


def page_of(cursor: str | None, as_of: date | None, known_at: str | None) -> Page | None:
    """The page that a cursor means. Ends the request for one that is none, or that other times stand beside."""
    if cursor is None:
        return None
    if as_of is not None or known_at is not None:
        raise invalid("query.cursor", "从何处继续", "已含 as_of 与 known_at，不与之同用")
    try:
        page = _decode_page(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if 0 <= page.position <= POSITION_MAX:
            return page
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        pass
    raise invalid("query.cursor", "从何处继续", "不是本接口给出的 cursor")


def done(told: Any, location: str = "", *, shown: Any = None) -> Response:
    """The answer to a command: 201 for what was recorded, with where it stands; 200 for what was only tried."""
    shown = told if shown is None else shown
    if told.dry_run:
        return answer(shown)
    return answer(shown, 201, {"Location": location} if location else None)


def answer(told: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer as JSON."""
    return Response(encode(told), status, headers, JSON)
