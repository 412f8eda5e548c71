"""A form as a file: what a spreadsheet sees, how it prints, and that it appears whole, once, and for its owner."""

from __future__ import annotations

import re
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from api.files.form_sheet import write_form
from api.files.table_header import FileFault
from ledger.forms.rosters import roster_form
from ledger.forms.sheet import Form, Named
from tests.ledger.test_forms import NUMBERS, papers

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
TRICKS = ("=1+1", "+8613", "@SUM(A1)", "-2", '=HYPERLINK("x")', "https://example.invalid", "{=1}", "007")


def tricky() -> Form:
    """A roster whose persons have names that a spreadsheet could take for something else."""
    made = papers("neimenggu", "declaration_form", *[300_00] * len(TRICKS))
    people = tuple(Named(name, NUMBERS[0], 300_00 + place) for place, name in enumerate(TRICKS))
    return roster_form(made._replace(people=people))


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "表.xlsx"
    write_form(tricky(), path, NOW)
    return path


def part(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode()


def test_texts_stay_texts_and_amounts_are_numbers_with_two_decimals(file):
    sheet = part(file, "xl/worksheets/sheet1.xml")
    assert not re.search(r"<f[ >]|<hyperlink", sheet)
    rows = CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()
    assert [row[1] for row in rows[2:10]] == list(TRICKS)
    assert [row[3] for row in rows[2:10]] == [NUMBERS[0]] * 8
    assert [row[4] for row in rows[2:10]] == [pytest.approx(300 + place / 100) for place in range(8)]
    assert 'formatCode="@"' in part(file, "xl/styles.xml")
    assert "#,##0.00" in part(file, "xl/styles.xml") or 'numFmtId="4"' in part(file, "xl/styles.xml")


def test_it_prints_on_a4_with_its_header_on_every_page(file):
    sheet, book = part(file, "xl/worksheets/sheet1.xml"), part(file, "xl/workbook.xml")
    assert 'paperSize="9"' in sheet
    assert '<pageSetUpPr fitToPage="1"/>' in sheet
    assert 'fitToHeight="0"' in sheet
    assert "第 &amp;P 页 共 &amp;N 页" in sheet
    assert "Print_Titles" in book
    assert "表!$2:$2" in book
    assert "Print_Area" in book


def test_an_empty_form_says_what_may_be_filled_in(tmp_path):
    path = tmp_path / "空表.xlsx"
    write_form(roster_form(papers("neimenggu", "declaration_form", blank=12)), path, NOW)
    sheet = part(path, "xl/worksheets/sheet1.xml")
    assert re.findall(r'sqref="([^"]+)"[^>]*><formula1>([^<]+)', sheet) == [
        ("C3:C14", '"男,女"'), ("D3:D14", "15"), ("F3:F14", '"集体补助"'),
    ]  # fmt: skip


def test_the_same_form_is_the_same_file(tmp_path, file):
    other = tmp_path / "again.xlsx"
    write_form(tricky(), other, NOW)
    assert other.read_bytes() == file.read_bytes()


def test_only_its_owner_may_read_it(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_what_is_there_is_not_written_over_but_where_it_is_asked_for(tmp_path):
    path = tmp_path / "表.xlsx"
    path.write_text("mine")
    with pytest.raises(FileFault, match="文件已存在"):
        write_form(tricky(), path, NOW)
    assert path.read_text() == "mine"
    write_form(tricky(), path, NOW, overwrite=True)
    assert path.read_bytes()[:2] == b"PK"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_whoever_made_the_file_meanwhile_keeps_it(tmp_path, monkeypatch):
    path = tmp_path / "表.xlsx"
    real = Path.hardlink_to

    def late(self, target):
        self.write_text("theirs")
        return real(self, target)

    monkeypatch.setattr(Path, "hardlink_to", late)
    with pytest.raises(FileFault, match="文件已存在"):
        write_form(tricky(), path, NOW)
    assert path.read_text() == "theirs"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_file_system_without_links_takes_it_too(tmp_path, monkeypatch):
    def without(_self, _target):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", without)
    path = tmp_path / "表.xlsx"
    write_form(tricky(), path, NOW)
    assert path.read_bytes()[:2] == b"PK"
    with pytest.raises(FileFault, match="文件已存在"):
        write_form(tricky(), path, NOW)


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(FileFault, match="无法写入"):
        write_form(tricky(), tmp_path / "absent" / "表.xlsx", NOW)
    assert list(tmp_path.iterdir()) == []
