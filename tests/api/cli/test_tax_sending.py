"""`tax export`, `tax answers`, `tax sent`: batches out, written again alike; what comes back, and to whom."""

import csv
import re
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from unittest import mock
from uuid import uuid4

import pytest

from api.cli import tax_export
from ledger.jobs import sending
from ledger.jobs.outgoing import Registrations, SentReceivables
from ledger.jobs.sending import Sending
from ledger.store import outgoing
from projections.sent_proof import sent_faults
from tests.api.cli.desk import RECORDED, THERE, environment, person
from tests.api.cli.test_import_payments import close
from tests.api.cli.test_tax_receivables import row, table, take_in
from tests.api.cli.village import PAYER, PEOPLE, TWO, Village

ANSWER = ("传输批次号", "序号", "校验结果", "原因")


@pytest.fixture
def village(open_desk):
    made = Village(open_desk("neimenggu"), PEOPLE[:3])
    made.desk.set("rate", 2025, "0.02")
    return made


def export(desk, kind, *more, name="", outside=False, actor="甲", reviewer="乙"):
    way = desk.ledger if outside else desk.inside
    out = desk.folder / (name or f"{uuid4().hex}.csv")
    who = ("--actor", actor, "--reviewer", reviewer)
    return out, way("tax", "export", "--pool", desk.code, "--kind", kind, "--out", out, *who, "--json", *more)


def again(desk, batch, name="again.csv"):
    out = desk.folder / name
    ended = desk.inside("tax", "export", "--pool", desk.code, "--batch", batch, "--out", out, "--overwrite", "--json")
    return out, ended


def lines(path):
    """The head, the columns, and the rows by column."""
    read = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    return read[0], read[1], [dict(zip(read[1], one, strict=True)) for one in read[2:]]


def answer(desk, *rows, name="answers.csv", more=(), **said):
    file = desk.table(name, [dict(zip(ANSWER, one, strict=True)) for one in rows], ANSWER)
    ended = desk.inside("tax", "answers", file, "--pool", desk.code, "--actor", "丙", "--json", *more)
    path = file.with_name(file.name + ".result.csv")
    path.write_text(path.read_text().replace("行号,批次序号,", "行号,缴费明细流水号,", 1))
    assert ended.code == said.get("code", 0), ended
    return desk.outcomes(file)


def rename(desk, who, name):
    said = ("--citizen", who.number, "--name", name, "--document", "更名1", "--actor", "甲", "--reviewer", "乙")
    desk.prepare("participant", "rename", "--pool", desk.code, *said)


def rejected(desk):
    return desk.inside("tax", "sent", "list", "--pool", desk.code, "--rejected", "--json").json["rejected"]


def test_registrations_go_out_once_and_again_when_they_change(village):
    desk = village.desk
    dry_out, dry = export(desk, "registrations", "--dry-run", name="first.csv")
    assert (dry.code, dry_out.exists(), desk.query("SELECT FROM {exchange_batch}")) == (0, False, [])
    out, ended = export(desk, "registrations", name="first.csv", outside=True)
    assert ended.code == 0, ended
    assert dry.json | {"dry_run": False} == ended.json
    assert (ended.json["batch"], ended.json["rows"]) == (f"{desk.code}-000001", 3)
    assert out.stat().st_mode & 0o777 == 0o600
    head, columns, rows = lines(out)
    assert head == ["传输批次号", f"{desk.code}-000001", "总笔数", "3", "总金额", "0.00"]
    assert columns == ["序号", "公民身份号码", "姓名", "旗县", "乡镇", "村", "参保日期", "登记状态"]
    assert [one["序号"] for one in rows] == ["1", "2", "3"]
    assert {(one["公民身份号码"], one["姓名"]) for one in rows} == {(one.number, one.name) for one in village.people}
    assert {tuple(one.values())[3:] for one in rows} == {("青县", "青镇", "青村", "2019-01-02", "参保")}

    _, nothing = export(desk, "registrations", name="none.csv")
    assert (nothing.code, nothing.json["batch"], (desk.folder / "none.csv").exists()) == (0, None, False)
    assert "文件已存在" in export(desk, "registrations", name="first.csv")[1].err

    renamed, closed, plain = village.people
    rename(desk, renamed, "新名字")
    close(desk, closed, date(2025, 11, 2))
    changed, second = export(desk, "registrations", "--overwrite", name="second.csv")
    told = {one["公民身份号码"]: (one["姓名"], one["登记状态"]) for one in lines(changed)[2]}
    assert told == {renamed.number: ("新名字", "参保"), closed.number: (closed.name, "终止")}
    assert second.json["batch"].endswith("-000002")
    first, rewritten = again(desk, f"{desk.code}-000001")
    assert (rewritten.code, first.read_bytes()) == (0, out.read_bytes())  # the name as it stood then
    assert again(desk, 3)[1].code == 1
    assert again(desk, "999999-000001")[1].code == 1
    assert plain.number not in changed.read_text()


