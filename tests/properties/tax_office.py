"""A pool that takes invented books in and reconciles them, by the commands themselves inside this process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from tests.api.cli.desk import Desk
from tests.properties.tax_rows import BookFile

CAP = "500000.00"
"""Above all that is planted for one person and period: the cap is not what is looked at here."""
Told = dict[str, Any]


class Office:
    """A pool, and the files it took in, in their order."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.files: list[BookFile] = []
        for year in range(2022, 2026):
            desk.set("cap", year, CAP)

    def take_in(self, files: Iterable[BookFile]) -> None:
        """Import files of any kind, by the command of each."""
        for file in files:
            path = self.desk.folder / file.name
            path.write_bytes(file.content())
            group = ("tax", "receivables", "import") if file.kind == "receivables" else ("import", file.kind)
            hands = ("--actor", "甲", *(("--reviewer", "乙") if file.kind == "receivables" else ()))
            ended = self.desk.inside(*group, path, "--pool", self.desk.code, *hands)
            assert ended.code in ((0, 2) if file.kind == "payments" else (0,)), ended
            self.files.append(file)

    def reconcile(self, month: date) -> Told:
        ended = self.desk.inside("tax", "reconcile", "--pool", self.desk.code, "--month", f"{month:%Y-%m}", "--json")
        told: Told = ended.json
        is_open = any(one["status"] in ("open", "assigned") for one in told["differences"])
        assert ended.code == (3 if is_open else 0), ended
        return told
