"""`pension-ledger entry`: single movements of money, and their correction."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import msgspec
import typer

from api.cli.command_answer import CommandId, carry_out, read_command_id
from api.cli.options import Account, Actor, DryRun, Json, Pool, Reviewer, read_account, read_date, read_fen, said
from api.cli.session import Session
from ledger.account_decisions import Payment
from ledger.dates import DateFault, parse_year
from ledger.desk.commands import Command, PayOut, RecordPayment, ReverseEntry
from ledger.desk.nameless import holder_of, require_nameless
from ledger.identity import IdentityFault, can_be_citizen_number, normalise_citizen_number, normalise_payer_code
from ledger.jobs.payment_rows import ITEMS, OPTIONAL, PAYMENT_TYPES, REQUIRED, PaymentRow, read_payment
from ledger.money import fen_to_yuan
from ledger.refusals import Refused
from ledger.store.donors import Donors
from ledger.store.log import PoolLog
from ledger.words import MoneyKind

app = typer.Typer(help="单笔记账与更正", no_args_is_help=True)

_OUT: Final = ("pension", "refund")
_KINDS: Final = (*(kind.value for kind in ITEMS.values()), *_OUT)
_ITEMS: Final = {kind: item for item, kind in ITEMS.items()}
_TYPES: Final = {word: chinese for chinese, word in PAYMENT_TYPES.items()}
_NO_SERIAL: Final = "0"
"""Stands for the serial of a payment without one while the rest of it is read as a row of a file."""


class _Said(NamedTuple):
    """What was said about a payment, by the names of its options; empty where nothing was."""

    period: str
    payment_type: str
    paid_on: str
    serial: str
    voucher: str
    payer: str
    batch: str
    level: str
    allocation_document: str


@app.command()
def record(
    pool: Pool,
    account: Account,
    kind: Annotated[str, typer.Option("--kind", help=f"款项：{'、'.join(_KINDS)}", metavar="KIND")],
    amount: Annotated[str, typer.Option("--amount", help="金额（元）", metavar="元")],
    on: Annotated[str, typer.Option("--on", help="入库日期；支付的为支付日期", metavar="日期")],
    actor: Actor,
    period: Annotated[str, typer.Option("--period", help="费款所属期；不填为入库年度", metavar="YYYY")] = "",
    payment_type: Annotated[
        str, typer.Option("--payment-type", help=f"缴费类型：{'、'.join(_TYPES)}；不填为 regular", metavar="TYPE")
    ] = "",
    paid_on: Annotated[str, typer.Option("--paid-on", help="上解日期", metavar="日期")] = "",
    serial: Annotated[str, typer.Option("--serial", help="缴费明细流水号", metavar="S")] = "",
    voucher: Annotated[str, typer.Option("--voucher", help="电子税票号码", metavar="V")] = "",
    payer: Annotated[
        str, typer.Option("--payer", help="来源单位的统一社会信用代码；个人为其编号或公民身份号码", metavar="CODE")
    ] = "",
    batch: Annotated[str, typer.Option("--batch", help="传输批次号", metavar="B")] = "",
    level: Annotated[str, typer.Option("--level", help="补贴级次：中央、自治区（省）、市、县", metavar="L")] = "",
    allocation_document: Annotated[str, typer.Option("--allocation-document", help="拨付文号", metavar="文号")] = "",
    reason: Annotated[str, typer.Option("--reason", help="支付原因", metavar="R")] = "",
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """记一笔款项：缴费、补助、资助、补贴，或支付养老金、退费。"""
    words = (period, payment_type, paid_on, serial, voucher, payer, batch, level, allocation_document)
    about = _Said(*(word.strip() for word in words))
    if kind not in _KINDS:
        raise typer.BadParameter(f"款项须为：{'、'.join(_KINDS)}", param_hint="--kind")
    which, fen, day = read_account(account), read_fen(amount, "--amount"), read_date(on, "--on")
    out = kind in _OUT
    _require_fitting(out, about, reason)
    payment = None if out else _payment(MoneyKind(kind), fen, day, about)
    common: dict[str, Any] = {
        "actor": actor,
        "cause": "command entry record",
        "command_id": read_command_id(command_id),
        "dry_run": dry_run,
        "account": which,
    }

    def command_of(ledger: Session, log: PoolLog) -> Command:
        if payment is None:
            require_nameless(log, ledger.register(log), which, {"--reason": reason})
            return PayOut(**common, kind=kind, fen=fen, on=day, reason=reason.strip())
        texts = {"--level": about.level, "--allocation-document": about.allocation_document}
        require_nameless(log, ledger.register(log), which, texts)
        return RecordPayment(**common, payment=_as_in_a_file(ledger, log, which, payment))

    carry_out(pool, command_of, json=json)


@app.command()
def reverse(
    pool: Pool,
    account: Account,
    version: Annotated[int, typer.Option("--version", help="要冲正的记录的版本号", metavar="N", min=1)],
    reason: Annotated[str, typer.Option("--reason", help="冲正原因", metavar="R", callback=said)],
    actor: Actor,
    reviewer: Reviewer,
    command_id: CommandId = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """冲正一笔记录：按原记录日期抵销，已结年度的利息随之重算。"""
    which = read_account(account)
    command = ReverseEntry(
        actor=actor,
        reviewer=reviewer,
        cause="command entry reverse",
        command_id=read_command_id(command_id),
        dry_run=dry_run,
        account=which,
        version=version,
        reason=reason,
    )

    def command_of(ledger: Session, log: PoolLog) -> ReverseEntry:
        require_nameless(log, ledger.register(log), which, {"--reason": reason})
        return command

    carry_out(pool, command_of, json=json)


# -- what was said, read -----------------------------------------------------------------------------------------------


def _require_fitting(out: bool, about: _Said, reason: str) -> None:
    """Nothing that was said is left unsaid in the log: an option that a kind has no place for is wrong usage."""
    if not out and reason:
        raise typer.BadParameter("只用于支付（pension、refund）", param_hint="--reason")
    for name, text in about._asdict().items():
        if out and text:
            raise typer.BadParameter("不用于支付（pension、refund）", param_hint=f"--{name.replace('_', '-')}")


def _payment(kind: MoneyKind, fen: int, day: date, about: _Said) -> Payment:
    """A payment as the options say it, each read as the same column of a file is."""
    if kind is not MoneyKind.GOVERNMENT_SUBSIDY and (about.level or about.allocation_document):
        raise typer.BadParameter("只用于政府补贴", param_hint="--level / --allocation-document")
    payment_type = about.payment_type or "regular"
    if payment_type not in _TYPES:
        raise typer.BadParameter(f"缴费类型须为：{'、'.join(_TYPES)}", param_hint="--payment-type")
    try:
        period = parse_year(about.period) if about.period else day.year
    except DateFault as fault:
        raise typer.BadParameter(str(fault), param_hint="--period") from fault
    try:
        payer = _payer(about.payer) if about.payer else ""
    except IdentityFault as fault:
        raise typer.BadParameter(str(fault), param_hint="--payer") from fault
    return Payment(
        kind,
        fen,
        period,
        day,
        payment_type,
        read_date(about.paid_on, "--paid-on") if about.paid_on else None,
        about.serial,
        about.voucher,
        payer,
        about.batch,
        about.level,
        about.allocation_document,
    )


def _payer(text: str) -> str:
    """A payer's code, or a person's number, for which `_as_in_a_file` puts the person's code."""
    return normalise_citizen_number(text) if can_be_citizen_number(text) else normalise_payer_code(text)


