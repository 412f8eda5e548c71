"""The statements of accounts that happen to be asked for at the same moment, read together.

The questions that one statement asks of the database serve fifty as well, and go there and back together. What is told
is what `statement` tells of each account, at one position for them all: the log's end. First it is asked how each
account stands; whoever kept a statement of an account that stands as it stood need not have it read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from ledger.store.arrays import uuid_array
from ledger.store.log import PoolLog
from projections.entries import Asked, Line, statement_of
from projections.folds import FOLDS, composed
from projections.known import Known
from projections.runner import catch_up
from projections.statement import lines_of, openings_of, year_parameters


class Wanted(NamedTuple):
    """One question: an account, a year, and the business date up to which entries count.

    The account's id is the text that the statement shows, in lower case: a text is hashed once, an id at each look-up.
    """

    account: str
    year: int
    as_of: date | None = None


class Standing(NamedTuple):
    """All that can change a statement: the account's latest event and its holder's register version."""

    last_id: int
    register_version: int | None


_FOLDED: Final = {f"{fold.name} {fold.version}" for fold in FOLDS}
_STANDINGS: Final = """
    SELECT b.account_id::text, b.last_id,
           (SELECT max(n.register_version) FROM {participant_name} n WHERE n.participant_id = b.participant_id
               AND (%(instant)s::timestamptz IS NULL OR n.recorded_at <= %(instant)s))
      FROM {balance} b
     WHERE b.account_id = ANY(%(accounts)s) AND b.opened_id <= %(position)s"""
"""The register is asked once for each account: joined, a planner reads every name there is."""
_HEAD_AND_STANDINGS: Final = f"""
    SELECT h.last_id,
           (SELECT e.recorded_at FROM {{ledger_events}} e WHERE e.notification_id = (SELECT last_id FROM {{log_head}})),
           (SELECT array_agg(p.name || ' ' || p.fold_version) FROM {{projection}} p),
           (SELECT min(p.position) FROM {{projection}} p), s.*
      FROM {{log_head}} h LEFT JOIN ({_STANDINGS}) s ON true"""
_KNOWN: Final = "account_id = ANY(%(accounts)s) AND notification_id <= %(position)s"
_OPENINGS: Final = openings_of(_KNOWN)
_LINES: Final = lines_of(_KNOWN)


def standings(log: PoolLog, accounts: Collection[str]) -> tuple[Known, dict[str, Standing]]:
    """What is known now, and how each account stands then; one that is not there has none. Raises `RebuildDue`.

    One statement, and so one snapshot: where the folds stand at the log's end in it, all that it shows is known there.
    Where events wait to be folded, they are, and the question is put again at the position that was the end.
    """
    keys = uuid_array([_key(account) for account in accounts])
    parameters = {"accounts": keys, "position": 2**63 - 1, "instant": None}
    with log.connections.connection() as connection:
        rows = _asked(connection, log, _HEAD_AND_STANDINGS, parameters).fetchall()
    last_id, instant, folds, folded = rows[0][:4]
    if folded != last_id or not set(folds or ()) >= _FOLDED:
        catch_up(log, last_id)  # or says which rebuild is due
        parameters |= {"position": last_id, "instant": instant}
        with log.connections.connection() as connection:
            rows = [rows[0][:4] + row for row in _asked(connection, log, _STANDINGS, parameters)]
    return Known(last_id, instant), {row[4]: Standing(*row[5:]) for row in rows if row[4] is not None}


def many_statements(log: PoolLog, known: Known, wanted: Mapping[Wanted, Standing]) -> dict[Wanted, dict[str, Any]]:
    """The statement of each account at a position that is folded."""
    groups: dict[tuple[int, date | None], list[str]] = {}
    for one in wanted:
        groups.setdefault((one.year, one.as_of), []).append(one.account)
    questions: list[tuple[str, Any]] = []
    for (year, as_of), accounts in groups.items():
        parameters = _parameters(Asked(year, as_of, known), accounts)
        questions += [(_OPENINGS, parameters), (_LINES, parameters)]
    answers = iter(_answers(log, questions))
    told: dict[Wanted, dict[str, Any]] = {}
    for (year, as_of), accounts in groups.items():
        asked = Asked(year, as_of, known)
        openings = {row[0]: row[1:] for row in next(answers)}
        lines: dict[bytes, list[Line]] = {}
        for row in next(answers):
            lines.setdefault(row[0], []).append(Line._make(row))
        for account in accounts:
            one, key = Wanted(account, year, as_of), _key(account)
            version = wanted[one].register_version
            told[one] = statement_of(asked, account, openings.get(key), lines.get(key, []), version)
    return told


def _key(account: str) -> bytes:
    return bytes.fromhex(account.replace("-", ""))


def _parameters(asked: Asked, accounts: Iterable[str]) -> dict[str, Any]:
    keys = uuid_array([_key(account) for account in accounts])
    return {**year_parameters(asked), "accounts": keys, "position": asked.known.position}


def _answers(log: PoolLog, questions: Sequence[tuple[str, Any]]) -> list[list[TupleRow]]:
    """The rows of each question, all asked in one round trip."""
    if not questions:
        return []
    with log.connections.connection() as connection, connection.pipeline():
        cursors = [_asked(connection, log, text, parameters) for text, parameters in questions]
        return [cursor.fetchall() for cursor in cursors]


def _asked(connection: Connection[TupleRow], log: PoolLog, text: str, parameters: Any) -> Cursor[TupleRow]:
    return connection.cursor(binary=True).execute(composed(log, text), parameters, prepare=True)
