"""The business date is the day in Asia/Shanghai, not the day in UTC."""

from __future__ import annotations

from datetime import date

import pytest
from freezegun import freeze_time

from ledger import clock


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2024-12-31T15:59:59Z", date(2024, 12, 31)),
        ("2024-12-31T16:00:00Z", date(2025, 1, 1)),
        ("2025-06-30T23:30:00Z", date(2025, 7, 1)),
    ],
)
def test_the_day_begins_at_midnight_in_shanghai(instant: str, day: date) -> None:
    with freeze_time(instant):
        assert clock.today() == day
