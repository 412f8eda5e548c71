"""Each parameter moves an outcome, entered values take their place in time, and no rules file ships a figure of law.

parameter                        outcome of a decision that it moves
interest.start_month.<kind>      the interest of the year's deposit of that kind, by one month
interest.debit_month             the interest lost on a pension, by one month
interest.rounding                the fen of a year's interest
interest.late_entries            whether a late payment settles its year anew
interest.unpublished_rate        whether an account may leave in a year without a published rate
interest.closing_month           the interest of the month in which an account ends
account.minimum_age              who may open an account
intake.amount_max                the largest single payment
cap.basis                        whether social aid counts
interest.settlement              one value: its document is cited where a year has not ended or has no rate
duties.separation                one value: its document is cited where handler and reviewer are one
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ledger.account_decisions import NEEDS_HISTORY, open_account
from ledger.account_events import InterestEvent
from ledger.refusals import Reason, Refusal
from ledger.region_rules import (
    CONFIDENCE,
    FIGURES,
    METHODS,
    REGIONS,
    SHIPPED,
    enter_value,
    folded_rules,
    read_rules,
)
from ledger.words import MoneyKind
from tests.ledger.lives import HANDLER, HOLDER, TODAY, VILLAGE, Life, done, entered, reason, rules_of

PLAN_RULES = Path(__file__).parents[1] / "api" / "cli" / "test_plan_rules.py"

RATES = {2022: "0.024", 2023: "0.024", 2024: "0.024"}
CAPS = {2024: "5000"}
PAYABLE = tuple(kind for kind in MoneyKind if kind is not MoneyKind.INTEREST)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped rules that a test may change."""
    for file in SHIPPED.glob("*.toml"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def changed(folder: Path, name: str, key: str, value: str) -> Path:
    """The rules with `key` of every shipped value `name` written anew."""
    touched = 0
    for file in sorted(folder.glob("*.toml")):
        lines = file.read_text(encoding="utf-8").split("\n")
        inside = False
        for number, line in enumerate(lines):
            if line.startswith("name = "):
                inside = line == f'name = "{name}"'
            elif inside and line.startswith(f"{key} = "):
                lines[number] = f"{key} = {value}"
                touched += 1
        file.write_text("\n".join(lines), encoding="utf-8")
    assert touched, f"no shipped value of {name}"
    return folder


def life(folder: Path, **said: object) -> Life:
    return Life(rules_of(rates=RATES, caps=CAPS, folder=folder, **said))


def interest_of_a_deposit(folder: Path, kind: MoneyKind) -> int:
    """1,200.00 in March at 2.4 % a year: 2.40 a month."""
    one = life(folder)
    done(one.pay_in(kind, "1200.00", date(2024, 3, 14)))
    done(one.credit(2024))
    return one.interest_of(2024)


@pytest.mark.parametrize("kind", PAYABLE)
def test_start_month(folder, kind):
    assert interest_of_a_deposit(folder, kind) == 9 * 240
    changed(folder, f"interest.start_month.{kind}", "value", '"same"')
    assert interest_of_a_deposit(folder, kind) == 10 * 240
    for other in PAYABLE:
        if other is not kind:
            assert interest_of_a_deposit(folder, other) == 9 * 240, "each kind has its own"


def test_debit_month(folder):
    """12,000.00 a whole year long, less 1,200.00 paid in March."""

    def interest() -> int:
        one = life(folder)
        done(one.take_over(date(2023, 12, 31), contribution="12000.00"))
        done(one.pension("1200.00", date(2024, 3, 14)))
        done(one.credit(2024))
        return one.interest_of(2024)

    assert interest() == 12 * 2400 - 9 * 240
    changed(folder, "interest.debit_month", "value", '"same"')
    assert interest() == 12 * 2400 - 10 * 240


@pytest.mark.parametrize(
    ("rounding", "of_1060_4", "of_62_5", "of_187_5"),
    [
        # interest in fen: 1060.4  62.5  187.5
        ("half_up", 1060, 63, 188),
        ("half_even", 1060, 62, 188),
        ("down", 1060, 62, 187),
        ("up_to_jiao", 1070, 70, 190),
    ],
)
def test_rounding(folder, rounding, of_1060_4, of_62_5, of_187_5):
    """Opening balances whose interest at 2.5 % lies between two fen or exactly in their middle."""
    changed(folder, "interest.rounding", "value", f'"{rounding}"')
    told = []
    for opening in ("424.16", "25.00", "75.00"):
        one = Life(rules_of(rates={2024: "0.025"}, folder=folder))
        done(one.take_over(date(2023, 12, 31), contribution=opening))
        (event,) = done(one.credit(2024))
        assert isinstance(event, InterestEvent)
        assert event.rounding == rounding
        told.append(event.effect.total)
    assert told == [of_1060_4, of_62_5, of_187_5]


class TestLateEntries:
    """12,000.00 dated March 2023 that arrive after 2023 was credited: 9 months at 24.00 in 2023, or nothing there."""

    def a_life(self, folder: Path) -> Life:
        one = life(folder)
        done(one.pay_in("contribution", "1.00", date(2023, 1, 2)))
        done(one.credit(2023))
        return one

    def late(self, one: Life) -> int:
        """The version of the late payment."""
        done(one.pay_in("contribution", "12000.00", date(2023, 3, 14)))
        return next(number for number, event in enumerate(one.events, 1) if number > 3)

    def test_restate(self, folder):
        one = self.a_life(folder)
        assert one.ask_to_pay_in("contribution", "12000.00", date(2023, 3, 14), known=False) is NEEDS_HISTORY
        self.late(one)
        assert one.interest_of(2023) == 2 + 9 * 2400
        done(one.credit(2024))
        assert one.interest_of(2024) == 29321

    def test_current_year(self, folder):
        changed(folder, "interest.late_entries", "value", '"current_year"')
        one = self.a_life(folder)
        assert isinstance(one.ask_to_pay_in("contribution", "12000.00", date(2023, 3, 14), known=False), tuple)
        self.late(one)
        assert one.interest_of(2023) == 2
        done(one.credit(2024))
        assert one.interest_of(2024) == 12 * 2400 + 2

    def test_current_year_holds_when_a_rate_is_told_anew(self, folder):
        """What the policy decided stands in the event: a later re-settlement must not let the money earn in 2023."""
        changed(folder, "interest.late_entries", "value", '"current_year"')
        one = self.a_life(folder)
        self.late(one)
        done(one.credit(2024))
        one.rules = rules_of(rates={**RATES, 2023: "0.048"}, caps=CAPS, folder=folder)
        done(one.restate(2023))
        assert one.interest_of(2023) == 4
        assert one.interest_of(2024) == 12 * 2400 + 2

    def test_current_year_passes_over_every_credited_year(self, folder):
        """Two years are credited; the money of the first earns in neither, also when both are settled anew."""
        changed(folder, "interest.late_entries", "value", '"current_year"')
        one = life(folder)
        done(one.pay_in("contribution", "1.00", date(2022, 1, 2)))
        for year in (2022, 2023):
            done(one.credit(year))
        done(one.pay_in("contribution", "12000.00", date(2022, 3, 14)))
        done(one.credit(2024))
        before = [one.interest_of(year) for year in (2022, 2023, 2024)]
        assert before == [2, 2, 12 * 2400 + 2]
        one.rules = rules_of(rates={**RATES, 2022: "0.048"}, caps=CAPS, folder=folder)
        done(one.restate(2022))
        assert [one.interest_of(year) for year in (2022, 2023, 2024)] == [4, 2, 12 * 2400 + 3]

    def test_money_that_passed_over_the_years_before_the_first_one_opens_none_when_reversed(self, folder):
        """Dated 2021, of which there is no rate: its reversal under `restate` has no business there."""
        changed(folder, "interest.late_entries", "value", '"current_year"')
        one = self.a_life(folder)
        done(one.pay_in("contribution", "12000.00", date(2021, 3, 14)))
        version = one.state.version
        one.rules = rules_of(rates=RATES, caps=CAPS)
        done(one.reverse(version))
        assert one.balance == 100 + 2
        assert one.state.first_year == 2023

    def test_current_year_holds_when_the_policy_changes(self, folder):
        """Another late payment under `restate` settles 2023 anew, but not for the first one."""
        changed(folder, "interest.late_entries", "value", '"current_year"')
        one = self.a_life(folder)
        self.late(one)
        one.rules = rules_of(rates=RATES, caps=CAPS)
        done(one.pay_in("contribution", "1200.00", date(2023, 11, 14)))
        assert one.interest_of(2023) == 2 + 240

    def test_a_reversal_of_late_money_takes_all_its_interest_and_no_more(self, folder):
        changed(folder, "interest.late_entries", "value", '"current_year"')
        one = self.a_life(folder)
        version = self.late(one)
        done(one.credit(2024))
        one.rules = rules_of(rates=RATES, caps=CAPS)
        done(one.reverse(version))
        assert (one.interest_of(2023), one.interest_of(2024)) == (2, 2)
        assert one.balance == 100 + 4

    def test_a_reversal_under_current_year_leaves_credited_years_as_they_stand(self, folder):
        changed(folder, "interest.late_entries", "value", '"current_year"')
        one = life(folder)
        done(one.pay_in("contribution", "12000.00", date(2023, 3, 14)))
        done(one.pay_in("contribution", "1200.00", date(2023, 3, 14)))
        done(one.credit(2023))
        done(one.reverse(3))
        assert one.interest_of(2023) == 9 * 2640
        done(one.credit(2024))
        assert one.interest_of(2024) == 12 * 2400 + round(9 * 2640 * 0.024)
        one.rules = rules_of(rates={**RATES, 2023: "0.048"}, caps=CAPS, folder=folder)
        done(one.restate(2023))
        assert one.interest_of(2023) == 2 * 9 * 2640


def test_unpublished_rate(folder):
    def leave() -> object:
        one = life(folder)
        done(one.take_over(date(2024, 12, 31), contribution="12000.00"))
        return one.leave(date(2025, 6, 16), to="150800")

    interest, _ = done(leave())
    assert isinstance(interest, InterestEvent)
    assert (interest.rate, interest.provisional, interest.effect.total) == ("0.024", True, 6 * 2400)
    changed(folder, "interest.unpublished_rate", "value", '"refuse"')
    assert reason(leave()) is Reason.NO_RATE


def test_unpublished_rate_does_not_reach_back(folder):
    """A year before the first published rate has no last published one."""
    one = life(folder)
    done(one.pay_in("contribution", "1.00", date(2021, 3, 14)))
    assert reason(one.leave(date(2021, 6, 16))) is Reason.NO_RATE


@pytest.mark.parametrize(("on", "included", "excluded"), [(date(2024, 7, 20), 7, 6), (date(2024, 1, 20), 1, 0)])
def test_closing_month(folder, on, included, excluded):
    def months() -> int:
        one = life(folder)
        done(one.take_over(date(2023, 12, 31), contribution="12000.00"))
        done(one.leave(on))
        return one.interest_of(2024) // 2400

    assert months() == included
    changed(folder, "interest.closing_month", "value", '"excluded"')
    assert months() == excluded


def test_minimum_age(folder):
    birth, on = date(2009, 3, 15), date(2024, 3, 15)

    def open_at_fifteen() -> object:
        return open_account(rules_of(folder=folder), HANDLER, HOLDER, VILLAGE, birth, on, TODAY)

    refusal = open_at_fifteen()
    assert reason(refusal) is Reason.UNDER_AGE
    changed(folder, "account.minimum_age", "value", "15")
    done(open_at_fifteen())
    changed(folder, "account.minimum_age", "document", '"示例办法"')
    changed(folder, "account.minimum_age", "value", "18")
    refusal = open_at_fifteen()
    assert isinstance(refusal, Refusal)
    assert "年满18周岁" in refusal.rule
    assert "《示例办法》参保范围（推定）" in refusal.clause


def test_amount_max(folder):
    done(life(folder).pay_in("contribution", "10000000.00", date(2024, 3, 14)))
    changed(folder, "intake.amount_max", "value", '"999.99"')
    refusal = life(folder).pay_in("contribution", "1000.00", date(2024, 3, 14))
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, "999.99元" in refusal.rule) == (Reason.AMOUNT, True)
    done(life(folder).pay_in("contribution", "999.99", date(2024, 3, 14)))


