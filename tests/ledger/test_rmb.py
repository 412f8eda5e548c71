"""人民币大写: the vectors, every accepted form and no other, there and back for any amount."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rmb import FEN_MAX, RmbFault, parse_rmb, rmb

CASES = json.loads((Path(__file__).parents[1] / "data" / "cases" / "rmb.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize(("yuan", "printed", "accepted"), CASES)
def test_the_vectors(yuan, printed, accepted):
    fen = int(Decimal(yuan) * 100)
    assert rmb(fen) == printed
    for form in (printed, *accepted, printed.replace("整", "正"), f"人民币{printed}", f"人民币：{printed}"):
        assert parse_rmb(form) == fen


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (100_000_000_00 + 1_000_00, "壹亿零壹仟元整"),
        (100_000_000_00 + 1_00, "壹亿零壹元整"),
        (1_000_010_000_00, "壹拾亿零壹万元整"),
        (2_010_10, "贰仟零壹拾元零壹角"),
        (30_000_05, "叁万元零伍分"),
        (1_05, "壹元零伍分"),
        (20_000_00, "贰万元整"),
        (FEN_MAX, "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_zeros_between_groups(fen, text):
    assert rmb(fen) == text
    assert parse_rmb(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "", "整", "元整", "拾元整", "一百元整", "壹佰", "壹佰元", "壹佰元零壹分整", "壹佰元壹分", "伍角零", "零元",
        "壹仟肆元整", "壹佰零零肆元整", "壹万亿元整", "叁万陆仟玖佰元整整", "壹佰壹佰元整", "36900元",
        "陆仟零柒元壹角肆分整", "零壹元整", "壹拾元零零伍角", "壹亿壹元整", "人民币", "壹佰元负",
    ],
)  # fmt: skip
def test_what_is_against_the_rule_is_refused_with_its_text(text):
    with pytest.raises(RmbFault, match="人民币大写") as told:
        parse_rmb(text)
    assert f"“{text}”" in str(told.value)


@given(st.integers(0, FEN_MAX))
def test_there_and_back(fen):
    text = rmb(fen)
    assert parse_rmb(text) == fen
    assert text.count("零零") == 0
    assert text.endswith(("整", "角", "分"))


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_two_amounts_never_share_a_form(one, other):
    assert (rmb(one) == rmb(other)) == (one == other)


@pytest.mark.parametrize("fen", [-1, FEN_MAX + 1])
def test_what_cannot_be_written(fen):
    with pytest.raises(ValueError, match="cannot be written"):
        rmb(fen)
