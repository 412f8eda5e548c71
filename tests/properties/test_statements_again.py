"""A statement once given is given again, byte for byte: over random histories that grow side by side in one pool.

While they grow, statements of random accounts and years are asked as the command asks them, one by one and all of a
year, with and without a business date, now or as known at an earlier position (which may cut a transaction in two), the
folds caught up or behind. When everything is recorded each is asked once more with what was known then, and again after
a rebuild; the position, the instant, the instant in another zone and the last microsecond before the next transaction
must all mean the same. What the statements say agrees with the naive account, then and at the end.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from ledger import clock
from ledger.store.log import PoolLog
from projections.rebuild import rebuild
from projections.runner import catch_up, lag
from projections.statement import statement, statements
from tests.properties.naive_account import KIND_NAMES, Kinds
from tests.properties.side_by_side import Growing, SideBySide, ticking
from tests.properties.two_books import FIRST, LAST, random_plan

HISTORIES = 600
YEARS = range(FIRST - 2, LAST + 2)
"""From before the first money to after the last."""
ASKED_AT_ONCE = 30


@dataclass(frozen=True)
class Remembered:
    """What was asked and answered: lines of JSON by account, for `account` alone or for everybody (None)."""

    account: UUID | None
    year: int
    as_of: date | None
    lines: dict[UUID, bytes]
    position: int
    cut: bool
    """Known at a position that may lie inside a transaction, where no instant reaches."""
    recorded: dict[UUID, int]
    """How many events of each account were in the log."""


class Held(NamedTuple):
    """What the naive account holds at the end of each credited year and at last, and the interest of each year."""

    closings: dict[int, Kinds]
    at_last: Kinds
    interest: dict[int, int]

    @classmethod
    def by(cls, history: Growing) -> Held:
        naive = history.books.naive
        return cls(naive.closings(), naive.balance(), naive.interest())


class Asking:
    """Asks statements of a growing pool, remembers them, and asks them again."""

    def __init__(self, pool: SideBySide) -> None:
        self.pool, self.log, self.chance = pool, pool.log, pool.chance
        self.remembered: list[Remembered] = []
        self.counted: Counter[str] = Counter()
        self._instants: list[tuple[int, datetime]] = []
        """The last id and the instant of each transaction."""

    def ask(self, account: UUID | None, year: int, as_of: date | None, known_at: str | None) -> dict[UUID, bytes]:
        """The lines that the command prints."""
        versions = self.pool.register.versions
        answers: Iterable[dict[str, Any]] = (
            statements(self.log, year, as_of, known_at, versions)
            if account is None
            else [statement(self.log, account, year, as_of, known_at, versions)]
        )
        return {UUID(one["account"]): json.dumps(one, ensure_ascii=False).encode() for one in answers}

    def look_around(self, position: int) -> None:
        """After a transaction: catch up or not, then ask for some accounts, or for everybody."""
        chance = self.chance
        if chance.random() < 0.5:
            catch_up(self.log, chance.choice([None, position, chance.randint(1, position)]))
        self.counted["moments"] += 1
        self.counted["moments with the folds behind"] += lag(self.log) > 0
        opened = self.pool.opened
        for one in chance.sample(opened, min(len(opened), chance.randint(0, ASKED_AT_ONCE))):
            past = chance.randint(one.opened_by, position) if chance.random() < 0.2 else None
            self._remember(one, position, past)
        if chance.random() < 0.25:
            past = chance.randint(1, position) if chance.random() < 0.2 else None
            self._remember(None, position, past)

    def _remember(self, one: Growing | None, position: int, past: int | None) -> None:
        chance, year = self.chance, self.chance.choice(YEARS)
        days = (date(year, chance.randint(1, 12), chance.randint(1, 28)), date(year - 1, 7, 1), date(year + 1, 1, 1))
        as_of = chance.choice(days) if chance.random() < 0.3 else None
        known_at = None if past is None else str(past)
        lines = self.ask(one and one.account, year, as_of, known_at)
        recorded = {history.account: history.recorded for history in self.pool.opened if history.account in lines}
        known = position if past is None else past
        assert all(json.loads(line)["position"] == known for line in lines.values())
        self.remembered.append(Remembered(one and one.account, year, as_of, lines, known, past is not None, recorded))
        self.counted["statements remembered"] += len(lines)
        self.counted["asked one by one"] += one is not None
        self.counted["exports of everybody"] += one is None
        self.counted["as of a day"] += as_of is not None
        self.counted["as known earlier"] += past is not None
        if past is None and as_of is None:
            for history in [one] if one else self.pool.opened:
                if history.up_to_date:
                    self.agrees(Held.by(history), year, lines[history.account])

    def agrees(self, held: Held, year: int, line: bytes) -> None:
        """What a line says of a year's interest and end is what the naive account holds."""
        said = json.loads(line)
        kinds = tuple(fen(said["kinds"][kind]) for kind in KIND_NAMES)
        assert sum(kinds) == fen(said["closing"])
        assert fen(said["interest"]) == held.interest.get(year, 0), f"interest of {year}: {said}"
        expected = held.at_last if year >= LAST else held.closings.get(year)
        assert expected in {kinds, None}, f"closing of {year}: {said}"
        self.counted["closings compared with the naive account"] += expected is not None

    # Again.

    def all_again(self) -> None:
        """Everything remembered is asked with what was known then, and is the same bytes."""
        for one in self.remembered:
            known_at = self._known_at(one)
            again = self.ask(one.account, one.year, one.as_of, known_at)
            assert list(again) == list(one.lines), f"accounts of {one.year} as known at {known_at}"
            for account, line in one.lines.items():
                assert again[account] == line, f"{account}, {one.year}, as of {one.as_of}, as known at {known_at}"
            self.counted["asked again"] += len(again)

    def everything_is_recorded(self) -> None:
        """Learn the instants of the log's transactions."""
        with self.log.connections.connection() as connection:
            self._instants = connection.execute(
                self.log.sql("SELECT max(notification_id), recorded_at FROM {ledger_events} GROUP BY 2 ORDER BY 1")
            ).fetchall()

    def _known_at(self, one: Remembered) -> str:
        """The position, or an instant that means it."""
        ways = ["position"] if one.cut else ["position", "instant", "instant in Shanghai", "instant before the next"]
        way = self.chance.choice(ways)
        self.counted[f"again by {way}"] += 1
        if way == "position":
            return str(one.position)
        place = bisect_right(self._instants, one.position, key=lambda transaction: transaction[0])
        last_id, instant = self._instants[place - 1]
        assert last_id == one.position
        if way == "instant before the next" and place < len(self._instants):
            return (self._instants[place][1] - timedelta(microseconds=1)).isoformat()
        return instant.astimezone(clock.SHANGHAI if "Shanghai" in way else None).isoformat()


