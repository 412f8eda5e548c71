"""Counties, townships and villages of a pool, by name and by code (pool.county.township.village)."""

from __future__ import annotations

from typing import Final, NamedTuple

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.store.log import PoolLog

LEVELS: Final = ("county", "township", "village")
_WIDTHS: Final = (2, 3, 3)


class Division(NamedTuple):
    """One row: its code, its level, the code above it (the pool's own for a county), its name."""

    code: str
    level: str
    parent: str
    name: str


class Divisions:
    """The pool's divisions, and those a file names for the first time, given the next code below their parent."""

    def __init__(self, log: PoolLog) -> None:
        self._log = log
        self._written: list[Division] = []
        self.read()

    def read(self) -> None:
        """Read the divisions as they stand; what was added and never written is forgotten."""
        with self._log.connections.connection() as connection:
            rows = connection.execute(self._log.sql("SELECT code, level, parent, name FROM {division}")).fetchall()
        self._known = {(row[2], row[3]): Division(*row) for row in rows}
        self._below: dict[str, int] = {}
        for division in self._known.values():
            self._below[division.parent] = self._below.get(division.parent, 0) + 1
        self._unwritten: list[Division] = []

    @property
    def new_names(self) -> list[str]:
        """Names of what was added, in the order in which they were named first."""
        return [division.name for division in (*self._written, *self._unwritten)]

    def village(self, names: tuple[str, str, str]) -> str | None:
        """The code of a village by the names of county, township and village; None for an unknown one."""
        parent = self._log.pool
        for name in names:
            division = self._known.get((parent, name))
            if division is None:
                return None
            parent = division.code
        return parent

    def find(self, said: str) -> str | None:
        """The code of a village by its code or by 旗县/乡镇/村; None for an unknown one."""
        names = tuple(part.strip() for part in said.split("/"))
        if len(names) == len(LEVELS):
            return self.village((names[0], names[1], names[2]))
        known = (division.code == said for division in self._known.values() if division.level == LEVELS[-1])
        return said if any(known) else None

    def of_level(self, level: str) -> list[Division]:
        """All divisions of a level, by code."""
        return sorted(division for division in self._known.values() if division.level == level)

    def add(self, names: tuple[str, str, str]) -> str:
        """The code of a village, with whatever is unknown of county, township and village added."""
        parent = self._log.pool
        for level, width, name in zip(LEVELS, _WIDTHS, names, strict=True):
            division = self._known.get((parent, name)) or self._add(level, width, parent, name)
            parent = division.code
        return parent

    def _add(self, level: str, width: int, parent: str, name: str) -> Division:
        self._below[parent] = self._below.get(parent, 0) + 1
        division = Division(f"{parent}.{self._below[parent]:0{width}}", level, parent, name)
        self._known[parent, name] = division
        self._unwritten.append(division)
        return division

    def write(self, cursor: Cursor[TupleRow]) -> None:
        """Rows of the divisions added since `written`, inside the transaction of the accounts that need them."""
        cursor.executemany(
            self._log.sql("INSERT INTO {division} (code, level, parent, name) VALUES (%s, %s, %s, %s)"), self._unwritten
        )

    def written(self) -> None:
        """That transaction has committed; one that failed has left its divisions to be written again."""
        self._written += self._unwritten
        self._unwritten = []

    def names(self) -> dict[str, str]:
        """The name of each code."""
        return {division.code: division.name for division in self._known.values()}
