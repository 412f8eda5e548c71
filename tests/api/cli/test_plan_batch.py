"""Several rosters of one plan taken through a step at once, a plan's history, and the words of social aid."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger.jobs import roster_batch
from projections.runner import catch_up
from projections.verify import verify
from tests.api.cli.desk import Ended, person
from tests.api.cli.village import DONOR, YEAR, Village

PEOPLE = tuple(person(700 + place) for place in range(10))
SIZE = 2


@pytest.fixture
def village(open_desk) -> Village:
    made = Village(open_desk("panzhihua"), PEOPLE)
    made.ready = made.plan()
    made.walk(made.ready, "declared")
    return made


def files_of(village: Village) -> list[Any]:
    """Five rosters of two people each."""
    return [
        village.roster(*(village.row(one) for one in PEOPLE[at : at + SIZE]), name=f"r{at}.csv")
        for at in range(0, len(PEOPLE), SIZE)
    ]  # fmt: skip


def batch(village: Village, step: str, *more: object, outside: bool = False, actor: str = "甲") -> Ended:
    known = village.next(village.ready).get(step) or village.next(village.ready, str(more[1]))[step]
    way = village.desk.ledger if outside else village.desk.inside
    return way(
        "plan", "batch", "--pool", village.desk.code, "--plan", village.ready, "--step", step, "--on", village.day,
        "--for", known["acting_for"], "--actor", actor, "--json",
        *(word for one in known["evidence"] for word in ("--evidence", f"{one}=示例")), *more,
    )  # fmt: skip


def given(option: str, values: list[Any]) -> list[Any]:
    return [word for one in values for word in (option, one)]


def test_rosters_go_through_their_steps_together_in_two_processes(village):
    assert len(files_of(village)) >= roster_batch.APART_FROM
    declared = batch(village, "declared", *given("--file", files_of(village)), outside=True)
    assert declared.code == 0, declared
    rosters = [one["answer"]["roster"] for one in declared.json]
    assert [one["name"] for one in declared.json] == [f"r{at}.csv" for at in range(0, 10, 2)]
    for one in rosters:
        village.walk(village.ready, "reviewed", one)
    reviewed = batch(village, "reviewed", *given("--roster", rosters), outside=True, actor="乙")
    assert reviewed.code == 0, reviewed
    assert [village.declared_fen(one) for one in PEOPLE] == [300_00] * 10
    for one in rosters:
        village.walk(village.ready, "allocated", one)
    village.day = max(village.day, date(YEAR, 6, 24))
    money = ("--arrived-on", "2025-06-20", "--voucher", "缴存1", "--reviewer", "丙")
    short = batch(village, "allocated", *given("--roster", rosters), *money, "--amount", "2999.99")
    assert (short.code, "NOT_IN_FULL" in short.err, "5份名册合计3000.00元" in short.err) == (1, True, True)
    assert [village.declared_fen(one) for one in PEOPLE] == [300_00] * 10
    done = batch(village, "allocated", *given("--roster", rosters), *money, "--amount", "叁仟元整", outside=True)
    assert (done.code, [one["answer"]["accounts"] for one in done.json]) == (0, [2] * 5)
    assert [village.desk.state(one).room_taken(YEAR).collective for one in PEOPLE] == [300_00] * 10
    catch_up(village.desk.log)
    assert verify(village.desk.log) == []
    told = village.desk.ledger("plan", "events", "--pool", village.desk.code, "--plan", village.ready)
    assert told.code == 0
    assert told.out.count("  到账分配  位置") == 5
    assert "凭证 缴存1，到账 600.00元，入账 2人 600.00元" in told.out
    assert "公示" in told.out
    assert "plan_public" not in told.out  # a step by its title, never by its name


def test_a_faulty_roster_goes_back_alone_and_a_repeated_batch_does_nothing_twice(village):
    files = files_of(village)
    wrong = village.roster(village.row(PEOPLE[0], "3000.00"), name="wrong.csv")
    same = ("--command-id", uuid4())
    before = village.desk.position()
    tried = batch(village, "declared", *given("--file", [*files, wrong]), *same, "--dry-run")
    assert (tried.code, village.desk.position()) == (2, before)
    first = batch(village, "declared", *given("--file", [*files, wrong]), *same)
    assert first.code == 2
    assert [("answer" in one) for one in first.json] == [True] * 5 + [False]
    assert [one["reason"] for one in first.json[-1]["refused"]["faults"]] == ["NOT_STANDARD"]
    assert [row.reason for row in village.desk.results(wrong)] == ["NOT_STANDARD"]
    after = village.desk.position()
    again = batch(village, "declared", *given("--file", [*files, wrong]), *same)
    assert (again.code, again.json[:5], village.desk.position()) == (2, first.json[:5], after)
    words = village.desk.inside(
        "plan", "batch", "--pool", village.desk.code, "--plan", village.ready, "--step", "declared", "--on",
        village.day, "--for", "organisation", "--actor", "甲", "--file", wrong,
        *(word for one in village.next(village.ready)["declared"]["evidence"] for word in ("--evidence", f"{one}=例")),
    )  # fmt: skip
    assert (words.code, "共1份名册：已办0份，退回1份" in words.out) == (2, True)


def test_what_a_batch_is_not_for_is_said(village):
    def at(step: str, *more: object) -> Ended:
        return village.desk.inside(
            "plan", "batch", "--pool", village.desk.code, "--plan", village.ready, "--step", step, "--on",
            village.day, "--for", "organisation", "--actor", "甲", *more,
        )  # fmt: skip

    file = files_of(village)[0]
    for step, more, text in (
        ("deliberated", ("--roster", uuid4()), "不办理名册"),
        ("nowhere", ("--roster", uuid4()), "不办理名册"),
        ("declared", (), "--file 逐份给出"),
        ("declared", ("--file", file, "--file", file), "不得重复"),
        ("reviewed", ("--file", file), "--roster 逐份给出"),
        ("allocated", ("--roster", uuid4()), "须给出 --amount"),
    ):
        ended = at(step, *more)
        assert (ended.code, text in ended.err) == (1, True), (step, ended)
    unknown = village.desk.inside("plan", "events", "--pool", village.desk.code, "--plan", uuid4())
    assert (unknown.code, "PLAN_UNKNOWN" in unknown.err) == (1, True)


def test_social_aid_has_its_own_words(open_desk):
    made = Village(open_desk("neimenggu"), PEOPLE[:2])
    made.desk.prepare(
        "payer",
        "register",
        "--pool",
        made.desk.code,
        "--code",
        DONOR,
        "--kind",
        "charity",
        "--name",
        "示例慈善会",
        "--document",
        "登记证书",
        "--actor",
        "甲",
        "--reviewer",
        "乙",
    )  # fmt: skip — no virtual unit with the tax side: that is the collectives' own
    drafted = made.desk.ledger(
        "aid", "draft", "--pool", made.desk.code, "--payer", DONOR, "--year", YEAR, "--covered", "困难老人", "--source",
        "捐赠=600.00", "--actor", "甲", "--json",
    )  # fmt: skip
    assert drafted.code == 0, drafted
    plan = UUID(drafted.json["plan"])
    made.walk(plan, "declared")
    file = made.roster(*(made.row(one, 补助或资助类型="社会资助") for one in PEOPLE[:2]))
    step = made.next(plan)["declared"]
    declared = made.desk.ledger(
        "aid", "step", "--pool", made.desk.code, "--plan", plan, "--step", "declared", "--on", made.day, "--for",
        step["acting_for"], "--actor", "甲", "--file", file, "--json",
        *(word for one in step["evidence"] for word in ("--evidence", f"{one}=示例")),
    )  # fmt: skip
    assert declared.code == 0, declared
    roster = declared.json["roster"]
    made.walk(plan, "reviewed", roster)
    assert made.review(plan, roster).code == 0
    assert [made.desk.state(one).room_taken(YEAR).declared_social for one in PEOPLE[:2]] == [300_00] * 2
    shown = made.desk.inside("aid", "show", "--pool", made.desk.code, "--plan", plan)
    assert "社会资助" in shown.out
    over = made.roster(made.row(PEOPLE[0], "0.01", 补助或资助类型="社会资助"), name="over.csv")
    refused = made.desk.inside(
        "aid", "step", "--pool", made.desk.code, "--plan", plan, "--step", "declared", "--on", made.day, "--for",
        step["acting_for"], "--actor", "甲", "--file", over, "--json",
        *(word for one in step["evidence"] for word in ("--evidence", f"{one}=示例")),
    )  # fmt: skip
    assert (refused.code, "SOURCE" in refused.err, "尚余0.00元，专款专用" in refused.err) == (1, True, True)
    ended = made.desk.inside(
        "aid", "close", "--pool", made.desk.code, "--plan", plan, "--reason", "资助取消", "--actor", "甲", "--reviewer",
        "乙", "--json",
    )  # fmt: skip
    assert (ended.code, ended.json["accounts"]) == (0, 2)
