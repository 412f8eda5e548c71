"""汇总表 (S0 附件4): persons and amounts by the village of those who are aided, and the sum in words.

It sums what was reviewed. Whoever stands on several rosters counts once in their village; amounts count in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from ledger.forms.rules import FormRule
from ledger.forms.sheet import Cell, Form, Role, Row, chinese_date, lines, one_line, title_rows
from ledger.rmb import rmb

COLUMNS: Final = ("序号", "苏木乡镇（街道）", "嘎查村（社区）委会名称", "补助（资助）人数", "集体补助（资助）总额")
WIDTHS: Final = (7, 24, 30, 19, 24)


class VillageSum(NamedTuple):
    """What the rosters name in one village: township and village by name, persons, fen."""

    township: str
    village: str
    persons: int
    fen: int


def summary_form(rule: FormRule, sums: Iterable[VillageSum], today: date, trace: str, above: str = "") -> Form:
    """The form over these villages, in their order. `above` says what it covers."""
    rows = list(sums)
    persons, fen = sum(one.persons for one in rows), sum(one.fen for one in rows)
    width, title = len(COLUMNS), rule.title
    top: list[Row] = [*title_rows(title, width), *lines([above] if above else [], width)]
    head = len(top)
    top.append(tuple(Cell(Role.HEAD, name) for name in COLUMNS))
    body: list[Row] = [
        (
            Cell(Role.COUNT, place),
            Cell(Role.TEXT, one.township),
            Cell(Role.TEXT, one.village),
            Cell(Role.COUNT, one.persons),
            Cell(Role.MONEY, one.fen),
        )
        for place, one in enumerate(rows, 1)
    ]
    total = (
        Cell(Role.LABEL, "合计金额（大写）", 2),
        Cell(Role.TEXT, rmb(fen)),
        Cell(Role.COUNT, persons),
        Cell(Role.MONEY, fen),
    )
    below = lines([line.format(today=chinese_date(today)) for line in rule.below], width)
    notes = lines(rule.closing, width, Role.NOTE)
    return Form(
        rule=rule,
        title=one_line(title),
        widths=WIDTHS,
        rows=(*top, *body, total, *below, *notes),
        head=head,
        body=(head + 1, head + len(body)),
        persons=persons,
        fen=fen,
        trace=trace,
    )
