"""Reads over HTTP: what an account holds, its statement with a tag, its history and a pool's balances page by page."""

import json
from datetime import date
from decimal import Decimal
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from ledger.store.register import Register
from projections.statement import statement
from tests.api.cli.desk import person
from tests.api.http.serving import opening, told_as_problem


@pytest.fixture
def account(caller, who):
    return caller.open(who)


def walked(caller, path, rows, **query):
    """Every page from the first to the last."""
    pages = [caller.get(path, **query).json()]
    while cursor := pages[-1]["next"]:
        rest = {name: value for name, value in query.items() if name in {"by", "limit"}}
        pages.append(caller.get(path, **rest, cursor=cursor).json())
    assert len({page["position"] for page in pages}) == 1
    return [row for page in pages for row in page[rows]], len(pages)


# -- the account ----------------------------------------------------------------------------------------------------


def test_an_account_is_told_as_of_a_day_and_as_known_then(caller, account):
    first = caller.pay(account, "100.00")
    second = caller.pay(account, "50.00", treasury_on="2024-02-01", period=2024)
    told = caller.get(f"/accounts/{account}").json()
    assert (told["status"], told["version"], told["balance"]) == ("open", 3, "150.00")
    assert (told["opened_on"], told["ended_on"], told["as_of"]) == ("2019-01-02", None, None)
    assert caller.get(f"/accounts/{account}", as_of="2023-12-31").json()["balance"] == "100.00"
    before = caller.get(f"/accounts/{account}", known_at=first["position"]).json()
    assert (before["version"], before["balance"], before["position"]) == (2, "100.00", first["position"])
    then = caller.get(f"/accounts/{account}", known_at=second["recorded_at"]).json()
    assert (then["balance"], then["known_at"]) == ("150.00", second["recorded_at"])
    early = caller.get(f"/accounts/{account}", as_of="2018-12-31").json()
    assert (early["status"], early["balance"]) == ("not_opened", "0.00")


def test_an_instant_whose_plus_became_a_space_is_understood(caller, account):
    done = caller.pay(account)
    instant = done["recorded_at"].replace("+00:00", " 00:00")
    answer = caller.client.get(f"{caller.base}/accounts/{account}?known_at={instant}")
    assert answer.json()["position"] == done["position"]


@pytest.mark.parametrize("path", ["", "/statement", "/events"])
def test_an_account_must_be_there_and_be_known_then(caller, account, path):
    year = {"year": 2023} if path == "/statement" else {}
    told_as_problem(caller.get(f"/accounts/{uuid4()}{path}", **year), 404, "UNKNOWN_ACCOUNT")
    told_as_problem(caller.get(f"/accounts/{account}{path}", known_at=1, **year), 404, "UNKNOWN_ACCOUNT")
    told_as_problem(caller.get(f"/accounts/640000198003010014{path}", **year), 422, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "query",
    [
        {"known_at": "99999999999"},
        {"known_at": "640000198003010014"},
        {"known_at": "张三"},
        {"known_at": "2026-01-01T00:00:00"},
        {"known_at": "9" * 41},
        {"known_at": ""},
        {"as_of": "2023-1-1"},
        {"as_of": "1672531200"},
        {"as_of": "2023-02-30"},
        {"wait_for": "-1"},
        {"wait_for": "x"},
        {"wait_for": "9" * 30},
    ],
)
def test_times_that_are_none_are_refused_without_repeating_them(caller, account, query):
    for path in (f"/accounts/{account}", f"/accounts/{account}/events", "/balances"):
        told = told_as_problem(caller.get(path, **query), 422, "INVALID_REQUEST")
        (said,) = query.values()
        assert len(said) < 3 or said not in json.dumps(told, ensure_ascii=False)


# -- the statement ----------------------------------------------------------------------------------------------------


def test_a_statement_is_that_of_the_book(caller, desk, account):
    desk.set("rate", 2022, "0.0250")
    caller.pay(account, "100.00", treasury_on="2022-03-01", period=2022)
    desk.credit(2022)
    caller.pay(account, "70.00")
    for year in (2021, 2022, 2023):
        for as_of in (None, "2022-12-31", "2023-05-09"):
            query = {"year": year} | ({"as_of": as_of} if as_of else {})
            told = caller.get(f"/accounts/{account}/statement", **query).json()
            told_again = caller.get(f"/accounts/{account}/statement", **query, known_at=told["position"]).json()
            assert told == told_again
            expected = statement(
                desk.log,
                UUID(account),
                year,
                date.fromisoformat(as_of) if as_of else None,
                str(told["position"]),
                Register(desk.log, desk.register.keys).versions,
            )
            assert told == expected


def test_a_statement_that_was_seen_is_not_sent_again(caller, account):
    """Its tag is that of its content: it stands while the pool moves on, and changes with the account."""
    caller.pay(account)
    path = f"/accounts/{account}/statement"
    first = caller.get(path, year=2023)
    tag = first.headers["etag"]
    again = caller.get(path, {"If-None-Match": tag}, year=2023)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert caller.get(path, {"If-None-Match": f'"x", {tag}'}, year=2023).status_code == 304
    assert caller.get(path, {"If-None-Match": "*"}, year=2023).status_code == 304
    assert caller.get(path, {"If-None-Match": '"x"'}, year=2023).status_code == 200
    caller.open(person(901))
    assert caller.get(path, {"If-None-Match": tag}, year=2023).status_code == 304
    assert caller.get(path, {"If-None-Match": tag}, year=2022).status_code == 200
    caller.pay(account, "1.00")
    changed = caller.get(path, {"If-None-Match": tag}, year=2023)
    assert changed.status_code == 200
    assert changed.json()["closing"] == "101.00"
    as_before = caller.get(path, {"If-None-Match": tag}, year=2023, known_at=first.json()["position"])
    assert as_before.status_code == 304


