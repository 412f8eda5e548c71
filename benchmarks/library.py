"""The library's own way with the same job: load aggregates, credit a year's interest, save, 500 aggregates a save.

An `Application` with an `Aggregate` class and the PostgreSQL persistence module as its documentation shows them, in a
schema of its own on the same server. Its accounts have the very lives of the accounts that our run credits, and each
event says word for word what ours says; the interest it records is held against ours. It credits a few of them, among
as many as ours has: the others are the same lives again, under other ids, so that its indexes are as large as ours.
Nothing of the ledger's recorder, mapper, state or decision is used, so where ours keeps a state, it folds what the
library folds: the stored events.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from benchmarks.data import VILLAGES, YEAR, life_of
from benchmarks.interest import PAIRS
from benchmarks.machine import BenchFault, Machine
from ledger import clock
from ledger.interest_decisions import credit_interest
from ledger.late_money import Origin
from ledger.refusals import Refusal
from ledger.region_rules import RegionRules
from ledger.store.log import PoolLog
from ledger.words import new_id

PER_SAVE: Final = 500
PER_TURN: Final = 2_000
ACCOUNTS: Final = PAIRS * PER_TURN
_OPENED_PER_SAVE: Final = 50
"""500 whole lives in one save hang: the library's pipeline stalls on so many bytes, holding its table lock."""
_SCHEMA: Final = "bench_library"
_ORIGIN: Final = Origin("bench", "check", f"job interest {YEAR}")
Said = dict[str, Any]


class Account(Aggregate):
    """An account as the library's tutorial would write it; fen by money kind. Each event keeps all that was `said`."""

    @event("Opened")
    def __init__(self, said: Said) -> None:
        self.division = said["division"]
        self.balance: dict[str, int] = {}
        self.opening: dict[str, int] = {}
        self.entries: list[tuple[int, int, str, int]] = []
        self.credited_through = 0

    @event("TakenOver")
    def take_over(self, said: Said) -> None:
        self.balance = dict(said["effect"])
        self.opening = dict(said["effect"])
        self.credited_through = int(said["effective_on"][:4])

    @event("Paid")
    def pay(self, said: Said) -> None:
        year, month = divmod(said["interest_from"], 100)
        for kind, fen in said["effect"].items():
            self.balance[kind] = self.balance.get(kind, 0) + fen
            self.entries.append((year, month, kind, fen))

    def interest_of(self, year: int) -> tuple[dict[str, dict[str, int]], int]:
        """Fen-months by part and kind, and the fen that `said["rate"]` of them gives."""
        opening = {kind: fen * 12 for kind, fen in self.opening.items()}
        entries: dict[str, int] = {}
        for from_year, month, kind, fen in self.entries:
            if from_year == year:
                entries[kind] = entries.get(kind, 0) + fen * (13 - month)
        parts = {"opening": opening, "entries": entries} if entries else {"opening": opening}
        return parts, sum(opening.values()) + sum(entries.values())

    def settle(self, said: Said) -> None:
        """Credit the year of `said`, which holds the words of the event but for its amounts."""
        parts, fen_months = self.interest_of(said["year"])
        fen = int((fen_months * Decimal(said["rate"]) / 12).quantize(Decimal(1), ROUND_HALF_UP))
        self.credit(said={**said, "fen_months": parts, "effect": {"interest": fen} if fen else {}})

    @event("InterestCredited")
    def credit(self, said: Said) -> None:
        fen = said["effect"].get("interest", 0)
        self.balance["interest"] = self.balance.get("interest", 0) + fen
        self.credited_through = said["year"]
        self.opening = dict(self.balance)
        for year, _, kind, paid in self.entries:
            if year > self.credited_through:
                self.opening[kind] -= paid


class Accounts(Application[UUID]):
    """The documented application."""

    env: ClassVar[dict[str, str]] = {"PERSISTENCE_MODULE": "eventsourcing.postgres"}


