"""What a month's comparison reads: which persons must be looked at row by row, their rows, and rows of nobody known.

Nearly all persons of a month paid once what was approved once. SQL says who they are, by grouping both books and
joining them; whoever is left is a suspect, and their rows are read in the order of persons and compared by the pure
decision. Suspects are too many rather than too few: whoever is compared without need comes out the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.differences import BACK_TYPES, Approved, Paid
from ledger.reconciliation import Needs
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog
from ledger.store.received_payments import deliveries
from ledger.words import KINDS, MoneyKind
from projections.folds import composed, execute

FETCH: Final = 10_000
"""Rows that are read at once: of few persons each, so memory stays flat however many there are."""
IN_MONTH: Final = "treasury_on >= %(first)s AND treasury_on < %(after)s"
APPROVED_IN_MONTH: Final = "approved_on >= %(first)s AND approved_on < %(after)s"
COLLECTED: Final = f"kind <> {KINDS.index(MoneyKind.GOVERNMENT_SUBSIDY)}"
"""What the tax side collects: 政府补贴 comes from finance, and is held against the year's contributors elsewhere."""

_UNBOOKED: Final = f"r.ended <> 1 AND r.data_type > 0 AND r.{COLLECTED}"
_CAME_AGAIN: Final = f"""
SELECT FROM {{exchange_record}} r JOIN {{external_identity}} x USING (serial, data_type) WHERE {_UNBOOKED} LIMIT 1"""
_DELIVERIES: Final = "CREATE TEMP TABLE deliveries ON COMMIT DROP AS"
_OF_UNBOOKED: Final = deliveries(_UNBOOKED)
_OF_THEIR_SERIALS: Final = deliveries(
    "r.data_type > 0 AND (r.serial, r.data_type) IN"
    f" (SELECT r.serial, r.data_type FROM {{exchange_record}} r WHERE {_UNBOOKED})"
)
_PLACED: Final = """
UPDATE deliveries d SET owner = h.participant_id, booked = true
  FROM {external_identity} x JOIN {account_holder} h ON h.account_id = x.account_id
 WHERE x.serial = d.serial AND x.data_type = d.data_type AND d.counts AND d.ended > 2"""
BUCKETS: Final = 4096
"""Into so many parts, by their hash, persons fall where those with something twice are sought; a power of two."""
_BULK: Final = f"""
CREATE TEMP TABLE bulk ON COMMIT DROP AS
WITH t AS (SELECT participant_id, kind, payment_type, period, fen
             FROM {{exchange_record}} WHERE {IN_MONTH} AND ended = 1 AND data_type = 1 AND {COLLECTED}),
     a AS (SELECT participant_id, kind, payment_type, period, fen
             FROM {{receivable}} WHERE {APPROVED_IN_MONTH} AND data_type = 1),
     w AS (SELECT participant_id AS who, t.fen AS paid, a.fen AS due, coalesce(t.fen = a.fen, false) AS same,
                  a.fen IS NULL AND kind <> ALL (%(needed)s) AND payment_type <> ALL (%(back)s) AS own
             FROM t FULL JOIN a USING (participant_id, kind, payment_type, period))
SELECT uuid_hash(who) & {BUCKETS - 1} AS bucket, count(*) FILTER (WHERE due IS NOT NULL AND paid IS NOT NULL) AS pairs,
       count(*) FILTER (WHERE due IS NULL) AS unapproved, count(*) FILTER (WHERE paid IS NULL) AS unpaid,
       count(*) FILTER (WHERE same) AS same, count(*) FILTER (WHERE own) AS own,
       coalesce(sum(paid) FILTER (WHERE own), 0)::bigint AS own_fen,
       array_agg(who) FILTER (WHERE NOT same AND NOT own) AS suspects, array_agg(who) FILTER (WHERE own) AS owners
  FROM w GROUP BY 1"""
_COUNTED: Final = f"""
CREATE TEMP TABLE doubled ON COMMIT DROP AS
WITH t AS (SELECT uuid_hash(participant_id) & {BUCKETS - 1} AS bucket, count(*) AS rows
             FROM {{exchange_record}} WHERE {IN_MONTH} AND ended = 1 AND data_type = 1 AND {COLLECTED} GROUP BY 1),
     a AS (SELECT uuid_hash(participant_id) & {BUCKETS - 1} AS bucket, count(*) AS rows
             FROM {{receivable}} WHERE {APPROVED_IN_MONTH} AND data_type = 1 GROUP BY 1)
SELECT bucket FROM bulk LEFT JOIN t USING (bucket) LEFT JOIN a USING (bucket)
 WHERE pairs + unapproved <> coalesce(t.rows, 0) OR pairs + unpaid <> coalesce(a.rows, 0)"""
