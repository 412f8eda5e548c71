"""Every reason for which the ledger says no: one line each, their precedence, their four parts.

Most are provoked through the real decision. What only the intake, the register and the desk can find (a person, a name,
a serial, a column, the id of a command) is provoked there; here its refusal is made as they make it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from ledger.account_decisions import open_account, reverse_entry
from ledger.allocation import allocation_fault
from ledger.dates import FIRST_PERIOD
from ledger.failure_cases import Step as CaseStep
from ledger.failure_cases import may_take
from ledger.forms.filing import Filed, filing_fault
from ledger.forms.rules import read_forms
from ledger.late_money import Origin
from ledger.money_out import refund_entry
from ledger.plan import RosterOfPlan, SubsidyPlan, fold_plan
from ledger.plan_decisions import Received, allocate_roster, declare_roster, take_step
from ledger.plan_drafts import Draft, draft_plan
from ledger.plan_events import PlanDrafted, RosterDeclared, RosterReviewed, Source, Standard, StepTaken
from ledger.plan_steps import Asked as Step
from ledger.procedure import Attempt, Taken, read_procedures
from ledger.reconciliation_decisions import explain, reopen, resolve, sign
from ledger.reconciliation_month import Figures, ReconciliationMonth, fold_month_events
from ledger.reconciliation_month import Known as Difference
from ledger.refund_requests import (
    Held,
    RefundRequest,
    RefundStatus,
    entry_of,
    may_be_cancelled,
    may_be_paid,
    may_be_verified,
)
from ledger.refusals import Reason, Refusal, Refused, first, refuse
from ledger.region_rules import enter_value
from ledger.roster import PENSIONER, ROWS_MAX, PaidOf, Person, Row, RowRules
from ledger.special_payments import Feedback, check_feedback
from ledger.words import MoneyKind
from tests.ledger.allocations import by_hand, received
from tests.ledger.lives import HANDLER, HOLDER, TODAY, TWO, VILLAGE, Life, done, entered, reason, rules_of

PRECEDENCE = """
COMMAND_ID
ROW_FAULT
IDENTITY_FAULT
OTHER_POOL
UNKNOWN_PERSON
NAME_DIFFERS
SAME_PERSON
UNDER_AGE
ALREADY_OPEN
UNKNOWN_ACCOUNT
UNKNOWN_DIVISION
KIND
AMOUNT
PERIOD
DATE
SERIAL_CONFLICT
NOTHING_TO_REVERSE
ALREADY_REVERSED
ALREADY_REFUNDED
ACCOUNT_CLOSED
NOT_CLOSED
YEAR_NOT_ENDED
ALREADY_CREDITED
EARLIER_YEAR_OPEN
NO_RATE
NO_CAP
OVER_CAP
ALREADY_DECLARED
NOT_MEMBER
PENSIONER
NOT_PAID
NOT_STANDARD
BELOW_FLOOR
RULE_VALUE
PAYER_UNKNOWN
PAYER_KIND
PAYER_UNCONFIRMED
NOT_ADMITTED
PLAN_UNKNOWN
PLAN_EXISTS
PLAN_STATE
STANDING_PLAN
STANDARD
SOURCE
STEP_UNKNOWN
STEP_DOES
STEP_ACTOR
STEP_TAKEN
STEP_ORDER
EVIDENCE
STEP_TOO_EARLY
STEP_TOO_LATE
ROSTER_STATE
ROSTER_ROWS
ROSTER_FAULTS
NOT_IN_FULL
FORM_UNKNOWN
FILING
MONTH_SIGNED
MONTH_NOT_SIGNED
DIFFERENCE_UNKNOWN
DIFFERENCE_ENDED
NOT_AN_ENDING
MONTH_STALE
DIFFERENCES_OPEN
PROFILE
BATCH_HEADER
REFUND_UNKNOWN
REFUND_STATE
NOTHING_TO_REFUND
FAILURE_UNKNOWN
FAILURE_STATE
NOT_APPROVED
SENT_UNKNOWN
SENT_STATE
NOT_RECEIVED
ALREADY_ALLOCATED
CANCELLED_BY_TAX
OTHER_COUNTY
OTHER_PERSON
"""
"""Where several faults meet, the one further up is told. A caller may rely on this order."""

PARTS = ("值：", "规则：", "依据：", "办法：")
FOUND_BY_INTAKE_REGISTER_OR_DESK = (
    Reason.COMMAND_ID,
    Reason.ROW_FAULT,
    Reason.IDENTITY_FAULT,
    Reason.OTHER_POOL,
    Reason.UNKNOWN_PERSON,
    Reason.NAME_DIFFERS,
    Reason.ALREADY_OPEN,
    Reason.UNKNOWN_ACCOUNT,
    Reason.UNKNOWN_DIVISION,
    Reason.SERIAL_CONFLICT,
    Reason.NOT_CLOSED,
    Reason.PAYER_UNKNOWN,
    Reason.PAYER_KIND,
    Reason.PAYER_UNCONFIRMED,
    Reason.NOT_ADMITTED,
    Reason.PLAN_UNKNOWN,
    Reason.PLAN_EXISTS,
    Reason.ROSTER_FAULTS,
    Reason.PROFILE,
    Reason.BATCH_HEADER,
    Reason.REFUND_UNKNOWN,
    Reason.FAILURE_UNKNOWN,
    Reason.SENT_UNKNOWN,
    Reason.SENT_STATE,
)


def an_allocation(**said: Any) -> Refusal | None:
    return allocation_fault(by_hand(**said), "甲", "乙", rules_of())


def a_life() -> Life:
    """2023 and 2024 hold money, 2023 is credited; 2022 and 2024 have no rate, 2025 no cap."""
    life = Life(rules_of(rates={2023: "0.0397", 2025: "0.015"}, caps={2024: "3000"}))
    done(life.pay_in("contribution", "500.00", date(2023, 3, 14)))  # version 2
    done(life.pay_in("collective_subsidy", "2999.00", date(2024, 5, 6)))  # version 3
    done(life.credit(2023))  # version 4
    return life


def declared_twice() -> object:
    """One roster names the account twice."""
    life = a_life()
    done(life.declare("social_aid", "0.40", 2024, "名册一"))
    return life.declare("social_aid", "0.40", 2024, "名册一")


def a_closed_life() -> Life:
    """The same, transferred out on 20 August 2025."""
    life = a_life()
    done(life.leave(date(2025, 8, 20), to="150800"))
    return life


def a_reversed_life() -> Life:
    """Version 3 is reversed."""
    life = a_life()
    done(life.reverse(3))
    return life


def a_refunded_life() -> Refusal:
    """A payment that a request had returned is to be taken back."""
    life = a_life()
    by_request = HANDLER._replace(command_id="the refund of R1")
    done(life.take(refund_entry(life.state, 2, 1, TODAY, life.rules, by_request, TODAY, "误收", life.events)))
    requests = {"the refund of R0": "R0", by_request.command_id: "R1"}
    refusal = reverse_entry(life.state, 2, "税务撤销", life.rules, TWO, life.events, "S1", requests)
    assert isinstance(refusal, Refusal)
    assert "退费申请R1" in refusal.value
    return refusal


def two_open_years() -> Life:
    """2024 and 2025 hold money and neither is credited."""
    life = a_life()
    done(life.pay_in("contribution", "500.00", date(2025, 3, 14)))
    return life


def opened(on: date, birth: date = date(1970, 5, 20)) -> object:
    return open_account(rules_of(), HANDLER, HOLDER, VILLAGE, birth, on, TODAY)


def taken_over(**said: object) -> object:
    life = Life()
    return life.take_over(date(2024, 12, 31), contribution="1.00") if not said else life.take_over(**said)


def one_person(act: Callable[[Life], object]) -> object:
    """The same act with one person as handler and reviewer."""
    life = a_life()
    life.two = Origin("handler-1", " handler-1 ")
    return act(life)


def a_value(
    name: str = "cap", year: int = 2025, value: str = "3000", document: str = "示例文号", **said: bool
) -> object:
    return enter_value(
        rules_of(), entered(name, year, value, document), credited=said.get("credited", False), this_year=TODAY.year
    )


def a_step(
    name: str, *taken: str, on: date = date(2025, 5, 6), actor: str = "organisation", evidence: tuple[str, ...] = ()
) -> object:
    """A step of Keqiao's procedure after others, each of them taken on 25 April 2025."""
    done_before = [Taken(one, date(2025, 4, 25), "handler-1") for one in taken]
    chain = read_procedures("keqiao")["subsidy"]
    return chain.take(Attempt(name, on, "handler-1", actor, evidence), done_before, 2025, TODAY)


