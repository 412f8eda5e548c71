"""Who pays a subsidy or an aid, which villages are admitted, who is on a payer's roll, and which statuses persons have.

Beside the log, as the register is: each row says from when to when it holds, and a payer's changes are versions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger import clock
from ledger.late_money import Origin
from ledger.region_rules import PAYER_KINDS
from ledger.store.arrays import uuid_array
from ledger.store.log import PoolLog

PERSON: Final = "person"
"""The kind of a payer who is a person; see `ledger/store/donors.py` for who they are."""
AID_PAYER_KINDS: Final = {"enterprise": "社会经济组织", "charity": "公益慈善组织", PERSON: "个人"}
"""Who may give social aid (S0 附件2 一), by the word of the ledger."""
KINDS: Final = {**PAYER_KINDS, **AID_PAYER_KINDS}


class Payer(NamedTuple):
    """A payer as registered: under its credit code, of a kind, in a village (code; empty for a donor).

    A person stands here under their donor code, and without a name.
    `village_number` 集体补助村编号, `tax_number` 纳税人识别号 and `social_code` 社保编码 are those of the virtual unit
    (S0 附件1 四); `confirmed_on` the day on which the tax side confirmed it.
    """

    code: str
    kind: str
    name: str
    village: str = ""
    village_number: str = ""
    tax_number: str = ""
    social_code: str = ""
    confirmed_on: date | None = None
    document: str = ""


class Period(NamedTuple):
    """Something that holds for a participant from a day on, to a day or open."""

    participant: UUID
    word: str
    since: date
    until: date | None


class Payers:
    """One pool's payers, admitted villages, rolls and statuses."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    @contextmanager
    def alone(self) -> Iterator[tuple[PoolLog, Cursor[TupleRow]]]:
        """One transaction in which nobody else writes here: the log over its connection, and a cursor to write with."""
        with self._log.connections.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(self._log.sql("LOCK TABLE {payer} IN SHARE ROW EXCLUSIVE MODE"))
            yield self._log.on(connection), cursor

    def find(self, code: str) -> Payer | None:
        """The latest version of a payer."""
        columns = ", ".join(Payer._fields)
        statement = f"SELECT {columns} FROM {{payer}} WHERE code = %s ORDER BY version DESC LIMIT 1"
        with self._log.connections.connection() as connection:
            row = connection.execute(self._log.sql(statement), (code,)).fetchone()
        return Payer(*row) if row else None

    def every(self, after: str = "", limit: int | None = None) -> list[Payer]:
        """The latest version of each payer, by code; up to `limit` behind the code `after`."""
        columns = ", ".join(Payer._fields)
        statement = (
            f"SELECT DISTINCT ON (code) {columns} FROM {{payer}} WHERE code > %s ORDER BY code, version DESC LIMIT %s"
        )
        with self._log.connections.connection() as connection:
            return [Payer(*row) for row in connection.execute(self._log.sql(statement), (after, limit))]

    def write(self, payer: Payer, origin: Origin) -> bool:
        """A new payer, or a new version of a known one; False where it stands so already."""
        if self.find(payer.code) == payer:
            return False
        with self._log.connections.transaction() as connection, connection.cursor() as cursor:
            self.write_version(cursor, payer, origin, clock.now())
        return True

    def write_version(self, cursor: Cursor[TupleRow], payer: Payer, origin: Origin, at: datetime) -> int:
        """The next version of a payer, whatever stood before; its number."""
        columns = ", ".join(Payer._fields)
        statement = (
            f"INSERT INTO {{payer}} ({columns}, version, actor, reviewer, recorded_at) SELECT {'%s, ' * len(payer)}"
            " (SELECT coalesce(max(version), 0) + 1 FROM {payer} WHERE code = %s), %s, %s, %s RETURNING version"
        )
        said = (*payer, payer.code, origin.actor, origin.reviewer, at)
        row = cursor.execute(self._log.sql(statement), said).fetchone()
        assert row is not None
        return int(row[0])

    def admit(self, village: str, since: date, until: date | None, document: str, origin: Origin) -> None:
        """列入试点: a village from a day on; said again, its end may change."""
        statement = (
            "INSERT INTO {admitted_village} AS a VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (village, since)"
            " DO UPDATE SET until = EXCLUDED.until, document = EXCLUDED.document, actor = EXCLUDED.actor,"
            " reviewer = EXCLUDED.reviewer, recorded_at = EXCLUDED.recorded_at"
        )
        with self._log.connections.connection() as connection:
            said = (village, since, until, document, origin.actor, origin.reviewer, clock.now())
            connection.execute(self._log.sql(statement), said)

    def is_admitted(self, village: str, year: int) -> bool:
        """Whether a village is on the list at some day of a year."""
        statement = (
            "SELECT FROM {admitted_village} WHERE village = %s AND since <= %s AND coalesce(until, 'infinity') >= %s"
        )
        with self._log.connections.connection() as connection:
            ends = (village, date(year, 12, 31), date(year, 1, 1))
            return connection.execute(self._log.sql(statement), ends).fetchone() is not None

    # -- persons ---------------------------------------------------------------------------------------------------

    def write_members(self, periods: Iterable[Period], origin: Origin) -> None:
        """Rows of payers' rolls (the word is the payer's code), all or none; what stands so already is not repeated."""
        self._write_periods("payer_member", "payer", periods, origin)

    def write_statuses(self, periods: Iterable[Period], origin: Origin) -> None:
        """Statuses of persons, all or none; what stands so already is not repeated."""
        self._write_periods("person_status", "status", periods, origin)

    def _write_periods(self, table: str, word: str, periods: Iterable[Period], origin: Origin) -> None:
        statement = (
            f"INSERT INTO {{{table}}} ({word}, participant_id, since, until, actor, recorded_at)"
            " SELECT %(word)s, %(who)s, %(since)s, %(until)s, %(actor)s, %(at)s WHERE NOT EXISTS (SELECT FROM ("
            f"SELECT until FROM {{{table}}} WHERE {word} = %(word)s AND participant_id = %(who)s AND since = %(since)s"
            " ORDER BY recorded_at DESC LIMIT 1) AS latest WHERE latest.until IS NOT DISTINCT FROM %(until)s::date)"
        )
        told = {"actor": origin.actor, "at": clock.now()}
        rows = {  # of what a list says twice of one first day, the last holds
            one[:3]: {"word": one.word, "who": one.participant, "since": one.since, "until": one.until, **told}
            for one in periods
        }
        with self._log.connections.transaction() as connection, connection.cursor() as cursor:
            cursor.executemany(self._log.sql(statement), list(rows.values()))

    def members(self, payer: str, participants: Collection[bytes], day: date) -> frozenset[bytes]:
        """Which of these participants are on a payer's roll on a day."""
        statement = (
            "SELECT DISTINCT uuid_send(participant_id) FROM (SELECT DISTINCT ON (participant_id, since) participant_id,"
            " until FROM {payer_member} WHERE payer = %s AND participant_id = ANY(%s) AND since <= %s"
            " ORDER BY participant_id, since, recorded_at DESC) AS latest WHERE coalesce(until, 'infinity') >= %s"
        )
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            asked = (payer, uuid_array(participants), day, day)
            return frozenset(row[0] for row in cursor.execute(self._log.sql(statement), asked))

    def statuses(self, participants: Collection[bytes], day: date) -> dict[bytes, frozenset[str]]:
        """The statuses that hold on a day, by participant; whoever has none is absent."""
        statement = (
            "SELECT uuid_send(participant_id), array_agg(DISTINCT status) FROM (SELECT DISTINCT ON (participant_id,"
            " status, since) participant_id, status, until FROM {person_status} WHERE participant_id = ANY(%s)"
            " AND since <= %s ORDER BY participant_id, status, since, recorded_at DESC) AS latest"
            " WHERE coalesce(until, 'infinity') >= %s GROUP BY participant_id"
        )
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            asked = (uuid_array(participants), day, day)
            return {row[0]: frozenset(row[1]) for row in cursor.execute(self._log.sql(statement), asked)}
