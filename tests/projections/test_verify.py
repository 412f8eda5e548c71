"""Verify by damage: each table, each way to damage it, and the very row named."""

from __future__ import annotations

import random
from datetime import date

import msgspec
import pytest

from ledger.account_events import ContributionRecorded
from ledger.words import Amounts, MoneyKind, new_id
from projections.evidence import Finding
from projections.folds import composed
from projections.runner import catch_up
from projections.verify import verify


@pytest.fixture
def filled(book):
    """Two accounts: money (versions 2 and 3), interest (4); everything folded, nothing wrong."""
    for _ in range(2):
        account = book.open()
        book.pay(account, date(2023, 3, 14), 100_000, serial=f"S{account}")
        book.pay(account, date(2023, 4, 1), 20_000, MoneyKind.COLLECTIVE_SUBSIDY, serial=f"C{account}")
        book.credit(account, 2023)
    catch_up(book.log)
    assert verify(book.log) == []
    return book


def damage(book, statement, *parameters):
    with book.log.connections.connection() as connection:
        assert connection.execute(composed(book.log, statement), parameters).rowcount == 1


def stored(book, account, version):
    with book.log.connections.connection() as connection:
        return connection.execute(
            composed(
                book.log,
                "SELECT notification_id, state FROM {ledger_events}"
                " WHERE originator_id = %s AND originator_version = %s",
            ),
            (account, version),
        ).fetchone()


def by_kind(findings):
    return {one.kind: one for one in findings}


def the_row(book, account, version, effect, year=2023, day="2023-03-14", topic=ContributionRecorded.topic):
    position = stored(book, account, version)
    return {
        "stream": str(account), "version": version, "topic": topic, "effect": effect, "year": year,
        "effective_on": day, **({"id": position[0]} if position else {}),
    }  # fmt: skip


def has(where, row):
    return row.items() <= where.items()


@pytest.mark.parametrize(
    ("before", "after", "kind", "now"),
    [
        (b'"contribution":100000', b'"contribution":100001', "log_changed", {"effect": {"contribution": "1000.01"}}),
        (b'"2023-03-14"', b'"2022-03-14"', "log_changed", {"effective_on": "2022-03-14"}),
        (b'"2023-03-14"', b'"2023-03-15"', "log_or_line_changed", {"effective_on": "2023-03-15"}),
        (b'"year":2023', b'"year":2022', "log_or_line_changed", {"year": 2022}),
        (b'"interest_from":202304', b'"interest_from":202301', "interest_basis", None),
        (b'"effect"', b'"affect"', "undecodable", None),
        (b"{", b"[", "undecodable", None),
    ],
)  # fmt: skip
def test_a_changed_row_of_the_log(filled, before, after, kind, now):
    account = filled.accounts[1]
    row = the_row(filled, account, 2, {"contribution": "1000.00"})
    state = stored(filled, account, 2)[1]
    assert before in state
    damage(
        filled,
        "UPDATE {ledger_events} SET state = %s WHERE originator_id = %s AND originator_version = 2",
        state.replace(before, after, 1), account,
    )  # fmt: skip
    found = by_kind(verify(filled.log))
    assert kind in found, found
    if now is not None:
        assert has(found[kind].where, {**row, **now})
        assert has(found[kind].where["line"], row)
    elif kind == "undecodable":
        assert (found[kind].where["id"], found[kind].where["stream"]) == (row["id"], str(account))


def test_a_row_whose_interest_no_longer_follows_from_its_figures(filled):
    account = filled.accounts[0]
    state = stored(filled, account, 4)[1]
    event = msgspec.json.decode(state)
    damage(
        filled,
        "UPDATE {ledger_events} SET state = %s WHERE originator_id = %s AND originator_version = 4",
        state.replace(b'"interest":%d' % event["effect"]["interest"], b'"interest":9999', 1), account,
    )  # fmt: skip
    found = by_kind(verify(filled.log))
    assert {"log_changed", "interest_arithmetic"} <= found.keys()
    assert found["interest_arithmetic"].where["effect"] == {"interest": "99.99"}


@pytest.mark.parametrize("version", [2, 3])
def test_a_deleted_row_of_the_log(filled, version):
    account = filled.accounts[0]
    wanted = {
        2: the_row(filled, account, 2, {"contribution": "1000.00"}),
        3: the_row(
            filled, account, 3, {"collective_subsidy": "200.00"}, day="2023-04-01",
            topic="account.collective_subsidy_recorded",
        ),
    }[version]  # fmt: skip
    damage(filled, "DELETE FROM {ledger_events} WHERE originator_id = %s AND originator_version = %s", account, version)
    found = by_kind(verify(filled.log))
    assert has(found["id_gap"].where, wanted)
    assert has(found["log_deleted"].where, wanted)


