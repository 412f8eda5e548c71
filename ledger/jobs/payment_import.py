"""A file of payments in, and after its rows whatever 撤销 waited for payments that are booked by now.

A 撤销 that came first is done with by the row it waits for. Where that payment is booked another way (a single entry,
到账划账 by hand, another run in that very moment) nobody would think of it: so every import looks, in the same job.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger.jobs.allocation_retry import KeptRows, Rows
from ledger.jobs.intake import IntakeReport, Told
from ledger.jobs.intake_payments import PaymentIntake
from ledger.store.external_identities import NEW


class PaymentImport(PaymentIntake):
    """One file of payments, and the 撤销 that it or others left waiting."""

    def _run(self, report: IntakeReport, told: Told, progress: Callable[[int], None]) -> None:
        super()._run(report, told, progress)
        report.settled = _Settling(self).settle()


class _Settling(KeptRows):
    """The waiting 撤销 alone, in the job of an import and on its word."""

    def __init__(self, after: PaymentImport) -> None:
        super().__init__(after.log, after.register, after.file_origin.actor, dry_run=after.dry_run)
        self._booked: list[str] = []
        if self.dry_run:  # what the import would have recorded stands in no table: it is decided on top of it
            self.tranche, self._pending = after.tranche, after._pending
            self._booked = [serial for serial, data_type in self._pending if data_type == NEW]

    def tranches(self) -> Rows:
        """The 撤销 whose originals are booked."""
        return self.cancellations(self._booked)

    def settle(self) -> int:
        """How many were booked."""
        report = IntakeReport(kind=self.kind, file="", sha256="", dry_run=self.dry_run)
        self._run(report, lambda _outcomes: None, lambda _rows: None)
        return report.recorded
