"""Our side of the sums that others state of a month, read in one statement each, and their differences.

Received rows are those of `exchange_record` by treasury entry, each (流水号, 数据类型) once: the one that was recorded,
or else the latest. Money out of accounts comes from the statement lines, which must be folded to the position asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger import treasury_arrivals as arrivals
from ledger.account_events import (
    AccountClosed,
    BenefitPaid,
    EntryReversed,
    Refunded,
    TransferredOut,
)
from ledger.exchange import TYPES, FileKind
from ledger.plan_events import SubsidyAllocated
from ledger.reconciliation_totals import (
    Cell,
    Figures,
    Sums,
    TotalDifference,
    agency_bank,
    collected,
    income_account,
    pool_county,
    tax_treasury,
)
from ledger.refusals import Reason
from ledger.stated_totals import SOURCES, Business, StatedTotal
from ledger.store.exchange_totals import ExchangeTotals
from ledger.store.log import PoolLog
from ledger.words import KINDS
from projections.folds import composed

PAID_BY: Final = {
    BenefitPaid.topic: Business.PENSION,
    Refunded.topic: Business.REFUND,
    TransferredOut.topic: Business.TRANSFER,
    AccountClosed.topic: Business.CLOSURE,
}
"""By which business the money of an event leaves the 支出户."""
CANCELLED: Final = 2

_OURS: Final = "kind IS NOT NULL AND fen IS NOT NULL AND reason <> %(elsewhere)s AND file_id <= %(through)s"
_IN_MONTH: Final = f"treasury_on >= %(first)s AND treasury_on <= %(last)s AND {_OURS}"
_RECEIVED: Final = f"""
    WITH others AS MATERIALIZED (
        SELECT DISTINCT ON (serial, data_type) * FROM {{exchange_record}}
         WHERE {_IN_MONTH} AND ended <> 1
         ORDER BY serial, data_type, ended <> 2, file_id DESC, line DESC
    ), known AS MATERIALIZED (
        SELECT o.serial, o.data_type FROM others o JOIN {{external_identity}} USING (serial, data_type)
         WHERE o.ended > 2
    ), counted AS (
        SELECT treasury_on, kind, payment_type, participant_id, data_type, fen FROM {{exchange_record}}
         WHERE {_IN_MONTH} AND ended = 1
        UNION ALL
        SELECT treasury_on, kind, payment_type, participant_id, data_type, fen FROM others o
         WHERE NOT EXISTS (SELECT FROM {{exchange_record}} r WHERE {_IN_MONTH} AND r.ended = 1
                              AND r.serial = o.serial AND r.data_type = o.data_type)
           AND (o.ended = 2 OR (
                NOT EXISTS (SELECT FROM {{exchange_record}} l WHERE l.ended > 2 AND {_OURS}
                               AND l.serial = o.serial AND l.data_type = o.data_type
                               AND (l.file_id, l.line) > (o.file_id, o.line))
            AND NOT EXISTS (SELECT FROM known k JOIN {{exchange_record}} r USING (serial, data_type)
                             WHERE k.serial = o.serial AND k.data_type = o.data_type
                               AND r.ended <= 2 AND r.file_id <= %(through)s)))
    )
    SELECT c.treasury_on, c.kind, c.payment_type, <county>,
           sum(CASE c.data_type WHEN {CANCELLED} THEN -1 ELSE 1 END)::bigint,
           sum(CASE c.data_type WHEN {CANCELLED} THEN -c.fen ELSE c.fen END)::bigint
      FROM counted c <holders>
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""
"""Each (流水号, 数据类型) once: where it was recorded, or else where it was there already (recorded at a counter, or by
a version that kept no rows), or else where it came last. Where one was there already its content, and so its month, is
that of what was recorded; a refused one may have been recorded in another month. A row of another pool is none of ours.
Nearly all rows are recorded when they come, and are summed without a look at their serials.
"""
_COUNTY: Final = "coalesce(split_part(h.division, '.', 1) || '.' || split_part(h.division, '.', 2), '')"
_HOLDERS: Final = """LEFT JOIN LATERAL (
           SELECT division FROM {account_holder} a WHERE a.participant_id = c.participant_id
            ORDER BY account_id DESC LIMIT 1) h ON true"""
"""Of somebody with several accounts, one after the other, the latest one says the county."""

