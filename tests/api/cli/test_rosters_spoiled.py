"""What villages hand in: every way in which an 申报表 can be wrong, each told with its line or its file.

A roster is taken whole or returned whole: after each of these the log stands where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.api.cli.desk import Desk, Person, person
from tests.api.cli.village import PEOPLE, ROSTER, YEAR, Village

TITLED = ("序号", "姓名", "性别", "公民身份号码", "补助金（资助）金额（元）", "补助或资助类型")
GONE = person(307)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
Sheet = Any
Then = Callable[[Any, Sheet], None]


@pytest.fixture(scope="module")
def village(open_desk: Callable[..., Desk]) -> Village:
    """A plan that waits for its rosters, and somebody whose account was closed after a death."""
    made = Village(open_desk("ningxia"), (*PEOPLE, GONE))
    made.desk.set("rate", YEAR - 1, "0.02")
    made.desk.prepare(
        "account", "close", "--pool", made.desk.code, "--account", made.desk.account(GONE), "--on", "2025-03-01",
        "--reason", "死亡", "--actor", "甲", "--reviewer", "乙",
    )  # fmt: skip
    made.ready = made.plan()
    made.walk(made.ready, "declared")
    return made


def cells(who: Person, place: int = 1, amount: object = "300.00", number: object = None) -> list[object]:
    """One row as it stands in a sheet."""
    return [place, who.name, who.sex, number or who.number, amount, "集体补助"]


def everybody(amount: object = "300.00") -> list[list[object]]:
    return [cells(one, place, amount) for place, one in enumerate(PEOPLE[:3], 1)]


def sheet_of(
    folder: Path, name: str, rows: Sequence[Sequence[object]], then: Then | None = None, header: Sequence[str] = TITLED,
    above: Sequence[Sequence[object]] = (), cover: Sequence[Sequence[object]] | None = None,
) -> Path:  # fmt: skip
    """An .xlsx with a header, optionally below lines or a cover sheet; numbers are numbers, texts starting with = not.

    Formulas are written by `then`.
    """
    path = folder / name
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    if cover is not None:
        first = book.add_worksheet("封面")
        for at, row in enumerate(cover):
            first.write_row(at, 0, row)
    sheet = book.add_worksheet("申报表")
    for at, row in enumerate([*above, header, *rows]):
        sheet.write_row(at, 0, row)
    if then:
        then(book, sheet)
    book.close()
    return path


def taken(village: Village, file: Path, code: int | None = None) -> Any:
    """The declaration of a file, tried: how it ended, whatever it was; and that it recorded nothing."""
    before, version = village.desk.position(), village.show(village.ready)["version"]
    ended = village.step(village.ready, "declared", "--file", file, *(("--dry-run",) if code == 0 else ()))
    assert (village.desk.position(), village.show(village.ready)["version"]) == (before, version)
    assert village.show(village.ready)["rosters"] == []
    result = file.with_name(file.name + ".result.csv")
    told = ended.out + ended.err + (result.read_text("utf-8") if result.exists() else "")
    for one in (*PEOPLE, GONE):
        assert one.number not in told
        assert one.name not in told
    return ended


def faults(ended: Any) -> list[tuple[int, str]]:
    assert ended.code == 2, ended
    return [(one["line"], one["reason"]) for one in ended.json["faults"]]


# -- what is well -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "amount", [300, 300.0, "300", "300.00", " 300.0 ", "３００．００", "+300", "300.000"], ids=repr
)
def test_an_amount_of_three_hundred_however_written(village, amount):
    ended = taken(village, sheet_of(village.desk.folder, "well.xlsx", everybody(amount)), 0)
    assert (ended.code, ended.json["events"][-1]["fen"]) == (0, 900_00), ended


@pytest.mark.parametrize("amount", ["1,234.50", "１，２３４．５０", 1234.5])
def test_an_amount_of_thousands_however_written(open_desk, village, amount):
    sequence = 1 + len(village.desk.query("SELECT FROM {subsidy_plan}"))
    plan = village.plan("--flat", "1234.50", "--sequence", sequence)
    village.walk(plan, "declared")
    for name in ("thousands.xlsx", "thousands.csv"):
        row = dict(zip(TITLED, map(str, cells(PEOPLE[0], 1, amount)), strict=True))
        file = (
            village.desk.table(name, [row], TITLED)
            if name.endswith(".csv")
            else sheet_of(village.desk.folder, name, [cells(PEOPLE[0], 1, amount)])
        )
        ended = village.step(plan, "declared", "--file", file, "--dry-run")
        assert (ended.code, ended.json["events"][-1]["fen"]) == (0, 1234_50), ended


def test_numbers_in_full_width_and_with_spaces(village):
    number = "".join(chr(ord(sign) + 0xFEE0) for sign in PEOPLE[0].number)
    spaced = f"{PEOPLE[1].number[:6]} {PEOPLE[1].number[6:14]} {PEOPLE[1].number[14:]}"
    rows = [cells(PEOPLE[0], 1, number=number), cells(PEOPLE[1], 2, number=spaced)]
    assert taken(village, sheet_of(village.desk.folder, "wide.xlsx", rows), 0).code == 0


@pytest.mark.parametrize(
    "total",
    [
        ["合计", "", "", "", 900, ""],
        ["合 计：", "", "", "", "900.00", ""],
        ["", "总计", "3人", "", "９００", ""],
        ["", "", "", "合计", 900.0, ""],
        ["本页小计", "", "", "", 900, ""],
        ["合计（元）", "", "", "", "", ""],
    ],
    ids=str,
)
def test_a_line_of_sums_declares_nobody(village, total):
    ended = taken(village, sheet_of(village.desk.folder, "total.xlsx", [*everybody(), total]), 0)
    assert (ended.code, ended.json["events"][-1]["rows"]) == (0, 3), ended


def test_sums_of_parts_and_of_the_whole(village):
    one, two, three = everybody()
    part = ["小计", "", "", "", "600.00", ""]
    rows = [one, two, part, three, ["小计", "", "", "", 300, ""], ["合计", "", "", "", 900, ""]]
    assert taken(village, sheet_of(village.desk.folder, "parts.xlsx", rows), 0).code == 0


def test_a_total_under_a_merged_label_may_be_computed(village):
    def then(_book: Any, sheet: Sheet) -> None:
        sheet.merge_range(4, 0, 4, 3, "合计")
        sheet.write_formula(4, 4, "=SUM(E2:E4)", None, 900)

    assert taken(village, sheet_of(village.desk.folder, "sum.xlsx", everybody(300), then), 0).code == 0


def test_what_only_looks_different(village):
    """A computed 序号, a sex from the number, a merged title, an empty second sheet, another one of other things."""

    def then(book: Any, sheet: Sheet) -> None:
        sheet.merge_range(0, 0, 0, 5, "青村补助名册")
        for line in range(2, 5):
            sheet.write_formula(line, 0, "=ROW()-2", None, line - 1)
            who = PEOPLE[line - 2]
            sheet.write_formula(line, 2, f'=IF(MOD(MID(D{line + 1},17,1),2),"男","女")', None, who.sex)
        book.add_worksheet("空表")
        book.add_worksheet("说明").write_row(0, 0, ["填表说明", "一式两份"])
        book.add_worksheet("样表").write_row(0, 0, TITLED)

    file = sheet_of(village.desk.folder, "dressed.xlsx", everybody(), then, above=[["青村补助名册"]])
    assert taken(village, file, 0).code == 0


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason", "said"),
    [
        (cells(PEOPLE[0], 1, number=PEOPLE[0].number[:-1] + ("1" if PEOPLE[0].number[-1] != "1" else "2")),
         "IDENTITY_FAULT", "校验码不符"),
        (cells(PEOPLE[0], 1, number=int(PEOPLE[0].number[:17] + "0")), "ROW_FAULT", "末几位已丢失"),
        (cells(PEOPLE[0], 1, number=int(PEOPLE[0].number[:15])), "ROW_FAULT", "数字格式"),
        (cells(PEOPLE[0], 1, number=PEOPLE[0].number[:16]), "IDENTITY_FAULT", "实际 16 位"),
        (cells(PEOPLE[0], 1, 300.001), "AMOUNT", "小数超过两位"),
        (cells(PEOPLE[0], 1, "300.005"), "AMOUNT", "小数超过两位"),
        (cells(PEOPLE[0], 1, "0.03万"), "AMOUNT", "以元为单位"),
        (cells(PEOPLE[0], 1, "300元"), "AMOUNT", "以元为单位"),
        (cells(PEOPLE[0], 1, "3,00.00"), "AMOUNT", "以元为单位"),
        (cells(PEOPLE[0], 1, "拾元整"), "AMOUNT", "应写成“壹拾元整”"),
        (cells(PEOPLE[0], 1, ""), "AMOUNT", "金额为空"),
        (cells(PEOPLE[0], 1, -300), "AMOUNT", "大于零"),
        (cells(PEOPLE[0], 1, True), "AMOUNT", "以元为单位"),
        (cells(GONE, 1), "ACCOUNT_CLOSED", "已注销"),
        ([*cells(PEOPLE[0], 1), "", "旁注"], "ROW_FAULT", "多于表头"),
        (["", "资助人（签章）：", "", "", "", ""], "IDENTITY_FAULT", ""),
        (["合计", "", "", "", "600.01", ""], "AMOUNT", "合计600.01元须等于以上各行之和600.00元"),
        (["小计", "", "", "", 300, ""], "AMOUNT", "小计300.00元须等于以上各行之和600.00元"),
        (["合计", "", "", "", "六百元", ""], "AMOUNT", "以元为单位"),
        (["合计", PEOPLE[0].name, PEOPLE[0].sex, PEOPLE[5].number, "300", "集体补助"], "NAME_DIFFERS", ""),
    ],
)  # fmt: skip
def test_a_row_that_cannot_stand(village, row, reason, said):
    """Between two that are well: the roster comes back with this row's fault."""
    good = [cells(PEOPLE[3], 1), cells(PEOPLE[4], 2)]
    file = sheet_of(village.desk.folder, "row.xlsx", [*good, row])
    told = taken(village, file)
    assert (4, reason) in faults(told)
    assert {line for line, _ in faults(told)} == {4}
    assert said in next(one["text"] for one in told.json["faults"] if one["reason"] == reason)
    assert {(one.line, one.reason) for one in village.desk.results(file)} == set(faults(told))


