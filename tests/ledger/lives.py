"""One account's life in a test: every step is a real decision, its events join the stream, the state is evolved.

Nothing here builds a state or an event by hand, so what a test sees is what the ledger would have recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from uuid import UUID

from ledger.account import PersonalAccount, evolve
from ledger.account_decisions import (
    NEEDS_HISTORY,
    Asked,
    Payment,
    open_account,
    record_payment,
    restate_interest,
    reverse_entry,
    take_over_balance,
)
from ledger.account_events import AccountEvent, BenefitPaid, InterestEvent, MoneyEvent, Refunded
from ledger.declarations import Declared, declare_subsidy, release_declaration
from ledger.interest_decisions import credit_interest, leave, settle_leaving
from ledger.late_money import Origin
from ledger.money import yuan_to_fen
from ledger.money_out import pay_out, receive_transfer, refund_entry
from ledger.refusals import Reason, Refusal
from ledger.region_rules import SHIPPED, PoolOpened, RegionRules, RuleEvent, ValueEntered, folded_rules
from ledger.words import Amounts, MoneyKind

HANDLER = Origin("handler-1")
TWO = Origin("handler-1", "reviewer-2")
HOLDER = UUID("018f3a52-0000-7000-8000-000000000001")
VILLAGE = "150781100200"
BIRTH = date(1970, 5, 20)
TODAY = date(2026, 11, 23)
"""The day on which tests act, unless they say otherwise."""


def fen(yuan: str) -> int:
    """The fen of an amount as the cases write it."""
    return yuan_to_fen(yuan)


def entered(name: str, year: int, value: str, document: str = "示例文号") -> ValueEntered:
    """A value as an operator enters it."""
    return ValueEntered(actor="handler-1", reviewer="reviewer-2", name=name, year=year, value=value, document=document)


def rules_of(
    region: str = "neimenggu",
    *,
    rates: Mapping[int, str] | None = None,
    caps: Mapping[int, str] | None = None,
    values: Iterable[ValueEntered] = (),
    folder: Path = SHIPPED,
) -> RegionRules:
    """A pool's rules: the files of `folder` and what was entered since."""
    stream: list[RuleEvent] = [PoolOpened(actor="handler-1", code="150700", name="示例统筹区", region=region)]
    stream += [entered("rate", year, rate) for year, rate in (rates or {}).items()]
    stream += [entered("cap", year, cap) for year, cap in (caps or {}).items()]
    return folded_rules([*stream, *values], folder)


