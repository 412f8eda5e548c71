"""What rosters make due: receivables of notices, withdrawn when a roster goes back; what migration 0010 brings in."""

from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from ledger import clock
from migrations.run import HERE
from projections.notice_proof import notice_faults
from tests.api.cli.village import PAYER, PEOPLE, Village

_ROWS = (
    "SELECT r.line, r.data_type, r.kind, r.payment_type, r.period, r.approved_on, r.fen, r.number, r.payer,"
    " r.participant_id, f.sha256, f.actor FROM {receivable} r JOIN {exchange_file} f USING (file_id)"
    " ORDER BY f.file_id, r.line"
)


@pytest.fixture(scope="module")
def village(open_desk):
    return Village(open_desk("neimenggu"))


def noticed(village, sequence=1):
    """A plan with one roster whose notice was issued."""
    plan, roster = village.reviewed("--sequence", sequence)
    village.walk(plan, "notice_issued", roster)
    ended = village.step(plan, "notice_issued", roster=roster, actor="丙")
    assert ended.code == 0, ended
    return plan, roster


def months(desk):
    rows = desk.query("SELECT month, sum(rows) FROM {exchange_month} WHERE side = 2 GROUP BY 1 ORDER BY 1")
    return {month: int(count) for month, count in rows}


def test_a_notice_its_payments_and_what_a_return_withdraws(village):
    desk = village.desk
    plan, roster = noticed(village)
    of = [desk.register.find([desk.register.digest(one.number)]) for one in PEOPLE]
    people = [next(iter(one.values())).participant for one in of]
    assert desk.query(_ROWS) == [
        (line, 1, 2, 0, 2025, village.day, 30000, roster, PAYER, who, UUID(roster).bytes, "丙")
        for line, who in enumerate(people, 2)
    ]
    assert months(desk) == {village.day.replace(day=1): 6}
    listed = desk.inside("tax", "receivables", "list", "--pool", desk.code, "--number", roster, "--json").json
    assert [one["amount"] for one in listed["rows"]] == ["300.00"] * 6
    paid, part, back = PEOPLE[:3]
    aid = {"费款所属期": "2025", "征收品目": "集体补助", "来源单位": PAYER}
    desk.pay(
        desk.payment(paid, "N1", "300.00", "2025-06-03", **aid),
        desk.payment(part, "N2", "100.00", "2025-06-03", **aid),
        desk.payment(back, "N3", "300.00", "2025-06-03", **aid),
    )
    desk.pay(desk.payment(back, "N3", "300.00", "2025-06-03", **aid, 数据类型="撤销"))
    dry = desk.inside("plan", "return", "--pool", desk.code, "--plan", plan, "--roster", roster, "--reason", "重报",
                      "--actor", "丁", "--dry-run")  # fmt: skip
    assert (dry.code, len(desk.query(_ROWS))) == (0, 6)
    ended = desk.ledger("plan", "return", "--pool", desk.code, "--plan", plan, "--roster", roster, "--reason", "重报",
                        "--actor", "丁")  # fmt: skip
    assert ended.code == 0, ended
    today = clock.today()
    withdrawn = [row for row in desk.query(_ROWS) if row[1] == 2]
    assert [(row[0], row[5], row[6], row[9], row[11]) for row in withdrawn] == [
        (3, today, 20000, people[1], "丁"),  # what is left of it
        *((line, today, 30000, people[line - 2], "丁") for line in (4, 5, 6, 7)),  # also what was taken back
    ]
    assert months(desk)[today.replace(day=1)] == 5
    assert list(notice_faults(desk.log)) == []


