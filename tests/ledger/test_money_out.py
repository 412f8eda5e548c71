"""What leaves an account: never more than was there at the time, split over its kinds, and nothing after the end.

An account that paid out in January what came in in December would owe interest for eleven months in which it held less
than nothing; a year's end would then find it below zero.
"""

from __future__ import annotations

from datetime import date

import pytest

from ledger.account_events import InterestCredited
from ledger.money_out import apportioned
from ledger.refusals import Reason
from ledger.words import Amounts
from tests.ledger.lives import Life, done, fen, reason, rules_of

RATES = {2023: "0.0397", 2024: "0.0262", 2025: "0.015"}


def a_life() -> Life:
    """100.00 in March and 1,000.00 in December of 2024."""
    life = Life(rules_of(rates=RATES))
    done(life.pay_in("contribution", "100.00", date(2024, 3, 14)))
    done(life.pay_in("government_subsidy", "1000.00", date(2024, 12, 2)))
    return life


@pytest.mark.parametrize(
    ("on", "available"),
    [
        (date(2023, 12, 31), "0.00"),
        (date(2024, 2, 29), "0.00"),
        (date(2024, 3, 1), "100.00"),
        (date(2024, 11, 30), "100.00"),
        (date(2024, 12, 1), "1100.00"),
        (date(2025, 1, 1), "1100.00"),
    ],
)
def test_no_more_is_paid_than_was_there_in_the_month(on, available):
    if fen(available):
        done(a_life().pension(available, on))
    over = f"{(fen(available) + 1) / 100:.2f}"
    assert reason(a_life().pension(over, on)) is Reason.AMOUNT


def test_what_was_paid_later_is_not_there_earlier():
    """1,050.00 went in January 2025: of the 100.00 of November 2024 only 50.00 are left to pay."""
    life = a_life()
    done(life.refund("1050.00", date(2025, 1, 5)))
    assert reason(life.pension("50.01", date(2024, 11, 30))) is Reason.AMOUNT
    done(life.pension("50.00", date(2024, 11, 30)))
    assert life.balance == 0


def test_money_that_is_spent_cannot_be_reversed():
    """100.00 were paid in June; without the deposit of March the account would have stood at −100.00 until December."""
    life = a_life()
    done(life.pension("100.00", date(2024, 6, 14)))
    assert reason(life.reverse(2)) is Reason.AMOUNT
    done(life.reverse(4))
    done(life.reverse(2))
    assert life.balance == fen("1000.00")


def test_money_that_is_spent_cannot_be_reversed_after_its_year_was_credited():
    life = a_life()
    done(life.credit(2024))
    done(life.pension("1000.00", date(2025, 6, 14)))
    assert reason(life.reverse(3)) is Reason.AMOUNT
    done(life.reverse(5))
    done(life.reverse(3))
    assert life.balance == fen("100.00") + life.interest_of(2024)


def test_a_reversal_stands_on_the_side_of_its_original():
    """What is struck out leaves no trace in either part of the year's figures, which a statement shows apart."""
    life = a_life()
    done(life.pension("50.00", date(2024, 6, 14)))
    done(life.reverse(4))
    done(life.pay_in("contribution", "30.00", date(2024, 7, 1)))
    done(life.reverse(6))
    (event,) = done(life.credit(2024))
    assert isinstance(event, InterestCredited)
    assert event.fen_months.deducted.total == 0
    assert event.fen_months.entries.total == fen("100.00") * 9


def test_a_refund_keeps_the_interest_and_a_reversal_takes_it():
    refunded, reversed_ = a_life(), a_life()
    for life in (refunded, reversed_):
        done(life.credit(2024))
    assert refunded.interest_of(2024) == 197
    done(refunded.refund("100.00", date(2025, 1, 5)))
    done(reversed_.reverse(2))
    assert refunded.interest_of(2024) == 197
    assert reversed_.interest_of(2024) == 0


@pytest.mark.parametrize("on", [date(2024, 2, 29), date(2024, 11, 30)])
def test_an_account_does_not_end_before_its_last_money(on):
    assert reason(a_life().leave(on)) is Reason.DATE
    assert reason(a_life().leave(on, to="150800")) is Reason.DATE


def test_an_account_may_end_in_the_month_of_its_last_money():
    life = a_life()
    done(life.leave(date(2024, 12, 30)))
    assert (life.balance, life.state.closed) == (0, True)


