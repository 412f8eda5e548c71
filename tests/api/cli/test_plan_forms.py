"""The forms of a plan through the installed command: what they say, when they may be printed, how they come back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from ledger.store.holders import open_holders
from ledger.store.register import ERASED
from projections.verify import verify
from tests.api.cli.desk import person
from tests.api.cli.papers import cells, declaring, persons, printed, printing, sheet
from tests.api.cli.village import DONOR, PAYER, PEOPLE, TWO, YEAR, Village

ODD = person(310, "=测甲")
"""Somebody whose name a spreadsheet could take for a formula."""
CROWD = (*PEOPLE, ODD)


@pytest.fixture(scope="module")
def neimenggu(open_desk) -> Village:
    made = Village(open_desk("neimenggu"), CROWD, cap="9000.00")
    made.ready, made.roster_id = made.reviewed(rows=tuple(made.row(one) for one in CROWD))
    return made


@pytest.fixture(scope="module")
def panzhihua(open_desk) -> Village:
    made = Village(open_desk("panzhihua"), cap="9000.00")
    made.ready, made.roster_id = made.reviewed()
    return made


# -- what the forms say ------------------------------------------------------------


def test_the_declaration_form_names_the_persons_of_the_roster(neimenggu):
    told, said = printed(neimenggu, neimenggu.ready, "declaration_form")
    assert persons(said) == [
        [place, one.name, one.sex, one.number, 300.0, "集体补助"] for place, one in enumerate(CROWD, 1)
    ]
    assert (told["persons"], told["amount"], told["standing"]) == (7, "2100.00", "official")
    assert said[0][0] == "内蒙古城乡居民基本养老保险补助/资助申报表"
    assert said[-4][0] == "补助（资助）单位名称（盖公章）：青村股份经济合作社"


def test_the_notice_and_the_receivable_ask_for_what_was_reviewed(neimenggu):
    sums = neimenggu.desk.query("SELECT count(*), sum(fen) FROM {roster_row} WHERE roster = %s", neimenggu.roster_id)
    assert sums == [(7, 2100_00)]
    early, path = printing(neimenggu, neimenggu.ready, "receivable", "early.xlsx")
    assert (early.code, "STEP_ORDER" in early.err, "生成缴费通知单" in early.err, path.exists()) == (
        1,
        True,
        True,
        False,
    )
    before = neimenggu.desk.position()
    notice, said = printed(neimenggu, neimenggu.ready, "payment_notice")
    assert neimenggu.desk.position() == before
    assert neimenggu.step(neimenggu.ready, "notice_issued", roster=neimenggu.roster_id).code == 0
    receivable, due = printed(neimenggu, neimenggu.ready, "receivable")
    for told, rows in ((notice, said), (receivable, due)):
        assert (told["persons"], told["amount"], told["standing"]) == (7, "2100.00", "ours")
        assert [cell for row in rows for cell in row if str(cell).startswith("人民币")] == ["人民币贰仟壹佰元整"]
        assert ["合计", "", 7.0, 2100.0] in rows
        assert [1.0, 300.0, 7.0, 2100.0] in rows
        assert {PAYER, "JT0001", "91T", "S1", "2025年度"} <= {cell for row in rows for cell in row}
    assert any("社保费管理客户端" in str(row[0]) for row in said)
    assert any("乙　" in str(cell) for row in due for cell in row)


def test_the_filing_form_counts_persons_times_yuan(neimenggu):
    told, said = printed(neimenggu, neimenggu.ready, "filing_form")
    assert (told["persons"], told["amount"]) == (7, "2100.00")
    sentence = "经研究，青村股份经济合作社为7名本集体经济组织成员按照300元/人标准补助城乡居民养老保险费0.21万元。"
    assert [row[0].strip() for row in said if "经研究" in str(row[0])] == [sentence]
    assert PAYER in said[1]


def test_a_summary_goes_by_the_villages_of_those_who_are_aided(open_desk):
    """Two villages, two plans and a donor; one person stands on two rosters. Summed up again from the rows we made."""
    village = Village(open_desk("neimenggu"), cap="9000.00")
    far = tuple(person(320 + place) for place in range(3))
    village.desk.enrol(*far, 乡镇="红镇", 村="红村")
    village.desk.pay(*(village.desk.payment(one, f"F{place}", "200.00", "2025-02-10") for place, one in enumerate(far)))
    village.enrol_members(*far)
    first, _ = village.reviewed(rows=tuple(village.row(one) for one in (*PEOPLE, far[0])))
    village.reviewed("--flat", "24.50", "--sequence", 2, rows=tuple(village.row(one, "24.50") for one in far))
    village.payers.write(village.payers.find(PAYER)._replace(code=DONOR, kind="charity", name="示例基金会"), TWO)
    aid = tuple(village.row(one, "100.00", 补助或资助类型="社会资助") for one in (PEOPLE[0], far[2]))
    village.reviewed("--aid", "--sequence", 3, payer=DONOR, rows=aid)
    declared_only, _ = village.declared("--sequence", 4, rows=(village.row(PEOPLE[0]),))
    told, said = printed(village, first, "summary")
    assert (told["persons"], told["amount"]) == (7, "2100.00")
    assert persons(said) == [[1.0, "青镇", "青村", 6.0, 1800.0], [2.0, "红镇", "红村", 1.0, 300.0]]
    ended, path = printing(village, first, "summary", "year.xlsx", "--year", YEAR, command="summary")
    assert ended.code == 0, ended
    near, away = Decimal(6 * 300 + 100), 300 + 3 * Decimal("24.50") + 100
    rows = {row[2]: (row[3], Decimal(str(row[4]))) for row in persons(cells(path))}
    assert rows == {"青村": (6.0, near), "红村": (3.0, away)}
    assert (ended.json["persons"], Decimal(ended.json["amount"])) == (9, near + away)
    booked = village.desk.query(
        "SELECT sum(r.fen) FROM {roster_row} r WHERE r.roster <> ALL"
        " (SELECT ((convert_from(state, 'UTF8')::jsonb) ->> 'roster')::uuid FROM {ledger_events}"
        "  WHERE topic = 'plan.roster_declared' AND originator_id = %s)", declared_only,
    )  # fmt: skip
    assert booked == [(int((near + away) * 100),)]
    assert ["合计金额（大写）", "", ended.json["amount_in_words"], 9.0, float(near + away)] in cells(path)
    early, _ = printing(village, declared_only, "summary", "none.xlsx", outside=False)
    assert (early.code, "STEP_ORDER" in early.err) == (1, True)
    for year in (YEAR - 1, YEAR + 1):
        empty, _ = printing(village, first, "", "none.xlsx", "--year", year, command="summary", outside=False)
        assert (empty.code, "ROSTER_STATE" in empty.err) == (1, True)
    assert verify(village.desk.log) == []


def test_panzhihua_prints_its_plan_its_list_and_the_letter_after_the_money(panzhihua):
    plan, roster = panzhihua.ready, panzhihua.roster_id
    told, said = printed(panzhihua, plan, "plan_text")
    assert told["title"] == "青镇青村集体经济补助城乡居民基本养老保险参保缴费试点工作实施方案"
    assert any("补助标准为每人300元/年" in str(row[0]) for row in said)
    assert any("一是集体经济收益200000000元；一项资金合计200000000元" in str(row[0]) for row in said)
    told, said = printed(panzhihua, plan, "list_of_names")
    assert [row[3] for row in persons(said)] == [one.number for one in PEOPLE]
    assert [said[0][0], said[1][0]] == ["青镇青村集体经济", "补助城乡居民养老保险参保缴费花名册"]
    assert "表中各列为本系统自拟列" in said[-1][0]
    early, path = printing(panzhihua, plan, "arrival_letter", "letter.xlsx")
    assert (early.code, "STEP_ORDER" in early.err, "个人账户记账" in early.err, path.exists()) == (1, True, True, False)
    panzhihua.walk(plan, "allocated", roster)
    paid = panzhihua.step(
        plan, "allocated", "--amount", "人民币壹仟捌佰元整", "--arrived-on", "2025-06-20", "--voucher", "缴存0001",
        "--reviewer", "丙", roster=roster, on=date(2025, 6, 24),
    )  # fmt: skip
    assert paid.code == 0, paid
    told, said = printed(panzhihua, plan, "arrival_letter")
    assert (told["persons"], told["amount"], told["amount_in_words"]) == (6, "1800.00", "壹仟捌佰元整")
    assert {"缴存0001", "人民币壹仟捌佰元整", "2025年6月20日", 1800.0, 6.0} <= {cell for row in said for cell in row}
    assert sum(panzhihua.desk.state(one).room_taken(YEAR).collective for one in PEOPLE) == 1800_00


@pytest.mark.parametrize("form", ["payment_notice", "receivable", "filing_form", "summary", "declaration_form"])
def test_a_form_the_region_does_not_have_is_refused(panzhihua, form):
    refused, path = printing(panzhihua, panzhihua.ready, form, "not.xlsx", outside=False)
    assert (refused.code, "FORM_UNKNOWN" in refused.err, path.exists()) == (1, True, False)


def test_what_cannot_be_printed(neimenggu):
    other = neimenggu.plan("--sequence", 50)
    none, _ = printing(neimenggu, other, "declaration_form", "no.xlsx", outside=False)
    assert (none.code, "ROSTER_STATE" in none.err, "--empty" in none.err) == (1, True, True)
    unknown, _ = printing(neimenggu, UUID(int=5), "declaration_form", "no.xlsx", outside=False)
    assert (unknown.code, "PLAN_UNKNOWN" in unknown.err) == (1, True)
    blank, _ = printing(neimenggu, other, "payment_notice", "no.xlsx", "--empty", outside=False)
    assert (blank.code, "FORM_UNKNOWN" in blank.err) == (1, True)
    assert printing(neimenggu, other, "poem", "no.xlsx", outside=False)[0].code == 64
    assert printing(neimenggu, other, "summary", "no.pdf", outside=False)[0].code == 64


def test_a_file_that_is_there_is_kept(neimenggu):
    (neimenggu.desk.folder / "mine.xlsx").write_text("mine")
    kept, path = printing(neimenggu, neimenggu.ready, "declaration_form", "mine.xlsx")
    assert (kept.code, "文件已存在" in kept.err, path.read_text()) == (1, True, "mine")
    over, path = printing(neimenggu, neimenggu.ready, "declaration_form", "mine.xlsx", "--overwrite")
    assert (over.code, len(persons(cells(path)))) == (0, 7)
    assert path.stat().st_mode & 0o777 == 0o600


# -- the way back ------------------------------------------------------------


def test_a_printed_declaration_is_read_back_row_by_row(neimenggu):
    _, path = printing(neimenggu, neimenggu.ready, "declaration_form", "back.xlsx")
    _, declared = declaring(neimenggu, path)
    assert declared.code == 0, declared
    rows = neimenggu.desk.query(
        "SELECT account_id, fen FROM {roster_row} WHERE roster = %s ORDER BY line", declared.json["roster"]
    )
    assert rows == [(neimenggu.desk.account(one), 300_00) for one in CROWD]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_an_empty_form_is_filled_in_and_read(neimenggu, kind):
    """Five of its twelve rows are used; signatures and instructions below them are nobody's."""
    said, rows = printed(neimenggu, neimenggu.ready, "declaration_form", "--empty", "--rows", 12, outside=False)
    assert (said["persons"], said["amount"]) == (None, None)
    for place, one in enumerate(PEOPLE[:5]):
        rows[2 + place] = [str(place + 1), one.name, one.sex, one.number, "叁佰元整" if place else 300.0, "集体补助"]
    rows[14][0] = "资助人（签章）：张三　2025年3月3日"
    if kind == "xlsx":
        file = sheet(neimenggu, "filled.xlsx", rows)
    else:
        file = neimenggu.desk.folder / "filled.csv"
        file.write_text("\n".join(",".join(str(cell) for cell in row) for row in rows), "utf-8")
    _, declared = declaring(neimenggu, file)
    assert declared.code == 0, declared
    assert declared.json["events"][1]["rows"] == 5


