"""`tax report`: a month as one workbook, every cell of it read back, held to what `tax reconcile` says of it."""

from __future__ import annotations

import csv
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from api.files import month_workbook
from api.files.month_summary import summary_rows
from ledger import clock
from ledger.differences import CHINESE
from projections.reconciliation_report import month_report, snapshot
from tests.api.cli.test_reconciliation_cases import CASE, EVERYBODY, Month

SHEETS = ["汇总", "差异明细", "账龄"]
MARCH = date(2025, 3, 1)
HOSTILE = '=HYPERLINK("http://example.invalid","县社保")'
"""An owner that a spreadsheet could take for a formula."""
Cells = list[list[Any]]


@pytest.fixture(scope="module")
def month(open_desk):
    """The stored case; the treasury states items, a whole day, two days together; one category has an owner."""
    made = Month(open_desk(), CASE["agency"], CASE["tax"])
    desk = made.desk
    stated = (
        ("05", "05", "个人缴费", "1", "500"), ("10", "10", "个人缴费", "1", "500"), ("07", "07", "", "2", "600"),
        ("11", "12", "", "", "1250"),
    )  # fmt: skip
    names = ("征收品目", "笔数", "金额")
    rows = [
        {"起": f"2025-03-{since}", "止": f"2025-03-{until}", **dict(zip(names, told, strict=True))}
        for since, until, *told in stated
    ]
    file = desk.table("treasury.csv", rows, tuple(rows[0]))
    source = ("--source", "treasury", "--actor", "甲")
    desk.prepare("tax", "totals", "import", file, "--pool", desk.code, *source)
    due = f"{clock.today().year + 1}-01-05"
    about = ("--category", "AMOUNT", "--comparison", "tax_agency", "--owner", HOSTILE, "--due-on", due)
    desk.prepare("tax", "differences", "assign", *of_march(desk), *about, "--actor", "甲")
    return made


def of_march(desk):
    return "--pool", desk.code, "--month", "2025-03"


def reported(desk, name, *more, outside=False):
    path = desk.folder / name
    way = desk.ledger if outside else desk.inside
    return way("tax", "report", *of_march(desk), "--out", path, "--json", *more), path


def read(path: Path) -> dict[str, Cells]:
    """Every sheet; nothing in the file is a formula or says who anybody is."""
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == SHEETS
    with zipfile.ZipFile(path) as parts:
        texts = "".join(parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml"))
    assert "<f>" not in texts
    for one in EVERYBODY.values():
        assert one.number not in texts
        assert one.name not in texts
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in SHEETS}


def listed(sheet: Cells) -> list[dict[str, Any]]:
    """The rows of the list; where a name stands twice (税务, 核定), with the group before it."""
    groups, names, said = sheet[2], sheet[3], ""
    keys = []
    for group, name in zip(groups, names, strict=True):
        said = group or said
        keys.append(f"{said}{name}" if said in {"税务", "核定"} else name)
    return [dict(zip(keys, row, strict=True)) for row in sheet[4:]]


def fen(value: object) -> int:
    return int(Decimal(str(value)) * 100)


def row_of(sheet: Cells, name: str) -> list[Any]:
    return next(row for row in sheet if row[0] == name)


