"""What is answered over HTTP about payers and plans, for the schema; `answers.py` has the others."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from pydantic import BaseModel, Field

from api.http.answers import YUAN, Exact, Statuses
from ledger.desk.payer_commands import PayerAnswer
from ledger.desk.plan_commands import PlanAnswer
from ledger.money import fen_to_yuan
from ledger.store.register import Register
from projections.history import TITLES
from projections.plan_pages import payer_told


class Payer(BaseModel):
    """一个补助、资助单位，或个人资助人。"""

    model_config = Exact

    code: str = Field(title="统一社会信用代码", description="个人资助人为系统所给的编号；试算时为空")
    kind: str = Field(title="类型")
    name: str = Field(title="名称", description="个人只示姓名首字")
    village: str = Field(title="所在村的区划编码", description="资助单位可为空")
    village_number: str = Field(title="集体补助村编号")
    tax_number: str = Field(title="纳税人识别号")
    social_code: str = Field(title="社保编码")
    confirmed_on: str | None = Field(title="税务端确认日期")
    document: str = Field(title="依据文号")


class PayersPage(BaseModel):
    """单位的一页。"""

    model_config = Exact

    pool: str = Field(title="统筹区编码")
    payers: list[Payer] = Field(title="单位")
    next: str | None = Field(title="下一页的 cursor；没有下一页的为空")


class PayerDone(BaseModel):
    """登记已办；重发得到的是同一回答。"""

    model_config = Exact

    command_id: str = Field(title="命令编号")
    recorded_at: str | None = Field(title="登记时刻（UTC）")
    payer: Payer | None = Field(title="单位", description="登记后的情形")
    village: str | None = Field(title="列入试点的村的区划编码")
    persons: int | None = Field(title="名单人数")
    already_there: bool = Field(title="已是如此，未变更")
    dry_run: bool = Field(title="试算")


def payer_done(answer: PayerAnswer, register: Register) -> dict[str, Any]:
    """An answer about a payer."""
    told: dict[str, Any] = msgspec.to_builtins(answer)
    return {**told, "payer": payer_told(answer.payer, register) if answer.payer else None}


class HeldRow(BaseModel):
    """到账而不得入账的一行。"""

    model_config = Exact

    line: int = Field(title="第几行")
    account: str = Field(title="账户编号")
    amount: str = Field(title="金额（元）", pattern=YUAN)
    reason: str = Field(title="原因代码")


class PlanEventTold(BaseModel):
    """方案的一个事件；没有的内容不列出。"""

    model_config = Exact

    version: int = Field(title="版本号")
    topic: str = Field(title="事件")
    title: str = Field(title="事件名称")
    matter: str | None = Field(default=None, title="事项")
    step: str | None = Field(default=None, title="步骤")
    on: str | None = Field(default=None, title="办理日期")
    acting_for: str | None = Field(default=None, title="代表谁办理")
    clause: str | None = Field(default=None, title="依据")
    due_on: str | None = Field(default=None, title="应办结日期")
    late: bool | None = Field(default=None, title="逾期")
    provisional: bool | None = Field(default=None, title="应办结日期待节假日安排公布后确认")
    roster: str | None = Field(default=None, title="名册编号")
    rows: int | None = Field(default=None, title="人数")
    amount: str | None = Field(default=None, title="名册金额（元）", pattern=YUAN)
    received: str | None = Field(default=None, title="到账金额（元）", pattern=YUAN)
    credited: str | None = Field(default=None, title="入账金额（元）", pattern=YUAN)
    released: str | None = Field(default=None, title="释放的额度（元）", pattern=YUAN)
    unallocated: list[HeldRow] | None = Field(default=None, title="未入账的各行")
    reason: str | None = Field(default=None, title="原因")


class PlanDone(BaseModel):
    """方案的命令已办；重发得到的是同一回答。"""

    model_config = Exact

    command_id: str = Field(title="命令编号")
    plan: str = Field(title="方案编号")
    roster: str | None = Field(title="名册编号", description="申报的试算没有编号")
    version: int = Field(title="方案版本号")
    position: int = Field(title="日志位置", description="读取时可作 wait_for、known_at")
    recorded_at: str | None = Field(title="记账时刻（UTC）")
    accounts: int = Field(title="涉及账户数")
    events: list[PlanEventTold] = Field(title="记下的事件")
    notices: list[str] = Field(title="提示")
    dry_run: bool = Field(title="试算")


_PLAIN: Final = ("matter", "step", "on", "acting_for", "clause", "due_on", "late", "provisional", "rows", "reason")
_FEN: Final = {"fen": "amount", "received": "received", "credited": "credited", "released": "released"}


def plan_done(answer: PlanAnswer) -> dict[str, Any]:
    """An answer about a plan, amounts in yuan."""
    first = answer.version - len(answer.events) + 1
    return {
        "command_id": str(answer.command_id),
        "plan": str(answer.plan),
        "roster": answer.roster or None,
        "version": answer.version,
        "position": answer.position,
        "recorded_at": answer.recorded_at,
        "accounts": answer.accounts,
        "events": [_event(version, event, answer) for version, event in enumerate(answer.events, first)],
        "notices": answer.notices,
        "dry_run": answer.dry_run,
    }


def _event(version: int, event: dict[str, Any], answer: PlanAnswer) -> dict[str, Any]:
    told = {"version": version, "topic": event["topic"], "title": TITLES[event["topic"]]}
    told |= {name: event[name] for name in _PLAIN if name in event}
    if event.get("roster") and answer.roster:  # a declaration that is only tried will get another id
        told["roster"] = event["roster"]
    told |= {name: fen_to_yuan(event[fen]) for fen, name in _FEN.items() if fen in event}
    if held := event.get("unallocated"):
        told["unallocated"] = [
            {"line": line, "account": account, "amount": fen_to_yuan(fen), "reason": reason}
            for line, account, fen, reason in held
        ]
    return told


# -- reads ------------------------------------------------------------------------------------------------------------


class NextStep(BaseModel):
    """可以办理的下一步。"""

    model_config = Exact

    step: str = Field(title="步骤名称")
    title: str = Field(title="步骤")
    acting_for: str = Field(title="代表谁办理")
    who: str = Field(title="办理单位")
    evidence: list[str] = Field(title="须附的材料", description="办理时写入 evidence 的名称")
    papers: list[str] = Field(title="须附的材料的名称")
    since: str | None = Field(title="何时起", alias="from")
    until: str | None = Field(title="何时止")
    clause: str = Field(title="依据")
    does: Literal["", "declare", "review", "allocate"] = Field(
        title="对名册做什么", description="申报、复核、到账分配；空为普通步骤"
    )


class MissingStep(BaseModel):
    """尚未办理的步骤。"""

    model_config = Exact

    step: str = Field(title="步骤名称")
    title: str = Field(title="步骤")
    who: str = Field(title="办理单位")


class Roster(BaseModel):
    """名册，不含各行。"""

    model_config = Exact

    roster: str = Field(title="名册编号")
    year: int = Field(title="补助年度")
    status: Literal["declared", "reviewed", "returned", "allocated"] = Field(
        title="环节", description="已申报、已复核、已退回、已分配"
    )
    rows: int = Field(title="人数")
    amount: str = Field(title="金额（元）", pattern=YUAN)
    received: str = Field(title="到账（元）", pattern=YUAN)
    credited: str = Field(title="入账（元）", pattern=YUAN)
    unallocated: str = Field(title="未分配（元）", pattern=YUAN)


class RosterOfPlan(Roster):
    """方案中的一份名册及其下一步。"""

    next: list[NextStep] = Field(title="下一步")
    missing: list[MissingStep] = Field(title="尚未办理的步骤")


class StepTold(BaseModel):
    """已办理的步骤。"""

    model_config = Exact

    step: str = Field(title="步骤名称")
    title: str = Field(title="步骤")
    on: str = Field(title="办理日期")
    by: str = Field(title="经办人")
    roster: str = Field(title="名册编号", description="方案本身的步骤为空")
    matter: str = Field(title="事项")


class TierTold(BaseModel):
    """一档补助。"""

    model_config = Exact

    least: str = Field(title="自（元）", pattern=YUAN)
    most: str = Field(title="至（元）", pattern=YUAN)
    amount: str = Field(title="补助（元/年）", pattern=YUAN)


class StandardTold(BaseModel):
    """补助标准。"""

    model_config = Exact

    flat: str | None = Field(title="定额（元/年）", pattern=YUAN)
    tiers: list[TierTold] = Field(title="分档")
    share: str | None = Field(title="按本人缴费的比例")
    groups: dict[str, str] = Field(title="群体另定（元/年）")


class SourceTold(BaseModel):
    """一项资金来源。"""

    model_config = Exact

    name: str = Field(title="来源名称")
    amount: str = Field(title="金额（元）", pattern=YUAN)
    share: str = Field(title="占收益比例")


Status = Literal["open", "suspended", "closed"]
STATUS: Final = "状态：办理中、暂停中、已终止"


class HeldTold(BaseModel):
    """一笔未分配款项。"""

    model_config = Exact

    serial: str = Field(title="缴费明细流水号")
    line: int = Field(title="文件中第几行")
    year: int = Field(title="费款所属期")
    amount: str = Field(title="金额（元）", pattern=YUAN)
    reason: str = Field(title="原因代码", examples=["ACCOUNT_CLOSED"])


class Plan(BaseModel):
    """一个方案：已办的步骤、名册、下一步由谁办理、何时起何时止。"""

    model_config = Exact

    pool: str = Field(title="统筹区编码")
    position: int = Field(title="日志位置")
    known_at: str | None = Field(title="该位置的时刻")
    plan: str = Field(title="方案编号")
    version: int = Field(title="版本号")
    status: Status = Field(title=STATUS)
    kind: str = Field(title="补助种类")
    payer: str = Field(title="补助、资助单位")
    village: str = Field(title="村的区划编码")
    year: int = Field(title="方案年度")
    sequence: int = Field(title="第几号方案")
    standing: bool = Field(title="长效机制")
    covered: str = Field(title="补助对象")
    standard: StandardTold = Field(title="补助标准")
    sources: list[SourceTold] = Field(title="资金来源")
    sources_total: str = Field(title="资金来源合计（元）", pattern=YUAN)
    received: str = Field(title="到账（元）", pattern=YUAN)
    credited: str = Field(title="已入账（元）", pattern=YUAN)
    unallocated: str = Field(title="未分配（元）", pattern=YUAN, description="到账减已入账")
    beside_rosters: str = Field(title="入账中名册以外的（元）", pattern=YUAN)
    held: list[HeldTold] = Field(title="未分配款项", description="经税务收到而账户不能入账的，逐笔列明原因")
    steps: list[StepTold] = Field(title="已办理的步骤")
    rosters: list[RosterOfPlan] = Field(title="名册")
    next: list[NextStep] = Field(title="下一步")
    missing: list[MissingStep] = Field(title="尚未办理的步骤", description="已有名册的，名册的步骤列在各名册中")


class PlanRow(BaseModel):
    """方案列表的一行。"""

    model_config = Exact

    plan: str = Field(title="方案编号")
    kind: str = Field(title="补助种类")
    payer: str = Field(title="补助、资助单位")
    village: str = Field(title="村的区划编码")
    year: int = Field(title="方案年度")
    sequence: int = Field(title="第几号方案")
    status: Status = Field(title=STATUS)
    rosters: int = Field(title="名册数")
    amount: str = Field(title="名册金额合计（元）", description="不含退回的名册", pattern=YUAN)
    credited: str = Field(title="入账合计（元）", pattern=YUAN)


class PlansPage(BaseModel):
    """方案的一页。"""

    model_config = Exact

    pool: str = Field(title="统筹区编码")
    position: int = Field(title="日志位置")
    known_at: str | None = Field(title="该位置的时刻")
    plans: list[PlanRow] = Field(title="方案")
    next: str | None = Field(title="下一页的 cursor；没有下一页的为空")


class RosterLine(BaseModel):
    """名册的一行。"""

    model_config = Exact

    line: int = Field(title="第几行")
    account: str = Field(title="账户编号")
    amount: str = Field(title="金额（元）", pattern=YUAN)


class RosterPage(Roster):
    """名册的一页。"""

    pool: str = Field(title="统筹区编码")
    position: int = Field(title="日志位置")
    known_at: str | None = Field(title="该位置的时刻")
    plan: str = Field(title="方案编号")
    lines: list[RosterLine] = Field(title="各行")
    next: str | None = Field(title="下一页的 cursor；没有下一页的为空")


TRIED: Final = "试算：可以办理，未记账"
PAYER_CREATED: Final[Statuses] = {
    200: {"model": PayerDone, "description": TRIED},
    201: {"model": PayerDone, "description": "已登记"},
}
PLAN_CREATED: Final[Statuses] = {
    200: {"model": PlanDone, "description": TRIED},
    201: {"model": PlanDone, "description": "已记账"},
}
