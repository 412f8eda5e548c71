"""Refund requests through the installed command: taken in, verified by two people, paid once, proved, told."""

from __future__ import annotations

import subprocess
from datetime import date
from typing import Any

import pytest

from ledger import clock
from ledger.account_events import Refunded
from ledger.desk.coalesce import PoolWriter
from ledger.jobs.outgoing_refunds import refund_check_rows, refund_rows
from ledger.refund_requests import pay_id
from ledger.store.log import PoolLog
from ledger.words import Amounts
from projections.refund_pages import refund_differences
from projections.refund_proof import refund_faults
from projections.verify import verify
from tests.api.cli.desk import COMMAND, RECORDED, Desk, Ended, Person, environment, person
from tests.api.cli.test_tax_sending import answer, export, lines

HANDS = ("--actor", "经办甲", "--reviewer", "复核乙")
COLUMNS = (
    "退费申请编号", "公民身份号码", "姓名", "电子税票号码", "缴费明细流水号", "费款所属期", "征收品目", "申请退费额",
    "实缴金额",
    "退费类型", "上解日期", "入库日期", "数据类型", "传输批次号", "开户银行", "银行账号",
)  # fmt: skip
BANK = "6217000000000000001"
REGISTERED, THERE = "已登记", "已存在"


@pytest.fixture
def desk(open_desk) -> Desk:
    return open_desk("neimenggu")


def member(desk: Desk, place: int, *yuan: str) -> Person:
    """Somebody with an account, and a payment of each amount in 2025 (serials and vouchers by place and order)."""
    who = person(800 + place)
    desk.enrol(who)
    desk.pay(*(desk.payment(who, f"K{place}{order}", one, "2025-03-10") for order, one in enumerate(yuan)))
    return who


def row(who: Person, number: str, serial: str, yuan: str = "200.00", **cells: object) -> dict[str, object]:
    plain = {
        "退费申请编号": number, "公民身份号码": who.number, "姓名": who.name, "电子税票号码": f"T{serial}",
        "费款所属期": "2025",
        "征收品目": "个人缴费", "申请退费额": yuan, "退费类型": "04", "上解日期": "2025-03-10", "数据类型": "新增",
        "传输批次号": "B1", "开户银行": "示例银行", "银行账号": BANK,
    }  # fmt: skip
    return {**plain, **cells}


def take_in(desk: Desk, *rows: dict[str, object], name: str = "refunds.csv", code: int = 0, inside: bool = True) -> Any:
    file = desk.table(name, rows, COLUMNS)
    way = desk.inside if inside else desk.ledger
    ended = way("tax", "refunds", "import", file, "--pool", desk.code, "--actor", "经办甲", "--json")
    assert ended.code == code, ended
    return ended.json


def verdict(desk: Desk, number: str, *more: object, word: str = "accept", inside: bool = True) -> Ended:
    way = desk.inside if inside else desk.ledger
    more = more or HANDS
    reason = () if "--reason" in more else ("--reason", "核对无误")
    return way(
        "tax",
        "refunds",
        "verify",
        "--pool",
        desk.code,
        "--request",
        number,
        "--verdict",
        word,
        *reason,
        *more,
        "--json",
    )


def pay(desk: Desk, number: str, *more: object, on: str = "2025-06-02", inside: bool = True) -> Ended:
    way = desk.inside if inside else desk.ledger
    return way(
        "tax", "refunds", "pay", "--pool", desk.code, "--request", number, "--on", on, *(more or HANDS), "--json"
    )


def listed(desk: Desk, *more: object) -> dict[str, Any]:
    told = desk.inside("tax", "refunds", "list", "--pool", desk.code, "--json", *more).json
    return {one["request"]: one for one in told}


def refused(ended: Ended) -> str:
    assert ended.code == 1, ended
    return ended.err.partition("拒绝 ")[2].partition(" ")[0]


