"""Reading .xlsx: what spreadsheets make of numbers, dates and empty space, and the limits before anything is loaded."""

import zipfile
from datetime import date, datetime, time, timedelta

import pytest
import xlsxwriter

from api.files import xlsx_extent, xlsx_table
from api.files.tables import Columns, FileFault, RowFaultKind, open_table
from api.files.xlsx_extent import Extent, measure_sheet
from api.files.xlsx_table import cell_text, digits_lost

SERIAL, NUMBER, PAID, DAY = "缴费明细流水号", "公民身份号码", "实缴金额", "入库日期"
COLUMNS = Columns(required=(SERIAL, NUMBER, PAID), optional=(DAY,))
TEXT = (SERIAL, NUMBER)
HEADER = [SERIAL, NUMBER, "实缴金额（元）", DAY]


@pytest.fixture
def workbook(tmp_path):
    def write(rows, first_row=0, first_column=0, then=None):
        path = tmp_path / "payments.xlsx"
        with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
            sheet = book.add_worksheet("缴费")
            for offset, row in enumerate(rows):
                sheet.write_row(first_row + offset, first_column, row)
            book.add_worksheet("说明").write_row(0, 0, HEADER)
            if then:
                then(book, sheet)
        return path

    return write


def refused(path):
    with pytest.raises(FileFault) as caught:
        list(open_table(path, COLUMNS, TEXT))
    assert path.name in caught.value.where
    return str(caught.value)


def test_header_at_line_three_with_an_indent(workbook):
    rows = [HEADER, ["TX1", "150000199003150017", 200.5, date(2024, 3, 14)], [], ["TX2", "640000198506301042", 39, ""]]
    table = open_table(workbook(rows, first_row=2, first_column=1), COLUMNS, TEXT)
    expected = [
        (4, ["TX1", "150000199003150017", "200.5", "2024-03-14"], None),
        (6, ["TX2", "640000198506301042", "39", ""], None),
    ]
    assert table.header_line == 3
    assert table.total_hint == 3
    assert list(table) == expected
    assert list(table) == expected, "a second pass reads the same"


def test_a_number_typed_as_a_number_is_a_fault_of_its_row(workbook):
    rows = [HEADER, ["TX1", 150000199003150017, 1, ""], ["TX2", "150000199003150017", 1, ""], [77, "x", 1, ""]]
    read = list(open_table(workbook(rows), COLUMNS, TEXT))
    assert [fault and fault.kind for _, _, fault in read] == [RowFaultKind.DIGITS_LOST, None, None]
    assert NUMBER in read[0][2].text
    assert "文本格式" in read[0][2].text
    assert "1500001990" not in read[0][2].text
    assert read[0][1][0] == "TX1"
    assert read[2][1][0] == "77"


def test_cells_beside_the_table_are_a_fault_of_their_row(workbook):
    rows = [HEADER, ["TX1", "a", 1, "", "", "x"], ["TX2", "a", 1, ""]]
    assert [fault and fault.kind for _, _, fault in open_table(workbook(rows), COLUMNS, TEXT)] == [
        RowFaultKind.EXTRA_CELLS,
        None,
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (39.0, "39"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.3"),
        (1234.5, "1234.5"),
        (-0.01, "-0.01"),
        (float("inf"), "inf"),
        (1e-7, "0.0000001"),
        (1e15, "1000000000000000"),
        (123456789012.34, "123456789012.34"),
        (True, "是"),
        (False, "否"),
        ("  x\u3000", "x"),
        (date(2024, 3, 14), "2024-03-14"),
        (datetime(2024, 3, 14), "2024-03-14"),  # noqa: DTZ001 — a spreadsheet knows no zone
        (datetime(2024, 3, 14, 10, 30), "2024-03-14 10:30:00"),  # noqa: DTZ001
        (time(10, 30), "10:30:00"),
        (timedelta(hours=26), "1 day, 2:00:00"),
    ],
)
def test_cells_as_text(cell, text):
    assert cell_text(cell) == text


@pytest.mark.parametrize(
    ("number", "lost"),
    [(99999999999999.0, False), (100000000000000.0, True), (2.0**53, True), (-(2.0**60), True), (0.5, False)],
)
def test_numbers_that_may_have_lost_digits(number, lost):
    assert digits_lost(number) is lost


def test_formats_alone_do_not_count(workbook):
    def paint(book, sheet):
        for row in range(5, 3000):
            sheet.write_blank(row, 200, None, book.add_format({"bold": True}) if row == 5 else None)

    path = workbook([HEADER, ["TX1", "a", 1, ""]], then=paint)
    assert measure_sheet(path) == Extent(2, 4)
    assert [line for line, _, _ in open_table(path, COLUMNS, TEXT)] == [2]


def test_too_many_rows_are_refused_before_loading(workbook, monkeypatch):
    path = workbook([HEADER, ["TX1", "a", 1, ""]], then=lambda _, sheet: sheet.write(1_048_575, 0, "x"))
    monkeypatch.setattr(xlsx_table, "CalamineWorkbook", None)
    text = refused(path)
    assert "1,048,576 行" in text
    assert "CSV" in text


def test_a_stray_cell_far_right_is_refused_before_loading(workbook, monkeypatch):
    rows = [HEADER] + [["TX1", "a", 1, ""]] * 1_000
    path = workbook(rows, then=lambda _, sheet: sheet.write(999, 16_383, "x"))
    monkeypatch.setattr(xlsx_table, "CalamineWorkbook", None)
    assert "16,384 列" in refused(path)


def test_an_unpacked_size_over_the_limit(workbook, monkeypatch):
    monkeypatch.setattr(xlsx_extent, "MAX_UNPACKED_BYTES", 1_000)
    assert "1 GiB" in refused(workbook([HEADER]))


def test_a_part_that_unpacks_to_more_than_it_declares(workbook, tmp_path):
    path = workbook([HEADER] + [["TX1", "a", 1, ""]] * 500)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    content = path.read_bytes()
    lying = content.replace(entry.file_size.to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lying != content
    path.write_bytes(lying)
    assert "已损坏" in refused(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "文件是空的"),
        (HEADER[0].encode(), "不是有效的 .xlsx"),
        (b"PK\x03\x04" + b"x" * 200, "不是有效的 .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "有密码"),
    ],
)
def test_what_is_no_workbook(tmp_path, content, reason):
    path = tmp_path / "payments.xlsx"
    path.write_bytes(content)
    assert reason in refused(path)


def test_another_archive_is_no_workbook(tmp_path):
    path = tmp_path / "payments.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "不是有效的 .xlsx" in refused(path)


def test_only_the_first_sheet_is_read(workbook):
    assert "第一个工作表是空的" in refused(workbook([]))
    assert "缺少必需的列" in refused(workbook([HEADER[:2]]))


def test_a_column_twice_is_refused(workbook):
    assert "不止一次" in refused(workbook([[*HEADER, SERIAL]]))


def test_rows_of_exporters_with_a_namespace_prefix(monkeypatch):
    xml = b'<x:sheetData><x:row r="2"><x:c r="B2"><x:v>1</x:v></x:c></x:row><x:row><x:c r="C3"/></x:row></x:sheetData>'
    assert xlsx_extent._extent(iter([xml]), "a.xlsx") == Extent(2, 2)
    assert xlsx_extent._extent(iter([xml[i : i + 7] for i in range(0, len(xml), 7)]), "a.xlsx") == Extent(2, 2)