def test_a_member_twice_however_the_number_is_written(village):
    rows = [*everybody(), cells(PEOPLE[0], 4, number=PEOPLE[0].number[:6] + " " + PEOPLE[0].number[6:])]
    assert faults(taken(village, sheet_of(village.desk.folder, "twice.xlsx", rows))) == [(5, "ALREADY_DECLARED")]


def test_thousands_without_quotes_in_a_csv(village):
    """`1,300.00` is two cells there, and the first of them would be one yuan."""
    text = ",".join(TITLED) + "\n" + ",".join(map(str, cells(PEOPLE[0], 1, "1,300.00"))) + "\n合计,,,,300.00,\n"
    file = village.desk.folder / "split.csv"
    file.write_text(text, "utf-8")
    told = taken(village, file)
    assert faults(told) == [(2, "ROW_FAULT")]
    assert "千位逗号" in told.json["faults"][0]["text"]


@pytest.mark.parametrize("value", [300, 0, "", "#N/A"])
def test_an_amount_that_is_a_formula(village, value):
    """Its result in the file may be from before the last change, or never have been computed."""

    def then(_book: Any, sheet: Sheet) -> None:
        sheet.write_formula(2, 4, "=E2", None, value)

    told = taken(village, sheet_of(village.desk.folder, "formula.xlsx", everybody(), then))
    assert faults(told) == [(3, "ROW_FAULT")]
    assert "“补助金（资助）金额”列是公式" in told.json["faults"][0]["text"]
    assert "选择性粘贴" in told.json["faults"][0]["text"]


