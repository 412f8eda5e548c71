"""What may be asked over HTTP: the bodies of commands, and the parameters of reads, with titles, units and bounds.

Amounts are yuan as text with two decimals, dates `YYYY-MM-DD`. Free text that holds a citizen number is refused: it
would stand in an event for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Any, Final, Literal, Self, get_args
from uuid import UUID

from fastapi import Header, Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.dates import FIRST_PERIOD, LAST_PERIOD
from ledger.identity import IdentityFault, normalise_citizen_number, normalise_credit_code, normalise_payer_code
from projections.pages import PAGE_MAX

FIRST_DAY: Final = date(FIRST_PERIOD, 1, 1)
LAST_DAY: Final = date(LAST_PERIOD, 12, 31)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER: Final = re.compile(r"(?<!\d)\d{17}[\dXx](?![\dXx])", re.ASCII)
_PERHAPS: Final = re.compile(r"\d{6}(?:\d\d)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}", re.ASCII)
PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"
_CODE: Final = r"^[0-9A-Za-z._/-]+$"
POSITION_MAX: Final = 2**63 - 1


def _day(value: object) -> object:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("ledger_date", "不是存在的日期") from None
        if FIRST_DAY <= day <= LAST_DAY:
            return day
        raise PydanticCustomError("ledger_date", f"须在{FIRST_PERIOD}年至{LAST_PERIOD}年之间")
    raise PydanticCustomError("ledger_date", "须写成 YYYY-MM-DD")


def holds_number(text: str) -> bool:
    """Whether a text holds what can be a citizen number of 18 characters."""
    for found in _NUMBER.findall(text):
        try:
            normalise_citizen_number(found)
        except IdentityFault:
            continue
        return True
    return False


def may_hold_number(text: str) -> bool:
    """Whether a number of 15 or 18 could stand somewhere in a code; the register tells whether it is the holder's."""
    return _PERHAPS.search(text) is not None


def _anonymous(text: str) -> str:
    if holds_number(text):
        raise PydanticCustomError("ledger_identity", "不得含有公民身份号码")
    return text


def _said(text: str) -> str:
    if text and not text.strip():
        raise PydanticCustomError("ledger_blank", "不得为空")
    return text.strip()


def _credit_code(text: str) -> str:
    return _code_of(text, normalise_credit_code)


def _payer_code(text: str) -> str:
    return _code_of(text, normalise_payer_code)


def _code_of(text: str, normalise: Callable[[str], str]) -> str:
    try:
        return normalise(text) if text else ""
    except IdentityFault as fault:
        raise PydanticCustomError("ledger_credit_code", str(fault)) from None


Day = Annotated[date, BeforeValidator(_day)]
Text = Annotated[str, Field(pattern=PRINTABLE, max_length=200), AfterValidator(_said), AfterValidator(_anonymous)]
Code = Annotated[str, Field(pattern=_CODE, max_length=64), AfterValidator(_anonymous)]
Yuan = Annotated[str, Field(pattern=r"^[0-9]{1,12}\.[0-9]{2}$")]
Reviewer = Annotated[
    Text, Field(title="复核人", description="须与经办人（令牌所属人）不同", min_length=1, examples=["乙"])
]
Body = ConfigDict(extra="forbid")


class OpenAccountBody(BaseModel):
    """建账。号码、姓名只进入加密登记，不出现在任何回答、地址或日志中。"""

    model_config = Body

    number: str = Field(title="公民身份号码", min_length=15, max_length=40, pattern=PRINTABLE)
    name: Annotated[str, AfterValidator(_said)] = Field(
        title="姓名", description="与证件一致", min_length=1, max_length=100, pattern=PRINTABLE
    )
    division: Text = Field(
        title="所属村",
        description="村的区划编码，或以“/”分隔的旗县/乡镇/村名称",
        min_length=1,
        examples=["青县/青镇/青村"],
    )
    opened_on: Day = Field(title="参保日期", description="YYYY-MM-DD（北京时间）", examples=["2019-01-02"])


