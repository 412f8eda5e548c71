"""`pension-ledger plan`: subsidy plans and social aid, step by step through the region's own procedure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
import typer

from api.cli import console, forms
from api.cli.command_answer import CommandId, read_command_id
from api.cli.options import Actor, DryRun, Json, Pool, Year, read_date, read_fen
from api.cli.plan_text import tell_plan
from api.cli.session import CommandFault, Session, fold_forward, session
from api.files.result_file import ResultFile
from api.files.roster_file import open_roster
from api.files.tables import FileRows, file_sha256
from ledger.desk.declaring import sound
from ledger.desk.plan_commands import (
    AllocateRoster,
    ClosePlan,
    DeclareRoster,
    DraftPlan,
    PlanAnswer,
    PlanCommand,
    ReturnRoster,
    ReviewRoster,
    TakeStep,
)
from ledger.desk.plans import PlanDesk, RosterFaultsError
from ledger.forms.rules import read_forms
from ledger.identity import IdentityFault, normalise_credit_code
from ledger.jobs.pipeline import batch_pace
from ledger.jobs.roster_rows import read_roster
from ledger.plan import SubsidyPlan
from ledger.plan_decisions import step_of
from ledger.plan_events import Source, Standard, TierSubsidy
from ledger.procedure import ACTORS, EVIDENCE, read_procedures
from ledger.refusals import Reason, Refused, refuse
from ledger.roster import GROUPS
from ledger.store.divisions import Divisions
from ledger.store.log import PoolLog
from ledger.store.plans import Plans
from ledger.words import MoneyKind
from projections.history import TITLES
from projections.plan_pages import plan_told

app = typer.Typer(help="补助方案与社会资助", no_args_is_help=True)
app.command()(forms.form)
app.command()(forms.summary)
FAULTY: Final = 2
"""The exit code of a roster that is returned for its faults."""

PlanId = Annotated[str, typer.Option("--plan", help="方案编号", metavar="ID")]
OneReviewer = Annotated[str, typer.Option("--reviewer", help="复核人，须与经办人不同", metavar="B")]


@app.command()
def draft(
    pool: Pool,
    payer: Annotated[str, typer.Option("--payer", help="补助、资助单位的统一社会信用代码", metavar="CODE")],
    year: Year,
    covered: Annotated[str, typer.Option("--covered", help="补助对象", metavar="文字")],
    actor: Actor,
    source: Annotated[list[str], typer.Option("--source", help="资金来源：名称=元[=占收益比例]", metavar="来源")],
    village: Annotated[str, typer.Option("--village", help="村的编码，或 旗县/乡镇/村", metavar="V")] = "",
    aid: Annotated[bool, typer.Option("--aid", help="社会资助（不填为集体补助）")] = False,
    sequence: Annotated[int, typer.Option("--sequence", help="同村同年第几号方案", min=1, max=99)] = 1,
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
        tiers=tuple(_tier(one) for one in tier or ()),
        share=share.strip(),
        groups=dict(_pair(one, "--group") for one in group or ()),
    )
    said: dict[str, Any] = {
        "actor": actor, "cause": "command plan draft", "command_id": read_command_id(command_id), "dry_run": dry_run,
        "kind": MoneyKind.SOCIAL_AID if aid else MoneyKind.COLLECTIVE_SUBSIDY, "payer": _credit_code(payer),
        "year": year, "covered": covered.strip(), "standard": standard, "sequence": sequence, "standing": standing,
        "sources": tuple(_source(one) for one in source),
    }  # fmt: skip

    def command_of(_ledger: Session, log: PoolLog) -> DraftPlan:
        place = Divisions(log).find(village) if village else ""
        if place is None or (not place and not aid):
            raise Refused(refuse(Reason.UNKNOWN_DIVISION, "“--village”"))
        return DraftPlan(**said, village=place)

    _carry_out(pool, command_of, json=json)


@app.command()
def step(
    pool: Pool,
    plan: PlanId,
    name: Annotated[str, typer.Option("--step", help="步骤名称，见 plan show", metavar="STEP")],
    on: Annotated[str, typer.Option("--on", help="办理日期", metavar="日期")],
    acting_for: Annotated[str, typer.Option("--for", help=f"代表谁办理：{'、'.join(ACTORS)}", metavar="单位")],
    actor: Actor,
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", help=f"材料=文号或说明：{'、'.join(EVIDENCE)}", metavar="材料")
    ] = None,
    roster: Annotated[str, typer.Option("--roster", help="名册编号", metavar="ID")] = "",
    matter: Annotated[str, typer.Option("--matter", help="事项：suspension、resumption；不填为补助、资助本身")] = "",
    reviewer: OneReviewer = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="申报名册的步骤：申报表 .xlsx 或 .csv", exists=True, dir_okay=False)
    ] = None,
    year: Annotated[int | None, typer.Option("--year", help="申报名册的步骤：补助年度，不填为方案年度")] = None,
    floor_reason: Annotated[str, typer.Option("--floor-reason", help="复核的步骤：低于下限的理由")] = "",
    amount: Annotated[str, typer.Option("--amount", help="到账分配的步骤：到账金额（元）", metavar="元")] = "",
    arrived_on: Annotated[str, typer.Option("--arrived-on", help="到账分配的步骤：到账日期", metavar="日期")] = "",
    voucher: Annotated[str, typer.Option("--voucher", help="到账分配的步骤：缴存凭证号", metavar="V")] = "",
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """办理一个步骤；申报、复核、到账分配的步骤连同名册一并办理。"""
    which = _plan_id(plan)
    said: dict[str, Any] = {
        "actor": actor, "reviewer": reviewer.strip(), "cause": "command plan step", "dry_run": dry_run, "plan": which,
        "command_id": read_command_id(command_id), "step": name.strip(), "on": read_date(on, "--on"),
        "acting_for": acting_for.strip(), "evidence": dict(_paper(one) for one in evidence or ()),
        "roster": roster.strip(), "matter": matter.strip(),
    }  # fmt: skip

    def command_of(ledger: Session, log: PoolLog) -> PlanCommand:
        state, chains = _plan(log, which), read_procedures(log.rules().region)
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

    return _carry_out(pool, command_of, json=json, file=file)


@app.command("return")
def return_roster(
    pool: Pool,
    plan: PlanId,
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
        plan=_plan_id(plan), roster=roster.strip(), reason=reason,
    )  # fmt: skip
    _carry_out(pool, lambda _ledger, _log: command, json=json)


@app.command()
def close(
    pool: Pool,
    plan: PlanId,
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
        dry_run=dry_run, plan=_plan_id(plan), reason=reason,
    )  # fmt: skip
    _carry_out(pool, lambda _ledger, _log: command, json=json)


@app.command()
def show(pool: Pool, plan: PlanId, json: Json = False) -> None:
    """方案办到哪一步：缺什么、下一步由谁办、何时之前。"""
    which = _plan_id(plan)
    with session() as ledger:
        log = ledger.log(pool)
        state, chains = _plan(log, which), read_procedures(log.rules().region)
    if json:
        console.say_json(plan_told(which, state, chains))
    else:
        tell_plan(which, state, chains)


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


def _carry_out(
    pool: str,
    command_of: Callable[[Session, PoolLog], DraftPlan | PlanCommand],
    *,
    json: bool,
    file: Path | None = None,
) -> int:
    with session() as ledger, batch_pace():
        log = ledger.log(pool)
        try:
            answer = PlanDesk(log, ledger.register(log)).do(command_of(ledger, log))
        except RosterFaultsError as faulty:
            return _tell_faults(faulty, file, json=json)
        if not answer.dry_run:
            fold_forward(log)
    if json:
        console.say_json(msgspec.to_builtins(answer))
    else:
        _tell(answer)
    return 0


def _tell(answer: PlanAnswer) -> None:
    done = "试算（未记账）" if answer.dry_run else f"已记账，日志位置 {answer.position}"
    console.answer(f"方案 {answer.plan} {done}，第{answer.version}号记录")
    for event in answer.events:
        console.answer(f"  {TITLES[event['topic']]}" + (f"  {event['step']}" if "step" in event else ""))
        if event.get("late"):
            console.notice(f"逾期：应于{event['due_on']}前办理")
    if answer.roster:
        console.answer(f"  名册 {answer.roster}")
    if answer.accounts:
        console.answer(f"  涉及账户 {answer.accounts} 个")
    for notice in answer.notices:
        console.notice(f"提示：{notice}")


def _tell_faults(faulty: RosterFaultsError, file: Path | None, *, json: bool) -> int:
    refusal = faulty.refusal
    if file is not None:
        with ResultFile(file) as results:
            results.write_many(
                (line, "", "已拒绝", str(one.reason), one.text) for line, one in faulty.faults
            )  # fmt: skip
        console.notice(f"逐行结果：{results.path}")
    if json:
        faults = [{"line": line, "reason": one.reason, "text": one.text} for line, one in faulty.faults]
        console.say_json({"reason": refusal.reason, "text": refusal.text, "faults": faults})
    else:
        console.notice(f"拒绝 {refusal.reason}  {refusal.text}")
        for line, one in faulty.faults[:20]:
            console.answer(f"  第{line}行 {one.reason}  {one.text}")
        if len(faulty.faults) > 20:
            console.answer(f"  其余{len(faulty.faults) - 20}处见结果文件")
    return FAULTY


def _plan(log: PoolLog, plan: UUID) -> SubsidyPlan:
    state = Plans(log).find(plan)
    if state is None:
        raise Refused(refuse(Reason.PLAN_UNKNOWN, plan))
    return state


def _plan_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as fault:
        raise typer.BadParameter("方案编号无效：须为 UUID", param_hint="--plan") from fault


def _credit_code(text: str) -> str:
    try:
        return normalise_credit_code(text)
    except IdentityFault as fault:
        raise typer.BadParameter(str(fault), param_hint="--payer") from fault


def _tier(text: str) -> TierSubsidy:
    span, equals, fen = text.partition("=")
    least, dash, most = span.partition("-")
    if not (equals and dash):
        raise typer.BadParameter("分档须写成 自元-至元=补助元，例如 200-500=30", param_hint="--tier")
    return TierSubsidy(read_fen(least, "--tier"), read_fen(most, "--tier"), read_fen(fen, "--tier"))


def _pair(text: str, option: str) -> tuple[str, int]:
    name, equals, fen = text.partition("=")
    if not equals:
        raise typer.BadParameter("须写成 名称=元", param_hint=option)
    return name.strip(), read_fen(fen, option)


def _source(text: str) -> Source:
    name, _, rest = text.partition("=")
    fen, _, share = rest.partition("=")
    if not name.strip() or not rest:
        raise typer.BadParameter("资金来源须写成 名称=元[=占收益比例]", param_hint="--source")
    return Source(name=name.strip(), fen=read_fen(fen, "--source"), share=share.strip())


def _paper(text: str) -> tuple[str, str]:
    name, _, paper = text.partition("=")
    if not paper.strip():
        raise typer.BadParameter("材料须写成 材料=文号或说明", param_hint="--evidence")
    return name.strip(), paper.strip()
