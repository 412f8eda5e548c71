"""A counter for tests of single commands: a pool with people in it, and a writer that works when it is told to.

`Counter.together` puts commands into one batch on purpose; `Counter.ask` is a batch of one. The log is read beside.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from ledger import clock
from ledger.account import PersonalAccount
from ledger.account_decisions import Payment
from ledger.desk.coalesce import PoolWriter
from ledger.desk.commands import Answer, CloseAccount, Command, OpenAccount, PayOut, RecordPayment, ReverseEntry
from ledger.interest_decisions import credit_interest
from ledger.jobs.rule_entry import enter
from ledger.late_money import Origin
from ledger.refusals import Refused
from ledger.region_rules import PoolOpened, ValueEntered
from ledger.store.batch import Tranche
from ledger.store.keys import Keys
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.store.states import load_states
from ledger.words import MoneyKind
from samples.people import citizen_number

KEYS = Keys(bytes(range(32)))
RATES = {2021: "0.0350", 2022: "0.0307", 2023: "0.0262", 2024: "0.0246"}
VILLAGE = "青县/青镇/青村"
DAY = date(2023, 5, 10)
HANDS = {"actor": "甲", "reviewer": "乙"}


class Row(NamedTuple):
    """One row of the log."""

    id: int
    account: UUID
    version: int
    topic: str


class ByHand:
    """In the place of the writers' threads: what is submitted waits until `go`."""

    def __init__(self) -> None:
        self.threads: Any = self
        self._work: list[Callable[[], None]] = []

    def submit(self, work: Callable[[], None]) -> None:
        self._work.append(work)

    def go(self) -> None:
        while self._work:
            self._work.pop()()


def set_up(log: PoolLog) -> None:
    """Rules with rates and one village."""
    log.record_rule(PoolOpened(actor="甲", code=log.pool, name="测试", region="ningxia"), 1)
    for year, rate in RATES.items():
        enter_value(log, "rate", year, rate)
    with log.connections.connection() as connection:
        connection.execute(
            log.sql(
                "INSERT INTO {division} VALUES ('x.01', 'county', %s, '青县'),"
                " ('x.01.001', 'township', 'x.01', '青镇'), ('x.01.001.001', 'village', 'x.01.001', '青村')"
            ),
            (log.pool,),
        )


def enter_value(log: PoolLog, name: str, year: int, value: str) -> None:
    event = ValueEntered(**HANDS, name=name, year=year, value=value, document=f"示例{name}{year}")
    assert enter(log, event)


def number_of(sequence: int) -> str:
    return citizen_number(f"6400001980{1 + sequence // 1000 % 12:02d}01{sequence % 1000:03d}")


