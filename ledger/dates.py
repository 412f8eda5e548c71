"""Business dates and periods as files and callers write them.

A business date is a day in Asia/Shanghai, without a time. A period (费款所属期) is a calendar year.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

from ledger.identity import harmless

FIRST_PERIOD: Final = 1990
LAST_PERIOD: Final = 2100
"""A 费款所属期 outside these years is a mistake: the first rural pensions date from the early nineties."""

_MIDNIGHT: Final = r"(?:[T ]\s*0?0:00(?::00(?:\.0+)?)?)?"
_DATE: Final = re.compile(
    rf"(?:(\d{{4}})([-/])(\d{{1,2}})\2(\d{{1,2}})|(\d{{4}})年(\d{{1,2}})月(\d{{1,2}})日|(\d{{4}})(\d\d)(\d\d)){_MIDNIGHT}",
    re.ASCII,
)
_TIME: Final = re.compile(r"\d{1,2}:\d\d")
_YEAR: Final = re.compile(r"(\d{4})(?:\.0+|年度?)?", re.ASCII)
# A month of one digit needs a separator that is not a point, because 2024.1 may be what a spreadsheet left of 2024.10;
# the first day behind it is what a spreadsheet makes of a month that was typed as 2024-01.
_MONTH: Final = r"(\d{4})(?:[-/年](?=\d)|\.?(?=\d\d))(\d\d?)(?:月|[-/]0?1(?!\d))?"
_MONTHS: Final = re.compile(rf"{_MONTH}(?:[-~—至到]+{_MONTH})?", re.ASCII)
_HALF_WIDTH: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}


class DateFault(ValueError):  # noqa: N818 — a fault of the input, not of the program
    """A text that is not a date or a period; the message says why and never repeats what could be somebody's number."""


@lru_cache(maxsize=65_536)
def parse_business_date(text: str) -> date:
    """The day of `2024-03-14`, `2024/3/14`, `20240314` or `2024年3月14日`, also with midnight (`00:00`, `00:00:00`).

    Full-width forms and spaces around are accepted. Another time than midnight is refused rather than cut off, and so
    is a spreadsheet's day number. Raises `DateFault`.
    """
    plain = text.translate(_HALF_WIDTH).strip()
    found = _DATE.fullmatch(plain)
    if found is None:
        if _TIME.search(plain):
            raise DateFault("日期带有时刻，业务日期只到日，请去掉时刻，写成 2024-03-14 的样子")
        what = f"日期{harmless(plain)}无法识别" if plain else "日期为空"
        raise DateFault(f"{what}，请写成 2024-03-14、2024/3/14、20240314 或 2024年3月14日")
    parts = [int(part) for part in found.groups() if part is not None and part.isdigit()]
    try:
        return date(*parts)
    except ValueError:
        raise DateFault(f"日期{harmless(plain)}不存在，请核对年月日") from None


@lru_cache(maxsize=4_096)
def parse_year(text: str) -> int:
    """The year of a 费款所属期: `2024`, `2024年`, `2024.0`, a month (`2024-01`, `202401`), months of one year.

    A month is also `2024-01-01`; months are `202401-202412`, `2024-01至2024-12`, `2024年1月～2024年12月`. Raises
    `DateFault` for months of two years, in the wrong order or not 1 to 12, for years outside 1990 to 2100, and for
    anything else.
    """
    plain = "".join(text.translate(_HALF_WIDTH).split())
    found = _YEAR.fullmatch(plain)
    year = int(found[1]) if found else _year_of_months(plain)
    if not FIRST_PERIOD <= year <= LAST_PERIOD:
        raise DateFault(f"费款所属期 {year} 年不在 {FIRST_PERIOD} 至 {LAST_PERIOD} 年之间，请核对")
    return year


def _year_of_months(plain: str) -> int:
    """The year in which a month, or a range of months, lies."""
    found = _MONTHS.fullmatch(plain)
    if found is None:
        what = f"费款所属期{harmless(plain)}无法识别" if plain else "费款所属期为空"
        raise DateFault(f"{what}，请填写年度，例如 2024 或 202401-202412")
    year, first = int(found[1]), int(found[2])
    last_year, last = (int(found[3]), int(found[4])) if found[3] else (year, first)
    if year != last_year:
        raise DateFault(f"费款所属期跨年度（{year} 年至 {last_year} 年），请按年度拆成多行")
    if not 1 <= first <= last <= 12:
        raise DateFault(f"费款所属期的月份不对（{first} 月至 {last} 月），月份应为 1 至 12，且先起后止")
    return year
