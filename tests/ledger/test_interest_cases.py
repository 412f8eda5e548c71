"""The worked cases of the resident rule, on states that real decisions and `evolve` built.

case  what it holds
I-1   a year without movements
I-2   money of three kinds; the unrounded figure and the sum of month-start balances
I-3   a pension every month: what is paid in a month still earns in it
I-4   transfer in July, July counted
I-5   death in April after four payments, April counted
I-7   twelve deposits: residents earn from the next month (the employees' rule would give 25.81)
I-9   two years open, the earlier one unpublished: it is capitalised first, at the last published rate
I-11  three kinds again, with the closing balance
I-12  a deposit of 31 December earns nothing that year and fully the next; of 1 January, eleven months
"""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ledger.account_events import AccountClosed, InterestCredited, InterestEvent, TransferredOut
from ledger.refusals import Reason
from tests.ledger.lives import Life, done, fen, reason, rules_of

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in json.loads((Path(__file__).parents[1] / "data/cases/interest.json").read_text(encoding="utf-8"))[
        "cases"
    ]
}
YEAR = 2024
WHOLE_YEAR = [name for name in CASES if name in {"I-1", "I-2", "I-3", "I-7", "I-11"}]


def life_of(case: dict[str, Any], **rules: Any) -> Life:
    """The account of a case: its opening as a balance taken over, its movements on the 15th of their month."""
    life = Life(rules_of(rates={YEAR: case["rate"]}, **rules), today=date(2026, 1, 2))
    if fen(case["opening"]):
        done(life.take_over(date(YEAR - 1, 12, 31), contribution=case["opening"]))
    for movement in case["movements"]:
        on = date(YEAR, movement["month"], 15)
        if movement["kind"] == "pension":
            done(life.pension(movement["amount"].removeprefix("-"), on))
        else:
            done(life.pay_in(movement["kind"], movement["amount"], on))
    return life


def credited(life: Life, year: int = YEAR) -> InterestCredited:
    """The one event of the year's interest."""
    (event,) = done(life.credit(year))
    assert isinstance(event, InterestCredited)
    return event


@pytest.mark.parametrize("name", WHOLE_YEAR)
def test_interest_of_a_whole_year(name):
    case = CASES[name]
    life = life_of(case, caps={YEAR: "5000"})
    event = credited(life)
    assert event.effect.total == fen(case["interest"])
    if "closing" in case:
        assert life.balance == fen(case["closing"])
        assert life.closing(YEAR) == fen(case["closing"])


@pytest.mark.parametrize("name", ["I-2", "I-11"])
def test_the_exact_numerators_are_the_sum_of_the_month_start_balances(name):
    """积数 in fen-months is exact; the event keeps it, so an auditor can compute the unrounded interest."""
    case = CASES[name]
    months = credited(life_of(case, caps={YEAR: "5000"})).fen_months
    assert months.total == fen(case["month_start_balances"])
    unrounded = Fraction(months.total, 100) * Fraction(case["rate"]) / 12
    if "unrounded" in case:
        assert unrounded == Fraction(case["unrounded"])
    assert abs(unrounded - Fraction(case["interest"])) <= Fraction(1, 200)


def test_interest_splits_into_opening_entries_and_deducted():
    """I-3: 13,900.00 a year long, less 100.00 · (11 + 10 + … + 0)."""
    months = credited(life_of(CASES["I-3"])).fen_months
    assert (months.opening.total, months.entries.total) == (1390000 * 12, 0)
    assert months.deducted.total == -10000 * sum(range(12))


def test_employees_formula_is_not_used():
    """I-7: residents 6,600 fen-months of yuan, employees 7,800 and 25.81."""
    event = credited(life_of(CASES["I-7"]))
    assert event.fen_months.total == 6600 * 100
    assert event.effect.total == 2184


def test_i_4_transfer_out_in_july_with_july_counted():
    case = CASES["I-4"]
    life = life_of(case)
    interest, out = done(life.leave(date(YEAR, case["settled_through_month"], 20), to="150800"))
    assert isinstance(interest, InterestCredited)
    assert isinstance(out, TransferredOut)
    assert interest.effect.total == fen(case["interest"])
    assert interest.through_month == 7
    assert out.effect.total == -fen(case["remitted"])
    assert (life.balance, life.state.closed) == (0, True)


def test_i_5_death_in_april_with_april_counted():
    """Settled first, so the closing balance before the heirs are paid can be seen; then the account ends."""
    case = CASES["I-5"]
    life = life_of(case)
    (interest,) = done(life.settle(date(YEAR, case["settled_through_month"], 9)))
    assert isinstance(interest, InterestCredited)
    assert interest.effect.total == fen(case["interest"])
    assert life.balance == fen(case["closing"])

    whole = life_of(case)
    *_, end = done(whole.leave(date(YEAR, case["settled_through_month"], 9)))
    assert isinstance(end, AccountClosed)
    assert end.effect.total == -fen(case["closing"])