def test_a_file_is_taken_in_once_and_no_bank_account_with_it(desk):
    who, other = member(desk, 1, "200.00"), person(899)
    desk.people[other.number] = other
    rows = [
        row(who, "R1", "K10"),
        row(who, "R1", "K10", 传输批次号="B2"),
        row(who, "R1", "K10", 申请退费额="100.00"),
        row(other, "R2", "K10"),
        row(who, "R3", "K10", 姓名=other.name),
        row(who, "R4", "K10", 数据类型="撤销"),
        row(who, "R5", "K10", 退费类型="01"),
        row(who, "R6", "K10", "50.00", 实缴金额="200.00", 入库日期="2025-03-10", 缴费明细流水号="K10"),
        row(who, "R6", "K10", "50.00", 数据类型="撤销"),
    ]
    file = desk.table("refunds.csv", rows, COLUMNS)
    tried = desk.inside(
        "tax", "refunds", "import", file, "--pool", desk.code, "--actor", "经办甲", "--dry-run", "--json"
    )
    assert (tried.code, listed(desk), desk.query("SELECT * FROM {exchange_file} WHERE kind = 'refund_requests'")) == (
        2, {}, [],
    )  # fmt: skip
    ended = desk.ledger("tax", "refunds", "import", file, "--pool", desk.code, "--actor", "经办甲", "--json")
    assert ended.code == 2
    assert ended.json == {**tried.json, "dry_run": False}
    assert (ended.json["recorded"], ended.json["already_there"], ended.json["refused"]) == (3, 1, 5)
    expected = [
        REGISTERED, THERE, "SERIAL_CONFLICT", "UNKNOWN_PERSON", "NAME_DIFFERS", "REFUND_UNKNOWN", "KIND", REGISTERED,
        REGISTERED,
    ]  # fmt: skip
    assert desk.outcomes(file) == expected
    before = desk.query("SELECT * FROM {refund_request} ORDER BY number, data_type")
    assert take_in(desk, *rows, code=2)["already_there"] == 4
    assert desk.query("SELECT * FROM {refund_request} ORDER BY number, data_type") == before
    assert {number: one["status"] for number, one in listed(desk).items()} == {"R1": "asked", "R6": "cancelled"}
    for one in (*before, *desk.query("SELECT * FROM {exchange_file}")):
        for secret in (BANK, "示例银行", who.number, who.name, other.number, other.name):
            assert secret not in str(one)


def test_two_people_verify_what_the_account_says(desk):
    who = member(desk, 2, "200.00", "300.00")
    take_in(desk, row(who, "R1", "K20"), row(who, "R2", "K29"), row(who, "R3", "K20", "0.01"), row(who, "R4", "K21"))
    assert refused(verdict(desk, "R9")) == "REFUND_UNKNOWN"
    assert refused(verdict(desk, "R1", "--actor", "甲", "--reviewer", "甲")) == "SAME_PERSON"
    assert refused(verdict(desk, "R1", *HANDS, "--reason", f"{who.name}重复缴费")) == "ROW_FAULT"
    assert refused(verdict(desk, "R2")) == "NOTHING_TO_REFUND"
    tried = verdict(desk, "R1", *HANDS, "--dry-run")
    assert (tried.json["dry_run"], listed(desk)["R1"]["status"]) == (True, "asked")
    once = (*HANDS, "--command-id", "018f3a52-0000-7000-8000-00000000000a")
    told = verdict(desk, "R1", *once, inside=False)
    assert told.code == 0, told
    assert (told.json["verdict"], told.json["amount"], told.json["entry"]) == ("accept", "200.00", 2)
    assert (told.json["payer"], "第八章" in told.json["rule"]) == ("agency", True)
    assert told.json["account"] == str(desk.account(who))
    assert verdict(desk, "R1", *once).json == told.json
    assert refused(verdict(desk, "R1", *once, word="reject")) == "COMMAND_ID"
    assert refused(verdict(desk, "R1")) == "REFUND_STATE"
    assert refused(verdict(desk, "R1", word="reject")) == "REFUND_STATE"
    assert refused(verdict(desk, "R3")) == "AMOUNT"  # R1 takes the whole entry
    desk.prepare(
        "rules", "set", "--pool", desk.code, "--name", "refund.payer", "--year", "2026", "--value", "tax",
        "--document", "示例文号", "--actor", "甲", "--reviewer", "乙",
    )  # fmt: skip
    assert (verdict(desk, "R4").json["payer"], listed(desk)["R4"]["verdict"]["payer"]) == ("tax", "tax")
    rows = {one.number: (one.accepted, one.fen, one.payer) for one in refund_check_rows(desk.log)}
    assert rows == {
        "R1": (True, 200_00, "由社保经办机构从支出户退还"),
        "R4": (True, 200_00, "由税务部门通过国库退还"),
    }


