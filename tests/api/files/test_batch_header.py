"""Files of the exchange through a profile: what they state of themselves, how it is read, and when it is not borne out.

Also that everything behind the file sees our own names and words, whatever the format calls them.
"""

import csv
import io
import pickle

import pytest
import xlsxwriter

from api.files.exchange_file import open_exchange
from api.files.tables import FileFault, FileRows
from ledger.batch_header import BatchHeader
from ledger.exchange import FileKind
from ledger.exchange_profile import Profile, read_profile, shipped_profile
from ledger.jobs.payment_rows import REQUIRED
from ledger.refusals import Reason, Refused
from samples.people import citizen_number

SPINE, ITEMS = shipped_profile("spine"), shipped_profile("items")
NUMBER = citizen_number("64000019800301001")
BATCH = 11


def row(serial, yuan="100.00", data_type="新增", batch="B1"):
    return [serial, f"T{serial}", NUMBER, "测甲", "2023", "个人缴费", "正常应缴", yuan, "2023-05-10", "2023-05-11",
            data_type, batch]  # fmt: skip


ROWS = [row("S1"), row("S2", "300"), row("S3", "1,000.50"), row("S1", "100.00", "撤销")]
NET, GROSS = "1300.50", "1500.50"


@pytest.fixture
def table(tmp_path):
    def write(above, rows=ROWS, header=REQUIRED, name="p.csv"):
        path, lines = tmp_path / name, [*above, list(header), *rows]
        if name.endswith(".xlsx"):
            book = xlsxwriter.Workbook(str(path))
            sheet = book.add_worksheet()
            for line, cells in enumerate(lines):
                for place, cell in enumerate(cells):
                    (sheet.write_string if isinstance(cell, str) else sheet.write_number)(line, place, cell)
            book.close()
            return path
        text = io.StringIO(newline="")
        csv.writer(text).writerows(lines)
        path.write_text(text.getvalue(), encoding="utf-8")
        return path

    return write


def opened(path, profile=SPINE, kind=FileKind.PAYMENTS):
    """What the file states, and its rows as whoever takes them in sees them, by our names."""
    source, header = open_exchange(path, profile, kind)
    return header, [{name: cells[place] for name, place in source.index.items()} for _, cells, _ in FileRows(source)]


def refused(path, profile=SPINE, kind=FileKind.PAYMENTS):
    with pytest.raises(Refused) as caught:
        open_exchange(path, profile, kind)
    assert caught.value.refusal.reason is Reason.BATCH_HEADER
    assert NUMBER not in caught.value.refusal.text
    assert "测甲" not in caught.value.refusal.text
    return caught.value.refusal


STATED = BatchHeader("B1", 4, 130050, "spine")
FORMS = {
    "one cell each": [["传输批次号：B1", "总笔数：4", f"总金额：{NET}"]],
    "one cell for all": [[f"传输批次号：B1 总笔数：4笔；总金额（元）：{NET}元"]],
    "commas between": [["传输批次号:B1，总笔数:4，总金额:1,300.50"]],
    "thousands": [["传输批次号：B1", "记录数：4", "合计金额：¥1,300.50"]],
    "in words": [["传输批次号：B1", "笔数=4", "合计金额（大写）：壹仟叁佰元伍角"]],
    "side by side": [["传输批次号", "B1", "", "总笔数：", "", "4", "总金额（元）", NET]],
    "one below the other": [["传输批次号", "发送日期", "总笔数", "总金额"], ["B1", "2023-05-12", "4", NET]],
    "lines of their own": [["城乡居民缴费明细"], ["传输批次号：B1"], [], ["总 笔 数 ： 4"], ["总金额", NET]],
    "twice the same": [["传输批次号：B1", "总笔数：4", f"总金额：{NET}"], ["笔数：4"]],
}


@pytest.mark.parametrize("name", ["p.csv", "p.xlsx"])
@pytest.mark.parametrize("above", FORMS.values(), ids=FORMS)
def test_what_a_file_states_is_read_and_borne_out(table, above, name):
    header, rows = opened(table(above, name=name))
    assert header == STATED
    assert [one["缴费明细流水号"] for one in rows] == ["S1", "S2", "S3", "S1"]


def test_figures_as_numbers_of_a_spreadsheet(table):
    above = [["传输批次号", "B1"], ["总笔数", 4], ["总金额", 1300.5]]
    assert opened(table(above, name="p.xlsx"))[0] == STATED
    refusal = refused(table([["传输批次号", 202305120000001]], name="p.xlsx"))
    assert "文本格式" in refusal.rule


@pytest.mark.parametrize(
    "above",
    [
        [],
        [["城乡居民养老保险缴费明细"], ["制表：某所，本页笔数：9，退费总金额：1"]],
        [["总笔数", "", ""]],
        [["笔数说明：无"]],
    ],
)
def test_what_states_nothing_is_no_header(table, above):
    header, rows = opened(table(above))
    assert header == BatchHeader(profile="spine")
    assert not header.stated
    assert len(rows) == 4


