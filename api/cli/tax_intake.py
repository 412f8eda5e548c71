"""How files of the tax side are taken in at the console: every row's ending beside the file, its figures on stdout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from api.cli import console
from api.cli.profile_option import chosen_profile
from api.cli.session import session
from api.files.exchange_file import open_exchange
from api.files.result_file import ResultFile
from api.files.tables import FileRows, file_sha256
from ledger.batch_header import BatchHeader
from ledger.exchange import FileKind
from ledger.exchange_layout import LAYOUTS
from ledger.jobs.intake import Ended, IntakeReport, Outcome, Source
from ledger.late_money import Origin

_ENDED: Final = {Ended.RECORDED: "已登记", Ended.ALREADY_THERE: "已存在", Ended.REFUSED: "已拒绝"}
TakeIn = Callable[..., list[Outcome]]


def take_in(
    path: Path, profile: str, kind: FileKind, pool: str, actor: str, run: TakeIn, *, dry_run: bool, json: bool
) -> int:
    """Take a file in, write its result file, tell its figures; gives the exit code."""
    table, header = open_exchange(path, chosen_profile(profile), kind)
    if table.ignored:
        console.notice(f"以下各列不使用，也不存：{'、'.join(table.ignored)}")
    source = Source(path.name, file_sha256(path).hex(), FileRows(table), dict(table.index), batch_header=header)
    report = IntakeReport(kind=kind.value, file=source.name, sha256=source.sha256, dry_run=dry_run)
    with session() as ledger, ExitStack() as stack:
        log = ledger.log(pool)
        results = stack.enter_context(ResultFile(path))
        outcomes = run(log, ledger.register(log), source, Origin(actor), dry_run=dry_run)
        results.write_many(map(_result_row, outcomes))
        report.add(outcomes)
    _tell(report, header, results.path, outcomes, json=json)
    return 2 if report.refused else 0


def _result_row(outcome: Outcome) -> tuple[int, str, str, str, str]:
    refusal = outcome.refusal
    notice = outcome.notice and f"提示：{outcome.notice}"
    text = "；".join(one for one in (refusal.text if refusal else "", notice) if one)
    return outcome.line, outcome.serial, _ENDED[outcome.ended], refusal.reason if refusal else "", text


def _tell(report: IntakeReport, header: BatchHeader, results: Path, outcomes: Sequence[Outcome], *, json: bool) -> None:
    if json:
        said: dict[str, Any] = {
            "kind": report.kind,
            "file": report.file,
            "sha256": report.sha256,
            "dry_run": report.dry_run,
            "rows": report.rows,
            "recorded": report.recorded,
            "already_there": report.already_there,
            "refused": report.refused,
            **header.told(),
            "reasons": dict(sorted(report.reasons.items())),
            "results": str(results),
        }
        console.say_json(said)
        return
    word = "试算（未登记）" if report.dry_run else "完成"
    console.answer(
        f"导入{LAYOUTS[report.kind].title} {report.file} {word}：共{report.rows}行，"
        f"登记{report.recorded}行，已存在{report.already_there}行，拒绝{report.refused}行"
    )
    if header.stated:
        console.answer(f"  与批次表头相符：{header.in_words()}")
    for reason, count in sorted(report.reasons.items()):
        console.answer(f"  {reason} {count}行")
    noticed = sum(bool(outcome.notice) for outcome in outcomes)
    if noticed:
        console.answer(f"  有提示 {noticed}行")
    console.answer(f"逐行结果：{results}")
