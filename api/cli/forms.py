"""`pension-ledger plan form | summary`: the forms of a plan, as .xlsx ready to print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import console
from api.cli.options import Json, Plan, Pool, Year, read_plan
from api.cli.session import session
from ledger import clock
from ledger.desk.plan_forms import PlanForms
from ledger.forms.rules import NAMES
from ledger.forms.sheet import Form
from ledger.money import fen_to_yuan
from ledger.rmb import rmb
from ledger.roster import ROWS_MAX

Out = Annotated[Path, typer.Option("--out", help="写出的 .xlsx 文件", metavar="FILE", dir_okay=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="覆盖已有的文件")]


def form(
    pool: Pool,
    plan: Plan,
    name: Annotated[
        str,
        typer.Option("--form", help="；".join(f"{word} {title}" for word, title in NAMES.items()), metavar="FORM"),
    ],
    out: Out,
    roster: Annotated[str, typer.Option("--roster", help="名册编号；只有一份名册的可不填", metavar="ID")] = "",
    empty: Annotated[bool, typer.Option("--empty", help="空表，供集体经济组织填写")] = False,
    rows: Annotated[int, typer.Option("--rows", help="空表的行数", min=1, max=ROWS_MAX)] = 30,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """打印方案的一份表格（.xlsx）：申报表、汇总表、备案表、实施方案、名册、缴费通知单、应收核定单、到账函。"""
    if name not in NAMES:
        raise typer.BadParameter(f"表格须为其中之一：{'、'.join(NAMES)}", param_hint="--form")
    which = read_plan(plan)
    _require_xlsx(out)
    with session() as ledger:
        log = ledger.log(pool)
        made = PlanForms(log, ledger.register(log)).form(which, name, roster.strip(), blank=rows if empty else 0)
    _write(made, out, overwrite=overwrite, json=json)


def summary(pool: Pool, year: Year, out: Out, overwrite: Overwrite = False, json: Json = False) -> None:
    """打印一个年度全部方案的汇总表（.xlsx）：按乡镇、村汇总已复核的名册。"""
    _require_xlsx(out)
    with session() as ledger:
        log = ledger.log(pool)
        made = PlanForms(log, ledger.register(log)).summary(year)
    _write(made, out, overwrite=overwrite, json=json)


def _require_xlsx(out: Path) -> None:
    if out.suffix.lower() != ".xlsx":
        raise typer.BadParameter("文件名须以 .xlsx 结尾", param_hint="--out")


def _write(made: Form, out: Path, *, overwrite: bool, json: bool) -> None:
    from api.files.form_sheet import write_form  # a tenth of a second that no other command of a plan needs

    write_form(made, out, clock.now(), overwrite=overwrite)
    if json:
        console.say_json(_as_json(made, out))
        return
    told = f"，{made.persons}人" if made.persons is not None else ""
    told += f"，{fen_to_yuan(made.fen)}元（{rmb(made.fen)}）" if made.fen is not None else ""
    console.answer(f"{made.title} 已写出到 {out}{told}")


def _as_json(made: Form, out: Path) -> dict[str, Any]:
    return {
        "form": made.rule.name,
        "title": made.title,
        "standing": made.rule.standing,
        "clause": made.rule.citation,
        "file": str(out),
        "persons": made.persons,
        "amount": None if made.fen is None else fen_to_yuan(made.fen),
        "amount_in_words": None if made.fen is None else rmb(made.fen),
    }
