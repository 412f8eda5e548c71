"""The options that the pages of `pension-ledger tax` share."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

Month = Annotated[str, typer.Option("--month", help="月份", metavar="YYYY-MM")]


def read_month(text: str) -> date:
    """The first day of a month as an operator writes it."""
    try:
        year, month = text.strip().split("-")
        return date(int(year), int(month), 1)
    except ValueError as fault:
        raise typer.BadParameter("月份须写成 2025-03 的样子", param_hint="--month") from fault