@dataclass
class Counter:
    """One pool and its writer."""

    log: PoolLog
    hand: ByHand = field(default_factory=ByHand)
    people: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.register = Register(self.log, KEYS)
        self.writer = PoolWriter(self.log, self.register, self.hand)  # type: ignore[arg-type]

    # -- commands -------------------------------------------------------------------------------------------------

    def open(self, sequence: int = 0, **said: Any) -> OpenAccount:
        sequence = sequence or next(self.people)
        plain = {"number": number_of(sequence), "name": f"测{sequence}", "division": VILLAGE}
        return OpenAccount(**{**new(), **plain, "opened_on": date(2019, 1, 2), **said})

    def pay(self, account: UUID, fen: int = 100_00, on: date = DAY, **said: Any) -> RecordPayment:
        named = {name: said.pop(name) for name in ("command_id", "dry_run", "actor") if name in said}
        kind = MoneyKind(said.pop("kind", "contribution"))
        payment = Payment(kind, fen, said.pop("period", on.year), on, **said)
        return RecordPayment(**{**new(), **named}, account=account, payment=payment)

    def pay_out(self, account: UUID, fen: int, on: date = date(2024, 6, 1), **said: Any) -> PayOut:
        return PayOut(**{**new(), "account": account, "kind": "pension", "fen": fen, "on": on, **said})

    def reverse(self, account: UUID, version: int, **said: Any) -> ReverseEntry:
        return ReverseEntry(
            **{**new(), "reviewer": "乙", "account": account, "version": version, "reason": "录入差错", **said}
        )

    def close(self, account: UUID, on: date = date(2024, 7, 1), **said: Any) -> CloseAccount:
        return CloseAccount(**{**new(), "reviewer": "乙", "account": account, "on": on, "reason": "死亡", **said})

    # -- asking ---------------------------------------------------------------------------------------------------

    def put(self, *commands: Command) -> list[Future[Answer]]:
        """Into the queue; nothing is done yet."""
        waiters: list[Future[Answer]] = [Future() for _ in commands]
        for command, waiter in zip(commands, waiters, strict=True):
            self.writer.submit(command, waiter)
        return waiters

    def together(self, *commands: Command) -> list[Any]:
        """The outcomes of commands that meet in one batch: answers, reasons of refusals, faults."""
        waiters = self.put(*commands)
        self.hand.go()
        return [outcome(waiter) for waiter in waiters]

    def ask(self, command: Command) -> Any:
        """The outcome of one command by itself."""
        (told,) = self.together(command)
        return told

    def accounts(self, count: int) -> list[UUID]:
        """New accounts."""
        told = self.together(*(self.open() for _ in range(count)))
        return [answer.account for answer in told]

    def credit(self, account: UUID, year: int) -> None:
        """The interest of a year, as the run records it."""
        rules, tranche, today = self.log.rules(), Tranche(self.log), clock.today()
        tranche.load([account])
        tranche.decide(account.bytes, lambda state, _: credit_interest(state, year, rules, Origin("甲"), today))
        self.log.record(tranche.writes())

    # -- what came of it ------------------------------------------------------------------------------------------

    def rows(self, above: int = 0) -> list[Row]:
        """The log above a position."""
        with self.log.connections.connection() as connection:
            found = connection.execute(
                self.log.sql(
                    "SELECT notification_id, originator_id, originator_version, topic FROM {ledger_events}"
                    " WHERE notification_id > %s ORDER BY 1"
                ),
                (above,),
            ).fetchall()
        return [Row(*row) for row in found]

    def standing(self) -> tuple[Any, ...]:
        """Everything that a command may leave a trace in."""
        tables = ("log_head", "ledger_events", "account_state", "command", "external_identity", "account_holder")
        with self.log.connections.connection() as connection:
            return tuple(
                connection.execute(self.log.sql(f"SELECT * FROM {{{table}}} ORDER BY 1, 2")).fetchall()
                for table in tables
            )

    def position(self) -> int:
        return self.log.position()[0]

    def state(self, account: UUID) -> PersonalAccount:
        return load_states(self.log, [account.bytes])[account.bytes]

    def fen(self, account: UUID) -> int:
        return self.state(account).balance.total

    def command_ids(self) -> list[UUID]:
        with self.log.connections.connection() as connection:
            rows = connection.execute(self.log.sql("SELECT command_id FROM {command}")).fetchall()
        return [row[0] for row in rows]


def new() -> dict[str, Any]:
    """What every command says."""
    return {"actor": "甲", "command_id": uuid4()}


def outcome(waiter: Future[Answer]) -> Any:
    """An answer; of a refusal its reason as text; any other fault itself."""
    fault = waiter.exception(timeout=0)
    if isinstance(fault, Refused):
        return str(fault.refusal.reason)
    return fault or waiter.result()


def agrees(answer: Answer, rows: list[Row]) -> bool:
    """Whether versions and position of an answer are those of its rows in the log."""
    mine = [row for row in rows if row.account == answer.account and row.id <= answer.position][-len(answer.events) :]
    return (
        [(row.version, row.topic) for row in mine] == [(event.version, event.topic) for event in answer.events]
        and mine[-1].id == answer.position
        and mine[-1].version == answer.version
        and [row.id for row in mine] == list(range(answer.position - len(mine) + 1, answer.position + 1))
    )


@contextmanager
def lost_after_commit(log: PoolLog, times: int = 1) -> Iterator[list[int]]:
    """The next `times` transactions commit, and the connection breaks before their end is told."""
    import psycopg

    real, lost = log.recorder.connections, []

    class Losing:
        @contextmanager
        def connection(self) -> Iterator[Any]:
            with real.connection() as connection:
                yield connection
            if len(lost) < times:
                lost.append(1)
                raise psycopg.OperationalError("the answer was lost")

    log.recorder.connections = Losing()  # type: ignore[assignment]
    try:
        yield lost
    finally:
        log.recorder.connections = real