def fen(yuan: str) -> int:
    return int(Decimal(yuan) * 100)


def all_final(asking: Asking) -> dict[int, dict[UUID, bytes]]:
    """The statements of everybody as they stand now, year by year."""
    return {year: asking.ask(None, year, None, None) for year in YEARS}


def final_statements_agree(asking: Asking, final: dict[int, dict[UUID, bytes]]) -> None:
    """Each opening is the closing before it, each closing and interest what the naive account holds."""
    accounts = sorted(one.account for one in asking.pool.histories)
    assert all(list(lines) == accounts for lines in final.values())
    for one in asking.pool.histories:
        held, closing = Held.by(one), "0.00"
        for lines in final.values():
            said = json.loads(lines[one.account])
            assert said["opening"] == closing
            closing = said["closing"]
            asking.agrees(held, said["year"], lines[one.account])


def count_what_changed(asking: Asking, final: dict[int, dict[UUID, bytes]]) -> tuple[set[UUID], set[UUID]]:
    """The accounts that changed after a statement of theirs, and those of which such a one now reads otherwise."""
    recorded = {one.account: one.recorded for one in asking.pool.histories}
    later, otherwise = set(), set()
    for one in asking.remembered:
        for account, line in one.lines.items():
            changed = one.recorded[account] < recorded[account]
            asking.counted["remembered before the account changed"] += changed
            later |= {account} if changed else set()
            if one.as_of is None and changed:
                then, now = json.loads(line), json.loads(final[one.year][account])
                if (then["opening"], then["entries"]) != (now["opening"], now["entries"]):
                    asking.counted["remembered that read otherwise now"] += 1
                    otherwise.add(account)
    return later, otherwise


def test_statements_are_given_again_byte_for_byte(
    pool_log: PoolLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(20261123)
    ticks = ticking(random.Random(1))
    monkeypatch.setattr(clock, "now", lambda: next(ticks))
    pool = SideBySide(pool_log, [random_plan(chance) for _ in range(HISTORIES)], chance)
    asking = Asking(pool)
    while pool.at_work:
        for written in pool.grow():
            asking.look_around(written.last_id)
        if pool.round == 8:
            rebuild(pool_log)
    asking.everything_is_recorded()
    asking.all_again()
    final = all_final(asking)
    final_statements_agree(asking, final)
    rebuild(pool_log)
    asking.all_again()
    assert all_final(asking) == final
    later, otherwise = count_what_changed(asking, final)
    with capsys.disabled():
        events = sum(one.recorded for one in pool.histories)
        print(f"\n{len(pool.histories)} histories side by side, {events} events, {pool.round} rounds")
        print("  " + ", ".join(f"{name} {number}" for name, number in asking.counted.items()))
        print(f"  accounts that changed after a remembered statement {len(later)}, so that it changed {len(otherwise)}")
        print("  situations: " + ", ".join(f"{name} {number}" for name, number in pool.told.situations.most_common()))
    assert len(pool.histories) >= 500
    assert len(later) >= 500
    assert len(otherwise) >= 500
    assert min(pool.told.situations.values()) >= 20, "too few histories hold one of the situations"
    assert asking.counted["moments with the folds behind"] >= 10
    assert asking.counted["asked one by one"] >= 500
