"""What is answered over HTTP, for the schema: readers write bytes themselves, and tests hold them to it."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.http.problems import MEDIA_TYPE, ProblemDocument
from ledger.words import CHINESE, KINDS

Exact = ConfigDict(extra="forbid")
YUAN: Final = r"^-?[0-9]+\.[0-9]{2}$"
KINDS_TITLE: Final = "分来源余额（元）：" + "、".join(f"{kind.value} {CHINESE[kind]}" for kind in KINDS)


class RecordedEvent(BaseModel):
    """命令记下的一个事件。"""

    model_config = Exact

    version: int = Field(title="版本号")
    topic: str = Field(title="事件")
    effective_on: str | None = Field(default=None, title="业务日期")
    year: int | None = Field(default=None, title="年度")
    amount: str | None = Field(default=None, title="金额（元）", pattern=YUAN)


class Done(BaseModel):
    """命令已办；重发得到的是同一回答。"""

    model_config = Exact

    command_id: str = Field(title="命令编号")
    account: str | None = Field(title="账户编号")
    version: int = Field(title="账户版本号")
    position: int = Field(title="日志位置", description="读取时可作 wait_for")
    recorded_at: str | None = Field(title="记账时刻（UTC）")
    events: list[RecordedEvent] = Field(title="记下的事件")
    already_there: bool = Field(title="同一流水号先前已记账，未再记账")
    dry_run: bool = Field(title="试算")


class Account(BaseModel):
    """一个账户。"""

    model_config = Exact

    pool: str = Field(title="统筹区编码")
    account: str = Field(title="账户编号")
    position: int = Field(title="日志位置")
    known_at: str | None = Field(title="该位置的时刻")
    as_of: str | None = Field(title="截至哪一天")
    version: int = Field(title="版本号")
    status: Literal["open", "closed", "transferred", "not_opened"] = Field(title="状态：正常、已注销、已转出、尚未建账")
    opened_on: str = Field(title="参保日期")
    ended_on: str | None = Field(title="终结日期")
    division: str = Field(title="所属村的区划编码")
    balance: str = Field(title="余额（元）", pattern=YUAN)
    kinds: dict[str, str] = Field(title=KINDS_TITLE)


class StatementEntry(BaseModel):
    """对账单的一行。"""

    model_config = Exact

    kind: str = Field(title="种类")
    money_kind: str = Field(title="资金来源")
    amount: str = Field(title="金额（元）", pattern=YUAN)
    effective_on: str = Field(title="业务日期")
    recorded_at: str = Field(title="记账时刻")
    balance: str = Field(title="余额（元）", pattern=YUAN)
    reference: str = Field(title="凭据")
    version: int = Field(title="版本号")


class Statement(BaseModel):
    """一个年度的个人账户对账单。"""

    model_config = Exact

    position: int = Field(title="日志位置")
    known_at: str | None = Field(title="该位置的时刻")
    account: str = Field(title="账户编号")
    year: int = Field(title="年度")
    as_of: str | None = Field(title="截至哪一天")
    template: int = Field(title="对账单格式版本")
    register_version: int | None = Field(title="登记版本")
    opening: str = Field(title="期初（元）", pattern=YUAN)
    interest: str = Field(title="本年利息（元）", pattern=YUAN)
    closing: str = Field(title="期末（元）", pattern=YUAN)
    kinds: dict[str, str] = Field(title=KINDS_TITLE)
    interest_split: dict[str, str] = Field(title="利息构成（元）")
    rate: str | None = Field(title="记账利率")
    rate_document: str | None = Field(title="利率文号")
    provisional: bool = Field(title="暂按已公布利率")
    entries: list[StatementEntry] = Field(title="各笔记录")


class AccountEvent(BaseModel):
    """账户历史中的一个事件。"""

    model_config = Exact

    version: int = Field(title="版本号")
    position: int = Field(title="日志位置")
    recorded_at: str = Field(title="记账时刻")
    topic: str = Field(title="事件")
    title: str = Field(title="事件名称")
    effective_on: str | None = Field(title="业务日期")
    amounts: dict[str, str] = Field(title="金额（元）")
    actor: str = Field(title="经办人")
    reviewer: str = Field(title="复核人")
    cause: str = Field(title="来由", description="经接口办理的为 request 加请求编号")
    rule: str = Field(title="所据规则及版本")
    clause: str = Field(title="依据")
    body: dict[str, Any] = Field(title="事件全文")


class Events(BaseModel):
    """账户历史的一页。"""

    model_config = Exact

    pool: str = Field(title="统筹区编码")
    account: str = Field(title="账户编号")
    position: int = Field(title="日志位置")
    known_at: str | None = Field(title="该位置的时刻")
    events: list[AccountEvent] = Field(title="事件")
    next: str | None = Field(title="下一页的 cursor；没有下一页的为空")


class BalanceRow(BaseModel):
    """一村、一旗县或一个账户的余额。"""

    model_config = Exact

    account: str | None = Field(default=None, title="账户编号")
    division: str | None = Field(default=None, title="所属村的区划编码")
    code: str | None = Field(default=None, title="区划编码")
    name: str | None = Field(default=None, title="区划名称")
    accounts: int | None = Field(default=None, title="账户数")
    balance: str = Field(title="余额（元）", pattern=YUAN)
    kinds: dict[str, str] = Field(title=KINDS_TITLE)


class Balances(BaseModel):
    """统筹区的余额；按账户列出时为一页，不含合计。"""

    model_config = Exact

    pool: str = Field(title="统筹区编码")
    position: int = Field(title="日志位置")
    known_at: str | None = Field(title="该位置的时刻")
    balance: str | None = Field(default=None, title="合计（元）", pattern=YUAN)
    kinds: dict[str, str] | None = Field(default=None, title=KINDS_TITLE)
    rows: list[BalanceRow] | None = Field(default=None, title="各行")
    next: str | None = Field(default=None, title="下一页的 cursor；没有下一页的为空")


class Health(BaseModel):
    """服务状态。"""

    model_config = Exact

    status: Literal["ok"] = Field(title="状态")


_DESCRIPTIONS: Final = {
    400: "缺少 Idempotency-Key，或它不是 UUID",
    401: "没有令牌，或令牌未知、过期、已撤销",
    403: "令牌不能用于该统筹区，或只供查询",
    404: "没有地址所指的统筹区、账户、单位、方案或名册，或该月尚未对账",
    413: "请求体过大",
    422: "不予办理：规则不许，或内容不符合约定，或同一命令编号曾用于其他内容",
    500: "程序出现未预料的情况",
    503: "暂时不能办理，见 Retry-After",
}


Statuses = dict[int | str, dict[str, Any]]


def refusals(*statuses: int) -> Statuses:
    """The problems an operation may answer with."""
    schema = {"schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}}
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            "content": {MEDIA_TYPE: schema},
            **({"headers": _RETRY} if status == 503 else {}),
            **({"headers": _CHALLENGE} if status == 401 else {}),
        }
        for status in (*statuses, 500, 503)
    }


_RETRY: Final = {"Retry-After": {"description": "多少秒后再试", "schema": {"type": "string"}, "required": True}}
_CHALLENGE: Final = {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}, "required": True}}
READ: Final = refusals(401, 403, 404, 422)
WRITE: Final = refusals(400, 401, 403, 404, 413, 422)
