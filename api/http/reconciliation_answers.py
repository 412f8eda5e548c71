"""What is answered over HTTP about a reconciled month, for the schema; `answers.py` has the others."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from pydantic import BaseModel, Field

from api.http.answers import YUAN, Exact, Statuses
from ledger.desk.reconciliation import MonthAnswer
from ledger.money import fen_to_yuan
from ledger.reconciliation_events import MonthSigned
from projections.history import TITLES


class Figures(BaseModel):
    """笔数与金额。"""

    model_config = Exact

    rows: int = Field(title="笔数")
    amount: str = Field(title="金额（元）", pattern=YUAN)


class ItemOfDay(BaseModel):
    """一日一品目一缴费类型：税务入库与应收核定。"""

    model_config = Exact

    day: str = Field(title="日期")
    item: str = Field(title="征收品目")
    payment_type: str = Field(title="缴费类型")
    tax_rows: int = Field(title="税务笔数")
    tax: str = Field(title="税务金额（元）", pattern=YUAN)
    agency_rows: int = Field(title="核定笔数")
    agency: str = Field(title="核定金额（元）", pattern=YUAN)


class DayBooked(BaseModel):
    """一日一品目：税务入库与本账簿。"""

    model_config = Exact

    day: str = Field(title="日期")
    item: str = Field(title="征收品目")
    tax_rows: int = Field(title="税务笔数")
    tax: str = Field(title="税务金额（元）", pattern=YUAN)
    ledger_rows: int = Field(title="账簿笔数")
    ledger: str = Field(title="账簿金额（元）", pattern=YUAN)


class CategoryTold(BaseModel):
    """一项对比中一个类别的差异。"""

    model_config = Exact

    comparison: str = Field(title="对比")
    category: str = Field(title="类别")
    rows: int = Field(title="差异笔数")
    amount: str = Field(title="差额合计（元）", pattern=YUAN)
    open: int = Field(title="其中未了")


class SignedTold(BaseModel):
    """签认。"""

    model_config = Exact

    tax_side: str = Field(title="税务方签认人")
    document: str = Field(title="签认单编号")
    actor: str = Field(title="经办人")
    reviewer: str = Field(title="复核人")


class Month(BaseModel):
    """一个月的对账，如上次核对时的情形。"""

    model_config = Exact

    pool: str = Field(title="统筹区编码")
    month: str = Field(title="对账月份")
    total_difference: str = Field(title="两方相差（元）", description="税务减核定", pattern=YUAN)
    row_difference: int = Field(title="两方相差笔数")
    tax: Figures = Field(title="税务入库")
    agency: Figures = Field(title="应收核定")
    own: Figures = Field(title="无须核定而已入账")
    unallocated: Figures = Field(title="未划入账户")
    unreadable: int = Field(title="无法读取的行数", description="全部批次")
    totals: list[ItemOfDay] = Field(title="逐日逐品目的两方合计")
    days: list[DayBooked] = Field(title="逐日的税务与账簿")
    categories: dict[str, Figures] = Field(title="税务与核定逐笔核对的各类别")
    comparisons: list[CategoryTold] = Field(title="全部对比的各类别")
    open: int = Field(title="未了差异")
    position: int = Field(title="核对时的日志位置")
    signed: SignedTold | None = Field(title="签认")
    late_rows: int = Field(title="签认后到达的行数")
    stale: bool = Field(title="此后又有数据，须重新核对")
    due: list[str] = Field(title="须重新核对的月份")


class TaxRecord(BaseModel):
    """缴费明细的一行；未读全的没有金额等项。"""

    model_config = Exact

    serial: str = Field(title="缴费明细流水号")
    voucher: str | None = Field(default=None, title="电子税票号码")
    kind: str | None = Field(default=None, title="征收品目")
    type: str | None = Field(default=None, title="缴费类型")
    period: int | None = Field(default=None, title="费款所属期")
    amount: str | None = Field(default=None, title="金额（元）", pattern=YUAN)
    on: str | None = Field(default=None, title="入库日期")
    paid_on: str | None = Field(default=None, title="上解日期")
    booked: bool | None = Field(default=None, title="已入账")
    reason: str | None = Field(default=None, title="未入账的原因代码")
    file: str = Field(title="来源文件的 SHA-256")
    line: int = Field(title="第几行")


class AgencyRecord(BaseModel):
    """应收核定的一行。"""

    model_config = Exact

    number: str = Field(title="应收核定编号")
    kind: str = Field(title="征收品目")
    type: str = Field(title="缴费类型")
    period: int = Field(title="费款所属期")
    amount: str = Field(title="金额（元）", pattern=YUAN)
    on: str = Field(title="核定日期")
    file: str = Field(title="来源文件的 SHA-256")
    line: int = Field(title="第几行")


class EndedBy(BaseModel):
    """了结差异的记录。"""

    model_config = Exact

    account: str = Field(title="账户编号")
    version: int = Field(title="版本号")
    topic: str = Field(title="事件")


class DifferenceTold(BaseModel):
    """一笔差异。"""

    model_config = Exact

    id: str = Field(title="差异编号")
    comparison: str = Field(title="对比")
    category: str = Field(title="类别")
    amount: str = Field(title="差额（元）", pattern=YUAN)
    rows: int = Field(title="笔数差")
    status: str = Field(title="状态")
    owner: str = Field(title="责任单位或责任人")
    due_on: str | None = Field(title="办结期限")
    reason: str = Field(title="原因")
    tax: TaxRecord | None = Field(title="税务记录")
    agency: AgencyRecord | None = Field(title="核定记录")
    proposal: str | None = Field(title="疑似对应的差异编号")
    resolved_by: EndedBy | None = Field(title="了结的记录")
    detail: dict[str, Any] | None = Field(title="合计差异的两方之数（分）")
    working_days: int = Field(title="账龄（工作日）")


class DifferencesPage(BaseModel):
    """差异的一页。"""

    model_config = Exact

    pool: str = Field(title="统筹区编码")
    month: str = Field(title="对账月份")
    position: int = Field(title="核对时的日志位置", description="各页不同的，其间已重新核对")
    differences: list[DifferenceTold] = Field(title="差异")
    next: str | None = Field(title="下一页的 cursor；没有下一页的为空")


class Folded(BaseModel):
    """核对了哪些月份。"""

    model_config = Exact

    pool: str = Field(title="统筹区编码")
    month: str = Field(title="对账月份")
    folded: list[str] = Field(title="核对的月份", description="没有新数据的为空；试算的为须核对的月份")
    dry_run: bool = Field(title="试算")


class SpokenTold(BaseModel):
    """所指的差异，如当时的情形。"""

    model_config = Exact

    id: str = Field(title="差异编号")
    category: str | None = Field(default=None, title="类别")
    amount: str | None = Field(default=None, title="差额（元）", pattern=YUAN)


class MonthEventTold(BaseModel):
    """对账月份的一个事件；没有的内容不列出。"""

    model_config = Exact

    version: int = Field(title="版本号")
    topic: str = Field(title="事件")
    title: str = Field(title="事件名称")
    differences: list[SpokenTold] | None = Field(default=None, title="所指的差异")
    reason: str | None = Field(default=None, title="原因")
    owner: str | None = Field(default=None, title="责任单位或责任人")
    due_on: str | None = Field(default=None, title="办结期限")
    ended_by: EndedBy | None = Field(default=None, title="了结的记录")
    tax_side: str | None = Field(default=None, title="税务方签认人")
    document: str | None = Field(default=None, title="签认单编号")
    tax: Figures | None = Field(default=None, title="签认的税务之数")
    agency: Figures | None = Field(default=None, title="签认的核定之数")


class MonthDone(BaseModel):
    """对账月份的命令已办；重发得到的是同一回答。"""

    model_config = Exact

    command_id: str = Field(title="命令编号")
    month: str = Field(title="对账月份")
    version: int = Field(title="对账月份的版本号")
    position: int = Field(title="日志位置")
    recorded_at: str | None = Field(title="记账时刻（UTC）")
    events: list[MonthEventTold] = Field(title="记下的事件")
    dry_run: bool = Field(title="试算")


MONTH_CREATED: Final[Statuses] = {
    200: {"model": MonthDone, "description": "试算：可以办理，未记账"},
    201: {"model": MonthDone, "description": "已记账"},
}
_PLAIN: Final = ("reason", "owner", "due_on", "tax_side", "document")


def month_done(answer: MonthAnswer) -> dict[str, Any]:
    """An answer about a month."""
    first = answer.version - len(answer.events) + 1
    return {
        **msgspec.to_builtins(answer),
        "month": f"{answer.month:%Y-%m}",
        "events": [_event(version, one) for version, one in enumerate(answer.events, first)],
    }


def _event(version: int, said: dict[str, Any]) -> dict[str, Any]:
    told = {"version": version, "topic": said["topic"], "title": TITLES[said["topic"]]}
    told |= {key: said[key] for key in _PLAIN if said.get(key)}
    if isinstance(said.get("differences"), list | tuple):  # a stored answer has lists where a fresh one has tuples
        told["differences"] = [_spoken(one) for one in said["differences"]]
    if isinstance(said.get("difference"), list | tuple):
        told["differences"] = [_spoken(said["difference"])]
        told["ended_by"] = {"account": said["account"], "version": said["version"], "topic": said["by"]}
    if said["topic"] == MonthSigned.topic:
        for side in ("tax", "agency"):
            told[side] = {"rows": said[f"{side}_rows"], "amount": fen_to_yuan(said[side])}
    return told


def _spoken(one: Any) -> dict[str, Any]:
    """A difference as an event names it: by its id, or with its category and fen then."""
    if isinstance(one, str):
        return {"id": one}
    return {"id": one[0], "category": one[1], "amount": fen_to_yuan(one[2])}