class PaymentBody(BaseModel):
    """一笔收入：个人缴费、政府代缴、集体补助、社会资助或政府补贴，按入库记账。"""

    model_config = Body

    kind: Literal["contribution", "government_paid", "collective_subsidy", "social_aid", "government_subsidy"] = Field(
        title="资金来源", description="个人缴费、政府代缴、集体补助、社会资助、政府补贴"
    )
    amount: Yuan = Field(title="金额（元）", description="两位小数", examples=["200.00"])
    period: int = Field(
        title="费款所属期", description="年度", ge=FIRST_PERIOD, le=LAST_PERIOD, strict=True, examples=[2024]
    )
    treasury_on: Day = Field(title="入库日期", description="YYYY-MM-DD，记账日期", examples=["2024-03-14"])
    payment_type: Literal["regular", "interrupted", "lump_sum", "unspecified"] = Field(
        default="regular", title="缴费类型", description="正常应缴、中断补缴、一次性补缴、补缴（未注明）"
    )
    paid_on: Day | None = Field(default=None, title="上解日期", description="YYYY-MM-DD")
    serial: Code | None = Field(default=None, title="缴费明细流水号", description="与导入文件共用：同一流水号只记一次")
    voucher: Code | None = Field(default=None, title="电子税票号码")
    batch: Code | None = Field(default=None, title="传输批次号")
    payer: Annotated[str, AfterValidator(_payer_code)] | None = Field(
        default=None,
        title="来源单位",
        description="统一社会信用代码，或个人资助人的编号",
        max_length=40,
        pattern=PRINTABLE,
    )
    level: Text | None = Field(default=None, title="补贴级次", description="只用于政府补贴：中央、自治区（省）、市、县")
    allocation_document: Text | None = Field(default=None, title="拨付文号", description="只用于政府补贴")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Nothing that was said is left unsaid in the log."""
        if self.kind != "government_subsidy" and (self.level or self.allocation_document):
            raise PydanticCustomError("ledger_fit", "中的补贴级次、拨付文号只用于政府补贴")
        return self


class PayOutBody(BaseModel):
    """一笔支出：支付个人账户养老金，或退费。"""

    model_config = Body

    kind: Literal["pension", "refund"] = Field(title="支出种类", description="个人账户养老金、退费")
    amount: Yuan = Field(title="金额（元）", description="两位小数", examples=["50.00"])
    on: Day = Field(title="支付日期", description="YYYY-MM-DD", examples=["2024-06-01"])
    reason: Text | None = Field(default=None, title="原因")


EntryBody = Annotated[PaymentBody | PayOutBody, Field(discriminator="kind")]


class ReversalBody(BaseModel):
    """冲正一笔记录：按原记录日期抵销，利息随之重算。须两人。"""

    model_config = Body

    reason: Text = Field(title="冲正原因", min_length=1, examples=["重复入账"])
    reviewer: Reviewer


class ClosureBody(BaseModel):
    """注销；写明 `to` 的为转出。利息结至当月，余额全部转出。须两人。"""

    model_config = Body

    on: Day = Field(title="终结日期", description="YYYY-MM-DD", examples=["2024-06-30"])
    reviewer: Reviewer
    reason: Text | None = Field(default=None, title="注销原因", examples=["死亡"])
    to: Text | None = Field(default=None, title="转入方", description="接收的统筹区或制度；写明即为转出")
    document: Text | None = Field(default=None, title="转出文号", description="转出的须填写")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """注销 has its reason, 转出 where to and on what paper."""
        if bool(self.reason) == bool(self.to):
            raise PydanticCustomError("ledger_fit", "须填写 reason（注销）或 to（转出）之一")
        if bool(self.to) != bool(self.document):
            raise PydanticCustomError("ledger_fit", "转出的须同时填写 to 和 document")
        return self


CreditCode = Annotated[str, Field(min_length=1, max_length=40, pattern=PRINTABLE), AfterValidator(_credit_code)]
PayerCode = Annotated[str, Field(min_length=1, max_length=40, pattern=PRINTABLE), AfterValidator(_payer_code)]
PoolCode = Annotated[str, Path(title="统筹区编码", max_length=31, examples=["640100"])]
AccountId = Annotated[UUID, Path(title="账户编号")]
Version = Annotated[int, Path(title="要冲正的记录的版本号", ge=1, le=POSITION_MAX)]
IdempotencyKey = Annotated[
    UUID, Header(alias="Idempotency-Key", title="命令编号", description="UUID；重发时不变，每笔业务只办一次")
]
DryRun = Annotated[
    bool, Query(title="试算", description="true：照常审核并回答 200，但不记账；同一命令编号仍可用于正式办理")
]
AsOf = Annotated[Day | None, Query(title="截至哪一天", description="业务日期，YYYY-MM-DD")]
KnownAt = Annotated[
    str | None,
    Query(title="按当时已记录的数据", description="日志位置（纯数字）或带时区的时刻", max_length=40, examples=["120"]),
]
WaitFor = Annotated[
    int | None,
    Query(title="等到哪个位置", description="写入的回答中的 position；数秒内未到的回答 503", ge=0, le=POSITION_MAX),
]
Year = Annotated[int, Query(title="年度", ge=FIRST_PERIOD, le=LAST_PERIOD, examples=[2024])]
Limit = Annotated[int, Query(title="每页行数", ge=1, le=PAGE_MAX)]
Cursor = Annotated[
    str | None,
    Query(title="从何处继续", description="上一页的 next；其中已含 as_of 与 known_at，不与之同用", max_length=200),
]


PARAMETERS: Final = {
    "pool": "统筹区编码", "account": "账户编号", "version": "版本号", "Idempotency-Key": "命令编号",
    "as_of": "截至哪一天", "known_at": "按当时已记录的数据", "wait_for": "等到哪个位置", "year": "年度",
    "limit": "每页行数", "dry_run": "试算", "cursor": "从何处继续", "by": "汇总口径", "body": "请求体",
    "code": "统一社会信用代码", "payer": "补助、资助单位", "village": "村", "plan": "方案编号", "roster": "名册编号",
    "month": "对账月份", "category": "类别", "comparison": "对比", "status": "状态",
}  # fmt: skip
"""The Chinese name of each parameter of an address, by its own."""


def fields_of(body: Any, place: Iterable[str | int]) -> tuple[list[str], str]:
    """The fields of a body (its annotation) that a place in it leads through, and the Chinese name of the last one.

    What is no field of the body is left out, for it is what the caller wrote; places in a list stay.
    """
    names, title, models = [], "", _models(body)
    for part in place:
        if isinstance(part, int):
            names.append(str(part))
        elif field := next((one.model_fields[part] for one in models if part in one.model_fields), None):
            names.append(part)
            title, models = field.title or "", _models(field.annotation)
    return names, title


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that stand in an annotation, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
