"""One embedded server for a whole test run, and an empty pool for each test that asks for one."""

from __future__ import annotations

import gc
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
from tests.interrupts import let_through

_numbers = itertools.count(1)
_LONGEST = (
    "tests/api/http/test_server.py",
    "tests/api/cli/test_single_commands.py",
    "tests/api/cli/test_cases.py",
    "tests/api/http/test_openapi.py",
    "tests/properties/test_statements_again.py",
    "tests/faults/test_faults.py",
    "tests/api/cli/test_import_runs.py",
    "tests/properties/test_histories.py",
    "tests/api/cli/test_interest_command.py",
    "tests/api/cli/test_participant_erase.py",
    "tests/api/cli/test_donors.py",
    "tests/api/cli/test_sealed.py",
    "tests/api/cli/test_plan_rules.py",
    "tests/api/cli/test_plan_forms.py",
    "tests/api/cli/test_plan_funds.py",
    "tests/api/http/test_door.py",
    "tests/api/cli/test_import_payments.py",
    "tests/api/cli/test_plan_batch.py",
)
"""Files that take the longest: begun last, one of them would keep the others waiting for its end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, all others as they come."""
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


def pytest_collection_finish() -> None:
    """What was imported stays: to look through all of it for rubbish again and again took a fifteenth of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def pytest_configure() -> None:
    """What holds for the whole run."""
    let_through()


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
