"""`import payments` through the installed command: every reason, every way of being there already, every 撤销."""

from datetime import date, timedelta

import pytest

from ledger import clock
from ledger.interest_decisions import leave
from ledger.late_money import Origin
from ledger.store.batch import Tranche
from tests.api.cli.desk import PAYMENT, RECORDED, THERE, person


@pytest.fixture(scope="module")
def desk(open_desk):
    """Rates of 2022 and 2023 but none of 2021, a cap of 2023 alone; every test has people of its own."""
    made = open_desk()
    made.set("rate", 2022, "0.02")
    made.set("rate", 2023, "0.03")
    made.set("cap", 2023, "3000")
    return made


def close(desk, who, on):
    """The account leaves through the one path into the log."""
    tranche, rules, account = Tranche(desk.log), desk.log.rules(), desk.account(who)
    tranche.load([account])
    answer = tranche.decide(
        account.bytes, lambda state, _past: leave(state, on, rules, Origin("甲", "乙"), on, reason="注销")
    )
    assert isinstance(answer, tuple), answer
    desk.log.record(tranche.writes(), rules_version=rules.version)


def wrong_check_digit(who):
    return who.number[:-1] + ("0" if who.number[-1] != "0" else "1")


def test_every_reason_in_one_file_harms_no_neighbour(desk):
    paid, credited, taken, closed, capped, reversed_ = (person(place) for place in range(1, 7))
    desk.enrol(paid, credited, taken, closed, capped, reversed_)
    opening = desk.table("o.csv", [{"公民身份号码": taken.number, "个人缴费": "10"}], ("公民身份号码", "个人缴费"))
    desk.prepare(
        "import", "openings", opening, "--pool", desk.code, "--as-of", "2021-12-31", "--actor", "甲", "--reviewer", "乙"
    )
    desk.pay(
        desk.payment(credited, "S1", on="2022-05-01"),
        desk.payment(closed, "S2", on="2022-05-01"),
        desk.payment(paid, "S3", on="2022-05-01"),
        desk.payment(reversed_, "S4", on="2022-05-01"),
    )
    desk.credit(2022)
    close(desk, closed, date(2023, 2, 1))
    reverse = ("entry", "reverse", "--pool", desk.code, "--account", desk.account(reversed_), "--version", 2)
    desk.prepare(*reverse, "--reason", "错", "--actor", "甲", "--reviewer", "乙")
    standing = desk.fen(paid)

    def pay(serial, who=paid, **cells):
        return desk.payment(who, serial, **cells)

    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    cancelled = {"数据类型": "撤销"}
    rows = [
        (pay("R1"), RECORDED, ""),
        (pay("F1", 公民身份号码=wrong_check_digit(paid)), "IDENTITY_FAULT", "“公民身份号码”"),
        (pay("F2", 公民身份号码=""), "IDENTITY_FAULT", "“公民身份号码”"),
        (pay("F3", person(99)), "UNKNOWN_PERSON", "“公民身份号码”"),
        (pay("F4", paid._replace(name="旁人")), "NAME_DIFFERS", "“姓名”"),
        (pay("F5", 姓名=""), "NAME_DIFFERS", "“姓名”"),
        (pay("F6", closed), "ACCOUNT_CLOSED", ""),
        (pay("F7", yuan="0"), "AMOUNT", "0.00元"),
        (pay("F8", yuan="-5"), "AMOUNT", "-5.00元"),
        (pay("F9", yuan="1.005"), "AMOUNT", "两位"),
        (pay("F10", yuan="10000000.01"), "AMOUNT", "10000000.00元"),
        (pay("F11", yuan="一百"), "AMOUNT", "“实缴金额”"),
        (pay("R2"), RECORDED, ""),
        (pay("F12", 入库日期=""), "DATE", "“入库日期”"),
        (pay("F13", 入库日期="2023-02-30"), "DATE", "“入库日期”"),
        (pay("F14", 入库日期=tomorrow), "DATE", tomorrow),
        (pay("F15", 上解日期=""), "DATE", "“上解日期”"),
        (pay("F16", taken, on="2021-12-31"), "DATE", "期初余额"),
        (pay("F17", 费款所属期="20223"), "PERIOD", "“费款所属期”"),
        (pay("F18", 费款所属期=""), "PERIOD", "“费款所属期”"),
        (pay("F19", 费款所属期="1989"), "PERIOD", "1989"),
        (pay("F20", 费款所属期=clock.today().year + 2), "PERIOD", "下一年度"),
        (pay("F21", 征收品目="滞纳金"), "KIND", "政府代缴"),
        (pay("F22", 缴费类型="多缴"), "KIND", "一次性补缴"),
        (pay("F23", 缴费类型=""), "KIND", "一次性补缴"),
        (pay("F24", 数据类型="更正"), "KIND", "撤销"),
        (pay(""), "KIND", "“缴费明细流水号”"),
        (pay("流水R7号"), RECORDED, ""),
        (pay("F26", capped, 征收品目="集体补助", on="2022-06-01"), "NO_CAP", "2022年度"),
        (pay("F27", capped, 征收品目="集体补助", yuan="3000.01"), "OVER_CAP", "0.01元"),
        (pay("R3", capped, 征收品目="社会资助", yuan="2999.99"), RECORDED, ""),
        (pay("F28", capped, 征收品目="集体补助", yuan="0.02"), "OVER_CAP", "2999.99元"),
        (pay("R4", capped, 征收品目="集体补助", yuan="0.01"), RECORDED, ""),
        (pay("R5", capped, yuan="9999"), RECORDED, ""),
        (pay("F29", credited, on="2021-06-01"), "NO_RATE", "2021年度"),
        (pay("R1", yuan="100.01"), "SERIAL_CONFLICT", "R1"),
        (pay("R1", credited), "SERIAL_CONFLICT", "R1"),
        (pay("R1", 费款所属期="2022"), "SERIAL_CONFLICT", "R1"),
        (pay("R1", 征收品目="政府代缴"), "SERIAL_CONFLICT", "R1"),
        (pay("R1", 缴费类型="一次性补缴"), "SERIAL_CONFLICT", "R1"),
        (pay("R1", 上解日期="2023-05-09"), "SERIAL_CONFLICT", "R1"),
        (pay("R1", 入库日期="2023-05-11"), "SERIAL_CONFLICT", "R1"),
        (pay("R1", 电子税票号码="other"), "SERIAL_CONFLICT", "R1"),
        (pay("R1", credited, **cancelled), "SERIAL_CONFLICT", "人员"),
        (pay("R1", yuan="99", **cancelled), "SERIAL_CONFLICT", "金额"),
        (pay("R1", 费款所属期="2022", **cancelled), "SERIAL_CONFLICT", "费款所属期"),
        (pay("R1", 征收品目="政府代缴", **cancelled), "SERIAL_CONFLICT", "征收品目"),
        (pay("F30", **cancelled), "NOTHING_TO_REVERSE", "F30"),
        (pay("S4", reversed_, on="2022-05-01", **cancelled), "ALREADY_REVERSED", ""),
        (pay("R6"), RECORDED, ""),
    ]
    before = desk.position()
    file = desk.payments([row for row, _, _ in rows])
    ended = desk.import_("payments", file, "--json")
    results = desk.results(file)
    assert [row.reason or row.outcome for row in results] == [expected for _, expected, _ in rows]
    assert [row.line for row in results] == list(range(2, len(rows) + 2))
    assert [row.serial for row in results] == [row["缴费明细流水号"] for row, _, _ in rows]
    for row, (_, _, said) in zip(results, rows, strict=True):
        assert said in row.text
        assert not row.reason or all(f"{word}：" in row.text for word in ("值", "规则", "依据", "办法"))
    recorded = sum(expected == RECORDED for _, expected, _ in rows)
    told = ended.json
    assert (ended.code, told["rows"], told["recorded"], told["refused"], told["waiting"]) == (
        2,
        len(rows),
        recorded,
        len(rows) - recorded - 1,
        1,
    )
    assert sum(told["reasons"].values()) == told["refused"] + told["waiting"]
    assert desk.position() == before + recorded  # nothing credited was touched, so no interest came along
    assert desk.fen(paid) == standing + 4 * 100_00
    assert desk.fen(capped) == 3000_00 + 9999_00
    assert (desk.fen(closed), desk.state(reversed_).balance.contribution) == (0, 0)

    again = desk.import_("payments", file)
    assert again.code == 2
    expected_again = [THERE if expected == RECORDED else expected for _, expected, _ in rows]
    assert desk.outcomes(file) == expected_again
    assert desk.position() == before + recorded


