"""Balances by every level, both times, what known_at means, and the event history with its clauses."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from ledger.refusals import Refused
from ledger.words import KINDS, MoneyKind
from projections.balances import balances
from projections.history import TITLES, events, rules_events
from projections.known import KnownAtFault, resolve
from projections.statement import statement


def total(rows):
    return sum((Decimal(row["balance"]) for row in rows), Decimal())


@pytest.fixture
def told(book):
    """Accounts in two villages, with a random history."""
    chance = random.Random(3)
    for number in range(6):
        book.open(division=f"640100.01.001.00{number % 2 + 1}")
    for _ in range(60):
        book.step(chance.choice(book.accounts), chance)
    return book


@pytest.mark.parametrize("as_of", [None, date(2023, 6, 30), date(2024, 12, 31), date(2020, 1, 1)])
def test_every_level_sums_to_the_pool(told, as_of):
    pool = balances(told.log, as_of=as_of)
    assert list(pool) == ["pool", "position", "known_at", "balance", "kinds"]
    assert list(pool["kinds"]) == [kind.value for kind in KINDS]
    assert Decimal(pool["balance"]) == sum(map(Decimal, pool["kinds"].values()))
    for level in ("village", "county", "account"):
        rows = list(balances(told.log, level, as_of)["rows"])
        assert total(rows) == Decimal(pool["balance"])
        assert rows == sorted(rows, key=lambda row: row.get("code", row.get("account")))
    for row in balances(told.log, "account", as_of)["rows"]:
        account = next(one for one in told.accounts if str(one) == row["account"])
        assert statement(told.log, account, 2027, as_of)["closing"] == row["balance"]


def test_names_are_paths_and_a_county_holds_its_villages(told):
    villages = balances(told.log, "village")["rows"]
    assert [(row["code"], row["name"], row["accounts"]) for row in villages] == [
        ("640100.01.001.001", "西夏区/镇北堡镇/昊苑村", 3),
        ("640100.01.001.002", "西夏区/镇北堡镇/吴苑村", 3),
    ]
    counties = balances(told.log, "county")["rows"]
    assert [(row["code"], row["name"], row["accounts"]) for row in counties] == [("640100.01", "西夏区", 6)]


def test_what_was_known_then(told):
    given = [(level, balances(told.log, level)) for level in (None, "village", "county", "account")]
    given = [(level, said | ({"rows": list(said["rows"])} if level else {})) for level, said in given]
    chance = random.Random(4)
    for _ in range(20):
        told.step(chance.choice(told.accounts), chance)
    told.pay(told.open(), date(2024, 1, 1), 77_700)
    assert balances(told.log)["balance"] != given[0][1]["balance"]
    for level, said in given:
        for known_at in (said["known_at"], str(said["position"])):
            again = balances(told.log, level, known_at=known_at)
            assert again | ({"rows": list(again["rows"])} if level else {}) == said


def test_accounts_come_without_what_is_recorded_while_they_are_read(told):
    said = balances(told.log, "account")
    told.pay(told.open(), date(2024, 1, 1), 50_000)
    assert total(said["rows"]) == Decimal(said["balance"])


def test_an_unknown_level(book):
    with pytest.raises(ValueError, match="village"):
        balances(book.log, "town")


def test_known_at_is_a_position_or_an_instant_with_zone(book):
    account = book.open()
    book.pay(account, date(2023, 1, 2), 100)
    head, at, _ = book.log.position()
    known = resolve(book.log)
    assert known == (head, at)
    assert known.text == at.astimezone(UTC).isoformat(timespec="microseconds")
    for text in (known.text, known.text.replace("+00:00", "Z"), str(head), "2999-01-01T00:00:00+08:00", f" {head} "):
        assert resolve(book.log, text) == known
    before = resolve(book.log, str(head - 1))
    assert before.instant < at
    assert resolve(book.log, before.text) == before
    assert resolve(book.log, "0") == resolve(book.log, "1999-01-01T00:00:00Z") == (0, None)
    for text, reason in (
        (str(head + 1), "超过"), ("2024-01-01", "时区"), ("2024-01-01T00:00:00", "时区"), ("昨天", "既不是"),
        ("", "既不是"), ("９", "既不是"), ("-1", "既不是"),
    ):  # fmt: skip
        with pytest.raises(KnownAtFault, match=reason):
            resolve(book.log, text)


def test_every_instant_finds_its_transaction(book):
    account = book.open()
    for _ in range(12):
        book.pay(account, date(2023, 1, 2), 100)
    book.credit(account, 2023)
    book.pay(account, date(2023, 2, 2), 100)  # money and adjustment in one transaction
    head = book.log.position()[0]
    ends = {resolve(book.log, str(position)).text: position for position in range(1, head + 1)}
    for text, position in ends.items():
        assert resolve(book.log, text).position == position


def test_an_empty_pool(pool_log):
    assert resolve(pool_log) == (0, None)
    assert balances(pool_log)["known_at"] is None
    assert list(balances(pool_log, "account")["rows"]) == []
    assert resolve(pool_log, datetime.now(UTC).isoformat()) == (0, None)


def test_events_with_the_clause_behind_each(book):
    account = book.open()
    book.pay(account, date(2023, 3, 14), 100_000)
    book.pay(account, date(2024, 3, 14), 20_000, MoneyKind.COLLECTIVE_SUBSIDY)
    book.credit(account, 2023)
    book.pay(account, date(2023, 5, 1), 100, MoneyKind.GOVERNMENT_PAID)
    book.reverse(account, 2)
    book.leave(account, date(2026, 3, 3), reason="死亡")
    told = list(events(book.log, account))
    assert [one["version"] for one in told] == list(range(1, len(told) + 1))
    assert all(one["title"] and one["clause"] and one["actor"] == "zhang" for one in told)
    assert [one["title"] for one in told[:6]] == [
        "建账",
        "缴费记账",
        "集体补助记账",
        "结息",
        "政府代缴记账",
        "利息调整",
    ]
    by_title = {one["title"]: one for one in told}
    assert "93号" in by_title["集体补助记账"]["clause"]
    assert "示例cap2024" in by_title["集体补助记账"]["clause"]
    assert "个人账户管理（推定）" in by_title["缴费记账"]["clause"]
    assert "示例rate2023" in told[3]["clause"]
    assert (told[1]["amounts"], told[1]["effective_on"], told[1]["rule"]) == (
        {"contribution": "1000.00"}, "2023-03-14", book.rules.name,
    )  # fmt: skip
    assert told[1]["body"]["effect"] == {"contribution": 100_000}
    cut = list(events(book.log, account, as_of=date(2023, 12, 31)))
    assert {one["version"] for one in told} - {one["version"] for one in cut} >= {3}
    known = list(events(book.log, account, known_at=str(told[2]["position"])))
    assert known == told[:3]
    with pytest.raises(Refused):
        events(book.log, uuid4())


def test_the_events_of_the_rules(book):
    told = list(rules_events(book.log))
    assert [one["title"] for one in told[:2]] == ["设立统筹区", "录入参数"]
    assert (told[1]["clause"], told[1]["reviewer"]) == ("示例rate2021", "b")
    assert len(told) == book.rules.version


def test_every_event_has_a_title():
    from ledger.store.mapper import TYPES

    assert TITLES.keys() == TYPES.keys()
