"""Random histories against the naive model: after every step every closing and every kind is the same on both sides."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ledger.account_events import (
    AccountClosed,
    BalanceTakenOver,
    BenefitPaid,
    EntryReversed,
    InterestAdjusted,
    Refunded,
)
from tests.properties.two_books import EVENTS_MAX, Plan, Step, Told, TwoBooks, drawn, perform, planned

HISTORIES = 600


def live(told: Told, plan: Plan) -> TwoBooks:
    """A whole history on both books, compared after every step."""
    books = TwoBooks(told, plan.unpublished)
    for step in plan.steps:
        if len(books.life.events) >= EVENTS_MAX:
            break
        before = len(books.life.events)
        perform(books, step)
        if len(books.life.events) > before:
            books.compare()
            books.invariants()
    books.read_back()
    told.histories += 1
    told.events += len(books.life.events)
    told.topics.update(event.topic for event in books.life.events)
    return books


def test_histories_agree_with_the_month_start_balances(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told()

    @settings(
        max_examples=HISTORIES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    @given(*drawn)
    def histories(plan: list[Step], unpublished: set[int], from_nothing: bool) -> None:
        live(told, planned(plan, unpublished, from_nothing))

    histories()
    with capsys.disabled():
        print(f"\n{told.histories} random histories, {told.events} events")
        for title, counted in ("situations", told.situations), ("events", told.topics), ("refusals", told.refusals):
            print(f"  {title}: " + ", ".join(f"{name} {number}" for name, number in counted.most_common()))
    assert told.histories >= 500
    assert told.events >= 10 * told.histories
    for situation in (
        "late money",
        "money before the first credited year",
        "money paid for another period",
        "reversal in a credited year",
        "taken-over balance reversed",
        "two years open",
        "year restated",
        "account ended",
    ):
        assert told.situations[situation] >= 20, f"too few histories hold: {situation}"
    for event in BalanceTakenOver, BenefitPaid, Refunded, EntryReversed, InterestAdjusted, AccountClosed:
        assert told.topics[event.topic] >= 20
