"""Reconciled months made anew: the same to the byte, whoever made them before, and whoever reads or folds meanwhile."""

from __future__ import annotations

import threading
from datetime import date

import pytest

from ledger.store.connections import Connections
from ledger.store.server import EmbeddedServer
from projections.folds import RebuildDue
from projections.rebuild import rebuild
from projections.reconciliation import months_due, reconcile
from projections.verify import verify
from tests.api.cli.desk import Desk
from tests.projections.office import APRIL, FEBRUARY, MARCH, OF_BOTH, ONE, change, reconciled, stored


@pytest.fixture(scope="module")
def desk(server: EmbeddedServer, connections: Connections, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return reconciled(server, connections, tmp_path_factory.mktemp("office"), "w").desk


def test_folds_and_rebuilds_at_once_wait_for_each_other(desk: Desk) -> None:
    before = stored(desk)
    faults: list[BaseException] = []

    def fold() -> None:
        try:
            reconcile(desk.log, desk.register, APRIL)
            rebuild(desk.log, "reconciliation", register=desk.register)
        except BaseException as fault:
            faults.append(fault)

    with desk.log.connections.connection() as connection:
        connection.execute(desk.log.sql("UPDATE {reconciliation_month_v1} SET rows_through = 0"))
    threads = [threading.Thread(target=fold) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (faults, stored(desk)) == ([], before)


def test_a_rebuild_makes_what_was_reconciled_and_nothing_else(desk: Desk) -> None:
    """By itself or with the others; also where another version of the fold made it, whose tables go."""
    before = stored(desk)
    assert [one[0] for one in before[1]] == [FEBRUARY, MARCH, APRIL]
    change(desk, f"DELETE FROM {{reconciliation_difference_v1}}{ONE % OF_BOTH}")
    ended = desk.ledger("projections", "rebuild", "--pool", desk.code, "--name", "reconciliation")
    assert (ended.code, stored(desk)) == (0, before)
    with desk.log.connections.connection() as connection:
        connection.execute(desk.log.sql("DELETE FROM {reconciliation_month_v1}"))
        schema = desk.log.schema
        connection.execute(f'CREATE TABLE "{schema}".reconciliation_month_v0 (month date)')
        connection.execute(f'CREATE TABLE "{schema}".reconciliation_difference_v0 (month date)')
        for month in (FEBRUARY, MARCH, APRIL):
            connection.execute(f'INSERT INTO "{schema}".reconciliation_month_v0 VALUES (%s)', (month,))
        connection.execute(f"UPDATE \"{schema}\".projection SET fold_version = 0 WHERE name = 'reconciliation'")
    with pytest.raises(RebuildDue):
        months_due(desk.log, MARCH)
    assert "reconciliation：第 0 版" in (told := desk.inside("projections", "status", "--pool", desk.code).out)
    assert "需要重建" in told
    assert desk.inside("tax", "reconcile", "--pool", desk.code, "--month", "2025-03").code == 1
    assert "rebuild_due" in {one.kind for one in verify(desk.log)}
    assert desk.inside("projections", "rebuild", "--pool", desk.code).code == 0
    assert stored(desk) == before
    assert desk.query("SELECT relname FROM pg_class WHERE relname LIKE 'reconciliation%%v0' AND relnamespace ="
                      " %s::regnamespace", schema) == []  # fmt: skip


def test_without_the_key_the_view_stays_and_is_said_to(desk: Desk) -> None:
    before = stored(desk)
    assert rebuild(desk.log) == desk.position()
    assert stored(desk) == before
    with pytest.raises(LookupError, match="密钥"):
        rebuild(desk.log, "reconciliation")
    assert before[1][0][0] == date(2025, 2, 1)
