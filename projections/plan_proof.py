"""Proves that plans agree with the accounts: their streams, the rows of their rosters, and the accounts' events.

A plan's stream folds; its row in the list is that of its draft; a roster's rows are as many and as much as were
declared; a reviewed roster took just that much room on accounts; what a plan says was credited stands on them, and no
payment that it holds unallocated does. All of it is looked at as of one position of the log, in ranges, so no snapshot
lasts and what is recorded meanwhile does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from uuid import UUID

from eventsourcing.persistence import MapperDeserialisationError

from ledger.money import fen_to_yuan
from ledger.plan import RosterOfPlan, Standing, SubsidyPlan, fold_plan
from ledger.plan_events import PlanEvent
from ledger.store.external_identities import NEW
from ledger.store.log import PoolLog
from ledger.store.mapper import decode
from ledger.store.plans import Plans, rows_digest
from ledger.store.register import Register
from projections.evidence import Finding

_RANGE: Final = 200_000


class _Moved(NamedTuple):
    """What the accounts say of a roster: declarations (rows, fen), and fen credited."""

    declared_rows: int = 0
    declared_fen: int = 0
    credited: int = 0


def plan_faults(log: PoolLog) -> Iterator[Finding]:
    """Every fault of the pool's plans."""
    (last,) = _read(log, "SELECT last_id FROM {log_head}")[0]
    listed = {row[0]: row[1:] for row in _read(log, "SELECT * FROM {subsidy_plan}")}
    drafted_at = dict(
        _read(log, "SELECT originator_id, notification_id FROM {ledger_events} WHERE topic = 'plan.drafted'")
    )
    for plan in sorted(set(listed) - set(drafted_at)):
        yield Finding("plan_without_stream", {"plan": str(plan)}, f"方案 {plan} 在列而没有日志")
    plans = [plan for plan, position in drafted_at.items() if position <= last]
    if not plans:
        return
    moved = _moved(log, last)
    rows = {
        str(roster): (count, fen)
        for roster, count, fen in _read(
            log, "SELECT roster, count(*), sum(fen)::bigint FROM {roster_row} GROUP BY roster"
        )
    }
    for plan in plans:
        state = _folded(log, plan, last)
        if state is None:
            yield Finding("plan_broken", {"plan": str(plan)}, f"方案 {plan} 的日志不能逐笔重算")
            continue
        drafted = state.drafted
        said = (drafted.kind.value, drafted.payer, drafted.village, drafted.year, drafted.sequence)
        if listed.get(plan) != said:
            yield Finding("plan_list_changed", {"plan": str(plan)}, f"方案 {plan} 的列表行与其拟定记录不符")
        yield from _held_faults(log, plan, state, last)
        for roster in state.rosters:
            yield from _roster_faults(plan, roster, rows.get(roster.roster, (0, 0)), moved.get(roster.roster, _Moved()))


def row_faults(register: Register) -> Iterator[Finding]:
    """Rosters whose rows are others than those that were declared, or that are listed with another plan.

    Whoever keeps count and sum of a roster may still have changed whom it names; that asks for the key.
    """
    log = register.log
    plans, (last,) = Plans(log), _read(log, "SELECT last_id FROM {log_head}")[0]
    states = {one.plan: _folded(log, one.plan, last) for one in plans.listed()}
    of = {str(roster): plan for roster, plan in _read(log, "SELECT roster, plan_id FROM {roster}")}
    for plan, state in states.items():
        for roster in state.rosters if state else ():
            where = {"plan": str(plan), "roster": roster.roster}
            if of.get(roster.roster) != plan:
                yield Finding("roster_of_another_plan", where, f"名册 {roster.roster} 未列在方案 {plan} 之下")
            if rows_digest(register, plans.rows(roster.roster)) != roster.digest:
                yield Finding("roster_rows_changed", where, f"名册 {roster.roster} 的明细与申报时的不是同一份")


