"""缴费明细 as the tax side (and, for 政府补贴, finance) sends it: one row read, checked by itself, and normalised."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec

from ledger.account_decisions import Payment
from ledger.dates import DateFault, parse_business_date, parse_year
from ledger.identity import IdentityFault, normalise_citizen_number, normalise_payer_code, squeezed
from ledger.money import MoneyFault, yuan_to_fen
from ledger.refusals import Reason, Refusal, refuse
from ledger.store.exchange_records import Said
from ledger.store.external_identities import CANCELLED, NEW
from ledger.subsidies import normal_level, unsaid
from ledger.words import MoneyKind

REQUIRED: Final = (
    "缴费明细流水号",
    "电子税票号码",
    "公民身份号码",
    "姓名",
    "费款所属期",
    "征收品目",
    "缴费类型",
    "实缴金额",
    "上解日期",
    "入库日期",
    "数据类型",
    "传输批次号",
)
OPTIONAL: Final = (
    "来源单位",
    "证件类型",
    "补贴级次",
    "拨付文号",
    "应收核定编号",
    "统筹区编码",
    "社保经办机构编号",
    "险种类型",
)
TEXT: Final = (
    "公民身份号码",
    "缴费明细流水号",
    "电子税票号码",
    "传输批次号",
    "来源单位",
    "应收核定编号",
    "统筹区编码",
    "社保经办机构编号",
)

ITEMS: Final = {
    "个人缴费": MoneyKind.CONTRIBUTION,
    "政府代缴": MoneyKind.GOVERNMENT_PAID,
    "集体补助": MoneyKind.COLLECTIVE_SUBSIDY,
    "社会资助": MoneyKind.SOCIAL_AID,
    "政府补贴": MoneyKind.GOVERNMENT_SUBSIDY,
}
PAYMENT_TYPES: Final = {
    "正常应缴": "regular",
    "中断补缴": "interrupted",
    "一次性补缴": "lump_sum",
    "补缴": "unspecified",
}
DATA_TYPES: Final = {"新增": NEW, "撤销": CANCELLED}
INSURANCES: Final = ("城乡居民基本养老保险", "城乡居民养老保险", "城乡居民社会养老保险")
"""险种类型 of what is booked here, under its names; an empty one is none other."""
_UNREAD: Final = 0
"""The data type of a row whose own could not be read."""


UNKNOWN_DONOR: Final = "来源单位未记：所填为公民身份号码，未登记为资助人"


class PaymentRow(msgspec.Struct, frozen=True, array_like=True, tag=0, gc=False):
    """A row that is well by itself. `data_type` is NEW or CANCELLED; `name` is without spaces.

    `donor` is the citizen number in 来源单位, until the register has said whose code it is (`paid_by`). `approval` is
    the 应收核定编号 that was paid, `pool` and `agency` whose row it is, where the file says so.
    """

    line: int
    number: str
    name: str
    data_type: int
    payment: Payment
    notice: str
    approval: str = ""
    pool: str = ""
    agency: str = ""
    donor: str = ""

    def paid_by(self, payer: str | None) -> PaymentRow:
        """The row of a person who pays under the code `payer`, or who is registered as nobody's donor (None)."""
        if payer is None:
            return msgspec.structs.replace(self, donor="")
        notice = "" if self.notice == UNKNOWN_DONOR else self.notice
        payment = msgspec.structs.replace(self.payment, payer=payer)
        return msgspec.structs.replace(self, payment=payment, notice=notice, donor="")


