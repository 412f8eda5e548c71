"""`pension-ledger plan batch`: one step for several rosters (可批量), each recorded whole or returned whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
import typer

from api.cli import console
from api.cli.command_answer import CommandId, read_command_id
from api.cli.options import Actor, DryRun, Json, Plan, Pool, read_date, read_fen, read_plan
from api.cli.plan_answer import FAULTY, refusal_as_json, tell_answer, tell_refusal, the_plan, write_results
from api.cli.plan_options import (
    ActingFor,
    Amount,
    ArrivedOn,
    FloorReason,
    OfYear,
    On,
    OneReviewer,
    Papers,
    StepName,
    Voucher,
    read_paper,
)
from api.cli.session import CommandFault, fold_forward, session
from api.files.roster_file import open_roster
from api.files.tables import FileRows, file_sha256
from ledger.desk.plan_commands import AllocateRoster, DeclareRoster, ReviewRoster
from ledger.jobs.roster_batch import RosterFile, RosterOutcome, RosterTask, id_within, take_through
from ledger.plan import SubsidyPlan
from ledger.plan_decisions import parted_sum
from ledger.plan_steps import step_of
from ledger.procedure import Procedure, read_procedures
from ledger.refusals import Refusal, Refused


class _Said(NamedTuple):
    """What every roster's command says, and what only one kind of step asks for; empty where nothing was said."""

    common: dict[str, Any]
    files: Sequence[Path]
    rosters: Sequence[str]
    year: int | None
    floor_reason: str
    amount: str
    arrived_on: str
    voucher: str


def batch(
    pool: Pool,
    plan: Plan,
    step: StepName,
    on: On,
    acting_for: ActingFor,
    actor: Actor,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", help="申报名册的步骤：各份申报表，逐份给出", exists=True, dir_okay=False),
    ] = None,
    roster: Annotated[
        list[str] | None, typer.Option("--roster", help="其他步骤：各份名册的编号，逐份给出", metavar="ID")
    ] = None,
    evidence: Papers = None,
    reviewer: OneReviewer = "",
    year: OfYear = None,
    floor_reason: FloorReason = "",
    amount: Amount = "",
    arrived_on: ArrivedOn = "",
    voucher: Voucher = "",
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """批量办理一个步骤：多份名册一并申报、复核或到账分配；逐份记账，有误的整份退回，其余照办。"""
    common: dict[str, Any] = {
        "actor": actor, "reviewer": reviewer.strip(), "cause": "command plan batch", "dry_run": dry_run,
        "plan": read_plan(plan), "step": step.strip(), "on": read_date(on, "--on"), "acting_for": acting_for.strip(),
        "evidence": dict(read_paper(one) for one in evidence or ()),
    }  # fmt: skip
    given = _Said(common, file or (), roster or (), year, floor_reason, amount, arrived_on, voucher.strip())
    batch_id = read_command_id(command_id)
    with session() as ledger:
        log = ledger.log(pool)
        state, chains = the_plan(log, common["plan"]), read_procedures(log.rules().region)
        known = step_of(state, chains, "", common["step"])
        tasks = _tasks(given, batch_id, state, chains[known.matter] if known else None, known.does if known else "")
        outcomes = []
        for outcome in take_through(log, ledger.register(log), tasks):
            outcomes.append(outcome)
            console.notice(f"{len(outcomes)}/{len(tasks)} {outcome.name} {'已办' if outcome.answer else '退回'}")
        if not dry_run:
            fold_forward(log)
    return _tell(outcomes, tasks, {path.name: path for path in given.files}, chains, json=json)


def _tasks(given: _Said, batch_id: UUID, state: SubsidyPlan, chain: Procedure | None, does: str) -> list[RosterTask]:
    """One task a roster. Raises `CommandFault` where the step has none, or something is not said."""
    if does == "declare":
        names = [path.name for path in given.files]
        if not names or len(set(names)) < len(names) or given.rosters:
            raise CommandFault("申报名册的步骤须以 --file 逐份给出名册，文件名不得重复")
        return [_declaring(given, path, batch_id, state) for path in given.files]
    if chain is None or does not in {"review", "allocate"}:
        raise CommandFault(f"步骤 {given.common['step']} 不办理名册：用 plan step 办理")
    if not given.rosters or len(set(given.rosters)) < len(given.rosters) or given.files:
        raise CommandFault("须以 --roster 逐份给出名册编号，不得重复")
    said = {one: {**given.common, "command_id": id_within(batch_id, one), "roster": one} for one in given.rosters}
    if does == "review":
        return [
            RosterTask(one, ReviewRoster(**said[one], floor_reason=given.floor_reason)) for one in given.rosters
        ]  # fmt: skip
    if not (given.amount and given.arrived_on and given.voucher):
        raise CommandFault("到账分配须给出 --amount（各份名册合计）、--arrived-on、--voucher")
    parts = parted_sum(state, given.rosters, read_fen(given.amount, "--amount"), chain)
    if isinstance(parts, Refusal):
        raise Refused(parts)
    day = read_date(given.arrived_on, "--arrived-on")
    return [
        RosterTask(one, AllocateRoster(**said[one], fen=parts[one], arrived_on=day, voucher=given.voucher))
        for one in given.rosters
    ]


def _declaring(given: _Said, path: Path, batch_id: UUID, state: SubsidyPlan) -> RosterTask:
    table, sha256 = open_roster(path), file_sha256(path).hex()
    rows = FileRows(table) if table.portable else list(FileRows(table))
    command = DeclareRoster(
        **given.common, command_id=id_within(batch_id, sha256), year=given.year or state.drafted.year, file=sha256,
        rows=(),
    )  # fmt: skip
    return RosterTask(path.name, command, RosterFile(rows, table.index, state.drafted.kind))


def _tell(
    outcomes: Sequence[RosterOutcome],
    tasks: Sequence[RosterTask],
    files: dict[str, Path],
    chains: Mapping[str, Procedure],
    *,
    json: bool,
) -> int:
    """Tell all outcomes in the order in which the rosters were given; gives the exit code."""
    by_name = {one.name: one for one in outcomes}
    told = [by_name[task.name] for task in tasks]
    refused = [one for one in told if one.refusal is not None]
    if json:
        for one in refused:
            write_results(one.faults, files.get(one.name))
        console.say_json([{"name": one.name, **_as_json(one)} for one in told])
    else:
        for one in told:
            console.answer(f"── {one.name}")
            if one.answer is not None:
                tell_answer(one.answer, chains)
            elif one.refusal is not None:
                tell_refusal(one.refusal, one.faults, files.get(one.name))
        console.answer(f"共{len(told)}份名册：已办{len(told) - len(refused)}份，退回{len(refused)}份")
    return FAULTY if refused else 0


def _as_json(outcome: RosterOutcome) -> dict[str, Any]:
    if outcome.answer is not None:
        return {"answer": msgspec.to_builtins(outcome.answer)}
    assert outcome.refusal is not None
    return {"refused": refusal_as_json(outcome.refusal, outcome.faults)}
