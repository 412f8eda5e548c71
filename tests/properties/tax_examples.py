"""Random cases of a month, the same in every run: a property is asked of each list of them."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.properties.tax_plants import PLANTS


def with_random_cases(examples: int, check: Callable[[random.Random, list[str]], object]) -> None:
    """Ask `check` of so many lists of planted cases, each with its own source of chance."""

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(st.integers(0, 2**32), st.lists(st.sampled_from(sorted(PLANTS)), min_size=12, max_size=40))
    def cases(seed: int, plants: list[str]) -> None:
        note(f"seed {seed}, {len(plants)} cases")
        check(random.Random(seed), plants)

    cases()
