"""Imports that are long, killed, doubled, kept waiting: what stands in the end is what one quiet run leaves."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import date
from functools import partial

import psycopg
import pytest

from ledger.jobs.pace import IN_COMPANY
from ledger.store.job_lock import BusyError, job_lock
from ledger.store.log import PoolLog
from tests.api.cli.desk import COMMAND, RECORDED, THERE, environment, person

HOLDER = "乌云其木格（示例旗社保中心）"
HANDS = ("--actor", "甲", "--reviewer", "乙")
PEOPLE = [person(place) for place in range(1, 301)]
ROWS = 11_000
"""Many tranches."""
WITHOUT_COURTESY = """
import sys
from contextlib import nullcontext
from ledger.jobs import intake
intake.job_lock = lambda *_: nullcontext()
from api.cli.main import main
print("ready", flush=True)
sys.stdin.readline()
main()
"""


def many(desk, rows, name="many.csv", first=()):
    """Payments of 300 people, with cancellations and rows of every ending, in an order in which later need earlier."""
    written = []
    for place in range(rows):
        who = PEOPLE[place % len(PEOPLE)]
        row = desk.payment(
            who, f"M{place}", f"{place % 97 + 1}.{place % 89:02d}", f"202{2 + place % 3}-0{place % 9 + 1}-11"
        )
        if place % 50 == 7:
            row = {**written[place // 2], "数据类型": "撤销"}
        elif place % 50 == 9:
            row = written[place // 3]
        elif place % 50 == 11:
            row = {**written[place // 3], "实缴金额（元）": "0.01"}
        elif place % 50 == 13:
            row = {**row, "征收品目": "集体补助", "费款所属期": "2024", "实缴金额（元）": "40"}
        elif place % 500 == 15:
            row = {**row, "姓名": "旁人"}
        written.append(row)
    return desk.payments([*first, *written], name)


@pytest.fixture(scope="module")
def quiet(open_desk):
    """One undisturbed run: the totals of every account, and how each row ended."""
    desk = ready(open_desk())
    file = many(desk, ROWS)
    assert desk.import_("payments", file, inside=True).code == 2
    outcomes = desk.outcomes(file)
    assert {"SERIAL_CONFLICT", "NAME_DIFFERS", "OVER_CAP", RECORDED, THERE} <= set(outcomes)
    return desk.totals_by_number(), outcomes


def ready(desk):
    desk.enrol(*PEOPLE)
    desk.set("cap", 2024, "50")
    return desk


def start(desk, *arguments):
    return subprocess.Popen(
        [str(COMMAND), *map(str, arguments)], env=environment(desk.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.fixture(scope="module", autouse=True)
def kept_waiting(open_desk):
    """Two commands whose locks somebody else holds: they try for ten seconds, while the other tests go on."""
    desk = open_desk()
    desk.enrol(PEOPLE[0])
    desk.pay(desk.payment(PEOPLE[0], "1", on="2022-05-05"))
    desk.set("rate", 2022, "0.02")
    file = desk.payments([desk.payment(PEOPLE[0], "2")])
    with job_lock(desk.log, "interest", HOLDER), job_lock(desk.log, "import payments", "bayar's"):
        began = time.monotonic()
        run = start(desk, "interest", "run", "--pool", desk.code, "--year", 2022, *HANDS)
        taken = start(desk, "import", "payments", file, "--pool", desk.code, "--actor", "甲")
        yield desk, began, file, ((run, HOLDER), (taken, "bayar’s"))
        for process in (run, taken):
            if process.poll() is None:
                process.kill()
                process.communicate()


def test_a_run_that_waited_goes_on_from_what_it_finds(desk):
    """While it waits for the lock, another takes the same villages in."""
    one, two = PEOPLE[:2]
    file = desk.participants([one, two])
    lock = ExitStack()
    lock.enter_context(job_lock(desk.log, "import participants", "乙"))
    waiting = start(desk, "import", "participants", file, "--pool", desk.code, "--actor", "甲", "--json")
    wait_until(lambda: asked_for_the_lock(desk))
    others = desk.participants([one], "others.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.jobs.intake.job_lock", lambda *_: nullcontext())
        desk.prepare("import", "participants", others, "--pool", desk.code, "--actor", "乙")
        desk.set("cap", 2023, "1000")  # and the rules moved as well
    lock.close()
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err.decode()
    assert desk.outcomes(file) == [THERE, RECORDED]
    assert desk.query("SELECT count(*) FROM {division}") == [(3,)]


def asked_for_the_lock(desk):
    """Whether a session of another process has asked for a job's lock in vain."""
    with desk.log.connections.connection() as connection:
        rows = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%import participants'"
        ).fetchone()
    return rows[0] >= 2


