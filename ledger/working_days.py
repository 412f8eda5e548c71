"""Working days (工作日): deadlines and periods of publicity, counted from the day after their beginning.

The holidays and the weekends worked instead are published for one year at a time (国务院办公厅关于节假日安排的通知). A
day whose year is not published yet counts by its weekday, and what was counted with it is provisional. Days are dates
in Asia/Shanghai.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from chinese_calendar import is_workday

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


class Due(NamedTuple):
    """The last day of a period, and whether the calendar of one of its years is not published yet."""

    day: date
    provisional: bool


def due(start: date, working_days: int) -> Due:
    """The day on which so many working days (one or more) have passed since `start`, which itself never counts."""
    if working_days < 1:
        raise ValueError("a period has at least one working day")
    day, provisional = start, False
    while working_days:
        day += _DAY
        works, published = _works(day)
        working_days -= works
        provisional = provisional or not published
    return Due(day, provisional)


class Passed(NamedTuple):
    """How many working days have passed, and whether the calendar of one of their years is not published yet."""

    days: int
    provisional: bool


@lru_cache(maxsize=4_096)
def counted(start: date, end: date) -> Passed:
    """The working days that have passed since `start` at the end of the day `end`; none where `end` is not after it."""
    works = [_works(start + offset * _DAY) for offset in range(1, (end - start).days + 1)]
    return Passed(sum(day for day, _ in works), not all(published for _, published in works))


def passed(start: date, end: date) -> int:
    """How many working days have passed since `start` at the end of the day `end`; 0 where `end` is not after it."""
    return counted(start, end).days


@lru_cache(maxsize=4_096)
def _works(day: date) -> tuple[bool, bool]:
    """Whether people work on a day, and whether its year is published."""
    try:
        return bool(is_workday(day)), True
    except NotImplementedError:
        return day.weekday() < _SATURDAY, False