def test_no_person_below_or_beside_a_signature_is_dropped(neimenggu):
    _, rows = printed(neimenggu, neimenggu.ready, "declaration_form", outside=False)
    below = [8.0, PEOPLE[0].name, PEOPLE[0].sex, PEOPLE[0].number, 300.0, "集体补助"]
    _, twice = declaring(neimenggu, sheet(neimenggu, "below.xlsx", [*rows, below]))
    assert [(one["line"], one["reason"]) for one in twice.json["faults"]] == [(len(rows) + 1, "ALREADY_DECLARED")]
    beside = ["资助人（签章）：", *below[1:]]
    _, twice = declaring(neimenggu, sheet(neimenggu, "beside.xlsx", [*rows, beside]))
    assert [(one["line"], one["reason"]) for one in twice.json["faults"]] == [(len(rows) + 1, "ALREADY_DECLARED")]
    nobodys = {
        "name": ["", "张三", "", "", "", ""],
        "sum": ["合计", "", "", "", 2099.0, ""],
        "own": ["经办：", "", "", "", "", ""],
        "signed": ["资助人（签章）：", "张三", "", "", "", ""],
    }
    for name, row in nobodys.items():
        _, returned = declaring(neimenggu, sheet(neimenggu, f"{name}.xlsx", [*rows, row]))
        assert {one["line"] for one in returned.json.get("faults", [])} == {len(rows) + 1}, name


def test_an_erased_person_is_printed_as_such(neimenggu):
    who = person(330)
    neimenggu.desk.enrol(who)
    account = neimenggu.desk.account(who)
    (holder,) = neimenggu.desk.register.find([neimenggu.desk.register.digest(who.number)]).values()
    assert open_holders(neimenggu.desk.register, [account.bytes]) == {account.bytes: (who.name, who.number)}
    with neimenggu.desk.log.connections.transaction() as connection, connection.cursor() as cursor:
        neimenggu.desk.register.erase(cursor, holder.participant)
    assert open_holders(neimenggu.desk.register, [account.bytes]) == {account.bytes: (ERASED, "")}
