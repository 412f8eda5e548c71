"""`import participants` through the installed command: every refusal, every spelling, and nothing twice."""

from datetime import date

import pytest

from tests.api.cli.desk import PARTICIPANT, RECORDED, THERE, Person, person

ANNA, BELA, CELA = person(1), person(2), person(3)


def wrong_check_digit(who):
    last = "0" if who.number[-1] != "0" else "1"
    return who.number[:-1] + last


def test_every_row_ends_as_it_should(desk):
    desk.enrol(ANNA)
    minor = person(11, born=date(2003, 3, 2))
    barely = person(12, born=date(2003, 3, 1))
    other_sex = "女" if BELA.sex == "男" else "男"
    rows = [
        (desk.enrolment(BELA, 公民身份号码=wrong_check_digit(BELA)), "IDENTITY_FAULT", "“公民身份号码”"),
        (desk.enrolment(BELA, 公民身份号码="6400001980"), "IDENTITY_FAULT", "“公民身份号码”"),
        (desk.enrolment(BELA, 性别=other_sex), "IDENTITY_FAULT", "“性别”"),
        (desk.enrolment(BELA, 性别=""), "IDENTITY_FAULT", "“性别”"),
        (desk.enrolment(BELA, 姓名=" 　"), "IDENTITY_FAULT", "“姓名”"),
        (desk.enrolment(BELA, 村=""), "UNKNOWN_DIVISION", "区划"),
        (desk.enrolment(minor, 参保日期="2019-03-01"), "UNDER_AGE", "15周岁"),
        (desk.enrolment(barely, 参保日期="2019-03-01"), RECORDED, ""),
        (desk.enrolment(BELA, 参保日期="2099-01-01"), "DATE", "参保日期"),
        (desk.enrolment(BELA, 参保日期="2019-02-30"), "DATE", "2019-02-30"),
        (desk.enrolment(BELA, 参保日期=""), "DATE", "参保日期"),
        (desk.enrolment(BELA, 参保日期="1979-12-31"), "DATE", "出生"),
        (desk.enrolment(ANNA._replace(name="旁人")), "NAME_DIFFERS", "“姓名”"),
        (desk.enrolment(ANNA, 村="白村"), "ALREADY_OPEN", "“公民身份号码”"),
        (desk.enrolment(ANNA, 参保日期="2019-01-03"), "ALREADY_OPEN", "“公民身份号码”"),
        (desk.enrolment(ANNA), THERE, ""),
        (desk.enrolment(BELA), RECORDED, ""),
        (desk.enrolment(BELA), THERE, ""),
        (desk.enrolment(BELA._replace(name="旁人")), "NAME_DIFFERS", "“姓名”"),
        (desk.enrolment(BELA, 村="白村"), "ALREADY_OPEN", "“公民身份号码”"),
    ]
    before = desk.position()
    file = desk.participants([row for row, _, _ in rows])
    ended = desk.import_("participants", file)
    assert ended.code == 2
    results = desk.results(file)
    assert [row.reason or row.outcome for row in results] == [expected for _, expected, _ in rows]
    assert [row.line for row in results] == list(range(2, len(rows) + 2))
    for row, (_, _, said) in zip(results, rows, strict=True):
        assert said in row.text
        if row.reason:
            assert all(f"{word}：" in row.text for word in ("值", "规则", "依据", "办法"))
    assert desk.position() == before + 2
    assert f"共{len(rows)}行，记账2行，已存在2行，拒绝{len(rows) - 4}行" in ended.out
    assert desk.query("SELECT name FROM {division} ORDER BY code") == [("青县",), ("青镇",), ("青村",)]


def test_a_refused_row_leaves_no_division_behind(desk):
    young = person(13, born=date(2010, 1, 1))
    file = desk.participants([desk.enrolment(young, 村="黑村"), desk.enrolment(ANNA)])
    assert desk.import_("participants", file).code == 2
    assert desk.outcomes(file) == ["UNDER_AGE", RECORDED]
    assert "黑村" not in [name for (name,) in desk.query("SELECT name FROM {division}")]


def test_the_same_file_twice_changes_nothing(desk):
    file = desk.participants([ANNA, BELA, CELA])
    assert desk.import_("participants", file).code == 0
    before = desk.position()
    register = desk.query("SELECT * FROM {participant} ORDER BY 1")
    ended = desk.import_("participants", file, "--json")
    assert ended.code == 0
    assert (ended.json["recorded"], ended.json["already_there"], ended.json["refused"]) == (0, 3, 0)
    assert desk.outcomes(file) == [THERE] * 3
    assert desk.position() == before
    assert desk.query("SELECT * FROM {participant} ORDER BY 1") == register


