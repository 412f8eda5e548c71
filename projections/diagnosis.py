"""What is wrong between the witnesses of one stream: each fault with the very row, and which witness stands against it.

Four tell the same story: the log, the state the recorder keeps, the lines and the balance folded by SQL. Where they
part, the one that stands alone is broken: a line tells which row of the log was changed or is gone, the state tells
whether log or line is right. Where the state cannot tell (it does not hold every field), both are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ledger.account import PersonalAccount, evolve
from ledger.account_events import (
    AccountEvent,
    AccountOpened,
    InterestAdjusted,
    InterestCredited,
    InterestEvent,
    MoneyEvent,
)
from ledger.interest import Rate, fen_months, rounded
from ledger.money import fen_to_yuan
from ledger.words import NOTHING, Amounts
from projections.deduction import changed_row, lost_row
from projections.evidence import (
    BalanceEntry,
    Evidence,
    Finding,
    LineEntry,
    LogEntry,
    StateEntry,
    decoded,
    folded,
    holds,
    state_of,
)


def stream_faults(evidence: Evidence) -> Iterator[Finding]:
    """Faults of a stream that has no state: undecodable bytes, versions that do not run from 1 without a gap."""
    for expected, entry in enumerate(evidence.log, 1):
        if decoded(entry) is None:
            yield Finding("undecodable", evidence.where(entry), f"日志第{entry.id}号的内容无法读取")
        if entry.version != expected:
            where = {"stream": str(evidence.stream), "version": expected}
            yield Finding("version_gap", where, f"流 {evidence.stream} 缺第{expected}号版本")
            return


def account_faults(evidence: Evidence) -> Iterator[Finding]:
    """Every fault of an account's rows, the log's first."""
    found = list(_log_faults(evidence))
    yield from found
    explained = bool(found)
    events = _events(evidence.log)
    state = folded(events)
    if not explained and state is None and events:
        yield Finding("stream_broken", evidence.where(_breaking(evidence)), "该笔不能接在其前的记录之后")
        explained = True
    line_faults = list(_line_faults(evidence, state, explained=explained))
    yield from line_faults
    explained = explained or any(one.kind.startswith("log") for one in line_faults)
    if not explained:
        yield from _state_faults(evidence, state)
    yield from _balance_faults(evidence, events, explained=explained)
    yield from _identity_faults(evidence)
    yield from _holder_faults(evidence, events)
    yield from _interest_faults(evidence)


def _log_faults(evidence: Evidence) -> Iterator[Finding]:
    """Rows of the log that cannot be read, that are gone, or that nobody but the log knows; the first of each."""
    unread = next((entry for entry in evidence.log if decoded(entry) is None), None)
    if unread is not None:
        yield Finding("undecodable", evidence.where(unread), f"日志第{unread.id}号的内容无法读取")
    stored = _stored_version(evidence.state)
    beyond = [entry for entry in evidence.log if entry.version > stored > 0]
    if beyond and holds(evidence.state, folded(_events(evidence.log[: -len(beyond)]))):
        text = f"日志第{beyond[0].id}号未经记账：账户状态止于第{stored}号记录"
        yield Finding("log_inserted", evidence.where(beyond[0]), text)
    else:
        stored = max([stored, *(entry.version for entry in evidence.log)])
    if missing := _missing(evidence, stored):
        yield Finding("log_deleted", missing, f"账户 {evidence.stream} 第{missing['version']}号记录已不在日志中")


def _stored_version(entry: StateEntry | None) -> int:
    """The version that a state's column and bytes agree on, 0 where they do not."""
    state = state_of(entry)
    return state.version if entry and state and state.version == entry.version else 0


def _missing(evidence: Evidence, known: int) -> dict[str, Any] | None:
    """The first version that line, balance or state still knows and the log does not, as far as they name it."""
    if not evidence.log and not evidence.lines and evidence.balance is None:
        return None
    versions = {entry.version for entry in evidence.log}
    known = max([known, *(line.version for line in evidence.lines)])
    version = next((version for version in range(1, known + 1) if version not in versions), None)
    if version is None:
        return None
    line = next((line for line in evidence.lines if line.version == version), None)
    if line is not None:
        return evidence.where(line) if line.id not in {entry.id for entry in evidence.log} else None
    where: dict[str, Any] = {"stream": str(evidence.stream), "version": version, **lost_row(evidence)}
    if version == 1 and evidence.balance is not None and evidence.balance.opened_id:
        where |= {"id": evidence.balance.opened_id, "topic": AccountOpened.topic}
    return where


