"""The log of one pool as its users hold it: an `eventsourcing` application over our recorder, mapper and connections.

The library's own readers (notification log, repository) work on it. Its environment is passed in and the shell's kept
out: a `POSTGRES_SCHEMA` there would put all pools into one, a `CIPHER_KEY` make the JSON unreadable to SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.postgres import PostgresDatastore, PostgresFactory
from eventsourcing.utils import Environment
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from ledger.account_events import AccountEvent
from ledger.region_rules import RegionRules, RuleEvent, folded_rules, rules_stream
from ledger.store.arrays import uuid_array
from ledger.store.connections import Connections, OneConnection
from ledger.store.copy_rows import LogRow, TrancheBuffer
from ledger.store.mapper import LedgerMapper, decode, encode
from ledger.store.recorder import Decide, Following, Hook, LedgerRecorder, Query, Written, instant_of
from ledger.store.recorder_ways import StreamWrite

_POOL_CODE: Final = re.compile(r"[0-9]{6}|[a-z][a-z0-9]{0,30}")


def schema_of(pool: str) -> str:
    """The schema of a pool's code. Raises ValueError for a code that is none."""
    if not _POOL_CODE.fullmatch(pool):
        raise ValueError(f"统筹区编码 {pool!r} 无效：须为6位数字，或以字母开头的小写字母和数字")
    return f"pool_{pool}"


class SharedDatastore(PostgresDatastore):
    """The library's datastore over the process's own connections; it opens, closes and looks up nothing itself.

    The base closes its pool when it is garbage-collected, which would end the connections of every other pool.
    """

    def __init__(self, connections: Connections, schema: str) -> None:
        self.connections = connections
        self.schema = schema
        self.originator_id_type = "uuid"
        self.enable_db_functions = False
        self.lock_timeout = 10
        self.db_type_names = set()
        self.psycopg_type_adapters = {}
        self.psycopg_python_types = {}

    def register_type_adapters(self) -> None:
        """Nothing: no composite type is used."""

    def close(self) -> None:
        """Nothing: the connections belong to the process."""

    def __enter__(self) -> SharedDatastore:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing: the connections belong to the process."""

    def __del__(self) -> None:
        """Nothing: the connections belong to the process."""


class LedgerFactory(PostgresFactory):
    """Builds recorder and mapper for one pool; the connections come from `LedgerApplication`."""

    application_recorder_class = LedgerRecorder

    def __init__(self, env: Any, connections: Connections | None = None) -> None:
        InfrastructureFactory.__init__(cast("Any", self), env)
        if connections is None:
            raise ValueError("the ledger's factory is made by LedgerApplication, with the process's connections")
        self.datastore = SharedDatastore(connections, self.env.get("POSTGRES_SCHEMA") or "")


class LedgerApplication(Application[UUID]):
    """One pool's event store: recorder, mapper, notification log."""

    name = "ledger"

    def __init__(self, connections: Connections, pool: str) -> None:
        self._connections = connections
        super().__init__(
            env={
                "POSTGRES_SCHEMA": schema_of(pool),
                "MAPPER_TOPIC": "ledger.store.mapper:LedgerMapper",
                "CREATE_TABLE": "no",
            }
        )

    def construct_env(self, name: str, env: Any = None) -> Any:
        """The environment of this application: what is passed in, and nothing of the shell's."""
        return Environment(name, dict(env or {}))

    def construct_factory(self, env: Any) -> Any:
        """Our factory over the process's connections."""
        return LedgerFactory(env, self._connections)


