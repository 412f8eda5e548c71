"""`pension-ledger account`: an account begins and ends, one at a time."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.command_answer import CommandId, carry_out, read_command_id
from api.cli.options import Account, Actor, DryRun, Json, Pool, Reviewer, read_account, read_date, read_number, said
from api.cli.session import Session
from ledger.desk.commands import CloseAccount, OpenAccount
from ledger.desk.nameless import require_nameless
from ledger.store.log import PoolLog

app = typer.Typer(help="个人账户", no_args_is_help=True)


@app.command("open")
def open_(
    pool: Pool,
    citizen: Annotated[str, typer.Option("--citizen", help="公民身份号码", metavar="NUMBER")],
    name: Annotated[str, typer.Option("--name", help="姓名", metavar="N", callback=said)],
    division: Annotated[str, typer.Option("--division", help="村的编码，或 旗县/乡镇/村", metavar="D", callback=said)],
    opened_on: Annotated[str, typer.Option("--opened-on", help="参保日期", metavar="日期")],
    actor: Actor,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """建账：为一名参保人开立个人账户。"""
    number, day = read_number(citizen), read_date(opened_on, "--opened-on")
    command = OpenAccount(
        actor=actor,
        cause="command account open",
        command_id=read_command_id(command_id),
        dry_run=dry_run,
        number=number,
        name=name,
        division=division,
        opened_on=day,
    )
    carry_out(pool, lambda _ledger, _log: command, json=json)


@app.command()
def close(
    pool: Pool,
    account: Account,
    on: Annotated[str, typer.Option("--on", help="注销或转出的日期", metavar="日期")],
    actor: Actor,
    reviewer: Reviewer,
    reason: Annotated[str, typer.Option("--reason", help="注销原因", metavar="R")] = "",
    to: Annotated[str, typer.Option("--to", help="转往的统筹区或制度", metavar="POOL")] = "",
    document: Annotated[str, typer.Option("--document", help="转出的依据文号", metavar="文号")] = "",
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """注销或转出：结清利息，余额全部转出；须两人办理。"""
    reason, to, document = reason.strip(), to.strip(), document.strip()
    if bool(reason) == bool(to):
        raise typer.BadParameter("注销须填写 --reason，转出须填写 --to，两者只填其一", param_hint="--reason / --to")
    if bool(to) != bool(document):
        raise typer.BadParameter("转出须同时填写 --to 和 --document", param_hint="--document")
    which, day = read_account(account), read_date(on, "--on")

    def command_of(ledger: Session, log: PoolLog) -> CloseAccount:
        require_nameless(log, ledger.register(log), which, {"--reason": reason, "--to": to, "--document": document})
        return command

    command = CloseAccount(
        actor=actor,
        reviewer=reviewer,
        cause="command account close",
        command_id=read_command_id(command_id),
        dry_run=dry_run,
        account=which,
        on=day,
        reason=reason,
        to=to,
        document=document,
    )
    carry_out(pool, command_of, json=json)
