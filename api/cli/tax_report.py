"""`pension-ledger tax report`: a reconciled month as one workbook, for both sides to read, file and sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import console
from api.cli.options import Json, Pool
from api.cli.session import CommandFault, session
from api.cli.tax_options import Month, read_month
from ledger.money import fen_to_yuan
from projections.reconciliation import reconcile
from projections.reconciliation_report import MonthReport, listed, month_report, snapshot
from projections.runner import catch_up

Out = Annotated[Path, typer.Option("--out", help="写出的 .xlsx 文件", metavar="FILE", dir_okay=False)]
Csv = Annotated[Path | None, typer.Option("--csv", help="另以 .csv 写出全部差异", metavar="FILE", dir_okay=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="覆盖已有的文件")]


def report(
    pool: Pool, month: Month, out: Out, csv: Csv = None, overwrite: Overwrite = False, json: Json = False
) -> None:
    """一个月的对账写成一份 .xlsx：汇总（供两方签认）、差异明细、账龄。不含姓名、号码。"""
    asked = read_month(month)
    _require_suffix(out, ".xlsx", "--out")
    if csv is not None:
        _require_suffix(csv, ".csv", "--csv")
    from api.files.month_list import write_csv  # the library of workbooks takes a tenth of a second
    from api.files.month_workbook import DETAILS_MAX, write_workbook
    from api.files.private_file import PrivateFile

    with session() as ledger:
        log = ledger.log(pool)
        catch_up(log)
        reconcile(log, ledger.register(log), asked, lambda text: console.notice(f"对账 {text}"))
        with snapshot(log) as seen:
            made = month_report(seen, asked)
            if made is None:
                raise CommandFault("对账没有结果")
            write_workbook(made, listed(seen, asked, DETAILS_MAX), out, overwrite=overwrite)
            if csv is not None:
                with PrivateFile(csv, overwrite=overwrite) as file:
                    write_csv(listed(seen, asked), file.stream)
    told = _as_json(made, out, csv, DETAILS_MAX)
    if json:
        console.say_json(told)
    else:
        _tell(made, told)


def _require_suffix(path: Path, suffix: str, option: str) -> None:
    if path.suffix.lower() != suffix:
        raise typer.BadParameter(f"文件名须以 {suffix} 结尾", param_hint=option)


def _as_json(made: MonthReport, out: Path, csv: Path | None, most: int) -> dict[str, Any]:
    difference = made.view.totals.difference
    return {
        "pool": made.pool,
        "month": f"{made.view.month:%Y-%m}",
        "file": str(out),
        "csv": str(csv) if csv else None,
        "total_difference": fen_to_yuan(difference.fen),
        "row_difference": difference.rows,
        "is_explained": made.details == difference,
        "differences": made.differences,
        "listed": min(made.differences, most),
        "open": made.view.open,
        "signed": made.view.state.signed is not None,
        "position": made.view.position,
    }


def _tell(made: MonthReport, told: dict[str, Any]) -> None:
    signed = "已签认" if told["signed"] else "未签认"
    console.answer(
        f"{made.view.month:%Y年%m月}社税对账月报 已写出到 {told['file']}：相差 {told['total_difference']} 元，"
        f"差异{told['differences']}笔，未了{told['open']}笔，{signed}"
    )
    if told["csv"]:
        console.answer(f"全部差异 {told['csv']}")
    elif told["listed"] < told["differences"]:
        console.notice(f"工作簿只列前{told['listed']}笔差异；全部差异以 --csv 写出")