def test_a_batch_that_was_recorded_and_not_written_is_written_from_what_was_recorded(village):
    desk = village.desk
    with mock.patch.object(tax_export, "write_batch", side_effect=KeyboardInterrupt):
        out, killed = export(desk, "registrations", name="killed.csv")
    assert (killed.code, out.exists(), list(desk.folder.glob(".*.partial"))) == (130, False, [])
    assert "000001" in killed.err
    assert export(desk, "registrations", name="next.csv")[1].json["batch"] is None  # not sent twice
    written, ended = again(desk, 1)
    assert (ended.code, len(lines(written)[2])) == (0, 3)
    with mock.patch.object(sending.SentBatches, "record", side_effect=KeyboardInterrupt):
        assert export(desk, "villages", name="v.csv")[1].code == 130
    assert export(desk, "villages", name="v.csv")[1].json["batch"].endswith("000002")  # no number was lost


@pytest.mark.parametrize("when", ["before", "after", "writing"])
def test_a_kill_leaves_no_batch_or_one_that_is_written_again(village, when):
    """Killed around the commit, or with the whole file written under no name: it is never there in part."""
    desk, out = village.desk, village.desk.folder / "killed.csv"
    said = ("--pool", desk.code, "--kind", "registrations", "--actor", "甲", "--reviewer", "乙")
    killed = subprocess.run(
        [sys.executable, "-m", "tests.api.cli.export_killed", when, "tax", "export", "--out", str(out), *said],
        cwd=Path(__file__).parents[3], env=environment(desk.home), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed
    assert not out.exists()
    recorded = when != "before"
    assert desk.query("SELECT batch, rows FROM {exchange_batch}") == ([(1, 3)] if recorded else [])
    out, next_one = export(desk, "registrations", name="killed.csv", outside=True)
    assert (next_one.code, next_one.json["batch"]) == (0, None if recorded else f"{desk.code}-000001"), next_one
    written, ended = again(desk, 1)
    assert (ended.code, {one["公民身份号码"] for one in lines(written)[2]}) == (0, {one.number for one in PEOPLE[:3]})
    assert recorded or out.read_bytes() == written.read_bytes()
    assert list(desk.folder.glob(".*.partial")) == []  # what the killed one left is gone
    assert list(sent_faults(desk.log)) == []


def test_receivables_withdrawals_and_special_payments_each_in_their_batch(village):
    desk, (one, other, third) = village.desk, village.people
    special = row(one, "S1", 费款所属期="2023", 缴费类型="中断补缴", 应缴金额="300")
    unsaid = row(one, "S2", 费款所属期="2022", 缴费类型="补缴")
    rows = [row(one, "H1"), row(other, "H1"), row(third, "H2"), special, unsaid]
    assert take_in(desk, table(desk, rows)).code == 0
    gone = [row(third, "H2", 核定日期="2025-04-01", 数据类型="撤销")]  # before it was sent: neither goes out
    assert take_in(desk, table(desk, gone, "gone.csv")).code == 0
    plan, roster = village.reviewed()
    village.walk(plan, "notice_issued", roster)
    village.step(plan, "notice_issued", roster=roster)

    same = export(desk, "special", actor="甲", reviewer="甲")[1]
    assert (same.code, "SAME_PERSON" in same.err) == (1, True)
    out, ended = export(desk, "receivables")
    assert (ended.code, ended.json["rows"], ended.json["amount"]) == (0, 5, "1300.00")
    said = lines(out)[2]
    assert lines(out)[0][2:] == ["总笔数", "5", "总金额", "1300.00"]
    assert [(one["应收核定编号"], one["征收品目"], one["数据类型"]) for one in said] == [
        ("H1", "个人缴费", "新增"), ("H1", "个人缴费", "新增"), *[(roster, "集体补助", "新增")] * 3,
    ]  # fmt: skip
    assert [one["来源单位"] for one in said] == ["", "", PAYER, PAYER, PAYER]
    assert said[0] == {
        "序号": "1", "应收核定编号": "H1", "公民身份号码": one.number, "姓名": one.name, "费款所属期": "2025",
        "征收品目": "个人缴费", "缴费类型": "正常应缴", "应缴金额": "200.00", "核定日期": "2025-03-05",
        "数据类型": "新增", "来源单位": "",
    }  # fmt: skip

    out, ended = export(desk, "special", name="special.csv")
    assert (ended.code, ended.json["left_out"], ended.json["reasons"]) == (2, 1, {"KIND": 1})
    assert [(one["应收核定编号"], one["缴费类型"]) for one in lines(out)[2]] == [("S1", "中断补缴")]
    left = (desk.folder / "special.csv.result.csv").read_text()
    assert "S2,未发送,KIND" in left
    assert one.name not in left
    assert one.number not in left
    assert export(desk, "special")[1].json["left_out"] == 1  # stays due

    returned = ("plan", "return", "--pool", desk.code, "--plan", plan, "--roster", roster, "--reason", "重报")
    desk.prepare(*returned, "--actor", "丁")
    assert take_in(desk, table(desk, [row(other, "H1", 核定日期="2025-05-01", 数据类型="撤销")], "late.csv")).code == 0
    batch = f"{desk.code}-000001"
    assert answer(desk, (batch, 2, "不通过", "未登记"), (batch, 3, "通过", "")) == [RECORDED] * 2
    out, ended = export(desk, "receivables")
    # of the notice all three are withdrawn; what the tax side did not take needs no withdrawal, and is not sent again
    assert [(one["应收核定编号"], one["数据类型"]) for one in lines(out)[2]] == [(roster, "撤销")] * 3


def test_what_comes_back_and_goes_out_again_only_corrected_or_released(village):
    desk, (one, other, third) = village.desk, village.people
    export(desk, "registrations")
    numbers = [row["公民身份号码"] for row in lines(again(desk, 1)[0])[2]]
    place = {number: position for position, number in enumerate(numbers, 1)}
    batch = f"{desk.code}-000001"
    bad, worse = place[one.number], place[other.number]
    rows = [
        ((batch, bad, "不通过", f"姓名{one.name}与公安不符（{one.number}）"), RECORDED),
        ((batch, bad, "不通过", f"姓名{one.name}与公安不符（{one.number}）"), THERE),
        ((batch, bad, "通过", ""), "SERIAL_CONFLICT"),
        ((1, worse, "不通过", "查无此人"), RECORDED),
        ((batch, place[third.number], "通过", ""), RECORDED),
        ((batch, 4, "通过", ""), "SENT_UNKNOWN"),
        ((2, 1, "通过", ""), "SENT_UNKNOWN"),
        (("999999-000001", 1, "通过", ""), "SENT_UNKNOWN"),
        ((batch, "一", "通过", ""), "SENT_UNKNOWN"),
        ((batch, 1, "成功", ""), "KIND"),
        ((batch, 1, "不通过", ""), "ROW_FAULT"),
        ((batch, 1, "不通过", f"与{person(77).number}重复"), "ROW_FAULT"),
    ]
    expected = [end for _, end in rows]
    assert answer(desk, *(said for said, _ in rows), code=2, more=("--dry-run",)) == expected
    assert desk.query("SELECT FROM {exchange_answer}") == []
    assert answer(desk, *(said for said, _ in rows), code=2) == expected
    assert answer(desk, *(said for said, _ in rows), code=2) == [
        THERE if end in (RECORDED, THERE) else end for end in expected
    ]
    stored = [reason for (reason,) in desk.query("SELECT reason FROM {exchange_answer} ORDER BY line")]
    assert stored == ["姓名（姓名）与公安不符（（号码））", "查无此人", ""]

    told = rejected(desk)
    assert [(one["row"], one["owner"], one["released"]) for one in sorted(told, key=lambda one: one["row"])] == [
        (row, "青县", False) for row in sorted((bad, worse))
    ]
    (listed,) = desk.inside("tax", "sent", "list", "--pool", desk.code, "--json").json["batches"]
    assert (listed["accepted"], listed["rejected"], listed["unanswered"]) == (1, 2, 0)
    assert export(desk, "registrations")[1].json["batch"] is None  # neither corrected nor released

    def release(row, reviewer="乙", reason="税务已补登记", of=batch):
        said = ("--batch", of, "--row", row, "--reason", reason, "--actor", "甲", "--reviewer", reviewer)
        return desk.inside("tax", "sent", "release", "--pool", desk.code, *said)

    assert "SAME_PERSON" in release(worse, reviewer="甲").err
    for naming in (f"{other.name}已补登记", f"{other.number}", f"{person(77).number}"):
        assert "ROW_FAULT" in release(worse, reason=naming).err
    assert "SENT_UNKNOWN" in release(9).err
    assert "SENT_STATE" in release(place[third.number]).err
    assert release(worse).code == 0
    assert "SENT_STATE" in release(worse).err
    rename(desk, one, "正名")
    out, ended = export(desk, "registrations")
    assert {one["姓名"] for one in lines(out)[2]} == {"正名", other.name}
    assert rejected(desk) == []
    assert "SENT_STATE" in release(bad).err  # it was sent again
    second = ended.json["batch"]
    assert answer(desk, (second, 1, "不通过", "仍不符"), (second, 2, "通过", ""), name="two.csv") == [RECORDED] * 2
    assert answer(desk, (second, 1, "通过", ""), name="three.csv") == [RECORDED]  # a further answer holds
    assert rejected(desk) == []
    assert "SENT_STATE" in release(1, of=second).err
    assert answer(desk, (second, 1, "不通过", "仍不符"), (second, 2, "通过", ""), name="two.csv") == [THERE] * 2
    assert rejected(desk) == []
    assert len(desk.query("SELECT FROM {exchange_answer} WHERE batch = 2 AND place = 1")) == 2
    assert export(desk, "registrations")[1].json["batch"] is None


def test_nothing_of_an_erased_person_is_left_in_what_was_sent(village):
    desk, (gone, stays, _) = village.desk, village.people
    export(desk, "registrations")
    take_in(desk, table(desk, [row(gone, "E1")]))
    export(desk, "receivables")
    written = again(desk, 1)[0].read_text()
    assert gone.name in written
    assert gone.number in written
    place = next(one["序号"] for one in lines(again(desk, 1)[0])[2] if one["公民身份号码"] == gone.number)
    answer(desk, (1, place, "不通过", f"{gone.name}已死亡"))
    desk.prepare("entry", "reverse", "--pool", desk.code, "--account", desk.account(gone), "--version", 2,
                 "--reason", "错", "--actor", "甲", "--reviewer", "乙")  # fmt: skip
    close(desk, gone, date(2025, 11, 2))
    erase = ("participant", "erase", "--pool", desk.code, "--citizen", gone.number, "--reason", "申请")
    desk.prepare(*erase, "--actor", "甲", "--reviewer", "乙")
    for table_name in ("exchange_batch", "exchange_sent", "exchange_answer", "exchange_release", "receivable"):
        held = str(desk.query(f"SELECT * FROM {{{table_name}}}"))
        assert gone.name not in held
        assert gone.number not in held
    for batch in (1, 2):
        read = again(desk, batch)[0].read_text()
        assert gone.name not in read
        assert gone.number not in read
        (line,) = [one for one in lines(again(desk, batch)[0])[2] if one["姓名"] == "已删除"]
        assert line["公民身份号码"] == ""
    assert stays.name in again(desk, 1)[0].read_text()
    assert (nothing := export(desk, "registrations")[1].json)["batch"] is None
    assert nothing["left_out"] == 0


def test_villages_go_out_with_what_the_tax_side_gave_them(village):
    desk = village.desk
    out, ended = export(desk, "villages")
    assert ended.code == 0, ended
    (said,) = lines(out)[2]
    code = said.pop("区划编码")
    assert re.fullmatch(rf"{desk.code}\.\d\d\.\d\d\d\.\d\d\d", code)
    assert said == {
        "序号": "1", "统一社会信用代码": PAYER, "单位名称": "青村股份经济合作社", "集体补助村编号": "JT0001",
        "纳税人识别号": "91T", "社保编码": "S1", "旗县": "青县", "乡镇": "青镇", "村": "青村",
    }  # fmt: skip
    assert answer(desk, (1, 1, "不通过", "名称不一致")) == [RECORDED]
    (told,) = rejected(desk)
    assert (told["owner"], told["payer"], told["participant"]) == ("青县", PAYER, None)
    assert desk.inside("tax", "sent", "list", "--pool", desk.code, "--rejected").out.startswith(f"{desk.code}-000001-1")
    for wrong in (("--kind", "others"), (), ("--kind", "villages", "--batch", "1")):
        ended = desk.inside("tax", "export", "--pool", desk.code, "--out", desk.folder / "w.csv", *wrong)
        assert ended.code == 64


def test_more_than_a_batch_takes_is_due_for_the_next_one(village, monkeypatch):
    desk = village.desk
    sending = Sending(desk.log, desk.register)
    monkeypatch.setattr(outgoing, "PAGE", 2)  # three persons, and four receivables, over a page's end
    assert (
        take_in(desk, table(desk, [row(who, f"P{place}") for place, who in enumerate(village.people * 2)][:4])).code
        == 0
    )
    assert len({one.subject for page in SentReceivables(desk.log).pages() for one in page}) == 4
    first = sending.send(Registrations(desk.log), TWO, most=2)
    second = sending.send(Registrations(desk.log), TWO, most=2)
    assert (first.batch, first.rows, first.more) == (1, 2, True)
    assert (second.batch, second.rows, second.more) == (2, 1, False)
    assert sending.send(Registrations(desk.log), TWO, most=2).batch is None


def test_a_donor_who_pays_goes_out_by_number_and_is_stored_by_code(village):
    desk, giver = village.desk, person(801)
    payer = ("payer", "register", "--pool", desk.code, "--kind", "person", "--citizen", giver.number, "--name")
    desk.prepare(*payer, giver.name, "--document", "申请1", "--actor", "甲", "--reviewer", "乙")
    said = row(village.people[0], "D1", 征收品目="社会资助", 来源单位=giver.number)
    assert take_in(desk, table(desk, [said])).code == 0
    ((code,),) = desk.query("SELECT payer FROM {receivable}")
    assert code.startswith("PERSON-")
    out, _ = export(desk, "receivables")
    assert [one["来源单位"] for one in lines(out)[2]] == [giver.number]
    assert giver.number not in str(desk.query("SELECT * FROM {exchange_sent}"))
    shown = desk.inside("payer", "erase", "--pool", desk.code, "--code", code, "--reason", "申请", "--actor", "甲",
                        "--reviewer", "乙")  # fmt: skip
    assert shown.code == 0, shown
    assert [one["来源单位"] for one in lines(again(desk, 1)[0])[2]] == ["已删除"]


@pytest.mark.parametrize(
    ("spoil", "kinds"),
    [
        ("DELETE FROM {exchange_batch} WHERE batch = 1", {"batch_gap", "batch_rows"}),
        ("DELETE FROM {exchange_sent} WHERE place = 2", {"batch_rows"}),
        ("UPDATE {exchange_sent} SET fen = 1 WHERE batch = 1 AND place = 1", {"batch_rows"}),
        ("INSERT INTO {exchange_answer} VALUES (9, 1, 1, 2, true, '', '', now())", {"answer_stray"}),
    ],
)
def test_verify_sees_batches_that_are_not_what_they_were(village, spoil, kinds):
    desk = village.desk
    export(desk, "registrations")
    export(desk, "villages")
    assert list(sent_faults(desk.log)) == []
    with desk.log.connections.connection() as connection:
        connection.execute("BEGIN")
        connection.execute(desk.log.sql(spoil))
        found = {one.kind for one in sent_faults(desk.log.on(connection))}
        connection.execute("ROLLBACK")
    assert found == kinds