_FEN: Final = " + ".join(f"coalesce(l.{kind}, 0)" for kind in KINDS)
_PAID_OUT: Final = f"""
    SELECT l.topic, count(*), -sum({_FEN})::bigint FROM {{line}} l
     WHERE l.effective_on >= %(first)s AND l.effective_on <= %(last)s AND l.notification_id <= %(position)s
       AND l.topic = ANY(%(topics)s)
     GROUP BY l.topic
    UNION ALL
    SELECT x.original, -count(*), -sum({_FEN})::bigint
      FROM {{line}} l JOIN {{ledger_events}} e ON e.originator_id = l.account_id AND e.originator_version = l.version,
           jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) AS x (original text)
     WHERE l.effective_on >= %(first)s AND l.effective_on <= %(last)s AND l.notification_id <= %(position)s
       AND l.topic = %(reversal)s AND x.original = ANY(%(topics)s)
     GROUP BY x.original"""
"""What left accounts, less what was reversed of it: a reversal stands on its original's day."""

_ALLOCATED: Final = """
    SELECT x.voucher, x."on", x.received
      FROM {subsidy_plan} p JOIN {ledger_events} e ON e.originator_id = p.plan_id,
           jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) AS x (voucher text, "on" date, received bigint)
     WHERE e.topic = %s AND e.notification_id <= %s ORDER BY e.notification_id"""


class Side(NamedTuple):
    """What one source stated of a month, with our figures beside each sum (None where there is nothing of ours)."""

    source: FileKind
    totals: list[tuple[StatedTotal, Figures | None]]


class MonthTotals:
    """The stated sums of one month and ours, read over one connection, as of a file and a position of the log."""

    def __init__(
        self, connection: Connection[TupleRow] | Any, log: PoolLog, month: date, files_through: int, position: int
    ) -> None:
        self._connection, self._log, self.month = connection, log, month
        self._through, self._position = files_through, position
        self._store = ExchangeTotals(log)
        self._received: dict[bool, list[Cell]] = {}
        self.last = _month_end(month)

    def stated(self, source: FileKind, first: date | None = None, last: date | None = None) -> list[StatedTotal]:
        """A source's sums that hold, of the month or of another span of days."""
        return self._store.standing(self._connection, source, first or self.month, last or self.last, self._through)

    def received(self, *, by_county: bool = False) -> list[Cell]:
        """The rows of 缴费明细 of the month, each once, less those taken back."""
        if by_county not in self._received:
            text = _RECEIVED.replace("<county>", _COUNTY if by_county else "''")
            statement = self._log.sql(text.replace("<holders>", _HOLDERS if by_county else ""))
            asked = {
                "first": self.month, "last": self.last, "through": self._through,
                "elsewhere": Reason.OTHER_POOL.value,
            }  # fmt: skip
            rows = self._connection.execute(statement, asked).fetchall()
            self._received[by_county] = [
                Cell(day, KINDS[kind], TYPES[typed], county, count, fen)
                for day, kind, typed, county, count, fen in rows
            ]
        return self._received[by_county]

    def paid_out(self) -> dict[Business, Figures]:
        """What left personal accounts in the month, by business."""
        asked = {
            "first": self.month, "last": self.last, "position": self._position, "topics": list(PAID_BY),
            "reversal": EntryReversed.topic,
        }  # fmt: skip
        found: dict[Business, Figures] = {}
        for topic, count, fen in self._connection.execute(composed(self._log, _PAID_OUT), asked):
            before = found.get(PAID_BY[topic], Figures(0, 0))
            found[PAID_BY[topic]] = Figures((before.rows or 0) + count, before.fen + fen)
        return found

    def allocated(self) -> list[arrivals.Allocated]:
        """What was allocated to rosters in one sum, under its voucher."""
        rows = self._connection.execute(self._log.sql(_ALLOCATED), (SubsidyAllocated.topic, self._position)).fetchall()
        return [arrivals.Allocated(*row) for row in rows]

    def first_of(self, source: FileKind) -> date | None:
        """Since when a source states anything."""
        return self._store.has_any(self._connection, source, self.last, self._through)