def test_a_number_that_is_a_formula_and_one_formula_for_many_rows(village):
    def then(_book: Any, sheet: Sheet) -> None:
        sheet.write_formula(1, 3, '="' + PEOPLE[0].number + '"', None, PEOPLE[0].number)
        sheet.write_array_formula(2, 4, 3, 4, "{=E2:E3}", None, 300)
        sheet.write_number(3, 4, 300)

    told = taken(village, sheet_of(village.desk.folder, "formulas.xlsx", everybody(), then))
    assert faults(told) == [(2, "ROW_FAULT"), (3, "ROW_FAULT"), (4, "ROW_FAULT")]


def test_amounts_in_merged_cells(village):
    def then(_book: Any, sheet: Sheet) -> None:
        sheet.merge_range(1, 4, 3, 4, 300)

    told = taken(village, sheet_of(village.desk.folder, "merged.xlsx", everybody(300), then))
    assert faults(told) == [(3, "ROW_FAULT"), (4, "ROW_FAULT")]
    assert "“补助金（资助）金额”列是合并单元格" in told.json["faults"][0]["text"]


def test_people_in_hidden_rows(village):
    """Whoever signed the printed list never saw them."""

    def then(_book: Any, sheet: Sheet) -> None:
        sheet.set_row(2, None, None, {"hidden": True})

    told = taken(village, sheet_of(village.desk.folder, "hidden.xlsx", everybody(), then))
    assert faults(told) == [(3, "ROW_FAULT")]
    assert "隐藏" in told.json["faults"][0]["text"]