def _as_in_a_file(ledger: Session, log: PoolLog, account: UUID, payment: Payment) -> Payment:
    """The payment as the intake reads it from a row about the holder: the same spelling, the same things refused.

    Raises `Refused` where serial, voucher or batch hold the holder's name or number; a payer who is a person and no
    donor is wrong usage. An account without a holder is left to the decision, which says that it is unknown or closed.
    """
    register = ledger.register(log)
    holder = holder_of(log, register, account)
    if holder is None:
        return msgspec.structs.replace(payment, payer="") if can_be_citizen_number(payment.payer) else payment
    cells = {
        "缴费明细流水号": payment.serial or _NO_SERIAL,
        "电子税票号码": payment.voucher,
        "公民身份号码": holder.number,
        "姓名": holder.name,
        "费款所属期": str(payment.period),
        "征收品目": _ITEMS[payment.kind],
        "缴费类型": _TYPES[payment.payment_type],
        "实缴金额": fen_to_yuan(payment.fen),
        "上解日期": (payment.paid_on or payment.treasury_on).isoformat(),
        "入库日期": payment.treasury_on.isoformat(),
        "数据类型": "新增",
        "传输批次号": payment.batch,
        "来源单位": payment.payer,
        "补贴级次": payment.level,
        "拨付文号": payment.allocation_document,
    }
    row = read_payment(1, [cells.get(column, "") for column in (*REQUIRED, *OPTIONAL)])
    if not isinstance(row, PaymentRow):
        raise Refused(replace(row.refusal, value=row.refusal.value.removeprefix("第1行")))
    if row.donor:
        payer = Donors(register).payers_of([row.donor]).get(row.donor)
        if payer is None:
            fault = "所填为公民身份号码，未登记为资助人；先以 payer register --kind person 登记"
            raise typer.BadParameter(fault, param_hint="--payer")
        row = row.paid_by(payer)
    serial = row.payment.serial if payment.serial else ""
    return msgspec.structs.replace(row.payment, serial=serial, paid_on=payment.paid_on)
