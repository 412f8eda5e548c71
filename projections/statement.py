"""The statement (对账单) of one account and year: opening, movements with running balance, interest, closing.

Read from the lines, which are never changed, up to one position; nothing else that could change enters. So a statement
once given can be given again, byte for byte, whatever was recorded since. The running balance is worked out here,
because a late entry moves the balance after every later line.

An entry stands on its own business date. Interest and its adjustments stand after everything else of their day, and
the money that leaves when the account ends stands after the interest it takes along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
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
from ledger.jobs.pipeline import ReadAhead
from ledger.money import fen_to_yuan
from ledger.refusals import Reason, Refused, refuse
from ledger.store.log import PoolLog
from ledger.store.mapper import decode
from ledger.words import KINDS, Amounts, MoneyKind
from projections.folds import KIND_COLUMNS, KIND_SUMS, execute
from projections.known import Known, resolve
from projections.runner import catch_up

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
_PAGE: Final = 2_000


class Holding(NamedTuple):
    """An account as a statement needs it: its holder, and the id of the event that opened it."""

    account: UUID
    participant: UUID | None
    opened_id: int


class Line(NamedTuple):
    """One line of the year; `fen` by kind, None for a kind not moved; `settled` the stored bytes of interest events."""

    account: UUID
    notification_id: int
    version: int
    recorded_at: datetime
    effective_on: date
    topic: str
    reference: str
    settled: bytes | None
    fen: tuple[int | None, ...]


class Page(NamedTuple):
    """What was read of some accounts: themselves in key order, their openings (fen by kind), their lines."""

    holdings: list[Holding]
    openings: dict[UUID, tuple[int, ...]]
    lines: dict[UUID, list[Line]]


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


def statement(
    log: PoolLog,
    account: UUID,
    year: int,
    as_of: date | None = None,
    known_at: str | None = None,
    register_versions: RegisterVersions | None = None,
) -> dict[str, Any]:
    """The statement of one account. Raises `Refused` (UNKNOWN_ACCOUNT) and `KnownAtFault`."""
    asked = Asked(year, as_of, resolve(log, known_at), register_versions)
    catch_up(log, asked.known.position)
    found = _holdings(log, "account_id = %(account)s AND opened_id <= %(position)s", asked, account=account)
    if not found:
        raise Refused(refuse(Reason.UNKNOWN_ACCOUNT, f"账户{account}，位置{asked.known.position}"))
    return next(_statements_of(asked, _read(log, asked, found)))


def statements(
    log: PoolLog,
    year: int,
    as_of: date | None = None,
    known_at: str | None = None,
    register_versions: RegisterVersions | None = None,
) -> Iterator[dict[str, Any]]:
    """The statements of every account opened by the end of the year, in key order, as they are asked for.

    What is known is resolved here, once; accounts are then read page by page, each page in statements of its own, so
    that an export of hours holds no snapshot. Raises `KnownAtFault`.
    """
    asked = Asked(year, as_of, resolve(log, known_at), register_versions)
    catch_up(log, asked.known.position)
    return _all(log, asked)


def _all(log: PoolLog, asked: Asked) -> Iterator[dict[str, Any]]:
    with ReadAhead(lambda: _pages(log, asked)) as pages:
        for page in pages:
            yield from _statements_of(asked, page)


def _pages(log: PoolLog, asked: Asked) -> Iterator[Page]:
    """Every account opened by the end of the year, in key order."""
    after = UUID(int=0)
    condition = (
        "account_id > %(after)s AND opened_id <= %(position)s AND opened_on <= %(end)s"
        " ORDER BY account_id LIMIT %(page)s"
    )
    while holdings := _holdings(log, condition, asked, after=after, end=date(asked.year, 12, 31), page=_PAGE):
        after = holdings[-1].account
        yield _read(log, asked, holdings)


def _holdings(log: PoolLog, condition: str, asked: Asked, **parameters: Any) -> list[Holding]:
    with log.connections.connection() as connection:
        rows = execute(
            connection,
            log,
            "SELECT account_id, participant_id, opened_id FROM {balance} WHERE " + condition,
            {"position": asked.known.position, **parameters},
        )
    return [Holding(*row) for row in rows]


def _read(log: PoolLog, asked: Asked, holdings: list[Holding]) -> Page:
    """What accounts that follow each other in key order held before the year, and their lines in it."""
    begin, end = asked.span
    known = "account_id BETWEEN %(first)s AND %(last)s AND l.notification_id <= %(position)s"
    parameters = {
        "first": holdings[0].account, "last": holdings[-1].account, "position": asked.known.position,
        "before": asked.opening_before, "begin": begin, "end": end, "interest": list(INTEREST_TOPICS),
    }  # fmt: skip
    with log.connections.connection() as connection:
        sums = execute(
            connection,
            log,
            f"SELECT account_id, {KIND_SUMS} FROM {{line}} l WHERE {known} AND effective_on < %(before)s GROUP BY 1",
            parameters,
        )
        rows = execute(
            connection,
            log,
            "SELECT account_id, l.notification_id, version, l.recorded_at, effective_on, l.topic, reference, e.state,"
            f" {KIND_COLUMNS} FROM {{line}} l LEFT JOIN {{ledger_events}} e ON l.topic = ANY(%(interest)s)"
            " AND e.originator_id = l.account_id AND e.originator_version = l.version"
            f" WHERE {known} AND effective_on BETWEEN %(begin)s AND %(end)s ORDER BY account_id",
            parameters,
        )
    lines = (Line._make((*row[:8], row[8:])) for row in rows)
    grouped = {account: list(group) for account, group in groupby(lines, key=lambda line: line.account)}
    return Page(holdings, {row[0]: row[1:] for row in sums}, grouped)


# -- one statement -------------------------------------------------------------------------------------------------


def _statements_of(asked: Asked, page: Page) -> Iterator[dict[str, Any]]:
    versions: Mapping[UUID, int] = {}
    if asked.register_versions is not None:
        people = [holding.participant for holding in page.holdings if holding.participant is not None]
        versions = asked.register_versions(people, asked.known.instant)
    for account, participant, _ in page.holdings:
        version = versions.get(participant) if participant else None
        yield _statement(asked, account, page.openings.get(account), page.lines.get(account, []), version)


def _statement(
    asked: Asked, account: UUID, opening: tuple[int, ...] | None, lines: list[Line], register_version: int | None
) -> dict[str, Any]:
    kinds = list(opening) if opening else [0] * len(KINDS)
    begun = sum(kinds)
    lines.sort(key=_place)
    entries, interest = _entries(lines, begun, kinds)
    settled = _settled(lines)
    return {
        "account": str(account),
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


def _place(line: Line) -> tuple[date, int, int]:
    return line.effective_on, _ORDER_OF_DAY.get(line.topic, 0), line.notification_id


def _entries(lines: Iterable[Line], balance: int, kinds: list[int]) -> tuple[list[dict[str, Any]], int]:
    """One entry per money kind moved, and the year's interest; `kinds` is moved along. Interest of 0.00 is an entry."""
    entries = []
    interest = 0
    for line in lines:
        name = ENTRY_KINDS[line.topic]
        is_interest = line.topic in INTEREST_TOPICS
        recorded_at = line.recorded_at.isoformat(timespec="microseconds")
        effective_on = line.effective_on.isoformat()
        for kind, fen in enumerate(line.fen):
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
                    "effective_on": effective_on,
                    "recorded_at": recorded_at,
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