def test_a_plan_that_is_closed_withdraws_and_a_roster_without_notice_has_none(village):
    desk = village.desk
    before = len(desk.query(_ROWS))
    plan, _ = noticed(village, 2)
    assert len(desk.query(_ROWS)) == before + 6
    closed = desk.inside("plan", "close", "--pool", desk.code, "--plan", plan, "--reason", "终止", "--actor", "甲",
                         "--reviewer", "乙")  # fmt: skip
    assert closed.code == 0, closed
    assert len(desk.query(_ROWS)) == before + 12
    other, unnoticed = village.reviewed("--sequence", 3)
    ended = desk.inside("plan", "return", "--pool", desk.code, "--plan", other, "--roster", unnoticed, "--reason",
                        "重报", "--actor", "丁")  # fmt: skip
    assert ended.code == 0, ended
    assert len(desk.query(_ROWS)) == before + 12
    assert list(notice_faults(desk.log)) == []


def test_what_was_issued_before_this_version_is_brought_in_alike(village):
    """Migration 0010 makes of the log what the desk wrote; only the day of a return is the log's own."""
    desk = village.desk
    wrote, counted = desk.query(_ROWS), months(desk)
    assert len(wrote) > 20
    text = Path(HERE / "pool" / "0010_sending.sql").read_text(encoding="utf-8")
    rest = text[text.index("-- What was issued before this version") : text.index("-- What goes out to the tax side")]
    with desk.log.connections.transaction() as connection:
        for table in ("receivable", "exchange_file", "exchange_month"):
            connection.execute(desk.log.sql(f"DELETE FROM {{{table}}}"))
        connection.execute(rest.replace("{schema}", f'"{desk.log.schema}"').encode())
    order = lambda rows: sorted(rows, key=lambda row: (row[7], row[1], row[0]))  # noqa: E731
    assert order(desk.query(_ROWS)) == order(wrote)
    assert months(desk) == counted
    assert list(notice_faults(desk.log)) == []


@pytest.mark.parametrize(
    ("spoil", "kinds"),
    [
        ("UPDATE {receivable} SET fen = fen + 1 WHERE data_type = 1 AND line = 2", {"notice_rows"}),
        ("UPDATE {receivable} SET fen = fen + 30001 WHERE data_type = 2 AND line = 4", {"notice_withdrawn"}),
        ("DELETE FROM {receivable} WHERE data_type = 1 AND line = 5", {"notice_rows", "notice_withdrawn"}),
        ("DELETE FROM {exchange_file} WHERE octet_length(sha256) = 16", {"notice_missing"}),
        ("UPDATE {exchange_file} SET sha256 = '\\x00' || substr(sha256, 2) WHERE octet_length(sha256) = 16",
         {"notice_missing", "notice_stray"}),
    ],
)  # fmt: skip
def test_verify_sees_receivables_that_are_not_their_rosters(village, spoil, kinds):
    desk = village.desk
    with desk.log.connections.connection() as connection:
        connection.execute("BEGIN")
        connection.execute(desk.log.sql(spoil))
        found = {one.kind for one in notice_faults(desk.log.on(connection))}
        connection.execute("ROLLBACK")
    assert found == kinds


def test_a_region_whose_money_comes_in_one_sum_has_no_receivables(open_desk):
    village = Village(open_desk("panzhihua"))
    plan, roster = village.reviewed("--flat", "300")
    village.walk(plan, "paid", roster)
    assert village.desk.query("SELECT FROM {receivable}") == []
    assert village.day > date(2025, 1, 1)


def test_a_notice_into_a_signed_month_says_so(open_desk):
    """It is issued all the same; the month has grown until it is opened again."""
    village = Village(open_desk("neimenggu"))
    plan, roster = village.reviewed()
    village.walk(plan, "notice_issued", roster)
    month = ("--pool", village.desk.code, "--month", f"{village.day:%Y-%m}")
    hands = ("--actor", "甲", "--reviewer", "乙")
    village.desk.prepare("tax", "sign", *month, "--tax-side", "税务方丙", "--document", "对账单1", *hands)
    ended = village.step(plan, "notice_issued", roster=roster, actor="丙")
    assert ended.code == 0, ended
    assert f"应收核定涉及已签认的{village.day.year}年{village.day.month}月" in ended.out + ended.err
    reconciled = village.desk.inside("tax", "reconcile", *month, "--json")
    assert (reconciled.code, reconciled.json["late_rows"]) == (3, 6)
