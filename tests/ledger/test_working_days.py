"""Working days: the vectors, holidays and worked weekends, years that are not published yet."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.working_days import Due, due, passed

CASE = json.loads((Path(__file__).parents[1] / "data" / "cases" / "working_days.json").read_text("utf-8"))
START = date.fromisoformat(CASE["start"])


@pytest.mark.parametrize(("days", "day"), CASE["due"].items())
def test_the_vectors(days, day):
    assert due(START, int(days)) == Due(date.fromisoformat(day), provisional=False)
    assert passed(START, date.fromisoformat(day)) == int(days)
    assert passed(START, date.fromisoformat(day) - timedelta(days=1)) < int(days)


def test_a_beginning_on_a_holiday_counts_from_the_next_day_that_is_worked():
    assert due(date(2025, 10, 3), 1).day == date(2025, 10, 9)
    assert due(date(2025, 9, 27), 1).day == date(2025, 9, 28)  # a Sunday that is worked
    assert passed(date(2025, 9, 28), date(2025, 9, 28)) == 0
    assert passed(date(2025, 9, 28), date(2025, 9, 1)) == 0


def test_a_year_that_is_not_published_counts_by_weekday_and_says_so():
    assert due(date(2090, 5, 4), 5) == Due(date(2090, 5, 11), provisional=True)
    assert passed(date(2090, 5, 4), date(2090, 5, 11)) == 5


@pytest.mark.parametrize("days", [0, -3])
def test_no_period_without_a_day(days):
    with pytest.raises(ValueError, match="at least one"):
        due(START, days)


@given(st.dates(date(2010, 1, 1), date(2099, 1, 1)), st.integers(1, 40))
def test_what_is_due_has_just_passed(start, days):
    end = due(start, days).day
    assert passed(start, end) == days
    assert passed(start, end - timedelta(days=1)) == days - 1
    assert start < end <= start + timedelta(days=3 * days + 12)
