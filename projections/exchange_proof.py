"""Proves that the rows received from the tax side and finance are those that came, and that the log agrees with them.

Without the key: a row that was recorded stands in the log just as it says, an event that names a row of a file has it,
and months and files count their rows. With the key: every row opens at its place, and its hash holds for all that is
kept of it, so that no figure, word or place of one was changed; of somebody erased nothing opens any more. Each range
of rows is looked at in one statement, so no snapshot lasts and what is taken in meanwhile does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from psycopg.errors import DataError

from ledger.account_events import (
    CollectiveSubsidyRecorded,
    ContributionRecorded,
    EntryReversed,
    GovernmentSubsidyRecorded,
    SocialAidRecorded,
)
from ledger.desk.commands import BY_HAND
from ledger.exchange import ENDINGS, TYPES, FileKind
from ledger.identity import IdentityFault, normalise_citizen_number
from ledger.store.exchange_records import (
    BETWEEN,
    ExchangeRecords,
    InvalidTag,
    emptied_mark,
    row_hash,
)
from ledger.store.exchange_rows import KEPT_COLUMNS, KeptRow, kept_row
from ledger.store.external_identities import CANCELLED, NEW
from ledger.store.keys import DataKey
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.words import KINDS
from projections.evidence import Finding

_ROWS: Final = 20_000
"""Received rows that are looked at in one statement."""
_IDS: Final = 200_000
_FILES: Final = 64
_PAID: Final = (ContributionRecorded, CollectiveSubsidyRecorded, SocialAidRecorded, GovernmentSubsidyRecorded)
_WORDS: Final = {
    "payments": FileKind.PAYMENTS,
    "new": NEW,
    "cancelled": CANCELLED,
    **{word: place for place, word in enumerate(ENDINGS) if word},
    "kinds": [kind.value for kind in KINDS],
    "types": list(TYPES),
    "paid": [event.topic for event in _PAID],
    "reversed": EntryReversed.topic,
}
_NOTHING: Final = (0, 0)


def exchange_faults(log: PoolLog) -> Iterator[Finding]:
    """Every fault of the received rows that can be seen without the key."""
    ((since,),) = _read(log, "SELECT max(applied_at) FROM {migration_file} WHERE name LIKE '0009%%'", ())
    for low, high in _ranges(log):
        yield from _row_faults(log, low, high, since)
    yield from _event_faults(log, since)
    yield from _count_faults(log)


def record_faults(register: Register) -> Iterator[Finding]:
    """Rows that do not open, or say something else than what was received."""
    log = register.log
    try:
        intake = ExchangeRecords(log).stored_intake_key(register.keys)
    except InvalidTag:
        yield Finding("intake_key_changed", {"table": "intake_key"}, "未识别人员明细的密钥已被改动")
        return
    after = _NOTHING
    while rows := _kept_after(log, after):
        for row, wrapped, is_there in rows:
            if fault := _fault_of(register, intake, row, wrapped, is_there):
                yield Finding("record_changed", _where(row.sha256, row.line), f"收到的明细{fault}")
        after = (rows[-1][0].file_id, rows[-1][0].line)


# -- with the key --------------------------------------------------------------------------------------------------


def _kept_after(log: PoolLog, after: tuple[int, int]) -> list[tuple[KeptRow, bytes | None, bool]]:
    """Some rows, each with its person's wrapped key and whether the register has that person, of one snapshot."""
    statement = log.sql(
        f"SELECT {KEPT_COLUMNS}, p.wrapped_key, p.participant_id IS NOT NULL FROM {{exchange_record}} r"
        " JOIN {exchange_file} f USING (file_id) LEFT JOIN {participant} p ON p.participant_id = r.participant_id"
        " WHERE (r.file_id, r.line) > (%s, %s) ORDER BY r.file_id, r.line LIMIT %s"
    )
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        return [(kept_row(row[:-2]), row[-2], row[-1]) for row in cursor.execute(statement, (*after, _ROWS))]