def test_a_rejection_stands_until_the_books_say_something_new(desk):
    who = member(desk, 3)
    take_in(desk, row(who, "R1", "K30"))
    assert verdict(desk, "R1", word="reject").json["verdict"] == "reject"
    assert refused(verdict(desk, "R1", word="reject")) == "REFUND_STATE"
    assert (listed(desk)["R1"]["status"], listed(desk, "--open")) == ("rejected", {})
    desk.pay(desk.payment(who, "K30", "200.00", "2025-03-10"))
    assert verdict(desk, "R1").code == 0
    assert listed(desk)["R1"]["status"] == "accepted"
    assert [one.accepted for one in refund_check_rows(desk.log)] == [False, True]


def test_an_accepted_request_is_paid_once(desk):
    who = member(desk, 4, "200.00", "300.00")
    take_in(desk, row(who, "R1", "K40"), row(who, "R2", "K41", "300.00"))
    assert refused(pay(desk, "R1")) == "REFUND_STATE"
    assert verdict(desk, "R1").code == 0
    assert refused(pay(desk, "R1", "--actor", "甲", "--reviewer", "甲")) == "SAME_PERSON"
    assert refused(pay(desk, "R1", on="2025-03-09")) == "DATE"
    tried = pay(desk, "R1", *HANDS, "--dry-run")
    assert (tried.code, desk.fen(who)) == (0, 500_00)
    arguments = ("tax", "refunds", "pay", "--pool", desk.code, "--request", "R1", "--on", "2025-06-02", *HANDS)
    racing = [subprocess.Popen([str(COMMAND), *arguments], env=environment(desk.home)) for _ in range(2)]
    assert [one.wait(timeout=60) for one in racing] == [0, 0]
    assert pay(desk, "R1").json["command_id"] == str(pay_id(desk.code, "R1"))
    assert refused(pay(desk, "R1", on="2025-06-03")) == "REFUND_STATE"
    (event,) = [one for one in desk.history(who) if isinstance(one, Refunded)]
    assert (event.effective_on, event.effect.total, event.reviewer) == (date(2025, 6, 2), -200_00, "复核乙")
    assert "R1" in event.reason
    assert "TK40" in event.reason
    assert desk.fen(who) == 300_00
    assert take_in(desk, row(who, "R1", "K40", 数据类型="撤销"), code=2)["reasons"] == {"REFUND_STATE": 1}
    assert verdict(desk, "R2").code == 0
    take_in(desk, row(who, "R2", "K41", "300.00", 数据类型="撤销"))
    assert refused(pay(desk, "R2")) == "REFUND_STATE"
    assert refused(verdict(desk, "R2")) == "REFUND_STATE"
    told = listed(desk)
    assert {number: one["status"] for number, one in told.items()} == {"R1": "paid", "R2": "cancelled"}
    assert (told["R1"]["refund"]["amount"], told["R1"]["refund"]["on"]) == ("200.00", "2025-06-02")
    (sent,) = refund_rows(desk.log)
    assert (sent.id, sent.number, sent.fen, sent.voucher) == (pay_id(desk.code, "R1"), "R1", 200_00, "TK40")


