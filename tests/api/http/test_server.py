"""The server's life: it begins where it can, ends in order, and loses nothing when it is killed."""

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from ledger.desk.coalesce import QUEUE_MAX, TOGETHER
from ledger.store.connections import Connections
from ledger.store.log import PoolLog
from ledger.store.server import EmbeddedServer
from migrations.run import migrate
from tests.api.cli.desk import COMMAND, environment, ledger, person
from tests.api.http.serving import Caller, payment, serving, token_of, told_as_problem

CLIENTS = 8
FLOOD = QUEUE_MAX + TOGETHER + 20


class Load:
    """Clients that pay one fen after the other into their own accounts until the server is gone; who knows what."""

    def __init__(self, url, token, pool, accounts):
        self.caller = lambda: Caller(url, token, pool)
        self.accounts = accounts
        self.acknowledged: dict[UUID, int] = {}
        self.unacknowledged: list[tuple[str, UUID]] = []
        self.refused: list[str] = []
        self.stop = threading.Event()

    def client(self, account):
        calling = self.caller()
        while not self.stop.is_set():
            key = uuid4()
            try:
                answer = calling.post(f"/accounts/{account}/entries", payment("0.01"), key)
            except httpx.TransportError:
                self.unacknowledged.append((account, key))
                return
            if answer.status_code == 201:
                self.acknowledged[key] = answer.json()["position"]
            else:
                self.refused.append(answer.text)
        calling.client.close()

    def during(self, do):
        """Run the clients, do something in their midst, and wait for them."""
        with ThreadPoolExecutor(CLIENTS) as many:
            running = [many.submit(self.client, account) for account in self.accounts]
            deadline = time.monotonic() + 30
            while len(self.acknowledged) < 100 and time.monotonic() < deadline:
                time.sleep(0.01)
            told = do()
            self.stop.set()
        for one in running:
            one.result()
        assert len(self.acknowledged) >= 100
        return told


def commands_recorded(log):
    """How often each command id stands in the log."""
    with log.connections.connection() as connection:
        rows = connection.execute(
            log.sql(
                "SELECT convert_from(state, 'UTF8')::jsonb ->> 'command_id', count(*) FROM {ledger_events}"
                " WHERE topic = 'account.contribution_recorded' GROUP BY 1"
            )
        ).fetchall()
    return {UUID(key): count for key, count in rows}


@pytest.fixture
def fresh(open_desk):
    return open_desk()


def accounts_of(url, token, pool):
    calling = Caller(url, token, pool)
    accounts = [calling.open(person(600 + number)) for number in range(CLIENTS)]
    calling.client.close()
    return accounts


def test_it_ends_in_order_with_requests_in_flight(home, fresh, token, tmp_path):
    with serving(home, tmp_path / "journal") as running:
        load = Load(running.url, token, fresh.code, accounts_of(running.url, token, fresh.code))
        assert load.during(running.stop) == 0
    assert load.refused == []
    recorded = commands_recorded(fresh.log)
    assert set(load.acknowledged) <= set(recorded)
    assert set(recorded.values()) == {1}
    # A request is answered or was never taken: what a client does not know of was not recorded.
    assert {key for _, key in load.unacknowledged} & set(recorded) == set()
    assert all(line["level"] == "info" for line in running.lines())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(home, tmp_path, number):
    with serving(home, tmp_path / "journal") as running:
        assert running.stop(number) == 0
    assert "Traceback" not in running.journal.read_text("utf-8")


def test_killed_under_load_nothing_acknowledged_is_lost(home, fresh, token, tmp_path):
    """And what was not acknowledged is repeated under its key, and is there once."""

    def kill():
        running.process.kill()
        return running.ended()

    with serving(home, tmp_path / "journal") as running:
        load = Load(running.url, token, fresh.code, accounts_of(running.url, token, fresh.code))
        assert load.during(kill) == -signal.SIGKILL
    recorded = commands_recorded(fresh.log)
    assert set(load.acknowledged) <= set(recorded)
    with serving(home, tmp_path / "journal-2") as running:
        calling = Caller(running.url, token, fresh.code)
        for account, key in load.unacknowledged:
            answer = calling.post(f"/accounts/{account}/entries", payment("0.01"), key)
            assert answer.status_code == 201
            if key in recorded:
                assert calling.post(f"/accounts/{account}/entries", payment("0.01"), key).content == answer.content
        total = calling.get("/balances", wait_for=answer.json()["position"]).json()["balance"]
        calling.client.close()
        assert running.stop() == 0
    recorded = commands_recorded(fresh.log)
    assert set(recorded) == {*load.acknowledged, *(key for _, key in load.unacknowledged)}
    assert set(recorded.values()) == {1}
    assert total == f"{len(recorded) / 100:.2f}"