def test_rows_without_a_batch_have_the_headers(table):
    rows = [row("S1", batch=""), row("S2", batch="Ｂ1"), row("S3", batch=" ")]
    header, read = opened(table([["传输批次号：B1"]], rows))
    assert [one["传输批次号"] for one in read] == ["B1", "Ｂ1", "B1"]
    assert header.batch == "B1"


def test_the_refusal_names_both_figures(table):
    refusal = refused(table([["总笔数：5", "总金额：1,400.50"]]))
    assert refusal.value == "总笔数：表头所载5，逐行计得4；总金额：表头所载1400.50元，逐行计得1300.50元"
    assert "新增为正、撤销为负" in refusal.rule
    assert "总金额" not in refused(table([["总笔数：3", f"总金额：{NET}"]])).value
    assert "总笔数" not in refused(table([["总笔数：4", f"总金额：{GROSS}"]])).value
    assert "-100.00元" in refused(table([["总金额：100"]], [row("S1", data_type="撤销")])).value


def test_a_cancellation_is_taken_off_whichever_sign_it_has(table):
    assert opened(table([["总金额：200"]], [row("S1", "300"), row("S2", "-100", "撤销")]))[0].fen == 20000


def test_blank_rows_are_not_counted(table):
    assert opened(table([["总笔数：2"]], [row("S1"), [], [""] * 12, row("S2")]))[0].rows == 2


def without(text):
    return [["传输批次号：B1", "总笔数：2", "总金额：200"]], [row("S1"), text]


@pytest.mark.parametrize(
    ("above", "rows", "said"),
    [
        (*without(row("S2", "一百")), "第4行"),
        (*without(row("S2", "")), "第4行"),
        (*without(row("S2", "1.005")), "第4行"),
        (*without(row("S2", data_type="更正")), "第4行"),
        (*without([*row("S2"), "多"]), "第4行"),
        (*without(row("S2", batch="B2")), "第4行“传输批次号”"),
    ],
)
def test_what_leaves_the_header_unproven_is_refused_with_its_line(table, above, rows, said):
    assert said.replace("4", "5") in refused(table([["缴费明细"], *above], rows)).value
    assert said in refused(table(above, rows)).value


def test_lines_that_a_stray_quote_swallowed_are_not_counted(tmp_path):
    good, path = ",".join(row("S1")), tmp_path / "p.csv"
    path.write_text(f'总笔数：2\n{",".join(REQUIRED)}\n{good}\n"{good}\n', encoding="utf-8")
    assert refused(path).value == "第4行"


def test_a_faulty_row_still_counts_where_no_total_is_stated(table):
    rows = [row("S1", "一百"), row("S2", ""), row("S3", data_type="更正"), [*row("S4"), "多"]]
    header, read = opened(table([["总笔数：4"]], rows))
    assert header.rows == len(read) == 4


def test_a_number_that_lost_digits_leaves_the_amount_what_it_is(table):
    rows = [row("S1"), [*row("S2")[:2], 640000198003010000, *row("S2")[3:]]]
    source, header = open_exchange(table([["总金额：200"]], rows, name="p.xlsx"), SPINE, FileKind.PAYMENTS)
    assert [bool(fault) for _, _, fault in FileRows(source)] == [False, True]
    assert header.fen == 20000


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("总笔数：", "整数"),
        ("总笔数：四", "整数"),
        ("总笔数：4.0", "整数"),
        ("总金额：若干", "以元为单位"),
        ("总金额（万元）：0.13005", "以元为单位"),
        ("总金额：0.13005万元", "以元为单位"),
        ("传输批次号：", "须为编号"),
        ("传输批次号：测甲", "须为编号"),
        (f"传输批次号：{NUMBER}", "公民身份号码"),
        ("总笔数：4 记录数：5", "只能有一个取值"),
    ],
)
def test_what_is_stated_and_cannot_be_read_is_refused(table, cell, rule):
    assert rule in refused(table([["缴费明细"], [cell]])).rule


# -- through another format ----------------------------------------------------------------------------------------

ITEM_CODES = {
    "缴费明细流水号": "UUID", "电子税票号码": "AAD009", "公民身份号码": "aac147", "姓名": "AAC003",
    "费款所属期": "AAE003", "上解日期": "AAE530", "入库日期": "AAE531", "数据类型": "AAA321",
}  # fmt: skip


def made(tmp_path, text) -> Profile:
    path = tmp_path / "north.toml"
    path.write_text('name = "north"\nbased_on = "items"\n' + text, encoding="utf-8")
    profile = read_profile(path)
    assert isinstance(profile, Profile), profile
    return profile


def test_items_reads_as_spine_does(table):
    header = [ITEM_CODES.get(name, name) for name in REQUIRED]
    assert opened(table([], header=header), ITEMS)[1] == opened(table([]), SPINE)[1]


