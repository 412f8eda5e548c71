"""What a command is told when a neighbour fails, an answer is lost, the queue is full, or the database is gone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
from eventsourcing.persistence import OperationalError, PersistenceError

from ledger.desk import batch, coalesce
from ledger.desk.coalesce import PoolWriter, QueueFullError, Writers
from ledger.desk.commands import Answer
from ledger.refusals import Refused
from ledger.store.connections import Connections
from ledger.store.log import PoolLog
from ledger.store.server import EmbeddedServer, Layout
from migrations.run import migrate
from tests.ledger.desk.counter import Counter, agrees, lost_after_commit, outcome, set_up


class BrokenError(Exception):
    """What no decision says."""


@pytest.fixture
def broken(monkeypatch):
    """A payment out for the reason 坏 breaks its decision."""
    real = batch.pay_out

    def pay_out(*arguments):
        if arguments[-1] == "坏":
            raise BrokenError("the decision broke")
        return real(*arguments)

    monkeypatch.setattr(batch, "pay_out", pay_out)


def recorded_once(counter, answers, above):
    """Each answer agrees with the log, and the log above a position holds nothing else."""
    rows = counter.rows(above)
    assert all(agrees(answer, rows) for answer in answers)
    assert sorted(row.id for row in rows) == list(range(above + 1, counter.position() + 1))
    assert len(rows) == sum(len(answer.events) for answer in answers)


# -- a neighbour that fails --------------------------------------------------------------------------------------------


def test_a_decision_that_breaks_fails_alone(counter, broken):
    one, two = counter.accounts(2)
    before = counter.position()
    told = counter.together(
        counter.pay(one, 10_00),
        counter.pay_out(one, 1_00, reason="坏"),
        counter.pay_out(one, 4_00),
        counter.pay_out(two, 1_00),
        counter.pay(two, 5_00),
        counter.pay_out(two, 1_00, reason="坏"),
    )
    assert [type(one) for one in told] == [Answer, BrokenError, Answer, str, Answer, BrokenError]
    recorded_once(counter, [one for one in told if isinstance(one, Answer)], before)
    assert (counter.fen(one), counter.fen(two)) == (6_00, 5_00)


def test_a_command_whose_record_the_database_refuses_fails_alone(counter):
    """A serial with a zero byte breaks the whole transaction inside its hook, after every state was written."""
    one, two = counter.accounts(2)
    before = counter.position()
    bad = counter.pay(one, serial="S\0")
    told = counter.together(counter.pay(one, 1_00), bad, counter.pay(two, 2_00, serial="S2"), counter.pay(one, 3_00))
    assert [type(one) for one in told] == [Answer, PersistenceError, Answer, Answer]
    recorded_once(counter, [told[0], *told[2:]], before)
    assert (counter.fen(one), counter.fen(two)) == (4_00, 2_00)
    assert isinstance(counter.ask(counter.pay(one, command_id=bad.command_id)), Answer)


def test_a_command_that_the_database_calls_unavailable_is_not_everybody_s_trouble(counter):
    """A serial too long for its index is an OperationalError too, and not one that concerns those behind it."""
    (account,) = counter.accounts(1)
    serial = "".join(random.Random(1).choices("0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", k=9000))
    before = counter.position()
    told = counter.together(*(counter.pay(account, n, serial=serial if n == 2 else "") for n in range(1, 6)))
    assert [type(one) for one in told] == [Answer, OperationalError, Answer, Answer, Answer]
    recorded_once(counter, [told[0], *told[2:]], before)


def test_the_repetitions_of_a_command_beside_a_failing_one_get_its_answer(counter, broken):
    (account,) = counter.accounts(1)
    before = counter.position()
    command = counter.pay(account)
    told = counter.together(
        command,
        counter.pay_out(account, 1, reason="坏"),
        command,
        counter.pay(account, 1, command_id=command.command_id),
    )
    assert told[0] == told[2]
    assert told[3] == "COMMAND_ID"
    recorded_once(counter, [told[0]], before)


def test_a_payment_out_of_no_known_kind_is_none(counter):
    (account,) = counter.accounts(1)
    told = counter.together(counter.pay(account), counter.pay_out(account, 1_00, kind="gift"))
    assert [type(one) for one in told] == [Answer, KeyError]
    assert counter.fen(account) == 100_00


# -- an answer that is lost --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 5])
def test_an_answer_lost_after_the_commit_is_found_again(counter, count):
    (account,) = counter.accounts(1)
    counter.ask(counter.pay(account, serial="S"))
    before = counter.position()
    commands = [counter.pay(account, place + 1) for place in range(count)]
    others = [counter.pay_out(account, 10**9), counter.pay(account, serial="S")] if count > 1 else []
    with lost_after_commit(counter.log) as lost:
        told = counter.together(*commands, *others)
    assert lost
    answers = told[:count]
    assert all(isinstance(answer, Answer) for answer in answers)
    recorded_once(counter, answers, before)
    assert [counter.ask(command) for command in commands] == answers
    if others:
        assert told[count] == "AMOUNT"
        assert told[count + 1].already_there


def test_an_answer_lost_in_the_second_trial_is_found_again(counter, broken):
    """The first transaction fails by a neighbour, so none is lost there; the second trial commits and says nothing."""
    (account,) = counter.accounts(1)
    before = counter.position()
    with lost_after_commit(counter.log) as lost:
        told = counter.together(
            counter.pay(account, 1), counter.pay_out(account, 1, reason="坏"), counter.pay(account, 2)
        )
    assert lost
    assert [type(one) for one in told] == [Answer, BrokenError, Answer]
    recorded_once(counter, [told[0], told[2]], before)


def test_a_connection_lost_before_the_commit_records_each_once(counter, monkeypatch):
    (account,) = counter.accounts(1)
    before = counter.position()
    real, times = batch.Batch.write_beside, []

    def write_beside(self, cursor, at):
        if not times:
            times.append(1)
            cursor.connection.close()
        return real(self, cursor, at)

    monkeypatch.setattr(batch.Batch, "write_beside", write_beside)
    told = counter.together(*(counter.pay(account, n, serial=f"S{n}") for n in range(1, 5)))
    assert times
    assert all(isinstance(answer, Answer) for answer in told)
    recorded_once(counter, told, before)


def test_it_is_said_when_nobody_can_know(counter, monkeypatch, broken):
    """The transaction failed, and what it left cannot be looked up: nobody is told the neighbour's fault."""
    (account,) = counter.accounts(1)
    before = counter.standing()

    def gone(*_):
        raise PersistenceError("gone")

    monkeypatch.setattr(coalesce, "find_commands", gone)
    told = counter.together(counter.pay(account), counter.pay_out(account, 1, reason="坏"))
    assert [type(one) for one in told] == [OperationalError, OperationalError]
    assert counter.standing() == before


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_a_full_queue_says_so_at_once(counter):
    (account,) = counter.accounts(1)
    waiters = counter.put(*(counter.pay(account, 1) for _ in range(coalesce.QUEUE_MAX)))
    started = time.monotonic()
    with pytest.raises(QueueFullError, match=f"{counter.log.pool} 已有1024笔"):
        counter.writer.submit(counter.pay(account), Future())
    assert time.monotonic() - started < 0.1
    counter.hand.go()
    assert all(isinstance(outcome(waiter), Answer) for waiter in waiters)
    assert counter.fen(account) == coalesce.QUEUE_MAX
    assert isinstance(counter.ask(counter.pay(account, 1)), Answer)


