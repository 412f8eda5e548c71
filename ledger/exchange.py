"""The words of the exchange with the tax side, finance, the treasury and banks: kinds of files, how a row ends.

Rows are stored with the places of these words, so the order of the lists is a contract: words are added at their end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Final


class FileKind(StrEnum):
    """What a file of the exchange holds."""

    PAYMENTS = "payments"
    """缴费明细, with 政府补贴 of finance."""
    RECEIVABLES = "receivables"
    """应收核定 that another system approved."""
    NOTICE = "notice"
    """应收核定 of a roster whose 缴费通知单 was issued; known by the roster's id."""
    TREASURY = "treasury"
    """国库 daily totals."""
    FISCAL_ACCOUNT = "fiscal_account"
    """Bank lines of the 财政专户 (in Panzhihua the 财政收入户)."""
    INCOME_ACCOUNT = "income_account"
    """Bank lines of the agency's 收入户."""
    EXPENDITURE_ACCOUNT = "expenditure_account"
    """Bank lines of the agency's 支出户."""
    COUNTY = "county"
    """Totals that county agencies state."""
    COLLECTED = "collected"
    """征缴统计: the tax side's counts of subsidies and aid collected (S3 五（四）)."""
    REFUND_REQUESTS = "refund_requests"
    """退费申请."""
    FAILURES = "failures"
    """缴费不成功信息."""
    SPECIAL_FEEDBACK = "special_feedback"
    """特殊缴费业务入库反馈."""
    ANSWERS = "answers"
    """校验结果: what the tax side answered to rows of our batches."""


ENDINGS: Final = ("", "recorded", "already_there", "refused", "waiting")
"""How a received row ended when it came, by the number it is stored with; nothing has the number 0."""
TYPES: Final = ("regular", "interrupted", "lump_sum", "unspecified")
"""Payment types (缴费类型) by the number they are stored with."""
COLLECTED_SIDE: Final = 1
"""Rows of what was collected, by the month of their treasury entry."""
APPROVED_SIDE: Final = 2
"""Rows of what was approved, by the month of their approval."""
STATED_SIDE: Final = 3
"""Sums that others state, by the month they are of."""
REFUND_SIDE: Final = 4
"""退费申请, their cancellations and their verdicts, by the month in which the request came: it may be open since."""
BOOKED_LATER: Final = 0
"""Stands in the place of a file where a month counts payments booked, or reversed by hand, after they had come."""


@cache
def month_of(day: date) -> date:
    """The first day of a day's month: months of the exchange are known by it."""
    return day.replace(day=1)


def rows_by_month(days: Iterable[date]) -> dict[date, int]:
    """How many of these days lie in each month."""
    found: Counter[date] = Counter()
    for day, rows in Counter(days).items():
        found[month_of(day)] += rows
    return found
