"""A form on a sheet, ready to print. The file holds citizen numbers: it is made in memory and is its owner's alone."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from api.files.private_file import PrivateFile
from api.files.sheets import Layout, Looks, set_page, write_row
from ledger.forms.sheet import Form, Role


def write_form(form: Form, path: Path, made_at: datetime, *, overwrite: bool = False) -> None:
    """Lay a form out and write it. Raises `FileFault` where the file is there already, or cannot be written."""
    written = _workbook(form, made_at)
    with PrivateFile(path, overwrite=overwrite) as file:
        file.write(written)


def _workbook(form: Form, made_at: datetime) -> bytes:
    """The bytes of the workbook; made in memory, for temporary files would hold what the sheet holds."""
    stream = io.BytesIO()
    head = None if form.head is None else (form.head, form.head)
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        book.set_properties({"title": form.title, "created": made_at.replace(tzinfo=None)})
        sheet = book.add_worksheet("表")
        set_page(sheet, Layout(form.widths, head, form.trace))
        sheet.print_area(0, 0, len(form.rows) - 1, len(form.widths) - 1)
        looks = Looks(book)
        for place, row in enumerate(form.rows):
            write_row(sheet, looks, place, row, form.widths, _ends(form, place))
        _set_choices(sheet, form)
    return stream.getvalue()


def _ends(form: Form, place: int) -> tuple[bool, bool]:
    """Whether a row of a box is its first and its last."""
    neighbours = [form.rows[one][0].role if 0 <= one < len(form.rows) else None for one in (place - 1, place + 1)]
    return neighbours[0] is not Role.BOX, neighbours[1] is not Role.BOX


def _set_choices(sheet: Any, form: Form) -> None:
    """What may be filled into an empty form: words of a list; a citizen number as text of its length."""
    if not form.choices or form.body is None:
        return
    first, last = form.body
    for choice in form.choices:
        rule: dict[str, Any] = (
            {"validate": "list", "source": list(choice.words), "error_title": "取值有误",
             "error_message": f"请选择：{'、'.join(choice.words)}"}
            if choice.words
            else {"validate": "length", "criteria": "between", "minimum": 15, "maximum": 18, "error_title": "号码有误",
                  "error_message": "公民身份号码为18位（或原15位），请按文本填写", "input_title": "公民身份号码",
                  "input_message": "本列为文本格式，请填写完整号码"}
        )  # fmt: skip
        sheet.data_validation(first, choice.column, last, choice.column, rule)
