"""`pension-ledger tax totals`: sums that treasury, finance, banks, counties and the tax side state, and ours beside."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from api.cli import console
from api.cli.options import Actor, DryRun, InputFile, Json, Pool
from api.cli.profile_option import ProfileName, chosen_profile
from api.cli.session import session
from api.cli.tax_options import Month, read_month
from api.files.exchange_file import open_exchange
from api.files.result_file import ResultFile, ResultRow
from api.files.tables import Columns, FileRows, OpenTable, file_sha256, open_any
from ledger import clock
from ledger.batch_header import BatchHeader
from ledger.exchange import FileKind
from ledger.jobs.total_rows import TEXT, Fault, read_totals, reasons_of, ways
from ledger.late_money import Origin
from ledger.money import fen_to_yuan
from ledger.reconciliation_totals import TotalDifference
from ledger.stated_totals import ACCOUNTS, SOURCES, StatedTotal, Taken, TotalKey
from ledger.store.divisions import Divisions
from ledger.store.exchange_files import ExchangeFile
from ledger.store.exchange_totals import ExchangeTotals
from ledger.store.log import PoolLog
from ledger.words import CHINESE
from projections.reconciliation_totals import Side, in_transit, sides, totals_differences
from projections.runner import catch_up

app = typer.Typer(help="国库、财政专户、银行账户、旗县、征缴统计的合计", no_args_is_help=True)

WORDS: Final = {kind.replace("_", "-"): kind for kind in SOURCES}
"""The sources by the words of the command."""
REFUSED_WHOLE: Final = 1


class _Import(NamedTuple):
    """A file under way: what it is, and what comes of it."""

    pool: str
    source: FileKind
    file: Path
    sha256: bytes
    dry_run: bool


@app.command("import")
def import_(
    file: InputFile,
    pool: Pool,
    source: Annotated[str, typer.Option("--source", help=f"谁的合计：{'、'.join(WORDS)}", metavar="SOURCE")],
    actor: Actor,
    profile: ProfileName = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """导入一方所列的合计或账户流水：全部无误方整份接收；有误即整份退回，逐行列明。"""
    if source not in WORDS:
        raise typer.BadParameter(f"须为：{'、'.join(WORDS)}", param_hint="--source")
    about = _Import(pool, WORDS[source], file, file_sha256(file), dry_run)
    table, header = _open(file, about.source, profile)
    if table.ignored:
        console.notice(f"以下各列不使用：{'、'.join(table.ignored)}")
    with session() as ledger, ResultFile(file) as results:
        log = ledger.log(pool)
        totals, faults = _read(log, about.source, table)
        if faults:
            results.write_many((line, "", "已拒绝", one.reason, one.text) for line, one in faults)
            _tell(about, results.path, len(totals), faults=faults, json=json)
            return REFUSED_WHOLE
        origin = Origin(actor, cause=f"file {about.sha256.hex()}")
        stated = ExchangeFile(about.source, about.sha256, header.profile, header.batch, header.rows, header.fen)
        taken = ExchangeTotals(log).take_in(about.source, about.sha256, totals, origin, dry_run=dry_run, stated=stated)
        results.write_many(_result_rows(taken))
    _tell(about, results.path, len(totals), taken=taken, json=json)
    return 0


def _open(file: Path, source: FileKind, profile: str) -> tuple[OpenTable, BatchHeader]:
    """The file by its own headers, or through a profile; of that, only the columns that the file has.

    Raises `FileFault`, and `Refused` (PROFILE, BATCH_HEADER).
    """
    if not profile:
        return open_any(file, [Columns(*way) for way in ways(source)], TEXT), BatchHeader()
    if source in ACCOUNTS:
        raise typer.BadParameter("账户流水没有其他格式", param_hint="--profile")
    table, header = open_exchange(file, chosen_profile(profile), source)
    index = {name: place for name, place in table.index.items() if name in table.present}
    if "止" not in index:
        index["日期"] = index.pop("起")
    return replace(table, index=index), header


def _read(log: PoolLog, source: FileKind, table: OpenTable) -> tuple[list[StatedTotal], list[Fault]]:
    counties = {}
    for one in Divisions(log).of_level("county"):
        counties[one.code] = counties[one.name] = one.code
    return read_totals(FileRows(table), table.index, source, counties, clock.today())


def _result_rows(taken: Taken) -> list[ResultRow]:
    rows: list[ResultRow] = [(one.line, one.reference, "已存在", "", "") for one in taken.already_there]
    for one in taken.recorded:
        was = taken.corrected.get(one.key)
        told = f"提示：更正先前文件所列 {fen_to_yuan(was[0])}元 为 {fen_to_yuan(was[1])}元" if was else ""
        rows.append((one.line, one.reference, "已接收", "", told))
    return sorted(rows)


def _tell(
    about: _Import,
    results: Path,
    rows: int,
    *,
    json: bool,
    taken: Taken | None = None,
    faults: Sequence[Fault] = (),
) -> None:
    """The report, and a notice for each sum that takes the place of another."""
    taken = taken or Taken([], [], {})
    corrections = [_correction(key, *fen) for key, fen in taken.corrected.items()]
    for one in corrections:
        console.notice(f"更正：{_where(one)} 原列 {one['before']}元，现列 {one['after']}元；两者均保留，以后者为准")
    if taken.superseded:
        console.notice(f"本文件先前已接收，其中{taken.superseded}行已被后来的文件更正，仍以后者为准")
    refused = len({line for line, _ in faults})
    if json:
        console.say_json(
            {
                "pool": about.pool,
                "source": about.source.replace("_", "-"),
                "file": about.file.name,
                "sha256": about.sha256.hex(),
                "dry_run": about.dry_run,
                "rows": rows + refused,
                "recorded": len(taken.recorded),
                "already_there": len(taken.already_there),
                "corrected": len(corrections),
                "refused": refused,
                "reasons": reasons_of(faults),
                "corrections": corrections,
                "results": str(results),
            }
        )
        return
    name = f"{SOURCES[about.source]}合计 {about.file.name}"
    if faults:
        console.notice(f"{name} 有{len(faults)}处有误，整份退回，未接收任何一行；逐行结果：{results}")
        return
    word = "试算（未接收）" if about.dry_run else "完成"
    console.answer(
        f"导入{name} {word}：共{rows}行，接收{len(taken.recorded)}行（其中更正{len(corrections)}项），"
        f"已存在{len(taken.already_there)}行；逐行结果：{results}"
    )


def _correction(key: TotalKey, before: int, after: int) -> dict[str, Any]:
    return {**_key_told(key), "before": fen_to_yuan(before), "after": fen_to_yuan(after)}


def _key_told(key: TotalKey | StatedTotal) -> dict[str, Any]:
    return {
        "since": key.since.isoformat(),
        "until": key.until.isoformat(),
        "item": key.kind.value if key.kind else None,
        "payment_type": key.payment_type or None,
        "county": key.county or None,
        "voucher": key.reference or None,
    }


def _where(told: dict[str, Any]) -> str:
    """A sum's days, item, county and voucher in words."""
    days = told["since"] if told["since"] == told["until"] else f"{told['since']}至{told['until']}"
    item = next((text for kind, text in CHINESE.items() if kind == told["item"]), "")
    return " ".join(one for one in (days, item, told["county"] or "", told["voucher"] or "") if one)


