"""What the report of a month is made from, read in one snapshot: the view, who stated what, the list, the ages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from ledger import clock
from ledger.differences import Category
from ledger.exchange import FileKind
from ledger.reconciliation_events import MonthSigned
from ledger.reconciliation_month import UNDONE, month_stream
from ledger.refusals import Reason
from ledger.store.log import PoolLog
from ledger.store.pools import find_pool
from ledger.words import KINDS
from ledger.working_days import passed
from projections.folds import execute
from projections.reconciliation_bulk import Span
from projections.reconciliation_facts import Owners, age, late_rows
from projections.reconciliation_pages import TAX_AGENCY, Difference, MonthView, differences, month_view
from projections.reconciliation_sums import Counts
from projections.reconciliation_totals import Side, sides

AGES: Final = (3, 15, 30, 90)
"""Working days up to which an age goes (domain §6.1: what was paid is credited within three); the last one is older."""
_CHUNK: Final = 5_000
_ORDERED: Final = """
SELECT difference_id, proposal FROM {reconciliation_difference_v1} WHERE month = %s
 ORDER BY comparison <> %s, comparison, array_position(%s::text[], category),
          coalesce(detail -> 'tax' ->> 'on', detail -> 'agency' ->> 'on', ''), difference_id"""
_EXPLAINING: Final = """
SELECT comparison, category, coalesce(sum(rows), 0)::bigint FROM {reconciliation_difference_v1}
 WHERE month = %s GROUP BY 1, 2"""
_UNALLOCATED: Final = """
SELECT coalesce(paid_on, treasury_on), kind, count(*), sum(fen)::bigint
  FROM (SELECT DISTINCT ON (serial) * FROM {exchange_record} WHERE ended > 2 AND data_type = 1
         ORDER BY serial, file_id DESC, line DESC) r
 WHERE treasury_on < %(after)s AND kind IS NOT NULL AND reason <> %(elsewhere)s
   AND NOT EXISTS (SELECT FROM {external_identity} x WHERE x.serial = r.serial)
   AND NOT EXISTS (SELECT FROM {exchange_record} c WHERE c.ended > 2 AND c.data_type = 2 AND c.serial = r.serial)
 GROUP BY 1, 2"""


class Explained(NamedTuple):
    """The differences of a category: how many, tax less agency in rows and fen, and how many nobody has dealt with."""

    comparison: str
    category: Category
    differences: int
    rows: int
    fen: int
    open: int


class Aged(NamedTuple):
    """What has no end yet, by age (see `AGES`): count and fen; of differences the sum of their absolute amounts."""

    comparison: str
    what: str
    ages: tuple[Counts, ...]


class MonthReport(NamedTuple):
    """A month, and all that its report says besides the list of differences.

    `late_rows` came since it was signed; `made_on` is the day of the ages.
    """

    pool: str
    name: str
    view: MonthView
    signed_at: datetime | None
    late_rows: int
    explained: list[Explained]
    sides: dict[FileKind, Side]
    aged: list[Aged]
    unallocated: list[Aged]
    made_at: datetime
    made_on: date

    @property
    def details(self) -> Counts:
        """The sum of the differences of single rows: what the difference of the two books must be."""
        mine = [one for one in self.explained if one.comparison == TAX_AGENCY]
        return Counts(sum(one.rows for one in mine), sum(one.fen for one in mine))

    @property
    def differences(self) -> int:
        """How many differences there are."""
        return sum(one.differences for one in self.explained)


class Listed(NamedTuple):
    """A difference with its place in the list (from 1), its owner's name, and the place of what it may mean."""

    number: int
    difference: Difference
    owner: str
    proposal: int | None


@contextmanager
def snapshot(log: PoolLog) -> Iterator[PoolLog]:
    """The log in one snapshot: whatever is folded or said meanwhile, a report agrees with itself."""
    with log.connections.transaction() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield log.on(connection)


def month_report(log: PoolLog, month: date) -> MonthReport | None:
    """The report of a month as it was folded, read in the caller's snapshot; None where it never was."""
    view = month_view(log, month)
    pool = find_pool(log.connections, log.pool)
    if view is None or pool is None:
        return None
    now, today = clock.now(), clock.today()
    return MonthReport(
        pool=log.pool,
        name=pool.name,
        view=view,
        signed_at=_signed_at(log, month) if view.state.signed else None,
        late_rows=late_rows(log, view),
        explained=_explained(log, view),
        sides=_sides(log, view),
        aged=_aged(log, month, today),
        unallocated=_unallocated(log, month, today),
        made_at=now,
        made_on=today,
    )


