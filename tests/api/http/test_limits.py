"""What takes too long is told so, and nobody else waits for it."""

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from api.http import service, together
from api.http.together import StatementsTogether
from ledger.store.server import Database
from projections.known import Known
from projections.many_statements import Standing
from tests.api.cli.desk import person
from tests.api.http.serving import told_as_problem


@pytest.fixture(scope="module", autouse=True)
def unfinished(caller, served, token):
    """A line on which nine of ten bytes are still to come: what the server waits for them passes beside the tests."""
    place = urlsplit(served.url)
    head = (
        f"POST {caller.base}/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {uuid4()}\r\nContent-Length: 10\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), timeout=30) as line:
        line.sendall(head.encode() + b"{")
        yield line


def test_a_read_that_takes_too_long_is_told_so(caller, desk):
    """A table is locked: who needs it is answered within its time, who does not is answered at once."""
    account = caller.open(person(660))
    caller.get(f"/accounts/{account}", wait_for=desk.position())
    with desk.log.connections.connection() as connection, connection.transaction():
        connection.execute(desk.log.sql("LOCK TABLE {participant_name} IN ACCESS EXCLUSIVE MODE"))
        with ThreadPoolExecutor(2) as many:
            began = time.monotonic()
            blocked = many.submit(caller.get, f"/accounts/{account}/statement", year=2023)
            time.sleep(0.3)
            assert caller.get(f"/accounts/{account}/events").status_code == 200
            assert caller.get("/balances").status_code == 200
            assert time.monotonic() - began < 5
            answer = blocked.result()
        assert answer.status_code == 503
        assert answer.json()["reason"] in {"TIMEOUT", "UNAVAILABLE"}
        assert int(answer.headers["retry-after"]) >= 1
        assert time.monotonic() - began < 15
    assert caller.get(f"/accounts/{account}/statement", year=2023).status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(unfinished):
    assert unfinished.recv(4096).startswith(b"HTTP/1.1 503")


def test_a_turn_that_takes_too_long_is_given_up_and_the_next_one_begins(monkeypatch):
    """Its callers are told; its late answer reaches nobody; who asks afterwards is served."""
    gate, asked = threading.Event(), []

    def standings(_, accounts):
        asked.append(set(accounts))
        if len(asked) == 1:
            gate.wait(10)
        return Known(7, None), {account: Standing(5, 1) for account in accounts}

    def many_statements(_, known, wanted):
        return {one: {"position": known.position, "known_at": None, "account": str(one.account)} for one in wanted}

    monkeypatch.setattr(together, "standings", standings)
    monkeypatch.setattr(together, "many_statements", many_statements)
    monkeypatch.setattr(together, "TURN_SECONDS_MAX", 0.2)

    async def callers():
        with ThreadPoolExecutor(2) as readers:
            reading = StatementsTogether(None, readers)
            first = reading.ask(UUID(int=1), 2023, None)
            await asyncio.sleep(0.05)
            behind = [reading.ask(UUID(int=number), 2023, None) for number in (2, 3, 3)]
            with pytest.raises(TimeoutError):
                await first
            bodies = [(await one).body for one in behind]
            gate.set()
            later = await reading.ask(UUID(int=4), 2023, None)
        return bodies, later

    bodies, later = asyncio.run(callers())
    assert asked == [{UUID(int=1)}, {UUID(int=2), UUID(int=3)}, {UUID(int=4)}]
    assert bodies[0] == b'{"position":7,"known_at":null,"account":"%b"}' % str(UUID(int=2)).encode()
    assert later.tag.startswith('W/"')


def test_many_that_wait_for_a_position_that_does_not_come(served, caller):
    """Each is told so, and the server goes on."""
    account = caller.open(person(661))

    def read(_):
        return caller.get(f"/accounts/{account}", wait_for=10**9)

    with ThreadPoolExecutor(16) as many:
        answers = list(many.map(read, range(16)))
    for answer in answers:
        told_as_problem(answer, 503, "NOT_YET")
    assert caller.get(f"/accounts/{account}").status_code == 200


def test_many_that_come_with_one_token_wait_for_one_look_up(server, monkeypatch, tmp_path):
    """More than may wait to read: none is sent away, and whoever goes away meanwhile takes nothing from the others."""
    gate, looked_up = threading.Event(), []

    def find(_, text):
        looked_up.append(text)
        gate.wait(10)

    monkeypatch.setattr(service, "find_token", find)

    async def many():
        serving = service.Service(Database(server.url, None, embedded=False, home=tmp_path), lambda _: None)
        asking = [asyncio.create_task(serving.token("plt_x")) for _ in range(2 * service.READS_WAITING_MAX)]
        await asyncio.sleep(0.05)
        asking[0].cancel()
        gate.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert await serving.token("plt_x") is None
        serving.connections.close()
        return answers

    gone, *answers = asyncio.run(many())
    assert isinstance(gone, asyncio.CancelledError)
    assert answers == [None] * (2 * service.READS_WAITING_MAX - 1)
    assert looked_up == ["plt_x"]
