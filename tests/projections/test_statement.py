"""Statements: the identity, every kind of entry, both times, and the same bytes again."""

from __future__ import annotations

import json
import random
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest

from ledger.account_events import Refunded
from ledger.refusals import Reason, Refused
from ledger.words import Amounts, MoneyKind
from projections.rebuild import rebuild
from projections.statement import statement, statements

YEARS = range(2020, 2028)


def check_identity(said):
    """opening + entries = closing, entry by entry; interest is what the interest entries sum to."""
    balance = Decimal(said["opening"])
    for entry in said["entries"]:
        balance += Decimal(entry["amount"])
        assert Decimal(entry["balance"]) == balance
    assert Decimal(said["closing"]) == balance == sum(map(Decimal, said["kinds"].values()))
    interest = sum(Decimal(entry["amount"]) for entry in said["entries"] if entry["kind"].startswith("interest"))
    assert Decimal(said["interest"]) == interest == sum(map(Decimal, said["interest_split"].values()))


def same_bytes(said, again):
    return json.dumps(said, ensure_ascii=False) == json.dumps(again, ensure_ascii=False)


@pytest.mark.parametrize("seed", range(6))
def test_a_statement_once_given_is_given_again_byte_for_byte(book, seed):
    chance = random.Random(seed)
    accounts = [book.open(division=f"640100.01.001.00{chance.randint(1, 2)}") for _ in range(4)]
    if chance.random() < 0.5:
        book.take_over(accounts[0], Amounts(contribution=120_000, interest=3_456), date(2020, 12, 31))
    given = []
    for _ in range(60):
        book.step(chance.choice(accounts), chance)
        if chance.random() < 0.3:
            account, year = chance.choice(accounts), chance.choice(YEARS)
            as_of = chance.choice([None, None, date(year, 6, 30), date(year - 1, 7, 1), date(year + 1, 1, 1)])
            given.append((account, year, as_of, statement(book.log, account, year, as_of)))
    rebuild(book.log)
    assert len(given) > 8
    for account, year, as_of, said in given:
        for known_at in (said["known_at"], str(said["position"])):
            assert same_bytes(said, statement(book.log, account, year, as_of, known_at))
    for account in accounts:
        closing = "0.00"
        for year in YEARS:
            said = statement(book.log, account, year)
            check_identity(said)
            assert said["opening"] == closing
            closing = said["closing"]
        assert Decimal(closing) * 100 == sum(event.effect.total for event in book.money(account))
    assert [one["account"] for one in statements(book.log, 2026)] == sorted(map(str, accounts))
    assert all(
        same_bytes(one, statement(book.log, account, 2024))
        for account, one in zip(sorted(accounts), statements(book.log, 2024), strict=True)
    )


def test_late_money_moves_the_running_balance_and_not_what_was_known(book):
    account = book.open()
    book.pay(account, date(2023, 3, 14), 100_000, voucher="V1", serial="S1")
    book.credit(account, 2023)
    before = statement(book.log, account, 2023)
    assert (before["opening"], before["interest"], before["closing"]) == ("0.00", "19.65", "1019.65")
    book.pay(account, date(2023, 2, 1), 50_000, MoneyKind.COLLECTIVE_SUBSIDY, serial="S2")
    now = statement(book.log, account, 2023)
    assert [(one["kind"], one["amount"], one["balance"], one["reference"]) for one in now["entries"]] == [
        ("collective_subsidy", "500.00", "500.00", "S2"),
        ("contribution", "1000.00", "1500.00", "V1"),
        ("interest", "19.65", "1519.65", "示例rate2023"),
        ("interest_adjusted", "10.92", "1530.57", "示例rate2023"),
    ]
    assert (now["interest"], now["interest_split"]["on_entries"]) == ("30.57", "30.57")
    assert same_bytes(before, statement(book.log, account, 2023, known_at=before["known_at"]))


