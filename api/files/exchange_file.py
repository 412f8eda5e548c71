"""A file of the exchange as its sender's profile has it, given on in our own names and words.

    table, header = open_exchange(path, profile, FileKind.PAYMENTS)

Columns are found under the names the profile gives them; codes become our words, columns a format does not have get
their fixed values, and rows without a batch number the one of the batch header. What the file states of itself is held
against its rows before any of them is handed out. A table of whose cells nothing has to be changed is handed on as it
was opened: its rows cost nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from api.files.tables import Columns, FileFault, OpenTable, Row, RowFault, RowFaultKind, open_table
from ledger.batch_header import BatchHeader, Doubts, check_batch, read_batch_header
from ledger.exchange import FileKind
from ledger.exchange_layout import LAYOUTS, layout_of
from ledger.exchange_profile import Format, Profile
from ledger.identity import squeezed
from ledger.refusals import Refusal, Refused

_AMOUNT_KEPT: Final = frozenset({RowFaultKind.DIGITS_LOST})
"""Faults of a row that leave its amount what it is."""


def open_exchange(path: Path, profile: Profile, kind: FileKind) -> tuple[OpenTable, BatchHeader]:
    """Open a file of a kind in a profile's format.

    Raises `FileFault` for what makes the file unreadable, and `Refused` (BATCH_HEADER) where it is not what its own
    header says: it is then refused whole. The header's `profile` is always told.
    """
    sort = layout_of(kind)
    asked = profile.formats.get(sort)
    if asked is None:
        what = f"格式 {profile.name} 没有{LAYOUTS[sort].title}（{sort}）一节"
        raise FileFault(what, path.name, f"请另选格式，或在格式文件中写明 [{sort}.columns]")
    table = open_table(path, _columns(asked), asked.layout.text)
    header = read_batch_header(table.above, asked)
    if isinstance(header, Refusal):
        raise Refused(header)
    if header.stated:
        layout = asked.layout
        told = _in_our_words(table.only((layout.amount, layout.data_type, layout.batch)), asked)
        if refusal := check_batch(told, header, asked, told.index, _DOUBTS):
            raise Refused(refusal)
    return _with_batch(_in_our_words(table, asked), asked, header.batch), header


def _columns(asked: Format) -> Columns:
    """The columns to look for: those that the format has."""
    called = {name: headers for name, headers in asked.columns.items() if headers != (name,)}
    required, optional = (
        tuple(name for name in names if name in asked.columns)
        for names in (asked.layout.required, asked.layout.optional)
    )
    return Columns(required, optional, called=called)


def _in_our_words(table: OpenTable, asked: Format) -> OpenTable:
    codes = {table.index[name]: codes for name, codes in asked.values.items() if name in table.present and codes}
    if not codes and not asked.fixed:
        return table
    index = {**table.index, **{name: len(table.index) + place for place, name in enumerate(asked.fixed)}}
    rows = partial(_changed, table.rows, codes, tuple(asked.fixed.values()))
    return replace(table, rows=rows, index=index, present=table.present | asked.fixed.keys())


def _changed(
    rows: Callable[[], Iterator[Row]], codes: Mapping[int, Mapping[str, str]], fixed: tuple[str, ...]
) -> Iterator[Row]:
    """Rows with our words for codes, and with fixed values at their end. What is no code stays as it is."""
    coded = tuple(codes.items())
    for row in rows():
        cells = row[1]
        for place, words in coded:
            if cell := cells[place]:
                cells[place] = words.get(cell) or words.get(squeezed(cell), cell)
        cells += fixed
        yield row


def _with_batch(table: OpenTable, asked: Format, batch: str) -> OpenTable:
    """Rows that name no batch have the header's."""
    column = asked.layout.batch
    if not batch or not column:
        return table
    place = table.index.get(column)
    if place is not None:
        return replace(table, rows=partial(_filled, table.rows, place, batch))
    index = {**table.index, column: len(table.index)}
    return replace(
        table, rows=partial(_changed, table.rows, {}, (batch,)), index=index, present=table.present | {column}
    )


def _filled(rows: Callable[[], Iterator[Row]], place: int, batch: str) -> Iterator[Row]:
    for row in rows():
        if not row[1][place]:
            row[1][place] = batch
        yield row


def _is_no_row(fault: Any) -> bool:
    """Lines that a stray quote swallowed may be any number of rows."""
    return isinstance(fault, RowFault) and fault.kind is RowFaultKind.BROKEN_QUOTES


def _leaves_the_amount_open(fault: Any) -> bool:
    """Of a row with too many cells, the amount may be another column's."""
    return isinstance(fault, RowFault) and fault.kind not in _AMOUNT_KEPT


_DOUBTS: Final = Doubts(row=_is_no_row, amount=_leaves_the_amount_open)