def _fault_of(register: Register, intake: DataKey | None, row: KeptRow, wrapped: bytes | None, is_there: bool) -> str:
    """What is wrong with a row, empty where nothing is. Of somebody erased no row opens any more, and need not."""
    if row.said is None:
        return "各栏不成其为明细"
    if row.participant is None:
        return _fault_under_intake(register, intake, row)
    if not is_there:
        return "所指的参保人不在登记中"
    if row.sealed is None or row.digest is not None:
        return "密封的身份信息不在或另有查询摘要"
    if wrapped is None:
        return ""
    try:
        key = register.keys.unwrapped(wrapped, row.participant)
        text = key.opened(row.sealed, row.place)
    except (InvalidTag, ValueError):
        return "密封的身份信息无法打开，已被改动"
    return "" if row_hash(key, row.place, row.said, text) == row.row_hash else "已被改动：与收到时的摘要不符"


def _fault_under_intake(register: Register, intake: DataKey | None, row: KeptRow) -> str:
    if intake is None:
        return "没有可以打开它的密钥"
    assert row.said is not None
    if row.sealed is None:
        mark = emptied_mark(intake, row.place, row.said)
        return "" if (row.digest, row.row_hash) == (None, mark) else "被清空而不是因删除身份信息，或清空后被改动"
    try:
        text = intake.opened(row.sealed, row.place)
    except (InvalidTag, ValueError):
        return "密封的内容无法打开，已被改动"
    if row_hash(intake, row.place, row.said, text) != row.row_hash:
        return "已被改动：与收到时的摘要不符"
    return "" if _digest_in(register, text) == row.digest else "查询摘要与密封的号码不符"


def _digest_in(register: Register, text: str) -> bytes | None:
    """The digest that leads to a row: none to a row that is kept whole, for nobody can be told by its number."""
    cells = text.split(BETWEEN)
    if len(cells) != 2:
        return None
    with suppress(IdentityFault):
        return register.digest(normalise_citizen_number(cells[0]))
    return None


# -- without it: rows, and what they became ------------------------------------------------------------------------

_PLACE: Final = "'file ' || encode(f.sha256, 'hex') || '#' || r.line"
_FROM_HERE: Final = f"(s.cause = {_PLACE} OR starts_with(s.cause, '{BY_HAND} ' || {_PLACE} || ' '))"
"""Whether an event says that it comes from the row: as it was taken in, or allocated by hand later."""
_SAID_BY_EVENT: Final = (
    "jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb)"
    " AS s (cause text, serial text, effect jsonb, year int, effective_on date, voucher text, payer text,"
    " payment_type text, paid_on date)"
)
_SAME_PAYMENT: Final = (
    "(e.topic = ANY(%(paid)s) AND s.effect = jsonb_build_object(coalesce((%(kinds)s::text[])[r.kind + 1], ''), r.fen)"
    " AND s.effective_on = r.treasury_on AND s.paid_on IS NOT DISTINCT FROM r.paid_on"
    " AND coalesce(s.payment_type, 'regular') = (%(types)s::text[])[r.payment_type + 1]"
    " AND coalesce(s.voucher, '') = r.voucher AND coalesce(s.payer, '') = r.payer)"
)
_SAME_REVERSAL: Final = (
    "(e.topic = %(reversed)s AND s.effect = jsonb_build_object(coalesce((%(kinds)s::text[])[r.kind + 1], ''), -r.fen))"
)
_SAME: Final = (
    f"({_FROM_HERE} AND s.serial = r.serial AND s.year = r.period"
    f" AND CASE r.data_type WHEN %(new)s THEN {_SAME_PAYMENT} WHEN %(cancelled)s THEN {_SAME_REVERSAL}"
    " ELSE false END)"
)
# What was refused, or waited, may stand in the log all the same: since the same file came again, or its original did.
_WELL: Final = (
    "f.kind = %(payments)s AND (r.participant_id IS NULL OR h.participant_id IS NULL"
    " OR r.ended NOT IN (%(recorded)s, %(already_there)s) OR h.participant_id = r.participant_id)"
    " AND (r.reason = '') = (r.ended IN (%(recorded)s, %(already_there)s)) AND CASE r.ended"
    f" WHEN %(recorded)s THEN {_SAME}"
    f" WHEN %(already_there)s THEN s.cause <> {_PLACE} OR e.recorded_at < %(since)s"
    f" WHEN %(refused)s THEN {_FROM_HERE} IS NOT TRUE OR {_SAME}"
    f" WHEN %(waiting)s THEN r.data_type = %(cancelled)s AND (s.cause IS DISTINCT FROM {_PLACE} OR {_SAME})"
    " ELSE false END"
)


