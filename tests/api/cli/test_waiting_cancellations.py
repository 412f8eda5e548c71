"""A 撤销 whose original is booked another way than by a file's row: done with by the next import, or by `tax retry`."""

from __future__ import annotations

import json
import signal
from datetime import date
from functools import partial
from typing import Any

import pytest

from ledger.jobs import intake
from projections.reconciliation import months_due
from projections.verify import verify
from tests.api.cli.desk import Desk, Person, person
from tests.api.cli.test_import_runs import start, stopped_before

ANNA, BELA, LATE = person(651), person(652), person(653)
ON, BACK = "2025-03-12", "2025-05-06"
MAY = date(2025, 5, 1)


@pytest.fixture
def desk(open_desk) -> Desk:
    made = open_desk("neimenggu")
    made.enrol(ANNA, BELA)
    return made


def wait(desk: Desk, who: Person, *serials: str, yuan: str = "100.00", name: str = "back.csv") -> None:
    """撤销 of payments that have not come."""
    rows = [desk.payment(who, serial, yuan, BACK, 数据类型="撤销") for serial in serials]
    assert desk.import_("payments", desk.payments(rows, name), inside=True).code == 2


def by_hand(desk: Desk, who: Person, serial: str) -> None:
    """The original, at the counter."""
    desk.prepare(
        "entry", "record", "--pool", desk.code, "--account", desk.account(who), "--kind", "contribution", "--amount",
        "100.00", "--on", ON, "--paid-on", ON, "--serial", serial, "--voucher", f"T{serial}", "--actor", "甲",
    )  # fmt: skip


def tax(desk: Desk, command: str, *more: object) -> Any:
    return desk.inside("tax", command, "--pool", desk.code, *more, "--json")


def retry(desk: Desk, *more: object) -> Any:
    return tax(desk, "retry", "--actor", "乙", *more)


def reversals(desk: Desk, who: Person) -> list[str]:
    return [event.cause for event in desk.history(who) if event.topic == "account.entry_reversed"]


def waiting(desk: Desk) -> dict[str, bool]:
    return {one["serial"]: one["booked"] for one in tax(desk, "unallocated").json["waiting"]}


def settled(desk: Desk, *rows: Any, more: tuple[object, ...] = ()) -> int:
    """What an import of these rows tells of earlier 撤销."""
    file = desk.payments(rows, "next.csv")
    ended = desk.import_("payments", file, *more, "--json", inside=True)
    assert ended.code == 0, ended
    return int(ended.json["settled"])


def require_clean(desk: Desk) -> None:
    assert verify(desk.log) == []


def test_the_next_import_does_it(desk):
    """Under the cause of the row that waited; the month in which it came is due again, and says so until then."""
    wait(desk, ANNA, "W1", "W2")
    by_hand(desk, ANNA, "W1")
    assert (desk.fen(ANNA), waiting(desk)) == (100_00, {"W1": True, "W2": False})
    text = desk.inside("tax", "unallocated", "--pool", desk.code).out
    assert "撤销 W1  税票TW1  个人缴费 2025年度 100.00元  原记录已记账" in text
    assert "待办的撤销 2笔" in text

    def cancelled() -> dict[str, str]:
        told = tax(desk, "reconcile", "--month", "2025-05").json["differences"]
        return {one["tax"]["serial"]: one["amount"] for one in told if one["category"] == "CANCELLED"}

    assert cancelled() == {"W1": "-100.00", "W2": "-100.00"}
    row = desk.payment(BELA, "B1", on=ON)
    position = desk.position()
    assert (settled(desk, row, more=("--dry-run",)), desk.position()) == (1, position)
    file = desk.payments([row], "next.csv")
    ended = desk.import_("payments", file)
    assert ended.code == 0, ended
    assert "一并记账 1行" in ended.out
    assert (desk.fen(ANNA), desk.fen(BELA), waiting(desk)) == (0, 100_00, {"W2": False})
    ((sha256,),) = desk.query("SELECT encode(sha256, 'hex') FROM {exchange_file} ORDER BY file_id LIMIT 1")
    assert reversals(desk, ANNA) == [f"file {sha256}#2"]
    later = desk.query("SELECT month, rows::int FROM {exchange_month} WHERE file_id = 0 ORDER BY month")
    assert (MAY, 1) in later
    assert months_due(desk.log, MAY)[-1] == MAY
    cancelled()
    assert settled(desk, row) == 0  # the same file again
    desk.pay(desk.payment(ANNA, "W1", yuan="100.00", on=BACK, 数据类型="撤销"))  # and the 撤销: it is there
    assert len(reversals(desk, ANNA)) == 1
    require_clean(desk)


def test_a_try_foretells_what_the_run_settles(desk):
    """With originals, and a further 撤销, in the file itself; one whose person was not known when it came."""
    wait(desk, LATE, "L1", "L2", name="unknown.csv")
    wait(desk, ANNA, "A1", "A2")
    desk.enrol(LATE)
    by_hand(desk, ANNA, "A1")
    by_hand(desk, LATE, "L2")
    rows = [
        desk.payment(LATE, "L1", on=ON), desk.payment(ANNA, "A2", on=ON),
        desk.payment(ANNA, "A1", on=BACK, 数据类型="撤销"),
    ]  # fmt: skip
    assert settled(desk, *rows, more=("--dry-run",)) == 2
    assert settled(desk, *rows) == 2
    assert (desk.fen(LATE), desk.fen(ANNA)) == (0, 0)
    assert (len(reversals(desk, LATE)), len(reversals(desk, ANNA))) == (2, 2)
    require_clean(desk)


