"""`pension-ledger tax unallocated`, `tax allocate`, `tax retry`: payments that no account has, and how they come in."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Annotated, Any, Final

import typer

from api.cli import console
from api.cli.command_answer import CommandId, carry_out, read_command_id
from api.cli.imports import ENDED
from api.cli.options import Account, Actor, DryRun, Json, Pool, Reviewer, read_account, read_date, said
from api.cli.session import Session, fold_forward, session
from api.cli.tax_options import read_month
from ledger import clock
from ledger.desk.allocating import Wanted, allocation
from ledger.desk.commands import Command
from ledger.exchange import month_of
from ledger.jobs.allocation_retry import AllocationRetry
from ledger.jobs.intake import IntakeReport, Outcome
from ledger.money import fen_to_yuan
from ledger.refusals import Reason, refuse
from ledger.store.external_identities import CANCELLED
from ledger.store.log import PoolLog
from ledger.words import CHINESE
from projections.reconciliation import compared_as_received
from projections.reconciliation_bulk import Span
from projections.unallocated import Cancellation, Unread, Waiting, cancellations, unreadable
from projections.unallocated import unallocated as find_unallocated

FOUND: Final = 3
SHOWN: Final = 20
"""Rows shown at the console; --json gives all of them."""


_SHORT: Final = 12
"""So many digits of a file's sha256 tell it from others at the console."""


class _Tally:
    """What was listed, counted while it goes by."""

    def __init__(self) -> None:
        self.figures = {"count": 0, "due": 0, "forward": 0, "cancellations": 0, "unreadable": 0}
        self.fen = {"amount": 0, "due_amount": 0}

    def count(self, what: str) -> None:
        self.figures[what] += 1

    def add(self, one: Waiting) -> None:
        fen = one.received.payment.fen
        self.figures["count"] += 1
        self.fen["amount"] += fen
        self.figures["forward"] += one.received.elsewhere
        if one.age.due:
            self.figures["due"] += 1
            self.fen["due_amount"] += fen

    def as_json(self) -> dict[str, Any]:
        return {**self.figures, **{name: fen_to_yuan(fen) for name, fen in self.fen.items()}}


def unallocated(
    pool: Pool,
    on: Annotated[str | None, typer.Option("--on", help="截至哪一天计算工作日；不填为今日", metavar="日期")] = None,
    older_than: Annotated[
        int | None, typer.Option("--older-than", help="只列缴费后超过几个工作日的", metavar="N", min=0)
    ] = None,
    json: Json = False,
) -> int:
    """列出已收到而未划入账户的缴费（原因、缴费后的工作日数、列入哪个方案）及待办的撤销；有逾期未到账的退出码为 3。"""
    day = read_date(on, "--on") if on else clock.today()
    least = -1 if older_than is None else older_than
    tally = _Tally()
    with session() as ledger:
        log = ledger.log(pool)
        rows = (one for one in _counted(find_unallocated(log, day), tally.add) if one.age.days > least)
        back = _counted(cancellations(log), lambda _one: tally.count("cancellations"))
        unread = _counted(unreadable(log), lambda _one: tally.count("unreadable"))
        if json:
            lists = {"rows": map(_as_json, rows), "waiting": map(_cancelled_as_json, back), "unreadable_rows": unread}
            _stream({"pool": pool, "on": day.isoformat()}, lists)
            _end_stream(tally.as_json())
        else:
            _show(map(_text, rows), "条未划入账户的缴费")
            _show(map(_cancelled_text, back), "条待办的撤销")
            _show((f"无法读取：文件 {one.file} 第{one.line}行" for one in unread), "行无法读取的明细")
            _tell(tally, day)
    return FOUND if tally.figures["due"] else 0


