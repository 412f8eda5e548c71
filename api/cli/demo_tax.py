"""The demonstration's month of exchange with the tax side: files in, the two books compared, differences ended, signed.

A small pool of its own lives through February to April 2025, so the clock of this process stands there meanwhile: when
a request came and how long something waits are part of what is shown. What must come of the month was written down by
whoever made its files (`samples/150002/expected.json`); where anything else comes, the demonstration fails.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final, Protocol

from api.cli import console
from api.cli.session import CommandFault
from ledger import clock
from ledger.differences import Category
from ledger.words import new_id

POOL: Final = "150002"
MONTH: Final = "2025-03"
_HANDS: Final = ("--actor", "经办甲", "--reviewer", "复核乙")
_ONE: Final = _HANDS[:2]
_SIGNED: Final = ("--tax-side", "税务丙", "--document", "示例签认单〔2025〕3号")
_CAPS: Final = {"2024": "3000", "2025": "3000"}
_EXPLAINED: Final = (
    ("tax_agency", Category.AMOUNT, "缴费档次低于核定，已通知补缴"),
    ("tax_agency", Category.PERIOD, "税务所属期误填，已函告更正"),
    ("tax_agency", Category.ITEM, "税务品目误填，已函告更正"),
    ("tax_agency", Category.REGION, "非本统筹区，已转交"),
    ("tax_agency", Category.TAX_ONLY, "名册漏报，下月补核定"),
    ("tax_agency", Category.AGENCY_ONLY, "未缴费，已催缴"),
    ("tax_agency", Category.CANCELLED, "税务已撤销，待重新缴费"),
    ("tax_treasury", Category.AMOUNT, "国库日报漏列一笔，已请更正"),
    ("treasury_fiscal", Category.CUTOFF, "月末缴费次日到账"),
    ("refund", Category.REFUND_OPEN, "核验已通过，待退费"),
)
"""Why there are differences of a comparison and category, where no entry ends them."""


class Commands(Protocol):
    """Whoever runs the demonstration's commands."""

    def command(self, *arguments: str, quiet: bool = False, refused: bool = False, found: bool = False) -> str:
        """Run one; what it printed. One may be there to be refused, one may find something."""


def show_tax(walk: Commands, folder: Path, reports: Path) -> None:
    """The month from its first file to both signatures and its report. Raises `CommandFault` where it comes out other.

    `folder` has the month's files; the reports, before and after the signatures, come to lie in `reports`.
    """
    _Month(walk, folder, reports).run()