def _roster_faults(plan: UUID, roster: RosterOfPlan, rows: tuple[int, int], moved: _Moved) -> Iterator[Finding]:
    where = {"plan": str(plan), "roster": roster.roster}
    declared = (roster.rows, roster.fen)
    if rows != declared:
        text = f"名册 {roster.roster} 的明细{rows[0]}行{fen_to_yuan(rows[1])}元，与申报的不符"
        yield Finding("roster_changed", where, text)
    took_room = (moved.declared_rows, moved.declared_fen)
    never = roster.standing is Standing.DECLARED or (roster.standing is Standing.RETURNED and took_room == (0, 0))
    if took_room != ((0, 0) if never else declared):
        text = f"名册 {roster.roster} 在账户上申报{took_room[0]}笔{fen_to_yuan(took_room[1])}元，与方案的记录不符"
        yield Finding("roster_room", where, text)
    if moved.credited != roster.credited:
        text = f"名册 {roster.roster} 入账{fen_to_yuan(moved.credited)}元，方案记录为{fen_to_yuan(roster.credited)}元"
        yield Finding("roster_money", where, text)


def _held_faults(log: PoolLog, plan: UUID, state: SubsidyPlan, last: int) -> Iterator[Finding]:
    """Payments that the plan holds and an account has all the same."""
    if not state.held:
        return
    rows = _read(
        log,
        "SELECT i.serial FROM {external_identity} i JOIN {ledger_events} e ON e.originator_id = i.account_id"
        " AND e.originator_version = i.version WHERE i.data_type = %s AND i.serial = ANY(%s)"
        " AND e.notification_id <= %s ORDER BY i.serial",
        (NEW, [one.serial for one in state.held], last),
    )
    for (serial,) in rows:
        text = f"方案 {plan} 所挂未分配款项（流水号 {serial}）已记入账户"
        yield Finding("held_and_credited", {"plan": str(plan), "serial": serial}, text)


def _folded(log: PoolLog, plan: UUID, last: int) -> SubsidyPlan | None:
    rows = _read(
        log,
        "SELECT topic, state FROM {ledger_events} WHERE originator_id = %s AND notification_id <= %s"
        " ORDER BY originator_version",
        (plan, last),
    )
    try:
        events = [decode(topic, state) for topic, state in rows]
        return fold_plan(event for event in events if isinstance(event, PlanEvent))
    except (MapperDeserialisationError, ValueError):
        return None


def _moved(log: PoolLog, last: int) -> dict[str, _Moved]:
    """What the log's account events up to `last` say of each roster: room taken, and money in less its reversals."""
    found: dict[str, _Moved] = {}
    for first in range(1, last + 1, _RANGE):
        rows = _read(
            log,
            "SELECT x.roster, e.topic = 'account.subsidy_declared', count(*), sum(CASE"
            " WHEN x.effect IS NULL THEN x.fen ELSE coalesce((x.effect->>'collective_subsidy')::bigint, 0)"
            " + coalesce((x.effect->>'social_aid')::bigint, 0) END)::bigint"
            " FROM {ledger_events} e, jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb)"
            " AS x (roster text, fen bigint, effect jsonb)"
            " WHERE e.notification_id BETWEEN %s AND %s AND x.roster <> '' AND e.topic IN ('account.subsidy_declared',"
            " 'account.collective_subsidy_recorded', 'account.social_aid_recorded', 'account.entry_reversed')"
            " GROUP BY 1, 2",
            (first, min(first + _RANGE - 1, last)),
        )
        for roster, declared, count, fen in rows:
            before = found.get(roster, _Moved())
            found[roster] = (
                before._replace(declared_rows=before.declared_rows + count, declared_fen=before.declared_fen + fen)
                if declared
                else before._replace(credited=before.credited + fen)
            )
    return found


def _read(log: PoolLog, text: str, parameters: Any = None) -> list[Any]:
    with log.connections.connection() as connection:
        return connection.execute(log.sql(text), parameters).fetchall()