def test_cap_basis(folder):
    def aid_beside_a_full_subsidy() -> object:
        one = life(folder, region="ningxia")
        done(one.pay_in("collective_subsidy", "5000.00", date(2024, 3, 14)))
        return one.pay_in("social_aid", "5000.00", date(2024, 3, 14))

    assert reason(aid_beside_a_full_subsidy()) is Reason.OVER_CAP
    changed(folder, "cap.basis", "value", '"collective"')
    done(aid_beside_a_full_subsidy())


ONE_VALUED: dict[str, Callable[[Life], object]] = {
    "interest.settlement": lambda one: one.credit(TODAY.year),
    "duties.separation": lambda one: one.leave(date(2024, 3, 14)),
}


@pytest.mark.parametrize("name", ONE_VALUED)
def test_a_method_of_one_value_is_cited_where_it_refuses(folder, name):
    changed(folder, name, "document", '"示例办法"')
    changed(folder, name, "clause", '"第九条"')
    one = life(folder)
    one.two = HANDLER
    done(one.pay_in("contribution", "1.00", date(2024, 1, 2)))
    refusal = ONE_VALUED[name](one)
    assert isinstance(refusal, Refusal)
    assert refusal.clause.startswith("《示例办法》第九条")


def test_settlement_is_cited_where_a_rate_is_missing(folder):
    changed(folder, "interest.settlement", "document", '"示例办法"')
    one = Life(rules_of(folder=folder))
    done(one.pay_in("contribution", "1.00", date(2024, 1, 2)))
    refusal = one.credit(2024)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.clause.startswith("《示例办法》")) == (Reason.NO_RATE, True)


