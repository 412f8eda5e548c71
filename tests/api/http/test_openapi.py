"""The description of the interface: committed, served without an outside host, and true of the real server."""

import json
import re
import time
from contextlib import suppress
from pathlib import Path
from unittest import SkipTest
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.http.openapi import description
from tests.api.cli.desk import person
from tests.api.cli.village import PAYER
from tests.api.http.walking import Portal, row

PEOPLE = (person(310), person(311))
COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
SCHEMA = json.loads(COMMITTED.read_text("utf-8"))
OPERATIONS = sorted((path, method) for path, methods in SCHEMA["paths"].items() for method in methods)
SECONDS_MAX = 1.5
"""For each operation and way of generating; about three quarters of a minute together."""
ASKED_MIN = 5
"""However slow the machine is."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def test_the_description_is_the_committed_one():
    """`python -m api.http.openapi > docs/openapi.json` after a change."""
    assert description() == COMMITTED.read_text("utf-8")


def test_every_operation_of_the_issue_is_there():
    account = "/v1/pools/{pool}/accounts/{account}"
    month = "/v1/pools/{pool}/reconciliations/{month}"
    payer, plan = "/v1/pools/{pool}/payers/{code}", "/v1/pools/{pool}/plans/{plan}"
    assert set(OPERATIONS) == {
        ("/v1/pools/{pool}/accounts", "post"),
        (f"{account}/entries", "post"),
        (f"{account}/entries/{{version}}/reversal", "post"),
        (f"{account}/closure", "post"),
        (account, "get"),
        (f"{account}/statement", "get"),
        (f"{account}/events", "get"),
        ("/v1/pools/{pool}/balances", "get"),
        ("/v1/pools/{pool}/payers", "post"),
        ("/v1/pools/{pool}/payers", "get"),
        (payer, "get"),
        (f"{payer}/confirmation", "post"),
        (f"{payer}/members", "post"),
        ("/v1/pools/{pool}/admitted-villages", "post"),
        ("/v1/pools/{pool}/statuses", "post"),
        ("/v1/pools/{pool}/plans", "post"),
        ("/v1/pools/{pool}/plans", "get"),
        (plan, "get"),
        (f"{plan}/steps", "post"),
        (f"{plan}/closure", "post"),
        (f"{plan}/rosters/{{roster}}", "get"),
        (f"{plan}/rosters/{{roster}}/return", "post"),
        (month, "get"),
        (f"{month}/differences", "get"),
        (f"{month}/fold", "post"),
        (f"{month}/explanations", "post"),
        (f"{month}/assignments", "post"),
        (f"{month}/resolutions", "post"),
        (f"{month}/signatures", "post"),
        (f"{month}/reopenings", "post"),
        ("/healthz", "get"),
        ("/readyz", "get"),
    }


def test_every_field_has_a_chinese_title():
    chinese = re.compile("[\u4e00-\u9fff]")
    for name, schema in SCHEMA["components"]["schemas"].items():
        for field, one in schema.get("properties", {}).items():
            assert chinese.search(one["title"]), f"{name}.{field}"
    for path, method in OPERATIONS:
        for one in SCHEMA["paths"][path][method].get("parameters", []):
            assert chinese.search(one["schema"]["title"]), f"{method} {path} {one['name']}"


def test_the_page_needs_no_other_host(served):
    page = httpx.get(served.url + "/docs")
    assert page.status_code == 200
    assert not re.search(r"(?:src|href|url|@import)[=(\s]*[\"']?(?:https?:)?//", page.text)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for path, method in OPERATIONS:
        assert f"{method.upper()} {path}" in page.text
    assert httpx.get(served.url + "/openapi.json").json() == SCHEMA


@pytest.fixture(scope="module")
def account(caller):
    made = caller.open(person(301))
    for _ in range(4):
        caller.pay(made)
    return made


@pytest.fixture(scope="module")
def real(desk, caller, account):
    """What is there: an account with entries, a payer, a plan with a declared roster, a reconciled month."""
    portal = Portal(caller, (caller, caller))
    portal.ready(desk, PEOPLE)
    plan = portal.plan()
    answer = portal.declare(plan, [row(one) for one in PEOPLE])
    assert answer.status_code == 201, answer.text
    assert caller.post("/reconciliations/2025-02/fold", {}).status_code == 200
    return {
        "pool": desk.code,
        "account": account,
        "code": PAYER,
        "plan": plan,
        "roster": answer.json()["roster"],
        "month": "2025-02",
    }


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one[1]} {one[0]}")
def test_the_server_answers_as_described(served, token, desk, real, operation, mode):
    """Whatever is sent: no 5xx, and no status, header or body that is not described."""
    path, method = operation
    described = schemathesis.openapi.from_dict(SCHEMA)[path][method]
    if mode is GenerationMode.NEGATIVE and not (described.path_parameters or described.body):
        pytest.skip("nothing to send")
    until = time.monotonic() + SECONDS_MAX
    headers = {"Authorization": f"Bearer {token}"}
    head = desk.position()
    asked: list[str] = []
    found: list[BaseException] = []

    @given(case=described.as_strategy(mode), there=st.booleans(), deep=st.booleans())
    @settings(
        max_examples=6, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # to make what fails smaller takes a minute for each operation
    )  # fmt: skip
    def check(case, there, deep):
        if time.monotonic() > until and len(asked) >= ASKED_MIN and not found:
            raise SkipTest  # whoever only returned would have the rest made up, to no end
        asked.append(case.path)
        for name in set(case.path_parameters) & set(real):
            if there or (deep and name == "pool"):
                case.path_parameters[name] = real[name]
        if case.headers and "Idempotency-Key" in case.headers and deep:
            case.headers["Idempotency-Key"] = str(uuid4())
        waits = (case.query or {}).get("wait_for")
        if isinstance(waits, int) and waits > head:  # would be answered 503, as it must be
            case.query["wait_for"] = head
        answer = case.call(base_url=served.url, headers=headers, timeout=30)
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseException as failure:  # is asked once more before it is told
            found.append(failure)
            raise

    with suppress(SkipTest):
        check()
