"""Proves that the log is whole and that everything folded from it still agrees with it; names what does not.

Two passes. The log by position: ids 1..last without a gap, instants that never go back. Then every stream in key order,
a range of keys at a time, each range in one snapshot: the log is folded again by SQL and compared with the tables that
reads stand on, and folded by `evolve` and compared with the states that decisions stand on. Streams that disagree
anywhere are laid open (`diagnosis`). Nothing is written, so an auditor who may only read can run it, memory stays flat,
no transaction lasts, and what is recorded meanwhile does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import TupleRow

from ledger.account import PersonalAccount, evolve
from ledger.account_events import AccountEvent, AccountOpened, InterestCredited, InterestEvent
from ledger.region_rules import rules_stream
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.store.register_proof import RegisterProof
from ledger.store.states import encode_state
from projections.day_proof import DayProof
from projections.diagnosis import account_faults, adds_up, follows, stream_faults
from projections.evidence import (
    LINE_COLUMNS,
    RANGE_EVENTS,
    Evidence,
    Finding,
    LogEntry,
    StateEntry,
    decoded,
    doubted_accounts,
    line_entry,
    load,
    load_lines,
    snapshot,
    standing,
)
from projections.exchange_proof import exchange_faults, record_faults
from projections.folds import EVERYBODY, FOLDS, NOBODY, Fold, end_of_range, execute
from projections.month_proof import month_faults
from projections.notice_proof import notice_faults
from projections.plan_proof import plan_faults, row_faults
from projections.reconciliation_proof import fold_faults, view_faults
from projections.refund_proof import refund_faults
from projections.sent_proof import sent_faults

Notes = Callable[[str], None]
"""Told what was not looked at, and why: no finding."""
IdentityCheck = Callable[[PoolLog], Iterable[Finding]]
"""The checks of the register, which only somebody who holds its key can run."""
Progress = Callable[[int, int], None]
"""Told how many events were looked at, of how many."""

_IDS: Final = 100_000


def verify(
    log: PoolLog, identity_check: IdentityCheck | None = None, progress: Progress | None = None
) -> list[Finding]:
    """The first fault of each kind, in the order found; empty when all is well."""
    found: dict[str, Finding] = {}
    for finding in _everything(log, identity_check, progress):
        found.setdefault(finding.kind, finding)
    return list(found.values())


def register_check(register: Register, notes: Notes = lambda _text: None) -> IdentityCheck:
    """The checks that ask for the key, as findings: the register's own, whom rosters and received rows name, and every
    reconciled month folded again.
    """
    proof = RegisterProof(register)

    def check(_log: PoolLog) -> Iterator[Finding]:
        for fault in proof.faults():
            yield Finding("register_changed", {"table": fault.table, "key": fault.key}, fault.text)
        yield from row_faults(register)
        yield from record_faults(register)
        yield from fold_faults(register, notes)

    return check


def _everything(log: PoolLog, identity_check: IdentityCheck | None, progress: Progress | None) -> Iterator[Finding]:
    yield from _head_faults(log)
    yield from _id_faults(log)
    for fold in FOLDS:
        yield from _fold_faults(log, fold)
    yield from _streams(log, progress)
    yield from plan_faults(log)
    yield from notice_faults(log)
    yield from refund_faults(log)
    yield from sent_faults(log)
    yield from exchange_faults(log)
    yield from month_faults(log)
    yield from view_faults(log)
    if identity_check is not None:
        yield from identity_check(log)


# -- the log by position -------------------------------------------------------------------------------------------


def _head_faults(log: PoolLog) -> Iterator[Finding]:
    """Rows whose id the pool never handed out, and rules that the pool's head does not know of."""
    with log.connections.connection() as connection:
        rows = execute(
            connection,
            log,
            "SELECT originator_id, originator_version, notification_id, recorded_at, topic, state FROM {ledger_events}"
            " WHERE notification_id < 1 OR notification_id > (SELECT last_id FROM {log_head})"
            " ORDER BY notification_id LIMIT 1",
        )
        rules = execute(
            connection,
            log,
            "SELECT rules_version, (SELECT coalesce(max(originator_version), 0) FROM {ledger_events}"
            " WHERE originator_id = %s) FROM {log_head}",
            (rules_stream(log.pool),),
        )
    for stream, version, position, recorded_at, topic, state in rows:
        where = Evidence(stream, 0, 0).where(LogEntry(version, position, recorded_at, topic, state))
        yield Finding("log_inserted", where, f"日志第{position}号不是本统筹区发出的编号")
    if rules and rules[0][0] != rules[0][1]:
        where = {"stream": str(rules_stream(log.pool)), "version": rules[0][1]}
        yield Finding("rules_version", where, f"规则流止于第{rules[0][1]}号，记账时为第{rules[0][0]}号")


def _id_faults(log: PoolLog) -> Iterator[Finding]:
    """Ids 1..last without a gap, in the order of their instants."""
    with log.connections.connection() as connection:
        last = int(execute(connection, log, "SELECT last_id FROM {log_head}")[0][0])
    for first in range(1, last + 1, _IDS):
        bounds = {"first": first, "last": min(first + _IDS - 1, last)}
        with log.connections.connection() as connection:
            count = execute(
                connection,
                log,
                "SELECT count(*) FROM {ledger_events} WHERE notification_id BETWEEN %(first)s AND %(last)s",
                bounds,
            )[0][0]
            if count != bounds["last"] - first + 1:
                yield _gap(connection, log, bounds)
            back = execute(
                connection,
                log,
                "SELECT notification_id, originator_id, originator_version, topic FROM (SELECT *, recorded_at <"
                " lag(recorded_at) OVER (ORDER BY notification_id) AS back FROM {ledger_events}"
                " WHERE notification_id BETWEEN %(first)s - 1 AND %(last)s) told WHERE back"
                " ORDER BY notification_id LIMIT 1",
                bounds,
            )
        for position, stream, version, topic in back:
            where = {"id": position, "stream": str(stream), "version": version, "topic": topic}
            yield Finding("clock", where, f"日志第{position}号的记录时刻早于其前一号")


