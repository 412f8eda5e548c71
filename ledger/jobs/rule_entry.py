"""Values of law into a pool's rules: entered by two people with a document number, as events of the pool."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from eventsourcing.persistence import IntegrityError

from ledger import clock
from ledger.account_events import InterestCredited
from ledger.refusals import Refusal, Refused
from ledger.region_rules import PoolOpened, RegionRules, ValueEntered, enter_value, rules_stream
from ledger.store.copy_rows import LogRow
from ledger.store.log import PoolLog
from ledger.store.mapper import encode
from ledger.store.recorder import Hook
from ledger.store.recorder_ways import StreamWrite


def open_rules(log: PoolLog, name: str, region: str, actor: str) -> None:
    """The first event of a pool's rules; nothing where they are opened already."""
    try:
        log.record_rule(PoolOpened(actor=actor, code=log.pool, name=name, region=region), 1)
    except IntegrityError:
        return


def enter(log: PoolLog, event: ValueEntered, *, restating: bool = False) -> bool:
    """Enter a value; False where it stands already. Raises `Refused`.

    `restating` allows the rate of a credited year: the restatement that follows settles the accounts anew.
    """
    while True:
        rules = log.rules()
        guarded = event.name == "rate" and not restating
        position = log.position()[0]
        credited = guarded and is_credited(log, event.year)
        answer = enter_value(rules, event, credited=credited, this_year=clock.today().year)
        if isinstance(answer, Refusal):
            raise Refused(answer)
        if not answer:
            return False
        if _recorded(log, event, rules, _unless_credited(log, event.year, position) if guarded else None):
            return True


class _CreditedMeanwhileError(Exception):
    """A run credited the year between the question and the record."""


def _unless_credited(log: PoolLog, year: int, position: int) -> Hook:
    """Asks again under the lock, and only of what was recorded since `position`: all states would take too long."""

    def ask(cursor: Any, _moved: frozenset[bytes], _at: datetime) -> None:
        statement = log.sql(
            "SELECT EXISTS (SELECT FROM {ledger_events} WHERE notification_id > %s AND topic = %s"
            " AND (convert_from(state, 'UTF8')::jsonb ->> 'year')::int = %s)"
        )
        if cursor.execute(statement, (position, InterestCredited.topic, year)).fetchone()[0]:
            raise _CreditedMeanwhileError

    return ask


def _recorded(log: PoolLog, event: ValueEntered, rules: RegionRules, hook: Hook | None) -> bool:
    """False where somebody entered a value, or credited the year, meanwhile: the decision is then made again."""
    stream, version = rules_stream(log.pool).bytes, rules.version + 1
    row = LogRow(stream, version, event.topic.encode(), encode(event))
    try:
        log.recorder.record([StreamWrite(stream, (row,), None)], hook, new_rules_version=version)
    except (IntegrityError, _CreditedMeanwhileError):
        return False
    return True


def is_credited(log: PoolLog, year: int) -> bool:
    """Whether interest of `year` stands in the log: then its rate is changed by restating."""
    statement = log.sql(
        "SELECT EXISTS (SELECT FROM {account_state} WHERE credited_through >= %s"
        " AND convert_from(state, 'UTF8')::jsonb ->> 'first_year' <= %s)"
    )
    with log.connections.connection() as connection:
        row = connection.execute(statement, (year, str(year))).fetchone()
    return bool(row and row[0])