def test_a_port_in_use_is_told(home, served):
    port = served.url.rpartition(":")[2]
    ended = ledger(home, "serve", "--port", port)
    assert (ended.code, ended.out) == (1, "")
    assert f"不能在 127.0.0.1 的端口 {port} 监听" in ended.err


@pytest.mark.parametrize("arguments", [("--port", "70000"), ("--port", "x"), ("--colour", "red")])
def test_wrong_usage(home, arguments):
    assert ledger(home, "serve", *arguments).code == 64


def test_it_says_where_it_is_on_one_line(home):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = subprocess.Popen(
        [str(COMMAND), "serve", "--port", str(port)], env=environment(home), stdout=-1, stderr=-1, text=True
    )
    assert done.stdout.readline() == f"http://127.0.0.1:{port}\n"
    done.send_signal(signal.SIGTERM)
    out, _ = done.communicate(timeout=30)
    assert (done.returncode, out) == (0, "")


# -- another database -------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere():
    """A database of its own, named by DATABASE_URL, and a home for the key."""
    with tempfile.TemporaryDirectory(prefix="pl-http-", dir="/tmp") as made:
        Path(made).chmod(0o711)
        with EmbeddedServer(Path(made) / "home") as server:
            yield Path(made) / "keys", server


def test_a_schema_that_is_behind_is_answered_so_until_it_is_migrated(elsewhere, tmp_path):
    home, server = elsewhere
    home.mkdir()
    env = {"DATABASE_URL": server.url}
    with serving(home, tmp_path / "journal", env=env) as running:
        assert httpx.get(running.url + "/healthz").status_code == 200
        behind = httpx.get(running.url + "/readyz")
        told_as_problem(behind, 503, "SCHEMA_BEHIND")
        assert "retry-after" in behind.headers
        any_token = {"Authorization": "Bearer plt_x"}
        told_as_problem(httpx.get(running.url + "/v1/pools/640100/balances", headers=any_token), 503, "SCHEMA_BEHIND")
        assert running.stop() == 0
    with serving(home, tmp_path / "journal", "--migrate", env=env) as running:
        assert httpx.get(running.url + "/readyz").status_code == 200
        assert ledger(home, "pool", "create", "640100", "--name", "测", "--region", "ningxia", env=env).code == 0
        token = ledger(home, "token", "create", "--actor", "甲", "--json", env=env).json["token"]
        calling = Caller(running.url, token, "640100")
        assert calling.get("/balances").status_code == 200
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA pool_640200")
            connection.execute("INSERT INTO pension_shared.pool VALUES ('640200', '旧', 'ningxia')")
        late = Caller(running.url, token, "640200")
        told_as_problem(late.get("/balances"), 503, "SCHEMA_BEHIND")
        assert calling.get("/balances").status_code == 200
        calling.client.close()
        late.client.close()


def test_a_database_that_stops_is_told_and_found_again(elsewhere, tmp_path):
    """Reads and commands are answered 503 in seconds; a command is repeated under its key when it is back."""
    home, server = elsewhere
    home.mkdir()
    env = {"DATABASE_URL": server.url}
    with serving(home, tmp_path / "journal", "--migrate", env=env) as running:
        ledger(home, "pool", "create", "640100", "--name", "测", "--region", "ningxia", env=env)
        migrate(server.url, ["640100"])
        with Connections(server.url) as connections:
            log = PoolLog(connections, "640100")
            assert log.position()[0] == 1
        token = ledger(home, "token", "create", "--actor", "甲", "--json", env=env).json["token"]
        calling = Caller(running.url, token, "640100")
        assert calling.get("/balances").status_code == 200
        stop_for_good(server)
        key, path = uuid4(), f"/accounts/{uuid4()}/entries"
        began = time.monotonic()
        with ThreadPoolExecutor(3) as many:
            for _ in range(3):
                ready = many.submit(httpx.get, running.url + "/readyz", timeout=30)
                asked = many.submit(calling.get, "/balances"), many.submit(calling.post, path, payment(), key), ready
                assert httpx.get(running.url + "/healthz").status_code == 200
                for one in asked:
                    told_as_problem(one.result(), 503, "UNAVAILABLE")
                    assert int(one.result().headers["retry-after"]) >= 1
        assert time.monotonic() - began < 60
        server.ensure()
        deadline = time.monotonic() + 30
        while (status := calling.get("/balances").status_code) != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert status == 200
        told_as_problem(calling.post(path, payment(), key), 404, "UNKNOWN_ACCOUNT")
        calling.client.close()
        assert running.stop() == 0