class _Month:
    def __init__(self, walk: Commands, folder: Path, reports: Path) -> None:
        self._walk, self._folder, self._reports = walk, folder, reports
        self._expected: dict[str, Any] = json.loads((folder / "expected.json").read_text("utf-8"))

    def run(self) -> None:
        """The whole of it, day by day."""
        days: tuple[tuple[str, Callable[[], None]], ...] = (
            ("2025-03-03", self._register),
            ("2025-03-17", self._first_half),
            ("2025-03-28", self._beside_payments),
            ("2025-04-03", self._second_half),
            ("2025-04-08", self._compare),
            ("2025-04-09", self._end),
            ("2025-04-10", self._sign),
            ("2025-05-08", self._april),
        )
        console.answer("\n── 社税数据交换与对账：示例盟（演示期间的时钟停在 2025 年）")
        for day, part in days:
            with _clock_at(day):
                console.answer(f"\n〔{day}〕")
                part()

    # -- the files -------------------------------------------------------------------------------------------------

    def _register(self) -> None:
        """The pool, its people; what goes out to the tax side and what comes back; February."""
        self._do("pool", "create", POOL, "--name", "示例盟", "--region", "neimenggu", quiet=True)
        for year, cap in _CAPS.items():
            value = ("--name", "cap", "--year", year, "--value", cap, "--document", "示例文号（虚构）")
            self._ours("rules", "set", *value, *_HANDS, quiet=True)
        self._ours("import", "participants", self._file("participants"), *_ONE, quiet=True)
        self._do("tax", "profiles", "list")
        self._export("registrations")
        self._ours("tax", "answers", self._file("answers"), *_ONE)
        self._ours("tax", "sent", "list", "--rejected")
        for part in ("receivables-02", "receivables-03"):
            self._ours("tax", "receivables", "import", self._file(part), *_HANDS)
        self._export("receivables")
        self._ours("import", "payments", self._file("payments-02"), *_ONE)

    def _first_half(self) -> None:
        """A batch that lost a row is refused whole; corrected it is taken in, and once more changes nothing."""
        whole = self._file("payments-03-1")
        self._ours("import", "payments", self._file("payments-03-1-incomplete"), *_ONE, refused=True)
        self._ours("import", "payments", whole, *_ONE)
        self._ours("import", "payments", whole, *_ONE)

    def _beside_payments(self) -> None:
        """Subsidies of finance; refunds that are asked for; payments that failed."""
        self._ours("import", "payments", self._file("subsidies"), *_ONE)
        self._ours("tax", "subsidies", "--year", "2025", found=True)
        self._ours("tax", "refunds", "import", self._file("refunds"), *_ONE)
        self._ours("tax", "failed", "import", self._file("failed"), *_ONE)
        cases = json.loads(self._ours("tax", "failed", "list", "--json", quiet=True))
        case = ("--case", cases[0]["case"])
        due = ("--owner", "示例甲旗社保中心", "--due", "2025-04-03")
        self._ours("tax", "failed", "assign", *case, *due, *_ONE)
        self._ours("tax", "failed", "close", *case, "--reason", "已另行缴费", *_HANDS)
        self._ours("tax", "failed", "list", "--open")

    def _second_half(self) -> None:
        """The rest of March under other column names; refunds verified by two; what treasury and finance say."""
        self._ours("import", "payments", self._file("payments-03-2"), "--profile", "items", *_ONE)
        for which, reason in (("twice", "同一年度以两张税票缴费"), ("unpaid", "本人误缴，尚未享受待遇")):
            asked = ("--request", self._expected[which]["request"], "--verdict", "accept", "--reason", reason)
            self._ours("tax", "refunds", "verify", *asked, *_HANDS)
        self._ours("tax", "refunds", "list", "--open")
        for source in ("treasury", "fiscal-account"):
            self._ours("tax", "totals", "import", self._file(source), "--source", source, *_ONE)

    # -- the month -------------------------------------------------------------------------------------------------

    def _compare(self) -> None:
        """The two books: every category there is, each as it must be."""
        self._ours("tax", "reconcile", "--month", MONTH, found=True)
        told = self._told(MONTH)
        self._check(told)
        self._ours("tax", "differences", "list", "--month", MONTH, "--status", "open", found=True)
        self._write_down("未签认")
        self._ours("tax", "sign", "--month", MONTH, *_SIGNED, *_HANDS, refused=True)

    def _end(self) -> None:
        """The stranger's money is placed, what was paid twice goes back, the rest is told."""
        stranger, twice = self._expected["stranger"], self._expected["twice"]
        told = self._told(MONTH)
        late = ("--owner", f"{stranger['county']}社保中心", "--due-on", "2025-04-18")
        self._ours("tax", "differences", "assign", "--month", MONTH, "--category", "PERSON", *late, *_ONE)
        self._ours("tax", "unallocated", "--on", "2025-04-09", found=True)
        where = ("--account", self._account(stranger["is"]), "--county", stranger["county"])
        why = ("--reason", "号码末位误填，凭缴费凭证核实")
        self._ours("tax", "allocate", "--serial", stranger["serial"], *where, *why, *_HANDS)
        self._ours("tax", "refunds", "pay", "--request", twice["request"], "--on", "2025-04-09", *_HANDS)
        account = self._account(twice["is"])
        events = json.loads(self._ours("events", "--account", account, "--json", quiet=True))["events"]
        refund = next(one["version"] for one in events if one["topic"] == "account.refunded")
        again = next(one for one in told["differences"] if one["category"] == "DUP_PAYMENT")
        ending = ("--id", again["id"], "--account", account, "--version", str(refund), "--reason", "重复缴费，已退费")
        self._ours("tax", "differences", "resolve", "--month", MONTH, *ending, *_HANDS)
        for place, (comparison, category, why_so) in enumerate(_EXPLAINED):
            which = ("--comparison", comparison, "--category", category.value, "--reason", why_so)
            more = ("--command-id", str(new_id())) if place else ()
            self._ours("tax", "differences", "explain", "--month", MONTH, *which, *_ONE, *more, quiet=bool(place))
        console.answer(f"其余 {len(_EXPLAINED) - 1} 类差异同样说明原因")

    def _sign(self) -> None:
        """Nothing is open any more: both sides sign, and the month is written down."""
        self._ours("tax", "reconcile", "--month", MONTH)
        self._ours("tax", "sign", "--month", MONTH, *_SIGNED, *_HANDS)
        self._write_down("已签认")

    def _april(self) -> None:
        """What was cut off in March has come in April."""
        self._ours("tax", "reconcile", "--month", "2025-04", found=True)
        late = [one for one in self._told("2025-04")["differences"] if one["category"] == "CUTOFF"]
        if [(one["amount"], one["status"]) for one in late] != [("300.00", "cleared")]:
            raise CommandFault("跨月入库未在四月消除")
        self._ours("projections", "verify")

    # -- how it is held to what must come --------------------------------------------------------------------------

    def _check(self, told: dict[str, Any]) -> None:
        """The differences, one by one, against those the month was made for. Raises `CommandFault`."""
        ours = Counter(
            _key(
                one["comparison"], one["category"], one["amount"], (one["tax"] or {}).get("serial"),
                (one["agency"] or {}).get("number"), one["status"] == "cleared",
            )
            for one in told["differences"]
        )  # fmt: skip
        theirs = Counter(
            _key(*(one[name] for name in ("comparison", "category", "amount", "tax", "agency", "cleared")))
            for one in self._expected["differences"]
        )
        faults = [f"没有 {one}" for one in theirs - ours] + [f"多出 {one}" for one in ours - theirs]
        matched = told["categories"]["MATCHED"]["rows"]
        seen = {one["category"] for one in told["differences"]} | ({"MATCHED"} if matched else set())
        faults += [f"没有类别 {one}" for one in Category if one not in seen]
        if not self._proposed(told):
            faults.append("未知缴费人没有指向所载的应收核定")
        figures = told["total_difference"], matched
        if figures != (self._expected["total_difference"], self._expected["matched"]):
            faults.append(f"合计 {figures}")
        if faults:
            raise CommandFault("对账结果与样例所载不符：" + "；".join(faults))
        console.answer(f"与样例所载逐笔核对：{len(ours)} 笔差异、{len(Category)} 个类别，完全一致")

    def _proposed(self, told: dict[str, Any]) -> bool:
        """Whether the stranger's payment and the approval that it may mean point at each other."""
        by_id = {one["id"]: one for one in told["differences"] if one["category"] == Category.PERSON}
        stranger = self._expected["stranger"]
        paid = next((one for one in by_id.values() if (one["tax"] or {}).get("serial") == stranger["serial"]), None)
        owed = by_id.get(paid["proposal"]) if paid else None
        return bool(
            paid and owed and owed["proposal"] == paid["id"] and owed["agency"]["number"] == stranger["approval"]
        )

    def _told(self, month: str) -> dict[str, Any]:
        return dict(json.loads(self._ours("tax", "reconcile", "--month", month, "--json", quiet=True, found=True)))

    # -- commands --------------------------------------------------------------------------------------------------

    def _do(self, *arguments: str, quiet: bool = False, refused: bool = False, found: bool = False) -> str:
        return self._walk.command(*arguments, quiet=quiet, refused=refused, found=found)

    def _ours(self, *arguments: str, quiet: bool = False, refused: bool = False, found: bool = False) -> str:
        """A command about this pool: its name is said behind the words of the command."""
        return self._do(*arguments, "--pool", POOL, quiet=quiet, refused=refused, found=found)

    def _export(self, kind: str) -> None:
        self._ours("tax", "export", "--kind", kind, "--out", str(self._folder / f"sent-{kind}.csv"), *_HANDS)

    def _write_down(self, state: str) -> None:
        self._ours(
            "tax", "report", "--month", MONTH, "--out", str(self._reports / f"社税对账月报-{MONTH}-{state}.xlsx")
        )

    def _account(self, number: str) -> str:
        return str(json.loads(self._ours("events", "--citizen", number, "--json", quiet=True))["account"])

    def _file(self, name: str) -> str:
        return str(self._folder / f"{name}.csv")


def _key(*said: Any) -> tuple[str, ...]:
    """What tells one difference from another: what it is, its amount, its records, whether it ended by itself."""
    return tuple(str(one or "") for one in said)


@contextmanager
def _clock_at(day: str) -> Iterator[None]:
    """This process's clock at nine in the morning of a day, and going on from there."""
    real = clock.now
    ahead = real() - datetime.combine(datetime.fromisoformat(day), time(9), clock.SHANGHAI).astimezone(UTC)

    def now() -> datetime:
        return real() - ahead

    vars(clock)["now"] = now
    try:
        yield
    finally:
        vars(clock)["now"] = real
