"""The demonstration's plans: one of each region through its own procedure, with a refusal of each important kind.

The people are made up, in pools of their own, with numbers whose prefixes are issued to nobody. Every step is a command
as a user types it; which step is next, by whom and with which papers is asked of `plan show`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from api.cli import console
from ledger.identity import IdentityFault, Sex, normalise_citizen_number, sex_of
from ledger.words import new_id

YEAR: Final = 2025
_PLACE: Final = "示例县/示例镇/示例村"
_PAYER: Final = "N2150781MF0000005R"
_HANDS: Final = ("--actor", "经办甲", "--reviewer", "复核乙")
_POOLS: Final = {
    "neimenggu": ("150001", "示例盟", "150000"),
    "ningxia": ("640001", "示例市", "640000"),
    "panzhihua": ("510001", "示例攀枝花", "510000"),
    "keqiao": ("330001", "示例柯桥", "330000"),
}
_DONOR: Final = "91350100M000100Y43"
_FORMS: Final = {
    "neimenggu": ("declaration_form", "filing_form", "payment_notice", "receivable"),
    "ningxia": ("payment_notice",),
    "panzhihua": ("plan_text", "arrival_letter"),
    "keqiao": ("list_of_names",),
}
_WITH_THE_MONEY: Final = frozenset(("paid", "allocated", "receipt_issued", "collection_reported"))
PAID: Final = (
    "缴费明细流水号", "电子税票号码", "公民身份号码", "姓名", "费款所属期", "征收品目", "缴费类型", "实缴金额",
    "上解日期", "入库日期", "数据类型", "传输批次号",
)  # fmt: skip
_NAMES: Final = ("示甲", "示乙", "示丙", "示丁")


class Commands(Protocol):
    """Whoever runs the demonstration's commands."""

    def command(self, *arguments: str, quiet: bool = False, refused: bool = False) -> str:
        """Run one; what it printed."""


def show_plans(walk: Commands, folder: Path) -> None:
    """One plan of each region, from the payer's registration to where its money is awaited or credited."""
    folder.mkdir()
    for region in _POOLS:
        _Plan(walk, folder, region).run()


