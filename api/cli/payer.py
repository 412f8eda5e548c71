"""`pension-ledger payer`: who pays a subsidy or an aid, which villages are admitted, and the roll of members."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli import console
from api.cli.command_answer import CommandId, read_command_id
from api.cli.options import Actor, Document, DryRun, InputFile, Json, Pool, Reviewer, read_date, read_number, said
from api.cli.participant import sweep
from api.cli.session import CommandFault, session
from api.files.result_file import ResultFile
from api.files.tables import Columns, open_table
from ledger.desk.commands import Command
from ledger.desk.payer_commands import (
    AdmitVillage,
    ConfirmPayer,
    EnrolMembers,
    EraseDonor,
    PayerAnswer,
    RegisterDonor,
    RegisterPayer,
)
from ledger.desk.payers import PayerDesk
from ledger.forms.filing import Filed, read_filed
from ledger.identity import IdentityFault, normalise_credit_code, normalise_payer_code
from ledger.jobs.roll_rows import MEMBER, read_members
from ledger.jobs.roster_rows import TEXT
from ledger.money import MoneyFault, wan_to_fen
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.store.payers import KINDS, PERSON, Payers
from projections.plan_pages import payers_told

app = typer.Typer(help="补助、资助单位", no_args_is_help=True)

Code = Annotated[str, typer.Option("--code", help="统一社会信用代码", metavar="CODE")]
Until = Annotated[str, typer.Option("--until", help="截止日期；不填为长期", metavar="日期")]


@app.command()
def register(
    pool: Pool,
    kind: Annotated[str, typer.Option("--kind", help=f"类型：{'、'.join(KINDS)}", metavar="KIND")],
    name: Annotated[str, typer.Option("--name", help="单位名称；个人资助人的姓名", metavar="名称")],
    document: Document,
    actor: Actor,
    reviewer: Reviewer,
    code: Annotated[str, typer.Option("--code", help="统一社会信用代码；个人不填，由系统编号", metavar="CODE")] = "",
    citizen: Annotated[str, typer.Option("--citizen", help="个人资助人的公民身份号码", metavar="NUMBER")] = "",
    village: Annotated[str, typer.Option("--village", help="村的编码，或 旗县/乡镇/村", metavar="V")] = "",
    village_number: Annotated[str, typer.Option("--village-number", help="集体补助村编号", metavar="N")] = "",
    filed: Annotated[
        list[str] | None, typer.Option("--filed", help="备案表的标准：人数x元，逐项给出", metavar="人数x元")
    ] = None,
    filed_total: Annotated[
        str, typer.Option("--filed-total", help="备案表的补助合计：万元，或人民币大写", metavar="万元")
    ] = "",
    command_id: CommandId = None,
    dry_run: DryRun = False,
) -> None:
    """登记单位（备案表）或个人资助人；再次登记即变更。备案表的人数×元/人须等于合计。"""
    if kind not in KINDS:
        raise typer.BadParameter(f"类型须为：{'、'.join(KINDS)}", param_hint="--kind")
    about: dict[str, Any] = {
        "actor": actor, "reviewer": reviewer, "command_id": read_command_id(command_id), "dry_run": dry_run,
        "name": name, "village": village, "document": document,
    }  # fmt: skip
    command: Command
    if kind == PERSON:
        if code or not citizen or village_number or filed or filed_total:
            raise typer.BadParameter("个人资助人只填 --citizen、--name、--document、--village", param_hint="--kind")
        command = RegisterDonor(**about, number=read_number(citizen))
    elif citizen or not code:
        raise typer.BadParameter("单位须填 --code，--citizen 只用于个人资助人（person）", param_hint="--kind")
    else:
        figures: dict[str, Any] = {"filed": _filed(filed or [], filed_total), "filed_fen": _filed_fen(filed_total)}
        command = RegisterPayer(**about, **figures, code=_credit_code(code), kind=kind, village_number=village_number)
    _tell(pool, command)


@app.command()
def erase(
    pool: Pool,
    code: Annotated[str, typer.Option("--code", help="个人资助人的编号", metavar="CODE")],
    reason: Annotated[str, typer.Option("--reason", help="原因，不得写入姓名或号码", metavar="R", callback=said)],
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
) -> None:
    """删除个人资助人的身份信息：方案均已终止且无未分配款项的，销毁其密钥、号码与姓名；账目留存。不能恢复。"""
    command = EraseDonor(
        actor=actor, reviewer=reviewer, command_id=read_command_id(command_id), dry_run=dry_run,
        code=_payer_code(code), reason=reason,
    )  # fmt: skip
    with session() as ledger:
        log = ledger.log(pool)
        register = ledger.register(log)
        PayerDesk(log, register).do(command)
        if not dry_run:
            sweep(register)
    told = "试算，可以删除身份信息，未登记" if dry_run else "身份信息已删除，账目留存"
    console.answer(f"个人资助人（{command.code}）：{told}")
    if not dry_run:
        console.answer("此前的备份仍含密封的身份信息，与密钥一起即可打开：请按期销毁")


@app.command()
def confirm(
    pool: Pool,
    code: Code,
    tax_number: Annotated[str, typer.Option("--tax-number", help="纳税人识别号", metavar="N")],
    social_code: Annotated[str, typer.Option("--social-code", help="社保编码", metavar="N")],
    on: Annotated[str, typer.Option("--on", help="税务端确认日期", metavar="日期")],
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
) -> None:
    """税务端已关联虚拟户：登记纳税人识别号、社保编码。"""
    command = ConfirmPayer(
        actor=actor, reviewer=reviewer, command_id=read_command_id(command_id), dry_run=dry_run,
        code=_payer_code(code), tax_number=tax_number, social_code=social_code, on=read_date(on, "--on"),
    )  # fmt: skip
    _tell(pool, command)


@app.command()
def admit(
    pool: Pool,
    village: Annotated[str, typer.Option("--village", help="村的编码，或 旗县/乡镇/村", metavar="V")],
    since: Annotated[str, typer.Option("--since", help="列入之日", metavar="日期")],
    document: Document,
    actor: Actor,
    reviewer: Reviewer,
    until: Until = "",
    command_id: CommandId = None,
    dry_run: DryRun = False,
) -> None:
    """列入试点名单。"""
    command = AdmitVillage(
        actor=actor, reviewer=reviewer, command_id=read_command_id(command_id), dry_run=dry_run,
        village=village, since=read_date(since, "--since"), until=read_date(until, "--until") if until else None,
        document=document,
    )  # fmt: skip
    done = _done(pool, command)
    console.answer(f"{_trial(done)}{done.village} 已列入试点名单（{document.strip()}）")


@app.command()
def members(
    file: InputFile, pool: Pool, code: Code, actor: Actor, command_id: CommandId = None, dry_run: DryRun = False
) -> int:
    """导入单位出具的成员名单（姓名、公民身份号码，可有 起、止 日期）；有误即整份退回。"""
    with session() as ledger:
        log = ledger.log(pool)
        number, register = _credit_code(code), ledger.register(log)
        if Payers(log).find(number) is None:
            raise Refused(refuse(Reason.PAYER_UNKNOWN, number))
        table = open_table(file, Columns(MEMBER, ("起", "止")), TEXT)
        rows = ((line, cells, fault.text if fault else "") for line, cells, fault in table)
        periods, faults = read_members(rows, table.index, register, number)
        if faults:
            return returned(faults, file)
        command = EnrolMembers(
            actor=actor, command_id=read_command_id(command_id), dry_run=dry_run, code=number, periods=tuple(periods)
        )
        done = PayerDesk(log, register).do(command)
    console.answer(f"{_trial(done)}成员名单已登记：{done.persons}人（经办 {actor}）")
    return 0


@app.command("list")
def list_payers(pool: Pool, json: Json = False) -> None:
    """列出单位和个人资助人；个人的姓名只示首字。"""
    with session() as ledger:
        log = ledger.log(pool)
        every = payers_told(Payers(log).every(), ledger.register(log))
    if json:
        console.say_json(every)
        return
    for one in every:
        confirmed = f"，税务端确认于 {one['confirmed_on']}" if one["confirmed_on"] else ""
        console.answer(f"{one['code']}  {KINDS[one['kind']]}  {one['name']}  {one['village'] or '—'}{confirmed}")
    if not every:
        console.answer("没有登记单位")


def returned(faults: list[tuple[int, Refusal]], file: Any) -> int:
    """A list that is returned whole, with a result file of what is wrong; the exit code."""
    with ResultFile(file) as results:
        results.write_many((line, "", "已拒绝", str(one.reason), one.text) for line, one in sorted(faults, key=_line))
    console.notice(f"名单有{len(faults)}处有误，未登记；逐行结果：{results.path}")
    return 2


def _line(fault: tuple[int, Refusal]) -> int:
    return fault[0]


def _filed(filed: list[str], total: str) -> tuple[Filed, ...]:
    """What the 备案表 says of its standards; figures and their sum are given together or not at all."""
    if bool(filed) != bool(total.strip()):
        raise typer.BadParameter("备案表的标准与合计须一并给出", param_hint="--filed、--filed-total")
    try:
        return tuple(read_filed(one) for one in filed)
    except MoneyFault as fault:
        raise typer.BadParameter(str(fault), param_hint="--filed") from fault


def _filed_fen(total: str) -> int:
    try:
        return wan_to_fen(total) if total.strip() else 0
    except MoneyFault as fault:
        raise typer.BadParameter(str(fault), param_hint="--filed-total") from fault


def _done(pool: str, command: Command) -> PayerAnswer:
    with session() as ledger:
        log = ledger.log(pool)
        return PayerDesk(log, ledger.register(log)).do(command)


def _credit_code(text: str) -> str:
    try:
        return normalise_credit_code(text)
    except IdentityFault as fault:
        raise CommandFault(f"统一社会信用代码无效：{fault}") from fault


def _payer_code(text: str) -> str:
    try:
        return normalise_payer_code(text)
    except IdentityFault as fault:
        raise CommandFault(f"单位代码或个人资助人编号无效：{fault}") from fault


def _tell(pool: str, command: Command) -> None:
    answer = _done(pool, command)
    payer = answer.payer
    assert payer is not None
    done = "已是如此，未变更" if answer.already_there else "已登记"
    named = f"资助人（{payer.code or '登记时编号'}）" if payer.kind == PERSON else f" {payer.name}（{payer.code}）"
    console.answer(f"{_trial(answer)}{KINDS[payer.kind]}{named}{done}")


def _trial(answer: PayerAnswer) -> str:
    return "试算（未登记）：" if answer.dry_run else ""
