"""Reading .csv: header, encodings, delimiters, line numbers, and what makes a file or a row unreadable."""

import csv
import hashlib
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.files.tables import Columns, FileFault, RowFaultKind, file_sha256, open_table

SERIAL, NAME, NUMBER, PAID, NOTE = "缴费明细流水号", "姓名", "公民身份号码", "实缴金额", "备注"
COLUMNS = Columns(required=(SERIAL, NAME, NUMBER, PAID), optional=(NOTE,))
HEADER = f"{SERIAL},{NAME},{NUMBER},{PAID}"
ROW = "TX1,张测试,150000199003150017,200.00"
CELLS = ["TX1", "张测试", "150000199003150017", "200.00", ""]


@pytest.fixture
def csv_file(tmp_path):
    def write(text, encoding="utf-8", name="payments.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def refused(path, columns=COLUMNS):
    with pytest.raises(FileFault) as caught:
        list(open_table(path, columns))
    assert path.name in caught.value.where
    assert caught.value.remedy
    return str(caught.value)


def test_columns_in_any_order_and_others_named(csv_file):
    table = open_table(
        csv_file(f"{PAID},单位,{NUMBER},{NAME},{SERIAL}\r\n200.00,某村,150000199003150017,张测试,TX1\r\n"), COLUMNS
    )
    assert list(table) == [(2, CELLS, None)]
    assert list(table) == [(2, CELLS, None)], "a second pass reads the same"
    assert table.header_line == 1
    assert table.ignored == ("单位",)
    assert table.total_hint == 1
    assert table.index == {SERIAL: 0, NAME: 1, NUMBER: 2, PAID: 3, NOTE: 4}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_with_rare_characters(csv_file, encoding):
    text = f"{HEADER},{NOTE}\nTX1,𠮷䶮测试,150000199003150017,200.00,㐂\n"
    assert list(open_table(csv_file(text, encoding), COLUMNS)) == [
        (2, ["TX1", "𠮷䶮测试", "150000199003150017", "200.00", "㐂"], None)
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_byte_order_mark_before_a_quoted_header(csv_file, encoding):
    mark = "" if encoding == "utf-8-sig" else "\ufeff"
    text = mark + ",".join(f'"{name}"' for name in HEADER.split(",")) + "\n" + ROW + "\n"
    assert list(open_table(csv_file(text, encoding), COLUMNS)) == [(2, CELLS, None)]


def test_a_character_across_two_blocks_is_whole(csv_file):
    for shift in range(3):
        text = f"{HEADER}\n" + "x" * shift + ("TX,测试𠮷,1,2\n" * 90_000)
        rows = list(open_table(csv_file(text), COLUMNS))
        assert len(rows) == 90_000
        assert rows[-1] == (90_001, ["TX", "测试𠮷", "1", "2", ""], None)


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_delimiters(csv_file, delimiter):
    text = f"{HEADER}\n{ROW}\n".replace(",", delimiter)
    assert list(open_table(csv_file(text), COLUMNS)) == [(2, CELLS, None)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(csv_file, end):
    table = open_table(csv_file(f"城乡居民缴费明细{end}{end}{HEADER}{end}{ROW}{end}{end},,,{end}{ROW}"), COLUMNS)
    assert table.header_line == 3
    assert list(table) == [(4, CELLS, None), (7, CELLS, None)]


@pytest.mark.parametrize(
    "name",
    ["实缴金额（元）", "实缴金额(元)", " 实缴　金额 ", "实缴\xa0金额［元］", "实缴金额【单位：元】", "实缴金额(元)\n"],
)
def test_names_match_without_spaces_and_units(csv_file, name):
    text = HEADER.replace(PAID, f'"{name}"') + "\n" + ROW
    assert [cells for _, cells, _ in open_table(csv_file(text), COLUMNS)] == [CELLS]


def test_amounts_in_another_unit_are_refused(csv_file):
    assert "单位是万元" in refused(csv_file(HEADER.replace(PAID, "实缴金额（万元）") + "\n" + ROW))


def test_the_header_may_stand_in_the_tenth_row_but_not_in_the_eleventh(csv_file):
    assert open_table(csv_file("标题\n" * 9 + HEADER + "\n" + ROW), COLUMNS).header_line == 10
    assert "没有找到表头" in refused(csv_file("标题\n" * 10 + HEADER + "\n" + ROW))


def test_a_missing_column_is_named(csv_file):
    text = refused(csv_file(f"标题\n{SERIAL},{NAME},{PAID}\nTX1,张测试,200.00\n"))
    assert f"缺少必需的列：{NUMBER}（" in text


@pytest.mark.parametrize("again", [NAME, " 姓 名 "])
def test_a_column_twice_is_refused(csv_file, again):
    assert f"“{NAME}”出现不止一次" in refused(csv_file(f"{HEADER},{again}\n{ROW},李测试\n"))


def test_an_optional_column_twice_is_refused(csv_file):
    assert "不止一次" in refused(csv_file(f"{HEADER},{NOTE},{NOTE}\n{ROW},a,b\n"))


def test_an_ignored_column_may_stand_twice(csv_file):
    assert open_table(csv_file(f"{HEADER},单位,单位\n{ROW},a,b\n"), COLUMNS).ignored == ("单位", "单位")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "文件是空的"),
        (b"\xef\xbb\xbf \r\n\r\n", "文件是空的"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "NUL"),
        (f"{HEADER}\n{ROW}\0\n".encode(), "NUL"),
        (f"{HEADER}\n{ROW}\n".encode() + b"\xff\xff\n", "既不是 UTF-8 也不是 GB18030"),
        (f"{HEADER}\n{ROW}\n".encode("gb18030") + b"\x81", "既不是 UTF-8 也不是 GB18030"),
        (b"x" * (3 << 20), "超过 1 MiB"),
        (b"a,b\n1,2\n", "没有找到表头"),
    ],
    ids=["nothing", "blank", "utf-16", "nul", "no encoding", "cut off", "one line", "other table"],
)
def test_unreadable_files(csv_file, content, reason):
    assert reason in refused(csv_file(content))


