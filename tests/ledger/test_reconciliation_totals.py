"""Sums of others against ours: each kind of difference once, and any month against a second computation."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ledger.reconciliation_totals import (
    Cell,
    Figures,
    agency_bank,
    collected,
    income_account,
    pool_county,
    tax_treasury,
)
from ledger.stated_totals import Business, StatedTotal
from ledger.words import MoneyKind

MARCH = date(2025, 3, 1)
OWN, AID = MoneyKind.CONTRIBUTION, MoneyKind.SOCIAL_AID
COLLECTIVE, SUBSIDY = MoneyKind.COLLECTIVE_SUBSIDY, MoneyKind.GOVERNMENT_SUBSIDY


def day(number):
    return date(2025, 3, number)


def stated(first, fen, rows=None, last=0, **more):
    return StatedTotal(2, day(first), day(last or first), fen, rows, **more)


def cell(number, fen, rows=1, kind=OWN, county="", payment_type="regular"):
    return Cell(day(number), kind, payment_type, county, rows, fen)


def told(differences):
    return [(one.category, one.key, one.fen, one.rows) for one in differences]


# -- treasury ----------------------------------------------------------------------------------------------------------


def test_a_day_a_range_and_a_day_the_treasury_says_nothing_of():
    received = [cell(3, 500), cell(4, 200, kind=AID), cell(5, 100), cell(9, 70), cell(9, 1000, kind=SUBSIDY)]
    treasury = [stated(3, 500, 1), stated(4, 250, 1, last=6), stated(7, 40)]
    assert told(tax_treasury(treasury, received)) == [
        ("AMOUNT", "tax_treasury|2025-03-04/2025-03-06||||", 50, 1),
        ("AGENCY_ONLY", "tax_treasury|2025-03-07||||", -40, 0),
        ("TAX_ONLY", "tax_treasury|2025-03-09||||", 70, 1),
    ]


def test_items_are_compared_where_the_treasury_states_them():
    received = [cell(3, 300), cell(3, 300, kind=AID), cell(3, 80, kind=COLLECTIVE)]
    treasury = [stated(3, 400, kind=OWN), stated(3, 200, kind=AID)]
    assert told(tax_treasury(treasury, received)) == [
        ("AMOUNT", "tax_treasury|2025-03-03|contribution|||", -100, 0),
        ("AMOUNT", "tax_treasury|2025-03-03|social_aid|||", 100, 0),
        ("TAX_ONLY", "tax_treasury|2025-03-03|collective_subsidy|||", 80, 1),
    ]


def test_a_count_that_differs_is_a_difference_of_no_amount():
    assert told(tax_treasury([stated(3, 500, 2)], [cell(3, 500)])) == [("AMOUNT", "tax_treasury|2025-03-03||||", 0, -1)]


def test_who_says_nothing_has_no_differences():
    received = [cell(3, 500, county="x"), cell(3, 500, kind=AID)]
    assert tax_treasury([], received) == []
    assert pool_county(MARCH, [], received) == []
    assert collected(MARCH, [], received) == []
    assert agency_bank(MARCH, [], {Business.PENSION: Figures(1, 100)}) == []


KINDS = st.sampled_from((OWN, AID, COLLECTIVE, SUBSIDY))
TYPES = st.sampled_from(("regular", "interrupted"))
CELLS = st.lists(
    st.builds(
        cell, st.integers(1, 6), st.integers(-3, 9), st.integers(-1, 3), KINDS, st.sampled_from(("", "a", "b")), TYPES
    ),
    max_size=12,
)


def totals(counties):
    return st.lists(
        st.builds(
            lambda first, more, fen, rows, kind, typed, county: stated(
                first, fen, rows, min(first + more, 31), kind=kind, payment_type=typed, county=county
            ),
            st.integers(1, 6), st.integers(0, 3), st.integers(0, 9), st.none() | st.integers(0, 4),
            st.none() | KINDS, st.sampled_from(("", "regular")), st.sampled_from(counties),
        ),
        max_size=4, unique_by=lambda one: one.key,
    )  # fmt: skip


def naive(received, said, items, sign, prefix):
    """Each stated total by walking over every single row; then every row that no total had walked over."""
    found, walked = {}, set()
    for one in said:
        rows = fen = 0
        for place, row in enumerate(received):
            if not one.since <= row.day <= one.until:
                continue
            if one.kind is None and row.kind not in items:
                continue
            if one.kind is not None and row.kind != one.kind:
                continue
            if one.payment_type and row.payment_type != one.payment_type:
                continue
            if one.county and row.county != one.county:
                continue
            walked.add(place)
            rows, fen = rows + row.rows, fen + row.fen
        rows_off = 0 if one.rows is None else rows - one.rows
        if fen != one.fen or rows_off:
            days = str(one.since) if one.since == one.until else f"{one.since}/{one.until}"
            key = f"{prefix}|{days}|{one.kind or ''}|{one.payment_type}|{one.county}|"
            found[key] = (sign * (fen - one.fen), sign * rows_off)
    return found, [row for place, row in enumerate(received) if said and place not in walked and row.kind in items]


THROUGH_TAX = (OWN, AID, COLLECTIVE)


@given(CELLS, totals(["a", "b"]))
def test_counties_against_a_second_computation(received, said):
    received = list({one[:4]: one for one in received}.values())
    found, rest = naive(received, said, THROUGH_TAX, 1, "pool_county")
    differences = pool_county(MARCH, said, received)
    assert {one.key: (one.fen, one.rows) for one in differences if "|2025-03|" not in one.key} == found
    alone = [one for one in differences if "|2025-03|" in one.key]
    assert sum(one.fen for one in alone) == sum(row.fen for row in rest)
    assert sum(one.rows for one in alone) == sum(row.rows for row in rest)
    assert len({one.key for one in differences}) == len(differences)


@given(CELLS, totals([""]))
def test_the_treasury_and_the_counts_against_a_second_computation(received, said):
    received = list({one[:4]: one for one in received}.values())
    for make, items, sign, prefix in (
        (lambda: tax_treasury(said, received), THROUGH_TAX, 1, "tax_treasury"),
        (lambda: collected(MARCH, said, received), (AID, COLLECTIVE), -1, "collected"),
    ):
        found, rest = naive(received, said, items, sign, prefix)
        differences = make()
        assert sum(one.fen for one in differences) == sum(fen for fen, _ in found.values()) + sign * sum(
            row.fen for row in rest
        )
        assert set(found) <= {one.key for one in differences}
        assert len({one.key for one in differences}) == len(differences)


# -- counties and counts -----------------------------------------------------------------------------------------------


def test_counties_and_what_no_county_says_make_the_pool():
    ours = [cell(3, 500, county="a"), cell(3, 300, county="b"), cell(4, 50, county="")]
    said = [stated(1, 480, 1, last=31, county="a"), stated(1, 90, 1, last=31, kind=AID, county="a")]
    assert told(pool_county(MARCH, said, ours)) == [
        ("AMOUNT", "pool_county|2025-03-01/2025-03-31|||a|", 20, 0),
        ("TAX_ONLY", "pool_county|2025-03-01/2025-03-31|social_aid||a|", -90, -1),
        ("AGENCY_ONLY", "pool_county|2025-03|contribution||b|", 300, 1),
        ("AGENCY_ONLY", "pool_county|2025-03|contribution|||", 50, 1),
    ]


def test_counts_of_subsidies_and_aid_leave_contributions_out():
    received = [cell(3, 500), cell(3, 300, 3, COLLECTIVE), cell(4, 100, kind=AID)]
    assert collected(MARCH, [stated(1, 400, 4, last=31)], received) == []
    assert told(collected(MARCH, [stated(1, 400, 4, last=31, kind=COLLECTIVE)], received)) == [
        ("AMOUNT", "collected|2025-03-01/2025-03-31|collective_subsidy|||", 100, 1),
        ("AGENCY_ONLY", "collected|2025-03|social_aid|||", -100, -1),
    ]


# -- the agency's accounts ---------------------------------------------------------------------------------------------


PAID = {Business.PENSION: Figures(2, 700), Business.REFUND: Figures(1, 50), Business.CLOSURE: Figures(0, 0)}


def test_outflows_by_business_where_every_line_says_one():
    lines = [
        stated(3, -700, business=Business.PENSION), stated(3, -60, business=Business.REFUND),
        stated(4, 20, business=Business.REFUND), stated(4, -9000, business=Business.OTHER), stated(2, 10000),
        stated(5, -30, business=Business.TRANSFER),
    ]  # fmt: skip
    assert told(agency_bank(MARCH, lines, PAID)) == [
        ("AMOUNT", "agency_bank|2025-03||||refund", 10, 0),
        ("TAX_ONLY", "agency_bank|2025-03||||transfer", -30, 0),
    ]


def test_outflows_in_one_sum_where_a_line_says_none():
    lines = [stated(3, -700), stated(3, -60, business=Business.REFUND), stated(2, 10000)]
    assert told(agency_bank(MARCH, lines, PAID)) == [("AMOUNT", "agency_bank|2025-03||||all", -10, 0)]
    assert agency_bank(MARCH, [stated(3, -750)], PAID) == []


def test_money_in_alone_leaves_what_the_ledger_paid_out_alone():
    assert [one.category for one in agency_bank(MARCH, [stated(2, 10000)], PAID)] == ["AGENCY_ONLY"] * 2


def test_the_income_account_is_empty_at_the_end():
    assert income_account(MARCH, [stated(3, 100), stated(20, -100)]) == []
    assert told(income_account(MARCH, [stated(3, 100), stated(20, -70)])) == [
        ("AMOUNT", "agency_bank|2025-03||||income_account", 30, 0)
    ]
