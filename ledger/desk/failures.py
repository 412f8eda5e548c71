"""What is done about a payment that failed: somebody answers for it, its cause is told, two people close it."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from ledger import clock
from ledger.desk.commands import Command, said
from ledger.desk.nameless import require_nameless_of
from ledger.desk.once import answered
from ledger.failure_cases import Step, StepTaken, may_take
from ledger.refusals import Reason, Refused, refuse
from ledger.region_rules import same_person
from ledger.store.command_ids import CommandRow, write_commands
from ledger.store.failures import Failures
from ledger.store.log import PoolLog
from ledger.store.register import Register


class TakeCaseStep(Command, frozen=True, kw_only=True):
    """A step of a case: `owner` and `due_on` where it is assigned, `reason` where it is explained or closed."""

    case: UUID
    step: Step
    owner: str = ""
    due_on: date | None = None
    reason: str = ""


class CaseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it is told; `sequence` numbers the steps of its case."""

    command_id: UUID
    case: UUID
    status: str
    sequence: int
    dry_run: bool = False


class FailureDesk:
    """The cases of one pool."""

    def __init__(self, log: PoolLog, register: Register) -> None:
        self._log = log
        self._register = register

    def take(self, command: TakeCaseStep) -> CaseAnswer:
        """Take a step. Raises `Refused`: COMMAND_ID, ROW_FAULT, SAME_PERSON, FAILURE_UNKNOWN, FAILURE_STATE."""
        digest = self._register.command_digest(said(command))
        with Failures(self._log).alone() as (log, cursor):
            if (stored := answered(log, command, digest)) is not None:
                return _decode(stored)
            cases = Failures(log)
            case = cases.find(command.case)
            if case is None:
                raise Refused(refuse(Reason.FAILURE_UNKNOWN, "事项编号"))
            if command.step is Step.CLOSED and (same := same_person(log.rules(), command.actor, command.reviewer)):
                raise Refused(same)
            texts = {"--owner": command.owner, "--reason": command.reason}
            require_nameless_of(self._register.on(log), case.failure.participant, texts)
            if wrong := may_take(command.step, case.standing.status):
                raise Refused(wrong)
            answer = CaseAnswer(
                command_id=command.command_id,
                case=command.case,
                status=command.step.name.lower(),
                sequence=len(case.steps) + 1,
                dry_run=command.dry_run,
            )
            if not command.dry_run:
                step = StepTaken(
                    command.step, command.owner.strip(), command.due_on, command.reason.strip(), command.actor,
                    command.reviewer, clock.now(),
                )  # fmt: skip
                cases.write_step(cursor, command.case, answer.sequence, command.command_id, step)
                at = log.position()[0]
                write_commands(log, cursor, [CommandRow(command.command_id.bytes, digest, at, at, _encode(answer))])
            return answer


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(CaseAnswer).decode
