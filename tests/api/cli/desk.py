"""A counter for tests: a fresh pool, the installed command, files in, result files out, and the log beside them.

A case counts when it runs through the installed command (`desk.ledger`). `desk.inside` runs the same command inside
this process, which is quicker, for further variants and for what only prepares a case.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from uuid import UUID

import msgspec
import xlsxwriter

from api.cli import session
from api.cli.main import run
from ledger.account import PersonalAccount
from ledger.account_events import AccountEvent
from ledger.store.connections import Connections
from ledger.store.keys import load_keys
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.store.states import decode_state, load_states
from samples.people import citizen_number
from tests import forked

COMMAND = Path(sys.executable).with_name("pension-ledger")
RESULT_COLUMNS = ["行号", "缴费明细流水号", "结果", "原因代码", "说明"]
RECORDED, THERE, REFUSED = "已记账", "已存在", "已拒绝"
PARTICIPANT = ("姓名", "公民身份号码", "性别", "旗县", "乡镇", "村", "参保日期")
PAYMENT = (
    "缴费明细流水号", "电子税票号码", "公民身份号码", "姓名", "费款所属期", "征收品目", "缴费类型", "实缴金额（元）",
    "上解日期", "入库日期", "数据类型", "传输批次号",
)  # fmt: skip
Cells = Mapping[str, object]


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The whole of stdout as one JSON value."""
        return json.loads(self.out)


class Result(NamedTuple):
    """One line of a result file."""

    line: int
    serial: str
    outcome: str
    reason: str
    text: str


class Person(NamedTuple):
    """Somebody made up."""

    number: str
    name: str

    @property
    def sex(self) -> str:
        return "男" if int((self.number + "0")[16 if len(self.number) == 18 else 14]) % 2 else "女"


def person(sequence: int, name: str = "", born: date = date(1980, 3, 1)) -> Person:
    """A made-up person with the prefix 640000, which is not issued to residents."""
    letters = "甲乙丙丁戊己庚辛壬癸"
    made = "测" + "".join(letters[int(digit)] for digit in f"{sequence:03d}")
    return Person(citizen_number(f"640000{born:%Y%m%d}{sequence:03d}"), name or made)


