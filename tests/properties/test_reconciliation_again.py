"""Months compared as their files arrive, in any order, come to what is folded from scratch when all are there."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import note

from projections.rebuild import rebuild
from projections.reconciliation_proof import fold_faults
from projections.reconciliation_sink import COLUMNS
from projections.verify import register_check, verify
from tests.properties.tax_books import invent
from tests.properties.tax_examples import with_random_cases
from tests.properties.tax_office import Office

EXAMPLES = 4
Rows = list[list[tuple[Any, ...]]]


def view(office: Office) -> Rows:
    """Both tables to the byte, JSON as text."""
    columns = ", ".join((*COLUMNS[:-1], "detail::text"))
    return [
        office.desk.query(f"SELECT {columns} FROM {{reconciliation_difference_v1}} ORDER BY 1, 2"),
        office.desk.query("SELECT * FROM {reconciliation_month_v1} ORDER BY 1"),
    ]


def arrive(office: Office, chance: random.Random, plants: list[str]) -> None:
    """Files in any order, some months asked for in between; what stands then is never another than its fold."""
    books = invent(chance, pool=office.desk.code, plants=plants, refunds=True)
    office.take_in(books.of("participants"))
    files = [file for file in books.files if file.kind != "participants"]
    for file in chance.sample(files, len(files)):
        office.take_in([file])
        for month in chance.sample(books.months(), chance.choice((0, 0, 1, 2))):
            office.reconcile(month)
        if chance.random() < 0.3:
            assert list(fold_faults(office.desk.register, note)) == []
    office.ask_back(books.refunds)
    for month in books.months():
        office.reconcile(month)
    arrived = view(office)
    assert verify(office.desk.log, register_check(office.desk.register, note)) == []
    rebuild(office.desk.log, "reconciliation", register=office.desk.register)
    assert view(office) == arrived
    with office.desk.log.connections.connection() as connection:
        connection.execute(office.desk.log.sql("DELETE FROM {reconciliation_difference_v1}"))
    rebuild(office.desk.log, "reconciliation", register=office.desk.register)
    assert view(office) == arrived


def test_month_by_month_is_the_same_as_from_scratch(open_office: Callable[[], Office]) -> None:
    with_random_cases(EXAMPLES, lambda chance, plants: arrive(open_office(), chance, plants))
