"""A taken-over balance comes once, before any other money; a wrong one is reversed and received anew."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from ledger.account_events import InterestCredited
from ledger.refusals import Reason
from tests.ledger.lives import Life, done, fen, reason, rules_of

RATES = {2022: "0.0307", 2023: "0.0397", 2024: "0.0262", 2025: "0.015"}
END = date(2023, 12, 31)


def a_life() -> Life:
    return Life(rules_of(rates=RATES))


def test_a_wrong_balance_is_reversed_and_the_right_one_received():
    life = a_life()
    done(life.take_over(END, contribution="9000.00"))
    assert reason(life.take_over(END, contribution="900.00")) is Reason.DATE
    done(life.reverse(2))
    assert life.balance == 0
    done(life.take_over(END, contribution="900.00", interest="12.34"))
    done(life.credit(2024))
    assert life.balance == fen("912.34") + 2390


def test_the_right_balance_can_come_after_later_money_was_reversed_too():
    """The refusal says: first reverse the balance and the money after it. Whoever does so must get through."""
    life = a_life()
    done(life.take_over(END, contribution="9000.00"))
    done(life.pay_in("contribution", "500.00", date(2024, 3, 14)))
    done(life.reverse(2))
    assert reason(life.take_over(END, contribution="900.00")) is Reason.DATE
    done(life.reverse(3))
    done(life.take_over(date(2024, 12, 31), contribution="900.00"))
    done(life.pay_in("contribution", "100.00", date(2025, 6, 30)))
    done(life.credit(2025))
    assert life.interest_of(2025) == 1350 + 75


def test_no_year_is_credited_twice_because_a_balance_arrives_late():
    """An account credited and then emptied by reversal could be set back by a balance of an earlier year."""
    life = a_life()
    done(life.pay_in("contribution", "500.00", date(2023, 3, 14)))
    done(life.credit(2023))
    done(life.reverse(2))
    assert life.balance == 0
    assert reason(life.take_over(date(2022, 12, 31), contribution="900.00")) is Reason.DATE
    assert reason(life.credit(2023)) is Reason.ALREADY_CREDITED
    assert Counter(one.year for one in life.events if isinstance(one, InterestCredited)) == {2023: 1}


def test_a_reversed_balance_leaves_an_account_as_if_it_had_never_come():
    """Nothing credited yet: earlier money is no longer inside a balance, and sets the first year again."""
    life = a_life()
    done(life.take_over(END, contribution="900.00"))
    done(life.pay_in("contribution", "500.00", date(2025, 3, 14)))
    done(life.reverse(2))
    assert (life.state.first_year, life.state.credited_through) == (2025, 2024)
    done(life.pay_in("contribution", "100.00", date(2022, 11, 30)))
    assert (life.state.first_year, life.state.credited_through) == (2022, 2021)
    for year in (2022, 2023, 2024):
        done(life.credit(year))
    assert [life.interest_of(year) for year in (2022, 2023, 2024)] == [26, 398, 273]


def test_a_balance_reversed_after_a_credited_year_takes_that_interest_back():
    life = a_life()
    done(life.take_over(END, contribution="900.00"))
    done(life.pay_in("contribution", "120.00", date(2024, 6, 30)))
    done(life.credit(2024))
    assert life.interest_of(2024) == 2358 + 157
    done(life.reverse(2))
    assert life.interest_of(2024) == 157
    assert life.balance == life.closing(2024) == fen("120.00") + 157


@pytest.mark.parametrize("on", [date(2020, 5, 6), date(2023, 12, 31)])
def test_money_inside_a_taken_over_balance_is_refused(on):
    life = a_life()
    done(life.take_over(END, contribution="900.00"))
    assert reason(life.pay_in("contribution", "1.00", on)) is Reason.DATE
    assert reason(life.receive(on, contribution="1.00")) is Reason.DATE
    done(life.pay_in("contribution", "1.00", date(2024, 1, 1)))