def test_every_kind_of_entry(book):
    account = book.open()
    book.take_over(account, Amounts(contribution=100_000, interest=5_000), date(2022, 12, 31))
    day = date(2023, 5, 6)
    for kind in ("contribution", "government_paid", "collective_subsidy", "social_aid", "government_subsidy"):
        book.pay(account, day, 10_000, MoneyKind(kind))
    book.reverse(account, 3)
    book.pay_out(account, 100, date(2023, 6, 1))
    book.pay_out(account, 100, date(2023, 6, 2), Refunded)
    book.credit(account, 2023)
    book.leave(account, date(2024, 3, 5), reason="死亡")
    first = statement(book.log, account, 2022)
    assert [(one["kind"], one["money_kind"], one["amount"]) for one in first["entries"]] == [
        ("opening_taken_over", "contribution", "1000.00"),
        ("opening_taken_over", "interest", "50.00"),
    ]
    said = statement(book.log, account, 2023)
    assert said["opening"] == "1050.00"
    assert [one["kind"] for one in said["entries"]][:6] == [
        "contribution", "government_paid", "collective_subsidy", "social_aid", "government_subsidy", "reversal",
    ]  # fmt: skip
    assert said["entries"][5]["reference"] == "冲正第3号"
    assert {one["kind"] for one in said["entries"][6:-1]} == {"pension", "refund"}
    assert said["entries"][-1]["kind"] == "interest"
    last = statement(book.log, account, 2024)
    assert [one["kind"] for one in last["entries"]] == ["interest", *["closure"] * 6]
    assert (last["closing"], last["entries"][0]["effective_on"]) == ("0.00", "2024-03-05")
    for one in (first, said, last):
        check_identity(one)


def test_as_of_cuts_entries_and_opening_by_business_date(book):
    account = book.open()
    book.pay(account, date(2023, 3, 14), 100_000)
    book.pay(account, date(2023, 9, 1), 20_000)
    book.credit(account, 2023)
    assert statement(book.log, account, 2023, as_of=date(2023, 8, 31))["closing"] == "1000.00"
    assert statement(book.log, account, 2023, as_of=date(2023, 12, 30))["interest"] == "0.00"
    assert statement(book.log, account, 2023, as_of=date(2023, 12, 31))["interest"] != "0.00"
    early = statement(book.log, account, 2024, as_of=date(2023, 8, 31))
    assert (early["opening"], early["closing"], early["entries"]) == ("1000.00", "1000.00", [])


def test_a_year_without_money_and_interest_of_nothing(book):
    account = book.open()
    said = statement(book.log, account, 2023)
    assert (said["opening"], said["interest"], said["closing"], said["entries"]) == ("0.00", "0.00", "0.00", [])
    book.pay(account, date(2023, 12, 14), 1)
    book.credit(account, 2023)
    assert [one["amount"] for one in statement(book.log, account, 2023)["entries"]] == ["0.01", "0.00"]


def test_an_unknown_account_and_one_not_known_then(book):
    position = book.log.position()[0]
    account = book.open()
    for asked in (
        lambda: statement(book.log, uuid4(), 2023),
        lambda: statement(book.log, account, 2023, None, str(position)),
    ):
        with pytest.raises(Refused) as caught:
            asked()
        assert caught.value.refusal.reason is Reason.UNKNOWN_ACCOUNT


def test_everybody_opened_by_the_years_end_and_nobody_else(book):
    accounts = [book.open(date(2023, 12, 31)), book.open(date(2024, 1, 1))]
    assert [one["account"] for one in statements(book.log, 2023)] == [str(accounts[0])]
    known = str(book.log.position()[0])
    later = book.open(date(2023, 1, 1))
    assert len(list(statements(book.log, 2024, known_at=known))) == 2
    assert str(later) in [one["account"] for one in statements(book.log, 2024)]


def test_the_register_version_of_each_holder_as_known_then(book):
    account = book.open()
    asked = []

    def versions(people, instant):
        asked.append((people, instant))
        return dict.fromkeys(people, 3)

    said = statement(book.log, account, 2023, register_versions=versions)
    assert (said["register_version"], len(asked[0][0])) == (3, 1)
    assert asked[0][1].isoformat(timespec="microseconds") == said["known_at"]
