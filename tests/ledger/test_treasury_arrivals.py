"""What left the treasury and what arrived: in transit, cut off, missing, too much; and sums under a voucher."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ledger.stated_totals import StatedTotal
from ledger.treasury_arrivals import (
    Allocated,
    Arrival,
    arrived,
    by_voucher,
    in_transit,
    left_treasury,
    treasury_fiscal,
)
from ledger.words import MoneyKind

MARCH, APRIL, MAY = date(2025, 3, 1), date(2025, 4, 1), date(2025, 5, 1)


def march(day):
    return date(2025, 3, day)


def april(day):
    return date(2025, 4, day)


def told(differences):
    return [(one.category, one.key, one.fen) for one in differences]


def test_days_handed_over_singly_and_together_leave_nothing():
    treasury = {march(3): 100, march(4): 50, march(5): 70}
    arrivals = [Arrival(march(5), 150), Arrival(march(6), 70)]
    assert treasury_fiscal(MARCH, treasury, arrivals, MARCH) == []
    assert in_transit(treasury, arrivals) == {march(3): 100, march(4): 150, march(5): 70, march(6): 0}


def test_the_last_days_in_the_next_month_are_cut_off_and_not_counted_there_again():
    treasury = {march(3): 100, march(30): 40, march(31): 60, april(1): 100}
    arrivals = [Arrival(march(4), 100), Arrival(april(1), 100), Arrival(april(3), 100)]
    assert told(treasury_fiscal(MARCH, treasury, arrivals, MARCH)) == [
        ("CUTOFF", "treasury_fiscal|2025-03-30||||", 40),
        ("CUTOFF", "treasury_fiscal|2025-03-31||||", 60),
    ]
    assert treasury_fiscal(APRIL, treasury, arrivals, MARCH) == []


def test_what_no_next_month_shows_is_an_amount():
    treasury = {march(3): 100, march(31): 60, april(2): 5}
    arrivals = [Arrival(march(4), 90), Arrival(april(2), 5), Arrival(april(20), 60)]
    assert told(treasury_fiscal(MARCH, treasury, arrivals, MARCH)) == [
        ("AMOUNT", "treasury_fiscal|2025-03-03||||", 10),
        ("AMOUNT", "treasury_fiscal|2025-03-31||||", 60),
    ]
    assert told(treasury_fiscal(APRIL, treasury, arrivals, MARCH)) == [("AMOUNT", "treasury_fiscal|2025-04||||", -60)]


def test_a_line_brings_nothing_of_a_day_after_it():
    treasury, arrivals = {march(1): 60, march(5): 100}, [Arrival(march(2), 100)]
    assert told(treasury_fiscal(MARCH, treasury, arrivals, MARCH)) == [("AMOUNT", "treasury_fiscal|2025-03-05||||", 60)]


def test_what_arrived_alone():
    assert told(treasury_fiscal(MARCH, {}, [Arrival(march(4), 90)], MARCH)) == [
        ("AGENCY_ONLY", "treasury_fiscal|2025-03||||", -90)
    ]


DAYS = st.dictionaries(
    st.builds(date, st.just(2025), st.sampled_from((3, 4)), st.integers(1, 30)), st.integers(1, 5), max_size=8
)
LINES = st.lists(
    st.builds(Arrival, st.builds(date, st.just(2025), st.sampled_from((3, 4)), st.integers(1, 30)), st.integers(1, 9)),
    max_size=8,
)


@given(DAYS, LINES)
def test_no_fen_is_lost_or_told_twice(treasury, arrivals):
    """Over both months what left less what arrived is what the differences say; a fen that March cut off and April's
    lines brought is neither month's any more.
    """
    first = treasury_fiscal(MARCH, treasury, arrivals, MARCH)
    both = [*first, *treasury_fiscal(APRIL, treasury, arrivals, MARCH)]
    cut = sum(one.fen for one in first if one.category == "CUTOFF")
    off = sum(one.fen for one in both)
    assert off - cut == sum(treasury.values()) - sum(one.fen for one in arrivals)
    assert sum(one.fen for one in first) == sum(fen for day, fen in treasury.items() if day < APRIL) - sum(
        one.fen for one in arrivals if one.day < APRIL
    )
    assert cut <= sum(one.fen for one in arrivals if APRIL <= one.day <= april(10))
    assert len({one.key for one in both}) == len(both)


def stated(day, fen, until=None, **more):
    return StatedTotal(2, day, until or day, fen, **more)


def test_all_items_or_the_sum_of_the_items_never_both():
    own, aid, subsidy = MoneyKind.CONTRIBUTION, MoneyKind.SOCIAL_AID, MoneyKind.GOVERNMENT_SUBSIDY
    said = [
        stated(march(3), 100), stated(march(3), 60, kind=own), stated(march(3), 40, kind=aid),
        stated(march(4), 60, kind=own), stated(march(4), 7, kind=aid), stated(march(4), 999, kind=subsidy),
        stated(march(5), 11, march(7)),
    ]  # fmt: skip
    assert left_treasury(said) == {march(3): 100, march(4): 67, march(7): 11}


def test_only_premiums_arrive_from_the_treasury():
    lines = [
        stated(march(3), 100), stated(march(3), -80), stated(march(4), 5, kind=MoneyKind.GOVERNMENT_SUBSIDY),
        stated(march(4), 3, kind=MoneyKind.INTEREST), stated(march(5), -10, kind=MoneyKind.CONTRIBUTION),
        stated(march(6), 50, reference="K1"),
    ]  # fmt: skip
    assert arrived(lines, ["K1"]) == [Arrival(march(3), 100), Arrival(march(5), -10)]


def test_a_voucher_is_compared_in_the_month_of_its_allocation():
    allocated = [Allocated("K1", march(5), 100), Allocated("K1", march(6), 50), Allocated("K2", march(7), 30)]
    lines = [
        stated(march(4), 90, reference="K1"), stated(april(2), 55, reference="K1"), stated(march(9), 7),
        stated(march(9), 8, reference="K3", kind=MoneyKind.COLLECTIVE_SUBSIDY), stated(march(9), 9, reference="K4"),
    ]  # fmt: skip
    both = [
        ("AMOUNT", "treasury_fiscal|2025-03||||K1", 5),
        ("TAX_ONLY", "treasury_fiscal|2025-03||||K2", 30),
    ]
    assert told(by_voucher(MARCH, allocated, lines, no_tax_side=False)) == both
    assert told(by_voucher(MARCH, allocated, lines, no_tax_side=True)) == [
        ("AGENCY_ONLY", "treasury_fiscal|2025-03||||", -7),
        *both,
        ("AGENCY_ONLY", "treasury_fiscal|2025-03||||K3", -8),
        ("AGENCY_ONLY", "treasury_fiscal|2025-03||||K4", -9),
    ]
    assert by_voucher(APRIL, allocated, lines, no_tax_side=True) == []
