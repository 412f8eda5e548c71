"""`pension-ledger tax reconcile`: a month of the two books compared, down to the fen."""

from __future__ import annotations

from typing import Any, Final

from api.cli import console
from api.cli.options import Json, Pool
from api.cli.session import CommandFault, session
from api.cli.tax_options import Month, read_month
from ledger.exchange import TYPES
from ledger.money import fen_to_yuan
from ledger.reconciliation import CHINESE, Category
from ledger.store.log import PoolLog
from ledger.words import CHINESE as KIND_WORDS
from ledger.words import KINDS
from projections.reconciliation import reconcile
from projections.reconciliation_facts import Owners, late_rows
from projections.reconciliation_pages import TAX_AGENCY, Difference, MonthView, differences, month_view
from projections.runner import catch_up

FOUND: Final = 3
COMPARISONS: Final = {
    TAX_AGENCY: "税务—核定",
    "tax_ledger": "税务—账簿",
    "tax_treasury": "税务—国库",
    "treasury_fiscal": "国库—财政专户",
    "agency_bank": "账簿—经办银行账户",
    "pool_county": "统筹区—旗县",
    "collected": "征缴统计",
    "refund": "退费",
}
"""What is compared with what."""


def reconcile_month(pool: Pool, month: Month, json: Json = False) -> int:
    """社税对账：逐日逐品目核对合计，再逐笔核对明细；有未了差异，或签认后又有数据到达时，退出码为 3。"""
    asked = read_month(month)
    with session() as ledger:
        log = ledger.log(pool)
        catch_up(log)
        reconcile(log, ledger.register(log), asked, lambda text: console.notice(f"对账 {text}"))
        view = month_view(log, asked)
        if view is None:
            raise CommandFault("对账没有结果")
        late = late_rows(log, view)
        if json:
            console.say_json(as_json(log, view))
        else:
            tell(view)
            if late:
                console.answer(f"  签认后又到达{late}行：以 tax reopen 写明原因重开本月，办理后再签认")
    return FOUND if view.open or late else 0


def as_json(log: PoolLog, view: MonthView) -> dict[str, Any]:
    """The month as one object; amounts in yuan. `late_rows` came since it was signed."""
    owners = Owners(log)
    totals, signed = view.totals, view.state.signed
    difference = totals.difference
    return {
        "pool": log.pool,
        "month": f"{view.month:%Y-%m}",
        "total_difference": fen_to_yuan(difference.fen),
        "row_difference": difference.rows,
        "tax": _counts(totals.tax),
        "agency": _counts(totals.agency),
        "own": _counts(totals.own),
        "unallocated": _counts(totals.unallocated),
        "unreadable": totals.unreadable,
        "totals": [
            {
                "day": one.day.isoformat(),
                "item": KINDS[one.kind].value,
                "payment_type": TYPES[one.payment_type],
                "tax_rows": one.tax.rows,
                "tax": fen_to_yuan(one.tax.fen),
                "agency_rows": one.agency.rows,
                "agency": fen_to_yuan(one.agency.fen),
            }
            for one in totals.items
        ],
        "days": [
            {
                "day": one.day.isoformat(),
                "item": KINDS[one.kind].value,
                "tax_rows": one.tax.rows,
                "tax": fen_to_yuan(one.tax.fen),
                "ledger_rows": one.ledger.rows,
                "ledger": fen_to_yuan(one.ledger.fen),
            }
            for one in totals.days
        ],
        "categories": {
            Category.MATCHED: {"rows": totals.matched, "amount": "0.00"},
            **{
                one.category: {"rows": one.rows, "amount": fen_to_yuan(one.fen)}
                for one in view.categories
                if one.comparison == TAX_AGENCY
            },
        },
        "differences": [difference_as_json(one, owners.of(one)) for one in differences(log, view.month)],
        "open": view.open,
        "position": view.position,
        "signed": signed
        and {
            "tax_side": signed.tax_side,
            "document": signed.document,
            "actor": signed.actor,
            "reviewer": signed.reviewer,
        },
        "late_rows": late_rows(log, view),
    }


def _counts(counts: Any) -> dict[str, Any]:
    return {"rows": counts.rows, "amount": fen_to_yuan(counts.fen)}


def difference_as_json(one: Difference, owner: str) -> dict[str, Any]:
    """A difference as one object; every key is always there."""
    mark, by = one.mark, one.mark.resolved_by
    return {
        "id": str(one.id),
        "comparison": one.comparison,
        "category": one.category,
        "amount": fen_to_yuan(one.fen),
        "rows": one.rows,
        "status": one.status,
        "owner": owner,
        "due_on": mark.due_on.isoformat() if mark.due_on else None,
        "reason": mark.reason or one.cleared,
        "tax": _side(one.detail.get("tax"), one.tax_file, one.tax_line),
        "agency": _side(one.detail.get("agency"), one.agency_file, one.agency_line),
        "proposal": str(one.proposal) if one.proposal else None,
        "resolved_by": by and {"account": str(by[0]), "version": by[1], "topic": by[2]},
        "detail": one.detail if one.comparison != TAX_AGENCY else None,
    }


def _side(said: dict[str, Any] | None, file: str | None, line: int | None) -> dict[str, Any] | None:
    if not said or file is None:
        return None
    told = {key: value for key, value in said.items() if key != "fen"}
    return {**told, **({"amount": fen_to_yuan(said["fen"])} if "fen" in said else {}), "file": file, "line": line}


def tell(view: MonthView) -> None:
    """The month for people."""
    totals, difference = view.totals, view.totals.difference
    console.answer(f"{view.month:%Y年%m月}社税对账（按入库日期）")
    console.answer(f"  税务入库 {totals.tax.rows}笔 {fen_to_yuan(totals.tax.fen)} 元")
    console.answer(
        f"  应收核定 {totals.agency.rows}笔 {fen_to_yuan(totals.agency.fen)} 元，"
        f"无须核定而已入账 {totals.own.rows}笔 {fen_to_yuan(totals.own.fen)} 元"
    )
    console.answer(f"  相差 {difference.rows:+d}笔 {fen_to_yuan(difference.fen)} 元；相符 {totals.matched}笔")
    if totals.unallocated.rows:
        console.answer(f"  未划入账户 {totals.unallocated.rows}笔 {fen_to_yuan(totals.unallocated.fen)} 元")
    if totals.unreadable:
        console.answer(f"  无法读取的行 {totals.unreadable}行（全部批次，未计入合计）")
    for one in view.categories:
        done = f"，未了{one.open}笔" if one.open else "，已了"
        where = "" if one.comparison == TAX_AGENCY else f"〔{COMPARISONS.get(one.comparison, one.comparison)}〕"
        console.answer(
            f"  {CHINESE[one.category]}（{one.category}）{where} {one.rows}笔 {fen_to_yuan(one.fen)} 元{done}"
        )
    for day in totals.days:
        if day.tax != day.ledger:
            item = f"{day.day.isoformat()} {KIND_WORDS[KINDS[day.kind]]}"
            tax, booked = fen_to_yuan(day.tax.fen), fen_to_yuan(day.ledger.fen)
            console.answer(f"  {item}：税务 {day.tax.rows}笔 {tax}，账簿 {day.ledger.rows}笔 {booked}")
    if signed := view.state.signed:
        console.answer(
            f"  已签认：税务方 {signed.tax_side}，经办 {signed.actor}，复核 {signed.reviewer}，{signed.document}"
        )
    console.answer("有未了差异" if view.open else "没有未了差异")
