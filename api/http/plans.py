"""Subsidy plans and social aid: drafted, walked step by step with their rosters, looked at, closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.http.answers import READ, WRITE
from api.http.asked import (
    Desk,
    Order,
    Page,
    answer,
    cursor_of,
    done,
    known_at_of,
    known_at_told,
    page_of,
    service_of,
)
from api.http.bodies import Cursor, KnownAt, Limit
from api.http.plan_answers import PLAN_CREATED, Plan, PlansPage, RosterPage, plan_done
from api.http.plan_bodies import (
    OfPayer,
    OfVillage,
    OfYear,
    PlanBody,
    PlanClosureBody,
    PlanId,
    ReturnBody,
    RosterId,
    RosterRow,
    StandardBody,
    StepBody,
)
from api.http.problems import Problem, invalid, refused
from api.http.service import Counter
from ledger.desk.declaring import sound
from ledger.desk.plan_commands import (
    AllocateRoster,
    ClosePlan,
    DeclareRoster,
    DraftPlan,
    PlanCommand,
    ReturnRoster,
    ReviewRoster,
    TakeStep,
)
from ledger.desk.plans import PlanDesk
from ledger.forms.rules import read_forms
from ledger.jobs.intake import FileRow
from ledger.jobs.roster_rows import REQUIRED, read_roster
from ledger.money import yuan_to_fen
from ledger.plan_events import Source, Standard, TierSubsidy
from ledger.plan_steps import step_of
from ledger.refusals import Reason, Refused, refuse
from ledger.store.divisions import Divisions
from ledger.words import MoneyKind
from projections.plan_pages import one_plan, plan_told, plans_page, roster_page, roster_told

router = APIRouter(prefix="/v1/pools/{pool}/plans", tags=["补助方案"])


@router.post("", status_code=201, responses={**PLAN_CREATED, **WRITE}, summary="拟定方案", operation_id="draft_plan")
async def draft_plan(request: Request, order: Order, body: PlanBody, counter: Desk) -> Response:
    """集体补助方案，或一项社会资助。同一村（无村的为同一单位）、同一年度、同一序号只有一个。"""

    def command() -> DraftPlan:
        village = Divisions(counter.log).find(body.village) if body.village else ""
        if village is None or (not village and body.kind == "collective_subsidy"):
            raise Refused(refuse(Reason.UNKNOWN_DIVISION, "“村”"))
        return DraftPlan(
            **order._asdict(),
            kind=MoneyKind(body.kind),
            payer=body.payer,
            village=village,
            year=body.year,
            sequence=body.sequence,
            covered=body.covered,
            standard=_standard(body.standard),
            sources=tuple(Source(one.name, yuan_to_fen(one.amount), one.share or "") for one in body.sources),
            standing=body.standing,
        )

    return await _do(request, counter, command, created=True)


@router.get(
    "",
    responses={200: {"model": PlansPage, "description": "一页方案"}, **READ},
    summary="方案列表",
    operation_id="list_plans",
)
async def list_plans(
    request: Request,
    counter: Desk,
    year: OfYear = None,
    payer: OfPayer = None,
    village: OfVillage = None,
    known_at: KnownAt = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """按年度、村、序号排列，可按年度、单位、村筛选。各页出自同一日志位置；翻页时筛选条件须相同。"""
    known, after = known_at_of(known_at), None
    if page := page_of(cursor, None, known_at):
        try:
            after, known = UUID(page.after), str(page.position)
        except ValueError:
            raise _no_cursor() from None
    with known_at_told():
        at, rows, more = await service_of(request).read(
            plans_page, counter.log, after, limit, known, year=year, payer=payer or None, village=village or None
        )
    following = None if more is None else cursor_of(Page(str(more), at.position))
    told = {"pool": counter.log.pool, "position": at.position, "known_at": at.text}
    return answer({**told, "plans": rows, "next": following})


@router.get(
    "/{plan}",
    responses={200: {"model": Plan, "description": "方案"}, **READ},
    summary="方案办到哪一步",
    operation_id="get_plan",
)
async def get_plan(request: Request, plan: PlanId, counter: Desk, known_at: KnownAt = None) -> Response:
    """方案内容、已办的步骤、名册；下一步由谁办理、须附哪些材料、何时起何时止、依据哪一条；还缺哪些步骤。"""
    with known_at_told():
        at, state, chains = await service_of(request).read(one_plan, counter.log, plan, known_at_of(known_at))
    told = {"pool": counter.log.pool, "position": at.position, "known_at": at.text}
    return answer({**told, **plan_told(plan, state, chains)})


@router.get(
    "/{plan}/rosters/{roster}",
    responses={200: {"model": RosterPage, "description": "名册的一页"}, **READ},
    summary="名册",
    operation_id="get_roster",
)
async def get_roster(
    request: Request,
    plan: PlanId,
    roster: RosterId,
    counter: Desk,
    known_at: KnownAt = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """名册及其各行：账户编号与金额，不含姓名与号码。"""
    known, after = known_at_of(known_at), 0
    if page := page_of(cursor, None, known_at):
        if not (page.after.isascii() and page.after.isdigit() and len(page.after) < 10):
            raise _no_cursor()
        after, known = int(page.after), str(page.position)
    with known_at_told():
        found = await service_of(request).read(roster_page, counter.log, plan, roster, after, limit, known)
    if found is None:
        raise _no_roster(roster)
    at, head, lines, more = found
    following = None if more is None else cursor_of(Page(str(more), at.position))
    told = {"pool": counter.log.pool, "position": at.position, "known_at": at.text, "plan": str(plan)}
    return answer({**told, **roster_told(head), "lines": lines, "next": following})


@router.post(
    "/{plan}/steps",
    status_code=201,
    responses={**PLAN_CREATED, **WRITE},
    summary="办理一个步骤",
    operation_id="take_step",
)
async def take_step(request: Request, plan: PlanId, order: Order, body: StepBody, counter: Desk) -> Response:
    """步骤及其材料；申报的步骤连同名册各行（有误即整份退回，列出各行全部问题），复核的步骤占用额度，到账分配的步骤入账。"""
    desk = PlanDesk(counter.log, counter.register)
    return await _do(request, counter, lambda: _step(desk, counter, plan, order._asdict(), body))


@router.post(
    "/{plan}/rosters/{roster}/return",
    status_code=201,
    responses={**PLAN_CREATED, **WRITE},
    summary="退回名册",
    operation_id="return_roster",
)
async def return_roster(
    request: Request, plan: PlanId, roster: RosterId, order: Order, body: ReturnBody, counter: Desk
) -> Response:
    """退回未到账的名册，释放其占用的账户额度；更正后另行申报。"""

    def command() -> ReturnRoster:
        _, state, _ = one_plan(counter.log, plan)
        if state.roster(str(roster)) is None:
            raise _no_roster(roster)
        return ReturnRoster(**order._asdict(), plan=plan, roster=str(roster), reason=body.reason)

    return await _do(request, counter, command)


@router.post(
    "/{plan}/closure",
    status_code=201,
    responses={**PLAN_CREATED, **WRITE},
    summary="终止方案",
    operation_id="close_plan",
)
async def close_plan(request: Request, plan: PlanId, order: Order, body: PlanClosureBody, counter: Desk) -> Response:
    """终止方案，释放未到账名册占用的账户额度。"""
    command = ClosePlan(**order._asdict(), plan=plan, reason=body.reason, reviewer=body.reviewer)
    return await _do(request, counter, lambda: command)


async def _do(
    request: Request, counter: Counter, command_of: Callable[[], DraftPlan | PlanCommand], *, created: bool = False
) -> Response:
    """Have a command done in one of the threads for it, together with the reading that makes it."""
    desk = PlanDesk(counter.log, counter.register)
    told = await service_of(request).do_whole(lambda: desk.do(command_of()))
    location = f"/v1/pools/{counter.log.pool}/plans/{told.plan}" if created else ""
    return done(told, location, shown=plan_done(told))


# -- steps ------------------------------------------------------------------------------------------------------------


def _step(desk: PlanDesk, counter: Counter, plan: UUID, order: Mapping[str, Any], body: StepBody) -> PlanCommand:
    """The command that a step is, by what the region's procedure lets it do to a roster."""
    _, state, chains = one_plan(counter.log, plan)
    step = step_of(state, chains, body.matter or "", body.step)
    does = step.does if step else ""
    if step is not None:
        _require_what_fits(does, body)
    said: dict[str, Any] = {
        **order, "plan": plan, "step": body.step, "on": body.on, "acting_for": body.acting_for,
        "evidence": body.evidence, "roster": str(body.roster or ""), "matter": body.matter or "",
        "reviewer": body.reviewer or "",
    }  # fmt: skip
    if does == "declare":
        assert body.declaration is not None
        rows = [_cells(row) for row in body.declaration.rows]
        forms = read_forms(counter.log.rules().region)
        read = read_roster(_lines(rows), _PLACES, counter.register, state.drafted.kind, forms)
        # Keyed, for a plain digest of a short list would tell whose numbers stand in it to whoever tries them all.
        file = counter.register.content_digest(*("\x1f".join(cells) for cells in rows)).hex()
        year = body.declaration.year or state.drafted.year
        return sound(desk, DeclareRoster(**said, year=year, file=file, rows=read.rows), read.faults)
    if does == "review":
        return ReviewRoster(**said, floor_reason=body.floor_reason or "")
    if does == "allocate":
        assert body.allocation is not None
        money = body.allocation
        fen = yuan_to_fen(money.amount)
        return AllocateRoster(**said, fen=fen, arrived_on=money.arrived_on, voucher=money.voucher)
    return TakeStep(**said)


