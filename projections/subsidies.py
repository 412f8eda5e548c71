"""The entries of a year that say whether an account is entitled to 政府补贴, and what it got; account after account.

Accounts are read in key order, a range in each statement, so a pool of millions needs no memory and no long snapshot;
what is recorded meanwhile does not enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple
from uuid import UUID

from psycopg.rows import TupleRow

from ledger.account_events import ContributionRecorded, EntryReversed, GovernmentSubsidyRecorded
from ledger.store.log import PoolLog
from ledger.subsidies import Entry
from ledger.words import MoneyKind
from projections.balances import key_ranges
from projections.folds import execute
from projections.runner import catch_up

_RANGE: Final = 20_000
_TOPICS: Final = (ContributionRecorded.topic, GovernmentSubsidyRecorded.topic, EntryReversed.topic)
_COLUMNS: Final = (MoneyKind.CONTRIBUTION, MoneyKind.GOVERNMENT_PAID, MoneyKind.GOVERNMENT_SUBSIDY)
_OF_YEAR: Final = f"""
    SELECT l.account_id, b.division, l.version, {", ".join(f"l.{kind}" for kind in _COLUMNS)},
           coalesce(x.payment_type, 'regular'), coalesce(x.level, ''), coalesce(x.allocation_document, ''),
           coalesce(x.reverses, 0)
      FROM {{line}} l JOIN {{balance}} b USING (account_id)
      JOIN {{ledger_events}} e ON e.originator_id = l.account_id AND e.originator_version = l.version,
           jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb)
               AS x (payment_type text, level text, allocation_document text, reverses bigint)
     WHERE l.account_id > %(low)s AND l.account_id <= %(high)s AND l.year = %(year)s
       AND l.notification_id <= %(position)s AND l.topic = ANY(%(topics)s)
     ORDER BY l.account_id, l.version"""


class AccountYear(NamedTuple):
    """An account with entries for the year; `division` is the code of its village."""

    account: UUID
    division: str
    entries: list[Entry]


def accounts_of_year(log: PoolLog, year: int) -> tuple[int, Iterator[AccountYear]]:
    """The position read at, and every account with contributions or 政府补贴 for `year` (费款所属期), by id."""
    position = log.position()[0]
    catch_up(log, position)
    return position, _read(log, year, position)


def _read(log: PoolLog, year: int, position: int) -> Iterator[AccountYear]:
    for low, high in key_ranges(log, _RANGE):
        asked = {"low": low, "high": high, "year": year, "position": position, "topics": list(_TOPICS)}
        with log.connections.connection() as connection:
            rows = execute(connection, log, _OF_YEAR, asked)
        for (account, division), mine in groupby(rows, itemgetter(0, 1)):
            yield AccountYear(account, division or "", [_entry(row) for row in mine])


def _entry(row: TupleRow) -> Entry:
    version, moved, (payment_type, level, document, reverses) = row[2], row[3:6], row[6:]
    kind, fen = next(((kind, fen) for kind, fen in zip(_COLUMNS, moved, strict=True) if fen is not None), (None, 0))
    return Entry(version, None if reverses else kind, fen, payment_type, level, document, reverses)