# -- files ------------------------------------------------------------------------------------------------------------


def test_amounts_in_ten_thousands(village):
    """Wherever the form says so: in the column's bracket, or above the table."""
    folder = village.desk.folder
    columns = [
        "补助金（资助）金额（万元）", "补助金(资助)金额(单位：万元)", "补助金（资助）金额【万元/年】",
        "补助金（资助）金额（人民币万元）", "补助金（资助）金额[千元]", "补助金（资助）金额（万）",
    ]  # fmt: skip
    for name in columns:
        header = [*TITLED[:4], name, TITLED[5]]
        ended = taken(village, sheet_of(folder, "unit.xlsx", everybody("0.03"), header=header))
        assert (ended.code, "列的单位是" in ended.err) == (1, True), (name, ended)
    for above in ("单位：万元", "单位:万元", "金额 单位 ： 万元", "青村名册（单位：人民币万元）", "单位：百元"):
        ended = taken(village, sheet_of(folder, "title.xlsx", everybody("0.03"), above=[["名册"], ["", "", above]]))
        assert (ended.code, "注明的单位是" in ended.err, "第 2 行" in ended.err) == (1, True, True), (above, ended)
    text = f"单位：万元\n{','.join(TITLED)}\n{','.join(map(str, cells(PEOPLE[0], 1, '0.03')))}\n"
    (folder / "title.csv").write_text(text, "utf-8")
    assert "注明的单位是万元" in taken(village, folder / "title.csv").err
    for name in ("金额万元", "补助金（资助）金额万元", "金额（万元）"):
        header = [*TITLED[:4], name, TITLED[5]]
        ended = taken(village, sheet_of(folder, "name.xlsx", everybody("0.03"), header=header))
        assert (ended.code, "缺少必需的列：补助金（资助）金额" in ended.err) == (1, True), (name, ended)
    for above in ("单位：元", "单位：青村（盖章）", "单位：分水岭村", "填报单位：万元村", "金额单位：元"):
        file = sheet_of(folder, "yuan.xlsx", everybody(), above=[[above]])
        assert taken(village, file, 0).code == 0, above


