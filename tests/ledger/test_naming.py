"""Whether a row that could not be read names somebody: with a slip in the number, in whatever column."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.naming import Somebody, plain, within_one_slip
from samples.people import citizen_number

NUMBER = citizen_number("64000019800301701")
WHO = Somebody.of([NUMBER], ["欧阳忘川", "Anna Li"])


def named(*cells: str) -> bool:
    """Both looks: the quick one must let through all that the close one finds."""
    text = [plain(cell) for cell in cells]
    quick = any(trace in "\x1f".join(text) for trace in WHO.traces)
    close = WHO.is_named_in(text)
    assert quick or not close
    return close


@given(st.sampled_from([NUMBER, NUMBER[:6] + NUMBER[8:17]]), st.integers(0, 17), st.sampled_from("0123456789XO*"))
def test_a_number_with_one_slip_in_it_is_found_in_any_column(number, place, other):
    place = min(place, len(number) - 1)
    assert named("S1", number)
    assert named(number[:place] + other + number[place + 1 :])
    assert named("", number[:place] + number[place + 1 :], "x")
    assert named(number[:place] + other + number[place:])
    assert named(number[: max(place - 1, 0)] + number[max(place - 1, 0) : place + 1][::-1] + number[place + 1 :])
    assert named(f"流水{number}号")


@given(st.integers(0, 16), st.integers(0, 16), st.integers(1, 9), st.integers(1, 9))
def test_a_number_with_two_slips_in_it_is_another(first, second, one, two):
    if abs(first - second) < 2:
        return
    digits = list(NUMBER[:17])
    for place, more in ((first, one), (second, two)):
        digits[place] = str((int(digits[place]) + more) % 10)
    other = "".join(digits) + NUMBER[17]
    assert not within_one_slip(NUMBER, other)
    assert not named(other)


def test_a_name_is_found_whole_and_not_in_another():
    assert named("欧阳忘川")
    assert named(" 欧 阳忘川 ")
    assert named("代：欧阳忘川（女）", "")
    assert named("ａｎｎａ　li")
    assert not named("欧阳忘川霞", "阳忘川", "")
    assert not named("", "S1", "100.00", "2025-03-03", "欧阳")
