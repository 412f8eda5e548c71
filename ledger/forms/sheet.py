"""What a form says, before anybody lays it out: rows of cells with their roles, and the papers it is made from.

Amounts in fen. A form is laid over columns of given widths (in half-width characters); a cell spans one or more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from ledger.forms.rules import FormRule
from ledger.plan import RosterOfPlan, SubsidyPlan
from ledger.plan_events import SubsidyAllocated
from ledger.words import CHINESE


class Role(StrEnum):
    """What a cell is for; the layout gives each its look."""

    TITLE = "title"
    LINE = "line"
    """A line outside the table: above it, or a signature."""
    PARAGRAPH = "paragraph"
    """Running text, indented and wrapped."""
    HEADING = "heading"
    END = "end"
    """The end of a letter, to the right."""
    NOTE = "note"
    HEAD = "head"
    """A column's name; repeated on every page."""
    LABEL = "label"
    TEXT = "text"
    CENTRED = "centred"
    NUMBER = "number"
    """A citizen number, a code: text, whatever it looks like."""
    MONEY = "money"
    """An amount; its value is fen."""
    COUNT = "count"
    DATE = "date"
    """A day; its value is a date."""
    BOX = "box"
    """A line of a box that is framed as one."""
    COVERED = "covered"
    """The place of a cell that reaches down from above."""


class Cell(NamedTuple):
    """A cell: its role, its text (or fen, or a number of persons, or a day), how many columns and rows it takes."""

    role: Role
    value: str | int | date = ""
    span: int = 1
    down: int = 1


Row = tuple[Cell, ...]


class Choice(NamedTuple):
    """What may be filled into a column (by its place) of an empty form: one of these words, or a number as text."""

    column: int
    words: tuple[str, ...] = ()


class Form(NamedTuple):
    """A form ready to be laid out. `head` and `body` are the places of its header and of its rows (first, last)."""

    rule: FormRule
    title: str
    widths: tuple[int, ...]
    rows: tuple[Row, ...]
    head: int | None = None
    body: tuple[int, int] | None = None
    choices: tuple[Choice, ...] = ()
    persons: int | None = None
    fen: int | None = None
    trace: str = ""
    """Which plan and roster it was printed from."""


class Place(NamedTuple):
    """The names of a village and what lies above it; empty for a donor without one."""

    county: str = ""
    township: str = ""
    village: str = ""


class Organisation(NamedTuple):
    """The payer, as far as forms name it; a person has a code of the ledger's own, and nothing at the tax side."""

    code: str
    name: str
    village_number: str = ""
    tax_number: str = ""
    social_code: str = ""
    is_person: bool = False

    @property
    def code_label(self) -> str:
        """What the code is."""
        return "资助人编号" if self.is_person else "统一社会信用代码"

    @property
    def addressed(self) -> str:
        """How a letter speaks to the payer."""
        return "你" if self.is_person else "你单位"


class Named(NamedTuple):
    """A row of a roster with the person's name and citizen number ("" of an erased person)."""

    name: str
    number: str
    fen: int


class Papers(NamedTuple):
    """All that a form may be made from.

    `amounts` and `lines` are the roster's rows without their persons, in the order of the lines; `payment_clause` says
    in the words of the text how the money is paid; `blank` is how many rows an empty form has.
    """

    rule: FormRule
    plan: UUID
    state: SubsidyPlan
    organisation: Organisation
    place: Place
    today: date
    roster: RosterOfPlan | None = None
    people: tuple[Named, ...] = ()
    amounts: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()
    allocation: SubsidyAllocated | None = None
    payment_clause: str = ""
    blank: int = 0

    @property
    def year(self) -> int:
        """The year of the roster, or of the plan."""
        return self.roster.year if self.roster else self.state.drafted.year

    @property
    def kind(self) -> str:
        """集体补助 or 社会资助."""
        return CHINESE[self.state.drafted.kind]

    @property
    def trace(self) -> str:
        """Which plan and roster."""
        return f"方案 {self.plan}" + (f"　名册 {self.roster.roster}" if self.roster else "")

    def filled(self, text: str) -> str:
        """A title or line of the rule with its blanks filled in."""
        return text.format(
            kind=self.kind,
            payer="" if self.organisation.is_person else self.organisation.name,
            donor=self.organisation.name if self.organisation.is_person else "",
            place=self.place.township + self.place.village,
            township=self.place.township,
            village=self.place.village,
            year=self.year,
            today=chinese_date(self.today),
        )


NO_DATE: Final = "　　年　　月　　日"


def chinese_date(day: date) -> str:
    """2025年3月14日."""
    return f"{day.year}年{day.month}月{day.day}日"


def title_rows(title: str, columns: int) -> Iterator[Row]:
    """A title, over the whole width; each line of it a row."""
    for line in title.split("\n"):
        yield (Cell(Role.TITLE, line, columns),)


def lines(texts: Sequence[str], columns: int, role: Role = Role.LINE) -> Iterator[Row]:
    """Lines over the whole width, their parts side by side."""
    for text in texts:
        parts = text.split("|")
        each, rest = divmod(columns, len(parts))
        yield tuple(Cell(role, part, each + (place < rest)) for place, part in enumerate(parts))


def closing_rows(papers: Papers, columns: int) -> Iterator[Row]:
    """What stands below: signature lines, instructions, what is ours."""
    yield from lines([papers.filled(line) for line in papers.rule.below], columns)
    yield from lines(papers.rule.closing, columns, Role.NOTE)


def one_line(title: str) -> str:
    """A title that is set in lines, as one."""
    return title.replace("\n", "")