def test_only_csv_and_xlsx(csv_file):
    assert ".csv 和 .xlsx" in refused(csv_file("x", name="payments.xls"))
    assert list(open_table(csv_file(f"{HEADER}\n{ROW}\n", name="A.CSV"), COLUMNS)) == [(2, CELLS, None)]


def test_a_file_that_is_not_there(tmp_path):
    assert "无法打开" in refused(tmp_path / "none.csv")


def test_quoted_line_ends_count_as_lines(csv_file):
    text = f'{HEADER},{NOTE}\nTX1,张测试,1,2,"甲\n乙\r\n丙"\nTX2,张测试,1,2,"a ""b"", c"\n'
    assert [(line, cells[0], cells[4]) for line, cells, _ in open_table(csv_file(text), COLUMNS)] == [
        (2, "TX1", "甲\n乙\r\n丙"),
        (5, "TX2", 'a "b", c'),
    ]


def test_a_header_with_a_line_end_in_a_name(csv_file):
    text = f'"标\n题"\n"{SERIAL}\n",{NAME},{NUMBER},{PAID}\n{ROW}\n'
    table = open_table(csv_file(text), COLUMNS)
    assert table.header_line == 3
    assert list(table) == [(5, CELLS, None)]


def test_short_and_long_rows(csv_file):
    text = f"{HEADER}\nTX1,张测试\nTX2,张测试,1,2,,\nTX3,张测试,1,1,200.00\n \nTX4,张测试,1,2\n"
    rows = list(open_table(csv_file(text), COLUMNS))
    assert rows[0] == (2, ["TX1", "张测试", "", "", ""], None)
    assert rows[1] == (3, ["TX2", "张测试", "1", "2", ""], None)
    assert rows[2][1] == ["TX3", "张测试", "1", "1", ""]
    assert rows[2][2].kind is RowFaultKind.EXTRA_CELLS
    assert rows[3] == (6, ["TX4", "张测试", "1", "2", ""], None)


def test_a_thousands_comma_is_noticed_behind_trailing_commas(csv_file):
    rows = list(open_table(csv_file(f"{HEADER},,\nTX1,张测试,1,1,200.00,\nTX2,张测试,1,200.00,,\n"), COLUMNS))
    assert [fault and fault.kind for _, _, fault in rows] == [RowFaultKind.EXTRA_CELLS, None]


def test_a_quote_never_closed_loses_no_line_silently(csv_file):
    text = f'{HEADER}\n{ROW}\nTX2,"张测试,1,2\nTX3,张测试,1,2\nTX4,张测试,1,2\n'
    rows = list(open_table(csv_file(text), COLUMNS))
    assert rows[0] == (2, CELLS, None)
    assert [line for line, _, _ in rows] == [2, 3]
    assert rows[1][2].kind is RowFaultKind.BROKEN_QUOTES
    assert "第 3 至 5 行" in rows[1][2].text