_TWICE: Final = f"""
CREATE TEMP TABLE twice ON COMMIT DROP AS
SELECT participant_id AS who FROM {{exchange_record}}
 WHERE {IN_MONTH} AND ended = 1 AND data_type = 1 AND {COLLECTED}
   AND (participant_id IN (SELECT unnest(owners) FROM bulk)
        OR uuid_hash(participant_id) & {BUCKETS - 1} IN (SELECT bucket FROM doubled))
 GROUP BY participant_id, kind, payment_type, period HAVING count(*) > 1
UNION ALL
SELECT participant_id FROM {{receivable}}
 WHERE {APPROVED_IN_MONTH} AND data_type = 1
   AND uuid_hash(participant_id) & {BUCKETS - 1} IN (SELECT bucket FROM doubled)
 GROUP BY participant_id, kind, payment_type, period HAVING count(*) > 1"""
_SUSPECTS: Final = f"""
CREATE TEMP TABLE suspects ON COMMIT DROP AS
SELECT DISTINCT who FROM (
    SELECT unnest(suspects) AS who FROM bulk
    UNION ALL SELECT who FROM twice
    UNION ALL SELECT participant_id FROM {{exchange_record}}
               WHERE {IN_MONTH} AND data_type <> 1 AND data_type = 2 AND {COLLECTED}
    UNION ALL SELECT owner FROM deliveries WHERE counts AND ended <> 1 AND {IN_MONTH}
    UNION ALL SELECT participant_id FROM {{receivable}} WHERE {APPROVED_IN_MONTH} AND data_type = 2
    UNION ALL SELECT participant_id FROM {{reconciliation_difference_v1}}
               WHERE month < %(first)s AND (cleared = '' OR cleared_in = %(first)s)
    UNION ALL SELECT participant_id FROM again) AS told
 WHERE who IS NOT NULL"""
_AGAIN: Final = f"""
CREATE TEMP TABLE again ON COMMIT DROP AS
SELECT DISTINCT r.participant_id FROM {{exchange_record}} r JOIN {{exchange_record}} e
    ON (e.participant_id, e.kind, e.payment_type, e.period) = (r.participant_id, r.kind, r.payment_type, r.period)
 WHERE r.treasury_on >= %(first)s AND r.treasury_on < %(after)s AND r.ended = 1 AND r.data_type = 1
   AND e.treasury_on < %(first)s AND e.ended = 1 AND e.data_type = 1 AND r.{COLLECTED}
   AND r.participant_id IN (SELECT unnest(owners) FROM bulk)"""
_ROWS: Final = f"""
CREATE TEMP TABLE books ON COMMIT DROP AS
SELECT participant_id AS who, 0 AS side, file_id, line, data_type, kind, payment_type, period, fen, treasury_on AS day,
       serial AS known_by, voucher, approval, paid_on, true AS booked, '' AS reason
  FROM {{exchange_record}} WHERE ended = 1 AND participant_id IN (SELECT who FROM suspects) AND {COLLECTED}
UNION ALL
SELECT owner, 1, file_id, line, data_type, kind, payment_type, period, fen, treasury_on, serial, voucher, approval,
       paid_on, booked, reason
  FROM deliveries WHERE counts AND ended <> 1 AND owner IN (SELECT who FROM suspects)
UNION ALL
SELECT participant_id, 2, file_id, line, data_type, kind, payment_type, period, fen, approved_on, number, payer, '',
       NULL, true, ''
  FROM {{receivable}} WHERE participant_id IN (SELECT who FROM suspects)"""
_REPEATED: Final = f"""
SELECT file_id, line, serial, data_type, reason FROM deliveries WHERE delivery > 1 AND {IN_MONTH}
 ORDER BY file_id, line"""


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


class Row(NamedTuple):
    """A row of either book, as the statement gives it; `day` is the treasury entry, or the approval.

    `side` is 0 for a payment that was recorded as it came, 1 for another one, 2 for an approval.
    """

    who: UUID
    side: int
    file: int
    line: int
    data_type: int
    kind: int
    payment_type: int
    period: int
    fen: int
    day: date
    known_by: str
    voucher: str
    approval: str
    paid_on: date | None
    booked: bool
    reason: str


class Books(NamedTuple):
    """One person's two books; `orphans` are cancellations of what never came."""

    who: UUID
    paid: list[Paid]
    approved: list[Approved]
    orphans: list[Paid]
    bulk: Bulk


class Repeated(NamedTuple):
    """A delivery of what had been delivered before."""

    file: int
    line: int
    serial: str
    data_type: int
    reason: str


