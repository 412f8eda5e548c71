"""Single commands share transactions: what waits while one commits goes together into the next.

One writer works for a pool at a time. It takes the commands that wait, decides them under the lock of the log in their
order, and records all that were accepted at once, with their ids. If that transaction fails, none of its commands is to
blame for another: those that were recorded after all are found by their ids, the others are tried once more, one by
one. Where the lock is out of reach, nothing was decided, and all are told so at once. A queue that is full says so at
once too.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from eventsourcing.persistence import OperationalError

from ledger.desk.commands import Answer, Command, EraseParticipant, OpenAccount, said
from ledger.desk.transaction import Asked, Outcome, Transaction, repeated
from ledger.region_rules import RegionRules
from ledger.store.command_ids import find_commands
from ledger.store.divisions import Divisions
from ledger.store.exchange_erasure import UnreadRows
from ledger.store.job_lock import BusyError
from ledger.store.log import PoolLog
from ledger.store.recorder import ToRecord
from ledger.store.register import Register

TOGETHER: Final = 256
"""Commands of one transaction at most."""
DECIDING_SECONDS_MAX: Final = 0.02
"""Deciding holds the lock: what is not decided by then waits for the next transaction."""
QUEUE_MAX: Final = 1_024
_SWITCH_SECONDS: Final = 0.0001
_COLLECT_ABOVE: Final = 10_000
_LINGER_SECONDS: Final = 0.001
_LINGER_FROM: Final = 8
"""Commands of a batch from which on the writer lingers: those just answered are about to send their next ones."""
WRITERS_MAX: Final = 8
_log: Final = logging.getLogger(__name__)


class QueueFullError(BusyError):
    """So many commands wait for the pool already that another would wait too long; text in Chinese."""


class Waiter(Protocol):
    """Whoever waits for an answer: a future of a thread or of an event loop."""

    def set_result(self, answer: Any, /) -> None:
        """The answer of an accepted command."""

    def set_exception(self, fault: Any, /) -> None:
        """`Refused`, or why it is not known whether the command was recorded."""


class _Waiting(NamedTuple):
    asked: Asked
    waiter: Waiter


Deliver = Callable[[list[tuple[Waiter, Outcome]]], None]


def deliver_at_once(outcomes: list[tuple[Waiter, Outcome]]) -> None:
    """Tell every waiter from the thread that recorded; one that no longer waits keeps nobody from being told."""
    for waiter, outcome in outcomes:
        with suppress(InvalidStateError):
            if isinstance(outcome, BaseException):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)


class _OutOfReachError(Exception):
    """The lock was not had, for the cause it carries: nothing was decided, and no command of the batch is to blame."""


class Writers:
    """The threads that record for all pools of a process; none works while nothing waits.

    While they are there, the process's threads change hands sooner: a writer asks for the interpreter after each answer
    of the database, and at Python's own 5 ms the commands that wait hold it for longer than the database took. What was
    there before them is not looked through for rubbish again: that stopped everybody for 20 ms now and then.
    """

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(WRITERS_MAX, "writer")
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._collect = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(_COLLECT_ABOVE, *self._collect[1:])

    def close(self) -> None:
        """Record what waits, and end."""
        self.threads.shutdown()
        sys.setswitchinterval(self._switch)
        gc.set_threshold(*self._collect)
        gc.unfreeze()


class PoolWriter:
    """The queue of one pool's commands."""

    def __init__(self, log: PoolLog, register: Register, writers: Writers, deliver: Deliver = deliver_at_once) -> None:
        self._log = log
        self._register = register
        self._writers = writers
        self._deliver = deliver
        self._queue: deque[_Waiting] = deque()
        self._lock = threading.Lock()
        self._at_work = False
        self._rules: RegionRules | None = None
        self._divisions: Divisions | None = None

    def ask(self, command: Command) -> Answer:
        """Submit a command and wait for its answer. Raises `Refused`, `QueueFullError`, the library's errors."""
        waiter: Future[Answer] = Future()
        self.submit(command, waiter)
        return waiter.result()

    def submit(self, command: Command, waiter: Waiter) -> None:
        """Have a command done; `waiter` is told. Raises `QueueFullError` at once, RuntimeError after the end."""
        waiting = _Waiting(Asked.of(command, self._register.command_digest(said(command))), waiter)
        with self._lock:
            if len(self._queue) >= QUEUE_MAX:
                raise QueueFullError(f"统筹区 {self._log.pool} 已有{QUEUE_MAX}笔业务在等待，请稍后再试")
            self._queue.append(waiting)
            if self._at_work:
                return
            try:
                self._writers.threads.submit(self._work)
            except RuntimeError:  # the writers have ended: nobody would ever take it from the queue
                self._queue.pop()
                raise
            self._at_work = True

    def _work(self) -> None:
        while True:
            with self._lock:
                batch = [self._queue.popleft() for _ in range(min(TOGETHER, len(self._queue)))]
                if not batch:
                    self._at_work = False
                    return
            try:
                outcomes = self._outcomes(batch)
            except BaseException as fault:
                outcomes = [(one.waiter, fault) for one in batch]
            try:
                self._deliver(outcomes)
            except Exception:  # or the queue would stand still for ever
                _log.exception("answers could not be delivered")
            if len(self._queue) < len(batch) >= _LINGER_FROM:
                time.sleep(_LINGER_SECONDS)

    def _outcomes(self, batch: list[_Waiting]) -> list[tuple[Waiter, Outcome]]:
        trials = [(one.waiter, self._tried(one)) for one in batch if one.asked.command.dry_run]
        real = [one for one in batch if not one.asked.command.dry_run]
        if not real:
            return trials
        try:
            answers = self._together(real)
        except _OutOfReachError as gone:
            return trials + [(one.waiter, gone.__cause__ or gone) for one in real]
        except Exception as fault:
            return trials + self._one_by_one(real, fault)
        left = real[len(answers) :]
        with self._lock:
            self._queue.extendleft(reversed(left))
        return trials + [(one.waiter, answer) for one, answer in zip(real, answers, strict=False)]

    def _one_by_one(self, batch: list[_Waiting], fault: Exception) -> list[tuple[Waiter, Outcome]]:
        """After a failed transaction: what was recorded is found, what was not is tried once more, by itself.

        A log that is out of reach is so for all of them; any other fault, however it is called, is one command's own.
        """
        try:
            found = find_commands(self._log, {one.asked.id for one in batch})
        except Exception as gone:
            lost = OperationalError(f"it is not known what was recorded: {gone}")
            return [(one.waiter, lost) for one in batch]
        outcomes: list[tuple[Waiter, Outcome]] = []
        out_of_reach: BaseException | None = None
        for one in batch:
            outcome: Outcome
            if known := found.get(one.asked.id):
                outcome = repeated(known, one.asked.digest)
            elif out_of_reach is not None or len(batch) == 1:
                outcome = out_of_reach or fault
            else:
                try:
                    (outcome,) = self._together([one])
                except _OutOfReachError as gone:
                    outcome = out_of_reach = gone.__cause__ or gone
                except Exception as own:
                    outcome = self._after_all(one, own)
            outcomes.append((one.waiter, outcome))
        return outcomes

    def _after_all(self, one: _Waiting, fault: Exception) -> Outcome:
        """The answer of a command whose second trial failed, where it was recorded nevertheless; else the fault."""
        with suppress(Exception):
            if known := find_commands(self._log, {one.asked.id}).get(one.asked.id):
                return repeated(known, one.asked.digest)
        return fault

    # -- one transaction -------------------------------------------------------------------------------------------

    def _together(self, batch: Sequence[_Waiting]) -> list[Outcome]:
        """The outcomes of the first commands of `batch`, recorded: of all that were decided in time.

        Raises `_OutOfReachError` where the lock was not had; any other error may come after the commit.
        """
        reached = False
        shared: Transaction | None = None
        asked = [one.asked for one in batch]
        unread = self._unread(asked)

        def decide(connection: Any, last_id: int, rules_version: int, found: list[list[Any]]) -> Iterator[ToRecord]:
            nonlocal reached, shared
            reached = True
            shared = self._transaction(self._log.on(connection), last_id, rules_version, unread)
            return shared.decide(asked, found, DECIDING_SECONDS_MAX)

        try:
            self._log.record_under_lock(decide, Transaction.queries(self._log, asked))
        except OperationalError as fault:  # any other, even before the decision, may be what one command asked for
            if reached:
                raise
            raise _OutOfReachError from fault
        assert shared is not None
        return shared.outcomes()

    def _unread(self, asked: Sequence[Asked]) -> UnreadRows | None:
        """What an erasure must look through, opened before the lock is held: there may be thousands of rows."""
        numbers = [one.command.number for one in asked if isinstance(one.command, EraseParticipant)]
        if not numbers:
            return None
        unread = UnreadRows(self._register)
        for number in numbers:
            unread.look_for(number)
        return unread

    def _tried(self, one: _Waiting) -> Outcome:
        """A dry run: decided on what stands now, without the lock, and not recorded.

        An account that it would open has no id: the one made for it here will never be.
        """
        try:
            position, _, version = self._log.position()
            shared = self._transaction(self._log, position, version)
            asked = [one.asked]
            found = self._log.read(Transaction.queries(self._log, asked))
            for _ in shared.decide(asked, found, DECIDING_SECONDS_MAX):
                pass
            (outcome,) = shared.outcomes()
        except Exception as fault:
            return fault
        if isinstance(outcome, Answer):
            account = None if isinstance(one.asked.command, OpenAccount) else outcome.account
            return msgspec.structs.replace(outcome, account=account, position=position, recorded_at=None, dry_run=True)
        return outcome

    def _transaction(
        self, log: PoolLog, last_id: int, rules_version: int, unread: UnreadRows | None = None
    ) -> Transaction:
        if self._rules is None or self._rules.version != rules_version:
            self._rules = log.rules()
        return Transaction(
            log, self._register.on(log), self._rules, lambda said: self._village(log, said), last_id, unread
        )

    def _village(self, log: PoolLog, said: str) -> str | None:
        """The code of a village; divisions are read again when one is asked for that was not there before."""
        found = self._divisions.find(said) if self._divisions else None
        if found is None:
            self._divisions = Divisions(log)
            found = self._divisions.find(said)
        return found
