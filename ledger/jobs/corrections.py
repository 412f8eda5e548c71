"""Corrections of the register by two people: a participant's new name."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ledger.account_events import AccountEvent, HolderRenamed
from ledger.identity import squeezed
from ledger.late_money import Origin
from ledger.refusals import Reason, Refused, refuse
from ledger.region_rules import same_person
from ledger.store.batch import Tranche
from ledger.store.log import PoolLog
from ledger.store.recorder import Hook, RulesMovedError
from ledger.store.register import Register


class Correction(NamedTuple):
    """What a correction recorded: the events, the account's version after them, and the log's position."""

    events: tuple[AccountEvent, ...]
    version: int
    position: int


def rename(log: PoolLog, register: Register, number: str, name: str, document: str, origin: Origin) -> Correction:
    """姓名变更: a new version of the name in the register, cited by an event of the account; earlier names stay.

    The name that stands already records nothing.

    Raises `Refused`: SAME_PERSON, UNKNOWN_PERSON, IDENTITY_FAULT.
    """
    while True:
        rules = log.rules()
        if same := same_person(rules, origin.actor, origin.reviewer):
            raise Refused(same)
        if not squeezed(name):
            raise Refused(refuse(Reason.IDENTITY_FAULT, "“姓名”", rule="姓名不得为空"))
        digest = register.digest(number)
        holder = register.find([digest]).get(digest)
        if holder is None or holder.account is None:
            raise Refused(refuse(Reason.UNKNOWN_PERSON, "“公民身份号码”"))
        tranche = Tranche(log)
        tranche.load([UUID(bytes=holder.account)])  # first: a name that comes after it moves the account
        if register.is_named(holder, name):
            return Correction((), 0, log.position()[0])
        version = register.versions([holder.participant], None)[holder.participant] + 1
        event = HolderRenamed(
            **origin._asdict(),
            rule=rules.name,
            participant=holder.participant,
            register_version=version,
            document=document,
        )
        tranche.decide(holder.account, lambda _state, _past: (event,))  # noqa: B023 — asked before it moves on
        hook = _name_hook(register, event, squeezed(name), origin)
        position = _recorded(log, tranche, rules.version, hook)
        if position is not None:
            return Correction((event,), tranche.version(holder.account), position)


def _name_hook(register: Register, event: HolderRenamed, name: str, origin: Origin) -> Hook:
    def write(cursor: Any, moved: frozenset[bytes], at: datetime) -> None:
        if not moved:
            register.rename(
                cursor,
                event.participant,
                name,
                event.register_version,
                event.document,
                origin.actor,
                origin.reviewer,
                at,
            )

    return write


def _recorded(log: PoolLog, tranche: Tranche, rules_version: int, hook: Hook | None = None) -> int | None:
    """The position recorded at, None where account or rules moved and the decision must be made again."""
    try:
        written = log.record(tranche.writes(), hook, rules_version=rules_version)
    except RulesMovedError:
        return None
    return None if written.moved else written.last_id
