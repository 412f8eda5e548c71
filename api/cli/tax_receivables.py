"""`pension-ledger tax receivables`: 应收核定 of other systems in, and what stands there."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Final

import typer

from api.cli import console
from api.cli.imports import source_of, take_in
from api.cli.options import Actor, DryRun, InputFile, Json, Pool, Reviewer
from api.cli.profile_option import DEFAULT_PROFILE, ProfileName, chosen_profile
from api.cli.session import session
from api.files.exchange_file import open_exchange
from ledger.exchange import FileKind
from ledger.jobs import receivable_rows
from ledger.jobs.intake_receivables import ReceivableIntake
from ledger.jobs.payment_rows import PAYMENT_TYPES
from ledger.money import fen_to_yuan
from ledger.store.external_identities import NEW
from ledger.store.receivables import ListedReceivable, MonthTotal, Receivables
from ledger.words import CHINESE

app = typer.Typer(help="应收核定", no_args_is_help=True)

TYPE_WORDS: Final = {word: text for text, word in PAYMENT_TYPES.items()}
"""缴费类型 by the word of the ledger."""
_FILES: Final = {FileKind.RECEIVABLES: "应收核定文件", FileKind.NOTICE: "缴费通知单"}
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")


@app.command("import")
def import_(
    file: InputFile,
    pool: Pool,
    actor: Actor,
    reviewer: Reviewer,
    profile: ProfileName = DEFAULT_PROFILE,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """导入其他系统的应收核定：逐行登记，撤销另列一行；个人缴费、集体补助等各品目均可。"""
    table, header = open_exchange(file, chosen_profile(profile), FileKind.RECEIVABLES)
    with session() as ledger:
        log = ledger.log(pool)
        source = source_of(file, table, header)
        intake = ReceivableIntake(log, ledger.register(log), source, actor, reviewer, dry_run=dry_run)
        return take_in(file, table, intake, json, receivable_rows.NUMBER)


@app.command("list")
def list_(
    pool: Pool,
    month: Annotated[str | None, typer.Option("--month", help="核定月份", metavar="YYYY-MM")] = None,
    number: Annotated[str | None, typer.Option("--number", help="应收核定编号", metavar="编号")] = None,
    json: Json = False,
) -> None:
    """列出一个月的应收核定合计（--month），或一个编号的各行（--number）。"""
    if (month is None) == (number is None):
        raise typer.BadParameter("须给出 --month 或 --number 之一", param_hint="--month")
    first = read_month(month, "--month") if month else None
    with session() as ledger:
        receivables = Receivables(ledger.log(pool))
        totals = receivables.month_totals(first) if first else []
        rows = receivables.of_number(number.strip()) if number else []
    if json:
        told: dict[str, Any] = {"month": month, "totals": [_total_as_json(one) for one in totals]}
        console.say_json(told if first else {"number": number, "rows": [_row_as_json(one) for one in rows]})
        return
    for one in totals:
        console.answer(
            f"{CHINESE[one.kind]} {TYPE_WORDS[one.payment_type]}：核定{one.rows}笔{fen_to_yuan(one.fen)}元，"
            f"撤销{one.withdrawn_rows}笔{fen_to_yuan(one.withdrawn_fen)}元，"
            f"应收{fen_to_yuan(one.fen - one.withdrawn_fen)}元"
        )
    for row in rows:
        console.answer(_row_text(row))
    if not totals and not rows:
        console.answer("没有应收核定")


def read_month(text: str, option: str) -> date:
    """The first day of a month as an operator writes it."""
    found = _MONTH.fullmatch(text.strip())
    if found is None or not 1 <= int(found[2]) <= 12 or not 1990 <= int(found[1]) <= 2100:
        raise typer.BadParameter("月份须写成 2025-03 的样子", param_hint=option)
    return date(int(found[1]), int(found[2]), 1)


def _total_as_json(one: MonthTotal) -> dict[str, Any]:
    return {
        "item": one.kind,
        "payment_type": one.payment_type,
        "rows": one.rows,
        "amount": fen_to_yuan(one.fen),
        "withdrawn_rows": one.withdrawn_rows,
        "withdrawn": fen_to_yuan(one.withdrawn_fen),
        "due": fen_to_yuan(one.fen - one.withdrawn_fen),
    }


def _row_as_json(row: ListedReceivable) -> dict[str, Any]:
    return {
        "source": row.file,
        "file": row.sha256.hex(),
        "line": row.line,
        "data_type": "new" if row.data_type == NEW else "withdrawn",
        "item": row.kind,
        "payment_type": row.payment_type,
        "period": row.period,
        "approved_on": row.approved_on.isoformat(),
        "amount": fen_to_yuan(row.fen),
        "participant": str(row.participant),
        "payer": row.payer or None,
    }


def _row_text(row: ListedReceivable) -> str:
    word = "核定" if row.data_type == NEW else "撤销"
    payer = f"，来源单位 {row.payer}" if row.payer else ""
    return (
        f"{row.approved_on.isoformat()} {word} {CHINESE[row.kind]} {TYPE_WORDS[row.payment_type]} {row.period}年度"
        f" {fen_to_yuan(row.fen)}元，人员 {row.participant}{payer}（{_FILES[FileKind(row.file)]}第{row.line}行）"
    )
