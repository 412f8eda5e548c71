"""`make mutants`: applies each patch to a copy of the project and sees the test it names fail.

A patch begins with lines `# invariant: …` and `# test: …` (what pytest is given). The same test must pass without the
patch, or its failure would say nothing. Exits 1 when a mutant survives.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SECONDS_MAX = 300


class Mutant(NamedTuple):
    """One patch: which invariant it breaks, and the test that must notice."""

    path: Path
    invariant: str
    test: str


def mutants() -> list[Mutant]:
    """The patches of this folder, in order."""
    found = []
    for path in sorted(HERE.glob("*.patch")):
        said = dict(
            line[2:].split(": ", 1) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# ")
        )
        found.append(Mutant(path, said["invariant"], said["test"]))
    return found


def copied(target: Path) -> Path:
    """The project's files as they stand, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def passes(test: str, project: Path) -> bool:
    """Whether a test passes on a copy of the project; commands it starts run the copy too."""
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *test.split()]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, timeout=SECONDS_MAX, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{test} did not run: {done.stdout.decode()[-2000:]}{done.stderr.decode()[-2000:]}")
    return done.returncode == 0


def main() -> int:
    """Every mutant, one after the other."""
    killed = survived = 0
    with tempfile.TemporaryDirectory(prefix="pension-ledger-mutants-") as folder:
        sound = copied(Path(folder) / "sound")
        for test in sorted({mutant.test for mutant in mutants()}):
            if not passes(test, sound):
                print(f"not sound: {test} fails without a mutant")
                return 1
        for mutant in mutants():
            project = Path(folder) / mutant.path.stem
            shutil.copytree(sound, project)
            subprocess.run(["git", "apply", str(mutant.path)], cwd=project, check=True)
            alive = passes(mutant.test, project)
            survived += alive
            killed += not alive
            print(f"{'SURVIVED' if alive else 'killed  '} invariant {mutant.invariant}: {mutant.path.stem}", flush=True)
            shutil.rmtree(project)
    print(f"{killed} passed, {survived} failed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
