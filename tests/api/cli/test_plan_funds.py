"""Money through tax: what came for a plan, what of it stands on accounts, and what is held with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.account_events import AidEvent, EntryReversed
from ledger.jobs import intake
from ledger.plan import SubsidyPlan
from ledger.plan_events import FundsReceived, RosterFunds
from ledger.store.mapper import decode
from ledger.store.plans import Plans
from projections.runner import catch_up
from projections.verify import verify
from tests.api.cli.desk import Ended, person
from tests.api.cli.village import PAYER, PEOPLE, YEAR, Village

STRANGER = person(399)
DONE, REFUSED = 0, 2


@pytest.fixture
def village(open_desk) -> Village:
    made = Village(open_desk("ningxia"))
    made.plan_id, made.roster_id = made.reviewed()
    return made


def row(village: Village, who: Any, serial: str, yuan: str = "300.00", **cells: object) -> Any:
    aid = {"征收品目": "集体补助", "来源单位": PAYER, "费款所属期": str(YEAR), **cells}
    return village.desk.payment(who, serial, yuan, "2025-11-03", **aid)


def pay(village: Village, *rows: Any, name: str = "paid.csv", more: tuple[object, ...] = ()) -> tuple[Ended, Any]:
    file = village.desk.payments(rows, name)
    return village.desk.import_("payments", file, *more, inside=True), file


def plan_of(village: Village) -> SubsidyPlan:
    state = Plans(village.desk.log).find(village.plan_id)
    assert state is not None
    return state


def figures(village: Village) -> tuple[int, int, int]:
    """Received, credited, unallocated, in whole yuan."""
    plan = plan_of(village)
    return plan.received // 100, plan.credited // 100, plan.unallocated // 100


def funds(village: Village) -> list[FundsReceived]:
    stored = village.desk.log.recorder.select_events(village.plan_id)
    events = [decode(one.topic, one.state) for one in stored]
    return [one for one in events if isinstance(one, FundsReceived)]


def nothing_wrong(village: Village) -> None:
    catch_up(village.desk.log)
    assert verify(village.desk.log) == []


def close(village: Village, who: Any) -> None:
    desk = village.desk
    desk.set("rate", YEAR - 1, "0.02")
    desk.prepare(
        "account", "close", "--pool", desk.code, "--account", desk.account(who), "--on", "2025-06-01", "--reason",
        "死亡", "--actor", "甲", "--reviewer", "乙",
    )  # fmt: skip


def test_a_plan_is_received_in_parts_and_the_same_file_brings_nothing_twice(village):
    file = village.desk.payments([row(village, one, f"J{place}") for place, one in enumerate(PEOPLE[:4])])
    assert village.desk.import_("payments", file).code == DONE
    assert figures(village) == (1200, 1200, 0)
    told = village.show(village.plan_id)
    (roster,) = told["rosters"]
    assert (roster["received"], roster["credited"], told["received"]) == ("1200.00", "1200.00", "1200.00")
    (event,) = funds(village)
    brought = RosterFunds(village.roster_id, 4, 1200_00, 1200_00)
    assert (event.actor, event.cause[:5], event.rosters) == ("录入员", "file ", (brought,))
    before = village.desk.position()
    assert village.desk.import_("payments", file, inside=True).code == DONE
    assert village.desk.position() == before
    pay(village, *(row(village, one, f"J{place}") for place, one in enumerate(PEOPLE)), name="rest.csv")
    assert (figures(village), len(funds(village))) == ((1800, 1800, 0), 2)
    nothing_wrong(village)


def test_what_no_account_may_take_is_held_with_its_reason_and_settled_once_it_may(village):
    gone, too_much = PEOPLE[0], PEOPLE[1]
    close(village, gone)
    rows = [row(village, gone, "H1"), row(village, too_much, "H2", "3000.01"), row(village, STRANGER, "H3"),
            row(village, PEOPLE[2], "H4")]  # fmt: skip
    tried, _ = pay(village, *rows, more=("--dry-run",))
    assert (tried.code, figures(village)) == (REFUSED, (0, 0, 0))
    ended, file = pay(village, *rows)
    assert ended.code == REFUSED
    assert village.desk.outcomes(file) == ["ACCOUNT_CLOSED", "OVER_CAP", "UNKNOWN_PERSON", "已记账"]
    assert all("未分配款项" in one.text for one in village.desk.results(file)[:3])
    assert [(one.serial, one.line, one.fen, one.reason) for one in plan_of(village).held] == [
        ("H1", 2, 300_00, "ACCOUNT_CLOSED"), ("H2", 3, 3000_01, "OVER_CAP"), ("H3", 4, 300_00, "UNKNOWN_PERSON"),
    ]  # fmt: skip
    assert figures(village) == (3900, 300, 3600)
    told = village.show(village.plan_id)
    assert [(one["serial"], one["amount"]) for one in told["held"]] == [
        ("H1", "300.00"), ("H2", "3000.01"), ("H3", "300.00"),
    ]  # fmt: skip
    assert (
        "未分配 流水号 H2 3000.01元 OVER_CAP"
        in village.desk.inside("plan", "show", "--pool", village.desk.code, "--plan", village.plan_id).out
    )
    before = village.desk.position()
    assert village.desk.import_("payments", file, inside=True).code == REFUSED
    assert village.desk.position() == before
    village.desk.set("cap", YEAR, "3500.00")
    village.desk.enrol(STRANGER)
    assert village.desk.import_("payments", file, inside=True).code == REFUSED
    assert [one.serial for one in plan_of(village).held] == ["H1"]
    assert (figures(village), plan_of(village).beside) == ((3900, 3600, 300), 300_00)  # H3 stands on no roster
    assert village.show(village.plan_id)["beside_rosters"] == "300.00"
    nothing_wrong(village)


def test_the_tax_side_takes_back_what_was_credited_and_what_was_held(village):
    close(village, PEOPLE[0])
    pay(village, row(village, PEOPLE[0], "K1"), row(village, PEOPLE[1], "K2"))
    assert figures(village) == (600, 300, 300)
    back = {"数据类型": "撤销"}
    ended, file = pay(village, row(village, PEOPLE[0], "K1", **back), row(village, PEOPLE[1], "K2", **back))
    assert village.desk.outcomes(file) == ["NOTHING_TO_REVERSE", "已记账"]
    assert (ended.code, figures(village)) == (REFUSED, (0, 0, 0))
    assert funds(village)[-1].settled == ("K1",)
    nothing_wrong(village)


def test_one_file_may_hold_a_payment_and_settle_it_and_a_serial_stands_for_one_sum(village):
    taken, let_go, other = (row(village, STRANGER, serial) for serial in ("L1", "L2", "L3"))
    back = {"数据类型": "撤销"}
    rows = [taken, row(village, PEOPLE[0], "L1"), let_go, row(village, STRANGER, "L2", **back),
            row(village, PEOPLE[1], "L3"), other]  # fmt: skip
    _, file = pay(village, *rows)
    assert village.desk.outcomes(file) == [
        "UNKNOWN_PERSON", "已记账", "UNKNOWN_PERSON", "UNKNOWN_PERSON", "已记账", "UNKNOWN_PERSON",
    ]  # fmt: skip
    assert (plan_of(village).held, figures(village)) == ((), (600, 600, 0))
    nothing_wrong(village)


@pytest.mark.parametrize("tranche", [1, 10_000])
def test_a_held_serial_stands_for_its_first_sum_until_it_is_taken_back(village, monkeypatch, tranche):
    """However the rows fall into tranches."""
    monkeypatch.setattr(intake, "TRANCHE", tranche)
    first, second = (row(village, STRANGER, "F1", yuan) for yuan in ("450.00", "100.00"))
    pay(village, first, second, name="twice.csv")
    assert [one.fen for one in plan_of(village).held] == [450_00]
    pay(village, row(village, PEOPLE[0], "F1", "450.00", 数据类型="撤销"), second, name="anew.csv")
    assert [one.fen for one in plan_of(village).held] == [100_00]
    assert figures(village) == (100, 0, 100)
    nothing_wrong(village)


def test_a_single_payment_and_its_reversal_are_told_to_the_plan(village):
    desk, one = village.desk, PEOPLE[3]
    desk.prepare(
        "entry", "record", "--pool", desk.code, "--account", desk.account(one), "--kind", "collective_subsidy",
        "--amount", "300.00", "--on", "2025-11-03", "--payer", PAYER, "--serial", "E1", "--actor", "窗口",
    )  # fmt: skip
    assert figures(village) == (300, 300, 0)
    assert (funds(village)[0].actor, funds(village)[0].command_id != "") == ("窗口", True)
    version = len(desk.history(one))
    reverse = ("entry", "reverse", "--pool", desk.code, "--account", desk.account(one), "--version", version,
               "--reason", "错录", "--actor", "甲", "--reviewer", "乙")  # fmt: skip
    desk.prepare(*reverse, "--dry-run")
    assert figures(village) == (300, 300, 0)
    desk.prepare(*reverse)
    assert (figures(village), funds(village)[-1].reviewer) == ((0, 0, 0), "乙")
    nothing_wrong(village)


def test_a_reversed_entry_of_an_allocated_sum_is_unallocated_money(open_desk):
    made = Village(open_desk("panzhihua"))
    made.plan_id, roster = made.reviewed()
    made.walk(made.plan_id, "allocated", roster)
    said = ("--amount", "1800.00", "--arrived-on", "2025-06-20", "--voucher", "缴存1", "--reviewer", "丙")
    assert made.step(made.plan_id, "allocated", *said, roster=roster, on=max(made.day, made.day)).code == DONE
    desk, one = made.desk, PEOPLE[3]
    desk.prepare(
        "entry", "reverse", "--pool", desk.code, "--account", desk.account(one), "--version", len(desk.history(one)),
        "--reason", "错录", "--actor", "甲", "--reviewer", "乙",
    )  # fmt: skip
    assert figures(made) == (1800, 1500, 300)
    nothing_wrong(made)


def test_an_account_that_moves_while_its_payment_is_recorded_is_counted_once(village, monkeypatch):
    record, met = village.desk.log.record.__func__, []

    def meeting(log: Any, *given: Any, **named: Any) -> Any:
        if not met:
            met.append(1)
            desk = village.desk
            desk.prepare(
                "entry", "record", "--pool", desk.code, "--account", desk.account(PEOPLE[1]), "--kind", "contribution",
                "--amount", "10.00", "--on", "2025-11-02", "--actor", "窗口",
            )  # fmt: skip
        return record(log, *given, **named)

    monkeypatch.setattr(type(village.desk.log), "record", meeting)
    ended, _ = pay(village, *(row(village, one, f"M{place}") for place, one in enumerate(PEOPLE[:3])))
    assert (ended.code, figures(village), len(funds(village))) == (DONE, (900, 900, 0), 2)
    assert village.desk.log.position()[0] == sum(
        count for (count,) in village.desk.query("SELECT count(*) FROM {ledger_events}")
    )
    nothing_wrong(village)


def test_a_payer_without_a_plan_of_the_year_holds_nothing(village):
    rows = [row(village, STRANGER, "N1", 费款所属期="2024"), row(village, STRANGER, "N2", 来源单位="")]
    before = village.desk.position()
    ended, file = pay(village, *rows)
    assert (ended.code, village.desk.position(), village.desk.outcomes(file)) == (
        REFUSED, before, ["UNKNOWN_PERSON"] * 2,
    )  # fmt: skip


def test_verify_finds_a_held_payment_that_an_account_has(village):
    close(village, PEOPLE[0])
    pay(village, row(village, PEOPLE[0], "V1"), row(village, PEOPLE[1], "V2"))
    nothing_wrong(village)
    with village.desk.log.connections.connection() as connection:
        tampered = "UPDATE {external_identity} SET serial = 'V1' WHERE serial = 'V2'"
        assert connection.execute(village.desk.log.sql(tampered)).rowcount == 1
    assert "held_and_credited" in {one.kind for one in verify(village.desk.log)}


def test_verify_finds_a_plan_that_says_more_than_its_accounts_have(village):
    pay(village, row(village, PEOPLE[1], "W2"))
    nothing_wrong(village)
    with village.desk.log.connections.connection() as connection:
        tampered = (
            "UPDATE {ledger_events} SET state = convert_to(replace(convert_from(state, 'UTF8'), ',1,30000,30000]',"
            " ',1,30000,30001]'), 'UTF8') WHERE topic = 'plan.funds_received'"
        )
        assert connection.execute(village.desk.log.sql(tampered)).rowcount == 1
    assert "roster_money" in {one.kind for one in verify(village.desk.log)}


ROWS = st.lists(
    st.tuples(
        st.integers(0, 6),  # whom: the seventh is a stranger
        st.sampled_from(("100.00", "300.00", "450.00")),
        st.integers(0, 9),  # serial
        st.booleans(),  # taken back
    ),
    max_size=8,
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # each example is a village: making one smaller takes minutes
)  # fmt: skip
@given(files=st.lists(ROWS, min_size=1, max_size=4), tranche=st.sampled_from((2, 10_000)))
def test_received_is_credited_and_unallocated(open_desk, monkeypatch, files, tranche):
    """Any files in any order: what the files bring, less what they take back, is what stands and what is held."""
    monkeypatch.setattr(intake, "TRANCHE", tranche)
    village = Village(open_desk("ningxia"), cap="700.00")
    village.plan_id, _ = village.reviewed()
    close(village, PEOPLE[5])
    everybody = (*PEOPLE, STRANGER)
    held: dict[str, int] = {}
    booked: dict[str, int] = {}
    ever: set[str] = set()
    waits: set[tuple[int, str, int]] = set()
    for number, rows in enumerate(files):
        cells = [
            row(village, everybody[who], f"S{serial}", yuan, 数据类型="撤销" if back else "新增")
            for who, yuan, serial, back in rows
        ]
        if not cells:
            continue
        _, file = pay(village, *cells, name=f"f{number}.csv")
        for (who, yuan, serial, back), outcome in zip(rows, village.desk.outcomes(file), strict=True):
            said = (who, f"S{serial}", round(float(yuan) * 100))
            if outcome == "NOTHING_TO_REVERSE" and f"S{serial}" not in ever:
                waits.add(said)
            if not back and said in waits:
                if outcome == "已记账":  # and reversed with it
                    ever.add(f"S{serial}")
                    held.pop(f"S{serial}", None)
                continue
            _expect(held, booked, ever, *said[1:], back, outcome)
    on_accounts = sum(
        event.effect.total
        for one in PEOPLE
        for event in village.desk.history(one)
        if isinstance(event, AidEvent | EntryReversed)
    )
    plan = plan_of(village)
    assert {one.serial: one.fen for one in plan.held} == held
    assert on_accounts == sum(booked.values())
    assert (plan.credited, plan.unallocated) == (on_accounts, sum(held.values()))
    nothing_wrong(village)


def _expect(
    held: dict[str, int], booked: dict[str, int], ever: set[str], serial: str, fen: int, back: bool, outcome: str
) -> None:
    """The naive book of serials: credited, held, or neither; what was ever credited is never held."""
    if back:
        if outcome == "已记账":
            booked.pop(serial, None)
        elif serial not in ever:
            held.pop(serial, None)
    elif outcome == "已记账":
        booked[serial] = fen
        held.pop(serial, None)
        ever.add(serial)
    elif outcome in ("UNKNOWN_PERSON", "ACCOUNT_CLOSED", "OVER_CAP") and serial not in ever:
        held.setdefault(serial, fen)
