"""Alembic's environment, made from plain .sql files: each file is one revision, sent whole.

Alembic keeps the version of a schema in its `alembic_version` and runs the transactions; the revisions are built here
in memory, so nobody writes a Python script per file and no statement is ever split. Imported only when a schema is
behind: SQLAlchemy and alembic take longer to import than the check takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import psycopg
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script.base import Script
from alembic.script.revision import RevisionMap
from psycopg import sql
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from migrations.run import MigrationFile

_FILE_TABLE = """
CREATE TABLE IF NOT EXISTS {schema}.migration_file
    (name text PRIMARY KEY, sha256 bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
"""


def connection_to(url: str) -> Connection:
    """An SQLAlchemy connection over psycopg that keeps every parameter of the URL (socket folder, sslmode)."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    return engine.connect()


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection inside."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def upgrade(
    connection: Connection, schema: str, files: Sequence[MigrationFile], applied: int, begun: list[str]
) -> None:
    """Run the files after the first `applied` ones on a schema, one transaction each; psycopg's errors pass through.

    A schema that is made anew is made in one transaction: it is there whole or not at all, in two thirds of the time.
    `begun` gets the name of each file when its turn comes.
    """
    revisions = _revisions(connection, schema, files, begun)

    def steps(_heads: Any, _context: MigrationContext) -> Iterable[RevisionStep]:
        return [RevisionStep(revisions, script, is_upgrade=True) for script in _scripts(revisions, files[applied:])]

    context = MigrationContext.configure(
        connection=connection,
        opts={"fn": steps, "version_table_schema": schema, "transaction_per_migration": applied > 0},
    )
    try:
        context.run_migrations()
    except DBAPIError as error:  # alembic's own statements; ours come as psycopg's errors
        if isinstance(error.orig, psycopg.Error):
            raise error.orig from error
        raise
    connection.commit()


def _scripts(revisions: RevisionMap, files: Iterable[MigrationFile]) -> list[Script]:
    return [cast("Script", revisions.get_revision(file.revision)) for file in files]


def _revisions(connection: Connection, schema: str, files: Sequence[MigrationFile], begun: list[str]) -> RevisionMap:
    scripts: list[Script] = []
    for file in files:
        module = ModuleType(file.name)
        module.__doc__ = file.name
        vars(module).update(
            revision=file.revision,
            down_revision=scripts[-1].revision if scripts else None,
            upgrade=lambda file=file: _apply(driver_of(connection), schema, file, begun),
        )
        scripts.append(Script(module, file.revision, file.name))
    return RevisionMap(lambda: scripts)


def _apply(driver: psycopg.Connection[Any], schema: str, file: MigrationFile, begun: list[str]) -> None:
    """Send one file whole, in the open transaction, and note its digest beside it."""
    begun.append(file.name)
    quoted = sql.Identifier(schema)
    driver.execute(file.text.replace("{schema}", quoted.as_string(driver)).encode(), prepare=False)
    driver.execute(sql.SQL(_FILE_TABLE).format(schema=quoted))
    driver.execute(
        sql.SQL("INSERT INTO {}.migration_file (name, sha256) VALUES (%s, %s)").format(quoted), (file.name, file.sha256)
    )
