"""What may be said of a reconciled month: every decision, every refusal, and what holds of a difference afterwards."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ledger.late_money import Origin
from ledger.reconciliation_decisions import Decided, assign, explain, reopen, resolve, sign
from ledger.reconciliation_events import DifferenceResolved, MonthSigned
from ledger.reconciliation_month import (
    Ending,
    Figures,
    Known,
    Mark,
    ReconciliationMonth,
    Status,
    evolve_month,
    month_stream,
    status_of,
    undone,
)
from ledger.refusals import Reason, Refusal
from tests.ledger.lives import HANDLER, HOLDER, TWO, reason, rules_of

RULES = rules_of()
MARCH = date(2025, 3, 1)
CAME = datetime(2025, 4, 3, 2, 0, tzinfo=UTC)
DAY = date(2025, 4, 7)
ONE, OTHER, SUMS, GONE = (UUID(int=place) for place in range(1, 5))
OWN_FILE = "ab" * 32
DIFFERENCES = {
    ONE: Known(ONE, "DUP_PAYMENT", 300_00, False, frozenset({HOLDER}), "S5", frozenset({OWN_FILE}), CAME),
    OTHER: Known(OTHER, "AGENCY_ONLY", -200_00, False, frozenset({UUID(int=9)}), "", frozenset({"cd" * 32}), CAME),
    SUMS: Known(SUMS, "AMOUNT", 1_00, False),
    GONE: Known(GONE, "CUTOFF", 5_00, True, frozenset({HOLDER}), "S9", frozenset({OWN_FILE}), CAME),
}
REFUND = Ending(UUID(int=7), 4, "account.refunded", HOLDER, "", "command entry record", CAME + timedelta(days=1), True)
FIGURES = Figures(9, 3700_00, 8, 3900_00, 7, 0, 18, 19, is_current=True)


def told(state: ReconciliationMonth, decided: Decided) -> ReconciliationMonth:
    """The month after what was decided."""
    assert not isinstance(decided, Refusal), decided
    for event in decided:
        state = evolve_month(state, event)
    return state


def explained(state: ReconciliationMonth, *ids: UUID, why: str = "已催缴") -> Decided:
    return explain(state, ids, DIFFERENCES, why, RULES, HANDLER)


def assigned(state: ReconciliationMonth, *ids: UUID, owner: str = "青县", due_on: date = date(2025, 4, 30)) -> Decided:
    return assign(state, ids, DIFFERENCES, owner, due_on, RULES, HANDLER, DAY)


def resolved(
    state: ReconciliationMonth, which: UUID = ONE, ending: Ending | None = REFUND, origin: Origin = TWO
) -> Decided:
    return resolve(state, which, DIFFERENCES, ending, "已退", RULES, origin)


def signed(
    state: ReconciliationMonth, figures: Figures = FIGURES, origin: Origin = TWO, today: date = DAY, **said: Any
) -> Decided:
    words = {"tax_side": "税务方", "document": "对账单3号", **said}
    return sign(state, MARCH, figures, words["tax_side"], words["document"], RULES, origin, today)


def reopened(state: ReconciliationMonth, why: str = "又到一笔", origin: Origin = TWO) -> Decided:
    return reopen(state, why, RULES, origin)


NOTHING = ReconciliationMonth()
SIGNED = told(NOTHING, signed(NOTHING))


def test_what_is_said_of_a_difference_adds_up():
    """An explanation keeps the owner, and whoever gets it anew finds the reason."""
    month = told(NOTHING, assigned(NOTHING, ONE, OTHER))
    assert month.marks[ONE] == Mark(Status.ASSIGNED, "青县", date(2025, 4, 30))
    month = told(month, explained(month, ONE))
    assert month.marks[ONE] == Mark(
        Status.EXPLAINED, "青县", date(2025, 4, 30), "已催缴", spoken=("DUP_PAYMENT", 300_00)
    )
    again = told(month, assigned(month, ONE, owner="白县", due_on=DAY))
    assert (status_of(again, DIFFERENCES[ONE]), again.marks[ONE].reason) == (Status.ASSIGNED, "已催缴")
    assert undone(again, DIFFERENCES) == (ONE, OTHER, SUMS)
    assert undone(again, DIFFERENCES, {Status.OPEN}) == (SUMS,)
    ended = told(again, resolved(again))
    assert ended.marks[ONE].resolved_by == (REFUND.account, 4, "account.refunded")
    assert (ended.marks[ONE].owner, ended.marks[ONE].reason) == ("白县", "已退")


def test_ids_that_are_named_twice_are_spoken_of_once():
    (event,) = explained(NOTHING, ONE, OTHER, ONE)
    assert [one.id for one in event.differences] == [ONE, OTHER]
    (event,) = assigned(NOTHING, ONE, ONE)
    assert event.differences == (ONE,)


def test_what_changed_since_is_open_again():
    """A difference keeps its id when a late record makes it another one; what was said of it was said of the old."""
    month = told(NOTHING, explained(NOTHING, OTHER))
    month = told(month, resolved(month))
    for now in (DIFFERENCES[ONE]._replace(fen=400_00), DIFFERENCES[OTHER]._replace(category="AMOUNT")):
        assert status_of(month, now) is Status.OPEN
        assert explain(month, [now.id], {now.id: now}, "另有原因", RULES, HANDLER)[0].differences == (now.spoken,)
    owned = told(told(NOTHING, assigned(NOTHING, ONE)), explained(NOTHING, ONE))
    assert status_of(owned, DIFFERENCES[ONE]._replace(fen=1)) is Status.ASSIGNED
    assert {one.id: (one.category, one.fen) for one in month.done()} == {
        ONE: ("DUP_PAYMENT", 300_00), OTHER: ("AGENCY_ONLY", -200_00),
    }  # fmt: skip


@pytest.mark.parametrize(
    "state", [NOTHING, told(NOTHING, explained(NOTHING, ONE)), told(NOTHING, assigned(NOTHING, ONE))]
)
def test_what_ended_by_itself_is_cleared_unless_an_event_ended_it(state):
    assert status_of(state, DIFFERENCES[ONE]._replace(cleared=True)) is Status.CLEARED
    ended = told(state, resolved(state))
    assert status_of(ended, DIFFERENCES[ONE]._replace(cleared=True)) is Status.RESOLVED


def test_signing_and_opening_again():
    month = told(NOTHING, explained(NOTHING, OTHER))
    (event,) = signed(month)
    assert event == MonthSigned(
        actor="handler-1", reviewer="reviewer-2", rule=RULES.name, tax_side="税务方", document="对账单3号", tax_rows=9,
        tax=3700_00, agency_rows=8, agency=3900_00, difference=-200_00, differences=7, rows=18,
    )  # fmt: skip
    month = told(month, signed(month))
    again = told(month, reopened(month))
    assert (again.signed, again.version) == (None, 3)
    assert again.marks == month.marks
    assert told(again, signed(again)).signed == event


def test_a_serial_is_enough_where_nobody_is_known():
    stranger = DIFFERENCES[ONE]._replace(persons=frozenset())
    booked = REFUND._replace(topic="account.contribution_recorded", participant=UUID(int=99), serial="S5")
    decided = resolve(NOTHING, ONE, {ONE: stranger}, booked, "", RULES, TWO)
    assert isinstance(decided, tuple)
    assert isinstance(decided[0], DifferenceResolved)
    assert reason(resolve(NOTHING, ONE, {ONE: stranger}, booked._replace(serial=""), "", RULES, TWO)) is (
        Reason.NOT_AN_ENDING
    )


@pytest.mark.parametrize(
    ("ending", "rule"),
    [
        (None, "没有这一笔记录"),
        (REFUND._replace(ends=False), "差异只由缴费记账、冲正或退费了结"),
        (REFUND._replace(cause=f"file {OWN_FILE}#12"), "该记录出自差异所涉的文件，即差异本身，不是其后的记录"),
        (REFUND._replace(recorded_at=CAME), "该记录早于差异所涉的数据"),
        (REFUND._replace(participant=UUID(int=9)), "该记录与差异不是同一人，也不是同一流水号"),
    ],
)
def test_what_does_not_end_a_difference(ending, rule):
    refusal = resolved(NOTHING, ending=ending)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.rule) == (Reason.NOT_AN_ENDING, rule)


TAKEN_BACK = Known(ONE, "CANCELLED", -300_00, False, frozenset({HOLDER}), "S5", frozenset({OWN_FILE}), CAME)


@pytest.mark.parametrize("days", [-1, 1])
@pytest.mark.parametrize(
    ("returns", "category", "ends"),
    [
        (("S5", 300_00), "CANCELLED", {-1, 1}),
        (("S5", 299_99), "CANCELLED", set()),
        (("S6", 300_00), "CANCELLED", set()),
        (None, "CANCELLED", {1}),
        (("S5", 300_00), "DUP_PAYMENT", {1}),
    ],
)
def test_a_cancellation_of_what_was_refunded_is_ended_by_that_refund_alone(returns, category, ends, days):
    """Also by an earlier one, which is nothing that an entry by hand or another difference could claim."""
    refund = REFUND._replace(returns=returns, recorded_at=CAME + timedelta(days=days))
    decided = resolve(NOTHING, ONE, {ONE: TAKEN_BACK._replace(category=category)}, refund, "已退", RULES, TWO)
    assert isinstance(decided, tuple) is (days in ends)


def test_sums_are_put_right_by_whoever_states_them():
    refusal = resolved(NOTHING, SUMS)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NOT_AN_ENDING
    assert "更正其合计" in refusal.remedy
    assert "自行消除" in refusal.remedy
    assert isinstance(explained(NOTHING, SUMS), tuple)


ENDED = told(NOTHING, resolved(NOTHING))


@pytest.mark.parametrize(
    ("expected", "act"),
    [
        (Reason.ROW_FAULT, lambda: explained(SIGNED, ONE, why=" ")),
        (Reason.ROW_FAULT, lambda: assigned(SIGNED, ONE, owner=" ")),
        (Reason.DATE, lambda: assigned(SIGNED, ONE, due_on=date(2025, 4, 6))),
        (Reason.MONTH_SIGNED, lambda: explained(SIGNED)),
        (Reason.MONTH_SIGNED, lambda: explained(SIGNED, ONE)),
        (Reason.MONTH_SIGNED, lambda: assigned(SIGNED, ONE)),
        (Reason.MONTH_SIGNED, lambda: resolved(SIGNED)),
        (Reason.DIFFERENCE_UNKNOWN, lambda: explained(NOTHING)),
        (Reason.DIFFERENCE_UNKNOWN, lambda: explained(NOTHING, GONE, UUID(int=77))),
        (Reason.DIFFERENCE_UNKNOWN, lambda: assigned(NOTHING, UUID(int=77))),
        (Reason.DIFFERENCE_UNKNOWN, lambda: resolved(NOTHING, UUID(int=77))),
        (Reason.DIFFERENCE_ENDED, lambda: explained(NOTHING, ONE, GONE)),
        (Reason.DIFFERENCE_ENDED, lambda: assigned(ENDED, ONE)),
        (Reason.DIFFERENCE_ENDED, lambda: explained(ENDED, ONE)),
        (Reason.DIFFERENCE_ENDED, lambda: resolved(ENDED)),
        (Reason.SAME_PERSON, lambda: resolved(SIGNED, origin=Origin("甲", "甲"))),
        (Reason.SAME_PERSON, lambda: signed(SIGNED, origin=HANDLER)),
        (Reason.SAME_PERSON, lambda: signed(NOTHING, tax_side=" reviewer-2")),
        (Reason.ROW_FAULT, lambda: signed(NOTHING, tax_side=" ", origin=HANDLER)),
        (Reason.ROW_FAULT, lambda: signed(NOTHING, document=" ")),
        (Reason.DATE, lambda: signed(SIGNED, today=date(2025, 3, 31))),
        (Reason.MONTH_SIGNED, lambda: signed(SIGNED, FIGURES._replace(is_current=False))),
        (Reason.MONTH_STALE, lambda: signed(NOTHING, FIGURES._replace(is_current=False, open=1))),
        (Reason.DIFFERENCES_OPEN, lambda: signed(NOTHING, FIGURES._replace(open=1))),
        (Reason.ROW_FAULT, lambda: reopened(SIGNED, why=" ", origin=HANDLER)),
        (Reason.SAME_PERSON, lambda: reopened(SIGNED, origin=HANDLER)),
        (Reason.MONTH_NOT_SIGNED, lambda: reopened(NOTHING)),
    ],
)
def test_each_refusal_and_which_comes_first(expected, act):
    assert reason(act()) is expected


def test_a_month_may_be_signed_from_the_day_after_it():
    assert isinstance(signed(NOTHING, today=date(2025, 4, 1)), tuple)
    assert isinstance(signed(NOTHING, today=date(2026, 1, 1)), tuple)


@pytest.mark.parametrize(
    ("state", "decided"),
    [(SIGNED, explained(NOTHING, ONE)), (SIGNED, signed(NOTHING)), (NOTHING, reopened(SIGNED))],
)
def test_a_stream_that_cannot_be_does_not_fold(state, decided):
    with pytest.raises(ValueError, match=r"signed|open"):
        told(state, decided)


def test_each_month_of_each_pool_has_a_stream_of_its_own():
    streams = {month_stream(pool, date(2025, month, 1)) for pool in ("640100", "640200") for month in (2, 3)}
    assert len(streams) == 4
    assert month_stream("640100", date(2025, 3, 9)) == month_stream("640100", MARCH)
