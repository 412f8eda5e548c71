"""`pension-ledger tax refunds`: refund requests of the tax side (退费申请), their verdicts, and the refund itself."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
import typer

from api.cli import console
from api.cli.command_answer import CommandId, answer_as_json, read_command_id
from api.cli.options import Actor, DryRun, InputFile, Json, Pool, Reviewer, read_date, said
from api.cli.profile_option import DEFAULT_PROFILE, ProfileName
from api.cli.session import fold_forward, session
from api.cli.tax_intake import take_in
from ledger import clock
from ledger.desk.refunds import RefundDesk, VerdictAnswer, VerifyRefund
from ledger.exchange import FileKind
from ledger.jobs.tax_intake import take_in_refunds
from ledger.refund_requests import PAYERS, STATUSES, RefundStatus
from projections.refund_pages import requests_told

app = typer.Typer(help="退费申请：导入、核验、退费", no_args_is_help=True)

Request = Annotated[str, typer.Option("--request", help="退费申请编号", metavar="NUMBER", callback=said)]
_VERDICTS: Final = {"accept": True, "reject": False}


@app.command("import")
def import_(
    file: InputFile,
    pool: Pool,
    actor: Actor,
    profile: ProfileName = DEFAULT_PROFILE,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """导入税务传来的退费申请；随附的银行账户等其他列不读、不存。"""
    return take_in(file, profile, FileKind.REFUND_REQUESTS, pool, actor, take_in_refunds, dry_run=dry_run, json=json)


@app.command()
def verify(
    pool: Pool,
    request: Request,
    verdict: Annotated[str, typer.Option("--verdict", help="核验结果：accept 通过、reject 不通过", metavar="V")],
    reason: Annotated[str, typer.Option("--reason", help="核验意见，不得写入姓名或号码", metavar="R", callback=said)],
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """退费核验：由两人核对账户中的这笔缴费；通过后方可退费。"""
    if verdict not in _VERDICTS:
        raise typer.BadParameter("须为 accept 或 reject", param_hint="--verdict")
    command = VerifyRefund(
        actor=actor, reviewer=reviewer, cause="command tax refunds verify", command_id=read_command_id(command_id),
        dry_run=dry_run, number=request.strip(), accept=_VERDICTS[verdict], reason=reason,
    )  # fmt: skip
    with session() as ledger:
        log = ledger.log(pool)
        answer = RefundDesk(log, ledger.register(log)).verify(command)
    if json:
        console.say_json(_verdict_as_json(answer))
        return
    word = "试算（未登记）：" if answer.dry_run else ""
    result = "核验通过" if answer.accepted else "核验不通过"
    console.answer(f"{word}退费申请 {answer.number} {result}，申请退费额 {answer.amount} 元")
    if answer.accepted:
        console.answer(f"  账户 {answer.account} 第{answer.entry}号记录；{PAYERS[answer.payer]}（{answer.rule}）")
    console.answer(f"命令编号 {answer.command_id}")


def _verdict_as_json(answer: VerdictAnswer) -> dict[str, Any]:
    return {**msgspec.to_builtins(answer), "verdict": "accept" if answer.accepted else "reject"}


@app.command()
def pay(
    pool: Pool,
    request: Request,
    on: Annotated[str, typer.Option("--on", help="退费日期", metavar="日期")],
    actor: Actor,
    reviewer: Reviewer,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """退费：核验通过的申请记入账户一次；已产生的利息留在账户。再次办理不会重复退费。"""
    day, number = read_date(on, "--on"), request.strip()
    with session() as ledger:
        log = ledger.log(pool)
        register = ledger.register(log)
        with ledger.counter(log) as counter:
            answer = RefundDesk(log, register).pay(number, day, actor, reviewer, counter, dry_run=dry_run)
        if not dry_run:
            fold_forward(log)
    if json:
        console.say_json({"request": number, **answer_as_json(answer)})
        return
    word = "试算（未记账）：" if answer.dry_run else ""
    (event,) = answer.events
    console.answer(
        f"{word}退费申请 {number} 已退费：账户 {answer.account} 第{event.version}号记录，"
        f"{event.effective_on}，{event.amount} 元"
    )


@app.command("list")
def list_(
    pool: Pool,
    only_open: Annotated[bool, typer.Option("--open", help="只列待核验和待退费的")] = False,
    json: Json = False,
) -> None:
    """退费申请及其状态；待办的注明已过几个工作日。"""
    with session() as ledger:
        told = requests_told(ledger.log(pool), clock.today(), only_open=only_open)
    if json:
        console.say_json(told)
        return
    for one in told:
        age = f"，已{one['age_working_days']}个工作日" if one["age_working_days"] is not None else ""
        console.answer(
            f"{one['request']}  {STATUSES[RefundStatus(one['status'])]}  {one['period']}年度{one['item']}"
            f"  {one['amount']} 元  {one['refund_type']}  {one['received_on']} 收到{age}"
        )
    console.answer(f"共{len(told)}份")
