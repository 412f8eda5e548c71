"""Proves that the streams of reconciled months are whole: each is a month's, folds, and was ended by what it names.

Nobody else's event stands in a month's stream, and no month's event in another one. A month is not spoken of while it
is signed. What is said to have ended a difference is in the log, before it was said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from eventsourcing.persistence import MapperDeserialisationError

from ledger.dates import FIRST_PERIOD, LAST_PERIOD
from ledger.reconciliation_events import MONTH_EVENTS, DifferenceResolved, MonthEvent, MonthSigned
from ledger.reconciliation_month import fold_month_events, month_stream
from ledger.store.log import PoolLog
from ledger.store.mapper import decode
from projections.evidence import Finding

_TOPICS: Final = [event.topic for event in MONTH_EVENTS]


def month_faults(log: PoolLog) -> Iterator[Finding]:
    """Every fault of the pool's months."""
    months = {
        month_stream(log.pool, date(year, month, 1)): f"{year}-{month:02d}"
        for year in range(FIRST_PERIOD, LAST_PERIOD + 1)
        for month in range(1, 13)
    }
    strays = _read(
        log,
        "SELECT DISTINCT originator_id FROM {ledger_events} WHERE topic = ANY(%s) AND originator_id <> ALL(%s)",
        (_TOPICS, list(months)),
    )
    for (stream,) in sorted(strays):
        yield Finding("month_unknown", {"stream": str(stream)}, f"日志流 {stream} 不是任何一个对账月份")
    rows = _read(
        log,
        "SELECT originator_id, notification_id, topic, state FROM {ledger_events} WHERE originator_id = ANY(%s)"
        " ORDER BY originator_id, originator_version",
        (list(months),),
    )
    for stream, told in groupby(rows, key=lambda row: row[0]):
        yield from _stream_faults(log, months[stream], [row[1:] for row in told])


def _stream_faults(log: PoolLog, month: str, rows: Sequence[tuple[int, str, bytes]]) -> Iterator[Finding]:
    where = {"month": month}
    try:
        events = [decode(topic, bytes(state)) for _, topic, state in rows]
        said = [event for event in events if isinstance(event, MonthEvent)]
        if len(said) != len(events):
            raise ValueError("an event of another stream")
        fold_month_events(said)
    except (MapperDeserialisationError, ValueError):
        yield Finding("month_broken", where, f"{month} 对账的日志不能逐笔重算")
        return
    for event in said:
        if isinstance(event, MonthSigned) and event.difference != event.tax - event.agency:
            yield Finding("month_figures", where, f"{month} 签认的差额不等于两方合计之差")
    endings = [
        (position, event)
        for (position, _, _), event in zip(rows, said, strict=True)
        if isinstance(event, DifferenceResolved)
    ]
    for (position, event), found in zip(endings, _found(log, [event for _, event in endings]), strict=True):
        if found is None or found[1] != event.by or found[0] >= position:
            text = (
                f"{month} 差异 {event.difference.id} 所称了结它的记录（账户 {event.account} 第{event.version}号）不存在"
            )
            yield Finding("month_ending", {**where, "difference": str(event.difference.id)}, text)


def _found(log: PoolLog, endings: Sequence[DifferenceResolved]) -> list[tuple[int, str] | None]:
    """Position and topic of the events that are said to have ended differences."""
    if not endings:
        return []
    statement = (
        "SELECT originator_id, originator_version, notification_id, topic FROM {ledger_events}"
        " JOIN unnest(%s::uuid[], %s::bigint[]) AS said (originator_id, originator_version)"
        " USING (originator_id, originator_version)"
    )
    asked = ([event.account for event in endings], [event.version for event in endings])
    found: dict[tuple[UUID, int], tuple[int, str]] = {
        (row[0], row[1]): (row[2], row[3]) for row in _read(log, statement, asked)
    }
    return [found.get((event.account, event.version)) for event in endings]


def _read(log: PoolLog, text: str, parameters: Any) -> list[Any]:
    with log.connections.connection() as connection:
        return connection.execute(log.sql(text), parameters).fetchall()
