"""The committed bytes of every event go through both folds, `evolve` and SQL, and both come to the same money."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from ledger.account import evolve
from ledger.account_events import BY_TOPIC, AccountEvent, AccountOpened, AidEvent, MoneyEvent, SubsidyDeclared
from ledger.store.copy_rows import LogRow
from ledger.store.log import PoolLog
from ledger.store.mapper import decode
from ledger.store.recorder_ways import StreamWrite
from ledger.store.states import state_row
from ledger.words import KINDS, new_id
from projections.folds import composed
from projections.runner import catch_up

FILES = sorted((Path(__file__).parents[1] / "golden" / "events").glob("account.*.json"))


@pytest.fixture
def folded(pool_log: PoolLog) -> dict[str, tuple[UUID, LogRow]]:
    """Each golden file as the only money of an account of its own: its bytes as they are, after an opening."""
    opening = next(file for file in FILES if file.name == f"{AccountOpened.topic}.v1.json").read_bytes().rstrip(b"\n")
    rows: dict[str, tuple[UUID, LogRow]] = {}
    writes = []
    for file in FILES:
        topic = file.name.split(".v", maxsplit=1)[0]
        if not issubclass(BY_TOPIC[topic], MoneyEvent):
            continue
        account = new_id()
        first = LogRow(account.bytes, 1, AccountOpened.topic.encode(), opening)
        second = LogRow(account.bytes, 2, topic.encode(), file.read_bytes().rstrip(b"\n"))
        rows[file.name] = account, second
        writes.append(StreamWrite(account.bytes, (first, second), None))
    pool_log.record(writes)
    catch_up(pool_log)
    return rows


def test_sql_sums_what_the_event_says(pool_log: PoolLog, folded: dict[str, tuple[UUID, LogRow]]) -> None:
    assert len({name.split(".v", maxsplit=1)[0] for name in folded}) == 13
    columns = ", ".join(KINDS)
    for name, (account, row) in folded.items():
        event = decode(row.topic.decode(), row.state)
        assert isinstance(event, MoneyEvent)
        with pool_log.connections.connection() as connection:
            balance = connection.execute(
                composed(pool_log, "SELECT " + columns + " FROM {balance} WHERE account_id = %s"), (account,)
            ).fetchone()
            line = connection.execute(
                composed(pool_log, "SELECT effective_on, year, " + columns + " FROM {line} WHERE account_id = %s"),
                (account,),
            ).fetchone()
        assert balance == event.effect.by_kind(), name
        assert line is not None
        assert (line[0], line[1]) == (event.effective_on, event.year), name
        assert tuple(fen or 0 for fen in line[2:]) == event.effect.by_kind(), name


def test_evolve_comes_to_the_same_money(folded: dict[str, tuple[UUID, LogRow]]) -> None:
    opening = next(file for file in FILES if file.name == f"{AccountOpened.topic}.v1.json").read_bytes().rstrip(b"\n")
    opened = decode(AccountOpened.topic, opening)
    assert isinstance(opened, AccountOpened)
    for name, (account, row) in folded.items():
        event = decode(row.topic.decode(), row.state)
        assert isinstance(event, AccountEvent)
        if event.topic.startswith("account.interest"):
            continue  # interest needs the years before it; the stream of golden events carries it through evolve
        before = evolve(None, opened)
        if isinstance(event, AidEvent) and event.from_declared:  # a roster had taken the room
            (kind,) = (kind for kind in KINDS if event.effect.of(kind))
            room = {"kind": kind, "fen": event.from_declared, "year": event.year, "roster": event.roster}
            before = evolve(before, SubsidyDeclared(actor="甲", rule="", payer=event.payer, **room))
        state = evolve(before, event)
        assert isinstance(event, MoneyEvent)
        assert state.balance == event.effect, name
        assert state_row(account.bytes, None, state).version == before.version + 1
