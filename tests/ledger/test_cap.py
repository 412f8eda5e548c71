"""The cap: collective subsidy and social aid of one person and period year against that year's highest tier.

    case   highest tier   booked already                       new                    answer
    C-1    7,000.00       collective 6,500.00                  social aid 500.00      accepted, exactly full
    C-2    7,000.00       collective 6,500.00                  social aid 600.00      over by 100.00
    C-3    5,000.00       collective 3,000.00, aid 2,000.00    social aid 0.01        over by 0.01
    C-4    3,000.00       collective 2,000.00                  social aid 1,200.00    over by 200.00
    C-5    3,000.00       subsidy 3,943.00, own 2,629.00       collective 3,000.00    accepted: they never count
    C-6    6,000.00       –                                    10.00 / 6,000.01       accepted / over by 0.01
    C-7    7,000.00       collective 6,500.00, then reversed   social aid 7,000.00    accepted: the room is free again

The floor of C-6 (5.00 is below 10.00) belongs to a region's yearly plan and not to the account: what the treasury has
received is booked.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.refusals import Reason, Refusal
from tests.ledger.lives import Life, done, entered, fen, reason, rules_of

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in json.loads((Path(__file__).parents[1] / "data/cases/cap.json").read_text(encoding="utf-8"))["cases"]
}
YEAR = 2025
ON = date(YEAR, 6, 16)
COLLECTIVE_ALONE = (entered("cap.basis", YEAR, "collective"),)


def life_of(case: dict[str, Any], **rules: Any) -> Life:
    """The account of a case with what is booked already, also what was booked and reversed."""
    life = Life(rules_of(caps={YEAR: case["cap"]}, **rules))
    for kind, yuan in case["existing"].items():
        if fen(yuan):
            done(life.pay_in(kind, yuan, ON))
    for kind, yuan in case.get("reversed", {}).items():
        done(life.pay_in(kind, yuan, ON))
        done(life.reverse(life.state.version))
    return life


@pytest.mark.parametrize("name", [name for name in CASES if name != "C-6a"])
def test_cap(name):
    case = CASES[name]
    ((kind, yuan),) = case["new"].items()
    life = life_of(case)
    before = life.state
    answer = life.pay_in(kind, yuan, ON)
    if case["accepted"]:
        done(answer)
        assert life.state.balance.total == before.balance.total + fen(yuan)
    else:
        assert isinstance(answer, Refusal)
        assert answer.reason is Reason.OVER_CAP
        assert f"超出{case['excess']}元" in answer.rule
        assert life.state == before, "a refused payment leaves no trace"


def test_a_plan_s_floor_does_not_stop_money_the_treasury_has_received():
    case = CASES["C-6a"]
    done(life_of(case).pay_in("collective_subsidy", case["new"]["collective_subsidy"], ON))


@pytest.mark.parametrize(
    ("booked", "new", "together", "collective_alone"),
    [
        # booked already                    one more                        S0, S1          S2
        (("collective_subsidy", "3000.00"), ("collective_subsidy", "0.01"), Reason.OVER_CAP, Reason.OVER_CAP),
        (("collective_subsidy", "3000.00"), ("social_aid", "0.01"), Reason.OVER_CAP, None),
        (("social_aid", "3000.00"), ("collective_subsidy", "3000.00"), Reason.OVER_CAP, None),
        (("social_aid", "3000.00"), ("social_aid", "3000.00"), Reason.OVER_CAP, None),
        (("contribution", "3000.00"), ("collective_subsidy", "3000.00"), None, None),
        (("government_paid", "3000.00"), ("social_aid", "3000.00"), None, None),
    ],
)
def test_what_counts_is_a_parameter(booked, new, together, collective_alone):
    for values, expected in (((), together), (COLLECTIVE_ALONE, collective_alone)):
        life = Life(rules_of(caps={YEAR: "3000"}, values=values))
        done(life.pay_in(*booked, ON))
        answer = life.pay_in(*new, ON)
        assert (answer.reason if isinstance(answer, Refusal) else None) is expected


@pytest.mark.parametrize("values", [(), COLLECTIVE_ALONE], ids=["together", "collective alone"])
def test_aid_beyond_the_cap_s_basis_still_needs_the_year_s_cap(values):
    """Without the highest tier of the year both are refused: nobody can say whether they fit."""
    life = Life(rules_of(caps={YEAR - 1: "3000"}, values=values))
    assert reason(life.pay_in("collective_subsidy", "1.00", ON)) is Reason.NO_CAP
    assert reason(life.pay_in("social_aid", "1.00", ON)) is Reason.NO_CAP
    done(life.pay_in("government_subsidy", "1.00", ON))


def test_the_cap_is_that_of_the_year_of_the_aid():
    """C-8: aid for 2024 that arrives in 2025 counts against 2024, and leaves the whole of 2025 free."""
    life = Life(rules_of(caps={2024: "3000", 2025: "5000"}))
    done(life.pay_in("collective_subsidy", "3000.00", date(2025, 2, 3), period=2024))
    assert reason(life.pay_in("collective_subsidy", "0.01", date(2025, 2, 3), period=2024)) is Reason.OVER_CAP
    done(life.pay_in("collective_subsidy", "5000.00", date(2025, 2, 3), period=2025))
    assert reason(life.pay_in("social_aid", "0.01", date(2025, 2, 3), period=2025)) is Reason.OVER_CAP


def test_a_reversal_frees_the_room_of_the_year_it_was_booked_for():
    """Aid for 2024, paid in 2025 and reversed, gives 2024 its room back and 2025 none."""
    life = Life(rules_of(caps={2024: "3000", 2025: "5000"}))
    done(life.pay_in("social_aid", "3000.00", date(2025, 2, 3), period=2024))
    version = life.state.version
    done(life.pay_in("social_aid", "5000.00", date(2025, 2, 3), period=2025))
    done(life.reverse(version))
    assert reason(life.pay_in("social_aid", "0.01", date(2025, 2, 3), period=2025)) is Reason.OVER_CAP
    done(life.pay_in("social_aid", "3000.00", date(2025, 2, 3), period=2024))


def test_the_cap_holds_for_late_aid_in_a_credited_year_too():
    life = Life(rules_of(rates={2024: "0.0262"}, caps={2024: "3000"}))
    done(life.pay_in("collective_subsidy", "2999.99", date(2024, 5, 6)))
    done(life.credit(2024))
    assert reason(life.pay_in("social_aid", "0.02", date(2024, 7, 8))) is Reason.OVER_CAP
    done(life.pay_in("social_aid", "0.01", date(2024, 7, 8)))


def test_a_transferred_balance_brings_its_kinds_but_takes_no_room():
    """What another pool booked was measured there."""
    life = Life(rules_of(caps={YEAR: "3000"}))
    done(life.receive(ON, collective_subsidy="9000.00"))
    done(life.pay_in("collective_subsidy", "3000.00", ON))


def test_the_refusal_cites_the_region_s_document_and_that_of_the_cap():
    life = Life(rules_of("neimenggu", values=[entered("cap", YEAR, "3000", "内人社示例〔2025〕1号")]))
    answer = life.pay_in("collective_subsidy", "3000.01", ON)
    assert isinstance(answer, Refusal)
    assert "内人社办发〔2025〕16号" in answer.clause
    assert "内人社示例〔2025〕1号" in answer.clause
