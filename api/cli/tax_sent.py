"""`pension-ledger tax sent` and `tax answers`: what went out to the tax side, and what came back of it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli import console
from api.cli.imports import source_of, take_in
from api.cli.options import Actor, DryRun, InputFile, Json, Pool, Reviewer, said
from api.cli.session import session
from api.files.tables import Columns, open_table
from ledger.identity import names_somebody
from ledger.jobs import intake_answers
from ledger.jobs.intake_answers import AnswerIntake
from ledger.jobs.outgoing import TITLES
from ledger.late_money import Origin
from ledger.money import fen_to_yuan
from ledger.refusals import Reason, Refused, refuse
from ledger.region_rules import same_person
from ledger.sending import PAYER, batch_text, cell_of, read_batch
from ledger.store.divisions import Divisions
from ledger.store.register import Register
from ledger.store.sent import BatchCounts, Rejected, SentBatches

app = typer.Typer(help="已发送的批次及其校验结果", no_args_is_help=True)


def answers(file: InputFile, pool: Pool, actor: Actor, dry_run: DryRun = False, json: Json = False) -> int:
    """导入税务部门的校验结果：传输批次号、序号、校验结果（通过、不通过）、原因。"""
    table = open_table(file, Columns(intake_answers.REQUIRED, intake_answers.OPTIONAL), intake_answers.TEXT)
    with session() as ledger:
        log = ledger.log(pool)
        intake = AnswerIntake(log, ledger.register(log), source_of(file, table), actor, dry_run=dry_run)
        return take_in(file, table, intake, json, "批次序号")


@app.command("list")
def list_(
    pool: Pool,
    rejected: Annotated[bool, typer.Option("--rejected", help="只列校验不通过、尚未重新发送的行")] = False,
    json: Json = False,
) -> None:
    """列出已发送的批次，或退回的各行：原因、归属旗县、来源单位。"""
    with session() as ledger:
        log = ledger.log(pool)
        batches = SentBatches(log)
        if not rejected:
            _tell_batches(batches.every(), pool, json)
            return
        rows, names = batches.rejected(), Divisions(log).names()
    told = [_rejected_as_json(row, pool, names) for row in rows]
    if json:
        console.say_json({"rejected": told})
        return
    for one in told:
        payer = f"，来源单位 {one['payer']}" if one["payer"] else ""
        released = "，已放行" if one["released"] else ""
        about = f"，人员 {one['participant']}" if one["participant"] else ""
        console.answer(
            f"{one['batch']}-{one['row']} {TITLES.get(one['kind'], one['kind'])}：{one['reason']}"
            f"（归属 {one['owner'] or '未知'}{payer}{about}{released}）"
        )
    if not told:
        console.answer("没有退回待办的行")


@app.command()
def release(
    pool: Pool,
    batch: Annotated[str, typer.Option("--batch", help="传输批次号", metavar="N")],
    row: Annotated[int, typer.Option("--row", help="序号", metavar="N", min=1)],
    reason: Annotated[str, typer.Option("--reason", help="放行原因", metavar="原因", callback=said)],
    actor: Actor,
    reviewer: Reviewer,
) -> None:
    """放行一行校验不通过的内容：不作更正，随下一批重新发送。"""
    number = read_batch(batch, pool)
    with session() as ledger:
        log = ledger.log(pool)
        if same := same_person(log.rules(), actor, reviewer):
            raise Refused(same)
        batches = SentBatches(log)
        shown = f"{batch_text(pool, number)}-{row}" if number is not None else "（批次号无效）"
        known = batches.rows_at([(number, row)]) if number is not None else {}
        if number is None or not known:
            raise Refused(refuse(Reason.SENT_UNKNOWN, shown))
        _require_nameless(ledger.register(log), known[number, row].participant, reason)
        if not batches.release(number, row, reason, Origin(actor, reviewer)):
            raise Refused(refuse(Reason.SENT_STATE, shown))
    console.answer(f"已放行 {shown}：随下一批重新发送")


def _require_nameless(register: Register, participant: UUID | None, reason: str) -> None:
    """A reason is kept for ever. Raises `Refused` (ROW_FAULT) where it says who somebody is."""
    number = register.numbers([participant]).get(participant, "") if participant else ""
    if names_somebody(reason) or (participant and register.says(participant, number, reason)):
        rule = "放行原因永久保存，不得含有姓名或公民身份号码"
        raise Refused(refuse(Reason.ROW_FAULT, "“原因”", rule=rule, remedy="删去姓名或号码后重办"))


def _tell_batches(batches: list[BatchCounts], pool: str, json: bool) -> None:
    if json:
        console.say_json({"batches": [_batch_as_json(one, pool) for one in batches]})
        return
    for one in batches:
        told = _batch_as_json(one, pool)
        console.answer(
            f"{told['batch']} {TITLES.get(told['kind'], told['kind'])} {told['sent_at']}：{told['rows']}行"
            f" {told['amount']}元，通过{told['accepted']}行，不通过{told['rejected']}行，未答复{told['unanswered']}行"
            f"（经办 {told['actor']}，复核 {told['reviewer']}）"
        )
    if not batches:
        console.answer("没有发送过批次")


def _batch_as_json(one: BatchCounts, pool: str) -> dict[str, Any]:
    batch = one.batch
    return {
        "batch": batch_text(pool, batch.batch),
        "kind": batch.kind,
        "rows": batch.rows,
        "amount": fen_to_yuan(batch.fen),
        "accepted": one.accepted,
        "rejected": one.rejected,
        "unanswered": batch.rows - one.accepted - one.rejected,
        "actor": batch.actor,
        "reviewer": batch.reviewer,
        "sent_at": batch.sent_at.isoformat(),
    }


def _rejected_as_json(row: Rejected, pool: str, names: dict[str, str]) -> dict[str, Any]:
    county = ".".join(row.division.split(".")[:2])
    return {
        "batch": batch_text(pool, row.batch),
        "row": row.place,
        "kind": row.kind,
        "reason": row.reason,
        "owner": names.get(county),
        "payer": (cell_of(row.columns, row.said, PAYER) if row.participant else row.subject) or None,
        "participant": str(row.participant) if row.participant else None,
        "answered_at": row.answered_at.isoformat(),
        "released": row.released,
    }
