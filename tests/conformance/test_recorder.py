"""The library's conformance cases on our recorder, as configured in production, and what they do not ask."""

from __future__ import annotations

import itertools
import os
import unittest
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent
from eventsourcing.tests.persistence import ApplicationRecorderTestCase, NonInterleavingNotificationIDsBaseCase

from ledger.store.connections import Connections
from ledger.store.copy_rows import LogRow, StateRow
from ledger.store.log import PoolLog
from ledger.store.recorder import LedgerRecorder, RulesMovedError, ToRecord
from ledger.store.recorder_ways import StreamWrite
from ledger.store.server import EmbeddedServer
from migrations.run import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="class")
def production(request: pytest.FixtureRequest, server: EmbeddedServer, connections: Connections) -> None:
    request.cls.server = server
    request.cls.connections = connections


class _Production(unittest.TestCase):
    server: EmbeddedServer
    connections: Connections

    def create_recorder(self) -> LedgerRecorder:
        code = f"recorder{os.getpid()}n{next(_numbers)}"
        migrate(self.server.url, [code])
        return PoolLog(self.connections, code).recorder

    def new_originator_id(self) -> UUID:
        return uuid4()


@pytest.mark.usefixtures("production")
class TestApplicationRecorder(_Production, ApplicationRecorderTestCase[Any]):
    INITIAL_VERSION = 1


@pytest.mark.usefixtures("production")
class TestNonInterleaving(_Production, NonInterleavingNotificationIDsBaseCase):
    INITIAL_VERSION = 1

    def test_insert_subscribe(self) -> None:
        with pytest.raises(NotImplementedError, match="read by position"):
            self.create_recorder().subscribe()


def write(version: int, *, stream: bytes | None = None, expected: int | None = None) -> StreamWrite:
    stream = stream or uuid4().bytes
    state = None if expected is None else StateRow(stream, expected, version, 2024, b"{}")
    return StreamWrite(stream, (LogRow(stream, version, b"topic", b"{}"),), state)


def tables(log: PoolLog) -> tuple[int, int, int]:
    """Rows of the log, rows of the states, last id handed out."""
    with log.connections.connection() as connection:
        row = connection.execute(
            log.sql(
                "SELECT (SELECT count(*) FROM {ledger_events}), (SELECT count(*) FROM {account_state}),"
                " (SELECT last_id FROM {log_head})"
            )
        ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("size", [1, 501])
def test_a_failing_hook_leaves_neither_event_nor_id_nor_state(pool_log: PoolLog, size: int) -> None:
    def hook(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pool_log.record([write(1, expected=0) for _ in range(size)], hook)
    assert tables(pool_log) == (0, 0, 0)
    assert pool_log.record([write(1, expected=0)]).first_id == 1


@pytest.mark.parametrize("size", [2, 600])
def test_a_moved_account_is_left_out_and_its_ids_are_given_back(pool_log: PoolLog, size: int) -> None:
    first = [write(1, expected=0) for _ in range(size)]
    pool_log.record(first)
    pool_log.record([write(2, stream=first[0].stream, expected=1)])
    seen: list[frozenset[bytes]] = []

    def hook(_cursor: object, moved: frozenset[bytes], _at: object) -> None:
        seen.append(moved)

    written = pool_log.record([write(2, stream=one.stream, expected=1) for one in first], hook)
    assert written.moved == frozenset([first[0].stream])
    assert seen == [written.moved]
    assert (written.first_id, written.last_id) == (size + 2, 2 * size)
    assert tables(pool_log) == (2 * size, size, 2 * size)


@pytest.mark.parametrize("in_one_go", [True, False])
@pytest.mark.parametrize("expected", [2, 0])
def test_under_the_lock_a_state_that_moved_after_all_fails_everything(pool_log, in_one_go, expected) -> None:
    """The commit is on its way with the writes, and must find nothing to commit."""
    standing = write(1, expected=0)
    pool_log.record([standing])

    def decide(*_: object) -> Iterator[ToRecord]:
        moved = write(expected + 1, stream=standing.stream, expected=expected)
        yield ToRecord([write(1, expected=0), moved], lambda *_: None, in_one_go)

    with pytest.raises(PersistenceError):
        pool_log.record_under_lock(decide)
    assert tables(pool_log) == (1, 1, 1)
    sound = write(2, stream=standing.stream, expected=1)
    parts = [
        ToRecord([sound], lambda *_: None, in_one_go),
        ToRecord([write(1, expected=0)], lambda *_: None, in_one_go),
    ]
    written = pool_log.record_under_lock(lambda *_: iter(parts))
    assert (written.first_id, written.last_id) == (2, 3)
    assert tables(pool_log) == (3, 2, 3)


def test_an_event_that_is_there_already_records_nothing(pool_log: PoolLog) -> None:
    event = StoredEvent(uuid4(), 1, "topic", b"{}")
    pool_log.recorder.insert_events([event])
    with pytest.raises(IntegrityError):
        pool_log.recorder.insert_events([StoredEvent(uuid4(), 1, "topic", b"{}"), event])
    assert tables(pool_log) == (1, 0, 1)


def test_rules_that_changed_since_the_decision_record_nothing(pool_log: PoolLog) -> None:
    with pytest.raises(RulesMovedError):
        pool_log.record([write(1, expected=0)], rules_version=7)
    assert tables(pool_log) == (0, 0, 0)


def test_instants_grow_strictly_and_one_belongs_to_one_transaction(pool_log: PoolLog) -> None:
    written = [pool_log.record([write(1), write(1)]) for _ in range(5)]
    assert [one.recorded_at for one in written] == sorted({one.recorded_at for one in written})
    with pool_log.connections.connection() as connection:
        rows = connection.execute(
            pool_log.sql("SELECT recorded_at, count(*) FROM {ledger_events} GROUP BY 1 ORDER BY 1")
        ).fetchall()
    assert rows == [(one.recorded_at, 2) for one in written]


def test_the_librarys_notification_log_reads_ours(pool_log: PoolLog) -> None:
    pool_log.recorder.insert_events([StoredEvent(uuid4(), 1, "topic", b"{}") for _ in range(12)])
    section = pool_log.application.notification_log["1,10"]
    assert [item.id for item in section.items] == list(range(1, 11))
    assert section.next_id == "11,20"