def test_retry_tells_of_each_what_became_of_it(desk):
    wait(desk, ANNA, "R1", "R2")
    wait(desk, ANNA, "R3", yuan="99.00", name="other.csv")
    wait(desk, BELA, "R4", name="bela.csv")
    wait(desk, LATE, "R5", name="late.csv")
    for serial in ("R1", "R3", "R4", "R5"):
        by_hand(desk, ANNA, serial)
    tried = retry(desk, "--dry-run")
    assert desk.fen(ANNA) == 400_00
    assert retry(desk, "--month", "2025-04").json["count"] == 0
    done = retry(desk, "--month", "2025-05")
    assert (tried.code, done.code) == (2, 2)
    assert done.json == {**tried.json, "month": "2025-05", "dry_run": False}
    assert all(one["cancellation"] for one in done.json["rows"])
    assert {one["serial"]: (one["ended"], one["reason"]) for one in done.json["rows"]} == {
        "R1": ("recorded", None), "R3": ("refused", "SERIAL_CONFLICT"), "R4": ("refused", "SERIAL_CONFLICT"),
    }  # fmt: skip
    assert (done.json["recorded"], done.json["stay"], desk.fen(ANNA)) == (1, 2, 300_00)
    desk.enrol(LATE)  # whose 撤销 names another's payment
    told = {one["serial"]: one["reason"] for one in retry(desk).json["rows"]}
    assert told == dict.fromkeys(("R3", "R4", "R5"), "SERIAL_CONFLICT")
    assert waiting(desk) == {"R2": False, "R3": True, "R4": True, "R5": True}
    for one in (ANNA, BELA, LATE):
        assert one.number not in done.out + done.err
    require_clean(desk)


def test_what_a_refund_held_back_is_done_once_the_refund_is_reversed(desk):
    desk.pay(desk.payment(ANNA, "F1", on=ON))
    columns = (
        "退费申请编号", "公民身份号码", "姓名", "电子税票号码", "费款所属期", "征收品目", "申请退费额", "退费类型",
        "上解日期", "数据类型", "传输批次号",
    )  # fmt: skip
    cells = ("Q1", ANNA.number, ANNA.name, "TF1", "2025", "个人缴费", "100.00", "04", ON, "新增", "B1")
    file = desk.table("refunds.csv", [dict(zip(columns, cells, strict=True))], columns)
    two = ("--actor", "甲", "--reviewer", "乙")
    of_pool = ("--pool", desk.code)
    desk.prepare("tax", "refunds", "import", file, *of_pool, "--actor", "甲")
    asked = (*of_pool, "--request", "Q1", *two)
    desk.prepare("tax", "refunds", "verify", *asked, "--verdict", "accept", "--reason", "无误")
    desk.prepare("tax", "refunds", "pay", *asked, "--on", "2025-04-02")
    wait(desk, ANNA, "F1")
    assert retry(desk).json["reasons"] == {"ALREADY_REFUNDED": 1}
    version = desk.state(ANNA).version
    desk.prepare(
        "entry", "reverse", *of_pool, "--account", desk.account(ANNA), "--version", version, "--reason", "误退", *two
    )
    assert desk.fen(ANNA) == 100_00
    assert (retry(desk).code, desk.fen(ANNA)) == (0, 0)
    require_clean(desk)


def test_once_though_killed_before_the_commit_and_by_two_at_once(desk):
    """An import that was killed when it had taken its rows in, then a retry and an import of another file together."""
    wait(desk, ANNA, "K1", "K2")
    for serial in ("K1", "K2"):
        by_hand(desk, ANNA, serial)
    file = desk.payments([desk.payment(BELA, "K3", on=ON)], "killed.csv")
    run = partial(start, desk, "import", "payments", file, "--pool", desk.code, "--actor", "甲", "--json")
    with stopped_before(desk, 2, run) as (killed,):
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    assert (desk.fen(BELA), desk.fen(ANNA)) == (100_00, 200_00)
    again = partial(start, desk, "tax", "retry", "--pool", desk.code, "--actor", "乙", "--json")
    with stopped_before(desk, 1, run, again) as started:
        pass
    said = [json.loads(one.communicate(timeout=60)[0]) for one in started]
    assert [one.returncode for one in started] == [0, 0]
    assert said[0]["settled"] + said[1]["recorded"] == 2
    assert (desk.fen(ANNA), len(reversals(desk, ANNA)), waiting(desk)) == (0, 2, {})
    require_clean(desk)


def test_an_original_that_another_run_books_in_the_very_moment(desk, monkeypatch):
    """The 撤销 was decided to wait; before it is kept, its original is booked, and finds nothing that waits."""
    real, there = intake.Intake._take_in, []

    def overtaken(self: Any, rows: Any, ahead: Any) -> Any:
        if not there:
            there.append(1)
            ended_all = type(self).ended_all

            def first(mine: Any) -> None:
                monkeypatch.setattr(type(self), "ended_all", ended_all)
                by_hand(desk, ANNA, "M1")
                ended_all(mine)

            monkeypatch.setattr(type(self), "ended_all", first)
        return real(self, rows, ahead)

    monkeypatch.setattr(intake.Intake, "_take_in", overtaken)
    file = desk.payments([desk.payment(ANNA, "M1", on=BACK, 数据类型="撤销")], "moment.csv")
    ended = desk.import_("payments", file, "--json", inside=True)
    assert (ended.code, ended.json["waiting"], ended.json["settled"]) == (2, 1, 1)
    assert (desk.fen(ANNA), len(reversals(desk, ANNA))) == (0, 1)
    require_clean(desk)
