"""A month is folded by one at a time in a pool: several at once end well or busy, and the view is right."""

from __future__ import annotations

import subprocess
from datetime import date
from functools import partial

import pytest

from api.cli import tax_reconcile
from ledger.store.job_lock import BusyError, job_lock
from projections.reconciliation import months_due, reconcile
from projections.runner import catch_up
from tests.api.cli.desk import COMMAND, environment
from tests.api.cli.test_reconciliation_cases import CASE, Month

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)
FOUND, BUSY = 3, 75


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
