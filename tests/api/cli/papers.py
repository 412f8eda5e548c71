"""Forms of a plan as they are printed, read cell by cell and handed in again."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import xlsxwriter
from python_calamine import CalamineWorkbook

from tests.api.cli.desk import Ended
from tests.api.cli.village import Village


def printing(
    village: Village, plan: UUID, form: str, out: str, *more: object, outside: bool = True, command: str = "form"
) -> tuple[Ended, Path]:
    """`plan form`; the file is a fresh one unless it is there already."""
    path = village.desk.folder / out
    way = village.desk.ledger if outside else village.desk.inside
    which = ("--plan", plan, "--form", form) if command == "form" else ()
    return way("plan", command, "--pool", village.desk.code, *which, "--out", path, "--json", *more), path


def printed(village: Village, plan: UUID, form: str, *more: object, **said: Any) -> tuple[Any, list[list[Any]]]:
    """What the command says of a form, and the cells of its sheet."""
    said.setdefault("out", f"{form}-{len(list(village.desk.folder.iterdir()))}.xlsx")
    ended, path = printing(village, plan, form, said.pop("out"), *more, **said)
    assert ended.code == 0, ended
    return ended.json, cells(path)


def cells(path: Path) -> list[list[Any]]:
    return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


def persons(rows: list[list[Any]]) -> list[list[Any]]:
    """The rows below the header that are numbered."""
    head = next(place for place, row in enumerate(rows) if row[0] == "序号")
    return [row for row in rows[head + 1 :] if isinstance(row[0], float)]


def sheet(village: Village, name: str, rows: list[list[Any]]) -> Path:
    """A workbook of these cells, as somebody's spreadsheet program would save them."""
    path = village.desk.folder / name
    with xlsxwriter.Workbook(path) as book:
        made = book.add_worksheet()
        for line, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, float):
                    made.write_number(line, place, cell)
                elif cell != "":
                    made.write_string(line, place, cell)
    return path


def declaring(village: Village, file: Path, *more: object) -> tuple[UUID, Ended]:
    """A new plan that declares this file."""
    sequence = 2 + len(village.desk.inside("plan", "list", "--pool", village.desk.code, "--json").json)
    plan = village.plan("--sequence", sequence, *more)
    village.walk(plan, "declared")
    return plan, village.step(plan, "declared", "--file", file)
