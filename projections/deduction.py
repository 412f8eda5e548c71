"""Which row of the log was changed or lost where no line witnesses it, because no read has folded that far yet.

The state still holds what the row said: the balance by kind, the entries of open years by month, aid by period, the
last year credited. A row is named when the log, with that row told otherwise, folds to the stored state exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ledger.account import PersonalAccount
from ledger.account_events import AccountEvent, InterestCredited, InterestEvent, MoneyEvent
from ledger.dates import FIRST_PERIOD
from ledger.interest_decisions import year_end
from ledger.money import fen_to_yuan
from ledger.words import KINDS, NOTHING, Amounts
from projections.evidence import Evidence, LogEntry, decoded, folded, holds, state_of

_TRIED_MAX: Final = 2_000
"""Foldings of an account's stream that are tried at most; beyond, the account is named and not the row."""


def changed_row(evidence: Evidence) -> LogEntry | None:
    """The row without a line whose change explains the stored state; None where there is none, or more than one."""
    events = [decoded(entry) for entry in evidence.log]
    stored = state_of(evidence.state)
    if stored is None or not all(isinstance(event, AccountEvent) for event in events):
        return None
    stream = [event for event in events if isinstance(event, AccountEvent)]
    now = folded(stream)
    found: list[LogEntry] = []
    tried = 0
    for place, (entry, event) in enumerate(zip(evidence.log, stream, strict=True)):
        if entry.id <= evidence.lines_at or not isinstance(event, MoneyEvent):
            continue
        for other in _told_otherwise(event, stored, now):
            tried += 1
            if tried > _TRIED_MAX:
                return None
            if holds(evidence.state, folded([*stream[:place], other, *stream[place + 1 :]])):
                found.append(entry)
                break
    return found[0] if len(found) == 1 else None


def _told_otherwise(event: MoneyEvent, stored: PersonalAccount, now: PersonalAccount | None) -> Iterator[MoneyEvent]:
    """What the row may have said: another amount, another day's year, another period."""
    missing = stored.balance + now.balance.times(-1) if now else NOTHING
    if missing != NOTHING:
        yield msgspec.structs.replace(event, effect=event.effect + missing)
        return
    if isinstance(event, InterestEvent):
        return
    for year in range(max(stored.first_year, FIRST_PERIOD) - 1, max(stored.credited_through, event.year) + 3):
        if year != event.year:
            yield msgspec.structs.replace(event, year=year)
        if year != event.effective_on.year:
            moved = event.effective_on.replace(year=year, day=min(event.effective_on.day, 28))
            yield msgspec.structs.replace(event, effective_on=moved)


def lost_row(evidence: Evidence) -> dict[str, Any]:
    """What the state tells of a single row that is gone: its money, and for interest its topic, year and date."""
    stream = [event for entry in evidence.log if isinstance(event := decoded(entry), AccountEvent)]
    stored, rest = state_of(evidence.state), folded(stream)
    if stored is None or rest is None or stored.version != len(stream) + 1:
        return {}
    effect = stored.balance + rest.balance.times(-1)
    said: dict[str, Any] = {"effect": _yuan(effect)}
    if stored.credited_through == rest.credited_through + 1 and effect == Amounts(interest=effect.interest):
        year = stored.credited_through
        said |= {"topic": InterestCredited.topic, "year": year, "effective_on": year_end(year).isoformat()}
    return said


def _yuan(effect: Amounts) -> dict[str, str]:
    return {kind.value: fen_to_yuan(effect.of(kind)) for kind in KINDS if effect.of(kind)}
