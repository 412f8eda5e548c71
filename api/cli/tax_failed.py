"""`pension-ledger tax failed`: payments that failed (缴费不成功信息), and the search for their cause by both sides."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from api.cli import console
from api.cli.command_answer import CommandId, read_command_id
from api.cli.options import Actor, DryRun, InputFile, Json, Pool, Reviewer, read_date, said
from api.cli.profile_option import DEFAULT_PROFILE, ProfileName
from api.cli.session import session
from api.cli.tax_intake import take_in
from ledger import clock
from ledger.desk.failures import FailureDesk, TakeCaseStep
from ledger.exchange import FileKind
from ledger.failure_cases import STATUSES, Step
from ledger.jobs.tax_intake import take_in_failures
from projections.failure_pages import cases_told

app = typer.Typer(help="缴费不成功信息：导入、指定责任人、查明、办结", no_args_is_help=True)

Case = Annotated[str, typer.Option("--case", help="事项编号", metavar="ID")]
Reason = Annotated[str, typer.Option("--reason", help="原因，不得写入姓名或号码", metavar="R", callback=said)]


@app.command("import")
def import_(
    file: InputFile,
    pool: Pool,
    actor: Actor,
    profile: ProfileName = DEFAULT_PROFILE,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """导入税务传来的缴费不成功信息；未登记人员的号码和姓名不存明文。"""
    return take_in(file, profile, FileKind.FAILURES, pool, actor, take_in_failures, dry_run=dry_run, json=json)


@app.command()
def assign(
    pool: Pool,
    case: Case,
    owner: Annotated[str, typer.Option("--owner", help="责任人", metavar="A", callback=said)],
    due: Annotated[str, typer.Option("--due", help="查明期限", metavar="日期")],
    actor: Actor,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """指定责任人和期限；可重新指定。"""
    _take(
        pool,
        case,
        Step.ASSIGNED,
        actor,
        "",
        command_id,
        json,
        owner=owner,
        due_on=read_date(due, "--due"),
        dry_run=dry_run,
    )


@app.command()
def explain(
    pool: Pool,
    case: Case,
    reason: Reason,
    actor: Actor,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """记下查明的原因。"""
    _take(pool, case, Step.EXPLAINED, actor, "", command_id, json, reason=reason, dry_run=dry_run)


@app.command()
def close(
    pool: Pool,
    case: Case,
    reason: Reason,
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """办结：由两人办理。"""
    _take(pool, case, Step.CLOSED, actor, reviewer, command_id, json, reason=reason, dry_run=dry_run)


@app.command("list")
def list_(
    pool: Pool,
    only_open: Annotated[bool, typer.Option("--open", help="只列未办结的")] = False,
    json: Json = False,
) -> None:
    """缴费不成功事项：状态、责任人、期限、原因。"""
    with session() as ledger:
        told = cases_told(ledger.log(pool), clock.today(), only_open=only_open)
    if json:
        console.say_json(told)
        return
    for one in told:
        console.answer(f"{one['case']}  {_line(one)}")
    console.answer(f"共{len(told)}件")


def _line(one: dict[str, Any]) -> str:
    said_of = [
        STATUSES[one["status"]],
        f"{one['period']}年度{one['item']}",
        f"{one['amount']} 元",
        f"{one['failed_on']} {one['cause']}".strip(),
    ]
    if one["owner"]:
        said_of.append(f"责任人 {one['owner']}，期限 {one['due_on']}{'（已逾期）' if one['overdue'] else ''}")
    if one["reason"]:
        said_of.append(f"原因 {one['reason']}")
    if one["participant"] is None:
        said_of.append("未登记人员")
    return "  ".join(said_of)


def _take(
    pool: str,
    case: str,
    step: Step,
    actor: str,
    reviewer: str,
    command_id: str | None,
    json: bool,
    *,
    dry_run: bool,
    owner: str = "",
    due_on: date | None = None,
    reason: str = "",
) -> None:
    command = TakeCaseStep(
        actor=actor, reviewer=reviewer, cause="command tax failed", command_id=read_command_id(command_id),
        dry_run=dry_run, case=_read_case(case), step=step, owner=owner, due_on=due_on, reason=reason,
    )  # fmt: skip
    with session() as ledger:
        log = ledger.log(pool)
        answer = FailureDesk(log, ledger.register(log)).take(command)
    if json:
        console.say_json(msgspec.to_builtins(answer))
        return
    word = "试算（未登记）：" if answer.dry_run else ""
    console.answer(f"{word}事项 {answer.case}：{STATUSES[answer.status]}（第{answer.sequence}步）")


def _read_case(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as fault:
        # Never repeated: a citizen number is easily given in its place.
        raise typer.BadParameter("事项编号无效：须为 UUID", param_hint="--case") from fault
