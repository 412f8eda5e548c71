"""Which pools (统筹区) there are: the one table they share besides the key's check value."""

from __future__ import annotations

from typing import NamedTuple

from ledger.store.connections import Connections


class Pool(NamedTuple):
    """A pool: its code (6 digits), its name, the region whose rules it follows."""

    code: str
    name: str
    region: str


def find_pool(connections: Connections, code: str) -> Pool | None:
    """The pool of a code."""
    with connections.connection() as connection:
        row = connection.execute(
            "SELECT code, name, region FROM pension_shared.pool WHERE code = %s", (code,)
        ).fetchone()
    return Pool(*row) if row else None


def all_pools(connections: Connections) -> list[Pool]:
    """Every pool, by code."""
    with connections.connection() as connection:
        rows = connection.execute("SELECT code, name, region FROM pension_shared.pool ORDER BY code").fetchall()
    return [Pool(*row) for row in rows]


def add_pool(connections: Connections, pool: Pool) -> Pool:
    """Register a pool; gives what is registered under the code, which another may have done before."""
    with connections.connection() as connection:
        connection.execute(
            "INSERT INTO pension_shared.pool (code, name, region) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", pool
        )
    found = find_pool(connections, pool.code)
    assert found is not None
    return found
