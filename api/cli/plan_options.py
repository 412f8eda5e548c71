"""The options of `plan` and `aid`, and how their texts are read. Wrong ones are wrong usage (exit code 64)."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import read_fen
from ledger.identity import IdentityFault, normalise_payer_code
from ledger.plan_events import Source, TierSubsidy
from ledger.procedure import ACTORS, EVIDENCE

OneReviewer = Annotated[str, typer.Option("--reviewer", help="复核人，须与经办人不同", metavar="B")]
Payer = Annotated[
    str, typer.Option("--payer", help="补助、资助单位的统一社会信用代码，或个人资助人的编号", metavar="CODE")
]
Covered = Annotated[str, typer.Option("--covered", help="补助对象", metavar="文字")]
Sources = Annotated[list[str], typer.Option("--source", help="资金来源：名称=元[=占收益比例]", metavar="来源")]
Sequence = Annotated[int, typer.Option("--sequence", help="同村同年第几号方案", min=1, max=99)]
StepName = Annotated[str, typer.Option("--step", help="步骤名称，见 plan show", metavar="STEP")]
On = Annotated[str, typer.Option("--on", help="办理日期", metavar="日期")]
ActingFor = Annotated[str, typer.Option("--for", help=f"代表谁办理：{'、'.join(ACTORS)}", metavar="单位")]
Papers = Annotated[
    list[str] | None, typer.Option("--evidence", help=f"材料=文号或说明：{'、'.join(EVIDENCE)}", metavar="材料")
]
OfYear = Annotated[int | None, typer.Option("--year", help="申报名册的步骤：补助年度，不填为方案年度")]
FloorReason = Annotated[str, typer.Option("--floor-reason", help="复核的步骤：低于下限的理由")]
Amount = Annotated[str, typer.Option("--amount", help="到账分配的步骤：到账金额（元）", metavar="元")]
ArrivedOn = Annotated[str, typer.Option("--arrived-on", help="到账分配的步骤：到账日期", metavar="日期")]
Voucher = Annotated[str, typer.Option("--voucher", help="到账分配的步骤：缴存凭证号", metavar="V")]


def read_payer_code(text: str, option: str = "--payer") -> str:
    """A credit code, or the code of a donor who is a person."""
    try:
        return normalise_payer_code(text)
    except IdentityFault as fault:
        raise typer.BadParameter(str(fault), param_hint=option) from fault


def read_tier(text: str) -> TierSubsidy:
    """A range of tiers: `200-500=30`."""
    span, equals, fen = text.partition("=")
    least, dash, most = span.partition("-")
    if not (equals and dash):
        raise typer.BadParameter("分档须写成 自元-至元=补助元，例如 200-500=30", param_hint="--tier")
    return TierSubsidy(read_fen(least, "--tier"), read_fen(most, "--tier"), read_fen(fen, "--tier"))


def read_group(text: str) -> tuple[str, int]:
    """A group's amount: `severe_disability=400`."""
    name, equals, fen = text.partition("=")
    if not equals:
        raise typer.BadParameter("须写成 名称=元", param_hint="--group")
    return name.strip(), read_fen(fen, "--group")


def read_source(text: str) -> Source:
    """A source of money: `集体经济收益=36900=0.05`."""
    name, _, rest = text.partition("=")
    fen, _, share = rest.partition("=")
    if not name.strip() or not rest:
        raise typer.BadParameter("资金来源须写成 名称=元[=占收益比例]", param_hint="--source")
    return Source(name=name.strip(), fen=read_fen(fen, "--source"), share=share.strip())


def read_paper(text: str) -> tuple[str, str]:
    """A paper: `minutes=会议记录1号`."""
    name, _, paper = text.partition("=")
    if not paper.strip():
        raise typer.BadParameter("材料须写成 材料=文号或说明", param_hint="--evidence")
    return name.strip(), paper.strip()
