"""Sums that others state, as they are kept: every file's, in one transaction each, and which of them hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from psycopg import Connection

from ledger.exchange import STATED_SIDE, TYPES, FileKind, rows_by_month
from ledger.late_money import Origin
from ledger.stated_totals import BUSINESS, StatedTotal, Taken, standing, taken_in
from ledger.store.exchange_files import ExchangeFile, ExchangeFiles
from ledger.store.log import PoolLog
from ledger.words import KINDS

_COLUMNS: Final = "since, until, kind, payment_type, county, rows, fen, reference"


class ExchangeTotals:
    """The stated sums of one pool."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._files = ExchangeFiles(log)

    def take_in(
        self,
        source: FileKind,
        sha256: bytes,
        totals: Sequence[StatedTotal],
        origin: Origin,
        *,
        dry_run: bool = False,
        stated: ExchangeFile | None = None,
    ) -> Taken:
        """A file's sums, all of them or none, held against those that hold; a dry run writes nothing.

        The same file again brings nothing, also where a later file has corrected it. Two files at once are taken one
        after the other: whichever has the later id holds. `stated` is the file with what it states of itself.
        """
        with self._log.connections.transaction() as connection:
            connection.execute(self._log.sql("LOCK TABLE {exchange_total} IN SHARE ROW EXCLUSIVE MODE"))
            known = self._log.sql("SELECT 1 FROM {exchange_file} WHERE kind = %s AND sha256 = %s")
            days = [one.since for one in totals]
            held = self.standing(connection, source, min(days), max(days)) if days else []
            taken = taken_in(totals, held)
            if connection.execute(known, (source, sha256)).fetchone():
                return Taken([], list(totals), {}, superseded=len(taken.recorded))
            if not dry_run:
                file_id = self._files.register(stated or ExchangeFile(source, sha256), origin, connection)
                self._write(connection, file_id, taken.recorded)
                months = rows_by_month(one.since for one in taken.recorded)
                self._files.add_months(connection, STATED_SIDE, file_id, months)
        return taken

    def standing(
        self,
        connection: Connection[Any],
        source: FileKind,
        first: date,
        last: date,
        files_through: int | None = None,
    ) -> list[StatedTotal]:
        """The sums of a source that hold, begun from `first` to `last`, of files up to an id (None: all of them)."""
        statement = self._log.sql(
            f"SELECT file_id, line, {_COLUMNS} FROM {{exchange_total}}"
            " WHERE file_id IN (SELECT file_id FROM {exchange_file} WHERE kind = %s)"
            " AND since >= %s AND since <= %s AND (%s::integer IS NULL OR file_id <= %s)"
            " ORDER BY file_id, line"
        )
        rows = connection.execute(statement, (source, first, last, files_through, files_through)).fetchall()
        return standing((row[0], _total(source, row[1:])) for row in rows)

    def has_any(
        self, connection: Connection[Any], source: FileKind, until: date, files_through: int | None = None
    ) -> date | None:
        """The first day of which a source states anything, up to `until`; None where it states nothing."""
        statement = self._log.sql(
            "SELECT min(since) FROM {exchange_total}"
            " WHERE file_id IN (SELECT file_id FROM {exchange_file} WHERE kind = %s)"
            " AND since <= %s AND (%s::integer IS NULL OR file_id <= %s)"
        )
        row = connection.execute(statement, (source, until, files_through, files_through)).fetchone()
        return row[0] if row else None

    def _write(self, connection: Connection[Any], file_id: int, totals: Sequence[StatedTotal]) -> None:
        statement = self._log.sql(f"COPY {{exchange_total}} (file_id, line, {_COLUMNS}) FROM STDIN")
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for one in totals:
                copy.write_row(
                    (
                        file_id, one.line, one.since, one.until, _kind_number(one),
                        TYPES.index(one.payment_type) if one.payment_type else None,
                        one.county, one.rows, one.fen, one.reference,
                    )
                )  # fmt: skip


def _kind_number(total: StatedTotal) -> int | None:
    """The place of the money kind; of a line of the 支出户 that says its business, the place of that."""
    if total.business is not None:
        return BUSINESS.index(total.business)
    return None if total.kind is None else KINDS.index(total.kind)


def _total(source: FileKind, row: Sequence[Any]) -> StatedTotal:
    line, since, until, kind, payment_type, county, rows, fen, reference = row
    paid_for = source is FileKind.EXPENDITURE_ACCOUNT
    return StatedTotal(
        line, since, until, fen, rows,
        None if kind is None or paid_for else KINDS[kind],
        "" if payment_type is None else TYPES[payment_type],
        county, reference,
        BUSINESS[kind] if paid_for and kind is not None else None,
    )  # fmt: skip
