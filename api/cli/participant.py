"""`pension-ledger participant`: the register of people."""

from __future__ import annotations

from typing import Annotated

import psycopg
import typer

from api.cli import console
from api.cli.command_answer import CommandId, answer_as_json, ask, read_command_id
from api.cli.options import Actor, Document, DryRun, Json, Pool, Reviewer, read_number, said
from api.cli.session import CommandFault, fold_forward, session
from ledger.desk.commands import Answer, EraseParticipant
from ledger.jobs.corrections import rename as rename_participant
from ledger.late_money import Origin
from ledger.refusals import Reason, Refused, refuse
from ledger.store.command_ids import find_commands
from ledger.store.log import PoolLog
from ledger.store.pools import all_pools
from ledger.store.register import Register

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


@app.command()
def erase(
    pool: Pool,
    citizen: Citizen,
    reason: Annotated[str, typer.Option("--reason", help="原因，不得写入姓名或号码", metavar="R", callback=said)],
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """删除一个人的身份信息：账户均已终结且无余额的，销毁其密钥、号码与姓名；账目留存。不能恢复。"""
    command = EraseParticipant(
        actor=actor,
        reviewer=reviewer,
        cause="command participant erase",
        command_id=read_command_id(command_id),
        dry_run=dry_run,
        number=read_number(citizen),
        reason=reason,
    )
    with session() as ledger:
        log = ledger.log(pool)
        register = ledger.register(log)
        _require_same_person(log, register, command)
        with ledger.counter(log) as counter:
            answer = ask(counter, command)
        if not dry_run:
            sweep(register)
            fold_forward(log)
    if json:
        console.say_json(answer_as_json(answer))
    else:
        _tell(pool, answer)


def _require_same_person(log: PoolLog, register: Register, command: EraseParticipant) -> None:
    """Raises `Refused` (COMMAND_ID) where the id erased somebody else before.

    The number is no part of what is kept of an erasing command, so the id alone brings the first answer again. Whoever
    is registered now was not the one erased then: told the first answer, the counter would believe they were.
    """
    known = find_commands(log, {command.command_id.bytes})
    if known and register.find([register.digest(command.number)]):
        raise Refused(refuse(Reason.COMMAND_ID, "命令编号", rule="该命令编号已用于另一笔业务，本人仍在登记中"))


def sweep(register: Register) -> None:
    """What is erased stays erased if the database cannot tidy up now; it does so by itself later."""
    try:
        register.sweep()
    except psycopg.Error as fault:
        console.notice(f"身份信息已删除；数据文件中的旧版本待数据库自行清理：{str(fault).strip()}")


def _tell(pool: str, answer: Answer) -> None:
    if answer.dry_run:
        console.answer(f"统筹区 {pool}：试算，可以删除身份信息，未记账（账户 {answer.account}）")
        return
    console.answer(f"统筹区 {pool}：身份信息已删除（账户 {answer.account} 第{answer.version}号记录），账目留存")
    console.answer("此前的备份仍含密封的身份信息，与密钥一起即可打开：请按期销毁")
