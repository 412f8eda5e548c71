"""Profiles of the exchange: the shipped ones hold, one based on them says only what differs, every fault is told."""

import pytest

from ledger.exchange import FileKind
from ledger.exchange_layout import LAYOUTS, WORDS, layout_of
from ledger.exchange_profile import (
    FOLDER,
    Profile,
    find_profile,
    read_profile,
    shipped_names,
    shipped_profile,
)
from ledger.jobs.payment_rows import OPTIONAL, REQUIRED, read_payment
from ledger.refusals import Reason, Refusal
from ledger.region_rules import CONFIDENCE
from samples.people import citizen_number

WHOLE = """name = "mine"
[totals.columns]
"起" = "RQ"
"金额" = "JE"
"""


@pytest.fixture
def profile_file(tmp_path):
    def write(text, name="mine.toml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def read(path) -> Profile:
    profile = read_profile(path)
    assert isinstance(profile, Profile), profile
    return profile


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_profiles_have_every_sort_and_say_how_sure_they_are(name):
    profile = shipped_profile(name)
    assert profile.formats.keys() == LAYOUTS.keys()
    for one in profile.formats.values():
        assert one.rests_on
        assert one.confidence in CONFIDENCE
        assert one.columns.keys() == set(one.layout.names)
    assert shipped_profile(name) is profile


def test_spine_is_the_default_and_calls_every_column_by_its_own_name():
    assert shipped_names()[0] == "spine"
    payments = shipped_profile("spine").formats["payments"]
    assert payments.columns == {name: (name,) for name in (*REQUIRED, *OPTIONAL)}


def test_items_has_the_codes_and_ships_no_code_of_a_value():
    formats = shipped_profile("items").formats
    payments = formats["payments"].columns
    assert {name: headers for name, headers in payments.items() if headers != (name,)} == {
        "缴费明细流水号": ("缴费明细流水号", "UUID"),
        "电子税票号码": ("AAD009",),
        "公民身份号码": ("AAC147",),
        "姓名": ("AAC003",),
        "费款所属期": ("AAE003",),
        "实缴金额": ("实缴金额", "AAE542"),
        "上解日期": ("AAE530",),
        "入库日期": ("AAE531",),
        "数据类型": ("AAA321",),
        "统筹区编码": ("AAA027",),
        "社保经办机构编号": ("AAB034",),
        "险种类型": ("AAE140",),
    }
    assert (formats["totals"].columns["起"], formats["totals"].columns["止"]) == (("AAE310",), ("AAE311",))
    requests = formats["refund_requests"].columns
    assert {name: headers for name, headers in requests.items() if headers != (name,)} == {
        "退费申请编号": ("AAA325",),
        "公民身份号码": ("AAC147",),
        "姓名": ("AAC003",),
        "电子税票号码": ("AAD009",),
        "申请退费额": ("AAE496",),
        "退费类型": ("AAE494",),
        "上解日期": ("AAE530",),
        "数据类型": ("AAA321",),
        "实缴金额": ("AAE542",),
        "入库日期": ("AAE531",),
    }
    assert all(not one.values and not one.fixed for one in formats.values())


def test_every_kind_of_file_has_its_layout():
    without = {FileKind.NOTICE, FileKind.ANSWERS}
    assert [layout_of(kind) for kind in FileKind if kind not in without] == [
        "payments", "receivables", "totals", "totals", "totals", "totals", "totals", "totals", "refund_requests",
        "failures", "special_feedback",
    ]  # fmt: skip
    for kind in without:
        with pytest.raises(ValueError, match=kind):
            layout_of(kind)


def test_what_it_is_based_on_stays_but_for_what_it_says(profile_file):
    path = profile_file(
        """name = "north"
        based_on = "items"
        [payments]
        batch_header = "required"
        total = "gross"
        [payments.columns]
        "实缴金额" = "AAE999"
        [payments.fixed]
        "征收品目" = "个人缴费"
        [payments.labels]
        rows = "条数"
        [payments.values."险种类型"]
        "170" = "城乡居民基本养老保险"
        [payments.values."数据类型"]
        "1" = "新增"
        "2" = "撤销"
        """
    )
    profile = read(path)
    payments, base = profile.formats["payments"], shipped_profile("items").formats["payments"]
    assert profile.name == "north"
    assert payments.columns["公民身份号码"] == base.columns["公民身份号码"]
    assert payments.columns["实缴金额"] == ("AAE999",)
    assert "征收品目" not in payments.columns
    assert payments.fixed == {"征收品目": "个人缴费"}
    assert payments.values["数据类型"] == {"1": "新增", "2": "撤销"}
    assert payments.labels == base.labels._replace(rows=("条数",))
    assert (payments.required, payments.total, base.total) == (True, "gross", "net")
    assert profile.formats["totals"].columns == shipped_profile("items").formats["totals"].columns


def test_a_batch_number_may_come_from_a_required_header_alone(profile_file):
    columns = "\n".join(f'"{name}" = "{name}"' for name in REQUIRED if name != "传输批次号")
    text = 'name = "mine"\n[payments]\nbatch_header = "required"\n[payments.labels]\nbatch = "批次"\n'
    text += "[payments.columns]\n"
    assert "传输批次号" not in read(profile_file(text + columns)).formats["payments"].columns
    refusal = read_profile(profile_file((text + columns).replace("required", "optional")))
    assert isinstance(refusal, Refusal)
    assert refusal.rule == "缺少必需的列：传输批次号"


FAULTS = {
    "unknown key at the top": (WHOLE + '[payment]\n"x" = "y"', "payment", "没有这个键"),
    "unknown key of a part": (WHOLE + '[totals]\ncolour = "red"', "totals.colour", "没有这个键"),
    "unknown label": (WHOLE + '[totals.labels]\nsum = "x"', "totals.labels.sum", "没有这个键"),
    "a column that is none of ours": (WHOLE + '"备注" = "BZ"', 'totals.columns."备注"', "不是合计的列"),
    "a required column is not covered": (
        'name = "mine"\n[totals.columns]\n"起" = "RQ"',
        "totals.columns",
        "缺少必需的列：金额",
    ),
    "one header for two columns": (WHOLE + '"止" = "rq "', 'totals.columns."止"', "已用于“起”"),
    "one header for two columns, by its unit": (WHOLE + '"笔数" = "JE（元）"', 'totals.columns."笔数"', "已用于“金额”"),
    "one header twice for one column": (WHOLE.replace('"RQ"', '["RQ", "RQ"]'), 'totals.columns."起"', "已用于“起”"),
    "no header": (WHOLE + '"止" = []', 'totals.columns."止"', "列名不得为空"),
    "an empty header": (WHOLE + '"止" = " "', 'totals.columns."止"', "列名不得为空"),
    "a header that is no text": (WHOLE + '"止" = 7', 'totals.columns."止"', "须为文本"),
    "a word that is none of ours": (
        WHOLE + '[totals.values."征收品目"]\n"1" = "个人"',
        'totals.values."征收品目".1',
        "个人缴费",
    ),
    "codes of a column that has none": (
        WHOLE + '[totals.values."金额"]\n"1" = "2"',
        'totals.values."金额"',
        "不是有代码的列",
    ),
    "codes of no column of ours": (
        WHOLE + '[totals.values."数据类型"]\n"1" = "新增"',
        'totals.values."数据类型"',
        "不是合计的列",
    ),
    "an empty word": (WHOLE + '[totals.values."旗县"]\n"1" = ""', 'totals.values."旗县".1', "不得为空"),
    "a fixed word that is none of ours": (
        WHOLE + '[totals.fixed]\n"缴费类型" = "多缴"',
        'totals.fixed."缴费类型"',
        "正常应缴",
    ),
    "a fixed value and a column": (WHOLE + '[totals.fixed]\n"金额" = "1"', 'totals.fixed."金额"', "既有列名又有固定值"),
    "no such way to sum": (WHOLE + '[totals]\ntotal = "both"', "totals.total", "net、gross"),
    "no such way to sum, as a list": (WHOLE + '[totals]\ntotal = ["net"]', "totals.total", "net、gross"),
    "a header that may or may not": (
        WHOLE + '[totals]\nbatch_header = "no"',
        "totals.batch_header",
        "optional、required",
    ),
    "a required header without labels": (WHOLE + '[totals]\nbatch_header = "required"', "totals.labels", "标签"),
    "a label with two meanings": (
        WHOLE + '[totals.labels]\nrows = "数"\ntotal = "数"',
        "totals.labels.total",
        "一个含义",
    ),
    "no name": (WHOLE.replace('name = "mine"', ""), "name", "须有名称"),
    "a name that is taken": (WHOLE.replace('"mine"', '"items"'), "name", "随软件提供"),
    "based on nothing known": ('based_on = "other"\n' + WHOLE, "based_on", "spine、items"),
    "nothing at all": ('name = "mine"', "mine.toml", "至少有一节"),
    "a part that is none": ('totals = 3\nname = "mine"', "totals", "须为一节"),
    "no sure confidence": (WHOLE + '[totals]\nconfidence = "high"', "totals.confidence", "stated"),
    "not TOML": ('name = "mine"\n[totals.columns]\n起 = "RQ"', "第 3 行", "不是有效的 TOML"),
    "not UTF-8": (WHOLE.encode("gb18030"), "mine.toml", "UTF-8"),
}


@pytest.mark.parametrize(("text", "key", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_refused_with_file_key_and_remedy(profile_file, text, key, said):
    refusal = read_profile(profile_file(text))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.PROFILE
    assert "mine.toml" in refusal.value
    assert key in refusal.value
    assert said in refusal.rule
    assert refusal.remedy


def test_the_file_of_the_faults_is_well_without_them(profile_file):
    assert read(profile_file(WHOLE)).formats.keys() == {"totals"}


def test_a_profile_is_found_by_name_or_path(profile_file, tmp_path):
    assert find_profile("items") is shipped_profile("items")
    path = profile_file(WHOLE)
    assert find_profile(str(path)) == read(path)
    for said, rule in (("nobody", "spine、items"), (str(tmp_path / "none.toml"), "无法打开"), ("", "spine")):
        refusal = find_profile(said)
        assert isinstance(refusal, Refusal)
        assert rule in refusal.rule


def test_words_of_another_insurance_are_refused_with_their_row():
    cells = ["S1", "T1", citizen_number("64000019800301001"), "测甲", "2023", "个人缴费", "正常应缴", "100",
             "2023-05-10", "2023-05-10", "新增", "B1", *[""] * len(OPTIONAL)]  # fmt: skip
    place = (*REQUIRED, *OPTIONAL).index("险种类型")
    assert place == 19
    told = {}
    for said in ("", *WORDS["险种类型"], "城乡居民 基本养老保险", "企业职工基本养老保险", "170"):
        cells[place] = said
        row = read_payment(7, list(cells))
        told[said] = getattr(row, "refusal", row)
    for said, row in told.items():
        refused = isinstance(row, Refusal) and row.reason is Reason.KIND
        assert refused == (said in {"企业职工基本养老保险", "170"}), (said, row)
    assert "险种" in told["170"].rule
    assert "第7行“险种类型”" in told["170"].value


def test_a_fault_in_a_shipped_profile_is_an_error_of_the_program(monkeypatch, tmp_path):
    (tmp_path / "bad.toml").write_text('name = "bad"\n[totals.columns]\n"起" = "a"\n', encoding="utf-8")
    monkeypatch.setattr("ledger.exchange_profile.FOLDER", tmp_path)
    with pytest.raises(ValueError, match="缺少必需的列"):
        shipped_profile("bad")
    assert FOLDER.is_dir()
