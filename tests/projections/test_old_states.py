"""States as they were stored while they still said the balance: an upgrade leaves what a new ledger would have."""

import re
from datetime import date
from pathlib import Path

import msgspec
from psycopg import sql

from ledger.store.states import decode_state, load_states
from ledger.words import MoneyKind
from migrations import run
from projections.runner import catch_up
from projections.verify import verify

UPGRADE = Path(run.__file__).parent / "pool" / "0004_balance_follows.sql"
DECLARED = UPGRADE.with_name("0005_declarations.sql")


def as_before(state):
    """The bytes with the balance in its old place, after the opening; without one where it is nothing."""
    balance = msgspec.json.encode(decode_state(state).balance)
    if balance == b"{}":
        return state
    said = b',"balance":' + balance
    found = re.search(rb',"opening":\{[^}]*\}', state) or re.search(rb'(?=,"(years|aid)":|\}$)', state)
    return state[: found.end()] + said + state[found.end() :]


def test_the_upgrade_takes_the_balance_out_of_every_state(book):
    credited, open_year, empty = book.open(), book.open(), book.open()
    for account in (credited, open_year):
        book.pay(account, date(2023, 3, 14), 100_000, serial=f"S{account}")
    book.credit(credited, 2023)
    book.pay(credited, date(2024, 5, 2), 70_000, serial="later")
    catch_up(book.log)
    table = sql.Identifier(book.log.schema, "account_state")
    with book.log.connections.connection() as connection:
        new = dict(connection.execute(sql.SQL("SELECT account_id, state FROM {}").format(table)).fetchall())
        for account, state in new.items():
            statement = sql.SQL("UPDATE {} SET state = %s WHERE account_id = %s").format(table)
            connection.execute(statement, (as_before(state), account))
        old = dict(connection.execute(sql.SQL("SELECT account_id, state FROM {}").format(table)).fetchall())
        assert [b'"balance"' in old[account] for account in (credited, open_year, empty)] == [True, True, False]
        quoted = table.as_string(connection).partition(".")[0]
        connection.execute(UPGRADE.read_text("utf-8").replace("{schema}", quoted).encode())
        assert dict(connection.execute(sql.SQL("SELECT account_id, state FROM {}").format(table)).fetchall()) == new
        connection.commit()
    assert verify(book.log) == []
    assert load_states(book.log, [credited.bytes])[credited.bytes].balance.contribution == 170_000


def test_the_upgrade_takes_the_zero_of_declared_room_out_of_booked_aid(book):
    account = book.open()
    book.pay(account, date(2024, 5, 2), 70_000, serial="own")
    book.pay(account, date(2024, 5, 2), 30_000, serial="aid", kind=MoneyKind.COLLECTIVE_SUBSIDY)
    catch_up(book.log)
    table = sql.Identifier(book.log.schema, "account_state")
    with book.log.connections.connection() as connection:
        quoted = table.as_string(connection).partition(".")[0]
        (new,) = connection.execute(sql.SQL("SELECT state FROM {}").format(table)).fetchone()
        old = new.replace(b"[2024,30000,0]", b"[2024,30000,0,0]")
        assert old != new
        connection.execute(sql.SQL("UPDATE {} SET state = %s").format(table), (old,))
        connection.commit()
        assert verify(book.log) == []
        assert load_states(book.log, [account.bytes])[account.bytes] == decode_state(new)
        connection.execute(DECLARED.read_text("utf-8").replace("{schema}", quoted).encode())
        assert connection.execute(sql.SQL("SELECT state FROM {}").format(table)).fetchone() == (new,)
