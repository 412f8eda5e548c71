"""Migrations: one run for many schemas, safe among many starters, and an applied file never changes."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from ledger.store.server import EmbeddedServer
from migrations import run
from migrations.run import MigrationBusy, MigrationFault, behind, head, known_pools, migrate

PROJECT = Path(__file__).parents[2]
FIRST = """
CREATE TABLE {schema}.one (n int, note text DEFAULT '100% ; {{}} 张三');
CREATE FUNCTION {schema}.two() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := NEW.n % 7; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON {schema}.one FOR EACH ROW EXECUTE FUNCTION {schema}.two();
"""
MIGRATE = """
import sys
from pathlib import Path
from migrations.run import migrate
print("started", flush=True)
print(migrate(sys.argv[1], sys.argv[3:], shared=False, folder=Path(sys.argv[2])), flush=True)
"""


@pytest.fixture(scope="module")
def server_url():
    made = Path(tempfile.mkdtemp(prefix="pl-", dir="/tmp"))
    made.chmod(0o711)
    with EmbeddedServer(made / "home") as server:
        yield server.url
    deadline = time.monotonic() + 20
    while (made / "home" / "database" / "cluster" / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    shutil.rmtree(made)


@pytest.fixture
def url(server_url):
    with psycopg.connect(server_url, autocommit=True) as connection:
        for (name,) in connection.execute(
            r"SELECT nspname FROM pg_namespace WHERE nspname ~ '^(pool_|pension_)'"
        ).fetchall():
            connection.execute(f'DROP SCHEMA "{name}" CASCADE')
    return server_url


@pytest.fixture
def folder(tmp_path):
    for kind in ("pool", "shared"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "0001_first.sql").write_text(FIRST, "utf-8")
    return tmp_path


def value(url, question):
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchone()[0]


def add(folder, name, text, kind="pool"):
    (folder / kind / name).write_text(text, "utf-8")


def starter(url, folder, *pools):
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE, url, str(folder), *pools],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_new_schemas_are_made_and_a_second_run_does_nothing(url, folder):
    assert behind(url, ["150100", "nm"], folder=folder) == ["pension_shared", "pool_150100", "pool_nm"]
    assert migrate(url, ["150100", "nm"], folder=folder) == ["pension_shared", "pool_150100", "pool_nm"]
    assert migrate(url, ["150100", "nm"], folder=folder) == []
    assert behind(url, ["150100", "nm"], folder=folder) == []
    assert known_pools(url) == ["150100", "nm"]
    for schema in ("pension_shared", "pool_150100", "pool_nm"):
        assert value(url, f"SELECT version_num FROM {schema}.alembic_version") == "0001"


def test_a_file_is_sent_whole(url, folder):
    migrate(url, ["150100"], folder=folder)
    assert value(url, "INSERT INTO pool_150100.one (n) VALUES (9) RETURNING n || note") == "2100% ; {{}} 张三"


def test_only_the_schema_that_is_behind_is_touched(url, folder):
    migrate(url, ["150100"], folder=folder)
    add(folder, "0002_more.sql", "CREATE TABLE {schema}.more ()")
    migrate(url, ["150200"], folder=folder)
    assert behind(url, ["150100", "150200"], folder=folder) == ["pool_150100"]
    assert head("pool", folder=folder) == "0002"
    assert migrate(url, ["150100", "150200"], folder=folder) == ["pool_150100"]
    assert value(url, "SELECT string_agg(version_num, ',') FROM pool_150100.alembic_version") == "0002"


def test_a_run_at_head_imports_neither_alembic_nor_sqlalchemy(url, folder):
    """Every command on the embedded server migrates first; the imports would cost it a third of a second."""
    migrate(url, ["150100"], shared=False, folder=folder)
    code = MIGRATE + "assert not {'alembic', 'sqlalchemy'} & set(sys.modules)"
    subprocess.run(
        [sys.executable, "-c", code, url, str(folder), "150100"], cwd=PROJECT, check=True, capture_output=True
    )


def test_a_new_schema_is_made_whole_or_not_at_all(url, folder):
    add(folder, "0002_bad.sql", "CREATE TABLE {schema}.half (); SELECT 1/0")
    with pytest.raises(MigrationFault, match=r"pool_150100.*0002_bad\.sql.*已撤销该结构的全部文件：division by zero"):
        migrate(url, ["150100"], folder=folder)
    assert value(url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'pool_150100'::regnamespace") == 0
    assert behind(url, ["150100"], folder=folder) == ["pool_150100"]
    add(folder, "0002_bad.sql", "CREATE TABLE {schema}.half ()")
    assert migrate(url, ["150100"], folder=folder) == ["pool_150100"]
    assert value(url, "SELECT version_num FROM pool_150100.alembic_version") == "0002"


def test_a_failing_file_is_undone_and_named_while_earlier_ones_stay(url, folder):
    migrate(url, ["150100"], folder=folder)
    add(folder, "0002_good.sql", "CREATE TABLE {schema}.good ()")
    add(folder, "0003_bad.sql", "CREATE TABLE {schema}.half (); SELECT 1/0")
    with pytest.raises(MigrationFault, match=r"pool_150100.*0003_bad\.sql.*division by zero"):
        migrate(url, ["150100"], folder=folder)
    assert value(url, "SELECT to_regclass('pool_150100.good') IS NOT NULL AND to_regclass('pool_150100.half') IS NULL")
    assert value(url, "SELECT version_num FROM pool_150100.alembic_version") == "0002"
    add(folder, "0003_bad.sql", "CREATE TABLE {schema}.half ()")
    assert migrate(url, ["150100"], folder=folder) == ["pool_150100"]


def test_an_edited_file_is_refused(url, folder):
    migrate(url, ["150100"], folder=folder)
    add(folder, "0001_first.sql", FIRST + "-- one space more\n")
    for question in (behind, migrate):
        with pytest.raises(MigrationFault, match=r"pool_150100.*0001_first\.sql.*不能修改"):
            question(url, ["150100"], folder=folder)


def test_a_renamed_file_is_refused(url, folder):
    migrate(url, ["150100"], folder=folder)
    (folder / "pool" / "0001_first.sql").rename(folder / "pool" / "0001_other.sql")
    with pytest.raises(MigrationFault, match="不一致"):
        behind(url, ["150100"], folder=folder)


def test_a_database_newer_than_the_program_is_refused(url, folder):
    add(folder, "0002_more.sql", "CREATE TABLE {schema}.more ()")
    migrate(url, ["150100"], folder=folder)
    (folder / "pool" / "0002_more.sql").unlink()
    for question in (behind, migrate):
        with pytest.raises(MigrationFault, match="比程序新"):
            question(url, ["150100"], folder=folder)


def test_a_version_without_its_file_record_is_refused(url, folder):
    migrate(url, ["150100"], folder=folder)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pool_150100.alembic_version SET version_num = '0007'")
    with pytest.raises(MigrationFault, match="不符"):
        behind(url, ["150100"], folder=folder)


def test_starters_at_once_share_the_work(url, folder):
    add(folder, "0002_slow.sql", "SELECT pg_sleep(0.3); CREATE TABLE {schema}.slow ()")
    starters = [starter(url, folder, "150100", "150200") for _ in range(3)]
    said = [process.communicate(timeout=30) for process in starters]
    assert [process.returncode for process in starters] == [0, 0, 0], said
    done = "".join(out for out, _ in said)
    assert (done.count("pool_150100"), done.count("pool_150200")) == (1, 1)
    assert behind(url, ["150100", "150200"], shared=False, folder=folder) == []


def test_the_lock_of_a_killed_migrator_is_freed(url, folder):
    add(folder, "0002_slow.sql", "SELECT pg_sleep(30)")
    with starter(url, folder, "150100") as process:
        process.stdout.readline()
        deadline = time.monotonic() + 10
        while not value(url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    add(folder, "0002_slow.sql", "SELECT 1")
    started = time.monotonic()
    assert migrate(url, ["150100"], shared=False, folder=folder) == ["pool_150100"]
    assert time.monotonic() - started < 5


def test_a_schema_held_for_too_long_is_busy(url, folder, monkeypatch):
    monkeypatch.setattr(run, "_LOCK_SECONDS_MAX", 0.2)
    with psycopg.connect(url) as other:
        other.execute(run._TAKE, ("pool_150100",))
        with pytest.raises(MigrationBusy, match="pool_150100"):
            migrate(url, ["150100"], shared=False, folder=folder)
    assert migrate(url, ["150100"], shared=False, folder=folder) == ["pool_150100"]


@pytest.mark.parametrize(
    "code", ["", "15010", "1501001", "A", "a-b", "a_b", '1"; DROP', "１５０１００", "150100\n", "a" * 32]
)
def test_a_code_that_is_no_name_is_refused_before_anything_is_asked(code, folder):
    for question in (behind, migrate):
        with pytest.raises(MigrationFault, match="统筹区代码不正确"):
            question("postgresql://nowhere", [code], folder=folder)


@pytest.mark.parametrize(
    "names", [["0002_b.sql"], ["0001_a.sql", "0003_c.sql"], ["0001_a.sql", "0001_b.sql"], ["first.sql"], []]
)
def test_files_out_of_order_are_a_fault(tmp_path, names):
    (tmp_path / "pool").mkdir()
    for name in names:
        add(tmp_path, name, "SELECT 1")
    with pytest.raises(MigrationFault, match="升级文件"):
        head("pool", folder=tmp_path)


def test_a_role_that_may_not_create_schemas_migrates_one_it_owns(url, folder):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA pool_150100")
        connection.execute("REVOKE CREATE ON DATABASE pension_ledger FROM pension_owner")
        try:
            assert migrate(url, ["150100"], shared=False, folder=folder) == ["pool_150100"]
            with pytest.raises(MigrationFault, match="不能建立 pool_150200"):
                migrate(url, ["150200"], shared=False, folder=folder)
        finally:
            connection.execute("GRANT CREATE ON DATABASE pension_ledger TO pension_owner")
