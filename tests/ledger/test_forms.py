"""What the forms of a plan say, and which region has which: pure, without a sheet or a pool."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.forms.filing import Filed, filed_of, filed_text, filing_fault, filing_form, read_filed
from ledger.forms.payment import arrival_letter
from ledger.forms.plan_text import plan_text
from ledger.forms.rosters import COLUMNS, roster_form
from ledger.forms.rules import NAMES, ROSTERS, choose_roster, read_forms
from ledger.forms.sheet import Form, Named, Organisation, Papers, Place, Role
from ledger.forms.summary import VillageSum, summary_form
from ledger.jobs.roster_rows import OPTIONAL, REQUIRED
from ledger.money import MoneyFault
from ledger.plan import RosterOfPlan, Standing, SubsidyPlan
from ledger.plan_events import PlanDrafted, Source, Standard, SubsidyAllocated, TierSubsidy, Unallocated
from ledger.procedure import read_procedures
from ledger.refusals import Reason, Refusal
from ledger.region_rules import REGIONS, SHIPPED
from ledger.words import MoneyKind
from samples.people import citizen_number

CASES = json.loads((Path(__file__).parents[1] / "data" / "cases" / "rmb.json").read_text("utf-8"))["cases"]
TODAY = date(2026, 11, 24)
PLAN = UUID(int=7)
NUMBERS = [citizen_number(f"6400001980030100{place}") for place in range(1, 6)]


def papers(region: str, name: str, *amounts: int, standard: Standard | None = None, **said: object) -> Papers:
    """The papers of a plan whose one roster has these amounts; none where no amount is given."""
    rule = read_forms(region).rule(name, "subsidy")
    assert not isinstance(rule, Refusal)
    drafted = PlanDrafted(
        actor="甲", rule="r", kind=MoneyKind.COLLECTIVE_SUBSIDY, payer="N2150781MF0000005R", village="1.01.001.001",
        year=2025, sequence=1, covered="本集体经济组织成员", standard=standard or Standard(flat=300_00),
        sources=said.pop("sources", (Source("集体经济收益", 36_900_00),)),
    )  # fmt: skip
    roster = RosterOfPlan("名册一", 2025, "", "", len(amounts), sum(amounts), Standing.ALLOCATED) if amounts else None
    numbers = [NUMBERS[place % len(NUMBERS)] for place in range(len(amounts))]
    people = tuple(
        Named(f"测{place}", number, fen) for place, (number, fen) in enumerate(zip(numbers, amounts, strict=True))
    )
    return Papers(
        rule=rule, plan=PLAN, state=SubsidyPlan(1, drafted, rosters=(roster,) if roster else ()),
        organisation=Organisation("N2150781MF0000005R", "青村合作社", "JT1", "91T", "S1"),
        place=Place("青县", "青镇", "青村"), today=TODAY, roster=roster, people=people, amounts=amounts,
        lines=tuple(range(2, 2 + len(amounts))), **said,
    )  # fmt: skip


def texts(form: Form | Refusal) -> list[str]:
    """Every text of a form, in reading order."""
    assert not isinstance(form, Refusal)
    return [cell.value for row in form.rows for cell in row if isinstance(cell.value, str) and cell.value]


def figures(form: Form, role: Role = Role.MONEY) -> list[int]:
    return [cell.value for row in form.rows for cell in row if cell.role is role and isinstance(cell.value, int)]


# -- 人民币大写 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("yuan", "printed", "_accepted"), CASES)
def test_a_summary_says_its_sum_in_the_one_form(yuan, printed, _accepted):
    fen = int(Decimal(yuan) * 100)
    rule = read_forms("neimenggu").forms["summary"]
    form = summary_form(
        rule, [VillageSum("青镇", "青村", 1, fen // 3), VillageSum("青镇", "红村", 2, fen - fen // 3)], TODAY, ""
    )
    assert printed in texts(form)
    assert figures(form) == [fen // 3, fen - fen // 3, fen]
    assert figures(form, Role.COUNT) == [1, 1, 2, 2, 3]


# -- the official words ------------------------------------------------------------------------------------------------


def test_the_declaration_form_in_the_words_of_s0():
    form = roster_form(papers("neimenggu", "declaration_form", 300_00, 24_50))
    assert texts(form) == [
        "内蒙古城乡居民基本养老保险补助/资助申报表",
        "序号", "姓名", "性别", "公民身份号码", "补助金（资助）金额", "补助或资助类型",
        "测0", "男", NUMBERS[0], "集体补助",
        "测1", "女", NUMBERS[1], "集体补助",
        "资助人（签章）：　　　　　　　　　年　　月　　日",
        "补助（资助）单位名称（盖公章）：青村合作社",
        "县级社保机构审核人（签章）：　　　　　　　　　年　　月　　日",
        "县级社保机构名称（盖公章）：",
        (
            "填表说明：1. 本表由资助人或补助（资助）单位填报；"
            "2. 本表一式两份，由县级社保经办机构、资助人或补助（资助）单位各留存一份。"
        ),
    ]  # fmt: skip
    assert figures(form) == [300_00, 24_50]
    assert set(COLUMNS) == {*REQUIRED, *OPTIONAL}


def test_the_summary_in_the_words_of_s0():
    form = summary_form(read_forms("neimenggu").forms["summary"], [VillageSum("青镇", "青村", 2, 600_00)], TODAY, "")
    assert texts(form) == [
        "内蒙古城乡居民基本养老保险补助/资助汇总表",
        "序号", "苏木乡镇（街道）", "嘎查村（社区）委会名称", "补助（资助）人数", "集体补助（资助）总额",
        "青镇", "青村", "合计金额（大写）", "陆佰元整",
        "业务制表人：", "打印日期：2026年11月24日", "财务复核人：", "负责人：",
        (
            "填表说明：1. 本表一式两联，由旗县级经办人员打印，一份交财务人员记账，一份业务归档。"
            "2. 此表苏木乡镇（街道）嘎查村（社区）委会名称为被资助人的信息。"
        ),
    ]  # fmt: skip


def test_the_filing_form_in_the_words_of_s0_with_a_sentence_for_each_standard():
    form = filing_form(papers("neimenggu", "filing_form", 300_00, 24_50, 300_00))
    said = texts(form)
    assert [one.strip() for one in said if "经研究" in one] == [
        "经研究，青村合作社为2名本集体经济组织成员按照300元/人标准补助城乡居民养老保险费0.06万元。",
        "经研究，青村合作社为1名本集体经济组织成员按照24.50元/人标准补助城乡居民养老保险费0.00245万元。",
    ]
    labels = (
        "填表日期 统一社会信用代码 组织名称 所属区、镇（街道） 地　址 法人信息 经办人信息 姓　名 证件号码 联系电话"
        " 备注：此表由集体经济组织提供。"
    )
    assert set(labels.split(" ")) <= set(said)
    blank = filing_form(papers("neimenggu", "filing_form", blank=30))
    assert any("______为______名本集体经济组织成员按照______元/人标准" in one for one in texts(blank))


def test_the_plan_in_the_words_of_s2():
    standard = Standard(
        tiers=(TierSubsidy(100_00, 300_00, 30_00), TierSubsidy(301_00, 6000_00, 50_50)),
        groups={"minimum_living": 60_00, "severe_disability": 80_00, "extreme_poverty": 60_00},
    )
    sources = (Source("本村集体经济收益", 30_000_00, "0.05"), Source("示例公司捐赠资金", 6_900_50))
    said = texts(plan_text(papers("panzhihua", "plan_text", standard=standard, sources=sources)))
    assert said[:2] == ["青镇青村", "集体经济补助城乡居民基本养老保险参保缴费试点工作实施方案"]
    assert [one for one in said if one[1] == "、"] == ["一、补助对象", "二、补助标准", "三、资金来源", "四、工作要求"]
    assert said[6] == (
        "对低保对象、特困人员等缴费困难群体补助标准为每人60元/年。对重度残疾人等缴费困难群体补助标准为每人80元/年。"
        "对村集体经济组织一般成员，实行激励缴费梯次补助，补助标准与个人缴费挂钩，多缴多补。"
        "对当年个人缴费标准100元至300元的，每人补助30元/年；对当年个人缴费标准301元至6000元的，每人补助50.50元/年。"
        "补助标准可根据村集体经济当年收益情况按年动态调整。"
    )
    assert said[8] == (
        "资金来源有两方面，一是本村集体经济收益5%计30000元；二是示例公司捐赠资金6900.50元；两项资金合计36900.50元，"
        "全部用于当年城乡居民基本养老保险集体补助。"
    )
    share = texts(plan_text(papers("panzhihua", "plan_text", standard=Standard(share="0.075"))))
    assert "按本人当年个人缴费的7.5%补助" in share[6]


@pytest.mark.parametrize("region", ["panzhihua", "keqiao", "ningxia"])
def test_a_form_says_what_of_it_is_ours(region):
    for rule in read_forms(region).forms.values():
        assert rule.standing == "official" or any("本系统自拟" in line for line in rule.closing)
    name = next(one for one in read_forms(region).forms if one in ROSTERS)
    form = roster_form(papers(region, name, 300_00, 24_50))
    assert "合计：2人，324.50元，人民币（大写）叁佰贰拾肆元伍角" in texts(form)
    assert any("自拟" in one for one in texts(form))


def test_an_arrival_letter_says_what_was_credited_and_what_is_held():
    came = SubsidyAllocated(
        actor="甲", rule="r", roster="名册一", on=date(2025, 6, 20), voucher="缴存1", received=900_00, rows=2,
        credited=600_00, unallocated=(Unallocated(3, str(UUID(int=1)), 300_00, "ACCOUNT_CLOSED"),),
    )  # fmt: skip
    form = arrival_letter(papers("panzhihua", "arrival_letter", 300_00, 300_00, 300_00, allocation=came))
    assert figures(form) == [900_00, 600_00, 300_00, 300_00]
    assert figures(form, Role.COUNT) == [2, 1, 2]
    assert {"人民币玖佰元整", "缴存1", "2025年6月20日", "账户注销或转出后不再记账", "特此函告。"} <= set(texts(form))


# -- 备案表 ----------------------------------------------------------------------------------------------------------


def test_persons_times_yuan_make_the_total():
    filed = [read_filed("123x300")]
    assert filing_fault(filed, 36_900_00, "附件5") is None
    assert filed_text(filed) == "备案123名×300.00元/人，合计3.69万元（叁万陆仟玖佰元整）"
    wrong = filing_fault(filed, 36_900_01, "附件5")
    assert isinstance(wrong, Refusal)
    assert (wrong.reason, wrong.clause) == (Reason.FILING, "附件5")
    assert wrong.value == "合计3.690001万元（36900.01元）"
    assert isinstance(filing_fault(filed, 36_899_99, "附件5"), Refusal)
    assert wrong.rule == "123名×300.00元/人＝36900.00元，即3.69万元"


@pytest.mark.parametrize(
    ("text", "filed"),
    [
        ("2 × 24.5", Filed(2, 24_50)),
        ("10人*叁佰元整", Filed(10, 300_00)),
        ("7名X1,000.00元/人", Filed(7, 1000_00)),
    ],
)
def test_standards_as_they_are_given(text, filed):
    assert read_filed(text) == filed


@pytest.mark.parametrize(
    "text", ["", "300", "x300", "0x300", "3x0", "-3x300", "3x-300", "3x3.001", "三x300", "3x拾元整"]
)
def test_what_is_no_standard(text):
    with pytest.raises(MoneyFault):
        read_filed(text)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=50))
def test_the_standards_of_a_roster_make_its_sum(amounts):
    filed = filed_of(amounts)
    assert filing_fault(filed, sum(amounts), "附件5") is None
    assert sum(one.persons for one in filed) == len(amounts)
    assert isinstance(filing_fault(filed, sum(amounts) + 1, "附件5"), Refusal)


# -- which region has which --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", REGIONS)
def test_every_form_names_steps_of_its_region(region):
    forms, chains = read_forms(region), read_procedures(region)
    for rule in forms.forms.values():
        for matter in rule.matters:
            assert set(rule.after) <= set(chains[matter].steps)
            assert forms.rule(rule.name, matter) is rule
        assert forms.document == next(iter(next(iter(chains.values())).steps.values())).document


@pytest.mark.parametrize(
    ("region", "unknown"),
    [
        ("neimenggu", {"plan_text", "list_of_names", "arrival_letter"}),
        ("ningxia", {"plan_text", "list_of_names", "arrival_letter", "summary", "filing_form", "receivable"}),
        ("panzhihua", {"declaration_form", "summary", "filing_form", "payment_notice", "receivable"}),
        ("keqiao", set(NAMES) - {"list_of_names"}),
    ],
)
def test_a_form_that_a_region_does_not_know_is_refused_with_its_document(region, unknown):
    forms = read_forms(region)
    refused = {name: told for name in NAMES if isinstance(told := forms.rule(name, "subsidy"), Refusal)}
    assert set(refused) == unknown
    for name, told in refused.items():
        assert (told.reason, told.value) == (Reason.FORM_UNKNOWN, NAMES[name])
        assert forms.document in told.clause


def test_a_roster_must_be_meant_and_stand():
    rule, chain = read_forms("ningxia").forms["declaration_form"], read_procedures("ningxia")["subsidy"]
    state = papers("ningxia", "declaration_form").state

    def chosen(asked: str, *standing: Standing) -> object:
        rosters = tuple(RosterOfPlan(f"册{place}", 2025, "", "", 1, 1, one) for place, one in enumerate(standing))
        told = choose_roster(rule, SubsidyPlan(1, state.drafted, rosters=rosters), asked, chain)
        return told.reason if isinstance(told, Refusal) else told and told.roster

    declared, returned = Standing.DECLARED, Standing.RETURNED
    assert chosen("") == chosen("", returned) == chosen("", declared, declared) == Reason.ROSTER_STATE
    assert chosen("册9", declared) == chosen("册0", returned) == Reason.ROSTER_STATE
    assert chosen("", returned, declared) == chosen("册1", returned, declared) == "册1"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (('name = "declaration_form"', 'name = "letter"'), "unknown"),
        (('standing = "ours"', 'standing = "theirs"'), "unknown"),
        (('name = "payment_notice"', 'name = "declaration_form"'), "twice"),
        (('matters = ["subsidy"]', "matters = []"), "matters"),
        (('clause = "三', 'clause = " " # '), "clause"),
        (("经办机构审核人（签章）：", "经办机构审核人"), "colon"),
        (('region = "ningxia"', 'region = "else"'), "region"),
    ],
)
def test_a_faulty_file_of_forms_is_not_read(tmp_path, spoil, told):
    text = (SHIPPED / "forms" / "ningxia.toml").read_text("utf-8")
    assert spoil[0] in text
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "ningxia.toml").write_text(text.replace(*spoil), "utf-8")
    with pytest.raises(ValueError, match=told):
        read_forms("ningxia", tmp_path)


# -- the form's own lines, when it comes back --------------------------------------------------------------------------


@pytest.mark.parametrize("region", REGIONS)
def test_every_line_below_a_printed_roster_is_known_again(region):
    forms = read_forms(region)
    for name in ROSTERS & set(forms.forms):
        form = roster_form(papers(region, name, 300_00, 24_50))
        assert form.body is not None
        below = form.rows[form.body[1] + 1 :]
        assert len(below) >= 2
        for row in below:
            assert forms.is_own_line([str(cell.value) for cell in row])
            assert forms.is_own_line(["", *(f"{cell.value}张某" for cell in row), "2025年3月14日", "　年　月　日", ""])
        for row in form.rows[form.body[0] : form.body[1] + 1]:
            assert not forms.is_own_line([str(cell.value) for cell in row])


@given(
    st.sampled_from(REGIONS),
    st.lists(st.sampled_from(["", "张某", NUMBERS[0], "300.00", "男", "7", "合计", "注", "资助人(签章)"]), max_size=6),
    st.lists(st.sampled_from(["", "资助人（签章）：甲", "注：", "合计：6人", "年月日"]), max_size=6),
    st.randoms(),
)  # fmt: skip
def test_a_row_that_says_anything_else_is_somebody_s(region, said, own, random):
    """Whatever stands beside it, a cell that is no line of the form keeps the row."""
    cells = [*said, *own]
    random.shuffle(cells)
    if any(said):
        assert not read_forms(region).is_own_line(cells)
