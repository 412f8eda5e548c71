"""What an event of a reconciled month says, in a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.differences import CHINESE, Category
from ledger.money import fen_to_yuan


def month_detail(topic: str, body: Mapping[str, Any]) -> str:
    """The line; differences are counted by what they were then, and summed."""
    match topic:
        case "month.difference_explained":
            return f"{_counted(body['differences'])}：{body['reason']}"
        case "month.difference_assigned":
            return f"{len(body['differences'])}笔，责任人 {body['owner']}，{body['due_on']}前办结"
        case "month.difference_resolved":
            by = f"以账户 {body['account']} 第{body['version']}号记录了结"
            return "，".join(filter(None, (_counted([body["difference"]]), by, body.get("reason", ""))))
        case "month.signed":
            sides = f"税务 {body['tax_rows']}笔 {fen_to_yuan(body['tax'])}元，经办 {body['agency_rows']}笔"
            return (
                f"税务方 {body['tax_side']}，{body['document']}，{sides} {fen_to_yuan(body['agency'])}元，"
                f"相差 {fen_to_yuan(body['difference'])}元，差异{body['differences']}笔，数据{body['rows']}行"
            )
        case _:
            return str(body.get("reason", ""))


def _counted(spoken: list[list[Any]]) -> str:
    sums: dict[str, tuple[int, int]] = {}
    for _, category, fen in spoken:
        rows, total = sums.get(category, (0, 0))
        sums[category] = rows + 1, total + fen
    return "，".join(
        f"{CHINESE[Category(category)]}{rows}笔 {fen_to_yuan(fen)}元" for category, (rows, fen) in sums.items()
    )
