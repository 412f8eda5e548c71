"""What people do with a reconciled month, through the commands: list, assign, explain, resolve, sign, open again."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ledger.desk.reconciliation import Explain, MonthDesk, Sign
from ledger.reconciliation_month import month_stream
from ledger.refusals import Refused
from ledger.store.log import PoolLog
from ledger.store.reconciliation_months import ReconciliationMonths
from projections.reconciliation_facts import POOL_AGENCY, age, facts_of
from projections.reconciliation_pages import differences
from projections.verify import verify
from tests.api.cli.desk import Desk, Ended
from tests.api.cli.test_reconciliation_cases import CASE, EVERYBODY, PEOPLE, Month
from tests.properties.tax_rows import PAYMENT, RECEIVABLE

MARCH = date(2025, 3, 1)
TWO = ("--actor", "甲", "--reviewer", "乙")


class Room:
    """The month of the stored case, where people work on it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        Month(desk, CASE["agency"], CASE["tax"])
        desk.prepare("tax", "reconcile", "--pool", desk.code, "--month", "2025-04")

    def tax(self, *words: object, month: str = "2025-03", installed: bool = False) -> Ended:
        """A command of `tax` about the month; its console never says who anybody is."""
        way = self.desk.ledger if installed else self.desk.inside
        ended = way("tax", *words, "--pool", self.desk.code, "--month", month)
        for one in EVERYBODY.values():
            assert one.number not in ended.out + ended.err
            assert one.name not in ended.out + ended.err
        return ended

    def listed(self, *words: object) -> list[dict[str, Any]]:
        ended = self.tax("differences", "list", *words, "--json")
        told: list[dict[str, Any]] = ended.json["differences"]
        undone = [one for one in told if one["status"] in ("open", "assigned")]
        assert (ended.code, ended.json["open"]) == (3 if undone else 0, len(undone)), ended
        return told

    def one(self, category: str) -> dict[str, Any]:
        """The only difference of a category, or the first of it."""
        return self.listed("--category", category)[0]

    def explain_all(self) -> None:
        for category in {one["category"] for one in self.listed() if one["status"] in ("open", "assigned")}:
            ended = self.tax("differences", "explain", "--category", category, "--reason", "已核对", "--actor", "甲")
            assert ended.code == 0, ended

    def sign(self, *words: object, document: str = "对账单1", installed: bool = False) -> Ended:
        return self.tax("sign", "--tax-side", "税务方丙", "--document", document, *TWO, *words, installed=installed)

    def paid(self, name: str, *said: tuple[str, str, str, str]) -> Path:
        """A file of payments (serial, person, yuan, treasury entry)."""
        rows = [
            dict(zip(PAYMENT, (serial, f"V{serial}", EVERYBODY[who].number, EVERYBODY[who].name, "2025", "个人缴费",
                               "正常应缴", yuan, on, on, "新增", "B9"), strict=True))
            for serial, who, yuan, on in said
        ]  # fmt: skip
        return self.desk.table(name, rows, PAYMENT)

    def pay(self, path: Path, *words: object) -> Ended:
        return self.desk.import_("payments", path, "--json", *words, inside=True)

    def month(self) -> Any:
        return ReconciliationMonths(self.desk.log).find(MARCH)


@pytest.fixture(scope="module")
def read(open_desk: Callable[..., Desk]) -> Room:
    """A month of which nobody has spoken yet; the tests that read it leave it so."""
    return Room(open_desk())


@pytest.fixture
def room(open_desk: Callable[..., Desk]) -> Room:
    return Room(open_desk())


def test_the_list_says_what_whose_and_how_old(read):
    """R-1 as people read it: a line each, the county of whoever it is about, nobody's name or number."""
    ended = read.tax("differences", "list", installed=True)
    assert ended.code == 3
    lines = ended.out.splitlines()
    assert len(lines) == 8
    (twice,) = (line for line in lines if "重复缴费" in line)
    assert "1000.00元  流水号 S6  青县  " in twice
    assert twice.endswith("  未办")
    (cut,) = (line for line in lines if "跨月入库" in line)
    assert cut.endswith("自行消除：2025年4月入库")
    strangers = [line for line in lines if "人员不符" in line]
    assert ["流水号 S8" in line for line in strangers].count(True) == 1
    assert any(f"  {POOL_AGENCY}  " in line for line in strangers)
    (owed, paid) = strangers
    assert f"疑与 {owed.split()[0]} 同一人" in paid
    assert f"疑与 {paid.split()[0]} 同一人" in owed
    told = read.listed()
    assert {one["owner"] for one in told if one["agency"]} == {"青县"}
    assert all(one["working_days"] == 0 for one in told), "its files came today"
    (difference, *_) = differences(read.desk.log, MARCH)
    assert age(difference._replace(received_at=None), MARCH, date(2025, 4, 7)) == 4, "清明 stands between"


