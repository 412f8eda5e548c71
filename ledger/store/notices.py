"""Receivables of rosters: written when the 缴费通知单 is issued, withdrawn when the roster goes back or its plan ends.

The file of a notice is known by its roster's id, that of its withdrawal by the same id with a word behind it; the
number of each receivable is the roster's id, which the tax side echoes. All of it is one statement each, in the
transaction of the plan's events. S0 附件1 四（三）: 生成缴费通知单并将代缴数据向税务部门传递.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from ledger.exchange import APPROVED_SIDE, FileKind, month_of
from ledger.late_money import Origin
from ledger.plan_notices import Notice, NoticeChanges
from ledger.store.exchange_files import ExchangeFile, ExchangeFiles
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.log import PoolLog
from ledger.store.receivables import KIND_PLACES, TYPE_PLACES

WITHDRAWN: Final = b"withdrawn"
"""Behind a roster's id: the file that withdraws what is unpaid of its notice."""


class Notices:
    """The notices of one pool, inside the transaction of a plan's events."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._files = ExchangeFiles(log)

    def write(self, cursor: Any, changes: NoticeChanges, origin: Origin, today: date) -> None:
        """All of it."""
        for notice in changes.issued:
            self._issue(cursor, notice, origin)
        for roster in changes.withdrawn:
            self._withdraw(cursor, roster, origin, today)

    def _issue(self, cursor: Any, notice: Notice, origin: Origin) -> None:
        file_id = self._files.register(ExchangeFile(FileKind.NOTICE, notice.roster.bytes), origin, cursor)
        statement = (
            "INSERT INTO {receivable} (file_id, line, data_type, kind, payment_type, period, approved_on, fen,"
            " participant_id, number, payer) SELECT %(file)s, r.line, %(new)s, %(kind)s, %(type)s, %(year)s, %(on)s,"
            " r.fen, h.participant_id, %(number)s, %(payer)s FROM {roster_row} r JOIN {account_holder} h"
            " USING (account_id) WHERE r.roster = %(roster)s"
        )
        said = {
            "file": file_id, "new": NEW, "kind": KIND_PLACES[notice.kind], "type": TYPE_PLACES["regular"],
            "year": notice.year, "on": notice.on, "number": str(notice.roster), "payer": notice.payer,
            "roster": notice.roster,
        }  # fmt: skip
        rows = cursor.execute(self._log.sql(statement), said).rowcount
        self._files.add_months(cursor, APPROVED_SIDE, file_id, {month_of(notice.on): rows})

    def _withdraw(self, cursor: Any, roster: UUID, origin: Origin, today: date) -> None:
        """What no account was credited with for the roster; nothing where no notice was issued, or all was paid."""
        said: dict[str, Any] = {
            "key": roster.bytes, "kind": FileKind.NOTICE, "withdrawn": CANCELLED, "on": today,
        }  # fmt: skip
        unpaid = cursor.execute(self._log.sql(f"SELECT FROM {_UNPAID} LIMIT 1"), said).fetchone()
        if unpaid is None:
            return
        file = ExchangeFile(FileKind.NOTICE, roster.bytes + WITHDRAWN)
        said["file"] = self._files.register(file, origin, cursor)
        statement = (
            "INSERT INTO {receivable} (file_id, line, data_type, kind, payment_type, period, approved_on, fen,"
            " participant_id, number, payer) SELECT %(file)s, r.line, %(withdrawn)s, r.kind, r.payment_type, r.period,"
            f" %(on)s, r.fen - p.fen, r.participant_id, r.number, r.payer FROM {_UNPAID}"
        )
        rows = cursor.execute(self._log.sql(statement), said).rowcount
        self._files.add_months(cursor, APPROVED_SIDE, said["file"], {month_of(today): rows})


_UNPAID: Final = (
    "{exchange_file} f JOIN {receivable} r USING (file_id), LATERAL (SELECT coalesce(sum("
    "coalesce((x.effect ->> 'collective_subsidy')::bigint, 0) + coalesce((x.effect ->> 'social_aid')::bigint, 0)),"
    " 0)::bigint AS fen FROM {account_holder} h JOIN {ledger_events} e ON e.originator_id = h.account_id,"
    " jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) AS x (roster text, effect jsonb)"
    " WHERE h.participant_id = r.participant_id AND x.roster = r.number AND e.topic IN"
    " ('account.collective_subsidy_recorded', 'account.social_aid_recorded', 'account.entry_reversed')) AS p"
    " WHERE f.kind = %(kind)s AND f.sha256 = %(key)s AND r.fen > p.fen"
)
"""Rows `r` of a roster's notice of which accounts hold less (`p.fen`) than was notified."""
