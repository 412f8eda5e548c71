"""What received rows of nobody known say of somebody who is erased: found, and emptied.

A row of somebody known is sealed under that person's own key, which dies with them. A row that came while nobody was
known by its number has a digest of it; one whose number cannot be is opened, for it may name them all the same. There
may be some ten thousand of those, so they are opened before the log's lock is held, and under it only what came since.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any, Final
from uuid import UUID

from ledger.naming import Somebody, plain
from ledger.store.arrays import bytea_array
from ledger.store.donors import Donors
from ledger.store.exchange_records import BETWEEN, ExchangeRecords, InvalidTag, emptied_mark
from ledger.store.exchange_rows import KEPT_COLUMNS, KeptRow, kept_row
from ledger.store.keys import DataKey
from ledger.store.log import PoolLog
from ledger.store.register import Register

_OF_NOBODY: Final = "r.participant_id IS NULL AND r.sealed IS NOT NULL"
_PAGE: Final = 5_000
Place = tuple[int, int]


class UnreadRows:
    """The rows of a pool that say of nobody who they are about, opened as far as they were there when looked at."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._texts: dict[Place, str] = {}
        self._searched: dict[Somebody, tuple[int, list[Place]]] = {}

    def look_for(self, number: str) -> None:
        """Open the rows, and find those that name whoever has a number, before the log's lock is held."""
        self.look(self._register.log)
        holder = self._register.find([self._register.digest(number)]).get(self._register.digest(number))
        if holder is not None:
            self.naming(somebody(self._register, holder.participant, number))

    def look(self, log: PoolLog) -> None:
        """Open those that were not opened yet."""
        listed = log.sql(f"SELECT r.file_id, r.line FROM {{exchange_record}} r WHERE {_OF_NOBODY} AND r.digest IS NULL")
        with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            there: list[Place] = [(file, line) for file, line in cursor.execute(listed)]
        fresh = [place for place in there if place not in self._texts]
        intake = _intake_key(self._register, log) if fresh else None
        if intake is None:
            return
        for begin in range(0, len(fresh), _PAGE):
            for row in _rows_at(log, fresh[begin : begin + _PAGE]):
                text = ""
                with suppress(InvalidTag):  # a damaged row must not keep a person from being erased; verify names it
                    text = intake.opened(row.sealed or b"", row.place)
                self._texts[row.file_id, row.line] = BETWEEN.join(map(plain, text.split(BETWEEN)))

    def naming(self, who: Somebody) -> list[Place]:
        """Where the opened rows stand that name somebody; what was searched through once is not again."""
        done, found = self._searched.get(who, (0, []))
        traces = who.traces
        for place, text in islice(self._texts.items(), done, None):
            for trace in traces:
                if trace in text:
                    if who.is_named_in(text.split(BETWEEN)):
                        found.append(place)
                    break
        self._searched[who] = (len(self._texts), found)
        return found


def somebody(register: Register, participant: UUID, number: str) -> Somebody:
    """Whoever is registered under a number, by every name they ever had, as a donor too."""
    donors = Donors(register)
    code = donors.codes([number]).get(number)
    return Somebody.of([number], [*register.names(participant), *(donors.words(code) if code else ())])


def empty_rows(cursor: Any, register: Register, who: Somebody, unread: UnreadRows) -> None:
    """Empty every row of nobody known that is about somebody, in the transaction of the erasure and on its log."""
    log = register.log
    digests = [register.digest(number) for number in who.numbers if len(number) == 18]
    unread.look(log)
    rows = [*_rows_of(log, digests), *_rows_at(log, unread.naming(who))]
    if not rows:
        return
    intake = _intake_key(register, log)
    emptying = log.sql(
        "UPDATE {exchange_record} SET digest = NULL, sealed = NULL, row_hash = %s WHERE file_id = %s AND line = %s"
    )
    cursor.executemany(emptying, [(_mark(intake, row), row.file_id, row.line) for row in rows])


def _intake_key(register: Register, log: PoolLog) -> DataKey | None:
    """The intake key; None where it was damaged, which must not keep a person from being erased either."""
    with suppress(InvalidTag):
        return ExchangeRecords(log).stored_intake_key(register.keys)
    return None


def _mark(intake: DataKey | None, row: KeptRow) -> bytes:
    """What proves the rest of a row; nothing does of one that was damaged before."""
    return emptied_mark(intake, row.place, row.said) if intake and row.said else b""


def _rows_of(log: PoolLog, digests: Iterable[bytes]) -> list[KeptRow]:
    statement = f"WHERE {_OF_NOBODY} AND r.digest = ANY(%s)"
    return _read(log, statement, (bytea_array(list(digests)),))


def _rows_at(log: PoolLog, places: Iterable[Place]) -> list[KeptRow]:
    files, lines = [place[0] for place in places], [place[1] for place in places]
    if not files:
        return []
    return _read(log, "WHERE (r.file_id, r.line) IN (SELECT * FROM unnest(%s::int[], %s::int[]))", (files, lines))


def _read(log: PoolLog, where: str, asked: Any) -> list[KeptRow]:
    statement = log.sql(
        f"SELECT {KEPT_COLUMNS} FROM {{exchange_record}} r JOIN {{exchange_file}} f USING (file_id) {where}"
    )
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        return [kept_row(row) for row in cursor.execute(statement, asked)]
