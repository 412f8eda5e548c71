"""Subsidy plans as they are stored: their streams, the list of them, and the rows of their rosters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, cast
from uuid import UUID

from psycopg.rows import TupleRow

from ledger.account_events import AccountEvent
from ledger.plan import SubsidyPlan, fold_plan
from ledger.plan_events import PlanDrafted, PlanEvent
from ledger.roster import Row
from ledger.store.arrays import int8_array, uuid_array
from ledger.store.copy_rows import LogRow
from ledger.store.log import PoolLog
from ledger.store.mapper import decode, encode
from ledger.store.recorder import Query
from ledger.store.register import Register


class ListedPlan(NamedTuple):
    """What tells plans apart without reading them."""

    plan: UUID
    kind: str
    payer: str
    village: str
    year: int
    sequence: int


class Plans:
    """One pool's plans."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log

    def find(self, plan: UUID) -> SubsidyPlan | None:
        """The plan as it stands; None where there is none."""
        return self.find_many([plan]).get(plan)

    def events(self, plan: UUID) -> list[PlanEvent]:
        """What was recorded of a plan, in order."""
        stored = self._log.recorder.select_events(plan)
        return [cast("PlanEvent", decode(event.topic, event.state)) for event in stored]

    def version(self, cursor: Any, plan: UUID) -> int:
        """The version of the plan's latest event, read in the transaction of the cursor; 0 where there is no plan."""
        statement = "SELECT coalesce(max(originator_version), 0) FROM {ledger_events} WHERE originator_id = %s"
        (version,) = cursor.execute(self._log.sql(statement), (plan,)).fetchone()
        return int(version)

    def fold(self, cursor: Any, plan: UUID) -> SubsidyPlan:
        """The plan as it stands in the transaction of the cursor."""
        statement = "SELECT topic, state FROM {ledger_events} WHERE originator_id = %s ORDER BY originator_version"
        rows = cursor.execute(self._log.sql(statement), (plan,)).fetchall()
        return fold_plan(cast("PlanEvent", decode(topic, state)) for topic, state in rows)

    def of_rosters(self, rosters: Collection[str]) -> dict[str, UUID]:
        """The plan of each of these rosters."""
        statement = "SELECT roster::text, plan_id FROM {roster} WHERE roster = ANY(%s)"
        with self._log.connections.connection() as connection:
            return dict(connection.execute(self._log.sql(statement), ([UUID(one) for one in rosters],)).fetchall())

    def payer_of(self, plan: UUID) -> str | None:
        """The code of a plan's payer; None for a plan that is not there."""
        statement = self._log.sql("SELECT payer FROM {subsidy_plan} WHERE plan_id = %s")
        with self._log.connections.connection() as connection:
            row = connection.execute(statement, (plan,)).fetchone()
        return str(row[0]) if row else None

    def of_payers(self, payers: Collection[str]) -> list[UUID]:
        """The plans of these payers, by year and sequence."""
        statement = "SELECT plan_id FROM {subsidy_plan} WHERE payer = ANY(%s) ORDER BY year, sequence"
        with self._log.connections.connection() as connection:
            return [row[0] for row in connection.execute(self._log.sql(statement), (list(payers),))]

    def find_many(self, plans: Collection[UUID], position: int | None = None) -> dict[UUID, SubsidyPlan]:
        """The plans as they stood at a position of the log, or stand; an id that is no plan's (but an account's, or
        nobody's) is left out.
        """
        statement = (
            "SELECT originator_id, topic, state FROM {ledger_events} WHERE originator_id = ANY(%s)"
            " AND starts_with(topic, 'plan.') AND (%s::bigint IS NULL OR notification_id <= %s)"
            " ORDER BY originator_id, originator_version"
        )
        streams: dict[UUID, list[PlanEvent]] = {}
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            asked = (uuid_array([plan.bytes for plan in plans]), position, position)
            for stream, topic, state in cursor.execute(self._log.sql(statement), asked):
                streams.setdefault(stream, []).append(cast("PlanEvent", decode(topic, state)))
        return {stream: fold_plan(events) for stream, events in streams.items()}

    def listed(self, year: int | None = None) -> list[ListedPlan]:
        """The plans there are, by village, year and sequence."""
        columns = ", ".join(ListedPlan._fields).replace("plan,", "plan_id,", 1)
        statement = (
            f"SELECT {columns} FROM {{subsidy_plan}} WHERE %s::int IS NULL OR year = %s"
            " ORDER BY village, year, sequence"
        )
        with self._log.connections.connection() as connection:
            return [ListedPlan(*row) for row in connection.execute(self._log.sql(statement), (year, year))]

    def page(
        self, position: int, after: UUID | None, limit: int, *, year: int | None, payer: str | None, village: str | None
    ) -> list[ListedPlan]:
        """Up to `limit` plans drafted by a position, behind the plan `after`, by year, village and sequence."""
        columns = ", ".join(ListedPlan._fields).replace("plan,", "p.plan_id,", 1)
        key = "year, village, sequence, plan_id"
        statement = (
            f"SELECT {columns} FROM {{subsidy_plan}} p JOIN {{ledger_events}} e ON e.originator_id = p.plan_id"
            " AND e.originator_version = 1 WHERE e.notification_id <= %(position)s"
            " AND (%(year)s::int IS NULL OR year = %(year)s) AND (%(payer)s::text IS NULL OR payer = %(payer)s)"
            " AND (%(village)s::text IS NULL OR village = %(village)s) AND (%(after)s::uuid IS NULL OR"
            f" ({key}) > (SELECT {key} FROM {{subsidy_plan}} WHERE plan_id = %(after)s)) ORDER BY {key} LIMIT %(limit)s"
        )
        asked = {
            "position": position, "after": after, "limit": limit, "year": year, "payer": payer, "village": village,
        }  # fmt: skip
        with self._log.connections.connection() as connection:
            return [ListedPlan(*row) for row in connection.execute(self._log.sql(statement), asked)]

    def rows(self, roster: str, after: int = 0, limit: int | None = None) -> list[Row]:
        """The rows of a roster in the order of its lines; up to `limit` behind the line `after`."""
        statement = (
            "SELECT line, uuid_send(account_id), fen FROM {roster_row} WHERE roster = %s AND line > %s"
            " ORDER BY line LIMIT %s"
        )
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            asked = (UUID(roster), after, limit)
            return list(map(Row._make, cursor.execute(self._log.sql(statement), asked).fetchall()))

    def paid_query(self, accounts: Collection[bytes], year: int) -> Query:
        """Asks of these accounts for the events that may be contributions for `year` or their reversals.

        The text of the stored year leads to them; what they say decides (`paid_in`). Stream by stream, in the order of
        its key: left to itself, the planner reads the whole log for two thousand accounts.
        """
        statement = (
            "SELECT uuid_send(a.id), e.originator_version, e.topic, e.state FROM unnest(%s) AS a (id), LATERAL ("
            "SELECT originator_version, topic, state FROM {ledger_events} WHERE originator_id = a.id"
            " AND topic IN ('account.contribution_recorded', 'account.entry_reversed')"
            " AND position(convert_to(%s, 'UTF8') IN state) > 0 ORDER BY originator_version OFFSET 0) AS e"
        )
        return self._log.sql(statement), (uuid_array(accounts), f'"year":{year}')

    @staticmethod
    def paid_events(rows: Iterable[TupleRow]) -> dict[bytes, list[tuple[int, AccountEvent]]]:
        """The answer of `paid_query`: events with their versions, by account."""
        found: dict[bytes, list[tuple[int, AccountEvent]]] = {}
        for account, version, topic, state in rows:
            found.setdefault(account, []).append((version, cast("AccountEvent", decode(topic, state))))
        return found

    # -- writing, inside the transaction of the events ------------------------------------------------------------

    def write_plan(self, cursor: Any, plan: UUID, drafted: PlanDrafted) -> None:
        """The plan's row in the list."""
        said = (plan, drafted.kind, drafted.payer, drafted.village, drafted.year, drafted.sequence)
        cursor.execute(self._log.sql("INSERT INTO {subsidy_plan} VALUES (%s, %s, %s, %s, %s, %s)"), said)

    def write_rows(self, cursor: Any, plan: UUID, roster: str, rows: Sequence[Row]) -> None:
        """A roster of a plan, and its rows."""
        cursor.execute(self._log.sql("INSERT INTO {roster} VALUES (%s, %s)"), (UUID(roster), plan))
        statement = "INSERT INTO {roster_row} SELECT %s, * FROM unnest(%s, %s, %s)"
        columns = (
            int8_array([row.line for row in rows]),
            uuid_array([row.account for row in rows]),
            int8_array([row.fen for row in rows]),
        )
        cursor.execute(self._log.sql(statement), (UUID(roster), *columns))


def plan_rows(plan: UUID, events: Sequence[PlanEvent], before: int) -> list[LogRow]:
    """The events of a plan behind version `before`, as the recorder takes them; a plan has no state row."""
    return [
        LogRow(plan.bytes, version, event.topic.encode(), encode(event))
        for version, event in enumerate(events, before + 1)
    ]


def rows_digest(register: Register, rows: Iterable[Row]) -> str:
    """A keyed digest of a roster's rows, line by line, by which a change of any of them is known."""
    return register.content_digest(*(f"{row.line}:{row.account.hex()}:{row.fen}" for row in rows)).hex()
