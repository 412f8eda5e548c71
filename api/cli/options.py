"""The options that commands share, and how their texts are read. Wrong ones are wrong usage (exit code 64)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from ledger.dates import DateFault, parse_business_date
from ledger.identity import IdentityFault, normalise_citizen_number
from ledger.money import MoneyFault, yuan_to_fen
from projections.known import KnownAtFault


def said(text: str) -> str:
    """An option's text, which must say something: an entry on nobody's word, or without its paper, is none."""
    if not text.strip():
        raise typer.BadParameter("不得为空")
    return text


Pool = Annotated[str, typer.Option("--pool", help="统筹区编码，例如 640100", metavar="CODE")]
Plan = Annotated[str, typer.Option("--plan", help="方案编号", metavar="ID")]
Account = Annotated[str, typer.Option("--account", help="账户编号", metavar="ID")]
Actor = Annotated[str, typer.Option("--actor", help="经办人", metavar="A", callback=said)]
Reviewer = Annotated[str, typer.Option("--reviewer", help="复核人，须与经办人不同", metavar="B")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="只试算，不记账")]
Json = Annotated[bool, typer.Option("--json", help="标准输出只给 JSON")]
Year = Annotated[int, typer.Option("--year", help="年度", metavar="YYYY", min=1990, max=2100)]
Document = Annotated[str, typer.Option("--document", help="依据文号", metavar="文号", callback=said)]
AsOf = Annotated[str | None, typer.Option("--as-of", help="截至哪一天（业务日期）", metavar="日期")]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", help="按当时已记录的数据：日志位置或带时区的时刻", metavar="位置或时刻")
]
InputFile = Annotated[Path, typer.Argument(help=".csv 或 .xlsx 文件", exists=True, dir_okay=False, readable=True)]


def read_date(text: str, option: str) -> date:
    """A date as an operator writes it."""
    try:
        return parse_business_date(text)
    except DateFault as fault:
        raise typer.BadParameter(str(fault), param_hint=option) from fault


def read_fen(text: str, option: str) -> int:
    """An amount in yuan, in figures or in 人民币大写, as fen."""
    try:
        return yuan_to_fen(text)
    except MoneyFault as fault:
        raise typer.BadParameter(str(fault), param_hint=option) from fault


def read_plan(text: str) -> UUID:
    """A plan id."""
    try:
        return UUID(text)
    except ValueError as fault:
        raise typer.BadParameter("方案编号无效：须为 UUID", param_hint="--plan") from fault


def read_account(text: str) -> UUID:
    """An account id."""
    try:
        return UUID(text)
    except ValueError as fault:
        # Never repeated: a citizen number is easily given in its place.
        raise typer.BadParameter("账户编号无效：须为 UUID", param_hint="--account") from fault


def read_number(text: str) -> str:
    """A citizen number; the message never repeats it."""
    try:
        return normalise_citizen_number(text)
    except IdentityFault as fault:
        raise typer.BadParameter(str(fault), param_hint="--citizen") from fault


@contextmanager
def known_at_told() -> Iterator[None]:
    """A `--known-at` that is none, as wrong usage."""
    try:
        yield
    except KnownAtFault as fault:
        raise typer.BadParameter(str(fault), param_hint="--known-at") from fault
