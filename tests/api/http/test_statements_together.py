"""Statements read together are those read alone, whoever asks, however, and whatever is recorded meanwhile."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID, uuid4

import pytest

from projections.many_statements import Wanted, many_statements, standings
from projections.statement import statement
from tests.api.cli.desk import person
from tests.api.http.serving import told_as_problem


@pytest.fixture(scope="module")
def accounts(caller, desk):
    """Accounts with late money, reversals, interest, an end; 2022 and 2023 are credited."""
    opened = [caller.open(person(sequence)) for sequence in range(400, 412)]
    for year in (2022, 2023):
        desk.set("rate", year, "0.0250")
    for account, year in itertools.product(opened, (2022, 2023)):
        caller.pay(account, "100.00", treasury_on=f"{year}-04-01", period=year)
    desk.credit(2022, 2023)
    for account in opened[:4]:
        late = caller.pay(account, "33.00", treasury_on="2022-12-31", period=2022)
        body = {"reason": "重复", "reviewer": "乙"}
        assert (
            caller.post(f"/accounts/{account}/entries/{late['events'][0]['version']}/reversal", body).status_code == 201
        )
    desk.set("rate", 2024, "0.0200")
    ended = caller.post(f"/accounts/{opened[0]}/closure", {"on": "2024-03-01", "reviewer": "乙", "reason": "死亡"})
    assert ended.status_code == 201, ended.text
    return opened


def test_they_are_those_read_alone(desk, accounts):
    days = (None, date(2022, 6, 30), date(2023, 12, 31))
    wanted = {Wanted(one, year, day) for one in accounts for year in (2021, 2022, 2023, 2024) for day in days}
    known, standing = standings(desk.log, {one.account for one in wanted} | {str(uuid4())})
    assert set(standing) == {one.account for one in wanted}
    told = many_statements(desk.log, known, {one: standing[one.account] for one in wanted})
    assert set(told) == wanted
    for one in wanted:
        alone = statement(
            desk.log,
            UUID(one.account),
            *one[1:],
            known_at=str(known.position),
            register_versions=desk.register.versions,
        )
        assert told[one] == alone


def test_they_are_read_as_well_while_events_wait_to_be_folded(caller, desk, accounts):
    """Without the runner's help: the read folds what it needs, and tells what is known at its position."""
    desk.pay(*(desk.payment(person(401), f"F{number}") for number in range(3)))
    known, standing = standings(desk.log, [accounts[1]])
    one = Wanted(accounts[1], 2023)
    told = many_statements(desk.log, known, {one: standing[one.account]})[one]
    assert known.position == desk.position()
    alone = statement(desk.log, UUID(accounts[1]), 2023, None, str(known.position), desk.register.versions)
    assert told == alone


def test_a_plain_question_is_answered_as_any_other(caller, accounts):
    """At the door and by the route: the same bytes, tag and headers."""
    for account, year in itertools.product(accounts[:3], (2022, 2024)):
        path = f"{caller.base}/accounts/{account}/statement"
        plain = caller.client.get(f"{path}?year={year}")
        routed = caller.client.get(f"{path}?year={year}&limit=1")
        alone = caller.client.get(f"{path}?year={year}&known_at={plain.json()['position']}")
        assert plain.content == routed.content == alone.content
        for answer in (routed, alone):
            names = set(answer.headers) - {"date", "x-request-id"}
            assert {name: plain.headers[name] for name in names} == {name: answer.headers[name] for name in names}
        tag = {"If-None-Match": plain.headers["etag"]}
        assert caller.client.get(f"{path}?year={year}", headers=tag).status_code == 304
        assert caller.client.get(f"{path}?year={year}&limit=1", headers=tag).status_code == 304


def test_a_plain_question_is_refused_as_any_other(caller, accounts):
    told_as_problem(caller.client.get(f"{caller.base}/accounts/{uuid4()}/statement?year=2023"), 404, "UNKNOWN_ACCOUNT")
    unknown = f"/v1/pools/999999/accounts/{accounts[0]}/statement?year=2023"
    told_as_problem(caller.client.get(unknown), 404, "UNKNOWN_POOL")
    for year in ("1989", "2101"):
        refused = caller.client.get(f"{caller.base}/accounts/{accounts[0]}/statement?year={year}")
        told_as_problem(refused, 422, "INVALID_REQUEST")


def test_everybody_sees_what_they_wrote_while_others_read_and_write(caller, accounts):
    """No read is older than its question, kept statements included."""

    def pay_and_read(account):
        before = caller.client.get(f"{caller.base}/accounts/{account}/statement?year=2025").json()
        for number in range(1, 9):
            done = caller.pay(account, "1.00", treasury_on="2025-05-05", period=2025)
            told = caller.client.get(f"{caller.base}/accounts/{account}/statement?year=2025").json()
            assert told["position"] >= done["position"] > before["position"]
            assert len(told["entries"]) == number
            assert float(told["closing"]) == float(before["closing"]) + number

    with ThreadPoolExecutor(8) as many:
        list(many.map(pay_and_read, accounts[1:9]))
