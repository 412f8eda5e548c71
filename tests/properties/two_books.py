"""The generator of random histories, and the two books that every one of its steps goes to.

A history is up to sixty events: payments of every kind and period from 2019 to 2026, a taken-over balance, late money,
money before the first credited year, reversals (also of the taken-over balance), pensions, refunds, transfers in,
years credited in and out of turn, rates restated, and an end with interest settled to its month. What the decision
refuses, the model must have a reason for; what the model forbids, the decision must refuse.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

import msgspec
from hypothesis import strategies as st

from ledger.account import PersonalAccount, evolve, fold
from ledger.account_events import (
    AccountClosed,
    AccountEvent,
    EntryReversed,
    InterestAdjusted,
    InterestCredited,
    InterestEvent,
    MoneyEvent,
    TransferredOut,
)
from ledger.refusals import Refusal
from ledger.store.mapper import decode, encode
from tests.ledger.lives import TODAY, Life, entered, rules_of
from tests.properties.naive_account import AID, KIND_NAMES, ZERO, Kinds, Movement, NaiveAccount, shares

EVENTS_MAX = 60
FIRST, LAST = 2019, 2026
RATES = {2019: "0.0831", 2020: "0.0604", 2021: "0.0535", 2022: "0.0307", 2023: "0.0397", 2024: "0.0262", 2025: "0.015"}
CAPS = {2019: "2000", 2020: "3000", 2021: "3000", 2022: "4000", 2023: "5000", 2024: "5000", 2025: "7000"}
OTHER_RATES = ("0.0246", "0.0359", "0.0001", "0.12345678", "0")

_encode_state = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder(PersonalAccount).decode


@dataclass
class Told:
    """What the run saw, printed at its end."""

    histories: int = 0
    events: int = 0
    topics: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    situations: Counter[str] = field(default_factory=Counter)


def kinds_of(event: MoneyEvent) -> Kinds:
    """The effect of a stored event as plain figures."""
    return tuple(getattr(event.effect, name) for name in KIND_NAMES)


def of_one_kind(name: str, fen: int) -> Kinds:
    return tuple(fen if kind == name else 0 for kind in KIND_NAMES)


class TwoBooks:
    """The product and the naive model side by side; every operation goes to both."""

    def __init__(self, told: Told, unpublished: set[int]) -> None:
        self.told = told
        rates = {year: rate for year, rate in RATES.items() if year not in unpublished}
        self.entered = [entered("rate", year, rate) for year, rate in rates.items()]
        self.life = Life(rules_of(caps=CAPS, values=self.entered))
        self.naive = NaiveAccount(
            {year: Fraction(rate) for year, rate in rates.items()},
            {year: int(yuan) * 100 for year, yuan in CAPS.items()},
        )
        self.restated = False
        self.places: dict[int, int] = {}
        """Version of a money event → its place among the naive movements."""

    # Each operation: ask the product, ask the model what would forbid it, compare, and enter it in the model.

    def agree(self, answer: tuple[AccountEvent, ...] | Refusal, faults: set[str]) -> bool:
        """Both must say yes, or the product's no must be one of the model's reasons."""
        if isinstance(answer, Refusal):
            self.told.refusals[answer.reason] += 1
            assert answer.reason.value in faults, (answer.text, faults)
            return False
        assert not faults, (answer, faults)
        return bool(answer)

    def enter(self, movement: Movement, version: int) -> None:
        self.places[version] = len(self.naive.movements)
        self.naive.movements.append(movement)

    def pay_in(self, kind: int, fen: int, on: date, period: int) -> None:
        name = KIND_NAMES[kind]
        what = "aid" if name in AID else "payment"
        movement = Movement(on, of_one_kind(name, fen), period, what)
        faults = self.naive.faults_of_money_in(on, what, movement.kinds, period)
        version = self.life.state.version + 1
        late = on.year <= self.naive.last_credited()
        if self.agree(self.life.pay_in(name, f"{fen // 100}.{fen % 100:02d}", on, period), faults):
            self.told.situations["money paid for another period"] += period != on.year
            self.told.situations["late money"] += late
            self.told.situations["money before the first credited year"] += bool(list(self.naive.opened_by(on.year)))
            self.naive.open(on.year)
            self.enter(movement, version)

    def take_over(self, year: int, fens: tuple[int, int]) -> None:
        as_of = date(year, 12, 31)
        version = self.life.state.version + 1
        contribution, interest = (f"{fen // 100}.{fen % 100:02d}" for fen in fens)
        answer = self.life.take_over(as_of, contribution=contribution, interest=interest)
        if self.agree(answer, self.naive.faults_of_taking_over()):
            self.enter(Movement(as_of, (fens[0], 0, 0, 0, 0, fens[1]), what="taken over"), version)

    def reverse(self, version: int) -> None:
        place = self.places.get(version)
        faults = self.naive.faults_of_reversing(place)
        late = place is not None and self.naive.movements[place].on.year <= self.naive.last_credited()
        if self.agree(self.life.reverse(version), faults):
            assert place is not None
            movement = self.naive.movements[place]
            self.told.situations["reversal in a credited year"] += late
            self.told.situations["taken-over balance reversed"] += movement.what == "taken over"
            movement.struck = True

    def pay_out(self, refund: bool, thousandths: int, on: date) -> None:
        fen = max(self.life.balance, 0) * thousandths // 1000
        faults = self.naive.faults_of_paying_out(fen, on)
        before = self.naive.balance()
        version = self.life.state.version + 1
        act = self.life.refund if refund else self.life.pension
        answer = act(f"{fen // 100}.{fen % 100:02d}", on)
        if self.agree(answer, faults):
            self.enter(Movement(on, tuple(-fen for fen in shares(fen, before)), what="out"), version)

    def receive(self, fens: tuple[int, int], on: date) -> None:
        contribution, subsidy = (f"{fen // 100}.{fen % 100:02d}" for fen in fens)
        version = self.life.state.version + 1
        answer = self.life.receive(on, contribution=contribution, collective_subsidy=subsidy)
        if self.agree(answer, self.naive.faults_of_receiving(on)):
            self.enter(Movement(on, (fens[0], 0, fens[1], 0, 0, 0), what="transfer"), version)

    def credit(self, year: int) -> None:
        faults = self.naive.faults_of_crediting(year, TODAY.year)
        answer = self.life.credit(year)
        first, through = self.life.state.first_year, self.life.state.credited_through
        if isinstance(answer, Refusal):
            if answer.reason.value == "EARLIER_YEAR_OPEN":
                assert first <= year - 1
                assert year - 1 not in self.naive.credited
                self.told.refusals[answer.reason] += 1
            elif answer.reason.value == "ALREADY_CREDITED" and (taken := self.naive.taken_over()):
                assert year in self.naive.credited or year <= taken.on.year
            else:
                self.agree(answer, faults)
        elif answer == ():
            assert year < self.naive.first_earning_year(), "a year with money is credited or refused"
        else:
            self.agree(answer, faults)
            self.told.situations["two years open"] += any(
                one.on.year > year and one.on.year > through for one in self.naive.standing()
            )
            self.naive.credited[year] = 12

    def restate(self, year: int, rate: str) -> None:
        """A rate is corrected: entered, and the account settled anew where the year is credited."""
        if self.naive.left_on is not None:
            assert self.life.restate(year) == ()
            return
        self.entered.append(entered("rate", year, rate, f"更正文号{len(self.entered)}"))
        self.life.rules = rules_of(caps=CAPS, values=self.entered)
        answer = self.life.restate(year)
        assert not isinstance(answer, Refusal), answer
        assert bool(answer) == (year in self.naive.credited)
        self.naive.rates[year] = Fraction(rate)
        self.told.situations["year restated"] += bool(answer)
        self.restated |= bool(answer)

    def leave(self, on: date, to: str) -> None:
        naive = self.naive
        years = naive.years_with_money(on.year)
        faults = naive.faults_of_leaving(on)
        answer = self.life.leave(on, to=to)
        if isinstance(answer, Refusal) and answer.reason.value == "NO_RATE" and naive.left_on is None:
            # Money that was struck out may have left years behind in which there is nothing to earn.
            assert naive.leaving_rate(self.life.state.credited_through + 1) is None
            return
        if self.agree(answer, faults):
            for event in answer:
                if isinstance(event, InterestEvent):
                    naive.credited[event.year] = on.month if event.year == on.year else 12
                    if event.year not in naive.rates:
                        rate = naive.leaving_rate(event.year)
                        assert rate is not None
                        naive.final_rates[event.year] = rate
            assert set(years) <= set(naive.credited), "every open year with money is settled on leaving"
            rest = naive.balance()
            assert isinstance(answer, tuple)
            self.enter(Movement(on, tuple(-fen for fen in rest), what="left"), len(self.life.events))
            naive.left_on = on
            self.told.situations["account ended"] += 1

    # What must hold after every step.

    def compare(self) -> None:
        events, state, naive = self.life.events, self.life.state, self.naive
        money = [(event.effective_on.year, kinds_of(event)) for event in events if isinstance(event, MoneyEvent)]
        assert tuple(state.balance.by_kind()) == naive.balance()
        closings = naive.closings()
        for year, closing in closings.items():
            until = [kinds for on, kinds in money if on <= year]
            assert tuple(map(sum, zip(ZERO, *until, strict=True))) == closing, f"closing of {year}"
        if naive.credited and naive.left_on is None and state.credited_through == naive.last_credited():
            assert tuple(state.opening.by_kind()) == closings[state.credited_through]
        for year, interest in naive.interest().items():
            assert self.life.interest_of(year) == interest, f"interest of {year}"

    def invariants(self) -> None:
        events, state = self.life.events, self.life.state
        assert sum(state.balance.by_kind()) == state.balance.total
        assert state.balance.total >= 0 or self.restated, "only a lower rate, told later, can take what is spent"
        assert state.version == len(events)
        assert all(
            state.room_taken(year).collective + state.room_taken(year).social <= int(CAPS[year]) * 100 for year in CAPS
        )
        assert [self.naive.aid_of(year) for year in CAPS] == [
            state.room_taken(year).collective + state.room_taken(year).social for year in CAPS
        ]
        credited = Counter(event.year for event in events if isinstance(event, InterestCredited))
        assert set(credited.values()) <= {1}, "one interest per account and year"
        assert set(credited) == set(self.naive.credited)
        assert not any(isinstance(event, MoneyEvent) for event in events[self.end() :]), "nothing moves after the end"
        assert _decode_state(_encode_state(state)) == state
        assert [entries.year for entries in state.years] == sorted({entries.year for entries in state.years})
        assert all(entries.year > state.credited_through for entries in state.years)

    def end(self) -> int:
        """The place behind the event that ended the account."""
        for place, event in enumerate(self.life.events):
            if isinstance(event, AccountClosed | TransferredOut):
                return place + 1
        return len(self.life.events)

    def read_back(self) -> None:
        """The stream written and read again folds to the same state, step by step and at once."""
        read = [decode(event.topic, encode(event)) for event in self.life.events]
        assert read == self.life.events
        state: PersonalAccount | None = None
        for version, event in enumerate(read, start=1):
            assert isinstance(event, AccountEvent)
            state = evolve(state, event)
            assert state.version == version
        assert state == fold(self.life.events) == self.life.state
        for event in self.life.events:
            if isinstance(event, InterestAdjusted):
                assert event.effect.total == event.after - event.before
            if isinstance(event, EntryReversed):
                original = self.life.events[event.reverses - 1]
                assert isinstance(original, MoneyEvent)
                assert event.effect == original.effect.times(-1)
                assert (event.effective_on, event.year) == (original.effective_on, original.year)


OPERATIONS = ("nothing", *("pay in",) * 7, *("credit",) * 5, *("reverse",) * 3, *("pay out",) * 3, "take over",
              "receive", "restate", "leave")  # fmt: skip
DAYS = date(FIRST, 1, 1), date(LAST, 11, 23)
NUMBERS = (0, 4), (1, 350_000), (0, 1000)
"""From where to where the numbers of a step go; they mean what the operation makes of them."""
STEPS = 30, EVENTS_MAX + 30
UNPUBLISHED_MAX = 2

Step = tuple[str, date, int, int, int]
steps = st.tuples(
    st.sampled_from(OPERATIONS),
    st.dates(*DAYS),
    *(st.integers(lowest, highest) for lowest, highest in NUMBERS),
)
drawn = (
    st.lists(steps, min_size=STEPS[0], max_size=STEPS[1]),
    st.sets(st.sampled_from(sorted(RATES)), max_size=UNPUBLISHED_MAX),
    st.booleans(),
)
"""What a history is made of: steps, the years without a published rate, and whether nothing is taken over."""


class Plan(NamedTuple):
    """A history to be: its steps, and the years without a published rate."""

    steps: list[Step]
    unpublished: set[int]


def planned(plan: list[Step], unpublished: set[int], from_nothing: bool) -> Plan:
    """A plan that begins with a taken-over balance, or with nothing."""
    opening = [] if from_nothing else [("take over", TODAY, 0, 345_678, plan[0][4])]
    return Plan(opening + plan, unpublished)


def random_plan(chance: random.Random) -> Plan:
    """The same by plain chance: the same plan for the same seed, which hypothesis gives only for the same modules."""

    def step() -> Step:
        day = DAYS[0] + timedelta(chance.randint(0, (DAYS[1] - DAYS[0]).days))
        small, fen, thousandths = (chance.randint(lowest, highest) for lowest, highest in NUMBERS)
        return chance.choice(OPERATIONS), day, small, fen, thousandths

    plan = [step() for _ in range(chance.randint(*STEPS))]
    unpublished = chance.sample(sorted(RATES), chance.randint(0, UNPUBLISHED_MAX))
    return planned(plan, set(unpublished), chance.random() < 0.5)


def perform(books: TwoBooks, step: Step) -> None:
    """One step on both books; the numbers mean what the operation makes of them."""
    what, day, small, fen, thousandths = step
    match what:
        case "pay in":
            period = day.year if small % 2 else min(max(day.year - 2 + thousandths % 5, FIRST), LAST)
            books.pay_in(small, fen, day, period)
        case "credit":
            following = books.life.state.credited_through + 1
            books.credit(day.year if thousandths < 100 else following)
        case "reverse":
            latest = len(books.life.events) + 1
            any_version, near = thousandths % (latest + 1), max(latest - thousandths % 8, 0)
            books.reverse((2, any_version, near, near, near)[small])
        case "pay out":
            books.pay_out(bool(small % 2), thousandths, day)
        case "take over":
            books.take_over(2018 + thousandths % 5, (fen, fen % 977))
        case "receive":
            books.receive((fen, fen % 3_001), day)
        case "restate":
            books.restate(FIRST + thousandths % 7, OTHER_RATES[small])
        case "leave" if thousandths < 800 and len(books.life.events) > 8:
            books.leave(day, to="150800" if small % 2 else "")
