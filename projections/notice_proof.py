"""Proves that the receivables of notices are the rows of their rosters: every notice's, line by line, and no others.

Each question is one statement, so one snapshot sees a notice's step in the log with its file and rows, which were
recorded together. What is withdrawn of a notice is never more than was notified.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from ledger.exchange import FileKind
from ledger.plan_steps import MATTER_OF
from ledger.procedure import read_procedures
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog
from ledger.store.notices import WITHDRAWN
from projections.evidence import Finding

_ROSTERS: Final = 200
"""Notices that are looked at in one snapshot."""


def notice_faults(log: PoolLog) -> Iterator[Finding]:
    """Every fault of the pool's notices."""
    names = [
        [matter, step.name]
        for matter, chain in read_procedures(log.rules().region).items()
        if matter in MATTER_OF.values()
        for step in chain.steps.values()
        if step.is_notice
    ]
    issued = _read(
        log,
        "SELECT coalesce(s.roster, f.roster), s.roster IS NULL FROM (SELECT DISTINCT x.roster FROM {ledger_events} e,"
        " jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) AS x (matter text, step text, roster uuid)"
        " WHERE e.topic = 'plan.step_taken' AND x.matter || ' ' || x.step = ANY(%(names)s)) AS s"
        " FULL JOIN (SELECT encode(sha256, 'hex')::uuid AS roster FROM {exchange_file}"
        " WHERE kind = %(kind)s AND octet_length(sha256) = 16) AS f ON f.roster = s.roster"
        " WHERE s.roster IS NULL OR f.roster IS NULL",
        {"names": [" ".join(one) for one in names], "kind": FileKind.NOTICE},
    )
    for roster, stray in issued:
        text = "有应收核定而没有缴费通知的步骤" if stray else "已发缴费通知而没有应收核定"
        yield Finding("notice_stray" if stray else "notice_missing", {"roster": str(roster)}, f"名册 {roster} {text}")
    rosters = [row[0] for row in _read(log, "SELECT roster FROM {roster} ORDER BY roster")]
    for first in range(0, len(rosters), _ROSTERS):
        yield from _row_faults(log, rosters[first : first + _ROSTERS])


def _row_faults(log: PoolLog, rosters: list[UUID]) -> Iterator[Finding]:
    """Notices whose rows are others than their rosters', and withdrawals of more than was notified."""
    where = {
        "kind": FileKind.NOTICE, "new": NEW, "cancelled": CANCELLED,
        "keys": [one.bytes for one in rosters], "withdrawn": [one.bytes + WITHDRAWN for one in rosters],
    }  # fmt: skip
    said = "line, participant_id, fen, payer, number"
    changed = _read(
        log,
        f"WITH said AS (SELECT f.sha256 AS key, {said} FROM {{exchange_file}} f JOIN {{receivable}} USING (file_id)"
        " WHERE f.kind = %(kind)s AND f.sha256 = ANY(%(keys)s) AND data_type = %(new)s),"
        " due AS (SELECT f.sha256 AS key, r.line, h.participant_id, r.fen, p.payer, r.roster::text AS number"
        " FROM {exchange_file} f JOIN {roster_row} r ON r.roster = encode(f.sha256, 'hex')::uuid"
        " JOIN {account_holder} h USING (account_id) JOIN {roster} o ON o.roster = r.roster"
        " JOIN {subsidy_plan} p USING (plan_id) WHERE f.kind = %(kind)s AND f.sha256 = ANY(%(keys)s))"
        " SELECT DISTINCT key FROM ((TABLE said EXCEPT TABLE due) UNION ALL (TABLE due EXCEPT TABLE said)) AS d",
        where,
    )
    for (key,) in changed:
        roster = str(UUID(bytes=bytes(key)))
        text = f"名册 {roster} 的应收核定与其明细不符"
        yield Finding("notice_rows", {"roster": roster}, text)
    more = _read(
        log,
        "SELECT DISTINCT w.number FROM {exchange_file} f JOIN {receivable} w USING (file_id) WHERE f.kind = %(kind)s"
        " AND f.sha256 = ANY(%(withdrawn)s) AND NOT EXISTS (SELECT FROM {receivable} r WHERE r.number = w.number"
        " AND r.participant_id = w.participant_id AND r.kind = w.kind AND r.period = w.period"
        " AND r.payment_type = w.payment_type AND r.data_type = %(new)s AND w.data_type = %(cancelled)s"
        " AND r.fen >= w.fen)",
        where,
    )
    for (number,) in more:
        yield Finding("notice_withdrawn", {"roster": number}, f"名册 {number} 撤销的应收多于核定的")


def _read(log: PoolLog, text: str, parameters: Any = None) -> list[Any]:
    with log.connections.connection() as connection:
        return connection.execute(log.sql(text), parameters).fetchall()
