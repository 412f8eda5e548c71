"""`pension-ledger payer`: who pays a subsidy or an aid, which villages are admitted, and the roll of members."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from api.cli import console
from api.cli.options import Actor, Document, InputFile, Json, Pool, Reviewer, read_date
from api.cli.session import CommandFault, session
from api.files.result_file import ResultFile
from api.files.tables import Columns, open_table
from ledger.dates import DateFault, parse_business_date
from ledger.forms.filing import filed_text, filing_fault, read_filed
from ledger.forms.rules import read_forms
from ledger.identity import IdentityFault, normalise_credit_code
from ledger.jobs.roster_rows import TEXT, participants_of
from ledger.late_money import Origin
from ledger.money import MoneyFault, wan_to_fen
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.region_rules import same_person
from ledger.roster import GROUPS, PENSIONER
from ledger.store.divisions import Divisions
from ledger.store.log import PoolLog
from ledger.store.payers import KINDS, Payer, Payers, Period

app = typer.Typer(help="补助、资助单位", no_args_is_help=True)
STATUSES = {"领取待遇": PENSIONER, **{chinese: word for word, chinese in GROUPS.items()}}
"""What a list of statuses may say, and the word of the ledger for it."""

Code = Annotated[str, typer.Option("--code", help="统一社会信用代码", metavar="CODE")]
Until = Annotated[str, typer.Option("--until", help="截止日期；不填为长期", metavar="日期")]


@app.command()
def register(
    pool: Pool,
    code: Code,
    kind: Annotated[str, typer.Option("--kind", help=f"单位类型：{'、'.join(KINDS)}", metavar="KIND")],
    name: Annotated[str, typer.Option("--name", help="单位名称", metavar="名称")],
    document: Document,
    actor: Actor,
    reviewer: Reviewer,
    village: Annotated[str, typer.Option("--village", help="村的编码，或 旗县/乡镇/村", metavar="V")] = "",
    village_number: Annotated[str, typer.Option("--village-number", help="集体补助村编号", metavar="N")] = "",
    filed: Annotated[
        list[str] | None, typer.Option("--filed", help="备案表的标准：人数x元，逐项给出", metavar="人数x元")
    ] = None,
    filed_total: Annotated[
        str, typer.Option("--filed-total", help="备案表的补助合计：万元，或人民币大写", metavar="万元")
    ] = "",
) -> None:
    """登记单位（备案表）；再次登记即变更。备案表的人数×元/人须等于合计。"""
    if kind not in KINDS:
        raise typer.BadParameter(f"单位类型须为：{'、'.join(KINDS)}", param_hint="--kind")
    with session() as ledger:
        log = ledger.log(pool)
        origin = _two(log, actor, reviewer)
        place = Divisions(log).find(village) if village else ""
        if place is None:
            raise Refused(refuse(Reason.UNKNOWN_DIVISION, "“--village”"))
        payers, number = Payers(log), _credit_code(code)
        known = payers.find(number)
        paper = "；".join(filter(None, (document.strip(), _filed(log, filed or [], filed_total))))
        said: dict[str, Any] = {"kind": kind, "name": name.strip(), "village": place, "document": paper}
        before = known._asdict() if known else {}
        payer = Payer(**{**before, "code": number, **said, "village_number": village_number.strip()})
        _tell(payer, payers.write(payer, origin))


@app.command()
def confirm(
    pool: Pool,
    code: Code,
    tax_number: Annotated[str, typer.Option("--tax-number", help="纳税人识别号", metavar="N")],
    social_code: Annotated[str, typer.Option("--social-code", help="社保编码", metavar="N")],
    on: Annotated[str, typer.Option("--on", help="税务端确认日期", metavar="日期")],
    actor: Actor,
    reviewer: Reviewer,
) -> None:
    """税务端已关联虚拟户：登记纳税人识别号、社保编码。"""
    with session() as ledger:
        log = ledger.log(pool)
        origin, payers = _two(log, actor, reviewer), Payers(log)
        known = payers.find(_credit_code(code))
        if known is None:
            raise Refused(refuse(Reason.PAYER_UNKNOWN, _credit_code(code)))
        payer = known._replace(
            tax_number=tax_number.strip(), social_code=social_code.strip(), confirmed_on=read_date(on, "--on")
        )
        _tell(payer, payers.write(payer, origin))


@app.command()
def admit(
    pool: Pool,
    village: Annotated[str, typer.Option("--village", help="村的编码，或 旗县/乡镇/村", metavar="V")],
    since: Annotated[str, typer.Option("--since", help="列入之日", metavar="日期")],
    document: Document,
    actor: Actor,
    reviewer: Reviewer,
    until: Until = "",
) -> None:
    """列入试点名单。"""
    with session() as ledger:
        log = ledger.log(pool)
        origin = _two(log, actor, reviewer)
        place = Divisions(log).find(village)
        if place is None:
            raise Refused(refuse(Reason.UNKNOWN_DIVISION, "“--village”"))
        end = read_date(until, "--until") if until else None
        Payers(log).admit(place, read_date(since, "--since"), end, document.strip(), origin)
    console.answer(f"{place} 已列入试点名单（{document.strip()}）")


@app.command()
def members(file: InputFile, pool: Pool, code: Code, actor: Actor) -> int:
    """导入单位出具的成员名单（姓名、公民身份号码，可有 起、止 日期）；有误即整份退回。"""
    with session() as ledger:
        log = ledger.log(pool)
        payers, number = Payers(log), _credit_code(code)
        if payers.find(number) is None:
            raise Refused(refuse(Reason.PAYER_UNKNOWN, number))
        table = open_table(file, Columns(("姓名", "公民身份号码"), ("起", "止")), TEXT)
        rows = ((line, cells, fault.text if fault else "") for line, cells, fault in table)
        found, faults = participants_of(rows, table.index, ledger.register(log))
        periods = []
        for line, participant, cell in found:
            period = _period(line, participant, number, cell.get("起", ""), cell.get("止", ""))
            if isinstance(period, Refusal):
                faults.append((line, period))
            else:
                periods.append(period)
        if faults:
            return returned(faults, file)
        payers.write_members(periods)
    console.answer(f"成员名单已登记：{len(periods)}人（经办 {actor}）")
    return 0


def take_in_statuses(log: PoolLog, found: list[tuple[int, Any, Any]], faults: list[tuple[int, Refusal]]) -> int:
    """Write the statuses of a list unless something is wrong with it; gives how many were written."""
    periods = []
    for line, participant, cell in found:
        word = STATUSES.get(cell["状态"].strip())
        if word is None:
            faults.append((line, refuse(Reason.KIND, f"第{line}行“状态”", rule=f"状态须为：{'、'.join(STATUSES)}")))
            continue
        period = _period(line, participant, word, cell["起"], cell.get("止", ""))
        if isinstance(period, Refusal):
            faults.append((line, period))
        else:
            periods.append(period)
    if not faults:
        Payers(log).write_statuses(periods)
    return len(periods)


@app.command("list")
def list_payers(pool: Pool, json: Json = False) -> None:
    """列出单位。"""
    with session() as ledger:
        every = Payers(ledger.log(pool)).every()
    if json:
        console.say_json([_as_json(one) for one in every])
        return
    for one in every:
        confirmed = f"，税务端确认于 {one.confirmed_on.isoformat()}" if one.confirmed_on else ""
        console.answer(f"{one.code}  {KINDS[one.kind]}  {one.name}  {one.village or '—'}{confirmed}")
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


def _period(line: int, participant: Any, word: str, since: str, until: str) -> Period | Refusal:
    try:
        first = parse_business_date(since) if since.strip() else date(1900, 1, 1)
        last = parse_business_date(until) if until.strip() else None
    except DateFault as fault:
        return refuse(Reason.DATE, f"第{line}行“起、止”", rule=str(fault))
    if last is not None and last < first:
        return refuse(Reason.DATE, f"第{line}行“起、止”", rule="止日不得早于起日")
    return Period(participant, word, first, last)


def _filed(log: PoolLog, filed: list[str], total: str) -> str:
    """What the 备案表 says, checked; nothing where no figures are given. Raises `Refused` (FORM_UNKNOWN, FILING)."""
    if not filed and not total:
        return ""
    if not filed or not total.strip():
        raise typer.BadParameter("备案表的标准与合计须一并给出", param_hint="--filed、--filed-total")
    rule = read_forms(log.rules().region).rule("filing_form", "subsidy")
    if isinstance(rule, Refusal):
        raise Refused(rule)
    try:
        standards, fen = [read_filed(one) for one in filed], wan_to_fen(total)
    except MoneyFault as fault:
        raise typer.BadParameter(str(fault), param_hint="--filed、--filed-total") from fault
    if wrong := filing_fault(standards, fen, rule.citation):
        raise Refused(wrong)
    return filed_text(standards)


def _two(log: PoolLog, actor: str, reviewer: str) -> Origin:
    if same := same_person(log.rules(), actor, reviewer):
        raise Refused(same)
    return Origin(actor, reviewer)


def _credit_code(text: str) -> str:
    try:
        return normalise_credit_code(text)
    except IdentityFault as fault:
        raise CommandFault(f"统一社会信用代码无效：{fault}") from fault


def _tell(payer: Payer, written: bool) -> None:
    console.answer(f"{KINDS[payer.kind]} {payer.name}（{payer.code}）{'已登记' if written else '已是如此，未变更'}")


def _as_json(payer: Payer) -> dict[str, Any]:
    said = payer._asdict()
    return {**said, "confirmed_on": payer.confirmed_on.isoformat() if payer.confirmed_on else None}
