"""The accounts of the benchmarks: a realistic life each, made by the product's own decisions.

Six in ten took a balance over at the end of the year before; everybody paid two to four times in the open year, by
kinds and months that differ, and a third once more in the year after. Citizen numbers are made up: their prefix 640000
is issued to nobody. Everything follows from the person's place in the pool, so every run has the same money in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger import clock
from ledger.account import PersonalAccount, evolve
from ledger.account_decisions import Decided, History, Payment, open_account, record_payment, take_over_balance
from ledger.identity import normalise_citizen_number
from ledger.jobs.pipeline import RecordBehind
from ledger.late_money import Origin
from ledger.refusals import Refusal
from ledger.region_rules import RegionRules
from ledger.store.copy_rows import RowBlock, TrancheBuffer
from ledger.store.divisions import Divisions
from ledger.store.log import PoolLog
from ledger.store.mapper import encode
from ledger.store.register import NewHolder, Register, new_participant
from ledger.store.states import state_row
from ledger.words import Amounts, MoneyKind, new_id

YEAR: Final = 2024
"""The year whose interest is run. It has ended, and the balances taken over end the year before it."""
TAKEN_OVER_ON: Final = date(YEAR - 1, 12, 31)
VILLAGES: Final = 40
_CHUNK: Final = 10_000
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_BIRTHDAYS: Final = 16_000
_SURNAMES: Final = "马王李张杨丁哈白金何田吴陈刘周罗虎海苏赵"
_GIVEN: Final = "志建秀文玉海晓学国春桂小永立彦少凤燕梅兰英花红霞玲芳丽军平"
_TIERS_YUAN: Final = (200, 200, 300, 300, 500, 500, 1000, 1000, 2000, 3000)
_ORIGIN: Final = Origin("bench", "check", "file " + "5a" * 32 + "#1")


class Person(NamedTuple):
    """A made-up participant."""

    number: str
    name: str
    birth: date


def person(place: int) -> Person:
    """The participant at a place, from 0; up to ten million differ in their numbers."""
    birth = _birthday(place % _BIRTHDAYS)
    body = f"640000{birth:%Y%m%d}{place // _BIRTHDAYS % 500 * 2 + 1:03d}"
    check = "10X98765432"[sum(w * int(d) for w, d in zip(_WEIGHTS, body, strict=True)) % 11]
    name = _SURNAMES[place % 20] + _GIVEN[place // 20 % 29] + _GIVEN[place // 580 % 29]
    return Person(body + check, name, birth)


@lru_cache(maxsize=_BIRTHDAYS)
def _birthday(place: int) -> date:
    return date(1950, 1, 1) + timedelta(days=place)


def fill(log: PoolLog, register: Register, size: int) -> None:
    """`size` accounts with their events, states and register rows, recorded as the product records them."""
    rules = log.rules()
    divisions = Divisions(log)
    villages = [divisions.add((f"县{place % 4}", f"镇{place % 8}", f"村{place}")) for place in range(VILLAGES)]
    with log.connections.connection() as connection, connection.cursor() as cursor:
        divisions.write(cursor)
    divisions.written()
    assert normalise_citizen_number(person(size - 1).number)

    def record(chunk: tuple[TrancheBuffer, list[NewHolder]]) -> None:
        def hook(cursor: Any, _moved: frozenset[bytes], at: datetime) -> None:
            register.write(cursor, chunk[1], "bench", "参保登记文件", at)

        log.record(chunk[0], hook)

    with RecordBehind(record) as recorder:
        for first in range(0, size, _CHUNK):
            chunk = _chunk(range(first, min(first + _CHUNK, size)), rules, villages)
            for _ in recorder.give(chunk):
                pass
        for _ in recorder.rest():
            pass


def _chunk(places: range, rules: RegionRules, villages: list[str]) -> tuple[TrancheBuffer, list[NewHolder]]:
    writes = RowBlock()
    holders = []
    today = clock.today()
    for place in places:
        participant, village = new_participant(), villages[place % VILLAGES]
        life = life_of(place, participant, village, rules, today)
        life.add_to(writes)
        who = person(place)
        holders.append(NewHolder(participant, life.account, village, who.number, who.name))
    return TrancheBuffer([writes]), holders


def life_of(place: int, participant: UUID, village: str, rules: RegionRules, today: date) -> Life:
    """The account of the person at a place, up to the year whose interest is run."""
    life = Life(rules, today)
    life.open(participant, village, person(place).birth, date(2013 if place % 10 < 6 else YEAR, 1, 5))
    if place % 10 < 6:
        life.take_over(_balance(place))
    for payment in payments(place):
        life.pay(payment)
    return life


class Life:
    """The events of one account, each decided on the state the last one left."""

    def __init__(self, rules: RegionRules, today: date) -> None:
        self.account = new_id().bytes
        self.events: list[Any] = []
        self.state: PersonalAccount | None = None
        self._rules = rules
        self._today = today

    def then(self, answer: Decided | History) -> None:
        """What was decided; a benchmark's own data are never refused."""
        if isinstance(answer, Refusal | History):
            raise TypeError(f"made-up data were refused: {answer}")
        for event in answer:
            self.state = evolve(self.state, event)
            self.events.append(event)

    def decide(self, decision: Callable[[PersonalAccount], Decided | History]) -> None:
        """Ask a decision about the account as it stands."""
        assert self.state is not None
        self.then(decision(self.state))

    def open(self, participant: Any, village: str, birth: date, opened_on: date) -> None:
        self.then(open_account(self._rules, _ORIGIN, participant, village, birth, opened_on, self._today))

    def take_over(self, effect: Amounts) -> None:
        self.decide(lambda state: take_over_balance(state, self._rules, _ORIGIN, effect, TAKEN_OVER_ON, self._today))

    def pay(self, payment: Payment) -> None:
        self.decide(lambda state: record_payment(state, payment, self._rules, _ORIGIN, self._today))

    def add_to(self, writes: RowBlock) -> None:
        """The whole life as a new account of a tranche."""
        assert self.state is not None
        for version, event in enumerate(self.events, 1):
            writes.add_event(self.account, version, event.topic.encode(), encode(event))
        writes.add_state(*state_row(self.account, None, self.state))


