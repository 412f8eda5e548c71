"""Reads of one account, and of page after page, for those who ask over HTTP.

A page begins behind the key that ended the one before it (no OFFSET), and is read at the position at which the first
page was read: walking the pages gives everything once, whatever is recorded meanwhile. The figures are those of
`balances`, the events those of `history`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any, Final
from uuid import UUID

from ledger.account_events import AccountClosed, TransferredOut
from ledger.refusals import Reason, Refused, refuse
from ledger.store.log import PoolLog
from projections.balances import NOTHING, held_query, money_told, range_asked
from projections.folds import EVERYBODY, execute
from projections.history import Clauses, told_events
from projections.known import Known, resolve
from projections.runner import catch_up

PAGE_MAX: Final = 1_000
"""Rows of one page at most."""
_ENDS: Final = {AccountClosed.topic: "closed", TransferredOut.topic: "transferred"}


def account(log: PoolLog, one: UUID, as_of: date | None = None, known_at: str | None = None) -> dict[str, Any]:
    """One account as it stood: status, division, version, balance by kind. Raises `Refused` and `KnownAtFault`.

    `status` is `open`, `closed` (注销) or `transferred` (转出), on `as_of` where that is given; `not_opened` before the
    day of opening. `version` is the account's version in the log at the position.
    """
    known = resolve(log, known_at)
    catch_up(log, known.position)
    with log.connections.connection() as connection:
        found = execute(
            connection,
            log,
            "SELECT b.opened_on, b.division, (SELECT max(e.originator_version) FROM {ledger_events} e"
            " WHERE e.originator_id = b.account_id AND e.notification_id <= %(position)s)"
            " FROM {balance} b WHERE b.account_id = %(account)s AND b.opened_id <= %(position)s",
            {"account": one, "position": known.position},
        )
        if not found:
            raise _unknown(one, known)
        ends = execute(
            connection,
            log,
            "SELECT topic, effective_on FROM {line} WHERE account_id = %s AND notification_id <= %s"
            " AND topic = ANY(%s) AND (%s::date IS NULL OR effective_on <= %s)",
            (one, known.position, list(_ENDS), as_of, as_of),
        )
        held = execute(connection, log, f"SELECT * FROM ({held_query(as_of)}) held", _alone(one, as_of, known))
    opened_on, division, version = found[0]
    status = "not_opened" if as_of is not None and as_of < opened_on and not held else "open"
    return {
        "pool": log.pool,
        "account": str(one),
        "position": known.position,
        "known_at": known.text,
        "as_of": as_of.isoformat() if as_of else None,
        "version": version,
        "status": _ENDS[ends[0][0]] if ends else status,
        "opened_on": opened_on.isoformat(),
        "ended_on": ends[0][1].isoformat() if ends else None,
        "division": division,
        **money_told(tuple(held[0][2:]) if held else NOTHING),
    }


def _alone(one: UUID, as_of: date | None, known: Known) -> dict[str, Any]:
    """The range of keys that holds one account."""
    return range_asked(UUID(int=max(one.int - 1, 0)), one, as_of, known)


def _unknown(one: UUID, known: Known) -> Refused:
    return Refused(refuse(Reason.UNKNOWN_ACCOUNT, f"账户{one}，位置{known.position}"))


def account_balances(
    log: PoolLog, after: UUID, limit: int, as_of: date | None = None, known_at: str | None = None
) -> tuple[Known, list[dict[str, Any]], UUID | None]:
    """The balances of up to `limit` accounts behind `after` in key order; the key to go on behind, None at the end.

    Accounts not opened by `as_of` have no row, so a page may hold fewer rows than its keys. Raises `KnownAtFault`.
    """
    known = resolve(log, known_at)
    catch_up(log, known.position)
    with log.connections.connection() as connection:
        keys = execute(
            connection,
            log,
            "SELECT account_id FROM {balance} WHERE account_id > %s AND opened_id <= %s ORDER BY account_id LIMIT %s",
            (after, known.position, limit),
        )
        high = keys[-1][0] if keys else EVERYBODY
        statement = f"SELECT * FROM ({held_query(as_of)}) held ORDER BY account_id"
        rows = execute(connection, log, statement, range_asked(after, high, as_of, known)) if keys else []
    told = [{"account": str(row[0]), "division": row[1], **money_told(tuple(row[2:]))} for row in rows]
    return known, told, high if len(keys) == limit else None


def account_events(
    log: PoolLog, one: UUID, after: int, limit: int, as_of: date | None = None, known_at: str | None = None
) -> tuple[Known, list[dict[str, Any]], int | None]:
    """Up to `limit` events of an account behind version `after`; the version to go on behind, None at the end.

    With `as_of`, those effective by that day. Raises `Refused` (UNKNOWN_ACCOUNT) and `KnownAtFault`.
    """
    known = resolve(log, known_at)
    with log.connections.connection() as connection:
        rows = execute(
            connection,
            log,
            "SELECT originator_version, notification_id, recorded_at, topic, state FROM {ledger_events}"
            " WHERE originator_id = %s AND originator_version > %s AND notification_id <= %s"
            " AND starts_with(topic, 'account.') ORDER BY originator_version LIMIT %s",
            (one, after, known.position, limit),
        )
    if not rows and not after:
        raise _unknown(one, known)
    told: Iterator[dict[str, Any]] = told_events(rows, Clauses(log))
    day = as_of.isoformat() if as_of else None
    kept = [event for event in islice(told, limit) if day is None or (event["effective_on"] or day) <= day]
    return known, kept, rows[-1][0] if len(rows) == limit else None