A_FEEDBACK = Feedback("A1", HOLDER, 2019, "lump_sum", 200_00, date(2024, 5, 6), "T1")
A_DRAFT = Draft(
    MoneyKind.COLLECTIVE_SUBSIDY, "N2150781MF0000005R", VILLAGE, 2025, 1, "成员", Standard(flat=300_00),
    (Source(name="集体经济收益", fen=300_00),),
)  # fmt: skip


def a_draft(**said: Any) -> object:
    """A plan of Inner Mongolia."""
    chain = read_procedures("neimenggu")["subsidy"]
    return draft_plan(A_DRAFT._replace(**said), chain, rules_of(), HANDLER, TODAY)


def a_plan(region: str = "neimenggu", *, through: str = "") -> SubsidyPlan:
    """A drafted plan on which every step before `through` was taken on 25 April 2025, for one roster of 300 yuan."""
    drafted = PlanDrafted(actor="handler-1", rule="", **A_DRAFT._asdict())
    events: list[Any] = [drafted]
    for step in read_procedures(region)["subsidy"].steps.values():
        if not through or step.name == through:
            break
        roster = "" if step.object == "plan" else "名册"
        said = {"actor": "handler-1", "rule": "", "roster": "名册"}
        events.append(
            StepTaken(
                actor=f"taker of {step.name}", rule="", matter="subsidy", step=step.name, on=date(2025, 4, 25),
                acting_for=step.actor, clause="", roster=roster,
            )
        )  # fmt: skip
        if step.does == "declare":
            events.append(RosterDeclared(**said, year=2025, file="f", digest="d", rows=1, fen=300_00))
        if step.does == "review":
            events.append(RosterReviewed(**said, rows=1, fen=300_00))
    return fold_plan(events)


