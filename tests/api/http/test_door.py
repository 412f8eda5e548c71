"""The door: who may pass, how much, how it is told, and what the server writes down."""

import json
from uuid import UUID, uuid4

import httpx
import pytest

from tests.api.cli.desk import ledger, person
from tests.api.http.serving import Caller, opening, payment, token_of, told_as_problem


def bare(served, path, token=None, method="GET", **more):
    """A request with or without a token."""
    headers = {"Authorization": token} if token is not None else {}
    return httpx.request(method, served.url + path, headers=headers, **more)


def held_off(answer):
    told_as_problem(answer, 401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("said", [None, "", "Bearer", "Bearer plt_x", "Basic eDp5", "Bearer " + "x" * 300])
def test_without_a_valid_token_nothing_is_answered(served, desk, said):
    for method, path in (
        ("GET", "/balances"),
        ("POST", "/accounts"),
        ("GET", f"/accounts/{uuid4()}/statement?year=x"),
        ("GET", "/nothing"),
    ):
        held_off(bare(served, f"/v1/pools/{desk.code}{path}", said, method, content=b"{" if method == "POST" else None))


def test_a_token_is_told_once_and_kept_as_a_hash(home, desk):
    made = ledger(home, "token", "create", "--actor", "甲", "--expires", "90d", "--json").json
    assert made["token"].startswith("plt_")
    assert len(made["token"]) > 40
    listed = ledger(home, "token", "list", "--json")
    assert made["token"] not in listed.out
    (row,) = [one for one in listed.json if one["id"] == made["id"]]
    assert (row["actor"], row["status"], row["expires_at"]) == ("甲", "valid", made["expires_at"])
    stored = desk.query("SELECT t::text FROM pension_shared.token t")
    assert not any(made["token"] in text for (text,) in stored)
    plain = ledger(home, "token", "create", "--actor", "甲")
    assert plain.out.startswith("plt_")
    assert len(plain.out.split()) == 1
    assert made["id"] in ledger(home, "token", "list").out


def test_a_token_that_expired_or_was_revoked_opens_nothing(served, home, desk, connections):
    made = ledger(home, "token", "create", "--actor", "乙", "--expires", "1h", "--json").json
    path = f"/v1/pools/{desk.code}/balances"
    with connections.connection() as connection:
        connection.execute(
            "UPDATE pension_shared.token SET expires_at = now() - interval '1 s' WHERE token_id = %s", (made["id"],)
        )
    held_off(bare(served, path, f"Bearer {made['token']}"))
    assert [one["status"] for one in ledger(home, "token", "list", "--json").json if one["id"] == made["id"]] == [
        "expired"
    ]
    other = ledger(home, "token", "create", "--actor", "乙", "--json").json
    ended = ledger(home, "token", "revoke", other["id"])
    assert (ended.code, other["token"] in ended.out) == (0, False)
    held_off(bare(served, path, f"bearer {other['token']}"))
    again = ledger(home, "token", "revoke", other["id"])
    assert again.code == 0


def test_a_token_of_one_pool_opens_no_other_whether_or_not_it_is_there(served, home, desk, open_desk):
    other = open_desk()
    account = Caller(served.url, token_of(home), other.code).open(person(805))
    calling = Caller(served.url, token_of(home, "甲", "--pool", desk.code), desk.code)
    assert calling.get("/balances").status_code == 200
    told = []
    for code in (other.code, "640999", "x" * 40):
        for path in ("/balances", f"/accounts/{account}", f"/accounts/{account}/statement?year=2023", "/nothing"):
            answer = calling.client.get(f"/v1/pools/{code}{path}")
            told.append({**told_as_problem(answer, 403, "FORBIDDEN"), "request_id": ""})
        key = {"Idempotency-Key": str(uuid4())}
        posted = calling.client.post(f"/v1/pools/{code}/accounts", json=opening(person(806)), headers=key)
        told.append({**told_as_problem(posted, 403, "FORBIDDEN"), "request_id": ""})
    assert all(one == told[0] for one in told)
    assert other.register.account_of(person(806).number) is None
    sneaky = calling.client.get(f"/v1/pools/{desk.code}%2F..%2F{other.code}/balances")
    assert sneaky.status_code == 404
    calling.client.close()


def test_a_token_that_only_reads_records_nothing(served, home, desk):
    calling = Caller(served.url, token_of(home, "审计员", "--read-only"), desk.code)
    assert calling.get("/balances").status_code == 200
    before = desk.position()
    told_as_problem(calling.post("/accounts", opening(person(807))), 403, "FORBIDDEN")
    assert desk.position() == before
    (listed,) = [one for one in ledger(home, "token", "list", "--json").json if one["actor"] == "审计员"]
    assert (listed["pools"], listed["reads_only"]) == (None, True)
    calling.client.close()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create",), 64),
        (("create", "--actor", "甲", "--pool", "640998"), 1),
        (("create", "--actor", " "), 64),
        (("create", "--actor", "甲", "--expires", "0d"), 64),
        (("create", "--actor", "甲", "--expires", "soon"), 64),
        (("revoke", "plt_abc"), 64),
        (("revoke", str(uuid4())), 1),
    ],
)
def test_wrong_usage_of_tokens(desk, arguments, code):
    assert desk.inside("token", *arguments).code == code