def _balance(place: int) -> Amounts:
    own = 50_000 + place * 7_919 % 900_000
    return Amounts(
        contribution=own, government_subsidy=own // 5, collective_subsidy=own // 20, interest=own // 10 + place % 97
    )


def payments(place: int) -> Iterator[Payment]:
    """Two to four payments of the open year, and for every third account one of the year after."""
    tier = _TIERS_YUAN[place % 10] * 100
    month = place % 11 + 1
    yield _payment(place, 1, MoneyKind.CONTRIBUTION, tier, date(YEAR, month, 1 + place % 28))
    yield _payment(place, 2, MoneyKind.GOVERNMENT_SUBSIDY, tier // 5 + 1_000, date(YEAR, month + 1, 15))
    if place % 4 == 1:
        yield _payment(place, 3, MoneyKind.COLLECTIVE_SUBSIDY, 5_000 + place % 1_000, date(YEAR, 10, 1 + place % 20))
    elif place % 4 == 2:
        yield _payment(place, 3, MoneyKind.GOVERNMENT_PAID, 10_000, date(YEAR, 6, 30))
    if place % 8 == 5:
        yield _payment(place, 4, MoneyKind.SOCIAL_AID, 2_000 + place % 500, date(YEAR, 11, 20))
    if place % 3 == 0:
        yield _payment(place, 5, MoneyKind.CONTRIBUTION, tier, date(YEAR + 1, 1 + place % 12, 9))


def _payment(place: int, turn: int, kind: MoneyKind, fen: int, on: date) -> Payment:
    finance = kind is MoneyKind.GOVERNMENT_SUBSIDY
    return Payment(
        kind=kind,
        fen=fen,
        period=on.year,
        treasury_on=on,
        paid_on=None if finance else on,
        serial=f"640100{on:%y}{turn}{place:09d}",
        voucher="" if finance else f"36401{on:%y}{turn}00{place:08d}",
        batch=f"{on:%Y%m%d}0001",
        level="县" if finance else "",
        allocation_document=f"示例财社〔{on.year}〕{turn}号" if finance else "",
    )
