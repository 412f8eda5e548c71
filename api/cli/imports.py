"""`pension-ledger import`: files of participants, opening balances and payments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from api.cli import console
from api.cli.command_answer import CommandId, read_command_id
from api.cli.options import Actor, DryRun, InputFile, Json, Pool, Reviewer, read_date
from api.cli.payer import returned
from api.cli.profile_option import DEFAULT_PROFILE, ProfileName, chosen_profile
from api.cli.session import fold_forward, session
from api.files.exchange_file import open_exchange
from api.files.result_file import IDENTITY, ResultFile
from api.files.tables import Columns, FileRows, OpenTable, file_sha256, open_table
from ledger.batch_header import BatchHeader
from ledger.desk.payer_commands import SetStatuses
from ledger.desk.payers import PayerDesk
from ledger.exchange import FileKind
from ledger.jobs import intake_openings, intake_participants
from ledger.jobs.allocation_retry import retriable
from ledger.jobs.intake import Ended, Intake, IntakeReport, Outcome, Source
from ledger.jobs.intake_openings import OpeningIntake
from ledger.jobs.intake_participants import ParticipantIntake
from ledger.jobs.payment_import import PaymentImport
from ledger.jobs.pipeline import RecordBehind
from ledger.jobs.roll_rows import STATUS, read_statuses
from ledger.jobs.roster_rows import TEXT

app = typer.Typer(help="导入文件", no_args_is_help=True)

ENDED: Final = {Ended.RECORDED: "已记账", Ended.ALREADY_THERE: "已存在", Ended.REFUSED: "已拒绝", Ended.WAITING: "待办"}
LONG_FROM: Final = 20_000
"""Rows of a file from which on a process of its own reads it: to start one takes as long as to take 5,000 rows in."""
_TITLES: Final = {
    "participants": "参保人",
    "openings": "期初余额",
    "payments": "缴费明细",
    "receivables": "应收核定",
    "answers": "校验结果",
}


def source_of(path: Path, table: OpenTable, header: BatchHeader | None = None) -> Source:
    """A file as an intake takes it in; `header` is what a file of the exchange states of itself."""
    long = table.portable and (table.total_hint or 0) >= LONG_FROM
    sha256 = file_sha256(path).hex()
    return Source(path.name, sha256, FileRows(table), dict(table.index), long, header or BatchHeader())


def take_in(path: Path, table: OpenTable, intake: Intake[Any], json: bool, identity: str = IDENTITY) -> int:
    """Run an intake, write its result file (rows known by `identity`), tell its report; gives the exit code."""
    if table.ignored:
        console.notice(f"以下各列不使用：{'、'.join(table.ignored)}")
    with ExitStack() as stack:
        results = stack.enter_context(ResultFile(path, identity))
        advance = stack.enter_context(console.progress(f"导入{_TITLES[intake.kind]}", table.total_hint))

        def write(outcomes: Sequence[Outcome]) -> None:
            results.write_many(map(_result_row, outcomes))

        writing = stack.enter_context(RecordBehind(write))  # while the next tranche is decided
        report = intake.run(lambda outcomes: _go_through(writing.give(outcomes)), advance)
        _go_through(writing.rest())
    fold_forward(intake.log)
    added = intake.divisions_added if isinstance(intake, ParticipantIntake) else []
    if added:
        console.notice(f"新增区划{len(added)}个：{'、'.join(added[:20])}{'等' if len(added) > 20 else ''}")
    _tell(report, intake.source.batch_header, results.path, json)
    return 2 if report.refused or report.waiting else 0


def _go_through(written: Iterable[object]) -> None:
    """A fault of the writing comes out here."""
    for _ in written:
        pass


def _result_row(outcome: Outcome) -> tuple[int, str, str, str, str]:
    refusal = outcome.refusal
    notice = outcome.notice and f"提示：{outcome.notice}"
    text = "；".join(one for one in (refusal.text if refusal else "", notice) if one)
    return outcome.line, outcome.serial, ENDED[outcome.ended], refusal.reason if refusal else "", text


def _tell(report: IntakeReport, header: BatchHeader, results: Path, json: bool) -> None:
    if json:
        console.say_json(
            {
                "kind": report.kind,
                "file": report.file,
                "sha256": report.sha256,
                "dry_run": report.dry_run,
                "rows": report.rows,
                "recorded": report.recorded,
                "already_there": report.already_there,
                "refused": report.refused,
                "waiting": report.waiting,
                "reasons": dict(sorted(report.reasons.items())),
                **({"settled": report.settled} if report.kind == PaymentImport.kind else {}),
                **header.told(),
                "signed_months": msgspec.to_builtins(report.signed_months),
                "results": str(results),
            }
        )
        return
    word = "试算（未记账）" if report.dry_run else "完成"
    console.answer(
        f"导入{_TITLES[report.kind]} {report.file} {word}：共{report.rows}行，"
        f"记账{report.recorded}行，已存在{report.already_there}行，拒绝{report.refused}行"
        + (f"，待办{report.waiting}行" if report.waiting else "")
    )
    if header.stated:
        console.answer(f"  与批次表头相符：{header.in_words()}")
    for reason, count in sorted(report.reasons.items()):
        console.answer(f"  {reason} {count}行")
    if report.settled:
        console.answer(f"  此前待办的撤销，原记录已记账的，一并记账 {report.settled}行")
    for one in report.signed_months:
        console.answer(f"  涉及已签认的 {one.month} {one.rows}行 {one.amount} 元：以 tax reopen 重开后重新对账、签认")
    console.answer(f"逐行结果：{results}")


@app.command()
def participants(
    file: InputFile,
    pool: Pool,
    actor: Actor,
    strict_divisions: Annotated[bool, typer.Option("--strict-divisions", help="区划名称不在册的行拒绝")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """导入参保人：建立登记并开立个人账户。"""
    table = open_table(file, Columns(intake_participants.REQUIRED), intake_participants.TEXT)
    with session() as ledger:
        log = ledger.log(pool)
        intake = ParticipantIntake(
            log,
            ledger.register(log),
            source_of(file, table),
            actor,
            strict_divisions=strict_divisions,
            dry_run=dry_run,
        )
        return take_in(file, table, intake, json)


@app.command()
def openings(
    file: InputFile,
    pool: Pool,
    as_of: Annotated[str, typer.Option("--as-of", help="余额截至日，须为某年12月31日", metavar="YYYY-12-31")],
    actor: Actor,
    reviewer: Reviewer,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """导入期初余额：原系统结息后的账户余额，按来源分列。"""
    table = open_table(file, Columns(intake_openings.REQUIRED, intake_openings.OPTIONAL), intake_openings.TEXT)
    with session() as ledger:
        log = ledger.log(pool)
        register = ledger.register(log)
        day = read_date(as_of, "--as-of")
        intake = OpeningIntake(log, register, source_of(file, table), day, actor, reviewer, dry_run=dry_run)
        return take_in(file, table, intake, json)


@app.command()
def payments(
    file: InputFile,
    pool: Pool,
    actor: Actor,
    profile: ProfileName = DEFAULT_PROFILE,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """导入税务缴费明细与财政补贴明细；文件须与其批次表头所载一致，否则整份拒绝。"""
    table, header = open_exchange(file, chosen_profile(profile), FileKind.PAYMENTS)
    with session() as ledger:
        log = ledger.log(pool)
        if waiting := retriable(log, log.rules()):
            console.notice(f"此前未到账的缴费中，{waiting}笔的人员已登记或所缺数值已录入：可以 tax retry 再次自动划账")
        intake = PaymentImport(log, ledger.register(log), source_of(file, table, header), actor, dry_run=dry_run)
        return take_in(file, table, intake, json)


@app.command()
def status(file: InputFile, pool: Pool, actor: Actor, command_id: CommandId = None, dry_run: DryRun = False) -> int:
    """导入人员状态（领取待遇、困难群体）：姓名、公民身份号码、状态、起、止；有误即整份退回。"""
    table = open_table(file, Columns(STATUS, ("止",)), TEXT)
    with session() as ledger:
        log = ledger.log(pool)
        register = ledger.register(log)
        periods, faults = read_statuses(FileRows(table), table.index, register)
        if faults:
            return returned(faults, file)
        command = SetStatuses(
            actor=actor, command_id=read_command_id(command_id), dry_run=dry_run, periods=tuple(periods)
        )
        PayerDesk(log, register).do(command)
    console.answer(f"{'试算（未登记）：' if dry_run else ''}人员状态已登记：{len(periods)}行（经办 {actor}）")
    return 0