@pytest.mark.parametrize("name", ["interest.settlement", "duties.separation"])
def test_a_method_of_one_value_takes_no_other(folder, name):
    changed(folder, name, "value", '"whenever"')
    with pytest.raises(ValueError, match=name):
        rules_of(folder=folder)


def test_every_parameter_has_its_test():
    """A new parameter joins the table above with a decision it moves."""
    moved = {f"interest.start_month.{kind}" for kind in PAYABLE} | {
        f"{'account' if name == 'minimum_age' else 'intake' if name == 'amount_max' else 'interest'}.{name}"
        for name in ("debit_month", "rounding", "late_entries", "unpublished_rate", "closing_month")
    }
    moved |= {"account.minimum_age", "intake.amount_max", "cap.basis", *ONE_VALUED}
    moved.add("refund.payer")  # told in a verdict: tests/api/cli/test_tax_refunds.py
    moved.add("tax.approved_first")  # what a payment without approval is: tests/api/cli/test_approved_first.py
    moved.add("tax.allocation_days")  # when a payment is due in an account: tests/api/cli/test_allocation.py
    of_plans = {name for name in METHODS if name.startswith(("plan.", "roster."))}
    of_subsidies = {"subsidy.government_paid"}  # see tests/api/cli/test_tax_subsidies.py
    assert moved | of_plans | of_subsidies == set(METHODS)
    text = PLAN_RULES.read_text(encoding="utf-8")
    assert {name for name in of_plans if f'"{name}"' not in text} == set(), "driven through the installed command there"


