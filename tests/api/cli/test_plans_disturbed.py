"""Rosters that meet: two reviews at the same instant, a payment in between, a kill before and after the commit."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.account_events import AidEvent, EntryReversed
from ledger.desk.plan_commands import AllocateRoster, ClosePlan, DraftPlan, ReturnRoster, ReviewRoster
from ledger.desk.plans import PlanDesk, RosterFaultsError
from ledger.plan_events import Source, Standard
from ledger.refusals import Refused
from ledger.store.log import PoolLog
from ledger.store.plans import Plans
from ledger.words import MoneyKind
from projections.runner import catch_up
from projections.verify import verify
from tests.api.cli.village import PAYER, PEOPLE, YEAR, Village

OTHER = "N2330603MF7654327J"


@pytest.fixture
def village(open_desk) -> Village:
    return Village(open_desk("panzhihua"), cap="500.00")


def reviewing(village: Village, plan: Any, roster: str, **said: Any) -> ReviewRoster:
    return ReviewRoster(
        actor="乙", command_id=uuid4(), plan=plan, step="reviewed", on=village.day, acting_for="county_agency",
        evidence={"check_record": "示例"}, roster=roster, **said,
    )  # fmt: skip


def allocating(plan: Any, roster: str, fen: int, on: date = date(YEAR, 6, 24)) -> AllocateRoster:
    return AllocateRoster(
        actor="甲", reviewer="丙", command_id=uuid4(), plan=plan, step="allocated", on=on, acting_for="county_agency",
        roster=roster, fen=fen, arrived_on=date(YEAR, 6, 20), voucher="缴存0001",
    )  # fmt: skip


def two_declared(village: Village) -> list[tuple[Any, str]]:
    """Two payers' rosters of 300 yuan for the same people, under a cap of 500."""
    village.register(OTHER)
    return [village.declared(), village.declared("--sequence", "2", payer=OTHER)]


def test_of_two_reviews_at_the_same_instant_one_is_told_the_room_is_taken(village):
    """Both are decided on what stood before either: the later one to record is decided anew."""
    declared = two_declared(village)
    meeting, waited = threading.Barrier(2), []

    def review(plan: Any, roster: str) -> str:
        log = PoolLog(village.desk.log.connections, village.desk.code)
        desk = PlanDesk(log, village.desk.register)
        record = log.record

        def together(*given: Any, **named: Any) -> Any:
            if len(waited) < 2:
                waited.append(roster)
                meeting.wait(timeout=20)
            return record(*given, **named)

        log.record = together  # type: ignore[method-assign]
        try:
            desk.do(reviewing(village, plan, roster))
        except RosterFaultsError as faulty:
            return ",".join(sorted({str(one.reason) for _, one in faulty.faults}))
        return "reviewed"

    with ThreadPoolExecutor(2) as threads:
        told = sorted(threads.map(lambda one: review(*one), declared))
    assert told == ["OVER_CAP", "reviewed"]
    assert len(waited) == 2
    assert [village.declared_fen(one) for one in PEOPLE] == [300_00] * 6
    catch_up(village.desk.log)
    assert verify(village.desk.log) == []


def test_a_roster_whose_account_moved_is_decided_anew_and_recorded_whole(village, monkeypatch):
    plan, roster = village.declared()
    desk, record, moved = village.plans, village.desk.log.record, []

    def disturbed(*given: Any, **named: Any) -> Any:
        if not moved:
            moved.append(1)
            village.desk.pay(village.desk.payment(PEOPLE[3], "X1", "10.00", "2025-03-01"))
        return record(*given, **named)

    monkeypatch.setattr(village.desk.log, "record", disturbed)
    before = village.desk.position()
    answer = desk.do(reviewing(village, plan, roster))
    assert (answer.accounts, village.desk.position()) == (6, before + 1 + 6 + 2)
    assert [village.declared_fen(one) for one in PEOPLE] == [300_00] * 6


