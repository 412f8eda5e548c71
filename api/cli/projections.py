"""`pension-ledger projections`: how far the tables to read have come, making them anew, and proving them."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli import console
from api.cli.options import Json, Pool
from api.cli.session import CommandFault, Session, session
from ledger.store.keys import KeyFaultError
from ledger.store.log import PoolLog
from ledger.store.register import Register
from projections.rebuild import rebuild as rebuild_tables
from projections.reconciliation_rebuild import view_status
from projections.reconciliation_sink import NAME
from projections.runner import status as read_status
from projections.verify import register_check
from projections.verify import verify as verify_pool

app = typer.Typer(help="汇总表：状态、重建、核验", no_args_is_help=True)


@app.command()
def status(pool: Pool, json: Json = False) -> None:
    """各汇总表的位置与是否需要重建。"""
    with session() as ledger:
        states = read_status(log := ledger.log(pool))
        view = view_status(log)
    if json:
        rows = [{**state._asdict(), "lag": state.lag} for state in states]
        told = {**view._asdict(), "due": [f"{one:%Y-%m}" for one in view.due]}
        console.say_json({"pool": pool, "projections": rows, NAME: told})
        return
    for state in states:
        due = "，需要重建" if state.rebuild_due else ""
        console.answer(
            f"{state.name}：第 {state.fold_version} 版，位置 {state.position}/{state.head}，落后 {state.lag}{due}"
        )
    due = "，需要重建" if view.rebuild_due else f"，待再次对账 {len(view.due)} 个月" if view.due else ""
    console.answer(f"{NAME}：第 {view.fold_version} 版，已对账 {view.months} 个月{due}")


@app.command()
def rebuild(
    pool: Pool,
    name: Annotated[str | None, typer.Option("--name", help="只重建一张表")] = None,
    actor: Annotated[str, typer.Option("--actor", help="经办人")] = "",
) -> None:
    """从账簿重建汇总表；读者不受影响，中断后再次运行即可。"""
    with session() as ledger, console.progress("重建汇总表") as advance:
        reached: dict[str, int] = {}

        def told(projection: str, position: int, _end: int) -> None:
            advance(position - reached.get(projection, 0))
            reached[projection] = position

        log = ledger.log(pool)
        try:
            register = _register(ledger, log, f"{NAME}（已对账各月）") if name in {None, NAME} else None
            position = rebuild_tables(log, name, told, actor=actor, register=register)
        except LookupError as fault:
            raise CommandFault(str(fault)) from fault
    console.answer(f"统筹区 {pool} 的汇总表已重建到位置 {position}")


@app.command()
def verify(pool: Pool, json: Json = False) -> int:
    """核验：账簿、状态、余额、明细、登记相互一致；发现问题以退出码 3 结束并指明是哪一行。"""
    with session() as ledger, console.progress("核验") as advance:
        log = ledger.log(pool)
        seen = 0

        def told(looked_at: int, _of: int) -> None:
            nonlocal seen
            advance(looked_at - seen)
            seen = looked_at

        register = _register(ledger, log, "登记、名册和缴费明细所指的人员，以及对账各月的重新汇总比对")
        check = register_check(register, console.notice) if register else None
        findings = verify_pool(log, check, told)
    if json:
        console.say_json({"pool": pool, "findings": [finding._asdict() for finding in findings]})
    elif findings:
        for finding in findings:
            where = "，".join(f"{name}={value}" for name, value in finding.where.items())
            console.answer(f"{finding.kind}  {finding.text}（{where}）")
    else:
        console.answer(f"统筹区 {pool} 核验通过：账簿、状态、余额、明细与登记一致")
    return 3 if findings else 0


def _register(ledger: Session, log: PoolLog, left_out: str) -> Register | None:
    """The register; None where its key is missing, with a notice of what is left out without it."""
    try:
        return ledger.register(log)
    except KeyFaultError as fault:
        console.notice(f"{fault}。没有密钥，未处理：{left_out}")
        return None