class _Plan:
    def __init__(self, walk: Commands, folder: Path, region: str) -> None:
        self._walk, self._folder, self._region = walk, folder, region
        self._pool, self._name, prefix = _POOLS[region]
        self._people = [(name, _number(f"{prefix}1980030110{place}")) for place, name in enumerate(_NAMES)]
        self._day = date(YEAR, 3, 3)
        self._plan = ""

    def run(self) -> None:
        """The whole of it."""
        console.answer(f"\n── {self._name}（{self._region}）：集体补助方案")
        self._set_up()
        drafted = ("plan", "draft", "--pool", self._pool, "--payer", _PAYER, "--year", str(YEAR), "--village", _PLACE)
        said = ("--covered", "本集体经济组织成员", "--flat", "300", "--actor", "经办甲", "--json")
        source = "--source"
        if self._region == "neimenggu":
            self._walk.command(*drafted, *said, source, "被征地农牧民养老保险缴费补贴=1200", refused=True)
        self._plan = json.loads(self._walk.command(*drafted, *said, source, "集体经济收益=1200"))["plan"]
        out_of_order = next(one for one in self._steps() if not one["does"])
        self._take(out_of_order, refused=True, acting_for="tax")
        roster = self._through("declare", "")
        self._through("review", roster)
        if self._region == "panzhihua":
            self._through("allocate", roster)
        else:
            self._up_to_the_payment(roster)
            if self._region == "neimenggu":
                month = f"{self._day:%Y-%m}"
                self._walk.command("tax", "receivables", "list", "--pool", self._pool, "--month", month)
            self._pay_through_tax()
        self._print(roster)
        self._walk.command("plan", "show", "--pool", self._pool, "--plan", self._plan)
        if self._region == "neimenggu":
            self._aid()

    def _up_to_the_payment(self, roster: str) -> None:
        """Notices and the like: every step before those that follow the money."""
        for turn in range(10):
            step = next((one for one in self._steps(roster) if one["step"] not in _WITH_THE_MONEY), None)
            if step is None:
                return
            self._take(step, roster, actor=f"经办{turn % 5}", quiet=True)

    def _pay_through_tax(self) -> None:
        """Three of four are paid; the fourth sum is more than an account may take, and the plan holds it."""
        amounts = ("300.00", "300.00", "300.00", "3000.01")
        paid = [
            (f"{self._pool}75{place}", f"J{self._pool}{place}", number, name, YEAR, "集体补助", "正常应缴", amount,
             f"{YEAR}-11-03", f"{YEAR}-11-03", "新增", "B2", _PAYER)
            for place, ((name, number), amount) in enumerate(zip(self._people, amounts, strict=True))
        ]  # fmt: skip
        file = self._file("subsidies", (*PAID, "来源单位"), paid)
        self._walk.command("import", "payments", file, "--pool", self._pool, *_HANDS[:2])

    def _print(self, roster: str) -> None:
        """The region's papers, ready to print."""
        for form in _FORMS[self._region]:
            out = str(self._folder / f"{self._pool}-{form}.xlsx")
            said = ("--plan", self._plan, "--roster", roster, "--form", form, "--out", out)
            self._walk.command("plan", "form", "--pool", self._pool, *said)

    def _aid(self) -> None:
        """社会资助 for one of them: more than the cap leaves room for goes back, the rest is declared."""
        charity = ("--code", _DONOR, "--kind", "charity", "--name", "示例慈善会", "--document", "登记证书（示例）")
        self._walk.command("payer", "register", "--pool", self._pool, *charity, *_HANDS)
        drafted = (
            "aid",
            "draft",
            "--pool",
            self._pool,
            "--payer",
            _DONOR,
            "--year",
            str(YEAR),
            "--covered",
            "困难老人",
        )
        said = ("--source", "捐赠=6000", "--actor", "经办甲", "--json")
        self._plan = json.loads(self._walk.command(*drafted, *said))["plan"]
        step = next(one for one in self._steps() if one["does"] == "declare")
        columns = ("姓名", "性别", "公民身份号码", "补助金（资助）金额", "补助或资助类型")
        for amount in ("2700.01", "贰仟柒佰元整"):
            name, number = self._people[0]
            row = (name, _sex(number), number, amount, "社会资助")
            file = self._file(f"aid-{amount}", columns, [row])
            self._take(step, "", "--file", file, refused=amount == "2700.01")

    def _set_up(self) -> None:
        walk, pool = self._walk, ("--pool", self._pool)
        walk.command("pool", "create", self._pool, "--name", self._name, "--region", self._region, quiet=True)
        cap = ("--name", "cap", "--year", str(YEAR), "--value", "3000", "--document", "示例文号（虚构）")
        walk.command("rules", "set", *pool, *cap, *_HANDS, quiet=True)
        people = [
            (name, number, _sex(number), *_PLACE.split("/"), "2019-01-02") for name, number in self._people
        ]  # fmt: skip
        columns = ("姓名", "公民身份号码", "性别", "旗县", "乡镇", "村", "参保日期")
        walk.command("import", "participants", self._file("people", columns, people), *pool, *_HANDS[:2], quiet=True)
        paid = [
            (f"{self._pool}25{place}", f"T{self._pool}{place}", number, name, YEAR, "个人缴费", "正常应缴", "200.00",
             f"{YEAR}-02-10", f"{YEAR}-02-10", "新增", "B1")
            for place, (name, number) in enumerate(self._people)
        ]  # fmt: skip
        walk.command("import", "payments", self._file("paid", PAID, paid), *pool, *_HANDS[:2], quiet=True)
        payer = (
            "--code",
            _PAYER,
            "--kind",
            "village_collective",
            "--name",
            "示例村股份经济合作社",
            "--village",
            _PLACE,
        )
        walk.command("payer", "register", *pool, *payer, "--document", "备案表（示例）", *_HANDS)
        numbers = ("--tax-number", "示例识别号", "--social-code", "示例编码", "--on", f"{YEAR}-01-20")
        walk.command("payer", "confirm", *pool, "--code", _PAYER, *numbers, *_HANDS, *_known(), quiet=True)
        admitted = ("--village", _PLACE, "--since", f"{YEAR}-01-01", "--document", "试点名单（示例）")
        walk.command("payer", "admit", *pool, *admitted, *_HANDS, *_known(), quiet=True)
        roll = self._file("members", ("姓名", "公民身份号码"), self._people)
        walk.command("payer", "members", roll, *pool, "--code", _PAYER, *_HANDS[:2])

    # -- steps ----------------------------------------------------------------------------------------------------

    def _steps(self, roster: str = "") -> list[dict[str, Any]]:
        told = json.loads(
            self._walk.command("plan", "show", "--pool", self._pool, "--plan", self._plan, "--json", quiet=True)
        )
        steps = next((one["next"] for one in told["rosters"] if one["roster"] == roster), told["next"])
        for step in steps:
            self._day = max(self._day, date.fromisoformat(step["from"]) if step["from"] else self._day)
        while self._day.isoweekday() > 5:
            self._day += timedelta(days=1)
        return list(steps)

    def _through(self, does: str, roster: str) -> str:
        """Take every step up to the one that does this, and that one; the roster's id."""
        for turn in range(30):
            steps = self._steps(roster)
            last = next((one for one in steps if one["does"] == does), None)
            if last is None:
                self._take(next(one for one in steps if not one["does"]), roster, actor=f"经办{turn % 5}", quiet=True)
                continue
            more: tuple[str, ...] = ("--reviewer", "复核乙")
            if does == "declare":
                self._take(last, roster, "--file", self._roster("有误名册", faulty=True), refused=True)
                more = ("--file", self._roster("名册", faulty=False))
            if does == "allocate":
                arrived = ("--arrived-on", self._day.isoformat(), "--voucher", "缴存凭证（示例）")
                self._take(last, roster, "--amount", "1199.99", *arrived, *more, refused=True)
                more = ("--amount", "1200.00", *arrived, *more)
            told: str = json.loads(self._take(last, roster, *more, "--json", actor="经办丙"))["roster"]
            return told or roster
        raise AssertionError(f"no step does {does}")

    def _take(
        self,
        step: dict[str, Any],
        roster: str = "",
        *more: str,
        actor: str = "经办甲",
        acting_for: str = "",
        quiet: bool = False,
        refused: bool = False,
    ) -> str:
        papers = [word for name in step["evidence"] for word in ("--evidence", f"{name}=示例材料")]
        where = ("--roster", roster) if roster else ()
        said = (*more, *_known()) if quiet else more
        return self._walk.command(
            "plan", "step", "--pool", self._pool, "--plan", self._plan, "--step", step["step"], "--on",
            self._day.isoformat(), "--for", acting_for or step["acting_for"], *papers, *where, "--actor", actor, *said,
            quiet=quiet, refused=refused,
        )  # fmt: skip

    # -- files ----------------------------------------------------------------------------------------------------

    def _roster(self, name: str, *, faulty: bool) -> str:
        rows = [(who, _sex(number), number, "300.00", "集体补助") for who, number in self._people]
        if faulty:  # an amount that is not the standard, and somebody twice
            rows[1] = (*rows[1][:3], "3000.00", rows[1][4])
            rows.append(rows[0])
        return self._file(name, ("姓名", "性别", "公民身份号码", "补助金（资助）金额", "补助或资助类型"), rows)

    def _file(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
        path = self._folder / f"{self._pool}-{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
        return str(path)


def _known() -> tuple[str, str]:
    """An id for a command that is not shown: one made for it would be told."""
    return "--command-id", str(new_id())


def _number(first17: str) -> str:
    for check in "0123456789X":
        try:
            return normalise_citizen_number(first17 + check)
        except IdentityFault:
            continue
    raise AssertionError(first17)


def _sex(number: str) -> str:
    return "男" if sex_of(number) is Sex.MALE else "女"
