"""Payments that failed, through the installed command: taken in without anybody's identity, followed to their end."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger.desk.coalesce import PoolWriter, Writers
from ledger.desk.commands import CloseAccount, EraseParticipant
from ledger.jobs.tax_rows import FAILURE_COLUMNS, NAMELESS_CAUSE
from ledger.words import new_id
from tests.api.cli.desk import Desk, Ended, Person, person

KNOWN, STRANGER = person(851, "欧阳未成"), person(852, "司徒未录")
COLUMNS = (*FAILURE_COLUMNS, "电子税票号码", "手机")


@pytest.fixture
def desk(open_desk) -> Desk:
    made = open_desk("neimenggu")
    made.enrol(KNOWN)
    made.people[STRANGER.number] = STRANGER
    return made


def row(who: Person, **cells: object) -> dict[str, object]:
    plain = {
        "公民身份号码": who.number, "姓名": who.name, "费款所属期": "2025", "征收品目": "个人缴费", "金额": "200.00",
        "失败原因": "扣款失败", "日期": "2025-03-10", "传输批次号": "B1", "手机": "13800000000",
    }  # fmt: skip
    return {**plain, **cells}


ROWS = [
    row(KNOWN),
    row(STRANGER, 失败原因=f"{STRANGER.name}账户不符", 电子税票号码="T1"),
    row(KNOWN, 姓名="欧阳未城", 金额="300.00"),
    row(KNOWN, 传输批次号="B2"),
    row(KNOWN, 公民身份号码="15000019900101"),
    row(KNOWN, 日期="昨天"),
]


def take_in(desk: Desk, *more: object, inside: bool = True) -> Ended:
    file = desk.table("failed.csv", ROWS, COLUMNS)
    way = desk.inside if inside else desk.ledger
    return way("tax", "failed", "import", file, "--pool", desk.code, "--actor", "甲", "--json", *more)


def listed(desk: Desk, *more: object) -> list[Any]:
    return desk.inside("tax", "failed", "list", "--pool", desk.code, "--json", *more).json


def step(desk: Desk, word: str, case: str, *more: object, inside: bool = True) -> Ended:
    way = desk.inside if inside else desk.ledger
    return way("tax", "failed", word, "--pool", desk.code, "--case", case, "--actor", "甲", "--json", *more)


def test_failures_are_taken_in_once_and_name_nobody(desk):
    tried = take_in(desk, "--dry-run")
    assert (tried.code, listed(desk)) == (2, [])
    ended = take_in(desk, inside=False)
    assert (ended.code, ended.json) == (2, {**tried.json, "dry_run": False})
    assert ended.json["reasons"] == {"DATE": 1, "IDENTITY_FAULT": 1}
    results = desk.results(desk.folder / "failed.csv")
    assert [one.reason or one.outcome for one in results] == [
        "已登记", "已登记", "已登记", "已存在", "IDENTITY_FAULT", "DATE"
    ]  # fmt: skip
    assert ("没有该参保人" in results[1].text, "姓名与参保登记不一致" in results[2].text) == (True, True)
    again = take_in(desk)
    assert (again.json["recorded"], again.json["already_there"]) == (0, 4)
    rows = desk.query("SELECT * FROM {payment_failure} ORDER BY line")
    assert len(rows) == 3
    for one in (KNOWN, STRANGER):
        assert one.number not in str(rows)
        assert one.name not in str(rows)
    told = listed(desk)
    assert [one["participant"] for one in told] == [
        str(desk.state(KNOWN).participant), None, str(desk.state(KNOWN).participant)
    ]  # fmt: skip
    assert [one["cause"] for one in told] == ["扣款失败", NAMELESS_CAUSE, "扣款失败"]
    desk.enrol(STRANGER)
    assert listed(desk)[1]["participant"] == str(desk.state(STRANGER).participant)
    assert take_in(desk).json["already_there"] == 4


def test_a_case_is_followed_to_its_end_by_two_people(desk):
    take_in(desk)
    case = listed(desk)[0]["case"]
    assert "FAILURE_STATE" in step(desk, "explain", case, "--reason", "账号有误").err
    assert "FAILURE_UNKNOWN" in step(desk, "explain", str(new_id()), "--reason", "账号有误").err
    assert step(desk, "explain", KNOWN.number, "--reason", "账号有误").code == 64
    assigning = ("--owner", "丙", "--due", "2025-03-20", "--command-id", str(new_id()))
    assigned = step(desk, "assign", case, *assigning, inside=False)
    assert (assigned.code, assigned.json["status"], assigned.json["sequence"]) == (0, "assigned", 1)
    assert step(desk, "assign", case, *assigning).json == assigned.json
    assert "COMMAND_ID" in step(desk, "assign", case, "--owner", "丁", *assigning[2:]).err
    assert (listed(desk)[0]["owner"], listed(desk)[0]["overdue"]) == ("丙", True)
    assert "ROW_FAULT" in step(desk, "explain", case, "--reason", f"{KNOWN.name}换卡").err
    assert step(desk, "explain", case, "--reason", "换卡").code == 0
    closing = ("--reason", "已另行缴费")
    assert "SAME_PERSON" in step(desk, "close", case, *closing, "--reviewer", "甲").err
    assert step(desk, "close", case, *closing, "--reviewer", "乙", "--dry-run").json["dry_run"] is True
    assert listed(desk)[0]["status"] == "explained"
    assert step(desk, "close", case, *closing, "--reviewer", "乙").code == 0
    assert "FAILURE_STATE" in step(desk, "assign", case, *assigning[:4]).err
    told = listed(desk)[0]
    assert (told["status"], told["reason"], [one["step"] for one in told["steps"]]) == (
        "closed", "已另行缴费", ["assigned", "explained", "closed"],
    )  # fmt: skip
    assert (told["steps"][2]["actor"], told["steps"][2]["reviewer"]) == ("甲", "乙")
    assert len(listed(desk, "--open")) == 2
    assert "未登记人员" in desk.inside("tax", "failed", "list", "--pool", desk.code).out


def test_an_erasure_takes_the_digest_along(desk):
    take_in(desk)
    desk.enrol(STRANGER)
    who, digest = desk.state(STRANGER).participant, desk.register.digest(STRANGER.number)
    assert desk.query("SELECT count(*) FROM {payment_failure} WHERE digest = %s", digest) == [(1,)]
    hands = {"actor": "甲", "reviewer": "乙"}
    writers = Writers()
    counter = PoolWriter(desk.log, desk.register, writers)
    counter.ask(
        CloseAccount(**hands, command_id=new_id(), account=desk.account(STRANGER), on=date(2025, 12, 4), reason="死亡")
    )
    counter.ask(EraseParticipant(**hands, command_id=new_id(), number=STRANGER.number, reason="继承人书面申请"))
    writers.close()
    assert desk.query("SELECT count(*) FROM {payment_failure} WHERE digest IS NOT NULL") == [(0,)]
    assert listed(desk)[1]["participant"] == str(who)
