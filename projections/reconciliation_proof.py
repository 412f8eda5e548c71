"""Proves the view of reconciled months: it holds together, it agrees with the records, and folded again it is the same.

Whoever may only read is told whether each month's differences come to the difference of its totals, and whether the
rows that they name say so. A fold needs the key (persons are proposed by name) and temporary tables, which a reader's
role may not have; what was not folded again is told. A month that is due to be folded again is told too: it is not
wrong, it is behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec
from eventsourcing.persistence import MapperDeserialisationError
from psycopg import Connection, DataError
from psycopg.rows import TupleRow

from ledger.differences import Category
from ledger.exchange import TYPES
from ledger.money import fen_to_yuan
from ledger.store.keys import InvalidTag
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.words import KINDS
from projections.evidence import Finding, snapshot
from projections.folds import RebuildDue, composed, execute
from projections.reconciliation import look_at, view_version
from projections.reconciliation_fold import TAX_AGENCY, UnexplainedError, fold_aside, grown
from projections.reconciliation_sink import COLUMNS, NAME, VERSION, FoldedMonth
from projections.reconciliation_sums import Counts, MonthTotals, summed

Notes = Callable[[str], None]
"""Told what was not looked at, and why; no fault."""

_totals: Final = msgspec.json.Decoder(MonthTotals).decode
_MONTH: Final = "reconciliation_month_v1"
_DIFFERENCE: Final = "reconciliation_difference_v1"
_RECORDS: Final = """
SELECT d.month, d.difference_id FROM {reconciliation_difference_v1} d
  LEFT JOIN {exchange_record} t ON t.file_id = d.tax_file AND t.line = d.tax_line
  LEFT JOIN {receivable} a ON a.file_id = d.agency_file AND a.line = d.agency_line,
       jsonb_to_record(CASE jsonb_typeof(d.detail -> 'tax') WHEN 'object' THEN d.detail -> 'tax' ELSE '{}' END)
           AS x (serial text, voucher text, kind text, type text, period smallint, fen bigint, "on" date, paid_on date),
       jsonb_to_record(CASE jsonb_typeof(d.detail -> 'agency') WHEN 'object' THEN d.detail -> 'agency' ELSE '{}' END)
           AS y (number text, kind text, type text, period smallint, fen bigint, "on" date)
 WHERE d.comparison = %(compared)s AND (
       (d.tax_file IS NULL) <> (x.serial IS NULL) OR (d.agency_file IS NULL) <> (y.number IS NULL)
       OR (d.tax_file IS NOT NULL AND (x.serial IS DISTINCT FROM t.serial OR (d.category <> %(repeated)s
           AND (x.voucher, x.kind, x.type, x.period, x.fen, x."on", x.paid_on) IS DISTINCT FROM
               (t.voucher, (%(kinds)s::text[])[t.kind + 1], (%(types)s::text[])[t.payment_type + 1], t.period, t.fen,
                t.treasury_on, t.paid_on))))
       OR (d.agency_file IS NOT NULL
           AND (y.number, y.kind, y.type, y.period, y.fen, y."on") IS DISTINCT FROM
               (a.number, (%(kinds)s::text[])[a.kind + 1], (%(types)s::text[])[a.payment_type + 1], a.period, a.fen,
                a.approved_on)))
 ORDER BY 1, 2 LIMIT 1"""
_NOBODY: Final = """
SELECT d.month, d.difference_id FROM {reconciliation_difference_v1} d
 WHERE d.participant_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM {participant} p WHERE p.participant_id = d.participant_id)
    OR d.proposal IS NOT NULL AND NOT EXISTS (SELECT FROM {reconciliation_difference_v1} o WHERE o.month = d.month
                                               AND o.difference_id = d.proposal)
 ORDER BY 1, 2 LIMIT 1"""
_STRAY: Final = """
SELECT month, difference_id FROM {reconciliation_difference_v1} d
 WHERE NOT EXISTS (SELECT FROM {reconciliation_month_v1} m WHERE m.month = d.month) ORDER BY 1, 2 LIMIT 1"""
_QUESTIONS: Final = (
    ("reconciliation_stray", _STRAY, "的差异所在月份没有对账"),
    ("reconciliation_record", _RECORDS, "的差异所指的记录不在册，或与差异所述不同"),
    ("reconciliation_participant", _NOBODY, "的差异所指的人员或可能的对方不在册"),
)
_MAY_FOLD: Final = (
    "SELECT has_database_privilege(current_database(), 'TEMPORARY')"
    " AND current_setting('transaction_read_only') = 'off'"
)
_NAMED_ANEW: Final = """
SELECT EXISTS (SELECT FROM {participant_name} WHERE register_version > 1 AND recorded_at >=
               coalesce((SELECT recorded_at FROM {ledger_events} WHERE notification_id = %(position)s), '-infinity'))
    OR EXISTS (SELECT FROM {reconciliation_difference_v1} d JOIN {participant} p USING (participant_id)
                WHERE d.month = %(month)s AND d.category = ANY(%(alike)s) AND p.wrapped_key IS NULL)
    OR EXISTS (SELECT FROM {reconciliation_difference_v1} d JOIN {exchange_record} r
                   ON r.file_id = d.tax_file AND r.line = d.tax_line
                WHERE d.month = %(month)s AND d.category = ANY(%(alike)s) AND r.sealed IS NULL)"""
_ALIKE: Final = [Category.PERSON.value, Category.AGENCY_ONLY.value]
"""Which of these an approval is that nobody paid follows from names."""


class _Stored(NamedTuple):
    month: date
    rows_through: int
    rows_all: int
    position: int
    totals: str


def view_faults(log: PoolLog) -> list[Finding]:
    """What whoever may only read can see, of one snapshot."""
    with snapshot(log) as connection:
        found = []
        if view_version(connection, log) != VERSION:
            where = {"table": "projection", "name": NAME}
            found.append(Finding("rebuild_due", where, f"{NAME} 由另一版本的程序汇总，须重建"))
        (head,) = execute(connection, log, "SELECT last_id FROM {log_head}")[0]
        for stored in _months(connection, log):
            found += _month_faults(connection, log, stored, head)
        asked = {
            "compared": TAX_AGENCY, "repeated": Category.DUP_TRANSPORT, "kinds": [one.value for one in KINDS],
            "types": list(TYPES),
        }  # fmt: skip
        for kind, statement, text in _QUESTIONS:
            for month, difference in connection.execute(_filled(log, statement), asked).fetchall():
                found.append(Finding(kind, _where(month, difference), f"{month:%Y-%m} {text}"))
    return found


def fold_faults(register: Register, told: Notes) -> Iterator[Finding]:
    """Every month folded again aside, and what is stored otherwise; the earliest month first, each in a snapshot."""
    log = register.log
    with log.connections.connection() as connection:
        months = [one.month for one in _months(connection, log)]
    for month in months:
        try:
            with log.connections.transaction() as connection:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                if not execute(connection, log, _MAY_FOLD)[0][0]:
                    told("当前数据库账号不能建临时表：对账各月未重新汇总比对，只核对了合计、所指记录与人员")
                    return
                found = list(_compared(connection, register, month, told))
        except RebuildDue as due:
            told(str(due))
            return
        except (MapperDeserialisationError, DataError, InvalidTag, LookupError):
            told(f"{month:%Y-%m} 的对账未能重新汇总：账簿、登记或记录中有无法读取的内容")
            continue
        yield from found


def _compared(connection: Connection[TupleRow], register: Register, month: date, told: Notes) -> Iterator[Finding]:
    """A month that is as new as its records, against its fold."""
    log = register.log
    stored = next((one for one in _months(connection, log) if one.month == month), None)
    if stored is None:
        return
    lines = execute(connection, log, "SELECT position FROM {projection} WHERE name = 'statement'")
    if month in look_at(connection, log, month).due or not lines or lines[0][0] < stored.position:
        told(f"{month:%Y-%m} 对账以后又有新的记录，待再次对账，未重新汇总比对")
        return
    try:
        folded = fold_aside(connection, log, register, month, log.rules())
    except UnexplainedError:
        where = {"table": _MONTH, "month": month.isoformat()}
        yield Finding("reconciliation_totals", where, f"{month:%Y-%m} 的差异不能解释合计的相差")
        return
    found = list(_differences(connection, log, month, by_name=True))
    asked = {"month": month, "position": stored.position, "alike": _ALIKE}
    if found and connection.execute(_filled(log, _NAMED_ANEW), asked).fetchone()[0]:  # type: ignore[index]
        told(f"{month:%Y-%m} 对账以后有更名或删除身份，未比对可能的对方")
        found = list(_differences(connection, log, month, by_name=False))
    yield from found
    yield from _other_totals(stored, folded)


def _differences(connection: Connection[TupleRow], log: PoolLog, month: date, *, by_name: bool) -> Iterator[Finding]:
    """The first that is there on one side alone, and the first that is there otherwise."""
    columns = [one for one in COLUMNS if by_name or one not in ("proposal", "category")]
    if not by_name:
        columns.append("CASE WHEN <side>.category = ANY(%(alike)s) THEN '' ELSE <side>.category END")

    def said(side: str) -> str:
        return ", ".join(one.replace("<side>", side) if "<side>" in one else f"{side}.{one}" for one in columns)

    statement = (
        "SELECT DISTINCT ON (1) CASE WHEN d.month IS NULL THEN 'missing' WHEN a.month IS NULL THEN 'stray'"
        " ELSE 'changed' END, coalesce(d.difference_id, a.difference_id) FROM (SELECT * FROM"
        " {reconciliation_difference_v1} WHERE month = %(month)s) d FULL JOIN aside a USING (difference_id)"
        f" WHERE ({said('d')}) IS DISTINCT FROM ({said('a')}) ORDER BY 1, 2"
    )
    texts = {"missing": "缺少应有的差异", "stray": "有记录中没有的差异", "changed": "的差异与重新汇总的不同"}
    for kind, difference in connection.execute(composed(log, statement), {"month": month, "alike": _ALIKE}).fetchall():
        yield Finding(f"reconciliation_{kind}", _where(month, difference), f"{month:%Y-%m} {texts[kind]}")


def _other_totals(stored: _Stored, folded: FoldedMonth) -> Iterator[Finding]:
    """Rows that nobody could read are of no month, and may have come since."""
    totals = _read(stored)
    if totals is None:
        return
    same = msgspec.structs.replace(totals, unreadable=0) == msgspec.structs.replace(folded.totals, unreadable=0)
    if not same or totals.unreadable > folded.totals.unreadable:
        where = {"table": _MONTH, "month": stored.month.isoformat()}
        yield Finding("reconciliation_totals", where, f"{stored.month:%Y-%m} 的合计与重新汇总的不同")


def _month_faults(connection: Connection[TupleRow], log: PoolLog, stored: _Stored, head: int) -> Iterator[Finding]:
    """The row of a month by itself: its sums, its differences, and what it says that it rests on."""
    where, month = {"table": _MONTH, "month": stored.month.isoformat()}, f"{stored.month:%Y-%m}"
    now = grown(connection, log, stored.month)
    if stored.position > head or stored.rows_through > now.through or stored.rows_all > now.everything:
        yield Finding("reconciliation_ahead", where, f"{month} 所据的行数或账簿位置超过现有的")
    totals = _read(stored)
    statement = (
        "SELECT coalesce(sum(rows), 0)::bigint, coalesce(sum(fen), 0)::bigint FROM {reconciliation_difference_v1}"
        " WHERE month = %s AND comparison = %s"
    )
    found = Counts(*execute(connection, log, statement, (stored.month, TAX_AGENCY))[0])
    if totals is None:
        yield Finding("reconciliation_totals", where, f"{month} 的合计不能读取")
    elif totals.difference != found:
        told, there = totals.difference, found
        text = f"{month} 合计相差{told.rows}笔{fen_to_yuan(told.fen)}元，差异共{there.rows}笔{fen_to_yuan(there.fen)}元"
        yield Finding("reconciliation_totals", where, text)
    elif (totals.tax, totals.agency) != tuple(
        summed(getattr(one, side) for one in totals.items) for side in ("tax", "agency")
    ):
        yield Finding("reconciliation_totals", where, f"{month} 的合计与其逐日逐品目之和不同")


def _months(connection: Connection[TupleRow], log: PoolLog) -> list[_Stored]:
    statement = "SELECT month, rows_through, rows_all, position, totals::text FROM {reconciliation_month_v1} ORDER BY 1"
    return [_Stored(*row) for row in execute(connection, log, statement)]


def _read(stored: _Stored) -> MonthTotals | None:
    try:
        return _totals(stored.totals)
    except msgspec.DecodeError:
        return None


def _where(month: date, difference: Any) -> dict[str, Any]:
    return {"table": _DIFFERENCE, "month": month.isoformat(), "difference": str(difference)}


def _filled(log: PoolLog, statement: str) -> bytes:
    """With an empty JSON object in it, which is no table."""
    return log.sql(statement.replace("'{}'", "jsonb_build_object()"))
