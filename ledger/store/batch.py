"""A tranche: states loaded, decisions chained, everything recorded in one transaction, the moved decided again.

Each decision stands on the state its predecessor in the tranche left. A refused one leaves no trace. One command is a
tranche of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from ledger.account import PersonalAccount, evolve
from ledger.account_decisions import Asked, Decided, History, Past
from ledger.account_events import BY_TOPIC, AccountEvent
from ledger.refusals import Refusal
from ledger.store.copy_rows import LogRow, RowBlock, TrancheBuffer
from ledger.store.log import PoolLog
from ledger.store.mapper import encode
from ledger.store.recorder_ways import COPY_ABOVE, StreamWrite
from ledger.store.states import encode_state, load_states, state_row

_TOPICS: Final = {topic: topic.encode() for topic in BY_TOPIC}
Events = list[AccountEvent]
Decision = Callable[[PersonalAccount, Past], Asked]


class Tranche:
    """Accounts as one tranche sees them: loaded states, the events decided so far, and what is to be written."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._loaded: dict[bytes, PersonalAccount] = {}
        self._states: dict[bytes, PersonalAccount] = {}
        self._histories: dict[bytes, Events] = {}
        self._pending: dict[bytes, Events] = {}
        self._sending = False

    def load(self, accounts: Iterable[UUID]) -> None:
        """Read the states of accounts that decisions will ask for; one with something pending keeps its state."""
        self.take(load_states(self._log, [one.bytes for one in accounts if one.bytes not in self._pending]))

    def take(self, states: dict[bytes, PersonalAccount]) -> None:
        """States that were read already; an account with something pending keeps its own."""
        if self._pending:
            states = {account: state for account, state in states.items() if account not in self._pending}
        self._loaded.update(states)
        self._states.update(states)

    def load_histories(self, accounts: Iterable[UUID]) -> None:
        """Read the events of accounts whose decisions will need them, in one statement instead of one each."""
        self._histories.update(self._log.histories(accounts))

    def state(self, account: bytes) -> PersonalAccount | None:
        """The account's state after what this tranche decided; None where it does not exist."""
        return self._states.get(account)

    def decide(self, account: bytes, decision: Decision) -> Decided:
        """Ask `decision` about an existing account; what it decides is pending until the tranche is recorded."""
        state = self._states[account]
        answer = decision(state, None)
        if isinstance(answer, History):
            answer = decision(state, self.history(account))
        if isinstance(answer, History):
            raise TypeError("a decision that was given the history asked for it again")
        if not isinstance(answer, Refusal):
            self._apply(account, state, answer)
        return answer

    def add(self, account: bytes, events: tuple[AccountEvent, ...]) -> None:
        """A new account with its first events."""
        self._apply(account, None, events)

    def history(self, account: bytes) -> Events:
        """The account's events, those pending in this tranche included."""
        if account not in self._histories and account in self._loaded:
            if self._sending:
                raise RuntimeError("the events of an account were needed while its transaction was being written")
            self._histories[account] = self._log.history(UUID(bytes=account))
        return self._histories.get(account, []) + self._pending.get(account, [])

    def _apply(self, account: bytes, state: PersonalAccount | None, events: tuple[AccountEvent, ...]) -> None:
        for event in events:
            state = evolve(state, event)
        if state is not None and events:
            self._states[account] = state
            self._pending.setdefault(account, []).extend(events)

    @property
    def pending(self) -> Mapping[bytes, Sequence[AccountEvent]]:
        """What was decided and is not recorded yet, by account."""
        return self._pending

    def sent(self) -> None:
        """What was pending is written in the transaction that is open: what comes now stands on it.

        While it is, nothing is read over its connection: an account whose events will be needed is loaded before.
        """
        self._sending = True
        for account, events in self._pending.items():
            self._loaded[account] = self._states[account]
            if account in self._histories:
                self._histories[account] += events
        self._pending.clear()

    def writes(self) -> TrancheBuffer | list[StreamWrite]:
        """What is to be recorded: for each account that changed, its events and its state."""
        if sum(map(len, self._pending.values())) > COPY_ABOVE:
            return self.laid_down()
        return self.stream_writes()

    def stream_writes(self) -> list[StreamWrite]:
        """The same, stream by stream."""
        return [
            StreamWrite(
                account,
                tuple(
                    LogRow(account, version, event.topic.encode(), encode(event))
                    for version, event in enumerate(events, self._version_before(account) + 1)
                ),
                state_row(account, self._loaded.get(account), self._states[account]),
            )
            for account, events in self._pending.items()
        ]

    def laid_down(self) -> TrancheBuffer:
        """The same in COPY's format at once."""
        block = RowBlock()
        for account, events in self._pending.items():
            before = self._version_before(account)
            for version, event in enumerate(events, before + 1):
                block.add_event(account, version, _TOPICS[event.topic], encode(event))
            after = self._states[account]
            block.add_state(account, before, after.version, after.credited_through, encode_state(after))
        return TrancheBuffer([block])

    def _version_before(self, account: bytes) -> int:
        before = self._loaded.get(account)
        return before.version if before else 0

    def version(self, account: bytes) -> int:
        """The version of the account's latest event, pending ones included."""
        return self._states[account].version