def test_who_no_longer_waits_keeps_nobody_from_being_told(counter):
    (account,) = counter.accounts(1)
    waiters = counter.put(*(counter.pay(account, 1) for _ in range(3)))
    assert waiters[1].cancel()
    counter.hand.go()
    assert [waiters[place].result(0).version for place in (0, 2)] == [2, 4]
    assert isinstance(counter.ask(counter.pay(account, 1)), Answer)


def test_answers_that_cannot_be_delivered_do_not_stop_the_queue(counter, caplog):
    (account,) = counter.accounts(1)
    delivered = []

    def deliver(outcomes):
        delivered.append(outcomes)
        if len(delivered) == 1:
            raise BrokenError("the loop is closed")

    writer = PoolWriter(counter.log, counter.register, counter.hand, deliver)
    for _ in range(2):
        writer.submit(counter.pay(account, 1), Future())
        counter.hand.go()
    assert [len(outcomes) for outcomes in delivered] == [1, 1]
    assert counter.fen(account) == 2
    assert "could not be delivered" in caplog.text


def test_the_end_of_the_writers_records_what_waits_and_takes_nothing_more(counter):
    (account,) = counter.accounts(1)
    writers = Writers()
    writer = PoolWriter(counter.log, counter.register, writers)
    waiters = [Future() for _ in range(600)]
    for waiter in waiters:
        writer.submit(counter.pay(account, 1), waiter)
    writers.close()
    assert all(isinstance(outcome(waiter), Answer) for waiter in waiters)
    before = counter.standing()
    for _ in range(2):  # or the second would wait for ever behind the first
        with pytest.raises(RuntimeError):
            writer.ask(counter.pay(account, 1))
    assert counter.standing() == before


