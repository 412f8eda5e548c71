"""A village and a donor at the same people: random rosters, reviews at the same instant, money by tax, reversals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from ledger.account_events import AidEvent, EntryReversed
from ledger.desk.plan_commands import ReturnRoster, ReviewRoster
from ledger.desk.plans import PlanDesk, RosterFaultsError
from ledger.refusals import Refused
from ledger.store.log import PoolLog
from ledger.store.plans import Plans
from projections.runner import catch_up
from projections.verify import verify
from tests.api.cli.village import DONOR, PAYER, PEOPLE, YEAR, Village

CAP = 700_00
ITEMS = {PAYER: "集体补助", DONOR: "社会资助"}
PLACES = st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True)
AMOUNTS = st.sampled_from(("50.00", "200.00", "450.00"))
DECLARE = st.tuples(st.just("declare"), st.sampled_from((PAYER, DONOR)), PLACES, AMOUNTS)
REVIEW = st.tuples(st.just("review"), st.integers(0, 1), st.integers(0, 1))
ACTS = st.one_of(
    DECLARE,
    DECLARE,
    REVIEW,
    REVIEW,
    st.tuples(st.just("pay"), st.sampled_from((PAYER, DONOR)), st.integers(0, 2), AMOUNTS),
    st.tuples(st.just("reverse"), st.integers(0, 2)),
    st.tuples(st.just("return"), st.integers(0, 5)),
)
"""Few people and much to review: else hardly anybody would come near the cap."""


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # each example is a village: making one smaller takes minutes
)  # fmt: skip
@example(acts=[("declare", PAYER, [0], "50.00"), ("declare", DONOR, [0], "450.00"), ("review", 0, 1)])
@given(acts=st.lists(ACTS, min_size=6, max_size=16))
def test_no_cap_is_passed_and_no_fen_is_lost(open_desk, acts):
    """Collective subsidy and aid share the cap; what each payer paid is what stands on accounts or is held."""
    village = Village(open_desk("neimenggu"), cap="700.00")
    village.register(DONOR, "charity")
    plans = {PAYER: village.plan(), DONOR: village.plan("--aid", "--sequence", "2", payer=DONOR)}
    for plan in plans.values():
        village.walk(plan, "declared")
    rosters: list[tuple[UUID, str]] = []
    for turn, act in enumerate(acts):
        match act:
            case ("declare", payer, places, yuan):
                _declare(village, plans[payer], payer, places, yuan, turn, rosters)
            case ("review", one, other) if rosters:
                _review(village, {rosters[-1 - one % len(rosters)], rosters[-1 - other % len(rosters)]})
            case ("pay", payer, place, yuan):
                _pay(village, payer, place, yuan, turn)
            case ("reverse", place):
                village.reverse_last_aid(PEOPLE[place])
            case ("return", which) if rosters:
                _return(village, *rosters[which % len(rosters)])
        for one in PEOPLE:
            assert sum(village.desk.state(one).room_taken(YEAR)[1:]) <= CAP
    for payer, plan in plans.items():
        state = Plans(village.desk.log).find(plan)
        assert state.received == state.credited + sum(one.fen for one in state.held)
        assert state.credited == sum(_aid_of(village, one, payer) for one in PEOPLE)
    catch_up(village.desk.log)
    assert verify(village.desk.log) == []


def _declare(
    village: Village, plan: UUID, payer: str, places: list[int], yuan: str, turn: int, rosters: list[tuple[UUID, str]]
) -> None:
    amount = "300.00" if payer == PAYER else yuan
    rows = [village.row(PEOPLE[place], amount, 补助或资助类型=ITEMS[payer]) for place in places]
    ended = village.declare(plan, *rows, name=f"r{turn}.csv", code=None)
    if ended.code == 0:
        rosters.append((plan, ended.json["roster"]))


def _review(village: Village, which: set[tuple[UUID, str]]) -> None:
    """Reviews that begin together, each at a counter of its own."""
    commands = []
    for plan, roster in sorted(which):
        if Plans(village.desk.log).find(plan).roster(roster).standing != "declared":
            continue
        village.walk(plan, "reviewed", roster)
        step = village.next(plan, roster)["reviewed"]
        commands.append(
            ReviewRoster(
                actor="乙", command_id=uuid4(), plan=plan, step="reviewed", on=village.day, roster=roster,
                acting_for=step["acting_for"], evidence=dict.fromkeys(step["evidence"], "示例"),
            )
        )  # fmt: skip

    def do(command: ReviewRoster) -> None:
        log = PoolLog(village.desk.log.connections, village.desk.code)
        with suppress(Refused, RosterFaultsError):
            PlanDesk(log, village.desk.register).do(command)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(do, commands))


def _pay(village: Village, payer: str, place: int, yuan: str, turn: int) -> None:
    aid = {"征收品目": ITEMS[payer], "来源单位": payer, "费款所属期": str(YEAR)}
    row = village.desk.payment(PEOPLE[place], f"Z{turn}", yuan, "2025-11-03", **aid)
    village.desk.import_("payments", village.desk.payments([row], f"p{turn}.csv"), inside=True)


def _return(village: Village, plan: UUID, roster: str) -> None:
    with suppress(Refused):
        village.plans.do(ReturnRoster(actor="甲", command_id=uuid4(), plan=plan, roster=roster, reason="有误"))


def _aid_of(village: Village, who: Any, payer: str) -> int:
    return sum(
        event.effect.total
        for event in village.desk.history(who)
        if isinstance(event, AidEvent | EntryReversed) and event.payer == payer
    )