class Library:
    """The library's accounts, opened and waiting; each turn credits the next of them."""

    def __init__(self, library: Accounts, settled: dict[UUID, Said]) -> None:
        self._library = library
        self._settled = settled
        self._waiting = list(settled)

    def accounts_per_s(self) -> float:
        """Accounts a second of load, credit and save, the median of a turn's saves."""
        turn, self._waiting = self._waiting[:PER_TURN], self._waiting[PER_TURN:]
        return statistics.median(
            _credited(self._library, turn[first : first + PER_SAVE], self._settled[turn[first]])
            for first in range(0, PER_TURN, PER_SAVE)
        )

    def compare(self) -> None:
        """Its events say what ours say. Raises `BenchFault`."""
        if self._waiting:
            raise BenchFault(f"{len(self._waiting)} of the library's accounts were not credited")
        _compare(self._library, self._settled)


@contextmanager
def library(machine: Machine, log: PoolLog, size: int) -> Iterator[Library]:
    """The library in a schema of its own with `size` accounts, beside those of `log`."""
    parameters = conninfo_to_dict(machine.url)
    with psycopg.connect(machine.url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {_SCHEMA}")
        accounts = Accounts(
            env={
                "POSTGRES_DBNAME": str(parameters["dbname"]),
                "POSTGRES_HOST": str(parameters["host"]),
                "POSTGRES_PORT": str(parameters["port"]),
                "POSTGRES_USER": str(parameters["user"]),
                "POSTGRES_PASSWORD": str(parameters["password"]),
                "POSTGRES_SCHEMA": _SCHEMA,
            }
        )
        try:
            settled = _opened(accounts, log.rules())
            _multiply(connection, size // ACCOUNTS)
            connection.execute("VACUUM (ANALYZE)")
            yield Library(accounts, settled)
        finally:
            accounts.close()
            connection.execute(f"DROP SCHEMA {_SCHEMA} CASCADE")


def _opened(library: Accounts, rules: RegionRules) -> dict[UUID, Said]:
    """The accounts with their lives, and what our decision says about each one's interest."""
    settled: dict[UUID, Said] = {}
    today = clock.today()
    for first in range(0, ACCOUNTS, _OPENED_PER_SAVE):
        accounts: list[Account] = []
        for place in range(first, first + _OPENED_PER_SAVE):
            life = life_of(place, new_id(), f"640100.01.001.{place % VILLAGES:03d}", rules, today)
            opened, *rest = (msgspec.to_builtins(one) for one in life.events)
            account = Account(said=opened)
            for said in rest:
                if "serial" in said:
                    account.pay(said=said)
                else:
                    account.take_over(said=said)
            assert life.state is not None
            decided = credit_interest(life.state, YEAR, rules, _ORIGIN, today)
            assert not isinstance(decided, Refusal)
            settled[account.id] = msgspec.to_builtins(decided[0])
            accounts.append(account)
        library.save(*accounts)
    return settled


def _multiply(connection: psycopg.Connection[Any], times: int) -> None:
    """So many accounts for each that is there: the stored lives again, under ids as random as the library's own."""
    connection.execute(
        f"INSERT INTO {_SCHEMA}.accounts_events (originator_id, originator_version, topic, state)"
        " SELECT md5(originator_id::text || again)::uuid, originator_version, topic, state"
        f" FROM {_SCHEMA}.accounts_events, generate_series(2, %s) again ORDER BY 1, 2",
        (times,),
    )


def _credited(library: Accounts, ids: list[UUID], words: Said) -> float:
    """Accounts a second of one save, the loading before it included."""
    said = {name: value for name, value in words.items() if name not in {"effect", "fen_months"}}
    began = time.perf_counter()
    accounts: list[Account] = [library.repository.get(one) for one in ids]
    for account in accounts:
        account.settle(said)
    library.save(*accounts)
    return len(ids) / (time.perf_counter() - began)


def _compare(library: Accounts, settled: dict[UUID, Said]) -> None:
    """The library's events say what ours say. Raises `BenchFault`."""
    for account, ours in settled.items():
        *_, last = library.events.get(account)
        theirs = last.said  # type: ignore[attr-defined]
        if theirs != ours:
            raise BenchFault(f"the library credited {theirs}, our decision {ours}")
