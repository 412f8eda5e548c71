"""A pool that takes invented books in and reconciles them, by the commands themselves inside this process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from unittest import mock

from ledger import clock
from tests.api.cli.desk import Desk
from tests.properties.tax_rows import NEW, BookFile, Refund, yuan

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

    def ask_back(self, refunds: Iterable[Refund]) -> None:
        """Import 退费申请, each on the day on which it was asked."""
        for one in refunds:
            paid = one.paid
            cells = {
                "退费申请编号": one.number, "公民身份号码": paid.who.number, "姓名": paid.who.name,
                "电子税票号码": paid.voucher, "缴费明细流水号": paid.serial, "费款所属期": paid.period,
                "征收品目": paid.item, "申请退费额": yuan(paid.fen), "退费类型": "误收退费",
                "上解日期": paid.paid_on.isoformat(), "数据类型": NEW, "传输批次号": "TF1",
            }  # fmt: skip
            path = self.desk.table(f"{one.number}.csv", [cells], tuple(cells))
            with mock.patch.object(clock, "now", return_value=datetime.combine(one.asked_on, time(12), clock.SHANGHAI)):
                self.desk.prepare("tax", "refunds", "import", path, "--pool", self.desk.code, "--actor", "甲")

    def reconcile(self, month: date) -> Told:
        ended = self.desk.inside("tax", "reconcile", "--pool", self.desk.code, "--month", f"{month:%Y-%m}", "--json")
        told: Told = ended.json
        is_open = any(one["status"] in ("open", "assigned") for one in told["differences"])
        assert ended.code == (3 if is_open else 0), ended
        return told
