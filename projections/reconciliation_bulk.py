"""What of a month is alike without a closer look, and who must be looked at row by row.

Nearly all persons of a month paid once what was approved once. SQL says who they are, by joining both books; whoever is
left is a suspect, and their rows are compared by the pure decision. Suspects are too many rather than too few: whoever
is compared without need comes out the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.differences import BACK_TYPES
from ledger.reconciliation import Needs
from ledger.store.arrays import uuid_array
from ledger.store.log import PoolLog
from ledger.store.received_payments import deliveries
from ledger.words import KINDS, MoneyKind
from projections.folds import composed, execute

IN_MONTH: Final = "treasury_on >= %(first)s AND treasury_on < %(after)s"
APPROVED_IN_MONTH: Final = "approved_on >= %(first)s AND approved_on < %(after)s"
COLLECTED: Final = f"kind <> {KINDS.index(MoneyKind.GOVERNMENT_SUBSIDY)}"
"""What the tax side collects: 政府补贴 comes from finance, and is held against the year's contributors elsewhere."""

_UNBOOKED: Final = f"r.ended <> 1 AND r.data_type > 0 AND r.{COLLECTED}"
_DELIVERIES: Final = "CREATE TEMP TABLE deliveries ON COMMIT DROP AS"
_OF_UNBOOKED: Final = _DELIVERIES + deliveries(_UNBOOKED)
_CAME_AGAIN: Final = "SELECT FROM deliveries JOIN {external_identity} x USING (serial, data_type) LIMIT 1"
_OF_THEIR_SERIALS: Final = _DELIVERIES + deliveries(
    "r.data_type > 0 AND (r.serial, r.data_type) IN"
    f" (SELECT r.serial, r.data_type FROM {{exchange_record}} r WHERE {_UNBOOKED})"
)
_PLACED: Final = """
UPDATE deliveries d SET owner = h.participant_id, booked = true
  FROM {external_identity} x JOIN {account_holder} h ON h.account_id = x.account_id
 WHERE x.serial = d.serial AND x.data_type = d.data_type AND d.counts AND d.ended > 2"""
_RECORDED: Final = f"{IN_MONTH} AND ended = 1 AND data_type = 1 AND {COLLECTED}"
_BULK: Final = f"""
CREATE TEMP TABLE bulk ON COMMIT DROP AS
WITH t AS (SELECT participant_id, kind, payment_type, period, fen FROM {{exchange_record}} WHERE {_RECORDED}),
     a AS (SELECT participant_id, kind, payment_type, period, fen
             FROM {{receivable}} WHERE {APPROVED_IN_MONTH} AND data_type = 1),
     w AS (SELECT participant_id AS who, t.fen AS paid, a.fen AS due, coalesce(t.fen = a.fen, false) AS same,
                  a.fen IS NULL AND kind <> ALL (%(needed)s) AND payment_type <> ALL (%(back)s) AS own
             FROM t FULL JOIN a USING (participant_id, kind, payment_type, period))
SELECT count(*) FILTER (WHERE same) AS same, count(*) FILTER (WHERE own) AS own,
       coalesce(sum(paid) FILTER (WHERE own), 0)::bigint AS own_fen, count(paid) AS paid,
       array_agg(who) FILTER (WHERE NOT same AND NOT own) AS suspects, array_agg(who) FILTER (WHERE own) AS owners
  FROM w"""
_COUNTS: Final = "SELECT same, own, own_fen, paid FROM bulk"
_OWNERS: Final = "CREATE TEMP TABLE owners ON COMMIT DROP AS SELECT DISTINCT unnest(owners) AS who FROM bulk"
_TWICE: Final = """
SELECT uuid_send(participant_id)
  FROM (SELECT participant_id, kind, payment_type, period FROM {table} WHERE {which} ORDER BY 1, 2, 3, 4) AS in_order
 GROUP BY participant_id, kind, payment_type, period HAVING count(*) > 1"""
_PAID_TWICE: Final = _TWICE.format(table="{exchange_record}", which=_RECORDED)
_APPROVED_TWICE: Final = _TWICE.format(table="{receivable}", which=f"{APPROVED_IN_MONTH} AND data_type = 1")
_NOBODY: Final = "SELECT NULL::uuid AS who WHERE false"
_AGAIN: Final = f"""
SELECT r.participant_id AS who FROM owners o JOIN {{exchange_record}} r ON r.participant_id = o.who
  JOIN {{exchange_record}} e
    ON (e.participant_id, e.kind, e.payment_type, e.period) = (r.participant_id, r.kind, r.payment_type, r.period)
 WHERE r.treasury_on >= %(first)s AND r.treasury_on < %(after)s AND r.ended = 1 AND r.data_type = 1
   AND e.treasury_on < %(first)s AND e.ended = 1 AND e.data_type = 1 AND r.{COLLECTED}"""
_LEFT_OPEN: Final = """
SELECT d.participant_id AS who FROM {reconciliation_difference_v1} d JOIN owners o ON o.who = d.participant_id
 WHERE d.month < %(first)s AND (d.cleared = '' OR d.cleared_in = %(first)s)"""
