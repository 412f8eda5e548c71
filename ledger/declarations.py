"""Room under the cap that a reviewed roster takes on an account before its money arrives, and gives back.

The cap belongs to the account, so what several payers declare for one person meets here: S0 二（二）, S1 三（二）, S2
三（三）, S3 三. Money that arrives for a declaration takes the place of its room.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.account import PersonalAccount
from ledger.account_events import DeclarationReleased, SubsidyDeclared
from ledger.cap import UNDER_THE_CAP, check_cap
from ledger.late_money import Origin
from ledger.money import fen_to_yuan
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.words import MoneyKind


class Declared(NamedTuple):
    """What a line of a roster asks for: `fen` of `kind` for `year` from `payer` (credit code or donor code)."""

    kind: MoneyKind
    fen: int
    year: int
    payer: str
    roster: str
    line: int


def room_fault(state: PersonalAccount, asked: Declared, rules: RegionRules) -> Refusal | None:
    """Why the room may not be taken. Reasons: KIND, AMOUNT, ACCOUNT_CLOSED, ALREADY_DECLARED, NO_CAP, OVER_CAP."""
    if asked.kind not in UNDER_THE_CAP:
        return refuse(Reason.KIND, asked.kind, rule="名册只申报集体补助或社会资助")
    if asked.fen <= 0:
        return refuse(Reason.AMOUNT, f"{fen_to_yuan(asked.fen)}元", rule="补助、资助金额须大于零")
    if state.closed:
        return refuse(Reason.ACCOUNT_CLOSED, "已注销或转出")
    if state.declarations and state.declared_in(asked.roster):
        return refuse(Reason.ALREADY_DECLARED, f"第{asked.line}行")
    return check_cap(state, asked.year, asked.kind, asked.fen, rules)


def declare_subsidy(
    state: PersonalAccount, asked: Declared, rules: RegionRules, origin: Origin
) -> tuple[SubsidyDeclared] | Refusal:
    """Take the room. Reasons: those of `room_fault`."""
    if fault := room_fault(state, asked, rules):
        return fault
    return (
        SubsidyDeclared(
            actor=origin.actor,
            reviewer=origin.reviewer,
            cause=origin.cause,
            command_id=origin.command_id,
            rule=rules.name,
            kind=asked.kind,
            fen=asked.fen,
            year=asked.year,
            payer=asked.payer,
            roster=asked.roster,
            line=asked.line,
        ),
    )


def release_declaration(
    state: PersonalAccount, roster: str, reason: str, rules: RegionRules, origin: Origin
) -> tuple[DeclarationReleased, ...]:
    """Give back what a roster still holds, also on an account that was closed; nothing where it holds nothing."""
    held = state.declared_in(roster)
    if held is None:
        return ()
    return (
        DeclarationReleased(
            **origin._asdict(),
            rule=rules.name,
            kind=held.kind,
            fen=held.fen,
            year=held.year,
            roster=roster,
            reason=reason,
        ),
    )