def test_reading_goes_on_behind_a_broken_quote(csv_file):
    text = f'{HEADER}\nTX2,"张"测试,1,2\nTX3,张测试,1,2\nTX4,"张测试,1,2\nTX5,张测试",1,2\nTX6,张测试,1,2\n'
    rows = list(open_table(csv_file(text), COLUMNS))
    assert [(line, cells[0], fault and fault.kind) for line, cells, fault in rows] == [
        (2, "", RowFaultKind.BROKEN_QUOTES),
        (3, "TX3", None),
        (4, "TX4", None),
        (6, "TX6", None),
    ]
    # Well formed by the letter, but the name has swallowed the next row: the caller sees a name with a line end.
    assert "\n" in rows[2][1][1]


def test_a_swallowing_quote_that_leaves_cells_out_is_a_fault(csv_file):
    text = f'{HEADER}\nTX1,"张测试,1,2\nTX2,张测试,1,2"\nTX3,张测试,1,2\n'
    rows = list(open_table(csv_file(text), COLUMNS))
    assert rows[0][2].kind is RowFaultKind.BROKEN_QUOTES
    assert "第 2 至 3 行" in rows[0][2].text
    assert rows[1] == (4, ["TX3", "张测试", "1", "2", ""], None)


def test_a_quote_that_swallows_more_than_the_reader_holds(csv_file):
    text = f'{HEADER}\nTX1,"张测试,1,2\n' + "TX2,张测试,1,2\n" * 20_000
    rows = list(open_table(csv_file(text), COLUMNS))
    assert rows[0][2].kind is RowFaultKind.BROKEN_QUOTES
    assert rows[-1] == (20_002, ["TX2", "张测试", "1", "2", ""], None)
    assert len(rows) - 1 == 20_002 - rows[1][0] + 1, "from the next read line on, none is missing"
    assert f"至 {rows[1][0] - 1} 行" in rows[0][2].text


def test_one_wanted_column(csv_file):
    assert list(open_table(csv_file("流水号\nTX1\n\nTX2\n"), Columns(("流水号",)))) == [
        (2, ["TX1"], None),
        (4, ["TX2"], None),
    ]


def test_a_row_with_cells_in_ignored_columns_only_is_not_blank(csv_file):
    rows = list(open_table(csv_file(f"{HEADER},单位\n,,,,某村\n,,,,\n"), COLUMNS))
    assert rows == [(2, [""] * 5, None)]


def test_a_file_changed_after_opening(csv_file):
    path = csv_file(f"{HEADER}\n{ROW}\n")
    table = open_table(path, COLUMNS)
    path.write_bytes(f"{NAME},{HEADER}\n{ROW}\n".encode())
    with pytest.raises(FileFault, match="被改动"):
        list(table)


def test_a_file_changed_while_it_is_read(csv_file):
    path = csv_file(f"{HEADER}\n" + f"{ROW}\n" * 50_000)
    rows = iter(open_table(path, COLUMNS))
    next(rows)
    with path.open("r+b") as stream:
        stream.seek(-3, 2)
        stream.write(b"\xff\xfe\xfd")
    with pytest.raises(FileFault, match="被改动"):
        list(rows)


def test_memory_is_flat(csv_file):
    path = csv_file(f"{HEADER}\n" + f"{ROW}\n" * 200_000)
    tracemalloc.start()
    assert sum(1 for _ in open_table(path, COLUMNS)) == 200_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20


words = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="\ufeff"), min_size=1
)


@given(st.lists(st.tuples(words, words, words, words), max_size=8), st.sampled_from(["utf-8", "gb18030"]))
def test_what_a_csv_writer_writes_is_read(tmp_path_factory, rows, encoding):
    path = tmp_path_factory.mktemp("t") / "written.csv"
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows([HEADER.split(","), *rows])
    stripped = [[cell.strip() for cell in row] + [""] for row in rows]
    read = [cells for _, cells, fault in open_table(path, COLUMNS) if fault is None]
    if encoding == "utf-8" or not _also_utf8(path):
        assert read == stripped


def _also_utf8(path):
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_sha256(csv_file):
    assert file_sha256(csv_file(b"abc")) == hashlib.sha256(b"abc").digest()
