"""政府补贴 against the year's contributors: whom finance paid a subsidy for, and who was entitled to one.

It comes from finance, not through tax, so nothing of it is in a treasury's total: its counterpart is the pool's own
contributors (S4 第十一章: 财政补助资金到位). Entitled is an account with a regular contribution (正常应缴) for the year
that stands; a 政府代缴 counts by the rule `subsidy.government_paid`. Everything is net of reversals, and known by
account, never by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from ledger.identity import squeezed
from ledger.words import MoneyKind

LEVELS: Final = ("中央", "自治区", "省", "市", "县")
"""补贴级次; an autonomous region and a province are one level, by two names."""
_SPELLINGS: Final = {
    **{level: level for level in LEVELS},
    **{f"{level}级": level for level in LEVELS},
    "盟市": "市",
    "盟市级": "市",
    "旗县": "县",
    "旗县级": "县",
    "区县级": "县",
    "县区级": "县",
}


def normal_level(text: str) -> str:
    """补贴级次 in its one spelling; what is no level stays as it is, for the decision to refuse."""
    plain = squeezed(text) if text else ""
    return _SPELLINGS.get(plain, plain)


def unsaid(level: str, document: str) -> str:
    """What a row of 政府补贴 should say and does not, as a notice; empty where it says both."""
    lacking = [name for name, text in (("补贴级次", level), ("拨付文号", document)) if not text]
    return f"政府补贴未注明{'、'.join(lacking)}" if lacking else ""


class Entry(NamedTuple):
    """An entry of an account for the year: a payment of `kind`, or the reversal of the entry of version `reverses`."""

    version: int
    kind: MoneyKind | None
    fen: int
    payment_type: str = "regular"
    level: str = ""
    document: str = ""
    reverses: int = 0


class Situation(StrEnum):
    """Why an account is open."""

    NO_SUBSIDY = "no_subsidy"
    NO_CONTRIBUTION = "no_contribution"
    TWICE = "twice"


SITUATIONS: Final = {
    Situation.NO_SUBSIDY: "已缴费，未记政府补贴",
    Situation.NO_CONTRIBUTION: "已记政府补贴，无正常缴费",
    Situation.TWICE: "同一年度同一级次记了多笔政府补贴",
}


class Finding(NamedTuple):
    """An account that is open: `fen` of its contributions (NO_SUBSIDY) or of the subsidies in question."""

    situation: Situation
    fen: int
    level: str = ""
    documents: tuple[str, ...] = ()


class Examined(NamedTuple):
    """What an account's year comes to."""

    entitled: bool
    subsidies: list[Entry]
    findings: list[Finding]


def examine(entries: Sequence[Entry], *, government_paid_counts: bool) -> Examined:
    """Whether an account is entitled to the year's subsidy, what it got, and what is open about it."""
    undone = {one.reverses for one in entries if one.reverses}
    standing = [one for one in entries if not one.reverses and one.version not in undone]
    paid = [
        one
        for one in standing
        if (one.kind is MoneyKind.CONTRIBUTION and one.payment_type == "regular")
        or (one.kind is MoneyKind.GOVERNMENT_PAID and one.payment_type == "regular" and government_paid_counts)
    ]
    subsidies = [one for one in standing if one.kind is MoneyKind.GOVERNMENT_SUBSIDY]
    findings = []
    if paid and not subsidies:
        findings.append(Finding(Situation.NO_SUBSIDY, sum(one.fen for one in paid)))
    if subsidies and not paid:
        findings.append(_finding(Situation.NO_CONTRIBUTION, subsidies, ""))
    findings += [_finding(Situation.TWICE, same, same[0].level) for same in _of_one_level(subsidies)]
    return Examined(bool(paid), subsidies, findings)


def _finding(situation: Situation, subsidies: Sequence[Entry], level: str) -> Finding:
    documents = tuple(sorted({one.document for one in subsidies if one.document}))
    return Finding(situation, sum(one.fen for one in subsidies), level, documents)


def _of_one_level(subsidies: Sequence[Entry]) -> list[list[Entry]]:
    """Subsidies of which there are several of one level; where no level is said, of one 拨付文号."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for one in subsidies:
        rank = _rank(one.level)
        found.setdefault((rank, "" if rank else one.document), []).append(one)
    return [same for key, same in sorted(found.items()) if len(same) > 1 and any(key)]


def _rank(level: str) -> str:
    """The level for comparison: 自治区 is a province."""
    plain = normal_level(level)
    return "省" if plain == "自治区" else plain


class Tally:
    """A pool's year, account after account: counts and sums by level and 拨付文号, and how many are open."""

    def __init__(self) -> None:
        self.entitled = 0
        self.subsidised = 0
        self.open: dict[Situation, int] = dict.fromkeys(Situation, 0)
        self._by_document: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, one: Examined) -> None:
        """Count an account."""
        self.entitled += one.entitled
        self.subsidised += bool(one.subsidies)
        for entry in one.subsidies:
            key = (normal_level(entry.level), entry.document)
            rows, fen = self._by_document.get(key, (0, 0))
            self._by_document[key] = (rows + 1, fen + entry.fen)
        for finding in one.findings:
            self.open[finding.situation] += 1

    def by_document(self) -> list[tuple[str, str, int, int]]:
        """Level, 拨付文号, rows and fen, from the highest level down; what says no level comes last."""
        return sorted(((level, document, *sums) for (level, document), sums in self._by_document.items()), key=_order)


def _order(told: tuple[str, str, int, int]) -> tuple[int, str, str]:
    level, document = told[:2]
    return (LEVELS.index(level) if level in LEVELS else len(LEVELS)), level, document
