"""What may be asked over HTTP about payers and plans: the bodies of their commands, as `bodies.py` has the others.

The rows of a list are texts, as the cells of a file are: the reader of files reads them, and tells all faults of all
rows. What stands here only bounds them.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self
from uuid import UUID

from fastapi import Path, Query
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from api.http.bodies import PRINTABLE, Body, Code, CreditCode, Day, PayerCode, Reviewer, Text, Yuan
from ledger.dates import FIRST_PERIOD, LAST_PERIOD
from ledger.procedure import ACTORS, EVIDENCE
from ledger.roster import GROUPS, ROWS_MAX
from ledger.store.payers import KINDS, PERSON

Period = Annotated[int, Field(ge=FIRST_PERIOD, le=LAST_PERIOD, strict=True)]
Share = Annotated[str, Field(pattern=r"^(0\.[0-9]{1,8}|1)$")]
Cell = Annotated[str, Field(max_length=100, pattern=PRINTABLE)]
Said = Annotated[Text, Field(min_length=1)]
VILLAGE: Final = "村的区划编码，或以“/”分隔的旗县/乡镇/村名称"


def _named(known: dict[str, str]) -> str:
    return "、".join(f"{word} {chinese}" for word, chinese in known.items())


# -- payers -----------------------------------------------------------------------------------------------------------


class PayerBody(BaseModel):
    """登记单位（备案表）或个人资助人；再次登记即变更。须两人。个人的号码、姓名只进入加密登记，以编号代之。"""

    model_config = Body

    code: CreditCode | None = Field(
        default=None,
        title="统一社会信用代码",
        description="单位须填写；个人由系统编号",
        examples=["N2150781MF0000005R"],
    )
    number: str | None = Field(
        default=None,
        title="公民身份号码",
        description="只用于个人资助人",
        min_length=15,
        max_length=40,
        pattern=PRINTABLE,
    )
    kind: Code = Field(title="类型", description=_named(KINDS), examples=["village_collective"])
    name: Said = Field(title="名称", description="单位名称；个人资助人的姓名", examples=["青村股份经济合作社"])
    document: Said = Field(title="依据文号", examples=["备案表1号"])
    reviewer: Reviewer
    village: Text | None = Field(default=None, title="所在村", description=f"{VILLAGE}；资助单位可不填")
    village_number: Code | None = Field(default=None, title="集体补助村编号")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """An organisation has its code, a person their number."""
        person = self.kind == PERSON
        if person != bool(self.number) or person == bool(self.code):
            raise PydanticCustomError("ledger_fit", "中单位须填写 code，个人资助人（person）须填写 number，不得并填")
        if person and self.village_number:
            raise PydanticCustomError("ledger_fit", "中的集体补助村编号不用于个人资助人")
        return self


class ConfirmationBody(BaseModel):
    """税务端已关联虚拟户：登记纳税人识别号、社保编码。须两人。"""

    model_config = Body

    tax_number: Code = Field(title="纳税人识别号")
    social_code: Code = Field(title="社保编码")
    on: Day = Field(title="税务端确认日期", description="YYYY-MM-DD", examples=["2025-01-20"])
    reviewer: Reviewer


class AdmissionBody(BaseModel):
    """列入试点名单。须两人。"""

    model_config = Body

    village: Said = Field(title="村", description=VILLAGE, examples=["青县/青镇/青村"])
    since: Day = Field(title="列入之日", description="YYYY-MM-DD", examples=["2025-01-01"])
    until: Day | None = Field(default=None, title="截止日期", description="不填为长期")
    document: Said = Field(title="依据文号", examples=["名单1号"])
    reviewer: Reviewer


class MemberRow(BaseModel):
    """成员名单的一行。"""

    model_config = Body

    name: Cell = Field(title="姓名", description="与参保登记一致")
    number: Cell = Field(title="公民身份号码")
    since: Cell = Field(default="", title="起", description="YYYY-MM-DD，不填为一直")
    until: Cell = Field(default="", title="止", description="YYYY-MM-DD，不填为长期")


class MembersBody(BaseModel):
    """单位出具的成员名单；有误即整份退回。"""

    model_config = Body

    members: list[MemberRow] = Field(title="成员", min_length=1, max_length=ROWS_MAX)


class StatusRow(MemberRow):
    """人员状态的一行。"""

    status: Cell = Field(title="状态", description=f"pensioner 领取待遇、{_named(GROUPS)}；也可写中文")


class StatusesBody(BaseModel):
    """人员状态（领取待遇、困难群体）；有误即整份退回。"""

    model_config = Body

    statuses: list[StatusRow] = Field(title="人员状态", min_length=1, max_length=ROWS_MAX)


# -- plans ------------------------------------------------------------------------------------------------------------


class Tier(BaseModel):
    """本人缴费在一段档次之内的，补助多少；两端均在内。"""

    model_config = Body

    least: Yuan = Field(title="自（元）", examples=["200.00"])
    most: Yuan = Field(title="至（元）", examples=["500.00"])
    amount: Yuan = Field(title="补助（元/年）", examples=["30.00"])


class StandardBody(BaseModel):
    """补助标准：定额、分档、比例之一，群体另定。"""

    model_config = Body

    flat: Yuan | None = Field(default=None, title="定额（元/年）", examples=["300.00"])
    tiers: list[Tier] = Field(default=[], title="分档", max_length=50)
    share: Share | None = Field(default=None, title="按本人缴费的比例", examples=["0.05"])
    groups: dict[Code, Yuan] = Field(default={}, title="群体另定（元/年）", description=_named(GROUPS), max_length=20)


class SourceBody(BaseModel):
    """一项资金来源。"""

    model_config = Body

    name: Said = Field(title="来源名称", examples=["集体经济收益"])
    amount: Yuan = Field(title="金额（元）", examples=["30000.00"])
    share: Share | None = Field(default=None, title="占收益比例")


class PlanBody(BaseModel):
    """拟定方案：补助对象、标准、资金来源。社会资助不定标准，可不属于一村。"""

    model_config = Body

    kind: Literal["collective_subsidy", "social_aid"] = Field(title="补助种类", description="集体补助、社会资助")
    payer: PayerCode = Field(
        title="补助、资助单位",
        description="统一社会信用代码，或个人资助人的编号；须已登记",
        examples=["N2150781MF0000005R"],
    )
    village: Text | None = Field(
        default=None, title="村", description=f"{VILLAGE}；集体补助须填写", examples=["青县/青镇/青村"]
    )
    year: Period = Field(title="方案年度", examples=[2025])
    sequence: int = Field(default=1, title="同村同年第几号方案", ge=1, le=99, strict=True)
    covered: Said = Field(title="补助对象", examples=["本集体经济组织成员"])
    standard: StandardBody = Field(default=StandardBody(), title="补助标准")
    sources: list[SourceBody] = Field(title="资金来源", max_length=50)
    standing: bool = Field(default=False, title="长效机制", description="以后年度沿用", strict=True)


class RosterRow(BaseModel):
    """申报表（附件3）的一行。"""

    model_config = Body

    sequence: int | Cell | None = Field(default=None, title="序号", description="只供对照")
    name: Cell = Field(title="姓名", description="与参保登记一致")
    sex: Cell = Field(title="性别", description="male 男、female 女；也可写中文", examples=["female"])
    number: Cell = Field(title="公民身份号码")
    amount: Cell = Field(title="补助金（资助）金额（元）", examples=["300.00"])
    kind: Cell = Field(
        title="补助或资助类型",
        description="collective_subsidy 集体补助、social_aid 社会资助；也可写中文",
        examples=["collective_subsidy"],
    )


class Declaration(BaseModel):
    """随申报步骤提交的名册。"""

    model_config = Body

    year: Period | None = Field(default=None, title="补助年度", description="不填为方案年度")
    rows: list[RosterRow] = Field(title="名册各行", min_length=1, max_length=ROWS_MAX)


class Allocation(BaseModel):
    """随到账分配步骤报送的款项。"""

    model_config = Body

    amount: Yuan = Field(title="到账金额（元）", examples=["1800.00"])
    arrived_on: Day = Field(title="到账日期", description="YYYY-MM-DD", examples=["2025-06-20"])
    voucher: Said = Field(title="缴存凭证号", examples=["缴存0001"])


class StepBody(BaseModel):
    """办理一个步骤。下一步是什么、由谁办理、需要哪些材料，见方案的 next。"""

    model_config = Body

    step: Code = Field(title="步骤名称", description="见方案的 next", examples=["deliberated"])
    on: Day = Field(title="办理日期", description="YYYY-MM-DD", examples=["2025-03-03"])
    acting_for: Code = Field(title="代表谁办理", description=_named(ACTORS), examples=["organisation"])
    evidence: dict[Code, Said] = Field(
        default={}, title="材料", description=f"文号或说明。{_named(EVIDENCE)}", examples=[{"minutes": "会议记录1号"}],
        max_length=50,
    )  # fmt: skip
    roster: UUID | None = Field(default=None, title="名册编号", description="名册的步骤须填写；申报的步骤除外")
    matter: Literal["suspension", "resumption"] | None = Field(
        default=None, title="事项", description="暂停、恢复；不填为补助、资助本身"
    )
    reviewer: Text | None = Field(default=None, title="复核人", description="到账分配须与经办人不同")
    floor_reason: Text | None = Field(default=None, title="低于下限的理由", description="只用于复核名册的步骤")
    declaration: Declaration | None = Field(default=None, title="名册", description="只用于申报名册的步骤")
    allocation: Allocation | None = Field(default=None, title="到账款项", description="只用于到账分配的步骤")


class ReturnBody(BaseModel):
    """退回名册，释放其占用的账户额度。"""

    model_config = Body

    reason: Said = Field(title="退回原因", examples=["名单有误"])


class PlanClosureBody(BaseModel):
    """终止方案，释放未到账名册占用的账户额度。须两人。"""

    model_config = Body

    reason: Said = Field(title="终止原因", examples=["年度终了"])
    reviewer: Reviewer


WhichPayer = Annotated[PayerCode, Path(title="统一社会信用代码或个人资助人的编号", examples=["N2150781MF0000005R"])]
PlanId = Annotated[UUID, Path(title="方案编号")]
RosterId = Annotated[UUID, Path(title="名册编号")]
OfYear = Annotated[int | None, Query(title="年度", ge=FIRST_PERIOD, le=LAST_PERIOD, examples=[2025])]
OfPayer = Annotated[PayerCode | None, Query(title="补助、资助单位", description="统一社会信用代码，或个人资助人的编号")]
OfVillage = Annotated[Text | None, Query(title="村", description=VILLAGE)]
