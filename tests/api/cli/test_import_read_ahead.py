"""Rows are looked up while those before them are decided: what somebody else records in between is not missed."""

import threading
from contextlib import nullcontext

from ledger.jobs import intake
from ledger.jobs.intake_payments import PaymentIntake
from ledger.store.log import PoolLog
from tests.api.cli.desk import RECORDED, THERE, person

ANNA, BORIS = person(1), person(2)


def test_what_another_import_recorded_after_the_look_ahead_is_found_again(open_desk, monkeypatch):
    """Both take the same file in; one stands before its first record, with the next tranche already looked up, while
    the other records everything: the cancellation in the second tranche must find its original.
    """
    desk = open_desk()
    desk.enrol(ANNA, BORIS)
    booked, other = desk.payment(ANNA, "R1"), desk.payment(BORIS, "R2")
    file = desk.payments([booked, other, {**booked, "数据类型": "撤销"}, desk.payment(BORIS, "R3")], "slow.csv")
    copy = desk.payments([booked, other, {**booked, "数据类型": "撤销"}, desk.payment(BORIS, "R3")], "quick.csv")
    looked_up, first = threading.Semaphore(0), threading.Event()
    look_ahead, record = PaymentIntake.look_ahead, PoolLog.record

    def seen(self, rows):
        found = look_ahead(self, rows)
        looked_up.release()
        return found

    def overtaken(self, *said, **named):
        if not first.is_set():
            first.set()
            assert looked_up.acquire(timeout=10)
            assert looked_up.acquire(timeout=10)
            assert desk.import_("payments", copy, inside=True).code == 0
        return record(self, *said, **named)

    monkeypatch.setattr(intake, "TRANCHE", 2)
    monkeypatch.setattr(intake, "job_lock", lambda *_: nullcontext())
    monkeypatch.setattr(PaymentIntake, "look_ahead", seen)
    monkeypatch.setattr(PoolLog, "record", overtaken)
    assert desk.import_("payments", file, inside=True).code == 0
    assert desk.outcomes(copy) == [RECORDED] * 4
    assert desk.outcomes(file) == [THERE] * 4
    assert desk.totals_by_number() == {ANNA.number: {}, BORIS.number: {"contribution": 200_00}}