def test_the_same_content_is_there_already_however_it_is_written(desk):
    who = person(11)
    desk.enrol(who)
    first = desk.payment(who, "A1", yuan="1,000.00", on="2024-03-14", 电子税票号码="3640 1230")
    file = desk.payments([first], "first.csv")
    assert desk.import_("payments", file).code == 0
    before = desk.position()
    spaced, plain = " ".join(who.name), {"电子税票号码": "36401230"}
    rows = [
        desk.payment(who, "A1", yuan="1000", on="20240314", 费款所属期="202401-202412", 传输批次号="B2", **plain),
        desk.payment(who, " A1 ", yuan=" １０００.0 ", on="2024/3/14", 费款所属期="2024年", 姓名=spaced, **plain),
        {
            **first,
            "公民身份号码": f" {who.number[:6]} {who.number[6:]}",
            "征收品目": "个人 缴费",
            "上解日期": "2024年3月14日",
        },
    ]
    second = desk.table("second.xlsx", rows, ["备注", *reversed(PAYMENT)])
    ended = desk.import_("payments", second)
    assert (ended.code, desk.outcomes(second)) == (0, [THERE] * 3)
    assert "以下各列不使用：备注" in ended.err
    assert (desk.position(), desk.fen(who)) == (before, 1000_00)


