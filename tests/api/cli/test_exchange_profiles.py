"""Formats and batch headers through the installed command: the same payments in another format are the same payments,
and a file that is not what it says of itself leaves nothing behind."""

import pytest

from api.cli import imports
from api.files.tables import file_sha256
from ledger.jobs.payment_rows import REQUIRED
from tests.api.cli.desk import RECORDED, THERE, person

ITEM_CODES = {
    "缴费明细流水号": "UUID",
    "电子税票号码": "AAD009",
    "公民身份号码": "AAC147",
    "姓名": "AAC003",
    "费款所属期": "AAE003",
    "上解日期": "AAE530",
    "入库日期": "AAE531",
    "数据类型": "AAA321",
}


@pytest.fixture(scope="module")
def desk(open_desk):
    made = open_desk()
    made.set("rate", 2023, "0.03")
    return made


def spine(desk, name, rows, title=""):
    rows = [{column.removesuffix("（元）"): cell for column, cell in row.items()} for row in rows]
    more = tuple(dict.fromkeys(column for row in rows for column in row if column not in REQUIRED))
    return desk.table(name, rows, (*REQUIRED, *more), title=title)


def items(desk, name, rows, **more):
    """The same rows under the codes of data items; `more` are columns of that format alone."""
    rows = [
        {ITEM_CODES.get(column := name.removesuffix("（元）"), column): cell for name, cell in row.items()} | more
        for row in rows
    ]
    return desk.table(name, rows, (*(ITEM_CODES.get(name, name) for name in REQUIRED), *more))


def stored(desk, file):
    """What stands with a file of the exchange."""
    columns = "SELECT kind, profile, batch, said_rows, said_fen FROM {exchange_file} WHERE sha256 = %s"
    return desk.query(columns, file_sha256(file))


def test_the_same_payments_in_another_format_are_already_there(desk):
    one, two = person(1), person(2)
    desk.enrol(one, two)
    rows = [
        desk.payment(one, "A1", "200.00"),
        desk.payment(two, "A2", "300.00"),
        desk.payment(two, "A2", "300.00", 数据类型="撤销"),
        desk.payment(two, "A3", "-1"),
    ]
    file = spine(desk, "spine.csv", rows)
    assert desk.import_("payments", file).code == 2
    assert desk.outcomes(file) == [RECORDED, RECORDED, RECORDED, "AMOUNT"]
    position = desk.position()
    for name in ("items.csv", "items.xlsx"):
        file = items(desk, name, rows, AAE140="城乡居民基本养老保险")
        assert desk.import_("payments", file, "--profile", "items").code == 2
        assert desk.outcomes(file) == [THERE, THERE, THERE, "AMOUNT"]
    assert desk.position() == position
    assert (desk.fen(one), desk.fen(two)) == (20000, 0)


def test_a_batch_that_is_what_it_says(desk):
    who = person(11)
    desk.enrol(who)
    rows = [desk.payment(who, f"B{place}", 传输批次号="") for place in range(3)]
    rows.append(desk.payment(who, "B0", 传输批次号="", 数据类型="撤销"))
    file = spine(desk, "b.csv", rows, title="传输批次号：20230512A,总笔数：4,总金额：200.00\n")
    tried = desk.import_("payments", file, "--dry-run", "--json", inside=True)
    ended = desk.import_("payments", file, "--json")
    assert (ended.code, ended.json["recorded"]) == (0, 4)
    assert tried.json == {**ended.json, "dry_run": True}
    stated = {"batch": "20230512A", "said_rows": 4, "said_total": "200.00"}
    assert {word: ended.json[word] for word in stated} == stated
    assert {event.batch for event in desk.history(who) if hasattr(event, "batch")} == {"20230512A"}
    assert stored(desk, file) == [("payments", "spine", "20230512A", 4, 20000)]
    again = desk.import_("payments", file, inside=True)
    assert "总笔数 4" in again.out
    plain = desk.import_("payments", spine(desk, "plain.csv", rows), "--json", inside=True)
    assert not stated.keys() & plain.json.keys()
    assert stored(desk, desk.folder / "plain.csv") == [("payments", "spine", "", None, None)]


def test_receivables_through_a_profile(desk):
    who = person(15)
    desk.enrol(who)
    row = {
        "应收核定编号": "N1", "AAC147": who.number, "AAC003": who.name, "AAE003": "2023", "征收品目": "个人缴费",
        "缴费类型": "正常应缴", "应缴金额": "200", "核定日期": "2023-04-01", "AAA321": "新增",
    }  # fmt: skip
    command = ("tax", "receivables", "import")
    hands = ("--pool", desk.code, "--actor", "甲", "--reviewer", "乙", "--profile", "items")
    wrong = desk.table("r.csv", [row], tuple(row), title="总笔数：1,总金额：201.00\n")
    ended = desk.inside(*command, wrong, *hands)
    assert (ended.code, "BATCH_HEADER" in ended.err) == (1, True)
    assert stored(desk, wrong) == []
    right = desk.table("r.csv", [row], tuple(row), title="总笔数：1,总金额：200.00\n")
    ended = desk.inside(*command, right, *hands, "--json")
    assert (ended.code, ended.json["recorded"], ended.json["said_total"]) == (0, 1, "200.00")
    assert stored(desk, right) == [("receivables", "items", "", 1, 20000)]


