"""`pension-ledger plan`: subsidy plans, step by step through the region's own procedure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import console, forms, plan_batch
from api.cli.command_answer import CommandId, read_command_id
from api.cli.options import (
    Actor,
    DryRun,
    Json,
    KnownAt,
    Plan,
    Pool,
    Year,
    known_at_told,
    read_date,
    read_fen,
    read_plan,
)
from api.cli.plan_answer import carry_out, the_plan
from api.cli.plan_options import (
    ActingFor,
    Amount,
    ArrivedOn,
    Covered,
    FloorReason,
    OfYear,
    On,
    OneReviewer,
    Papers,
    Payer,
    Sequence,
    Sources,
    StepName,
    Voucher,
    read_group,
    read_paper,
    read_payer_code,
    read_source,
    read_tier,
)
from api.cli.plan_text import tell_plan
from api.cli.session import CommandFault, Session, session
from api.cli.statement_text import events_text
from api.files.roster_file import open_roster
from api.files.tables import FileRows, file_sha256
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
from ledger.jobs.roster_rows import read_roster
from ledger.plan_events import Standard
from ledger.plan_steps import step_of
from ledger.procedure import read_procedures
from ledger.refusals import Reason, Refused, refuse
from ledger.roster import GROUPS
from ledger.store.divisions import Divisions
from ledger.store.log import PoolLog
from ledger.store.plans import Plans
from ledger.words import MoneyKind
from projections.history import plan_events
from projections.plan_pages import plan_told

app = typer.Typer(help="集体补助方案", no_args_is_help=True)
app.command()(plan_batch.batch)
app.command()(forms.form)
app.command()(forms.summary)


@app.command()
def draft(
    pool: Pool,
    payer: Payer,
    year: Year,
    covered: Covered,
    actor: Actor,
    source: Sources,
    village: Annotated[str, typer.Option("--village", help="村的编码，或 旗县/乡镇/村", metavar="V")],
    sequence: Sequence = 1,
    flat: Annotated[str, typer.Option("--flat", help="定额（元/年）", metavar="元")] = "",
    tier: Annotated[list[str] | None, typer.Option("--tier", help="分档：自元-至元=补助元", metavar="档")] = None,
    share: Annotated[str, typer.Option("--share", help="按本人缴费的比例，例如 0.05", metavar="比例")] = "",
    group: Annotated[
        list[str] | None, typer.Option("--group", help=f"群体=元：{'、'.join(GROUPS)}", metavar="群体")
    ] = None,
    standing: Annotated[bool, typer.Option("--standing", help="长效机制，以后年度沿用")] = False,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """拟定方案：补助对象、标准、资金来源。"""
    standard = Standard(
        flat=read_fen(flat, "--flat") if flat else 0,
        tiers=tuple(read_tier(one) for one in tier or ()),
        share=share.strip(),
        groups=dict(read_group(one) for one in group or ()),
    )
    said: dict[str, Any] = {
        "actor": actor, "cause": "command plan draft", "command_id": read_command_id(command_id), "dry_run": dry_run,
        "kind": MoneyKind.COLLECTIVE_SUBSIDY, "payer": read_payer_code(payer),
        "year": year, "covered": covered.strip(), "standard": standard, "sequence": sequence, "standing": standing,
        "sources": tuple(read_source(one) for one in source),
    }  # fmt: skip

    def command_of(_ledger: Session, log: PoolLog) -> DraftPlan:
        place = Divisions(log).find(village)
        if place is None:
            raise Refused(refuse(Reason.UNKNOWN_DIVISION, "“--village”"))
        return DraftPlan(**said, village=place)

    carry_out(pool, command_of, json=json)


@app.command()
def step(
    pool: Pool,
    plan: Plan,
    name: StepName,
    on: On,
    acting_for: ActingFor,
    actor: Actor,
    evidence: Papers = None,
    roster: Annotated[str, typer.Option("--roster", help="名册编号", metavar="ID")] = "",
    matter: Annotated[str, typer.Option("--matter", help="事项：suspension、resumption；不填为补助、资助本身")] = "",
    reviewer: OneReviewer = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="申报名册的步骤：申报表 .xlsx 或 .csv", exists=True, dir_okay=False)
    ] = None,
    year: OfYear = None,
    floor_reason: FloorReason = "",
    amount: Amount = "",
    arrived_on: ArrivedOn = "",
    voucher: Voucher = "",
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """办理一个步骤；申报、复核、到账分配的步骤连同名册一并办理。"""
    which = read_plan(plan)
    said: dict[str, Any] = {
        "actor": actor, "reviewer": reviewer.strip(), "cause": "command plan step", "dry_run": dry_run, "plan": which,
        "command_id": read_command_id(command_id), "step": name.strip(), "on": read_date(on, "--on"),
        "acting_for": acting_for.strip(), "evidence": dict(read_paper(one) for one in evidence or ()),
        "roster": roster.strip(), "matter": matter.strip(),
    }  # fmt: skip

    def command_of(ledger: Session, log: PoolLog) -> PlanCommand:
        state, chains = the_plan(log, which), read_procedures(log.rules().region)
        known = step_of(state, chains, said["matter"], said["step"])
        does = known.does if known else ""
        if does == "declare":
            if file is None:
                raise CommandFault(f"步骤 {name} 须附名册：--file 申报表")
            table = open_roster(file)
            register, forms = ledger.register(log), read_forms(log.rules().region)
            read = read_roster(FileRows(table), table.index, register, state.drafted.kind, forms)
            of = year or state.drafted.year
            declaring = DeclareRoster(**said, year=of, file=file_sha256(file).hex(), rows=read.rows)
            return sound(PlanDesk(log, register), declaring, read.faults)
        if does == "review":
            return ReviewRoster(**said, floor_reason=floor_reason)
        if does == "allocate":
            if not (amount and arrived_on and voucher.strip()):
                raise CommandFault(f"步骤 {name} 须给出 --amount、--arrived-on、--voucher")
            day, fen = read_date(arrived_on, "--arrived-on"), read_fen(amount, "--amount")
            return AllocateRoster(**said, fen=fen, arrived_on=day, voucher=voucher.strip())
        return TakeStep(**said)

    return carry_out(pool, command_of, json=json, file=file)


@app.command("return")
def return_roster(
    pool: Pool,
    plan: Plan,
    roster: Annotated[str, typer.Option("--roster", help="名册编号", metavar="ID")],
    reason: Annotated[str, typer.Option("--reason", help="退回原因", metavar="R")],
    actor: Actor,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """退回名册，释放其占用的账户额度。"""
    command = ReturnRoster(
        actor=actor, cause="command plan return", command_id=read_command_id(command_id), dry_run=dry_run,
        plan=read_plan(plan), roster=roster.strip(), reason=reason,
    )  # fmt: skip
    carry_out(pool, lambda _ledger, _log: command, json=json)


@app.command()
def close(
    pool: Pool,
    plan: Plan,
    reason: Annotated[str, typer.Option("--reason", help="终止原因", metavar="R")],
    actor: Actor,
    reviewer: OneReviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """终止方案，释放未到账名册占用的账户额度。"""
    command = ClosePlan(
        actor=actor, reviewer=reviewer, cause="command plan close", command_id=read_command_id(command_id),
        dry_run=dry_run, plan=read_plan(plan), reason=reason,
    )  # fmt: skip
    carry_out(pool, lambda _ledger, _log: command, json=json)


@app.command()
def show(pool: Pool, plan: Plan, json: Json = False) -> None:
    """方案办到哪一步：缺什么、下一步由谁办、何时之前。"""
    which = read_plan(plan)
    with session() as ledger:
        log = ledger.log(pool)
        state, chains = the_plan(log, which), read_procedures(log.rules().region)
    if json:
        console.say_json(plan_told(which, state, chains))
    else:
        tell_plan(which, state, chains)


@app.command()
def events(pool: Pool, plan: Plan, known_at: KnownAt = None, json: Json = False) -> None:
    """方案的事件历史：何时、何事、何人经办复核、依据哪一条。"""
    which = read_plan(plan)
    with session() as ledger, known_at_told():
        told = list(plan_events(ledger.log(pool), which, known_at))
    if json:
        console.say_json({"pool": pool, "plan": str(which), "events": told})
    else:
        for line in events_text(told, f"统筹区 {pool} 方案 {which}"):
            console.answer(line)


@app.command("list")
def list_plans(
    pool: Pool,
    year: Annotated[int | None, typer.Option("--year", help="年度", metavar="YYYY")] = None,
    json: Json = False,
) -> None:
    """列出方案。"""
    with session() as ledger:
        listed = Plans(ledger.log(pool)).listed(year)
    if json:
        console.say_json([{**one._asdict(), "plan": str(one.plan)} for one in listed])
        return
    for one in listed:
        console.answer(f"{one.plan}  {one.year}年度第{one.sequence}号  {one.village or '—'}  单位 {one.payer}")
    if not listed:
        console.answer("没有方案")
