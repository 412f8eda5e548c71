"""Counters in closed loops, in a process of their own: each sends its next command when the last was answered.

Reads a `Load` as JSON from stdin, says ``ready`` when its accounts are read, begins at the next line it is sent, ends
at the one after that or when its time is over, and prints `Served` as JSON. One command in ten is refused.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from ledger.account_decisions import Payment
from ledger.desk.coalesce import PoolWriter, Waiter, Writers
from ledger.desk.commands import RecordPayment
from ledger.desk.transaction import Outcome
from ledger.refusals import Refused
from ledger.store.connections import Connections
from ledger.store.keys import load_keys
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.words import MoneyKind

REFUSED_OF: Final = 10
_SAMPLE: Final = 2_000
_MADE: Final = 40_000
"""Commands that are in memory before the clients begin, as the rows of the peer are; later ones are made in turn."""
_ON: Final = date(2026, 3, 9)


class Load(msgspec.Struct, kw_only=True):
    """Who sends what: so many clients of a pool, for so many seconds."""

    url: str
    home: str
    pool: str
    clients: int
    seconds: float


class Served(msgspec.Struct, kw_only=True):
    """What they got: commands answered (refusals are answers), how long each took (ms), the time from begin to end."""

    answered: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def rate(self) -> float:
        """Commands answered a second."""
        return self.answered / self.seconds


class Clients:
    """All clients of one load, as coroutines of one loop over one queue."""

    writer: PoolWriter

    def __init__(self, load: Load, accounts: list[UUID]) -> None:
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._accounts = accounts
        self._chance = random.Random(20_261_122)
        self._latencies: list[float] = []
        self._refused = 0
        self._over = threading.Event()
        self._serials = itertools.count(time.time_ns() // 1_000)  # the tax side numbers its rows in their order
        self._made = [self._command(turn) for turn in range(_MADE)]

    def deliver(self, outcomes: list[tuple[Waiter, Outcome]]) -> None:
        self._loop.call_soon_threadsafe(self._settle, outcomes)

    @staticmethod
    def _settle(outcomes: list[tuple[Waiter, Outcome]]) -> None:
        for waiter, outcome in outcomes:
            if isinstance(outcome, BaseException):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)

    def _command(self, turn: int) -> RecordPayment:
        account = self._accounts[self._chance.randrange(len(self._accounts))]
        fen = -1 if turn % REFUSED_OF == 0 else 10_000 + turn % 1_000
        payment = Payment(
            MoneyKind.CONTRIBUTION, fen, _ON.year, _ON, paid_on=_ON, serial=f"640100{next(self._serials)}"
        )
        return RecordPayment(actor="bench", command_id=uuid4(), cause="bench", account=account, payment=payment)

    async def _client(self, until: float) -> None:
        turn = self._chance.randrange(1_000)
        made = self._made
        while time.perf_counter() < until and not self._over.is_set():
            turn += 1
            began = time.perf_counter()
            answered: asyncio.Future[Any] = self._loop.create_future()
            self.writer.submit(made.pop() if made else self._command(turn), answered)
            try:
                await answered
            except Refused:
                self._refused += 1
            self._latencies.append(time.perf_counter() - began)

    async def serve(self) -> Served:
        """All clients until the time is over or a line on stdin says so."""
        threading.Thread(target=self._listen, daemon=True).start()
        began = time.perf_counter()
        await asyncio.gather(*(self._client(began + self._load.seconds) for _ in range(self._load.clients)))
        seconds = time.perf_counter() - began
        told = sorted(self._latencies)
        return Served(
            answered=len(told),
            refused=self._refused,
            seconds=seconds,
            p50_ms=told[len(told) // 2] * 1000,
            p99_ms=told[len(told) * 99 // 100] * 1000,
            max_ms=told[-1] * 1000,
        )

    def _listen(self) -> None:
        sys.stdin.readline()
        self._over.set()


async def _main() -> None:
    load = msgspec.json.decode(sys.stdin.readline(), type=Load)
    with Connections(load.url, "pension-ledger bench clients") as connections:
        log = PoolLog(connections, load.pool)
        register = Register(log, load_keys(Path(load.home), {}))
        with connections.connection() as connection:
            statement = "SELECT account_id FROM {account_state} ORDER BY account_id"
            every = [row[0] for row in connection.execute(log.sql(statement)).fetchall()]
        accounts = every[:: max(1, len(every) // _SAMPLE)]
        del every
        clients = Clients(load, accounts)
        writers = Writers()
        clients.writer = PoolWriter(log, register, writers, clients.deliver)
        print("ready", flush=True)
        sys.stdin.readline()
        served = await clients.serve()
        writers.close()
    print(msgspec.json.encode(served).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