def test_the_list_is_what_reconcile_says(month):
    """Every difference once: ids, types of cells, both records, the owner as text, the proposal by its number."""
    desk = month.desk
    ended, path = reported(desk, "march.xlsx", "--csv", desk.folder / "march.csv", outside=True)
    assert ended.code == 0, ended
    said = desk.inside("tax", "reconcile", *of_march(desk), "--json").json
    told = {one["id"]: one for one in said["differences"]}
    rows = listed(read(path)["差异明细"])
    assert [row["序号"] for row in rows] == list(range(1, len(told) + 1))
    assert {row["差异编号"] for row in rows} == set(told)
    numbers = {row["差异编号"]: row["序号"] for row in rows}
    for row in rows:
        one = told[row["差异编号"]]
        assert fen(row["差额（元）"]) == fen(one["amount"])
        assert isinstance(row["差额（元）"], float)
        assert row["责任单位"] == one["owner"]
        assert row["疑似对应序号"] == (numbers[one["proposal"]] if one["proposal"] else "")
        for side, name, key, number in (
            ("税务", "流水号", "serial", "tax"),
            ("核定", "应收核定编号", "number", "agency"),
        ):
            record = one[number]
            assert row[f"{side}{name}"] == (record[key] if record else "")
            assert row[f"{side}来源文件"] == (record["file"][:12] if record else "")
            assert row[f"{side}行"] == (record["line"] if record else "")
            if record and "amount" in record:
                assert fen(row[f"{side}金额"]) == fen(record["amount"])
                assert row["税务入库日期" if side == "税务" else "核定核定日期"] == date.fromisoformat(record["on"])
    assert any(row["疑似对应序号"] for row in rows)
    (amount,) = [row for row in rows if row["类别"] == CHINESE["AMOUNT"] and row["对比"] == "税务—核定"]
    assert (amount["责任单位"], amount["状态"]) == (HOSTILE, "已指定责任人")
    assert isinstance(amount["期限"], date)
    short = next(row for row in rows if row["对比"] == "税务—国库" and row["所指"] == "2025-03-10 个人缴费")
    assert (short["前者（元）"], short["后者（元）"], short["差额（元）"], short["类别"]) == (
        0,
        500,
        -500,
        "国库有、税务无",
    )

    with (desk.folder / "march.csv").open(encoding="utf-8", newline="") as stream:
        plain = list(csv.DictReader(stream))
    assert [row["差异编号"] for row in plain] == [row["差异编号"] for row in rows]
    assert [fen(row["差额（元）"]) for row in plain] == [fen(row["差额（元）"]) for row in rows]
    assert {row["责任单位"] for row in plain if row["责任单位"].startswith("'")} == {"'" + HOSTILE}


def test_the_summary_explains_the_difference(month):
    desk = month.desk
    ended, path = reported(desk, "summary.xlsx")
    sheets, said = read(path), desk.inside("tax", "reconcile", *of_march(desk), "--json").json
    summary, rows = sheets["汇总"], listed(sheets["差异明细"])
    mine = [row for row in rows if row["对比"] == "税务—核定"]
    whole = row_of(summary, "差异合计")
    assert (fen(whole[6]), whole[5]) == (fen(said["total_difference"]), said["row_difference"])
    assert sum(fen(row["差额（元）"]) for row in mine) == fen(whole[6])
    assert sum(row["笔数差"] for row in mine) == whole[5]
    assert (ended.json["is_explained"], "两者相符" in row_of(summary, "差额说明")[1]) == (True, True)
    books = row_of(summary, "合计")
    assert (fen(books[3]), fen(books[5]), fen(books[8])) == (3700_00, 3900_00, -200_00)
    assert row_of(summary, "相符")[3] == 3
    assert row_of(summary, "征缴统计")[2:8] == ["征缴统计（未报）", "", "", "", "", "未核对"]
    treasury = row_of(summary, "税务—国库")
    days = row_of(summary, "全月合计")
    assert fen(treasury[8]) == fen(days[9]) == fen(days[3]) - fen(days[8]), "three ways to the same difference"
    by_day = [row for row in summary if isinstance(row[0], date) and row[1] != "当日合计"]
    wholes = [row for row in summary if row[1] in {"当日合计", "合计"} and row[9] != ""]
    assert [(row[0], row[8], row[9]) for row in wholes] == [(date(2025, 3, 7), 600, 0), ("03-11至03-12", 1250, 50)]
    assert sum(fen(row[9] or 0) for row in [*by_day, *wholes]) == fen(days[9])
    assert {row[0].day: row[9] for row in by_day if row[1] == "个人缴费"} == {5: 0, 6: 300, 10: -500}
    assert [sum(fen(row[place]) for row in by_day) for place in (3, 5, 6)] == [fen(days[place]) for place in (3, 5, 6)]
    assert fen(days[6]) == 300_00, "what no account has"

    with snapshot(desk.log) as seen:
        made = month_report(seen, MARCH)
    assert made is not None
    assert sum(one.ages[-1].rows for one in made.unallocated) == made.view.totals.unallocated.rows
    broken = made._replace(explained=made.explained[1:])
    assert any("不得签认" in str(cell.value) for row in summary_rows(broken) for cell in row)