def gather(connection: Connection[TupleRow], log: PoolLog, span: Span, needs: Needs) -> Bulk:
    """Make the temporary tables of a month in the open transaction: deliveries, suspects, their books.

    Gives what is alike. The join is one of rows, which many processors do at once, and grouping is not. It tells two
    payments for one approval from one by counts: where its pairs are more than the rows that went in, a person of that
    bucket has something twice, and who it is is asked of those buckets alone. What needs no approval and has none is
    joined with nothing, and its persons are asked about each. The planner takes every person for a
    bucket of its own, and would sort them in one process: hence its settings here.
    """
    connection.execute("SET LOCAL work_mem = '96MB'; SET LOCAL jit = off; SET LOCAL enable_sort = off")
    connection.execute("SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0")
    asked: dict[str, Any] = span.asked() | {
        "needed": sorted(needs.kinds) or [-1],
        "back": sorted(BACK_TYPES) if needs.back_payments else [-1],
    }
    # What was booked as it came is read for its serial's sake only where something of that serial came besides.
    which = _OF_THEIR_SERIALS if execute(connection, log, _CAME_AGAIN) else _OF_UNBOOKED
    for statement in (_DELIVERIES + which, "CREATE INDEX ON deliveries (serial)", _PLACED, _BULK, _COUNTED):
        connection.execute(composed(log, statement), asked, prepare=False)
    alike = "SELECT coalesce(sum(same), 0), coalesce(sum(own), 0), coalesce(sum(own_fen), 0) FROM bulk"
    bulk = Bulk(*map(int, execute(connection, log, alike)[0]))
    earlier = execute(connection, log, "SELECT FROM {exchange_record} WHERE treasury_on < %s LIMIT 1", (span.first,))
    nobody = "CREATE TEMP TABLE again (participant_id uuid) ON COMMIT DROP"
    again = _AGAIN if earlier and bulk.own else nobody  # what has its approval is alike, whatever was paid before
    connection.execute(composed(log, again), asked if again is _AGAIN else None, prepare=False)
    connection.execute("SET LOCAL enable_sort = on")
    for statement in (_TWICE, _SUSPECTS, "ANALYZE suspects", _ROWS):
        connection.execute(composed(log, statement), asked, prepare=False)
    return bulk


def suspects(connection: Connection[TupleRow], span: Span, needs: Needs) -> Iterator[Books]:
    """The books of each suspect, whatever the month of their rows."""
    with connection.cursor("suspects", binary=True) as cursor:
        cursor.itersize = FETCH
        cursor.execute("SELECT * FROM books ORDER BY who, side, day, known_by, file_id, line")
        rows = map(Row._make, cursor)
        for who, of_person in groupby(rows, key=lambda row: row.who):
            yield _books(who, list(of_person), span, needs)


def repeated(connection: Connection[TupleRow], log: PoolLog, span: Span) -> list[Repeated]:
    """Deliveries of the month that brought nothing new."""
    return [Repeated(*row) for row in execute(connection, log, _REPEATED, span.asked())]


def _books(who: UUID, rows: list[Row], span: Span, needs: Needs) -> Books:
    paid: dict[str, Paid] = {}
    cancelled: list[Paid] = []
    approved: dict[tuple[str, int, int, int], Approved] = {}
    withdrawn: list[Row] = []
    for row in rows:
        if row.side == 2:
            if row.data_type == NEW:
                key = (row.known_by, row.kind, row.payment_type, row.period)
                approved[key] = Approved(
                    row.file, row.line, row.known_by, row.kind, row.payment_type, row.period, row.fen, row.day
                )
            else:
                withdrawn.append(row)
            continue
        one = Paid(
            row.file, row.line, row.known_by, row.voucher, row.approval, row.kind, row.payment_type, row.period,
            row.fen, row.paid_on, row.day, row.booked, row.reason,
        )  # fmt: skip
        if row.data_type == CANCELLED:
            cancelled.append(one)
        else:
            paid[one.serial] = one
    orphans = []
    for one in cancelled:
        original = paid.get(one.serial)
        if original is not None and cancels(one, original):
            paid[one.serial] = original._replace(cancelled_on=one.treasury_on, kept=original.booked and not one.booked)
        else:
            orphans.append(one)
    for row in withdrawn:
        key = (row.known_by, row.kind, row.payment_type, row.period)
        approved[key] = approved[key]._replace(withdrawn_on=row.day)
    return Books(who, list(paid.values()), list(approved.values()), orphans, _bulk(rows, span, needs))


def cancels(one: Paid, original: Paid) -> bool:
    """Whether a cancellation says the same of a payment."""
    return (one.kind, one.period, one.fen) == (original.kind, original.period, original.fen)


def _bulk(rows: list[Row], span: Span, needs: Needs) -> Bulk:
    """What `gather` counted of this person without a closer look: it is counted by the closer look now."""
    groups: dict[tuple[int, int, int], tuple[list[int], list[int]]] = {}
    for row in rows:
        if row.side != 1 and row.data_type == NEW and span.first <= row.day < span.after:
            key = (row.kind, row.payment_type, row.period)
            groups.setdefault(key, ([], []))[row.side == 2].append(row.fen)
    same = own = own_fen = 0
    for (kind, typed, _), (paid, approved) in groups.items():
        if approved:
            same += sum(one == other for one in paid for other in approved)
        elif not needs.approval(kind, typed):
            own, own_fen = own + len(paid), own_fen + sum(paid)
    return Bulk(same, own, own_fen)