def allocate(
    pool: Pool,
    serial: Annotated[str, typer.Option("--serial", help="缴费明细流水号", metavar="S", callback=said)],
    account: Account,
    county: Annotated[str, typer.Option("--county", help="经办的旗县（名称或编码）", metavar="NAME", callback=said)],
    reason: Annotated[str, typer.Option("--reason", help="划账原因", metavar="R", callback=said)],
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """到账划账：对账后，由账户所在旗县两人将未自动到账的一笔缴费按原明细划入账户。"""
    wanted = Wanted(
        serial=serial.strip(),
        account=read_account(account),
        county=county,
        reason=reason.strip(),
        actor=actor,
        reviewer=reviewer,
        command_id=read_command_id(command_id),
        dry_run=dry_run,
    )

    def command_of(ledger: Session, log: PoolLog) -> Command:
        return allocation(log, ledger.register(log), wanted, lambda day: compared_as_received(log, month_of(day)))

    carry_out(pool, command_of, json=json)


def retry(
    pool: Pool,
    actor: Actor,
    month: Annotated[str | None, typer.Option("--month", help="只办入库在该月的", metavar="YYYY-MM")] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """对已登记人员的未到账缴费（登记、更名、录入所缺数值之后）及可办的待办撤销再次办理；仍有未办的退出码为 2。"""
    span = Span.of(read_month(month)) if month else None
    with session() as ledger:
        log = ledger.log(pool)
        job = AllocationRetry(log, ledger.register(log), actor, span=span, dry_run=dry_run)
        told = _Retried(job, {"pool": pool, "month": month, "dry_run": dry_run} if json else None)
        report = job.run(told.tell)
        if not dry_run:
            fold_forward(log)
        if json:
            told.tell(())
            sys.stdout.write("]")
            _end_stream(_figures(report))
        else:
            _tell_retried(report)
    return 2 if report.refused or report.waiting else 0


# -- one row -----------------------------------------------------------------------------------------------------------


def _as_json(one: Waiting) -> dict[str, Any]:
    received, payment = one.received, one.received.payment
    return {
        "serial": payment.serial,
        "voucher": payment.voucher,
        "item": payment.kind.value,
        "payment_type": payment.payment_type,
        "period": payment.period,
        "amount": fen_to_yuan(payment.fen),
        "paid_on": payment.paid_on.isoformat() if payment.paid_on else None,
        "treasury_on": payment.treasury_on.isoformat(),
        "reason": received.reason,
        "why": _why(received.reason),
        "working_days": one.age.days,
        "provisional": one.age.provisional,
        "due": one.age.due,
        "forward": received.elsewhere,
        "plan": str(one.plan) if one.plan else None,
        "file": received.file,
        "line": received.line,
    }


def _text(one: Waiting) -> str:
    received, payment, age = one.received, one.received.payment, one.age
    marks = [
        f"{'约' if age.provisional else ''}{age.days}个工作日",
        "转交" if received.elsewhere else "逾期" if age.due else "",
        f"列入方案{one.plan}" if one.plan else "",
    ]
    return (
        f"{payment.serial}  税票{payment.voucher or '—'}"
        f"  {CHINESE[payment.kind]} {payment.period}年度 {fen_to_yuan(payment.fen)}元"
        f"  入库 {payment.treasury_on.isoformat()}  {received.reason} {_why(received.reason)}"
        f"  {'，'.join(filter(None, marks))}"
        f"  （文件 {received.file[:_SHORT]} 第{received.line}行）"
    )


def _cancelled_as_json(one: Cancellation) -> dict[str, Any]:
    received, payment = one.received, one.received.payment
    return {
        "serial": payment.serial,
        "voucher": payment.voucher,
        "item": payment.kind.value,
        "period": payment.period,
        "amount": fen_to_yuan(payment.fen),
        "treasury_on": payment.treasury_on.isoformat(),
        "reason": received.reason,
        "booked": one.booked,
        "file": received.file,
        "line": received.line,
    }


def _cancelled_text(one: Cancellation) -> str:
    received, payment = one.received, one.received.payment
    return (
        f"撤销 {payment.serial}  税票{payment.voucher or '—'}"
        f"  {CHINESE[payment.kind]} {payment.period}年度 {fen_to_yuan(payment.fen)}元"
        f"  {'原记录已记账' if one.booked else '原记录未到'}  {received.reason}"
        f"  （文件 {received.file[:_SHORT]} 第{received.line}行）"
    )


def _why(reason: str) -> str:
    return refuse(Reason(reason), "").rule


class _Retried:
    """Tells each row of a retry as it ends."""

    def __init__(self, job: AllocationRetry, head: dict[str, Any] | None) -> None:
        self._job = job
        self._json = head is not None
        self._head = head
        self._rows = 0

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """The outcomes of a tranche, all of one file; the JSON object begins with the first."""
        if self._head is not None:
            sys.stdout.write(json_text.dumps(self._head, ensure_ascii=False)[:-1] + ', "rows": [')
            self._head = None
        for one in outcomes:
            if self._json:
                row = {
                    "serial": one.serial,
                    "cancellation": self._job.data_type == CANCELLED,
                    "file": self._job.file,
                    "line": one.line,
                    "ended": one.ended.value,
                    "reason": one.refusal.reason.value if one.refusal else None,
                    "text": one.refusal.text if one.refusal else one.notice,
                }
                sys.stdout.write((", " if self._rows else "") + json_text.dumps(row, ensure_ascii=False))
            elif self._rows < SHOWN:
                why = one.refusal.text if one.refusal else one.notice
                what = "撤销 " if self._job.data_type == CANCELLED else ""
                console.answer(f"{what}{one.serial}  {ENDED[one.ended]}  {why}".rstrip())
            elif self._rows == SHOWN:
                console.notice(f"只列前{SHOWN}笔；全部以 --json 输出")
            self._rows += 1


# -- all of them -------------------------------------------------------------------------------------------------------


def _counted(rows: Iterable[Any], count: Callable[[Any], None]) -> Iterable[Any]:
    for one in rows:
        count(one)
        yield one


def _stream(told: dict[str, Any], lists: dict[str, Iterable[Any]]) -> None:
    """The beginning of one JSON object, its lists written as they are found; its figures follow."""
    sys.stdout.write(json_text.dumps(told, ensure_ascii=False)[:-1])
    for name, rows in lists.items():
        sys.stdout.write(f', "{name}": [')
        for place, row in enumerate(rows):
            plain = row._asdict() if isinstance(row, Unread) else row
            sys.stdout.write((", " if place else "") + json_text.dumps(plain, ensure_ascii=False))
        sys.stdout.write("]")


def _end_stream(figures: dict[str, Any]) -> None:
    sys.stdout.write(", " + json_text.dumps(figures, ensure_ascii=False)[1:] + "\n")


def _show(lines: Iterable[str], what: str) -> None:
    for place, line in enumerate(lines):
        if place < SHOWN:
            console.answer(line)
        elif place == SHOWN:
            console.notice(f"只列前{SHOWN}{what}；全部以 --json 输出")


def _tell(tally: _Tally, day: date) -> None:
    said = tally.as_json()
    console.answer(
        f"截至{day.isoformat()}，未划入账户 {said['count']}笔 {said['amount']}元，其中逾期 {said['due']}笔"
        f" {said['due_amount']}元" + (f"，应转交其他统筹区 {said['forward']}笔" if said["forward"] else "")
    )
    if said["cancellations"]:
        console.answer(f"待办的撤销 {said['cancellations']}笔；原记录已记账的，以 tax retry 办理")
    if said["unreadable"]:
        console.answer(f"无法读取的行 {said['unreadable']}行")


def _figures(report: IntakeReport) -> dict[str, Any]:
    return {
        "count": report.rows,
        "recorded": report.recorded,
        "already_there": report.already_there,
        "stay": report.refused + report.waiting,
        "reasons": dict(sorted(report.reasons.items())),
    }


def _tell_retried(report: IntakeReport) -> None:
    console.answer(
        f"再次划账{'试算（未记账）' if report.dry_run else '完成'}：共{report.rows}笔，记账{report.recorded}笔，"
        f"已存在{report.already_there}笔，仍未办{report.refused + report.waiting}笔"
    )
    for reason, count in sorted(report.reasons.items()):
        console.answer(f"  {reason} {count}笔")
