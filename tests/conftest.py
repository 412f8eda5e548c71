"""One embedded server for a whole test run, and an empty pool for each test that asks for one."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.store.connections import Connections
from ledger.store.log import PoolLog
from ledger.store.server import EmbeddedServer
from migrations.run import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A server in a folder of its own under the system's temporary folder, gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="pl-test-"))
    home.chmod(0o755)
    with EmbeddedServer(home) as running:
        yield running
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def connections(server: EmbeddedServer) -> Iterator[Connections]:
    """The process's connections to it."""
    with Connections(server.url) as opened:
        migrate(server.url, [])
        yield opened


@pytest.fixture
def pool_log(server: EmbeddedServer, connections: Connections) -> PoolLog:
    """The log of a fresh, empty pool (no rules yet)."""
    code = f"t{os.getpid()}n{next(_numbers)}"
    migrate(server.url, [code])
    return PoolLog(connections, code)
