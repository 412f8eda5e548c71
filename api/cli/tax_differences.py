"""`pension-ledger tax differences`, `tax sign`, `tax reopen`, `tax events`: what people do with a reconciled month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from api.cli import console
from api.cli.command_answer import CommandId, read_command_id
from api.cli.options import (
    Account,
    Actor,
    Document,
    DryRun,
    Json,
    KnownAt,
    Pool,
    Reviewer,
    known_at_told,
    read_account,
    read_date,
    said,
)
from api.cli.session import fold_forward, session
from api.cli.statement_text import events_text
from api.cli.tax_options import Month, read_month
from api.cli.tax_reconcile import FOUND
from api.cli.tax_text import month_detail
from ledger import clock
from ledger.desk.reconciliation import (
    Assign,
    Explain,
    MonthAnswer,
    MonthCommand,
    MonthDesk,
    Reopen,
    Resolve,
    Sign,
)
from ledger.differences import Category
from ledger.money import fen_to_yuan
from ledger.reconciliation_month import UNDONE, Status
from ledger.refusals import Reason, Refused, refuse
from ledger.store.log import PoolLog
from ledger.store.register import Register
from projections.history import TITLES, month_events
from projections.reconciliation import reconcile
from projections.reconciliation_facts import Owners, age, facts_of
from projections.reconciliation_pages import Difference, differences
from projections.reconciliation_told import COMPARISONS, STATUSES, category_word, difference_told
from projections.runner import catch_up

app = typer.Typer(help="对账差异：列出、指定责任人、说明原因、了结", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Option("--id", help="差异编号，可重复", metavar="ID")]
OneCategory = Annotated[str, typer.Option("--category", help=f"类别：{'、'.join(Category)}", metavar="C")]
Comparison = Annotated[str, typer.Option("--comparison", help=f"对账：{'、'.join(COMPARISONS)}", metavar="K")]
Why = Annotated[str, typer.Option("--reason", help="原因", metavar="R", callback=said)]
Owner = Annotated[str, typer.Option("--owner", help="责任单位或责任人", metavar="O", callback=said)]


@app.command("list")
def list_(
    pool: Pool,
    month: Month,
    category: OneCategory = "",
    comparison: Comparison = "",
    status: Annotated[str, typer.Option("--status", help=f"状态：{'、'.join(Status)}", metavar="S")] = "",
    owner: Annotated[str, typer.Option("--owner", help="责任单位或责任人", metavar="O")] = "",
    person_of: Annotated[str, typer.Option("--person-of", help="只列与该差异同一人的差异", metavar="ID")] = "",
    json: Json = False,
) -> int:
    """逐笔列出一个月的对账差异；所列之中有未了的，退出码为 3。"""
    asked = read_month(month)
    of_category = _one_of(category, list(Category), "--category") or None
    compared = _one_of(comparison, list(COMPARISONS), "--comparison") or None
    wanted, like = _one_of(status, list(Status), "--status"), read_id(person_of, "--person-of") if person_of else None
    found, told = 0, []
    with session() as ledger:
        log = ledger.log(pool)
        _fold(log, ledger.register(log), asked)
        owners, today = Owners(log), clock.today()
        person = _person_of(log, asked, like) if like else None
        for one in differences(log, asked, category=of_category, comparison=compared):
            of = owners.of(one)
            if (wanted and one.status != wanted) or (owner and of != owner.strip()):
                continue
            if person and person not in (one.participant, one.proposed):
                continue
            found += one.status in UNDONE
            if json:
                told.append({**difference_told(one, of), "working_days": age(one, asked, today)})
            else:
                console.answer(_line(one, of, age(one, asked, today)))
                told.append({})
    if json:
        console.say_json({"pool": pool, "month": f"{asked:%Y-%m}", "open": found, "differences": told})
    elif not told:
        console.answer("没有差异")
    return FOUND if found else 0


@app.command()
def assign(
    pool: Pool,
    month: Month,
    owner: Owner,
    due_on: Annotated[str, typer.Option("--due-on", help="办结期限", metavar="日期")],
    actor: Actor,
    ids: Ids = None,
    category: OneCategory = "",
    comparison: Comparison = "",
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """指定差异的责任人与办结期限：按编号，或一个类别尚未指定责任人的全部。"""
    chosen, due = _chosen(ids, category, comparison), read_date(due_on, "--due-on")
    common = _common("assign", actor, "", command_id, month, dry_run=dry_run)
    carry_out(pool, Assign(**common, **chosen, owner=owner, due_on=due), json=json)


@app.command()
def explain(
    pool: Pool,
    month: Month,
    reason: Why,
    actor: Actor,
    ids: Ids = None,
    category: OneCategory = "",
    comparison: Comparison = "",
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """说明差异的原因：按编号，或一个类别未了的全部。"""
    chosen = _chosen(ids, category, comparison)
    common = _common("explain", actor, "", command_id, month, dry_run=dry_run)
    carry_out(pool, Explain(**common, **chosen, reason=reason), json=json)


@app.command()
def resolve(
    pool: Pool,
    month: Month,
    one: Annotated[str, typer.Option("--id", help="差异编号", metavar="ID")],
    account: Account,
    version: Annotated[int, typer.Option("--version", help="了结差异的记录的版本号", metavar="N", min=1)],
    reason: Why,
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """以其后的一笔账簿记录（缴费记账、冲正、退费）了结差异。"""
    which, where = read_id(one, "--id"), read_account(account)
    common = _common("resolve", actor, reviewer, command_id, month, dry_run=dry_run)
    carry_out(pool, Resolve(**common, difference=which, account=where, version=version, reason=reason), json=json)


def sign(
    pool: Pool,
    month: Month,
    tax_side: Annotated[str, typer.Option("--tax-side", help="税务方签认人", metavar="T", callback=said)],
    document: Document,
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """双方签认一个月的对账：每笔差异须已了结、自行消除或说明原因。"""
    common = _common("sign", actor, reviewer, command_id, month, dry_run=dry_run)
    carry_out(pool, Sign(**common, tax_side=tax_side, document=document), json=json)


def reopen(
    pool: Pool,
    month: Month,
    reason: Why,
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """重开已签认的月份。"""
    common = _common("reopen", actor, reviewer, command_id, month, dry_run=dry_run)
    carry_out(pool, Reopen(**common, reason=reason), json=json)


def events(pool: Pool, month: Month, known_at: KnownAt = None, json: Json = False) -> None:
    """对账月份的事件历史：何时、何事、何人经办复核。"""
    asked = read_month(month)
    with session() as ledger, known_at_told():
        told = list(month_events(ledger.log(pool), asked, known_at))
    if json:
        console.say_json({"pool": pool, "month": f"{asked:%Y-%m}", "events": told})
        return
    for line in events_text(told, f"统筹区 {pool} {asked:%Y-%m} 对账"):
        console.answer(line)


# -- how they are carried out and told -----------------------------------------------------------------------------


def carry_out(pool: str, command: MonthCommand, *, json: bool) -> None:
    """Have one command done on a view that is as the records are, and tell its answer. Raises `Refused`."""
    with session() as ledger:
        log = ledger.log(pool)
        register = ledger.register(log)
        _fold(log, register, command.month)
        answer = MonthDesk(log, register, lambda asked: facts_of(log, asked)).do(command)
        if not answer.dry_run:
            fold_forward(log)
    if json:
        console.say_json(answer_as_json(answer))
    else:
        _tell(answer)


def answer_as_json(answer: MonthAnswer) -> dict[str, Any]:
    """An accepted command as one JSON object."""
    return {**msgspec.to_builtins(answer), "month": f"{answer.month:%Y-%m}"}


def _tell(answer: MonthAnswer) -> None:
    done = "试算（未记账）" if answer.dry_run else f"已记账，日志位置 {answer.position}"
    console.answer(f"{answer.month:%Y-%m} 对账 {done}，第{answer.version}号记录")
    for event in answer.events:
        console.answer(f"  {TITLES[event['topic']]}：{month_detail(event['topic'], event)}")
    console.answer(f"命令编号 {answer.command_id}")


def _fold(log: PoolLog, register: Register, month: date) -> None:
    catch_up(log)
    reconcile(log, register, month, lambda text: console.notice(f"对账 {text}"))


def _common(
    what: str, actor: str, reviewer: str, command_id: str | None, month: str, *, dry_run: bool
) -> dict[str, Any]:
    return {
        "month": read_month(month), "actor": actor, "reviewer": reviewer, "cause": f"command tax {what}",
        "command_id": read_command_id(command_id), "dry_run": dry_run,
    }  # fmt: skip


def _chosen(ids: list[str] | None, category: str, comparison: str) -> dict[str, Any]:
    """Which differences a command is about: those named, or all of a category."""
    if bool(ids) == bool(category) or (comparison and not category):
        raise typer.BadParameter("须给出 --id，或 --category（可再以 --comparison 限定）", param_hint="--id")
    return {
        "differences": tuple(read_id(one, "--id") for one in ids or ()),
        "category": _one_of(category, list(Category), "--category"),
        "comparison": _one_of(comparison, list(COMPARISONS), "--comparison"),
    }


def _one_of(text: str, words: list[Any], option: str) -> str:
    plain = text.strip()
    if plain and plain not in words:
        raise typer.BadParameter(f"须为：{'、'.join(words)}", param_hint=option)
    return plain


def read_id(text: str, option: str) -> UUID:
    """A difference's id."""
    try:
        return UUID(text)
    except ValueError as fault:
        # Never repeated: a citizen number is easily given in its place.
        raise typer.BadParameter("差异编号无效：须为 UUID", param_hint=option) from fault