def listed(log: PoolLog, month: date, most: int | None = None) -> Iterator[Listed]:
    """The differences of a month (at most so many) in the order of the list: comparison, category, day."""
    with log.connections.connection() as connection:
        asked = (month, TAX_AGENCY, list(Category))
        rows: list[tuple[UUID, UUID | None]] = execute(connection, log, _ORDERED, asked)
    wanted = {proposal for _, proposal in rows if proposal}
    numbers = {one: number for number, (one, _) in enumerate(rows, 1) if one in wanted}
    owners = Owners(log)
    told = len(rows) if most is None else min(most, len(rows))
    for start in range(0, told, _CHUNK):
        chunk = rows[start : min(start + _CHUNK, told)]
        found = {one.id: one for one in differences(log, month, ids=[row[0] for row in chunk])}
        for number, (which, proposal) in enumerate(chunk, start + 1):
            yield Listed(number, found[which], owners.of(found[which]), numbers.get(proposal) if proposal else None)


def _signed_at(log: PoolLog, month: date) -> datetime:
    statement = "SELECT max(recorded_at) FROM {ledger_events} WHERE originator_id = %s AND topic = %s"
    with log.connections.connection() as connection:
        rows = execute(connection, log, statement, (month_stream(log.pool, month), MonthSigned.topic))
    return rows[0][0]  # type: ignore[no-any-return]


def _explained(log: PoolLog, view: MonthView) -> list[Explained]:
    with log.connections.connection() as connection:
        found = execute(connection, log, _EXPLAINING, (view.month,))
    rows = {(comparison, category): count for comparison, category, count in found}
    return [
        Explained(one.comparison, one.category, one.rows, rows[one.comparison, one.category], one.fen, one.open)
        for one in view.categories
    ]


def _sides(log: PoolLog, view: MonthView) -> dict[FileKind, Side]:
    with log.connections.connection() as connection:
        (through,) = execute(connection, log, "SELECT coalesce(max(file_id), 0) FROM {exchange_file}")[0]
        return {one.source: one for one in sides(connection, log, view.month, through, view.position)}


# -- ages --------------------------------------------------------------------------------------------------------------


def _aged(log: PoolLog, month: date, today: date) -> list[Aged]:
    """The differences of all months up to this one that nobody has dealt with, by their age in working days."""
    found: dict[tuple[str, str], list[Counts]] = {}
    with log.connections.connection() as connection:
        statement = "SELECT month FROM {reconciliation_month_v1} WHERE month <= %s ORDER BY 1"
        months = [row[0] for row in execute(connection, log, statement, (month,))]
    for one in months:
        for each in differences(log, one):
            if each.status in UNDONE:
                _add(found, (each.comparison, each.category), _which(age(each, one, today)), 1, abs(each.fen))
    order = list(Category)
    keys = sorted(found, key=lambda key: (key[0] != TAX_AGENCY, key[0], order.index(Category(key[1]))))
    return [Aged(*key, tuple(found[key])) for key in keys]


def _unallocated(log: PoolLog, month: date, today: date) -> list[Aged]:
    """Payments up to the month's end that no account has, by item, since they were paid."""
    found: dict[tuple[str, str], list[Counts]] = {}
    with log.connections.connection() as connection:
        asked = {"after": Span.of(month).after, "elsewhere": Reason.OTHER_POOL}
        rows: Iterable[tuple[date, int, int, int]] = execute(connection, log, _UNALLOCATED, asked)
    for day, kind, count, fen in rows:
        _add(found, ("", KINDS[kind]), _which(passed(day, today)), count, fen)
    return [Aged("", kind, tuple(found["", kind])) for kind in KINDS if ("", kind) in found]


def _add(found: dict[tuple[str, str], list[Counts]], key: tuple[str, str], age: int, count: int, fen: int) -> None:
    ages = found.setdefault(key, [Counts()] * (len(AGES) + 1))
    ages[age] = Counts(ages[age].rows + count, ages[age].fen + fen)


def _which(days: int) -> int:
    """Which of the ages so many working days are."""
    return next((place for place, most in enumerate(AGES) if days <= most), len(AGES))
