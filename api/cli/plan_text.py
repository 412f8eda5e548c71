"""A subsidy plan as it is shown: where it stands, what is missing, who may do the next step and until when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from api.cli import console
from ledger.money import fen_to_yuan
from ledger.plan import STANDING, SubsidyPlan
from ledger.plan_steps import MATTER_OF, who_is_next
from ledger.procedure import ACTORS, EVIDENCE, Procedure
from ledger.words import CHINESE
from projections.plan_pages import status_of


def tell_plan(plan: UUID, state: SubsidyPlan, chains: Mapping[str, Procedure]) -> None:
    """The plan in words."""
    drafted = state.drafted
    words = {"closed": "已终止", "suspended": "暂停中", "open": "办理中"}
    console.answer(
        f"方案 {plan}（{words[status_of(state)]}）：{drafted.year}年度第{drafted.sequence}号 {CHINESE[drafted.kind]}，"
        f"单位 {drafted.payer}{'，长效机制' if drafted.standing else ''}"
    )
    total = fen_to_yuan(sum(one.fen for one in drafted.sources))
    sources = "；".join(f"{one.name} {fen_to_yuan(one.fen)}元" for one in drafted.sources)
    console.answer(f"  对象 {drafted.covered}；资金来源 {sources}，合计 {total}元")
    for year in sorted({one.year for one in state.rosters}):
        declared = state.declared(year)
        rest = sum(one.fen for one in drafted.sources) - declared
        console.answer(f"  {year}年度 已申报 {fen_to_yuan(declared)}元，资金来源尚余 {fen_to_yuan(rest)}元")
    if state.received:
        console.answer(
            f"  到账 {fen_to_yuan(state.received)}元，已入账 {fen_to_yuan(state.credited)}元，"
            f"未分配 {fen_to_yuan(state.unallocated)}元"
            + (f"；入账中名册以外 {fen_to_yuan(state.beside)}元" if state.beside else "")
        )
    for held in state.held:
        console.answer(f"    未分配 流水号 {held.serial} {fen_to_yuan(held.fen)}元 {held.reason}")
    chain = chains[MATTER_OF[drafted.kind]]
    for step in state.steps:
        known = chains[step.matter].steps[step.taken.name] if step.matter in chains else chain.steps[step.taken.name]
        where = f"  名册 {step.roster}" if step.roster else ""
        console.answer(f"  已办 {step.taken.on.isoformat()} {known.title}（{step.taken.person}）{where}")
    for one in state.rosters:
        console.answer(
            f"  名册 {one.roster}：{one.year}年度 {one.rows}人 {fen_to_yuan(one.fen)}元 {STANDING[one.standing]}"
            f"，到账 {fen_to_yuan(one.received)}元，入账 {fen_to_yuan(one.credited)}元"
            f"，未分配 {fen_to_yuan(one.unallocated)}元"
        )
    for roster in [one.roster for one in state.rosters] or [""]:
        for following in who_is_next(state, chains, roster):
            _tell_next(following, roster)


def _tell_next(step: dict[str, Any], roster: str) -> None:
    papers = "、".join(EVIDENCE[name] for name in step["evidence"]) or "无"
    times = "".join(
        [f"，{step['from']}起" if step["from"] else "", f"，{step['until']}前" if step["until"] else ""]
    )  # fmt: skip
    where = f"（名册 {roster}）" if roster else ""
    console.answer(f"  下一步{where} {step['step']} {step['title']}：由{step['who']}办理，材料 {papers}{times}")
    console.answer(f"    依据 {step['clause']}")


def plan_detail(topic: str, body: Mapping[str, Any]) -> str:
    """What an event of a plan says, in a line."""
    roster = f"名册 {body['roster']}" if body.get("roster") else ""
    match topic:
        case "plan.drafted":
            sources = "；".join(f"{one['name']} {fen_to_yuan(one['fen'])}元" for one in body["sources"])
            which = f"{body['year']}年度第{body['sequence']}号，单位 {body['payer']}"
            return f"{which}，对象 {body['covered']}，资金 {sources}"
        case "plan.step_taken":
            papers = "；".join(f"{EVIDENCE.get(name, name)} {what}" for name, what in body.get("evidence", {}).items())
            said = [f"代表 {ACTORS.get(body['acting_for'], body['acting_for'])}", papers, roster]
            late = f"应于{body['due_on']}前办理，逾期" if body.get("late") else ""
            return "，".join(filter(None, (*said, late)))
        case "plan.roster_declared" | "plan.roster_reviewed":
            reason = f"，低于下限的理由：{body['floor_reason']}" if body.get("floor_reason") else ""
            return f"{roster}，{body['rows']}人，{fen_to_yuan(body['fen'])}元{reason}"
        case "plan.roster_returned" | "plan.closed":
            released = f"释放额度 {fen_to_yuan(body['released'])}元" if body.get("released") else ""
            return "，".join(filter(None, (roster, body["reason"], released)))
        case "plan.subsidy_allocated":
            held = "".join(
                f"，第{line}行 {fen_to_yuan(fen)}元未入账 {why}" for line, _, fen, why in body.get("unallocated", ())
            )
            received, credited = fen_to_yuan(body["received"]), fen_to_yuan(body["credited"])
            return f"{roster}，凭证 {body['voucher']}，到账 {received}元，入账 {body['rows']}人 {credited}元{held}"
        case "plan.funds_received":
            return "；".join(_funds(body))
        case _:
            return str(body.get("reason", ""))


def _funds(body: Mapping[str, Any]) -> Iterator[str]:
    for roster, rows, received, credited in body.get("rosters", ()):
        where = f"名册 {roster}" if roster else "名册以外"
        yield f"{where} {rows}笔 到账 {fen_to_yuan(received)}元 入账 {fen_to_yuan(credited)}元"
    for serial, _, year, fen, why in body.get("unallocated", ()):
        yield f"未分配 流水号 {serial}（{year}年度）{fen_to_yuan(fen)}元 {why}"
    for serial in body.get("settled", ()):
        yield f"原未分配款项 流水号 {serial} 已了结"
