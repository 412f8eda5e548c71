"""`pension-ledger tax subsidies`: 政府补贴 of a year against the year's contributors, account by account."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from api.cli import console
from api.cli.options import Json, Pool, Year
from api.cli.session import CommandFault, session
from api.files.result_file import csv_cell
from ledger.money import fen_to_yuan
from ledger.subsidies import SITUATIONS, Finding, Situation, Tally, examine
from projections.subsidies import AccountYear, accounts_of_year

SHOWN: Final = 20
"""Open accounts shown at the console; --out and --json give all of them."""
OPEN: Final = 3
COLUMNS: Final = ("账户编号", "区划", "情形", "补贴级次", "拨付文号", "金额")


class Open(NamedTuple):
    """An account with something open."""

    account: AccountYear
    finding: Finding


def subsidies(
    pool: Pool,
    year: Year,
    out: Annotated[
        Path | None, typer.Option("--out", help="未结账户写入的 .csv 文件", metavar="FILE", dir_okay=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="覆盖已有的文件")] = False,
    json: Json = False,
) -> int:
    """政府补贴与当年应补人员对账：按级次、拨付文号汇总，列出未补、无缴费、同级次重复的账户。"""
    if out is not None and out.exists() and not overwrite:
        raise CommandFault(f"文件已存在：{out.name}。另取名称，或加 --overwrite")
    with session() as ledger:
        log = ledger.log(pool)
        counts = log.rules().text("subsidy.government_paid", year) == "counts"
        position, accounts = accounts_of_year(log, year)
        tally = Tally()
        found = _examined(accounts, tally, counts=counts)
        told = {"pool": pool, "year": year, "position": position}
        with _csv(out) if out is not None else nullcontext() as write:
            if write is not None:
                for one in found:
                    write(one)
            elif json:
                _stream(told, found)
            else:
                _show(found)
    if json and out is None:
        sys.stdout.write(", " + json_text.dumps(_figures(tally), ensure_ascii=False)[1:] + "\n")
    elif json:
        console.say_json({**told, "file": str(out), **_figures(tally)})
    else:
        _tell(tally, year, out)
    return OPEN if any(tally.open.values()) else 0


def _examined(accounts: Iterator[AccountYear], tally: Tally, *, counts: bool) -> Iterator[Open]:
    for one in accounts:
        examined = examine(one.entries, government_paid_counts=counts)
        tally.add(examined)
        for finding in examined.findings:
            yield Open(one, finding)


@contextmanager
def _csv(out: Path) -> Iterator[Any]:
    """Writes the open accounts to a file that appears whole or not at all."""
    partial = out.with_name(f".{out.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            stream.write(",".join(COLUMNS) + "\n")

            def write(one: Open) -> None:
                said = _as_json(one)
                cells = (
                    said["account"], said["division"], SITUATIONS[one.finding.situation], said["level"] or "",
                    "、".join(said["documents"]),
                )  # fmt: skip
                stream.write(",".join(map(csv_cell, cells)) + f",{said['amount']}\n")

            yield write
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _stream(told: dict[str, Any], found: Iterator[Open]) -> None:
    """The beginning of one JSON object, its rows written as they are found; its figures follow."""
    sys.stdout.write(json_text.dumps(told, ensure_ascii=False)[:-1] + ', "rows": [')
    for place, one in enumerate(found):
        sys.stdout.write((", " if place else "") + json_text.dumps(_as_json(one), ensure_ascii=False))
    sys.stdout.write("]")


def _show(found: Iterator[Open]) -> None:
    for place, one in enumerate(found):
        if place < SHOWN:
            level = f" {one.finding.level}" if one.finding.level else ""
            documents = "、".join(one.finding.documents)
            console.answer(
                f"{one.account.account}  {one.account.division}  {SITUATIONS[one.finding.situation]}{level}"
                f"  {fen_to_yuan(one.finding.fen)}元  {documents}".rstrip()
            )
        elif place == SHOWN:
            console.notice(f"只列前{SHOWN}个；全部以 --out 写入文件或以 --json 输出")


def _as_json(one: Open) -> dict[str, Any]:
    return {
        "account": str(one.account.account),
        "division": one.account.division,
        "situation": one.finding.situation.value,
        "level": one.finding.level or None,
        "documents": list(one.finding.documents),
        "amount": fen_to_yuan(one.finding.fen),
    }


def _figures(tally: Tally) -> dict[str, Any]:
    levels = tally.by_document()
    return {
        "entitled": tally.entitled,
        "subsidised": tally.subsidised,
        "amount": fen_to_yuan(sum(fen for *_, fen in levels)),
        "levels": [
            {"level": level or None, "document": document or None, "rows": rows, "amount": fen_to_yuan(fen)}
            for level, document, rows, fen in levels
        ],
        "open": {one.value: tally.open[one] for one in Situation},
    }


def _tell(tally: Tally, year: int, out: Path | None) -> None:
    console.answer(f"{year}年度：应补账户{tally.entitled}个，已记政府补贴账户{tally.subsidised}个")
    for level, document, rows, fen in tally.by_document():
        console.answer(f"  {level or '未注明级次'}  {document or '未注明文号'}  {rows}笔  {fen_to_yuan(fen)}元")
    for situation, count in tally.open.items():
        console.answer(f"{SITUATIONS[situation]}：{count}")
    if out is not None:
        console.answer(f"未结账户：{out}")
