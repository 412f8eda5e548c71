"""How the tables that reads stand on follow from the log: each fold with its SQL.

A fold is one SQL statement over a range of the log; the same serves ten new events and a rebuild of ten million. Its
table carries the fold's version in its name (made in `migrations/pool/`), so a changed fold fills another table and
never mixes with what an earlier one left. SQL decides nothing: it sums `effect` by `effective_on` and `year`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from ledger.store.log import PoolLog
from ledger.words import KINDS

RANGE_MAX: Final = 100_000
"""Events a transaction folds at most: one to two seconds of work, far below the ten that a transaction may take."""

KIND_COLUMNS: Final = ", ".join(KINDS)
"""The money kinds as columns, in the order of `KINDS`."""
KIND_ROWS: Final = ", ".join(f"{kind}_rows" for kind in KINDS)
"""How many rows move each kind."""
KIND_SUMS: Final = ", ".join(f"coalesce(sum({kind}), 0)::bigint" for kind in KINDS)
"""Each kind summed; a kind that nothing moved is 0."""
_SUMS: Final = ", ".join(
    f"coalesce(sum(r.{kind}) FILTER (WHERE r.{kind} IS NOT NULL), 0)::bigint AS {kind}" for kind in KINDS
)
_EFFECT: Final = ", ".join(f"{kind} bigint" for kind in KINDS)

BY_POSITION: Final = "e.notification_id > %(above)s AND e.notification_id <= %(to)s"
"""The events of a range of the log."""
BY_ACCOUNT: Final = "e.originator_id > %(low)s AND e.originator_id <= %(high)s AND e.notification_id <= %(to)s"
"""The events of a range of accounts up to a position. Ten million events fold three times as fast so as by position,
because each account is written once, in the order of its key, and not once for each range that touches it."""
NOBODY: Final = UUID(int=0)
EVERYBODY: Final = UUID(int=2**128 - 1)
"""The keys between which all accounts lie."""


@dataclass(frozen=True)
class Sums:
    """A table of the sums of a fold's rows, made with them. `select` reads the columns `reads` of `<rows>`; `conflict`
    adds to what is there.
    """

    base: str
    key: tuple[str, ...]
    columns: str
    reads: str
    select: str
    conflict: str

    def filling(self, rows: str, target: str) -> str:
        """The statement that adds rows up into a table that is empty."""
        return f"INSERT INTO {target} AS t ({self.columns}) {self.select.replace('<rows>', rows)}"


@dataclass(frozen=True)
class Fold:
    """One projection: how rows follow from events, where they go, and how a table of theirs is made.

    `select` reads events `e` under the condition `<range>` and gives `columns`; `conflict` says how a row joins the one
    that earlier events left. Rows that are summed are each written once, and have no `conflict`.
    """

    name: str
    version: int
    base: str
    key: tuple[str, ...]
    columns: str
    select: str
    conflict: str = ""
    fillfactor: int = 100
    sums: Sums | None = None

    @property
    def table(self) -> str:
        """The table's name, with the fold's version."""
        return f"{self.base}_v{self.version}"

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        """Its tables by name, with their keys: its own, and that of its sums."""
        sums = {f"{self.sums.base}_v{self.version}": self.sums.key} if self.sums else {}
        return {self.table: self.key, **sums}

    def run(self, connection: Connection[TupleRow], log: PoolLog, above: int, to: int, suffix: str = "") -> None:
        """Fold the events `above` < id <= `to` into the tables, or into those that a rebuild makes beside them, whose
        names end in `suffix`.
        """
        statement = self._inserted(BY_POSITION) + self.conflict
        if self.sums:
            statement = f"WITH new AS ({statement} RETURNING {self.sums.reads}) {self.sums.filling('new', '{sums}')}"
            statement += self.sums.conflict
        self._execute(connection, log, statement, suffix, {"above": above, "to": to})

    def run_accounts(
        self, connection: Connection[TupleRow], log: PoolLog, low: UUID, high: UUID, to: int, suffix: str
    ) -> None:
        """Fold the events up to `to` of the accounts `low` < id <= `high` into a table that holds none of them; they
        are added up once all are there (`add_up`).
        """
        self._execute(connection, log, self._inserted(BY_ACCOUNT), suffix, {"low": low, "high": high, "to": to})

    def add_up(self, connection: Connection[TupleRow], log: PoolLog, suffix: str) -> None:
        """Fill the table of sums, which is empty, from all rows."""
        if self.sums:
            self._execute(connection, log, self.sums.filling("{target}", "{sums}"), suffix, None)

    def _inserted(self, which: str) -> str:
        return f"INSERT INTO {{target}} AS t ({self.columns}) {self.select.replace('<range>', which)}"

    def _execute(
        self, connection: Connection[TupleRow], log: PoolLog, statement: str, suffix: str, parameters: Any
    ) -> None:
        connection.execute("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")
        names = dict(zip(("target", "sums"), (f"{table}{suffix}" for table in self.tables), strict=False))
        connection.execute(composed(log, statement, **names), parameters, prepare=False)


BALANCES: Final = Fold(
    name="balances",
    version=1,
    base="balance",
    key=("account_id",),
    columns=f"account_id, participant_id, division, opened_on, opened_id, last_id, {KIND_COLUMNS}",
    select=f"""
        SELECT e.originator_id AS account_id,
               (max(x.participant::text) FILTER (WHERE e.topic = 'account.opened'))::uuid AS participant_id,
               max(x.division) FILTER (WHERE e.topic = 'account.opened') AS division,
               max(x.opened_on) FILTER (WHERE e.topic = 'account.opened') AS opened_on,
               min(e.notification_id) FILTER (WHERE e.topic = 'account.opened') AS opened_id,
               max(e.notification_id) AS last_id,
               {_SUMS}
          FROM {{ledger_events}} e,
               jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb)
                   AS x (effect jsonb, participant uuid, division text, opened_on date),
               jsonb_to_record(x.effect) AS r ({_EFFECT})
         WHERE <range> AND starts_with(e.topic, 'account.')
         GROUP BY e.originator_id""",
    conflict="""
        ON CONFLICT (account_id) DO UPDATE SET
               participant_id = coalesce(t.participant_id, EXCLUDED.participant_id),
               division = coalesce(t.division, EXCLUDED.division),
               opened_on = coalesce(t.opened_on, EXCLUDED.opened_on),
               opened_id = coalesce(t.opened_id, EXCLUDED.opened_id),
               last_id = EXCLUDED.last_id, """
    + ", ".join(f"{kind} = t.{kind} + EXCLUDED.{kind}" for kind in KINDS),
    fillfactor=60,
)
"""Balance per account and money kind, with what tells which accounts there were on a day and at a position."""

DAYS: Final = Sums(
    base="statement_day",
    key=("effective_on", "topic", "is_out"),
    columns=f"effective_on, topic, is_out, {KIND_ROWS}, {KIND_COLUMNS}",
    reads=f"effective_on, topic, {KIND_COLUMNS}",
    select=f"""
        SELECT effective_on, topic, {" + ".join(f"coalesce({kind}, 0)" for kind in KINDS)} < 0 AS is_out,
               {", ".join(f"count({kind}) AS {kind}_rows" for kind in KINDS)},
               {", ".join(f"coalesce(sum({kind}), 0)::bigint AS {kind}" for kind in KINDS)}
          FROM <rows> GROUP BY 1, 2, 3""",
    conflict=" ON CONFLICT (effective_on, topic, is_out) DO UPDATE SET "
    + ", ".join(f"{one} = t.{one} + EXCLUDED.{one}" for kind in KINDS for one in (f"{kind}_rows", kind)),
)
"""The lines of each effective day by event: how many move each kind, and by how much; money out apart."""

STATEMENT: Final = Fold(
    name="statement",
    version=1,
    base="statement_line",
    key=("account_id", "notification_id"),
    columns=f"account_id, notification_id, version, recorded_at, effective_on, year, {KIND_COLUMNS}, topic, reference",
    select=f"""
        SELECT e.originator_id AS account_id, e.notification_id, e.originator_version AS version, e.recorded_at,
               x.effective_on, x.year, {", ".join(f"r.{kind}" for kind in KINDS)}, e.topic,
               coalesce('冲正第' || x.reverses || '号', x.voucher, x.serial, x.allocation_document, x.rate_document,
                        x.document, x.reason, '') AS reference
          FROM {{ledger_events}} e,
               jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb)
                   AS x (effect jsonb, effective_on date, year integer, reverses bigint, voucher text, serial text,
                         allocation_document text, rate_document text, document text, reason text),
               jsonb_to_record(x.effect) AS r ({_EFFECT})
         WHERE <range> AND starts_with(e.topic, 'account.') AND x.effect IS NOT NULL""",
    sums=DAYS,
)
"""One line for each event that moves money: signed, with both dates and what it refers to."""

FOLDS: Final = (BALANCES, STATEMENT)


class RebuildDue(Exception):  # noqa: N818 — a state of the installation, told to its user
    """The tables were folded by another version of the program; a rebuild makes them anew. The text is Chinese."""

    def __init__(self, log: PoolLog, name: str) -> None:
        super().__init__(
            f"统筹区 {log.pool} 的 {name} 由另一版本的程序汇总，请先运行 projections rebuild --pool {log.pool}"
        )


def composed(log: PoolLog, text: str, **names: str) -> bytes:
    """A statement with `{name}` for a table of the pool's schema, qualified; `names` give further tables."""
    return _composed(log.schema, text, tuple(names.items()))


