"""Citizen numbers and credit codes: the shared cases, every way of writing one number, every way of spoiling it."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.identity import (
    IdentityFault,
    Sex,
    age_on,
    birth_date,
    credit_code_warning,
    harmless,
    mask,
    normalise_citizen_number,
    normalise_credit_code,
    parse_sex,
    require_sex,
    sex_of,
)

CASES = Path(__file__).parents[1] / "data" / "cases"
CITIZEN = json.loads((CASES / "citizen_id.json").read_text(encoding="utf-8"))
CREDIT = json.loads((CASES / "credit_code.json").read_text(encoding="utf-8"))
RULES = {"check character": "校验码不符", "no such date": "无此日期", "length": "长度"}
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def numbered(region, birth, sequence):
    body = f"{region}{birth:%Y%m%d}{sequence:03d}"
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(WEIGHTS, body, strict=True)) % 11]


numbers = st.builds(
    numbered,
    st.sampled_from(["150000", "640000", "510000", "330000"]),
    st.dates(date(1850, 1, 1), date(2100, 12, 31)),
    st.integers(0, 999),
)


@pytest.mark.parametrize("case", CITIZEN["valid"], ids=lambda case: case["number"])
def test_valid_numbers_state_birth_and_sex(case):
    number = normalise_citizen_number(case["number"])
    assert number == case.get("normalised", case["number"])
    assert birth_date(number).isoformat() == case["birth"]
    assert sex_of(number) == case["sex"]


@pytest.mark.parametrize("case", CITIZEN["invalid"], ids=lambda case: case["number"])
def test_invalid_numbers_are_refused_with_their_rule(case):
    with pytest.raises(IdentityFault) as caught:
        normalise_citizen_number(case["number"])
    assert caught.value.rule == RULES[case["because"]]


@pytest.mark.parametrize("case", CITIZEN["legacy"], ids=lambda case: case["number"])
def test_fifteen_digits_are_upgraded(case):
    assert normalise_citizen_number(case["number"]) == case["upgraded"]


@pytest.mark.parametrize(
    "text",
    [
        " 64000019791105903X ",
        "640000 19791105 903x",
        "\u3000６４００００１９７９１１０５９０３Ｘ",
        "６４００００１９７９１１０５９０３ｘ",
        "\ufeff64000019791105903X\u200b",
        "\u202d64000019791105903x\u202c",
        "64000019791105903X\xa0",
        "\t64000019791105903X",
    ],
)
def test_every_spelling_is_one_number(text):
    assert normalise_citizen_number(text) == "64000019791105903X"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "长度"),
        ("1500001990031500178", "长度"),
        ("15000O199003150017", "字符"),
        ("1500001990031X0017", "字符"),
        ("15000019900315001A", "字符"),
        ("+50000199003150017", "字符"),
        ("1_0000199003150017", "字符"),
        ("٣50000199003150017", "字符"),
        ("15000019900315001²", "字符"),
        ("15000053082007X", "字符"),
        ("150000531320077", "无此日期"),
        ("150000184903150017", "无此日期"),
        ("150000210103150017", "无此日期"),
        ("150000190002290017", "无此日期"),
        ("150000000000000017", "无此日期"),
    ],
)
def test_spoiled_numbers_name_the_first_broken_rule(text, rule):
    with pytest.raises(IdentityFault) as caught:
        normalise_citizen_number(text)
    assert caught.value.rule == rule


@given(numbers)
def test_a_made_number_is_its_own_spelling(number):
    assert normalise_citizen_number(number) == number
    assert normalise_citizen_number(f" {number.lower()}\u3000") == number
    assert (sex_of(number) is Sex.MALE) == (int(number[16]) % 2 == 1)


@given(numbers, st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_always_refused_and_never_repeated(number, place, step):
    old = number[place]
    new = str((int(old) + step) % 10) if old != "X" else str(step)
    wrong = number[:place] + new + number[place + 1 :]
    with pytest.raises(IdentityFault) as caught:
        normalise_citizen_number(wrong)
    assert wrong not in str(caught.value)
    assert wrong not in caught.value.rule
    assert caught.value.__cause__ is None


@given(numbers, st.integers(0, 16))
def test_two_swapped_neighbours_are_always_refused(number, place):
    a, b = number[place], number[place + 1]
    if a == b:
        return
    with pytest.raises(IdentityFault):
        normalise_citizen_number(number[:place] + b + a + number[place + 2 :])


@given(st.text(max_size=24))
def test_any_text_is_a_number_or_a_fault(text):
    try:
        number = normalise_citizen_number(text)
    except IdentityFault:
        return
    assert len(number) == 18


def test_the_stated_sex_is_held_against_the_number():
    require_sex("150000199003150017", parse_sex("男"))
    with pytest.raises(IdentityFault) as caught:
        require_sex("150000199003150017", parse_sex(" 女性 "))
    assert caught.value.rule == "性别不符"
    with pytest.raises(IdentityFault) as caught:
        parse_sex("150000199003150017")
    assert caught.value.rule == "性别"
    assert "1990" not in str(caught.value)


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(1964, 5, 20), date(2024, 5, 19), 59),
        (date(1964, 5, 20), date(2024, 5, 20), 60),
        (date(1964, 2, 29), date(2023, 2, 28), 58),
        (date(1964, 2, 29), date(2023, 3, 1), 59),
        (date(1964, 2, 29), date(2024, 2, 29), 60),
        (date(2024, 1, 1), date(2024, 1, 1), 0),
    ],
)
def test_age_in_full_years(birth, day, age):
    assert age_on(birth, day) == age


def test_no_age_before_birth():
    with pytest.raises(ValueError, match="before"):
        age_on(date(2024, 1, 2), date(2024, 1, 1))


def test_a_number_without_a_date_has_no_birth():
    with pytest.raises(IdentityFault):
        birth_date("150000199702290027")


def test_masks():
    assert mask("150000199003150017") == "150000********0017"
    assert mask("E00000000") == "E0*****00"
    assert mask("1234") == "****"
    assert mask("") == ""


def test_only_what_cannot_be_a_person_is_repeated():
    assert harmless("2024-13-01") == "“2024-13-01”"
    assert harmless("13800000000") == ""
    assert harmless("张测试") == ""


@pytest.mark.parametrize("code", CREDIT["valid"])
def test_valid_credit_codes(code):
    assert normalise_credit_code(code) == code
    assert credit_code_warning(code) is None


@pytest.mark.parametrize(("text", "code"), CREDIT["normalised"].items())
def test_credit_codes_are_upper_case(text, code):
    assert normalise_credit_code(f" {text}\u3000") == code


@pytest.mark.parametrize(
    ("code", "rule"), [*zip(CREDIT["invalid"], ["校验码不符", "字符"], strict=True), ("N2150781MF000000", "长度")]
)
def test_invalid_credit_codes(code, rule):
    with pytest.raises(IdentityFault) as caught:
        normalise_credit_code(code)
    assert caught.value.rule == rule
    assert code not in str(caught.value)


def test_a_wrong_organisation_code_inside_is_only_a_warning():
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = "N2150781MF0000006"
    total = sum(alphabet.index(c) * 3**place for place, c in enumerate(body))
    code = normalise_credit_code(body + alphabet[-total % 31])
    assert "第 9 至 17 位" in credit_code_warning(code)