def stop_server(server):
    """End the postmaster as a machine's stop would."""
    os.kill(postmaster(server), signal.SIGINT)
    require_stopped(server)


def stop_for_good(server):
    """Tell its keeper to end with it, who would start a server again that had run for ten seconds."""
    status = Path(f"/proc/{postmaster(server)}/status").read_text()
    keeper = next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
    os.kill(int(keeper), signal.SIGTERM)
    require_stopped(server)


def postmaster(server):
    return int((server._layout.cluster / "postmaster.pid").read_text().splitlines()[0])


def require_stopped(server):
    pid_file = server._layout.cluster / "postmaster.pid"
    deadline = time.monotonic() + 20
    while pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not pid_file.exists()


def test_the_embedded_server_is_started_again(tmp_path):
    """Whoever serves holds the server of its home: lost, it is started again, and nobody need do anything."""
    with tempfile.TemporaryDirectory(prefix="pl-http-", dir="/tmp") as made:
        Path(made).chmod(0o711)
        home = Path(made) / "home"
        assert ledger(home, "pool", "create", "640100", "--name", "测", "--region", "ningxia").code == 0
        token = token_of(home)
        with serving(home, tmp_path / "journal") as running:
            calling = Caller(running.url, token, "640100")
            assert calling.get("/balances").status_code == 200
            stop_server(EmbeddedServer(home))
            deadline = time.monotonic() + 60
            while (answer := calling.get("/balances")).status_code != 200 and time.monotonic() < deadline:
                told_as_problem(answer, 503, "UNAVAILABLE")
                time.sleep(0.2)
            assert answer.status_code == 200
            calling.client.close()
            assert running.stop() == 0
        time.sleep(1.5)  # the keeper stops the server of a home that nobody uses


# -- a full queue -----------------------------------------------------------------------------------------------------


def test_a_full_queue_is_told_at_once_and_loses_nothing(served, caller, desk, token):
    """While the log's lock is held elsewhere commands wait, so many and no more, and are done afterwards."""
    account = caller.open(person(650))
    body = b'{"kind":"contribution","amount":"0.01","period":2023,"treasury_on":"2023-05-10"}'
    place = httpx.URL(served.url)

    async def one(number):
        reader, writer = await asyncio.open_connection(place.host, place.port)
        head = (
            f"POST {caller.base}/accounts/{account}/entries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: {UUID(int=number)}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
        return answer

    async def many():
        with desk.log.connections.connection() as connection, connection.transaction():
            connection.execute(desk.log.sql("SELECT FROM {log_head} FOR UPDATE"))
            running = [asyncio.create_task(one(number)) for number in range(1, FLOOD + 1)]
            refused, waiting = await asyncio.wait(running, timeout=9, return_when=asyncio.FIRST_COMPLETED)
            while len(refused) < FLOOD - QUEUE_MAX - TOGETHER:
                more, waiting = await asyncio.wait(waiting, timeout=9, return_when=asyncio.FIRST_COMPLETED)
                assert more
                refused |= more
        return await asyncio.gather(*running)

    answers = dict(enumerate(asyncio.run(many()), 1))
    told_so = [number for number, answer in answers.items() if answer.startswith(b"HTTP/1.1 503")]
    refused = [number for number in told_so if b"QUEUE_FULL" in answers[number]]
    late = [number for number in told_so if number not in set(refused)]  # a slow machine: they waited for too long
    done = [number for number, answer in answers.items() if answer.startswith(b"HTTP/1.1 201")]
    assert refused
    assert late or (len(refused) >= FLOOD - QUEUE_MAX - TOGETHER and len(done) >= QUEUE_MAX)
    assert sorted(refused + late + done) == list(range(1, FLOOD + 1))
    assert all(b"retry-after: 1" in answers[one].lower() for one in refused)
    for number in late:
        head = {
            "Authorization": f"Bearer {token}", "Content-Type": "application/json",
            "Idempotency-Key": str(UUID(int=number)),
        }  # fmt: skip
        url = f"{served.url}{caller.base}/accounts/{account}/entries"
        assert httpx.post(url, content=body, headers=head, timeout=30).status_code == 201
    done += late
    told = caller.get(f"/accounts/{account}", wait_for=desk.position()).json()
    assert told["balance"] == f"{len(done) / 100:.2f}"
    again = caller.post(f"/accounts/{account}/entries", payment("0.01"), UUID(int=refused[0]))
    assert again.status_code == 201
