"""Rows of a file of sums that others state: each read by itself, with everything that is wrong with it.

Sums make sense only whole, so one fault returns the file; all faults of all rows are told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from ledger.dates import DateFault, parse_business_date
from ledger.exchange import FileKind, month_of
from ledger.identity import IdentityFault, normalise_citizen_number, squeezed
from ledger.jobs.intake import FileRow
from ledger.jobs.payment_rows import ITEMS, PAYMENT_TYPES
from ledger.money import MoneyFault, yuan_to_fen
from ledger.refusals import Reason, Refusal, refuse
from ledger.stated_totals import ACCOUNTS, Business, StatedTotal, TotalKey
from ledger.words import CHINESE, MoneyKind

DAYS: Final = (("起", "止"), ("日期",))
"""Which columns say the days of a sum; either the one or the other."""
MONEY: Final = (("金额",), ("收入", "支出"))
"""Which columns say an amount: signed, or by direction (lines of an account only)."""
ITEM: Final = ("征收品目", "缴费类型")
TEXT: Final = ("凭证号", "流水号")
BUSINESSES: Final = {
    "养老金": Business.PENSION,
    "个人账户养老金": Business.PENSION,
    "退费": Business.REFUND,
    "转移": Business.TRANSFER,
    "转出": Business.TRANSFER,
    "注销": Business.CLOSURE,
    "基础养老金": Business.OTHER,
    "丧葬补助金": Business.OTHER,
    "其他": Business.OTHER,
}
"""What 业务类型 of a line of the 支出户 may say."""
LEAST_AGE: Final = 15

Fault = tuple[int, Refusal]


def ways(source: FileKind) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The headers a file of this source may have, required columns and optional ones, in the order they are tried."""
    county = ("旗县",) if source is FileKind.COUNTY else ()
    about = ("业务类型",) if source is FileKind.EXPENDITURE_ACCOUNT else ITEM
    more = (*about, "笔数", *TEXT, *(("旗县",) if source is FileKind.COLLECTED else ()))
    money = MONEY if source in ACCOUNTS else MONEY[:1]
    return [((*days, *amounts, *county), more) for days in DAYS for amounts in money]


def read_totals(
    rows: Iterable[FileRow], index: Mapping[str, int], source: FileKind, counties: Mapping[str, str], today: date
) -> tuple[list[StatedTotal], list[Fault]]:
    """A file's sums, and all its faults. `counties` gives the code of each county by its name and by its code.

    Reasons: ROW_FAULT (cells that do not fit, the same sum twice, a number of a person), DATE, KIND, AMOUNT,
    UNKNOWN_DIVISION.
    """
    totals: list[StatedTotal] = []
    faults: list[Fault] = []
    first: dict[TotalKey, int] = {}
    for line, cells, broken in rows:
        if broken:
            faults.append((line, refuse(Reason.ROW_FAULT, f"第{line}行", rule=broken)))
            continue
        said = {name: cells[place].strip() for name, place in index.items() if place < len(cells)}
        total = _Row(line, said, source, counties, today).read(faults)
        if total is None:
            continue
        if source not in ACCOUNTS and (before := first.setdefault(total.key, line)) != line:
            rule = "同一日期、征收品目、缴费类型、旗县、凭证号的合计在一个文件中只出现一次"
            faults.append((line, refuse(Reason.ROW_FAULT, f"第{line}行与第{before}行", rule=rule)))
            continue
        totals.append(total)
    return totals, faults


