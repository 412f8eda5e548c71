"""A command and the schemas: what it works on is brought to head, or told with its remedy; no other is asked about."""

from __future__ import annotations

import pytest
from psycopg.sql import SQL, Identifier

from ledger.store.connections import Connections
from migrations.run import behind
from tests.api.cli.desk import Desk


@pytest.fixture
def forgotten(open_desk, connections: Connections):
    """Two pools, gone at the end, and how to have a schema forget what it had."""

    def forget(*desks: Desk) -> None:
        for desk in desks:
            with connections.transaction() as connection:
                for table in ("migration_file", "alembic_version"):
                    connection.execute(SQL("DELETE FROM {}").format(Identifier(f"pool_{desk.code}", table)))

    made = open_desk(), open_desk()
    yield made, forget
    with connections.transaction() as connection:  # or whoever asks about every pool would stumble over them
        for desk in made:
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(f"pool_{desk.code}")))
            connection.execute("DELETE FROM pension_shared.pool WHERE code = %s", (desk.code,))


def test_another_database_s_pool_that_is_behind_is_named_and_no_other(forgotten, connections):
    (one, other), forget = forgotten
    forget(other)
    url = {"DATABASE_URL": connections.url}
    shown = ("rules", "show", "--pool")
    assert one.ledger(*shown, one.code, env=url).code == 0
    ended = one.ledger(*shown, other.code, env=url)
    assert (ended.code, ended.out, other.code in ended.err) == (1, "", True)
    assert "database migrate" in ended.err
    assert one.code not in ended.err
    assert behind(connections.url, [one.code, other.code]) == [f"pool_{other.code}"]


def test_the_pool_of_a_command_is_asked_about_and_no_other(forgotten, monkeypatch):
    """The embedded database's schema is brought to head by the command that asks for it."""
    (one, other), forget = forgotten
    forget(other)
    asked = []
    monkeypatch.setattr("api.cli.session.migrate", lambda _url, pools, *, shared: asked.append((*pools, shared)))
    assert one.inside("balances", "--pool", one.code).code == 0
    assert asked == []
    one.inside("balances", "--pool", other.code)
    assert asked == [(other.code, False)]


def test_a_database_that_is_not_there_is_told_at_once(desk):
    ended = desk.ledger("pool", "list", env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"})
    assert (ended.code, "数据库错误" in ended.err) == (1, True)