@pytest.mark.parametrize("query", [{}, {"year": "x"}, {"year": 1900}, {"year": 2101}, {"year": ""}])
def test_a_statement_is_of_a_year(caller, account, query):
    told_as_problem(caller.get(f"/accounts/{account}/statement", **query), 422, "INVALID_REQUEST")


# -- pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_of_events_hold_everything_once(caller, account, limit):
    for _ in range(6):
        caller.pay(account, "1.00")
    events, pages = walked(caller, f"/accounts/{account}/events", "events", limit=limit)
    assert [event["version"] for event in events] == list(range(1, 8))
    assert pages >= 7 // limit


def test_pages_of_events_stand_still_while_more_happens(caller, account):
    caller.pay(account)
    page = caller.get(f"/accounts/{account}/events", limit=1).json()
    caller.pay(account)
    rest = caller.get(f"/accounts/{account}/events", cursor=page["next"]).json()
    assert ([event["version"] for event in rest["events"]], rest["next"]) == ([2], None)
    as_of = caller.get(f"/accounts/{account}/events", as_of="2020-01-01").json()
    assert [event["topic"] for event in as_of["events"]] == ["account.opened"]


def test_pages_of_balances_hold_every_account_once(caller, desk):
    for sequence in range(700, 712):
        caller.pay(caller.open(person(sequence)), f"{sequence}.01")
    total = caller.get("/balances").json()
    before = caller.get("/balances", by="account", limit=1).json()
    for limit in (1, 5, 1000):
        rows, _ = walked(caller, "/balances", "rows", by="account", limit=limit)
        accounts = [row["account"] for row in rows]
        assert accounts == sorted(set(accounts))
        assert len(accounts) == desk.query("SELECT count(*) FROM {account_state}")[0][0]
        assert sum(Decimal(row["balance"]) for row in rows) == Decimal(total["balance"])
    caller.open(person(799))
    rest, _ = walked(caller, "/balances", "rows", by="account", cursor=before["next"])
    assert [row["account"] for row in rest] == accounts[1:]


@pytest.mark.parametrize("by", ["village", "county"])
def test_balances_by_place(caller, account, by):
    caller.pay(account)
    told = caller.get("/balances", by=by).json()
    assert told["rows"][0]["name"] == {"village": "青县/青镇/青村", "county": "青县"}[by]
    assert told["rows"][0]["balance"] == told["balance"]


@pytest.mark.parametrize("limit", [0, 1001, "x"])
def test_a_page_has_a_size(caller, account, limit):
    told_as_problem(caller.get("/balances", by="account", limit=limit), 422, "INVALID_REQUEST")
    told_as_problem(caller.get(f"/accounts/{account}/events", limit=limit), 422, "INVALID_REQUEST")


def test_a_cursor_is_one_of_ours(caller, account):
    balances = caller.get("/balances", by="account", limit=1).json()["next"]
    events = caller.get(f"/accounts/{account}/events", limit=1).json()["next"]
    for cursor in ("x", "", "W10", "張", "A" * 201, events, "WyIxIiwgLTFd"):
        told_as_problem(caller.get("/balances", by="account", cursor=cursor), 422, "INVALID_REQUEST")
    for cursor in ("x", balances, "WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTkiLCAxXQ"):
        told_as_problem(caller.get(f"/accounts/{account}/events", cursor=cursor), 422, "INVALID_REQUEST")
    told_as_problem(caller.get("/balances", by="village", cursor=balances), 422, "INVALID_REQUEST")
    beside = caller.get("/balances", by="account", cursor=balances, as_of="2023-01-01")
    told_as_problem(beside, 422, "INVALID_REQUEST")
    told_as_problem(caller.get("/balances", by="people"), 422, "INVALID_REQUEST")


# -- waiting ----------------------------------------------------------------------------------------------------


def test_a_read_waits_for_its_callers_write(caller, account):
    positions = []
    for number in range(1, 6):
        done = caller.pay(account, "1.00")
        for path in ("", "/events", "/statement"):
            year = {"year": 2023} if path == "/statement" else {}
            told = caller.get(f"/accounts/{account}{path}", wait_for=done["position"], **year).json()
            assert told["position"] >= done["position"]
        assert told["closing"] == f"{number}.00"
        positions.append(done["position"])
    assert all(later > earlier for earlier, later in pairwise(positions))


def test_a_position_that_does_not_come_is_answered_with_when_to_ask_again(caller, account):
    answer = caller.get(f"/accounts/{account}", wait_for=10**9)
    told_as_problem(answer, 503, "NOT_YET")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_closed_account_may_be_opened_anew(caller, desk, who):
    desk.set("rate", 2020, "0.0250")
    first = caller.open(who)
    caller.post(f"/accounts/{first}/closure", {"on": "2020-05-01", "reviewer": "乙", "reason": "退保"})
    second = caller.post("/accounts", opening(who, opened_on="2021-01-01"))
    assert second.status_code == 201
    assert second.json()["account"] != first