def test_commands_wait_for_whoever_holds_the_lock(counter):
    (account,) = counter.accounts(1)
    writers = Writers()
    writer = PoolWriter(counter.log, counter.register, writers)
    held, free = threading.Event(), threading.Event()

    def hold():
        with counter.log.connections.transaction() as connection:
            connection.execute(counter.log.sql("SELECT FROM {log_head} FOR UPDATE"))
            held.set()
            free.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    waiter: Future[Answer] = Future()
    writer.submit(counter.pay(account), waiter)
    time.sleep(0.2)
    assert not waiter.done()
    free.set()
    assert waiter.result(10).version == 2
    holder.join()
    writers.close()


# -- a database that is gone -------------------------------------------------------------------------------------------


@pytest.fixture
def home():
    """A server of its own, to be stopped."""
    made = Path(tempfile.mkdtemp(prefix="pl-stop-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def stop(home: Path) -> None:
    """Have the keeper stop its server, as at the shutdown of a machine, and wait for its end."""
    server = int((Layout(home).cluster / "postmaster.pid").read_text("utf-8").splitlines()[0])
    keeper = int(Path(f"/proc/{server}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGTERM)
    until = time.monotonic() + 30
    while Path(f"/proc/{server}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{server}").exists()


def test_a_stopped_database_is_told_to_all_at_once_and_leaves_nothing_half_recorded(home):
    with EmbeddedServer(home) as server:
        migrate(server.url, ["stopped"])
        with Connections(server.url) as connections:
            counter = Counter(PoolLog(connections, "stopped"))
            set_up(counter.log)
            one, two = counter.accounts(2)
            counter.ask(counter.pay(one, 50_00))
            before, position = counter.standing(), counter.position()
            commands = [counter.pay(one, 1), counter.pay(two, 2, serial="S"), counter.pay_out(one, 3), counter.open()]
            stop(home)
            started = time.monotonic()
            told = counter.together(*commands)
            assert [type(one) for one in told] == [OperationalError] * 4
            assert time.monotonic() - started < 5
        server.ensure()
        with Connections(server.url) as connections:
            counter = Counter(PoolLog(connections, "stopped"))
            assert counter.standing() == before
            told = counter.together(*commands)
            assert all(isinstance(answer, Answer) for answer in told)
            recorded_once(counter, told, position)


def test_a_refused_command_raises_its_refusal_to_each_asker(counter):
    waiters = counter.put(counter.pay_out(counter.accounts(1)[0], 1))
    counter.hand.go()
    with pytest.raises(Refused) as refused:
        waiters[0].result(0)
    assert refused.value.refusal.rule
