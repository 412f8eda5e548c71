"""A reconciled month over HTTP: folded, read page by page, explained, resolved, signed, opened again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from api.http.reconciliation_answers import DifferencesPage, Folded, Month, MonthDone
from ledger import clock
from ledger.store.job_lock import job_lock
from tests.api.cli.test_reconciliation_cases import CASE, EVERYBODY
from tests.api.cli.test_reconciliation_cases import Month as Books
from tests.api.http.serving import Caller, token_of, told_as_problem

MARCH = "/reconciliations/2025-03"
CATEGORIES = {"AMOUNT", "PERIOD", "PERSON", "AGENCY_ONLY", "DUP_TRANSPORT", "DUP_PAYMENT", "CUTOFF"}

TWICE = "E"
"""Who paid twice."""


@pytest.fixture(scope="module")
def books(desk):
    """The stored case in the module's pool."""
    return Books(desk, CASE["agency"], CASE["tax"])


@pytest.fixture(scope="module")
def folded(books, caller):
    """The month, folded over HTTP."""
    told_as_problem(caller.get(MARCH), 404, "MONTH_NOT_FOLDED")
    told_as_problem(caller.get(f"{MARCH}/differences"), 404, "MONTH_NOT_FOLDED")
    answers = [caller.post(f"{MARCH}/fold?dry_run=true", {}), *(caller.post(f"{MARCH}/fold", {}) for _ in range(2))]
    assert [one.status_code for one in answers] == [200] * 3
    told = [Folded.model_validate_json(one.text) for one in answers]
    assert [(one.folded, one.dry_run) for one in told] == [(["2025-03"], True), (["2025-03"], False), ([], False)]
    return caller


def shown(caller):
    return Month.model_validate_json(caller.get(MARCH).text)


def page(caller, **query):
    answer = caller.get(f"{MARCH}/differences", **query)
    assert answer.status_code == 200, answer.text
    return DifferencesPage.model_validate_json(answer.text)


def done(answer, status=201):
    assert answer.status_code == status, answer.text
    return MonthDone.model_validate_json(answer.text)


def test_the_month_is_what_the_command_says(folded, desk):
    told = folded.get(MARCH).json()
    month = Month.model_validate(told)
    said = desk.inside("tax", "reconcile", "--pool", desk.code, "--month", "2025-03", "--json").json
    assert {key: told[key] for key in said if key != "differences"} == {
        key: said[key] for key in said if key != "differences"
    }
    assert (month.total_difference, month.row_difference, month.stale, month.due) == ("-200.00", -1, False, [])
    listed = page(folded, limit=1_000)
    assert [one.model_dump(exclude={"working_days"}) for one in listed.differences] == [
        {**DifferencesPage.model_fields["differences"].annotation.__args__[0].model_validate(
            {**one, "working_days": 0}).model_dump(exclude={"working_days"})}
        for one in said["differences"]
    ]  # fmt: skip


def test_pages_and_what_is_asked_for(folded):
    every = page(folded, limit=1_000)
    assert {one.category for one in every.differences} == CATEGORIES
    walked, cursor = [], None
    while True:
        one = page(folded, limit=3, **({"cursor": cursor} if cursor else {}))
        walked += one.differences
        assert len(one.differences) <= 3
        cursor = one.next
        if cursor is None:
            break
    assert walked == every.differences
    assert [one.category for one in page(folded, category="AMOUNT").differences] == ["AMOUNT"]
    assert page(folded, comparison="tax_treasury").differences == []
    cleared = page(folded, status="cleared", limit=2)
    assert ({one.status for one in cleared.differences}, len(cleared.differences), cleared.next) == (
        {"cleared"},
        2,
        None,
    )
    assert len(page(folded, status="open").differences) == len(every.differences) - 2
    for wrong in ({"category": "x"}, {"comparison": "x"}, {"status": "x"}, {"cursor": "x"}, {"limit": 1_001}):
        told_as_problem(folded.get(f"{MARCH}/differences", **wrong), 422, "INVALID_REQUEST")
    for month in ("2025-13", "1024-01", "march"):
        told_as_problem(folded.get(f"/reconciliations/{month}"), 422, "INVALID_REQUEST")


