"""What may be asked over HTTP about a reconciled month: the bodies of its commands, and what its address names."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from api.http.bodies import POSITION_MAX, Body, Day, Reviewer, Text
from ledger.dates import FIRST_PERIOD, LAST_PERIOD
from ledger.differences import CHINESE, Category
from ledger.reconciliation_month import Status
from projections.reconciliation_told import COMPARISONS, STATUSES

IDS_MAX: Final = 1_000
"""Differences that one command names; more than that are named by their category."""
_COMPARED: Final = "、".join(f"{word} {chinese}" for word, chinese in COMPARISONS.items())
_CATEGORIES: Final = "、".join(f"{word} {CHINESE[word]}" for word in Category if word is not Category.MATCHED)


def _month(text: str) -> date:
    year, month = text.split("-")
    if not FIRST_PERIOD <= int(year) <= LAST_PERIOD:
        raise PydanticCustomError("ledger_month", f"须在{FIRST_PERIOD}年至{LAST_PERIOD}年之间")
    return date(int(year), int(month), 1)


def _comparison(text: str) -> str:
    if text not in COMPARISONS:
        raise PydanticCustomError("ledger_comparison", f"须为约定的取值：{'、'.join(COMPARISONS)}")
    return text


MonthOf = Annotated[
    str,
    Path(title="对账月份", description="YYYY-MM", pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2025-03"]),
    AfterValidator(_month),
]
"""A month of an address; a route is given its first day."""
OfCategory = Annotated[Category | None, Query(title="类别", description=_CATEGORIES)]
OfComparison = Annotated[
    str | None,
    Query(title="对比", description=_COMPARED, max_length=40),
    AfterValidator(lambda text: text and _comparison(text)),
]
OfStatus = Annotated[
    Status | None,
    Query(title="状态", description="、".join(f"{word} {chinese}" for word, chinese in STATUSES.items())),
]
Compared = Annotated[str, Field(max_length=40), AfterValidator(_comparison)]
Why = Annotated[Text, Field(title="原因", min_length=1, examples=["跨月入库，已核实"])]


class ChosenBody(BaseModel):
    """所指的差异：逐笔列出编号，或一个类别的全部。"""

    model_config = Body

    differences: list[UUID] | None = Field(default=None, title="差异编号", min_length=1, max_length=IDS_MAX)
    category: Category | None = Field(default=None, title="类别", description=_CATEGORIES)
    comparison: Compared | None = Field(default=None, title="对比", description=f"只与类别同用；{_COMPARED}")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Named one by one, or by their category."""
        if bool(self.differences) == bool(self.category) or (self.comparison and not self.category):
            raise PydanticCustomError(
                "ledger_fit", "须填写 differences 或 category 之一；comparison 只与 category 同用"
            )
        return self


class ExplanationBody(ChosenBody):
    """说明差异的原因；按类别的，为其中未了的全部。"""

    reason: Why


class AssignmentBody(ChosenBody):
    """指定责任人与办结期限；按类别的，为其中尚未指定责任人的全部。"""

    owner: Text = Field(title="责任单位或责任人", min_length=1, examples=["青县社保经办机构"])
    due_on: Day = Field(title="办结期限", description="YYYY-MM-DD，不早于今日", examples=["2025-04-30"])


class ResolutionBody(BaseModel):
    """以其后的一笔账簿记录（缴费记账、冲正、退费）了结一笔差异。须两人。"""

    model_config = Body

    difference: UUID = Field(title="差异编号")
    account: UUID = Field(title="了结差异的账户编号")
    version: int = Field(title="了结差异的记录的版本号", ge=1, le=POSITION_MAX, strict=True)
    reason: Text | None = Field(default=None, title="说明")
    reviewer: Reviewer


class SignatureBody(BaseModel):
    """双方签认：每笔差异须已了结、自行消除或说明原因。经办机构一方须两人。"""

    model_config = Body

    tax_side: Text = Field(title="税务方签认人", min_length=1)
    document: Text = Field(title="签认单编号", min_length=1, examples=["签认1号"])
    reviewer: Reviewer


class ReopeningBody(BaseModel):
    """重开已签认的月份。须两人。"""

    model_config = Body

    reason: Why
    reviewer: Reviewer
