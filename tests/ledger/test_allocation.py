"""到账划账: how old a payment is, when it is due, and what speaks against putting it into an account by hand."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from ledger.allocation import age_of, allocation_fault
from ledger.refusals import Reason, Refusal
from tests.ledger.allocations import ONE, by_hand, received
from tests.ledger.lives import entered, rules_of

OTHER = UUID(int=2)
RULES = rules_of()


@pytest.mark.parametrize(
    ("on", "days", "due"),
    [
        (date(2025, 9, 26), 0, False),
        (date(2025, 9, 30), 3, False),  # 28 September is a Sunday that is worked
        (date(2025, 10, 8), 3, False),  # the holiday does not count
        (date(2025, 10, 9), 4, True),
    ],
)
def test_working_days_count_from_the_day_of_payment(on, days, due):
    assert age_of(received(), on, RULES)[:] == (days, False, due)


def test_a_row_without_its_day_counts_from_the_treasury_entry():
    assert age_of(received(paid_on=None), date(2025, 10, 9), RULES)[:] == (2, False, False)


def test_beyond_the_calendar_the_age_is_provisional():
    old = received(paid_on=date(2090, 5, 4), treasury_on=date(2090, 5, 4))
    assert age_of(old, date(2090, 5, 11), RULES)[:] == (5, True, True)


def test_the_rule_says_how_many_days():
    """As entered or shipped: no figure stands in the code."""
    patient = rules_of(values=[entered("tax.allocation_days", 2025, "9")])
    assert not age_of(received(), date(2025, 10, 9), patient).due
    assert patient.citation("tax.allocation_days", 2025) != RULES.citation("tax.allocation_days", 2025)
    assert "附件1 四（七）" in RULES.citation("tax.allocation_days", 2025)


def test_what_is_another_pool_s_is_never_due_here():
    assert not age_of(received(reason="OTHER_POOL"), date(2025, 12, 1), RULES).due


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, {}),
        (None, {"person": ONE}),
        (None, {"county": "150700.01"}),
        (Reason.NOT_RECEIVED, {"received": None}),
        (Reason.ALREADY_ALLOCATED, {"account": OTHER}),
        (Reason.ALREADY_ALLOCATED, {"account": OTHER, "received": None}),
        (Reason.OTHER_POOL, {"received": received(reason="OTHER_POOL")}),
        (Reason.CANCELLED_BY_TAX, {"received": received(cancelled=True)}),
        (Reason.MONTH_STALE, {"reconciled": False}),
        (Reason.UNKNOWN_DIVISION, {"county": None}),
        (Reason.UNKNOWN_ACCOUNT, {"holder": None, "division": ""}),
        (Reason.OTHER_COUNTY, {"county": "150700.02"}),
        (Reason.OTHER_COUNTY, {"county": "150700.0"}),
        (Reason.OTHER_PERSON, {"person": OTHER}),
    ],
)
def test_what_speaks_against_it(told, said):
    answer = allocation_fault(by_hand(**said), "甲", "乙", RULES)
    assert (answer.reason if isinstance(answer, Refusal) else answer) == told


def test_two_people():
    answer = allocation_fault(by_hand(), "甲", "甲", RULES)
    assert answer is not None
    assert answer.reason is Reason.SAME_PERSON


@pytest.mark.parametrize("said", [{"reconciled": False}, {"county": "150700.02"}])
def test_the_clause_stands_in_the_refusal(said):
    answer = allocation_fault(by_hand(**said), "甲", "乙", RULES)
    assert answer is not None
    assert "附件1 四（七）" in answer.clause
