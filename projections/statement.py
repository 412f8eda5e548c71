"""The statement (对账单) of one account and year: opening, movements with running balance, interest, closing.

Read from the lines, which are never changed, up to one position; nothing else that could change enters. So a statement
once given can be given again, byte for byte, whatever was recorded since. `entries` puts it together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.jobs.pipeline import ReadAhead
from ledger.refusals import Reason, Refused, refuse
from ledger.store.log import PoolLog
from projections.entries import INTEREST_TOPICS, Asked, Line, RegisterVersions, statement_of
from projections.folds import KIND_COLUMNS, KIND_SUMS, execute
from projections.known import resolve
from projections.runner import catch_up

_PAGE: Final = 2_000


class Holding(NamedTuple):
    """An account as a statement needs it: its holder, and the id of the event that opened it."""

    account: UUID
    participant: UUID | None
    opened_id: int


class Page(NamedTuple):
    """What was read of some accounts: themselves in key order; openings (fen by kind) and lines by the key's bytes."""

    holdings: list[Holding]
    openings: dict[bytes, tuple[int, ...]]
    lines: dict[bytes, list[Line]]


def statement(
    log: PoolLog,
    account: UUID,
    year: int,
    as_of: date | None = None,
    known_at: str | None = None,
    register_versions: RegisterVersions | None = None,
) -> dict[str, Any]:
    """The statement of one account. Raises `Refused` (UNKNOWN_ACCOUNT) and `KnownAtFault`."""
    asked = Asked(year, as_of, resolve(log, known_at), register_versions)
    catch_up(log, asked.known.position)
    found = _holdings(log, "account_id = %(account)s AND opened_id <= %(position)s", asked, account=account)
    if not found:
        raise Refused(refuse(Reason.UNKNOWN_ACCOUNT, f"账户{account}，位置{asked.known.position}"))
    return next(_statements_of(asked, _read(log, asked, found)))


def statements(
    log: PoolLog,
    year: int,
    as_of: date | None = None,
    known_at: str | None = None,
    register_versions: RegisterVersions | None = None,
) -> Iterator[dict[str, Any]]:
    """The statements of every account opened by the end of the year, in key order, as they are asked for.

    What is known is resolved here, once; accounts are then read page by page, each page in statements of its own, so
    that an export of hours holds no snapshot. Raises `KnownAtFault`.
    """
    asked = Asked(year, as_of, resolve(log, known_at), register_versions)
    catch_up(log, asked.known.position)
    return _all(log, asked)


def _all(log: PoolLog, asked: Asked) -> Iterator[dict[str, Any]]:
    with ReadAhead(lambda: _pages(log, asked)) as pages:
        for page in pages:
            yield from _statements_of(asked, page)


def _pages(log: PoolLog, asked: Asked) -> Iterator[Page]:
    """Every account opened by the end of the year, in key order."""
    after = UUID(int=0)
    condition = (
        "account_id > %(after)s AND opened_id <= %(position)s AND opened_on <= %(end)s"
        " ORDER BY account_id LIMIT %(page)s"
    )
    while holdings := _holdings(log, condition, asked, after=after, end=date(asked.year, 12, 31), page=_PAGE):
        after = holdings[-1].account
        yield _read(log, asked, holdings)


def _holdings(log: PoolLog, condition: str, asked: Asked, **parameters: Any) -> list[Holding]:
    with log.connections.connection() as connection:
        rows = execute(
            connection,
            log,
            "SELECT account_id, participant_id, opened_id FROM {balance} WHERE " + condition,
            {"position": asked.known.position, **parameters},
        )
    return [Holding(*row) for row in rows]


def _read(log: PoolLog, asked: Asked, holdings: list[Holding]) -> Page:
    """What accounts that follow each other in key order held before the year, and their lines in it."""
    known = "account_id BETWEEN %(first)s AND %(last)s AND notification_id <= %(position)s"
    ends = {"first": holdings[0].account, "last": holdings[-1].account, "position": asked.known.position}
    parameters = {**year_parameters(asked), **ends}
    with log.connections.connection() as connection:
        sums = execute(connection, log, openings_of(known), parameters)
        rows = execute(connection, log, lines_of(known), parameters)
    grouped = {account: list(group) for account, group in groupby(map(Line._make, rows), key=itemgetter(0))}
    return Page(holdings, {row[0]: row[1:] for row in sums}, grouped)


def year_parameters(asked: Asked) -> dict[str, Any]:
    """What `openings_of` and `lines_of` ask with, besides their condition."""
    begin, end = asked.span
    return {"before": asked.opening_before, "begin": begin, "end": end, "interest": list(INTEREST_TOPICS)}


def openings_of(condition: str) -> str:
    """What accounts (`l.account_id` by `condition`) held before the year, by kind."""
    return (
        f"SELECT uuid_send(account_id), {KIND_SUMS} FROM {{line}} l"
        f" WHERE {condition} AND effective_on < %(before)s GROUP BY account_id"
    )


def lines_of(condition: str) -> str:
    """The lines of the year, account by account; those of interest with the event they come from."""
    return (
        "SELECT uuid_send(account_id), notification_id, version,"
        """ to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),"""
        " to_char(effective_on, 'YYYY-MM-DD'), topic, reference, CASE WHEN topic = ANY(%(interest)s) THEN"
        " (SELECT e.state FROM {ledger_events} e WHERE e.originator_id = l.account_id"
        "  AND e.originator_version = l.version) END,"
        f" {KIND_COLUMNS} FROM {{line}} l WHERE {condition} AND effective_on BETWEEN %(begin)s AND %(end)s"
        " ORDER BY account_id"
    )


def _statements_of(asked: Asked, page: Page) -> Iterator[dict[str, Any]]:
    versions: Mapping[UUID, int] = {}
    if asked.register_versions is not None:
        people = [holding.participant for holding in page.holdings if holding.participant is not None]
        versions = asked.register_versions(people, asked.known.instant)
    for account, participant, _ in page.holdings:
        version = versions.get(participant) if participant else None
        key = account.bytes
        yield statement_of(asked, str(account), page.openings.get(key), page.lines.get(key, []), version)