def test_a_refund_returns_the_kind_that_was_paid(desk):
    """And no more than the account still holds of it: the pension took its part."""
    desk.set("cap", 2025, "1000.00")
    who = member(desk, 9, "200.00", "150.00")
    desk.pay(desk.payment(who, "K9A", "300.00", "2025-03-10", 征收品目="集体补助"))
    take_in(desk, row(who, "R1", "K90"), row(who, "R2", "K9A", "300.00", 征收品目="集体补助"))
    assert verdict(desk, "R1").code == 0
    assert pay(desk, "R1").code == 0
    assert desk.state(who).balance == Amounts(contribution=150_00, collective_subsidy=300_00)
    assert verdict(desk, "R2").code == 0
    desk.prepare(
        "entry", "record", "--pool", desk.code, "--account", desk.account(who), "--kind", "pension", "--amount",
        "45.00", "--on", "2025-05-30", "--actor", "甲",
    )  # fmt: skip
    over = pay(desk, "R2")
    assert refused(over) == "AMOUNT"
    assert "集体补助可退的余额270.00元" in over.err
    assert desk.state(who).balance == Amounts(contribution=135_00, collective_subsidy=270_00)


def test_an_entry_reversed_after_its_verdict_is_not_refunded(desk):
    who = member(desk, 5, "200.00", "300.00")
    take_in(desk, row(who, "R1", "K50"))
    assert verdict(desk, "R1").code == 0
    desk.pay(desk.payment(who, "K50", "200.00", "2025-03-10", 数据类型="撤销"))
    assert refused(pay(desk, "R1")) == "ALREADY_REVERSED"
    assert desk.fen(who) == 300_00


# -- the tax side takes back what it asks the agency to refund ---------------------------------------------------------


def cancel(desk: Desk, who: Person, serial: str, yuan: str = "200.00", on: str = "2025-03-10", name: str = "c") -> str:
    """How the 撤销 of a payment ends."""
    back = desk.payment(who, serial, yuan, on, 费款所属期="2025", 数据类型="撤销")
    file = desk.payments([back], f"{name}.csv")
    assert desk.import_("payments", file, inside=True).code in (0, 2)
    (outcome,) = desk.outcomes(file)
    return outcome


def reverse(desk: Desk, who: Person, version: int) -> Ended:
    return desk.inside(
        "entry", "reverse", "--pool", desk.code, "--account", desk.account(who), "--version", version, "--reason",
        "误记", *HANDS,
    )  # fmt: skip


@pytest.mark.parametrize("on", ["2025-03-20", "2025-07-10"])
def test_what_was_refunded_is_not_taken_back_as_well(desk, on):
    """Nor by hand; the month says that the tax side took it, and the refund, though earlier, is what ends that."""
    who, other = member(desk, 10, "200.00", "300.00"), member(desk, 11, "50.00")
    take_in(desk, row(who, "R1", "K100"), row(who, "R2", "K101", "50.00", 缴费明细流水号="K101"))
    for number in ("R1", "R2"):
        assert verdict(desk, number).code == 0
        assert pay(desk, number).code == 0
    refund = next(place for place, one in enumerate(desk.history(who), 1) if isinstance(one, Refunded))
    assert cancel(desk, who, "K100", on=on) == "ALREADY_REFUNDED"
    assert cancel(desk, who, "K101", "300.00", on, "part") == "ALREADY_REFUNDED"
    by_hand = reverse(desk, who, 2)
    assert refused(by_hand) == "ALREADY_REFUNDED"
    assert "退费申请R1" in by_hand.err
    assert "收回该笔撤销" in by_hand.err
    assert desk.fen(who) == 250_00

    def of_month() -> dict[str, Any]:
        month = ("--pool", desk.code, "--month", on[:7], "--json")
        told = desk.inside("tax", "reconcile", *month).json["differences"]
        return {one["tax"]["serial"]: one for one in told if one["category"] == "CANCELLED"}

    open_ones = of_month()
    assert {serial: (one["amount"], one["status"]) for serial, one in open_ones.items()} == {
        "K100": ("-200.00", "open"), "K101": ("-300.00", "open"),
    }  # fmt: skip

    def resolve(serial: str, account: Any, version: int) -> Ended:
        said = ("--pool", desk.code, "--month", on[:7], "--id", open_ones[serial]["id"], "--account", account)
        return desk.inside(
            "tax", "differences", "resolve", *said, "--version", version, "--reason", "已由经办机构退费", *HANDS
        )

    account = desk.account(who)
    assert refused(resolve("K101", account, refund)) == "NOT_AN_ENDING"  # of another payment
    assert refused(resolve("K101", account, refund + 1)) == "NOT_AN_ENDING"  # 50 of 300 is not all of it
    assert refused(resolve("K100", account, 2)) == "NOT_AN_ENDING"  # the payment itself
    assert refused(resolve("K100", desk.account(other), 2)) == "NOT_AN_ENDING"
    assert resolve("K100", account, refund).code == 0
    assert {serial: one["status"] for serial, one in of_month().items()} == {"K100": "resolved", "K101": "open"}
    doubled = desk.inside("tax", "reconcile", "--pool", desk.code, "--month", "2025-03", "--json").json["differences"]
    doubled = [one["status"] for one in doubled if one["category"] == "DUP_PAYMENT"]
    assert doubled == (["open"] if on > "2025-04" else [])  # the account still has it: no 撤销 has cleared it
    assert reverse(desk, who, refund + 1).code == 0  # the refund is reversed first: then the cancellation is booked
    assert cancel(desk, who, "K101", "300.00", on, "again") == "已记账"
    assert desk.fen(who) == 0
    assert verify(desk.log) == []