def a_plan_step(step: str, acting_for: str, *papers: str, matter: str = "", region: str = "neimenggu") -> object:
    """A step of a plan whose own steps are all taken."""
    asked = Step(step, date(2025, 5, 6), acting_for, dict.fromkeys(papers, "示例"), "", matter)
    return take_step(
        a_plan(region, through="declared"), asked, read_procedures(region), rules_of(region), HANDLER, TODAY
    )


def a_roster(**said: int) -> object:
    """A roster declared on a plan that is ready for it."""
    asked = Step("declared", date(2025, 5, 6), "organisation", {"declaration_form": "示例"})
    roster = RosterOfPlan("新", said.get("year", 2025), "g", "d", said.get("rows", 1), 300_00)
    chains = read_procedures("neimenggu")
    return declare_roster(a_plan(through="declared"), asked, roster, chains, rules_of(), HANDLER, TODAY)


def a_sum(fen: int, origin: Origin = TWO) -> object:
    """A sum for a roster of 300 yuan in Panzhihua."""
    asked = Step("allocated", date(2025, 5, 6), "county_agency", {}, "名册")
    received = Received(fen, date(2025, 5, 5), "缴存1", 1, fen, ())
    chains = read_procedures("panzhihua")
    plan = a_plan("panzhihua", through="allocated")
    return allocate_roster(plan, asked, received, chains, rules_of("panzhihua"), origin, TODAY)


def a_row(fen: int = 300_00, region: str = "neimenggu", standard: Standard = A_DRAFT.standard, **said: Any) -> object:
    """The first fault of a row."""
    person = Person(**{"paid": PaidOf(regular=200_00), "is_member": True, "statuses": frozenset(), **said})
    row_rules = RowRules.of(rules_of(region), MoneyKind.COLLECTIVE_SUBSIDY, standard, 2025)
    faults = row_rules.faults(Row(7, b"", fen), person)
    return faults[0] if faults else ()


def a_refund_of_nothing() -> object:
    """A request for a payment that the account does not have."""
    request = RefundRequest("R1", HOLDER, MoneyKind.CONTRIBUTION, 2024, 1, None, 4, "T1", "", date(2024, 5, 6), None)
    return entry_of(request, [Held(HOLDER, (life := a_life()).state, life.events)])


