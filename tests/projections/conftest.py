"""A pool to write random histories into, through the same decisions and the same recorder as the product."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from ledger.account_decisions import Payment, open_account, record_payment, reverse_entry, take_over_balance
from ledger.account_events import AccountEvent, BenefitPaid, MoneyEvent, Refunded
from ledger.interest_decisions import credit_interest, leave
from ledger.late_money import Origin
from ledger.money_out import pay_out
from ledger.refusals import Refusal
from ledger.region_rules import PoolOpened, ValueEntered
from ledger.store.batch import Tranche
from ledger.store.log import PoolLog
from ledger.store.recorder import Written
from ledger.words import Amounts, MoneyKind, new_id

TODAY = date(2026, 11, 22)
RATES = {2021: "0.0350", 2022: "0.0307", 2023: "0.0262", 2024: "0.0246", 2025: "0.0150"}
ORIGIN = Origin("zhang", "li", "test")
MONEY = [kind for kind in MoneyKind if kind is not MoneyKind.INTEREST]
VILLAGE = "640100.01.001.001"


@dataclass
class Book:
    """The pool, its rules, and the accounts opened in it."""

    log: PoolLog
    accounts: list[UUID] = field(default_factory=list)

    def set_up(self) -> None:
        self.log.record_rule(PoolOpened(actor="a", code=self.log.pool, name="测试", region="ningxia"), 1)
        figures = [("rate", year, rate) for year, rate in RATES.items()]
        figures += [("cap", year, "100000") for year in range(2020, 2027)]
        for version, (name, year, value) in enumerate(figures, 2):
            event = ValueEntered(
                actor="a", reviewer="b", name=name, year=year, value=value, document=f"示例{name}{year}"
            )
            self.log.record_rule(event, version)
        self.rules = self.log.rules()
        with self.log.connections.connection() as connection:
            connection.execute(
                self.log.sql(
                    "INSERT INTO {division} VALUES ('640100.01', 'county', '640100', '西夏区'),"
                    " ('640100.01.001', 'township', '640100.01', '镇北堡镇'),"
                    " ('640100.01.001.001', 'village', '640100.01.001', '昊苑村'),"
                    " ('640100.01.001.002', 'village', '640100.01.001', '吴苑村')"
                )
            )

    def open(self, day: date = date(2021, 1, 5), division: str = VILLAGE) -> UUID:
        account, participant = new_id(), new_id()
        tranche = Tranche(self.log)
        events = open_account(self.rules, ORIGIN, participant, division, date(1970, 1, 1), day, TODAY)
        assert not isinstance(events, Refusal)
        tranche.add(account.bytes, events)

        def hook(cursor: Any, *_: object) -> None:
            cursor.execute(
                self.log.sql("INSERT INTO {account_holder} VALUES (%s, %s, %s)"), (account, participant, division)
            )

        self.log.record(tranche.writes(), hook)
        self.accounts.append(account)
        return account

    def do(self, account: UUID, decision: Any) -> Written | Refusal:
        """Decide on the account as it stands and record what was decided."""
        tranche = Tranche(self.log)
        tranche.load([account])
        answer = tranche.decide(account.bytes, decision)
        return answer if isinstance(answer, Refusal) else self.log.record(tranche.writes())

    def pay(self, account: UUID, day: date, fen: int, kind: MoneyKind = MoneyKind.CONTRIBUTION, **said: Any) -> Any:
        payment = Payment(kind, fen, said.pop("period", day.year), day, **said)
        return self.do(account, lambda state, past: record_payment(state, payment, self.rules, ORIGIN, TODAY, past))

    def take_over(self, account: UUID, effect: Amounts, day: date) -> Any:
        return self.do(account, lambda state, _: take_over_balance(state, self.rules, ORIGIN, effect, day, TODAY))

    def credit(self, account: UUID, year: int) -> Any:
        return self.do(account, lambda state, _: credit_interest(state, year, self.rules, ORIGIN, TODAY))

    def reverse(self, account: UUID, version: int) -> Any:
        return self.do(account, lambda state, past: reverse_entry(state, version, "录入差错", self.rules, ORIGIN, past))

    def pay_out(self, account: UUID, fen: int, day: date, kind: Any = BenefitPaid) -> Any:
        return self.do(account, lambda state, _: pay_out(state, kind, fen, day, self.rules, ORIGIN, TODAY, "多缴"))

    def leave(self, account: UUID, day: date, **said: Any) -> Any:
        return self.do(account, lambda state, _: leave(state, day, self.rules, ORIGIN, TODAY, **said))

    def history(self, account: UUID) -> list[AccountEvent]:
        return self.log.history(account)

    def money(self, account: UUID) -> list[MoneyEvent]:
        return [event for event in self.history(account) if isinstance(event, MoneyEvent)]

    def step(self, account: UUID, chance: random.Random) -> None:
        """One random thing: money, late money, a reversal, interest, a payment out, an end. It may be refused."""
        day = date(chance.randint(2021, 2026), chance.randint(1, 12), chance.randint(1, 28))
        day = min(day, TODAY)
        roll = chance.random()
        if roll < 0.55:
            period = day.year - chance.choice([0, 0, 0, 1])
            self.pay(account, day, chance.randint(1, 500_000), chance.choice(MONEY), period=period, serial=f"L{roll}")
        elif roll < 0.8:
            through = max((event.year for event in self.money(account)), default=2021)
            for year in range(2021, min(through, 2025) + 1):
                self.credit(account, year)
        elif roll < 0.9:
            self.reverse(account, chance.randint(1, len(self.history(account)) + 1))
        elif roll < 0.97:
            self.pay_out(account, chance.randint(1, 50_000), day, chance.choice([BenefitPaid, Refunded]))
        else:
            self.leave(account, max(day, date(2026, 1, 1)), **chance.choice([{"to": "640400"}, {"reason": "死亡"}]))


@pytest.fixture
def book(pool_log: PoolLog) -> Book:
    """An empty pool with rates for 2021 to 2025 and caps."""
    made = Book(pool_log)
    made.set_up()
    return made
