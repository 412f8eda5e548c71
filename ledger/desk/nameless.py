"""Texts that stay in the log for ever must not say who the account's holder is: nobody could be erased otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from ledger.identity import names_somebody
from ledger.refusals import Reason, Refused, refuse
from ledger.store.log import PoolLog
from ledger.store.register import Register, Registered
from ledger.store.states import load_states


def holder_of(log: PoolLog, register: Register, account: UUID) -> Registered | None:
    """Whose account it is; None for an account that is unknown or of an erased person."""
    state = load_states(log, [account.bytes]).get(account.bytes)
    if state is None:
        return None
    holder = register.open(state.participant)
    return holder if holder.number else None


def require_nameless(log: PoolLog, register: Register, account: UUID, texts: Mapping[str, str | None]) -> None:
    """Texts, by the name of their field, hold neither number nor name of the holder. Raises `Refused` (ROW_FAULT)."""
    if any(texts.values()) and (holder := holder_of(log, register, account)) is not None:
        _require(register, holder, texts)


def require_nameless_of(register: Register, participant: UUID | None, texts: Mapping[str, str]) -> None:
    """The same of a participant; and no citizen number at all, whoever's it is. Raises `Refused` (ROW_FAULT)."""
    if participant is not None:
        _require(register, register.open(participant), texts)
    for field, text in texts.items():
        if names_somebody(text):
            raise _names(field)


def _require(register: Register, holder: Registered, texts: Mapping[str, str | None]) -> None:
    for field, text in texts.items():
        if text and register.says(holder.participant, holder.number, text):
            raise _names(field)


def _names(field: str) -> Refused:
    rule = f"“{field}”中不得有姓名或公民身份号码"
    return Refused(refuse(Reason.ROW_FAULT, f"“{field}”", rule=rule, remedy="改写后重办"))