class AMonth:
    """March 2025 with one difference."""

    def __init__(self, *, cleared: bool = False) -> None:
        self.one = UUID(int=1)
        self.known = {self.one: Difference(self.one, "AMOUNT", 100_00, cleared)}

    def explain(self, *, which: UUID | None = None, signed: bool = False) -> object:
        said = self.sign() if signed else ()
        assert isinstance(said, tuple)
        return explain(fold_month_events(said), [which or self.one], self.known, "已催缴", rules_of(), HANDLER)

    def resolve(self) -> object:
        return resolve(ReconciliationMonth(), self.one, self.known, None, "", rules_of(), TWO)

    def sign(self, **said: Any) -> Any:
        figures = Figures(1, 100_00, 1, 0, 1, 0, 2, 2, is_current=True)._replace(**said)
        return sign(
            ReconciliationMonth(), date(2025, 3, 1), figures, "税务方", "对账单", rules_of(), TWO, date(2025, 4, 1)
        )


@pytest.mark.parametrize(
    ("told", "act"),
    [
        # What the tax side sends.
        (Reason.REFUND_STATE, lambda: may_be_paid(RefundStatus.ASKED)),
        (Reason.REFUND_STATE, lambda: may_be_cancelled(RefundStatus.PAID)),
        (Reason.REFUND_STATE, lambda: may_be_verified(RefundStatus.REJECTED, new_fact=False)),
        (Reason.NOTHING_TO_REFUND, a_refund_of_nothing),
        (Reason.FAILURE_STATE, lambda: may_take(CaseStep.CLOSED, "open")),
        (Reason.NOT_APPROVED, lambda: check_feedback(A_FEEDBACK, [], None, TODAY)),
        # Two people.
        (Reason.SAME_PERSON, lambda: one_person(lambda life: life.leave(date(2025, 8, 20)))),
        (Reason.SAME_PERSON, lambda: one_person(lambda life: life.take_over(date(2024, 12, 31), contribution="1.00"))),
        # Opening.
        (Reason.UNDER_AGE, lambda: opened(date(2024, 5, 19), birth=date(2008, 5, 20))),
        (Reason.DATE, lambda: opened(date(2026, 11, 24))),
        (Reason.DATE, lambda: opened(date(1970, 5, 19))),
        # A balance taken over.
        (Reason.AMOUNT, lambda: taken_over(as_of=date(2024, 12, 31), contribution="0.00")),
        (Reason.AMOUNT, lambda: taken_over(as_of=date(2024, 12, 31), contribution="5.00", interest="-0.01")),
        (Reason.DATE, lambda: taken_over(as_of=date(2024, 12, 30), contribution="1.00")),
        (Reason.DATE, lambda: taken_over(as_of=date(2026, 12, 31), contribution="1.00")),
        (Reason.DATE, lambda: taken_over(as_of=date(FIRST_PERIOD - 1, 12, 31), contribution="1.00")),
        (Reason.DATE, lambda: a_life().take_over(date(2024, 12, 31), contribution="1.00")),
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().take_over(date(2024, 12, 31), contribution="1.00")),
        # Money in.
        (Reason.AMOUNT, lambda: a_life().pay_in("contribution", "0.00", date(2025, 3, 14))),
        (Reason.AMOUNT, lambda: a_life().pay_in("contribution", "-0.01", date(2025, 3, 14))),
        (Reason.AMOUNT, lambda: a_life().pay_in("contribution", "10000000.01", date(2025, 3, 14))),
        (Reason.PERIOD, lambda: a_life().pay_in("contribution", "1.00", date(2025, 3, 14), period=TODAY.year + 2)),
        (Reason.PERIOD, lambda: a_life().pay_in("contribution", "1.00", date(2025, 3, 14), period=FIRST_PERIOD - 1)),
        (Reason.DATE, lambda: a_life().pay_in("contribution", "1.00", date(2026, 11, 24))),
        (Reason.DATE, lambda: a_life().pay_in("contribution", "1.00", date(FIRST_PERIOD - 1, 12, 31), period=2024)),
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().pay_in("contribution", "1.00", date(2025, 3, 14))),
        (Reason.NO_RATE, lambda: a_life().pay_in("contribution", "1.00", date(2022, 3, 14))),
        (Reason.NO_CAP, lambda: a_life().pay_in("social_aid", "1.00", date(2025, 3, 14))),
        (Reason.OVER_CAP, lambda: a_life().pay_in("social_aid", "1.01", date(2024, 3, 14))),
        # Room for a roster.
        (Reason.KIND, lambda: a_life().declare("contribution", "1.00", 2024, "名册一")),
        (Reason.AMOUNT, lambda: a_life().declare("social_aid", "0.00", 2024, "名册一")),
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().declare("social_aid", "1.00", 2024, "名册一")),
        (Reason.NO_CAP, lambda: a_life().declare("social_aid", "1.00", 2025, "名册一")),
        (Reason.OVER_CAP, lambda: a_life().declare("social_aid", "1.01", 2024, "名册一")),
        (Reason.ALREADY_DECLARED, declared_twice),
        # Reversals.
        (Reason.NOTHING_TO_REVERSE, lambda: two_open_years().reverse(0)),
        (Reason.NOTHING_TO_REVERSE, lambda: a_life().reverse(5)),
        (Reason.NOTHING_TO_REVERSE, lambda: a_life().reverse(1)),
        (Reason.NOTHING_TO_REVERSE, lambda: a_life().reverse(4)),
        (Reason.NOTHING_TO_REVERSE, lambda: a_reversed_life().reverse(5)),
        (Reason.NOTHING_TO_REVERSE, lambda: (life := a_closed_life()).reverse(len(life.events))),
        (Reason.ALREADY_REVERSED, lambda: a_reversed_life().reverse(3)),
        (Reason.ALREADY_REFUNDED, a_refunded_life),
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().reverse(2)),
        # Money out, and in from elsewhere.
        (Reason.AMOUNT, lambda: a_life().pension("0.00", date(2025, 3, 14))),
        (Reason.AMOUNT, lambda: a_life().refund("9999.00", date(2025, 3, 14))),
        (Reason.DATE, lambda: a_life().pension("1.00", date(2023, 12, 31))),
        (Reason.AMOUNT, lambda: a_life().receive(date(2025, 3, 14), contribution="0.00")),
        (Reason.AMOUNT, lambda: a_life().receive(date(2025, 3, 14), contribution="5.00", interest="-0.01")),
        (Reason.DATE, lambda: a_life().receive(date(2023, 3, 14), contribution="1.00")),
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().receive(date(2026, 3, 14), contribution="1.00")),
        # Interest.
        (Reason.YEAR_NOT_ENDED, lambda: Life.credit(a_life(), TODAY.year)),
        (Reason.ALREADY_CREDITED, lambda: a_life().credit(2023)),
        (Reason.EARLIER_YEAR_OPEN, lambda: two_open_years().credit(2025)),
        (Reason.NO_RATE, lambda: a_life().credit(2024)),
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().credit(2025)),
        # The end.
        (Reason.DATE, lambda: a_life().leave(date(2024, 4, 30))),
        (Reason.DATE, lambda: a_reversed_life().leave(date(2023, 12, 31))),
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().leave(date(2026, 1, 5))),
        # Values of the rules.
        (Reason.RULE_VALUE, lambda: a_value(name="floor")),
        (Reason.RULE_VALUE, lambda: a_value(value="-1")),
        (Reason.RULE_VALUE, lambda: a_value(document=" ")),
        (Reason.PERIOD, lambda: a_value(year=TODAY.year + 2)),
        (Reason.ALREADY_CREDITED, lambda: a_value("rate", 2023, "0.0262", credited=True)),
        # Plans.
        (Reason.STANDING_PLAN, lambda: a_draft(standing=True)),
        (Reason.STANDARD, lambda: a_draft(standard=Standard())),
        (Reason.SOURCE, lambda: a_draft(sources=())),
        (Reason.KIND, lambda: draft_plan(A_DRAFT, None, rules_of(), HANDLER, TODAY)),
        (Reason.PERIOD, lambda: a_draft(year=2024)),
        (Reason.STEP_DOES, lambda: a_plan_step("declared", "organisation", "declaration_form")),
        (Reason.STEP_UNKNOWN, lambda: a_plan_step("filed_with_county", "county_hr", matter="suspension")),
        (Reason.PLAN_STATE, lambda: a_plan_step("applied", "organisation", matter="resumption", region="ningxia")),
        (Reason.ROSTER_STATE, lambda: a_plan_step("first_checked", "county_agency", "check_record")),
        (Reason.ROSTER_ROWS, lambda: a_roster(rows=0)),
        (Reason.ROSTER_ROWS, lambda: a_roster(rows=ROWS_MAX + 1)),
        (Reason.PERIOD, lambda: a_roster(year=2026)),
        (Reason.NOT_IN_FULL, lambda: a_sum(299_99)),
        (Reason.FORM_UNKNOWN, lambda: read_forms("keqiao").rule("payment_notice", "subsidy")),
        (Reason.FORM_UNKNOWN, lambda: read_forms("neimenggu").rule("filing_form", "aid")),
        (Reason.FILING, lambda: filing_fault([Filed(123, 300_00)], 36_900_01, "附件5")),
        (Reason.SAME_PERSON, lambda: a_sum(300_00, HANDLER)),
        (Reason.NOT_MEMBER, lambda: a_row(is_member=False)),
        (Reason.PENSIONER, lambda: a_row(statuses=frozenset({PENSIONER}))),
        (Reason.NOT_PAID, lambda: a_row(paid=PaidOf())),
        (Reason.NOT_STANDARD, lambda: a_row(fen=299_99)),
        (Reason.BELOW_FLOOR, lambda: a_row(fen=9_99, region="panzhihua", standard=Standard(flat=9_99))),
        # 到账划账 by hand.
        (Reason.NOT_RECEIVED, lambda: an_allocation(received=None)),
        (Reason.ALREADY_ALLOCATED, lambda: an_allocation(account=HOLDER)),
        (Reason.CANCELLED_BY_TAX, lambda: an_allocation(received=received(cancelled=True))),
        (Reason.OTHER_COUNTY, lambda: an_allocation(county="150700.02")),
        (Reason.OTHER_PERSON, lambda: an_allocation(person=HOLDER)),
        # A reconciled month.
        (Reason.MONTH_SIGNED, lambda: AMonth().explain(signed=True)),
        (Reason.MONTH_NOT_SIGNED, lambda: reopen(ReconciliationMonth(), "又到一笔", rules_of(), TWO)),
        (Reason.DIFFERENCE_UNKNOWN, lambda: AMonth().explain(which=UUID(int=2))),
        (Reason.DIFFERENCE_ENDED, lambda: AMonth(cleared=True).explain()),
        (Reason.NOT_AN_ENDING, lambda: AMonth().resolve()),
        (Reason.MONTH_STALE, lambda: AMonth().sign(is_current=False)),
        (Reason.DIFFERENCES_OPEN, lambda: AMonth().sign(open=1)),
        # The procedure.
        (Reason.STEP_UNKNOWN, lambda: a_step("blessed")),
        (Reason.STEP_ACTOR, lambda: a_step("deliberated", actor="tax")),
        (Reason.STEP_TAKEN, lambda: a_step("deliberated", "deliberated")),
        (Reason.STEP_ORDER, lambda: a_step("list_public", evidence=("publicity_record",))),
        (Reason.EVIDENCE, lambda: a_step("list_public", "assembly_agreed")),
        (Reason.STEP_TOO_EARLY, lambda: a_step("township_agreed", "list_public", actor="township_assets_office",
                                               evidence=("plan_text", "votes", "publicity_record"))),
        (Reason.STEP_TOO_LATE, lambda: a_step("paid", "township_agreed", on=date(2026, 1, 2),
                                              evidence=("tax_voucher",))),
        (Reason.DATE, lambda: a_step("paid", "township_agreed", on=date(2025, 4, 24), evidence=("tax_voucher",))),
    ],
)  # fmt: skip
def test_each_reason(told, act):
    assert reason(act()) is told