def totals_differences(
    connection: Connection[TupleRow] | Any, log: PoolLog, month: date, files_through: int, position: int
) -> list[TotalDifference]:
    """The differences of a month's sums (first day of the month), of files up to an id and events up to a position.

    Read inside the caller's snapshot; the statement lines must be folded to `position` there. A source that stated
    nothing of the month has none.
    """
    read = MonthTotals(connection, log, month, files_through, position)
    treasury, county, counts = (
        read.stated(source) for source in (FileKind.TREASURY, FileKind.COUNTY, FileKind.COLLECTED)
    )
    found: list[TotalDifference] = []
    if treasury:
        found += tax_treasury(treasury, read.received())
    found += _fiscal(read)
    if lines := read.stated(FileKind.EXPENDITURE_ACCOUNT):
        found += agency_bank(month, lines, read.paid_out())
    if since := read.first_of(FileKind.INCOME_ACCOUNT):
        found += income_account(month, read.stated(FileKind.INCOME_ACCOUNT, since))
    if county:
        found += pool_county(month, county, read.received(by_county=True))
    if counts:
        found += collected(month, counts, read.received(by_county=any(one.county for one in counts)))
    return found


class _Transfers(NamedTuple):
    """What is known of money on its way to the 财政专户: what left, what arrived, since when both are told."""

    left: dict[date, int]
    came: list[arrivals.Arrival]
    begin: date


def _transfers(read: MonthTotals, lines: list[StatedTotal], allocated: list[arrivals.Allocated]) -> _Transfers | None:
    """None where the treasury states nothing of the month."""
    treasury_first = read.first_of(FileKind.TREASURY)
    if treasury_first is None or not read.stated(FileKind.TREASURY):
        return None
    before = min(one.since for one in lines).replace(day=1) - timedelta(days=1)  # its end may stand in the first lines
    begin = max(treasury_first, before).replace(day=1)
    left = arrivals.left_treasury(read.stated(FileKind.TREASURY, begin, read.last))
    return _Transfers(left, arrivals.arrived(lines, (one.voucher for one in allocated)), begin)


def _fiscal_lines(read: MonthTotals) -> list[StatedTotal]:
    """The lines of the 财政专户 into the next month's first days; none where it states nothing of the month."""
    first = read.first_of(FileKind.FISCAL_ACCOUNT)
    if first is None:
        return []
    lines = read.stated(FileKind.FISCAL_ACCOUNT, first, read.last + timedelta(days=arrivals.CUTOFF_DAYS))
    return lines if any(read.month <= one.since <= read.last for one in lines) else []


def _fiscal(read: MonthTotals) -> list[TotalDifference]:
    """The 财政专户 against allocations by voucher, and against the treasury where that states anything of the month."""
    lines = _fiscal_lines(read)
    if not lines:
        return []
    allocated = read.allocated()
    no_tax_side = read.first_of(FileKind.TREASURY) is None
    found = arrivals.by_voucher(read.month, allocated, lines, no_tax_side=no_tax_side)
    if transfers := _transfers(read, lines, allocated):
        found += arrivals.treasury_fiscal(read.month, *transfers)
    return found


def in_transit(
    connection: Connection[TupleRow] | Any, log: PoolLog, month: date, files_through: int, position: int
) -> dict[date, int]:
    """By day of the month: fen that had left the treasury by then and not yet arrived, since both are told of."""
    read = MonthTotals(connection, log, month, files_through, position)
    lines = _fiscal_lines(read)
    transfers = _transfers(read, lines, read.allocated()) if lines else None
    if transfers is None:
        return {}
    by_day = arrivals.in_transit(transfers.left, transfers.came)
    return {day: fen for day, fen in by_day.items() if month <= day <= read.last}


def sides(
    connection: Connection[TupleRow] | Any, log: PoolLog, month: date, files_through: int, position: int
) -> Iterator[Side]:
    """What each source stated of a month and ours beside it; a source that stated nothing has no totals."""
    read = MonthTotals(connection, log, month, files_through, position)
    for source in SOURCES:
        stated = read.stated(source)
        if source is FileKind.EXPENDITURE_ACCOUNT:
            paid = read.paid_out() if stated else {}
            yield Side(source, [(one, paid.get(one.business) if one.business else None) for one in stated])
        elif source is FileKind.FISCAL_ACCOUNT:
            sums: dict[str, int] = {}
            for allocated in read.allocated():
                sums[allocated.voucher] = sums.get(allocated.voucher, 0) + allocated.fen
            yield Side(
                source, [(one, Figures(None, sums[one.reference]) if one.reference in sums else None) for one in stated]
            )
        elif source is FileKind.INCOME_ACCOUNT or not stated:
            yield Side(source, [(one, None) for one in stated])
        else:
            ours = Sums(read.received(by_county=True))
            yield Side(source, [(one, ours.under(one)) for one in stated])


def _month_end(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1) - timedelta(days=1)
