"""Verify by damage to the received rows: each column, each way to change it, and the very row named."""

from __future__ import annotations

import pytest

from projections import exchange_proof
from projections.evidence import Finding
from projections.exchange_proof import exchange_faults, record_faults
from projections.runner import catch_up
from projections.verify import register_check, verify
from tests.api.cli.desk import Desk, person
from tests.api.cli.village import PAYER

ANNA, BELA, STRANGER = person(601, "欧阳安"), person(602, "司徒贝"), person(603, "令狐无名")
CANCELLED = {"数据类型": "撤销"}


@pytest.fixture(scope="module")
def kept(open_desk) -> Desk:
    """Rows of every ending: recorded, there already, refused with and without figures, waiting, settled."""
    desk = open_desk()
    desk.enrol(ANNA, BELA)
    desk.set("cap", 2023, "1000")
    early = [desk.payment(BELA, "L1", 传输批次号="B0", **CANCELLED), desk.payment(BELA, "L2", **CANCELLED)]
    rows = [
        desk.payment(ANNA, "K1", "100.00", 应收核定编号="Y1", 社保经办机构编号="J1"),
        desk.payment(ANNA, "K2", 征收品目="社会资助", 来源单位=PAYER),
        desk.payment(ANNA, "K3", "250.00", on="2023-06-01"),
        desk.payment(ANNA, "K3", "250.00", on="2023-06-01", 传输批次号="B2", **CANCELLED),
        desk.payment(STRANGER, "K4"),
        desk.payment(STRANGER, "K5", 公民身份号码="?"),
        desk.payment(BELA, "K6", "x"),
        desk.payment(BELA, "L1"),
        desk.payment(BELA, "K7", 征收品目="政府补贴", 缴费类型="", 上解日期="", 补贴级次="省级", 拨付文号="拨1号"),
    ]
    for name, one in (("early.csv", early), ("rows.csv", rows), ("again.csv", [rows[0], rows[4]])):
        assert desk.import_("payments", desk.payments(one, name), inside=True).code == 2
    catch_up(desk.log)
    assert found(desk) == []
    ended = desk.query("SELECT ended, count(*) FROM {exchange_record} GROUP BY 1 ORDER BY 1")
    assert ended == [(1, 6), (2, 1), (3, 4), (4, 2)]
    return desk


def found(desk: Desk) -> list[Finding]:
    return verify(desk.log, register_check(desk.register))


def damaged(desk: Desk, statement: str) -> tuple[list[Finding], list[Finding]]:
    """What is found without the key and with it, while something is changed; it is put back afterwards."""
    with desk.log.connections.connection() as connection, connection.transaction(force_rollback=True):
        log = desk.log.on(connection)
        assert connection.execute(log.sql(statement)).rowcount >= 1
        return list(exchange_faults(log)), list(record_faults(desk.register.on(log)))


COLUMNS = {
    "line": "line + 100", "data_type": "3 - data_type", "kind": "(kind + 1) % 5", "payment_type": "payment_type + 1",
    "period": "period - 1", "paid_on": "coalesce(paid_on, treasury_on) - 1", "treasury_on": "treasury_on - 1",
    "fen": "fen + 1", "serial": "serial || 'x'", "voucher": "voucher || 'x'", "approval": "approval || 'x'",
    "batch": "batch || 'x'",
    "payer": "payer || 'x'", "agency": "agency || 'x'", "level": "level || 'x'", "document": "document || 'x'",
    "sealed": "sealed || 'x'", "row_hash": "sha256(row_hash)", "participant_id": "gen_random_uuid()",
    "digest": "sha256('x')",
}  # fmt: skip
NOT_LOOKED_AT = {"file_id", "ended", "reason"}
ROWS = ("K1", "K4", "K7")


@pytest.mark.parametrize("serial", ROWS)
def test_every_changed_column_of_a_row_is_found_with_the_key(kept, serial):
    """Of a recorded row, of one of nobody known, and of a subsidy."""
    columns = {name for (name,) in kept.query("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND"
               " attnum > 0", f"{kept.log.schema}.exchange_record")}  # fmt: skip
    assert columns == COLUMNS.keys() | NOT_LOOKED_AT
    for column, other in COLUMNS.items():
        where = f"serial = '{serial}' AND file_id = (SELECT min(file_id) + 1 FROM {{exchange_file}})"
        _, keyed = damaged(kept, f"UPDATE {{exchange_record}} SET {column} = {other} WHERE {where}")
        assert {one.kind for one in keyed} == {"record_changed"}, column
        assert len(keyed) == 1, column


