"""Pools for books that were invented, on the session's server."""

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
from tests.properties.tax_office import Office

_numbers = itertools.count(1)


@pytest.fixture
def open_office(
    server: EmbeddedServer, connections: Connections, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Office]:
    """Makes offices, each with a fresh pool."""
    home = Path(parse_qs(urlsplit(server.url).query)["host"][0]).parents[1]

    def make() -> Office:
        code = f"r{os.getpid()}n{next(_numbers)}"
        return Office(Desk(home, connections, tmp_path_factory.mktemp("office"), code))

    return make