def wait_until(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_lock_ends_with_its_holder(desk):
    with job_lock(desk.log, "interest", "甲"):
        with pytest.raises(BusyError, match="甲"), job_lock(desk.log, "interest", "乙", patience=0):
            pass
        with job_lock(desk.log, "import payments", "乙", patience=0):
            pass
        with job_lock(PoolLog(desk.log.connections, desk.code + "x"), "interest", "乙", patience=0):
            pass
    with job_lock(desk.log, "interest", "乙", patience=0):
        pass


def test_a_dry_run_over_tranches_tells_what_the_run_will(open_desk, quiet):
    desk = ready(open_desk())
    file = many(desk, ROWS)
    before = desk.position()
    dry = desk.import_("payments", file, "--dry-run")
    results = file.with_name(file.name + ".result.csv").read_bytes()
    assert desk.position() == before
    assert desk.query("SELECT count(*) FROM {external_identity}") == [(0,)]
    real = desk.import_("payments", file)
    assert dry.code == real.code == 2
    assert dry.out.replace("试算（未记账）", "完成") == real.out
    assert file.with_name(file.name + ".result.csv").read_bytes() == results
    assert (desk.totals_by_number(), desk.outcomes(file)) == quiet


@contextmanager
def stopped_before(desk, tranche, *processes):
    """What `processes` starts, waiting for the log's head before its first or its second tranche is recorded."""
    hold = desk.log.sql("SELECT * FROM {log_head} FOR UPDATE")
    with psycopg.connect(desk.log.connections.url) as first, psycopg.connect(desk.log.connections.url) as second:
        first.execute(hold)
        started = [begin() for begin in processes]
        wait_until(lambda: waiting_for_the_head(desk) == len(started))
        queue = threading.Thread(target=second.execute, args=(hold,))
        if tranche == 2:
            queue.start()
            wait_until(lambda: waiting_for_the_head(desk) == len(started) + 1)
            first.rollback()
            queue.join()
            wait_until(lambda: waiting_for_the_head(desk) == len(started))
        yield started


def waiting_for_the_head(desk):
    """How many sessions wait for a lock with this pool's log_head in their hands."""
    with desk.log.connections.connection() as connection:
        rows = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s",
            (f"%{desk.log.schema}%log_head%",),
        ).fetchall()
    return rows[0][0]


@pytest.mark.parametrize("tranche", [1, 2])
def test_a_killed_import_is_repeated(open_desk, quiet, tranche):
    """SIGKILL before the first and before the second commit; a run begins with small tranches."""
    desk = ready(open_desk())
    file = many(desk, ROWS)
    before = desk.position()
    begin = partial(start, desk, "import", "payments", file, "--pool", desk.code, "--actor", "甲")
    with stopped_before(desk, tranche, begin) as (killed,):
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    early = sum(row == RECORDED for row in quiet[1][:IN_COMPANY]) if tranche == 2 else 0
    assert desk.position() == before + early
    assert not file.with_name(file.name + ".result.csv").exists()
    for left in file.parent.glob(".*.partial"):
        assert PEOPLE[0].number not in left.read_text()
        left.unlink()
    assert desk.import_("payments", file, inside=tranche == 1).code == 2
    assert desk.totals_by_number() == quiet[0]
    repeated = [
        THERE if row == RECORDED and place < IN_COMPANY and early else row for place, row in enumerate(quiet[1])
    ]
    assert desk.outcomes(file) == repeated
    ((events, versions, rules),) = desk.query(
        "SELECT (SELECT count(*) FROM {ledger_events}), (SELECT sum(version) FROM {account_state}), rules_version"
        " FROM {log_head}"
    )
    assert events == versions + rules == desk.position()


