"""退费核验: which entry a request is about, how much of it may still be refunded, and what may be done next.

The life of every case: 500.00 of 2024 under voucher T1 (serial S1), 300.00 of 2024 under T2 (S2), 300.00 of 2025 under
T3 (S3), 200.00 of collective subsidy for 2024 under T4 (S4).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger.account_decisions import Payment, record_payment
from ledger.refund_requests import (
    Entry,
    Held,
    RefundRequest,
    RefundStatus,
    Taken,
    TakenBack,
    check_refund,
    facts_of,
    may_be_cancelled,
    may_be_paid,
    may_be_verified,
    pay_id,
    status_of,
)
from ledger.refusals import Reason, Refusal
from ledger.words import MoneyKind, new_id
from tests.ledger.lives import HANDLER, HOLDER, TODAY, Life, done, fen, reason, rules_of

ACCOUNT = new_id()
ON = date(2026, 6, 1)


@pytest.fixture
def life() -> Life:
    one = Life(rules_of(caps={2024: "3000"}))
    for kind, yuan, year, mark in (
        ("contribution", "500.00", 2024, "1"),
        ("contribution", "300.00", 2024, "2"),
        ("contribution", "300.00", 2025, "3"),
        ("collective_subsidy", "200.00", 2024, "4"),
    ):
        pay(one, kind, yuan, year, mark)
    return one


def pay(one: Life, kind: str, yuan: str, year: int, mark: str, voucher: str = "") -> None:
    payment = Payment(
        MoneyKind(kind), fen(yuan), year, date(year, 5, 6), serial=f"S{mark}", voucher=voucher or f"T{mark}"
    )
    done(one.take(record_payment(one.state, payment, one.rules, HANDLER, TODAY, one.events)))


def asked(**said: Any) -> RefundRequest:
    plain: dict[str, Any] = {
        "number": "R1", "participant": HOLDER, "kind": MoneyKind.CONTRIBUTION, "period": 2024, "fen": 500_00,
        "paid_fen": None, "refund_type": 4, "voucher": "T1", "serial": "", "paid_on": date(2024, 5, 6),
        "treasury_on": None,
    }  # fmt: skip
    return RefundRequest(**{**plain, **said})


def check(one: Life, request: RefundRequest, *taken: Taken, on: date = ON) -> Entry | Refusal:
    return check_refund(request, [Held(ACCOUNT, one.state, one.events)], taken, one.rules, on)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ({}, 2),
        ({"fen": 1}, 2),
        ({"serial": "S1", "paid_fen": 500_00}, 2),
        ({"voucher": "T3", "period": 2025, "fen": 300_00}, 4),
        ({"voucher": "T4", "kind": MoneyKind.COLLECTIVE_SUBSIDY, "fen": 200_00}, 5),
    ],
)
def test_the_entry_is_found_by_voucher_serial_period_and_item(life, said, version):
    entry = check(life, asked(**said))
    assert isinstance(entry, Entry), entry
    assert (entry.account, entry.version) == (ACCOUNT, version)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"voucher": "T9"}, Reason.NOTHING_TO_REFUND),
        ({"serial": "S2"}, Reason.NOTHING_TO_REFUND),
        ({"period": 2025}, Reason.NOTHING_TO_REFUND),
        ({"kind": MoneyKind.SOCIAL_AID}, Reason.NOTHING_TO_REFUND),
        ({"paid_fen": 499_99}, Reason.AMOUNT),
        ({"fen": 500_01}, Reason.AMOUNT),
        ({"fen": 0}, Reason.AMOUNT),
        ({"voucher": "T3", "period": 2025, "fen": 300_01}, Reason.AMOUNT),
    ],
)
def test_what_the_account_does_not_say_is_not_refunded(life, said, why):
    assert reason(check(life, asked(**said))) is why


def test_one_voucher_of_two_entries_asks_for_the_serial_or_the_amount(life):
    pay(life, "contribution", "100.00", 2024, "5", voucher="T1")
    assert reason(check(life, asked(fen=100_00))) is Reason.NOTHING_TO_REFUND
    for said in ({"serial": "S5"}, {"paid_fen": 100_00}):
        entry = check(life, asked(fen=100_00, **said))
        assert isinstance(entry, Entry)
        assert entry.version == 6


def test_a_reversed_entry_and_a_closed_account_are_not_refunded(life):
    done(life.reverse(2))
    assert reason(check(life, asked())) is Reason.ALREADY_REVERSED
    closed = Life(rules_of(rates={2026: "0.01"}))
    pay(closed, "contribution", "500.00", 2026, "1")
    done(closed.leave(date(2026, 8, 20), to="150800"))
    assert reason(check(closed, asked(period=2026), on=date(2026, 9, 1))) is Reason.ACCOUNT_CLOSED


def test_all_requests_for_an_entry_together_stay_within_it(life):
    other = Taken(ACCOUNT, 2, 300_00, 0)
    assert isinstance(check(life, asked(fen=200_00), other), Entry)
    assert reason(check(life, asked(fen=200_01), other)) is Reason.AMOUNT
    of_another = Taken(ACCOUNT, 3, 300_00, 0)
    assert isinstance(check(life, asked(), of_another), Entry)


def test_what_is_accepted_and_not_paid_is_left_in_the_account(life):
    """600.00 are left of 1300.00, and of the contributions 507.69; what another kind promises takes nothing of them."""
    done(life.pension("700.00", date(2026, 3, 1)))
    assert isinstance(check(life, asked()), Entry)
    assert reason(check(life, asked(), Taken(ACCOUNT, 3, 7_70, 0))) is Reason.AMOUNT
    assert isinstance(check(life, asked(), Taken(ACCOUNT, 3, 7_69, 0)), Entry)
    assert isinstance(check(life, asked(), Taken(ACCOUNT, 5, 92_31, 0)), Entry)
    aid = {"voucher": "T4", "kind": MoneyKind.COLLECTIVE_SUBSIDY}
    assert isinstance(check(life, asked(**aid, fen=92_31)), Entry)
    refusal = check(life, asked(**aid, fen=92_32))
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, "集体补助可退的余额92.31元" in refusal.rule) == (Reason.AMOUNT, True)


def test_what_was_accepted_of_an_entry_that_was_taken_back_holds_nothing(life):
    other = Taken(ACCOUNT, 2, 500_00, 0)
    done(life.pension("600.00", date(2026, 3, 1)))
    third = asked(voucher="T3", period=2025, fen=300_00)
    assert reason(check(life, third, other)) is Reason.AMOUNT
    done(life.reverse(6))
    done(life.reverse(2))
    done(life.pension("400.00", date(2026, 3, 1)))  # 300.00 of contributions are left of 600.00
    assert isinstance(check(life, third._replace(fen=200_00), other), Entry)


@pytest.mark.parametrize("said", [{"serial": "S2"}, {"kind": MoneyKind.SOCIAL_AID}, {"period": 2023}, {"fen": 1}, {}])
def test_what_the_tax_side_took_back_is_not_refunded(life, said):
    """Only where the 撤销 says the same of the payment."""
    back = TakenBack("S1", MoneyKind.CONTRIBUTION, 2024, 500_00)._replace(**said)
    answer = check_refund(asked(fen=1), [Held(ACCOUNT, life.state, life.events)], [], life.rules, ON, {back})
    assert isinstance(answer, Entry) is bool(said)
    if not said:
        assert reason(answer) is Reason.CANCELLED_BY_TAX


def test_a_refund_that_was_reversed_takes_nothing(life):
    done(life.refund("500.00", date(2026, 3, 1)))  # version 6
    paid = Taken(ACCOUNT, 2, 500_00, 6)
    assert reason(check(life, asked(), paid)) is Reason.AMOUNT
    done(life.reverse(6))
    assert isinstance(check(life, asked(), paid), Entry)


def test_no_refund_before_the_money_came(life):
    assert reason(check(life, asked(), on=date(2024, 5, 5))) is Reason.DATE
    assert isinstance(check(life, asked(fen=1), on=date(2024, 5, 6)), Entry)


def test_statuses():
    assert status_of(cancelled=False, accepted=None, paid=False) is RefundStatus.ASKED
    assert status_of(cancelled=False, accepted=True, paid=False) is RefundStatus.ACCEPTED
    assert status_of(cancelled=False, accepted=False, paid=False) is RefundStatus.REJECTED
    assert status_of(cancelled=True, accepted=True, paid=False) is RefundStatus.CANCELLED
    assert status_of(cancelled=False, accepted=True, paid=True) is RefundStatus.PAID


def test_a_second_verdict_follows_a_rejection_and_a_new_fact_alone():
    assert {
        (status, new)
        for status in RefundStatus
        for new in (False, True)
        if may_be_verified(status, new_fact=new) is None
    } == {(RefundStatus.ASKED, False), (RefundStatus.ASKED, True), (RefundStatus.REJECTED, True)}


def test_only_what_is_accepted_is_paid_and_what_is_paid_is_not_cancelled():
    assert [one for one in RefundStatus if may_be_paid(one) is None] == [RefundStatus.ACCEPTED]
    assert [one for one in RefundStatus if may_be_cancelled(one) is not None] == [RefundStatus.PAID]


def test_a_new_entry_and_another_request_are_new_facts(life):
    held = [Held(ACCOUNT, life.state, life.events)]
    before = facts_of(held, [])
    assert facts_of(held, []) == before
    assert facts_of(held, [Taken(ACCOUNT, 2, 1, 0)]) != before
    done(life.pay_in("contribution", "1.00", date(2026, 3, 1)))
    assert facts_of([Held(ACCOUNT, life.state, life.events)], []) != before


def test_the_id_of_a_refund_is_that_of_its_pool_and_request():
    assert pay_id("640100", "R1") == pay_id("640100", "R1")
    assert len({pay_id(pool, number) for pool in ("640100", "640200") for number in ("R1", "R2")}) == 4
