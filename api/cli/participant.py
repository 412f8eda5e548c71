"""`pension-ledger participant`: the register of people."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli import console
from api.cli.options import Actor, Document, Pool, Reviewer, read_number
from api.cli.session import CommandFault, session
from ledger.jobs.corrections import rename as rename_participant
from ledger.late_money import Origin
from ledger.store.pools import all_pools

app = typer.Typer(help="参保人登记", no_args_is_help=True)
Citizen = Annotated[str, typer.Option("--citizen", help="公民身份号码", metavar="NUMBER")]


@app.command()
def rename(
    citizen: Citizen,
    name: Annotated[str, typer.Option("--name", help="新姓名", metavar="N")],
    document: Document,
    actor: Actor,
    reviewer: Reviewer,
    pool: Annotated[str | None, Pool.__metadata__[0]] = None,
) -> None:
    """变更姓名：原姓名留存于历史。不指定统筹区时，在该人登记的各统筹区变更。"""
    number = read_number(citizen)
    origin = Origin(actor, reviewer, "command participant rename")
    with session() as ledger:
        codes = [pool] if pool else [one.code for one in all_pools(ledger.connections)]
        logs = [ledger.log(code) for code in codes]
        if not logs:
            raise CommandFault("还没有统筹区：请先执行 pension-ledger pool create")
        held = [log for log in logs if ledger.register(log).account_of(number)] or logs[:1]
        for log in held:
            done = rename_participant(log, ledger.register(log), number, name, document, origin)
            if done.events:
                console.answer(f"统筹区 {log.pool}：姓名已变更（账户第{done.version}号记录），原姓名留存于历史")
            else:
                console.answer(f"统筹区 {log.pool}：登记的已是该姓名，未作变更")