def test_a_plan_that_moved_is_asked_again_and_its_accounts_are_not(village, monkeypatch):
    """Two counters with rosters of one plan: the second is recorded behind the first, its rows checked once."""
    plan, roster = village.declared(rows=tuple(village.row(one) for one in PEOPLE[:3]))
    other = village.declare(plan, *(village.row(one) for one in PEOPLE[3:]), name="other.csv").json["roster"]
    village.walk(plan, "reviewed", other)
    checked, met = [], []
    room, record = village.plans._rosters.room, village.desk.log.record

    def meeting(*given: Any, **named: Any) -> Any:
        if not met:
            met.append(1)
            PlanDesk(village.desk.log, village.desk.register).do(reviewing(village, plan, other))
        return record(*given, **named)

    monkeypatch.setattr(village.desk.log, "record", meeting)
    monkeypatch.setattr(village.plans._rosters, "room", lambda *given: checked.append(1) or room(*given))
    before = village.desk.position()
    answer = village.plans.do(reviewing(village, plan, roster))
    assert (len(checked), answer.accounts, village.desk.position()) == (1, 3, before + 3 + 2 + 3 + 2)
    assert answer.version == Plans(village.desk.log).find(plan).version
    assert [village.declared_fen(one) for one in PEOPLE] == [300_00] * 6
    catch_up(village.desk.log)
    assert verify(village.desk.log) == []


def test_a_roster_that_went_back_meanwhile_is_not_reviewed(village, monkeypatch):
    plan, roster = village.declared()
    record, met = village.desk.log.record, []

    def meeting(*given: Any, **named: Any) -> Any:
        if not met:
            met.append(1)
            back = ReturnRoster(actor="甲", command_id=uuid4(), plan=plan, roster=roster, reason="有误")
            PlanDesk(village.desk.log, village.desk.register).do(back)
        return record(*given, **named)

    monkeypatch.setattr(village.desk.log, "record", meeting)
    with pytest.raises(Refused, match="退回的名册"):
        village.plans.do(reviewing(village, plan, roster))
    assert [village.declared_fen(one) for one in PEOPLE] == [0] * 6
    catch_up(village.desk.log)
    assert verify(village.desk.log) == []


@pytest.mark.parametrize("moment", ["rules", "record"])
def test_what_another_hand_did_under_the_same_id_meanwhile_is_its_answer(village, monkeypatch, moment):
    """The other comes between the look for the answer and the decision, or between the decision and the writing."""
    plan, roster = village.declared()
    place, sources = village.payers.find(PAYER).village, (Source("集体经济收益", 2_000_000_00),)
    draft = DraftPlan(
        actor="甲", command_id=uuid4(), kind=MoneyKind.COLLECTIVE_SUBSIDY, payer=PAYER, village=place, year=YEAR,
        covered="本集体经济组织成员", standard=Standard(flat=300_00), sources=sources, sequence=9,
    )  # fmt: skip
    ended = ClosePlan(actor="甲", reviewer="乙", command_id=uuid4(), plan=plan, reason="终了")
    for command in (draft, reviewing(village, plan, roster), ended):
        original, met = getattr(village.desk.log, moment), []

        def meeting(*given: Any, command: Any = command, original: Any = original, met: Any = met, **named: Any) -> Any:
            if not met:
                met.append(None)
                met.append(PlanDesk(village.desk.log, village.desk.register).do(command))
            return original(*given, **named)

        monkeypatch.setattr(village.desk.log, moment, meeting)
        assert msgspec.json.encode(village.plans.do(command)) == msgspec.json.encode(met[1])
        assert village.desk.position() == met[1].position
        monkeypatch.setattr(village.desk.log, moment, original)
    catch_up(village.desk.log)
    assert verify(village.desk.log) == []


