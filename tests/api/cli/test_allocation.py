"""What no account has, how it gets there by hand, and what is booked later by itself: through the commands."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from ledger.desk import allocating
from ledger.desk.coalesce import PoolWriter, Writers
from ledger.desk.commands import CloseAccount, Command, EraseParticipant
from ledger.store.plans import Plans
from projections.reconciliation import months_due
from projections.verify import verify
from tests.api.cli.desk import COMMAND, Desk, Ended, environment, person
from tests.api.cli.village import PAYER, Village
from tests.properties.tax_rows import RECEIVABLE

KNOWN, FULL, LATE, STRANGER, OTHER = (person(720 + place) for place in range(5))
AID = {"征收品目": "集体补助"}
BY_HAND = ("--reason", "对账后补划", "--actor", "经办甲", "--reviewer", "复核乙")


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    """KNOWN owes 300 yuan of collective subsidy for 2025 that STRANGER paid; more payments wait for other reasons."""
    made = open_desk("neimenggu")
    made.set("cap", 2025, "1000.00")
    made.set("rate", 2025, "0.0150")
    made.enrol(KNOWN, FULL)
    made.enrol(OTHER, 旗县="白县")
    due = (
        "A1", KNOWN.number, KNOWN.name, "2025", "集体补助", "正常应缴", "300.00", "2025-03-03", "新增",
    )  # fmt: skip
    file = made.table("due.csv", [dict(zip(RECEIVABLE, due, strict=True))], RECEIVABLE)
    made.prepare(
        "tax", "receivables", "import", file, "--pool", made.code, "--actor", "甲", "--reviewer", "乙"
    )  # fmt: skip
    on = "2025-03-12"
    made.pay(
        made.payment(STRANGER, "S1", "300.00", on, **AID, 统筹区编码=""),
        made.payment(FULL, "S2", "1200.00", on, **AID),
        made.payment(LATE, "S3", "200.00", on),
        made.payment(KNOWN, "S4", "200.00", on, 统筹区编码="159999"),
        made.payment(LATE, "S5", "50.00", on),
        made.payment(LATE, "S5", "50.00", on, 数据类型="撤销"),
        made.payment(KNOWN, "S6", "60.00", on),
        made.payment(KNOWN, "S7", "70.00", on, 费款所属期="何年"),
        code=2,
    )
    return made


def tax(desk: Desk, command: str, *more: object, inside: bool = False) -> Ended:
    way = desk.inside if inside else desk.ledger
    return way("tax", command, "--pool", desk.code, *more, "--json")


def allocate(desk: Desk, serial: str, who: Any, *more: object, county: str = "青县", inside: bool = True) -> Ended:
    said = ("--serial", serial, "--account", desk.account(who), "--county", county, *BY_HAND)
    return tax(desk, "allocate", *said, *more, inside=inside)


def reconcile(desk: Desk) -> Any:
    return tax(desk, "reconcile", "--month", "2025-03", inside=True).json


def open_serials(desk: Desk, *more: object) -> dict[str, Any]:
    ended = tax(desk, "unallocated", *more, inside=True)
    return {one["serial"]: one for one in ended.json["rows"]}


def require_clean(desk: Desk) -> None:
    ended = desk.inside("projections", "verify", "--pool", desk.code)
    assert ended.code == 0, ended


def ask(desk: Desk, command: Command) -> None:
    writers = Writers()
    try:
        PoolWriter(desk.log, desk.register, writers).ask(command)
    finally:
        writers.close()


def test_what_no_account_has(desk):
    ended = tax(desk, "unallocated", "--on", "2025-03-18")
    assert ended.code == 3, ended
    for one in desk.people.values():
        assert one.number not in ended.out + ended.err
        assert one.name not in ended.out + ended.err
    said = ended.json
    assert [(one["serial"], one["reason"], one["amount"], one["due"], one["forward"]) for one in said["rows"]] == [
        ("S1", "UNKNOWN_PERSON", "300.00", True, False),
        ("S2", "OVER_CAP", "1200.00", True, False),
        ("S3", "UNKNOWN_PERSON", "200.00", True, False),
        ("S4", "OTHER_POOL", "200.00", False, True),
    ]
    first = said["rows"][0]
    assert (first["voucher"], first["item"], first["period"], first["line"]) == ("TS1", "collective_subsidy", 2025, 2)
    assert (first["working_days"], first["provisional"], first["paid_on"]) == (4, False, "2025-03-12")
    assert "登记" in first["why"]
    assert (said["count"], said["amount"], said["due"], said["due_amount"]) == (4, "1900.00", 3, "1700.00")
    assert (said["forward"], said["unreadable"]) == (1, 1)
    assert said["unreadable_rows"] == [{"file": first["file"], "line": 9}]
    on_time = tax(desk, "unallocated", "--on", "2025-03-17", inside=True)
    assert (on_time.code, len(on_time.json["rows"])) == (0, 4)
    assert open_serials(desk, "--on", "2025-03-18", "--older-than", "4") == {}
    text = desk.inside("tax", "unallocated", "--pool", desk.code, "--on", "2025-03-18").out
    assert "S1  税票TS1  集体补助 2025年度 300.00元" in text
    assert f"4个工作日，逾期  （文件 {first['file'][:12]} 第2行）" in text
    assert "未划入账户 4笔 1900.00元，其中逾期 3笔 1700.00元，应转交其他统筹区 1笔" in text
    assert f"无法读取：文件 {first['file']} 第9行" in text
    desk.set("tax.allocation_days", 2025, "4")
    patient = tax(desk, "unallocated", "--on", "2025-03-18", inside=True)
    assert (patient.code, patient.json["due"]) == (0, 0)
    view = reconcile(desk)
    assert view["unallocated"] == {"rows": 3, "amount": "1700.00"}  # what is another pool's counts apart there


def test_by_hand_after_the_reconciliation(desk):
    assert "MONTH_STALE" not in (early := allocate(desk, "S1", KNOWN)).out
    assert early.code == 1
    assert "先以 tax reconcile 对账该月" in early.err
    before = reconcile(desk)
    assert sorted(one["amount"] for one in before["differences"] if one["category"] == "PERSON") == [
        "-300.00", "200.00", "300.00",
    ]  # fmt: skip
    for serial, who, county, text in (
        ("S9", KNOWN, "青县", "须为已收到的缴费明细"),
        ("S4", KNOWN, "青县", "只记本统筹区的款项"),
        ("S5", KNOWN, "青县", "税务已撤销"),
        ("S6", KNOWN, "青县", "只划账一次"),
        ("S1", OTHER, "青县", "附件1 四（七）"),
        ("S1", KNOWN, "黑县", "须为本统筹区已有的旗县"),
        ("S2", KNOWN, "青县", "只划入其本人账户"),
        ("S2", FULL, "青县", "最高缴费档次"),
    ):
        refused = allocate(desk, serial, who, county=county)
        assert refused.code == 1, refused
        assert text in refused.err
    for words in (f"为{KNOWN.name}补划", f"代{STRANGER.name}缴", f"代{STRANGER.number}缴"):
        named = allocate(desk, "S1", KNOWN, "--reason", words)
        assert (named.code, "--reason" in named.err) == (1, True)
    again = ("--command-id", uuid4())
    tried = allocate(desk, "S1", KNOWN, *again, "--dry-run")
    assert (tried.code, tried.json["dry_run"]) == (0, True)
    assert desk.fen(KNOWN) == 60_00
    done = allocate(desk, "S1", KNOWN, *again, inside=False)
    assert done.code == 0, done
    assert allocate(desk, "S1", KNOWN, *again).json == done.json
    assert desk.fen(KNOWN) == 360_00
    assert "账户" in allocate(desk, "S1", KNOWN).err
    event = desk.history(KNOWN)[-1]
    assert (event.serial, event.voucher, event.year, event.effective_on) == ("S1", "TS1", 2025, date(2025, 3, 12))
    assert (event.actor, event.reviewer) == ("经办甲", "复核乙")
    assert event.cause.endswith(f"#2 {desk.code}.01: 对账后补划")
    assert allocate(desk, "S3", FULL, county=f"{desk.code}.01").code == 0  # no file came since the month was compared
    assert months_due(desk.log, date(2025, 3, 1)) == [date(2025, 3, 1)]
    after = reconcile(desk)
    assert [one for one in after["differences"] if one["category"] == "PERSON"] == []
    assert after["categories"]["MATCHED"]["rows"] == before["categories"]["MATCHED"]["rows"] + 2
    assert after["unallocated"] == {"rows": 1, "amount": "1200.00"}
    assert set(open_serials(desk)) == {"S2", "S4"}
    require_clean(desk)
    with desk.log.connections.connection() as connection:  # a row that says something else than what was allocated
        connection.execute(desk.log.sql("UPDATE {exchange_record} SET fen = fen + 1 WHERE serial = 'S1'"))
    assert "record_ended" in {one.kind for one in verify(desk.log)}


def test_a_reversal_and_a_single_entry_make_the_month_due_and_an_erasure_leaves_it_allocated(desk):
    reconcile(desk)
    assert allocate(desk, "S1", KNOWN).code == 0
    reconcile(desk)
    account = desk.account(KNOWN)
    for version in (2, 3):
        desk.prepare(
            "entry", "reverse", "--pool", desk.code, "--account", account, "--version", version, "--reason", "划错",
            "--actor", "甲", "--reviewer", "乙",
        )  # fmt: skip
        assert months_due(desk.log, date(2025, 3, 1)) == [date(2025, 3, 1)]
        days = {one["item"]: one["ledger"] for one in reconcile(desk)["days"]}
        assert days["contribution" if version == 2 else "collective_subsidy"] == "0.00"
    desk.prepare(
        "entry", "record", "--pool", desk.code, "--account", desk.account(FULL), "--kind", "contribution", "--amount",
        "200.00", "--on", "2025-03-12", "--paid-on", "2025-03-12", "--serial", "S3", "--voucher", "TS3", "--actor",
        "甲",
    )  # fmt: skip
    assert months_due(desk.log, date(2025, 3, 1)) == [date(2025, 3, 1)]
    two = {"actor": "甲", "reviewer": "乙"}
    ask(desk, CloseAccount(command_id=uuid4(), account=account, on=date(2025, 6, 1), reason="注销", **two))
    ask(desk, EraseParticipant(command_id=uuid4(), number=KNOWN.number, reason="书面申请", **two))
    assert set(open_serials(desk)) == {"S2", "S4"}
    reconcile(desk)
    assert "只划账一次" in tax(
        desk, "allocate", "--serial", "S1", "--account", desk.account(FULL), "--county", "青县", *BY_HAND, inside=True
    ).err  # fmt: skip
    require_clean(desk)


def test_two_at_once_put_it_there_once(desk):
    reconcile(desk)
    position = desk.position()
    accounts = [desk.account(KNOWN), desk.account(FULL)] * 2
    running = [
        subprocess.Popen(
            [str(COMMAND), "tax", "allocate", "--pool", desk.code, "--serial", "S1", "--account", str(account),
             "--county", "青县", *BY_HAND, "--json"],
            env=environment(desk.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for account in accounts
    ]  # fmt: skip
    said = [one.communicate(timeout=120) for one in running]
    recorded = [json.loads(out) for out, _ in said if out and json.loads(out)["events"]]
    assert len(recorded) == 1
    for one, (out, err) in zip(running, said, strict=True):
        if not out:
            assert one.returncode == 1
            assert "只划账一次" in err.decode()
    assert desk.position() == position + 1
    assert desk.fen(KNOWN) + desk.fen(FULL) == 60_00 + 300_00
    require_clean(desk)


def test_what_another_hand_did_under_the_same_id_meanwhile_is_its_answer(desk, monkeypatch):
    reconcile(desk)
    serial, find, met = "S1", allocating.find_rows, []
    again = ("--command-id", uuid4())

    def meeting(*given: Any) -> Any:
        if not met:
            met.append(None)
            met.append(allocate(desk, serial, KNOWN, *again))
        return find(*given)

    monkeypatch.setattr(allocating, "find_rows", meeting)
    told, first = allocate(desk, serial, KNOWN, *again), met[1]
    assert (first.code, told.code, told.json) == (0, 0, first.json), (first, told)


def test_what_waited_for_a_person_or_a_figure_is_booked_once(desk):
    desk.enrol(LATE)
    file = desk.payments([desk.payment(LATE, "S8", "10.00", "2025-04-02")], "more.csv")
    assert "1笔" in desk.import_("payments", file, inside=True).err
    tried = tax(desk, "retry", "--actor", "甲", "--dry-run", inside=True)
    assert desk.fen(LATE) == 10_00
    assert tax(desk, "retry", "--actor", "甲", "--month", "2025-04", inside=True).json["count"] == 0
    done = tax(desk, "retry", "--actor", "甲")
    assert done.code == 2, done
    assert done.json == {**tried.json, "dry_run": False}
    rows = {one["serial"]: (one["ended"], one["reason"], one["line"]) for one in done.json["rows"]}
    assert rows == {"S2": ("refused", "OVER_CAP", 3), "S3": ("recorded", None, 4)}
    assert desk.fen(LATE) == 210_00
    assert desk.history(LATE)[-1].cause == f"file {done.json['rows'][1]['file']}#4"
    assert months_due(desk.log, date(2025, 3, 1)) == [date(2025, 3, 1)]
    desk.set("cap", 2025, "1500.00")
    last = tax(desk, "retry", "--actor", "甲", "--month", "2025-03", inside=True)
    assert (last.code, last.json["recorded"], last.json["stay"]) == (0, 1, 0)
    assert tax(desk, "retry", "--actor", "甲", inside=True).json["count"] == 0
    assert desk.fen(FULL) == 1200_00
    reconcile(desk)
    assert set(open_serials(desk)) == {"S1", "S4"}
    desk.pay(desk.payment(LATE, "S3", "200.00", "2025-03-12"))  # sent once more, it is already there
    assert desk.fen(LATE) == 210_00
    require_clean(desk)


def test_what_a_plan_holds_is_settled_by_hand_and_by_itself(open_desk):
    """The plan's own funds follow the account, whichever way the payment gets there."""
    village = Village(open_desk("ningxia"))
    village.plan_id, village.roster_id = village.reviewed()
    desk, on = village.desk, "2025-11-03"
    aid = {**AID, "来源单位": PAYER}
    desk.pay(
        desk.payment(STRANGER, "S1", "300.00", on, **aid), desk.payment(LATE, "S2", "300.00", on, **aid), code=2
    )  # fmt: skip

    def held() -> set[str]:
        state = Plans(desk.log).find(village.plan_id)
        assert state is not None
        return {one.serial for one in state.held}

    assert held() == {"S1", "S2"}
    assert {one["plan"] for one in open_serials(desk).values()} == {str(village.plan_id)}
    desk.prepare("tax", "reconcile", "--pool", desk.code, "--month", "2025-11", code=3)
    assert allocate(desk, "S1", village.people[0]).code == 0
    assert held() == {"S2"}
    desk.enrol(LATE)
    assert tax(desk, "retry", "--actor", "甲", inside=True).code == 0
    assert (held(), open_serials(desk)) == (set(), {})
    (event,) = [one for one in desk.history(LATE) if one.topic == "account.collective_subsidy_recorded"]
    assert (event.payer, event.serial, event.effect.total) == (PAYER, "S2", 300_00)
    require_clean(desk)
