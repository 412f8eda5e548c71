"""What 到账划账 by hand rests on, looked up; and the command it becomes where nothing speaks against it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from ledger.allocation import ByHand, Received, allocation_fault
from ledger.desk.commands import AllocatePayment
from ledger.desk.nameless import require_nameless
from ledger.identity import squeezed
from ledger.refusals import Reason, Refused, refuse
from ledger.store.command_ids import find_commands
from ledger.store.divisions import LEVELS, Divisions
from ledger.store.exchange_records import ExchangeRecords
from ledger.store.external_identities import NEW, find_rows
from ledger.store.log import PoolLog
from ledger.store.received_payments import ReceivedPayments
from ledger.store.register import Register
from ledger.store.states import load_states

_NUMBER_LEAST: Final = 14
"""What is shorter could be no citizen number, not even with a slip in it."""


class Wanted(NamedTuple):
    """What two people of a county ask for: a payment by its serial, the account, and why."""

    serial: str
    account: UUID
    county: str
    reason: str
    actor: str
    reviewer: str
    command_id: UUID
    dry_run: bool


def allocation(log: PoolLog, register: Register, wanted: Wanted, reconciled: Callable[[date], bool]) -> AllocatePayment:
    """The command for a payment exactly as it came. Raises `Refused`.

    One that was recorded already under its id is given as it was, and told its first answer.
    """
    require_nameless(log, register, wanted.account, {"--reason": wanted.reason})
    received = ReceivedPayments(log).find(wanted.serial)
    county = _county(log, wanted.county)
    if received is None or not _recorded(log, wanted):
        asked = _by_hand(log, register, wanted, received, county, reconciled)
        fault = allocation_fault(asked, wanted.actor, wanted.reviewer, log.rules())
        if fault and (received is None or not _recorded(log, wanted)):  # another hand may have sent it at this instant
            raise Refused(fault)
    assert received is not None
    return AllocatePayment(
        actor=wanted.actor,
        reviewer=wanted.reviewer,
        command_id=wanted.command_id,
        dry_run=wanted.dry_run,
        account=wanted.account,
        payment=received.payment,
        file=received.file,
        line=received.line,
        county=county or "",
        reason=wanted.reason,
    )


def _recorded(log: PoolLog, wanted: Wanted) -> bool:
    return bool(find_commands(log, {wanted.command_id.bytes}))


def _county(log: PoolLog, said: str) -> str | None:
    """The code of a county by its name or code."""
    counties = Divisions(log).of_level(LEVELS[0])
    return next((one.code for one in counties if squeezed(said) in (one.name, one.code)), None)


def _by_hand(
    log: PoolLog,
    register: Register,
    wanted: Wanted,
    received: Received | None,
    county: str | None,
    reconciled: Callable[[date], bool],
) -> ByHand:
    there = find_rows(log, [wanted.serial]).get((wanted.serial, NEW))
    state = load_states(log, [wanted.account.bytes]).get(wanted.account.bytes)
    return ByHand(
        serial=wanted.serial,
        received=received,
        account=UUID(bytes=there.account) if there else None,
        person=_person(log, register, received, wanted.reason) if received else None,
        holder=state.participant if state else None,
        division=state.division if state else "",
        county=county,
        reconciled=received is not None and reconciled(received.payment.treasury_on),
    )


def _person(log: PoolLog, register: Register, received: Received, reason: str) -> UUID | None:
    """Whom the row names, where they are registered under that name.

    Raises `Refused` where the reason, which stays for ever, names them: nobody could be erased otherwise.
    """
    place = received.file_id, received.line
    number, name = ExchangeRecords(log).identities(register.keys, [place]).get(place, ("", ""))
    said = squeezed(reason).upper()
    words = (number, number[:6] + number[8:17]) if len(number) >= _NUMBER_LEAST else ()
    if any(word in said for word in (*words, *filter(None, [name.upper()]))):
        rule = "“--reason”中不得有姓名或公民身份号码"
        raise Refused(refuse(Reason.ROW_FAULT, "“--reason”", rule=rule, remedy="改写后重办"))
    if received.owner is not None or not number:
        return received.owner
    digest = register.digest(number)
    holder = register.find([digest]).get(digest)
    return holder.participant if holder and register.is_named(holder, name) else None
