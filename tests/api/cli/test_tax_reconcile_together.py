"""A month is folded by one at a time in a pool: several at once end well or busy, and the view is right."""

from __future__ import annotations

import subprocess
from datetime import date
from functools import partial

import pytest

from api.cli import imports, tax_reconcile
from ledger.store.job_lock import BusyError, job_lock
from projections import reconciliation_fold
from projections.rebuild import rebuild
from projections.reconciliation import months_due, reconcile
from projections.reconciliation_pages import month_view
from projections.runner import catch_up
from tests.api.cli.desk import COMMAND, environment, person
from tests.api.cli.test_reconciliation_cases import CASE, Month

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)
FOUND, BUSY = 3, 75
PAYERS = [person(860 + place) for place in range(40)]
MANY = 4_000


@pytest.fixture
def month(open_desk):
    return Month(open_desk(), CASE["agency"], CASE["tax"])


def test_three_processes_at_once(month):
    desk = month.desk
    asked = [str(COMMAND), "tax", "reconcile", "--pool", desk.code, "--month", "2025-03", "--json"]
    at_once = [
        subprocess.Popen(asked, env=environment(desk.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [(*one.communicate(timeout=120), one.returncode) for one in at_once]
    assert {code for *_, code in said} <= {FOUND, BUSY}, said
    assert any(code == FOUND for *_, code in said)
    alone = desk.inside("tax", "reconcile", "--pool", desk.code, "--month", "2025-03", "--json")
    assert {out.decode() for out, _, code in said if code == FOUND} == {alone.out}
    assert len({one["id"] for one in alone.json["differences"]}) == len(alone.json["differences"]) == 8


def test_who_finds_it_folded_does_not_wait(month, monkeypatch):
    desk = month.desk
    catch_up(desk.log)
    with job_lock(desk.log, "tax reconcile", "乙"):
        with pytest.raises(BusyError, match="乙"):
            reconcile(desk.log, desk.register, MARCH, patience=0)
        monkeypatch.setattr(tax_reconcile, "reconcile", partial(reconcile, patience=0))
        ended = desk.inside("tax", "reconcile", "--pool", desk.code, "--month", "2025-03")
        assert (ended.code, "正在运行" in ended.err) == (BUSY, True)
        assert months_due(desk.log, MARCH) == [MARCH]
    assert reconcile(desk.log, desk.register, APRIL) == [MARCH, APRIL]
    with job_lock(desk.log, "tax reconcile", "乙"):
        assert reconcile(desk.log, desk.register, MARCH, patience=0) == []


def test_payments_arrive_while_it_is_compared(open_desk):
    """Whatever has arrived by then is what is compared: each look explains itself, and the last is what is there."""
    desk = open_desk("neimenggu")
    desk.enrol(*PAYERS)
    days = [date(2025, 3, 1 + place % 28).isoformat() for place in range(MANY)]
    rows = [
        desk.payment(PAYERS[place % 40], f"W{place}", f"{100 + place % 7}.00", day, 费款所属期="2025")
        for place, day in enumerate(days)
    ]
    file = desk.payments(rows)
    asked = [str(COMMAND), "import", "payments", str(file), "--pool", desk.code, "--actor", "经办"]
    arriving = subprocess.Popen(asked, env=environment(desk.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    looks = []
    while arriving.poll() is None:
        catch_up(desk.log)
        reconcile(desk.log, desk.register, MARCH)
        looks.append(month_view(desk.log, MARCH).totals)
    _, told = arriving.communicate()
    assert arriving.returncode == 0, told
    assert [one.tax.rows for one in looks] == sorted(one.tax.rows for one in looks)
    for one in looks:  # whole tranches, in the records and in the ledger alike
        assert [day.ledger for day in one.days] == [day.tax for day in one.days]
    catch_up(desk.log)
    reconcile(desk.log, desk.register, MARCH)
    last = month_view(desk.log, MARCH).totals
    assert (last.tax.rows, last.matched, last.difference.fen) == (MANY, 40, last.tax.fen - last.own.fen)
    before = desk.query("SELECT * FROM {reconciliation_difference_v1} ORDER BY 1, 2")
    rebuild(desk.log, "reconciliation", register=desk.register)
    assert desk.query("SELECT * FROM {reconciliation_difference_v1} ORDER BY 1, 2") == before


def test_a_payment_between_the_lines_and_the_look_is_not_missed(open_desk, monkeypatch):
    desk = open_desk("neimenggu")
    desk.enrol(*PAYERS[:2])
    desk.pay(desk.payment(PAYERS[0], "B1", "100.00", "2025-03-04", 费款所属期="2025"))
    overtaken = []

    def overtake(log):
        catch_up(log)
        if not overtaken:
            overtaken.append(desk.payment(PAYERS[1], "B2", "200.00", "2025-03-04", 费款所属期="2025"))
            monkeypatch.setattr(imports, "fold_forward", lambda _log: None)
            desk.pay(*overtaken)

    monkeypatch.setattr(reconciliation_fold, "catch_up", overtake)
    reconcile(desk.log, desk.register, MARCH)
    (day,) = month_view(desk.log, MARCH).totals.days
    assert (day.tax.fen, day.ledger.fen) == (300_00, 300_00)
