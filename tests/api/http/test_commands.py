"""Commands over HTTP: each route done and refused, each command once, the request in the events."""

import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.api.cli.desk import person
from tests.api.http.serving import Caller, opening, payment, token_of, told_as_problem

KINDS = ("contribution", "government_paid", "collective_subsidy", "social_aid", "government_subsidy")


@pytest.fixture
def account(caller, who):
    return caller.open(who)


def test_an_account_is_opened(caller, desk, who):
    answer = caller.post("/accounts", opening(who))
    told = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{caller.base}/accounts/{told['account']}"
    assert (told["version"], told["already_there"], told["dry_run"]) == (1, False, False)
    assert [event["topic"] for event in told["events"]] == ["account.opened"]
    assert str(desk.account(who)) == told["account"]
    assert told["position"] == desk.position()
    assert desk.history(who)[0].actor == "甲"
    opened = desk.register.open(desk.history(who)[0].participant)
    assert (opened.number, opened.name) == (who.number, who.name)


def test_a_village_may_be_named_by_its_code(caller, desk, who):
    account = caller.open(who, division=f"{desk.code}.01.001.001")
    assert caller.get(f"/accounts/{account}").json()["division"] == f"{desk.code}.01.001.001"


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"number": "640000198003010099"}, 422, "IDENTITY_FAULT"),
        ({"number": "64000019800301"}, 422, "INVALID_REQUEST"),
        ({"division": "青县/青镇/红村"}, 422, "UNKNOWN_DIVISION"),
        ({"opened_on": "2095-01-01"}, 422, "DATE"),
        ({"opened_on": "1990-01-01"}, 422, "UNDER_AGE"),
        ({"opened_on": "20190102"}, 422, "INVALID_REQUEST"),
        ({"name": "  "}, 422, "INVALID_REQUEST"),
        ({"name": "\u200b"}, 422, "IDENTITY_FAULT"),
        ({"phone": "13800000000"}, 422, "INVALID_REQUEST"),
    ],
)
def test_an_opening_is_refused(caller, who, changed, status, reason):
    told = told_as_problem(caller.post("/accounts", opening(who, **changed)), status, reason)
    for said in changed.values():
        assert len(said) < 4 or said not in str(told) or said[:4] in {"2095", "1990"}


def test_a_second_open_account_of_a_person_is_refused(caller, account, who):
    told_as_problem(caller.post("/accounts", opening(who)), 422, "ALREADY_OPEN")
    told_as_problem(caller.post("/accounts", opening(who, name="测他")), 422, "NAME_DIFFERS")


def test_each_kind_of_money_comes_in(caller, desk, account):
    desk.set("cap", 2023, "3000.00")
    for number, kind in enumerate(KINDS, 1):
        done = caller.pay(account, "10.05", kind=kind, voucher=f"T{number}", payer="91350100M000100Y43")
        assert done["events"][0]["amount"] == "10.05"
        assert done["version"] == number + 1
    told = caller.get(f"/accounts/{account}", wait_for=done["position"]).json()
    assert told["kinds"] == {**dict.fromkeys(KINDS, "10.05"), "interest": "0.00"}
    assert told["balance"] == "50.25"


def test_money_goes_out(caller, account):
    caller.pay(account, "100.00")
    for kind in ("pension", "refund"):
        answer = caller.post(f"/accounts/{account}/entries", {"kind": kind, "amount": "40.00", "on": "2023-08-01"})
        assert answer.status_code == 201, answer.text
        assert answer.json()["events"][0]["amount"] == "-40.00"
    short = caller.post(f"/accounts/{account}/entries", {"kind": "refund", "amount": "40.00", "on": "2023-08-01"})
    told_as_problem(short, 422, "AMOUNT")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (payment("0.00"), "AMOUNT"),
        (payment("100"), "INVALID_REQUEST"),
        (payment("-1.00"), "INVALID_REQUEST"),
        (payment(treasury_on="2095-01-01"), "DATE"),
        (payment(treasury_on="1989-12-31"), "INVALID_REQUEST"),
        (payment(treasury_on="2023-02-29"), "INVALID_REQUEST"),
        (payment(period=2099), "PERIOD"),
        (payment(period="2023"), "INVALID_REQUEST"),
        (payment(kind="interest"), "INVALID_REQUEST"),
        (payment(kind="social_aid", period=2011), "NO_CAP"),
        (payment(serial=person(1).number), "INVALID_REQUEST"),
        (payment(serial="张三"), "INVALID_REQUEST"),
        (payment(payer="91350100M000100Y44"), "INVALID_REQUEST"),
        (payment(level="市\x00级"), "INVALID_REQUEST"),
        (payment(level="市级"), "INVALID_REQUEST"),
        (payment(kind="government_subsidy", level="镇级"), "KIND"),
        ({"kind": "refund", "amount": "1.00", "on": "2023-01-01"}, "AMOUNT"),
        ({}, "INVALID_REQUEST"),
        ([], "INVALID_REQUEST"),
    ],
)
def test_an_entry_is_refused(caller, account, body, reason):
    told_as_problem(caller.post(f"/accounts/{account}/entries", body), 422, reason)