def killed(village: Village, when: str, command: Any) -> int:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.api.cli.plan_killed", str(village.desk.home), village.desk.log.connections.url,
         village.desk.code, when, type(command).__name__, msgspec.json.encode(command).decode()],
        cwd=Path(__file__).parents[3], check=False, capture_output=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == -9, ended
    return ended.returncode


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_leaves_all_of_it_or_nothing_and_repeating_finishes(village, when):
    plan, roster = village.declared()
    before = village.desk.position()
    review = reviewing(village, plan, roster)
    killed(village, when, review)
    assert [village.declared_fen(one) for one in PEOPLE] == [0 if when == "before" else 300_00] * 6
    assert village.desk.position() == before + (0 if when == "before" else 8)
    answer = village.plans.do(review)
    assert (answer.accounts, village.desk.position()) == (6, before + 8)
    village.walk(plan, "allocated", roster)
    before = village.desk.position()
    allocate = allocating(plan, roster, 1800_00)
    killed(village, when, allocate)
    credited = [village.desk.state(one).room_taken(YEAR).collective for one in PEOPLE]
    assert credited == [0 if when == "before" else 300_00] * 6
    answer = village.plans.do(allocate)
    assert (answer.accounts, village.desk.position()) == (6, before + 8)
    assert [village.desk.state(one).room_taken(YEAR).collective for one in PEOPLE] == [300_00] * 6
    catch_up(village.desk.log)
    assert verify(village.desk.log) == []


ACTS = st.one_of(
    st.tuples(st.just("declare"), st.integers(0, 1), st.lists(st.integers(0, 5), min_size=1, unique=True)),
    st.tuples(st.just("review"), st.integers(0, 5)),
    st.tuples(st.just("return"), st.integers(0, 5)),
    st.tuples(st.just("allocate"), st.integers(0, 5)),
    st.tuples(st.just("reverse"), st.integers(0, 5)),
)


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # each example is a village: making one smaller takes minutes
)  # fmt: skip
@given(acts=st.lists(ACTS, min_size=6, max_size=14))
def test_nothing_is_lost_and_no_cap_is_passed(open_desk, acts):
    """Two payers, rosters of some of six people, a cap of 500 yuan: received = credited + unallocated."""
    village = Village(open_desk("panzhihua"), cap="500.00")
    village.register(OTHER)
    plans = [village.plan(), village.plan("--sequence", "2", "--flat", "150", payer=OTHER)]
    for plan in plans:
        village.walk(plan, "declared")
    fen_of = {plans[0]: 300_00, plans[1]: 150_00}
    rosters: list[tuple[Any, str]] = []
    for turn, act in enumerate(acts):
        match act:
            case ("declare", which, places):
                rows = [village.row(PEOPLE[place], f"{fen_of[plans[which]] // 100}.00") for place in places]
                ended = village.declare(plans[which], *rows, name=f"r{turn}.csv", code=None)
                if ended.code == 0:
                    rosters.append((plans[which], ended.json["roster"]))
            case ("reverse", place):
                village.reverse_last_aid(PEOPLE[place])
            case (what, place) if rosters:
                _act(village, what, *rosters[place % len(rosters)])
        for one in PEOPLE:
            taken = village.desk.state(one).room_taken(YEAR)
            assert taken.collective + taken.declared_collective <= 500_00
    for plan, roster in rosters:
        _balances(village, plan, roster)
    catch_up(village.desk.log)
    assert verify(village.desk.log) == []


def _act(village: Village, what: str, plan: Any, roster: str) -> None:
    known = Plans(village.desk.log).find(plan).roster(roster)
    try:
        if what == "review":
            village.walk(plan, "reviewed", roster)
            village.plans.do(reviewing(village, plan, roster))
        elif what == "return":
            village.plans.do(ReturnRoster(actor="甲", command_id=uuid4(), plan=plan, roster=roster, reason="有误"))
        elif known.standing == "reviewed":
            village.walk(plan, "allocated", roster)
            village.plans.do(allocating(plan, roster, known.fen, max(village.day, date(YEAR, 6, 24))))
    except (Refused, RosterFaultsError, AssertionError, StopIteration):
        pass


def _balances(village: Village, plan: Any, roster: str) -> None:
    """What came for a roster is what its accounts got and what is held; of what is open, the accounts hold the room."""
    known = Plans(village.desk.log).find(plan).roster(roster)
    credited = held = 0
    for one in PEOPLE:
        aid = [event for event in village.desk.history(one) if isinstance(event, AidEvent | EntryReversed)]
        credited += sum(event.effect.total for event in aid if event.roster == roster)
        mine = village.desk.state(one).declared_in(roster)
        held += mine.fen if mine else 0
    assert known.received == known.credited + known.unallocated
    assert credited == known.credited
    assert held == (known.fen if known.standing == "reviewed" else 0) or known.standing == "allocated"
