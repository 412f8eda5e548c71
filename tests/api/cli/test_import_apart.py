"""A long file of payments is read by a process of its own: what ends is what a short one's way ends in."""

import os
import signal
import threading

import psycopg
import pytest

from api.cli import imports
from ledger.jobs import apart, intake
from tests.api.cli.desk import RECORDED, REFUSED, THERE, person

PEOPLE = [person(number) for number in range(1, 41)]


def rows(desk):
    """Money, cancellations some rows and some pages after it, repetitions, conflicts, strangers, broken rows."""
    told = [desk.payment(one, f"R{place}", 费款所属期="2023") for place, one in enumerate(PEOPLE)]
    told += [{**told[place], "数据类型": "撤销"} for place in (0, 17, 39)]
    told += [told[5], {**told[6], "实缴金额（元）": "1.00"}, desk.payment(person(77), "S1")]
    told += [{**told[8], "公民身份号码": "640000198003010009", "缴费明细流水号": "N1"}]
    told += [
        {**told[9], "姓名": "别人", "缴费明细流水号": "N2"},
        {**told[10], "实缴金额（元）": "-1", "缴费明细流水号": "N3"},
    ]
    return [*told, *({**row, "缴费明细流水号": f"L{place}"} for place, row in enumerate(told[:40]))]


def test_it_ends_as_in_one_process(open_desk, monkeypatch):
    """Row by row and to the fen, in tranches so small that rows find what earlier tranches recorded."""
    here, there = open_desk(), open_desk()
    monkeypatch.setattr(intake, "TRANCHE", 8)
    ended = []
    for desk, long_from in ((here, 10_000), (there, 1)):
        monkeypatch.setattr(imports, "LONG_FROM", long_from)
        desk.enrol(*PEOPLE)
        file = desk.payments(rows(desk), "payments.csv")
        trial = desk.import_("payments", file, "--dry-run", inside=True)
        tried = desk.results(file)
        done = desk.import_("payments", file, inside=True)
        ended.append((trial.code, tried, done.code, desk.results(file), desk.totals_by_number()))
    assert ended[0] == ended[1]
    assert ended[0][2] == 2
    assert ended[0][1] == ended[0][3]
    assert {one.outcome for one in ended[0][3]} == {RECORDED, REFUSED, THERE}


def test_killed_it_ends_the_import_with_a_word_and_a_repeat_goes_on(open_desk, monkeypatch):
    """What was committed stays, and the same file again records the rest, once."""
    desk = open_desk()
    desk.enrol(*PEOPLE)
    file = desk.payments([desk.payment(one, f"R{place}") for place, one in enumerate(PEOPLE)], "payments.csv")
    monkeypatch.setattr(imports, "LONG_FROM", 1)
    monkeypatch.setattr(intake, "TRANCHE", 4)
    monkeypatch.setattr(apart, "_PIPE_BYTES", 4_096)  # or it would have said everything before it is killed
    read = apart.Apart._read

    def killed_after_two(self, stream):
        for number, said in enumerate(read(self, stream)):
            if number == 2:
                os.kill(self._child.pid, signal.SIGKILL)
            yield said

    monkeypatch.setattr(apart.Apart, "_read", killed_after_two)
    ended = desk.import_("payments", file, inside=True)
    assert ended.code == 1
    assert "再次运行即可续办" in ended.err
    ((recorded,),) = desk.query("SELECT count(*) FROM {external_identity}")
    assert 0 < recorded < 40
    monkeypatch.setattr(apart.Apart, "_read", read)
    assert desk.import_("payments", file, inside=True).code == 0
    assert {one.outcome for one in desk.results(file)} == {RECORDED, THERE}
    assert desk.query("SELECT count(*) FROM {external_identity}") == [(40,)]


def test_a_file_that_changes_under_it_is_told(open_desk, monkeypatch):
    """Found by the process that reads, told as in one process: exit 1, the file named, the remedy with it."""
    desk = open_desk()
    desk.enrol(*PEOPLE)
    file = desk.payments([desk.payment(one, f"R{place}") for place, one in enumerate(PEOPLE)], "payments.csv")
    monkeypatch.setattr(imports, "LONG_FROM", 1)
    enter = apart.Apart.__enter__

    def changed_first(self):
        file.write_text(file.read_text("utf-8") + "\n", "utf-8")
        return enter(self)

    monkeypatch.setattr(apart.Apart, "__enter__", changed_first)
    ended = desk.import_("payments", file, inside=True)
    assert ended.code == 1
    assert "文件在打开之后被改动" in ended.err
    assert desk.query("SELECT count(*) FROM {external_identity}") == [(0,)]


@pytest.mark.parametrize("waiting", [False, True])
def test_the_installed_command_reads_a_long_file_apart(open_desk, waiting):
    """20,000 rows and more through the command itself; also while somebody keeps waiting for the log."""
    desk = open_desk()
    desk.enrol(*PEOPLE)
    told = [desk.payment(PEOPLE[place % 40], f"R{place}") for place in range(imports.LONG_FROM)]
    file = desk.payments([*told, {**told[0], "数据类型": "撤销"}], "payments.csv")
    over = threading.Event()

    def ask():
        with psycopg.connect(desk.log.connections.url, autocommit=True) as connection:
            head = desk.log.sql("UPDATE {log_head} SET last_at = last_at")
            while not over.is_set():
                connection.execute(head)

    other = threading.Thread(target=ask, daemon=True)
    if waiting:
        other.start()
    try:
        ended = desk.import_("payments", file)
    finally:
        over.set()
    assert ended.code == 0
    assert {one.outcome for one in desk.results(file)} == {RECORDED}
    assert desk.query("SELECT count(*) FROM {external_identity}") == [(imports.LONG_FROM + 1,)]
