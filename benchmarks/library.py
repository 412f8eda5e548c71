"""The library's own way, as its documentation shows it: load aggregates, credit, save, 500 aggregates a save.

An `Application` with an `Aggregate` class and the PostgreSQL persistence module, in a schema of its own on the same
server, with accounts of three payments each. Nothing of the ledger's recorder, mapper or state is used. Its interest is
a sum that has already been worked out, so it does less than ours.
"""

from __future__ import annotations

import statistics
import time
from typing import ClassVar, Final
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from benchmarks.machine import Machine

PER_SAVE: Final = 500
ACCOUNTS: Final = 2_000
_SCHEMA: Final = "bench_library"


class Account(Aggregate):
    """An account as the library's tutorial would write it; fen. What an event says besides is kept in the event."""

    @event("Opened")
    def __init__(self, division: str) -> None:
        self.division = division
        self.balance = 0
        self.credited_through = 0

    @event("Paid")
    def pay(self, kind: str, fen: int, month: int, serial: str) -> None:  # noqa: ARG002
        self.balance += fen

    @event("InterestCredited")
    def credit(self, year: int, fen: int, rate: str) -> None:  # noqa: ARG002
        self.balance += fen
        self.credited_through = year


class Accounts(Application[UUID]):
    """The documented application."""

    env: ClassVar[dict[str, str]] = {"PERSISTENCE_MODULE": "eventsourcing.postgres"}


def accounts_per_s(machine: Machine) -> list[float]:
    """Accounts a second of load, credit and save, for each save."""
    parameters = conninfo_to_dict(machine.url)
    with psycopg.connect(machine.url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {_SCHEMA}")
        library = Accounts(
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
            ids = _opened(library)
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")
            return [_credited(library, ids[first : first + PER_SAVE]) for first in range(0, ACCOUNTS, PER_SAVE)]
        finally:
            library.close()
            connection.execute(f"DROP SCHEMA {_SCHEMA} CASCADE")


def _opened(library: Accounts) -> list[UUID]:
    ids: list[UUID] = []
    for first in range(0, ACCOUNTS, PER_SAVE):
        accounts: list[Account] = []
        for place in range(first, first + PER_SAVE):
            account = Account(division="640100.01.001.001")
            for month in (3, 4, 10):
                account.pay(kind="contribution", fen=20_000 + place, month=month, serial=f"64010024{place:010d}{month}")
            accounts.append(account)
        library.save(*accounts)
        ids += [account.id for account in accounts]
    return ids


def _credited(library: Accounts, ids: list[UUID]) -> float:
    began = time.perf_counter()
    accounts: list[Account] = [library.repository.get(one) for one in ids]
    for account in accounts:
        account.credit(year=2024, fen=account.balance * 262 // 10_000, rate="0.0262")
    library.save(*accounts)
    return len(ids) / (time.perf_counter() - began)


def median_accounts_per_s(machine: Machine) -> float:
    """The median of the saves."""
    return statistics.median(accounts_per_s(machine))
