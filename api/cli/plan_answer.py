"""How commands about plans are carried out and answered at the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from api.cli import console
from api.cli.session import Session, fold_forward, session
from api.files.result_file import ResultFile
from ledger.desk.plan_commands import DraftPlan, PlanAnswer, PlanCommand
from ledger.desk.plans import PlanDesk, RosterFaultsError
from ledger.jobs.pipeline import batch_pace
from ledger.plan import SubsidyPlan
from ledger.plan_steps import step_title
from ledger.procedure import Procedure, read_procedures
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.store.log import PoolLog
from ledger.store.plans import Plans
from projections.history import TITLES

FAULTY: Final = 2
"""The exit code of a roster that is returned for its faults."""
_SHOWN: Final = 20


def carry_out(
    pool: str,
    command_of: Callable[[Session, PoolLog], DraftPlan | PlanCommand],
    *,
    json: bool,
    file: Path | None = None,
) -> int:
    """Have one command done and tell its answer; gives the exit code."""
    with session() as ledger, batch_pace():
        log = ledger.log(pool)
        try:
            answer = PlanDesk(log, ledger.register(log)).do(command_of(ledger, log))
        except RosterFaultsError as faulty:
            return _tell_faults(faulty, file, json=json)
        chains = read_procedures(log.rules().region)
        if not answer.dry_run:
            fold_forward(log)
    if json:
        console.say_json(msgspec.to_builtins(answer))
    else:
        tell_answer(answer, chains)
    return 0


def the_plan(log: PoolLog, plan: UUID) -> SubsidyPlan:
    """A plan that is there. Raises `Refused` (PLAN_UNKNOWN)."""
    state = Plans(log).find(plan)
    if state is None:
        raise Refused(refuse(Reason.PLAN_UNKNOWN, plan))
    return state


def tell_answer(answer: PlanAnswer, chains: Mapping[str, Procedure]) -> None:
    """An accepted command in words."""
    done = "试算（未记账）" if answer.dry_run else f"已记账，日志位置 {answer.position}"
    console.answer(f"方案 {answer.plan} {done}，第{answer.version}号记录")
    for event in answer.events:
        step = f"：{step_title(chains, event['matter'], event['step'])}" if "step" in event else ""
        console.answer(f"  {TITLES[event['topic']]}{step}")
        if event.get("late"):
            console.notice(f"逾期：应于{event['due_on']}前办理")
    if answer.roster:
        console.answer(f"  名册 {answer.roster}")
    if answer.accounts:
        console.answer(f"  涉及账户 {answer.accounts} 个")
    for notice in answer.notices:
        console.notice(f"提示：{notice}")


def tell_refusal(refusal: Refusal, faults: Sequence[tuple[int, Refusal]], file: Path | None) -> None:
    """A refused roster in words, with the result file of its faults."""
    write_results(faults, file)
    console.notice(f"拒绝 {refusal.reason}  {refusal.text}")
    for line, one in faults[:_SHOWN]:
        console.answer(f"  第{line}行 {one.reason}  {one.text}")
    if len(faults) > _SHOWN:
        console.answer(f"  其余{len(faults) - _SHOWN}处见结果文件")


def refusal_as_json(refusal: Refusal, faults: Sequence[tuple[int, Refusal]]) -> dict[str, Any]:
    """The same as one JSON object."""
    told = [{"line": line, "reason": one.reason, "text": one.text} for line, one in faults]
    return {"reason": refusal.reason, "text": refusal.text, "faults": told}


def write_results(faults: Sequence[tuple[int, Refusal]], file: Path | None) -> None:
    """The result file of a roster's faults, beside the roster's own."""
    if file is None or not faults:
        return
    with ResultFile(file) as results:
        results.write_many((line, "", "已拒绝", str(one.reason), one.text) for line, one in faults)
    console.notice(f"逐行结果：{results.path}")


def _tell_faults(faulty: RosterFaultsError, file: Path | None, *, json: bool) -> int:
    if json:
        write_results(faulty.faults, file)
        console.say_json(refusal_as_json(faulty.refusal, faulty.faults))
    else:
        tell_refusal(faulty.refusal, faulty.faults, file)
    return FAULTY
