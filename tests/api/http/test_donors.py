"""A person as donor over HTTP: registered by number, told by a code and the first character of the name."""

from __future__ import annotations

import json
import re

import pytest

from ledger.account_events import SocialAidRecorded
from ledger.store.tokens import create_token
from projections.verify import verify
from tests.api.cli.desk import person
from tests.api.cli.test_donors import citizen_that_passes_as_code
from tests.api.cli.village import PAYER
from tests.api.http.serving import Caller, token_of, told_as_problem
from tests.api.http.walking import Portal, drafting, paying, row

PEOPLE = tuple(person(460 + place) for place in range(2))
GIVER = person(471, "欧阳传善")
OTHER = person(472, "司徒传善")
CODE = re.compile(r"PERSON-[A-Z2-7]{16}")


@pytest.fixture(scope="module")
def neimenggu(open_desk, served, home, connections):
    """A desk of Inner Mongolia and a portal on it."""
    desk = open_desk("neimenggu")
    hands = [create_token(connections, f"经办{turn}", None)[0] for turn in range(5)]
    portal = Portal(
        Caller(served.url, token_of(home, "甲"), desk.code), tuple(Caller(served.url, one, desk.code) for one in hands)
    )
    portal.ready(desk, PEOPLE)
    return desk, portal


def giving(who=GIVER, **more):
    return {
        "kind": "person", "number": who.number, "name": who.name, "document": "资助申请1号", "reviewer": "乙", **more,
    }  # fmt: skip


def aiding(code, **more):
    return drafting(**{
        "kind": "social_aid", "payer": code, "village": None, "standard": {}, "covered": "低保对象",
        "sources": [{"name": "个人捐款", "amount": "1000.00"}], **more,
    })  # fmt: skip


def test_a_person_is_registered_once_and_told_by_code(neimenggu, served):
    _, portal = neimenggu
    tried = portal.caller.post("/payers?dry_run=true", giving())
    assert (tried.status_code, tried.json()["payer"]["code"]) == (200, "")
    done = portal.caller.post("/payers", giving())
    told = done.json()["payer"]
    assert (done.status_code, told["kind"], told["name"], told["village"]) == (201, "person", "欧***", "")
    assert CODE.fullmatch(told["code"])
    assert done.headers["location"] == f"{portal.caller.base}/payers/{told['code']}"
    again = portal.posted("/payers", giving(number=GIVER.number.lower()))
    assert (again["payer"]["code"], again["already_there"]) == (told["code"], True)
    for path in (f"/payers/{told['code']}", f"/payers/{told['code'].lower()}"):
        assert portal.caller.get(path).json() == told
    first = portal.caller.get("/payers", limit=1).json()
    second = portal.caller.get("/payers", limit=1, cursor=first["next"]).json()
    assert [one["code"] for page in (first, second) for one in page["payers"]] == sorted([PAYER, told["code"]])
    third = portal.caller.get("/payers", limit=1, cursor=second["next"])
    assert (third.status_code, third.json()["payers"]) == (200, [])
    answers = [tried.text, done.text, json.dumps(again), json.dumps(first), json.dumps(second), dict(done.headers)]
    said = "".join(map(str, answers)) + served.journal.read_text("utf-8")
    assert not [word for word in (GIVER.name, GIVER.number, GIVER.number[:6] + GIVER.number[8:17]) if word in said]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (giving(number=GIVER.number[:-1] + "0"), "IDENTITY_FAULT"),
        (giving(name="　"), "INVALID_REQUEST"),
        (giving(code=PAYER), "INVALID_REQUEST"),
        (giving(village_number="JT1"), "INVALID_REQUEST"),
        ({**giving(), "number": None}, "INVALID_REQUEST"),
        ({**paying(), "number": GIVER.number, "reviewer": "乙"}, "INVALID_REQUEST"),
        ({**paying(), "code": None, "reviewer": "乙"}, "INVALID_REQUEST"),
        (giving(reviewer="甲"), "SAME_PERSON"),
        (giving(document=f"{GIVER.name}申请"), "ROW_FAULT"),
    ],
)
def test_a_registration_that_cannot_be_does_not_repeat_whose(neimenggu, body, reason):
    _, portal = neimenggu
    answer = portal.caller.post("/payers", body)
    told_as_problem(answer, 422, reason)
    assert GIVER.name not in answer.text
    assert GIVER.number[:-1] not in answer.text


def test_a_person_s_aid_is_walked_and_paid(neimenggu):
    desk, portal = neimenggu
    code = portal.posted("/payers", giving(OTHER))["payer"]["code"]
    naming = aiding(code, sources=[{"name": f"{OTHER.name}捐款", "amount": "1000.00"}])
    told_as_problem(portal.caller.post("/plans", naming), 422, "ROW_FAULT")
    told_as_problem(portal.caller.post("/plans", drafting(payer=code, sequence=9)), 422, "PAYER_KIND")
    numbers = {"tax_number": "91T", "social_code": "S9", "on": "2025-01-20", "reviewer": "乙"}
    told_as_problem(portal.caller.post(f"/payers/{code}/confirmation", numbers), 422, "PAYER_KIND")
    plan = str(portal.posted("/plans", aiding(code))["plan"])
    declared = portal.declare(plan, [row(PEOPLE[0], "50.00", kind="social_aid")])
    assert declared.status_code == 201, declared.text
    roster = declared.json()["roster"]
    review = portal.walk(plan, "review", roster)
    assert portal.step(plan, review, roster, hand=-1).status_code == 201
    entry = {"kind": "social_aid", "amount": "50.00", "period": 2025, "treasury_on": "2025-11-03"}
    path = f"/accounts/{desk.account(PEOPLE[0])}/entries"
    for unknown, reason in ((OTHER.number, "INVALID_REQUEST"), (citizen_that_passes_as_code(), "INVALID_REQUEST")):
        answer = portal.caller.post(path, {**entry, "payer": unknown})
        told_as_problem(answer, 422, reason)
        assert unknown not in answer.text
    assert portal.caller.post(path, {**entry, "payer": code}).status_code == 201
    assert (portal.show(plan)["credited"], desk.state(PEOPLE[0]).declarations) == ("50.00", ())
    assert [one.payer for one in desk.history(PEOPLE[0]) if isinstance(one, SocialAidRecorded)] == [code]
    (listed,) = portal.caller.get("/plans", payer=code).json()["plans"]
    assert listed["plan"] == plan
    assert verify(desk.log) == []