class _Row:
    """One row under reading; its faults are told in the order of its columns."""

    def __init__(
        self, line: int, said: Mapping[str, str], source: FileKind, counties: Mapping[str, str], today: date
    ) -> None:
        self._line, self._said, self._source, self._counties, self._today = line, said, source, counties, today
        self._faults: list[Fault] = []

    def read(self, faults: list[Fault]) -> StatedTotal | None:
        """The sum, or None with its faults added to `faults`."""
        since, until = self._days()
        kind, payment_type = self._item()
        total = StatedTotal(
            self._line, since, until, self._fen(), self._rows(), kind, payment_type, self._county(), self._reference(),
            self._business(),
        )  # fmt: skip
        faults += self._faults
        return None if self._faults else total

    def _fault(self, reason: Reason, column: str, rule: str, remedy: str | None = None) -> None:
        self._faults.append((self._line, refuse(reason, f"第{self._line}行“{column}”", rule=rule, remedy=remedy)))

    def _cell(self, column: str) -> str:
        return self._said.get(column, "")

    def _days(self) -> tuple[date, date]:
        columns = ("日期",) if "日期" in self._said else ("起", "止")
        days: list[date] = []
        for column in columns:
            try:
                days.append(parse_business_date(self._cell(column)))
            except DateFault as fault:
                self._fault(Reason.DATE, column, str(fault))
        if len(days) < len(columns):
            return self._today, self._today
        since, until = days[0], days[-1]
        told = "、".join(columns)
        if until < since:
            self._fault(Reason.DATE, told, "止日不得早于起日")
        elif month_of(since) != month_of(until):
            self._fault(Reason.DATE, told, "一个合计的起、止须在同一个月之内", "按月拆成多行")
        elif until > self._today:
            self._fault(Reason.DATE, told, "日期不得晚于今日")
        return since, until

    def _item(self) -> tuple[MoneyKind | None, str]:
        item, payment_type = squeezed(self._cell("征收品目")), squeezed(self._cell("缴费类型"))
        items = {**ITEMS, CHINESE[MoneyKind.INTEREST]: MoneyKind.INTEREST} if self._source in ACCOUNTS else ITEMS
        if item and item not in items:
            self._fault(Reason.KIND, "征收品目", f"“征收品目”须为：{'、'.join(items)}；不填为全部品目")
        if payment_type and payment_type not in PAYMENT_TYPES:
            self._fault(Reason.KIND, "缴费类型", f"“缴费类型”须为：{'、'.join(PAYMENT_TYPES)}；不填为全部类型")
        return items.get(item), PAYMENT_TYPES.get(payment_type, "")

    def _fen(self) -> int:
        if "金额" in self._said:
            return self._money("金额")
        came = self._money("收入") if self._cell("收入") else 0
        went = self._money("支出") if self._cell("支出") else 0
        if came and went:
            self._fault(Reason.AMOUNT, "收入、支出", "一行只填收入或支出之一")
        elif not self._cell("收入") and not self._cell("支出"):
            self._fault(Reason.AMOUNT, "收入、支出", "须填收入或支出之一")
        return came - went

    def _money(self, column: str) -> int:
        try:
            return yuan_to_fen(self._cell(column))
        except MoneyFault as fault:
            self._fault(Reason.AMOUNT, column, str(fault))
            return 0

    def _rows(self) -> int | None:
        text = self._cell("笔数").replace(",", "").removesuffix(".0")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            self._fault(Reason.AMOUNT, "笔数", "笔数须为不带小数的数字")
            return None
        return int(text)

    def _county(self) -> str:
        said = squeezed(self._cell("旗县"))
        code = self._counties.get(said, "")
        if said and not code:
            self._fault(Reason.UNKNOWN_DIVISION, "旗县", "旗县须为本统筹区在册的旗县", "核对旗县名称或编码")
        elif not said and self._source is FileKind.COUNTY:
            self._fault(Reason.UNKNOWN_DIVISION, "旗县", "旗县合计须注明旗县", "补填旗县")
        return code

    def _reference(self) -> str:
        for column in TEXT:
            text = squeezed(self._cell(column))
            if _may_be_a_person(text, self._today):
                self._fault(Reason.ROW_FAULT, column, f"“{column}”中不得有公民身份号码")
            elif text and not (text.isascii() or any(character.isdigit() for character in text)):
                self._fault(Reason.ROW_FAULT, column, f"“{column}”须为编号，不得为文字")
        voucher, serial = (squeezed(self._cell(column)) for column in TEXT)
        return voucher or serial

    def _business(self) -> Business | None:
        text = squeezed(self._cell("业务类型"))
        if text and text not in BUSINESSES:
            self._fault(Reason.KIND, "业务类型", f"“业务类型”须为：{'、'.join(BUSINESSES)}；不填为不分业务")
        return BUSINESSES.get(text)


def _may_be_a_person(text: str, today: date) -> bool:
    """Whether 18 characters are the citizen number of somebody old enough to be insured.

    Banks number their lines by place, day and sequence: one in eleven of those has the right check digit, and is told
    apart by its day of birth. Among 15 digits, which have no check digit, too many are no person's.
    """
    if len(text) != 18:
        return False
    try:
        number = normalise_citizen_number(text)
    except IdentityFault:
        return False
    return int(number[6:10]) <= today.year - LEAST_AGE


def reasons_of(faults: Sequence[Fault]) -> dict[str, int]:
    """How often each reason was told."""
    found: dict[str, int] = {}
    for _, one in faults:
        found[one.reason] = found.get(one.reason, 0) + 1
    return dict(sorted(found.items()))