def test_a_serial_is_recorded_once(caller, account, who):
    serial = f"S{uuid4().hex[:12]}"
    first = caller.pay(account, serial=serial)
    again = caller.pay(account, serial=serial)
    assert (again["already_there"], again["events"], again["version"]) == (True, [], first["version"])
    other = caller.post(f"/accounts/{account}/entries", payment("101.00", serial=serial))
    told_as_problem(other, 422, "SERIAL_CONFLICT")


def test_an_entry_is_reversed_by_two_people(caller, account):
    entry = caller.pay(account)
    path = f"/accounts/{account}/entries/{entry['version']}/reversal"
    told_as_problem(caller.post(path, {"reason": "重复", "reviewer": "甲"}), 422, "SAME_PERSON")
    told_as_problem(caller.post(path, {"reason": "重复"}), 422, "INVALID_REQUEST")
    done = caller.post(path, {"reason": "重复", "reviewer": "乙"})
    assert done.status_code == 201
    assert done.json()["events"][0]["amount"] == "-100.00"
    told_as_problem(caller.post(path, {"reason": "重复", "reviewer": "乙"}), 422, "ALREADY_REVERSED")
    path = f"/accounts/{account}/entries/99/reversal"
    told_as_problem(caller.post(path, {"reason": "重复", "reviewer": "乙"}), 422, "NOTHING_TO_REVERSE")


def test_an_account_is_closed_by_two_people(caller, desk, account):
    for year in (2022, 2023):
        desk.set("rate", year, "0.0250")
    caller.pay(account)
    path = f"/accounts/{account}/closure"
    told_as_problem(caller.post(path, {"on": "2023-09-01", "reviewer": "甲", "reason": "死亡"}), 422, "SAME_PERSON")
    done = caller.post(path, {"on": "2023-09-01", "reviewer": "乙", "reason": "死亡"})
    assert done.status_code == 201, done.text
    assert [event["topic"] for event in done.json()["events"]] == ["account.interest_credited", "account.closed"]
    told_as_problem(caller.post(f"/accounts/{account}/entries", payment()), 422, "ACCOUNT_CLOSED")
    told = caller.get(f"/accounts/{account}").json()
    assert (told["status"], told["ended_on"], told["balance"]) == ("closed", "2023-09-01", "0.00")
    before = caller.get(f"/accounts/{account}", as_of="2023-08-31").json()
    assert (before["status"], before["ended_on"], before["balance"]) == ("open", None, "100.00")


def test_an_account_is_transferred_out(caller, desk, account):
    desk.set("rate", 2024, "0.0250")
    path = f"/accounts/{account}/closure"
    for said in ({}, {"to": "640200"}, {"document": "转字1号"}, {"reason": "死亡", "to": "640200", "document": "1"}):
        told_as_problem(caller.post(path, {"on": "2024-09-01", "reviewer": "乙", **said}), 422, "INVALID_REQUEST")
    done = caller.post(path, {"on": "2024-09-01", "reviewer": "乙", "to": "640200", "document": "转字1号"})
    assert done.status_code == 201, done.text
    assert caller.get(f"/accounts/{account}").json()["status"] == "transferred"


