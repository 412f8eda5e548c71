"""Reconciled months: made anew they are the same to the byte, and each way to spoil them is found and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger.store.connections import Connections
from ledger.store.log import PoolLog
from ledger.store.server import EmbeddedServer
from projections.rebuild import rebuild
from projections.reconciliation import months_due
from projections.reconciliation_proof import fold_faults, view_faults
from projections.reconciliation_sink import COLUMNS
from projections.verify import register_check, verify
from tests.api.cli.desk import Desk
from tests.projections.office import APRIL, OF_BOTH, ONE, change, reconciled, stored
from tests.properties.tax_office import Office


@pytest.fixture(scope="module")
def office(server: EmbeddedServer, connections: Connections, tmp_path_factory: pytest.TempPathFactory) -> Office:
    made = reconciled(server, connections, tmp_path_factory.mktemp("office"), "v")
    assert verify(made.desk.log, register_check(made.desk.register)) == []
    return made


@pytest.fixture
def desk(office: Office) -> Iterator[Desk]:
    """The desk, as it was again after each test."""
    before = stored(office.desk)
    yield office.desk
    rebuild(office.desk.log, "reconciliation", register=office.desk.register)
    assert stored(office.desk) == before


def folded_again(desk: Desk) -> tuple[list[tuple[str, str]], list[str]]:
    """What folding again finds: kind and month; and the notes."""
    notes: list[str] = []
    return [(one.kind, one.where["month"]) for one in fold_faults(desk.register, notes.append)], notes


def seen(desk: Desk) -> set[str]:
    """What is found without the key."""
    return {one.kind for one in view_faults(desk.log)}


OF_PERSON = "category = 'PERSON'"
CHANGES = {
    "comparison": ("'tax_treasury'", OF_BOTH, "reconciliation_totals"),
    "category": ("'PERIOD'", OF_BOTH, None),
    "fen": ("fen + 1", OF_BOTH, "reconciliation_totals"),
    "rows": ("rows + 1", OF_BOTH, "reconciliation_totals"),
    "participant_id": ("gen_random_uuid()", OF_BOTH, "reconciliation_participant"),
    "tax_file": ("tax_file + 1000", OF_BOTH, "reconciliation_record"),
    "tax_line": ("tax_line + 1000", OF_BOTH, "reconciliation_record"),
    "agency_file": ("agency_file + 1000", OF_BOTH, "reconciliation_record"),
    "agency_line": ("agency_line + 1000", OF_BOTH, "reconciliation_record"),
    "proposal": ("gen_random_uuid()", "proposal IS NOT NULL", "reconciliation_participant"),
    "cleared": ("cleared || '已了'", OF_BOTH, None),
    "cleared_in": ("'2025-04-01'", OF_BOTH, None),
    "detail": ("jsonb_set(detail, '{tax,fen}', '1')", OF_BOTH, "reconciliation_record"),
}
"""Each column: another value, of which difference, and what is seen of it without the key."""


@pytest.mark.parametrize("column", CHANGES)
def test_every_changed_column_of_a_difference_is_found(desk: Desk, column: str) -> None:
    value, of, plain = CHANGES[column]
    value = value.replace("'{tax,fen}'", "ARRAY['tax', 'fen']")
    change(desk, f"UPDATE {{reconciliation_difference_v1}} SET {column} = {value}{ONE % of}")
    assert folded_again(desk) == ([("reconciliation_changed", "2025-03-01")], [])
    assert seen(desk) == ({plain} if plain else set())


def test_the_columns_are_all_that_a_difference_has(office: Office) -> None:
    assert set(CHANGES) == set(COLUMNS) - {"month", "difference_id"}


def test_a_difference_that_is_gone_or_invented_is_found(desk: Desk) -> None:
    change(desk, f"DELETE FROM {{reconciliation_difference_v1}}{ONE % OF_BOTH}")
    assert folded_again(desk) == ([("reconciliation_missing", "2025-03-01")], [])
    assert seen(desk) == {"reconciliation_totals"}
    rebuild(desk.log, "reconciliation", register=desk.register)
    made_up = ", ".join("gen_random_uuid()" if one == "difference_id" else one for one in COLUMNS)
    refund = " WHERE month = '2025-03-01' AND comparison = 'refund'"
    change(
        desk,
        f"INSERT INTO {{reconciliation_difference_v1}} SELECT {made_up} FROM {{reconciliation_difference_v1}}{refund}",
    )
    assert folded_again(desk) == ([("reconciliation_stray", "2025-03-01")], [])
    assert seen(desk) == set()
    rebuild(desk.log, "reconciliation", register=desk.register)
    made_up = ", ".join("date '2019-05-01'" if one == "month" else one for one in COLUMNS)
    change(
        desk,
        f"INSERT INTO {{reconciliation_difference_v1}} SELECT {made_up} FROM {{reconciliation_difference_v1}}{refund}",
    )
    assert seen(desk) == {"reconciliation_stray"}


def test_changed_figures_of_a_month_are_found(desk: Desk) -> None:
    other = "UPDATE {reconciliation_month_v1} SET "
    march = " WHERE month = '2025-03-01'"
    for path, plain in (
        ("tax,fen", {"reconciliation_totals"}),
        ("matched", set()),
        ("unreadable", set()),
        ("days,0,ledger,fen", set()),
        ("items,0,tax,fen", {"reconciliation_totals"}),
    ):
        change(desk, f"{other}totals = jsonb_set(totals, string_to_array(%s, ','), '77'){march}", path)
        assert folded_again(desk) == ([("reconciliation_totals", "2025-03-01")], []), path
        assert seen(desk) == plain, path
        rebuild(desk.log, "reconciliation", register=desk.register)
    change(desk, f"{other}totals = '[]'{march}")
    assert seen(desk) == {"reconciliation_totals"}
    rebuild(desk.log, "reconciliation", register=desk.register)
    for column in ("rows_through", "rows_all", "position"):
        change(desk, f"{other}{column} = {column} + 1000{march}")
        assert seen(desk) == {"reconciliation_ahead"}


def test_verify_names_them_once_each(desk: Desk) -> None:
    change(desk, f"UPDATE {{reconciliation_difference_v1}} SET fen = fen + 1{ONE % OF_BOTH}")
    found = verify(desk.log, register_check(desk.register))
    assert {one.kind for one in found} == {"reconciliation_totals", "reconciliation_changed"}
    ended = desk.ledger("projections", "verify", "--pool", desk.code)
    assert (ended.code, "reconciliation_changed  2025-03" in ended.out) == (3, True)


def test_a_month_behind_its_records_is_told_and_is_no_fault(office: Office) -> None:
    """Money at a counter, in April: March stands, and is held against its fold all the same."""
    desk = office.desk
    who = office.files[0].rows[0]["公民身份号码"]
    account = desk.register.account_of(who)
    said = ("--pool", desk.code, "--account", account, "--kind", "contribution", "--period", "2025")
    desk.prepare("entry", "record", *said, "--amount", "1.00", "--on", "2025-04-07", "--actor", "甲")
    assert months_due(desk.log, APRIL) == [APRIL]
    found, notes = folded_again(desk)
    assert (found, [one[:7] for one in notes]) == ([], ["2025-04"])
    status = desk.inside("projections", "status", "--pool", desk.code, "--json").json["reconciliation"]
    assert status == {"fold_version": 1, "months": 3, "due": ["2025-04"], "rebuild_due": False}
    office.reconcile(APRIL)
    assert folded_again(desk) == ([], [])


def test_after_a_change_of_name_whom_a_payment_may_mean_is_not_held_against_the_fold(office: Office) -> None:
    desk = office.desk
    person = next(one for one in desk.query("SELECT participant_id FROM {participant} ORDER BY 1"))[0]
    number = desk.register.numbers([person])[person]
    said = ("--citizen", number, "--name", "新名", "--document", "更名1", "--actor", "甲", "--reviewer", "乙")
    desk.prepare("participant", "rename", "--pool", desk.code, *said)
    change(desk, f"UPDATE {{reconciliation_difference_v1}} SET proposal = NULL{ONE % 'proposal IS NOT NULL'}")
    found, notes = folded_again(desk)
    assert (found, ["更名" in one for one in notes]) == ([], [True])
    change(desk, f"UPDATE {{reconciliation_difference_v1}} SET category = 'TAX_ONLY'{ONE % OF_PERSON}")
    assert folded_again(desk)[0] == [("reconciliation_changed", "2025-03-01")]
    rebuild(desk.log, "reconciliation", register=desk.register)
    assert folded_again(desk) == ([], [])


def test_an_auditor_who_may_only_read_is_told_what_was_left_out(
    desk: Desk, server: EmbeddedServer, tmp_path: Path
) -> None:
    change(desk, f"UPDATE {{reconciliation_difference_v1}} SET fen = fen + 1, cleared = '已了'{ONE % OF_BOTH}")
    before = stored(desk)
    ended = desk.ledger("projections", "verify", "--pool", desk.code, env={"DATABASE_URL": server.read_only_url})
    assert (ended.code, "reconciliation_totals" in ended.out, "reconciliation_changed" in ended.out) == (3, True, False)
    assert "不能建临时表" in ended.err
    elsewhere = {"DATABASE_URL": server.read_only_url, "PENSION_LEDGER_HOME": str(tmp_path)}
    ended = desk.ledger("projections", "verify", "--pool", desk.code, env=elsewhere)
    assert (ended.code, "reconciliation_totals" in ended.out, "没有密钥" in ended.err) == (3, True, True)
    with Connections(server.read_only_url) as connections:
        with pytest.raises(psycopg.Error), connections.connection() as connection:
            connection.execute("CREATE TEMP TABLE aside (a int)")
        log = PoolLog(connections, desk.code)
        assert {one.kind for one in view_faults(log)} == {"reconciliation_totals"}
    assert stored(desk) == before
