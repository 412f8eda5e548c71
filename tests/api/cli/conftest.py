"""A home held open for the session, and a desk (a pool of its own) for whoever asks."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ledger.store.connections import Connections
from ledger.store.server import EmbeddedServer
from tests.api.cli.desk import Desk

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def home(server: EmbeddedServer, connections: Connections) -> Path:
    """The home of the session's server: commands only attach to it."""
    socket = Path(parse_qs(urlsplit(server.url).query)["host"][0])
    return socket.parents[1]


@pytest.fixture(scope="session")
def open_desk(home: Path, connections: Connections, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Desk]:
    """Makes desks, each with a fresh pool."""

    def make(region: str = "ningxia") -> Desk:
        code = f"c{os.getpid()}n{next(_numbers)}"
        return Desk(home, connections, tmp_path_factory.mktemp("desk"), code, region)

    return make


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    """A desk with a fresh pool."""
    return open_desk()