# Entered values.


def test_the_latest_entry_of_a_figure_wins():
    rules = rules_of(values=[entered("cap", 2024, "3000"), entered("cap", 2024, "5000", "更正")])
    assert rules.cap(2024) == 500000
    figure = rules.figure("cap", 2024)
    assert figure is not None
    assert figure.document == "更正"


def test_a_figure_holds_for_its_own_year_alone():
    rules = rules_of(rates={2024: "0.0262"}, caps={2024: "3000"})
    assert [rules.cap(year) for year in (2023, 2024, 2025)] == [None, 300000, None]
    assert [rules.rate(year) is not None for year in (2023, 2024, 2025)] == [False, True, False]


def test_an_entered_method_holds_from_its_year_on_until_a_later_one():
    rules = rules_of(
        values=[
            entered("interest.debit_month", 2024, "same", "甲"),
            entered("interest.debit_month", 2022, "next", "乙"),
        ]
    )
    assert [rules.text("interest.debit_month", year) for year in (2021, 2022, 2023, 2024, 2030)] == [
        "next",
        "next",
        "next",
        "same",
        "same",
    ]
    assert [rules.method("interest.debit_month", year).document for year in (2021, 2023, 2025)] == [
        "未见文件",
        "乙",
        "甲",
    ]


def test_the_latest_entry_of_a_method_wins_in_its_year():
    rules = rules_of(
        values=[entered("account.minimum_age", 2024, "15"), entered("account.minimum_age", 2024, "17", "更正")]
    )
    assert [rules.text("account.minimum_age", year) for year in (2023, 2024)] == ["16", "17"]
    assert rules.citation("account.minimum_age", 2024) == "《更正》"


def test_an_entered_method_moves_a_decision_from_its_year_on():
    one = Life(rules_of(rates=RATES, values=[entered("interest.start_month.contribution", 2024, "same")]))
    for year in (2023, 2024):
        done(one.pay_in("contribution", "1200.00", date(year, 3, 14)))
        done(one.credit(year))
    assert one.interest_of(2023) == 9 * 240
    assert one.interest_of(2024) == 10 * 240 + 12 * 240 + 52