@pytest.mark.parametrize("told", FOUND_BY_INTAKE_REGISTER_OR_DESK)
def test_each_reason_that_intake_register_and_desk_find(told):
    assert reason(refuse(told, "第7行")) is told


def test_no_reason_is_left_out():
    """Each is provoked above or belongs to intake, register and desk; a new one must join one of the two."""
    provoked = {mark.args[1][row][0] for mark in test_each_reason.pytestmark for row in range(len(mark.args[1]))}
    assert provoked | set(FOUND_BY_INTAKE_REGISTER_OR_DESK) == set(Reason)
    assert not provoked & set(FOUND_BY_INTAKE_REGISTER_OR_DESK)


def test_the_precedence():
    assert [told.value for told in Reason] == PRECEDENCE.split()


def test_the_first_of_several_is_told():
    answers = [refuse(told, "") for told in reversed(Reason)]
    for told in Reason:
        assert reason(first(None, *answers)) is told
        answers.pop()
    assert first(None) is None


@pytest.mark.parametrize(
    ("told", "act"),
    [
        # money in: amount > period > date > closed > rate > cap
        (Reason.AMOUNT, lambda: a_life().pay_in("contribution", "0.00", date(2026, 11, 24), period=2099)),
        (Reason.PERIOD, lambda: a_life().pay_in("contribution", "1.00", date(2026, 11, 24), period=2099)),
        (Reason.DATE, lambda: a_closed_life().pay_in("contribution", "1.00", date(2026, 11, 24))),
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().pay_in("social_aid", "1.00", date(2022, 1, 1), period=2025)),
        (Reason.NO_RATE, lambda: a_life().pay_in("social_aid", "1.00", date(2022, 1, 1), period=2025)),
        (Reason.NO_RATE, lambda: a_life().pay_in("social_aid", "9999.00", date(2022, 1, 1), period=2024)),
        # reversal: nothing to reverse > already reversed > closed
        (Reason.NOTHING_TO_REVERSE, lambda: a_closed_life().reverse(99)),
        (Reason.NOTHING_TO_REVERSE, lambda: a_closed_life().reverse(1)),
        (Reason.ALREADY_REVERSED, lambda: a_life_reversed_and_closed().reverse(3)),
        # interest: closed > not ended > already credited > earlier year open > rate
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().credit(TODAY.year)),
        (Reason.ACCOUNT_CLOSED, lambda: a_closed_life().credit(2023)),
        (Reason.YEAR_NOT_ENDED, lambda: two_open_years().credit(TODAY.year)),
        (Reason.YEAR_NOT_ENDED, lambda: two_open_years().credit(2027)),
        (Reason.EARLIER_YEAR_OPEN, lambda: three_years_without_a_rate().credit(2024)),
        # money out: amount > date > closed
        (Reason.AMOUNT, lambda: a_life().pension("0.00", date(2023, 3, 14))),
        # the end: two people > date > closed
        (Reason.SAME_PERSON, lambda: one_person(lambda life: life.leave(date(2020, 1, 1)))),
        # values of the rules: two people > period > value
        (Reason.PERIOD, lambda: a_value(year=1989, value="-1", document="")),
    ],
)  # fmt: skip
def test_where_two_faults_meet(told, act):
    assert reason(act()) is told


