"""Business dates and periods in all the ways files write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.dates import DateFault, parse_business_date, parse_year


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-14", "2024/3/14", "2024/03/14", "2024-3-14", "20240314", "2024年3月14日", "2024年03月14日",
        "2024-03-14 00:00", "2024-03-14 00:00:00", "2024/3/14 0:00", "2024-03-14T00:00:00", "2024-03-14 00:00:00.000",
        " 2024-03-14\u3000", "２０２４－０３－１４", "２０２４年３月１４日",
    ],
)  # fmt: skip
def test_every_spelling_is_one_day(text):
    assert parse_business_date(text) == date(2024, 3, 14)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "为空"),
        ("2023-02-29", "“2023-02-29”不存在"),
        ("2024-13-01", "不存在"),
        ("0000-01-01", "不存在"),
        ("2024-03-14 10:30", "时刻"),
        ("2024-03-14 00:01:00", "时刻"),
        ("2024-3/14", "无法识别"),
        ("2024314", "无法识别"),
        ("45365", "无法识别"),
        ("14/03/2024", "无法识别"),
        ("24-03-14", "无法识别"),
        ("2024.3.14", "无法识别"),
        ("昨天", "无法识别"),
        ("٢٠٢٤-٠٣-١٤", "无法识别"),
    ],
)
def test_what_is_not_a_day(text, reason):
    with pytest.raises(DateFault, match=reason):
        parse_business_date(text)


@pytest.mark.parametrize("text", ["150000199003150017", "13800000000", "张测试"])
def test_no_message_repeats_a_person(text):
    for parse in (parse_business_date, parse_year):
        with pytest.raises(DateFault) as caught:
            parse(text)
        assert text not in str(caught.value)


@given(st.dates())
def test_every_day_reads_back(day):
    assert parse_business_date(day.isoformat()) == day
    assert parse_business_date(f"{day:%Y}".zfill(4) + f"{day:%m%d}") == day
    assert parse_business_date(f"{day.year:04d}年{day.month}月{day.day}日") == day


@pytest.mark.parametrize(
    "text",
    [
        "2024", " 2024 ", "２０２４", "2024年", "2024年度", "2024.0", "2024.00", "202401", "2024-01", "2024-1",
        "2024/01", "2024.01", "2024.10", "2024年1月", "2024-01-01", "2024/1/1", "202401-202412", "202403-202403",
        "2024-01-2024-12", "2024-01至2024-12", "2024年1月～2024年12月", "2024/01 - 2024/12", "2024.01—2024.12",
    ],
)  # fmt: skip
def test_periods_inside_one_year(text):
    assert parse_year(text) == 2024


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "为空"),
        ("202312-202401", "跨年度（2023 年至 2024 年）"),
        ("2023-2024", "无法识别"),
        ("202412-202401", "先起后止"),
        ("202413", "月份"),
        ("2024-00", "月份"),
        ("1989", "1990 至 2100"),
        ("2101", "1990 至 2100"),
        ("2024.1", "无法识别"),
        ("20241", "无法识别"),
        ("2024-01-15", "无法识别"),
        ("2024.5", "无法识别"),
        ("24", "无法识别"),
        ("二〇二四", "无法识别"),
    ],
)
def test_what_is_not_a_period(text, reason):
    with pytest.raises(DateFault, match=reason):
        parse_year(text)
