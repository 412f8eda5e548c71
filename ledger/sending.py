"""What goes out to the tax side (S4 第三章): rows of a kind, when one is due, and what must be in order before.

A row is sent once. It is due again when what it says has changed, or when the tax side rejected it (校验不通过的返回)
and it was corrected or released since. A row that fails our own checks is left out with its reason and stays due.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from ledger.identity import IdentityFault, normalise_citizen_number
from ledger.refusals import Reason, Refusal, refuse

PLACE: Final = "序号"
NUMBER: Final = "公民身份号码"
NAME: Final = "姓名"
PAYER: Final = "来源单位"
ROWS_MAX: Final = 50_000
"""Rows of a batch at most: it is recorded in one transaction. What remains is due for the next one."""
BATCH: Final = "传输批次号"
_BATCH: Final = re.compile(r"(?:(?P<pool>[0-9a-z]+)-)?(?P<batch>[0-9]{1,9})", re.ASCII)


class OutRow(NamedTuple):
    """A row that may be sent: what it is about, and its cells but for place, citizen number and name.

    `subject` is its id within its kind; `label` names it where its faults are listed, and neither names a person.
    `version` is the register's of the participant, 0 where the row is about none. `fault` is what keeps it back.
    """

    subject: str
    label: str
    participant: UUID | None
    version: int
    fen: int
    said: tuple[str, ...]
    fault: Refusal | None = None


class LatestSent(NamedTuple):
    """The latest batch in which something was sent: what it said, the answer (None: none yet), whether released."""

    batch: int
    place: int
    version: int
    said: tuple[str, ...]
    accepted: bool | None
    released: bool


class Outgoing(Protocol):
    """A kind of rows that go out: what their columns are called, and all that may be sent, page by page.

    `renamed` says that a new name of a participant is a change of the row; otherwise it only corrects a rejected one.
    A page may hold rows that were sent before: which of them are due is not its business.
    """

    @property
    def kind(self) -> str:
        """The word of the command."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Place, citizen number and name among them where the rows have them."""
        ...

    @property
    def renamed(self) -> bool:
        """Whether a new name changes a row."""
        ...

    def pages(self) -> Iterator[list[OutRow]]:
        """All rows, in a fixed order of subjects."""
        ...


def is_due(row: OutRow, latest: LatestSent | None, *, renamed: bool) -> bool:
    """Whether a row is to be sent now."""
    if latest is None:
        return True
    changed = row.said != latest.said
    if latest.accepted is False:
        return changed or latest.released or row.version != latest.version
    return changed or (renamed and row.version != latest.version)


def identity_fault(label: str, number: str, name: str) -> Refusal | None:
    """IDENTITY_FAULT where a row would go out without a name, or with a number that is none."""
    try:
        normalise_citizen_number(number)
    except IdentityFault as fault:
        return refuse(Reason.IDENTITY_FAULT, f"{label}“{NUMBER}”", rule=str(fault))
    if not name.strip():
        return refuse(Reason.IDENTITY_FAULT, f"{label}“{NAME}”", rule="姓名不得为空")
    return None


def cells_of(columns: Sequence[str], said: Sequence[str], place: int, number: str, name: str) -> list[str]:
    """A row as its file has it: `said` in the order of the columns, with what is not stored beside it."""
    opened = {PLACE: str(place), NUMBER: number, NAME: name}
    rest = iter(said)
    return [opened[column] if column in opened else next(rest) for column in columns]


def cell_of(columns: Sequence[str], said: Sequence[str], column: str) -> str:
    """What a row says in a column, empty where its file has none of that name."""
    return dict(zip(columns, cells_of(columns, said, 0, "", ""), strict=True)).get(column, "")


def batch_text(pool: str, batch: int) -> str:
    """传输批次号 as files say it: the pool's code and the number."""
    return f"{pool}-{batch:06d}"


def read_batch(text: str, pool: str) -> int | None:
    """The number of a 传输批次号 of this pool, also without the pool's code; None for any other."""
    found = _BATCH.fullmatch(text.strip())
    if found is None or found["pool"] not in (None, pool):
        return None
    return int(found["batch"])


def total_of(rows: Iterable[OutRow]) -> int:
    """总金额 of a batch (fen): the sum of its column of amounts as it stands, withdrawals among it."""
    return sum(row.fen for row in rows)