@lru_cache(maxsize=4096)
def _composed(schema: str, text: str, names: tuple[tuple[str, str], ...]) -> bytes:
    """Kept: a read of one account asks eight statements, and putting one together costs half as much as asking it."""
    tables = {**_TABLES, **dict(names)}
    used = {word: Identifier(schema, table) for word, table in tables.items() if "{" + word + "}" in text}
    return SQL(text).format(**used).as_bytes(None)


def end_of_range(connection: Connection[TupleRow], log: PoolLog, low: UUID, events: int) -> UUID:
    """The last key of a range of streams above `low` that holds about so many events, whole streams."""
    rows = execute(
        connection,
        log,
        "SELECT originator_id FROM {ledger_events} WHERE originator_id > %s"
        " ORDER BY originator_id, originator_version OFFSET %s LIMIT 1",
        (low, events),
    )
    return rows[0][0] if rows else EVERYBODY


def execute(connection: Connection[TupleRow], log: PoolLog, text: str, parameters: Any = None) -> list[TupleRow]:
    """All rows of a statement, read in binary, its `{tables}` filled in."""
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(composed(log, text), parameters).fetchall()


_TABLES: Final = {
    "balance": BALANCES.table,
    "line": STATEMENT.table,
    "line_day": f"{DAYS.base}_v{STATEMENT.version}",
    **{
        name: name
        for name in (
            "projection",
            "ledger_events",
            "log_head",
            "account_state",
            "account_holder",
            "division",
            "participant_name",
            "external_identity",
            "exchange_file",
            "exchange_month",
            "exchange_record",
            "receivable",
            "reconciliation_month_v1",
            "reconciliation_difference_v1",
        )
    },
}
