"""No figure of law (a rate, a cap, a tier, a floor, an age) stands in the code of the ledger."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.region_rules import SHIPPED

MONTHS_AND_DIGITS = frozenset(range(14))
STRUCTURAL = {
    "account_decisions.py": {31, 100},  # 31 December; years in YYYYMM
    "batch_header.py": {100_000},  # a cache
    "dates.py": {1990, 2100, 4_096, 65_536, 0xFEE0, 0xFF01, 0xFF5F},  # plausible years; caches; full-width forms
    "identity.py": {14, 15, 16, 17, 18, 19, 31, 36, 1_000, 13_579, 16_384, 65_536}  # places, checksums, caches
    | {1850, 2100, 8203, 8204, 8205, 8206, 8207, 8234, 8239, 8288, 0xFEE0, 0xFEFF, 0xFF01, 0xFF5F},
    "interest.py": {100},  # years in YYYYMM
    "interest_decisions.py": {31},
    "late_money.py": {31, 100},
    "money.py": {15, 100, 0x2212, 0xFEE0, 0xFF01, 0xFF5F},  # digits before the point; fen; full-width forms
    "naming.py": {14, 17, 18, 19},  # lengths of a number, and of one with a slip
    "region_rules.py": {1990, 9999},  # plausible years; a year after all others
    "rmb.py": {14, 100, 1_000, 10_000, 100_000_000},  # fen; 仟, 万 and 亿; the largest amount that has a name
    "working_days.py": {4_096},  # a cache
    "roster.py": {5_000},  # rows of a roster, which is recorded whole
    "sending.py": {50_000},  # rows of a batch, which is recorded whole
    "words.py": {62, 64, 76, 80, 0xFFF, 1_000_000},  # bits of an id
}
"""Numbers in the code that are none of the law's, file by file: a new one is added here with its reason, or entered."""


def literals(file: Path) -> set[tuple[object, int]]:
    """Numbers in the code of a file, also those inside short texts such as "0.0262"; docstrings are not code."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found: set[tuple[object, int]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in texts:
            found |= {(number, node.lineno) for number in _numbers(node.value)}
    return found


def _numbers(value: object) -> set[Decimal]:
    if isinstance(value, bool):
        return set()
    if isinstance(value, int | float):
        return {Decimal(str(value))}
    if isinstance(value, str):
        try:
            return {Decimal(value)}
        except ArithmeticError:
            return set()
    return set()


@pytest.mark.parametrize("file", sorted(SHIPPED.parent.glob("*.py")), ids=lambda file: file.name)
def test_no_figure_of_law_stands_in_the_code(file):
    """No rate (0.0262), cap or tier (3,000), floor (10.00), age (16, 60), divisor (139): those are dated data."""
    allowed = MONTHS_AND_DIGITS | STRUCTURAL.get(file.name, set())
    assert {f"{number} in line {line}" for number, line in literals(file) if number not in allowed} == set()


@pytest.mark.parametrize(
    ("code", "figures"),
    [
        ("rate = Decimal('0.0262')", {"0.0262"}),
        ("RATE = 0.0262", {"0.0262"}),
        ("if fen > 3000_00: pass", {"300000"}),
        ("age >= 16", {"16"}),
        ("balance / 139", {"139"}),
        ("'139 as documentation'", set()),
        ("text = 'no figure at all'", set()),
    ],
)
def test_a_figure_of_law_would_be_seen(tmp_path, code, figures):
    (tmp_path / "some.py").write_text(code, encoding="utf-8")
    assert {str(number) for number, _ in literals(tmp_path / "some.py")} == figures