@app.command("list")
def list_totals(pool: Pool, month: Month, json: Json = False) -> None:
    """列出一个月各方所列的合计，旁列本账簿之数，以及两者的差异。"""
    first = read_month(month)
    with session() as ledger:
        log = ledger.log(pool)
        position = log.position()[0]
        catch_up(log, position)
        with _snapshot(log) as connection:
            (through,) = connection.execute(log.sql("SELECT coalesce(max(file_id), 0) FROM {exchange_file}")).fetchone()
            every = list(sides(connection, log, first, through, position))
            differences = totals_differences(connection, log, first, through, position)
            transit = in_transit(connection, log, first, through, position)
    if json:
        console.say_json(
            {
                "pool": pool,
                "month": f"{first:%Y-%m}",
                "sources": [_side_told(one) for one in every],
                "in_transit": {day.isoformat(): fen_to_yuan(fen) for day, fen in transit.items()},
                "differences": [_difference_told(one) for one in differences],
            }
        )
        return
    for side in every:
        for line in _side_text(side):
            console.answer(line)
    for day, fen in transit.items():
        console.answer(f"在途（国库已划出、财政专户未到）{day} {fen_to_yuan(fen)}元")
    for one in differences:
        console.answer(f"差异 {one.comparison} {one.category} {fen_to_yuan(one.fen)}元 {one.key}")


@contextmanager
def _snapshot(log: PoolLog) -> Any:
    with log.connections.transaction() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield connection


def _side_told(side: Side) -> dict[str, Any]:
    return {
        "source": side.source.replace("_", "-"),
        "stated": bool(side.totals),
        "totals": [
            {
                **_key_told(one),
                "business": one.business.value if one.business else None,
                "rows": one.rows,
                "amount": fen_to_yuan(one.fen),
                "ours_rows": ours.rows if ours else None,
                "ours": fen_to_yuan(ours.fen) if ours else None,
            }
            for one, ours in side.totals
        ],
    }


def _side_text(side: Side) -> list[str]:
    name = SOURCES[side.source]
    if not side.totals:
        return [f"{name}：本月未报"]
    lines = [f"{name}："]
    for one, ours in side.totals:
        count = "" if one.rows is None else f"{one.rows}笔 "
        mine = f"，本账簿 {fen_to_yuan(ours.fen)}元" if ours else ""
        lines.append(f"  {_where(_key_told(one))} {count}{fen_to_yuan(one.fen)}元{mine}")
    return lines


def _difference_told(one: TotalDifference) -> dict[str, Any]:
    return {
        "comparison": one.comparison,
        "category": one.category,
        "key": one.key,
        "amount": fen_to_yuan(one.fen),
        "rows": one.rows,
        "detail": one.detail,
    }
