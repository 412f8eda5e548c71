"""Random months of invented books: the reconciliation finds what was planted, each with its category and amount.

The books come from a generator that shares no code with the product. Each example is a pool, or two; every step is the
command itself inside this process. What was planted is held in the month, in the one before it and in the one after it.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date

import pytest

from tests.properties.tax_books import invent, naive_sums
from tests.properties.tax_examples import with_random_cases
from tests.properties.tax_office import Office, Told
from tests.properties.tax_plants import CATEGORIES, PLANTS
from tests.properties.tax_rows import CANCELLED, NEW, BookFile, Books, Case, Finding, fen_of, month_of, repeated, yuan

EXAMPLES = 3
Place = tuple[str, int]


# -- what must hold of a month ----------------------------------------------------------------------------------------


def hold(books: Books, month: date, files: Sequence[BookFile], told: Told) -> None:
    """Exactly the planted differences, with category and amount; their sum is the difference of the totals."""
    details = [one for one in told["differences"] if one["comparison"] == "tax_agency"]
    assert len({one["id"] for one in told["differences"]}) == len(told["differences"])
    came_again = [one for one in details if one["category"] == "DUP_TRANSPORT"]
    hold_repeated(month, files, came_again)
    hold_planted(books, month, files, [one for one in details if one["category"] != "DUP_TRANSPORT"])
    hold_sums(books, month, told, details)
    hold_refunds(books, month, told)


def hold_refunds(books: Books, month: date, told: Told) -> None:
    """Each refund that was asked for by the month's end and is not paid: the tax side has that much less."""
    expected = [
        (one.number, "REFUND_OPEN", yuan(-one.paid.fen), "open")
        for one in books.refunds
        if month_of(one.asked_on) <= month
    ]
    found = [one for one in told["differences"] if one["comparison"] == "refund"]
    assert expected == sorted(
        (one["detail"]["request"], one["category"], one["amount"], one["status"]) for one in found
    )


def hold_repeated(month: date, files: Sequence[BookFile], came_again: list[Told]) -> None:
    """One row of 0.00 for each delivery after the first, naming the line that came again."""
    expected = [
        (file.sha256(), line, row["缴费明细流水号"])
        for file, line, row in repeated(unlike(files))
        if month_of(date.fromisoformat(row["入库日期"])) == month
    ]
    found = [(one["tax"]["file"], one["tax"]["line"], one["tax"]["serial"]) for one in came_again]
    assert sorted(found) == sorted(expected)
    assert {one["amount"] for one in came_again} <= {"0.00"}


def unlike(files: Iterable[BookFile]) -> list[BookFile]:
    """The files without those whose bytes came before."""
    return list({file.sha256(): file for file in files}.values())


def hold_planted(books: Books, month: date, files: Sequence[BookFile], details: list[Told]) -> None:
    """Every difference is about the rows of one case, and each case has the differences that were planted with it."""
    cases = places_of(books, files)
    found: dict[int, list[Told]] = defaultdict(list)
    for one in details:
        rows = [(one[side]["file"], one[side]["line"]) for side in ("tax", "agency") if one[side]]
        about = {id(cases[row]) for row in rows}
        assert len(about) == 1, f"rows of {len(about)} cases in one difference: {one}"
        found[about.pop()].append(one)
    wrong = []
    for case in books.cases:
        expected = [one for one in case.found if one.month == month and one.category != "REFUND_OPEN"]
        mine = found[id(case)]
        if Counter((one["category"], fen_of(one["amount"])) for one in mine) != Counter(
            (one.category, one.fen) for one in expected
        ):
            wrong.append((case.name, expected, mine))
            continue
        hold_rows(expected, mine)
    assert wrong == [], month


TAX, AGENCY = "tax", "agency"
NAMED = {
    "AMOUNT": {TAX, AGENCY}, "PERIOD": {TAX, AGENCY}, "ITEM": {TAX, AGENCY}, "REGION": {TAX}, "TAX_ONLY": {TAX},
    "DUP_PAYMENT": {TAX}, "AGENCY_ONLY": {AGENCY}, "CUTOFF": {AGENCY}, "CANCELLED": {AGENCY},
}  # fmt: skip
"""The rows that a difference must name at least. Of PERSON one names the row due, and the other the row paid."""


def named(planted: Finding) -> set[str]:
    """The same of one difference: CANCELLED without a receivable is about the payment alone."""
    if planted.category == "PERSON":
        return {TAX if planted.fen > 0 else AGENCY}
    return NAMED[planted.category] if planted.due else {TAX}


def hold_rows(expected: Sequence[Finding], mine: list[Told]) -> None:
    """The rows that the differences of one case name; what is cleared; who points at whom."""
    for one in mine:
        planted = next(p for p in expected if (p.category, p.fen) == (one["category"], fen_of(one["amount"])))
        assert named(planted) <= {side for side in (TAX, AGENCY) if one[side]}, one
        assert one[TAX] is None or one[TAX]["serial"] in {paid.serial for paid in planted.paid}, one
        assert one[AGENCY] is None or (planted.due and one[AGENCY]["number"] == planted.due.number), one
        assert (one["status"] == "cleared") == planted.cleared, one
    over = [one[TAX]["serial"] for one in mine if one["category"] == "DUP_PAYMENT"]
    assert len(set(over)) == len(over)
    if {one["category"] for one in mine} == {"PERSON"}:
        others = {one["id"]: [other["id"] for other in mine if other is not one] for one in mine}
        assert all([one["proposal"]] == (others[one["id"]] or [None]) for one in mine)
        assert {one["status"] for one in mine} == {"open"}


