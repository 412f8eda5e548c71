"""The command `pension-ledger`: its groups, and what every ending means.

Exit codes: 0 done · 1 error, nothing recorded · 2 done, rows refused · 3 a check found something · 64 wrong usage ·
75 busy, try again · 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import psycopg
import typer
from eventsourcing.persistence import MapperDeserialisationError, PersistenceError
from psycopg_pool import PoolTimeout

from api.cli import (
    account,
    console,
    database,
    entry,
    imports,
    interest,
    participant,
    pool,
    projections,
    reads,
    rules,
    serve,
    token,
)
from api.cli.demo import demo
from api.cli.session import CommandFault
from api.files.table_header import FileFault
from ledger.desk.coalesce import QueueFullError
from ledger.jobs.apart import ApartError
from ledger.refusals import Refused
from ledger.store.job_lock import BusyError
from ledger.store.keys import KeyFaultError
from ledger.store.server import ServerFault
from migrations.run import MigrationBusy, MigrationFault
from projections.folds import RebuildDue

ERROR: Final = 1
USAGE: Final = 64
UsageError: Final[Any] = typer.BadParameter.__mro__[1]
"""What typer raises for wrong usage, unknown commands included; it has no public name of its own there."""
BUSY: Final = 75
INTERRUPTED: Final = 130

app = typer.Typer(
    name="pension-ledger",
    help="城乡居民基本养老保险个人账户账簿",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(pool.app, name="pool")
app.add_typer(imports.app, name="import")
app.add_typer(rules.app, name="rules")
app.add_typer(interest.app, name="interest")
app.add_typer(account.app, name="account")
app.add_typer(entry.app, name="entry")
app.add_typer(participant.app, name="participant")
app.add_typer(database.app, name="database")
app.add_typer(projections.app, name="projections")
app.add_typer(token.app, name="token")
app.command("serve")(serve.serve)
app.command()(reads.balances)
app.command()(reads.statement)
app.command()(reads.events)
app.command()(demo)


def run(arguments: list[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    try:
        ended = typer.main.get_command(app).main(arguments, prog_name="pension-ledger", standalone_mode=False)
    except UsageError as fault:
        fault.show()
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        ended = INTERRUPTED
    except (BusyError, MigrationBusy, PoolTimeout, QueueFullError) as busy:
        console.notice(f"忙：{busy}")
        return BUSY
    except Refused as answer:
        console.notice(f"拒绝 {answer.refusal.reason}  {answer.refusal.text}")
        return ERROR
    except (CommandFault, FileFault, KeyFaultError, ServerFault, MigrationFault, RebuildDue) as fault:
        console.notice(f"错误：{fault}")
        return ERROR
    except (psycopg.OperationalError, PersistenceError) as fault:
        console.notice(f"数据库错误：{str(fault).strip()}")
        console.notice("已提交的部分完整保留，其余未记账；数据库恢复后再次运行即可续办")
        return ERROR
    except ApartError as fault:
        console.notice(f"辅助进程中断：{fault}")
        console.notice("已提交的部分完整保留，其余未记账；再次运行即可续办")
        return ERROR
    except (psycopg.Error, MapperDeserialisationError) as fault:
        console.notice(f"账簿内容无法读取：{str(fault).strip()}")
        console.notice("请运行 pension-ledger projections verify 找出有问题的记录")
        return ERROR
    except OSError as fault:
        console.notice(f"文件错误：{fault.strerror}（{fault.filename or ''}）")
        return ERROR
    if ended == INTERRUPTED:  # typer turns Ctrl-C into this code itself, and says nothing
        console.notice("已中断：已记账的部分完整保留，再次运行即可续办")
    return ended if isinstance(ended, int) else 0


def main() -> None:
    """The console script."""
    ended = run()
    sys.stdout.flush()
    sys.exit(ended)
