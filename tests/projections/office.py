"""A pool with three reconciled months of every case, and what its view holds, to the byte."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ledger.store.connections import Connections
from ledger.store.server import EmbeddedServer
from projections.reconciliation_sink import COLUMNS
from tests.api.cli.desk import Desk
from tests.properties.tax_books import MARCH, invent
from tests.properties.tax_office import Office
from tests.properties.tax_plants import PLANTS
from tests.properties.tax_rows import month_after, month_before

FEBRUARY, APRIL = month_before(MARCH), month_after(MARCH)
OF_BOTH = "category = 'AMOUNT'"
ONE = (
    " WHERE month = '2025-03-01' AND difference_id = (SELECT difference_id FROM {reconciliation_difference_v1}"
    " WHERE month = '2025-03-01' AND %s ORDER BY 1 LIMIT 1)"
)
"""One difference of March."""


def reconciled(server: EmbeddedServer, connections: Connections, folder: Path, letter: str) -> Office:
    """Each month was asked for when all rows were there."""
    home = Path(parse_qs(urlsplit(server.url).query)["host"][0]).parents[1]
    made = Office(Desk(home, connections, folder, f"{letter}{os.getpid()}"))
    books = invent(random.Random(4), pool=made.desk.code, plants=[*PLANTS, "mistaken_person"], refunds=True)
    made.take_in(books.files)
    made.ask_back(books.refunds)
    for month in books.months():
        made.reconcile(month)
    return made


def stored(desk: Desk) -> list[list[tuple[Any, ...]]]:
    """Both tables, JSON as text."""
    columns = ", ".join((*COLUMNS[:-1], "detail::text"))
    return [
        desk.query(f"SELECT {columns} FROM {{reconciliation_difference_v1}} ORDER BY 1, 2"),
        desk.query("SELECT * FROM {reconciliation_month_v1} ORDER BY 1"),
    ]


def change(desk: Desk, statement: str, *parameters: object) -> None:
    """Spoil one row."""
    with desk.log.connections.connection() as connection:
        assert connection.execute(desk.log.sql(statement), parameters or None).rowcount == 1, statement