def test_an_interrupted_import_says_so(open_desk, quiet):
    """Ctrl-C while the second tranche waits: the first stays, and nothing pretends to be a result."""
    desk = ready(open_desk())
    file = many(desk, ROWS)
    begin = partial(start, desk, "import", "payments", file, "--pool", desk.code, "--actor", "甲")
    with stopped_before(desk, 2, begin) as (stopped,):
        stopped.send_signal(signal.SIGINT)
        out, err = stopped.communicate(timeout=60)
    assert (stopped.returncode, out) == (130, b"")
    assert "已中断" in err.decode()
    assert list(file.parent.glob("*many*")) == [file]
    assert desk.import_("payments", file, inside=True).code == 2
    assert desk.totals_by_number() == quiet[0]


def test_two_processes_at_once_record_every_row_once(open_desk, quiet):
    """The lock is a courtesy: without it, states and identities keep the money right.

    Both have decided before either records; one of them has rows of its own among those of both.
    """
    desk = ready(open_desk())
    others = [person(place, born=date(1970, 1, 1)) for place in range(1, 101)]
    desk.enrol(*others)
    own = [desk.payment(who, f"O{place}") for place, who in enumerate(others)]
    file, copy = many(desk, ROWS), many(desk, ROWS, "copy.csv", own)

    def racer(one):
        command = ("import", "payments", str(one), "--pool", desk.code, "--actor", "甲")
        return subprocess.Popen(
            [sys.executable, "-c", WITHOUT_COURTESY, *command],
            env=environment(desk.home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def let_go(one):
        one.stdin.write(b"\n")
        one.stdin.flush()
        return one

    racers = [racer(file), racer(copy)]
    assert [one.stdout.readline() for one in racers] == [b"ready\n"] * 2
    with stopped_before(desk, 1, *(partial(let_go, one) for one in racers)):
        pass
    for one in racers:
        _, err = one.communicate(timeout=120)
        assert one.returncode == 2, err.decode()
    totals = desk.totals_by_number()
    assert {number: totals.pop(number) for number in [who.number for who in others]} == {
        who.number: {"contribution": 100_00} for who in others
    }
    assert totals == quiet[0]
    mine, theirs = desk.outcomes(file), desk.outcomes(copy)
    assert theirs[: len(own)] == [RECORDED] * len(own)
    for row, pair in zip(quiet[1], zip(mine, theirs[len(own) :], strict=True), strict=True):
        assert set(pair) == {RECORDED, THERE} if row == RECORDED else pair == (row, row)
    recorded = sum(row == RECORDED for row in quiet[1]) + len(own)
    assert desk.query("SELECT count(*) FROM {external_identity}") == [(recorded,)]


def test_a_second_run_is_told_who_runs_it_since_when(kept_waiting):
    desk, began, file, processes = kept_waiting
    before = desk.position()
    assert desk.inside("interest", "run", "--pool", desk.code, "--year", 2022, *HANDS, "--dry-run").code == 0
    for process, who in processes:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (75, b"")
        assert who in err.decode()
        assert time.strftime("%Y-%m-%dT", time.gmtime()) in err.decode()
    assert time.monotonic() - began >= 10
    assert desk.position() == before
    assert not file.with_name(file.name + ".result.csv").exists()