def _row_faults(log: PoolLog, low: tuple[int, int], high: tuple[int, int], since: datetime) -> Iterator[Finding]:
    """Rows that did not end as they say."""
    rows = _read(
        log,
        "SELECT r.file_id, f.sha256, r.line, r.ended FROM {exchange_record} r"
        " LEFT JOIN {exchange_file} f ON f.file_id = r.file_id LEFT JOIN {external_identity} x"
        " ON x.serial = r.serial AND x.data_type = r.data_type LEFT JOIN {ledger_events} e"
        " ON e.originator_id = x.account_id AND e.originator_version = x.version"
        f" LEFT JOIN {{account_holder}} h ON h.account_id = x.account_id LEFT JOIN {_SAID_BY_EVENT} ON true"
        " WHERE (r.file_id, r.line) > (%(file)s, %(line)s) AND (r.file_id, r.line) <= (%(to_file)s, %(to_line)s)"
        f" AND ({_WELL}) IS NOT TRUE ORDER BY 1, 3",
        {**_WORDS, "since": since, "file": low[0], "line": low[1], "to_file": high[0], "to_line": high[1]},
    )
    for file_id, sha256, line, ended in rows:
        where = _where(sha256, line) if sha256 else {"file_id": file_id, "line": line}
        if ended == _WORDS["recorded"]:
            yield Finding("record_and_log", where, "收到的明细称已记账，日志中没有与之相符的记录")
        else:
            yield Finding("record_ended", where, "收到的明细与其处理结果不符")


def _event_faults(log: PoolLog, since: datetime) -> Iterator[Finding]:
    """Events that name a row of a file which is not kept, of the time since rows are kept."""
    ((last,),) = _read(log, "SELECT last_id FROM {log_head}", ())
    for first in range(1, last + 1, _IDS):
        rows = _read(
            log,
            "SELECT e.notification_id, e.originator_id, e.originator_version, e.topic FROM {ledger_events} e,"
            " jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) AS s (cause text, serial text)"
            " WHERE e.notification_id BETWEEN %(first)s AND %(last)s AND e.recorded_at >= %(since)s"
            " AND (e.topic = ANY(%(paid)s) OR e.topic = %(reversed)s)"
            " AND s.cause ~ '^file [0-9a-f]{{64}}#[0-9]{{1,9}}$'"
            " AND NOT EXISTS (SELECT FROM {exchange_file} f LEFT JOIN {exchange_record} r ON r.file_id = f.file_id"
            " AND r.line = substr(s.cause, 71)::int WHERE f.sha256 = decode(substr(s.cause, 6, 64), 'hex')"
            " AND (f.kind <> %(payments)s OR (r.serial = s.serial"
            " AND r.data_type = CASE e.topic WHEN %(reversed)s THEN %(cancelled)s ELSE %(new)s END)))"
            " ORDER BY e.notification_id",
            {**_WORDS, "first": first, "last": min(first + _IDS - 1, last), "since": since},
        )
        for position, stream, version, topic in rows:
            where = {"id": position, "stream": str(stream), "version": version, "topic": topic}
            yield Finding("record_missing", where, f"日志第{position}号由收到的明细而来，而该明细未留存")


