"""The stored case of a reconciled month, and its variant with equal totals, through the installed commands."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.api.cli.desk import Desk, Ended, Person, person
from tests.properties.tax_books import batch_head
from tests.properties.tax_rows import PAYMENT, RECEIVABLE, BookFile, Cells, fen_of

CASE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data/cases/reconciliation.json").read_text("utf-8"))
EXPECTED = CASE["expected"]
ITEMS = {"contribution": "个人缴费", "collective_subsidy": "集体补助", "social_aid": "社会资助"}
PEOPLE: dict[str, Person] = {letter: person(600 + place) for place, letter in enumerate("ABCDEFGH")}
EVERYBODY = {**PEOPLE, "unknown": person(699)}
DUE_OF = {row["person"]: row["row"] for row in CASE["agency"]}
"""Each person of the case owes one row."""
PAID_OF = {row["row"]: row["person"] for row in CASE["tax"]}
BATCH = "PC202503"


class Told(NamedTuple):
    """A reconciled month: what the command printed, and the differences of the details by the rows they are about."""

    ended: Ended
    details: list[dict[str, Any]]
    by_row: dict[str, dict[str, str]]
    """Category → row of the case → amount. A row of a registered person goes by what the person owes."""


class Month:
    """A pool that took the case's two books in, by the installed commands."""

    def __init__(self, desk: Desk, agency: Sequence[Mapping[str, Any]], tax: Sequence[Mapping[str, Any]]) -> None:
        self.desk = desk
        for year in (2024, 2025):
            desk.set("cap", year, "5000.00")
        assert desk.import_("participants", desk.participants(PEOPLE.values())).code == 0
        self.due = BookFile("receivables", "receivables.csv", RECEIVABLE, tuple(map(_due, agency)))
        head = batch_head(BATCH, len(tax), sum(fen_of(row["amount"]) for row in tax))
        self.paid = BookFile("payments", "payments.csv", PAYMENT, tuple(map(_paid, tax)), head)
        self.rows = {line: row["row"] for (line, _), row in zip(self.paid.lines(), tax, strict=True)}
        taken = desk.ledger(
            "tax", "receivables", "import", self._written(self.due), "--pool", desk.code, "--actor", "甲", "--reviewer",
            "乙",
        )  # fmt: skip
        assert taken.code == 0, taken
        self.taken_in = desk.import_("payments", self._written(self.paid))

    def _written(self, file: BookFile) -> Path:
        path = self.desk.folder / file.name
        path.write_bytes(file.content())
        return path

    def reconciled(self, month: str, *, inside: bool = False) -> Told:
        """`tax reconcile` of a month, with what must hold of every one."""
        way = self.desk.inside if inside else self.desk.ledger
        ended = way("tax", "reconcile", "--pool", self.desk.code, "--month", month, "--json")
        assert ended.code in (0, 3), ended
        for one in EVERYBODY.values():
            assert one.number not in ended.out + ended.err
            assert one.name not in ended.out + ended.err
        details = [one for one in ended.json["differences"] if one["comparison"] == "tax_agency"]
        by_row: dict[str, dict[str, str]] = defaultdict(dict)
        for one in details:
            row = self._about(one)
            assert row not in by_row[one["category"]]
            by_row[one["category"]][row] = one["amount"]
        assert sum(fen_of(one["amount"]) for one in details) == fen_of(ended.json["total_difference"])
        return Told(ended, details, dict(by_row))

    def _about(self, difference: Mapping[str, Any]) -> str:
        """The row of the case that a difference is about, by where it stands in its file."""
        agency, tax = difference["agency"], difference["tax"]
        if agency:
            assert agency["file"] == self.due.sha256()
            assert CASE["agency"][agency["line"] - 2]["row"] == agency["number"]
        if tax:
            assert tax["file"] == self.paid.sha256()
            assert self.paid.rows[tax["line"] - 5]["缴费明细流水号"] == tax["serial"]
        if agency:
            return str(agency["number"])
        row = self.rows[tax["line"]]
        return row if difference["category"] == "DUP_TRANSPORT" else DUE_OF.get(PAID_OF[row], row)


def _due(row: Mapping[str, Any]) -> Cells:
    who = EVERYBODY[row["person"]]
    said = row["row"], who.number, who.name, str(row["period"]), ITEMS[row["item"]], "正常应缴", row["amount"]
    return dict(zip(RECEIVABLE, (*said, "2025-03-03", "新增"), strict=True))


def _paid(row: Mapping[str, Any]) -> Cells:
    who, on = EVERYBODY[row["person"]], row["treasury_on"]
    said = row["serial"], row["voucher"], who.number, who.name, str(row["period"]), ITEMS[row["item"]], "正常应缴"
    days = row.get("paid_on", on), on
    return dict(zip(PAYMENT, (*said, row["amount"], *days, "新增", BATCH), strict=True))


@pytest.fixture(scope="module")
def month(open_desk: Callable[..., Desk]) -> Month:
    return Month(open_desk(), CASE["agency"], CASE["tax"])