def test_what_an_address_names_must_be_there(caller, token, served):
    unknown = uuid4()
    told_as_problem(caller.post(f"/accounts/{unknown}/entries", payment()), 404, "UNKNOWN_ACCOUNT")
    ended = {"on": "2024-09-01", "reviewer": "乙", "reason": "死亡"}
    told_as_problem(caller.post(f"/accounts/{unknown}/closure", ended), 404, "UNKNOWN_ACCOUNT")
    reversal = {"reason": "重复", "reviewer": "乙"}
    told_as_problem(caller.post(f"/accounts/{unknown}/entries/2/reversal", reversal), 404, "UNKNOWN_ACCOUNT")
    told_as_problem(caller.post("/accounts/1/entries", payment()), 422, "INVALID_REQUEST")
    for pool in ("999999", "测试", "x'y"):
        elsewhere = Caller(served.url, token, pool)
        told_as_problem(elsewhere.post("/accounts", opening(person(998))), 404, "UNKNOWN_POOL")
        elsewhere.client.close()


# -- once ----------------------------------------------------------------------------------------------------


def test_a_key_is_required(caller, account):
    for headers in ({}, {"Idempotency-Key": "1"}, {"Idempotency-Key": ""}):
        answer = caller.client.post(f"{caller.base}/accounts/{account}/entries", json=payment(), headers=headers)
        told_as_problem(answer, 400, "IDEMPOTENCY_KEY")