def test_the_token_says_who_acts(served, home, desk):
    calling = Caller(served.url, token_of(home, "丁"), desk.code)
    account = calling.open(person(801))
    assert desk.log.history(UUID(account))[0].actor == "丁"
    reversal = {"reason": "重复", "reviewer": "丁"}
    version = calling.pay(account)["version"]
    told_as_problem(calling.post(f"/accounts/{account}/entries/{version}/reversal", reversal), 422, "SAME_PERSON")
    calling.client.close()


def test_a_body_has_a_size(caller):
    big = json.dumps(opening(person(802), name="x" * 70_000)).encode()
    path, key = f"{caller.base}/accounts", {"Idempotency-Key": str(uuid4())}
    told_as_problem(caller.client.post(path, content=big, headers=key), 413, "TOO_LARGE")
    told_as_problem(caller.client.post(path, content=iter([big[:40_000], big[40_000:]]), headers=key), 413, "TOO_LARGE")
    assert caller.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'"x"', b"null", b'{"number": "\\ud800"}', b"[" * 20_000])
def test_a_body_is_json(caller, body):
    key = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    told_as_problem(caller.client.post(f"{caller.base}/accounts", content=body, headers=key), 422, "INVALID_REQUEST")


def test_a_body_of_another_type_is_refused(caller):
    key = {"Idempotency-Key": str(uuid4()), "Content-Type": "text/plain"}
    body = json.dumps(opening(person(803))).encode()
    told_as_problem(caller.client.post(f"{caller.base}/accounts", content=body, headers=key), 422, "INVALID_REQUEST")


def test_addresses_and_methods_that_are_none(caller):
    told_as_problem(caller.client.get("/v1/nothing"), 404, "NOT_FOUND")
    told_as_problem(caller.client.get("/"), 404, "NOT_FOUND")
    wrong = caller.client.delete(f"{caller.base}/balances")
    told_as_problem(wrong, 405, "METHOD")
    assert wrong.headers["allow"] == "GET"


def test_health_is_told_to_everybody(served):
    for path in ("/healthz", "/readyz"):
        answer = bare(served, path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_request_is_one_line_without_what_it_said(served, caller, desk):
    somebody = person(804)
    account = caller.open(somebody)
    told = caller.post(f"/accounts/{account}/entries", payment("77.77"), headers={"X-Request-Id": "line-1"})
    caller.client.get(f"{caller.base}/accounts/{somebody.number}/events?known_at={somebody.number}&x={somebody.name}")
    caller.client.get(f"/v1/pools/{somebody.number}/balances")
    caller.client.get(f"/{somebody.name}/{somebody.number}")
    (line,) = [one for one in served.lines() if one["request_id"] == "line-1"]
    assert (line["method"], line["status"], line["pool"], line["actor"]) == ("POST", 201, desk.code, "甲")
    assert line["route"] == "/v1/pools/{pool}/accounts/{account}/entries"
    assert line["level"] == "info"
    assert line["ms"] > 0
    assert told.headers["x-request-id"] == "line-1"
    written = served.journal.read_text("utf-8")
    for secret in (somebody.number, somebody.name, "77.77", account):
        assert secret not in written
