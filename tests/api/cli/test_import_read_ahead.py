"""Rows are looked up while those before them are decided: what somebody else records in between is not missed."""

import threading
from contextlib import nullcontext

from ledger.jobs import intake, payment_pages
from ledger.store.log import PoolLog
from tests.api.cli.desk import RECORDED, THERE, person

ANNA, BORIS = person(1), person(2)


def overtaken_once(monkeypatch, before):
    """Let `before` happen when the first tranche is about to be recorded, while the job lock is nobody's."""
    record, first = PoolLog.record, threading.Event()

    def overtaken(self, *said, **named):
        if not first.is_set():
            first.set()
            before()
        return record(self, *said, **named)

    monkeypatch.setattr(intake, "job_lock", lambda *_: nullcontext())
    monkeypatch.setattr(PoolLog, "record", overtaken)


def test_two_that_register_the_same_people_and_villages_at_once(open_desk, monkeypatch):
    """The slower one finds people and divisions there, and adds nothing twice."""
    desk = open_desk()
    slow, quick = desk.participants([ANNA, BORIS], "slow.csv"), desk.participants([ANNA, BORIS], "quick.csv")
    overtaken_once(monkeypatch, lambda: desk.import_("participants", quick, inside=True))
    ended = desk.import_("participants", slow, inside=True)
    assert (ended.code, desk.outcomes(quick), desk.outcomes(slow)) == (0, [RECORDED] * 2, [THERE] * 2)
    assert desk.query("SELECT count(*), count(DISTINCT name) FROM {division} WHERE level = 'village'") == [(1, 1)]
    assert desk.query("SELECT count(*) FROM {participant}") == [(2,)]


def test_what_another_import_recorded_after_the_look_ahead_is_found_again(open_desk, monkeypatch):
    """Both take the same file in; one stands before its first record, with the next tranche already looked up, while
    the other records everything: the cancellation in the second tranche must find its original.
    """
    desk = open_desk()
    desk.enrol(ANNA, BORIS)
    booked, other = desk.payment(ANNA, "R1"), desk.payment(BORIS, "R2")
    file = desk.payments([booked, other, {**booked, "数据类型": "撤销"}, desk.payment(BORIS, "R3")], "slow.csv")
    copy = desk.payments([booked, other, {**booked, "数据类型": "撤销"}, desk.payment(BORIS, "R3")], "quick.csv")
    looked_up, look_up = threading.Semaphore(0), payment_pages.look_up

    def seen(*asked):
        found = look_up(*asked)
        looked_up.release()
        return found

    def take_the_copy_in():
        assert looked_up.acquire(timeout=10)
        assert looked_up.acquire(timeout=10)
        assert desk.import_("payments", copy, inside=True).code == 0

    monkeypatch.setattr(intake, "TRANCHE", 2)
    monkeypatch.setattr(payment_pages, "look_up", seen)
    overtaken_once(monkeypatch, take_the_copy_in)
    assert desk.import_("payments", file, inside=True).code == 0
    assert desk.outcomes(copy) == [RECORDED] * 4
    assert desk.outcomes(file) == [THERE] * 4
    assert desk.totals_by_number() == {ANNA.number: {}, BORIS.number: {"contribution": 200_00}}
