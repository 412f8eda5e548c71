"""`pension-ledger aid`: social aid (社会资助, S0 附件2), without the village's steps."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli import forms, plan, plan_batch
from api.cli.command_answer import CommandId, read_command_id
from api.cli.options import Actor, DryRun, Json, Pool, Year
from api.cli.plan_answer import carry_out
from api.cli.plan_options import Covered, Payer, Sequence, Sources, read_payer_code, read_source
from api.cli.session import Session
from ledger.desk.plan_commands import DraftPlan
from ledger.plan_events import Standard
from ledger.refusals import Reason, Refused, refuse
from ledger.store.divisions import Divisions
from ledger.store.log import PoolLog
from ledger.words import MoneyKind

app = typer.Typer(help="社会资助", no_args_is_help=True)


@app.command()
def draft(
    pool: Pool,
    payer: Payer,
    year: Year,
    covered: Covered,
    actor: Actor,
    source: Sources,
    village: Annotated[str, typer.Option("--village", help="受助人所在村；不填为不限", metavar="V")] = "",
    sequence: Sequence = 1,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """拟定资助：资助人、对象、资金来源；金额在申报表中逐人列明。"""

    def command_of(_ledger: Session, log: PoolLog) -> DraftPlan:
        place = Divisions(log).find(village) if village else ""
        if place is None:
            raise Refused(refuse(Reason.UNKNOWN_DIVISION, "“--village”"))
        return DraftPlan(
            actor=actor, cause="command aid draft", command_id=read_command_id(command_id), dry_run=dry_run,
            kind=MoneyKind.SOCIAL_AID, payer=read_payer_code(payer), village=place, year=year,
            covered=covered.strip(), standard=Standard(), sources=tuple(read_source(one) for one in source),
            sequence=sequence,
        )  # fmt: skip

    carry_out(pool, command_of, json=json)


app.command()(plan.step)
app.command()(plan_batch.batch)
app.command("return")(plan.return_roster)
app.command()(plan.close)
app.command()(plan.show)
app.command("list")(plan.list_plans)
app.command()(plan.events)
app.command()(forms.form)
app.command()(forms.summary)