def test_what_the_tax_side_took_back_is_not_refunded(desk):
    """The 撤销 waits for an original that was booked by hand; or it came when part had been refunded."""
    who = member(desk, 12, "200.00")
    assert cancel(desk, who, "K129") == "NOTHING_TO_REVERSE"
    desk.prepare(
        "entry", "record", "--pool", desk.code, "--account", desk.account(who), "--kind", "contribution", "--amount",
        "200.00", "--on", "2025-03-10", "--serial", "K129", "--voucher", "TK129", "--actor", "甲",
    )  # fmt: skip
    take_in(
        desk, row(who, "R1", "K129"), row(who, "R2", "K120", "50.00"), row(who, "R3", "K120", "60.00"),
        row(who, "R4", "K120", "70.00"),
    )  # fmt: skip
    waits = verdict(desk, "R1")
    assert refused(waits) == "CANCELLED_BY_TAX"
    assert "税务已撤销的缴费不再退费" in waits.err
    for number in ("R2", "R3"):
        assert verdict(desk, number).code == 0
    assert pay(desk, "R2").code == 0
    assert cancel(desk, who, "K120") == "ALREADY_REFUNDED"
    assert refused(pay(desk, "R3")) == "CANCELLED_BY_TAX"
    assert refused(verdict(desk, "R4")) == "CANCELLED_BY_TAX"
    assert desk.fen(who) == 150_00  # the import that brought the other 撤销 has done with the one that waited


def test_a_payment_and_a_cancellation_that_meet_are_not_both_done(desk, monkeypatch):
    """Each looks first, and is overtaken by the other before it records."""
    who = member(desk, 13, "200.00", "300.00")
    take_in(desk, row(who, "R1", "K130"), row(who, "R2", "K131", "300.00"))
    for number in ("R1", "R2"):
        assert verdict(desk, number).code == 0
    ask, record = PoolWriter.ask, PoolLog.record

    def overtaken(self: Any, command: Any) -> Any:
        monkeypatch.undo()
        assert cancel(desk, who, "K130") == "已记账"
        return ask(self, command)

    monkeypatch.setattr(PoolWriter, "ask", overtaken)
    assert refused(pay(desk, "R1")) == "ALREADY_REVERSED"
    assert desk.fen(who) == 300_00

    def overtaken_too(self: Any, *asked: Any, **more: Any) -> Any:
        monkeypatch.undo()
        assert pay(desk, "R2").code == 0
        return record(self, *asked, **more)

    monkeypatch.setattr(PoolLog, "record", overtaken_too)
    assert cancel(desk, who, "K131", "300.00") == "ALREADY_REFUNDED"
    assert desk.fen(who) == 0


