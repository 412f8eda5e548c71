"""Which received rows are still to be kept: each is written once, with the transaction in which its outcome stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ledger.exchange import COLLECTED_SIDE, FileKind, rows_by_month
from ledger.jobs.intake import Outcome, Source
from ledger.late_money import Origin
from ledger.store.exchange_files import ExchangeFiles
from ledger.store.exchange_records import ExchangeRecord, ExchangeRecords, Kept
from ledger.store.log import PoolLog


class PaymentRecords:
    """The received rows of one file, until they are kept."""

    def __init__(self, log: PoolLog, source: Source, origin: Origin) -> None:
        self._files = ExchangeFiles(log)
        self._records = ExchangeRecords(log)
        self._log = log
        self._file_id = self._files.register(source.of_exchange(FileKind.PAYMENTS), origin)
        self._due: dict[int, Kept] = {}
        self._writing: list[int] = []
        self.known: set[int] = set()
        """Lines of what was received last that another run of the same file had kept."""

    def receive(self, lines: Iterable[int], rows: Iterable[Kept]) -> None:
        """Rows of the file by their lines, all of which are to be kept."""
        self._due = dict(zip(lines, rows, strict=True))
        self.known = set()

    def write(self, cursor: Any, ended: Mapping[int, Outcome], left_out: Collection[int] = ()) -> None:
        """Keep what is due, but for the lines that are decided again; in the transaction of the cursor.

        What another run of the same file kept, before this one or meanwhile, is not kept again.
        """
        self._writing = [line for line in self._due if line not in left_out]
        if not self._writing:
            return
        self._files.hold(cursor, self._file_id)
        there = self._records.lines_there(cursor, self._file_id, min(self._writing), max(self._writing))
        self.known.update(line for line in self._writing if line in there)
        records = list(self._made(ended, there))
        self._records.write(cursor, self._file_id, records)
        months = rows_by_month(day for record in records if (day := record.kept.treasury_on))
        self._files.add_months(cursor, COLLECTED_SIDE, self._file_id, months)

    def written(self) -> None:
        """That transaction has committed."""
        for line in self._writing:
            del self._due[line]
        self._writing = []

    def write_rest(self, ended: Mapping[int, Outcome]) -> None:
        """Keep what no event was recorded with: rows that were refused, wait or had come before."""
        if not self._due:
            return
        with self._log.connections.transaction() as connection, connection.cursor(binary=True) as cursor:
            self.write(cursor, ended)
        self.written()

    def _made(self, ended: Mapping[int, Outcome], there: Collection[int]) -> Iterator[ExchangeRecord]:
        for line in self._writing:
            if line in there:
                continue
            outcome = ended[line]
            reason = outcome.refusal.reason.value if outcome.refusal else ""
            yield ExchangeRecord(line, outcome.ended.value, reason, self._due[line])


def kept_before(log: PoolLog, source: Source, lines: Collection[int]) -> Collection[int]:
    """Of a file that is only tried: the lines that an earlier run of it kept."""
    file_id = ExchangeFiles(log).find(FileKind.PAYMENTS, bytes.fromhex(source.sha256))
    if file_id is None or not lines:
        return ()
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        return ExchangeRecords(log).lines_there(cursor, file_id, min(lines), max(lines))
