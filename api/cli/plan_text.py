"""A subsidy plan as it is shown: where it stands, what is missing, who may do the next step and until when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.cli import console
from ledger.money import fen_to_yuan
from ledger.plan import STANDING, SubsidyPlan
from ledger.plan_decisions import MATTER_OF, who_is_next
from ledger.procedure import EVIDENCE, Procedure
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
