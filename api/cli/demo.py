"""`pension-ledger demo`: the whole path on the sample files, in a fresh folder of its own, held against a second model.

Never the configured home, key or `DATABASE_URL`. Every figure comes out of the commands a user types. The second model
(`samples/naive_model.py`) shares no code with the ledger; at the end every row's outcome and every account's closing of
every year must agree with it.
"""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from uuid import UUID

from api.cli import console
from api.cli.demo_api import show_api
from api.cli.demo_plans import show_plans
from api.cli.demo_tax import POOL as TAX_POOL
from api.cli.demo_tax import show_tax
from api.cli.imports import ENDED
from api.cli.session import CommandFault, session
from ledger.identity import normalise_citizen_number
from ledger.store.server import EmbeddedServer

SAMPLES: Final = Path(__file__).resolve().parents[2] / "samples"
YEARS: Final = (2023, 2024, 2025)
HANDS: Final = ("--actor", "经办甲", "--reviewer", "复核乙")
_FOREIGN: Final = ("DATABASE_URL", "PENSION_LEDGER_KEY", "PENSION_LEDGER_HOME")


def demo() -> int:
    """用样例数据走完全程：导入、结息、对账单、事件历史、核验，并与另一套独立算法核对。"""
    started = time.monotonic()
    with _own_folder() as folder, EmbeddedServer(folder / "home"):
        walk = _Walk(folder / "files")
        for pool in walk.pools:
            walk.build(pool)
        walk.late_money("640100")
        for pool in walk.pools:
            walk.command("interest", "run", "--pool", pool, "--year", "2025", *HANDS)
        account = walk.show("640100")
        show_plans(walk, walk.files / "plans")
        reports = Path(tempfile.mkdtemp(prefix="pension-ledger-demo-reports-"))
        show_tax(walk, walk.files / TAX_POOL, reports)
        differences = sum(walk.compare(pool) for pool in walk.pools)
        console.answer(f"\n演示用时 {time.monotonic() - started:.0f} 秒。")
        show_api(folder / "home", walk, "640100", account)
    console.answer(f"\n演示结束，演示数据已清除；对账月报留在 {reports}")
    return 3 if differences else 0


@contextlib.contextmanager
def _own_folder() -> Iterator[Path]:
    """A folder under the system's temporary one, with the environment pointing into it; both undone at the end."""
    before = {name: os.environ.pop(name, None) for name in _FOREIGN}
    folder = Path(tempfile.mkdtemp(prefix="pension-ledger-demo-"))
    folder.chmod(0o711)
    os.environ["PENSION_LEDGER_HOME"] = str(folder / "home")
    try:
        yield folder
    finally:
        del os.environ["PENSION_LEDGER_HOME"]
        os.environ.update({name: value for name, value in before.items() if value is not None})
        shutil.rmtree(folder, ignore_errors=True)