def _person_of(log: PoolLog, month: date, like: UUID) -> UUID:
    """Whom a difference is about, or may be about. Raises `Refused` (DIFFERENCE_UNKNOWN)."""
    one = next(differences(log, month, ids=[like]), None)
    person = one and (one.participant or one.proposed)
    if person is None:
        rule = None if one is None else "该差异不涉及已登记的人"
        raise Refused(refuse(Reason.DIFFERENCE_UNKNOWN, like, rule=rule))
    return person


def _line(one: Difference, owner: str, days: int) -> str:
    """A difference for people: what it is, its rows' numbers, whose it is, how long it has been there."""
    named = [
        f"{word} {side[key]}"
        for word, side, key in (
            ("流水号", one.detail.get("tax"), "serial"),
            ("应收核定编号", one.detail.get("agency"), "number"),
        )
        if isinstance(side, Mapping) and side.get(key)
    ]
    if request := one.detail.get("request"):
        named.append(f"退费申请 {request}")
    about = "，".join(named) or COMPARISONS.get(one.comparison, one.comparison)
    about += f"，疑与 {one.proposal} 同一人" if one.proposal else ""
    reason = one.mark.reason or one.cleared
    due = f"，期限 {one.mark.due_on.isoformat()}" if one.mark.due_on else ""
    return (
        f"{one.id}  {category_word(one.comparison, one.category)}  {fen_to_yuan(one.fen)}元  {about}"
        f"  {owner}  {days}个工作日{due}  {STATUSES[one.status]}{'：' + reason if reason else ''}"
    )