def test_what_a_month_leaves_open(desk):
    """Asked this month, and refunds of last year's June: one by request, one on the agency's word alone."""
    who = member(desk, 6, "200.00", "300.00")
    take_in(desk, row(who, "R1", "K60"), row(who, "R2", "K61", "300.00"))
    this_month = clock.today().replace(day=1)

    def differences(month: date = this_month) -> dict[str, tuple[int, str]]:
        with desk.log.connections.connection() as connection:
            found = refund_differences(connection, desk.log, month, desk.position())
        assert {one.participant for one in found} <= {desk.state(who).participant}
        return {one.key: (one.fen, one.cleared) for one in found}

    waiting = {"refund request R1": (-200_00, ""), "refund request R2": (-300_00, "")}
    assert differences() == waiting
    assert differences(date(2025, 6, 1)) == {}
    assert verdict(desk, "R1").code == 0
    assert differences() == waiting
    assert pay(desk, "R1").code == 0
    assert differences() == {"refund request R2": (-300_00, "")}
    assert verdict(desk, "R2", word="reject").code == 0
    assert differences() == {}
    account = desk.account(who)
    desk.prepare(
        "entry", "record", "--pool", desk.code, "--account", account, "--kind", "refund", "--amount", "10.00", "--on",
        "2025-06-30", "--reason", "重复缴费", "--actor", "甲",
    )  # fmt: skip
    version = desk.state(who).version
    assert differences(date(2025, 6, 1)) == {f"refund entry {account} {version}": (10_00, "")}
    assert differences(date(2025, 7, 1)) == {}


def test_from_the_request_to_the_answers_of_the_tax_side(desk):
    """Asked, verified, told to the tax side, paid, told again, answered; the month has it open, and then has not."""
    who, other = member(desk, 9, "200.00"), member(desk, 10, "300.00")
    month = clock.today().replace(day=1)

    def open_refunds(month: date = month) -> dict[str, tuple[str, str, str]]:
        ended = desk.inside("tax", "reconcile", "--pool", desk.code, "--month", f"{month:%Y-%m}", "--json")
        found = {one["detail"]["request"] or one["detail"]["account"]: one for one in ended.json["differences"]}
        assert {one["comparison"] for one in found.values()} <= {"refund"}
        assert {one["category"] for one in found.values()} <= {"REFUND_OPEN"}
        assert ended.json["total_difference"] == "0.00"
        assert ended.code == (3 if any(one["status"] == "open" for one in found.values()) else 0)
        return {key: (one["amount"], one["status"], one["reason"]) for key, one in found.items()}

    assert open_refunds() == {}
    take_in(desk, row(who, "R1", "K90", 缴费明细流水号="K90"), row(other, "R2", "K100", "300.00"))
    assert open_refunds() == {"R1": ("-200.00", "open", ""), "R2": ("-300.00", "open", "")}
    assert verdict(desk, "R1").code == 0
    assert verdict(desk, "R2", word="reject").code == 0
    assert open_refunds() == {"R1": ("-200.00", "open", "")}

    out, ended = export(desk, "refund-checks", outside=True)
    assert (ended.code, ended.json["rows"], ended.json["amount"]) == (0, 2, "500.00")
    today = clock.today().isoformat()
    assert sorted(tuple(one.values()) for one in lines(out)[2]) == [
        ("1", "R1", who.number, who.name, "200.00", "通过", "核对无误", today, "由社保经办机构从支出户退还"),
        ("2", "R2", other.number, other.name, "300.00", "不通过", "核对无误", today, "由社保经办机构从支出户退还"),
    ]
    assert export(desk, "refunds")[1].json["batch"] is None  # nothing is paid yet
    assert pay(desk, "R1").code == 0
    assert open_refunds() == {}
    out, ended = export(desk, "refunds")
    assert ended.code == 0, ended
    assert [tuple(one.values()) for one in lines(out)[2]] == [
        ("1", "R1", who.number, who.name, "200.00", "2025-06-02", "TK90", "K90", "由社保经办机构从支出户退还")
    ]
    stored = str(desk.query("SELECT * FROM {exchange_sent}"))
    assert not any(said in stored for one in (who, other) for said in (one.number, one.name))
    assert answer(desk, (1, 1, "通过", ""), (1, 2, "不通过", "核验意见不明"), (2, 1, "通过", "")) == [RECORDED] * 3
    (told,) = desk.inside("tax", "sent", "list", "--pool", desk.code, "--rejected", "--json").json["rejected"]
    assert (told["kind"], told["batch"], told["row"]) == ("refund-checks", f"{desk.code}-000001", 2)
    assert [export(desk, kind)[1].json["batch"] for kind in ("refund-checks", "refunds")] == [None, None]

    # on the agency's word alone, by the day of the refund; and reversed again
    account = desk.account(other)
    said = ("--pool", desk.code, "--account", account, "--actor", "甲")
    desk.prepare(
        "entry", "record", *said, "--kind", "refund", "--amount", "10.00", "--on", "2025-06-30", "--reason", "重"
    )
    assert open_refunds(date(2025, 6, 1)) == {str(account): ("10.00", "open", "")}
    version = desk.state(other).version
    desk.prepare("entry", "reverse", *said, "--version", version, "--reason", "错", "--reviewer", "乙")
    assert open_refunds(date(2025, 6, 1)) == {}
    assert verify(desk.log) == []


