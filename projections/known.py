"""What was known when: the second of the two times of every read, resolved once to a position of the log.

`known_at` is a position (digits alone) or an instant (ISO 8601 with a zone). An instant means the last event recorded
at or before it; one instant belongs to one transaction, so it never cuts a transaction in two. What is printed is the
instant of the position, never the wall clock, so that the same question can be asked again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.store.log import PoolLog
from projections.folds import execute


class Known(NamedTuple):
    """The last event known, and the instant at which its transaction was recorded (None before the first event)."""

    position: int
    instant: datetime | None

    @property
    def text(self) -> str | None:
        """The instant in microseconds with its zone, `2026-11-22T09:30:00.000123+00:00`; reads back to itself."""
        return _text(self.instant) if self.instant else None


@lru_cache(maxsize=256)
def _text(instant: datetime) -> str:
    """Kept: statements that are read together all say the same."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


class KnownAtFault(ValueError):  # noqa: N818 — a fault of the input, not of the program
    """A `known_at` that is neither a position of the log nor an instant; the text is Chinese."""


def resolve(log: PoolLog, known_at: str | None = None) -> Known:
    """The position that `known_at` means; without one, the log's end as this moment's snapshot sees it.

    Raises `KnownAtFault` for a position above the last, an instant without zone, and what is neither.
    """
    wanted = None if known_at is None else _read(known_at.strip())
    with log.connections.connection() as connection:
        rows = execute(
            connection,
            log,
            "SELECT last_id, recorded_at FROM {log_head} LEFT JOIN {ledger_events} ON notification_id = last_id",
        )
        head, instant = rows[0]
        if wanted is None:
            return Known(head, instant)
        if isinstance(wanted, datetime):
            return _at(connection, log, _last_until(connection, log, wanted, head))
        if wanted > head:
            raise KnownAtFault(f"位置 {wanted} 超过本统筹区日志的最后一笔（{head}），请核对")
        return _at(connection, log, wanted)


def _read(text: str) -> int | datetime:
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise KnownAtFault(
            f"“{text[:40]}”既不是位置（纯数字），也不是带时区的时刻，请写成 2026-11-22T17:30:00+08:00 的样子"
        ) from None
    if instant.tzinfo is None:
        raise KnownAtFault(f"时刻“{text[:40]}”没有时区，请注明，例如 2026-11-22T17:30:00+08:00 或以 Z 结尾")
    return instant


def _at(connection: Connection[TupleRow], log: PoolLog, position: int) -> Known:
    rows = execute(connection, log, "SELECT recorded_at FROM {ledger_events} WHERE notification_id = %s", (position,))
    return Known(position, rows[0][0] if rows else None)


def _last_until(connection: Connection[TupleRow], log: PoolLog, instant: datetime, head: int) -> int:
    """The greatest id recorded at or before `instant`, by halving: ids and instants grow together."""
    below, above = 0, head + 1
    while above - below > 1:
        middle = (below + above) // 2
        rows = execute(
            connection,
            log,
            "SELECT notification_id, recorded_at <= %s FROM {ledger_events} WHERE notification_id <= %s"
            " ORDER BY notification_id DESC LIMIT 1",
            (instant, middle),
        )
        if not rows or rows[0][1]:
            below = middle
        else:
            above = rows[0][0] if rows[0][0] > below else middle
    return below
