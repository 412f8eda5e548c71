"""Plans tampered with in the database: verify says which roster no longer agrees with its accounts."""

from __future__ import annotations

import pytest

from projections.runner import catch_up
from projections.verify import register_check, verify
from tests.api.cli.village import Village


@pytest.fixture(scope="module")
def village(open_desk) -> Village:
    made = Village(open_desk("panzhihua"))
    made.plan_id, made.roster_id = made.reviewed()
    catch_up(made.desk.log)
    assert verify(made.desk.log) == []
    return made


OTHER_FEN = (
    "UPDATE {ledger_events} SET state = convert_to(replace(convert_from(state, 'UTF8'), '\"fen\":30000',"
    " '\"fen\":30001'), 'UTF8') WHERE notification_id = (SELECT min(notification_id) FROM {ledger_events}"
    " WHERE topic = 'account.subsidy_declared')"
)
OTHER_ROWS = (
    "UPDATE {ledger_events} SET state = convert_to(replace(convert_from(state, 'UTF8'), '\"rows\":6',"
    " '\"rows\":5'), 'UTF8') WHERE topic = 'plan.roster_declared'"
)
OTHER_PEOPLE = (
    "UPDATE {roster_row} r SET account_id = (SELECT account_id FROM {account_state} WHERE account_id <> r.account_id"
    " ORDER BY account_id LIMIT 1) WHERE line = 4"
)
TAMPERED = (
    ("UPDATE {roster_row} SET fen = fen + 1 WHERE line = 2", "roster_changed"),
    ("DELETE FROM {roster_row} WHERE line = 3", "roster_changed"),
    ("UPDATE {subsidy_plan} SET year = year + 1", "plan_list_changed"),
    ("UPDATE {subsidy_plan} SET plan_id = gen_random_uuid()", "plan_without_stream"),
    (OTHER_FEN, "roster_room"),
    (OTHER_ROWS, "roster_changed"),
    (OTHER_PEOPLE, "roster_rows_changed"),
    ("UPDATE {roster} SET plan_id = gen_random_uuid()", "roster_of_another_plan"),
    ("UPDATE {ledger_events} SET topic = 'plan.resumed' WHERE topic = 'plan.roster_declared'", "plan_broken"),
)


@pytest.mark.parametrize(("statement", "kind"), TAMPERED, ids=lambda text: text[:50])
def test_what_was_changed_is_found(village, statement, kind):
    log, keyed = village.desk.log, register_check(village.desk.register)
    tables = ("roster", "roster_row", "subsidy_plan", "ledger_events")
    with log.connections.connection() as connection:
        for table in tables:
            connection.execute(log.sql(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {{{table}}}"))
        try:
            assert connection.execute(log.sql(statement)).rowcount >= 1
            assert kind in {found.kind for found in verify(log, keyed)}
        finally:
            for table in tables:
                connection.execute(log.sql(f"DELETE FROM {{{table}}}"))
                connection.execute(log.sql(f"INSERT INTO {{{table}}} SELECT * FROM kept_{table}"))
                connection.execute(f"DROP TABLE kept_{table}")
    assert verify(log, keyed) == []