_SUSPECTS: Final = f"""
CREATE TEMP TABLE suspects ON COMMIT DROP AS
SELECT DISTINCT who, 1 AS turn FROM (
    SELECT unnest(suspects) AS who FROM bulk
    UNION ALL SELECT participant_id FROM {{exchange_record}} WHERE {IN_MONTH} AND data_type = 2 AND {COLLECTED}
    UNION ALL SELECT owner FROM deliveries WHERE counts AND ended <> 1 AND {IN_MONTH}
    UNION ALL SELECT participant_id FROM {{receivable}} WHERE {APPROVED_IN_MONTH} AND data_type = 2
    UNION ALL {_LEFT_OPEN}
    UNION ALL <again>) AS told
 WHERE who IS NOT NULL"""


class Span(NamedTuple):
    """A month as the statements are given it."""

    first: date
    after: date

    @staticmethod
    def of(month: date) -> Span:
        """From its first day to the first of the next."""
        first = month.replace(day=1)
        return Span(first, (first + timedelta(days=32)).replace(day=1))

    def asked(self) -> dict[str, Any]:
        """The parameters of a statement."""
        return {"first": self.first, "after": self.after}


class Bulk(NamedTuple):
    """What was alike without a closer look: pairs of payment and approval, payments that need none, and their fen."""

    same: int
    own: int
    own_fen: int


class Joined(NamedTuple):
    """What the join of both books gave: what is alike, and how many payments stand in it."""

    bulk: Bulk
    paid: int


def make_deliveries(connection: Connection[TupleRow], log: PoolLog) -> None:
    """Make `deliveries` in the open transaction: of rows that were not booked as they came, which of them counts."""
    _make(connection, log, _OF_UNBOOKED)
    came_again = execute(connection, log, _CAME_AGAIN)
    if came_again:  # what was booked as it came is read for its serial's sake only then
        _make(connection, log, "DROP TABLE deliveries")
        _make(connection, log, _OF_THEIR_SERIALS)
    _make(connection, log, "CREATE INDEX ON deliveries (serial)")
    if came_again:
        _make(connection, log, _PLACED)


def join_books(connection: Connection[TupleRow], log: PoolLog, span: Span, needs: Needs) -> Joined:
    """Make `bulk` and `owners`: what is alike without a closer look, and whose payments need no approval and have none.

    The join is one of rows, added up by several processors at once, which grouping by persons is not.
    """
    connection.execute("SET LOCAL work_mem = '96MB'; SET LOCAL jit = off")
    connection.execute("SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0")
    needed = {"needed": sorted(needs.kinds) or [-1], "back": sorted(BACK_TYPES) if needs.back_payments else [-1]}
    _make(connection, log, _BULK, span.asked() | needed)
    *alike, paid = map(int, execute(connection, log, _COUNTS)[0])
    for statement in (_OWNERS, "ANALYZE owners"):
        _make(connection, log, statement)
    return Joined(Bulk(*alike), paid)


def who_paid_twice(connection: Connection[TupleRow], log: PoolLog, span: Span) -> list[bytes]:
    """The ids of persons who paid one item of one period twice in a month.

    All payments are put in order for it: people come in much the order in which they were registered, and then a table
    of hashes takes half as long again.
    """
    return _twice(connection, log, span, _PAID_TWICE)


def who_is_approved_twice(connection: Connection[TupleRow], log: PoolLog, span: Span) -> list[bytes]:
    """The ids of persons for whom one item of one period was approved twice in a month.

    That hardly ever happens, and is told beforehand: a payment stands in the join once for each of its approvals, and
    then more of them stand in it than came.
    """
    return _twice(connection, log, span, _APPROVED_TWICE)


def _twice(connection: Connection[TupleRow], log: PoolLog, span: Span, statement: str) -> list[bytes]:
    connection.execute("SET LOCAL work_mem = '96MB'")
    return [row[0] for row in execute(connection, log, statement, span.asked())]


def make_suspects(connection: Connection[TupleRow], log: PoolLog, span: Span, bulk: Bulk) -> None:
    """Make `suspects`, all of turn 1: who must be looked at row by row for more than that they have something twice.

    Whose payment needs no approval is asked about: whether they paid before, or what an earlier month waits for. What
    has its approval is alike, whatever was paid before.
    """
    earlier = execute(connection, log, "SELECT FROM {exchange_record} WHERE treasury_on < %s LIMIT 1", (span.first,))
    _make(connection, log, _SUSPECTS.replace("<again>", _AGAIN if earlier and bulk.own else _NOBODY), span.asked())


def add_suspects(connection: Connection[TupleRow], persons: Sequence[bytes], turn: int) -> None:
    """Of persons by their ids, those who are no suspects yet become such of a later turn."""
    statement = (
        "INSERT INTO suspects SELECT who, %s FROM (SELECT unnest(%s) AS who EXCEPT SELECT who FROM suspects) AS others"
    )
    connection.execute(statement, (turn, uuid_array(persons)))


def _make(connection: Connection[TupleRow], log: PoolLog, statement: str, asked: dict[str, Any] | None = None) -> None:
    connection.execute(composed(log, statement), asked, prepare=False)
