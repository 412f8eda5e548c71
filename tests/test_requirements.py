"""What a fresh machine installs: pins with a hash, without an address, and with the extras that pip looks for."""

import re
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

TEXT = (Path(__file__).parents[1] / "requirements-dev.txt").read_text("utf-8")
PINNED = [Requirement(one) for one in re.findall(r"^([a-z0-9][^ ]*==[^ ]+)", TEXT, re.MULTILINE)]


def test_an_extra_that_somebody_asks_for_is_pinned_with_it():
    """An older pip takes `coverage[toml]` for a requirement that `coverage==7.17.3` does not pin, and refuses all."""
    pins = {one.name: one.extras for one in PINNED}
    asked = [Requirement(line) for one in PINNED for line in requires(one.name) or ()]
    lacking = [
        f"{one.name}{sorted(one.extras)}"
        for one in asked
        if one.extras and one.name in pins and (one.marker is None or one.marker.evaluate({"extra": ""}))
        if not one.extras <= pins[one.name]
    ]
    assert len(PINNED) > 50
    assert lacking == []


def test_every_pin_has_a_hash_and_none_has_an_address():
    blocks = re.split(r"^(?=[a-z0-9])", TEXT, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(PINNED)
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in TEXT
