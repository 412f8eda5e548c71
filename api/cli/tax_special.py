"""`pension-ledger tax special`: approved back payments (特殊缴费业务) and their feedback from the treasury."""

from __future__ import annotations

from typing import Final

import typer

from api.cli import console
from api.cli.options import Actor, DryRun, InputFile, Json, Pool
from api.cli.profile_option import DEFAULT_PROFILE, ProfileName
from api.cli.session import session
from api.cli.tax_intake import take_in
from ledger.exchange import FileKind
from ledger.jobs.payment_rows import PAYMENT_TYPES
from ledger.jobs.tax_intake import take_in_feedback
from projections.special_pages import special_told

app = typer.Typer(help="特殊缴费业务（中断补缴、一次性补缴）", no_args_is_help=True)

_STATUSES: Final = {"approved": "已核定，待入库反馈", "fed_back": "已入库反馈，待记账", "booked": "已记账"}
_TYPES: Final = {word: chinese for chinese, word in PAYMENT_TYPES.items()}


@app.command()
def feedback(
    file: InputFile,
    pool: Pool,
    actor: Actor,
    profile: ProfileName = DEFAULT_PROFILE,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """导入特殊缴费业务入库反馈，逐行与应收核定核对。"""
    return take_in(file, profile, FileKind.SPECIAL_FEEDBACK, pool, actor, take_in_feedback, dry_run=dry_run, json=json)


@app.command("list")
def list_(pool: Pool, json: Json = False) -> None:
    """已核定的特殊缴费业务：是否已反馈入库、是否已记账。"""
    with session() as ledger:
        told = special_told(ledger.log(pool))
    if json:
        console.say_json(told)
        return
    for one in told:
        entered = f"  {one['treasury_on']} 入库，电子税票 {one['voucher']}" if one["treasury_on"] else ""
        console.answer(
            f"{one['number']}  {_STATUSES[one['status']]}  {one['period']}年度{_TYPES[one['payment_type']]}"
            f"  {one['amount']} 元  {one['approved_on']} 核定{entered}"
        )
    console.answer(f"共{len(told)}笔")
