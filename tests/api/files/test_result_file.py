"""The result file: whole or not at all, one line a row, harmless in a spreadsheet."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.files.result_file import COLUMNS, ResultFile, csv_cell
from api.files.tables import FileFault


@pytest.fixture
def paid(tmp_path):
    path = tmp_path / "缴费 payments.csv"
    path.write_text("x", encoding="utf-8")
    return path


def test_it_stands_beside_the_input(paid):
    with ResultFile(paid) as result:
        result.write_many([(2, "TX1", "已入账", "", ""), (3, "TX-2", "拒绝", "CAP", "超过上限, 请核对")])
        result.write(4, "", "拒绝", "IDENTITY", "公民身份号码：校验码不符")
        assert not result.path.exists()
    assert result.path == paid.with_name("缴费 payments.csv.result.csv")
    assert result.path.read_bytes().decode("utf-8") == (
        "行号,缴费明细流水号,结果,原因代码,说明\n"
        "2,TX1,已入账,,\n"
        '3,TX-2,拒绝,CAP,"超过上限, 请核对"\n'
        "4,,拒绝,IDENTITY,公民身份号码：校验码不符\n"
    )
    assert sorted(path.name for path in paid.parent.iterdir()) == [paid.name, result.path.name]


def test_a_failure_leaves_the_earlier_result(paid):
    with ResultFile(paid) as first:
        first.write(2, "TX1", "已入账", "", "")
    before = first.path.read_bytes()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012, SIM117 — the inner block is what is interrupted
        with ResultFile(paid) as second:
            second.write(2, "TX1", "拒绝", "CAP", "")
            raise KeyboardInterrupt
    assert first.path.read_bytes() == before
    assert len(list(paid.parent.iterdir())) == 2


def test_a_failing_rename_removes_the_partial_file(paid):
    result = ResultFile(paid)
    with pytest.raises(IsADirectoryError):  # noqa: PT012, SIM117 — the rename happens at the end of the inner block
        with result:
            result.path.mkdir()
            (result.path / "x").touch()
    assert sorted(path.name for path in paid.parent.iterdir()) == sorted([paid.name, result.path.name])


def test_a_folder_that_cannot_be_written_is_found_before_anything(tmp_path):
    for folder in (tmp_path / "none", tmp_path / "file"):
        (tmp_path / "file").touch()
        with pytest.raises(FileFault, match="尚未记录"), ResultFile(folder / "payments.csv"):
            raise AssertionError("must not be reached")


def test_a_folder_with_the_name_of_the_result(paid):
    ResultFile(paid).path.mkdir()
    with pytest.raises(FileFault, match="占用"), ResultFile(paid):
        raise AssertionError("must not be reached")


def test_a_closed_file_takes_no_rows(paid):
    with ResultFile(paid) as result:
        pass
    with pytest.raises(RuntimeError):
        result.write(2, "TX1", "", "", "")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("＝1", "'＝1"),
        (" =1", "' =1"),
        ("\t=1", "' =1"),
        ("a\r\nb\u2028c\x85d", "a b c d"),
        ('a "b"', '"a ""b"""'),
        ("=a,b", '"\'=a,b"'),
        ("正常", "正常"),
    ],
)
def test_cells(text, cell):
    assert csv_cell(text) == cell


@given(st.lists(st.tuples(st.integers(1, 9**9), st.text(), st.text(), st.text(), st.text()), max_size=5))
def test_any_text_stays_on_its_line(tmp_path_factory, rows):
    rows = [tuple(c if isinstance(c, int) else c.encode("utf-8", "replace").decode() for c in row) for row in rows]
    paid = tmp_path_factory.mktemp("r") / "p.csv"
    with ResultFile(paid) as result:
        result.write_many(rows)
    text = result.path.read_text(encoding="utf-8")
    assert len(text.splitlines()) == len(rows) + 1
    read = list(csv.reader(text.splitlines(), strict=True))
    assert read[0] == list(COLUMNS)
    assert [row[0] for row in read[1:]] == [str(row[0]) for row in rows]
    assert all(len(row) == 5 and not cell.startswith(("=", "+", "-", "@")) for row in read for cell in row)


def test_many_different_texts_are_not_all_kept(paid):
    with ResultFile(paid) as result:
        result.write_many((line, "TX", "拒绝", "CAP", f"金额 {line}") for line in range(10_000))
        assert len(result._tails) <= 4_096
    assert len(result.path.read_text(encoding="utf-8").splitlines()) == 10_001
