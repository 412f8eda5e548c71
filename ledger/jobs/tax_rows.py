"""What the tax side tells beside 缴费明细, row by row: 退费申请, 缴费不成功信息, 特殊缴费业务入库反馈.

A row is read by itself first: a row whose number is well and something else is not keeps its person, because who it is
about is looked at before what is wrong. No cell that is kept may hold the row's own name or citizen number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from ledger.dates import DateFault, parse_business_date, parse_year
from ledger.identity import IdentityFault, names_somebody, normalise_citizen_number, squeezed
from ledger.jobs.payment_rows import DATA_TYPES, ITEMS, PAYMENT_TYPES
from ledger.money import MoneyFault, yuan_to_fen
from ledger.refund_requests import REFUND_TYPES
from ledger.refusals import Reason, Refusal, refuse
from ledger.special_payments import SPECIAL_TYPES
from ledger.words import MoneyKind

if TYPE_CHECKING:
    from ledger.jobs.intake import FileRow

_PERSON: Final = ("公民身份号码", "姓名")
REFUND_COLUMNS: Final = (
    "退费申请编号", *_PERSON, "电子税票号码", "费款所属期", "征收品目", "申请退费额", "退费类型", "上解日期",
    "数据类型", "传输批次号",
)  # fmt: skip
REFUND_OPTIONAL: Final = ("缴费明细流水号", "实缴金额", "入库日期")
FAILURE_COLUMNS: Final = (*_PERSON, "费款所属期", "征收品目", "金额", "失败原因", "日期", "传输批次号")
FAILURE_OPTIONAL: Final = ("缴费明细流水号", "电子税票号码")
FEEDBACK_COLUMNS: Final = (
    "应收核定编号", *_PERSON, "费款所属期", "缴费类型", "实缴金额", "入库日期", "电子税票号码",
)  # fmt: skip
TEXT: Final = ("公民身份号码", "退费申请编号", "电子税票号码", "缴费明细流水号", "应收核定编号", "传输批次号")

_REFUND_TYPES: Final = {**REFUND_TYPES, **{f"{code:0{width}d}": code for code in (3, 4) for width in (1, 2)}}
_SPECIAL: Final = {chinese: word for chinese, word in PAYMENT_TYPES.items() if word in SPECIAL_TYPES}
_Word = TypeVar("_Word")
Value = TypeVar("Value")
NAMELESS_CAUSE: Final = "（原因含身份信息，未存）"
"""Stands for the cause of a failure that names somebody."""


class RefundCells(NamedTuple):
    """A row of 退费申请 but for its person; amounts in fen."""

    number: str
    data_type: int
    kind: MoneyKind
    period: int
    fen: int
    paid_fen: int | None
    refund_type: int
    voucher: str
    serial: str
    paid_on: date
    treasury_on: date | None
    batch: str


class FailureCells(NamedTuple):
    """A row of 缴费不成功信息 but for its person; `fen` is what was to be paid."""

    kind: MoneyKind
    period: int
    fen: int
    failed_on: date
    serial: str
    voucher: str
    cause: str
    batch: str


class FeedbackCells(NamedTuple):
    """A row of 特殊缴费业务入库反馈 but for its person."""

    number: str
    period: int
    payment_type: str
    fen: int
    treasury_on: date
    voucher: str


class Said(NamedTuple, Generic[Value]):
    """A row whose person's number is well: what it says, or what is wrong with it. `reference` may be shown."""

    line: int
    reference: str
    number: str
    name: str
    value: Value | Refusal


class Unreadable(NamedTuple):
    """A row that says of nobody who it is about."""

    line: int
    refusal: Refusal


class _Unread(Exception):  # noqa: N818 — a fault of the input, carried to where the row is told
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


