"""`pension-ledger database`: a dump brought back into an empty home, and the URLs printed for other tools."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

COMMAND = Path(sys.executable).with_name("pension-ledger")
KEY = "ab" * 32


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="pl-db-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def ledger(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if name not in ("DATABASE_URL", "PENSION_LEDGER_KEY")}
    said = {**kept, "PENSION_LEDGER_HOME": str(home), **environment}
    return subprocess.run([COMMAND, *arguments], env=said, capture_output=True, text=True, timeout=60, check=False)


def test_a_dump_comes_back_into_an_empty_home_with_its_key_alone(folder: Path) -> None:
    first, second, file = folder / "first", folder / "second", folder / "ledger.dump"
    ledger(first, "pool", "create", "640100", "--name", "银川", "--region", "ningxia", PENSION_LEDGER_KEY=KEY)
    people = folder / "people.csv"
    people.write_text(
        "姓名,公民身份号码,性别,旗县,乡镇,村,参保日期\n样例甲,640000198506301042,女,甲县,乙镇,丙村,2015-03-01\n",
        "utf-8",
    )
    taken = ledger(
        first, "import", "participants", str(people), "--pool", "640100", "--actor", "A", PENSION_LEDGER_KEY=KEY
    )
    assert taken.returncode == 0, taken.stderr
    assert ledger(first, "database", "dump", str(file)).returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600

    without = ledger(second, "database", "restore", str(file))
    assert (without.returncode, "须有密钥" in without.stderr) == (1, True)
    assert ledger(second, "database", "restore", str(file), PENSION_LEDGER_KEY=KEY).returncode == 0
    proof = ledger(second, "projections", "verify", "--pool", "640100", PENSION_LEDGER_KEY=KEY)
    assert proof.returncode == 0, proof.stdout + proof.stderr
    told = ledger(
        second, "statement", "--pool", "640100", "--citizen", "640000198506301042", "--year", "2024",
        PENSION_LEDGER_KEY=KEY,
    )  # fmt: skip
    assert "姓名：样例甲" in told.stdout

    again = ledger(second, "database", "restore", str(file), PENSION_LEDGER_KEY=KEY)
    assert (again.returncode, "只能恢复到空账簿" in again.stderr) == (1, True)
    other = ledger(second, "pool", "list", PENSION_LEDGER_KEY="cd" * 32)
    assert other.returncode == 0  # a list of pools seals and opens nothing
    other = ledger(
        second, "statement", "--pool", "640100", "--citizen", "640000198506301042", "--year", "2024",
        PENSION_LEDGER_KEY="cd" * 32,
    )  # fmt: skip
    assert (other.returncode, "密钥与本数据库不符" in other.stderr) == (1, True)


def test_the_url_is_one_line_and_the_server_stays_while_it_waits(folder: Path) -> None:
    environment = {**os.environ, "PENSION_LEDGER_HOME": str(folder / "home")}
    environment.pop("DATABASE_URL", None)
    command = [COMMAND, "database", "url", "--wait", "--read-only"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as waiting:
        assert waiting.stdout is not None
        url = waiting.stdout.readline().rstrip("\n")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM pension_shared.pool").fetchone() == (0,)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("INSERT INTO pension_shared.pool VALUES ('640100', 'n', 'r')")
        waiting.send_signal(signal.SIGINT)
        assert waiting.stdout.read() == ""
        assert waiting.wait(10) == 0
