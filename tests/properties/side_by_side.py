"""Histories of the generator as accounts of one pool, which grow side by side and are recorded as they grow.

The decisions are those of the two books, each history with the rates of its own plan. A round is a few steps of every
history; what they decided is recorded in a few transactions, small ones by arrays and large ones by COPY. Each is
recorded on the state that the database holds, and that must be the state at which the book was last recorded.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from ledger.account import PersonalAccount, evolve
from ledger.account_events import AccountEvent, AccountOpened, HolderRenamed
from ledger.store.batch import Decision, Tranche
from ledger.store.keys import Keys
from ledger.store.log import PoolLog
from ledger.store.recorder import Written
from ledger.store.register import NewHolder, Register
from samples.people import citizen_number
from tests.ledger.lives import TWO, VILLAGE
from tests.properties.two_books import EVENTS_MAX, Plan, Told, TwoBooks, perform

ROUNDS_ASLEEP_MAX = 5
STEPS_MAX = 12
"""Steps of the plan that a history takes in one round, at most."""


def ticking(chance: random.Random) -> Iterator[datetime]:
    """A clock that goes on by anything from nothing to hours, and now and then goes back."""
    at = datetime(2026, 11, 23, 1, tzinfo=UTC)
    while True:
        yield at
        at += chance.choice(
            (
                timedelta(0),
                timedelta(microseconds=1),
                timedelta(milliseconds=37),
                timedelta(hours=3),
                -timedelta(seconds=2),
            )
        )


class Growing:
    """One history: its two books, the rest of its plan, and how much of it stands in the pool's log."""

    def __init__(self, number: int, plan: Plan, told: Told, chance: random.Random) -> None:
        self.account, self.participant = (UUID(int=chance.getrandbits(128)) for _ in range(2))
        self.number = citizen_number(f"64000019700520{number:03d}")
        self.books = TwoBooks(told, plan.unpublished)
        self.life = self.books.life
        opened = self.life.events[0]
        assert isinstance(opened, AccountOpened)
        self.life.events[0] = msgspec.structs.replace(opened, participant=self.participant)
        self.life.state = evolve(None, self.life.events[0])
        self.sleeps = chance.randint(0, ROUNDS_ASLEEP_MAX)
        self.recorded = 0
        """Events that stand in the log."""
        self.opened_by = 0
        """A position at which the account was there; 0 while it is not."""
        self._stands: PersonalAccount | None = None
        self._names = 1
        self._steps = iter(plan.steps)

    @property
    def up_to_date(self) -> bool:
        """The log holds all that the books hold."""
        return self.recorded == len(self.life.events)

    def step(self, steps: int) -> bool:
        """Take the next steps of the plan; False where none is left."""
        for _ in range(steps):
            step = next(self._steps, None)
            if step is None or len(self.life.events) >= EVENTS_MAX:
                return False
            perform(self.books, step)
        return True

    def rename(self) -> None:
        """The holder is to have a new name, the next version of the register."""
        self._names += 1
        said = {"participant": self.participant, "register_version": self._names, "document": "户口簿更名页"}
        self.life.take((HolderRenamed(**TWO._asdict(), rule=self.life.rules.name, **said),))

    def news(self) -> tuple[AccountEvent, ...]:
        """What the log does not hold yet."""
        return tuple(self.life.events[self.recorded :])

    def decided(self) -> Decision:
        """The news as a decision on the state that the database holds."""

        def decision(state: PersonalAccount, _: object) -> tuple[AccountEvent, ...]:
            assert state == self._stands, "the state in the database is the one last recorded"
            return self.news()

        return decision

    def is_recorded(self, position: int) -> None:
        """The log now holds everything."""
        self.recorded, self._stands = len(self.life.events), self.life.state
        self.opened_by = self.opened_by or position


class SideBySide:
    """The pool: its log and register, and the histories that grow in it."""

    def __init__(self, log: PoolLog, plans: list[Plan], chance: random.Random) -> None:
        self.log = log
        self.register = Register(log, Keys(bytes(range(32))))
        self.told = Told()
        self.chance = chance
        self.histories = [Growing(number, plan, self.told, chance) for number, plan in enumerate(plans)]
        self.round = 0
        self._at_work = list(self.histories)

    @property
    def opened(self) -> list[Growing]:
        """The histories whose account is in the log."""
        return [one for one in self.histories if one.recorded]

    def grow(self) -> Iterator[Written]:
        """Take a round, and give each of its transactions once it is recorded."""
        chance, awake = self.chance, [one for one in self._at_work if one.sleeps <= self.round]
        for one in awake:
            if one.recorded and chance.random() < 0.1:
                one.rename()
            if one.sleeps < self.round and not one.step(chance.randint(0, STEPS_MAX)):
                self._at_work.remove(one)
        self.round += 1
        with_news = [one for one in awake if not one.up_to_date]
        chance.shuffle(with_news)
        parts = chance.randint(1, 6)
        for part in filter(None, (with_news[place::parts] for place in range(parts))):
            yield self._record(part)

    @property
    def at_work(self) -> bool:
        """Some plan has steps left."""
        return bool(self._at_work)

    def _record(self, part: list[Growing]) -> Written:
        """The news of some histories in one transaction, in the order of their steps in each."""
        tranche = Tranche(self.log)
        tranche.load(one.account for one in part if one.recorded)
        for one in part:
            if one.recorded:
                tranche.decide(one.account.bytes, one.decided())
            else:
                tranche.add(one.account.bytes, one.news())

        def hook(cursor: Any, _: frozenset[bytes], at: datetime) -> None:
            self._register(cursor, part, at)

        written = self.log.record(tranche.writes(), hook)
        assert not written.moved
        for one in part:
            one.is_recorded(written.last_id)
        return written

    def _register(self, cursor: Any, part: list[Growing], at: datetime) -> None:
        """Whoever is new, and every new name, in the transaction of the events."""
        new = [one for one in part if not one.recorded]
        holders = [NewHolder(one.participant, one.account.bytes, VILLAGE, one.number, "巴雅尔") for one in new]
        self.register.write(cursor, holders, TWO.actor, "登记文件", at)
        for one in part:
            for event in one.news():
                if isinstance(event, HolderRenamed):
                    said = (f"巴雅尔{event.register_version}", event.register_version, event.document)
                    self.register.rename(cursor, one.participant, *said, TWO.actor, TWO.reviewer, at)
