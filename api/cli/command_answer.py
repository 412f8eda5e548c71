"""How single commands are asked and answered at the console: the same id, exit code and words for every one of them.

A command that is sent again under its id is told the first answer. An id made here is told before the command is sent:
whoever loses the answer repeats the command with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import typer
from eventsourcing.persistence import OperationalError

from api.cli import console
from api.cli.session import CommandFault, Session, fold_forward, session
from ledger.desk.coalesce import PoolWriter
from ledger.desk.commands import Answer, Command, Recorded
from ledger.store.log import PoolLog
from ledger.words import new_id
from projections.history import TITLES

CommandId = Annotated[
    str | None, typer.Option("--command-id", help="命令编号，重发时不变；不填则自动生成", metavar="UUID")
]


def read_command_id(text: str | None) -> UUID:
    """The id a caller gave to tell a repetition by, or a new one."""
    if text is None:
        made = new_id()
        console.notice(f"命令编号 {made}：结果不明时，以 --command-id 用同一编号重发，不会重复记账")
        return made
    try:
        return UUID(text)
    except ValueError as fault:
        # Never repeated: a citizen number is easily given in its place.
        raise typer.BadParameter("命令编号无效：须为 UUID", param_hint="--command-id") from fault


def carry_out(pool: str, command_of: Callable[[Session, PoolLog], Command], *, json: bool) -> None:
    """Have one command done and tell its answer. Raises `Refused`, `QueueFullError`, `CommandFault`."""
    with session() as ledger:
        log = ledger.log(pool)
        command = command_of(ledger, log)
        with ledger.counter(log) as counter:
            answer = ask(counter, command)
        if not command.dry_run:
            fold_forward(log)
    if json:
        console.say_json(answer_as_json(answer))
    else:
        _tell(answer)


def ask(counter: PoolWriter, command: Command) -> Answer:
    """The answer. Where none came, whoever simply runs the command again would record it under another id: twice."""
    try:
        return counter.ask(command)
    except OperationalError as fault:
        raise CommandFault(
            f"数据库没有答复，不能确定本笔是否已记账（{str(fault).strip()}）；"
            f"数据库恢复后请以同一编号重发：--command-id {command.command_id}"
        ) from fault


def answer_as_json(answer: Answer) -> dict[str, Any]:
    """The answer as one JSON object; every key is always there."""
    return {
        "command_id": str(answer.command_id),
        "account": str(answer.account) if answer.account else None,
        "version": answer.version,
        "position": answer.position,
        "recorded_at": answer.recorded_at,
        "already_there": answer.already_there,
        "dry_run": answer.dry_run,
        "events": [
            {
                "version": event.version,
                "topic": event.topic,
                "effective_on": event.effective_on.isoformat() if event.effective_on else None,
                "year": event.year,
                "amount": event.amount,
            }
            for event in answer.events
        ],
    }


def _tell(answer: Answer) -> None:
    account = f"账户 {answer.account}" if answer.account else "账户编号待正式办理时生成"
    if answer.already_there:
        done = f"第{answer.version}号记录即为本笔，未重复记账"
        console.answer(f"{'试算（未记账）：此前已记账' if answer.dry_run else '此前已记账'}：{account} {done}")
    elif answer.dry_run:
        console.answer(f"试算（未记账）：{account}")
    else:
        console.answer(f"已记账：{account}，日志位置 {answer.position}")
    for event in answer.events:
        console.answer(f"  {_line(event)}")
    console.answer(f"命令编号 {answer.command_id}")


def _line(event: Recorded) -> str:
    said = [f"第{event.version}号记录 {TITLES.get(event.topic, event.topic)}"]
    if event.effective_on:
        said.append(event.effective_on.isoformat())
    if event.year is not None:
        said.append(f"{event.year}年度")
    if event.amount is not None:
        said.append(f"{event.amount} 元")
    return "，".join(said)
