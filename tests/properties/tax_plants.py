"""The cases of the invented books: pairs of rows that agree, and planted differences, on people who bear several.

It imports nothing of the product. No two cases can be read as one: on one person, cases have items and periods of their
own and amounts of their own; what is left unpaid and what is paid without being due never stand on the same person. A
row that names nobody has an amount that only what it was meant for has.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from typing import Any

from tests.properties.tax_rows import (
    APPROVED,
    CANCELLED,
    FREE,
    INTERRUPTED,
    ITEMS,
    LUMP_SUM,
    PLACES,
    REGULAR,
    Case,
    Due,
    Finding,
    Paid,
    Person,
    Refund,
    citizen_number,
    last_day,
    month_after,
    month_before,
    month_of,
)

TIERS = (*range(100, 1000, 100), *range(1000, 5001, 500))
"""Yuan; amounts of rows that name nobody are never among them."""
CREDIT_CODES = ("", "N2330603MF7654327J")
ELSEWHERE = "659000"
"""The code of a pool that there is not."""
SURNAMES = "云山石水林原河桥松柏"
GIVEN = "一二三四五六七八九十"
"""Nobody is called so."""


# -- whom a case is planted on ----------------------------------------------------------------------------------------

NEUTRAL, UNPAID, OVERPAID, TWISTED = "neutral", "unpaid", "overpaid", "twisted"
"""What a case leaves on its person: nothing, something due, something paid, or both. A person bears neutral cases and
those of one other leaning, of the twisted a single one."""


@dataclass
class Bearer:
    """A person of the books, and what is taken on them."""

    who: Person
    free: set[tuple[str, int]]
    amounts: list[int]
    leaning: str = NEUTRAL
    cases: Counter[str] = field(default_factory=Counter)
    numbers: set[str] = field(default_factory=set)

    def takes(self, leaning: str) -> bool:
        fits = leaning == NEUTRAL or self.leaning == NEUTRAL or leaning == self.leaning != TWISTED
        enough = all(any(item in group for item, _ in self.free) for group in (FREE, APPROVED))
        return fits and enough and len(self.free) >= 5 and len(self.amounts) >= 4


class Planter:
    """Plants cases, one by one, on people it invents as they are needed."""

    def __init__(self, chance: random.Random, month: date, pool: str) -> None:
        self.chance, self.month, self.pool = chance, month_of(month), pool
        self.before, self.after = month_before(month), month_after(month)
        self.periods = range(self.month.year - 2, self.month.year + 1)
        self.bearers: list[Bearer] = []
        self.refunds: list[Refund] = []
        self._tickets = count(chance.randint(1, 9) * 100_000)
        self._names = [a + b + c for a in SURNAMES for b in GIVEN for c in GIVEN]
        chance.shuffle(self._names)
        self._odd: set[int] = set()
        self._numbers: set[str] = set()
        self._notices: list[str] = []
        self._vouchers: dict[date, str] = {}

    def plant(self, name: str) -> Case:
        """A case of a name, on somebody."""
        leaning, how = PLANTS.get(name) or (NEUTRAL, getattr(Planter, name))
        on = self.on(name, leaning)
        made = how(self, on)
        made.name, made.bearer = name, on.who
        return made

    # Inventing.

    def stranger(self) -> Person:
        """Somebody whom nobody knows."""
        chance = self.chance
        while True:
            born = date(chance.randint(1968, 2004), chance.randint(1, 12), chance.randint(1, 28))
            prefix = chance.choice(("150000", "640000"))
            number = citizen_number(f"{prefix}{born:%Y%m%d}{chance.randint(1, 999):03d}")
            if number not in self._numbers:
                break
        self._numbers.add(number)
        enrolled = date(chance.randint(2021, 2024), chance.randint(1, 12), chance.randint(1, 28))
        return Person(number, self._names.pop(), chance.choice(PLACES), enrolled)

    def bearer(self) -> Bearer:
        """A new participant."""
        slots = {(item, period) for item in ITEMS for period in self.periods}
        amounts = [tier * 100 + self.chance.choice((0, 0, 0, 50)) for tier in TIERS]
        self.chance.shuffle(amounts)
        self.bearers.append(Bearer(self.stranger(), slots, amounts))
        return self.bearers[-1]

    def on(self, name: str, leaning: str) -> Bearer:
        """Somebody to plant a case on, more often than not somebody who bears one already."""
        fitting = [one for one in self.bearers if one.takes(leaning)]
        anew = not fitting or self.chance.random() < 0.35
        chosen = self.bearer() if anew else self.chance.choice(fitting)
        chosen.leaning = chosen.leaning if leaning == NEUTRAL else leaning
        chosen.cases[name] += 1
        return chosen

    def slot(self, on: Bearer, items: Iterable[str] = ITEMS) -> tuple[str, int]:
        """An item and a period that no other case of the person has."""
        found = self.chance.choice(sorted(one for one in on.free if one[0] in items))
        on.free.remove(found)
        return found

    def two_slots(self, on: Bearer, same: int) -> tuple[tuple[str, int], tuple[str, int]]:
        """Two that have the item (0) or the period (1) in common."""
        pairs = [(a, b) for a in sorted(on.free) for b in sorted(on.free) if a[same] == b[same] and a != b]
        found = self.chance.choice(pairs)
        on.free -= set(found)
        return found

    def day(self, month: date, since: date | None = None) -> date:
        first, last = since or month, last_day(month)
        return first + timedelta(days=self.chance.randint(0, (last - first).days))

    def odd(self) -> int:
        """Fen that no other row of these books has."""
        while (fen := self.chance.randrange(20_001, 400_000)) % 10_000 in (0, 50) or fen in self._odd:
            pass
        self._odd.add(fen)
        return fen

    def ticket(self, letter: str) -> str:
        return f"{letter}{self.month:%Y%m}{next(self._tickets):08d}"

    def due(self, on: Bearer, slot: tuple[str, int], fen: int, month: date | None = None) -> Due:
        """Approved in the month; what a village pays for many is sometimes of one number."""
        item, period = slot
        shared = [number for number in self._notices if number not in on.numbers]
        number = self.ticket("H")
        if item in APPROVED and shared and self.chance.random() < 0.4:
            number = self.chance.choice(shared[-3:])
        elif item in APPROVED:
            self._notices.append(number)
        on.numbers.add(number)
        payer = self.chance.choice(CREDIT_CODES) if item in APPROVED else ""
        return Due(number, on.who, item, period, fen, self.day(month or self.month), payer=payer)

    def paid(self, who: Person, slot: tuple[str, int], fen: int, month: date | None = None) -> Paid:
        """Entered in the month, and paid on that day or shortly before in the same month."""
        on = self.day(month or self.month)
        paid_on = max(month_of(on), on - timedelta(days=self.chance.randint(0, 3)))
        own = self.chance.choice(("", "", self.pool))
        return Paid(self.ticket("S"), self.voucher(), who, *slot, fen, paid_on, on, pool=own)

    def voucher(self) -> str:
        """Eighteen digits that are no citizen number: there is no month 00."""
        return f"315150{self.month:%Y}00{next(self._tickets):06d}"

    def pays(self, due: Due, month: date | None = None, *, named: bool | None = None, **other: Any) -> Paid:
        """What answers a receivable; whether it names its number is left to chance unless it is said."""
        made = self.paid(due.who, (due.item, due.period), due.fen, month)
        named = self.chance.random() < 0.5 if named is None else named
        approval = due.number if named else ""
        return replace(made, **{"payment_type": due.payment_type, "payer": due.payer, "approval": approval, **other})

    def undone(self, paid: Paid, month: date | None = None) -> Paid:
        """Its cancellation, not before it."""
        month = month or self.month
        on = self.day(month, max(month, paid.on))
        return replace(paid, data_type=CANCELLED, on=on, paid_on=on)

    def mistyped(self, number: str, *, sound: bool) -> str:
        """A number of nobody that differs in the sequence, with the right check character or with a wrong one."""
        while True:
            sequence = (int(number[14:17]) + self.chance.choice((10, 100, 90, 200))) % 1000
            other = citizen_number(f"{number[:14]}{sequence:03d}")
            if other in self._numbers or other[17] == number[17]:
                continue
            if not sound:
                return number[:17] + other[17]
            self._numbers.add(other)
            return other

    # Cases that leave nothing.

    def matched(self, on: Bearer, month: date | None = None) -> Case:
        due = self.due(on, self.slot(on), on.amounts.pop(), month)
        if due.period < self.month.year:
            due = replace(due, payment_type=self.chance.choice((REGULAR, INTERRUPTED, LUMP_SUM)))
        return Case([due], [self.pays(due, month)], matched=[month_of(due.on)])

    def matched_in_another_month(self, on: Bearer) -> Case:
        return self.matched(on, self.chance.choice((self.before, self.after)))

    def not_approved(self, on: Bearer) -> Case:
        paid = self.paid(on.who, self.slot(on, FREE), on.amounts.pop())
        return Case([], [paid], matched=[self.month])

    def not_approved_over_the_end(self, on: Bearer) -> Case:
        """Paid in the month and entered in the next, where it is its own row on both sides."""
        paid = self.paid(on.who, self.slot(on, FREE), on.amounts.pop())
        return Case([], [self.over_the_end(paid, self.month)], matched=[self.after])

    def withdrawn(self, on: Bearer) -> Case:
        due = self.due(on, self.slot(on), on.amounts.pop())
        return Case([due, self.taken_back(due)])

    def approved_anew(self, on: Bearer) -> Case:
        """Withdrawn, and approved with another amount, which was paid."""
        slot = self.slot(on)
        wrong, right = (self.due(on, slot, on.amounts.pop()) for _ in range(2))
        return Case([wrong, self.taken_back(wrong), right], [self.pays(right)], matched=[self.month])

    def paid_anew(self, on: Bearer) -> Case:
        """Cancelled, with the right amount or a wrong one, and paid again under another serial."""
        due = self.due(on, self.slot(on), on.amounts.pop())
        wrong = self.pays(due, fen=self.chance.choice((due.fen, on.amounts.pop())))
        return Case([due], [wrong, self.undone(wrong), self.pays(due)], matched=[self.month])

    def undone_at_once(self, on: Bearer) -> Case:
        """What need not be approved, cancelled in the same month."""
        paid = self.paid(on.who, self.slot(on, FREE), on.amounts.pop())
        return Case([], [paid, self.undone(paid)], early=self.chance.random() < 0.3)

    def taken_back(self, due: Due) -> Due:
        return replace(due, data_type=CANCELLED, on=self.day(month_of(due.on), due.on))

    # Cases that leave something due.

    def agency_only(self, on: Bearer) -> Case:
        due = self.due(on, self.slot(on), on.amounts.pop())
        return Case([due], [], [Finding(self.month, "AGENCY_ONLY", -due.fen, (), due)])

    def approved_twice(self, on: Bearer) -> Case:
        """Under two numbers, and paid once, by the first."""
        slot, fen = self.slot(on), on.amounts.pop()
        due, again = self.due(on, slot, fen), self.due(on, slot, fen)
        paid = self.pays(due, named=True)
        return Case([due, again], [paid], [Finding(self.month, "AGENCY_ONLY", -fen, (), again)], [self.month])

    def cut_off(self, on: Bearer) -> Case:
        """Paid at the end of a month, entered at the beginning of the next: into the month, or out of it."""
        month = self.chance.choice((self.before, self.month))
        due = self.due(on, self.slot(on), on.amounts.pop(), month)
        paid = self.over_the_end(self.pays(due), month)
        due = replace(due, on=min(due.on, paid.paid_on))
        found = [
            Finding(month, "CUTOFF", -due.fen, (paid,), due, cleared=True),
            Finding(month_after(month), "CUTOFF", due.fen, (paid,), due, cleared=True),
        ]
        return Case([due], [paid], found)

    def paid_late(self, on: Bearer) -> Case:
        """Approved in a month, paid and entered in the next."""
        month = self.chance.choice((self.before, self.month))
        due = self.due(on, self.slot(on), on.amounts.pop(), month)
        paid = self.pays(due, month_after(month))
        found = [
            Finding(month, "AGENCY_ONLY", -due.fen, (paid,), due, cleared=True),
            Finding(month_after(month), "CUTOFF", due.fen, (paid,), due, cleared=True),
        ]
        return Case([due], [paid], found)

    def cancelled(self, on: Bearer) -> Case:
        due = self.due(on, self.slot(on), on.amounts.pop())
        paid = self.pays(due)
        undone = self.undone(paid)
        found = [Finding(self.month, "CANCELLED", -due.fen, (paid, undone), due)]
        return Case([due], [paid, undone], found, early=self.chance.random() < 0.3)

    def cancelled_later(self, on: Bearer) -> Case:
        """It agreed in its month, and is cancelled in the next."""
        month = self.chance.choice((self.before, self.month))
        due = self.due(on, self.slot(on), on.amounts.pop(), month)
        paid = self.pays(due, month)
        undone = self.undone(paid, month_after(month))
        found = [Finding(month_after(month), "CANCELLED", -due.fen, (paid, undone), due)]
        return Case([due], [paid, undone], found, [month], early=self.chance.random() < 0.3)

    def undone_later(self, on: Bearer) -> Case:
        """What need not be approved, cancelled in the month after it agreed with itself."""
        paid = self.paid(on.who, self.slot(on, FREE), on.amounts.pop(), self.before)
        undone = self.undone(paid)
        found = [Finding(self.month, "CANCELLED", -paid.fen, (paid, undone))]
        return Case([], [paid, undone], found, [self.before])

    def over_the_end(self, paid: Paid, month: date) -> Paid:
        paid_on = last_day(month) - timedelta(days=self.chance.randint(0, 3))
        return replace(paid, paid_on=paid_on, on=month_after(month) + timedelta(days=self.chance.randint(0, 4)))

    # Cases that leave something paid.

    def tax_only(self, on: Bearer) -> Case:
        paid = self.paid(on.who, self.slot(on, APPROVED), on.amounts.pop())
        return Case([], [paid], [Finding(self.month, "TAX_ONLY", paid.fen, (paid,))])

    def amount(self, on: Bearer) -> Case:
        due = self.due(on, self.slot(on), on.amounts.pop())
        paid = self.pays(due, fen=on.amounts.pop())
        return Case([due], [paid], [Finding(self.month, "AMOUNT", paid.fen - due.fen, (paid,), due)])

    def paid_twice(self, on: Bearer) -> Case:
        """Other voucher and serial; once or twice more, of the same amount or, once, of another."""
        due = self.due(on, self.slot(on), on.amounts.pop())
        named = self.chance.random() < 0.5
        first = self.pays(due, named=named)
        if self.chance.random() < 0.3:
            second = self.pays(due, named=named, fen=on.amounts.pop())
            found = [Finding(self.month, "DUP_PAYMENT", second.fen, (second,), due)]
            return Case([due], [first, second], found, [self.month])
        paid = [first, *(self.pays(due, named=named) for _ in range(self.chance.choice((1, 1, 2))))]
        found = [Finding(self.month, "DUP_PAYMENT", due.fen, tuple(paid), due) for _ in paid[1:]]
        return Case([due], paid, found, [self.month])

    def of_another_pool(self, on: Bearer) -> Case:
        who = self.chance.choice((on.who, self.stranger()))
        slot = self.slot(on)
        fen = self.odd() if who is not on.who else on.amounts.pop()
        paid = replace(self.paid(who, slot, fen), pool=ELSEWHERE)
        return Case([], [paid], [Finding(self.month, "REGION", paid.fen, (paid,))])

    # Cases that leave both: two rows that mean each other, and say different things.

    def other_period(self, on: Bearer) -> Case:
        due_of, paid_for = self.two_slots(on, 0)
        due = self.due(on, due_of, on.amounts.pop())
        paid = self.pays(due, named=due.item in FREE or None, period=paid_for[1])
        return Case([due], [paid], [Finding(self.month, "PERIOD", 0, (paid,), due)])

    def other_item(self, on: Bearer) -> Case:
        due_of, paid_for = self.two_slots(on, 1)
        due = self.due(on, due_of, on.amounts.pop())
        paid = self.pays(due, named=paid_for[0] in FREE or None, item=paid_for[0])
        return Case([due], [paid], [Finding(self.month, "ITEM", 0, (paid,), due)])

    def other_payment_type(self, on: Bearer) -> Case:
        due = self.due(on, self.slot(on), on.amounts.pop())
        other = self.chance.choice((INTERRUPTED, LUMP_SUM))
        paid = self.pays(due, named=due.item in FREE or None, payment_type=other)
        return Case([due], [paid], [Finding(self.month, "ITEM", 0, (paid,), due)])

    def mistaken_person(self, on: Bearer) -> Case:
        """A mistyped number, another name, or somebody unknown by both, for a person who owes just that."""
        due = self.due(on, self.slot(on), self.odd())
        stranger, who = self.stranger(), on.who
        meant = self.chance.choice(("number", "broken number", "name", "both"))
        if "number" in meant:
            who = who._replace(number=self.mistyped(who.number, sound=meant == "number"))
        else:
            who = who._replace(name=stranger.name) if meant == "name" else stranger
        paid = self.pays(due, named=False, who=who)
        found = [
            Finding(self.month, "PERSON", -due.fen, (paid,), due),
            Finding(self.month, "PERSON", due.fen, (paid,), due),
        ]
        return Case([due], [paid], found)

    def person_alone(self, on: Bearer) -> Case:
        """Somebody unknown, or a known number under another name, of whom nothing was due."""
        who = self.chance.choice((self.stranger(), on.who._replace(name=self.stranger().name)))
        paid = self.paid(who, self.slot(on), self.odd())
        return Case([], [paid], [Finding(self.month, "PERSON", paid.fen, (paid,))])

    # Switched on where refunds are.

    def refund_open(self, on: Bearer) -> Case:
        made = self.matched(on)
        (paid,) = made.paid
        self.refunds.append(Refund(self.ticket("F"), paid, self.day(self.month, paid.on)))
        made.found = [Finding(self.month, "REFUND_OPEN", -paid.fen, (paid,), made.due[0])]
        return made


Plant = Callable[[Planter, Bearer], Case]
PLANTS: dict[str, tuple[str, Plant]] = {
    plant.__name__: (leaning, plant)
    for leaning, plants in {
        NEUTRAL: (
            Planter.matched, Planter.matched_in_another_month, Planter.not_approved, Planter.not_approved_over_the_end,
            Planter.withdrawn, Planter.approved_anew, Planter.paid_anew, Planter.undone_at_once, Planter.amount,
        ),
        UNPAID: (
            Planter.agency_only, Planter.approved_twice, Planter.cut_off, Planter.paid_late, Planter.cancelled,
            Planter.cancelled_later, Planter.undone_later,
        ),
        OVERPAID: (Planter.tax_only, Planter.paid_twice, Planter.of_another_pool),
        TWISTED: (
            Planter.other_period, Planter.other_item, Planter.other_payment_type, Planter.mistaken_person,
            Planter.person_alone,
        ),
    }.items()
    for plant in plants
}  # fmt: skip
CATEGORIES = (
    "AMOUNT", "PERIOD", "ITEM", "PERSON", "REGION", "TAX_ONLY", "AGENCY_ONLY", "DUP_TRANSPORT", "DUP_PAYMENT", "CUTOFF",
    "CANCELLED",
)  # fmt: skip
"""What is planted, beside MATCHED; REFUND_OPEN where it is asked for."""
