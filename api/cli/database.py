"""`pension-ledger database`: where the database is, its migrations, its dump."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli import console
from api.cli.session import CommandFault, session
from ledger.store.backup import dump as dump_database
from ledger.store.backup import restore as restore_database
from ledger.store.connections import Connections
from ledger.store.keys import check_keys, load_keys
from ledger.store.server import open_database
from migrations.run import known_pools
from migrations.run import migrate as run_migrations

app = typer.Typer(help="数据库", no_args_is_help=True)


@app.command()
def url(
    wait: Annotated[bool, typer.Option("--wait", help="保持数据库运行，直到 Ctrl-C")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="只读地址，供审计使用")] = False,
) -> None:
    """打印数据库地址（一行），供 psql 等工具使用。"""
    with session() as ledger:
        told = ledger.database.read_only_url if read_only else ledger.database.url
        if told is None:
            raise CommandFault("DATABASE_URL 指定的数据库由其管理员提供只读账号")
        # From the moment the address is told, Ctrl-C is the end that was asked for.
        with contextlib.suppress(KeyboardInterrupt) if wait else contextlib.nullcontext():
            sys.stdout.write(told + "\n")
            sys.stdout.flush()
            if wait:
                console.notice("数据库保持运行，按 Ctrl-C 结束")
                signal.signal(signal.SIGTERM, signal.default_int_handler)
                signal.pause()


@app.command()
def migrate() -> None:
    """把数据库结构更新到本版本。"""
    with open_database() as database:
        done = run_migrations(database.url, known_pools(database.url))
    console.answer("已更新：" + "、".join(done) if done else "数据库结构已是最新")


@app.command()
def dump(file: Annotated[Path, typer.Argument(help="备份文件")]) -> None:
    """备份数据库（用 database restore 恢复）。密钥另行保管，不要与备份放在一起。"""
    with session() as ledger:
        dump_database(ledger.database.url, file.absolute())
    console.answer(f"已备份到 {file}。恢复还需要密钥（PENSION_LEDGER_KEY 或密钥文件），请分开保管")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="备份文件", exists=True, dir_okay=False)]) -> None:
    """把备份恢复到一个空账簿；还需要备份时的密钥。"""
    with open_database() as database:
        if pools := known_pools(database.url):
            raise CommandFault(f"已有统筹区 {'、'.join(pools)}：备份只能恢复到空账簿（另设 PENSION_LEDGER_HOME）")
        keys = load_keys(database.home, make=False)
        restore_database(database.url, file.absolute())
        run_migrations(database.url, known_pools(database.url))
        with Connections(database.url) as connections:
            check_keys(connections, keys)
    console.answer(f"已从 {file} 恢复")
