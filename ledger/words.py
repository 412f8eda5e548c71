"""The types every page uses: money kinds, fen, years, ids.

Money is integer fen inside (1 yuan = 100 fen) and yuan text with two decimals outside. Years are calendar years
(结息年度, 1 January to 31 December), months are 1..12, business dates are dates in Asia/Shanghai.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

Fen = int
Year = int
Month = int


class MoneyKind(StrEnum):
    """The six parts of a personal account's balance; money that is transferred keeps its kinds."""

    CONTRIBUTION = "contribution"
    GOVERNMENT_PAID = "government_paid"
    COLLECTIVE_SUBSIDY = "collective_subsidy"
    SOCIAL_AID = "social_aid"
    GOVERNMENT_SUBSIDY = "government_subsidy"
    INTEREST = "interest"


CHINESE: Final[dict[MoneyKind, str]] = {
    MoneyKind.CONTRIBUTION: "个人缴费",
    MoneyKind.GOVERNMENT_PAID: "政府代缴",
    MoneyKind.COLLECTIVE_SUBSIDY: "集体补助",
    MoneyKind.SOCIAL_AID: "社会资助",
    MoneyKind.GOVERNMENT_SUBSIDY: "政府补贴",
    MoneyKind.INTEREST: "利息",
}
"""The official term of each money kind."""
