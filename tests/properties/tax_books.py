"""Two books of one pool around one month, invented: what the agency approved, what the tax side collected, in files.

It imports nothing of the product (a test reads its imports). Cases with a planted difference and cases without one
stand beside each other and on the same people; each says what a reconciliation must find of it, month by month: in the
month asked for, in the one before it and in the one after it. Beside what was planted stands a naive accounting, read
from the files alone; both must come to the same sums before the books are handed out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from tests.properties.tax_plants import PLANTS, Planter
from tests.properties.tax_rows import (
    CANCELLED,
    FREE,
    MORE_OF_PAYMENT,
    NEW,
    PARTICIPANT,
    PAYMENT,
    RECEIVABLE,
    BookFile,
    Books,
    Case,
    Cells,
    Due,
    Paid,
    Person,
    fen_of,
    month_of,
    yuan,
)

MARCH = date(2025, 3, 1)
T = TypeVar("T")
TITLED, SENT_AGAIN = 0.5, 0.4
"""How often a batch states its sums above the table, and how often one is sent again as a whole."""


def invent(
    chance: random.Random,
    *,
    month: date = MARCH,
    pool: str = "",
    plants: Sequence[str] = (),
    cases: int = 30,
    refunds: bool = False,
) -> Books:
    """Books with the named plants, or with any; `pool` is the code by which some rows of the tax side name the pool."""
    planter = Planter(chance, month, pool)
    planted = [planter.plant(name) for name in plants or chance.choices(list(PLANTS), k=cases)]
    if refunds:
        planted.append(planter.plant("refund_open"))
    people = [one.who for one in planter.bearers]
    files = [_participants(chance, people), *_receivables(chance, planted), *_payments(chance, planted)]
    books = Books(planter.month, pool, people, planted, files, planter.refunds)
    check(books)
    return books


def check(books: Books) -> None:
    """What was planted comes to what the files come to, in each month."""
    for month in books.months():
        sums = naive_sums(books, month)
        found = [one for one in books.expected(month) if one.category != "REFUND_OPEN"]
        assert sums.tax - sums.agency == sum(one.fen for one in found), f"{month}: {sums}, {found}"


# -- files ------------------------------------------------------------------------------------------------------------


def _participants(chance: random.Random, people: Iterable[Person]) -> BookFile:
    rows = [
        dict(zip(PARTICIPANT, (one.name, one.number, one.sex, *one.place, one.enrolled.isoformat()), strict=True))
        for one in people
    ]
    chance.shuffle(rows)
    return BookFile("participants", "participants.csv", PARTICIPANT, tuple(rows))


def _receivables(chance: random.Random, cases: Iterable[Case]) -> list[BookFile]:
    """One file or two. A withdrawal stands in the file of what it withdraws, behind it."""
    units: dict[tuple[object, ...], list[Due]] = {}
    for due in (due for case in cases for due in case.due):
        units.setdefault((due.number, due.who.number), []).append(due)
    shuffled = list(units.values())
    chance.shuffle(shuffled)
    columns = (*RECEIVABLE, "来源单位")
    return [
        BookFile(
            "receivables", f"receivables-{place}.csv", columns, tuple(due.cells() for unit in part for due in unit)
        )
        for place, part in enumerate(_parts(chance, shuffled, 2), 1)
    ]


def _payments(chance: random.Random, cases: Sequence[Case]) -> list[BookFile]:
    """One batch or up to three, rows as they come, some of them twice; and now and then a whole batch again."""
    rows = [paid for case in cases for paid in case.paid]
    chance.shuffle(rows)
    early = {paid.serial for case in cases for paid in case.paid if case.early}
    places = {(paid.serial, paid.data_type): place for place, paid in enumerate(rows)}
    for (serial, data_type), there in list(places.items()):
        if data_type == CANCELLED and (there < (new := places[serial, NEW])) != (serial in early):
            rows[new], rows[there] = rows[there], rows[new]
    for paid in chance.sample(rows, min(len(rows), chance.choice((0, 1, 1, 2, 3)))):
        rows.insert(chance.randint(rows.index(paid) + 1, len(rows)), paid)
    files = [_batch(chance, place, part) for place, part in enumerate(_parts(chance, rows, 3), 1)]
    if files and chance.random() < SENT_AGAIN:
        place = chance.randrange(len(files))
        files.insert(chance.randint(place + 1, len(files)), files[place].sent_again(chance))
    return files


def _batch(chance: random.Random, place: int, rows: Sequence[Paid]) -> BookFile:
    """A batch, which may state its number and sums; one with cancellations does not, for no text says their sign."""
    batch = f"PC2025{place:04d}"
    cells = [paid.cells(batch) for paid in rows]
    columns = [column for column in MORE_OF_PAYMENT if any(row.get(column) for row in cells) or chance.random() < 0.3]
    plain = all(paid.data_type == NEW for paid in rows)
    head: tuple[tuple[str, ...], ...] = ()
    if plain and chance.random() < TITLED:
        head = batch_head(batch, len(rows), sum(paid.fen for paid in rows))
    shuffled = [*PAYMENT, *columns]
    if chance.random() < 0.5:
        chance.shuffle(shuffled)
    return BookFile("payments", f"payments-{place}.csv", tuple(shuffled), tuple(cells), head)


def batch_head(batch: str, rows: int, fen: int) -> tuple[tuple[str, ...], ...]:
    """The lines above a table in which a batch states its number, its rows and its sum."""
    return ("传输批次号", batch), ("总笔数", str(rows)), ("总金额", yuan(fen))


def _parts(chance: random.Random, rows: list[T], most: int) -> list[list[T]]:
    """Cut in parts that are not empty."""
    cuts = sorted(chance.sample(range(1, len(rows)), min(chance.randrange(most), len(rows) - 1))) if rows else []
    return [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True) if b > a]


# -- the naive accounting ---------------------------------------------------------------------------------------------


class Sums(NamedTuple):
    """Rows and fen of a month on both sides. A row that takes another back counts as one less."""

    tax_rows: int
    tax: int
    agency_rows: int
    agency: int


def naive_sums(books: Books, month: date) -> Sums:
    """The sums of a month read from the cells of the files alone, without a look at what was planted.

    Tax: each serial once, new and cancelled, by treasury entry. Agency: what was approved in the month, once; and what
    need not be approved, is nobody's receivable and is in the ledger, unless it was cancelled in the same month.
    """
    registered = {row["公民身份号码"]: row["姓名"] for file in books.of("participants") for row in file.rows}
    dues = list({tuple(row.values()): row for file in books.of("receivables") for row in file.rows}.values())
    due = {(row["公民身份号码"], row["征收品目"], row["费款所属期"]) for row in dues}
    rows = {(row["缴费明细流水号"], row["数据类型"]): row for file in books.of("payments") for row in file.rows}

    def within(day: str) -> bool:
        return month_of(date.fromisoformat(day)) == month

    def sums(found: Iterable[tuple[str, str]]) -> tuple[int, int]:
        signs = [(1 if data_type == NEW else -1, fen_of(text)) for data_type, text in found]
        return sum(sign for sign, _ in signs), sum(sign * fen for sign, fen in signs)

    def is_own(row: Cells) -> bool:
        known = registered.get(row["公民身份号码"]) == row["姓名"] and row["统筹区编码"] in ("", books.pool)
        asked = (row["公民身份号码"], row["征收品目"], row["费款所属期"]) in due or row["应收核定编号"]
        undone = rows.get((row["缴费明细流水号"], CANCELLED))
        stands = undone is None or not within(undone["入库日期"])
        return row["数据类型"] == NEW and row["征收品目"] in FREE and known and not asked and stands

    tax = [row for row in rows.values() if within(row["入库日期"])]
    agency = [(row["数据类型"], row["应缴金额"]) for row in dues if within(row["核定日期"])]
    agency += [(NEW, row["实缴金额"]) for row in tax if is_own(row)]
    return Sums(*sums((row["数据类型"], row["实缴金额"]) for row in tax), *sums(agency))
