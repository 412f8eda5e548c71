"""Dumps of the whole database, and bringing one back into an empty one.

Names and numbers in a dump are sealed; the key is not in it and is kept apart. The bundled PostgreSQL programs speak no
TLS; a URL that demands it needs them on the PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.store.server import ServerFault, bin_dir

__all__ = ["dump", "restore"]


def dump(database_url: str, target: Path) -> None:
    """Write a whole dump (`pg_dump -Fc`, for `restore`) to `target`, which appears only when complete, mode 0600.

    Raises `ServerFault`, which quotes pg_dump.
    """
    command, environment = _program("pg_dump", database_url)
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            command = [*command, "--format=custom"]
            done = subprocess.run(command, env=environment, stdout=file, stderr=subprocess.PIPE, check=False)
            if done.returncode != 0:
                raise ServerFault(f"备份没有完成：{done.stderr.decode('utf-8', 'replace').strip()}")
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise ServerFault(f"备份没有完成：{error.strerror}（{error.filename or target}）") from error
    finally:
        part.unlink(missing_ok=True)


def restore(database_url: str, source: Path) -> None:
    """Bring a dump back in one transaction; what it holds takes the place of the tables of an empty ledger.

    Raises `ServerFault`, which quotes pg_restore; nothing is changed then.
    """
    command, environment = _program("pg_restore", database_url)
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", str(source)]
    done = subprocess.run([*command, *options], env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise ServerFault(f"恢复没有完成，数据库未改变：{done.stderr.decode('utf-8', 'replace').strip()}")


def _program(name: str, database_url: str) -> tuple[list[str], dict[str, str]]:
    """The program and its connection; the password goes by the environment, for arguments can be read by others."""
    parameters = conninfo_to_dict(database_url)
    program: str | None = str(bin_dir() / name)
    if parameters.get("sslmode") in ("require", "verify-ca", "verify-full"):
        program = shutil.which(name)
    if program is None:
        raise ServerFault(f"数据库要求 TLS 连接，而内置的 {name} 不支持：请安装与服务器同版本的 PostgreSQL 客户端。")
    password = parameters.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    return [program, "--no-password", f"--dbname={make_conninfo('', **parameters)}"], environment