class Cells:
    """The cells of one row by column; each reading raises the refusal that its column gives."""

    def __init__(self, line: int, cells: Mapping[str, str]) -> None:
        self._line, self._cells = line, cells
        self.number, self.name = "", ""

    def person(self) -> None:
        """Number and name. Refusal: IDENTITY_FAULT."""
        try:
            self.number = normalise_citizen_number(self._cells["公民身份号码"])
        except IdentityFault as fault:
            raise self._wrong(Reason.IDENTITY_FAULT, "公民身份号码", str(fault)) from fault
        self.name = squeezed(self._cells["姓名"])

    def code(self, column: str, *, required: bool = True) -> str:
        """A number or code without spaces, which is nobody's name or citizen number. Refusal: ROW_FAULT."""
        text = squeezed(self._cells.get(column, ""))
        if required and not text:
            raise self._wrong(Reason.ROW_FAULT, column, f"“{column}”不得为空")
        if text and (self.number in text.upper() or text == self.name):
            raise self._wrong(Reason.ROW_FAULT, column, f"“{column}”中不得有姓名或公民身份号码")
        return text

    def text(self, column: str) -> str:
        """Free text, which is kept only where it says nobody's name or number."""
        text = self._cells.get(column, "").strip()
        plain = squeezed(text).upper()
        short = self.number[:6] + self.number[8:17]
        if names_somebody(text) or any(one and one in plain for one in (self.number, short, self.name.upper())):
            return NAMELESS_CAUSE
        return text

    def word(self, column: str, words: Mapping[str, _Word]) -> _Word:
        """One of the agreed words. Refusal: KIND."""
        found = words.get(squeezed(self._cells[column]))
        if found is None:
            raise self._wrong(Reason.KIND, column, f"“{column}”须为：{'、'.join(words)}")
        return found

    def fen(self, column: str) -> int:
        """An amount above zero. Refusal: AMOUNT."""
        try:
            fen = yuan_to_fen(self._cells[column])
        except MoneyFault as fault:
            raise self._wrong(Reason.AMOUNT, column, str(fault)) from fault
        if fen <= 0:
            raise self._wrong(Reason.AMOUNT, column, f"“{column}”须大于零")
        return fen

    def period(self) -> int:
        """费款所属期. Refusal: PERIOD."""
        try:
            return parse_year(self._cells["费款所属期"])
        except DateFault as fault:
            raise self._wrong(Reason.PERIOD, "费款所属期", str(fault)) from fault

    def day(self, column: str) -> date:
        """A business date. Refusal: DATE."""
        try:
            return parse_business_date(self._cells[column])
        except DateFault as fault:
            raise self._wrong(Reason.DATE, column, str(fault)) from fault

    def says(self, column: str) -> bool:
        """Whether an optional column says something."""
        return bool(self._cells.get(column, "").strip())

    def _wrong(self, reason: Reason, column: str, rule: str) -> _Unread:
        return _Unread(refuse(reason, f"第{self._line}行“{column}”", rule=rule))


def read_refund(cells: Cells) -> tuple[str, RefundCells]:
    """退费申请: reference and figures."""
    number = cells.code("退费申请编号")
    return number, RefundCells(
        number,
        cells.word("数据类型", DATA_TYPES),
        cells.word("征收品目", ITEMS),
        cells.period(),
        cells.fen("申请退费额"),
        cells.fen("实缴金额") if cells.says("实缴金额") else None,
        cells.word("退费类型", _REFUND_TYPES),
        cells.code("电子税票号码"),
        cells.code("缴费明细流水号", required=False),
        cells.day("上解日期"),
        cells.day("入库日期") if cells.says("入库日期") else None,
        cells.code("传输批次号", required=False),
    )


def read_failure(cells: Cells) -> tuple[str, FailureCells]:
    """缴费不成功信息: reference and figures."""
    serial = cells.code("缴费明细流水号", required=False)
    voucher = cells.code("电子税票号码", required=False)
    return serial or voucher, FailureCells(
        cells.word("征收品目", ITEMS),
        cells.period(),
        cells.fen("金额"),
        cells.day("日期"),
        serial,
        voucher,
        cells.text("失败原因"),
        cells.code("传输批次号", required=False),
    )


def read_feedback(cells: Cells) -> tuple[str, FeedbackCells]:
    """特殊缴费业务入库反馈: reference and figures."""
    number = cells.code("应收核定编号")
    return number, FeedbackCells(
        number,
        cells.period(),
        cells.word("缴费类型", _SPECIAL),
        cells.fen("实缴金额"),
        cells.day("入库日期"),
        cells.code("电子税票号码"),
    )


def read_rows(
    rows: Iterable[FileRow], index: Mapping[str, int], read: Callable[[Cells], tuple[str, Value]]
) -> Sequence[Said[Value] | Unreadable]:
    """Every row of a file in its order, as far as it can be read by itself."""
    found: list[Said[Value] | Unreadable] = []
    for line, cells, fault in rows:
        row = Cells(line, {name: cells[place] for name, place in index.items()})
        if fault:
            found.append(Unreadable(line, refuse(Reason.ROW_FAULT, f"第{line}行：{fault}")))
            continue
        try:
            row.person()
        except _Unread as unread:
            found.append(Unreadable(line, unread.refusal))
            continue
        try:
            reference, value = read(row)
            found.append(Said(line, reference, row.number, row.name, value))
        except _Unread as unread:
            found.append(Said(line, "", row.number, row.name, unread.refusal))
    return found
