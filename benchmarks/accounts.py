"""One account at a counter: does a long life make it slow to open, or its statement slow to print?

Accounts of 600 events lie in the pool beside accounts of 6, all with the same five payments in the year that is asked
for; the other events of the long ones are spread over the twelve years before, each of them credited. *Opening* is
reading the state a decision stands on; the *statement* is that of the year. Both are asked for in turns, account by
account, and the medians compared.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date
from itertools import cycle, islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from benchmarks.data import VILLAGES, YEAR, Life
from ledger import clock
from ledger.account_decisions import Payment
from ledger.interest_decisions import credit_interest
from ledger.late_money import Origin
from ledger.region_rules import RegionRules
from ledger.store.copy_rows import RowBlock, TrancheBuffer
from ledger.store.log import PoolLog
from ledger.store.states import load_states
from ledger.words import MoneyKind
from projections.runner import catch_up
from projections.statement import statement

_ACCOUNTS: Final = 40
_ROUNDS: Final = 5
_FIRST_YEAR: Final = YEAR - 12
_KINDS: Final = (MoneyKind.CONTRIBUTION, MoneyKind.GOVERNMENT_SUBSIDY, MoneyKind.GOVERNMENT_PAID)
_LONG: Final = 600
_ORIGIN: Final = Origin("bench", "check", "job interest")


class AccountFigures(NamedTuple):
    """Seconds of each question, asked of accounts of 600 and of 6 events."""

    open_600: list[float]
    open_6: list[float]
    statement_600: list[float]
    statement_6: list[float]


def ratio(long: list[float], short: list[float]) -> float:
    """How many times as slow."""
    return statistics.median(long) / statistics.median(short)


def info(long: list[float], short: list[float]) -> dict[str, Any]:
    """Medians in milliseconds."""
    return {"of_600_ms": statistics.median(long) * 1000, "of_6_ms": statistics.median(short) * 1000, "asked": len(long)}


def add(log: PoolLog) -> tuple[list[UUID], list[UUID]]:
    """Accounts of 600 and of 6 events into the pool."""
    rules = log.rules()
    today = clock.today()
    long: list[UUID] = []
    short: list[UUID] = []
    writes = RowBlock()
    for place in range(_ACCOUNTS):
        for many, ids in ((True, long), (False, short)):
            life = _life(rules, today, place, many=many)
            assert len(life.events) == (_LONG if many else 6)
            life.add_to(writes)
            ids.append(UUID(bytes=life.account))
    log.record(TrancheBuffer([writes]))
    return long, short


def _life(rules: RegionRules, today: date, place: int, *, many: bool) -> Life:
    life = Life(rules, today)
    village = f"640100.01.001.{place % VILLAGES:03d}"
    life.open(UUID(int=place), village, date(1970, 1, 1), date(_FIRST_YEAR if many else YEAR, 1, 2))
    if many:
        earlier = _LONG - 1 - 5 - (YEAR - _FIRST_YEAR)
        for year in range(_FIRST_YEAR, YEAR):
            share = range(earlier * (year - _FIRST_YEAR) // 12, earlier * (year + 1 - _FIRST_YEAR) // 12)
            for turn in share:
                life.pay(_payment(turn, date(year, turn % 12 + 1, turn % 28 + 1)))
            life.decide(lambda state, year=year: credit_interest(state, year, rules, _ORIGIN, today))  # type: ignore[misc]
    for turn in range(5):
        life.pay(_payment(turn, date(YEAR, turn * 2 + 1, 8)))
    return life


def _payment(turn: int, on: date) -> Payment:
    return Payment(_KINDS[turn % 3], 10_000 + turn, on.year, on, paid_on=on, serial=f"L{on:%Y%m%d}{turn:06d}")


def measure(log: PoolLog, long: list[UUID], short: list[UUID]) -> AccountFigures:
    """Ask in turns."""
    catch_up(log)
    return AccountFigures(
        *_turns(lambda account: load_states(log, [account.bytes]), long, short),
        *_turns(lambda account: statement(log, account, YEAR), long, short),
    )


def _turns(ask: Callable[[UUID], object], long: list[UUID], short: list[UUID]) -> tuple[list[float], list[float]]:
    """Seconds for each of both, alternately, after each was asked once."""
    times: tuple[list[float], list[float]] = [], []
    for account in (*long, *short):
        ask(account)
    for pair in islice(cycle(zip(long, short, strict=True)), _ROUNDS * len(long)):
        for seconds, account in zip(times, pair, strict=True):
            began = time.perf_counter()
            ask(account)
            seconds.append(time.perf_counter() - began)
    return times
