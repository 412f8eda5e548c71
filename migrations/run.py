"""The run that brings schemas to head, and the questions asked before it.

`pool/` holds the tables of one pool, applied to each schema `pool_<code>`; `shared/` holds what pools share, applied to
`pension_shared`. A file is `NNNN_words.sql`, numbered from 0001 without a gap; `{schema}` in it stands for the quoted
name of the schema. It is applied whole, in one transaction with its version and its sha256 (of a schema that is made
anew, all files in one), and never changes again.

Any number of processes may migrate at once: each schema has an advisory lock, polled (a wait inside
`pg_advisory_lock` deadlocks with the holder's CREATE INDEX CONCURRENTLY), which ends with its holder's session.

Raises `MigrationFault` (text in Chinese), `MigrationBusy` when another process held a schema for a minute; psycopg's
`OperationalError` when there is no connection.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, cast

import psycopg
from psycopg import sql

__all__ = ["MigrationBusy", "MigrationFault", "behind", "behind_on", "head", "known_pools", "migrate", "schema_of"]

Kind = Literal["pool", "shared"]

SHARED: Final = "pension_shared"
HERE: Final = Path(__file__).resolve().parent
_FILE: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_POOL: Final = re.compile(r"[0-9]{6}|[a-z][a-z0-9]{0,30}")
_LOCK_SECONDS_MAX: Final = 60.0
_LOCK_POLL_SECONDS: Final = 0.1
_SCHEMAS_PER_QUERY: Final = 200
_TAKE: Final = "SELECT pg_try_advisory_lock(hashtextextended('pension-ledger migration ' || %s, 0))"
_GIVE: Final = "SELECT pg_advisory_unlock(hashtextextended('pension-ledger migration ' || %s, 0))"


class MigrationFault(Exception):  # noqa: N818 (a fault of the installation; errors are the user's)
    """The schemas and the program do not fit together; the text is for the user, in Chinese."""


class MigrationBusy(MigrationFault):
    """Another process has been migrating the same schema for too long; try again."""


@dataclass(frozen=True)
class MigrationFile:
    """One file: its name, its text, and the digest of its bytes."""

    name: str
    text: str
    sha256: bytes

    @property
    def revision(self) -> str:
        """Its number as text, which is alembic's version."""
        return self.name[:4]


class _Applied(NamedTuple):
    versions: list[str]
    files: list[tuple[str, str]]


def schema_of(pool: str) -> str:
    """The schema of a pool: six digits, or a lower-case letter followed by at most 30 letters and digits."""
    if not _POOL.fullmatch(pool):
        raise MigrationFault(f"统筹区代码不正确：{pool!r}。应为 6 位数字，或以小写字母开头的小写字母和数字。")
    return f"pool_{pool}"