def ledger(home: Path, *arguments: object, env: Mapping[str, str] | None = None) -> Ended:
    """Run the command on a home, as a process of its own; see `tests/forked.py`."""
    said = environment(home, env)
    done = forked.run([str(one) for one in arguments], said) or subprocess.run(
        [str(COMMAND), *map(str, arguments)], env=said, capture_output=True, check=False, timeout=120
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def environment(home: Path, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a command: the home, and nothing of the ledger's that the shell happens to carry."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PENSION_LEDGER_KEY")}
    return {**kept, "PENSION_LEDGER_HOME": str(home), **(env or {})}


class Desk:
    """One pool of its own, and a folder for files."""

    def __init__(self, home: Path, connections: Connections, folder: Path, code: str, region: str = "ningxia") -> None:
        self.home, self.folder, self.code, self.region = home, folder, code, region
        self.people: dict[str, Person] = {}
        self._connections = connections
        self.prepare("pool", "create", code, "--name", "测试", "--region", region)
        self.log = PoolLog(connections, code)
        self.register = Register(self.log, load_keys(home, {}))

    # -- commands -------------------------------------------------------------------------------------------------

    def ledger(self, *arguments: object, env: Mapping[str, str] | None = None) -> Ended:
        """Run the installed command."""
        return ledger(self.home, *arguments, env=env)

    def inside(self, *arguments: object) -> Ended:
        """Run the same command in this process, over connections that stay open: far quicker, for the further variants
        of a case.
        """
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.object(session, "Connections", self._open),
            mock.patch.dict(os.environ, environment(self.home), clear=True),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = run([str(one) for one in arguments])
        return Ended(code, out.getvalue(), err.getvalue())

    def _open(self, url: str) -> AbstractContextManager[Connections]:
        return nullcontext(self._connections) if url == self._connections.url else Connections(url)

    def prepare(self, *arguments: object, code: int = 0) -> None:
        """Run a command in this process that ends as it must."""
        ended = self.inside(*arguments)
        assert ended.code == code, ended

    def import_(self, kind: str, file: Path, *more: object, inside: bool = False) -> Ended:
        """`import` into this pool, through the installed command unless `inside` this process."""
        way = self.inside if inside else self.ledger
        return way("import", kind, file, "--pool", self.code, "--actor", "录入员", *more)

    def enrol(self, *people: Person, **cells: object) -> None:
        """Open accounts for people, without a process of its own."""
        file = self.participants(people, "enrolled.csv", **cells)
        self.prepare("import", "participants", file, "--pool", self.code, "--actor", "录入员")

    def pay(self, *rows: Cells, code: int = 0) -> None:
        """Take payments in, without a process of its own."""
        file = self.payments(rows, "paid.csv")
        self.prepare("import", "payments", file, "--pool", self.code, "--actor", "录入员", code=code)

    def set(self, name: str, year: int, value: str) -> None:
        """Enter a value of law."""
        self.prepare(
            "rules", "set", "--pool", self.code, "--name", name, "--year", year, "--value", value, "--document",
            f"示例文号{year}", "--actor", "甲", "--reviewer", "乙",
        )  # fmt: skip

    def credit(self, *years: int) -> None:
        """Run the interest of years."""
        for year in years:
            self.prepare("interest", "run", "--pool", self.code, "--year", year, "--actor", "甲", "--reviewer", "乙")

    # -- files in -------------------------------------------------------------------------------------------------

    def table(
        self, name: str, rows: Sequence[Cells], columns: Sequence[str], encoding: str = "utf-8", title: str = ""
    ) -> Path:
        """A .csv, or an .xlsx whose cells are all text. `title` are lines above the header."""
        path = self.folder / name
        cells = [list(columns), *([str(row.get(column, "")) for column in columns] for row in rows)]
        if name.endswith(".xlsx"):
            book = xlsxwriter.Workbook(str(path))
            sheet = book.add_worksheet()
            for line, row in enumerate(cells):
                for place, cell in enumerate(row):
                    sheet.write_string(line, place, cell)
            book.close()
            return path
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(cells)
        path.write_bytes((title + text.getvalue()).encode(encoding))
        return path

    def participants(self, people: Iterable[Person | Cells], name: str = "participants.csv", **cells: object) -> Path:
        """A file of participants; a mapping is a row as it is to stand there."""
        rows = [self.enrolment(one, **cells) if isinstance(one, Person) else one for one in people]
        return self.table(name, rows, PARTICIPANT)

    def enrolment(self, who: Person, **cells: object) -> dict[str, object]:
        """One row of a participants file."""
        self.people[who.number] = who
        plain = {
            "姓名": who.name, "公民身份号码": who.number, "性别": who.sex, "旗县": "青县", "乡镇": "青镇",
            "村": "青村", "参保日期": "2019-01-02",
        }  # fmt: skip
        return {**plain, **cells}

    def payments(self, rows: Sequence[Cells], name: str = "payments.csv", columns: Sequence[str] = PAYMENT) -> Path:
        """A file of payments."""
        more = tuple(dict.fromkeys(column for row in rows for column in row if column not in columns))
        return self.table(name, rows, (*columns, *more))

    def payment(self, who: Person, serial: str, yuan: str = "100.00", on: str = "2023-05-10", **cells: object) -> Cells:
        """One row of a payments file: 100 yuan of the person's own for the year of its day."""
        self.people[who.number] = who
        plain = {
            "缴费明细流水号": serial, "电子税票号码": f"T{serial}", "公民身份号码": who.number, "姓名": who.name,
            "费款所属期": on[:4], "征收品目": "个人缴费", "缴费类型": "正常应缴", "实缴金额（元）": yuan,
            "上解日期": on, "入库日期": on, "数据类型": "新增", "传输批次号": "B1",
        }  # fmt: skip
        return {**plain, **cells}

    # -- what came of it ------------------------------------------------------------------------------------------

    def results(self, file: Path) -> list[Result]:
        """The result file: right columns, one physical line a row, never a name or a number."""
        path = file.with_name(file.name + ".result.csv")
        said = path.read_bytes()
        assert not list(file.parent.glob(".*.partial"))
        text = said.decode()
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert rows[0] == RESULT_COLUMNS
        assert len(text.splitlines()) == len(rows)
        for one in self.people.values():
            assert one.number not in text
            assert one.number[6:14] not in text
            assert one.name not in text
        return [Result(int(row[0]), *row[1:]) for row in rows[1:]]

    def outcomes(self, file: Path) -> list[str]:
        """For each row its outcome, or the reason of its refusal."""
        return [row.reason or row.outcome for row in self.results(file)]

    def position(self) -> int:
        """The id of the latest event."""
        return self.log.position()[0]

    def account(self, who: Person) -> UUID:
        """The person's latest account."""
        account = self.register.account_of(who.number)
        assert account is not None
        return account

    def state(self, who: Person) -> PersonalAccount:
        """Its state as decisions read it."""
        account = self.account(who)
        return load_states(self.log, [account.bytes])[account.bytes]

    def fen(self, who: Person) -> int:
        """Its balance."""
        return self.state(who).balance.total

    def history(self, who: Person) -> list[AccountEvent]:
        """Its events."""
        return self.log.history(self.account(who))

    def topics(self, who: Person) -> list[str]:
        """The topics of its events."""
        return [event.topic for event in self.history(who)]

    def query(self, text: str, *parameters: object) -> list[tuple[Any, ...]]:
        """A query on the pool's tables, written as `{table}`."""
        with self.log.connections.connection() as connection:
            return connection.execute(self.log.sql(text), parameters).fetchall()

    def totals_by_number(self) -> dict[str, Any]:
        """What everybody holds by kind: the same after a quiet run and after a disturbed one."""
        rows = self.query(
            "SELECT p.digest, s.state FROM {account_state} s"
            " JOIN {account_holder} h USING (account_id) JOIN {participant} p USING (participant_id)"
        )
        known = {self.register.digest(number): number for number in self.people}
        return {known[bytes(digest)]: msgspec.to_builtins(decode_state(bytes(state)).balance) for digest, state in rows}
