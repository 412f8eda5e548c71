"""The command `pension-ledger`: its groups, and what every ending means.

Exit codes: 0 done · 1 error, nothing recorded · 2 done, rows refused · 3 a check found something · 64 wrong usage ·
75 busy, try again · 130 interrupted.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Any, Final

import psycopg
import typer
from eventsourcing.persistence import MapperDeserialisationError, PersistenceError
from psycopg_pool import PoolTimeout

from api.cli import console
from api.cli.session import CommandFault
from api.files.table_header import FileFault
from ledger.jobs.apart import ApartError
from ledger.refusals import Refused
from ledger.store.job_lock import BusyError
from ledger.store.keys import KeyFaultError
from ledger.store.recorder import MovedError
from ledger.store.server import ServerFault
from migrations.run import MigrationBusy, MigrationFault
from projections.folds import RebuildDue

ERROR: Final = 1
USAGE: Final = 64
UsageError: Final[Any] = typer.BadParameter.__mro__[1]
"""What typer raises for wrong usage, unknown commands included; it has no public name of its own there."""
BUSY: Final = 75
INTERRUPTED: Final = 130

_GROUPS: Final = {
    "pool": "pool",
    "import": "imports",
    "rules": "rules",
    "interest": "interest",
    "account": "account",
    "entry": "entry",
    "participant": "participant",
    "payer": "payer",
    "plan": "plan",
    "aid": "aid",
    "tax": "tax",
    "database": "database",
    "projections": "projections",
    "token": "token",
}
_COMMANDS: Final = {
    "serve": "serve",
    "balances": "reads",
    "statement": "reads",
    "events": "reads",
    "demo": "demo",
}
"""Each group and each command by the page it stands on. A page is read when its command is asked for: to read all of
them, and to build a parser for all of them, took a third of the time in which a command starts.
"""


@cache
def _command(asked: str, within: str) -> Any:
    """The commands: the one group or command that is asked for, or all of them where it is none.

    A large group gives the one command asked for `within` it in the same way.
    """
    app = typer.Typer(
        name="pension-ledger",
        help="城乡居民基本养老保险个人账户账簿",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    every = {**_GROUPS, **_COMMANDS}
    for name in [asked] if asked in every else every:
        page = import_module(f"api.cli.{every[name]}")
        if name in _GROUPS:
            app.add_typer(page.group(within if name == asked else "") if name == "tax" else page.app, name=name)
        else:
            app.command(name)(getattr(page, name))
    app.callback()(lambda: None)  # or a single command would stand without its name
    return typer.main.get_command(app)


def run(arguments: list[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        asked, within = (*given[:2], "", "")[:2]
        ended = _command(asked, within).main(given, prog_name="pension-ledger", standalone_mode=False)
    except UsageError as fault:
        fault.show()
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        ended = INTERRUPTED
    except MovedError:
        console.notice("忙：所涉账户正在变动，请稍后再试")
        return BUSY
    except (BusyError, MigrationBusy, PoolTimeout) as busy:
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
