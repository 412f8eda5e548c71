"""A personal account as it stands: a frozen value folded from its events.

`evolve` knows no rules. Whatever a rule decided (from which month money earns, which year an interest settles) stands
in the event, or a changed rules file would change the past. The state holds what decisions need and nothing else:
the balance by kind at the end of the last credited year, the entries of each later year by earning month, and
collective subsidy and social aid by period year for the cap. What the account holds now follows from these.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from ledger.account_events import (
    EVENTS,
    INCOMING_TOPICS,
    AccountClosed,
    AccountEvent,
    AccountOpened,
    AidEvent,
    BalanceTakenOver,
    CollectiveSubsidyRecorded,
    DeclarationReleased,
    EntryReversed,
    HolderErased,
    HolderRenamed,
    InterestCredited,
    InterestEvent,
    MoneyEvent,
    SocialAidRecorded,
    SubsidyDeclared,
    TransferredOut,
)
from ledger.interest import MonthEntry, earning_month
from ledger.words import KINDS, NOTHING, Amounts, MoneyKind


class YearEntries(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The money of one year that is not credited yet, merged by earning month, kind and side."""

    year: int
    entries: tuple[MonthEntry, ...]


class AidOfYear(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Collective subsidy and social aid (fen) booked for one period year."""

    year: int
    collective: int
    social: int


class Declaration(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Room under the cap of a period year that a reviewed roster holds: `fen` declared and not yet received."""

    year: int
    kind: MoneyKind
    fen: int
    payer: str
    roster: str


class TakenRoom(NamedTuple):
    """What counts toward the cap of one period year: booked, and declared but not yet booked (fen)."""

    year: int
    collective: int
    social: int
    declared_collective: int = 0
    declared_social: int = 0


class PersonalAccount(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The state of one account after `version` events. Money in fen; `division` is the code of the village.

    `first_year` is the year of the first money (or the year after a taken-over balance), 0 before any money. While
    nothing is credited, `credited_through` is `first_year` − 1. `opening` is the balance by kind at the end of
    `credited_through`.
    """

    version: int
    participant: UUID
    opened_on: date
    division: str
    closed: bool = False
    first_year: int = 0
    credited_through: int = 0
    taken_over_on: date | None = None
    opening: Amounts = NOTHING
    years: tuple[YearEntries, ...] = ()
    aid: tuple[AidOfYear, ...] = ()
    declarations: tuple[Declaration, ...] = ()

    @property
    def balance(self) -> Amounts:
        """What the account holds by kind: the opening and all that was entered since."""
        held = self.opening
        for year in self.years:
            held = with_entries(held, year.entries)
        return held

    @property
    def uncredited(self) -> bool:
        """No year is credited yet (a taken-over balance counts as nothing credited here)."""
        return self.credited_through == self.first_year - 1

    def entries_of(self, year: int) -> tuple[MonthEntry, ...]:
        """The entries of a year after `credited_through`."""
        for entries in self.years:
            if entries.year == year:
                return entries.entries
        return ()

    def lowest_from(self, year: int = 0, month: int = 0, kind: MoneyKind | None = None) -> int:
        """The lowest balance (fen) at which the account stands from an earning month on, in the years still open; that
        of one kind where it is given.

        Interest of those years is not in it. What is paid out or struck out may not exceed it, or the account would
        owe interest for months in which it held less than nothing.
        """
        by_month: dict[tuple[int, int], int] = {}
        place = None if kind is None else KINDS.index(kind)
        for entries in self.years:
            for entry in entries.entries:
                if place in (None, entry.kind):
                    key = (entries.year, entry.from_month)
                    by_month[key] = by_month.get(key, 0) + entry.fen
        opening = self.opening.total if kind is None else self.opening.of(kind)
        balance = opening + sum(fen for key, fen in by_month.items() if key <= (year, month))
        lowest = balance
        for key in sorted(key for key in by_month if key > (year, month)):
            balance += by_month[key]
            lowest = min(lowest, balance)
        return lowest

    def room_taken(self, year: int) -> TakenRoom:
        """What counts toward the cap of period year `year`."""
        collective = social = 0
        for aid in self.aid:
            if aid.year == year:
                collective, social = aid.collective, aid.social
        declared = {MoneyKind.COLLECTIVE_SUBSIDY: 0, MoneyKind.SOCIAL_AID: 0}
        for one in self.declarations:
            if one.year == year:
                declared[one.kind] += one.fen
        return TakenRoom(year, collective, social, *declared.values())

    def declared_in(self, roster: str) -> Declaration | None:
        """The room that a roster holds on the account."""
        return next((one for one in self.declarations if one.roster == roster), None)


_COUNTS_TOWARD_CAP: Final = frozenset((CollectiveSubsidyRecorded.topic, SocialAidRecorded.topic))
_ENDINGS: Final = frozenset((AccountClosed, TransferredOut))


def evolve(state: PersonalAccount | None, event: AccountEvent) -> PersonalAccount:
    """The state after `event`. The events of a stream are given in the order of their versions, from 1."""
    if state is None:
        if not isinstance(event, AccountOpened):
            raise ValueError(f"the first event of an account is {AccountOpened.topic}, not {event.topic}")
        return PersonalAccount(
            version=1, participant=event.participant, opened_on=event.opened_on, division=event.division
        )
    step = _STEPS.get(type(event))
    if step is None:
        raise ValueError(f"{event.topic} cannot follow version {state.version}")
    return step(state, event)


def _with_interest(state: PersonalAccount, event: InterestEvent) -> PersonalAccount:
    """Interest of the next year closes that year; of an earlier one (late money, restatement) it joins the opening."""
    opening = state.opening + event.effect
    if isinstance(event, InterestCredited) and event.year == state.credited_through + 1:
        rest = state.years
        if rest and rest[0].year == event.year:
            opening = with_entries(opening, rest[0].entries)
            rest = rest[1:]
        return PersonalAccount(
            state.version + 1,
            state.participant,
            state.opened_on,
            state.division,
            state.closed,
            state.first_year,
            event.year,
            state.taken_over_on,
            opening,
            rest,
            state.aid,
            state.declarations,
        )
    if event.year > state.credited_through:
        raise ValueError(f"interest of {event.year} cannot follow a state credited through {state.credited_through}")
    return msgspec.structs.replace(
        state, version=state.version + 1, first_year=min(state.first_year, event.year), opening=opening
    )


def _with_money(state: PersonalAccount, event: MoneyEvent) -> PersonalAccount:
    year = event.effective_on.year
    first_year, credited_through = state.first_year, state.credited_through
    taken_over_on = state.taken_over_on
    if type(event) is BalanceTakenOver:
        first_year, credited_through, taken_over_on = year + 1, year, event.effective_on
    elif not first_year or (year < first_year and state.uncredited and taken_over_on is None):
        first_year, credited_through = year, year - 1
    opening, years = state.opening, state.years
    if year <= credited_through:
        opening += event.effect
    else:
        years = _entered(years, year, event)
    if type(event) is EntryReversed and event.original == BalanceTakenOver.topic:
        taken_over_on = None
        if credited_through == first_year - 1:  # nothing credited: as if the balance had never been taken over
            first_year = years[0].year if years else 0
            credited_through = first_year - 1 if first_year else 0
    return PersonalAccount(
        state.version + 1,
        state.participant,
        state.opened_on,
        state.division,
        type(event) in _ENDINGS,
        first_year,
        credited_through,
        taken_over_on,
        opening,
        years,
        _aid_after(state.aid, event),
        _less(state.declarations, event.roster, event.from_declared)
        if event.topic in _COUNTS_TOWARD_CAP and isinstance(event, AidEvent) and event.from_declared
        else state.declarations,
    )


def stands_incoming(event: MoneyEvent) -> bool:
    """Whether the money of `event` stands on the earning side; a reversal stands where its original stands."""
    return event.original in INCOMING_TOPICS if type(event) is EntryReversed else event.incoming


def _entered(years: tuple[YearEntries, ...], year: int, event: MoneyEvent) -> tuple[YearEntries, ...]:
    """`years` with the money of `event`, merged where month, kind and side agree; sorted by year."""
    month = earning_month(event.interest_from, year)
    incoming = int(stands_incoming(event))
    kept: list[YearEntries] = []
    entries: list[MonthEntry] = []
    for one in years:
        if one.year == year:
            entries.extend(one.entries)
        else:
            kept.append(one)
    for kind, fen in enumerate(event.effect.by_kind()):
        if fen:
            _enter(entries, MonthEntry(month, kind, incoming, fen))
    if entries:  # a year whose money was all reversed leaves no trace, or no balance could be taken over after it
        kept.append(YearEntries(year, tuple(entries)))
    if len(kept) > 1:
        kept.sort(key=_year)
    return tuple(kept)


def _enter(entries: list[MonthEntry], new: MonthEntry) -> None:
    """Put an entry in its place among entries sorted by month, kind and side, or add it to the one that is there."""
    key = (new.from_month, new.kind, new.incoming)
    for place, one in enumerate(entries):
        other = (one.from_month, one.kind, one.incoming)
        if other == key:
            entries[place : place + 1] = [MonthEntry(*key, one.fen + new.fen)] if one.fen + new.fen else []
            return
        if other > key:
            entries.insert(place, new)
            return
    entries.append(new)


def _year(entries: YearEntries) -> int:
    return entries.year


def _with_declaration(state: PersonalAccount, event: SubsidyDeclared) -> PersonalAccount:
    """A roster names an account once, so there is none of it yet."""
    if state.declared_in(event.roster):
        raise ValueError(f"roster {event.roster} declared for this account before")
    new = Declaration(event.year, event.kind, event.fen, event.payer, event.roster)
    return msgspec.structs.replace(state, version=state.version + 1, declarations=(*state.declarations, new))


def _released(state: PersonalAccount, event: DeclarationReleased) -> PersonalAccount:
    declarations = _less(state.declarations, event.roster, event.fen)
    return msgspec.structs.replace(state, version=state.version + 1, declarations=declarations)


def _about_the_holder(state: PersonalAccount, _event: HolderRenamed | HolderErased) -> PersonalAccount:
    return msgspec.structs.replace(state, version=state.version + 1)


_STEPS: Final[dict[type[AccountEvent], Callable[[PersonalAccount, Any], PersonalAccount]]] = {
    **{event: _with_money for event in EVENTS if issubclass(event, MoneyEvent)},
    **{event: _with_interest for event in EVENTS if issubclass(event, InterestEvent)},
    SubsidyDeclared: _with_declaration,
    DeclarationReleased: _released,
    HolderRenamed: _about_the_holder,
    HolderErased: _about_the_holder,
}
"""What follows an account's opening, by what happened. To ask an event for its class through `isinstance` takes these
classes five times as long as to look it up, and every row of every file comes this way.
"""


def _less(declarations: tuple[Declaration, ...], roster: str, fen: int) -> tuple[Declaration, ...]:
    """Declarations after `fen` of a roster's was received or given back; one that is used up is gone."""
    left = [
        msgspec.structs.replace(one, fen=one.fen - fen) if one.roster == roster else one for one in declarations
    ]  # fmt: skip
    if any(one.fen < 0 for one in left) or all(one.roster != roster for one in left):
        raise ValueError(f"roster {roster} holds less than {fen} fen on this account")
    return tuple(one for one in left if one.fen)


def _aid_after(aid: tuple[AidOfYear, ...], event: MoneyEvent) -> tuple[AidOfYear, ...]:
    """Aid by period year after `event`: aid adds, its reversal frees the room again; all else never counts."""
    topic = event.original if type(event) is EntryReversed else event.topic
    if topic not in _COUNTS_TOWARD_CAP:
        return aid
    years = {one.year: one for one in aid}
    before = years.get(event.year, AidOfYear(event.year, 0, 0))
    after = AidOfYear(
        event.year,
        before.collective + event.effect.collective_subsidy,
        before.social + event.effect.social_aid,
    )
    years[event.year] = after
    return tuple(years[year] for year in sorted(years) if years[year] != AidOfYear(year, 0, 0))


def with_entries(amounts: Amounts, entries: tuple[MonthEntry, ...]) -> Amounts:
    """Amounts by kind and what was entered."""
    fen = [*amounts.by_kind()]
    for entry in entries:
        fen[entry.kind] += entry.fen
    return Amounts(*fen)


def fold(events: tuple[AccountEvent, ...] | list[AccountEvent]) -> PersonalAccount:
    """The state after a whole stream."""
    state: PersonalAccount | None = None
    for event in events:
        state = evolve(state, event)
    if state is None:
        raise ValueError("a stream has at least one event")
    return state
