"""Rows of stated sums: every column read, every fault of every row told at once."""

from datetime import date

import pytest

from ledger.exchange import FileKind
from ledger.jobs.total_rows import read_totals, ways
from ledger.refusals import Reason
from ledger.stated_totals import Business, StatedTotal
from ledger.words import MoneyKind
from samples.people import citizen_number

TODAY = date(2025, 5, 20)
COUNTIES = {"青县": "640100.01", "640100.01": "640100.01"}


def read(source, *rows):
    """Rows as mappings; a row that is a text is broken."""
    columns = list(dict.fromkeys(column for row in rows if isinstance(row, dict) for column in row))
    index = {name: place for place, name in enumerate(columns)}
    lines = [
        (line, [], row) if isinstance(row, str) else (line, [str(row.get(name, "")) for name in columns], "")
        for line, row in enumerate(rows, 2)
    ]
    return read_totals(lines, index, source, COUNTIES, TODAY)


def test_a_treasury_total_with_every_column():
    row = {
        "起": "2025-03-01", "止": "20250305", "征收品目": "集体补助", "缴费类型": "正常应缴", "笔数": "1,200",
        "金额": "3,600.50", "凭证号": " K 1 ",
    }  # fmt: skip
    plain = {"起": "2025-03-06", "止": "2025-03-06", "金额": "-1"}
    totals, faults = read(FileKind.TREASURY, row, plain)
    assert faults == []
    assert totals == [
        StatedTotal(
            2, date(2025, 3, 1), date(2025, 3, 5), 3600_50, 1200, MoneyKind.COLLECTIVE_SUBSIDY, "regular", "", "K1"
        ),
        StatedTotal(3, date(2025, 3, 6), date(2025, 3, 6), -1_00),
    ]


def test_a_bank_line_has_a_direction_and_a_business():
    totals, faults = read(
        FileKind.EXPENDITURE_ACCOUNT,
        {"日期": "2025-03-02", "收入": "", "支出": "12.30", "流水号": "B1", "业务类型": "退费"},
        {"日期": "2025-03-02", "收入": "100", "支出": "0", "流水号": "B2", "业务类型": ""},
        {"日期": "2025-03-02", "收入": "", "支出": "5", "流水号": "B2", "业务类型": "基础养老金"},
    )
    assert faults == []
    assert [(one.fen, one.reference, one.business) for one in totals] == [
        (-12_30, "B1", Business.REFUND),
        (100_00, "B2", None),
        (-5_00, "B2", Business.OTHER),
    ]


def test_a_county_says_which_and_by_name_or_code():
    said = {"日期": "2025-03-02", "金额": "1"}
    totals, faults = read(FileKind.COUNTY, {**said, "旗县": "青县"}, {**said, "旗县": "白县"}, {**said, "旗县": ""})
    assert [one.county for one in totals] == ["640100.01"]
    assert [(line, one.reason) for line, one in faults] == [(3, Reason.UNKNOWN_DIVISION), (4, Reason.UNKNOWN_DIVISION)]


SAID = {"起": "2025-03-01", "止": "2025-03-31", "征收品目": "", "缴费类型": "", "笔数": "", "金额": "1", "凭证号": ""}
NUMBER = citizen_number("64000019800301123")


@pytest.mark.parametrize(
    ("cells", "reason", "told"),
    [
        ({"起": "2025-13-01"}, Reason.DATE, "“起”"),
        ({"止": ""}, Reason.DATE, "“止”"),
        ({"止": "2025-02-28"}, Reason.DATE, "早于"),
        ({"止": "2025-04-01"}, Reason.DATE, "同一个月"),
        ({"起": "2025-05-01", "止": "2025-05-21"}, Reason.DATE, "今日"),
        ({"征收品目": "滞纳金"}, Reason.KIND, "个人缴费"),
        ({"征收品目": "利息"}, Reason.KIND, "个人缴费"),
        ({"缴费类型": "多缴"}, Reason.KIND, "正常应缴"),
        ({"笔数": "1.5"}, Reason.AMOUNT, "“笔数”"),
        ({"笔数": "-1"}, Reason.AMOUNT, "“笔数”"),
        ({"金额": "1.005"}, Reason.AMOUNT, "两位"),
        ({"金额": ""}, Reason.AMOUNT, "空"),
        ({"凭证号": NUMBER}, Reason.ROW_FAULT, "公民身份号码"),
        ({"凭证号": "张三"}, Reason.ROW_FAULT, "编号"),
    ],
)
def test_each_fault(cells, reason, told):
    totals, faults = read(FileKind.TREASURY, {**SAID, **cells})
    assert totals == []
    ((line, refusal),) = faults
    assert (line, refusal.reason) == (2, reason)
    assert told in refusal.text
    assert NUMBER not in refusal.text
    assert "张三" not in refusal.text


def test_a_serial_made_of_place_day_and_sequence_is_no_person():
    """The last digit is the check digit of a citizen number; nobody born this year is insured."""
    serial = citizen_number("64010020250314000")
    totals, faults = read(FileKind.TREASURY, {**SAID, "凭证号": serial})
    assert (faults, totals[0].reference) == ([], serial)


def test_all_faults_of_all_rows_are_told_at_once():
    totals, faults = read(
        FileKind.TREASURY, {**SAID, "征收品目": "滞纳金", "金额": "x"}, "列数不符", SAID, {**SAID, "金额": "2"}
    )
    assert [one.line for one in totals] == [4]
    assert [(line, one.reason) for line, one in faults] == [
        (2, Reason.KIND),
        (2, Reason.AMOUNT),
        (3, Reason.ROW_FAULT),
        (5, Reason.ROW_FAULT),
    ]


def test_income_or_outgo_not_both_nor_neither():
    said = {"日期": "2025-03-02", "流水号": "1"}
    _, faults = read(FileKind.INCOME_ACCOUNT, {**said, "收入": "1", "支出": "2"}, {**said, "收入": "", "支出": ""})
    assert [(line, one.reason) for line, one in faults] == [(2, Reason.AMOUNT), (3, Reason.AMOUNT)]


def test_the_headers_of_each_source():
    assert [required for required, _ in ways(FileKind.COUNTY)] == [
        ("起", "止", "金额", "旗县"),
        ("日期", "金额", "旗县"),
    ]
    assert ("日期", "收入", "支出") in [required for required, _ in ways(FileKind.FISCAL_ACCOUNT)]
    assert all("收入" not in required for required, _ in ways(FileKind.TREASURY))
    assert all("征收品目" not in more for _, more in ways(FileKind.EXPENDITURE_ACCOUNT))