def test_a_dry_run_tells_what_the_run_will_and_records_nothing(desk):
    rows = [ANNA, BELA, desk.enrolment(CELA, 参保日期="x"), ANNA, desk.enrolment(BELA, 村="白村")]
    file = desk.participants(rows)
    before = desk.position()
    dry = desk.import_("participants", file, "--dry-run")
    dry_results = [row._replace(text=row.text[:6]) for row in desk.results(file)]
    assert desk.position() == before
    assert desk.query("SELECT count(*) FROM {participant}") == [(0,)]
    assert desk.query("SELECT count(*) FROM {division}") == [(0,)]
    assert desk.query("SELECT count(*) FROM {job}") == [(0,)]
    real = desk.import_("participants", file)
    assert (dry.code, dry.out.replace("试算（未记账）", "完成"), dry.err) == (real.code, real.out, real.err)
    assert dry_results == [row._replace(text=row.text[:6]) for row in desk.results(file)]


def test_strict_divisions_refuse_unseen_names(desk):
    desk.enrol(ANNA)
    file = desk.participants([BELA, desk.enrolment(CELA, 乡镇="白镇")])
    ended = desk.import_("participants", file, "--strict-divisions")
    assert (ended.code, desk.outcomes(file)) == (2, [RECORDED, "UNKNOWN_DIVISION"])
    assert "新增区划" not in ended.err
    again = desk.import_("participants", file)
    assert (again.code, desk.outcomes(file)) == (0, [THERE, RECORDED])
    assert "新增区划2个：白镇、青村" in again.err


def test_a_number_in_the_wrong_column_reaches_neither_result_nor_register(desk):
    """Columns that slipped: what stands under 村 is somebody's number."""
    desk.enrol(ANNA)
    slipped = [desk.enrolment(BELA, 村=CELA.number), desk.enrolment(CELA, 旗县=CELA.name, 村="")]
    file = desk.participants(slipped)
    assert desk.import_("participants", file, "--strict-divisions").code == 2
    assert desk.outcomes(file) == ["UNKNOWN_DIVISION"] * 2


@pytest.mark.parametrize(("name", "encoding"), [("a.csv", "gb18030"), ("b.csv", "utf-8-sig"), ("c.xlsx", "")])
def test_any_order_any_encoding_any_title(desk, name, encoding):
    columns = ["联系方式备注", *reversed(PARTICIPANT)]
    old = Person("640000800301004", "老甲")  # 15 digits
    letter = next(one for one in map(person, range(100, 999)) if one.number.endswith("X"))
    rows = [desk.enrolment(ANNA), desk.enrolment(old), desk.enrolment(letter)]
    rows[2]["公民身份号码"] = f" {letter.number.lower()} "
    rows[2]["姓名"] = f"{letter.name[0]} {letter.name[1:]}"
    title = "某市参保人名册,,,\n,,\n" if name.endswith(".csv") else ""
    file = desk.table(name, rows, columns, encoding, title)
    ended = desk.import_("participants", file)
    assert ended.code == 0, ended
    assert "以下各列不使用：联系方式备注" in ended.err
    assert [row.line for row in desk.results(file)] == ([4, 5, 6] if title else [2, 3, 4])
    assert desk.account(letter)
    desk.enrol(letter)
    assert desk.position() == 4


def test_whole_file_errors_record_nothing(desk):
    rows = [desk.enrolment(ANNA)]
    before = desk.position()
    lacking = desk.table("lacking.csv", rows, [column for column in PARTICIPANT if column != "村"])
    mixed = desk.table("mixed.csv", rows, PARTICIPANT)
    mixed.write_bytes(mixed.read_bytes() + "乙".encode() + b"\xff\xff\x80")
    picture = desk.folder / "picture.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    wrong = desk.folder / "file.txt"
    wrong.write_text("x")
    hollow = desk.folder / "hollow.xlsx"
    hollow.write_bytes(b"not a zip")
    for file, said in (
        (lacking, "缺少必需的列：村"),
        (mixed, "编码"),
        (picture, "空字节"),
        (wrong, "只能读取"),
        (hollow, ""),
    ):
        ended = desk.import_("participants", file, inside=file is not mixed)
        assert (ended.code, ended.out) == (1, "")
        assert "错误：" in ended.err
        assert said in ended.err
        assert not file.with_name(file.name + ".result.csv").exists()
    assert desk.position() == before