class FaultyRow(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """A row whose number is well and something else is not: who it is about is looked at before what is wrong."""

    line: int
    number: str
    name: str
    serial: str
    refusal: Refusal


class RefusedRow(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """A row that says of nobody who it is about; `serial` is empty where it could name somebody.

    `paid` is what it says all the same, where its figures can be read: the money is there, whoever paid it.
    """

    line: int
    serial: str
    refusal: Refusal
    paid: PaymentRow | None = None


def read_payment(line: int, cells: list[str]) -> PaymentRow | FaultyRow | RefusedRow:
    """One row; `cells` stand in the order of REQUIRED, then OPTIONAL.

    Reasons, in this order: IDENTITY_FAULT; KIND, AMOUNT, PERIOD, DATE, ROW_FAULT.
    """
    serial, voucher, number, name, period, item, payment_type, amount, paid_on, treasury_on, data_type, batch = cells[
        :12
    ]
    payer, _document_type, level, allocation_document, approval, pool, agency, insurance = cells[12:20]
    serial, voucher, batch, name = plain_code(serial), plain_code(voucher), plain_code(batch), squeezed(name)
    approval, pool, agency = plain_code(approval), plain_code(pool), plain_code(agency)
    column = "公民身份号码"
    try:
        number = normalise_citizen_number(number)
        column = "险种类型"
        _ours(insurance)
        column = "征收品目"
        kind = ITEMS.get(item) or ITEMS[squeezed(item)]
        column = "缴费类型"
        typed = PAYMENT_TYPES.get(payment_type) or _payment_type(squeezed(payment_type), kind)
        column = "数据类型"
        data = DATA_TYPES.get(data_type) or DATA_TYPES[squeezed(data_type)]
        column = "缴费明细流水号"
        if not can_be_serial(serial):
            raise KeyError(serial)
        column = "实缴金额"
        fen = yuan_to_fen(amount)
        column = "费款所属期"
        year = parse_year(period)
        column = "入库日期"
        received = parse_business_date(treasury_on)
        column = "上解日期"
        paid = _paid_on(paid_on, kind)
    except IdentityFault as fault:
        return _of_nobody(line, cells, refuse(Reason.IDENTITY_FAULT, f"第{line}行“{column}”", rule=str(fault)))
    except (KeyError, MoneyFault, DateFault) as fault:
        rule = _allowed(column) if isinstance(fault, KeyError) else str(fault)
        refusal = refuse(_reason(fault, column), f"第{line}行“{column}”", rule=rule)
        return FaultyRow(line, number, name, serial_to_show(cells, refusal), refusal)
    code, donor, doubt = read_payer(payer)
    texts = (serial, voucher, batch, approval, agency, level, allocation_document)
    if naming := _naming(line, texts, number, name, donor):
        return FaultyRow(line, number, name, serial_to_show(cells, naming), naming)
    if kind is MoneyKind.GOVERNMENT_SUBSIDY:
        doubt = doubt or unsaid(level, allocation_document)
    if typed == "unspecified":
        doubt = "缴费类型只写“补缴”，不作为任何年度的正常缴费"
    payment = Payment(
        kind,
        fen,
        year,
        received,
        typed,
        paid,
        serial,
        voucher,
        code,
        batch,
        normal_level(level),
        allocation_document,
    )
    return PaymentRow(line, number, name, data, payment, doubt, approval, pool, agency, donor)


_KEPT_OPEN: Final = (
    "缴费明细流水号",
    "电子税票号码",
    "传输批次号",
    "应收核定编号",
    "社保经办机构编号",
    "补贴级次",
    "拨付文号",
)
"""The columns whose texts are kept in the open, and so must name nobody."""


def _naming(line: int, texts: tuple[str, ...], number: str, name: str, donor: str) -> Refusal | None:
    """ROW_FAULT for the first of these columns that says who the row is about, or who pays."""
    for column, text in zip(_KEPT_OPEN, texts, strict=True):
        said = text.upper()
        if text and (number in said or text == name or (donor and donor in said)):
            return refuse(Reason.ROW_FAULT, f"第{line}行“{column}”", rule=f"“{column}”中不得有姓名或公民身份号码")
    return None


_SHORT: Final = 8
"""Characters of a faulty number that may stand in another column by chance."""
_STAND_IN: Final = "11010519491231002X"
"""The example that GB 11643 prints, to read the figures of a row whose own number cannot be."""


def _of_nobody(line: int, cells: list[str], refusal: Refusal) -> RefusedRow:
    """A row with a number that cannot be. Where columns may have slipped, nothing of it stands in the open."""
    serial, said = serial_to_show(cells, refusal), plain_code(cells[2]).upper()
    beside = [plain_code(cell).upper() for cell in (cells[1], cells[11], *cells[14:19])]
    if not serial or any(is_citizen_number(cell) or (len(said) > _SHORT and said in cell) for cell in beside):
        return RefusedRow(line, serial, refusal)
    read = read_payment(line, [*cells[:2], _STAND_IN, *cells[3:]])
    return RefusedRow(line, serial, refusal, read if isinstance(read, PaymentRow) else None)


def said_of(row: PaymentRow | FaultyRow | RefusedRow) -> Said:
    """What of a row is kept in the open: its figures where they could be read, and else its serial alone."""
    if isinstance(row, PaymentRow):
        return Said(row.data_type, row.payment.serial, row.payment, row.approval, row.agency)
    if isinstance(row, RefusedRow) and row.paid is not None:
        return said_of(row.paid)
    return Said(_UNREAD, row.serial)


def _reason(fault: Exception, column: str) -> Reason:
    if isinstance(fault, KeyError):
        return Reason.KIND
    if isinstance(fault, MoneyFault):
        return Reason.AMOUNT
    return Reason.PERIOD if column == "费款所属期" else Reason.DATE


def serial_to_show(cells: list[str], refusal: Refusal) -> str:
    """The serial of a row that was refused by itself, or nothing where columns have slipped and it names somebody."""
    serial, people = plain_code(cells[0]), {plain_code(cells[2]).upper(), read_payer(cells[12])[1]} - {""}
    if not can_be_serial(serial) or any(number in serial.upper() for number in people):
        return ""
    if refusal.reason is Reason.IDENTITY_FAULT and is_citizen_number(serial):
        return ""
    return serial


def can_be_serial(text: str) -> bool:
    """A serial says something, and has a digit where it has Chinese in it: a name has none."""
    return bool(text) and (text.isascii() or any(character.isdigit() for character in text))


def is_citizen_number(text: str) -> bool:
    """Whether a text can be somebody's number."""
    try:
        normalise_citizen_number(text)
    except IdentityFault:
        return False
    return True


def plain_code(text: str) -> str:
    """A serial, voucher or batch without what is only formatting: spaces, full-width forms."""
    return text if not text or (text.isalnum() and text.isascii()) else squeezed(text)


def _payment_type(text: str, kind: MoneyKind) -> str:
    """政府补贴 comes from finance, which has no payment type; everywhere else an empty one is a fault."""
    if not text and kind is MoneyKind.GOVERNMENT_SUBSIDY:
        return "regular"
    return PAYMENT_TYPES[text]


def _ours(insurance: str) -> None:
    if insurance and squeezed(insurance) not in INSURANCES:
        raise KeyError(insurance)


def _paid_on(text: str, kind: MoneyKind) -> date | None:
    if not text and kind is MoneyKind.GOVERNMENT_SUBSIDY:
        return None
    return parse_business_date(text)


def read_payer(text: str) -> tuple[str, str, str]:
    """来源单位 as a payer's code, or as a person's number, or as neither with a doubt: intake books what was received.

    What can be a person's number is taken for one, though it may satisfy the check of a credit code, too.
    """
    if not text:
        return "", "", ""
    try:
        return "", normalise_citizen_number(text), UNKNOWN_DONOR
    except IdentityFault:
        pass
    try:
        return normalise_payer_code(text), "", ""
    except IdentityFault as fault:
        return "", "", f"来源单位未记：{fault}"


def _allowed(column: str) -> str:
    if column == "险种类型":
        return f"本账簿只记{INSURANCES[0]}；其他险种的行不受理，代码须由格式文件对照为该险种"
    values: dict[str, Iterable[str]] = {"征收品目": ITEMS, "缴费类型": PAYMENT_TYPES, "数据类型": DATA_TYPES}
    allowed = values.get(column)
    return f"“{column}”须为：{'、'.join(allowed)}" if allowed else f"“{column}”须为流水号，不得为空"
