"""Statements, balances and histories as a counter clerk hands them out: plain Chinese text, columns aligned."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from api.cli.plan_text import plan_detail
from api.cli.tax_text import month_detail
from ledger.clock import SHANGHAI
from ledger.identity import mask
from ledger.money import fen_to_yuan
from ledger.store.register import ERASED, Registered
from ledger.words import CHINESE, KINDS, MoneyKind

ENTRY_NAMES: Final = {
    "opening_taken_over": "接收期初余额",
    "contribution": "个人缴费",
    "government_paid": "政府代缴",
    "collective_subsidy": "集体补助",
    "social_aid": "社会资助",
    "government_subsidy": "政府补贴",
    "interest": "利息",
    "interest_adjusted": "利息调整",
    "transfer": "关系转移",
    "pension": "养老金支付",
    "refund": "退费",
    "reversal": "冲正",
    "closure": "账户终结",
}
PARTS: Final = {"on_opening": "上年末余额", "on_entries": "本年记入", "deducted": "本年支出扣减"}
_RULE: Final = "─" * 100


def width(text: str) -> int:
    """How many columns a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def cell(text: str, columns: int, *, right: bool = False) -> str:
    """A text filled to a width."""
    room = " " * max(0, columns - width(text))
    return room + text if right else text + room


def grouped(yuan: str) -> str:
    """Yuan text with thousands grouped."""
    return f"{Decimal(yuan):,.2f}"


def statement_text(
    told: dict[str, Any], pool: str, holder: tuple[Registered | None, str], divisions: dict[str, str]
) -> Iterator[str]:
    """One statement."""
    registered, division = holder
    yield ""
    yield cell("", 28) + f"城乡居民养老保险个人账户对账单（{told['year']}年度）"
    yield _RULE
    name = registered.name if registered else ERASED
    number = mask(registered.number) if registered else ""
    yield f"姓名：{cell(name, 20)}公民身份号码：{cell(number, 24)}统筹区：{pool}"
    yield f"账户编号：{told['account']}    参保地：{_path(division, divisions)}"
    as_of = f"（截至 {told['as_of']}）" if told["as_of"] else ""
    yield f"上年末储存额：{grouped(told['opening'])} 元{as_of}"
    yield _RULE
    yield (
        cell("入账日期", 12) + cell("项目", 14) + cell("来源", 10) + cell("金额（元）", 16, right=True)
        + cell("余额（元）", 16, right=True) + "  凭据"
    )  # fmt: skip
    for entry in told["entries"]:
        yield (
            cell(entry["effective_on"], 12)
            + cell(ENTRY_NAMES[entry["kind"]], 14)
            + cell(CHINESE[MoneyKind(entry["money_kind"])], 10)
            + cell(grouped(entry["amount"]), 16, right=True)
            + cell(grouped(entry["balance"]), 16, right=True)
            + f"  {entry['reference']}"
        )
    if not told["entries"]:
        yield "本年度没有记录"
    yield _RULE
    yield f"本年利息：{grouped(told['interest'])} 元{_split(told)}"
    yield f"{'截至当日' if told['as_of'] else '年末'}储存额：{grouped(told['closing'])} 元"
    kinds = "，".join(f"{CHINESE[kind]} {grouped(told['kinds'][kind.value])}" for kind in KINDS)
    yield f"  其中：{kinds}"
    known = told["known_at"] or "尚无记录"
    versions = f"格式第 {told['template']} 版，登记第 {told['register_version']} 版"
    yield f"账簿位置 {told['position']}，时刻 {known}，{versions}"
    yield "对账单如有异议，可持佐证材料向参保地社会保险经办机构申请核查。"


def _split(told: dict[str, Any]) -> str:
    if told["rate"] is None:
        return "（本年度尚未结息）"
    parts = "，".join(f"{PARTS[part]} {grouped(fen)}" for part, fen in told["interest_split"].items())
    provisional = "，暂定" if told["provisional"] else ""
    return f"（{parts}；记账利率 {told['rate']}，{told['rate_document']}{provisional}）"


def _path(code: str, divisions: dict[str, str]) -> str:
    parts = code.split(".")
    return "".join(divisions.get(".".join(parts[:place]), "") for place in range(2, len(parts) + 1))


def balance_text(told: dict[str, Any], rows: Iterable[dict[str, Any]] | None) -> Iterator[str]:
    """Balances of a pool, a line a row."""
    known = f"账簿位置 {told['position']}，时刻 {told['known_at']}"
    yield f"统筹区 {told['pool']} 余额 {grouped(told['balance'])} 元（{known}）"
    for kind in KINDS:
        yield f"  {cell(CHINESE[kind], 10)}{cell(grouped(told['kinds'][kind.value]), 20, right=True)}"
    for row in rows or ():
        subject = row.get("account") or f"{row['code']} {row['name']}"
        yield f"{cell(subject, 60)}{cell(grouped(row['balance']), 18, right=True)}"


def events_text(told: Iterable[dict[str, Any]], title: str) -> Iterator[str]:
    """A history, a paragraph an event."""
    yield title
    for event in told:
        yield _RULE
        account = f"  账户 {event['account']}" if event.get("account") else ""
        yield f"第{event['version']}号  {event['title']}  位置 {event['position']}  记录于 {_local(event)}{account}"
        amounts = "，".join(f"{CHINESE[MoneyKind(kind)]} {grouped(yuan)}元" for kind, yuan in event["amounts"].items())
        yield f"    业务日期 {event['effective_on'] or '—'}    金额 {amounts or '—'}"
        if detail := _detail(event):
            yield f"    内容 {detail}"
        yield f"    经办 {event['actor']}    复核 {event['reviewer'] or '—'}    起因 {event['cause'] or '—'}"
        yield f"    依据 {event['clause'] or '—'}    规则版本 {event['rule'] or '—'}"


def _detail(event: dict[str, Any]) -> str:
    """What an event says besides money."""
    body = event["body"]
    match event["topic"]:
        case "rules.pool_opened":
            return f"{body['code']} {body['name']}，适用 {body['region']} 规则"
        case "rules.value_entered":
            return f"{body['year']}年度 {body['name']} = {body['value']}"
        case "account.holder_renamed":
            return f"姓名变更，登记第 {body['register_version']} 版，{body['document']}"
        case "account.subsidy_declared" | "account.declaration_released":
            told = f"{body['year']}年度{CHINESE[MoneyKind(body['kind'])]}{grouped(fen_to_yuan(body['fen']))}元"
            return f"{told}，名册 {body['roster']}" + (f"，{body['reason']}" if "reason" in body else "")
        case "account.entry_reversed":
            return f"冲正第{body['reverses']}号：{body['reason']}"
        case "account.interest_credited" | "account.interest_adjusted":
            return f"{body['year']}年度，记账利率 {body['rate']}（{body['rate_document']}）"
        case topic if topic.startswith("plan."):
            return plan_detail(topic, body)
        case topic if topic.startswith("month."):
            return month_detail(topic, body)
        case _:
            return str(body.get("reason", "")) or (f"费款所属期 {body['year']}" if "year" in body else "")


def _local(event: dict[str, Any]) -> str:
    return datetime.fromisoformat(event["recorded_at"]).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
