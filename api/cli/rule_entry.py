"""Entering a value of law, and `pension-ledger interest rate`."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli import console
from api.cli.options import Actor, Document, Pool, Reviewer, Year
from api.cli.session import session
from ledger.jobs.rule_entry import enter
from ledger.region_rules import ValueEntered

rate_app = typer.Typer(help="记账利率", no_args_is_help=True)


def enter_value(pool: str, event: ValueEntered) -> None:
    """Enter a value and say what stands."""
    with session() as ledger:
        new = enter(ledger.log(pool), event)
    told = f"{event.year}年度 {event.name} = {event.value}（{event.document}）"
    console.answer(f"已录入：{told}" if new else f"已有相同录入：{told}")


@rate_app.command("set")
def set_rate(
    pool: Pool,
    year: Year,
    rate: Annotated[str, typer.Option("--rate", help="记账利率，小数，例如 0.0262")],
    document: Document,
    actor: Actor,
    reviewer: Reviewer,
) -> None:
    """录入一个年度公布的记账利率，注明文号，由两人办理。"""
    entry = ValueEntered(actor=actor, reviewer=reviewer, name="rate", year=year, value=rate, document=document)
    enter_value(pool, entry)