def test_nothing_moves_after_the_end():
    life = a_life()
    done(life.leave(date(2025, 1, 15)))
    answers = [
        life.pay_in("contribution", "1.00", date(2026, 2, 1)),
        life.receive(date(2026, 2, 1), contribution="1.00"),
        life.reverse(2),
        life.credit(2024),
        life.take_over(date(2024, 12, 31), contribution="1.00"),
        life.leave(date(2026, 2, 1)),
    ]
    assert {reason(answer) for answer in answers} == {Reason.ACCOUNT_CLOSED}
    assert reason(life.pension("1.00", date(2026, 2, 1))) is Reason.AMOUNT
    life.rules = rules_of(rates={**RATES, 2024: "0.0001"})
    assert life.restate(2024) == ()


@pytest.mark.parametrize(
    ("paid", "balance", "shares"),
    [
        # The case of the pension of 143.88 (20,000.00 / 139): two fen go to the largest fractions.
        (14388, (1200000, 0, 150000, 0, 200000, 450000), (8633, 0, 1079, 0, 1439, 3237)),
        # Equal fractions: the earlier kind.
        (1, (50, 50, 0, 0, 0, 0), (1, 0, 0, 0, 0, 0)),
        # All of it leaves nothing behind.
        (333, (100, 33, 0, 0, 100, 100), (100, 33, 0, 0, 100, 100)),
    ],
)
def test_a_payment_is_split_over_the_kinds(paid, balance, shares):
    assert apportioned(paid, Amounts(*balance)).by_kind() == shares


# -- the refund of one payment -----------------------------------------------------------------------------------------


def paid_in() -> Life:
    """Of 2024: 500.00 contribution, 300.00 collective subsidy, 200.00 government subsidy; 2024 is credited."""
    life = Life(rules_of(rates=RATES, caps={2024: "1000.00", 2025: "1000.00"}))
    done(life.pay_in("contribution", "500.00", date(2024, 3, 14)))
    done(life.pay_in("collective_subsidy", "300.00", date(2024, 4, 2)))
    done(life.pay_in("government_subsidy", "200.00", date(2024, 12, 2)))
    done(life.credit(2024))
    return life


@pytest.mark.parametrize(
    ("version", "yuan", "kind"), [(2, "500.00", "contribution"), (3, "120.00", "collective_subsidy")]
)
def test_a_refund_is_taken_from_the_kind_that_was_paid_and_leaves_the_rest(version, yuan, kind):
    life = paid_in()
    before = life.state.balance
    (event,) = done(life.refund_entry(version, yuan, date(2025, 6, 2)))
    assert event.effect == Amounts(**{kind: -fen(yuan)})
    assert life.state.balance == before + event.effect
    assert life.state.balance.interest == life.interest_of(2024) > 0


def test_no_more_of_a_kind_is_refunded_than_the_account_holds_of_it():
    """The pension took its part of every kind: of 500.00 contribution less is left, whatever else the account holds."""
    life = paid_in()
    done(life.pension("400.00", date(2025, 5, 2)))
    left = life.state.balance.contribution
    assert 0 < left < fen("500.00") < life.balance
    for on in (date(2025, 1, 2), date(2025, 6, 2)):  # nor on an earlier day: the pension would not be there then
        refusal = life.refund_entry(2, f"{(left + 1) / 100:.2f}", on)
        assert reason(refusal) is Reason.AMOUNT
        assert "个人缴费" in refusal.rule
    done(life.refund_entry(2, f"{left / 100:.2f}", date(2025, 6, 2)))
    assert life.state.balance.contribution == 0


def test_a_later_payment_of_the_kind_does_not_serve_an_earlier_refund():
    life = paid_in()
    done(life.pension("400.00", date(2025, 5, 2)))
    done(life.pay_in("contribution", "500.00", date(2025, 8, 4)))
    assert reason(life.refund_entry(2, "500.00", date(2025, 6, 2))) is Reason.AMOUNT
    done(life.refund_entry(2, "500.00", date(2025, 8, 5)))


def test_what_is_no_payment_or_was_taken_back_is_not_refunded():
    life = paid_in()
    for version in (0, 1, 5, 6):  # the opening, the interest, and what is not there
        assert reason(life.refund_entry(version, "1.00", date(2025, 6, 2))) is Reason.NOTHING_TO_REFUND
    done(life.reverse(2))
    assert reason(life.refund_entry(2, "1.00", date(2025, 6, 2))) is Reason.ALREADY_REVERSED


def test_refunded_aid_gives_no_room_back_and_a_reversed_refund_takes_nothing():
    """The cap counts what a year received; a refund is a payment out on its own day."""
    life = paid_in()
    done(life.refund_entry(3, "300.00", date(2025, 6, 2)))
    room = life.state.room_taken(2024)
    assert (room.collective, room.social) == (fen("300.00"), 0)
    assert reason(life.pay_in("collective_subsidy", "700.01", date(2025, 6, 3), 2024)) is Reason.OVER_CAP
    done(life.reverse(6))
    assert life.state.balance.collective_subsidy == fen("300.00")
    assert life.state.room_taken(2024) == room
