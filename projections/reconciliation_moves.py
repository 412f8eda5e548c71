"""In which months money moved between two positions of the log, whatever recorded it: a file, a counter or a plan.

Rows of files are counted where they are taken in; what a counter records, reverses or pays out, and what a plan
allocates, has no rows, and changes the figures of a month all the same.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.account_events import (
    AccountClosed,
    BenefitPaid,
    CollectiveSubsidyRecorded,
    ContributionRecorded,
    EntryReversed,
    Refunded,
    SocialAidRecorded,
    TransferredOut,
)
from ledger.exchange import month_of
from ledger.plan_events import SubsidyAllocated
from ledger.store.log import PoolLog
from projections.folds import execute

_TOPICS: Final = [
    one.topic
    for one in (
        ContributionRecorded, CollectiveSubsidyRecorded, SocialAidRecorded, EntryReversed, BenefitPaid, Refunded,
        TransferredOut, AccountClosed,
    )
]  # fmt: skip
_WORD: Final = '"effective_on":"'
_MOVED: Final = f"""
SELECT substring(e.state FROM position('{_WORD}'::bytea IN e.state) + {len(_WORD)} FOR 10) AS day, max(notification_id)
  FROM {{ledger_events}} e
 WHERE notification_id > %s AND notification_id <= %s AND topic = ANY(%s) GROUP BY 1"""
"""The day as it stands in the bytes: to read a million events as JSON takes as long as to compare a month."""
_ALLOCATED: Final = """
SELECT least(x."on", (SELECT min(t.since) FROM {exchange_total} t WHERE t.reference = x.voucher)), e.notification_id
  FROM {ledger_events} e, jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) AS x (voucher text, "on" date)
 WHERE e.notification_id > %s AND e.notification_id <= %s AND e.topic = %s"""
"""What is allocated belongs to its day; a line of the account that shows its voucher earlier no longer stands alone."""
_PAID: Final = """
SELECT r.received_on, m.last_id FROM {refund_request} r JOIN {command} m ON m.command_id = r.pay_id
 WHERE m.last_id > %s AND m.last_id <= %s"""
"""A request that is paid was open since it came, whenever the refund is dated."""


def money_moved(connection: Connection[TupleRow], log: PoolLog, above: int, to: int) -> dict[date, int]:
    """By month: the id of the latest event above a position and up to another that changes its figures.

    A day that cannot be read is of no month: then every month is meant (`date.min`).
    """
    if above >= to:
        return {}
    found: dict[date, int] = {}
    rows = [(_day(bytes(day)), last) for day, last in execute(connection, log, _MOVED, (above, to, _TOPICS))]
    rows += connection.execute(log.sql(_ALLOCATED), (above, to, SubsidyAllocated.topic)).fetchall()
    rows += connection.execute(log.sql(_PAID), (above, to)).fetchall()
    for day, last in rows:
        found[month_of(day)] = max(last, found.get(month_of(day), 0))
    return found


def _day(said: bytes) -> date:
    try:
        return date.fromisoformat(said.decode("ascii", "replace"))
    except ValueError:
        return date.min
