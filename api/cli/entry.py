"""`pension-ledger entry`: corrections of single entries."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli import console
from api.cli.options import Actor, DryRun, Json, Pool, Reviewer, read_account, said
from api.cli.session import fold_forward, session
from ledger.account_events import MoneyEvent
from ledger.jobs.corrections import reverse as reverse_entry
from ledger.late_money import Origin
from ledger.money import fen_to_yuan

app = typer.Typer(help="记录更正", no_args_is_help=True)


@app.command()
def reverse(
    pool: Pool,
    account: Annotated[str, typer.Option("--account", help="账户编号", metavar="ID")],
    version: Annotated[int, typer.Option("--version", help="要冲正的记录的版本号", metavar="N", min=1)],
    reason: Annotated[str, typer.Option("--reason", help="冲正原因", metavar="R", callback=said)],
    actor: Actor,
    reviewer: Reviewer,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """冲正一笔记录：按原记录日期抵销，已结年度的利息随之重算。"""
    with session() as ledger:
        log = ledger.log(pool)
        origin = Origin(actor, reviewer, "command entry reverse")
        done = reverse_entry(log, read_account(account), version, reason, origin, dry_run=dry_run)
        fold_forward(log)
    effects = [event for event in done.events if isinstance(event, MoneyEvent)]
    if json:
        told = [{"topic": one.topic, "year": one.year, "amount": fen_to_yuan(one.effect.total)} for one in effects]
        console.say_json(
            {
                "pool": pool,
                "account": account,
                "version": done.version,
                "position": done.position,
                "dry_run": dry_run,
                "events": told,
            }
        )
        return
    word = "试算（未记账）" if dry_run else "已冲正"
    console.answer(f"{word}：账户 {account} 第{version}号记录，金额 {fen_to_yuan(effects[0].effect.total)} 元")
    for one in effects[1:]:
        console.answer(f"  {one.year}年度利息调整 {fen_to_yuan(one.effect.total)} 元")
