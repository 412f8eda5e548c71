"""`tax totals` through the installed command: sums taken in whole or returned, corrected aloud, set beside ours."""

from __future__ import annotations

import pytest

from ledger import clock
from tests.api.cli.desk import RECORDED, person
from tests.api.cli.village import Village

ONE, TWO, STRANGER = (person(700 + place) for place in range(3))
WHOLE, RETURNED = 0, 1


@pytest.fixture(scope="module")
def desk(open_desk):
    """Two persons in two counties; a third one is nobody's. Their payments of March 2025 came, one of them refused."""
    made = open_desk()
    made.enrol(ONE)
    made.enrol(TWO, 旗县="白县")
    made.pay(
        made.payment(ONE, "S1", "500", "2025-03-05"),
        made.payment(TWO, "S2", "300", "2025-03-05"),
        made.payment(STRANGER, "S3", "70", "2025-03-06"),
        code=2,
    )
    return made


def take_in(desk, source, file, *more, inside=True):
    way = desk.inside if inside else desk.ledger
    return way("tax", "totals", "import", file, "--pool", desk.code, "--source", source, "--actor", "甲", *more)


def listed(desk, month="2025-03"):
    ended = desk.inside("tax", "totals", "list", "--pool", desk.code, "--month", month, "--json")
    assert ended.code == WHOLE, ended
    return ended.json


def stored(desk):
    return desk.query("SELECT count(*), coalesce(sum(fen), 0)::bigint FROM {exchange_total}")[0]


def test_a_file_with_faults_is_returned_whole_with_all_of_them(desk):
    before = stored(desk), desk.query("SELECT count(*) FROM {exchange_file}")
    rows = [
        {"日期": "2025-03-05", "征收品目": "个人缴费", "笔数": "2", "金额": "800"},
        {"日期": "2025-03-32", "征收品目": "滞纳金", "笔数": "x", "金额": ""},
        {"日期": "2025-03-05", "征收品目": "个人缴费", "笔数": "2", "金额": "801"},
        {"日期": clock.today().replace(year=clock.today().year + 1), "征收品目": "", "笔数": "", "金额": "1"},
    ]
    file = desk.table("faults.csv", rows, tuple(rows[0]))
    ended = take_in(desk, "treasury", file, "--json", inside=False)
    assert (ended.code, ended.json["rows"], ended.json["recorded"], ended.json["refused"]) == (RETURNED, 4, 0, 3)
    assert ended.json["reasons"] == {"AMOUNT": 2, "DATE": 2, "KIND": 1, "ROW_FAULT": 1}
    assert [(row.line, row.reason) for row in desk.results(file)] == [
        (3, "DATE"), (3, "KIND"), (3, "AMOUNT"), (3, "AMOUNT"), (4, "ROW_FAULT"), (5, "DATE"),
    ]  # fmt: skip
    assert (stored(desk), desk.query("SELECT count(*) FROM {exchange_file}")) == before