def test_the_list_is_narrowed(read):
    assert [one["category"] for one in read.listed("--category", "PERIOD")] == ["PERIOD"]
    assert {one["status"] for one in read.listed("--status", "open")} == {"open"}
    assert read.listed("--status", "assigned") == read.listed("--comparison", "tax_treasury") == []
    assert sorted(one["category"] for one in read.listed("--owner", POOL_AGENCY)) == ["DUP_TRANSPORT", "PERSON"]
    owed, paid = sorted(read.listed("--category", "PERSON"), key=lambda one: one["amount"])
    assert {one["id"] for one in read.listed("--person-of", owed["id"])} == {owed["id"], paid["id"]}
    for wrong in (("--category", "HUM"), ("--status", "done"), ("--comparison", "x"), ("--person-of", "x")):
        assert read.tax("differences", "list", *wrong).code == 64
    other = read.tax("differences", "list", "--person-of", uuid4())
    assert (other.code, "DIFFERENCE_UNKNOWN" in other.err or "差异编号" in other.err) == (1, True)


def test_wrong_usage_says_nothing_of_the_month(read):
    whom, what = read.one("AMOUNT")["id"], ("--reason", "已核对", "--actor", "甲")
    before = read.desk.position()
    for chosen in ((), ("--id", whom, "--category", "AMOUNT"), ("--comparison", "tax_agency")):
        assert read.tax("differences", "explain", *chosen, *what).code == 64
    assert read.tax("differences", "explain", "--id", PEOPLE["A"].number, *what).code == 64
    for reason in (f"已与{PEOPLE['B'].name}核对", f"号码{PEOPLE['B'].number}"):
        ended = read.desk.inside(
            "tax", "differences", "explain", "--pool", read.desk.code, "--month", "2025-03", "--id", whom, "--reason",
            reason, "--actor", "甲",
        )  # fmt: skip
        assert (ended.code, "永久保存" in ended.err, PEOPLE["B"].name in ended.err) == (1, True, False)
    gone = read.tax("differences", "explain", "--id", read.one("CUTOFF")["id"], *what)
    assert (gone.code, "差异已了结的不再办理" in gone.err) == (1, True)
    assert read.desk.position() == before


