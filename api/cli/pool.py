"""`pension-ledger pool`: 统筹区."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli import console
from api.cli.options import said
from api.cli.session import CommandFault, session
from ledger.jobs.rule_entry import open_rules
from ledger.region_rules import REGIONS
from ledger.store.log import PoolLog, schema_of
from ledger.store.pools import Pool, add_pool, all_pools, find_pool
from migrations.run import migrate

app = typer.Typer(help="统筹区", no_args_is_help=True)


@app.command()
def create(
    code: Annotated[str, typer.Argument(help="统筹区编码，例如 640100")],
    name: Annotated[str, typer.Option("--name", help="名称", callback=said)],
    region: Annotated[str, typer.Option("--region", help=f"适用规则的地区：{'、'.join(REGIONS)}")],
    actor: Annotated[str, typer.Option("--actor", help="经办人", callback=said)] = "设立",
) -> None:
    """设立统筹区；已设立且名称、地区相同的不再改变。"""
    if region not in REGIONS:
        raise CommandFault(f"没有地区 {region} 的规则；现有：{'、'.join(REGIONS)}")
    try:
        schema_of(code)
    except ValueError as fault:
        raise CommandFault(str(fault)) from fault
    with session() as ledger:
        standing = find_pool(ledger.connections, code)
        if standing is None:
            migrate(ledger.database.url, [code])
            standing = add_pool(ledger.connections, Pool(code, name, region))
        if (standing.name, standing.region) != (name, region):
            raise CommandFault(
                f"统筹区 {code} 已设立为 {standing.name}（{standing.region}），不能改为 {name}（{region}）"
            )
        ledger.bring_to_head(code)
        open_rules(PoolLog(ledger.connections, code), name, region, actor)
    console.answer(f"统筹区 {code} {name}（{region}）已设立")


@app.command("list")
def list_pools() -> None:
    """列出统筹区。"""
    with session() as ledger:
        for pool in all_pools(ledger.connections):
            console.answer(f"{pool.code}  {pool.name}  {pool.region}")