def test_an_amount_in_words_is_the_same_amount(desk):
    who = person(77)
    desk.enrol(who)
    rows = [
        (desk.payment(who, "W1", "人民币叁佰元零伍分"), RECORDED),
        (desk.payment(who, "W2", "拾元整"), "AMOUNT"),
        (desk.payment(who, "W1", "300.05"), THERE),
    ]
    file = desk.payments([row for row, _ in rows], "words.csv")
    assert desk.import_("payments", file).code == 2
    assert desk.outcomes(file) == [expected for _, expected in rows]
    assert "壹拾元整" in desk.results(file)[1].text
    assert desk.fen(who) == 300_05


def test_cancellations(desk):
    one, two = person(21), person(22)
    desk.enrol(one, two)
    cancelled = {"数据类型": "撤销"}
    rows = [
        desk.payment(one, "C1"),
        desk.payment(one, "C1", 传输批次号="B9", **cancelled),
        desk.payment(one, "C1", 传输批次号="B10", **cancelled),
        desk.payment(one, "C1", 传输批次号="B11"),
        desk.payment(two, "C2", on="2022-02-02"),
        desk.payment(two, "C3", **cancelled),
        desk.payment(two, "C3"),
    ]
    file = desk.payments(rows)
    assert desk.import_("payments", file).code == 2
    assert desk.outcomes(file) == [RECORDED, RECORDED, THERE, THERE, RECORDED, "NOTHING_TO_REVERSE", RECORDED]
    assert (desk.results(file)[5].outcome, desk.results(file)[6].text) == ("待办", "提示：先到的撤销已一并记账")
    assert (desk.fen(one), desk.fen(two)) == (0, 100_00)
    assert desk.topics(one) == ["account.opened", "account.contribution_recorded", "account.entry_reversed"]
    later = [
        desk.payment(two, "C2", on="2022-02-02", 入库日期="2023-11-11", 上解日期="2023-11-10", **cancelled),
        desk.payment(two, "C2", on="2022-02-02", 入库日期="2023-11-11", 上解日期="2023-11-10", **cancelled),
        desk.payment(two, "C2", on="2022-02-02", **cancelled),  # the same cancellation with other dates
    ]
    other = desk.payments(later, "later.csv")
    assert desk.import_("payments", other).code == 2
    assert desk.outcomes(other) == [RECORDED, THERE, "SERIAL_CONFLICT"]
    assert desk.fen(two) == 0
    reversal = desk.history(two)[-1]
    assert (reversal.effective_on, reversal.reverses, reversal.serial) == (date(2022, 2, 2), 2, "C2")
    before = desk.position()
    assert desk.import_("payments", file, inside=True).code == 0  # what came too early was done with
    assert desk.outcomes(file)[5] == THERE
    assert (desk.position(), desk.fen(two)) == (before, 0)