def test_from_the_first_owner_to_both_signatures(room):
    """Every difference is assigned, explained or ended by a new event; then both sides sign; then nobody may."""
    tried = room.tax(
        "differences", "assign", "--category", "AMOUNT", "--owner", "青县社保", "--due-on", "2030-01-31", "--actor",
        "甲", "--dry-run",
    )  # fmt: skip
    assert (tried.code, "试算" in tried.out, room.month().version) == (0, True, 0)
    command = str(uuid4())
    assign = (
        "differences", "assign", "--category", "AMOUNT", "--owner", "青县社保", "--due-on", "2030-01-31", "--actor",
        "甲", "--command-id", command, "--json",
    )  # fmt: skip
    done = room.tax(*assign, installed=True)
    assert (done.code, done.json["version"], done.json["dry_run"]) == (0, 1, False)
    again = room.tax(*assign)
    assert (again.json, room.month().version) == (done.json, 1), "the same command again, though nothing is open now"
    assert room.tax(*(word if word != "青县社保" else "白县" for word in assign)).code == 1, "its id is taken"
    amount = room.one("AMOUNT")
    assert (amount["status"], amount["owner"], amount["due_on"]) == ("assigned", "青县社保", "2030-01-31")
    assert room.listed("--owner", "青县社保") == [amount]

    open_ = room.sign()
    assert (open_.code, "笔差异" in open_.err) == (1, True)

    twice = room.one("DUP_PAYMENT")
    account = str(room.desk.account(PEOPLE["E"]))
    booked = len(room.desk.history(PEOPLE["E"]))
    resolve = ("differences", "resolve", "--id", twice["id"], "--account", account, "--reason", "重复缴费已退", *TWO)
    for version, why in ((booked, "即差异本身"), (1, "差异只由缴费记账、冲正或退费了结"), (99, "没有这一笔记录")):
        no_ending = room.tax(*resolve, "--version", version)
        assert (no_ending.code, why in no_ending.err) == (1, True), no_ending
    room.desk.prepare(
        "entry", "record", "--pool", room.desk.code, "--account", account, "--kind", "refund", "--amount", "1000.00",
        "--on", "2025-04-20", "--reason", "重复缴费", "--actor", "甲",
    )  # fmt: skip
    assert room.tax(*resolve, "--version", booked + 1).code == 0
    told = room.one("DUP_PAYMENT")
    assert told["resolved_by"] == {"account": account, "version": booked + 1, "topic": "account.refunded"}
    assert (told["status"], told["reason"]) == ("resolved", "重复缴费已退")

    room.explain_all()
    assert {one["status"] for one in room.listed()} == {"explained", "resolved", "cleared"}
    assert room.one("AMOUNT")["owner"] == "青县社保"
    assert room.sign(installed=True, document="对账单1").code == 0
    second = room.sign()
    assert (second.code, "签认单对账单1" in second.err) == (1, True)
    late = room.tax("differences", "explain", "--id", amount["id"], "--reason", "另有", "--actor", "甲")
    assert (late.code, "已签认的月份不得改动" in late.err) == (1, True)
    reconciled = room.tax("reconcile", "--json")
    assert (reconciled.code, reconciled.json["late_rows"]) == (0, 0)
    signed = room.month().signed
    assert (signed.tax_side, signed.difference, signed.rows) == ("税务方丙", -200_00, 15)
    assert (signed.tax, signed.agency, signed.differences) == (3700_00, 3900_00, 8)

    history = room.tax("events", "--json").json["events"]
    assert [one["topic"].partition(".")[2] for one in history] == [
        "difference_assigned", "difference_resolved", *["difference_explained"] * 4, "signed",
    ]  # fmt: skip
    spoken = room.tax("events").out
    assert "对账签认" in spoken
    assert "金额不符1笔 100.00元：已核对" in spoken
    assert verify(room.desk.log) == []


def test_a_late_record_says_which_signed_months_it_touches(room):
    """It is booked and told; the month says so until it is opened again, and what is new in it must be explained."""
    room.explain_all()
    assert room.sign().code == 0
    rows = (
        ("S90", "F", "900.00", "2025-03-28"), ("S91", "A", "50.00", "2025-04-02"), ("S92", "B", "20.00", "2025-03-29"),
        ("S93", "unknown", "30.00", "2025-03-27"),
    )  # fmt: skip
    path, told = room.paid("late.csv", *rows), [{"month": "2025-03", "rows": 3, "amount": "950.00"}]
    for words in (("--dry-run",), ()):
        ended = room.pay(path, *words)
        assert (ended.code, ended.json["recorded"], ended.json["signed_months"]) == (2, 3, told)
        assert ["已签认的2025年3月" in one.text for one in room.desk.results(path)] == [True, False, True, True]
    for words in (("--dry-run",), ()):
        again = room.pay(path, *words)
        told_again = again.json["already_there"], again.json["refused"], again.json["signed_months"]
        assert told_again == (3, 1, []), "the same file again brings nothing, nor does its refused row"
    due = dict(zip(RECEIVABLE, ("P90", PEOPLE["C"].number, PEOPLE["C"].name, "2025", "个人缴费", "正常应缴", "60.00",
                                "2025-03-31", "新增"), strict=True))  # fmt: skip
    file = room.desk.table("due.csv", [due], RECEIVABLE)
    words = ("tax", "receivables", "import", file, "--pool", room.desk.code, *TWO)
    dry = room.desk.inside(*words, "--json", "--dry-run")
    said = room.desk.ledger(*words)
    assert dry.json["signed_months"] == [{"month": "2025-03", "rows": 1, "amount": "60.00"}]
    assert (said.code, "涉及已签认的 2025-03 1行 60.00 元" in said.out) == (0, True)

    reconciled = room.tax("reconcile")
    assert (reconciled.code, "签认后又到达4行" in reconciled.out) == (3, True)
    assert room.tax("reconcile", "--json").json["late_rows"] == 4
    unpaid = [one for one in room.listed() if one["category"] == "AMOUNT"]
    assert {one["amount"]: one["status"] for one in unpaid} == {"100.00": "explained", "-100.00": "open"}
    assert room.sign().code == 1
    assert room.tax("reopen", "--reason", "又到三行", *TWO).code == 0
    assert (room.sign().code, room.tax("reopen", "--reason", "再开", *TWO).code) == (1, 1)
    room.explain_all()
    assert room.sign(document="对账单2").code == 0
    assert room.tax("reconcile").code == 0
    assert room.month().signed.rows == 19
    again = room.pay(room.paid("again.csv", rows[0]))
    assert (again.json["already_there"], again.json["signed_months"]) == (1, [])
    assert room.tax("reconcile").code == 0, "a repetition is no late record"


