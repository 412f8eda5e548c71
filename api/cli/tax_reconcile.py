"""`pension-ledger tax reconcile`: a month of the two books compared, down to the fen."""

from __future__ import annotations

from typing import Any, Final

from api.cli import console
from api.cli.options import Json, Pool
from api.cli.session import CommandFault, session
from api.cli.tax_options import Month, read_month
from ledger.money import fen_to_yuan
from ledger.store.log import PoolLog
from ledger.words import CHINESE as KIND_WORDS
from ledger.words import KINDS
from projections.reconciliation import reconcile
from projections.reconciliation_facts import Owners, late_rows
from projections.reconciliation_pages import TAX_AGENCY, MonthView, differences, month_view
from projections.reconciliation_told import COMPARISONS, category_word, difference_told, month_told
from projections.runner import catch_up

FOUND: Final = 3


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
    """The month as one object, with all of its differences; amounts in yuan. `late_rows` came since it was signed."""
    owners = Owners(log)
    listed = [difference_told(one, owners.of(one)) for one in differences(log, view.month)]
    return {**month_told(log.pool, view), "differences": listed, "late_rows": late_rows(log, view)}


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
        called = f"{category_word(one.comparison, one.category)}（{one.category}）{where}"
        console.answer(f"  {called} {one.rows}笔 {fen_to_yuan(one.fen)} 元{done}")
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