class PoolLog:
    """One pool's log, states and rules, for decisions, jobs and reads."""

    def __init__(self, connections: Connections, pool: str) -> None:
        self.pool = pool
        self.schema = schema_of(pool)
        self.connections = connections
        self.application = LedgerApplication(connections, pool)
        self.recorder = cast("LedgerRecorder", self.application.recorder)
        self._statements: dict[str, bytes] = {}
        assert isinstance(self.application.mapper, LedgerMapper)

    def sql(self, text: str) -> bytes:
        """A statement with `{name}` for each table of this pool's schema; put together once."""
        made = self._statements.get(text)
        if made is None:
            names = {name: Identifier(self.schema, name) for name in TABLES if "{" + name + "}" in text}
            made = self._statements[text] = SQL(text).format(**names).as_bytes(None)
        return made

    def read(self, queries: Sequence[Query]) -> list[list[TupleRow]]:
        """The rows of each query, in one round trip."""
        with self.connections.connection() as connection, connection.pipeline():
            asked = [connection.cursor(binary=True).execute(*query, prepare=True) for query in queries]
            return [cursor.fetchall() for cursor in asked]

    def position(self) -> tuple[int, datetime, int]:
        """Last id, its instant and the version of the rules, of one snapshot."""
        with self.connections.connection() as connection:
            return instant_of(connection, self.schema)

    def on(self, connection: Connection[TupleRow]) -> PoolLog:
        """The same log read over one connection, inside whatever transaction is open there."""
        bound = copy(self)
        bound.connections = cast("Connections", OneConnection(connection))
        bound.recorder = copy(self.recorder)
        bound.recorder.connections = bound.connections
        return bound

    def rules(self) -> RegionRules:
        """The rules of the pool as they stand now. Raises LookupError where the pool has none yet."""
        stored = self.recorder.select_events(rules_stream(self.pool))
        if not stored:
            raise LookupError(f"统筹区 {self.pool} 尚未建立")
        return folded_rules(cast("RuleEvent", decode(event.topic, event.state)) for event in stored)

    def record_rule(self, event: RuleEvent, version: int) -> Written:
        """Record a rule event as `version` of the pool's rules; decisions under way notice and decide again."""
        stream = rules_stream(self.pool).bytes
        row = LogRow(stream, version, event.topic.encode(), encode(event))
        return self.recorder.record([StreamWrite(stream, (row,), None)], new_rules_version=version)

    def history(self, account: UUID) -> list[AccountEvent]:
        """The events of one account in order."""
        return [
            cast("AccountEvent", decode(event.topic, event.state)) for event in self.recorder.select_events(account)
        ]

    def histories(self, accounts: Iterable[UUID]) -> dict[bytes, list[AccountEvent]]:
        """The events of many accounts, read in one statement."""
        found: dict[bytes, list[AccountEvent]] = {}
        statement = self.sql(
            "SELECT originator_id, topic, state FROM {ledger_events} WHERE originator_id = ANY(%s)"
            " ORDER BY originator_id, originator_version"
        )
        with self.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            for stream, topic, state in cursor.execute(
                statement, (uuid_array([account.bytes for account in accounts]),)
            ):
                found.setdefault(stream.bytes, []).append(cast("AccountEvent", decode(topic, state)))
        return found

    def record_under_lock(self, decide: Decide, queries: Sequence[Query] = ()) -> Written | None:
        """Decide while `log_head` is held and record in the same transaction; see `LedgerRecorder`."""
        return self.recorder.record_under_lock(decide, queries)

    def record(
        self,
        writes: Sequence[StreamWrite] | TrancheBuffer,
        hook: Hook | None = None,
        *,
        rules_version: int | None = None,
        following: Following | None = None,
    ) -> Written:
        """Record decided writes; see `LedgerRecorder.record`."""
        return self.recorder.record(writes, hook, rules_version=rules_version, following=following)


TABLES: Final = (
    "log_head",
    "ledger_events",
    "account_state",
    "participant",
    "participant_name",
    "account_holder",
    "division",
    "external_identity",
    "command",
    "job",
    "payer",
    "person_donor",
    "person_donor_name",
    "admitted_village",
    "payer_member",
    "person_status",
    "subsidy_plan",
    "roster",
    "roster_row",
    "exchange_file",
    "exchange_month",
    "exchange_record",
    "intake_key",
    "receivable",
    "exchange_batch",
    "exchange_sent",
    "exchange_answer",
    "exchange_release",
    "exchange_total",
    "migration_file",
    "reconciliation_month_v1",
    "reconciliation_difference_v1",
    "refund_request",
    "refund_verdict",
    "payment_failure",
    "failure_step",
    "special_feedback",
)
