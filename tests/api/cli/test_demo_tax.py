"""The demonstration's month of exchange: it comes out as its files say, its report names nobody, and it can fail."""

import csv
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from api.cli.demo_tax import MONTH, POOL, _clock_at, _Month, show_tax
from api.cli.session import CommandFault
from ledger import clock

SAMPLES = Path(__file__).parents[3] / "samples" / POOL


class Walk:
    """Runs the demonstration's commands on the tests' server."""

    def __init__(self, desk):
        self._desk = desk
        self.said = []

    def command(self, *arguments, quiet=False, refused=False, found=False):
        ended = self._desk.inside(*arguments)
        assert (ended.code not in (0, 2)) if refused else ended.code in ((0, 2, 3) if found else (0, 2)), ended
        if not quiet:
            self.said.append((arguments, ended))
        return ended.out


@pytest.fixture(scope="module")
def shown(open_desk, tmp_path_factory):
    """The month shown once: the walk, its files, its reports."""
    folder = tmp_path_factory.mktemp("month")
    files, reports, walk = folder / "files", folder / "reports", Walk(open_desk("neimenggu"))
    shutil.copytree(SAMPLES, files)
    reports.mkdir()
    before = clock.now()
    show_tax(walk, files, reports)
    assert abs((clock.now() - before).total_seconds()) < 600
    return walk, files, reports


def test_the_month_is_walked_to_both_signatures(shown):
    walk, _, reports = shown
    done = [" ".join(arguments[:3]) for arguments, _ in walk.said]
    for command in (
        "tax profiles list", "tax export --kind", "tax answers", "tax totals import", "tax refunds verify",
        "tax failed import", "tax subsidies --year", "tax allocate --serial", "tax differences resolve",
        "tax sign --month", "tax report --month", "projections verify --pool",
    ):  # fmt: skip
        assert any(one.startswith(command) for one in done), command
    refused = [ended.err for _, ended in walk.said if ended.code == 1]
    assert ["BATCH_HEADER" in refused[0], "DIFFERENCES_OPEN" in refused[1], len(refused)] == [True, True, 2]
    assert sorted(path.name for path in reports.iterdir()) == [
        f"社税对账月报-{MONTH}-{state}.xlsx" for state in ("已签认", "未签认")
    ]


def test_every_page_of_a_report_says_of_which_pool_and_month_it_is(shown):
    """A number right behind a font's size would be read as part of the size."""
    for path in shown[2].iterdir():
        with zipfile.ZipFile(path) as parts:
            for sheet in (1, 2, 3):
                assert f"&amp;L&amp;8 {POOL} {MONTH} " in parts.read(f"xl/worksheets/sheet{sheet}.xml").decode()


def test_no_report_and_nothing_printed_says_who_anybody_is(shown):
    walk, files, reports = shown
    with (files / "participants.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    words = {word for one in people for word in (one["姓名"], one["公民身份号码"])}
    books = [CalamineWorkbook.from_path(path) for path in reports.iterdir()]
    cells = [
        str(cell)
        for book in books
        for sheet in book.sheet_names
        for row in book.get_sheet_by_name(sheet).to_python()
        for cell in row
    ]
    assert len(cells) > 500
    assert {"退费申请 TF20250001", "退费申请 TF20250002"} <= set(cells)
    told = "\n".join([*cells, *(ended.out + ended.err for _, ended in walk.said)])
    assert [word for word in words if word in told] == []


@pytest.mark.parametrize(
    ("name", "value"), [("total_difference", "50.01"), ("matched", 24), ("stranger", {"serial": "1", "approval": "2"})]
)
def test_a_month_that_comes_out_other_fails_loudly(shown, tmp_path, name, value):
    """Each of what is compared; and a difference that did not come."""
    walk, files, _ = shown
    told = _as_it_was(files)
    month = _Month(walk, files, tmp_path)
    month._check(told)
    month._expected[name] = value
    with pytest.raises(CommandFault, match="不符"):
        month._check(told)


def test_a_difference_too_many_or_too_few_fails_loudly(shown, tmp_path):
    walk, files, _ = shown
    told, month = _as_it_was(files), _Month(walk, files, tmp_path)
    for differences in (told["differences"][1:], [*told["differences"], told["differences"][0]]):
        with pytest.raises(CommandFault, match=r"没有|多出"):
            month._check({**told, "differences": differences})


def _as_it_was(files):
    """What `tax reconcile --json` says of a month that is as its files say."""
    expected = json.loads((files / "expected.json").read_text(encoding="utf-8"))
    differences = [
        {
            **one, "id": str(place), "proposal": None, "status": "cleared" if one["cleared"] else "open",
            "tax": one["tax"] and {"serial": one["tax"]}, "agency": one["agency"] and {"number": one["agency"]},
        }
        for place, one in enumerate(expected["differences"])
    ]  # fmt: skip
    paid, owed = (one for one in differences if one["category"] == "PERSON")
    paid["proposal"], owed["proposal"] = owed["id"], paid["id"]
    return {
        "differences": differences,
        "total_difference": expected["total_difference"],
        "categories": {"MATCHED": {"rows": expected["matched"]}},
    }


def test_the_clock_goes_on_from_the_day_it_is_set_to():
    with _clock_at("2025-03-03"):
        first, second = clock.now(), clock.now()
        assert clock.today().isoformat() == "2025-03-03"
        assert first <= second
    assert clock.today().year > 2025
