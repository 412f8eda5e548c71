"""`pension-ledger token`: who may speak to the ledger over HTTP, and on whose word."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from api.cli import console
from api.cli.options import Actor, Json
from api.cli.session import CommandFault, session
from ledger import clock
from ledger.store.tokens import Token, all_tokens, create_token, revoke_token

app = typer.Typer(help="接口令牌", no_args_is_help=True)

_LIFETIME: Final = re.compile(r"([1-9]\d{0,4})([dh])", re.ASCII)


@app.command()
def create(
    actor: Actor,
    expires: Annotated[
        str | None, typer.Option("--expires", help="有效期，例如 90d、12h；不写为长期", metavar="90d")
    ] = None,
    pool: Annotated[
        list[str] | None, typer.Option("--pool", help="只用于这个统筹区（可多次）；不写为全部", metavar="CODE")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="只能查询，不能办理业务")] = False,
    json: Json = False,
) -> None:
    """发放一个令牌。令牌只显示这一次，账簿只保存它的摘要；以它办理的业务，经办人即为 --actor。"""
    lifetime = _lifetime(expires) if expires is not None else None
    with session() as ledger:
        for code in pool or ():
            ledger.log(code)  # a token for a pool that is misspelt would open nothing
        text, token = create_token(ledger.connections, actor, lifetime, pool, reads_only=read_only)
    if json:
        console.say_json({"token": text, **_told(token)})
        return
    console.answer(text)
    until = token.expires_at.isoformat(timespec="seconds") if token.expires_at else "撤销为止"
    said = f"令牌编号 {token.token_id}，经办人 {token.actor}，{_scope(token)}，有效至 {until}"
    console.notice(f"{said}。令牌不会再次显示，请妥善保管")


@app.command("list")
def list_tokens(json: Json = False) -> None:
    """列出令牌（不含令牌本身）。"""
    with session() as ledger:
        tokens = all_tokens(ledger.connections)
    if json:
        console.say_json([_told(token) for token in tokens])
        return
    words = {"valid": "有效", "expired": "已过期", "revoked": "已撤销"}
    for token in tokens:
        until = token.expires_at.isoformat(timespec="seconds") if token.expires_at else "长期"
        console.answer(f"{token.token_id}  {token.actor}  {_scope(token)}  {until}  {words[_status(token)]}")


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(help="令牌编号", metavar="ID")]) -> None:
    """撤销一个令牌；数秒之内即不能再用。"""
    try:
        wanted = UUID(token_id)
    except ValueError as fault:
        raise typer.BadParameter("令牌编号无效：须为 UUID（见 token list），不是令牌本身", param_hint="ID") from fault
    with session() as ledger:
        if revoke_token(ledger.connections, wanted) is None:
            raise CommandFault(f"没有令牌 {wanted}：请以 token list 核对编号")
    console.answer(f"令牌 {wanted} 已撤销")


def _lifetime(text: str) -> timedelta:
    found = _LIFETIME.fullmatch(text)
    if found is None:
        raise typer.BadParameter("有效期无效：请写成 90d（天）或 12h（小时）", param_hint="--expires")
    return timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))


def _scope(token: Token) -> str:
    where = "、".join(token.pools) if token.pools else "全部统筹区"
    return f"{where}{'（只查询）' if token.reads_only else ''}"


def _status(token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "valid" if token.is_valid(clock.now()) else "expired"


def _told(token: Token) -> dict[str, Any]:
    return {
        "id": str(token.token_id),
        "actor": token.actor,
        "pools": token.pools,
        "reads_only": token.reads_only,
        "created_at": _instant(token.created_at),
        "expires_at": _instant(token.expires_at),
        "revoked_at": _instant(token.revoked_at),
        "status": _status(token),
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="microseconds") if at else None
