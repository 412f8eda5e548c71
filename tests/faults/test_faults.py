"""The small version: each job killed twice, repeated, and held against a run left in peace; and two processes at once.

The whole series, with every commit of every path, is `python -m tests.faults.many`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.homes import Eyes, Templates, damage, prepare_one
from tests.faults.kills import Kill, Kind, check_after_repeat, kill_in, kinds, leftovers
from tests.faults.together import late_reader, two_at_once

PEOPLE = 400
KILLS = {
    "import payments": [Kill("after", "tranche#1"), Kill("before", "tranche#2")],
    "interest run": [Kill("after", "tranche#2"), Kill("before", "tranche#2")],
    "projections rebuild": [Kill("after", "range folded (balance)#1"), Kill("before", "swap (statement_line)#1")],
}


@pytest.fixture(scope="module")
def templates() -> Iterator[Templates]:
    """A pool prepared, and the books it has when its jobs are left in peace."""
    folder = Path(tempfile.mkdtemp(prefix="pl-faults-"))
    folder.chmod(0o755)
    yield prepare_one(folder / "prepared", PEOPLE)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def eyes(templates: Templates) -> Iterator[Eyes]:
    """A fresh home that stands before the import, its server up."""
    home = templates.imports.copy(templates.imports.path.with_name("fresh"))
    with home.held() as looking:
        yield looking
    home.remove()


@pytest.fixture
def jobs(templates: Templates) -> dict[str, Kind]:
    """The jobs by name."""
    return {kind.name: kind for kind in kinds(templates, PEOPLE)}


def test_jobs_killed_twice_and_repeated_end_like_those_left_in_peace(eyes, jobs):
    for name, kills in KILLS.items():
        if name == "projections rebuild":
            damage(eyes)
        for kill in kills:
            killed = kill_in(jobs[name], kill, eyes)
            assert killed.faults == []
            assert killed.in_progress, killed
        check_after_repeat(jobs[name], eyes, killed)
        assert killed.faults == [], name
    assert leftovers(eyes) == []


def test_two_processes_past_reading_before_either_writes_record_everything_once(eyes, jobs):
    assert two_at_once(jobs["import payments"], eyes) == []
    assert two_at_once(jobs["interest run"], eyes) == []


def test_an_import_that_looked_its_rows_up_too_early_finds_them_there(eyes, jobs):
    assert late_reader(jobs["import payments"], eyes) == []
