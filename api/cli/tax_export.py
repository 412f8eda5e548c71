"""`pension-ledger tax export`: batches for the tax side, made once and written as often as they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli import console
from api.cli.options import DryRun, Json, Pool
from api.cli.session import CommandFault, session
from api.files.batch_file import write_batch
from api.files.private_file import PrivateFile
from api.files.result_file import ResultFile
from ledger.jobs.outgoing import SOURCES, TITLES
from ledger.jobs.sending import Sending, Sent
from ledger.late_money import Origin
from ledger.money import fen_to_yuan
from ledger.sending import batch_text, read_batch
from ledger.store.sent import Batch

KINDS_TOLD: Final = "、".join(f"{kind}（{TITLES[kind]}）" for kind in SOURCES)


def export(  # one option a parameter, as typer wants them
    pool: Pool,
    out: Annotated[Path, typer.Option("--out", help="写入的 .csv 文件", metavar="FILE", dir_okay=False)],
    kind: Annotated[str | None, typer.Option("--kind", help=f"发送内容：{KINDS_TOLD}", metavar="KIND")] = None,
    batch: Annotated[str | None, typer.Option("--batch", help="重写已发送的批次", metavar="N")] = None,
    actor: Annotated[str, typer.Option("--actor", help="经办人（发送时必填）", metavar="A")] = "",
    reviewer: Annotated[str, typer.Option("--reviewer", help="复核人，须与经办人不同", metavar="B")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="覆盖已有文件")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """向税务部门发送一个批次（--kind），或重写已发送的批次（--batch）。文件含公民身份号码，只有本人可读。"""
    if (kind is None) == (batch is None):
        raise typer.BadParameter("须给出 --kind 或 --batch 之一", param_hint="--kind")
    if batch is not None:
        return _write_again(pool, batch, out, overwrite, dry_run, json)
    if kind not in SOURCES:
        raise typer.BadParameter(f"须为：{KINDS_TOLD}", param_hint="--kind")
    origin = Origin(actor, reviewer)
    with session() as ledger:
        log = ledger.log(pool)
        sending, source = Sending(log, ledger.register(log)), SOURCES[kind](log)
        if dry_run:
            with ResultFile(out, "对象") as results:
                sent = sending.send(source, origin, dry_run=True)
                _tell_left_out(results, sent)
        else:
            with PrivateFile(out, overwrite=overwrite) as file, ResultFile(out, "对象") as results:
                sent = sending.send(source, origin)
                _tell_left_out(results, sent)
                if sent.batch is None:
                    file.discard()
                else:
                    told = f"批次 {batch_text(pool, sent.batch)} 已登记"
                    console.notice(f"{told}；文件未写出时以 --batch {sent.batch} 重写，内容不变")
                    _write(sending, sending.find(sent.batch), pool, file)
    _tell(sent, pool, out, results.path, dry_run, json)
    return 2 if sent.left_out else 0


def _write_again(pool: str, asked: str, out: Path, overwrite: bool, dry_run: bool, json: bool) -> int:
    """The file of a batch that was recorded. Raises `CommandFault` for one that was not."""
    if dry_run:
        raise typer.BadParameter("重写批次不记账，无须试算", param_hint="--dry-run")
    number = read_batch(asked, pool)
    with session() as ledger:
        log = ledger.log(pool)
        sending = Sending(log, ledger.register(log))
        known = sending.find(number) if number is not None else None
        if known is None:
            raise CommandFault("没有这个批次：请按 tax sent list 核对批次号")
        with PrivateFile(out, overwrite=overwrite) as file:
            _write(sending, known, pool, file)
    told = Sent(known.batch, known.kind, known.rows, known.fen, [], more=False)
    if json:
        console.say_json({**_figures(told, pool), "file": str(out)})
    else:
        console.answer(f"已重写批次 {batch_text(pool, known.batch)}：{known.rows}行，文件 {out}")
    return 0


def _write(sending: Sending, batch: Batch | None, pool: str, file: PrivateFile) -> None:
    assert batch is not None
    number = batch_text(pool, batch.batch)
    write_batch(file, number, batch.rows, batch.fen, batch.columns, sending.lines(batch))


def _tell_left_out(results: ResultFile, sent: Sent) -> None:
    results.write_many((one.place, one.label, "未发送", one.refusal.reason, one.refusal.text) for one in sent.left_out)


def _figures(sent: Sent, pool: str) -> dict[str, Any]:
    return {
        "kind": sent.kind,
        "batch": batch_text(pool, sent.batch) if sent.batch is not None else None,
        "rows": sent.rows,
        "amount": fen_to_yuan(sent.fen),
    }


def _tell(sent: Sent, pool: str, out: Path, results: Path, dry_run: bool, json: bool) -> None:
    reasons: dict[str, int] = {}
    for one in sent.left_out:
        reasons[one.refusal.reason] = reasons.get(one.refusal.reason, 0) + 1
    if json:
        more = {"left_out": len(sent.left_out), "reasons": dict(sorted(reasons.items())), "more": sent.more}
        where = {"file": None if sent.batch is None else str(out), "results": str(results), "dry_run": dry_run}
        console.say_json({**_figures(sent, pool), **more, **where})
        return
    title, word = TITLES[sent.kind], "试算（未发送）" if dry_run else "已登记"
    if sent.batch is None:
        console.answer(f"{title}：没有应发送的内容")
    else:
        number = batch_text(pool, sent.batch)
        console.answer(f"{title} 批次 {number} {word}：{sent.rows}行，{fen_to_yuan(sent.fen)}元，文件 {out}")
    for reason, count in sorted(reasons.items()):
        console.answer(f"  未发送 {reason} {count}行")
    if sent.left_out:
        console.answer(f"未发送的逐行原因：{results}")
    if sent.more:
        console.answer("尚有应发送的内容：请再次发送")
