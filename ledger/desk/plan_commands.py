"""What may be asked about a subsidy plan, one command at a time; see `ledger/desk/commands.py`."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from ledger.desk.commands import Command
from ledger.plan_events import Source, Standard
from ledger.roster import Row
from ledger.words import MoneyKind


class DraftPlan(Command, frozen=True, kw_only=True):
    """拟定方案."""

    kind: MoneyKind
    payer: str
    village: str
    year: int
    covered: str
    standard: Standard
    sources: tuple[Source, ...]
    sequence: int = 1
    standing: bool = False


class PlanCommand(Command, frozen=True, kw_only=True):
    """A command about an existing plan."""

    plan: UUID


class StepCommand(PlanCommand, frozen=True, kw_only=True):
    """A step of the procedure: on which day, for whom the actor acts, with which papers, for which roster."""

    step: str
    on: date
    acting_for: str
    evidence: dict[str, str] = msgspec.field(default_factory=dict)
    roster: str = ""
    matter: str = ""


class TakeStep(StepCommand, frozen=True, kw_only=True):
    """A step that does nothing to a roster."""


class DeclareRoster(StepCommand, frozen=True, kw_only=True):
    """The step that declares a roster, with its rows as they were read from a file (sha256)."""

    year: int
    file: str
    rows: tuple[Row, ...]


class ReviewRoster(StepCommand, frozen=True, kw_only=True):
    """The step that reviews a roster. `floor_reason` says why amounts below a floor that is only 原则上 may stand."""

    floor_reason: str = ""


class AllocateRoster(StepCommand, frozen=True, kw_only=True):
    """The step that credits a whole roster from one sum: fen, day of arrival, 缴存凭证."""

    fen: int
    arrived_on: date
    voucher: str


class ReturnRoster(PlanCommand, frozen=True, kw_only=True):
    """退回 a roster."""

    roster: str
    reason: str


class ClosePlan(PlanCommand, frozen=True, kw_only=True):
    """终止方案."""

    reason: str


class PlanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an accepted command is told: the plan, its version after it, and what was recorded in the plan's stream.

    `accounts` is how many accounts got an event with it; `position` that of its last event in the log.
    """

    command_id: UUID
    plan: UUID
    version: int
    position: int
    recorded_at: str | None
    events: list[dict[str, Any]]
    roster: str = ""
    accounts: int = 0
    notices: list[str] = msgspec.field(default_factory=list)
    dry_run: bool = False