@pytest.mark.parametrize("version", [1, 4])
def test_the_first_and_the_last_row_of_a_stream_deleted(filled, version):
    account = filled.accounts[1]
    position = stored(filled, account, version)[0]
    damage(filled, "DELETE FROM {ledger_events} WHERE originator_id = %s AND originator_version = %s", account, version)
    found = by_kind(verify(filled.log))
    for kind in ("id_gap", "log_deleted"):
        assert found[kind].where["id"] == position
        assert found[kind].where["stream"] == str(account)
        assert found[kind].where["version"] == version


@pytest.mark.parametrize("folded", [False, True])
def test_an_inserted_row_of_the_log(filled, folded):
    account = filled.accounts[0]
    position = filled.log.position()[0] + 1
    damage(
        filled,
        "INSERT INTO {ledger_events} SELECT originator_id, 5, topic, state, %s, now() FROM {ledger_events}"
        " WHERE originator_id = %s AND originator_version = 2",
        position, account,
    )  # fmt: skip
    if folded:
        damage(filled, "UPDATE {log_head} SET last_id = last_id + 1")
        catch_up(filled.log)
    where = by_kind(verify(filled.log))["log_inserted"].where
    assert has(where, the_row(filled, account, 5, {"contribution": "1000.00"}))


@pytest.mark.parametrize(
    ("version", "before", "after", "row"),
    [
        (2, b'"contribution":100000', b'"contribution":100001', {"effect": {"contribution": "1000.01"}}),
        (2, b'"2023-03-14"', b'"2024-03-14"', {"effective_on": "2024-03-14"}),
        (3, b'"year":2023', b'"year":2022', {"year": 2022, "effect": {"collective_subsidy": "200.00"}}),
    ],
)
def test_a_row_that_was_changed_before_any_read_folded_it(book, version, before, after, row):
    account = book.open()
    book.pay(account, date(2023, 3, 14), 100_000)
    book.pay(account, date(2023, 4, 1), 20_000, MoneyKind.COLLECTIVE_SUBSIDY)
    state = stored(book, account, version)[1]
    damage(
        book,
        "UPDATE {ledger_events} SET state = %s WHERE originator_id = %s AND originator_version = %s",
        state.replace(before, after, 1), account, version,
    )  # fmt: skip
    where = by_kind(verify(book.log))["log_changed"].where
    assert has(where, {"stream": str(account), "version": version, **row})


def test_a_row_that_was_lost_before_any_read_folded_it(book):
    account = book.open()
    book.pay(account, date(2023, 3, 14), 100_000)
    book.credit(account, 2023)
    damage(book, "DELETE FROM {ledger_events} WHERE originator_id = %s AND originator_version = 3", account)
    where = by_kind(verify(book.log))["log_deleted"].where
    assert has(
        where,
        {
            "stream": str(account),
            "version": 3,
            "topic": "account.interest_credited",
            "effect": {"interest": "19.65"},
            "year": 2023,
            "effective_on": "2023-12-31",
        },
    )


def test_a_gap_of_ids_alone(filled):
    damage(filled, "UPDATE {ledger_events} SET notification_id = 1000 WHERE notification_id = 15")
    found = by_kind(verify(filled.log))
    assert found["id_gap"].where["id"] == 15
    assert found["log_inserted"].where["id"] == 1000


def test_an_instant_that_goes_back(filled):
    damage(filled, "UPDATE {ledger_events} SET recorded_at = '2020-01-01Z' WHERE notification_id = 16")
    assert by_kind(verify(filled.log))["clock"].where["id"] == 16


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("UPDATE {account_state} SET state = %s WHERE account_id = %s", "state_changed"),
        ("UPDATE {account_state} SET credited_through = 2022 WHERE %s <> state AND account_id = %s", "state_changed"),
        ("UPDATE {account_state} SET state = substr(%s, 2) WHERE account_id = %s", "state_changed"),
        ("DELETE FROM {account_state} WHERE %s <> state AND account_id = %s", "state_missing"),
    ],
)  # fmt: skip
def test_a_state(filled, change, kind):
    account = filled.accounts[1]
    with filled.log.connections.connection() as connection:
        state = connection.execute(
            composed(filled.log, "SELECT state FROM {account_state} WHERE account_id = %s"), (account,)
        ).fetchone()[0]
    damage(filled, change, state.replace(b'"collective_subsidy":20000', b'"collective_subsidy":20001'), account)
    found = verify(filled.log)
    assert [one.kind for one in found] == [kind]
    assert found[0].where["account"] == str(account)