def test_what_is_no_form(village):
    folder = village.desk.folder
    payments = ["缴费明细流水号", "公民身份号码", "姓名", "实缴金额"]
    (folder / "empty.csv").write_bytes(b"")
    (folder / "empty.xlsx").write_bytes(b"")
    (folder / "old.xls").write_bytes(OLE + b"\0" * 600)
    (folder / "renamed.xlsx").write_bytes(OLE + b"\0" * 600)
    (folder / "page.xlsx").write_text("<html><table></table></html>", "utf-8")
    (folder / "book.csv").write_bytes(sheet_of(folder, "book.xlsx", everybody()).read_bytes())
    low = [["标题"]] * 10
    for file, said in (
        (folder / "empty.csv", "文件是空的"),
        (folder / "empty.xlsx", "文件是空的"),
        (folder / "old.xls", "只能读取 .csv 和 .xlsx"),
        (folder / "renamed.xlsx", "有密码，或是旧版 .xls"),
        (folder / "page.xlsx", "不是有效的 .xlsx"),
        (folder / "book.csv", "NUL"),
        (sheet_of(folder, "other.xlsx", [["1", "2", "3", "4"]], header=payments), "缺少必需的列"),
        (sheet_of(folder, "low.xlsx", everybody(), above=low), "前 10 行中没有找到表头"),
        (sheet_of(folder, "again.xlsx", everybody(), header=[*TITLED[:5], "补助金（资助）金额"]), "缺少必需的列"),
        (sheet_of(folder, "more.xlsx", everybody(), header=[*TITLED, "补助金(资助)金额"]), "不止一次"),
    ):
        ended = taken(village, file)
        assert (ended.code, ended.out, said in ended.err) == (1, "", True), (file.name, ended)
        assert file.name in ended.err


def test_a_form_without_anybody(village):
    for rows in ([], [["合计", "", "", "", 0, ""]], [["", "", "", "", "", ""]]):
        ended = taken(village, sheet_of(village.desk.folder, "nobody.xlsx", rows))
        assert (ended.code, "ROSTER_ROWS" in ended.err) == (1, True), ended


def test_several_sheets(village):
    """Only the first is read, so people on another one would be left out without a word."""
    folder = village.desk.folder
    more = everybody()

    def another(book: Any, _sheet: Sheet) -> None:
        sheet = book.add_worksheet("第二组")
        sheet.write_row(2, 1, TITLED)
        sheet.write_row(3, 1, more[0])

    two = taken(village, sheet_of(folder, "two.xlsx", more, another))
    assert (two.code, "第2个工作表也填有申报的内容" in two.err) == (1, True), two
    covered = taken(village, sheet_of(folder, "cover.xlsx", more, cover=[["青村", "2025年度"]]))
    assert (covered.code, "第一个工作表中没有表头，第2个工作表中有" in covered.err) == (1, True), covered
    blank = taken(village, sheet_of(folder, "blank.xlsx", more, cover=[]))
    assert (blank.code, "第一个工作表是空的" in blank.err) == (1, True), blank


def test_a_hidden_sheet_and_hidden_columns(village):
    folder = village.desk.folder

    def sheet_away(book: Any, sheet: Sheet) -> None:
        book.add_worksheet("封面").activate()
        sheet.hide()

    away = taken(village, sheet_of(folder, "away.xlsx", everybody(), sheet_away))
    assert (away.code, "第一个工作表是隐藏的" in away.err) == (1, True), away
    for first, last, code in ((4, 4, 1), (3, 4, 1), (7, 9, 0)):
        file = sheet_of(
            folder,
            f"columns{first}{last}.xlsx",
            everybody(),
            lambda _book, sheet, first=first, last=last: sheet.set_column(first, last, None, None, {"hidden": True}),
        )
        ended = taken(village, file, code)
        assert (ended.code, code == 0 or "列是隐藏的" in ended.err) == (code, True), ended


def test_the_columns_of_the_form_are_those_of_the_annex():
    """S0 附件3: 序号 姓名 性别 公民身份号码 补助金（资助）金额 补助或资助类型."""
    assert tuple(one.replace("（元）", "") for one in TITLED) == ROSTER
