"""Statements asked for at the same moment are read together, as commands that wait together share a transaction.

While one thread reads for those who waited, others queue up for the next turn: a turn costs the database the same few
questions for one statement and for fifty. A statement is kept, too: while neither its account nor its holder's register
has moved, which each turn asks, it is the same at every position of the log.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from ledger.refusals import Reason, Refused, refuse
from ledger.store.log import PoolLog
from projections.known import Known
from projections.many_statements import Standing, Wanted, many_statements, standings

TOGETHER: Final = 64
"""Statements of one turn at most."""
KEPT_MAX: Final = 8_192
"""Statements kept for a pool: some ten megabytes."""
TURN_SECONDS_MAX: Final = 10.0
_encode: Final = msgspec.json.Encoder().encode


class Printed(NamedTuple):
    """A statement as it is sent, and the tag of its content."""

    body: bytes
    tag: str


class Content(NamedTuple):
    """A statement's bytes but for the position, and their tag.

    A statement whose content stands still is the same while the pool moves on. So its tag is a weak one, in the words
    of HTTP.
    """

    content: bytes
    tag: str

    def at(self, place: bytes) -> Printed:
        """The statement as known at a position."""
        return Printed(place + self.content[1:], self.tag)


def _place(known: Known) -> bytes:
    """What a statement says of its position: the beginning of its bytes."""
    return b'{"position":%d,"known_at":%b,' % (known.position, _encode(known.text))


def content_of(told: dict[str, Any]) -> Content:
    """The content of a statement."""
    rest = dict(told)
    del rest["position"], rest["known_at"]
    content = _encode(rest)
    return Content(content, f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"')


def printed(told: dict[str, Any]) -> Printed:
    """A statement that was read by itself."""
    place = {"position": told["position"], "known_at": told["known_at"]}
    content = content_of(told)
    return Printed(_encode(place)[:-1] + b"," + content.content[1:], content.tag)


_Outcome = Printed | BaseException
_Outcomes = dict[Wanted, _Outcome] | BaseException
_Future = asyncio.Future[Printed]
_Asked = tuple[Wanted, _Future]


class StatementsTogether:
    """One pool's statements as they are known now. Used on the event loop alone; one thread at a time reads for it."""

    def __init__(self, log: PoolLog, readers: ThreadPoolExecutor) -> None:
        self._log = log
        self._readers = readers
        self._waiting: list[_Asked] = []
        self._at_work = False
        self._lock = threading.Lock()
        self._kept: dict[Wanted, tuple[Standing, Content]] = {}

    @property
    def waiting(self) -> int:
        """How many wait for the next turn."""
        return len(self._waiting)

    def ask(self, account: str, year: int, as_of: date | None) -> _Future:
        """The statement, when it is read; its exceptions are `Refused` (UNKNOWN_ACCOUNT) and the database's faults."""
        loop = asyncio.get_running_loop()
        future: _Future = loop.create_future()
        self._waiting.append((Wanted(account, year, as_of), future))
        if not self._at_work:
            self._at_work = True
            loop.call_soon(self._turn, loop)
        return future

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send a thread with those who wait."""
        turn, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        self._at_work = bool(turn)
        if turn:
            late = loop.call_later(TURN_SECONDS_MAX, self._give_up, loop, turn)
            self._readers.submit(self._read, loop, turn, late)

    def _give_up(self, loop: asyncio.AbstractEventLoop, turn: list[_Asked]) -> None:
        """A turn that takes too long is told so, and the next one begins; its thread goes on until it has read."""
        _tell(turn, TimeoutError())
        turn.clear()
        self._turn(loop)

    def _read(self, loop: asyncio.AbstractEventLoop, turn: list[_Asked], late: asyncio.TimerHandle) -> None:
        outcomes: _Outcomes
        try:
            outcomes = self._printed({wanted for wanted, _ in tuple(turn)})
        except BaseException as fault:
            outcomes = fault
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(self._done, loop, turn, late, outcomes)

    def _printed(self, wanted: set[Wanted]) -> dict[Wanted, _Outcome]:
        known, standing = standings(self._log, {one.account for one in wanted})
        place = _place(known)
        fresh: dict[Wanted, Standing] = {}
        outcomes: dict[Wanted, _Outcome] = {}
        for one in wanted:
            stands, kept = standing.get(one.account), self._kept.get(one)
            if stands is None:
                outcomes[one] = Refused(refuse(Reason.UNKNOWN_ACCOUNT, f"账户{one.account}，位置{known.position}"))
            elif kept is not None and kept[0] == stands and stands.last_id <= known.position:
                outcomes[one] = kept[1].at(place)
            else:
                fresh[one] = stands
        for one, told in many_statements(self._log, known, fresh).items():
            content = content_of(told)
            outcomes[one] = content.at(place)
            self._keep(one, fresh[one], content, known)
        return outcomes

    def _keep(self, one: Wanted, stands: Standing, content: Content, known: Known) -> None:
        """Keep a statement that shows all of its account. Two turns come here only where one was given up."""
        if stands.last_id <= known.position:
            with self._lock:
                self._kept.pop(one, None)
                self._kept[one] = (stands, content)
                if len(self._kept) > KEPT_MAX:
                    del self._kept[next(iter(self._kept))]

    def _done(
        self, loop: asyncio.AbstractEventLoop, turn: list[_Asked], late: asyncio.TimerHandle, outcomes: _Outcomes
    ) -> None:
        late.cancel()
        if turn:  # not given up
            _tell(turn, outcomes)
            self._turn(loop)


def _tell(turn: list[_Asked], outcomes: _Outcomes) -> None:
    for wanted, future in turn:
        outcome = outcomes if isinstance(outcomes, BaseException) else outcomes[wanted]
        if future.done():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
            future.exception()  # looked at: nobody need wait for it any more
        else:
            future.set_result(outcome)