def test_money_of_a_closed_account_stays_with_it(desk):
    """Somebody leaves and enrols again: what was paid into the old account is cancelled there or not at all."""
    who = person(26)
    desk.enrol(who)
    desk.pay(desk.payment(who, "O1", on="2022-02-02"))
    old = desk.account(who)
    close(desk, who, date(2022, 8, 1))
    desk.enrol(who, 参保日期="2022-09-01")
    assert desk.account(who) != old
    rows = [
        desk.payment(who, "O1", on="2022-02-02"),
        desk.payment(who, "O1", on="2022-02-02", 数据类型="撤销"),
        desk.payment(who, "O2", on="2022-10-02"),
    ]
    file = desk.payments(rows)
    assert desk.import_("payments", file, inside=True).code == 2
    assert desk.outcomes(file) == [THERE, "ACCOUNT_CLOSED", RECORDED]
    assert desk.fen(who) == 100_00
    twice = desk.participants([desk.enrolment(who, 姓名="旁人", 参保日期="2022-09-01")], "again.csv")
    assert desk.import_("participants", twice, inside=True).code == 2
    assert desk.outcomes(twice) == ["NAME_DIFFERS"]


def test_what_looks_odd_is_booked(desk):
    members = [person(place) for place in range(31, 35)]
    desk.enrol(*members)
    one, two, three, four = members
    finance = {
        "征收品目": "政府补贴",
        "电子税票号码": "",
        "上解日期": "",
        "缴费类型": "",
        "补贴级次": "自治区",
        "拨付文号": "财〔2023〕1号",
    }
    rows = [
        *[desk.payment(who, f"V{place}", 电子税票号码="one voucher") for place, who in enumerate(members)],
        desk.payment(one, "G1", yuan="60", **finance),
        desk.payment(two, "L1", 缴费类型="补缴", 费款所属期="2019"),
        desk.payment(three, "P1", 来源单位="没有代码的单位", 征收品目="社会资助"),
        desk.payment(four, "X1"),
        desk.payment(four, "X2"),
        desk.payment(four, "X3", 电子税票号码="", 传输批次号=""),
    ]  # fmt: skip
    file = desk.payments(rows)
    assert desk.import_("payments", file).code == 0
    results = desk.results(file)
    assert [row.outcome for row in results] == [RECORDED] * len(rows)
    assert "提示：" in results[5].text
    assert "补缴" in results[5].text
    assert "提示：来源单位未记" in results[6].text
    assert desk.fen(four) == 400_00
    subsidy = desk.history(one)[-1]
    assert (subsidy.level, subsidy.allocation_document, subsidy.paid_on) == ("自治区", "财〔2023〕1号", None)
    assert subsidy.effective_on == date(2023, 5, 10)
    assert desk.history(two)[-1].payment_type == "unspecified"
    assert desk.import_("payments", file, inside=True).code == 0
    assert desk.outcomes(file) == [THERE] * len(rows)


