"""A second, naive reading of two books: from the cells of the files alone, without a look at what was planted.

It imports nothing of the product and nothing that plants. Rows are paired in turns, each looser than the one before it;
what a turn has taken is gone. That is the whole rule:

    same person, item, period and payment type, and amount      a pair; in two months it was cut off, or paid late
    the same without the amount                                 AMOUNT
    the same 应收核定编号, or the same amount, of one person    PERIOD or ITEM
    nobody's payment of the same item, period and amount        PERSON
    the rest                                                    what it is by itself
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from tests.properties.tax_rows import CANCELLED, FREE, NEW, BookFile, Cells, fen_of, month_of


class Read(NamedTuple):
    """A difference that was read: fen are tax − agency; serials with their data types, and 应收核定编号."""

    category: str
    fen: int
    paid: frozenset[tuple[str, str]] = frozenset()
    due: str = ""


@dataclass
class Month:
    """What a month was read to hold."""

    found: list[Read] = field(default_factory=list)
    matched: int = 0


@dataclass(eq=False)
class Side:
    """A row of either side; `gone` is the month in which it was taken back."""

    row: Cells
    fen: int
    month: date
    gone: date | None
    known: bool = True
    own: bool = True
    taken: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(self.row[word] for word in ("公民身份号码", "征收品目", "费款所属期", "缴费类型"))

    def same(self, other: Side, *words: str) -> bool:
        return all(self.row[word] == other.row[word] for word in words)

    @property
    def undone_at_once(self) -> bool:
        return self.gone == self.month

    @property
    def serials(self) -> frozenset[tuple[str, str]]:
        serial = self.row["缴费明细流水号"]
        return frozenset({(serial, NEW), *([(serial, CANCELLED)] if self.gone else [])})


def read_month(files: Iterable[BookFile], pool: str, month: date) -> Month:
    """The differences of a month, and how many pairs agree in it. Rows that were delivered again count once."""
    dues, paid, registered = _sides(list(files))
    for one in paid:
        one.known = registered.get(one.row["公民身份号码"]) == one.row["姓名"]
        one.own = one.row["统筹区编码"] in ("", pool)
    told = Month()
    for on, category, fen, who, due in _read(dues, paid):
        if on == month and category == "MATCHED":
            told.matched += 1
        elif on == month:
            told.found.append(
                Read(category, fen, who.serials if who else frozenset(), due.row["应收核定编号"] if due else "")
            )
    return told


def _sides(files: list[BookFile]) -> tuple[list[Side], list[Side], dict[str, str]]:
    def sides(rows: dict[tuple[str, ...], Cells], amount: str, day: str) -> list[Side]:
        def month(row: Cells | None) -> date | None:
            return row and month_of(date.fromisoformat(row[day]))  # type: ignore[return-value]

        return [
            Side(row, fen_of(row[amount]), month(row), month(rows.get((*identity, CANCELLED))))  # type: ignore[arg-type]
            for (*identity, data_type), row in rows.items()
            if data_type == NEW
        ]

    rows = {kind: [row for file in files if file.kind == kind for row in file.rows] for kind in
            ("participants", "receivables", "payments")}  # fmt: skip
    registered = {row["公民身份号码"]: row["姓名"] for row in rows["participants"]}
    dues = {(row["应收核定编号"], row["公民身份号码"], row["数据类型"]): row for row in rows["receivables"]}
    paid = {(row["缴费明细流水号"], row["数据类型"]): row for row in rows["payments"]}
    standing = [one for one in sides(dues, "应缴金额", "核定日期") if one.gone is None]
    return standing, sides(paid, "实缴金额", "入库日期"), registered


def _read(dues: list[Side], paid: list[Side]) -> Iterator[tuple[date, str, int, Side | None, Side | None]]:
    booked = sorted((one for one in paid if one.known and one.own), key=lambda one: (one.gone is not None, one.month))
    for due, one in _pairs(dues, booked, lambda a, b: a.key == b.key and a.fen == b.fen):
        yield from _agreeing(due, one)
    lasting = [one for one in booked if not one.undone_at_once]
    for due, one in _pairs(dues, lasting, lambda a, b: a.key == b.key):
        yield due.month, "AMOUNT", one.fen - due.fen, one, due
    for due, one in _pairs(dues, lasting, _mean_each_other):
        category = "ITEM" if due.same(one, "费款所属期") else "PERIOD"
        yield due.month, category, one.fen - due.fen, one, due
    nobody = [one for one in paid if one.own and not one.known]
    for due, one in _pairs(dues, nobody, lambda a, b: a.same(b, "征收品目", "费款所属期") and a.fen == b.fen):
        yield due.month, "PERSON", -due.fen, one, due
        yield one.month, "PERSON", one.fen, one, due
    for due in dues:
        if not due.taken:
            yield due.month, "AGENCY_ONLY", -due.fen, None, due
    asked = {due.key[:3] for due in dues}
    for one in paid:
        if not one.taken:
            yield from _alone(one, asked)


def _pairs(dues: list[Side], paid: list[Side], fit: object) -> Iterator[tuple[Side, Side]]:
    for due in dues:
        found = next((one for one in paid if not due.taken and not one.taken and fit(due, one)), None)  # type: ignore[operator]
        if found is not None:
            due.taken = found.taken = True
            yield due, found


def _mean_each_other(due: Side, paid: Side) -> bool:
    """By the number that was paid; or, where nothing may be paid without one, by the amount and all but one word."""
    if not due.same(paid, "公民身份号码") or due.fen != paid.fen:
        return False
    if paid.row["应收核定编号"]:
        return due.same(paid, "应收核定编号")
    return paid.row["征收品目"] not in FREE and (due.same(paid, "费款所属期") or due.same(paid, "征收品目"))


def _agreeing(due: Side, paid: Side) -> Iterator[tuple[date, str, int, Side | None, Side | None]]:
    if paid.undone_at_once:
        yield due.month, "CANCELLED", -due.fen, paid, due
    elif due.month == paid.month:
        yield due.month, "MATCHED", 0, paid, due
        if paid.gone:
            yield paid.gone, "CANCELLED", -due.fen, paid, due
    else:
        in_time = month_of(date.fromisoformat(paid.row["上解日期"])) == due.month
        yield due.month, "CUTOFF" if in_time else "AGENCY_ONLY", -due.fen, paid, due
        yield paid.month, "CUTOFF", due.fen, paid, due


def _alone(paid: Side, asked: set[tuple[str, ...]]) -> Iterator[tuple[date, str, int, Side | None, Side | None]]:
    if paid.undone_at_once:
        return
    if not paid.own or not paid.known:
        yield paid.month, "PERSON" if paid.own else "REGION", paid.fen, paid, None
    elif paid.key[:3] in asked:
        yield paid.month, "DUP_PAYMENT", paid.fen, paid, None
    elif paid.key[1] not in FREE:
        yield paid.month, "TAX_ONLY", paid.fen, paid, None
    else:
        yield paid.month, "MATCHED", 0, paid, None
        if paid.gone:
            yield paid.gone, "CANCELLED", -paid.fen, paid, None
