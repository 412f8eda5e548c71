"""The invented books themselves: they share nothing with the product, they hold everything, and they read one way."""

from __future__ import annotations

import ast
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.properties.naive_reconciliation import read_month
from tests.properties.tax_books import check, invent, naive_sums
from tests.properties.tax_plants import CATEGORIES, ELSEWHERE, PLANTS
from tests.properties.tax_rows import Books, repeated

HERE = Path(__file__).parent
GENERATOR = ("tax_rows", "tax_plants", "tax_books", "naive_reconciliation")
SEEDS = range(300)


def books(seed: int, **said: object) -> Books:
    return invent(random.Random(seed), pool="150000", **said)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", GENERATOR)
def test_the_generator_imports_nothing_of_the_product(name):
    tree = ast.parse((HERE / f"{name}.py").read_text("utf-8"))
    imported = {
        module
        for node in ast.walk(tree)
        for module in (
            [node.module or ""] if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else []
        )
    }  # fmt: skip
    own = {f"tests.properties.{one}" for one in GENERATOR}
    assert {one for one in imported if one.partition(".")[0] not in sys.stdlib_module_names} <= own


def test_every_plant_and_category_and_many_combinations_come_up():
    plants, categories, combined, told = Counter(), Counter(), Counter(), Counter()
    for made in map(books, SEEDS):
        plants.update(case.name for case in made.cases)
        categories.update(one.category for one in made.expected(made.month))
        categories["DUP_TRANSPORT"] += len(repeated(made.files))
        for who in made.people:
            found = {one.category for case in made.cases if case.bearer == who for one in case.found}
            combined.update([tuple(sorted(found))] if len(found) > 1 else [])
        told["batches with their sums"] += sum(bool(file.head) for file in made.files)
        told["batches sent again"] += sum(file.name.startswith("again") for file in made.files)
        told["cancelled before it came"] += sum(case.early for case in made.cases)
        told["several batches"] += len(made.of("payments")) > 1
    assert set(plants) == set(PLANTS)
    assert set(categories) == set(CATEGORIES)
    assert min(*plants.values(), *categories.values(), *told.values()) >= 20
    assert len(combined) >= 25
    assert combined["AMOUNT", "DUP_PAYMENT"] >= 5


def test_what_was_planted_is_what_a_naive_reading_of_the_files_finds():
    """Nobody could read the books otherwise: the cells alone lead to the planted differences, in every month."""
    for made in map(books, SEEDS):
        for month in made.months():
            read = read_month(made.files, made.pool, month)
            planted = Counter((one.category, one.fen) for one in made.expected(month))
            assert Counter((one.category, one.fen) for one in read.found) == planted, month
            assert read.matched == made.matched(month)
            named = {(paid.serial, paid.data_type): case for case in made.cases for paid in case.paid}
            for one in read.found:
                about = {id(named[row]) for row in one.paid}
                assert len(about) <= 1, "a difference is about rows of one case"


def test_the_same_seed_makes_the_same_books_and_another_order_of_files_leaves_the_expected():
    one, two = books(7), books(7)
    assert [file.content() for file in one.files] == [file.content() for file in two.files]
    backward = replace(one, files=one.files[::-1])
    for month in one.months():
        assert naive_sums(one, month) == naive_sums(backward, month)


def test_a_wrong_expectation_does_not_pass_the_check():
    made = books(3, plants=["amount", "cut_off"])
    check(made)
    (finding,) = made.cases[0].found
    made.cases[0].found = [finding._replace(fen=finding.fen + 1)]
    with pytest.raises(AssertionError):
        check(made)


def test_numbers_and_names_are_nobodys():
    """Unissued prefixes; every name and number once; nothing of anybody in a serial, voucher or number."""
    for made in map(books, range(20)):
        people = {paid.who for case in made.cases for paid in case.paid} | set(made.people)
        assert {one.number[:6] for one in people} <= {"150000", "640000"}
        assert len({one.number for one in made.people}) == len({one.name for one in made.people}) == len(made.people)
        said = [word for case in made.cases for one in case.paid for word in (one.serial, one.voucher, one.approval)]
        assert not any(one.number in word or one.name in word for one in people for word in said)
        serials = Counter((one.serial, one.data_type) for case in made.cases for one in case.paid)
        assert max(serials.values()) == 1


def test_a_refund_that_is_open_is_planted_where_it_is_asked_for():
    made = books(5, plants=["matched"], refunds=True)
    (refund,) = made.refunds
    (finding,) = made.expected(made.month)
    assert (finding.category, finding.fen, finding.paid) == ("REFUND_OPEN", -refund.paid.fen, (refund.paid,))
    assert refund.asked_on >= refund.paid.on
    assert made.pool != ELSEWHERE
