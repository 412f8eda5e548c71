"""`pension-ledger rules` and `interest rate`: what is in force, and what an operator entered."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli import console
from api.cli.options import Actor, Document, Json, Pool, Reviewer, Year
from api.cli.session import session
from ledger.clock import today
from ledger.jobs.rule_entry import enter
from ledger.region_rules import CONFIDENCE, FIGURES, METHODS, REGIONS, ValueEntered, read_rules

app = typer.Typer(help="规则参数", no_args_is_help=True)
rate_app = typer.Typer(help="记账利率", no_args_is_help=True)


def enter_value(pool: str, event: ValueEntered) -> None:
    """Enter a value and say what stands."""
    with session() as ledger:
        new = enter(ledger.log(pool), event)
    told = f"{event.year}年度 {event.name} = {event.value}（{event.document}）"
    console.answer(f"已录入：{told}" if new else f"已有相同录入：{told}")


@app.command("set")
def set_value(
    pool: Pool,
    name: Annotated[str, typer.Option("--name", help="参数名称，例如 cap（最高缴费档次，元）")],
    year: Year,
    value: Annotated[str, typer.Option("--value", help="取值")],
    document: Document,
    actor: Actor,
    reviewer: Reviewer,
) -> None:
    """录入一个参数的年度取值，注明文号，由两人办理。"""
    entry = ValueEntered(actor=actor, reviewer=reviewer, name=name, year=year, value=value, document=document)
    enter_value(pool, entry)


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


@app.command()
def show(
    pool: Pool,
    year: Annotated[int | None, typer.Option("--year", help="年度，默认今年", min=1990, max=2100)] = None,
    json: Json = False,
) -> None:
    """列出一个年度适用的全部参数：取值、依据、可靠程度。"""
    wanted = year or today().year
    with session() as ledger:
        rules = ledger.log(pool).rules()
    rows = []
    for name in METHODS:
        value = rules.method(name, wanted)
        rows.append(
            {
                "name": name,
                "value": str(value.value),
                "valid_from": value.valid_from,
                "document": value.document,
                "clause": value.clause,
                "confidence": value.confidence,
                "rests_on": value.rests_on,
            }
        )
    entered = [
        {"name": event.name, "year": event.year, "value": event.value, "document": event.document,
         "actor": event.actor, "reviewer": event.reviewer}
        for event in rules.entered
    ]  # fmt: skip
    if json:
        console.say_json({"pool": pool, "year": wanted, "rules": rules.name, "methods": rows, "entered": entered})
        return
    console.answer(f"统筹区 {pool} {wanted}年度规则（{rules.name}）")
    for row in rows:
        sure = CONFIDENCE[str(row["confidence"])]
        console.answer(
            f"  {row['name']} = {row['value']}  〔{sure}〕{row['document']}{row['clause']}：{row['rests_on']}"
        )
    console.answer("录入的参数：")
    for one in entered:
        hands = f"经办 {one['actor']}，复核 {one['reviewer']}"
        console.answer(f"  {one['year']}年度 {one['name']} = {one['value']}  {one['document']}（{hands}）")
    if missing := [name for name in FIGURES if rules.figure(name, wanted) is None]:
        console.answer(f"{wanted}年度尚未录入：{'、'.join(missing)}")


@app.command()
def check() -> None:
    """检查随软件提供的规则文件。"""
    for region in REGIONS:
        for file in read_rules(region):
            console.answer(f"{file.region} {file.version}：{len(file.value)} 项，无误")
