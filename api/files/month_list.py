"""The list of a month's differences: its columns, their types, and a difference as a row of cells or of a .csv.

Names and citizen numbers have no column. A difference of single rows has its records; one of sums has what it is about
and both figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import IO, Any, Final, NamedTuple

from api.files.result_file import csv_cell
from ledger.forms.sheet import Cell, Role, Row
from ledger.jobs.payment_rows import PAYMENT_TYPES
from ledger.money import fen_to_yuan
from ledger.words import CHINESE as KIND_WORDS
from ledger.words import MoneyKind
from projections.reconciliation_report import Listed
from projections.reconciliation_told import COMPARISONS, STATUSES, category_word

TYPE_WORDS: Final = {word: chinese for chinese, word in PAYMENT_TYPES.items()}
"""What a payment type is called."""
SHORT_SHA: Final = 12
"""Hex digits of a file's SHA-256 that tell files apart on paper."""

Value = str | int | date | None


class Column(NamedTuple):
    """A column: what it belongs to, its name, its width in half-width characters, its type, and its value."""

    group: str
    name: str
    width: int
    role: Role
    value: Callable[[Listed], Value]

    @property
    def title(self) -> str:
        """Its name where there is one header only."""
        return f"{self.group}{self.name}" if self.group in _SIDES else self.name


_SIDES: Final = ("税务", "核定")


def kind_word(kind: str) -> str:
    """What a kind of money is called; empty for none."""
    return KIND_WORDS[MoneyKind(kind)] if kind else ""


def _of(side: str, key: str, told: Callable[[Any], Value] = lambda value: value) -> Callable[[Listed], Value]:
    """A value of a record of one side; none where the difference has no such record."""

    def value(one: Listed) -> Value:
        said = (one.difference.detail.get(side) or {}).get(key)
        return None if said in {None, ""} else told(said)

    return value


def _record(side: str, group: str, ids: tuple[tuple[str, str, int], ...], day: str) -> tuple[Column, ...]:
    """The columns of one side's record."""
    is_tax = side == "tax"

    def file(one: Listed) -> Value:
        sha256 = one.difference.tax_file if is_tax else one.difference.agency_file
        return sha256[:SHORT_SHA] if sha256 else None

    return (
        *(Column(group, name, width, Role.NUMBER, _of(side, key)) for key, name, width in ids),
        Column(group, "品目", 9, Role.CENTRED, _of(side, "kind", kind_word)),
        Column(group, "类型", 10, Role.CENTRED, _of(side, "type", lambda word: TYPE_WORDS.get(word, word))),
        Column(group, "所属期", 8, Role.COUNT, _of(side, "period")),
        Column(group, "金额", 13, Role.MONEY, _of(side, "fen")),
        Column(group, day, 12, Role.DATE, _of(side, "on", date.fromisoformat)),
        Column(group, "来源文件", 15, Role.NUMBER, file),
        Column(
            group, "行", 8, Role.COUNT, lambda one: one.difference.tax_line if is_tax else one.difference.agency_line
        ),
    )


def _about(one: Listed) -> Value:
    """What a difference of sums is about: days, item, type, county and voucher, out of its key; of a refund, its
    request, or the entry that answers none.
    """
    detail = one.difference.detail
    if request := detail.get("request"):
        return f"退费申请 {request}"
    if account := detail.get("account"):
        return f"账户 {account} 第{detail.get('version')}号记录"
    key = detail.get("key")
    if not key:
        return None
    _, days, kind, payment_type, county, reference = [*key.split("|", 5), *[""] * 6][:6]
    told = (days, kind_word(kind), TYPE_WORDS.get(payment_type, payment_type), county, reference)
    return " ".join(part for part in told if part)


def _sum(side: str) -> Callable[[Listed], Value]:
    return lambda one: one.difference.detail.get(side)


def _ended_by(place: int) -> Callable[[Listed], Value]:
    def value(one: Listed) -> Value:
        by = one.difference.mark.resolved_by
        return None if by is None else (str(by[0]), by[1])[place]

    return value


COLUMNS: Final = (
    Column("差异", "序号", 7, Role.COUNT, lambda one: one.number),
    Column("差异", "差异编号", 24, Role.NUMBER, lambda one: str(one.difference.id)),
    Column("差异", "对比", 12, Role.CENTRED, lambda one: COMPARISONS.get(one.difference.comparison)),
    Column(
        "差异", "类别", 18, Role.CENTRED, lambda one: category_word(one.difference.comparison, one.difference.category)
    ),
    Column("差异", "差额（元）", 13, Role.MONEY, lambda one: one.difference.fen),
    Column("差异", "笔数差", 8, Role.COUNT, lambda one: one.difference.rows),
    *_record("tax", "税务", (("serial", "流水号", 18), ("voucher", "电子税票号码", 18)), "入库日期"),
    *_record("agency", "核定", (("number", "应收核定编号", 18),), "核定日期"),
    Column("合计", "所指", 18, Role.TEXT, _about),
    Column("合计", "前者（元）", 13, Role.MONEY, _sum("left")),
    Column("合计", "后者（元）", 13, Role.MONEY, _sum("right")),
    Column("处理", "责任单位", 20, Role.TEXT, lambda one: one.owner),
    Column("处理", "期限", 12, Role.DATE, lambda one: one.difference.mark.due_on),
    Column("处理", "状态", 14, Role.CENTRED, lambda one: STATUSES[one.difference.status]),
    Column("处理", "原因", 24, Role.TEXT, lambda one: one.difference.mark.reason or one.difference.cleared),
    Column("处理", "了结账户", 24, Role.NUMBER, _ended_by(0)),
    Column("处理", "了结版本号", 8, Role.COUNT, _ended_by(1)),
    Column("处理", "疑似对应序号", 8, Role.COUNT, lambda one: one.proposal),
)
"""The columns of the list."""
BANDS: Final = tuple(
    next(place for place, one in enumerate(COLUMNS) if one.group == group) for group in ("核定", "处理")
)
"""Where the list is divided when it is printed: the agency's record, and what is done, stand on pages of their own."""


def heads() -> tuple[Row, Row]:
    """The two lines of the header: the groups over their columns."""
    groups: list[Cell] = []
    for column in COLUMNS:
        if groups and groups[-1].value == column.group:
            groups[-1] = groups[-1]._replace(span=groups[-1].span + 1)
        else:
            groups.append(Cell(Role.HEAD, column.group))
    return tuple(groups), tuple(Cell(Role.HEAD, column.name) for column in COLUMNS)


def cells(one: Listed) -> Row:
    """A difference as a row."""
    return tuple(Cell(column.role, _or_blank(column.value(one))) for column in COLUMNS)


def _or_blank(value: Value) -> str | int | date:
    return "" if value is None else value


def write_csv(found: Iterable[Listed], stream: IO[bytes]) -> None:
    """All of them as .csv, UTF-8, one line each, nothing a formula."""
    stream.write((",".join(column.title for column in COLUMNS) + "\n").encode())
    for one in found:
        stream.write((",".join(_plain(column, column.value(one)) for column in COLUMNS) + "\n").encode())


def _plain(column: Column, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return fen_to_yuan(value) if column.role is Role.MONEY else str(value)
    return csv_cell(value)
