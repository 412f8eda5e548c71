"""`pension-ledger serve`: the ledger over HTTP, until it is told to stop."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[str, typer.Option("--host", help="监听地址", metavar="H")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="监听端口；0 为任选一个空闲端口", min=0, max=65535)] = 8420,
    migrate: Annotated[bool, typer.Option("--migrate", help="先把数据库结构更新到本版本")] = False,
) -> None:
    """启动 HTTP 接口，直到 Ctrl-C 或 SIGTERM：不再接收新请求，办完在办的业务后退出。"""
    from api.http.server import run  # here: no other command pays for loading the web framework

    run(host, port, migrate_first=migrate)
