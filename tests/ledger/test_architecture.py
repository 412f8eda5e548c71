"""The house holds: who may import whom, and how long a file and a function may grow."""

from __future__ import annotations

import ast
from copy import deepcopy
from pathlib import Path

import pytest
from importlinter.application import use_cases
from importlinter.application.user_options import UserOptions
from importlinter.configuration import configure

HOUSE = Path(__file__).parents[2]
PACKAGES = ("ledger", "projections", "api")
FILES = sorted(file for package in PACKAGES for file in (HOUSE / package).rglob("*.py"))
LINES_MAX = 600
FUNCTION_LINES_MAX = 70
LISTS_OF_STATEMENTS = {("ledger/store/recorder_statements.py", "__init__")}
"""A list of SQL statements with nothing to branch on reads best as one list."""


@pytest.fixture
def contracts(monkeypatch: pytest.MonkeyPatch) -> UserOptions:
    """The contracts of pyproject.toml."""
    monkeypatch.chdir(HOUSE)
    configure()
    return use_cases.read_user_options("pyproject.toml")


def broken(options: UserOptions) -> list[str]:
    """The names of the contracts that do not hold. An exception that nobody needs raises."""
    use_cases._register_contract_types(options)
    report = use_cases.create_report(options, cache_dir=None)
    return [contract.name for contract, check in report.get_contracts_and_checks() if not check.kept]


def test_the_import_contracts_hold(contracts):
    """ledger ← projections ← api; PostgreSQL only under ledger/store."""
    assert len(contracts.contracts_options) >= 2
    assert broken(contracts) == []


def test_a_broken_contract_would_be_seen(contracts):
    """Turned upside down, the layers do not hold; without its exception, neither does the rule of PostgreSQL."""
    upside_down = deepcopy(contracts)
    layers, forbidden = upside_down.contracts_options[:2]
    assert (layers["type"], forbidden["type"]) == ("layers", "forbidden")
    layers["layers"] = layers["layers"][::-1]
    forbidden["ignore_imports"] = []
    assert broken(upside_down) == [layers["name"], forbidden["name"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_no_file_is_too_long(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LINES_MAX


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_no_function_is_too_long(file):
    """The parent branches, the leaves compute; what does not fit on a page is two functions."""
    too_long = {
        f"{node.name} in line {node.lineno}: {lines}"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (file.relative_to(HOUSE).as_posix(), node.name) not in LISTS_OF_STATEMENTS
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert too_long == set()


def test_the_whole_house_is_looked_at():
    assert {file.relative_to(HOUSE).parts[0] for file in FILES} == set(PACKAGES)
    assert HOUSE / "ledger/store/recorder.py" in FILES