def test_a_month_walked_to_its_signatures(folded, desk):
    """Assigned, explained, resolved by two people, signed by both sides; nothing of a trial stays."""
    (amount,) = page(folded, category="AMOUNT").differences
    head = desk.position()
    due = f"{clock.today().year + 1}-01-05"
    assigning = {"category": "AMOUNT", "owner": "青县经办", "due_on": due}
    tried = done(folded.post(f"{MARCH}/assignments?dry_run=true", assigning), 200)
    assert (tried.dry_run, tried.recorded_at, desk.position()) == (True, None, head)
    key = uuid4()
    answer = folded.post(f"{MARCH}/assignments", assigning, key)
    first = done(answer)
    assert answer.headers["location"] == f"{folded.base}{MARCH}"
    assert folded.post(f"{MARCH}/assignments", assigning, key).json() == answer.json()
    told_as_problem(folded.post(f"{MARCH}/assignments", {**assigning, "owner": "别处"}, key), 422, "COMMAND_ID")
    assert [one.id for one in first.events[0].differences or ()] == [amount.id]
    (amount,) = page(folded, status="assigned").differences
    assert (amount.owner, amount.due_on) == ("青县经办", due)

    signing = {"tax_side": "税务丙", "document": "签认1号", "reviewer": "乙"}
    told_as_problem(folded.post(f"{MARCH}/signatures", signing), 422, "DIFFERENCES_OPEN")
    paid_twice = page(folded, category="DUP_PAYMENT").differences[0]
    account, last = desk.account(EVERYBODY[TWICE]), len(desk.history(EVERYBODY[TWICE]))
    resolving = {"difference": paid_twice.id, "account": str(account), "version": last, "reviewer": "乙"}
    told_as_problem(folded.post(f"{MARCH}/resolutions", resolving), 422, "NOT_AN_ENDING")
    reversed_ = folded.post(f"/accounts/{account}/entries/{last}/reversal", {"reason": "重复缴费", "reviewer": "乙"})
    assert reversed_.status_code == 201, reversed_.text
    resolving["version"] = reversed_.json()["version"]
    told_as_problem(folded.post(f"{MARCH}/resolutions", {**resolving, "reviewer": "甲"}), 422, "SAME_PERSON")
    resolved = done(folded.post(f"{MARCH}/resolutions", {**resolving, "reason": "已冲正"}))
    assert resolved.events[0].ended_by is not None
    assert (resolved.events[0].ended_by.account, resolved.events[0].ended_by.topic) == (
        str(account), "account.entry_reversed",
    )  # fmt: skip
    left = [one.id for status in ("open", "assigned") for one in page(folded, status=status, limit=1_000).differences]
    explained = done(folded.post(f"{MARCH}/explanations", {"differences": left, "reason": "已核实"}))
    assert {one.amount for one in explained.events[0].differences or () if one.id == amount.id} == {amount.amount}
    told_as_problem(folded.post(f"{MARCH}/signatures", {**signing, "reviewer": "甲"}), 422, "SAME_PERSON")
    assert folded.post(f"{MARCH}/fold", {}).status_code == 200
    signed = done(folded.post(f"{MARCH}/signatures", signing))
    assert signed.events[0].tax is not None
    assert (signed.events[0].tax.amount, signed.events[0].document) == ("3700.00", "签认1号")
    month = shown(folded)
    assert (month.open, month.signed and month.signed.tax_side) == (0, "税务丙")
    told_as_problem(folded.post(f"{MARCH}/explanations", {"differences": left, "reason": "又"}), 422, "MONTH_SIGNED")

    desk.pay(desk.payment(EVERYBODY["A"], "LATE", "50", "2025-03-20"))
    month = shown(folded)
    assert (month.stale, month.due, month.late_rows) == (True, ["2025-03"], 1)
    reopened = done(folded.post(f"{MARCH}/reopenings", {"reason": "又有数据", "reviewer": "乙"}))
    assert reopened.events[0].reason == "又有数据"
    told_as_problem(folded.post(f"{MARCH}/signatures", signing), 422, "MONTH_STALE")
    assert shown(folded).signed is None
    for one in EVERYBODY.values():
        assert not any(one.number in said or one.name in said for said in folded.answers)


def test_what_is_not_as_agreed(folded):
    known = page(folded).differences[0].id
    for body in (
        {"reason": "空"},
        {"differences": [], "reason": "空"},
        {"differences": [known], "category": "AMOUNT", "reason": "两者"},
        {"differences": [known], "comparison": "tax_agency", "reason": "对比"},
        {"differences": [known], "reason": " "},
        {"differences": [known], "reason": f"问 {EVERYBODY['A'].number}"},
        {"differences": [known], "reason": "好", "actor": "乙"},
    ):
        told_as_problem(folded.post(f"{MARCH}/explanations", body), 422, "INVALID_REQUEST")
    named = {"differences": [page(folded, category="AMOUNT").differences[0].id], "reason": f"见{EVERYBODY['B'].name}"}
    told_as_problem(folded.post(f"{MARCH}/explanations", named), 422, "ROW_FAULT")
    unknown = {"differences": [str(uuid4())], "reason": "好"}
    told_as_problem(folded.post(f"{MARCH}/explanations", unknown), 422, "DIFFERENCE_UNKNOWN")
    told_as_problem(folded.post(f"{MARCH}/fold", {}, headers={"Idempotency-Key": "x"}), 400, "IDEMPOTENCY_KEY")


def test_tokens_that_only_read_or_are_for_other_pools(folded, home, served, desk, open_desk):
    reader = Caller(served.url, token_of(home, "甲", "--pool", desk.code, "--read-only"), desk.code)
    stranger = Caller(served.url, token_of(home, "甲", "--pool", open_desk().code), desk.code)
    assert reader.get(MARCH).status_code == 200
    for path, body in (
        ("/fold", {}),
        ("/explanations", {"category": "AMOUNT", "reason": "好"}),
        ("/reopenings", {"reason": "好", "reviewer": "乙"}),
    ):
        told_as_problem(reader.post(MARCH + path, body), 403, "FORBIDDEN")
        told_as_problem(stranger.post(MARCH + path, body), 403, "FORBIDDEN")
    told_as_problem(stranger.get(MARCH), 403, "FORBIDDEN")


def test_folds_at_once_end_well_or_busy(open_desk, served, token):
    """Nobody folds beside another: whoever finds one going on is told so, and the view is right."""
    desk = open_desk()
    Books(desk, CASE["agency"], CASE["tax"])
    caller = Caller(served.url, token, desk.code)
    with job_lock(desk.log, "tax reconcile", "乙"):
        busy = caller.post(f"{MARCH}/fold", {})
        assert int(told_as_problem(busy, 503, "BUSY") and busy.headers["retry-after"]) > 0
        told_as_problem(caller.get(MARCH), 404, "MONTH_NOT_FOLDED")
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: caller.post(f"{MARCH}/fold", {}), range(4)))
    assert {one.status_code for one in answers} <= {200, 503}
    assert max(one.json()["folded"] for one in answers if one.status_code == 200) == ["2025-03"]
    assert {one.category for one in page(caller).differences} == CATEGORIES
    assert caller.post(f"{MARCH}/fold", {}).json()["folded"] == []
