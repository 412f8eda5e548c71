"""What accounts, villages, counties and the pool hold, by money kind, on any day and as known at any position.

A row of the balance table whose last event lies at or before the position is the balance at that position; for other
rows, and for a past day, the lines are summed. Accounts are read in key order, a range at a time, each in one
statement: no transaction lasts, a million accounts need no memory, and what is recorded meanwhile does not enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import reduce
from typing import Any, Final
from uuid import UUID

from ledger.money import fen_to_yuan
from ledger.store.log import PoolLog
from ledger.words import KINDS
from projections.folds import KIND_COLUMNS, KIND_SUMS, execute
from projections.known import Known, resolve
from projections.runner import catch_up

LEVELS: Final = ("village", "county", "account")
"""What a balance may be broken down by."""
_RANGE: Final = 50_000
"""Accounts summed in one statement."""
_PAGE: Final = 5_000
"""Accounts listed by one statement."""

Fens = tuple[int, ...]
"""Fen by money kind, in the order of `KINDS`."""
NOTHING: Final[Fens] = (0,) * len(KINDS)

_AS_IT_STANDS: Final = f"""
    SELECT account_id, division, {KIND_COLUMNS} FROM {{balance}}
     WHERE account_id > %(low)s AND account_id <= %(high)s AND last_id <= %(position)s
    UNION ALL"""
_FROM_LINES: Final = f"""
    SELECT b.account_id, b.division, {", ".join(f"coalesce(sum(l.{kind}), 0)::bigint AS {kind}" for kind in KINDS)}
      FROM {{balance}} b LEFT JOIN {{line}} l
           ON l.account_id = b.account_id AND l.account_id > %(low)s AND l.account_id <= %(high)s
          AND l.notification_id <= %(position)s AND (%(as_of)s::date IS NULL OR l.effective_on <= %(as_of)s)
     WHERE b.account_id > %(low)s AND b.account_id <= %(high)s AND b.opened_id <= %(position)s
       AND (%(as_of)s::date IS NOT NULL OR b.last_id > %(position)s)
     GROUP BY b.account_id
    HAVING %(as_of)s::date IS NULL OR b.opened_on <= %(as_of)s OR count(l.account_id) > 0"""


def balances(
    log: PoolLog, by: str | None = None, as_of: date | None = None, known_at: str | None = None
) -> dict[str, Any]:
    """The pool's balance, in all and by kind (yuan), and with `by` (village, county, account) a row each.

    Villages and counties stand in the order of their codes, a county holding what its villages hold. Rows of accounts
    come as they are asked for (`rows` is an iterator then), in the order of their ids; accounts not yet opened on
    `as_of` have none. Raises `KnownAtFault`, and ValueError for another `by`.
    """
    if by is not None and by not in LEVELS:
        raise ValueError(f"汇总口径“{by}”无效，可选：{'、'.join(LEVELS)}")
    known = resolve(log, known_at)
    catch_up(log, known.position)
    held = _by_village(log, as_of, known)
    said: dict[str, Any] = {
        "pool": log.pool,
        "position": known.position,
        "known_at": known.text,
        **money_told(reduce(_add, (fen for _, fen in held.values()), NOTHING)),
    }
    if by == "account":
        said["rows"] = _account_rows(log, as_of, known)
    elif by is not None:
        said["rows"] = _division_rows(log, held, by)
    return said


def key_ranges(log: PoolLog, size: int) -> Iterator[tuple[UUID, UUID]]:
    """Ranges (above, up to) of account ids that hold `size` accounts each, the last one reaching to the end."""
    low = UUID(int=0)
    while True:
        with log.connections.connection() as connection:
            rows = execute(
                connection,
                log,
                "SELECT account_id FROM {balance} WHERE account_id > %s ORDER BY account_id OFFSET %s LIMIT 1",
                (low, size - 1),
            )
        high = rows[0][0] if rows else UUID(int=2**128 - 1)
        yield low, high
        if not rows:
            return
        low = high


def held_query(as_of: date | None) -> str:
    """The statement that gives account, village and fen by kind of a range of accounts."""
    return _FROM_LINES if as_of is not None else _AS_IT_STANDS + _FROM_LINES


def _by_village(log: PoolLog, as_of: date | None, known: Known) -> dict[str, tuple[int, Fens]]:
    """How many accounts each village keeps, and what they hold."""
    held: dict[str, tuple[int, Fens]] = {}
    statement = f"SELECT division, count(*), {KIND_SUMS} FROM ({held_query(as_of)}) held GROUP BY division"
    for low, high in key_ranges(log, _RANGE):
        with log.connections.connection() as connection:
            rows = execute(connection, log, statement, range_asked(low, high, as_of, known))
        for division, accounts, *fen in rows:
            before = held.get(division or "", (0, NOTHING))
            held[division or ""] = (before[0] + accounts, _add(before[1], tuple(fen)))
    return held


def _account_rows(log: PoolLog, as_of: date | None, known: Known) -> Iterator[dict[str, Any]]:
    statement = f"SELECT * FROM ({held_query(as_of)}) held ORDER BY account_id"
    for low, high in key_ranges(log, _PAGE):
        with log.connections.connection() as connection:
            rows = execute(connection, log, statement, range_asked(low, high, as_of, known))
        for account, division, *fen in rows:
            yield {"account": str(account), "division": division, **money_told(tuple(fen))}


def range_asked(low: UUID, high: UUID, as_of: date | None, known: Known) -> dict[str, Any]:
    """What `held_query` asks with: the accounts with keys above `low` up to `high`."""
    return {"low": low, "high": high, "as_of": as_of, "position": known.position}


def _division_rows(log: PoolLog, held: dict[str, tuple[int, Fens]], level: str) -> list[dict[str, Any]]:
    """One row for each village that keeps accounts, or for each county above one."""
    with log.connections.connection() as connection:
        rows = execute(connection, log, "SELECT code, level, parent, name FROM {division}")
    divisions = {code: (its_level, parent, name) for code, its_level, parent, name in rows}
    totals: dict[str, tuple[int, Fens]] = {}
    for village, (accounts, fen) in held.items():
        path = _path(divisions, village)
        code = next((one for one in path if divisions[one][0] == level), village)
        before = totals.get(code, (0, NOTHING))
        totals[code] = (before[0] + accounts, _add(before[1], fen))
    return [
        {
            "code": code,
            "name": "/".join(divisions[one][2] for one in _path(divisions, code)),
            "accounts": accounts,
            **money_told(fen),
        }
        for code, (accounts, fen) in sorted(totals.items())
    ]


def _path(divisions: dict[str, tuple[str, str, str]], code: str) -> list[str]:
    """The codes from the county down to `code`; empty for a code that the table of divisions does not hold."""
    path: list[str] = []
    while code in divisions and code not in path:
        path.insert(0, code)
        code = divisions[code][1]
    return path


def _add(left: Fens, right: Fens) -> Fens:
    return tuple(one + other for one, other in zip(left, right, strict=True))


def money_told(fen: Fens) -> dict[str, Any]:
    """Balance and kinds in yuan."""
    return {
        "balance": fen_to_yuan(sum(fen)),
        "kinds": {kind.value: fen_to_yuan(one) for kind, one in zip(KINDS, fen, strict=True)},
    }