def a_life_reversed_and_closed() -> Life:
    life = a_reversed_life()
    done(life.leave(date(2025, 8, 20)))
    return life


def three_years_without_a_rate() -> Life:
    """2023 is open, and neither 2023 nor 2024 has a rate."""
    life = Life(rules_of())
    done(life.pay_in("contribution", "1.00", date(2023, 3, 14)))
    done(life.pay_in("contribution", "1.00", date(2024, 3, 14)))
    return life


@pytest.mark.parametrize("told", Reason)
def test_every_refusal_says_value_rule_clause_and_remedy(told):
    text = refuse(told, "1.00元").text
    assert [text.count(part) for part in PARTS] == [1, 1, 1, 1]
    assert [text.index(part) for part in PARTS] == sorted(text.index(part) for part in PARTS)
    said = [one.partition("：")[2] for one in text.split("；") if one.startswith(tuple(PARTS))]
    assert len(said) == 4
    assert all(one.strip() for one in said)
    assert said[0] == "1.00元"


def test_a_region_s_wording_takes_the_place_of_the_house_s():
    refusal = refuse(Reason.OVER_CAP, "1.00元", rule="甲", clause="乙", remedy="丙")
    assert refusal.text == "值：1.00元；规则：甲；依据：乙；办法：丙"
    assert str(Refused(refusal)) == refusal.text
    assert Refused(refusal).refusal is refusal


@pytest.mark.parametrize(
    "act",
    [
        lambda: a_life().pay_in("contribution", "-1.00", date(2025, 3, 14)),
        lambda: a_life().pay_in("social_aid", "1.01", date(2024, 3, 14)),
        lambda: a_life().credit(2024),
        lambda: a_life().leave(date(2024, 4, 30)),
        lambda: opened(date(2024, 5, 19), birth=date(2008, 5, 20)),
    ],
)
def test_a_decision_s_refusal_names_no_person(act):
    """Neither the holder's id nor a birth day stands in it: result files are handed on."""
    refusal = act()
    assert isinstance(refusal, Refusal)
    assert str(HOLDER) not in refusal.text
    assert "2008-05-20" not in refusal.text
    assert all(part.strip() for part in (refusal.value, refusal.rule, refusal.clause, refusal.remedy))
