"""Reconciled months: folded, read, and what people say of their differences until both sides sign."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.http.answers import READ, WRITE
from api.http.asked import Desk, Order, Page, Said, answer, cursor_of, done, page_of, service_of
from api.http.bodies import Cursor, Limit
from api.http.problems import Problem, invalid
from api.http.reconciliation_answers import (
    MONTH_CREATED,
    DifferencesPage,
    Folded,
    Month,
    month_done,
)
from api.http.reconciliation_bodies import (
    AssignmentBody,
    ChosenBody,
    ExplanationBody,
    MonthOf,
    OfCategory,
    OfComparison,
    OfStatus,
    ReopeningBody,
    ResolutionBody,
    SignatureBody,
)
from api.http.service import Counter
from ledger import clock
from ledger.desk.reconciliation import Assign, Explain, MonthCommand, MonthDesk, Reopen, Resolve, Sign
from ledger.differences import Category
from ledger.reconciliation_month import Status
from projections.reconciliation import months_due, reconcile
from projections.reconciliation_facts import Owners, age, facts_of, late_rows
from projections.reconciliation_pages import differences, folded_at, month_view
from projections.reconciliation_report import snapshot
from projections.reconciliation_told import difference_told, month_told
from projections.runner import catch_up

router = APIRouter(prefix="/v1/pools/{pool}/reconciliations/{month}", tags=["社税对账"])

PATIENCE_SECONDS: Final = 1.0
"""How long a fold waits for another one of the pool before it says that it is busy: a thread waits meanwhile."""


@router.get(
    "",
    responses={200: {"model": Month, "description": "对账"}, **READ},
    summary="一个月的对账",
    operation_id="get_reconciliation",
)
async def get_reconciliation(request: Request, month: MonthOf, counter: Desk) -> Response:
    """上次核对时的两方合计、逐日合计、各类差异和签认；`stale` 为真的，此后又有数据，须重新核对。"""
    return answer(await service_of(request).read(_month, counter, _first(month)))


@router.get(
    "/differences",
    responses={200: {"model": DifferencesPage, "description": "一页差异"}, **READ},
    summary="差异列表",
    operation_id="list_differences",
)
async def list_differences(
    request: Request,
    month: MonthOf,
    counter: Desk,
    category: OfCategory = None,
    comparison: OfComparison = None,
    status: OfStatus = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """按差异编号排列，可按类别、对比、状态筛选；翻页时筛选条件须相同。不含姓名与号码。"""
    after = None
    if page := page_of(cursor, None, None):
        try:
            after = UUID(page.after)
        except ValueError:
            raise invalid("query.cursor", "从何处继续", "不是本接口给出的 cursor") from None
    return answer(
        await service_of(request).read(
            _page,
            counter,
            _first(month),
            category=category,
            comparison=comparison,
            status=status,
            after=after,
            limit=limit,
        )
    )


@router.post(
    "/fold",
    responses={200: {"model": Folded, "description": "已核对"}, **WRITE},
    summary="核对",
    operation_id="fold_reconciliation",
)
async def fold_reconciliation(request: Request, month: MonthOf, order: Order, counter: Desk) -> Response:
    """核对该月及以前有新数据的各月；没有新数据的不动。同一统筹区一次只办一个，另有核对正在进行的回答 503。"""
    return answer(await service_of(request).do_whole(_fold, counter, _first(month), order))


@router.post(
    "/explanations",
    status_code=201,
    responses={**MONTH_CREATED, **WRITE},
    summary="说明差异的原因",
    operation_id="explain_differences",
)
async def explain_differences(
    request: Request, month: MonthOf, order: Order, body: ExplanationBody, counter: Desk
) -> Response:
    """原因已明、无须记账的差异。"""
    said = {**order._asdict(), **_chosen(body), "month": _first(month)}
    return await _do(request, counter, Explain(**said, reason=body.reason))


@router.post(
    "/assignments",
    status_code=201,
    responses={**MONTH_CREATED, **WRITE},
    summary="指定差异的责任人",
    operation_id="assign_differences",
)
async def assign_differences(
    request: Request, month: MonthOf, order: Order, body: AssignmentBody, counter: Desk
) -> Response:
    """责任单位或责任人，与办结期限。"""
    said = {**order._asdict(), **_chosen(body), "month": _first(month)}
    return await _do(request, counter, Assign(**said, owner=body.owner, due_on=body.due_on))


@router.post(
    "/resolutions",
    status_code=201,
    responses={**MONTH_CREATED, **WRITE},
    summary="了结差异",
    operation_id="resolve_difference",
)
async def resolve_difference(
    request: Request, month: MonthOf, order: Order, body: ResolutionBody, counter: Desk
) -> Response:
    """以其后同一人或同一流水号的一笔账簿记录了结。"""
    said = {**order._asdict(), **body.model_dump(exclude={"reason"}), "month": _first(month)}
    return await _do(request, counter, Resolve(**said, reason=body.reason or ""))


@router.post(
    "/signatures",
    status_code=201,
    responses={**MONTH_CREATED, **WRITE},
    summary="签认",
    operation_id="sign_month",
)
async def sign_month(request: Request, month: MonthOf, order: Order, body: SignatureBody, counter: Desk) -> Response:
    """双方签认一个月的对账；须已核对全部数据，且没有未了差异。"""
    return await _do(request, counter, Sign(**order._asdict(), **body.model_dump(), month=_first(month)))


@router.post(
    "/reopenings",
    status_code=201,
    responses={**MONTH_CREATED, **WRITE},
    summary="重开",
    operation_id="reopen_month",
)
async def reopen_month(request: Request, month: MonthOf, order: Order, body: ReopeningBody, counter: Desk) -> Response:
    """重开已签认的月份，写明原因。"""
    return await _do(request, counter, Reopen(**order._asdict(), **body.model_dump(), month=_first(month)))


async def _do(request: Request, counter: Counter, command: MonthCommand) -> Response:
    """Have a command done in one of the threads for what decides by itself."""
    desk = MonthDesk(counter.log, counter.register, partial(facts_of, counter.log))
    told = await service_of(request).do_whole(desk.do, command)
    location = f"/v1/pools/{counter.log.pool}/reconciliations/{command.month:%Y-%m}"
    return done(told, location, shown=month_done(told))


def _first(month: Any) -> date:
    """The first day of the month of an address, as its annotation has read it."""
    assert isinstance(month, date)
    return month


def _chosen(body: ChosenBody) -> dict[str, Any]:
    return {
        "differences": tuple(body.differences or ()),
        "category": body.category or "",
        "comparison": body.comparison or "",
    }


# -- what is read and folded -------------------------------------------------------------------------------------------


def _month(counter: Counter, month: date) -> dict[str, Any]:
    with snapshot(counter.log) as log:
        view = month_view(log, month)
        if view is None:
            raise _not_folded()
        due = months_due(log, month)
        told = {**month_told(log.pool, view), "late_rows": late_rows(log, view)}
    return {**told, "stale": bool(due), "due": [f"{one:%Y-%m}" for one in due]}


def _page(
    counter: Counter,
    month: date,
    *,
    category: Category | None,
    comparison: str | None,
    status: Status | None,
    after: UUID | None,
    limit: int,
) -> dict[str, Any]:
    with snapshot(counter.log) as log:
        position = folded_at(log, month)
        if position is None:
            raise _not_folded()
        chosen = differences(
            log, month, category=category, comparison=comparison, status=status, after=after, limit=limit + 1
        )
        found, owners, today = list(chosen), Owners(log), clock.today()
    told = [{**difference_told(one, owners.of(one)), "working_days": age(one, month, today)} for one in found[:limit]]
    following = cursor_of(Page(str(found[limit - 1].id), position)) if len(found) > limit else None
    return {
        "pool": counter.log.pool,
        "month": f"{month:%Y-%m}",
        "position": position,
        "differences": told,
        "next": following,
    }


def _fold(counter: Counter, month: date, order: Said) -> dict[str, Any]:
    log = counter.log
    if order.dry_run:
        folded = months_due(log, month)
    else:
        catch_up(log)
        folded = reconcile(log, counter.register, month, actor=order.actor, patience=PATIENCE_SECONDS)
    months = [f"{one:%Y-%m}" for one in folded]
    return {"pool": log.pool, "month": f"{month:%Y-%m}", "folded": months, "dry_run": order.dry_run}


def _not_folded() -> Problem:
    return Problem(
        404,
        "MONTH_NOT_FOLDED",
        value="对账月份",
        rule="该月尚未核对",
        remedy="先以 POST …/fold 核对，或以 pension-ledger tax reconcile 核对",
    )