def test_a_state_of_nobody(filled):
    account = new_id()
    damage(filled, "INSERT INTO {account_state} SELECT %s, 1, 0, state FROM {account_state} LIMIT 1", account)
    assert [(one.kind, one.where["account"]) for one in verify(filled.log)] == [("state_without_stream", str(account))]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("UPDATE {balance} SET contribution = contribution + 1 WHERE account_id = %s", "balance_changed"),
        ("UPDATE {balance} SET division = 'x' WHERE account_id = %s", "balance_changed"),
        ("DELETE FROM {balance} WHERE account_id = %s", "balance_missing"),
    ],
)
def test_a_balance(filled, change, kind):
    account = filled.accounts[0]
    damage(filled, change, account)
    found = by_kind(verify(filled.log))
    assert found[kind].where["account"] == str(account)
    assert found.keys() <= {kind, "identity"}


@pytest.mark.parametrize(
    ("change", "kind", "effect"),
    [
        ("UPDATE {line} SET contribution = contribution + 1", "line_changed", {"contribution": "1000.01"}),
        ("UPDATE {line} SET reference = 'x'", "log_or_line_changed", {"contribution": "1000.00"}),
        ("DELETE FROM {line}", "line_missing", {"contribution": "1000.00"}),
    ],
)
def test_a_line(filled, change, kind, effect):
    account = filled.accounts[1]
    row = the_row(filled, account, 2, effect)
    damage(filled, change + " WHERE account_id = %s AND version = 2", account)
    found = by_kind(verify(filled.log))
    assert has(found[kind].where, row)
    assert found.keys() <= {kind, "identity", "day_sums"}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {line_day} SET contribution = contribution + 1",
        "UPDATE {line_day} SET contribution_rows = contribution_rows - 1",
        "DELETE FROM {line_day}",
        "UPDATE {line_day} SET effective_on = effective_on + 1",
    ],
)
def test_the_sums_of_a_day(filled, change):
    damage(filled, f"{change} WHERE topic = 'account.contribution_recorded'")
    found = by_kind(verify(filled.log))
    assert found.keys() == {"day_sums"}
    assert found["day_sums"].where["topic"] == "account.contribution_recorded"
    assert "个人缴费" in found["day_sums"].text


def test_a_line_of_nothing(filled):
    account = filled.accounts[1]
    damage(
        filled,
        "INSERT INTO {line} SELECT account_id, 7000, version, recorded_at, effective_on, year, contribution, NULL,"
        " NULL, NULL, NULL, NULL, topic, reference FROM {line} WHERE account_id = %s AND version = 2",
        account,
    )
    assert by_kind(verify(filled.log))["line_extra"].where["id"] == 7000


def test_the_village_of_a_holder(filled):
    account = filled.accounts[0]
    damage(filled, "UPDATE {account_holder} SET division = 'x' WHERE account_id = %s", account)
    assert [(one.kind, one.where["account"]) for one in verify(filled.log)] == [("holder_changed", str(account))]


def test_a_rule_that_is_gone_and_a_position_ahead(filled):
    damage(filled, "DELETE FROM {ledger_events} WHERE notification_id = 13 AND topic LIKE 'rules.%%'")
    damage(filled, "UPDATE {projection} SET position = 9000 WHERE name = 'balances'")
    assert {"id_gap", "rules_version", "position_ahead"} <= by_kind(verify(filled.log)).keys()


def test_the_registers_own_checks_join_in(filled):
    fault = Finding("register_changed", {"table": "participant"}, "…")
    assert verify(filled.log, lambda _log: [fault, fault]) == [fault]


def test_random_histories_are_well_and_a_pool_that_is_behind_is_too(book):
    chance = random.Random(7)
    accounts = [book.open() for _ in range(5)]
    book.take_over(accounts[0], Amounts(contribution=5_000_000), date(2020, 12, 31))
    for step in range(150):
        book.step(chance.choice(accounts), chance)
        if step == 100:
            catch_up(book.log)
    told = []
    assert verify(book.log, progress=lambda done, of: told.append((done, of))) == []
    assert told[-1] == (book.log.position()[0],) * 2
    catch_up(book.log)
    assert verify(book.log) == []
