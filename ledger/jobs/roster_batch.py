"""Rosters of a plan in batch (可批量、可单独, S0 附件1 四（三）): each taken through the same step, by itself.

Each is a command of its own, recorded whole or not at all, under an id that follows from the batch's: a batch that was
cut short is simply repeated. Several are decided in two processes, because one interpreter can use one core alone.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID, uuid5

import msgspec

from ledger.desk.declaring import sound
from ledger.desk.plan_commands import AllocateRoster, DeclareRoster, PlanAnswer, ReviewRoster
from ledger.desk.plans import PlanDesk, RosterFaultsError
from ledger.forms.rules import read_forms
from ledger.jobs.apart import Apart
from ledger.jobs.intake import FileRow
from ledger.jobs.pipeline import batch_pace
from ledger.jobs.roster_rows import read_roster
from ledger.refusals import Refusal, Refused
from ledger.store.connections import Connections
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.words import MoneyKind

APART_FROM: Final = 4
"""Rosters from which on a second process is worth its start."""
Fault = tuple[int, Refusal]


class RosterFile(NamedTuple):
    """The rows of a declared roster as its file has them, where its columns stand, and of which kind its money is."""

    rows: Iterable[FileRow]
    columns: dict[str, int]
    kind: MoneyKind


class RosterTask(NamedTuple):
    """One roster's step: what it is called (its file, or its id), the command, and the file that is to be declared."""

    name: str
    command: DeclareRoster | ReviewRoster | AllocateRoster
    file: RosterFile | None = None


class RosterOutcome(NamedTuple):
    """How one roster's step ended: an answer, or the refusal with the faults of its rows."""

    name: str
    answer: PlanAnswer | None
    refusal: Refusal | None = None
    faults: Sequence[Fault] = ()


def id_within(batch: UUID, name: str) -> UUID:
    """The command id of one roster of a batch: the same at every repetition."""
    return uuid5(batch, name)


def take_through(log: PoolLog, register: Register, tasks: Sequence[RosterTask]) -> Iterator[RosterOutcome]:
    """The outcome of each roster, as they end. What one of them raises ends the batch; what was recorded stays."""
    with batch_pace():
        if len(tasks) < APART_FROM:
            for task in tasks:
                yield _carried_out(log, register, task)
            return
        others = tasks[3::2]  # fewer: it takes as long to start as two rosters take
        mine = [*tasks[:3], *tasks[4::2]]
        with Apart("ledger.jobs.roster_batch:rosters_apart") as other:
            answers = other.ask(pickle.dumps((log.connections.url, log.pool, register.keys, others)))
            for task in mine:
                yield _carried_out(log, register, task)
            for (said,) in answers:
                yield pickle.loads(said)


def rosters_apart(asked: bytes) -> Iterator[tuple[bytes]]:
    """The outcomes of the rosters it was given, pickled. Runs in the child."""
    url, pool, keys, tasks = pickle.loads(asked)
    with Connections(url, "pension-ledger rosters") as connections, batch_pace():
        log = PoolLog(connections, pool)
        register = Register(log, keys)
        for task in tasks:
            yield (pickle.dumps(_carried_out(log, register, task)),)


def _carried_out(log: PoolLog, register: Register, task: RosterTask) -> RosterOutcome:
    command = task.command
    try:
        desk = PlanDesk(log, register)
        if isinstance(command, DeclareRoster) and task.file is not None:
            forms = read_forms(log.rules().region)
            read = read_roster(task.file.rows, task.file.columns, register, task.file.kind, forms)
            command = sound(desk, msgspec.structs.replace(command, rows=read.rows), read.faults)
        return RosterOutcome(task.name, desk.do(command))
    except RosterFaultsError as faulty:
        return RosterOutcome(task.name, None, faulty.refusal, faulty.faults)
    except Refused as refused:
        return RosterOutcome(task.name, None, refused.refusal)
