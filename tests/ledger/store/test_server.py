"""The embedded server: who starts it, who may end it, and what it survives.

Users are real processes, for a hold is a flock and ends with its process. Homes lie in /tmp itself: as root the server
runs as another user, who may not enter pytest's own folders.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from ledger.store import keeper, server
from ledger.store.backup import dump
from ledger.store.server import EmbeddedServer, Layout, ServerFault, data_home, open_database

PROJECT = Path(__file__).parents[3]
USER = """
import sys, time
from pathlib import Path
from ledger.store.server import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    time.sleep(float(sys.argv[2]))
"""


PARENT = """
import os, subprocess, sys, time
from pathlib import Path
from ledger.store.server import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1])) as server:
    subprocess.Popen(["sleep", "30"], close_fds=False)
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
    print(server.url, flush=True)
    os._exit(0)
"""


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="pl-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    for home in [made, *made.rglob("database")]:
        wait_stopped(home if home.name != "database" else home.parent, seconds=20)
    shutil.rmtree(made)


@pytest.fixture
def home(folder):
    return folder / "home"


@pytest.fixture(scope="module")
def shared_home():
    """One home for the cases that do not care how it came to be."""
    made = Path(tempfile.mkdtemp(prefix="pl-", dir="/tmp"))
    made.chmod(0o711)
    with EmbeddedServer(made / "home"):
        pass
    yield made / "home"
    wait_stopped(made / "home", seconds=20)
    shutil.rmtree(made)


def user(home, seconds=60.0):
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(home), str(seconds)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )


def ready(process):
    url = process.stdout.readline().strip()
    assert url.startswith("postgresql://pension_owner:")
    return url


def end(process, number=signal.SIGKILL):
    process.send_signal(number)
    process.wait()
    process.stdout.close()


def processes(home):
    """Every process of this home: PostgreSQL's work in the cluster, the keeper's is named by the home."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if b"ledger.store.keeper" in arguments and os.fsencode(home) in arguments:
                found[int(entry.name)] = "keeper"
            elif (entry / "cwd").readlink() == home / "database" / "cluster":
                found[int(entry.name)] = "postgres"
        except OSError:
            continue
    return found


def keeper_of(home):
    return next(pid for pid, name in processes(home).items() if name == "keeper")


def wait_stopped(home, seconds=3.0):
    deadline = time.monotonic() + seconds
    while processes(home):
        assert time.monotonic() < deadline, processes(home)
        time.sleep(0.02)


