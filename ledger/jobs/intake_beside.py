"""A file whose rows are written beside the log: approvals, answers. No event follows, and no account moves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

from eventsourcing.persistence import IntegrityError

from ledger.jobs.intake import Outcome, Row, RowByRow
from ledger.store.recorder import Hook

_EVERY: Final = frozenset({None})
"""Every row of a tranche: none is decided on an account."""


class BesideTheLog(RowByRow[Row]):
    """Tranches that are decided, then written whole; where somebody else wrote a row meanwhile, decided anew."""

    @abstractmethod
    def write_pending(self) -> None:
        """Write what was decided, in one transaction. Raises `IntegrityError`."""

    def _attempt(
        self, todo: list[tuple[int, Row]], ended: dict[int, Outcome], *, last: bool
    ) -> frozenset[bytes | None]:
        self.look_up([row for _, row in todo])
        for line, row in todo:
            ended[line] = self.decide(row)
        if self.dry_run:
            return frozenset()
        try:
            self.write_pending()
        except IntegrityError:
            if last:
                raise
            return _EVERY
        return frozenset()

    def account(self, row: Row) -> bytes | None:  # noqa: ARG002 — asked of every intake
        """None: no account's state is asked."""
        return None

    def hook(self, rows: Sequence[Row]) -> Hook | None:  # noqa: ARG002 — asked of every intake
        """Nothing: there are no events to commit with."""
        return None
