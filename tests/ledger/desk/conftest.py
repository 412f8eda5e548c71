"""A counter with a fresh pool."""

from __future__ import annotations

import pytest

from ledger.store.log import PoolLog
from tests.ledger.desk.counter import Counter, set_up


@pytest.fixture
def counter(pool_log: PoolLog) -> Counter:
    """A fresh pool with rates for 2021 to 2024 and one village."""
    set_up(pool_log)
    return Counter(pool_log)
