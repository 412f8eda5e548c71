"""The rows of the report: what each figure may be, from which size on that binds, and how all of it is shown.

A ratio to work of the database is a statement about a run that is long enough for its start not to matter, so most
limits belong to one million accounts; at smaller sizes the same figure is shown and binds nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

FULL: Final = 1_000_000
"""Accounts at which the limits of the design bind."""


class Side(StrEnum):
    """On which side of its limit a figure may lie."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


class Limit(NamedTuple):
    """A figure's limit, in the row's unit, and the size (accounts) from which on it binds."""

    side: Side
    value: float
    from_size: int


class Measure(NamedTuple):
    """A row's unit and its limit; without one it is shown and never judged."""

    unit: str
    limit: Limit | None


MEASURES: Final[dict[str, Measure]] = {
    "interest_vs_bare_work": Measure("× bare work", Limit(Side.AT_MOST, 2.0, FULL)),
    "interest_vs_library_500": Measure("× library", Limit(Side.AT_LEAST, 40.0, FULL)),
    "interest_rss_mb": Measure("MB", Limit(Side.AT_MOST, 250.0, FULL)),
    "interest_rss_growth": Measure("× next smaller", Limit(Side.AT_MOST, 1.2, FULL)),
    "import_payments_rows_per_s": Measure("rows/s", Limit(Side.AT_LEAST, 10_000.0, FULL)),
    "import_rss_mb": Measure("MB", None),
    "reconcile_vs_outer_join": Measure("× outer join", Limit(Side.AT_MOST, 3.0, FULL)),
    "reconcile_rss_mb": Measure("MB", Limit(Side.AT_MOST, 250.0, FULL)),
    "rebuild_balances_vs_scan": Measure("× scan", Limit(Side.AT_LEAST, 0.4, 100_000)),
    "rebuild_all_vs_scan": Measure("× scan", Limit(Side.AT_LEAST, 0.2, 100_000)),
    "open_account_600_vs_6": Measure("× of 6 events", Limit(Side.AT_MOST, 1.5, 0)),
    "statement_600_vs_6": Measure("× of 6 events", Limit(Side.AT_MOST, 3.0, 0)),
    "commands_64_vs_own_1": Measure("× one client", Limit(Side.AT_LEAST, 5.0, 0)),
    "commands_64_vs_64_inserts": Measure("× 64 inserting", Limit(Side.AT_LEAST, 1.0, 0)),
    "commands_1_vs_1_insert": Measure("× one inserting", Limit(Side.AT_LEAST, 0.1, 0)),
    "commands_p99_during_run_16": Measure("× quiet p99", Limit(Side.AT_MOST, 10.0, 100_000)),
    "commands_p99_during_run_64": Measure("× quiet p99", Limit(Side.AT_MOST, 10.0, 100_000)),
    "commands_rate_during_run": Measure("× quiet rate", Limit(Side.AT_LEAST, 0.2, 100_000)),
    "run_rate_during_commands": Measure("× rate alone", Limit(Side.AT_LEAST, 1 / 3, 100_000)),
    "commands_while_export": Measure("× without", Limit(Side.AT_LEAST, 0.8, 100_000)),
    "roster_review_rows_per_s": Measure("rows/s", Limit(Side.AT_LEAST, 10_000.0, 100_000)),
    "roster_allocation_rows_per_s": Measure("rows/s", Limit(Side.AT_LEAST, 20_000.0, 100_000)),
    "roster_rss_mb": Measure("MB", Limit(Side.AT_MOST, 250.0, 100_000)),
    "roster_lock_ms": Measure("ms", Limit(Side.AT_MOST, 500.0, 0)),
    "http_statement_vs_bare_endpoint": Measure("× bare endpoint", Limit(Side.AT_LEAST, 0.5, 0)),
}
"""Every row by name, in the order of the report."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: `size` in accounts, `limit` None where it binds at a larger size only; `info` what it was made of."""

    name: str
    size: int
    value: float
    unit: str
    limit: float | None
    ok: bool
    info: dict[str, Any] = {}


def row(
    name: str, size: int, value: float, *, sound: bool = True, well: bool = False, info: dict[str, Any] | None = None
) -> Row:
    """A figure judged. `sound` is False where what it was compared with cannot be trusted: then it is not ok.

    `well` is True where the figure is good enough by another measure: a p99 of less than a quarter of a second.
    """
    unit, limit = MEASURES[name]
    binds = limit is not None and size >= limit.from_size
    within = not binds or limit is None or _within(value, limit)
    return Row(
        name=name,
        size=size,
        value=round(value, 3),
        unit=unit,
        limit=limit.value if binds and limit else None,
        ok=(within or well) and sound,
        info=info or {},
    )


def _within(value: float, limit: Limit) -> bool:
    return value <= limit.value if limit.side is Side.AT_MOST else value >= limit.value


def in_order(rows: Sequence[Row]) -> list[Row]:
    """By size, the largest last; inside a size as in `MEASURES`."""
    places = {name: place for place, name in enumerate(MEASURES)}
    return sorted(rows, key=lambda one: (one.size, places[one.name]))


def exit_code(rows: Sequence[Row]) -> int:
    """1 when a row is not ok, or none was measured."""
    return 0 if rows and all(one.ok for one in rows) else 1


def write(rows: Sequence[Row], path: Path) -> None:
    """The rows as a JSON list, one row a line."""
    lines = (msgspec.json.encode(one).decode() for one in in_order(rows))
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def show(rows: Sequence[Row], console: Console) -> None:
    """The rows as a table, and under it every figure they were made of."""
    table = Table(title="pension-ledger benchmarks")
    for heading in ("row", "accounts", "value", "unit", "limit", "ok"):
        table.add_column(heading, justify="left" if heading in {"row", "unit"} else "right")
    for one in in_order(rows):
        limit = MEASURES[one.name].limit
        bound = f"{limit.side} {one.limit:,g}" if limit and one.limit is not None else ""
        table.add_row(one.name, f"{one.size:,}", f"{one.value:,.2f}", one.unit, bound, "ok" if one.ok else "NOT OK")
    console.print(table)
    for one in in_order(rows):
        figures = ", ".join(f"{name} {_shown(value)}" for name, value in one.info.items())
        console.print(f"{one.name} at {one.size:,}: {figures}", highlight=False, soft_wrap=True)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + " ".join(_shown(one) for one in value) + "]"
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return str(value)