HEADERS = {
    "count": ("总笔数：3", "表头所载3，逐行计得2"),
    "total": ("总金额：200.01", "表头所载200.01元，逐行计得200.00元"),
    "batch": ("传输批次号：B2", "第3行"),
    "unreadable": ("总笔数：两", "第1行"),
}


@pytest.mark.parametrize(("title", "said"), HEADERS.values(), ids=HEADERS)
def test_a_file_that_disagrees_with_its_header_is_refused_whole(desk, title, said):
    who = person(21)
    if who.number not in desk.people:
        desk.enrol(who)
    position, jobs = desk.position(), desk.query("SELECT count(*) FROM {job}")
    file = spine(desk, "d.csv", [desk.payment(who, "D1"), desk.payment(who, "D2")], title=title + "\n")
    ended = desk.import_("payments", file, "--json", inside=title != "总笔数：3")
    assert (ended.code, ended.out) == (1, "")
    assert "BATCH_HEADER" in ended.err
    assert said in ended.err
    assert desk.position() == position
    assert not file.with_name("d.csv.result.csv").exists()
    assert desk.query("SELECT count(*) FROM {job}") == jobs


def test_treasury_totals_through_a_profile(desk):
    days = {"AAE310": "2023-05-10", "AAE311": "2023-05-10", "征收品目": "个人缴费", "金额": "200.00", "笔数": "1"}
    command = ("tax", "totals", "import")
    asked = ("--pool", desk.code, "--actor", "甲", "--profile", "items", "--json")
    wrong = desk.table("t.csv", [days], tuple(days), title="记录数：2\n")
    ended = desk.inside(*command, wrong, *asked, "--source", "treasury")
    assert (ended.code, ended.out, "BATCH_HEADER" in ended.err) == (1, "", True)
    assert stored(desk, wrong) == []
    right = desk.table("t.csv", [days], tuple(days), title="记录数：1,合计金额：200.00\n")
    ended = desk.inside(*command, right, *asked, "--source", "treasury")
    assert ended.code == 0, ended
    assert ended.json["recorded"] == 1
    assert stored(desk, right) == [("treasury", "items", "", 1, 20000)]
    one_day = {"日期": "2023-05-11", "金额": "1"}
    spine_file = desk.table("u.csv", [one_day], tuple(one_day))
    spine_asked = (*asked[:4], "--profile", "spine", "--json", "--source", "treasury")
    assert desk.inside(*command, spine_file, *spine_asked).json["recorded"] == 1
    assert desk.inside(*command, spine_file, *asked, "--source", "income-account").code == 64


NORTH = """name = "north"
based_on = "items"
[payments]
batch_header = "required"
[payments.labels]
batch = []
[payments.values."数据类型"]
"1" = "新增"
[payments.values."险种类型"]
"170" = "城乡居民基本养老保险"
"""


def test_a_profile_of_ones_own_with_codes_read_by_a_process_of_its_own(desk, monkeypatch):
    """Also that another insurance is refused with its row, and that a file without the header it must have is not."""
    monkeypatch.setattr(imports, "LONG_FROM", 1)
    who = person(31)
    desk.enrol(who)
    profile = desk.folder / "north.toml"
    profile.write_text(NORTH, encoding="utf-8")
    rows = [desk.payment(who, f"N{place}", 数据类型="1") for place in range(3)]
    file = items(desk, "n.csv", rows, AAE140="170")
    text = file.read_text(encoding="utf-8")
    asked = ("--profile", profile)
    lacking = desk.import_("payments", file, *asked, inside=True)
    assert (lacking.code, desk.fen(who)) == (1, 0)
    assert "没有总笔数、总金额" in lacking.err
    file.write_text("总笔数：3,总金额：300.00\n" + text.replace("170", "110", 1), encoding="utf-8")
    assert desk.import_("payments", file, *asked, inside=True).code == 2
    assert desk.outcomes(file) == ["KIND", RECORDED, RECORDED]
    assert "险种" in desk.results(file)[0].text
    assert desk.fen(who) == 20000
    assert desk.import_("payments", file, "--profile", "items", inside=True).code == 1  # 1 is no 新增 there
    assert desk.import_("payments", file, inside=True).code == 1


