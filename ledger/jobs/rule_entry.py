"""Values of law into a pool's rules: entered by two people with a document number, as events of the pool."""

from __future__ import annotations

from eventsourcing.persistence import IntegrityError

from ledger import clock
from ledger.refusals import Refusal, Refused
from ledger.region_rules import PoolOpened, RegionRules, ValueEntered, enter_value
from ledger.store.log import PoolLog


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
        credited = event.name == "rate" and not restating and is_credited(log, event.year)
        answer = enter_value(rules, event, credited=credited, this_year=clock.today().year)
        if isinstance(answer, Refusal):
            raise Refused(answer)
        if not answer:
            return False
        if _recorded(log, event, rules):
            return True


def _recorded(log: PoolLog, event: ValueEntered, rules: RegionRules) -> bool:
    """False where somebody else entered a value meanwhile: the decision is then made again."""
    try:
        log.record_rule(event, rules.version + 1)
    except IntegrityError:
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