SPOILED = {
    "R0": ("DELETE FROM {refund_verdict} WHERE number = %s", "refund_without_verdict"),
    "R1": ("UPDATE {refund_verdict} SET accepted = false WHERE number = %s", "refund_without_verdict"),
    "R2": ("UPDATE {refund_verdict} SET reviewer = actor WHERE number = %s", "refund_without_verdict"),
    "R3": ("UPDATE {refund_request} SET fen = fen - 1 WHERE number = %s", "refund_request_changed"),
    "R4": ("UPDATE {refund_request} SET voucher = 'T0' WHERE number = %s", "refund_differs"),
    "R5": ("UPDATE {refund_verdict} SET account_id = verdict_id WHERE number = %s", "refund_differs"),
    "R6": (
        "UPDATE {command} SET last_id = 1 WHERE command_id = (SELECT pay_id FROM {refund_request} WHERE number = %s)",
        "refund_without_event",
    ),
    "R7": (
        "DELETE FROM {command} WHERE command_id = (SELECT pay_id FROM {refund_request} WHERE number = %s)",
        "refund_without_command",
    ),
}


def test_a_spoiled_refund_is_found(desk):
    """Each request is spoiled in its own way, and each is named with its own fault."""
    who = member(desk, 7, *["200.00"] * len(SPOILED))
    take_in(desk, *(row(who, number, f"K7{number[1:]}") for number in SPOILED))
    for number in SPOILED:
        assert verdict(desk, number).code == 0
        assert pay(desk, number).code == 0
    assert verify(desk.log) == []
    with desk.log.connections.connection() as connection:
        for number, (change, _) in SPOILED.items():
            connection.execute(desk.log.sql(change), (number,))
    found = {(number, one.kind) for one in refund_faults(desk.log) for number in SPOILED if number in one.text}
    assert found >= {(number, kind) for number, (_, kind) in SPOILED.items()}
    # a verdict that is gone is also missed in the count of its month
    assert {one.kind for one in verify(desk.log)} == {"month_count", *(kind for _, kind in SPOILED.values())}


def test_the_words_of_the_counter(desk):
    who = member(desk, 8, "200.00")
    file = desk.table("refunds.csv", [row(who, "R1", "K80")], COLUMNS)
    ended = desk.inside("tax", "refunds", "import", file, "--pool", desk.code, "--actor", "甲")
    assert "登记1行" in ended.out
    assert "银行账号" in ended.err
    assert "待核验" in desk.inside("tax", "refunds", "list", "--pool", desk.code).out
    said = ("tax", "refunds", "verify", "--pool", desk.code, "--request", "R1", "--reason", "无误", *HANDS)
    assert desk.inside(*said, "--verdict", "maybe").code == 64
    assert "由社保经办机构从支出户退还" in desk.inside(*said, "--verdict", "accept").out
    paying = ("tax", "refunds", "pay", "--pool", desk.code, "--request", "R1", "--on", "2025-06-02", *HANDS)
    assert "-200.00 元" in desk.inside(*paying).out
    assert "已退费" in desk.inside("tax", "refunds", "list", "--pool", desk.code).out
