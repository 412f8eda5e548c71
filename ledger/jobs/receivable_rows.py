"""应收核定 as another system sends it: one row read, checked by itself, and normalised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Final, NamedTuple, TypeVar

from ledger.dates import DateFault, parse_business_date, parse_year
from ledger.identity import IdentityFault, normalise_citizen_number, squeezed
from ledger.jobs.payment_rows import (
    DATA_TYPES,
    ITEMS,
    PAYMENT_TYPES,
    FaultyRow,
    can_be_serial,
    is_citizen_number,
    plain_code,
    read_payer,
)
from ledger.money import MoneyFault, yuan_to_fen
from ledger.refusals import Reason, Refusal, refuse
from ledger.words import MoneyKind

NUMBER: Final = "应收核定编号"
REQUIRED: Final = (
    NUMBER,
    "公民身份号码",
    "姓名",
    "费款所属期",
    "征收品目",
    "缴费类型",
    "应缴金额",
    "核定日期",
    "数据类型",
)
OPTIONAL: Final = ("来源单位",)
TEXT: Final = (NUMBER, "公民身份号码", "来源单位")
_T = TypeVar("_T")


class ReceivableRow(NamedTuple):
    """A row that is well by itself. `data_type` is NEW or CANCELLED; `name` is without spaces.

    `donor` is the citizen number in 来源单位, until the register has said whose code it is.
    """

    line: int
    citizen: str
    name: str
    number: str
    kind: MoneyKind
    payment_type: str
    period: int
    fen: int
    approved_on: date
    data_type: int
    payer: str
    donor: str = ""
    notice: str = ""


def read_receivable(line: int, cell: Callable[[str], str]) -> ReceivableRow | FaultyRow | Refusal:
    """One row, its cells asked for by column. A refusal where the citizen number itself is at fault.

    Reasons, in this order: IDENTITY_FAULT; KIND, AMOUNT, PERIOD, DATE, ROW_FAULT.
    """
    number, name = plain_code(cell(NUMBER)), squeezed(cell("姓名"))
    try:
        citizen = normalise_citizen_number(cell("公民身份号码"))
    except IdentityFault as fault:
        return refuse(Reason.IDENTITY_FAULT, f"第{line}行“公民身份号码”", rule=str(fault))
    column = "征收品目"
    try:
        kind = _word(cell(column), ITEMS)
        column = "缴费类型"
        payment_type = _word(cell(column), PAYMENT_TYPES)
        column = "数据类型"
        data_type = _word(cell(column), DATA_TYPES)
        column = NUMBER
        if not can_be_serial(number):
            raise KeyError(number)
        column = "应缴金额"
        fen = yuan_to_fen(cell(column))
        column = "费款所属期"
        period = parse_year(cell(column))
        column = "核定日期"
        approved_on = parse_business_date(cell(column))
    except (KeyError, MoneyFault, DateFault) as fault:
        rule = _allowed(column) if isinstance(fault, KeyError) else str(fault)
        refusal = refuse(_reason(fault, column), f"第{line}行“{column}”", rule=rule)
        return FaultyRow(line, citizen, name, number_to_show(cell), refusal)
    payer, donor, doubt = read_payer(cell("来源单位"))
    if citizen in number.upper() or number == name or (donor and donor in number.upper()):
        rule = f"“{NUMBER}”中不得有姓名或公民身份号码"
        return FaultyRow(line, citizen, name, "", refuse(Reason.ROW_FAULT, f"第{line}行“{NUMBER}”", rule=rule))
    return ReceivableRow(
        line, citizen, name, number, kind, payment_type, period, fen, approved_on, data_type, payer, donor, doubt
    )


def number_to_show(cell: Callable[[str], str]) -> str:
    """The number of a row that was refused by itself, or nothing where columns have slipped and it names somebody."""
    number = plain_code(cell(NUMBER))
    people = {plain_code(cell("公民身份号码")).upper(), read_payer(cell("来源单位"))[1], squeezed(cell("姓名"))} - {""}
    if not can_be_serial(number) or is_citizen_number(number) or any(one in number.upper() for one in people):
        return ""
    return number


def _word(text: str, words: dict[str, _T]) -> _T:
    """What a word of the exchange means; spaces in it do not count. Raises KeyError."""
    found = words.get(text)
    return words[squeezed(text)] if found is None else found


def _reason(fault: Exception, column: str) -> Reason:
    if isinstance(fault, KeyError):
        return Reason.KIND
    if isinstance(fault, MoneyFault):
        return Reason.AMOUNT
    return Reason.PERIOD if column == "费款所属期" else Reason.DATE


def _allowed(column: str) -> str:
    values: dict[str, Iterable[str]] = {"征收品目": ITEMS, "缴费类型": PAYMENT_TYPES, "数据类型": DATA_TYPES}
    allowed = values.get(column)
    return f"“{column}”须为：{'、'.join(allowed)}" if allowed else f"“{column}”须为编号，不得为空"
