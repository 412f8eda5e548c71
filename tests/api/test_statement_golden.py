"""Statements as they are handed out, held against committed files: a changed figure, order or word is a change here."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from api.cli.statement_text import statement_text
from ledger import clock
from ledger.account import PersonalAccount
from ledger.account_decisions import (
    Asked,
    Past,
    Payment,
    open_account,
    record_payment,
    reverse_entry,
    take_over_balance,
)
from ledger.interest_decisions import credit_interest, leave
from ledger.jobs.rule_entry import enter, open_rules
from ledger.late_money import Origin
from ledger.region_rules import ValueEntered
from ledger.store.batch import Decision, Tranche
from ledger.store.log import PoolLog
from ledger.store.register import Registered
from ledger.words import Amounts, MoneyKind
from projections.statement import statement

GOLDEN = Path(__file__).parents[1] / "golden" / "statements"
ACCOUNT = UUID("01940000-0000-7000-8000-000000000001")
PARTICIPANT = UUID("01940000-0000-7000-8000-000000000002")
BY = Origin("经办甲", "复核乙", "file 00#1")
HOLDER = Registered(PARTICIPANT, "640000198506301042", "样例甲", 1)
DIVISIONS = {"p.01": "西夏区", "p.01.001": "贺兰山西路街道", "p.01.001.001": "同阳新村"}


@pytest.fixture
def told(pool_log: PoolLog, monkeypatch: pytest.MonkeyPatch) -> PoolLog:
    """One life: taken over, paid, subsidised, credited, late money, a reversal, and an end in the middle of a year."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2025, 8, 1, 2, tzinfo=UTC))
    open_rules(pool_log, "样例", "neimenggu", "设立")
    for name, year, value in (("rate", 2023, "0.0262"), ("rate", 2024, "0.0246"), ("cap", 2024, "3000")):
        entered = ValueEntered(
            actor="甲", reviewer="乙", name=name, year=year, value=value, document=f"示例文号〔{year}〕1号"
        )
        enter(pool_log, entered)
    today = date(2025, 8, 1)
    rules = pool_log.rules()
    tranche = Tranche(pool_log)
    opened = open_account(rules, BY, PARTICIPANT, "p.01.001.001", date(1985, 6, 30), date(2015, 3, 1), today)
    assert isinstance(opened, tuple)
    tranche.add(ACCOUNT.bytes, opened)
    pool_log.record(tranche.writes())

    def pay(kind: MoneyKind, fen: int, period: int, on: date, serial: str) -> Decision:
        payment = Payment(kind, fen, period, on, serial=serial, voucher=f"V{serial}", paid_on=on)

        def decision(state: PersonalAccount, past: Past) -> Asked:
            return record_payment(state, payment, rules, BY, today, past)

        return decision

    taken = Amounts(contribution=200_000, government_subsidy=45_678)
    steps: list[Decision] = [
        lambda state, _: take_over_balance(state, rules, BY, taken, date(2022, 12, 31), today),
        pay(MoneyKind.CONTRIBUTION, 50_000, 2023, date(2023, 3, 9), "S1"),
        lambda state, _: credit_interest(state, 2023, rules, BY, today),
        pay(MoneyKind.CONTRIBUTION, 50_000, 2024, date(2024, 3, 14), "S2"),
        pay(MoneyKind.COLLECTIVE_SUBSIDY, 30_000, 2024, date(2024, 9, 2), "S3"),
        pay(MoneyKind.SOCIAL_AID, 10_000, 2024, date(2024, 12, 31), "S4"),
        lambda state, _: credit_interest(state, 2024, rules, BY, today),
        pay(MoneyKind.GOVERNMENT_SUBSIDY, 7_000, 2023, date(2023, 11, 20), "S5"),
        lambda state, past: reverse_entry(state, 6, "重复", rules, BY, past),
        pay(MoneyKind.GOVERNMENT_PAID, 10_000, 2025, date(2025, 2, 3), "S6"),
        lambda state, _: leave(state, date(2025, 7, 15), rules, BY, date(2026, 11, 22), reason="参加职工养老保险"),
    ]
    for step in steps:
        tranche = Tranche(pool_log)
        tranche.load([ACCOUNT])
        answer = tranche.decide(ACCOUNT.bytes, step)
        assert isinstance(answer, tuple), answer
        pool_log.record(tranche.writes())
    return pool_log


@pytest.mark.parametrize("year", [2022, 2023, 2024, 2025])
def test_a_statement_is_the_committed_one(told: PoolLog, year: int) -> None:
    answer = statement(told, ACCOUNT, year, register_versions=lambda people, _: dict.fromkeys(people, 1))
    assert json.dumps(answer, ensure_ascii=False, indent=1) + "\n" == (GOLDEN / f"{year}.json").read_text("utf-8")
    text = "\n".join(statement_text(answer, "150000", (HOLDER, "p.01.001.001"), DIVISIONS)) + "\n"
    assert text == (GOLDEN / f"{year}.txt").read_text("utf-8")


def test_an_erased_holder_prints_as_erased(told: PoolLog) -> None:
    answer = statement(told, ACCOUNT, 2024)
    assert any("姓名：已删除" in line for line in statement_text(answer, "150000", (None, ""), {}))