def places_of(books: Books, files: Iterable[BookFile]) -> dict[Place, Case]:
    """The case of every line of every file."""
    paid = {(one.serial, one.data_type): case for case in books.cases for one in case.paid}
    due = {(one.number, one.who.number, one.data_type): case for case in books.cases for one in case.due}
    found: dict[Place, Case] = {}
    for file in files:
        for line, row in file.lines():
            if file.kind == "payments":
                found[file.sha256(), line] = paid[row["缴费明细流水号"], row["数据类型"]]
            elif file.kind == "receivables":
                found[file.sha256(), line] = due[row["应收核定编号"], row["公民身份号码"], row["数据类型"]]
    return found


def hold_sums(books: Books, month: date, told: Told, details: list[Told]) -> None:
    """Both totals are those of a naive accounting of the files; the details come to the difference of the totals."""
    sums = naive_sums(books, month)
    assert told["total_difference"] == yuan(sums.tax - sums.agency)
    assert sum(fen_of(one["amount"]) for one in details) == sums.tax - sums.agency
    assert told["row_difference"] == sums.tax_rows - sums.agency_rows
    own = fen_of(told["own"]["amount"])  # what needs no approval stands under the agency's own entries
    for side, fen in (("tax", sums.tax), ("agency", sums.agency - own)):
        assert sum(fen_of(one[side]) for one in told["totals"]) == fen
    counted = Counter(one["category"] for one in details)
    categories = {name: one for name, one in told["categories"].items() if one["rows"]}
    matched = categories.pop("MATCHED", {"rows": 0, "amount": "0.00"})
    assert (matched["rows"], matched["amount"]) == (books.matched(month), "0.00")
    assert {name: one["rows"] for name, one in categories.items()} == counted
    for name, one in categories.items():
        assert fen_of(one["amount"]) == sum(fen_of(d["amount"]) for d in details if d["category"] == name)


def outcome(told: Iterable[Told]) -> list[Counter[tuple[str, str]]]:
    """What is the same whatever the order of the files was."""
    return [Counter((one["category"], one["amount"]) for one in month["differences"]) for month in told]


# -- the months -------------------------------------------------------------------------------------------------------


def all_months(office: Office, books: Books) -> list[Told]:
    """Each month as it is told, held to what was planted."""
    told = [office.reconcile(month) for month in books.months()]
    for month, one in zip(books.months(), told, strict=True):
        hold(books, month, office.files, one)
    return told


def live(open_office: Callable[[], Office], chance: random.Random, plants: Sequence[str]) -> Counter[str]:
    """A month in both orders of its files, reconciled, reconciled again, and sent again; gives what it held."""
    office = open_office()
    books = invent(chance, pool=office.desk.code, plants=plants, refunds=True)
    office.take_in(books.files)
    office.ask_back(books.refunds)
    first = all_months(office, books)
    assert [office.reconcile(month) for month in books.months()] == first
    office.take_in(books.files)
    assert [office.reconcile(month) for month in books.months()] == first, "the same bytes change nothing"
    again = [file.sent_again(chance) for file in books.files if file.kind != "participants"]
    office.take_in(again)
    all_months(office, books)
    other_way_round(open_office, chance, books, first)
    held = Counter(one["category"] for month in first for one in month["differences"])
    return held + Counter(f"planted {case.name}" for case in books.cases)


def other_way_round(open_office: Callable[[], Office], chance: random.Random, books: Books, first: list[Told]) -> None:
    """The same files in another order, in a pool of its own that goes by the same code in them."""
    office = open_office()
    files = [file for file in books.files if file.kind != "participants"]
    renamed = [file.in_pool(books.pool, office.desk.code) for file in chance.sample(files, len(files))]
    office.take_in(books.of("participants"))
    office.ask_back(books.refunds)
    office.take_in(renamed)
    assert outcome(all_months(office, replace(books, pool=office.desk.code, files=office.files))) == outcome(first)


def test_every_category_in_one_month(open_office: Callable[[], Office]) -> None:
    """Every kind of case twice, on people who bear several of them."""
    held = live(open_office, random.Random(20250331), [name for name in PLANTS for _ in range(2)])
    assert {*CATEGORIES, "REFUND_OPEN"} <= set(held)


@pytest.mark.parametrize("plant", ["approved_twice", "paid_twice"])
def test_what_stands_twice_is_found_where_all_else_agrees(open_office: Callable[[], Office], plant: str) -> None:
    """Nothing but that makes the tool look at the person: each of the two stands alike in the join of the books."""
    office = open_office()
    books = invent(random.Random(3), pool=office.desk.code, plants=["matched", *[plant] * 5])
    office.take_in(books.files)
    all_months(office, books)


def test_random_months(open_office: Callable[[], Office]) -> None:
    with_random_cases(EXAMPLES, lambda chance, plants: live(open_office, chance, plants))


def test_a_month_in_which_everything_agrees(open_office: Callable[[], Office]) -> None:
    """No difference, and the command says so by its end."""
    office = open_office()
    books = invent(random.Random(1), pool=office.desk.code, plants=["matched", "not_approved", "withdrawn"] * 3)
    office.take_in([file for file in books.files if not file.name.startswith("again")])
    told = office.reconcile(books.month)
    assert [one for one in told["differences"] if one["category"] != "DUP_TRANSPORT"] == []
    assert (told["total_difference"], told["row_difference"]) == ("0.00", 0)
    assert {NEW, CANCELLED} == {row["数据类型"] for file in books.of("receivables") for row in file.rows}