def test_columns_under_the_wrong_heads_show_nobody(desk):
    """The heads of name and serial swapped, or the number where the serial belongs."""
    who = person(41)
    desk.enrol(who)
    row = dict(desk.payment(who, "W1"))
    swapped = desk.payments([{**row, "缴费明细流水号": who.name, "姓名": "W1"}], "swapped.csv")
    twice = desk.payments(
        [{**row, "缴费明细流水号": who.number}, {**row, "缴费明细流水号": who.number, "实缴金额（元）": ""}],
        "twice.csv",
    )
    batch = desk.payments([{**row, "传输批次号": who.number}, {**row, "电子税票号码": who.name}], "batch.csv")
    crossed = desk.payments([{**row, "缴费明细流水号": who.number, "公民身份号码": "W1"}], "crossed.csv")
    before = desk.position()
    for file in (swapped, twice, batch, crossed):
        assert desk.import_("payments", file, inside=True).code == 2
        assert RECORDED not in desk.outcomes(file)
    assert desk.position() == before


def test_whole_file_errors_record_nothing(desk):
    who = person(51)
    desk.enrol(who)
    row = desk.payment(who, "E1")
    before = desk.position()
    lacking = desk.table("lacking.csv", [row], [column for column in PAYMENT if column != "入库日期"])
    scaled = desk.table("scaled.csv", [row], [column.replace("（元）", "（万元）") for column in PAYMENT])
    twice = desk.table("doubled.csv", [row], [*PAYMENT, "姓名"])
    mixed = desk.payments([row], "mixed.csv")
    mixed.write_bytes(mixed.read_bytes() + "行".encode("utf-16"))
    empty = desk.folder / "empty.csv"
    empty.touch()
    for place, file in enumerate((lacking, scaled, twice, mixed, empty)):
        ended = desk.import_("payments", file, inside=place > 0)
        assert (ended.code, ended.out) == (1, "")
        assert "错误：" in ended.err
        assert not file.with_name(file.name + ".result.csv").exists()
    assert desk.position() == before


def test_a_row_that_is_no_row_is_accounted_for(desk):
    who = person(61)
    desk.enrol(who)
    file = desk.payments([desk.payment(who, "N1"), desk.payment(who, "N2"), desk.payment(who, "N3")])
    lines = file.read_text().splitlines()
    lines[1] = lines[1].replace("100.00", "1,000.00")  # a bare comma: one cell too many
    lines.insert(2, "")
    file.write_text("\n".join(lines) + '\n"open quote,\n')
    ended = desk.import_("payments", file)
    results = desk.results(file)
    assert (ended.code, [row.reason or row.outcome for row in results]) == (
        2, ["ROW_FAULT", RECORDED, RECORDED, "ROW_FAULT"]
    )  # fmt: skip
    assert [row.line for row in results] == [2, 4, 5, 6]
    assert desk.fen(who) == 200_00


def test_late_money_settles_the_credited_year_and_its_cancellation_unsettles_it(desk):
    who = person(71)
    desk.enrol(who)
    desk.pay(desk.payment(who, "Y1", yuan="1200", on="2022-01-05"))
    desk.credit(2022)
    assert desk.state(who).balance.interest == 22_00  # 1,200 × 11/12 × 2 %
    late = desk.payment(who, "Y2", yuan="600", on="2022-06-05")
    assert desk.import_("payments", desk.payments([late], "late.csv")).code == 0
    assert desk.state(who).balance.interest == 22_00 + 6_00
    undone = desk.payments([{**late, "数据类型": "撤销"}], "undone.csv")
    assert desk.import_("payments", undone, inside=True).code == 0
    assert (desk.state(who).balance.interest, desk.fen(who)) == (22_00, 1222_00)
