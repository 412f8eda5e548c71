"""How many rows a tranche of a job takes: many alone, few while somebody waits for the log.

A tranche holds the lock of the log while it records. Ten thousand rows hold it for a tenth of a second, which a counter
would feel in every command; six hundred hold it for some 10 ms, and between two tranches whoever waits goes first.
A job begins carefully: it does not know yet who is there.
"""

from __future__ import annotations

from typing import Final

IN_COMPANY: Final = 600
"""Rows of a tranche while somebody waits."""
_ALONE_AFTER: Final = 20
"""Tranches for which nobody waited, before they grow again."""


class Pace:
    """The size of the next tranche: `alone` rows, or few for a while after somebody was seen to wait."""

    def __init__(self, alone: int) -> None:
        self._alone = alone
        self._careful = _ALONE_AFTER

    @property
    def rows(self) -> int:
        """Rows of the next tranche."""
        return self.least if self._careful else self._alone

    @property
    def least(self) -> int:
        """Rows of the smallest tranche. What is read ahead comes in pages of so many."""
        return min(IN_COMPANY, self._alone)

    def told(self, *, company: bool) -> None:
        """Whether somebody waited for the log when a tranche was about to commit."""
        self._careful = _ALONE_AFTER if company else max(0, self._careful - 1)
