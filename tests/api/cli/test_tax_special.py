"""特殊缴费业务 through the installed command: approved, fed back from the treasury, booked on the account."""

from __future__ import annotations

from uuid import UUID

from ledger.exchange import TYPES
from ledger.jobs.tax_rows import FEEDBACK_COLUMNS
from tests.api.cli.desk import Desk, Person, person

ANNA, BELA = person(871), person(872)


def approve(desk: Desk, line: int, who: Person, number: str, period: int, fen: int, **said: object) -> None:
    """A row of 应收核定, as its intake writes it."""
    columns = {
        "file_id": 1, "line": line, "data_type": 1, "kind": 0, "payment_type": TYPES.index("lump_sum"),
        "period": period, "approved_on": "2025-03-03", "fen": fen, "participant_id": desk.state(who).participant,
        "number": number, "payer": "", **said,
    }  # fmt: skip
    marks = ", ".join(["%s"] * len(columns))
    with desk.log.connections.connection() as connection:
        statement = f"INSERT INTO {{receivable}} ({', '.join(columns)}) VALUES ({marks})"
        connection.execute(desk.log.sql(statement), tuple(columns.values()))


def row(who: Person, number: str, period: str = "2019", yuan: str = "200.00", **cells: object) -> dict[str, object]:
    plain = {
        "应收核定编号": number, "公民身份号码": who.number, "姓名": who.name, "费款所属期": period,
        "缴费类型": "一次性补缴", "实缴金额": yuan, "入库日期": "2025-03-10", "电子税票号码": f"T{number}",
    }  # fmt: skip
    return {**plain, **cells}


def test_a_feedback_is_matched_with_its_approval_and_its_entry(open_desk):
    desk = open_desk("neimenggu")
    desk.enrol(ANNA, BELA)
    approve(desk, 1, ANNA, "A1", 2019, 200_00)
    approve(desk, 2, ANNA, "A1", 2020, 300_00)
    approve(desk, 3, BELA, "A2", 2019, 200_00)
    approve(desk, 4, BELA, "A3", 2019, 200_00)
    approve(desk, 5, BELA, "A3", 2019, 200_00, data_type=2)
    approve(desk, 6, BELA, "A4", 2019, 200_00, payment_type=TYPES.index("regular"))
    rows = [
        row(ANNA, "A1"),
        row(ANNA, "A1", "2020", "300.00"),
        row(ANNA, "A1", "2020", "300.00"),
        row(ANNA, "A1", 电子税票号码="T9"),
        row(ANNA, "A2"),
        row(BELA, "A3"),
        row(BELA, "A4"),
        row(BELA, "A2", yuan="100.00"),
        row(BELA, "A2", "2018"),
        row(BELA, "A2", 缴费类型="中断补缴"),
        row(BELA, "A2", 入库日期="2025-03-02"),
    ]
    file = desk.table("feedback.xlsx", rows, FEEDBACK_COLUMNS)
    command = ("tax", "special", "feedback", file, "--pool", desk.code, "--actor", "甲", "--json")
    listing = ("tax", "special", "list", "--pool", desk.code)
    tried = desk.inside(*command, "--dry-run")
    assert [one["status"] for one in desk.inside(*listing, "--json").json] == ["approved"] * 3
    ended = desk.ledger(*command)
    assert (ended.code, ended.json) == (2, {**tried.json, "dry_run": False})
    assert desk.outcomes(file) == [
        "已登记", "已登记", "已存在", "SERIAL_CONFLICT", "NOT_APPROVED", "NOT_APPROVED", "NOT_APPROVED", "AMOUNT",
        "PERIOD", "KIND", "DATE",
    ]  # fmt: skip
    assert desk.inside(*command).json["already_there"] == 3
    assert len(desk.query("SELECT * FROM {special_feedback}")) == 2
    back = {"缴费类型": "一次性补缴", "费款所属期": "2019", "电子税票号码": "TA1"}
    desk.pay(desk.payment(ANNA, "K1", "200.00", "2025-03-10", **back))
    told = {(one["number"], one["period"]): one for one in desk.inside(*listing, "--json").json}
    assert {key: one["status"] for key, one in told.items()} == {
        ("A1", 2019): "booked", ("A1", 2020): "fed_back", ("A2", 2019): "approved"
    }  # fmt: skip
    assert UUID(told["A1", 2019]["entry"]["account"]) == desk.account(ANNA)
    assert "已入库反馈" in desk.inside(*listing).out
    desk.pay({**desk.payment(ANNA, "K1", "200.00", "2025-03-10", **back), "数据类型": "撤销"})
    assert [one["status"] for one in desk.inside(*listing, "--json").json] == ["fed_back", "fed_back", "approved"]
