"""Catching up and rebuilding: any number at once, in ranges, killed, and under readers."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date

import pytest

from ledger.store.job_lock import BusyError
from migrations.run import files_of
from projections import rebuild as rebuilding
from projections import runner
from projections.balances import balances
from projections.folds import BALANCES, FOLDS, STATEMENT, RebuildDue, composed, execute
from projections.rebuild import rebuild
from projections.runner import catch_up, lag, status
from projections.statement import statement
from projections.verify import verify


def rows(book, table):
    with book.log.connections.connection() as connection:
        return execute(connection, book.log, f"SELECT * FROM {{{table}}} ORDER BY 1, 2")


def fill(book, accounts=6, payments=5):
    for _ in range(accounts):
        account = book.open()
        for number in range(payments):
            book.pay(account, date(2023, 1 + number, 3), 1_000 + number)


def together(*works):
    faults = []

    def run(work):
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_runners_at_once_fold_every_event_once(book, monkeypatch):
    monkeypatch.setattr(runner, "RANGE_MAX", 3)
    fill(book)
    together(*[lambda: catch_up(book.log)] * 4)
    assert lag(book.log) == 0
    assert len(rows(book, "line")) == 30
    assert [row[3] for row in rows(book, "line_day")] == [6] * 5
    assert verify(book.log) == []


def test_a_position_asked_for_is_reached_and_none_beyond_the_log(book):
    fill(book, 2)
    head = book.log.position()[0]
    assert catch_up(book.log, head - 3) == head - 3
    assert [(one.position, one.lag, one.rebuild_due) for one in status(book.log)] == [(head - 3, 3, False)] * 2
    assert catch_up(book.log, head + 50) == head


def test_a_rebuild_gives_the_very_same_rows_in_the_very_same_tables(book, monkeypatch):
    monkeypatch.setattr(rebuilding, "RANGE_MAX", 7)
    fill(book)
    catch_up(book.log)
    tables = ("balance", "line", "line_day")
    before = [*(rows(book, table) for table in tables), described(book)]
    told = []
    assert rebuild(book.log, progress=lambda *said: told.append(said)) == book.log.position()[0]
    assert [*(rows(book, table) for table in tables), described(book)] == before
    assert {name for name, _, _ in told} == {"balances", "statement"}
    assert len(told) >= 8


def described(book):
    """Columns, types, keys and tables of the schema's projections."""
    with book.log.connections.connection() as connection:
        return execute(
            connection,
            book.log,
            "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, c.reloptions,"
            " pg_get_indexdef(i.indexrelid)"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = %s"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_index i ON i.indrelid = c.oid"
            " WHERE c.relkind = 'r' AND c.relname ~ '^(balance|statement_line|statement_day)' ORDER BY 1, a.attnum",
            (book.log.schema,),
        )


def test_a_rebuild_while_events_arrive_and_readers_read(book):
    fill(book, 3)
    catch_up(book.log)
    account = book.accounts[0]
    done = threading.Event()

    def write():
        for number in range(25):
            book.pay(account, date(2024, 1, 3), 100 + number)

    def read():
        known, said = 0, statement(book.log, account, 2023)
        while not done.is_set():
            again = statement(book.log, account, 2023, known_at=str(said["position"]))
            assert again == said
            found = balances(book.log)
            assert found["position"] >= known
            known = found["position"]

    def rebuilds():
        try:
            for _ in range(3):
                rebuild(book.log)
        finally:
            done.set()

    together(write, read, read, rebuilds)
    catch_up(book.log)
    assert verify(book.log) == []


def test_what_a_killed_rebuild_left_is_dropped_by_the_next(book, monkeypatch):
    fill(book, 2)

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rebuilding._Rebuild, "_swap", killed)
        with pytest.raises(KeyboardInterrupt):
            rebuild(book.log)
    assert "balance_v1_aside" in {row[0] for row in described(book)}
    rebuild(book.log)
    assert {row[0] for row in described(book)} == {table for fold in FOLDS for table in fold.tables}
    assert verify(book.log) == []


def test_a_second_rebuild_is_told_that_one_is_on(book):
    fill(book, 1)
    inside, go_on = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        inside.set()
        assert go_on.wait(20)

    def second():
        assert inside.wait(20)
        try:
            with pytest.raises(BusyError, match="正在运行"):
                rebuild(book.log, patience=0.1)
        finally:
            go_on.set()

    together(lambda: rebuild(book.log, progress=wait), second)


def test_a_reader_that_stays_is_waited_for_and_others_read_on(book, monkeypatch):
    fill(book, 1)
    catch_up(book.log)
    monkeypatch.setattr(rebuilding, "_SWAP_SECONDS_MAX", 0.5)
    with book.log.connections.transaction() as stays:
        execute(stays, book.log, "SELECT * FROM {line}")
        with pytest.raises(BusyError, match="占用"):
            rebuild(book.log, "statement")
        assert balances(book.log)["balance"] == "50.10"
    assert rebuild(book.log, "statement") == book.log.position()[0]


def test_a_fold_of_another_version_is_due_to_be_rebuilt(book):
    fill(book, 1)
    catch_up(book.log)
    with book.log.connections.connection() as connection:
        connection.execute(composed(book.log, "UPDATE {projection} SET fold_version = 0 WHERE name = 'balances'"))
    assert [(one.name, one.rebuild_due) for one in status(book.log)] == [("balances", True), ("statement", False)]
    with pytest.raises(RebuildDue, match="rebuild"):
        balances(book.log)
    rebuild(book.log, "balances")
    assert not any(one.rebuild_due for one in status(book.log))
    assert balances(book.log)["balance"] == "50.10"


def test_a_new_version_takes_the_place_of_the_earlier_tables(book, monkeypatch):
    """What a later release does: its migration brings the new table, its fold the new version."""
    fill(book, 1)
    catch_up(book.log)
    new = replace(STATEMENT, version=2)
    with book.log.connections.connection() as connection:
        for before, after in zip(STATEMENT.tables, new.tables, strict=True):
            made = "CREATE TABLE {after} (LIKE {before} INCLUDING ALL)"
            connection.execute(composed(book.log, made, before=before, after=after))
    monkeypatch.setattr(rebuilding, "FOLDS", (new,))
    rebuild(book.log, "statement")
    assert {row[0] for row in described(book)} == {BALANCES.table, *new.tables}


def test_the_migration_adds_up_the_lines_that_are_there(book):
    """A pool that was folded before there were sums of days gets those that the fold would have made."""
    fill(book)
    reversed_on = book.open()
    book.pay(reversed_on, date(2023, 3, 3), 70_000)
    book.reverse(reversed_on, 2)
    catch_up(book.log)
    before = rows(book, "line_day")
    assert {row[2] for row in before} == {False, True}
    file = next(one for one in files_of("pool") if one.name == "0013_statement_days.sql")
    with book.log.connections.connection() as connection:
        connection.execute(composed(book.log, "DROP TABLE {line_day}"))
        with connection.transaction():
            connection.execute(file.text.replace("{schema}", book.log.schema))
    assert rows(book, "line_day") == before


def test_an_unknown_projection(book):
    with pytest.raises(LookupError, match="balances"):
        rebuild(book.log, "nothing")


def test_grants_on_a_table_outlive_its_rebuild(book):
    fill(book, 1)
    with book.log.connections.connection() as connection:
        connection.execute(composed(book.log, "GRANT SELECT ON {balance} TO PUBLIC"))
        rebuild(book.log)
        granted = connection.execute(
            "SELECT relacl::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = %s AND relname = 'balance_v1'",
            (book.log.schema,),
        ).fetchone()
    assert "=r/" in granted[0]
