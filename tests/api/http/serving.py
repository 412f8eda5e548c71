"""A server as its users meet it: the installed command on a socket, and a caller with a token."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.api.cli.desk import COMMAND, Desk, Person, environment, ledger

PROBLEM = ("type", "title", "status", "detail", "reason", "value", "rule", "clause", "remedy")


class Serving:
    """A running server: its address, its process, its journal."""

    def __init__(self, home: Path, journal: Path, *arguments: object, env: Mapping[str, str] | None = None) -> None:
        self.home, self.journal = home, journal
        with journal.open("ab") as stderr:
            self.process = subprocess.Popen(
                [str(COMMAND), "serve", "--port", "0", *map(str, arguments)],
                env=environment(home, env),
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), journal.read_text("utf-8")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end; gives its exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def lines(self) -> list[dict[str, Any]]:
        """The journal's lines."""
        said = self.journal.read_text("utf-8").splitlines()
        return [json.loads(line) for line in said if line.startswith("{")]


@contextmanager
def serving(home: Path, journal: Path, *arguments: object, env: Mapping[str, str] | None = None) -> Iterator[Serving]:
    """A server that is gone at the end."""
    running = Serving(home, journal, *arguments, env=env)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.ended()


class Caller:
    """Somebody with a token who works on one pool; every answer is kept."""

    def __init__(self, url: str, token: str, pool: str) -> None:
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self.base = f"/v1/pools/{pool}"
        self.answers: list[str] = []

    def post(
        self, path: str, body: Any, key: UUID | str | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One command; without a key, under a new one."""
        told = {"Idempotency-Key": str(key or uuid4()), **(headers or {})}
        return self._kept(self.client.post(self.base + path, json=body, headers=told))

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: object) -> httpx.Response:
        """One read."""
        return self._kept(
            self.client.get(self.base + path, params={k: str(v) for k, v in query.items()}, headers=headers)
        )

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        self.answers.append(f"{answer.headers} {answer.text}")
        return answer

    def open(self, who: Person, **more: object) -> str:
        """An account for somebody."""
        answer = self.post("/accounts", opening(who, **more))
        assert answer.status_code == 201, answer.text
        return answer.json()["account"]

    def pay(self, account: str, yuan: str = "100.00", **more: object) -> dict[str, Any]:
        """A contribution that is accepted."""
        answer = self.post(f"/accounts/{account}/entries", payment(yuan, **more))
        assert answer.status_code == 201, answer.text
        return answer.json()


def opening(who: Person, **more: object) -> dict[str, object]:
    """The body that opens an account."""
    return {"number": who.number, "name": who.name, "division": "青县/青镇/青村", "opened_on": "2019-01-02", **more}


def payment(yuan: str = "100.00", **more: object) -> dict[str, object]:
    """The body of a contribution."""
    return {"kind": "contribution", "amount": yuan, "period": 2023, "treasury_on": "2023-05-10", **more}


def token_of(home: Path, actor: str = "甲", *more: object) -> str:
    """A new token."""
    return str(ledger(home, "token", "create", "--actor", actor, "--json", *more).json["token"])


def told_as_problem(answer: httpx.Response, status: int, reason: str) -> dict[str, Any]:
    """Hold an answer to the form of a problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert all(name in told for name in PROBLEM)
    assert (told["status"], told["reason"]) == (status, reason), told
    assert told["request_id"] == answer.headers["x-request-id"]
    return dict(told)


__all__ = ["Caller", "Desk", "Serving", "opening", "payment", "serving", "token_of", "told_as_problem"]