def test_the_month_of_the_case(month):
    """R-1: each category with its rows and amounts, the row that came twice, and nothing else."""
    told = month.reconciled("2025-03")
    said = told.ended.json
    assert (told.ended.code, said["pool"], said["month"]) == (3, month.desk.code, "2025-03")
    assert (said["total_difference"], said["row_difference"]) == (
        EXPECTED["total_difference"],
        EXPECTED["row_difference"],
    )
    expected = {name: rows for name, rows in EXPECTED["categories"].items() if isinstance(rows, dict)}
    again = EXPECTED["categories"]["DUP_TRANSPORT"]
    assert told.by_row == {**expected, "DUP_TRANSPORT": dict.fromkeys(again, "0.00")}
    counted = {name: (one["rows"], one["amount"]) for name, one in said["categories"].items() if one["rows"]}
    sums = {name: sum(map(fen_of, rows.values())) for name, rows in told.by_row.items()}
    assert {name: (rows, fen_of(amount)) for name, (rows, amount) in counted.items()} == {
        **{name: (len(told.by_row[name]), fen) for name, fen in sums.items()},
        "MATCHED": (len(EXPECTED["categories"]["MATCHED"]), 0),
    }
    assert sum(one["tax_rows"] - one["agency_rows"] for one in said["totals"]) == EXPECTED["row_difference"]
    tax, agency = (sum(fen_of(one[side]) for one in said["totals"]) for side in ("tax", "agency"))
    assert (tax, agency) == (3700_00, 3900_00)
    assert said["signed"] is None


def test_nobodys_payment_and_what_nobody_paid_point_at_each_other_and_stay_open(month):
    """PERSON is never matched by the program."""
    owed, paid = sorted(
        (one for one in month.reconciled("2025-03", inside=True).details if one["category"] == "PERSON"),
        key=lambda one: fen_of(one["amount"]),
    )
    assert (owed["agency"]["number"], owed["amount"]) == ("P8", "-300.00")
    assert (paid["tax"]["serial"], paid["amount"]) == ("S8", "300.00")
    assert (owed["proposal"], paid["proposal"]) == (paid["id"], owed["id"])
    assert {owed["status"], paid["status"]} == {"open"}
    assert month.taken_in.code == 2  # T8 names nobody whom the register knows


def test_what_was_cut_off_in_march_clears_in_april(month):
    april = month.reconciled("2025-04")
    said = april.ended.json
    assert (april.ended.code, said["total_difference"], said["row_difference"]) == (0, "300.00", 1)
    assert april.by_row == {"CUTOFF": {"P7": "300.00"}}
    assert [one["status"] for one in april.details] == ["cleared"]
    march = month.reconciled("2025-03", inside=True)
    assert [one["status"] for one in march.details if one["category"] == "CUTOFF"] == ["cleared"]


def test_a_month_reconciled_again_reads_the_same(month):
    one, two = (month.reconciled("2025-03", inside=True).ended for _ in range(2))
    assert (one.code, one.out) == (two.code, two.out)


def test_equal_totals_hide_two_differences(open_desk):
    """R-2: what each paid of the month is what was approved, but for P1 with 100 less and P2 with 100 more."""
    other = {"P1": "400.00", "P2": "300.00"}
    assert all(f"{row} {amount}" in CASE["equal_totals"]["note"] for row, amount in other.items())
    paid = [
        {
            **row, "voucher": f"V{place}", "serial": f"S{place}", "amount": other.get(row["row"], row["amount"]),
            "treasury_on": f"2025-03-{place:02d}",
        }
        for place, row in enumerate(CASE["agency"], 4)
    ]  # fmt: skip
    told = Month(open_desk(), CASE["agency"], paid).reconciled("2025-03")
    said = told.ended.json
    assert (told.ended.code, said["total_difference"], said["row_difference"]) == (3, "0.00", 0)
    assert told.by_row == {"AMOUNT": {"P1": "-100.00", "P2": "100.00"}}
    assert said["categories"]["AMOUNT"] == {"rows": 2, "amount": "0.00"}
    assert said["categories"]["MATCHED"] == {"rows": len(CASE["agency"]) - 2, "amount": "0.00"}


def test_no_row_of_the_case_is_left_out(month):
    """Whatever the stored file holds stands in one of the files or in what is expected."""
    assert set(CASE) == {"about", "agency", "tax", "expected", "equal_totals"}
    assert [row["应收核定编号"] for row in month.due.rows] == [row["row"] for row in CASE["agency"]]
    assert [row["缴费明细流水号"] for row in month.paid.rows] == [row["serial"] for row in CASE["tax"]]
    assert list(month.rows.values()) == [row["row"] for row in CASE["tax"]]
    assert set(EVERYBODY) == {row["person"] for row in (*CASE["agency"], *CASE["tax"])}
    named = {row for rows in EXPECTED["categories"].values() for row in rows}
    assert named == {*DUE_OF.values(), "T8", "T1-again"}
