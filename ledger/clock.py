"""The one place where the ledger learns what time it is; tests freeze it here."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """This instant, UTC, in microseconds."""
    return datetime.now(UTC)


def today() -> date:
    """The business date: today in Asia/Shanghai, not in UTC (a counter at 07:30 works on the new day)."""
    return now().astimezone(SHANGHAI).date()
