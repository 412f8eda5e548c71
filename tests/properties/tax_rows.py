"""What two invented books of a pool are made of: people, rows, files, and what is to be found between the books.

It imports nothing of the product (a test reads its imports). Money is in fen, its texts in yuan; a month is known by
its first day.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple

CONTRIBUTION, GOVERNMENT, COLLECTIVE, AID = ITEMS = "个人缴费", "政府代缴", "集体补助", "社会资助"
FREE = (CONTRIBUTION, GOVERNMENT)
"""Items that are paid without having been approved."""
APPROVED = (COLLECTIVE, AID)
REGULAR, INTERRUPTED, LUMP_SUM = "正常应缴", "中断补缴", "一次性补缴"
NEW, CANCELLED = "新增", "撤销"
PLACES = (("青县", "青镇", "青村"), ("青县", "青镇", "白村"), ("青县", "白镇", "河村"), ("原县", "山镇", "山村"))
PARTICIPANT = ("姓名", "公民身份号码", "性别", "旗县", "乡镇", "村", "参保日期")
RECEIVABLE = (
    "应收核定编号", "公民身份号码", "姓名", "费款所属期", "征收品目", "缴费类型", "应缴金额", "核定日期", "数据类型",
)  # fmt: skip
PAYMENT = (
    "缴费明细流水号", "电子税票号码", "公民身份号码", "姓名", "费款所属期", "征收品目", "缴费类型", "实缴金额",
    "上解日期", "入库日期", "数据类型", "传输批次号",
)  # fmt: skip
MORE_OF_PAYMENT = ("来源单位", "应收核定编号", "统筹区编码", "社保经办机构编号", "险种类型")
Cells = dict[str, str]


# -- what the books are made of ---------------------------------------------------------------------------------------


class Person(NamedTuple):
    """Somebody made up."""

    number: str
    name: str
    place: tuple[str, str, str] = PLACES[0]
    enrolled: date = date(2019, 1, 2)

    @property
    def sex(self) -> str:
        return "男" if int(self.number[16]) % 2 else "女"


@dataclass(frozen=True)
class Due:
    """A row of the agency's book: what a person is to pay; negative where it is withdrawn."""

    number: str
    who: Person
    item: str
    period: int
    fen: int
    on: date
    payment_type: str = REGULAR
    data_type: str = NEW
    payer: str = ""

    def cells(self) -> Cells:
        return dict(
            zip(
                RECEIVABLE,
                (
                    self.number, self.who.number, self.who.name, str(self.period), self.item, self.payment_type,
                    yuan(self.fen), self.on.isoformat(), self.data_type,
                ),
                strict=True,
            ),
            来源单位=self.payer,
        )  # fmt: skip


@dataclass(frozen=True)
class Paid:
    """A row of the tax side's book; negative where it is cancelled."""

    serial: str
    voucher: str
    who: Person
    item: str
    period: int
    fen: int
    paid_on: date
    on: date
    payment_type: str = REGULAR
    data_type: str = NEW
    payer: str = ""
    approval: str = ""
    pool: str = ""

    def cells(self, batch: str) -> Cells:
        return dict(
            zip(
                PAYMENT,
                (
                    self.serial, self.voucher, self.who.number, self.who.name, str(self.period), self.item,
                    self.payment_type, yuan(self.fen), self.paid_on.isoformat(), self.on.isoformat(), self.data_type,
                    batch,
                ),
                strict=True,
            ),
            来源单位=self.payer, 应收核定编号=self.approval, 统筹区编码=self.pool,
        )  # fmt: skip


class Finding(NamedTuple):
    """A difference to be found in a month: fen are tax − agency. `paid` and `due` are rows it may name.

    Where `paid` has several rows, any of them may be the one that is over.
    """

    month: date
    category: str
    fen: int
    paid: tuple[Paid, ...] = ()
    due: Due | None = None
    cleared: bool = False
    """Nobody need do anything: the money came, or this is it."""


@dataclass
class Case:
    """Rows that belong together, and what is to be found of them."""

    due: list[Due] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    matched: list[date] = field(default_factory=list)
    """Months in which a pair of rows agrees."""
    early: bool = False
    """The cancellation comes before what it cancels."""
    name: str = ""
    bearer: Person | None = None


