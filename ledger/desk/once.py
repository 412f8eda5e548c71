"""A command is done once, however often it is sent: by one door twice, or by two hands at the same instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from eventsourcing.persistence import IntegrityError

from ledger.desk.commands import Command
from ledger.refusals import Reason, Refused, refuse
from ledger.store.command_ids import find_commands
from ledger.store.log import PoolLog
from ledger.store.recorder import MovedError

ATTEMPTS: Final = 6
"""How often a command is decided anew because something of it moved; what it is about rests between two of them."""

_Answer = TypeVar("_Answer")


def answered(log: PoolLog, command: Command, digest: bytes) -> bytes | None:
    """The stored answer of a command that was recorded already; None where it was not.

    Raises `Refused` (COMMAND_ID) where what was recorded under its id said something else.
    """
    known = find_commands(log, {command.command_id.bytes}).get(command.command_id.bytes)
    if known is None:
        return None
    if known.input_hash != digest:
        raise Refused(refuse(Reason.COMMAND_ID, "命令编号"))
    return known.answer


def done_once(
    log: PoolLog, command: Command, digest: bytes, decode: Callable[[bytes], _Answer], attempt: Callable[[], _Answer]
) -> _Answer:
    """The answer of a command that is decided beside the log, without holding it: the first one, or a new one.

    What refuses it may be its own work, recorded by another hand after this one looked: then it is told that answer.
    Raises what `attempt` raises; `MovedError` and `IntegrityError` only when it has moved `ATTEMPTS` times.
    """
    for left in reversed(range(ATTEMPTS)):
        if (stored := answered(log, command, digest)) is not None:
            return decode(stored)
        try:
            return attempt()
        except Refused:
            if (stored := answered(log, command, digest)) is None:
                raise
            return decode(stored)
        except (MovedError, IntegrityError):
            if not left:
                raise
    raise AssertionError("unreachable")
