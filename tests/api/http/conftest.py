"""A home held open for the session, a desk with a pool of its own, and one server for each module."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ledger.store.connections import Connections
from ledger.store.server import EmbeddedServer
from tests.api.cli.desk import Desk, Person, person
from tests.api.http.serving import Caller, Serving, serving, token_of

_numbers = itertools.count(1)
_people = itertools.count(1)


@pytest.fixture(scope="session")
def home(server: EmbeddedServer, connections: Connections) -> Path:
    """The home of the session's server: commands only attach to it."""
    return Path(parse_qs(urlsplit(server.url).query)["host"][0]).parents[1]


@pytest.fixture(scope="session")
def open_desk(home: Path, connections: Connections, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Desk]:
    """Makes desks, each with a fresh pool that knows 青县/青镇/青村."""

    def make(region: str = "ningxia") -> Desk:
        desk = Desk(home, connections, tmp_path_factory.mktemp("desk"), f"h{os.getpid()}n{next(_numbers)}", region)
        desk.enrol(person(999))
        return desk

    return make


@pytest.fixture(scope="module")
def desk(open_desk: Callable[..., Desk]) -> Desk:
    """The module's pool."""
    return open_desk()


@pytest.fixture(scope="module")
def served(home: Path, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The module's server."""
    with serving(home, tmp_path_factory.mktemp("serve") / "journal") as running:
        yield running


@pytest.fixture(scope="module")
def token(home: Path) -> str:
    """A token of 甲."""
    return token_of(home)


@pytest.fixture(scope="module")
def caller(served: Serving, token: str, desk: Desk) -> Iterator[Caller]:
    """甲 at the module's pool."""
    calling = Caller(served.url, token, desk.code)
    yield calling
    calling.client.close()


@pytest.fixture
def who() -> Person:
    """Somebody new."""
    return person(next(_people))
