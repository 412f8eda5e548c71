"""`pension-ledger interest`: crediting rates, a year's interest, and settling it anew."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli import console
from api.cli.options import Actor, Document, DryRun, Json, Pool, Reviewer, Year
from api.cli.rule_entry import rate_app
from api.cli.session import fold_forward, session
from ledger.interest import rounded
from ledger.jobs.interest_report import InterestReport
from ledger.jobs.interest_restatement import restate as restate_pool
from ledger.jobs.interest_run import InterestRun, helpers
from ledger.money import fen_to_yuan, fen_to_yuan_grouped
from ledger.region_rules import ValueEntered
from ledger.store.divisions import Divisions
from ledger.words import CHINESE, KINDS

app = typer.Typer(help="年度结息", no_args_is_help=True)
app.add_typer(rate_app, name="rate")


def _exact_yuan(report: InterestReport) -> str:
    """The exact sum before rounding, in yuan with eight decimals."""
    millionths = rounded(report.unrounded.numerator * 1_000_000, report.unrounded.denominator, "half_up")
    sign = "-" if millionths < 0 else ""
    return f"{sign}{abs(millionths) // 100_000_000}.{abs(millionths) % 100_000_000:08d}"


def _as_json(report: InterestReport) -> dict[str, Any]:
    return {
        "pool": report.pool,
        "year": report.year,
        "rate": report.rate,
        "rate_document": report.rate_document,
        "dry_run": report.dry_run,
        "credited": report.credited,
        "already_credited": report.already_credited,
        "waiting": report.waiting,
        "without_money": report.without_money,
        "closed": report.closed,
        "refused": report.refused,
        "before": fen_to_yuan(report.before),
        "interest": fen_to_yuan(report.interest),
        "after": fen_to_yuan(report.after),
        "interest_unrounded": _exact_yuan(report),
        "by_kind": {kind.value: fen_to_yuan(report.by_kind.of(kind)) for kind in KINDS},
        "by_county": {
            county: {
                "accounts": figures.accounts,
                "before": fen_to_yuan(figures.before),
                "interest": fen_to_yuan(figures.interest),
                "after": fen_to_yuan(figures.before + figures.interest),
            }
            for county, figures in sorted(report.counties.items())
        },
    }


def _tell(report: InterestReport, names: dict[str, str]) -> None:
    word = "结息试算（未记账）" if report.dry_run else "结息完成"
    console.answer(f"统筹区 {report.pool} {report.year}年度{word}，记账利率 {report.rate}（{report.rate_document}）")
    console.answer(
        f"  本次结息 {report.credited} 户；此前已结 {report.already_credited} 户；"
        f"待较早年度 {report.waiting} 户；无款项 {report.without_money} 户；已终结 {report.closed} 户"
    )
    for reason, count in sorted(report.refused.items()):
        console.answer(f"  未结 {reason} {count} 户")
    console.answer(
        f"  结息前 {fen_to_yuan_grouped(report.before)} ＋ 利息 {fen_to_yuan_grouped(report.interest)}"
        f" ＝ 结息后 {fen_to_yuan_grouped(report.after)} 元"
    )
    console.answer(f"  利息合计（逐户取整后）{fen_to_yuan(report.interest)} 元，取整前 {_exact_yuan(report)} 元")
    for county, figures in sorted(report.counties.items()):
        console.answer(
            f"  {names.get(county, county)}：{figures.accounts} 户，利息 {fen_to_yuan_grouped(figures.interest)} 元"
        )
    for kind in KINDS:
        console.answer(f"  按来源 {CHINESE[kind]}：{fen_to_yuan_grouped(report.by_kind.of(kind))} 元")


@app.command()
def run(pool: Pool, year: Year, actor: Actor, reviewer: Reviewer, dry_run: DryRun = False, json: Json = False) -> int:
    """为统筹区全部账户办理一个年度的结息；中断后再次运行即可续办。"""
    with helpers() as ready, session() as ledger:
        log = ledger.log(pool)
        job = InterestRun(log, year, actor, reviewer, dry_run=dry_run, ready=ready)
        with console.progress(f"{year}年度结息") as advance:
            report = job.run(advance)
        fold_forward(log)
        names = Divisions(log).names()
    if json:
        console.say_json(_as_json(report))
    else:
        _tell(report, names)
    return 2 if report.refused else 0


@app.command()
def restate(
    pool: Pool,
    year: Year,
    rate: Annotated[str, typer.Option("--rate", help="更正后的记账利率，小数")],
    document: Document,
    actor: Actor,
    reviewer: Reviewer,
    json: Json = False,
) -> int:
    """利率有误时重新结息：该年度及其后已结年度按更正的利率重算差额。"""
    entry = ValueEntered(actor=actor, reviewer=reviewer, name="rate", year=year, value=rate, document=document)
    with session() as ledger, console.progress(f"{year}年度重新结息") as advance:
        log = ledger.log(pool)
        report = restate_pool(log, entry, advance)
        fold_forward(log)
    if json:
        console.say_json(
            {
                "pool": report.pool,
                "year": report.year,
                "rate": report.rate,
                "rate_document": report.rate_document,
                "restated": report.restated,
                "unchanged": report.unchanged,
                "closed": report.closed,
                "not_credited": report.not_credited,
                "refused": report.refused,
                "difference": fen_to_yuan(report.difference),
            }
        )
    else:
        console.answer(
            f"统筹区 {pool} {year}年度按利率 {rate} 重新结息：{report.restated} 户，差额合计"
            f" {fen_to_yuan_grouped(report.difference)} 元；此前已按此利率 {report.unchanged} 户；"
            f"未结该年度 {report.not_credited} 户；已终结 {report.closed} 户"
        )
    return 2 if report.refused else 0
