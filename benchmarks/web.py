"""Statements over HTTP beside a bare FastAPI endpoint: requests a second of `serve` and of an app that does nothing.

Both servers are uvicorn with the same settings, one process each; the bare one answers a small JSON object from an
`async def` without a parameter. The load comes from this process over as many kept-open connections, each sending its
next request when the last was answered, in turns. Only one server is asked at a time. Each request is for the next
account of the pool, so that nothing that was kept is asked for again, as far as the pool has accounts for that.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, repeat
from typing import Any, Final, NamedTuple

from benchmarks.data import YEAR
from benchmarks.machine import BenchFault, Machine, execute
from ledger.store.log import PoolLog
from projections.runner import catch_up

PAIRS: Final = 3
CONNECTIONS: Final = 64
_SECONDS: Final = 2.0
_BARE: Final = """
import uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/bare")
async def bare() -> dict[str, str]:
    return {"answer": "ok"}
uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning", access_log=False)
"""


class WebFigures(NamedTuple):
    """Requests a second of each turn."""

    statements: list[float]
    bare: list[float]

    @property
    def ratio(self) -> float:
        """Statements to bare answers, the median of the turns."""
        return statistics.median(ours / bare for ours, bare in zip(self.statements, self.bare, strict=True))

    def info(self) -> dict[str, Any]:
        """All figures."""
        return {"statements_per_s": self.statements, "bare_per_s": self.bare}


def measure(machine: Machine, log: PoolLog) -> WebFigures:
    """Ask both in turns, after each was asked once for a while."""
    catch_up(log)  # a server that finds millions of events to fold says 503 until it has
    token = json.loads(machine.run("token", "create", "--actor", "bench", "--json").answer)["token"]
    accounts = [row[0] for row in execute(log, "SELECT account_id FROM {account_state} ORDER BY account_id")]
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    asked = cycle(
        f"GET /v1/pools/{log.pool}/accounts/{account}/statement?year={YEAR} HTTP/1.1\r\n{head}".encode()
        for account in accounts
    )
    bare = repeat(f"GET /bare HTTP/1.1\r\n{head}".encode())
    statements, answers = [], []
    ours, theirs = _free_port(), _free_port()
    with (
        machine.running("serve", "--port", str(ours)),
        _bare(theirs),
    ):
        _wait(ours)
        _wait(theirs)
        asyncio.run(_load(ours, asked))
        asyncio.run(_load(theirs, bare))
        for _ in range(PAIRS):
            statements.append(asyncio.run(_load(ours, asked)))
            answers.append(asyncio.run(_load(theirs, bare)))
    return WebFigures(statements, answers)


@contextmanager
def _bare(port: int) -> Iterator[None]:
    child = subprocess.Popen([sys.executable, "-c", _BARE.replace("PORT", str(port))])
    try:
        yield
    finally:
        child.terminate()
        child.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchFault(f"nothing answers on port {port}")


async def _load(port: int, requests: Iterator[bytes]) -> float:
    """Requests answered a second. Raises `BenchFault` for an answer that is not 200."""
    done = 0

    async def one(until: float) -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise BenchFault(f"answered {head[:40]!r}")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            done += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(began + _SECONDS) for _ in range(CONNECTIONS)))
    return done / (time.perf_counter() - began)
