"""What files of the exchange hold, in our own names: the columns of each sort of file, and the words of coded ones.

The formats of others (`exchange_profile`) are told in these names, and a file's header is held against these columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ledger.exchange import FileKind
from ledger.jobs import payment_rows, receivable_rows, tax_rows
from ledger.refund_requests import REFUND_TYPES


class Layout(NamedTuple):
    """One sort of file: its columns, those whose digits must be whole, and those a batch header speaks of.

    `amount` is summed, rows whose `data_type` says 撤销 take away, and `batch` must be the header's; "" where the sort
    has no such column.
    """

    title: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    text: tuple[str, ...]
    amount: str
    data_type: str = ""
    batch: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        return self.required + self.optional


LAYOUTS: Final[Mapping[str, Layout]] = {
    "payments": Layout(
        "缴费明细",
        payment_rows.REQUIRED,
        payment_rows.OPTIONAL,
        payment_rows.TEXT,
        amount="实缴金额",
        data_type="数据类型",
        batch="传输批次号",
    ),
    "receivables": Layout(
        "应收核定",
        receivable_rows.REQUIRED,
        receivable_rows.OPTIONAL,
        receivable_rows.TEXT,
        amount="应缴金额",
        data_type="数据类型",
    ),
    "refund_requests": Layout(
        "退费申请",
        tax_rows.REFUND_COLUMNS,
        tax_rows.REFUND_OPTIONAL,
        tax_rows.TEXT,
        amount="申请退费额",
        data_type="数据类型",
        batch="传输批次号",
    ),
    "failures": Layout(
        "缴费不成功信息",
        tax_rows.FAILURE_COLUMNS,
        tax_rows.FAILURE_OPTIONAL,
        tax_rows.TEXT,
        amount="金额",
        batch="传输批次号",
    ),
    "special_feedback": Layout(
        "特殊缴费业务入库反馈",
        tax_rows.FEEDBACK_COLUMNS,
        (),
        tax_rows.TEXT,
        amount="实缴金额",
    ),
    "totals": Layout(
        "合计",
        ("起", "金额"),
        ("止", "征收品目", "缴费类型", "旗县", "笔数", "凭证号"),
        ("凭证号",),
        amount="金额",
    ),
}
"""Sorts of files by the word of a profile. Of totals, an empty 止 is the same day as 起."""

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "征收品目": tuple(payment_rows.ITEMS),
    "缴费类型": tuple(payment_rows.PAYMENT_TYPES),
    "数据类型": tuple(payment_rows.DATA_TYPES),
    "险种类型": payment_rows.INSURANCES,
    "退费类型": tuple(REFUND_TYPES),
}
"""Columns whose values are words of ours, with all of them."""
FREE_WORDS: Final = ("统筹区编码", "社保经办机构编号", "补贴级次", "旗县", "证件类型")
"""Coded columns whose values are no closed list: what others call a pool, an agency, a county."""


def layout_of(kind: FileKind) -> str:
    """The word in `LAYOUTS` for a kind of file. A notice is no file, and answers come in our own columns."""
    match kind:
        case (
            FileKind.PAYMENTS
            | FileKind.RECEIVABLES
            | FileKind.REFUND_REQUESTS
            | FileKind.FAILURES
            | FileKind.SPECIAL_FEEDBACK
        ):
            return kind.value
        case (
            FileKind.TREASURY
            | FileKind.FISCAL_ACCOUNT
            | FileKind.INCOME_ACCOUNT
            | FileKind.EXPENDITURE_ACCOUNT
            | FileKind.COUNTY
            | FileKind.COLLECTED
        ):
            return "totals"
        case _:
            raise ValueError(f"{kind.value} is not read through a profile")