def test_a_region_s_own_file_comes_before_the_national_one():
    assert rules_of("neimenggu").method("interest.start_month.contribution", 2024).region == "neimenggu"
    assert rules_of("ningxia").method("interest.start_month.contribution", 2024).region == "national"
    # Ningxia's document of 2024 does not reach back; the common method holds before.
    assert [rules_of("ningxia").method("cap.basis", year).region for year in (2023, 2024)] == ["national", "ningxia"]


def test_a_year_before_the_scheme_has_the_oldest_common_value():
    """A mistyped year must end in a refusal of the row, not in a stop of the whole file."""
    assert all(rules_of(region).method(name, 1995) for region in REGIONS for name in METHODS)
    assert rules_of("neimenggu").method("cap.basis", 2020).region == "national"
    one = life(SHIPPED)
    done(one.pay_in("contribution", "1.00", date(2005, 3, 14)))
    assert reason(one.pay_in("social_aid", "1.00", date(2024, 3, 14), period=2005)) is Reason.NO_CAP


def test_an_event_cites_region_file_version_and_version_of_the_entered_values():
    rules = rules_of("ningxia", rates={2024: "0.024"}, caps={2024: "3000"})
    assert rules.name == f"ningxia {read_rules('ningxia')[0].version}#3"
    one = Life(rules)
    assert one.events[0].rule == rules.name


def test_the_rules_of_a_pool_begin_with_its_opening():
    with pytest.raises(ValueError, match="pool_opened"):
        folded_rules([entered("rate", 2024, "0.0262")])
    with pytest.raises(LookupError, match="hebei"):
        rules_of("hebei")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (Reason.SAME_PERSON, {"reviewer": "handler-1"}),
        (Reason.SAME_PERSON, {"reviewer": " handler-1"}),
        (Reason.SAME_PERSON, {"reviewer": ""}),
        (Reason.SAME_PERSON, {"actor": " "}),
        (Reason.RULE_VALUE, {"name": "floor"}),
        (Reason.RULE_VALUE, {"name": "interest.start_month.interest", "value": "next"}),
        (Reason.PERIOD, {"year": 1989}),
        (Reason.PERIOD, {"year": 2028}),
        (Reason.RULE_VALUE, {"value": "2.62"}),
        (Reason.RULE_VALUE, {"value": "-0.01"}),
        (Reason.RULE_VALUE, {"value": "0.026200001"}),
        (Reason.RULE_VALUE, {"value": "NaN"}),
        (Reason.RULE_VALUE, {"value": "2.62%"}),
        (Reason.RULE_VALUE, {"value": ""}),
        (Reason.RULE_VALUE, {"name": "cap", "value": "0"}),
        (Reason.RULE_VALUE, {"name": "cap", "value": "3000.001"}),
        (Reason.RULE_VALUE, {"name": "interest.rounding", "value": "up"}),
        (Reason.RULE_VALUE, {"name": "account.minimum_age", "value": "十六"}),
        (Reason.RULE_VALUE, {"document": "  "}),
        (Reason.ALREADY_CREDITED, {"credited": True}),
    ],
)
def test_what_may_not_be_entered(told, said):
    assert reason(ask_to_enter(**said)) is told


def ask_to_enter(*, credited: bool = False, **said: object) -> object:
    """Enter the rate of 2025 in 2026, or what a test says instead."""
    plain = {"actor": "handler-1", "reviewer": "reviewer-2", "name": "rate", "year": 2025, "value": "0.0262"}
    event = type(entered("rate", 2025, "0"))(**{**plain, "document": "示例文号", **said})
    return enter_value(rules_of(rates={2024: "0.024"}), event, credited=credited, this_year=TODAY.year)


@pytest.mark.parametrize("said", [{}, {"year": 2027}, {"year": 1990}, {"value": "0"}, {"value": "0.12345678"}])
def test_what_may_be_entered(said):
    (event,) = done(ask_to_enter(**said))
    assert (event.year, event.value) == (said.get("year", 2025), said.get("value", "0.0262"))


def test_the_same_value_again_records_nothing():
    assert ask_to_enter(year=2024, value="0.024") == ()
    assert ask_to_enter(year=2024, value="0.024", credited=True) == ()
    assert len(done(ask_to_enter(year=2024, value="0.024", document="另一文号"))) == 1
    assert reason(ask_to_enter(year=2024, value="0.025", credited=True)) is Reason.ALREADY_CREDITED


