"""What one snapshot of the tables says about streams: their rows of the log, state, lines, balance and holder.

Streams are read a range of keys at a time, each range in one snapshot, in which the SQL of the folds is asked again
what the tables should hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from eventsourcing.persistence import MapperDeserialisationError
from psycopg import Connection
from psycopg.errors import DataError
from psycopg.rows import TupleRow

from ledger.account import PersonalAccount, evolve
from ledger.account_events import AccountEvent, MoneyEvent
from ledger.money import fen_to_yuan
from ledger.store.log import PoolLog
from ledger.store.mapper import Event, decode
from ledger.store.states import decode_state
from ledger.words import KINDS, Amounts
from projections.folds import BY_ACCOUNT, FOLDS, KIND_COLUMNS, composed, execute

_INT64_MAX: Final = 2**63 - 1
RANGE_EVENTS: Final = 20_000
"""Events of a range of keys, whole streams: what one snapshot looks at, within a second."""
LINE_COLUMNS: Final = f"notification_id, version, recorded_at, effective_on, year, {KIND_COLUMNS}, topic, reference"
"""A row of the lines as `line_entry` takes it."""


class Finding(NamedTuple):
    """One fault: its kind, the very row it was found in, and what is wrong with it (Chinese)."""

    kind: str
    where: dict[str, Any]
    text: str


class LogEntry(NamedTuple):
    """One row of the log."""

    version: int
    id: int
    recorded_at: datetime
    topic: str
    state: bytes


class LineEntry(NamedTuple):
    """One row of the statement lines; `effect` holds 0 for kinds not moved."""

    id: int
    version: int
    recorded_at: datetime
    effective_on: date
    year: int
    effect: Amounts
    topic: str
    reference: str


class BalanceEntry(NamedTuple):
    """One row of the balances."""

    participant: UUID | None
    division: str | None
    opened_on: date | None
    opened_id: int | None
    last_id: int
    held: Amounts


class StateEntry(NamedTuple):
    """One row of the account states."""

    version: int
    credited_through: int
    state: bytes


@dataclass
class Evidence:
    """All that one snapshot holds about a stream; the folds stand at `balances_at` and `lines_at`."""

    stream: UUID
    balances_at: int
    lines_at: int
    log: list[LogEntry] = field(default_factory=list)
    state: StateEntry | None = None
    lines: list[LineEntry] = field(default_factory=list)
    balance: BalanceEntry | None = None
    holder: tuple[UUID, str] | None = None

    def where(self, entry: LogEntry | LineEntry) -> dict[str, Any]:
        """The row as it is named in a finding: id, stream, version, topic, effect (yuan), year, effective date."""
        said: dict[str, Any] = {
            "id": entry.id, "stream": str(self.stream), "version": entry.version, "topic": entry.topic,
        }  # fmt: skip
        told: Any = entry
        if isinstance(entry, LogEntry):
            told = decoded(entry)
            if not isinstance(told, MoneyEvent):
                return said
        effect = {kind.value: fen_to_yuan(told.effect.of(kind)) for kind in KINDS if told.effect.of(kind)}
        return {**said, "effect": effect, "year": told.year, "effective_on": told.effective_on.isoformat()}


def decoded(entry: LogEntry) -> Event | None:
    """The event of a row, None where its bytes are none that both folds can read."""
    try:
        event = decode(entry.topic, entry.state)
    except (MapperDeserialisationError, ValueError):
        return None
    if b"\\u0000" in entry.state:
        return None
    if isinstance(event, MoneyEvent) and any(abs(fen) > _INT64_MAX for fen in event.effect.by_kind()):
        return None
    return event


def folded(events: list[AccountEvent]) -> PersonalAccount | None:
    """The state after a stream, None where its events cannot follow each other."""
    state: PersonalAccount | None = None
    try:
        for event in events:
            state = evolve(state, event)
    except ValueError:
        return None
    return state


def state_of(entry: StateEntry | None) -> PersonalAccount | None:
    """The state in a row's bytes, None where they are none."""
    try:
        return decode_state(entry.state) if entry else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def holds(entry: StateEntry | None, state: PersonalAccount | None) -> bool:
    """Whether a stored state is this one, in its bytes and in its columns."""
    if entry is None or state is None:
        return entry is None and state is None
    columns = (entry.version, entry.credited_through)
    return columns == (state.version, state.credited_through) and state_of(entry) == state


