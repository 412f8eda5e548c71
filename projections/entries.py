"""A statement put together from the lines of its year: entries with running balance, interest and its split, closing.

Nothing is read here, so the same lines always give the same statement. An entry stands on its own business date.
Interest and its adjustments stand after everything else of their day, and the money that leaves when the account ends
stands after the interest it takes along. The running balance is worked out here, because a late entry moves the balance
after every later line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.account_events import (
    AccountClosed,
    BalanceTakenOver,
    BenefitPaid,
    CollectiveSubsidyRecorded,
    ContributionRecorded,
    EntryReversed,
    FenMonths,
    GovernmentSubsidyRecorded,
    InterestAdjusted,
    InterestCredited,
    InterestEvent,
    Refunded,
    SocialAidRecorded,
    TransferredIn,
    TransferredOut,
)
from ledger.interest import split_by_kind
from ledger.money import fen_to_yuan
from ledger.store.mapper import decode
from ledger.words import KINDS, Amounts, MoneyKind
from projections.known import Known

TEMPLATE: Final = 1
"""The version of what a statement holds; raised when a figure is added, moved or worked out otherwise."""

RegisterVersions = Callable[[list[UUID], datetime | None], Mapping[UUID, int]]
"""The version of each participant's register entry as known at an instant (`Register.versions`)."""

ENTRY_KINDS: Final = {
    BalanceTakenOver.topic: "opening_taken_over",
    ContributionRecorded.topic: "contribution",
    CollectiveSubsidyRecorded.topic: "collective_subsidy",
    SocialAidRecorded.topic: "social_aid",
    GovernmentSubsidyRecorded.topic: "government_subsidy",
    InterestCredited.topic: "interest",
    InterestAdjusted.topic: "interest_adjusted",
    TransferredIn.topic: "transfer",
    TransferredOut.topic: "transfer",
    BenefitPaid.topic: "pension",
    Refunded.topic: "refund",
    EntryReversed.topic: "reversal",
    AccountClosed.topic: "closure",
}
"""What an entry is called, by the topic of its event; a contribution that the government paid by its money kind."""
INTEREST_TOPICS: Final = (InterestCredited.topic, InterestAdjusted.topic)
_ORDER_OF_DAY: Final = {**dict.fromkeys(INTEREST_TOPICS, 1), AccountClosed.topic: 2, TransferredOut.topic: 2}
_KIND_NAMES: Final = tuple(kind.value for kind in KINDS)
_INTEREST: Final = KINDS.index(MoneyKind.INTEREST)
_FEN: Final = 8
"""Where a line's fen by kind begin."""


class Line(NamedTuple):
    """One line of the year, dates and instants as they are printed, so that nothing is converted twice.

    `settled` holds the stored bytes of interest events; the fen by kind come last, None for a kind not moved.
    """

    account: bytes
    notification_id: int
    version: int
    recorded_at: str
    effective_on: str
    topic: str
    reference: str
    settled: bytes | None
    contribution: int | None
    government_paid: int | None
    collective_subsidy: int | None
    social_aid: int | None
    government_subsidy: int | None
    interest: int | None


class Asked(NamedTuple):
    """One question put to many accounts: the year, the business date up to which entries count, what was known."""

    year: int
    as_of: date | None
    known: Known
    register_versions: RegisterVersions | None = None

    @property
    def span(self) -> tuple[date, date]:
        """First and last day whose money is an entry; empty when `as_of` lies before the year."""
        last = date(self.year, 12, 31)
        return date(self.year, 1, 1), last if self.as_of is None else min(last, self.as_of)

    @property
    def opening_before(self) -> date:
        """The day before which money belongs to the opening: 1 January, or the day after an earlier `as_of`."""
        begin, end = self.span
        return begin if end >= begin else end + timedelta(days=1)


def statement_of(
    asked: Asked, account: str, opening: tuple[int, ...] | None, lines: list[Line], register_version: int | None
) -> dict[str, Any]:
    """The statement of one account from what it held before the year (fen by kind) and its lines in the year."""
    kinds = list(opening) if opening else [0] * len(KINDS)
    begun = sum(kinds)
    lines.sort(key=_place)
    entries, interest = _entries(lines, begun, kinds)
    settled = _settled(lines)
    return {
        "account": account,
        "year": asked.year,
        "as_of": asked.as_of.isoformat() if asked.as_of else None,
        "position": asked.known.position,
        "known_at": asked.known.text,
        "template": TEMPLATE,
        "register_version": register_version,
        "opening": fen_to_yuan(begun),
        "interest": fen_to_yuan(interest),
        "closing": fen_to_yuan(sum(kinds)),
        "kinds": dict(zip(_KIND_NAMES, map(fen_to_yuan, kinds), strict=True)),
        "interest_split": interest_split(interest, settled.fen_months if settled else None),
        "rate": settled.rate if settled else None,
        "rate_document": settled.rate_document if settled else None,
        "provisional": settled.provisional if settled else False,
        "entries": entries,
    }


def _place(line: Line) -> tuple[str, int, int]:
    return line.effective_on, _ORDER_OF_DAY.get(line.topic, 0), line.notification_id


def _entries(lines: Iterable[Line], balance: int, kinds: list[int]) -> tuple[list[dict[str, Any]], int]:
    """One entry per money kind moved, and the year's interest; `kinds` is moved along. Interest of 0.00 is an entry."""
    entries = []
    interest = 0
    for line in lines:
        name = ENTRY_KINDS[line.topic]
        is_interest = line.topic in INTEREST_TOPICS
        for kind, fen in enumerate(line[_FEN:]):
            if fen is None:
                if not (is_interest and kind == _INTEREST):
                    continue
                fen = 0  # noqa: PLW2901
            balance += fen
            kinds[kind] += fen
            interest += fen * is_interest
            money_kind = _KIND_NAMES[kind]
            entries.append(
                {
                    "kind": money_kind if name == "contribution" else name,
                    "money_kind": money_kind,
                    "amount": fen_to_yuan(fen),
                    "effective_on": line.effective_on,
                    "recorded_at": line.recorded_at,
                    "balance": fen_to_yuan(balance),
                    "reference": line.reference,
                    "version": line.version,
                }
            )
    return entries, interest


def _settled(lines: Iterable[Line]) -> InterestEvent | None:
    """The latest event that settled the year's interest, for its rate and 积数."""
    latest = max((line for line in lines if line.settled is not None), key=lambda line: line.version, default=None)
    if latest is None or latest.settled is None:
        return None
    event = decode(latest.topic, latest.settled)
    assert isinstance(event, InterestEvent)
    return event


def interest_split(fen: int, months: FenMonths | None) -> dict[str, str]:
    """A year's interest by what earned it: the opening, the year's entries, and what payments out took away.

    By largest remainder over the exact 积数, so the parts sum to the interest; the one rule for that splits over money
    kinds, whose first three places are borrowed here.
    """
    parts = (0, 0, 0)
    if months is not None:
        weights = Amounts(months.opening.total, months.entries.total, months.deducted.total)
        parts = split_by_kind(fen, FenMonths(weights)).by_kind()[:3]
    return dict(zip(("on_opening", "on_entries", "deducted"), map(fen_to_yuan, parts), strict=True))
