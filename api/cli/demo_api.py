"""The second half of the demonstration: the ledger over HTTP, asked once for each kind of user.

The server is the one a user starts, as a process of its own on a free port. Unless the environment says ``SERVE=0`` it
stays up for half an hour, so that the lines shown can be pasted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

import msgspec

from api.cli import console
from api.cli.demo_tax import MONTH
from api.cli.demo_tax import POOL as TAX_POOL
from api.cli.session import CommandFault

STAYS_SECONDS: Final = 30 * 60
_SHOWN: Final = 1_200
_STOPS_SECONDS_MAX: Final = 30


class Walk(Protocol):
    """Runs a command of the ledger, and gives what it printed."""

    def command(self, *arguments: str, quiet: bool = False) -> str:
        """What the command printed on stdout."""


def show_api(home: Path, walk: Walk, pool: str, account: str) -> None:
    """Start the API, ask it as an auditor, as a portal and as a job, and leave it up for who wants to try."""
    made = msgspec.json.decode(
        walk.command("token", "create", "--actor", "经办甲", "--expires", "1d", "--json", quiet=True)
    )
    token = str(made["token"])
    with _served(home) as address:
        console.answer(f"\n── HTTP 接口：{address}（说明 {address}/docs）")
        questions = (
            ("审计：一个账户的事件历史", f"/v1/pools/{pool}/accounts/{account}/events?limit=2"),
            ("门户：一个年度的对账单", f"/v1/pools/{pool}/accounts/{account}/statement?year=2024"),
            ("作业：结息后全市合计与日志位置", f"/v1/pools/{pool}/balances"),
            ("对账：已签认的一个月", f"/v1/pools/{TAX_POOL}/reconciliations/{MONTH}"),
        )
        for who, path in questions:
            console.answer(f"\n{who}\n$ curl -s -H 'Authorization: Bearer {token}' '{address}{path}'")
            console.answer(_asked(address + path, token))
        if os.environ.get("SERVE") != "0":
            _stay(address)


@contextmanager
def _served(home: Path) -> Iterator[str]:
    """`pension-ledger serve` on a free port; its address."""
    command = Path(sys.executable).with_name("pension-ledger")
    server = subprocess.Popen(
        [str(command), "serve", "--port", "0"],
        env={**os.environ, "PENSION_LEDGER_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        if not address:
            raise CommandFault("接口没有启动：请直接运行 pension-ledger serve 查看原因")
        _wait(address)
        yield address
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(_STOPS_SECONDS_MAX)
        server.kill()
        server.wait()


def _wait(address: str) -> None:
    for _ in range(100):
        with suppress(OSError), urllib.request.urlopen(f"{address}/readyz", timeout=5):
            return
        time.sleep(0.1)
    raise CommandFault("接口启动后没有应答")


def _asked(url: str, token: str) -> str:
    """The answer, indented, its end left out where it is long."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = bytes(msgspec.json.format(answer.read(), indent=2)).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "\n…"


def _stay(address: str) -> None:
    """Until Ctrl-C or half an hour is over."""
    console.answer(
        f"\n接口 {address} 保持 30 分钟，按 Ctrl-C 提前结束；上面的 curl 可直接粘贴。SERVE=0 make demo 则不停留。"
    )
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        time.sleep(STAYS_SECONDS)