def test_the_command_names_differences_as_the_sheets_do(month):
    desk = month.desk
    _, path = reported(desk, "named.xlsx")
    told = desk.inside("tax", "reconcile", *of_march(desk)).out.splitlines()
    said = [line.strip().partition("（")[0] for line in told if "，未了" in line or line.endswith("，已了")]
    compared = [(row["类别"], row["对比"]) for row in listed(read(path)["差异明细"])]
    assert set(said) == {category for category, _ in compared}
    assert {"国库有、税务无"} <= set(said)
    mine = [one for one in CHINESE.values() if (one, "税务—核定") in compared]
    assert said[: len(mine)] == mine
    listing = desk.inside("tax", "differences", "list", *of_march(desk), "--comparison", "tax_treasury").out
    assert "国库有、税务无" in listing
    assert CHINESE["AGENCY_ONLY"] not in listing


def test_the_ages_are_of_what_nobody_has_dealt_with(month):
    desk = month.desk
    ended, path = reported(desk, "ages.xlsx")
    ages = read(path)["账龄"]
    whole, unallocated = row_of(ages, "未了差异合计"), row_of(ages, "未划入账户合计")
    assert whole[-2] == ended.json["open"]
    said = desk.inside("tax", "reconcile", *of_march(desk), "--json").json
    undone = [one for one in said["differences"] if one["status"] in {"open", "assigned"}]
    assert (len(undone), sum(abs(fen(one["amount"])) for one in undone)) == (whole[-2], fen(whole[-1]))
    assert sum(whole[place] for place in range(2, 12, 2)) == whole[-2]
    assert (unallocated[-2], fen(unallocated[-1])) == (
        said["unallocated"]["rows"],
        fen(said["unallocated"]["amount"]),
    )


def test_a_list_too_long_says_so(month, monkeypatch):
    monkeypatch.setattr(month_workbook, "DETAILS_MAX", 4)
    desk = month.desk
    ended, path = reported(desk, "long.xlsx", "--csv", desk.folder / "long.csv")
    sheet = read(path)["差异明细"]
    assert (len(listed(sheet)), ended.json["listed"]) == (4, 4)
    assert "只列前4笔" in sheet[1][1]
    assert len((desk.folder / "long.csv").read_text("utf-8").splitlines()) == ended.json["differences"] + 1


def test_a_file_that_is_there_is_kept(month):
    desk = month.desk
    (desk.folder / "mine.xlsx").write_text("mine")
    kept, path = reported(desk, "mine.xlsx")
    assert (kept.code, "文件已存在" in kept.err, path.read_text()) == (1, True, "mine")
    over, path = reported(desk, "mine.xlsx", "--overwrite")
    assert (over.code, path.stat().st_mode & 0o777) == (0, 0o600)
    assert reported(desk, "mine.pdf")[0].code == 64
    assert not list(desk.folder.glob(".*.partial"))


def test_a_signed_month_names_who_signed(month):
    """After the others: it explains what is left, signs, and shows what came since."""
    desk = month.desk
    left = [
        one["id"]
        for one in desk.inside("tax", "reconcile", *of_march(desk), "--json").json["differences"]
        if one["status"] in {"open", "assigned"}
    ]
    ids = [word for one in left for word in ("--id", one)]
    desk.prepare("tax", "differences", "explain", *of_march(desk), *ids, "--reason", "已核实", "--actor", "甲")
    hands = ("--tax-side", "税务丙", "--document", "签认1号", "--actor", "甲", "--reviewer", "乙")
    desk.prepare("tax", "sign", *of_march(desk), *hands)
    ended, path = reported(desk, "signed.xlsx")
    summary = read(path)["汇总"]
    assert ended.json["signed"]
    tax, agency = row_of(summary, "税务部门（盖章）"), row_of(summary, "社保经办机构（盖章）")
    assert (tax[3], agency[3], agency[6], agency[9]) == ("税务丙", "甲", "乙", clock.today())
    assert "签认单编号：签认1号" in summary[-1][0]
    assert "签认后" not in summary[-1][0]
    desk.pay(desk.payment(EVERYBODY["A"], "LATE", "50", "2025-03-20"))
    _, path = reported(desk, "late.xlsx")
    assert "签认后又到达1行" in read(path)["汇总"][-1][0]