def test_a_serial_of_its_own_goes_before_the_uuid(table):
    header = [*(ITEM_CODES.get(name, name) for name in REQUIRED), "缴费明细流水号"]
    source, _ = open_exchange(table([], [[*row("U1"), "S1"]], header), ITEMS, FileKind.PAYMENTS)
    assert [cells[source.index["缴费明细流水号"]] for _, cells, _ in source] == ["S1"]
    assert source.ignored == ("UUID",)


def test_a_missing_column_is_told_with_its_code(table):
    with pytest.raises(FileFault) as caught:
        open_exchange(table([]), ITEMS, FileKind.PAYMENTS)
    assert "公民身份号码（AAC147）" in caught.value.what


CODED = """
[payments]
batch_header = "required"
total = "gross"
[payments.labels]
rows = "条数"
batch = []
[payments.fixed]
"征收品目" = "政府代缴"
[payments.values."数据类型"]
"1" = "新增"
"2" = "撤销"
[payments.values."险种类型"]
"170" = "城乡居民基本养老保险"
"""


@pytest.mark.parametrize("name", ["p.csv", "p.xlsx"])
def test_codes_become_our_words_also_for_who_counts_and_who_reads_apart(table, tmp_path, name):
    profile = made(tmp_path, CODED)
    names = [name for name in REQUIRED if name != "征收品目"]
    header = [*(ITEM_CODES.get(name, name) for name in names), "AAE140"]
    rows = [
        [*one[:5], *one[6:10], code, *one[11:], insurance]
        for one, code, insurance in zip(ROWS, ("1", "１", "新增", "2"), ("170", "", "110", "170"), strict=True)
    ]
    path = table([["条数：4", f"总金额：{GROSS}"]], rows, header, name)
    source, said = open_exchange(path, profile, FileKind.PAYMENTS)
    read = FileRows(source)
    if source.portable:
        read = pickle.loads(pickle.dumps(read))
    cells = [{name: cells[place] for name, place in source.index.items()} for _, cells, _ in read]
    assert [one["数据类型"] for one in cells] == ["新增", "新增", "新增", "撤销"]
    assert [one["险种类型"] for one in cells] == ["城乡居民基本养老保险", "", "110", "城乡居民基本养老保险"]
    assert {one["征收品目"] for one in cells} == {"政府代缴"}
    assert [one["实缴金额"] for one in cells] == [one[7] for one in ROWS]
    assert said == BatchHeader("", 4, 150050, "north")
    missing = refused(table([["条数：4"]], rows, header, name), profile)
    assert missing.value == "没有总金额"
    assert "north" in missing.rule
    assert "逐行相加" in refused(table([["条数：4", f"总金额：{NET}"]], rows, header, name), profile).rule


def test_the_net_sum_knows_the_codes(table, tmp_path):
    profile = made(tmp_path, '[payments.values."数据类型"]\n"1" = "新增"\n"2" = "撤销"\n')
    header = [ITEM_CODES.get(name, name) for name in REQUIRED]
    rows = [[*one[:10], {"新增": "1", "撤销": "2"}[one[10]], one[11]] for one in ROWS]
    assert opened(table([[f"总金额：{NET}"]], rows, header), profile)[0].fen == 130050


def test_a_table_without_anything_to_change_is_handed_on_as_it_was_opened(table):
    source, _ = open_exchange(table([["总笔数：4"]]), SPINE, FileKind.PAYMENTS)
    assert source.rows.func.__module__ == "api.files.csv_table"


def test_receivables_and_totals(table, tmp_path):
    columns = ("应收核定编号", "AAC147", "AAC003", "AAE003", "征收品目", "缴费类型", "应缴金额", "核定日期", "AAA321")
    rows = [
        ["N1", NUMBER, "测甲", "2023", "集体补助", "正常应缴", "300", "2023-04-01", "新增"],
        ["N1", NUMBER, "测甲", "2023", "集体补助", "正常应缴", "300", "2023-04-02", "撤销"],
    ]
    header, read = opened(table([["传输批次号：R1 笔数：2 总金额：0.00"]], rows, columns), ITEMS, FileKind.RECEIVABLES)
    assert header == BatchHeader("R1", 2, 0, "items")
    assert read[0]["公民身份号码"] == NUMBER
    assert read[0]["来源单位"] == ""

    days = [["2023-05-10", "900", "3"], ["2023-05-11", "-50.5", "1"]]
    path = table([["总笔数：99", "记录数：2", "总金额：849.50"]], days, ("日期", "金额", "笔数"))
    header, read = opened(path, SPINE, FileKind.TREASURY)
    assert header == BatchHeader("", 2, 84950, "spine")
    assert read[1] == {
        "起": "2023-05-11", "金额": "-50.5", "止": "", "征收品目": "", "缴费类型": "", "旗县": "", "笔数": "1",
        "凭证号": "",
    }  # fmt: skip
    only = tmp_path / "only.toml"
    only.write_text('name = "only"\n[totals.columns]\n"起" = "日"\n"金额" = "额"\n', encoding="utf-8")
    profile = read_profile(only)
    with pytest.raises(FileFault, match="没有缴费明细"):
        open_exchange(path, profile, FileKind.PAYMENTS)
