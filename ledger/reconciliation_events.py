"""The events of a reconciled month (对账月份): what people said of its differences, and who signed it. Stored for ever.

Every event says who acted, who checked, why, and which rules allowed it, as those of an account do. A difference is
named by its id; what was said of it holds as long as it is what it was then. No name or citizen number enters an event.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Final
from uuid import UUID

import msgspec


class MonthEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event of a month says, whatever happened."""

    topic: ClassVar[str]
    class_version: ClassVar[int] = 1

    actor: str
    rule: str
    reviewer: str = ""
    cause: str = ""
    command_id: str = ""


class Spoken(msgspec.Struct, frozen=True, array_like=True):
    """A difference as it stood when it was spoken of: its id, its category, and tax less agency in fen."""

    id: UUID
    category: str
    fen: int


class DifferenceExplained(MonthEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The cause of differences is known, and nothing is to be booked for it."""

    topic: ClassVar[str] = "month.difference_explained"

    differences: tuple[Spoken, ...]
    reason: str


class DifferenceAssigned(MonthEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Differences have an owner, who is to have them dealt with by `due_on`."""

    topic: ClassVar[str] = "month.difference_assigned"

    differences: tuple[UUID, ...]
    owner: str
    due_on: date


class DifferenceResolved(MonthEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A difference was ended by a later event of an account: `version` of `account`, whose topic is `by`."""

    topic: ClassVar[str] = "month.difference_resolved"

    difference: Spoken
    account: UUID
    version: int
    by: str
    reason: str = ""


class MonthSigned(MonthEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Both sides sign the month: `tax_side` for the tax side, by `document`, on these figures (rows and fen).

    What the agency's own entries count for stands with `agency`, so `difference` is tax less agency. `differences` is
    how many there were, and `rows` how many rows of the month had been received, but for those that came again: later
    ones are told by it.
    """

    topic: ClassVar[str] = "month.signed"

    tax_side: str
    document: str
    tax_rows: int
    tax: int
    agency_rows: int
    agency: int
    difference: int
    differences: int
    rows: int


class MonthReopened(MonthEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A signed month is opened again, for a reason."""

    topic: ClassVar[str] = "month.reopened"

    reason: str


MONTH_EVENTS: Final[tuple[type[MonthEvent], ...]] = (
    DifferenceExplained,
    DifferenceAssigned,
    DifferenceResolved,
    MonthSigned,
    MonthReopened,
)
"""Every event of the stream."""