def test_sums_are_explained_or_put_right_and_not_resolved(room):
    """A statement that is corrected clears its difference at the next reconciliation; what was said of it stands."""
    title = ("日期", "征收品目", "笔数", "金额")

    def statement(name: str, fen: str) -> Path:
        rows = [{"日期": "2025-03-05", "征收品目": "个人缴费", "笔数": "1", "金额": fen}]
        return room.desk.table(name, rows, title)

    words = ("tax", "totals", "import", "--pool", room.desk.code, "--source", "treasury", "--actor", "甲")
    taken = room.desk.inside(*words, statement("t1.csv", "400.00"))
    assert taken.code in (0, 3), taken
    room.tax("reconcile")
    (sums, *_) = [one for one in room.listed("--comparison", "tax_treasury") if one["amount"] == "100.00"]
    assert sums["owner"] == POOL_AGENCY
    account = room.desk.account(PEOPLE["E"])
    refused = room.tax(
        "differences", "resolve", "--id", sums["id"], "--account", account, "--version", 2, "--reason", "无", *TWO
    )
    assert (refused.code, "更正其合计" in refused.err) == (1, True)
    explain = ("differences", "explain", "--id", sums["id"], "--reason", "国库更正", "--actor", "甲")
    assert room.tax(*explain).code == 0
    room.desk.inside(*words, statement("t2.csv", "500.00"))
    room.tax("reconcile")
    assert sums["id"] not in {one["id"] for one in room.listed()}
    assert room.tax(*explain).code == 1
    assert len(room.tax("events", "--json").json["events"]) == 1


# -- more than one at once ---------------------------------------------------------------------------------------------


def desk_of(room: Room, log: PoolLog) -> MonthDesk:
    return MonthDesk(log, room.desk.register, lambda command: facts_of(log, command))


def signing(document: str, actor: str = "甲") -> Sign:
    return Sign(
        actor=actor, reviewer="乙", command_id=uuid4(), month=MARCH, tax_side="税务方丙", document=document
    )  # fmt: skip


def test_of_two_who_sign_at_the_same_instant_one_is_told_the_other_did(room):
    room.explain_all()
    meeting, waited = threading.Barrier(2), []

    def act(document: str) -> str:
        log = PoolLog(room.desk.log.connections, room.desk.code)
        record = log.record

        def together(*given: Any, **named: Any) -> Any:
            if len(waited) < 2:
                waited.append(document)
                meeting.wait(timeout=20)
            return record(*given, **named)

        log.record = together  # type: ignore[method-assign]
        try:
            desk_of(room, log).do(signing(document))
        except Refused as refused:
            return str(refused.refusal.value)
        return document

    with ThreadPoolExecutor(2) as threads:
        told = sorted(threads.map(act, ("甲单", "乙单")))
    signed = room.month().signed.document
    assert len(waited) == 2
    assert told == sorted((signed, f"签认单{signed}"))
    assert room.month().version == len(room.tax("events", "--json").json["events"])


def test_what_another_hand_did_under_the_same_id_meanwhile_is_its_answer(room, monkeypatch):
    room.explain_all()
    log, command, met = room.desk.log, signing("对账单1"), []
    rules = log.rules

    def meeting() -> Any:
        if not met:
            met.append(None)
            met.append(desk_of(room, log).do(command))
        return rules()

    monkeypatch.setattr(log, "rules", meeting)
    assert msgspec.json.encode(desk_of(room, log).do(command)) == msgspec.json.encode(met[1])
    assert (room.month().version, log.position()[0]) == (met[1].version, met[1].position)