# -- read from the tables, a range of keys at a time ---------------------------------------------------------------


@contextmanager
def snapshot(log: PoolLog) -> Iterator[Connection[TupleRow]]:
    """One snapshot of everything.

    The tables are locked before it is taken: between, a rebuild could put tables in their place whose rows the
    snapshot does not see.
    """
    with log.connections.transaction() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL jit = off; SET LOCAL work_mem = '32MB'")
        connection.execute(composed(log, "LOCK TABLE {balance}, {line}, {line_day} IN ACCESS SHARE MODE"))
        yield connection


def standing(connection: Connection[TupleRow], log: PoolLog) -> tuple[int, int]:
    """How far balances and lines have come in this snapshot."""
    positions: dict[str, int] = dict(execute(connection, log, "SELECT name, position FROM {projection}"))
    balances, lines = (positions.get(fold.name, 0) for fold in FOLDS)
    return balances, lines


def load(connection: Connection[TupleRow], log: PoolLog, low: UUID, high: UUID) -> dict[UUID, Evidence]:
    """Log, states, balances and holders of a range, by stream."""
    positions = standing(connection, log)
    found: dict[UUID, Evidence] = {}

    def of(stream: UUID) -> Evidence:
        if stream not in found:
            found[stream] = Evidence(stream, *positions)
        return found[stream]

    def read(columns: str, table: str, key: str, order: str = "") -> list[TupleRow]:
        statement = f"SELECT {key}, {columns} FROM {table} WHERE {key} > %s AND {key} <= %s{order}"
        return execute(connection, log, statement, (low, high))

    rows = read(
        "originator_version, notification_id, recorded_at, topic, state", "{ledger_events}", "originator_id",
        " ORDER BY originator_id, originator_version",
    )  # fmt: skip
    for stream, *row in rows:
        of(stream).log.append(LogEntry(*row))
    for stream, *row in read("version, credited_through, state", "{account_state}", "account_id"):
        of(stream).state = StateEntry(*row)
    columns = f"participant_id, division, opened_on, opened_id, last_id, {KIND_COLUMNS}"
    for stream, *row in read(columns, "{balance}", "account_id"):
        of(stream).balance = BalanceEntry._make((*row[:5], Amounts(*row[5:])))
    for stream, *row in read("participant_id, division", "{account_holder}", "account_id"):
        of(stream).holder = (row[0], row[1])
    return found


def doubted_accounts(connection: Connection[TupleRow], log: PoolLog, low: UUID, high: UUID) -> set[UUID] | None:
    """Accounts of a range whose rows differ from what the same SQL folds from the log now; None: SQL cannot read it."""
    doubted: set[UUID] = set()
    for fold, position in zip(FOLDS, standing(connection, log), strict=True):
        key = " AND ".join(f"a.{column} = t.{column}" for column in fold.key)
        again = fold.select.replace("<range>", BY_ACCOUNT)
        there = f"SELECT {fold.columns} FROM {{target}} WHERE account_id > %(low)s AND account_id <= %(high)s"
        statement = (
            f"SELECT DISTINCT coalesce(a.account_id, t.account_id) FROM ({again}) a FULL JOIN ({there}) t"
            f" ON {key} WHERE a IS DISTINCT FROM t"
        )
        try:
            with connection.transaction(), connection.cursor(binary=True) as cursor:
                asked = {"low": low, "high": high, "to": position}
                cursor.execute(composed(log, statement, target=fold.table), asked)
                doubted.update(row[0] for row in cursor)
        except DataError:
            return None
    return doubted


def load_lines(connection: Connection[TupleRow], log: PoolLog, suspects: dict[UUID, Evidence]) -> None:
    """Add the lines of some streams to their evidence."""
    rows = execute(
        connection,
        log,
        f"SELECT account_id, {LINE_COLUMNS} FROM {{line}} WHERE account_id = ANY(%s) ORDER BY account_id, version",
        (list(suspects),),
    )
    for account, *row in rows:
        suspects[account].lines.append(line_entry(row))


def line_entry(row: Sequence[Any]) -> LineEntry:
    """A row of `LINE_COLUMNS`."""
    position, version, recorded_at, effective_on, year, *fen, topic, reference = row
    effect = Amounts(*(one or 0 for one in fen))
    return LineEntry(position, version, recorded_at, effective_on, year, effect, topic, reference)
