"""`pension-ledger rules`: what is in force, and what an operator entered."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from api.cli import console
from api.cli.options import Actor, Document, Json, Pool, Reviewer, Year, read_date
from api.cli.rule_entry import enter_value
from api.cli.session import CommandFault, session
from api.files.regions_page import limits, regions_page
from ledger.clock import today
from ledger.procedure import ACTORS, EVIDENCE, MATTERS, Procedure, read_procedures
from ledger.region_rules import CONFIDENCE, FIGURES, METHODS, REGIONS, RegionRules, ValueEntered, read_rules
from ledger.working_days import due

app = typer.Typer(help="规则参数", no_args_is_help=True)


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


@app.command()
def show(
    pool: Annotated[str | None, typer.Option("--pool", help="统筹区编码，连同录入的参数", metavar="CODE")] = None,
    region: Annotated[str | None, typer.Option("--region", help=f"地区：{'、'.join(REGIONS)}")] = None,
    year: Annotated[int | None, typer.Option("--year", help="年度，默认今年", min=1990, max=2100)] = None,
    on: Annotated[str | None, typer.Option("--on", help="日期，取其年度", metavar="日期")] = None,
    json: Json = False,
) -> None:
    """列出一个年度适用的全部参数：取值、依据、可靠程度。"""
    if (pool is None) == (region is None):
        raise typer.BadParameter("须给出统筹区或地区之一", param_hint="--pool / --region")
    if year is not None and on is not None:
        raise typer.BadParameter("年度与日期只能给出一个", param_hint="--year / --on")
    wanted = read_date(on, "--on").year if on else year or today().year
    if pool is not None:
        with session() as ledger:
            rules = ledger.log(pool).rules()
        whose, title = {"pool": pool}, f"统筹区 {pool}"
    else:
        if region not in REGIONS:
            raise CommandFault(f"没有地区 {region} 的规则；现有：{'、'.join(REGIONS)}")
        rules = RegionRules(read_rules(region), (), 0)
        whose, title = {"region": region}, rules.files[0].title
    in_force = _in_force(rules, wanted)
    if json:
        steps = [msgspec.to_builtins(step) for chain in _chains(rules.region, wanted) for step in chain.steps.values()]
        console.say_json({**whose, "year": wanted, "rules": rules.name, **in_force, "steps": steps})
    else:
        console.answer(f"{title} {wanted}年度规则（{rules.name}）")
        _tell(in_force, entries=pool is not None)
        _tell_procedures(_chains(rules.region, wanted))
        if missing := [name for name in FIGURES if rules.figure(name, wanted) is None]:
            console.answer(f"{wanted}年度{'尚未录入' if pool else '由统筹区录入'}：{'、'.join(missing)}")


def _in_force(rules: RegionRules, year: int) -> dict[str, list[dict[str, str | int]]]:
    """The methods of a year, and all that was entered."""
    said = ("name", "value", "valid_from", "document", "clause", "confidence", "rests_on")
    values = [rules.method(name, year) for name in METHODS]
    entered = ("name", "year", "value", "document", "actor", "reviewer")
    return {
        "methods": [{**{word: getattr(value, word) for word in said}, "value": str(value.value)} for value in values],
        "entered": [{word: getattr(event, word) for word in entered} for event in rules.entered],
    }


def _tell(in_force: dict[str, list[dict[str, str | int]]], *, entries: bool) -> None:
    for row in in_force["methods"]:
        sure = CONFIDENCE[str(row["confidence"])]
        console.answer(
            f"  {row['name']} = {row['value']}  〔{sure}〕{row['document']}{row['clause']}：{row['rests_on']}"
        )
    if entries:
        console.answer("录入的参数：")
    for one in in_force["entered"]:
        hands = f"经办 {one['actor']}，复核 {one['reviewer']}"
        console.answer(f"  {one['year']}年度 {one['name']} = {one['value']}  {one['document']}（{hands}）")


def _chains(region: str, year: int) -> list[Procedure]:
    """The procedures that are in force in a year."""
    return [chain for chain in read_procedures(region).values() if chain.valid_from <= year]


def _tell_procedures(chains: list[Procedure]) -> None:
    for chain in chains:
        console.answer(f"办理流程（{MATTERS[chain.matter]}）：")
        for place, step in enumerate(chain.steps.values(), 1):
            said = [ACTORS[step.actor], *limits(step, chain)]
            if step.evidence:
                said.append(f"附{'、'.join(EVIDENCE[name] for name in step.evidence)}")
            console.answer(f"  {place}. {step.title}（{'；'.join(said)}）{step.citation}")


@app.command()
def table(
    year: Annotated[int | None, typer.Option("--year", help="年度，默认今年", min=1990, max=2100)] = None,
) -> None:
    """以 Markdown 列出各地区的规则与办理流程。"""
    console.answer(regions_page(year or today().year).rstrip())


@app.command("due")
def due_day(
    since: Annotated[str, typer.Option("--from", help="起算之日，不计入", metavar="日期")],
    days: Annotated[int, typer.Option("--days", help="工作日数", min=1, max=250)],
    json: Json = False,
) -> None:
    """期限届满之日：次日起算，按公布的节假日和调休计工作日。"""
    start = read_date(since, "--from")
    told = due(start, days)
    if json:
        console.say_json(
            {"from": start.isoformat(), "days": days, "due": told.day.isoformat(), "provisional": told.provisional}
        )
        return
    console.answer(f"{start.isoformat()} 起{days}个工作日，至 {told.day.isoformat()}")
    if told.provisional:
        console.notice("所涉年度的节假日安排尚未公布，按周一至周五暂计")


@app.command()
def check() -> None:
    """检查随软件提供的规则文件。"""
    for region in REGIONS:
        for file in read_rules(region):
            console.answer(f"{file.region} {file.version}：{len(file.value)} 项，无误")
        chains = read_procedures(region).values()
        console.answer(f"{region} 办理流程：{sum(len(chain.steps) for chain in chains)} 步，无误")