# What is shipped.

FILES = sorted(SHIPPED.glob("*.toml"))
VALUES = [(file.stem, value) for file in FILES for value in tomllib.loads(file.read_text(encoding="utf-8"))["value"]]


def test_the_shipped_files_are_those_of_the_regions():
    assert {file.stem for file in FILES} == {*REGIONS, "national"}
    assert all(read_rules(region)[0].region == region for region in REGIONS)


@pytest.mark.parametrize(("region", "value"), VALUES, ids=[f"{region}-{value['name']}" for region, value in VALUES])
def test_a_shipped_value_says_where_it_is_written_and_how_sure_that_is(region, value):
    for said in ("document", "clause", "confidence", "rests_on"):
        assert value[said].strip(), said
    assert value["confidence"] in CONFIDENCE
    assert isinstance(value["checked_on"], date)
    assert value["valid_from"] >= 2009
    assert region != "national" or value["confidence"] != "stated", "no national text is held"


def test_no_rate_and_no_cap_is_shipped():
    assert {value["name"] for _, value in VALUES} == set(METHODS)
    assert not {value["name"] for _, value in VALUES} & set(FIGURES)
    for region in REGIONS:
        rules = rules_of(region)
        assert [rules.rate(year) for year in range(2009, 2027)] == [None] * 18
        assert [rules.cap(year) for year in range(2009, 2027)] == [None] * 18


@pytest.mark.parametrize("name", FIGURES)
def test_a_rules_file_with_a_figure_of_law_is_refused(folder, name):
    text = (folder / "ningxia.toml").read_text(encoding="utf-8")
    (folder / "ningxia.toml").write_text(text.replace('"cap.basis"', f'"{name}"'), encoding="utf-8")
    with pytest.raises(ValueError, match="entered, never shipped"):
        rules_of("ningxia", folder=folder)


def test_a_rules_file_with_an_unknown_confidence_or_field_is_refused(folder):
    text = (folder / "ningxia.toml").read_text(encoding="utf-8")
    (folder / "ningxia.toml").write_text(text.replace('"stated"', '"sure"'), encoding="utf-8")
    with pytest.raises(ValueError, match="no confidence"):
        rules_of("ningxia", folder=folder)
    (folder / "ningxia.toml").write_text(text.replace("clause =", "paragraph ="), encoding="utf-8")
    with pytest.raises(ValueError, match="paragraph"):
        rules_of("ningxia", folder=folder)


def test_inner_mongolia_s_procedures_are_cited_by_inner_mongolia_alone():
    """内蒙古自治区…经办规程 binds one region. What is common may be inferred from it, and cites it not."""
    cited = {region for region, value in VALUES if "内蒙古" in value["document"] or "内人社" in value["document"]}
    assert cited == {"neimenggu"}
    for name in METHODS:
        assert "内蒙古" not in rules_of("ningxia").citation(name, 2025)
        assert "宁夏" not in rules_of("neimenggu").citation(name, 2025)
        assert "宁人社" not in rules_of("neimenggu").citation(name, 2025)
        for region in ("panzhihua", "keqiao"):
            citation = rules_of(region).citation(name, 2025)
            assert not any(other in citation for other in ("内蒙古", "内人社", "宁夏", "宁人社"))


def test_the_draft_of_keqiao_is_cited_as_a_draft_and_panzhihua_bounds_the_collective_part_alone():
    assert all("（征求意见稿）" in value["document"] for region, value in VALUES if region == "keqiao")
    assert not any("征求意见稿" in value["document"] for region, value in VALUES if region != "keqiao")
    assert {region: rules_of(region).text("cap.basis", 2025) for region in REGIONS} == {
        "neimenggu": "collective_and_aid",
        "ningxia": "collective_and_aid",
        "panzhihua": "collective",
        "keqiao": "collective_and_aid",
    }


def test_texts_without_a_number_are_cited_by_title_and_section():
    for region, value in VALUES:
        if "经办规程" in value["document"] and region == "neimenggu":
            assert value["clause"].startswith("第"), value["name"]
            assert "〔" not in value["document"]


def test_what_is_not_stated_says_so_in_its_citation():
    rules = rules_of("neimenggu")
    assert rules.citation("interest.rounding", 2024) == "所存文件未载（假定）"
    assert rules.citation("interest.start_month.contribution", 2024).endswith("第四章 个人账户管理")
    assert rules_of("ningxia").citation("interest.start_month.contribution", 2024).endswith("（推定）")