def _events(entries: Iterable[LogEntry]) -> list[AccountEvent]:
    return [event for entry in entries if isinstance(event := decoded(entry), AccountEvent)]


def _breaking(evidence: Evidence) -> LogEntry:
    """The first row that cannot follow the ones before it."""
    events: list[AccountEvent] = []
    for entry in evidence.log:
        event = decoded(entry)
        if isinstance(event, AccountEvent):
            events.append(event)
        if folded(events) is None:
            return entry
    return evidence.log[-1]


def _line_faults(evidence: Evidence, state: PersonalAccount | None, *, explained: bool) -> Iterator[Finding]:
    """Lines against the log. The state says which of two that differ is right, where it holds what differs."""
    log = {entry.id: entry for entry in evidence.log}
    lines = {line.id: line for line in evidence.lines}
    for line in evidence.lines:
        if line.id not in log and not explained:
            yield Finding("line_extra", evidence.where(line), f"明细第{line.id}号在日志中没有对应的记录")
    for entry in evidence.log:
        event = decoded(entry)
        if not isinstance(event, MoneyEvent) or entry.id > evidence.lines_at:
            continue
        found = lines.get(entry.id)
        if found is None:
            if not explained:
                yield Finding("line_missing", evidence.where(entry), f"日志第{entry.id}号没有明细")
        elif found != line_of(entry, event):
            yield _differing(evidence, entry, found, state)


def line_of(entry: LogEntry, event: MoneyEvent) -> LineEntry:
    """The line that follows from an event: the fold once more, by another road than SQL."""
    said: dict[str, Any] = msgspec.json.decode(entry.state)
    reference = f"冲正第{said['reverses']}号" if "reverses" in said else ""
    for name in ("voucher", "serial", "allocation_document", "rate_document", "document", "reason"):
        reference = reference or said.get(name, "")
    return LineEntry(
        entry.id,
        entry.version,
        entry.recorded_at,
        event.effective_on,
        event.year,
        event.effect,
        entry.topic,
        reference,
    )


def _differing(evidence: Evidence, entry: LogEntry, line: LineEntry, state: PersonalAccount | None) -> Finding:
    """A row of the log and its line that differ: which of the two was changed."""
    as_lined = []
    for one in evidence.log:
        event = decoded(one)
        if one.id == line.id and isinstance(event, MoneyEvent):
            event = msgspec.structs.replace(event, effect=line.effect, effective_on=line.effective_on, year=line.year)
        if isinstance(event, AccountEvent):
            as_lined.append(event)
    log_holds, line_holds = holds(evidence.state, state), holds(evidence.state, folded(as_lined))
    where = {**evidence.where(entry), "line": evidence.where(line)}
    if line_holds and not log_holds:
        return Finding("log_changed", where, f"日志第{entry.id}号已被改动：与明细及账户状态都不符（明细为改动前内容）")
    if log_holds and not line_holds:
        where = {**evidence.where(line), "log": evidence.where(entry)}
        return Finding("line_changed", where, f"明细第{line.id}号已被改动：与日志及账户状态都不符")
    return Finding("log_or_line_changed", where, f"日志第{entry.id}号与其明细不一致，其一已被改动")


def _state_faults(evidence: Evidence, state: PersonalAccount | None) -> Iterator[Finding]:
    if holds(evidence.state, state):
        return
    where: dict[str, Any] = {"table": "account_state", "account": str(evidence.stream)}
    if evidence.state is None:
        yield Finding("state_missing", where, f"账户 {evidence.stream} 有日志而没有状态")
    elif state is None:
        yield Finding("state_without_stream", where, f"账户 {evidence.stream} 有状态而没有日志")
    elif (entry := changed_row(evidence)) is not None:
        text = f"日志第{entry.id}号已被改动：与账户状态不符（尚无明细可作旁证）"
        yield Finding("log_changed", evidence.where(entry), text)
    else:
        where["version"] = evidence.state.version
        yield Finding("state_changed", where, f"账户 {evidence.stream} 的状态与其日志重算的不符")