@dataclass(frozen=True)
class BookFile:
    """A file of a book: what stands above the table, its columns and rows. `kind` is the word of its import."""

    kind: str
    name: str
    columns: tuple[str, ...]
    rows: tuple[Cells, ...]
    head: tuple[tuple[str, ...], ...] = ()

    def content(self) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(self.head)
        writer.writerow(self.columns)
        writer.writerows([row.get(column, "") for column in self.columns] for row in self.rows)
        return text.getvalue().encode()

    def sha256(self) -> str:
        return hashlib.sha256(self.content()).hexdigest()

    def lines(self) -> Iterator[tuple[int, Cells]]:
        """Each row with the line it stands on."""
        yield from enumerate(self.rows, len(self.head) + 2)

    def sent_again(self, chance: random.Random) -> BookFile:
        """The same rows in other bytes: in another order, under another batch number and another name."""
        rows = [dict(row) for row in self.rows]
        chance.shuffle(rows)
        for row in rows:
            if "传输批次号" in row:
                row["传输批次号"] += "R"
        columns = (*self.columns, "备注")
        return replace(self, name=f"again-{self.name}", columns=columns, rows=tuple(rows), head=())

    def in_pool(self, old: str, new: str) -> BookFile:
        """The file for a pool that goes by another code."""
        rows = tuple({word: new if cell == old else cell for word, cell in row.items()} for row in self.rows)
        return replace(self, rows=rows)


class Refund(NamedTuple):
    """A 退费申请 of a payment that nobody has paid back yet."""

    number: str
    paid: Paid
    asked_on: date


@dataclass
class Books:
    """People, cases and files, in the order in which the files were made."""

    month: date
    pool: str
    people: list[Person]
    cases: list[Case]
    files: list[BookFile]
    refunds: list[Refund]

    def of(self, kind: str) -> list[BookFile]:
        return [file for file in self.files if file.kind == kind]

    def months(self) -> tuple[date, date, date]:
        return month_before(self.month), self.month, month_after(self.month)

    def expected(self, month: date) -> list[Finding]:
        """The differences of a month, without those of rows that were delivered again."""
        return [finding for case in self.cases for finding in case.found if finding.month == month]

    def matched(self, month: date) -> int:
        """How many pairs agree in a month; money that need not be approved and is in the ledger is a pair."""
        return sum(case.matched.count(month) for case in self.cases)

    def treasury(self) -> dict[tuple[date, str, str], int]:
        """What the treasury entered a day, by item and payment type: fen, less what was cancelled."""
        sums: dict[tuple[date, str, str], int] = {}
        for paid in (paid for case in self.cases for paid in case.paid):
            key = paid.on, paid.item, paid.payment_type
            sums[key] = sums.get(key, 0) + signed(paid)
        return dict(sorted(sums.items()))


def repeated(files: Iterable[BookFile]) -> list[tuple[BookFile, int, Cells]]:
    """The rows of payment files that came before, in the order in which the files come: file, line and row."""
    seen: set[tuple[str, str]] = set()
    found = []
    for file in files:
        for line, row in file.lines() if file.kind == "payments" else ():
            identity = row["缴费明细流水号"], row["数据类型"]
            if identity in seen:
                found.append((file, line, row))
            seen.add(identity)
    return found


# -- words, days, numbers ---------------------------------------------------------------------------------------------


def yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def fen_of(text: str) -> int:
    whole, _, cents = text.removeprefix("-").partition(".")
    return (-1 if text.startswith("-") else 1) * (int(whole) * 100 + int(cents or 0))


def signed(row: Due | Paid) -> int:
    return -row.fen if row.data_type == CANCELLED else row.fen


def month_of(day: date) -> date:
    return day.replace(day=1)


def month_before(month: date) -> date:
    return month_of(month_of(month) - timedelta(days=1))


def month_after(month: date) -> date:
    return month_of(month_of(month) + timedelta(days=31))


def last_day(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def citizen_number(first17: str) -> str:
    """With its check character, GB 11643: the sum of all eighteen by powers of two leaves 1 modulo 11."""
    rest = sum(int(digit) << (17 - place) for place, digit in enumerate(first17)) % 11
    check = (1 - rest) % 11
    return first17 + ("X" if check == 10 else str(check))