def test_what_arrives_between_looking_and_signing_is_seen(room, monkeypatch):
    """The figures are looked at again under the lock of the log: nobody signs what they have not seen."""
    room.explain_all()
    log, arrived = room.desk.log, []
    record = log.record

    def disturbed(*given: Any, **named: Any) -> Any:
        if not arrived:
            arrived.append(room.pay(room.paid("between.csv", ("S95", "F", "10.00", "2025-03-30"))))
        return record(*given, **named)

    monkeypatch.setattr(log, "record", disturbed)
    with pytest.raises(Refused) as told:
        desk_of(room, log).do(signing("对账单1"))
    assert (told.value.refusal.reason, arrived[0].code) == ("MONTH_STALE", 0)
    assert room.month().signed is None


@pytest.mark.parametrize("when", ["before", "after"])
def test_whoever_is_killed_at_the_commit_asks_again_and_it_was_done_once(room, server, when):
    command = Explain(actor="甲", command_id=uuid4(), month=MARCH, category="AGENCY_ONLY", reason="已催缴")
    arguments = [str(room.desk.home), server.url, room.desk.code, when, msgspec.json.encode(command).decode()]
    process = [sys.executable, "-m", "tests.api.cli.month_killed", *arguments]
    ended = subprocess.run(process, check=False, timeout=60, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert room.month().version == (0 if when == "before" else 1)
    answer = desk_of(room, room.desk.log).do(command)
    assert (answer.version, room.month().version) == (1, 1)
    assert room.one("AGENCY_ONLY")["status"] == "explained"


# -- its proof ---------------------------------------------------------------------------------------------------------

CHANGED = (
    "UPDATE {ledger_events} SET state = convert_to(replace(convert_from(state, 'UTF8'), '%s', '%s'), 'UTF8')"
    " WHERE topic = 'month.%s'"
)
TAMPERED = (
    ("UPDATE {ledger_events} SET topic = 'month.reopened' WHERE topic = 'month.signed'", "month_broken"),
    ("UPDATE {ledger_events} SET topic = 'plan.closed' WHERE topic = 'month.difference_explained'", "month_broken"),
    ("UPDATE {ledger_events} SET originator_id = gen_random_uuid() WHERE topic = 'month.signed'", "month_unknown"),
    (CHANGED % ('"tax":3', '"tax":4', "signed"), "month_figures"),
    (CHANGED % ("account.refunded", "account.entry_reversed", "difference_resolved"), "month_ending"),
)


@pytest.fixture(scope="module")
def signed_room(open_desk: Callable[..., Desk]) -> Room:
    room = Room(open_desk())
    account = str(room.desk.account(PEOPLE["E"]))
    room.desk.prepare(
        "entry", "record", "--pool", room.desk.code, "--account", account, "--kind", "refund", "--amount", "1000.00",
        "--on", "2025-04-20", "--reason", "重复缴费", "--actor", "甲",
    )  # fmt: skip
    version = len(room.desk.history(PEOPLE["E"]))
    twice = ("--id", room.one("DUP_PAYMENT")["id"], "--account", account, "--version", version, "--reason", "已退")
    assert room.tax("differences", "resolve", *twice, *TWO).code == 0
    room.explain_all()
    assert room.sign().code == 0
    assert verify(room.desk.log) == []
    return room


@pytest.mark.parametrize(("statement", "kind"), TAMPERED, ids=[kind for _, kind in TAMPERED])
def test_a_stream_that_was_changed_is_found(signed_room, statement, kind):
    log = signed_room.desk.log
    with log.connections.connection() as connection:
        connection.execute(log.sql("CREATE TEMP TABLE kept AS SELECT * FROM {ledger_events}"))
        try:
            assert connection.execute(log.sql(statement)).rowcount >= 1
            connection.commit()
            assert kind in {found.kind for found in verify(log)}
        finally:
            connection.execute(log.sql("DELETE FROM {ledger_events}"))
            connection.execute(log.sql("INSERT INTO {ledger_events} SELECT * FROM kept"))
            connection.execute("DROP TABLE kept")
    assert verify(log) == []


def test_the_stream_is_the_month_s_own(signed_room):
    rows = signed_room.desk.query("SELECT DISTINCT originator_id FROM {ledger_events} WHERE topic LIKE 'month.%%'")
    assert rows == [(month_stream(signed_room.desk.code, MARCH),)]
