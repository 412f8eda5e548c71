"""Subsidy plans and social aid over HTTP: walked by what the ledger says comes next, through the running server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from api.http.door import LIST_BYTES_MAX
from api.http.plan_answers import PayersPage, PlansPage, RosterPage
from ledger.account_events import CollectiveSubsidyRecorded, SocialAidRecorded
from ledger.roster import ROWS_MAX
from ledger.store.tokens import create_token
from projections.verify import verify
from tests.api.cli.desk import person
from tests.api.cli.village import PAYER, PLACE, YEAR
from tests.api.http.serving import Caller, token_of, told_as_problem
from tests.api.http.walking import Portal, drafting, paying, row

OTHER = "N2330603MF7654327J"
DONOR = "91350100M000100Y43"
PEOPLE = tuple(person(400 + place) for place in range(4))


@pytest.fixture(scope="module")
def token(home):
    return token_of(home, "甲")


@pytest.fixture(scope="module")
def hands(connections):
    """Tokens of several people: some steps ask for another one than the step before."""
    return [create_token(connections, f"经办{turn}", None)[0] for turn in range(5)]


@pytest.fixture(scope="module")
def desk_of(open_desk, served, token, hands):
    """Makes a desk in a region, and a portal on it with people who paid and a payer who may pay."""

    def make(region):
        desk = open_desk(region)
        portal = Portal(
            Caller(served.url, token, desk.code), tuple(Caller(served.url, one, desk.code) for one in hands)
        )
        portal.ready(desk, PEOPLE)
        return desk, portal

    return make


@pytest.fixture(scope="module")
def neimenggu(desk_of):
    return desk_of("neimenggu")


@pytest.fixture(scope="module")
def panzhihua(desk_of):
    return desk_of("panzhihua")


@pytest.fixture(scope="module")
def ningxia(desk_of):
    return desk_of("ningxia")


@pytest.fixture(scope="module")
def drafted(ningxia):
    """A plan that waits for its rosters, for whatever records nothing."""
    _, portal = ningxia
    plan = portal.plan(sequence=50)
    portal.walk(plan, "declare")
    return plan


def held(desk, who):
    return sum(one.fen for one in desk.state(who).declarations)


# -- the way through --------------------------------------------------------------------------------------------------


def test_a_plan_of_inner_mongolia_takes_room_when_its_roster_is_reviewed(neimenggu):
    desk, portal = neimenggu
    drafted = portal.caller.post("/plans", drafting())
    plan = drafted.json()["plan"]
    assert (drafted.status_code, drafted.headers["location"]) == (201, f"{portal.caller.base}/plans/{plan}")
    told = portal.show(plan)
    assert (told["status"], told["steps"], told["rosters"], told["standard"]["flat"]) == ("open", [], [], "300.00")
    (first,) = told["next"]
    assert first["who"] == "集体经济组织"
    assert first["papers"]
    assert "内人社办发〔2025〕16号" in first["clause"]
    assert told["missing"][0]["step"] == first["step"]
    declared = portal.declare(plan, [row(one) for one in PEOPLE[:3]])
    assert declared.status_code == 201, declared.text
    roster = declared.json()["roster"]
    assert [one.get("amount") for one in declared.json()["events"]] == [None, "900.00"]
    review = portal.walk(plan, "review", roster)
    assert [held(desk, one) for one in PEOPLE[:3]] == [0] * 3
    done = portal.step(plan, review, roster, hand=-1)
    assert done.status_code == 201, done.text
    assert done.json()["accounts"] == 3
    assert [held(desk, one) for one in PEOPLE[:3]] == [300_00] * 3
    (told_roster,) = portal.show(plan)["rosters"]
    assert (told_roster["status"], told_roster["rows"], told_roster["amount"]) == ("reviewed", 3, "900.00")
    assert verify(desk.log) == []


def test_a_plan_of_panzhihua_is_credited_to_the_whole_roster(panzhihua):
    desk, portal = panzhihua
    plan, roster = portal.declared(PEOPLE[:2])
    review = portal.walk(plan, "review", roster)
    assert portal.step(plan, review, roster, hand=-1).status_code == 201
    step = portal.walk(plan, "allocate", roster)
    money = {"amount": "600.00", "arrived_on": "2025-06-20", "voucher": "缴存0001"}
    portal.day = portal.day.replace(month=6, day=24)
    short = portal.step(plan, step, roster, reviewer="丙", allocation={**money, "amount": "599.99"})
    told_as_problem(short, 422, "NOT_IN_FULL")
    alone = portal.step(plan, step, roster, reviewer="经办0", allocation=money)
    told_as_problem(alone, 422, "SAME_PERSON")
    done = portal.step(plan, step, roster, reviewer="丙", allocation=money)
    assert done.status_code == 201, done.text
    event = done.json()["events"][1]
    assert (event["topic"], event["received"], event["credited"]) == ("plan.subsidy_allocated", "600.00", "600.00")
    for one in PEOPLE[:2]:
        last = desk.history(one)[-1]
        assert isinstance(last, CollectiveSubsidyRecorded)
        assert (last.effect.collective_subsidy, last.roster, last.cause) == (300_00, roster, f"roster {roster}")
    account = desk.account(PEOPLE[0])
    read = portal.caller.get(f"/accounts/{account}", wait_for=done.json()["position"])
    assert read.json()["kinds"]["collective_subsidy"] == "300.00"
    assert verify(desk.log) == []


def test_a_donor_s_aid_is_a_plan_without_a_standard(neimenggu):
    desk, portal = neimenggu
    portal.posted("/payers", {**paying(DONOR, "charity", name="示例慈善会"), "village": None, "reviewer": "乙"})
    portal.posted(
        f"/payers/{DONOR}/confirmation",
        {"tax_number": "91T", "social_code": "S9", "on": "2025-01-20", "reviewer": "乙"},
    )
    plan = portal.plan(kind="social_aid", payer=DONOR, village=None, standard={}, covered="低保对象")
    told = portal.show(plan)
    assert (told["kind"], told["village"], told["standard"]["flat"]) == ("social_aid", "", None)
    wrong = portal.declare(plan, [row(PEOPLE[3], "50.00")])
    assert [one["reason"] for one in told_as_problem(wrong, 422, "ROSTER_FAULTS")["faults"]] == ["KIND"]
    declared = portal.declare(plan, [row(PEOPLE[3], "50.00", kind="social_aid")])
    assert declared.status_code == 201, declared.text
    roster = declared.json()["roster"]
    review = portal.walk(plan, "review", roster)
    assert portal.step(plan, review, roster, hand=-1).status_code == 201
    assert held(desk, PEOPLE[3]) == 50_00
    closed = portal.posted(f"/plans/{plan}/closure", {"reason": "资助人撤回", "reviewer": "乙"})
    assert (closed["accounts"], closed["events"][0]["released"], held(desk, PEOPLE[3])) == (1, "50.00", 0)
    assert portal.show(plan)["status"] == "closed"
    assert not any(isinstance(one, SocialAidRecorded) for one in desk.history(PEOPLE[3]))


def test_a_returned_roster_gives_its_room_back(ningxia):
    desk, portal = ningxia
    plan, roster = portal.declared(PEOPLE[:1], sequence=2)
    assert portal.step(plan, portal.walk(plan, "review", roster), roster, hand=-1).status_code == 201
    assert held(desk, PEOPLE[0]) == 300_00
    told_as_problem(portal.declare(plan, [row(PEOPLE[0])]), 422, "ROSTER_STATE")  # the same list, however it is spaced
    tried = portal.posted(f"/plans/{plan}/rosters/{roster}/return?dry_run=true", {"reason": "名单有误"}, 200)
    assert (tried["events"][0]["released"], held(desk, PEOPLE[0])) == ("300.00", 300_00)
    done = portal.posted(f"/plans/{plan}/rosters/{roster}/return", {"reason": "名单有误"})
    assert (done["events"][0]["released"], held(desk, PEOPLE[0])) == ("300.00", 0)
    again = portal.caller.post(f"/plans/{plan}/rosters/{roster}/return", {"reason": "名单有误"})
    told_as_problem(again, 422, "ROSTER_STATE")
    assert portal.declare(plan, [row(PEOPLE[0])]).status_code == 201


# -- what is wrong is told whole --------------------------------------------------------------------------------------


def test_all_faults_of_all_rows_are_told_and_nothing_is_recorded(ningxia, drafted):
    desk, portal = ningxia
    good, before = row(PEOPLE[0]), desk.position()
    stranger = person(499)
    answer = portal.declare(
        drafted,
        [
            good,
            row(PEOPLE[1], "299.00"),
            {**row(PEOPLE[2]), "name": "测不是", "amount": "300.001", "sex": "?", "kind": "捐款"},
            row(stranger),
            good,
        ],
    )
    told = told_as_problem(answer, 422, "ROSTER_FAULTS")
    assert {(one["line"], one["reason"]) for one in told["faults"]} == {
        (2, "NOT_STANDARD"), (3, "IDENTITY_FAULT"), (3, "AMOUNT"), (3, "KIND"), (3, "NAME_DIFFERS"),
        (4, "UNKNOWN_PERSON"), (5, "ALREADY_DECLARED"),
    }  # fmt: skip
    assert all(one["rule"] and one["clause"] and one["remedy"] for one in told["faults"])
    assert not any(one.number in answer.text or one.name in answer.text for one in (*PEOPLE, stranger))
    assert desk.position() == before


def test_a_list_of_members_and_of_statuses_is_taken_whole_or_not_at_all(ningxia):
    desk, portal = ningxia
    good = {"name": PEOPLE[0].name, "number": PEOPLE[0].number}
    bad = [good, {**good, "name": "测不是"}, {**good, "since": "2025-02-30"}, {**good, "number": "1"}]
    told = told_as_problem(portal.caller.post(f"/payers/{PAYER}/members", {"members": bad}), 422, "ROSTER_FAULTS")
    assert [(one["line"], one["reason"]) for one in told["faults"]] == [
        (2, "NAME_DIFFERS"), (3, "DATE"), (4, "IDENTITY_FAULT"),
    ]  # fmt: skip
    rows = desk.query("SELECT count(*) FROM {payer_member}")
    status = {**good, "status": "minimum_living", "since": "2025-01-01"}
    told = told_as_problem(
        portal.caller.post("/statuses", {"statuses": [status, {**status, "status": "富裕"}]}), 422, "ROSTER_FAULTS"
    )
    assert [(one["line"], one["reason"]) for one in told["faults"]] == [(2, "KIND")]
    assert portal.posted("/statuses", {"statuses": [status, {**status, "until": "2025-12-31"}]})["persons"] == 2
    assert desk.query("SELECT status, until::text FROM {person_status}") == [("minimum_living", "2025-12-31")]
    assert desk.query("SELECT count(*) FROM {payer_member}") == rows


def test_what_does_not_belong_to_a_step_is_refused(ningxia, drafted):
    _, portal = ningxia
    step = portal.walk(drafted, "declare")
    money = {"amount": "1.00", "arrived_on": "2025-06-20", "voucher": "V"}
    roster = {"declaration": {"rows": [row(PEOPLE[0])]}}
    fields = {
        "declaration": ({}, "名册"),
        "allocation": ({"allocation": money, **roster}, "到账款项"),
        "floor_reason": ({"floor_reason": "少", **roster}, "低于下限的理由"),
    }
    for field, (more, title) in fields.items():
        told = told_as_problem(portal.step(drafted, step, **more), 422, "INVALID_REQUEST")
        assert (told["errors"][0]["field"], told["errors"][0]["title"]) == (f"body.{field}", title)
    numbered = {**portal.body(step, **roster), "roster": str(uuid4())}
    told_as_problem(portal.caller.post(f"/plans/{drafted}/steps", numbered), 422, "INVALID_REQUEST")
    deep = portal.step(drafted, step, declaration={"rows": [row(PEOPLE[0]), {**row(PEOPLE[0]), "amount": 300}]})
    (error,) = told_as_problem(deep, 422, "INVALID_REQUEST")["errors"]
    assert (error["field"], error["title"]) == ("body.declaration.rows.1.amount", "补助金（资助）金额（元）")
    named = portal.caller.post("/plans", drafting(covered=f"含 {PEOPLE[0].number}"))
    told_as_problem(named, 422, "INVALID_REQUEST")
    old = portal.caller.post("/plans", drafting(covered="含 640000800301401"))
    assert PEOPLE[0].number not in named.text + old.text


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"payer": OTHER[:-1] + "0"}, "INVALID_REQUEST"),
        ({"payer": "N2640100MF0000000P"}, "INVALID_REQUEST"),
        ({"village": "青县/青镇/红村"}, "UNKNOWN_DIVISION"),
        ({"village": None}, "UNKNOWN_DIVISION"),
        ({"standard": {}}, "STANDARD"),
        ({"standard": {"flat": "1.00", "share": "0.1"}}, "STANDARD"),
        ({"standard": {"flat": "1.00", "groups": {"nobody": "2.00"}}}, "STANDARD"),
        ({"sources": []}, "SOURCE"),
        ({"standing": True}, "STANDING_PLAN"),
        ({"year": 2099}, "PERIOD"),
        ({"sequence": 50}, "PLAN_EXISTS"),
    ],
)
def test_a_draft_is_refused(ningxia, drafted, more, reason):
    desk, portal = ningxia
    before = desk.position()
    told_as_problem(portal.caller.post("/plans", drafting(**{"sequence": 60, **more})), 422, reason)
    assert desk.position() == before


def test_what_the_address_names_and_is_not_there_is_404(ningxia, drafted):
    desk, portal = ningxia
    caller, nobody = portal.caller, uuid4()
    account = desk.account(PEOPLE[0])
    step = {"step": "deliberated", "on": "2025-03-03", "acting_for": "organisation"}
    for which in (nobody, account):
        told_as_problem(caller.get(f"/plans/{which}"), 404, "PLAN_UNKNOWN")
        told_as_problem(caller.get(f"/plans/{which}/rosters/{nobody}"), 404, "PLAN_UNKNOWN")
        told_as_problem(caller.post(f"/plans/{which}/steps", step), 404, "PLAN_UNKNOWN")
        told_as_problem(caller.post(f"/plans/{which}/closure", {"reason": "x", "reviewer": "乙"}), 404, "PLAN_UNKNOWN")
        told_as_problem(caller.post(f"/plans/{which}/rosters/{nobody}/return", {"reason": "x"}), 404, "PLAN_UNKNOWN")
    told_as_problem(caller.get(f"/plans/{drafted}/rosters/{nobody}"), 404, "ROSTER_STATE")
    told_as_problem(caller.post(f"/plans/{drafted}/rosters/{nobody}/return", {"reason": "x"}), 404, "ROSTER_STATE")
    told_as_problem(caller.get(f"/payers/{OTHER}"), 404, "PAYER_UNKNOWN")
    person_row = {"name": PEOPLE[0].name, "number": PEOPLE[0].number}
    told_as_problem(caller.post(f"/payers/{OTHER}/members", {"members": [person_row]}), 404, "PAYER_UNKNOWN")
    told_as_problem(caller.get(f"/accounts/{drafted}"), 404, "UNKNOWN_ACCOUNT")
    told_as_problem(caller.client.get("/v1/pools/640998/plans"), 404, "UNKNOWN_POOL")
    told_as_problem(caller.post("/plans", drafting(payer=OTHER)), 422, "PAYER_UNKNOWN")


# -- once, tried, at once ---------------------------------------------------------------------------------------------


def test_every_command_is_tried_without_a_trace_and_done_once(desk_of):
    """Each is tried, done, repeated under its key, and refused where another content comes under the same key."""
    desk, portal = desk_of("ningxia")
    caller, plan = portal.caller, ""
    member = {"name": PEOPLE[0].name, "number": PEOPLE[0].number}
    status = {**member, "status": "pensioner", "since": "2031-01-01"}
    admission = {"village": PLACE, "since": "2024-01-01", "document": "名单2", "reviewer": "乙"}
    confirmation = {"tax_number": "92T", "social_code": "S2", "on": "2025-01-21", "reviewer": "乙"}
    ways = [
        ("/payers", {**paying(OTHER), "reviewer": "乙"}, {"name": "青村另一合作社"}),
        (f"/payers/{OTHER}/confirmation", confirmation, {"tax_number": "93T"}),
        (f"/payers/{OTHER}/members", {"members": [member]}, {"members": [{**member, "since": "2025-01-01"}]}),
        ("/admitted-villages", admission, {"document": "名单3"}),
        ("/statuses", {"statuses": [status]}, {"statuses": [{**status, "since": "2031-01-02"}]}),
        ("/plans", drafting(), {"covered": "全体成员"}),
    ]  # fmt: skip
    for path, body, other in ways:
        plan = done_once(desk, caller, path, body, other).get("plan") or plan
    declare = portal.walk(plan, "declare")
    rows = [row(one) for one in PEOPLE]
    steps = f"/plans/{plan}/steps"
    roster = done_once(
        desk, caller, steps, portal.body(declare, declaration={"rows": rows}), {"declaration": {"rows": rows[:3]}}
    )["roster"]
    review = portal.walk(plan, "review", roster)
    reviewer = portal.hands[-1]
    done_once(desk, reviewer, steps, portal.body(review, roster), {"floor_reason": "另一理由"})
    done_once(desk, caller, f"/plans/{plan}/rosters/{roster}/return", {"reason": "名单有误"}, {"reason": "其他"})
    done_once(desk, caller, f"/plans/{plan}/closure", {"reason": "终了", "reviewer": "乙"}, {"reason": "其他"})
    assert verify(desk.log) == []


def everything(desk):
    """What stands in the pool, beside the log and in it."""
    tables = ("payer", "payer_member", "admitted_village", "person_status", "subsidy_plan", "roster_row", "command")
    return desk.position(), [desk.query(f"SELECT t::text FROM {{{one}}} t ORDER BY 1") for one in tables]


def done_once(desk, caller, path, body, other):
    before, key = everything(desk), uuid4()
    tried = caller.post(f"{path}?dry_run=true", body, key)
    assert (tried.status_code, tried.json()["dry_run"]) == (200, True), tried.text
    assert everything(desk) == before
    first = caller.post(path, body, key)
    assert (first.status_code, first.json()["dry_run"]) == (201, False), first.text
    assert first.json()["command_id"] == str(key)
    after = everything(desk)
    assert after != before
    again = caller.post(path, body, key)
    assert (again.status_code, again.text) == (201, first.text)
    told_as_problem(caller.post(path, {**body, **other}, key), 422, "COMMAND_ID")
    assert everything(desk) == after
    return first.json()


def test_the_same_request_from_two_at_the_same_instant_is_done_once(ningxia):
    """A payer, its changes, and a plan: none has its answer yet when the next comes under the same key."""
    desk, portal = ningxia
    changes = [("/payers", {**paying(OTHER, name=f"青村合作社{turn}"), "reviewer": "乙"}, "payer") for turn in range(6)]
    for path, body, table in (*changes, ("/plans", drafting(sequence=70), "subsidy_plan")):
        (before,), key, together = desk.query(f"SELECT count(*) FROM {{{table}}}"), uuid4(), Barrier(4)

        def post(hand, path=path, body=body, key=key, together=together):
            calling = Caller(str(portal.caller.client.base_url), hand, desk.code)
            together.wait(timeout=20)
            return calling.post(path, body, key)

        with ThreadPoolExecutor(4) as many:
            answers = list(many.map(post, [portal.caller.client.headers["authorization"].removeprefix("Bearer ")] * 4))
        assert {(one.status_code, one.text) for one in answers} == {(201, answers[0].text)}
        assert desk.query(f"SELECT count(*) FROM {{{table}}}") == [(before[0] + 1,)]


def test_of_two_reviews_at_the_same_instant_the_later_is_told_the_room_is_taken(desk_of):
    """Rosters of two payers name the same four people, 300 each under a cap of 500."""
    desk, portal = desk_of("panzhihua")
    portal.payer(PEOPLE, OTHER)
    declared = [portal.declared(PEOPLE), portal.declared(PEOPLE, payer=OTHER, sequence=2)]
    asked = [(plan, portal.body(portal.walk(plan, "review", roster), roster)) for plan, roster in declared]
    together = Barrier(2)

    def review(place):
        plan, body = asked[place]
        together.wait(timeout=20)
        return portal.hands[-1].post(f"/plans/{plan}/steps", body)

    with ThreadPoolExecutor(2) as both:
        answers = sorted(both.map(review, range(2)), key=lambda one: one.status_code)
    assert answers[0].status_code == 201, answers[0].text
    faults = told_as_problem(answers[1], 422, "ROSTER_FAULTS")["faults"]
    assert [(one["line"], one["reason"]) for one in faults] == [(line, "OVER_CAP") for line in range(1, 5)]
    assert [held(desk, one) for one in PEOPLE] == [300_00] * 4
    assert verify(desk.log) == []


# -- who may look -----------------------------------------------------------------------------------------------------


def test_a_token_of_another_pool_reads_no_plan_and_a_reading_one_takes_no_step(
    ningxia, panzhihua, home, served, drafted
):
    desk, _ = ningxia
    stranger = Caller(served.url, token_of(home, "甲", "--pool", panzhihua[0].code), desk.code)
    reading = Caller(served.url, token_of(home, "审计", "--read-only"), desk.code)
    step = {"step": "deliberated", "on": "2025-03-03", "acting_for": "organisation"}
    answers = []
    for plan in (drafted, uuid4()):
        paths = (f"/plans/{plan}", f"/plans/{plan}/rosters/{uuid4()}", "/plans", "/payers", f"/payers/{PAYER}")
        answers += [stranger.get(path) for path in paths]
        answers += [caller.post(f"/plans/{plan}/steps", step) for caller in (stranger, reading)]
    for one in answers:
        told_as_problem(one, 403, "FORBIDDEN")
    assert len({one.text.replace(one.headers["x-request-id"], "") for one in answers}) == 1
    assert reading.get(f"/plans/{drafted}").status_code == 200


# -- lists ------------------------------------------------------------------------------------------------------------


def pages(caller, path, name, limit, **query):
    model = {"plans": PlansPage, "payers": PayersPage, "lines": RosterPage}[name]
    found, cursor = [], None
    while True:
        answer = caller.get(path, limit=limit, **({"cursor": cursor} if cursor else {}), **query)
        assert answer.status_code == 200, answer.text
        model.model_validate_json(answer.text)
        assert len(answer.json()[name]) <= limit
        found += answer.json()[name]
        cursor = answer.json()["next"]
        if cursor is None:
            return found


def test_lists_come_page_by_page_from_one_position(desk_of):
    desk, portal = desk_of("ningxia")
    caller = portal.caller
    plans = [portal.plan(sequence=number) for number in range(1, 8)]
    assert [one["plan"] for one in pages(caller, "/plans", "plans", 3)] == plans
    first = caller.get("/plans", limit=3).json()
    late = portal.plan(sequence=8)
    rest = caller.get("/plans", limit=100, cursor=first["next"]).json()
    assert [one["plan"] for one in rest["plans"]] == plans[3:]
    assert rest["position"] == first["position"]
    village = f"{desk.code}.01.001.001"
    for query, found in (
        ({"year": YEAR}, [*plans, late]),
        ({"year": 2024}, []),
        ({"payer": PAYER, "village": PLACE}, [*plans, late]),
        ({"village": village, "known_at": first["position"]}, plans),
        ({"payer": OTHER}, []),
    ):
        assert [one["plan"] for one in caller.get("/plans", **query).json()["plans"]] == found
    told_as_problem(caller.get("/plans", village="青县/青镇/红村"), 422, "UNKNOWN_DIVISION")
    told_as_problem(caller.get("/plans", cursor="e30"), 422, "INVALID_REQUEST")
    roster = portal.declare(plans[0], [row(one) for one in PEOPLE]).json()["roster"]
    lines = pages(caller, f"/plans/{plans[0]}/rosters/{roster}", "lines", 3)
    assert [(one["line"], one["amount"]) for one in lines] == [(line, "300.00") for line in range(1, 5)]
    assert [one["account"] for one in lines] == [str(desk.account(one)) for one in PEOPLE]
    then = caller.get(f"/plans/{plans[0]}", known_at=first["position"]).json()
    assert (then["version"], then["rosters"]) == (1, [])
    portal.posted("/payers", {**paying(OTHER), "reviewer": "乙"})
    assert [one["code"] for one in pages(caller, "/payers", "payers", 1)] == sorted([PAYER, OTHER])
    assert caller.get(f"/payers/{PAYER.lower()}").json()["confirmed_on"] == "2025-01-20"


def test_a_roster_of_five_thousand_rows_fits_and_one_more_does_not(ningxia, drafted):
    """Indented and with its characters escaped; the rows are bounded before they are looked up."""
    _, portal = ningxia
    rows = [row(PEOPLE[0]) for _ in range(ROWS_MAX)]
    answer = portal.declare(drafted, rows)
    assert len(told_as_problem(answer, 422, "ROSTER_FAULTS")["faults"]) == ROWS_MAX - 1
    told_as_problem(portal.declare(drafted, [*rows, rows[0]]), 422, "INVALID_REQUEST")
    path = f"{portal.caller.base}/plans/{drafted}/steps"
    body = json.dumps(portal.body(portal.walk(drafted, "declare"), declaration={"rows": rows}), indent=2).encode()
    key = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    told_as_problem(portal.caller.client.post(path, content=body, headers=key), 422, "ROSTER_FAULTS")
    larger = body.ljust(LIST_BYTES_MAX + 1)
    told_as_problem(portal.caller.client.post(path, content=larger, headers=key), 413, "TOO_LARGE")
    small = {"Idempotency-Key": str(uuid4())}
    told_as_problem(
        portal.caller.client.post(f"{portal.caller.base}/plans", content=body, headers=small), 413, "TOO_LARGE"
    )
