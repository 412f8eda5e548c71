"""`pension-ledger balances | statement | events`: what accounts hold, on any day, as known on any day, and why."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli import console
from api.cli.options import AsOf, Json, KnownAt, Pool, Year, known_at_told, read_account, read_date, read_number
from api.cli.session import CommandFault, Session, session
from api.cli.statement_text import balance_text, events_text, statement_text
from ledger.store.divisions import Divisions
from ledger.store.log import PoolLog
from ledger.store.register import Registered
from projections.balances import balances as read_balances
from projections.history import events as read_events
from projections.history import pool_events, rules_events
from projections.statement import statement as read_statement
from projections.statement import statements as read_statements

Account = Annotated[str | None, typer.Option("--account", help="账户编号", metavar="ID")]
Citizen = Annotated[str | None, typer.Option("--citizen", help="公民身份号码", metavar="NUMBER")]
All = Annotated[bool, typer.Option("--all", help="全部账户")]


def _day(text: str | None) -> date | None:
    return read_date(text, "--as-of") if text else None


def _one(ledger: Session, log: PoolLog, account: str | None, citizen: str | None, all_of_them: bool) -> UUID | None:
    """The account meant; None for all. Exactly one of the three is given."""
    if sum((account is not None, citizen is not None, all_of_them)) != 1:
        raise typer.BadParameter("请在 --account、--citizen、--all 中指定一个")
    if all_of_them:
        return None
    if account is not None:
        return read_account(account)
    found = ledger.register(log).account_of(read_number(citizen or ""))
    if found is None:
        raise CommandFault(f"统筹区 {log.pool} 没有该公民身份号码的账户：请核对号码，或先办理参保登记")
    return found


def balances(
    pool: Pool,
    by: Annotated[str | None, typer.Option("--by", help="village、county 或 account")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    json: Json = False,
) -> None:
    """余额：统筹区合计与分来源，可按村、旗县或账户列出。"""
    if by not in {None, "village", "county", "account"}:
        raise typer.BadParameter(f"{by} 无效：须为 village、county 或 account", param_hint="--by")
    with session() as ledger, known_at_told():
        told = read_balances(ledger.log(pool), by, _day(as_of), known_at)
        rows = told.pop("rows", None)
        if json:
            _stream_object(told, rows)
        else:
            for line in balance_text(told, rows):
                console.answer(line)


def _stream_object(told: dict[str, Any], rows: Any) -> None:
    """One JSON object, its rows written as they are read: a pool has millions."""
    text = json_text.dumps(told, ensure_ascii=False)
    if rows is None:
        sys.stdout.write(text + "\n")
        return
    sys.stdout.write(text[:-1] + ', "rows": [')
    for place, row in enumerate(rows):
        sys.stdout.write((", " if place else "") + json_text.dumps(row, ensure_ascii=False))
    sys.stdout.write("]}\n")


def statement(
    pool: Pool,
    year: Year,
    account: Account = None,
    citizen: Citizen = None,
    all_of_them: All = False,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    json: Json = False,
) -> None:
    """个人账户对账单：一个年度的期初、各笔记录、利息与期末。"""
    with session() as ledger, known_at_told():
        log = ledger.log(pool)
        one = _one(ledger, log, account, citizen, all_of_them)
        register = ledger.register(log)
        told: Iterator[dict[str, Any]] = (
            read_statements(log, year, _day(as_of), known_at, register.versions)
            if one is None
            else iter([read_statement(log, one, year, _day(as_of), known_at, register.versions)])
        )
        if json:
            for answer in told:
                sys.stdout.write(json_text.dumps(answer, ensure_ascii=False) + "\n")
            return
        names = Divisions(log).names()
        for answer in told:
            for line in statement_text(answer, pool, _holder(ledger, log, answer), names):
                console.answer(line)


def _holder(ledger: Session, log: PoolLog, told: dict[str, Any]) -> tuple[Registered | None, str]:
    """The holder as the register knew them at the statement's register version, and the village's code."""
    with log.connections.connection() as connection:
        row = connection.execute(
            log.sql("SELECT participant_id, division FROM {account_holder} WHERE account_id = %s"),
            (UUID(told["account"]),),
        ).fetchone()
    if row is None:
        return None, ""
    return ledger.register(log).open(row[0], version=told["register_version"]), row[1]


def events(
    pool: Pool,
    account: Account = None,
    citizen: Citizen = None,
    all_of_them: All = False,
    rules: Annotated[bool, typer.Option("--rules", help="统筹区规则参数的录入历史")] = False,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    json: Json = False,
) -> None:
    """事件历史：何时、何事、何人经办复核、依据哪一条。"""
    with session() as ledger, known_at_told():
        log = ledger.log(pool)
        if rules:
            told, subject = rules_events(log, known_at), "rules"
        elif (one := _one(ledger, log, account, citizen, all_of_them)) is None:
            told, subject = pool_events(log, known_at), ""
        else:
            told, subject = read_events(log, one, known_at, _day(as_of)), str(one)
        if json and subject:
            console.say_json({"pool": pool, "account": subject, "events": list(told)})
        elif json:
            for event in told:
                sys.stdout.write(json_text.dumps(event, ensure_ascii=False) + "\n")
        else:
            title = f"统筹区 {pool} 账户 {subject}" if subject not in {"", "rules"} else f"统筹区 {pool}"
            for line in events_text(told, title):
                console.answer(line)
