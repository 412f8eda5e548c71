"""Sums that others state of a month: 国库, 财政专户, 收入户, 支出户, 旗县, 征缴统计; which of them hold.

A sum is known by its file's kind, its days, item, payment type, county and reference. A bank says several sums under
one of these (lines of a day without 流水号, parts of one 缴存凭证): they stand and fall together. What a later file
says under the same key takes the place of what an earlier one said; nothing is removed. Amounts are fen, negative for
money out; days are business dates in Asia/Shanghai, and those of one sum lie in one month.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from ledger.exchange import FileKind
from ledger.words import MoneyKind

SOURCES: Final[Mapping[FileKind, str]] = {
    FileKind.TREASURY: "国库",
    FileKind.FISCAL_ACCOUNT: "财政专户",
    FileKind.INCOME_ACCOUNT: "收入户",
    FileKind.EXPENDITURE_ACCOUNT: "支出户",
    FileKind.COUNTY: "旗县",
    FileKind.COLLECTED: "征缴统计",
}
"""Who states sums, by the kind of their files."""
ACCOUNTS: Final = frozenset({FileKind.FISCAL_ACCOUNT, FileKind.INCOME_ACCOUNT, FileKind.EXPENDITURE_ACCOUNT})
"""Sources whose sums are lines of a bank account."""


class Business(StrEnum):
    """What the agency's 支出户 pays for; the first four leave a personal account."""

    PENSION = "pension"
    REFUND = "refund"
    TRANSFER = "transfer"
    CLOSURE = "closure"
    OTHER = "other"


BUSINESS: Final = tuple(Business)
"""Business by the number it is stored with, in the place of the money kind, for lines of the 支出户: a contract as
`KINDS` is, words are added at its end."""


class StatedTotal(NamedTuple):
    """One sum as stated. `kind` is empty for all items together, `rows` None where no count was stated.

    `business` is what a line of the 支出户 says it was paid for, empty elsewhere and where it says nothing.
    """

    line: int
    since: date
    until: date
    fen: int
    rows: int | None = None
    kind: MoneyKind | None = None
    payment_type: str = ""
    county: str = ""
    reference: str = ""
    business: Business | None = None

    @property
    def key(self) -> TotalKey:
        """Under which it is known in the files of its source."""
        return TotalKey(self.since, self.until, self.kind, self.payment_type, self.county, self.reference)


class TotalKey(NamedTuple):
    """What makes sums of one source the same again."""

    since: date
    until: date
    kind: MoneyKind | None
    payment_type: str
    county: str
    reference: str


Content = list[tuple[int, int, str]]


class Taken(NamedTuple):
    """What a file of sums brings: those that are new or corrected, those already there, and what they correct."""

    recorded: list[StatedTotal]
    already_there: list[StatedTotal]
    corrected: dict[TotalKey, tuple[int, int]]
    """By key: the fen that stood, and the fen that stand now."""
    superseded: int = 0
    """Of a file that came before: how many of its sums a later file has corrected since."""


def standing(filed: Iterable[tuple[int, StatedTotal]]) -> list[StatedTotal]:
    """The sums that hold, of one source's sums with the ids of their files: those of the latest file of each key."""
    latest: dict[TotalKey, tuple[int, list[StatedTotal]]] = {}
    for file_id, total in filed:
        found = latest.get(total.key)
        if found is None or found[0] < file_id:
            latest[total.key] = (file_id, [total])
        elif found[0] == file_id:
            found[1].append(total)
    every = [total for _, totals in latest.values() for total in totals]
    return sorted(every, key=_place)


def taken_in(totals: Sequence[StatedTotal], held: Iterable[StatedTotal]) -> Taken:
    """What a file's sums come to beside those that hold now. Under one key a file's sums are taken together."""
    before, after = _by_key(held), _by_key(totals)
    same = {key for key, mine in after.items() if key in before and _content(before[key]) == _content(mine)}
    return Taken(
        [one for one in totals if one.key not in same],
        [one for one in totals if one.key in same],
        {key: (_sum(before[key]), _sum(mine)) for key, mine in after.items() if key in before and key not in same},
    )


def _by_key(totals: Iterable[StatedTotal]) -> dict[TotalKey, list[StatedTotal]]:
    found: dict[TotalKey, list[StatedTotal]] = {}
    for one in totals:
        found.setdefault(one.key, []).append(one)
    return found


def _content(totals: Iterable[StatedTotal]) -> Content:
    return sorted((one.fen, -1 if one.rows is None else one.rows, one.business or "") for one in totals)


def _sum(totals: Iterable[StatedTotal]) -> int:
    return sum(one.fen for one in totals)


def _place(total: StatedTotal) -> tuple[date, date, str, str, str, str, int]:
    return (
        total.since, total.until, total.county, total.kind or "", total.payment_type, total.reference, total.line,
    )  # fmt: skip
