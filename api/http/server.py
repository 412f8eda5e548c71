"""One process that serves: the database open, the socket bound, signals that let it end in order."""

from __future__ import annotations

import logging
import socket
import sys
from types import FrameType
from typing import Final

import uvicorn

from api.cli import console
from api.cli.session import CommandFault
from api.http.app import create_app
from api.http.door import Door
from api.http.journal import JournalHandler
from api.http.service import Service
from ledger.store.connections import Connections
from ledger.store.keys import Keys, check_keys, is_sealed, load_keys
from ledger.store.server import Database, open_database
from migrations.run import known_pools, migrate

BACKLOG: Final = 1024
KEEP_ALIVE_SECONDS: Final = 30
GRACE_SECONDS: Final = 30
"""How long requests in flight may take to finish. What was accepted is recorded also after that."""


class _Server(uvicorn.Server):
    """The library's server, but that a signal is not raised again after an orderly end: the exit code is 0.

    Its address is told when it answers, and a signal ends it in order: whoever reads the line may do either.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say where."""
        await super().startup(sockets)
        for listening in sockets or ():
            name, bound = listening.getsockname()[:2]
            url = f"http://[{name}]:{bound}" if ":" in name else f"http://{name}:{bound}"
            sys.stdout.write(url + "\n")
            sys.stdout.flush()
            console.notice(f"接口已启动：{url}（说明 {url}/docs），按 Ctrl-C 停止")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 — the library's signature
        """Begin to stop."""
        self.should_exit = True


def run(host: str, port: int, *, migrate_first: bool) -> None:
    """Serve until SIGTERM or SIGINT. Raises `CommandFault` where the address cannot be had."""
    with _bound(host, port) as listening, open_database() as database:
        if database.embedded or migrate_first:
            migrate(database.url, known_pools(database.url))
        logging.basicConfig(handlers=[JournalHandler()], level=logging.WARNING, force=True)
        service = Service(database, lambda connections: _keys(database, connections))
        config = uvicorn.Config(
            Door(create_app(service), service),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        _Server(config).run(sockets=[listening])


def _keys(database: Database, connections: Connections) -> Keys:
    """The installation's keys, held against the database's check value."""
    keys = load_keys(database.home, make=not is_sealed(connections))
    check_keys(connections, keys)
    return keys


def _bound(host: str, port: int) -> socket.socket:
    """The listening socket, had before the database is opened."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except OSError as fault:
        raise CommandFault(
            f"不能在 {host} 的端口 {port} 监听：{fault.strerror}。端口可能已被占用，请用 --port 另选一个"
        ) from fault
    return listening