def _balance_faults(evidence: Evidence, events: list[AccountEvent], *, explained: bool) -> Iterator[Finding]:
    """The balance row against the log; where the log itself is broken, against the lines."""
    where = {"table": "balance", "account": str(evidence.stream)}
    seen = [entry for entry in evidence.log if entry.id <= evidence.balances_at]
    row = evidence.balance
    if row is None:
        if seen:
            yield Finding("balance_missing", where, f"账户 {evidence.stream} 没有余额行")
        return
    if explained:
        return
    if not seen:
        yield Finding("balance_extra", where, f"余额行 {evidence.stream} 没有日志")
        return
    opened = events[0] if events else None
    held = sum(
        (event.effect for entry, event in zip(seen, events, strict=False) if isinstance(event, MoneyEvent)), NOTHING
    )
    right = BalanceEntry(None, None, None, None, seen[-1].id, held)
    if isinstance(opened, AccountOpened):
        right = right._replace(
            participant=opened.participant, division=opened.division, opened_on=opened.opened_on, opened_id=seen[0].id
        )
    if row != right:
        differing = [name for name in row._fields if getattr(row, name) != getattr(right, name)]
        yield Finding(
            "balance_changed", {**where, "fields": differing}, f"账户 {evidence.stream} 的余额行与日志汇总不符"
        )


def _identity_faults(evidence: Evidence) -> Iterator[Finding]:
    """Opening + entries = closing in every year.

    Each year's opening is what the lines before it sum to, so it is the last year's closing that must be the balance.
    """
    if evidence.balance is None or evidence.lines_at != evidence.balances_at or not evidence.lines:
        return
    closing = sum((line.effect for line in evidence.lines), NOTHING)
    if closing != evidence.balance.held:
        year = max(line.effective_on.year for line in evidence.lines)
        yield Finding(
            "identity",
            {"account": str(evidence.stream), "year": year, "closing": fen_to_yuan(closing.total)},
            f"账户 {evidence.stream} {year}年度对账单：期初加发生额不等于期末余额",
        )


def _holder_faults(evidence: Evidence, events: list[AccountEvent]) -> Iterator[Finding]:
    """Participant and village in AccountOpened against the register's row of the account."""
    opened = events[0] if events else None
    where = {"table": "account_holder", "account": str(evidence.stream)}
    if evidence.holder is None:
        if evidence.log:
            yield Finding("holder_missing", where, f"账户 {evidence.stream} 没有持有人登记")
    elif not evidence.log:
        yield Finding("holder_without_account", where, f"持有人登记指向不存在的账户 {evidence.stream}")
    elif isinstance(opened, AccountOpened) and evidence.holder != (opened.participant, opened.division):
        yield Finding("holder_changed", where, f"账户 {evidence.stream} 的持有人或村与建账记录不符")


def _interest_faults(evidence: Evidence) -> Iterator[Finding]:
    """Each interest event against its own figures and the state before it; one InterestCredited per year."""
    credited = set()
    state: PersonalAccount | None = None
    for entry in evidence.log:
        event = decoded(entry)
        if isinstance(event, InterestEvent):
            if isinstance(event, InterestCredited) and event.year in credited:
                yield Finding("interest_twice", evidence.where(entry), f"{event.year}年度在该账户结息两次")
            credited.add(event.year)
            if not adds_up(event):
                yield Finding(
                    "interest_arithmetic", evidence.where(entry), f"日志第{entry.id}号的利息与其积数、利率不符"
                )
            elif not follows(state, event):
                text = f"日志第{entry.id}号的积数与其前的记录不符：其前的款项或起息月已被改动"
                yield Finding("interest_basis", evidence.where(entry), text)
        if isinstance(event, AccountEvent):
            try:
                state = evolve(state, event)
            except ValueError:
                return


def adds_up(event: InterestEvent) -> bool:
    """Whether the interest an event states follows from the 积数, rate and rounding that it states."""
    try:
        rate = Rate.of(event.rate, event.rate_document)
        fen = rounded(event.fen_months.total * rate.numerator, 12 * rate.denominator, event.rounding)
    except (ArithmeticError, ValueError):
        return False
    if isinstance(event, InterestAdjusted):
        return event.after == fen and event.effect == Amounts(interest=event.after - event.before)
    return event.effect == Amounts(interest=fen)


def follows(state: PersonalAccount | None, event: InterestEvent) -> bool:
    """Whether the 积数 of a year credited in its turn follow from the state before it.

    Years that late money opened or settled anew rest on the whole history instead, and are not looked at here.
    """
    if state is None or not isinstance(event, InterestCredited) or event.year != state.credited_through + 1:
        return True
    return event.fen_months == fen_months(state.opening, state.entries_of(event.year), event.through_month)