def test_the_same_key_and_body_is_answered_as_before(caller, desk, account):
    key = uuid4()
    first = caller.post(f"/accounts/{account}/entries", payment(), key)
    before = desk.position()
    again = caller.post(f"/accounts/{account}/entries", payment(), key, {"X-Request-Id": "another"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert desk.position() == before
    assert first.json()["command_id"] == str(key)


def test_the_same_key_with_another_body_or_actor_is_refused(caller, served, desk, account):
    key = uuid4()
    caller.post(f"/accounts/{account}/entries", payment(), key)
    told_as_problem(caller.post(f"/accounts/{account}/entries", payment("1.00"), key), 422, "COMMAND_ID")
    other = Caller(served.url, token_of(desk.home, "丙"), desk.code)
    told_as_problem(other.post(f"/accounts/{account}/entries", payment(), key), 422, "COMMAND_ID")
    other.client.close()


def test_a_refused_command_may_use_its_key_again(caller, account):
    key = uuid4()
    told_as_problem(caller.post(f"/accounts/{account}/entries", payment("0.00"), key), 422, "AMOUNT")
    assert caller.post(f"/accounts/{account}/entries", payment("1.00"), key).status_code == 201


def test_a_lost_answer_is_had_by_repeating(caller, served, token, account):
    """The caller is gone before the answer comes: the command is done all the same, and once."""
    key, place = uuid4(), urlsplit(served.url)
    body = b'{"kind":"contribution","amount":"7.00","period":2023,"treasury_on":"2023-05-10"}'
    head = (
        f"POST {caller.base}/accounts/{account}/entries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port)) as line:
        line.sendall(head.encode() + body)
    answer = caller.post(f"/accounts/{account}/entries", payment("7.00"), key)
    assert answer.status_code == 201
    told = caller.get(f"/accounts/{account}", wait_for=answer.json()["position"]).json()
    assert (told["balance"], told["version"]) == ("7.00", 2)


def test_commands_on_one_account_at_once_follow_each_other(caller, served, token, desk, account):
    """All are accepted, each version once; of two that would overdraw, one is refused."""

    def pay(_):
        return caller.pay(account, "1.00")["version"]

    with ThreadPoolExecutor(16) as many:
        assert sorted(many.map(pay, range(48))) == list(range(2, 50))

    def refund(_):
        body = {"kind": "refund", "amount": "30.00", "on": "2023-12-01"}
        return caller.post(f"/accounts/{account}/entries", body).status_code

    with ThreadPoolExecutor(8) as many:
        assert sorted(many.map(refund, range(8))) == [201] + [422] * 7


def test_the_same_key_at_once_is_done_once(caller, account):
    key = uuid4()
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: caller.post(f"/accounts/{account}/entries", payment(), key), range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


# -- the request in the events ----------------------------------------------------------------------------------------


def test_the_request_stands_in_the_events(caller, account):
    answer = caller.post(f"/accounts/{account}/entries", payment(), headers={"X-Request-Id": "portal-7.A_b"})
    assert answer.headers["x-request-id"] == "portal-7.A_b"
    event = caller.get(f"/accounts/{account}/events").json()["events"][-1]
    assert (event["cause"], event["actor"]) == ("request portal-7.A_b", "甲")
    assert event["body"]["command_id"] == answer.json()["command_id"]


@pytest.mark.parametrize("said", ["x" * 65, "a b", "测", "640000198003010014", "64000019800301001X"])
def test_an_id_that_cannot_stand_in_an_event_is_replaced(caller, account, said):
    answer = caller.post(f"/accounts/{account}/entries", payment(), headers={"X-Request-Id": said.encode()})
    assert answer.headers["x-request-id"] != said
    event = caller.get(f"/accounts/{account}/events").json()["events"][-1]
    assert event["cause"] == f"request {answer.headers['x-request-id']}"


def test_no_text_of_an_event_says_who_it_is_about(caller, account, who):
    """Whoever stands in the log by name could not be erased."""
    entry = caller.pay(account)
    reversal = f"/accounts/{account}/entries/{entry['version']}/reversal"
    for said in (f"{who.name}重复", f"{who.name[0]} {who.name[1:]}", f"旧号{who.number[:6]}{who.number[8:17]}"):
        for path, body in (
            (reversal, {"reason": said, "reviewer": "乙"}),
            (f"/accounts/{account}/closure", {"on": "2023-12-01", "reviewer": "乙", "reason": said}),
            (f"/accounts/{account}/entries", {"kind": "refund", "amount": "1.00", "on": "2023-12-01", "reason": said}),
            (f"/accounts/{account}/entries", payment(kind="government_subsidy", allocation_document=said)),
        ):
            assert said not in str(told_as_problem(caller.post(path, body), 422, "ROW_FAULT"))
    for number in (f"9{who.number}", f"S9{who.number[:6]}{who.number[8:17]}1"):
        answer = caller.post(f"/accounts/{account}/entries", payment(serial=number))
        assert number not in str(told_as_problem(answer, 422, "ROW_FAULT"))
    told_as_problem(caller.post(reversal, {"reason": f"见{who.number}", "reviewer": "乙"}), 422, "INVALID_REQUEST")


def test_answers_and_journal_hold_neither_name_nor_number(caller, served):
    """After all the cases above: nothing that was answered, and nothing that was written on stderr."""
    said = "".join(caller.answers) + served.journal.read_text("utf-8")
    assert len(caller.answers) > 100
    for sequence in range(1, 60):
        somebody = person(sequence)
        assert somebody.number not in said
        assert somebody.number[6:14] + somebody.number[14:17] not in said
        assert somebody.name not in said


def test_each_command_can_be_tried_and_then_done_under_the_same_key(caller, desk, who):
    """A trial is answered 200 and records nothing; what follows says the same and is answered 201."""
    account, payment_version = "", 2
    for path, body in (
        ("/accounts", opening(who)),
        ("/accounts/{account}/entries", payment("120.00")),
        ("/accounts/{account}/entries/{version}/reversal", {"reason": "重复", "reviewer": "乙"}),
        ("/accounts/{account}/entries", payment("70.00")),
        ("/accounts/{account}/entries", {"kind": "refund", "amount": "20.00", "on": "2023-08-01"}),
    ):
        before, key = desk.position(), uuid4()
        where = path.format(account=account, version=payment_version)
        tried = caller.post(f"{where}?dry_run=true", body, key)
        assert (tried.status_code, tried.json()["dry_run"], desk.position()) == (200, True, before), tried.text
        assert "location" not in tried.headers
        done = caller.post(f"{where}?dry_run=false", body, key)
        assert (done.status_code, done.json()["dry_run"]) == (201, False)
        assert tried.json()["events"] == done.json()["events"]
        account = done.json()["account"]
    told_as_problem(
        caller.post(f"/accounts/{account}/entries?dry_run=true", payment(period=1900)), 422, "INVALID_REQUEST"
    )
    told_as_problem(caller.post("/accounts?dry_run=perhaps", opening(person(299))), 422, "INVALID_REQUEST")