def _count_faults(log: PoolLog) -> Iterator[Finding]:
    """Months that count other rows than there are, and files whose rows are not all kept."""
    tables = ("exchange_file", "exchange_month", "exchange_record", "receivable", "exchange_total", "refund_request")
    greatest = ", ".join(f"(SELECT max(file_id) FROM {{{table}}})" for table in tables)
    ((last,),) = _read(log, f"SELECT coalesce(greatest({greatest}), 0)", ())
    kept = (
        "SELECT file_id, 1 AS side, date_trunc('month', treasury_on)::date AS month FROM {exchange_record}"
        " WHERE treasury_on IS NOT NULL AND file_id BETWEEN %(first)s AND %(last)s UNION ALL SELECT file_id, 2,"
        " date_trunc('month', approved_on)::date FROM {receivable} WHERE file_id BETWEEN %(first)s AND %(last)s"
        " UNION ALL SELECT file_id, 3, date_trunc('month', since)::date FROM {exchange_total}"
        " WHERE file_id BETWEEN %(first)s AND %(last)s"
        " UNION ALL SELECT r.file_id, 4, date_trunc('month', r.received_on)::date FROM {refund_request} r"
        " JOIN (SELECT number FROM {refund_request} UNION ALL SELECT number FROM {refund_verdict}) o USING (number)"
        " WHERE r.data_type = %(new)s AND r.file_id BETWEEN %(first)s AND %(last)s"
    )
    for first in range(1, last + 1, _FILES):
        bounds = {"first": first, "last": first + _FILES - 1, **_WORDS}
        counted = _read(
            log,
            "SELECT file_id, side, month, c.rows, k.rows FROM (SELECT * FROM {exchange_month}"
            " WHERE file_id BETWEEN %(first)s AND %(last)s) c FULL JOIN (SELECT file_id, side, month, count(*) AS rows"
            f" FROM ({kept}) a GROUP BY 1, 2, 3) k USING (file_id, side, month) WHERE c.rows IS DISTINCT FROM k.rows"
            " ORDER BY 1, 2, 3",
            bounds,
        )
        for file_id, side, month, told, there in counted:
            where = {"table": "exchange_month", "file_id": file_id, "side": side, "month": month.isoformat()}
            yield Finding("month_count", where, f"{month:%Y-%m} 计{told or 0}行，留存{there or 0}行")
        lost = _read(
            log,
            "SELECT f.sha256, j.rows, (SELECT count(*) FROM {exchange_record} r WHERE r.file_id = f.file_id)"
            " FROM {exchange_file} f JOIN (SELECT DISTINCT ON (subject) subject, ended_at,"
            " (report ->> 'rows')::bigint AS rows FROM {job} WHERE kind = 'import payments' AND ended_at IS NOT NULL"
            " ORDER BY subject, ended_at DESC) j ON j.subject = encode(f.sha256, 'hex') AND j.ended_at >= f.received_at"
            " WHERE f.kind = %(payments)s AND f.file_id BETWEEN %(first)s AND %(last)s"
            " AND j.rows <> (SELECT count(*) FROM {exchange_record} r WHERE r.file_id = f.file_id) ORDER BY f.file_id",
            bounds,
        )
        for sha256, told, there in lost:
            yield Finding("file_count", {"file": sha256.hex()}, f"该文件收到{told}行，留存{there}行")


def _ranges(log: PoolLog) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The places of rows in ranges of so many rows, each above its first place and up to its last."""
    low = _NOTHING
    while ends := _read(
        log,
        "SELECT file_id, line FROM (SELECT file_id, line FROM {exchange_record} WHERE (file_id, line) > (%s, %s)"
        " ORDER BY file_id, line LIMIT %s) page ORDER BY file_id DESC, line DESC LIMIT 1",
        (*low, _ROWS),
    ):
        yield low, ends[0]
        low = ends[0]


def _where(sha256: bytes, line: int) -> dict[str, Any]:
    return {"table": "exchange_record", "file": sha256.hex(), "line": line}


def _read(log: PoolLog, text: str, parameters: Any) -> list[Any]:
    """All rows of a statement. Where the log holds what the database cannot read, none: verify names that event."""
    with log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        try:
            return cursor.execute(log.sql(text), parameters).fetchall()
        except DataError:
            return []
