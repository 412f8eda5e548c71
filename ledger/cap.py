"""The cap: collective subsidy and social aid of one person and period year against the highest tier of that year.

S0 二（二）, S1 三（二）: collective subsidy and social aid together; in Panzhihua (S2) the collective part alone. It is
a parameter (`cap.basis`). The check belongs to the account, whichever villages and donors pay; what is declared but not
yet booked counts; contributions, government subsidy and the like never do.
"""

from __future__ import annotations

from ledger.account import PersonalAccount
from ledger.money import fen_to_yuan
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import RegionRules
from ledger.words import CHINESE, MoneyKind

UNDER_THE_CAP = (MoneyKind.COLLECTIVE_SUBSIDY, MoneyKind.SOCIAL_AID)


def check_cap(state: PersonalAccount, year: int, kind: MoneyKind, fen: int, rules: RegionRules) -> Refusal | None:
    """NO_CAP without the highest tier of period year `year`, OVER_CAP where `fen` more of `kind` on an account would
    exceed it; else None.
    """
    if kind not in UNDER_THE_CAP:
        return None
    aid = state.room_taken(year)
    basis = rules.text("cap.basis", year)
    cap = rules.cap(year)
    if cap is None:
        value = f"{year}年度{CHINESE[kind]}{fen_to_yuan(fen)}元"
        return refuse(Reason.NO_CAP, value, clause=rules.citation("cap.basis", year))
    if basis == "collective" and kind is MoneyKind.SOCIAL_AID:
        return None
    taken = aid.collective + aid.declared_collective
    if basis == "collective_and_aid":
        taken += aid.social + aid.declared_social
    excess = taken + fen - cap
    if excess <= 0:
        return None
    document = rules.figure("cap", year)
    return refuse(
        Reason.OVER_CAP,
        f"{CHINESE[kind]}{fen_to_yuan(fen)}元，已有{fen_to_yuan(taken)}元",
        rule=f"{year}年度合计不得超过最高缴费档次{fen_to_yuan(cap)}元，本笔超出{fen_to_yuan(excess)}元",
        clause=f"{rules.citation('cap.basis', year)}；{document.document if document else ''}",
    )
