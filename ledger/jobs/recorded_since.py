"""What an import recorded after the rows of a later tranche were looked up: it is brought into what was looked up."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ledger.account import PersonalAccount
from ledger.jobs.payment_pages import LookedUp
from ledger.jobs.payment_rows import FaultyRow, PaymentRow
from ledger.store.external_identities import CANCELLED, NEW, Identity, RecordedRow
from ledger.store.log import PoolLog
from ledger.store.states import load_states


class _Tranche(NamedTuple):
    """A recorded tranche: up to which id of the log, what by identity, under which serials, on whose accounts."""

    last_id: int
    rows: Mapping[Identity, RecordedRow]
    serials: frozenset[str]
    accounts: frozenset[bytes]


class RecordedSince:
    """The tranches of one import that later ones may have been looked up before."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._tranches: deque[_Tranche] = deque()

    def add(self, last_id: int, rows: Mapping[Identity, RecordedRow]) -> None:
        """A tranche is recorded."""
        serials = frozenset(serial for serial, _ in rows)
        accounts = frozenset(row.account for row in rows.values())
        self._tranches.append(_Tranche(last_id, rows, serials, accounts))

    def forget(self, position: int) -> None:
        """Whatever comes from now on was looked up when the log had come to `position`, or later."""
        while self._tranches and self._tranches[0].last_id <= position:
            self._tranches.popleft()

    def mend(self, found: LookedUp, rows: Sequence[PaymentRow | FaultyRow]) -> dict[bytes, PersonalAccount]:
        """Bring what is known of the rows' serials to where the tranches since have led; gives the accounts that they
        moved, as they stand.
        """
        later = [one for one in self._tranches if one.last_id > found.position]
        if not later:
            return {}
        serials = {row.payment.serial for row in rows if isinstance(row, PaymentRow)}
        moved: set[bytes] = set()
        for one in later:
            again = [(serial, data_type) for serial in serials & one.serials for data_type in (NEW, CANCELLED)]
            mine = {identity: one.rows[identity] for identity in again if identity in one.rows}
            found.known.update(mine)
            moved.update(row.account for row in mine.values())
            moved.update(found.states.keys() & one.accounts)
        return load_states(self._log, moved) if moved else {}