def one(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def postmaster_pid(home):
    return int((home / "database" / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def test_a_cold_start_makes_a_cluster_with_the_settings_and_roles(folder):
    home = folder / "home"
    with EmbeddedServer(home, {"work_mem": "9MB"}) as entered, psycopg.connect(entered.url) as connection:
        wanted = {
            "listen_addresses": "", "max_connections": "200", "fsync": "on", "TimeZone": "UTC", "work_mem": "9MB",
            "client_connection_check_interval": "1s", "server_encoding": "UTF8", "max_wal_size": "4GB",
            "log_error_verbosity": "terse", "autovacuum": "on",
        }  # fmt: skip
        shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in wanted}
        assert shown == wanted
        held = connection.execute("SELECT pg_size_bytes(current_setting('shared_buffers')) >> 20").fetchone()[0]
        assert f"{held}MB" == keeper._shared_buffers()
        assert 256 <= held <= 2048
        locale = connection.execute(
            "SELECT datlocprovider, datlocale, pg_get_userbyid(datdba) FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
        assert locale == ("b", "C.UTF-8", "pension_owner")
        powers = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert powers == (False, False, False, False)


def test_the_superuser_cannot_log_in(shared_home):
    with EmbeddedServer(shared_home) as entered:
        url = entered.url.replace("pension_owner", "postgres")
        with pytest.raises(psycopg.OperationalError, match="no pg_hba"):
            psycopg.connect(url)


def test_a_second_process_attaches_and_the_server_outlives_the_first(home):
    first = user(home)
    url = ready(first)
    second = user(home)
    assert ready(second) == url
    with psycopg.connect(url) as session:
        end(first)
        time.sleep(1.5)
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert list(processes(home).values()).count("keeper") == 1
    end(second)
    wait_stopped(home)


def test_when_the_last_user_is_killed_the_server_stops_cleanly_and_starts_again(home):
    process = user(home)
    ready(process)
    end(process, signal.SIGKILL)
    wait_stopped(home, seconds=3)
    with EmbeddedServer(home) as entered:
        assert one(entered.url)
    assert "was not properly shut down" not in Layout(home).log.read_text()


def test_the_next_command_of_a_script_finds_the_server_running(shared_home):
    with EmbeddedServer(shared_home):
        first = postmaster_pid(shared_home)
    time.sleep(0.25)
    with EmbeddedServer(shared_home):
        assert postmaster_pid(shared_home) == first


def test_a_user_who_comes_while_the_server_stops_gets_a_new_one(shared_home):
    for pause in (0.6, 0.7, 0.78):
        with EmbeddedServer(shared_home) as entered:
            assert one(entered.url)
        time.sleep(pause)
    with EmbeddedServer(shared_home) as entered, psycopg.connect(entered.url) as session:
        time.sleep(1.2)
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_when_the_keeper_is_killed_the_server_ends_cleanly_and_the_next_start_works(home):
    with EmbeddedServer(home) as entered:
        before = postmaster_pid(home)
        os.kill(keeper_of(home), signal.SIGKILL)
        while "keeper" in processes(home).values():  # the kernel takes a moment
            time.sleep(0.001)
        with EmbeddedServer(home) as again:
            assert one(again.url)
            assert postmaster_pid(home) != before
            assert entered.url == again.url
    log = Layout(home).log.read_text()
    assert "received fast shutdown request" in log
    assert "was not properly shut down" not in log


def test_a_long_user_can_call_a_lost_server_back(shared_home):
    with EmbeddedServer(shared_home) as entered:
        os.kill(keeper_of(shared_home), signal.SIGTERM)
        wait_stopped(shared_home)
        entered.ensure()
        assert one(entered.url)


def test_everything_killed_recovers(home):
    process = user(home)
    url = ready(process)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    keeper_pid, server_pid = keeper_of(home), postmaster_pid(home)
    os.kill(server_pid, signal.SIGSTOP)  # its keeper's end tells it to shut down, and it might be done with that first
    for pid in (keeper_pid, server_pid):
        os.kill(pid, signal.SIGKILL)
    end(process)
    with EmbeddedServer(home) as entered, psycopg.connect(entered.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    assert "was not properly shut down" in Layout(home).log.read_text()


def test_cold_starters_at_once_share_one_server(folder):
    starters = [user(folder / "home") for _ in range(3)]
    assert len({ready(starter) for starter in starters}) == 1
    assert list(processes(folder / "home").values()).count("keeper") == 1
    for starter in starters:
        end(starter)
    assert Layout(folder / "home").log.read_text().count("making the cluster") == 1


@pytest.mark.parametrize(
    "content", ["{pid}\n{cluster}\n1700000000\n5432\n{socket}\n\n  5432001 0\nready\n", "{pid}\n", ""]
)
def test_a_stale_pid_file_does_not_stop_the_start(shared_home, content):
    """The pid belongs to another program now, as after a container's restart, or the file was cut short by a crash."""
    wait_stopped(shared_home)
    layout = Layout(shared_home)
    owner = layout.cluster.stat()
    with subprocess.Popen(["sleep", "10"], user=owner.st_uid) as innocent:  # PostgreSQL minds only pids of its own user
        text = content.format(pid=innocent.pid, cluster=layout.cluster, socket=layout.socket_directory)
        for path in (layout.cluster / "postmaster.pid", layout.socket_directory / ".s.PGSQL.5432.lock"):
            path.write_text(text)
            os.chown(path, owner.st_uid, owner.st_gid)
        with EmbeddedServer(shared_home) as entered:
            assert one(entered.url)
        assert innocent.poll() is None
        innocent.kill()


def test_a_deep_path_with_a_space_and_chinese(folder):
    home = folder / ("d" * 70) / ("e" * 70) / "数据 夹"
    with EmbeddedServer(home) as entered:
        assert one(entered.url)
        assert one(entered.read_only_url)
    socket_directory = Layout(home).socket_directory
    wait_stopped(home)
    assert not socket_directory.exists()


@pytest.mark.parametrize("name", ["数据", "a b", "a,b", "d" * 137])
def test_the_socket_moves_where_its_address_would_not_do(name):
    moved = Layout(Path("/srv") / name).socket_directory
    assert moved.parent == Path("/tmp")
    assert moved != Layout(Path("/srv") / (name + "x")).socket_directory
    assert Layout(Path("/srv/plain")).socket_directory == Path("/srv/plain/database/socket")


def test_a_short_socket_folder_of_somebody_else_is_refused(folder):
    home = folder / "数据"
    theirs = Layout(home).socket_directory
    theirs.mkdir()
    try:
        theirs.chmod(0o777)
        with pytest.raises(ServerFault, match="对他人开放"), EmbeddedServer(home):
            pass
    finally:
        theirs.rmdir()


def test_a_piped_caller_does_not_hang(shared_home):
    """The caller starts the keeper, which lives on for another user and must not keep the caller's pipe open."""
    wait_stopped(shared_home)
    process = user(shared_home, 0.5)
    ready(process)
    with EmbeddedServer(shared_home):
        started = time.monotonic()
        assert process.communicate(timeout=20) == ("", None)
        assert time.monotonic() - started < 5
        time.sleep(1.2)
        assert "keeper" in processes(shared_home).values()


def test_children_of_a_user_do_not_hold_the_server(shared_home):
    """Neither a program started with every file left open nor a forked worker counts as a user."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(shared_home)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    ready(process)
    try:
        process.wait(timeout=10)
        wait_stopped(shared_home)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()


def test_entries_nest_and_follow_each_other(shared_home):
    held_by_others = set(server._held)  # the run of the tests itself may hold a server of its own
    entry = EmbeddedServer(shared_home)
    with entry, entry, EmbeddedServer(shared_home) as other:
        assert one(other.url)
    with entry:
        assert one(entry.url)
    assert server._held == held_by_others


def test_the_read_only_role_reads_and_cannot_write(shared_home):
    with EmbeddedServer(shared_home) as entered:
        with psycopg.connect(entered.url) as connection:
            connection.execute("DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s CREATE TABLE t (n int)")
            connection.execute("INSERT INTO s.t VALUES (7)")
        with psycopg.connect(entered.read_only_url, autocommit=True) as connection:
            assert connection.execute("SELECT n FROM s.t").fetchone() == (7,)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("INSERT INTO s.t VALUES (8)")
            connection.execute("SET default_transaction_read_only = off")
            for attempt in (
                "INSERT INTO s.t VALUES (8)",
                "CREATE TABLE s.u ()",
                "CREATE TEMP TABLE u ()",
                "CREATE SCHEMA x",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(attempt)


def test_passwords_are_private_and_made_anew_when_lost(shared_home):
    layout = Layout(shared_home)
    found = layout.credentials.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o600, os.geteuid())
    assert stat.S_IMODE(layout.cluster.stat().st_mode) == 0o700
    wait_stopped(shared_home)
    before = json.loads(layout.credentials.read_text())
    layout.credentials.write_text("{")
    with EmbeddedServer(shared_home) as entered:
        assert one(entered.url)
    after = json.loads(layout.credentials.read_text())
    assert set(before) == set(after) == {"pension_owner", "pension_reader"}
    assert not set(before.values()) & set(after.values())


def test_personal_data_of_a_refused_statement_stays_out_of_the_log(shared_home):
    with EmbeddedServer(shared_home) as entered, psycopg.connect(entered.url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS p; CREATE TABLE p (n text PRIMARY KEY); INSERT INTO p VALUES ('张三丰')"
        )
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO p VALUES ('张三丰')")
    log = Layout(shared_home).log.read_text()
    assert "duplicate key" in log
    assert "张三丰" not in log


def test_a_start_that_fails_says_why_with_the_log(shared_home):
    wait_stopped(shared_home)
    held_by_others = set(server._held)
    with (
        pytest.raises(ServerFault, match="invalid value for parameter") as caught,
        EmbeddedServer(shared_home, {"work_mem": "many"}),
    ):
        pass
    assert "没有启动成功" in str(caught.value)
    assert server._held == held_by_others


@pytest.mark.parametrize("name", ["fsync", "FSYNC", "full_page_writes", "listen_addresses", "work mem"])
def test_settings_that_endanger_the_data_are_refused(name):
    with pytest.raises(ServerFault, match="不能更改"):
        keeper.checked_settings({name: "off"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_root_refuses_a_closed_parent_and_leaves_it_closed(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ServerFault, match=f"chmod o\\+x '{closed}'"), EmbeddedServer(closed / "home"):
        pass
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert list(closed.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_programs_that_the_server_user_cannot_enter_are_copied_once(home, folder, monkeypatch):
    """As with a venv under /root; the parent stays closed."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    package = server.installed().parent
    for name in (package.name, package.name + ".libs"):
        if (package.parent / name).exists():
            shutil.copytree(package.parent / name, closed / name, symlinks=True)
    monkeypatch.setenv("PYTHONPATH", str(closed))
    for _ in range(2):
        with EmbeddedServer(home) as entered:
            assert one(entered.url)
            program = Path(f"/proc/{postmaster_pid(home)}/exe").readlink()
        wait_stopped(home)
    assert program.is_relative_to(home / "database" / "programs")
    assert len(list((home / "database" / "programs").iterdir())) == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_database_url_wins_and_starts_nothing(folder):
    with open_database(folder / "home", {"DATABASE_URL": "postgresql://else/where"}) as found:
        assert (found.url, found.read_only_url, found.embedded) == ("postgresql://else/where", None, False)
    assert not (folder / "home").exists()


def test_without_database_url_the_home_is_used(shared_home):
    with open_database(environ={"PENSION_LEDGER_HOME": str(shared_home), "DATABASE_URL": " "}) as found:
        assert found.embedded
        assert found.home == shared_home
        assert one(found.url)
        assert one(found.read_only_url)


def test_a_user_without_a_name_is_told_so(monkeypatch, tmp_path):
    """Some containers run as a number that /etc/passwd does not know; initdb refuses it in English."""
    monkeypatch.setattr(os, "geteuid", lambda: 2_000_000_007)
    with pytest.raises(ServerFault, match="没有登记名字"):
        server.server_account(Layout(tmp_path))


def test_the_default_home(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert data_home({}) == Path("/var/lib/pension-ledger")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert data_home({}).name == "pension-ledger"
    assert data_home({"PENSION_LEDGER_HOME": "/x/y"}) == Path("/x/y")


def test_a_dump_can_be_restored_and_a_failed_one_leaves_nothing(shared_home, folder):
    target = folder / "all.dump"
    with EmbeddedServer(shared_home) as entered:
        with psycopg.connect(entered.url) as connection:
            connection.execute("DROP TABLE IF EXISTS dumped; CREATE TABLE dumped (n int)")
        dump(entered.url, target)
        with pytest.raises(ServerFault, match="备份没有完成"):
            dump(entered.url.replace("5432", "5433"), folder / "none.dump")
        with pytest.raises(ServerFault, match="备份没有完成"):
            dump(entered.url, folder / "no" / "none.dump")
    listed = subprocess.run(
        [server.bin_dir() / "pg_restore", "--list", target], capture_output=True, text=True, check=True
    ).stdout
    assert "dumped" in listed
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["all.dump"]
