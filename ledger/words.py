"""The types every page uses: money kinds, fen, years, ids.

Money is integer fen inside (1 yuan = 100 fen) and yuan text with two decimals outside. Years are calendar years
(结息年度, 1 January to 31 December), months are 1..12, business dates are dates in Asia/Shanghai.
"""

from __future__ import annotations

import os
import threading
import time
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

Fen = int
"""A signed amount of money in hundredths of a yuan."""


class MoneyKind(StrEnum):
    """The six parts of a personal account's balance; money that is transferred keeps its kinds."""

    CONTRIBUTION = "contribution"
    GOVERNMENT_PAID = "government_paid"
    COLLECTIVE_SUBSIDY = "collective_subsidy"
    SOCIAL_AID = "social_aid"
    GOVERNMENT_SUBSIDY = "government_subsidy"
    INTEREST = "interest"


KINDS: Final = tuple(MoneyKind)
"""The money kinds in the one order in which they are stored, shown and indexed (0..5)."""

CHINESE: Final[dict[MoneyKind, str]] = {
    MoneyKind.CONTRIBUTION: "个人缴费",
    MoneyKind.GOVERNMENT_PAID: "政府代缴",
    MoneyKind.COLLECTIVE_SUBSIDY: "集体补助",
    MoneyKind.SOCIAL_AID: "社会资助",
    MoneyKind.GOVERNMENT_SUBSIDY: "政府补贴",
    MoneyKind.INTEREST: "利息",
}
"""The official term of each money kind."""


class Amounts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Signed fen (or fen-months) by money kind. Kinds that are zero are left out of the stored JSON."""

    contribution: int = 0
    government_paid: int = 0
    collective_subsidy: int = 0
    social_aid: int = 0
    government_subsidy: int = 0
    interest: int = 0

    @property
    def total(self) -> int:
        """The sum of the six kinds."""
        return (
            self.contribution
            + self.government_paid
            + self.collective_subsidy
            + self.social_aid
            + self.government_subsidy
            + self.interest
        )

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.contribution + other.contribution,
            self.government_paid + other.government_paid,
            self.collective_subsidy + other.collective_subsidy,
            self.social_aid + other.social_aid,
            self.government_subsidy + other.government_subsidy,
            self.interest + other.interest,
        )

    def times(self, factor: int) -> Amounts:
        """Each kind multiplied: by months (1..12) it gives fen-months, by −1 the opposite entry."""
        return Amounts(
            self.contribution * factor,
            self.government_paid * factor,
            self.collective_subsidy * factor,
            self.social_aid * factor,
            self.government_subsidy * factor,
            self.interest * factor,
        )

    def by_kind(self) -> tuple[int, int, int, int, int, int]:
        """The six figures in the order of `KINDS`."""
        return (
            self.contribution,
            self.government_paid,
            self.collective_subsidy,
            self.social_aid,
            self.government_subsidy,
            self.interest,
        )

    def of(self, kind: MoneyKind) -> int:
        """The figure of one kind."""
        return int(getattr(self, kind.value))

    @staticmethod
    def only(kind: MoneyKind, fen: int) -> Amounts:
        """`fen` of one kind, nothing of the others."""
        return Amounts(*(*_NONE_BEFORE[kind], fen))


NOTHING: Final = Amounts()
_NONE_BEFORE: Final = {kind: (0,) * place for place, kind in enumerate(KINDS)}

_id_lock = threading.Lock()
_id_last = 0


def new_id() -> UUID:
    """A UUIDv7: 48 bits of milliseconds, then a counter that grows inside a millisecond, then chance.

    Ids made one after the other in a process sort in that order, so rows made together lie together in the table
    and its index; random ids cost a fifth of the write speed at 400,000 rows, and more past the cache.
    """
    global _id_last
    with _id_lock:
        stamp = time.time_ns() // 1_000_000 << 12
        _id_last = max(stamp, _id_last + 1)
        stamp = _id_last
    chance = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = (stamp >> 12) << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | 2 << 62 | chance
    return UUID(int=value)