class _Walk:
    """The commands of the demonstration, run one after the other on a copy of the sample files."""

    def __init__(self, files: Path) -> None:
        self.files = files
        shutil.copytree(SAMPLES, files, ignore=shutil.ignore_patterns("*.py", "__pycache__", "*.result.csv"))
        self._rates = json.loads((files / "rates.json").read_text(encoding="utf-8"))
        self.pools = sorted(self._rates)
        self._before_late = ""

    def command(self, *arguments: str, quiet: bool = False, refused: bool = False, found: bool = False) -> str:
        """Run a command of the ledger as a user would; what it printed on stdout.

        One may be there to be `refused`; one may have `found` what is open, and end with 3.
        """
        from api.cli.main import INTERRUPTED, run

        if not quiet:
            console.answer("\n$ pension-ledger " + " ".join(arguments).replace(str(self.files), "samples"))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            ended = run(list(arguments))
        if ended == INTERRUPTED:
            raise KeyboardInterrupt
        if ended == 0 if refused else ended not in ((0, 2, 3) if found else (0, 2)):
            raise CommandFault(f"演示命令 {' '.join(arguments)} 以退出码 {ended} 结束")
        if not quiet:
            console.answer(printed.getvalue().rstrip().replace(str(self.files), "samples"))
        return printed.getvalue()

    def build(self, pool: str) -> None:
        """A pool from nothing: rules entered, people, openings, three years' payments, two years' interest."""
        told = self._rates[pool]
        self.command("pool", "create", pool, "--name", told["name"], "--region", told["region"])
        for year, rate in told["rates"].items():
            entry = ("--year", year, "--rate", rate["rate"], "--document", rate["document"])
            self.command("interest", "rate", "set", "--pool", pool, *entry, *HANDS)
        for year, cap in told["caps"].items():
            value = ("--name", "cap", "--year", year, "--value", cap["cap"], "--document", cap["document"])
            self.command("rules", "set", "--pool", pool, *value, *HANDS)
        for path in self._paths(pool):
            if path.stem == "participants":
                self.command("import", "participants", str(path), "--pool", pool, *HANDS[:2])
            elif path.stem == "openings":
                self.command("import", "openings", str(path), "--pool", pool, "--as-of", "2022-12-31", *HANDS)
            elif path.stem != "payments-late":
                self.command("import", "payments", str(path), "--pool", pool, *HANDS[:2])
        for year in YEARS[:2]:
            self.command("interest", "run", "--pool", pool, "--year", str(year), *HANDS)

    def _paths(self, pool: str) -> list[Path]:
        order = ("participants", "openings", *(f"payments-{year}" for year in YEARS), "payments-late")
        found = {path.stem: path for path in (self.files / pool).iterdir() if not path.name.endswith(".result.csv")}
        return [found[stem] for stem in order if stem in found]

    def late_money(self, pool: str) -> None:
        """Payments and a cancellation dated in years already credited."""
        self._before_late = str(json.loads(self.command("balances", "--pool", pool, "--json", quiet=True))["position"])
        late = str(self.files / pool / "payments-late.csv")
        self.command("import", "payments", late, "--pool", pool, *HANDS[:2])

    def show(self, pool: str) -> str:
        """What an agency, a participant and an auditor see of one account; its id."""
        late = self.files / pool / "payments-late.csv"
        recorded = {line for (_, line), (ended, _) in _outcomes([late]).items() if ended == "recorded"}
        with late.open(encoding="utf-8-sig", newline="") as file:
            rows = list(enumerate(csv.DictReader(file), 2))
        number = next(
            row["公民身份号码"] for line, row in rows if line in recorded and row["入库日期"].startswith("2023")
        )
        account = json.loads(self.command("events", "--pool", pool, "--citizen", number, "--json", quiet=True))[
            "account"
        ]
        self.command("balances", "--pool", pool, "--by", "county")
        self.command("statement", "--pool", pool, "--account", account, "--year", "2024")
        self.command("events", "--pool", pool, "--account", account)
        console.answer(f"\n── 迟到款项记账前（位置 {self._before_late}）所知的 2023 年度对账单，与现在所知的：")
        self.command(
            "statement", "--pool", pool, "--account", account, "--year", "2023", "--known-at", self._before_late
        )
        self.command("statement", "--pool", pool, "--account", account, "--year", "2023")
        for code in self.pools:
            self.command("projections", "verify", "--pool", code)
        return str(account)

    def compare(self, pool: str) -> int:
        """How many rows and closings differ from the second model."""
        model = _second_model()
        files = self._paths(pool)
        _, outcomes = model.read_book(files)
        ours = _outcomes(files)
        differences = sum(
            ours.get((Path(file).name, line)) != (ended, reason) for file, line, ended, reason in outcomes
        )
        numbers = self._numbers(pool, files, model)
        compared = 0
        for year in YEARS:
            theirs = model.closings(files, year)
            told = self.command("statement", "--pool", pool, "--all", "--year", str(year), "--json", quiet=True)
            statements = {answer["account"]: answer for answer in map(json.loads, told.splitlines())}
            for number, expected in theirs.items():
                answer: dict[str, Any] = statements.get(numbers.get(number, ""), {})
                compared += 1
                differences += any(answer.get(key) != expected[key] for key in ("opening", "interest", "closing"))
        word = "完全一致" if not differences else f"有 {differences} 处不同"
        console.answer(f"统筹区 {pool}：与独立算法核对 {len(outcomes)} 行处理结果、{compared} 份年度对账单，{word}")
        return differences

    def _numbers(self, pool: str, files: list[Path], model: ModuleType) -> dict[str, str]:
        """The account of each citizen number in the sample files."""
        numbers = set(model.closings(files, YEARS[-1]))
        with session() as ledger:
            register = ledger.register(ledger.log(pool))
            digests = {register.digest(normalise_citizen_number(number)): number for number in numbers}
            return {
                digests[digest]: str(UUID(bytes=holder.account))
                for digest, holder in register.find(digests).items()
                if holder.account
            }


def _outcomes(files: list[Path]) -> dict[tuple[str, int], tuple[str, str | None]]:
    """What the result files say of each row."""
    words = {chinese: ended.value for ended, chinese in ENDED.items()}
    found = {}
    for path in files:
        with Path(f"{path}.result.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found[path.name, int(row["行号"])] = words[row["结果"]], row["原因代码"] or None
    return found


def _second_model() -> ModuleType:
    """The naive model, loaded from its file: it is no package of the ledger and imports nothing of it."""
    spec = importlib.util.spec_from_file_location("naive_model", SAMPLES / "naive_model.py")
    if spec is None or spec.loader is None:
        raise CommandFault(f"找不到 {SAMPLES / 'naive_model.py'}：演示须在完整的源码目录中运行")
    module = importlib.util.module_from_spec(spec)
    sys.modules["naive_model"] = module
    spec.loader.exec_module(module)
    return module