def test_a_correction_is_told_and_both_stay(desk):
    rows = [{"起": f"2025-04-0{day}", "止": f"2025-04-0{day}", "金额": "10", "凭证号": f"K{day}"} for day in (1, 2)]
    first = desk.table("first.csv", rows, tuple(rows[0]))
    tried = take_in(desk, "treasury", first, "--dry-run", "--json").json
    done = take_in(desk, "treasury", first, "--json").json
    assert (tried.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert tried == done
    assert (done["rows"], done["recorded"], done["already_there"]) == (2, 2, 0)
    standing = stored(desk)

    again = take_in(desk, "treasury", first, "--json")
    assert (again.code, again.json["recorded"], again.json["already_there"]) == (WHOLE, 0, 2)
    assert stored(desk) == standing

    second = desk.table("second.csv", [rows[0], {**rows[1], "金额": "12"}], tuple(rows[0]))
    corrected = take_in(desk, "treasury", second, "--json")
    assert (corrected.json["recorded"], corrected.json["already_there"], corrected.json["corrected"]) == (1, 1, 1)
    assert (
        corrected.json["corrections"][0] | {"before": "10.00", "after": "12.00", "voucher": "K2"}
        == (corrected.json["corrections"][0])
    )
    assert "原列 10.00元，现列 12.00元" in corrected.err
    assert "更正" in desk.results(second)[1].text
    assert stored(desk) == (standing[0] + 1, standing[1] + 12_00)
    april = next(one for one in listed(desk, "2025-04")["sources"] if one["source"] == "treasury")
    assert [one["amount"] for one in april["totals"]] == ["10.00", "12.00"]
    assert "后来的文件更正" in take_in(desk, "treasury", first).err


def test_what_each_side_states_stands_beside_ours(desk):
    treasury = [{"日期": "2025-03-05", "笔数": "2", "金额": "800"}, {"日期": "2025-03-06", "笔数": "1", "金额": "60"}]
    counties = [
        {"起": "2025-03-01", "止": "2025-03-31", "旗县": name, "金额": yuan}
        for name, yuan in (("青县", "500"), ("白县", "310"))
    ]
    bank = [
        {"日期": "2025-03-07", "收入": "800", "支出": "", "流水号": "B1"},
        {"日期": "2025-03-08", "收入": "", "支出": "99", "流水号": "B2"},
    ]
    for source, rows in (("treasury", treasury), ("county", counties), ("fiscal-account", bank)):
        file = desk.table(f"{source}.csv", rows, tuple(rows[0]))
        assert take_in(desk, source, file).code == WHOLE
        assert [row.outcome for row in desk.results(file)] == ["已接收"] * 2
    ended = desk.ledger("tax", "totals", "list", "--pool", desk.code, "--month", "2025-03", "--json")
    sides = {one["source"]: one for one in ended.json["sources"]}
    assert [(one["amount"], one["ours"], one["ours_rows"]) for one in sides["treasury"]["totals"]] == [
        ("800.00", "800.00", 2),
        ("60.00", "70.00", 1),
    ]
    assert [(one["amount"], one["ours"]) for one in sides["county"]["totals"]] == [
        ("500.00", "500.00"),
        ("310.00", "300.00"),
    ]
    assert {name for name, side in sides.items() if not side["stated"]} == {
        "income-account", "expenditure-account", "collected",
    }  # fmt: skip
    county = sides["county"]["totals"][1]["county"]
    assert [(one["key"], one["category"], one["amount"]) for one in ended.json["differences"]] == [
        ("tax_treasury|2025-03-06||||", "AMOUNT", "10.00"),
        ("treasury_fiscal|2025-03-06||||", "AMOUNT", "60.00"),
        (f"pool_county|2025-03-01/2025-03-31|||{county}|", "AMOUNT", "-10.00"),
        ("pool_county|2025-03|contribution|||", "AGENCY_ONLY", "70.00"),
    ]
    assert ended.json["in_transit"] == {"2025-03-05": "800.00", "2025-03-06": "860.00", "2025-03-07": "60.00"}
    text = desk.inside("tax", "totals", "list", "--pool", desk.code, "--month", "2025-03").out
    assert "收入户：本月未报" in text
    assert "2025-03-06 1笔 60.00元，本账簿 70.00元" in text


def test_wrong_usage_and_a_header_without_days(desk):
    file = desk.table("nothing.csv", [{"金额": "1"}], ("金额",))
    assert take_in(desk, "treasury", file).code == 1
    assert "缺少必需的列" in take_in(desk, "treasury", file).err
    assert take_in(desk, "bank", file).code == 64
    assert desk.inside("tax", "totals", "list", "--pool", desk.code, "--month", "2025-3月").code == 64


def test_a_roster_paid_in_one_sum_is_held_against_the_account_by_voucher(open_desk):
    made = Village(open_desk("panzhihua"))
    plan, roster = made.reviewed()
    made.walk(plan, "allocated", roster)
    said = ("--amount", "1800.00", "--arrived-on", "2025-06-20", "--voucher", "缴存1", "--reviewer", "丙")
    assert made.step(plan, "allocated", *said, roster=roster).code == WHOLE
    rows = [
        {"日期": "2025-06-20", "金额": "1700", "凭证号": "缴存1"},
        {"日期": "2025-06-21", "金额": "5", "凭证号": "缴存2"},
    ]
    file = made.desk.table("fiscal.csv", rows, tuple(rows[0]))
    assert take_in(made.desk, "fiscal-account", file).code == WHOLE
    told = listed(made.desk, "2025-06")
    assert [(one["key"], one["category"], one["amount"]) for one in told["differences"]] == [
        ("treasury_fiscal|2025-06||||缴存1", "AMOUNT", "100.00"),
        ("treasury_fiscal|2025-06||||缴存2", "AGENCY_ONLY", "-5.00"),
    ]
    fiscal = next(one for one in told["sources"] if one["source"] == "fiscal-account")
    assert [one["ours"] for one in fiscal["totals"]] == ["1800.00", None]


def test_rows_of_a_counter_and_of_files_are_counted_once(open_desk):
    """What was recorded at a counter under a serial comes again in the file, and once more in another one."""
    desk = open_desk()
    who = person(720)
    desk.enrol(who)
    desk.prepare(
        "entry", "record", "--pool", desk.code, "--account", desk.account(who), "--kind", "contribution", "--amount",
        "200", "--on", "2025-03-05", "--paid-on", "2025-03-05", "--serial", "S1", "--voucher", "TS1", "--actor", "窗口",
    )  # fmt: skip
    rows = [desk.payment(who, "S1", "200", "2025-03-05"), desk.payment(who, "S2", "50", "2025-03-05")]
    for name in ("a.csv", "b.csv"):
        file = desk.payments([*rows, desk.payment(who, name, "1", "2025-03-06")], name)
        desk.import_("payments", file, inside=True)
    assert desk.outcomes(file) == ["已存在", "已存在", RECORDED]
    treasury = desk.table("t.csv", [{"日期": "2025-03-05", "笔数": "2", "金额": "250"}], ("日期", "笔数", "金额"))
    assert take_in(desk, "treasury", treasury).code == WHOLE
    assert [(one["key"], one["amount"], one["rows"]) for one in listed(desk)["differences"]] == [
        ("tax_treasury|2025-03-06||||", "2.00", 2)
    ]