class Life:
    """An open account, its stream and its state. Each verb decides, records what was decided and returns it."""

    def __init__(self, rules: RegionRules | None = None, today: date = TODAY) -> None:
        self.rules = rules or rules_of()
        self.today = today
        self.two = TWO
        opened = open_account(self.rules, HANDLER, HOLDER, VILLAGE, BIRTH, date(2012, 6, 1), today)
        assert not isinstance(opened, Refusal), opened
        self.events: list[AccountEvent] = list(opened)
        self.state: PersonalAccount = evolve(None, opened[0])

    def take(self, decided: Asked) -> tuple[AccountEvent, ...] | Refusal:
        """Record what was decided; a refusal leaves no trace."""
        assert decided is not NEEDS_HISTORY
        if isinstance(decided, Refusal):
            return decided
        for event in decided:
            self.state = evolve(self.state, event)
            self.events.append(event)
        return decided

    def take_over(self, as_of: date, **yuan: str) -> tuple[AccountEvent, ...] | Refusal:
        """A balance by kind, in yuan."""
        effect = Amounts(**{kind: fen(amount) for kind, amount in yuan.items()})
        return self.take(take_over_balance(self.state, self.rules, self.two, effect, as_of, self.today))

    def ask_to_pay_in(
        self, kind: str, yuan: str, on: date, period: int | None = None, *, known: bool = True, payer: str = ""
    ) -> Asked:
        """What the decision answers to one row of money in; `known` gives it the account's own events."""
        payment = Payment(MoneyKind(kind), fen(yuan), on.year if period is None else period, on, payer=payer)
        history = self.events if known else None
        return record_payment(self.state, payment, self.rules, HANDLER, self.today, history)

    def pay_in(
        self, kind: str, yuan: str, on: date, period: int | None = None, payer: str = ""
    ) -> tuple[AccountEvent, ...] | Refusal:
        """Money in."""
        return self.take(self.ask_to_pay_in(kind, yuan, on, period, payer=payer))

    def declare(
        self, kind: str, yuan: str, year: int, roster: str, payer: str = "村"
    ) -> tuple[AccountEvent, ...] | Refusal:
        """A reviewed roster takes room under the cap."""
        asked = Declared(MoneyKind(kind), fen(yuan), year, payer, roster, 1)
        return self.take(declare_subsidy(self.state, asked, self.rules, self.two))

    def release(self, roster: str) -> tuple[AccountEvent, ...] | Refusal:
        """What the roster still holds is given back."""
        return self.take(release_declaration(self.state, roster, "名册退回", self.rules, self.two))

    def pension(self, yuan: str, on: date) -> tuple[AccountEvent, ...] | Refusal:
        """个人账户养老金."""
        return self.take(pay_out(self.state, BenefitPaid, fen(yuan), on, self.rules, HANDLER, self.today))

    def refund(self, yuan: str, on: date) -> tuple[AccountEvent, ...] | Refusal:
        """退费."""
        return self.take(pay_out(self.state, Refunded, fen(yuan), on, self.rules, HANDLER, self.today, "重复缴费"))

    def refund_entry(self, version: int, yuan: str, on: date) -> tuple[AccountEvent, ...] | Refusal:
        """退费 of one payment."""
        paid = (version, fen(yuan), on)
        return self.take(refund_entry(self.state, *paid, self.rules, HANDLER, self.today, "误收", self.events))

    def receive(self, on: date, **yuan: str) -> tuple[AccountEvent, ...] | Refusal:
        """转入, in yuan by kind."""
        effect = Amounts(**{kind: fen(amount) for kind, amount in yuan.items()})
        return self.take(
            receive_transfer(self.state, effect, on, self.rules, HANDLER, self.today, "150800", "联系函示例1号")
        )

    def reverse(self, version: int) -> tuple[AccountEvent, ...] | Refusal:
        """冲正."""
        return self.take(reverse_entry(self.state, version, "录入有误", self.rules, self.two, self.events))

    def credit(self, year: int) -> tuple[AccountEvent, ...] | Refusal:
        """结息."""
        return self.take(credit_interest(self.state, year, self.rules, self.two, self.today))

    def restate(self, year: int) -> tuple[AccountEvent, ...] | Refusal:
        """A year settled anew at the rate now in force."""
        return self.take(restate_interest(self.state, year, self.rules, self.two, self.events))

    def settle(self, on: date) -> tuple[AccountEvent, ...] | Refusal:
        """Interest up to the month in which the account leaves; nothing leaves yet."""
        return self.take(settle_leaving(self.state, on, self.rules, self.two))

    def leave(self, on: date, *, to: str = "") -> tuple[AccountEvent, ...] | Refusal:
        """注销, or 转出 to another pool."""
        said = {"to": to, "document": "联系函示例2号"} if to else {"reason": "死亡"}
        return self.take(leave(self.state, on, self.rules, self.two, self.today, **said))

    @property
    def balance(self) -> int:
        """The balance in fen."""
        return self.state.balance.total

    def interest_of(self, year: int) -> int:
        """The interest of a year net of its adjustments, in fen."""
        return sum(one.effect.total for one in self.events if isinstance(one, InterestEvent) and one.year == year)

    def closing(self, year: int) -> int:
        """What the stream holds at the end of 31 December of a year, in fen."""
        last = date(year, 12, 31)
        return sum(one.effect.total for one in self.events if isinstance(one, MoneyEvent) and one.effective_on <= last)


def reason(answer: object) -> Reason:
    """The reason of an answer that must be a refusal."""
    assert isinstance(answer, Refusal), f"not refused: {answer}"
    return answer.reason


def done(answer: Asked | Refusal) -> tuple[AccountEvent, ...]:
    """The events of an answer that must not be a refusal."""
    assert isinstance(answer, tuple), answer
    return answer