def files_of(kind: Kind, folder: Path = HERE) -> list[MigrationFile]:
    """The files of one kind in order; a gap, a double or an odd name is a fault of the installation."""
    files: list[MigrationFile] = []
    for path in sorted((folder / kind).glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None or int(match[1]) != len(files) + 1:
            raise MigrationFault(f"数据库升级文件编号不连续或命名不正确：{path.name}。请重新安装本软件。")
        content = path.read_bytes()
        files.append(MigrationFile(path.name, content.decode("utf-8"), hashlib.sha256(content).digest()))
    if not files:
        raise MigrationFault(f"缺少数据库升级文件：{folder / kind}。请重新安装本软件。")
    return files


def head(kind: Kind, *, folder: Path = HERE) -> str:
    """The version that a schema of this kind should have."""
    return files_of(kind, folder)[-1].revision


def known_pools(url: str) -> list[str]:
    """The codes of the pools that have a schema, sorted."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            r"SELECT substr(nspname, 6) FROM pg_namespace WHERE nspname LIKE 'pool\_%'"
        ).fetchall()
    return sorted(code for (code,) in rows if _POOL.fullmatch(code))


def behind(url: str, pools: Sequence[str], *, shared: bool = True, folder: Path = HERE) -> list[str]:
    """The schemas that are not at head, in the order asked; `pension_shared` comes first."""
    plan = _plan(pools, shared, folder)
    with psycopg.connect(url, autocommit=True) as connection:
        return _waiting(connection, plan)


def behind_on(connection: psycopg.Connection[Any], pools: Sequence[str], *, shared: bool = True) -> list[str]:
    """The same over a connection that is open."""
    return _waiting(connection, _plan(pools, shared, HERE))


def _waiting(connection: psycopg.Connection[Any], plan: dict[str, list[MigrationFile]]) -> list[str]:
    applied = _applied(connection, list(plan))
    return [schema for schema, files in plan.items() if _count(schema, files, applied[schema]) < len(files)]


def migrate(url: str, pools: Sequence[str], *, shared: bool = True, folder: Path = HERE) -> list[str]:
    """Bring `pension_shared` and the pools' schemas to head, making those that are missing; the names of those changed.

    Schemas at head cost one query together. A schema's files that went through stay when a later one fails; of a schema
    that is made anew, nothing does.
    """
    waiting = behind(url, pools, shared=shared, folder=folder)
    if not waiting:
        return []
    from migrations import env

    plan = _plan(pools, shared, folder)
    changed = []
    with env.connection_to(url) as connection:
        driver = env.driver_of(connection)
        for schema in waiting:
            with _locked(driver, schema):
                files = plan[schema]
                count = _count(schema, files, _applied(driver, [schema])[schema])
                if count == len(files):
                    continue  # another process was here first
                _create(driver, schema)
                driver.commit()
                begun: list[str] = []
                try:
                    env.upgrade(connection, schema, files, count, begun)
                except psycopg.Error as error:
                    connection.rollback()
                    undone = "该文件" if count else "该结构的全部文件"
                    raise _fault_of(driver, schema, begun, undone, error) from error
                changed.append(schema)
    return changed


def _plan(pools: Sequence[str], shared: bool, folder: Path) -> dict[str, list[MigrationFile]]:
    plan = {SHARED: files_of("shared", folder)} if shared else {}
    if pools:
        files = files_of("pool", folder)
        plan.update((schema_of(pool), files) for pool in pools)
    return plan


def _applied(connection: psycopg.Connection[Any], schemas: list[str]) -> dict[str, _Applied]:
    """What each schema has had: one query finds those with a version table, one reads them all (200 at a time)."""
    found = dict.fromkeys(schemas, _Applied([], []))
    rows = connection.execute(
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relname = 'migration_file' AND n.nspname = ANY(%s)",
        (schemas,),
    ).fetchall()
    present = [name for (name,) in rows]
    question = sql.SQL(
        "SELECT {name}, (SELECT array_agg(version_num) FROM {schema}.alembic_version),"
        " (SELECT array_agg(name || ' ' || encode(sha256, 'hex') ORDER BY name) FROM {schema}.migration_file)"
    )
    for start in range(0, len(present), _SCHEMAS_PER_QUERY):
        questions = [
            question.format(name=sql.Literal(name), schema=sql.Identifier(name))
            for name in present[start : start + _SCHEMAS_PER_QUERY]
        ]
        for name, versions, files in connection.execute(sql.SQL(" UNION ALL ").join(questions), prepare=False):
            pairs = [tuple(file.split(" ")) for file in files or []]
            found[name] = _Applied(list(versions or []), cast("list[tuple[str, str]]", pairs))
    return found


def _count(schema: str, files: Sequence[MigrationFile], applied: _Applied) -> int:
    """How many of the files the schema has had; an edited, unknown or missing one is a fault."""
    for (name, digest), file in zip(applied.files, files, strict=False):
        if name != file.name or digest != file.sha256.hex():
            raise MigrationFault(
                f"{schema} 已应用的升级文件 {name} 与程序中的 {file.name} 不一致：已应用的文件不能修改，"
                "请恢复原文件，改动写入新的编号。"
            )
    newest = applied.files[-1][0] if applied.files else ""
    if len(applied.files) > len(files):
        raise MigrationFault(f"{schema} 的版本（{newest}）比程序新（{files[-1].name}）：请升级本软件后再使用。")
    if applied.versions != ([newest[:4]] if newest else []):
        raise MigrationFault(f"{schema} 的版本记录 {applied.versions} 与已应用的文件（{newest}）不符：请从备份恢复。")
    return len(applied.files)


@contextmanager
def _locked(driver: psycopg.Connection[Any], schema: str) -> Iterator[None]:
    """Hold the schema's advisory lock, which belongs to the session: the server frees it when we are killed."""
    driver.execute("SET client_connection_check_interval = '1s'")
    deadline = time.monotonic() + _LOCK_SECONDS_MAX
    while driver.execute(_TAKE, (schema,)).fetchall() != [(True,)]:
        driver.commit()
        if time.monotonic() > deadline:
            raise MigrationBusy(f"另一个进程正在升级 {schema}，已等待 {_LOCK_SECONDS_MAX:.0f} 秒：请稍后再试。")
        time.sleep(_LOCK_POLL_SECONDS)
    driver.commit()
    try:
        yield
    finally:
        if not driver.closed:
            driver.rollback()
            driver.execute(_GIVE, (schema,))
            driver.commit()


def _create(driver: psycopg.Connection[Any], schema: str) -> None:
    """Make the schema when it is missing; asked first, as a role that owns it need not be allowed to create any."""
    if driver.execute("SELECT FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone() is None:
        try:
            driver.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise MigrationFault(
                f"不能建立 {schema}：数据库用户没有建立模式的权限。请由管理员建立它并归此用户所有。"
            ) from error


def _fault_of(
    driver: psycopg.Connection[Any], schema: str, begun: Sequence[str], undone: str, error: psycopg.Error
) -> MigrationFault:
    if driver.closed:
        return MigrationFault(f"升级 {schema} 时与数据库的连接中断：{error}")
    if not begun:
        return MigrationFault(f"升级 {schema} 未能开始：{error}")
    return MigrationFault(f"升级 {schema} 时文件 {begun[-1]} 执行失败，已撤销{undone}：{error}")
