"""Statements sent one behind the other: what they say, what an error leaves, what the driver does beside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import psycopg
import pytest

from ledger.store.arrays import bytea_array, int8_array, text_array, uuid_array
from ledger.store.copy_rows import LogRow
from ledger.store.pipelined import Pipelined
from ledger.store.recorder import ToRecord
from ledger.store.recorder_ways import StreamWrite

PLACES = b"SELECT %(a)s::bigint + %(b)s::bigint, %(b)s::bigint, 7 %% 4"
AT = datetime(2026, 11, 26, 20, 15, 0, 123_457, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture
def connection(connections):
    """One that nobody used before: of a pooled one the driver may have had the server forget what was prepared."""
    with psycopg.connect(connections.url, autocommit=True) as held:
        yield held


def test_names_places_and_values_arrive_as_they_were_given(connection):
    streams = [uuid4().bytes, uuid4().bytes]
    with Pipelined(connection) as said:
        for a, b in ((40, 2), (-(2**62), 1)):
            said.execute(PLACES, {"a": a, "b": b, "c": "not asked for"})
        said.execute(
            b"SELECT %s::timestamptz, %s::timestamptz", (AT, datetime(1999, 12, 31, 23, 59, 59, 1, tzinfo=UTC))
        )
        arrays = (uuid_array(streams), text_array(["甲", ""]), bytea_array([b"\0\xff", b""]), int8_array([-1, 2**40]))
        said.execute(b"SELECT uuid_send(a), b, c, d FROM unnest(%s, %s, %s, %s) AS r (a, b, c, d)", arrays)
        said.execute(b"SELECT FROM pg_class WHERE false")
        first, second, instants, rows, nothing = said.finish()
    assert (first, second) == ([(42, 2, 3)], [(1 - 2**62, 1, 3)])
    assert instants == [(AT, datetime(1999, 12, 31, 23, 59, 59, 1, tzinfo=UTC))]
    assert rows == [(streams[0], "甲", b"\0\xff", -1), (streams[1], "", b"", 2**40)]
    assert nothing == []


def test_the_first_error_is_told_and_fails_all_behind_it(connection):
    def say() -> None:
        with Pipelined(connection) as said:
            said.execute(b"BEGIN")
            said.execute(b"CREATE TEMP TABLE left_behind (a bigint)")
            said.execute(b"SELECT 1 / %s", (0,))
            said.execute(b"SELECT %s::bigint[]", (int8_array([1]),))
            said.execute(b"COMMIT")

    for _ in range(2):  # and what was prepared behind it is prepared anew
        with pytest.raises(psycopg.errors.DivisionByZero):
            say()
        connection.rollback()
        assert connection.execute("SELECT to_regclass('left_behind')").fetchone() == (None,)
    with Pipelined(connection) as said:
        assert said.execute(b"SELECT %s::bigint[]", (int8_array([1, 2]),)).finish() == [[([1, 2],)]]


def test_an_exception_of_ours_ends_the_line_and_is_told(connection):
    def say() -> None:
        with Pipelined(connection) as said:
            said.execute(b"BEGIN")
            said.execute(b"SELECT 1 / %s", (0,))
            raise LookupError

    with pytest.raises(LookupError):
        say()
    connection.rollback()
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_more_than_the_sockets_hold_goes_through_both_ways(connection):
    heavy = bytea_array([bytes([place % 256]) * 1_000_000 for place in range(8)])
    with Pipelined(connection) as said:
        for _ in range(3):
            said.execute(b"SELECT a FROM unnest(%s) AS r (a)", (heavy,))
            said.flush()
        told = said.finish()
    assert [[len(row[0]) for row in rows] for rows in told] == [[1_000_000] * 8] * 3


def test_a_connection_that_breaks_says_so(connection, connections):
    (number,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    with connections.connection() as other:
        other.execute("SELECT pg_terminate_backend(%s)", (number,))
    with pytest.raises(psycopg.OperationalError), Pipelined(connection) as said:
        said.execute(b"SELECT 1")
    assert connection.broken or connection.closed


def test_what_the_driver_has_the_server_forget_is_prepared_again(pool_log):
    """The driver has every prepared statement forgotten after a rollback of its own."""

    def record() -> int:
        stream = uuid4().bytes
        part = ToRecord([StreamWrite(stream, (LogRow(stream, 1, b"topic", b"{}"),), None)], lambda *_: None, True)
        return pool_log.record_under_lock(lambda *_: iter([part])).last_id

    before = record()
    with pool_log.connections.connection() as connection:
        connection.execute("SELECT 1", prepare=True)
        connection.execute("BEGIN")
        connection.execute("ROLLBACK")
        connection.execute("SELECT 1", prepare=True)
        assert connection.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE name ~ 'pipelined'"
        ).fetchone() == (0,)
    assert [record(), record()] == [before + 1, before + 2]