def _require_what_fits(does: str, body: StepBody) -> None:
    """Nothing that was said is left unsaid, and nothing that the step needs is missing."""
    if does == "declare" and body.declaration is None:
        raise invalid("body.declaration", "名册", "为必填项：本步骤申报名册")
    if does == "allocate" and body.allocation is None:
        raise invalid("body.allocation", "到账款项", "为必填项：本步骤到账分配")
    if does != "declare" and body.declaration is not None:
        raise invalid("body.declaration", "名册", "只用于申报名册的步骤")
    if does != "allocate" and body.allocation is not None:
        raise invalid("body.allocation", "到账款项", "只用于到账分配的步骤")
    if does != "review" and body.floor_reason:
        raise invalid("body.floor_reason", "低于下限的理由", "只用于复核名册的步骤")
    if does == "declare" and body.roster is not None:
        raise invalid("body.roster", "名册编号", "申报的名册由账簿编号")


_PLACES: Final = {name: place for place, name in enumerate(REQUIRED)}
_SEXES: Final = {"male": "男", "female": "女"}
_KINDS: Final = {"collective_subsidy": "集体补助", "social_aid": "社会资助"}


def _cells(row: RosterRow) -> list[str]:
    """A row as it would stand in the form, its cells in the order of REQUIRED."""
    return [row.name, _SEXES.get(row.sex, row.sex), row.number, row.amount, _KINDS.get(row.kind, row.kind)]


def _lines(rows: list[list[str]]) -> Iterable[FileRow]:
    """The rows as the reader of files takes them; the first is line 1."""
    return ((line, cells, "") for line, cells in enumerate(rows, 1))


def _standard(body: StandardBody) -> Standard:
    return Standard(
        flat=yuan_to_fen(body.flat) if body.flat else 0,
        tiers=tuple(
            TierSubsidy(yuan_to_fen(one.least), yuan_to_fen(one.most), yuan_to_fen(one.amount)) for one in body.tiers
        ),
        share=body.share or "",
        groups={group: yuan_to_fen(amount) for group, amount in body.groups.items()},
    )


def _no_cursor() -> Problem:
    return invalid("query.cursor", "从何处继续", "不是本接口给出的 cursor")


def _no_roster(roster: UUID) -> Problem:
    return refused(refuse(Reason.ROSTER_STATE, f"名册{roster}", rule="须为本方案的名册"), missing=True)