def test_refund_requests_through_a_profile(desk):
    who = person(41)
    desk.enrol(who)
    row = {
        "AAA325": "R1", "AAC147": who.number, "AAC003": who.name, "AAD009": "T1", "费款所属期": "2023",
        "征收品目": "个人缴费", "AAE496": "200.00", "AAE494": "04", "AAE530": "2023-05-12", "AAA321": "新增",
        "传输批次号": "",
    }  # fmt: skip
    rows = [row, {**row, "AAA325": "R2", "AAE496": "50.00"}, {**row, "AAA321": "撤销"}]
    command = ("tax", "refunds", "import")
    hands = ("--pool", desk.code, "--actor", "甲", "--profile", "items")
    title = "传输批次号：20230601R,总笔数：3,总金额：{}\n"
    wrong = desk.table("refunds.csv", rows, tuple(row), title=title.format("450.00"))
    ended = desk.inside(*command, wrong, *hands)
    assert (ended.code, "BATCH_HEADER" in ended.err) == (1, True)
    assert (stored(desk, wrong), desk.query("SELECT * FROM {refund_request}")) == ([], [])
    right = desk.table("refunds.csv", rows, tuple(row), title=title.format("50.00"))
    ended = desk.ledger(*command, right, *hands, "--json")
    assert (ended.code, ended.json["recorded"], ended.json["said_total"]) == (0, 3, "50.00"), ended
    assert stored(desk, right) == [("refund_requests", "items", "20230601R", 3, 5000)]
    assert "总笔数 3" in desk.inside(*command, right, *hands).out
    names = {"AAA325": "退费申请编号", "AAC147": "公民身份号码", "AAC003": "姓名", "AAD009": "电子税票号码",
             "AAE496": "申请退费额", "AAE494": "退费类型", "AAE530": "上解日期", "AAA321": "数据类型"}  # fmt: skip
    plain = [{names.get(name, name): cell for name, cell in one.items()} | {"传输批次号": "20230601R"} for one in rows]
    same = desk.inside(*command, desk.table("plain.csv", plain, tuple(plain[0])), *hands[:4], "--json")
    assert (same.code, same.json["already_there"]) == (0, 3), same
    verify = desk.inside("projections", "verify", "--pool", desk.code)
    assert verify.code == 0, verify


OTHERS = """name = "south"
based_on = "items"
[failures]
batch_header = "required"
[failures.columns]
"失败原因" = "说明"
[failures.fixed]
"征收品目" = "个人缴费"
[failures.labels]
total = []
[special_feedback.values."缴费类型"]
"02" = "一次性补缴"
"""


def test_failed_payments_and_feedback_through_a_profile_of_ones_own(desk):
    who = person(42)
    desk.enrol(who)
    profile = desk.folder / "south.toml"
    profile.write_text(OTHERS, encoding="utf-8")
    hands = ("--pool", desk.code, "--actor", "甲", "--profile", profile, "--json")
    failed = {"AAC147": who.number, "AAC003": who.name, "AAE003": "2023", "金额": "200", "说明": "扣款失败",
              "日期": "2023-05-12", "传输批次号": ""}  # fmt: skip
    lacking = desk.inside("tax", "failed", "import", desk.table("f.csv", [failed], tuple(failed)), *hands)
    assert (lacking.code, "没有传输批次号、总笔数" in lacking.err) == (1, True), lacking
    file = desk.table("f.csv", [failed], tuple(failed), title="传输批次号：F7,总笔数：1\n")
    ended = desk.inside("tax", "failed", "import", file, *hands)
    assert (ended.code, ended.json["recorded"], ended.json["batch"]) == (0, 1, "F7"), ended
    assert stored(desk, file) == [("failures", "south", "F7", 1, None)]
    assert desk.query("SELECT kind, cause, batch FROM {payment_failure}") == [(0, "扣款失败", "F7")]
    back = {"应收核定编号": "N9", "AAC147": who.number, "AAC003": who.name, "AAE003": "2022", "缴费类型": "02",
            "AAE542": "200", "AAE531": "2023-05-12", "AAD009": "T9"}  # fmt: skip
    file = desk.table("back.csv", [back, {**back, "缴费类型": "03"}], tuple(back))
    ended = desk.inside("tax", "special", "feedback", file, *hands)
    assert (ended.code, desk.outcomes(file)) == (2, ["NOT_APPROVED", "KIND"]), ended
    assert stored(desk, file) == [("special_feedback", "south", "", None, None)]


def test_profiles_are_listed_shown_and_checked(desk):
    listed = desk.ledger("tax", "profiles", "list", "--json").json
    assert [one["name"] for one in listed] == ["spine", "items"]
    assert "数据项代码" in desk.inside("tax", "profiles", "list").out
    shown = desk.inside("tax", "profiles", "show", "items", "--json").json
    assert shown["payments"]["columns"]["公民身份号码"] == ["AAC147"]
    profile = desk.folder / "own.toml"
    profile.write_text(NORTH, encoding="utf-8")
    told = desk.inside("tax", "profiles", "show", profile).out
    assert all(
        word in told for word in ("公民身份号码 ← AAC147", "170 = 城乡居民基本养老保险", "必须有", "total = net")
    )
    assert desk.inside("tax", "profiles", "check", profile).code == 0
    profile.write_text(NORTH.replace('"1" = "新增"', '"1" = "新加"'), encoding="utf-8")
    for command in (("tax", "profiles", "check", profile), ("tax", "profiles", "show", profile)):
        ended = desk.inside(*command)
        assert (ended.code, ended.out) == (1, "")
        assert 'own.toml 的 payments.values."数据类型".1' in ended.err
    unknown = desk.import_("payments", profile, "--profile", "south", inside=True)
    assert (unknown.code, "spine、items" in unknown.err) == (1, True)
