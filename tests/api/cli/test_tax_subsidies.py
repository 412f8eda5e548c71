"""政府补贴: its rows come with a level, and `tax subsidies` holds a year's subsidies against its contributors."""

from __future__ import annotations

import csv

import pytest

from tests.api.cli.desk import RECORDED, person

PAID, OWED, ALONE, TWICE, BACK, FOR_THEM, UNDONE = (person(740 + place) for place in range(7))
EVERYBODY = (PAID, OWED, ALONE, TWICE, BACK, FOR_THEM, UNDONE)
FINANCE = {
    "征收品目": "政府补贴", "缴费类型": "", "上解日期": "", "电子税票号码": "", "费款所属期": "2024",
    "拨付文号": "财〔2025〕1号",
}  # fmt: skip
OPEN = 3


def subsidy(desk, who, serial, level="自治区级", yuan="60", **cells):
    return desk.payment(who, serial, yuan, "2025-04-16", **{**FINANCE, "补贴级次": level, **cells})


@pytest.fixture(scope="module")
def desk(open_desk):
    """2024 of seven people: subsidised, without, without a contribution, twice, back payment, paid for, taken back."""
    made = open_desk()
    made.enrol(*EVERYBODY)
    own = {one: made.payment(one, f"P{one.name}1", "200", "2024-05-06") for one in (PAID, OWED, TWICE, UNDONE)}
    made.pay(
        *own.values(),
        made.payment(BACK, "P5", "200", "2024-05-06", 缴费类型="中断补缴"),
        made.payment(FOR_THEM, "P6", "100", "2024-05-06", 征收品目="政府代缴"),
        {**own[UNDONE], "数据类型": "撤销"},
        subsidy(made, PAID, "G1"),
        subsidy(made, PAID, "G2", "县级", "15", 拨付文号="县财〔2025〕2号"),
        subsidy(made, ALONE, "G3", "市"),
        subsidy(made, TWICE, "G4"),
        subsidy(made, TWICE, "G5", "自治区", 拨付文号="财〔2025〕3号"),
        subsidy(made, UNDONE, "G6"),
        {**subsidy(made, UNDONE, "G6"), "数据类型": "撤销"},
    )
    return made


def subsidies(desk, *more, year=2024, inside=True):
    way = desk.inside if inside else desk.ledger
    return way("tax", "subsidies", "--pool", desk.code, "--year", year, *more)


def test_a_level_is_one_of_the_known_in_any_spelling_and_what_is_unsaid_is_a_notice(open_desk):
    desk = open_desk()
    desk.enrol(PAID)
    levels = ["中央", "自治区级", " 省级", "盟市级", "旗县", "县级", "镇级", "国家级", ""]
    rows = [subsidy(desk, PAID, f"L{place}", level) for place, level in enumerate(levels)]
    rows += [subsidy(desk, PAID, "L20", "市", 拨付文号=""), desk.payment(PAID, "L21", 补贴级次="镇级")]
    file = desk.payments(rows)
    assert desk.import_("payments", file).code == 2
    results = desk.results(file)
    assert desk.outcomes(file) == [RECORDED] * 6 + ["KIND", "KIND"] + [RECORDED] * 3
    assert "补贴级次须为：中央、自治区、省、市、县" in results[6].text
    assert "未注明补贴级次" in results[8].text
    assert "未注明拨付文号" in results[9].text
    assert [event.level for event in desk.history(PAID)[1:9]] == ["中央", "自治区", "省", "市", "县", "县", "", "市"]
    ended = desk.inside(
        "entry", "record", "--pool", desk.code, "--account", desk.account(PAID), "--kind", "government_subsidy",
        "--amount", "60", "--on", "2023-05-10", "--level", "镇级", "--actor", "窗口",
    )  # fmt: skip
    assert (ended.code, "KIND" in ended.err) == (1, True)


def test_the_year_is_reconciled_by_account(desk):
    ended = subsidies(desk, "--json", inside=False)
    told = ended.json
    assert ended.code == OPEN
    assert (told["entitled"], told["subsidised"], told["amount"]) == (4, 3, "255.00")
    assert told["levels"] == [
        {"level": "自治区", "document": "财〔2025〕1号", "rows": 2, "amount": "120.00"},
        {"level": "自治区", "document": "财〔2025〕3号", "rows": 1, "amount": "60.00"},
        {"level": "市", "document": "财〔2025〕1号", "rows": 1, "amount": "60.00"},
        {"level": "县", "document": "县财〔2025〕2号", "rows": 1, "amount": "15.00"},
    ]
    found = {(row["account"], row["situation"], row["amount"]) for row in told["rows"]}
    assert found == {
        (str(desk.account(OWED)), "no_subsidy", "200.00"),
        (str(desk.account(FOR_THEM)), "no_subsidy", "100.00"),
        (str(desk.account(ALONE)), "no_contribution", "60.00"),
        (str(desk.account(TWICE)), "twice", "120.00"),
    }
    assert told["open"] == {"no_subsidy": 2, "no_contribution": 1, "twice": 1}
    assert len({row["division"] for row in told["rows"]}) == 1


def test_the_open_accounts_go_to_a_file_that_names_nobody(desk):
    out = desk.folder / "未结.csv"
    ended = subsidies(desk, "--out", out)
    assert ended.code == OPEN
    assert "应补账户4个" in ended.out
    text = out.read_text()
    rows = list(csv.reader(text.splitlines()))
    assert len(rows) == 1 + 4
    assert ["同一年度同一级次记了多笔政府补贴", "自治区", "财〔2025〕1号、财〔2025〕3号", "120.00"] in [
        row[2:] for row in rows
    ]
    assert not any(one.number in text or one.name in text for one in EVERYBODY)
    assert subsidies(desk, "--out", out).code == 1
    assert out.read_text() == text
    assert subsidies(desk, "--out", out, "--overwrite", "--json").json["open"]["twice"] == 1


def test_a_year_without_anything_open(desk):
    ended = subsidies(desk, year=2020)
    assert ended.code == 0
    assert "应补账户0个" in ended.out


@pytest.mark.parametrize(("value", "entitled", "unpaid"), [("counts", 4, 2), ("left_out", 3, 1)])
def test_whether_paid_by_government_counts_is_a_rule(desk, value, entitled, unpaid):
    desk.set("subsidy.government_paid", 2024, value)
    told = subsidies(desk, "--json").json
    assert (told["entitled"], told["open"]["no_subsidy"]) == (entitled, unpaid)
    desk.set("subsidy.government_paid", 2024, "counts")
