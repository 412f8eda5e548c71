"""Yuan and fen: what is an amount, what is not, and that nothing is lost on the way there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import MoneyFault, fen_to_wan, fen_to_yuan, fen_to_yuan_grouped, wan_to_fen, yuan_to_fen


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0", 0),
        ("0.1", 10),
        ("0.01", 1),
        ("1234", 123400),
        ("1234.5", 123450),
        ("1,234.50", 123450),
        ("1,234,567", 123456700),
        ("１２３", 12300),
        ("１，２３４．５０", 123450),
        ("  7.00\u3000", 700),
        ("+5", 500),
        ("-0.01", -1),
        ("－５．０", -500),
        ("\u22125", -500),
        ("-0.00", 0),
        ("100.000", 10000),
        ("0.1000", 10),
        ("00000000000000000005", 500),
        ("999999999999999.99", 99999999999999999),
        # 0.29 and 4.35 are the classic victims of a float.
        ("0.29", 29),
        ("4.35", 435),
    ],
)
def test_amounts(text, fen):
    assert yuan_to_fen(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "-", "+", ".", ".5", "5.", "1.005", "1.001", "1e3", "1E3", "nan", "NaN", "inf", "1_000", "1,23",
        "1,2345", ",123", "1,234,5", "12,34.00", "1.2.3", "--5", "- 5", "¥5", "5元", "٣", "²", "½", "一百", "0x10",
        "1000000000000000", "1 234", "1.2\n3", "1.٣", "1.5²", "150000199003150017",
    ],
)  # fmt: skip
def test_what_is_not_an_amount(text):
    with pytest.raises(MoneyFault):
        yuan_to_fen(text)


def test_a_message_repeats_an_amount_but_no_number_of_a_person():
    with pytest.raises(MoneyFault, match=r"“1\.005”.*两位"):
        yuan_to_fen("1.005")
    for text in ("150000199003150017", "13800000000.x", "张测试", "15000019900315001X"):
        with pytest.raises(MoneyFault) as caught:
            yuan_to_fen(text)
        assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("fen", "plain", "grouped"),
    [
        (0, "0.00", "0.00"),
        (1, "0.01", "0.01"),
        (-1, "-0.01", "-0.01"),
        (-123450, "-1234.50", "-1,234.50"),
        (123456789, "1234567.89", "1,234,567.89"),
        (-100, "-1.00", "-1.00"),
    ],
)
def test_fen_as_yuan(fen, plain, grouped):
    assert fen_to_yuan(fen) == plain
    assert fen_to_yuan_grouped(fen) == grouped


@given(st.integers(-(10**17) + 1, 10**17 - 1))
def test_there_and_back(fen):
    assert yuan_to_fen(fen_to_yuan(fen)) == fen
    assert yuan_to_fen(fen_to_yuan_grouped(fen)) == fen


@given(st.text(alphabet="0123456789.,+-eE １，．_nаN", max_size=14))
def test_any_text_is_an_amount_or_a_fault(text):
    try:
        fen = yuan_to_fen(text)
    except MoneyFault:
        return
    assert yuan_to_fen(fen_to_yuan(fen)) == fen


@pytest.mark.parametrize(
    ("text", "fen"),
    [("叁佰元整", 30000), ("人民币叁万陆仟玖佰元整", 3690000), ("壹 佰 圆 正", 10000), ("伍分", 5), ("零元整", 0)],
)
def test_an_amount_in_words_is_an_amount(text, fen):
    assert yuan_to_fen(text) == wan_to_fen(text) == fen


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("拾元整", "壹拾元整"), ("壹佰元", "壹佰元整"), ("壹仟肆元整", "壹仟零肆元整"),
        ("陆仟零柒元壹角肆分整", "陆仟零柒元壹角肆分"),
        ("壹佰壹佰元整", ""), ("壹佰", ""), ("零", ""),
    ],
)  # fmt: skip
def test_an_amount_in_wrong_words_is_told_the_right_ones(text, right):
    """A form is proposed only where it says the same digits: of 壹佰壹佰 nobody knows what was meant."""
    with pytest.raises(MoneyFault, match=f"人民币大写.*“{right}”" if right else "人民币大写不合规则，请写成"):
        yuan_to_fen(text)


@pytest.mark.parametrize(
    ("text", "fen", "printed"),
    [
        ("3.69", 36_900_00, "3.69"),
        ("3.69万元", 36_900_00, "3.69"),
        ("0.000001", 1, "0.000001"),
        ("12", 120_000_00, "12"),
        ("1,234.5", 12_345_000_00, "1234.5"),
        ("0.0001000", 1_00, "0.0001"),
    ],
)
def test_an_amount_in_ten_thousands_is_exact_to_the_fen(text, fen, printed):
    assert wan_to_fen(text) == fen
    assert fen_to_wan(fen) == printed


@pytest.mark.parametrize("text", ["", "3.6900001", "-1", "三", "3.69元", "123456789012", "拾元整"])
def test_what_is_no_amount_in_ten_thousands(text):
    with pytest.raises(MoneyFault):
        wan_to_fen(text)


@given(st.integers(0, 10**14))
def test_ten_thousands_there_and_back(fen):
    assert wan_to_fen(fen_to_wan(fen)) == fen
