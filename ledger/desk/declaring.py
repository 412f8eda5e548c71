"""A roster as it was read, on its way to the desk: what is wrong with it is told in one round, from every side."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ledger.desk.plan_commands import DeclareRoster
from ledger.desk.plans import PlanDesk, RosterFaultsError
from ledger.jobs.roster_rows import Fault


def sound(desk: PlanDesk, command: DeclareRoster, faults: Sequence[Fault]) -> DeclareRoster:
    """The command, where its rows were read without a fault.

    Else raises `RosterFaultsError` with the faults of reading and all that the rows left would be refused for. A step
    that may not be taken at all raises `Refused`, whatever its rows say.
    """
    if not faults:
        return command
    found = list(faults)
    if command.rows:
        try:
            desk.do(msgspec.structs.replace(command, dry_run=True))
        except RosterFaultsError as more:
            found += more.faults
    raise RosterFaultsError(found)