RECORD = "UPDATE {exchange_record} SET "
OTHER_FEN = (
    "UPDATE {ledger_events} SET state = convert_to(replace(convert_from(state, 'UTF8'), '10000', '10001'), 'UTF8')"
    " WHERE topic = 'account.contribution_recorded'"
)
WITHOUT_THE_KEY = (
    *((RECORD + f"{column} = {COLUMNS[column]} WHERE serial = 'K1' AND ended = 1", "record_and_log")
      for column in ("kind", "payment_type", "period", "paid_on", "treasury_on", "fen", "serial", "voucher", "payer")),
    *((RECORD + f"{column} = {COLUMNS[column]} WHERE serial = 'K3' AND data_type = 2", "record_and_log")
      for column in ("line", "kind", "period", "fen", "serial")),
    (RECORD + "participant_id = gen_random_uuid() WHERE serial = 'K1' AND ended = 1", "record_and_log"),
    (RECORD + "ended = 1, reason = '' WHERE serial = 'K4'", "record_and_log"),
    (RECORD + "ended = 2 WHERE serial = 'K1'", "record_ended"),
    (RECORD + "ended = 2, reason = '' WHERE serial = 'K4'", "record_ended"),
    (RECORD + "ended = 0 WHERE serial = 'K5'", "record_ended"),
    (RECORD + "ended = 4 WHERE serial = 'K5'", "record_ended"),
    (RECORD + "reason = 'KIND' WHERE serial = 'K2'", "record_and_log"),
    (RECORD + "reason = '' WHERE serial = 'K5'", "record_ended"),
    (RECORD + "fen = fen + 1 WHERE serial = 'L1' AND data_type = 2", "record_ended"),
    (RECORD + "file_id = file_id + 1000 WHERE serial = 'K5'", "record_ended"),
    (RECORD + "treasury_on = treasury_on + 40 WHERE serial = 'L2'", "month_count"),
    ("DELETE FROM {exchange_record} WHERE serial = 'K1' AND ended = 1", "record_missing"),
    ("DELETE FROM {exchange_record} WHERE serial = 'L1' AND data_type = 2", "record_missing"),
    ("DELETE FROM {exchange_record} WHERE serial = 'K4' AND ended = 3", "month_count"),
    ("DELETE FROM {exchange_record} WHERE serial = 'K6'", "file_count"),
    ("DELETE FROM {exchange_file} WHERE file_id = (SELECT max(file_id) FROM {exchange_file})", "record_ended"),
    ("UPDATE {exchange_file} SET kind = 'treasury'", "record_ended"),
    ("UPDATE {exchange_file} SET sha256 = sha256(sha256)", "record_missing"),
    ("UPDATE {exchange_month} SET rows = rows + 1", "month_count"),
    ("DELETE FROM {exchange_month}", "month_count"),
    ("INSERT INTO {exchange_month} SELECT month, 2, file_id, 1 FROM {exchange_month} LIMIT 1", "month_count"),
    ("DELETE FROM {external_identity} WHERE serial = 'K1'", "record_and_log"),
    ("UPDATE {external_identity} SET version = version + 1 WHERE serial = 'K1'", "record_and_log"),
    (OTHER_FEN, "record_and_log"),
)  # fmt: skip


@pytest.mark.parametrize(("statement", "kind"), WITHOUT_THE_KEY, ids=lambda text: text[:70])
def test_what_was_changed_is_found_without_the_key(kept, statement, kind):
    open_, _ = damaged(kept, statement)
    assert kind in {one.kind for one in open_}


KEYED = (
    RECORD + "sealed = NULL, digest = NULL WHERE serial = 'K4'",
    RECORD + "sealed = NULL, digest = NULL, row_hash = substr(row_hash, 1, 8) WHERE serial = 'K4'",
    RECORD + "digest = NULL WHERE serial = 'K4'",  # an erasure would not find it any more
    RECORD + "sealed = NULL WHERE serial = 'K1'",
    RECORD + "sealed = o.sealed, row_hash = o.row_hash FROM {exchange_record} o WHERE o.serial = 'K2'"
    " AND {exchange_record}.serial = 'K1'",
    RECORD + "kind = NULL WHERE serial = 'K1'",
    RECORD + "kind = 9 WHERE serial = 'K1'",
)


@pytest.mark.parametrize("statement", KEYED, ids=lambda text: text[29:70])
def test_what_only_the_key_can_show_is_found(kept, statement):
    _, keyed = damaged(kept, statement)
    assert {one.kind for one in keyed} == {"record_changed"}


def test_a_changed_or_lost_key_of_the_intake_is_found(kept):
    _, keyed = damaged(kept, "UPDATE {intake_key} SET wrapped_key = wrapped_key || 'x'")
    assert [one.kind for one in keyed] == ["intake_key_changed"]
    _, keyed = damaged(kept, "DELETE FROM {intake_key}")
    assert {one.kind for one in keyed} == {"record_changed"}


def test_a_fault_names_file_and_line_and_nobody(kept, monkeypatch):
    """Through verify itself, one row to a range."""
    monkeypatch.setattr(exchange_proof, "_ROWS", 1)
    file, line = kept.query(
        "SELECT sha256, line FROM {exchange_record} JOIN {exchange_file} USING (file_id) WHERE serial = 'K2'"
    )[0]
    change = "UPDATE {exchange_record} SET fen = fen + %s WHERE serial = 'K2' RETURNING 1"
    kept.query(change, 1)
    try:
        told = {one.kind: one for one in found(kept)}
    finally:
        kept.query(change, -1)
    assert told.keys() == {"record_and_log", "record_changed"}
    for one in told.values():
        assert (one.where["file"], one.where["line"]) == (bytes(file).hex(), line)
    assert found(kept) == []