def test_i_9_two_open_years_at_the_last_published_rate():
    """Known: the rate of 2024. 2025 is capitalised first, 2026 runs through February; both are provisional."""
    case = CASES["I-9"]
    life = Life(rules_of(rates={2024: "0.0246"}), today=date(2026, 3, 1))
    done(life.take_over(date(2024, 12, 31), contribution=case["opening"]))
    *years, out = done(life.leave(date(2026, 2, 11), to="150800"))
    assert [(year["year"], fen(year["interest"]), year["rate"]) for year in case["years"]] == [
        (one.year, one.effect.total, one.rate) for one in years if isinstance(one, InterestEvent)
    ]
    assert [one.provisional for one in years if isinstance(one, InterestEvent)] == [True, True]
    assert [one.effective_on for one in years if isinstance(one, InterestEvent)] == [
        date(2025, 12, 31),
        date(2026, 2, 11),
    ]
    assert isinstance(out, TransferredOut)
    assert out.effect.total == -fen(case["remitted"])


def test_i_9_with_2025_published_only_the_year_after_is_provisional():
    """359.00 for 2025 at 3.59 %, then 10,359.00 · 3.59 % · 2/12 = 61.98; 10,420.98 are remitted."""
    life = Life(rules_of(rates={2024: "0.0246", 2025: "0.0359"}), today=date(2026, 3, 1))
    done(life.take_over(date(2024, 12, 31), contribution="10000.00"))
    first, second, out = done(life.leave(date(2026, 2, 11), to="150800"))
    assert isinstance(first, InterestEvent)
    assert isinstance(second, InterestEvent)
    assert (first.effect.total, first.provisional) == (35900, False)
    assert (second.effect.total, second.provisional) == (6198, True)
    assert isinstance(out, TransferredOut)
    assert out.effect.total == -1042098


@pytest.mark.parametrize("name", ["I-12a", "I-12b"])
def test_deposits_at_the_turn_of_the_year(name):
    case = CASES[name]
    (movement,) = case["movements"]
    life = Life(rules_of(rates={2024: case["rate"], 2025: case["rate"]}), today=date(2026, 1, 2))
    done(life.pay_in(movement["kind"], movement["amount"], date.fromisoformat(movement["date"])))
    assert {year: fen(yuan) for year, yuan in case["interest_by_year"].items()} == {
        year: credited(life, int(year)).effect.total for year in case["interest_by_year"]
    }


def test_a_year_before_the_first_money_does_not_exist():
    """I-12b's account has nothing to credit for 2024, and nothing says so with 0.00."""
    life = Life(rules_of(rates={2024: "0.024", 2025: "0.024"}))
    done(life.pay_in("contribution", "500.00", date(2025, 1, 1)))
    assert life.credit(2024) == ()
    assert reason(life.credit(2026)) is Reason.YEAR_NOT_ENDED


def test_a_late_payment_makes_the_closings_those_of_an_undisturbed_history():
    """I-11 with the collective subsidy arriving after the year was credited: the same closing, by an adjustment."""
    case = CASES["I-11"]
    without = {**case, "movements": [one for one in case["movements"] if one["kind"] != "collective_subsidy"]}
    life = life_of(without, caps={YEAR: "5000"})
    before = credited(life).effect.total
    recorded, adjusted = done(life.pay_in("collective_subsidy", "300.00", date(YEAR, 9, 15)))
    assert isinstance(adjusted, InterestEvent)
    assert recorded.cause == adjusted.cause
    assert before + adjusted.effect.total == fen(case["interest"])
    assert life.closing(YEAR) == life.balance == fen(case["closing"])
    assert life.state.opening.total == fen(case["closing"])


def test_late_money_moves_every_credited_year_from_its_own_on():
    """1,000.00 of March 2023, told in 2026: 29.78 more for 2023, and 2.62 % of 1,029.78 more for 2024."""
    life = Life(rules_of(rates={2022: "0.03", 2023: "0.0397", 2024: "0.0262"}))
    done(life.pay_in("contribution", "100.00", date(2023, 12, 1)))
    for year in (2023, 2024):
        credited(life, year)
    assert (life.interest_of(2023), life.interest_of(2024)) == (0, 262)
    done(life.pay_in("contribution", "1000.00", date(2023, 3, 14)))
    assert (life.interest_of(2023), life.interest_of(2024)) == (2978, 262 + 2698)

    # Money before the first credited year opens that year, at the rate of the pool; and a later one belongs to it too.
    done(life.pay_in("contribution", "1000.00", date(2022, 12, 1)))
    assert (life.interest_of(2022), life.interest_of(2023)) == (0, 2978 + 3970)
    done(life.pay_in("contribution", "1200.00", date(2022, 6, 30)))
    assert life.interest_of(2022) == 1800
    assert life.state.first_year == 2022
    assert [one.year for one in life.events if isinstance(one, InterestCredited)] == [2023, 2024, 2022]