def _gap(connection: Connection[TupleRow], log: PoolLog, bounds: dict[str, int]) -> Finding:
    """The first id that is missing, with what the lines or balances still know of its row."""
    missing = execute(
        connection,
        log,
        "SELECT id FROM generate_series(%(first)s::bigint, %(last)s) id WHERE NOT EXISTS"
        " (SELECT FROM {ledger_events} WHERE notification_id = id) ORDER BY id LIMIT 1",
        bounds,
    )[0][0]
    rows = execute(
        connection, log, f"SELECT account_id, {LINE_COLUMNS} FROM {{line}} WHERE notification_id = %s", (missing,)
    )
    where: dict[str, Any] = {"id": missing}
    for account, *line in rows:
        where = Evidence(account, 0, 0).where(line_entry(line))
    if not rows:
        opened = execute(connection, log, "SELECT account_id FROM {balance} WHERE opened_id = %s", (missing,))
        where |= {"stream": str(opened[0][0]), "version": 1, "topic": "account.opened"} if opened else {}
    return Finding("id_gap", where, f"日志缺第{missing}号")


def _fold_faults(log: PoolLog, fold: Fold) -> Iterator[Finding]:
    """A fold that stands beyond the end of the log, or that another version made."""
    with log.connections.connection() as connection:
        rows = execute(
            connection,
            log,
            "SELECT fold_version, position, last_id FROM {projection}, {log_head} WHERE name = %s",
            (fold.name,),
        )
    version, position, last = rows[0] if rows else (0, 0, 0)
    where = {"table": "projection", "name": fold.name, "position": position}
    if version != fold.version:
        yield Finding("rebuild_due", where, f"{fold.name} 由另一版本的程序汇总，须重建")
    elif position > last:
        yield Finding("position_ahead", where, f"{fold.name} 汇总至第{position}号，超过日志末尾第{last}号")


# -- every stream in key order -------------------------------------------------------------------------------------


def _streams(log: PoolLog, progress: Progress | None) -> Iterator[Finding]:
    low, done, last, days = NOBODY, 0, log.position()[0], DayProof(log)
    while low < EVERYBODY:
        with snapshot(log) as connection:
            high = end_of_range(connection, log, low, RANGE_EVENTS)
            streams = load(connection, log, low, high)
            doubted = doubted_accounts(connection, log, low, high)
            days.add(connection, low, high)
            for stream in doubted or ():
                streams.setdefault(stream, Evidence(stream, *standing(connection, log)))
            suspects = [
                one for one in streams.values() if doubted is None or one.stream in doubted or not _is_well(one)
            ]
            load_lines(connection, log, {one.stream: one for one in suspects})
        found = [one for evidence in suspects for one in _faults(evidence)]
        yield from found
        if doubted is None and all(one.kind != "undecodable" for one in found):
            where = {"after": str(low), "through": str(high)}
            yield Finding("undecodable", where, "该范围的日志中有数据库无法读取的内容")
        done += sum(len(one.log) for one in streams.values())
        if progress is not None:
            progress(done, max(done, last))
        low = high
    yield from days.faults()


def _faults(evidence: Evidence) -> Iterator[Finding]:
    return account_faults(evidence) if _is_account(evidence) else stream_faults(evidence)


def _is_account(evidence: Evidence) -> bool:
    known = evidence.state or evidence.balance or evidence.holder or evidence.lines
    return bool(known) or any(entry.topic.startswith("account.") for entry in evidence.log[:1])


def _is_well(evidence: Evidence) -> bool:
    """Whether the log of a stream reads and agrees with state, balance and holder: the quick look at every stream.

    What is not well is looked at closely afterwards, so this only has to miss nothing; the lines are SQL's part.
    """
    events = [decoded(entry) for entry in evidence.log]
    if [entry.version for entry in evidence.log] != list(range(1, len(events) + 1)) or None in events:
        return False
    if not _is_account(evidence):
        return True
    opened, balance = (events[0] if events else None), evidence.balance
    state = _proved([event for event in events if isinstance(event, AccountEvent)])
    if state is None or evidence.state is None or not isinstance(opened, AccountOpened):
        return False
    if encode_state(state) != evidence.state.state or not _same_columns(evidence.state, state):
        return False
    if evidence.holder != (opened.participant, opened.division):
        return False
    return evidence.log[-1].id > evidence.balances_at or (balance is not None and balance.held == state.balance)


def _proved(events: list[AccountEvent]) -> PersonalAccount | None:
    """The state after a stream whose interest follows from its entries, each year credited once; None otherwise."""
    state: PersonalAccount | None = None
    credited = set()
    try:
        for event in events:
            if isinstance(event, InterestEvent):
                if not adds_up(event) or not follows(state, event):
                    return None
                if isinstance(event, InterestCredited):
                    if event.year in credited:
                        return None
                    credited.add(event.year)
            state = evolve(state, event)
    except ValueError:
        return None
    return state


def _same_columns(entry: StateEntry, state: PersonalAccount) -> bool:
    return (entry.version, entry.credited_through) == (state.version, state.credited_through)
