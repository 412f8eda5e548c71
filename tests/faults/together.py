"""Two operating-system processes of one job, past the point of reading before either writes."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.faults.homes import YEAR, Ended, Eyes, Home, ended
from tests.faults.kills import Kind, leftovers, read_results

TRANCHES: Final = 4
_NOT_ONCE: Final = f"""
    SELECT count(*) FROM {{pool}}.account_state LEFT JOIN (
        SELECT originator_id, count(*) AS times FROM {{pool}}.ledger_events
         WHERE topic = 'account.interest_credited' AND (convert_from(state, 'UTF8')::jsonb ->> 'year')::int = {YEAR}
         GROUP BY originator_id) credited ON originator_id = account_id WHERE times IS DISTINCT FROM 1"""


def two_at_once(kind: Kind, eyes: Eyes, tranches: int = TRANCHES) -> list[str]:
    """Run the job twice at once, without the lock of jobs; what is not as it must be.

    At each tranche both have read and decided before either records. Together they record what one alone would.
    """
    home = eyes.of
    accounts = int(eyes.one("SELECT count(*) FROM {pool}.account_state"))
    tranche = _tranche(kind, accounts, tranches)
    before = eyes.position()
    gate = home.path / f"meeting-{before}"
    gate.mkdir()
    launch = ["--no-lock", "--tranche", str(tranche), "--meet", str(tranches), "--gate", str(gate)]
    folders = [home, _other_files(home)]
    processes = [home.start(*kind.command(files), "--json", launch=launch) for files in folders]
    done = [ended(process) for process in processes]
    faults = [f"ended with {one.code}: {one.err}" for one in done if one.code != kind.code]
    if faults:
        return faults
    meetings = {path.name.split(".")[0] for path in gate.iterdir()}
    if len(meetings) != tranches:
        faults.append(f"they met {len(meetings)} times, not {tranches}")
    recorded = eyes.position() - before
    faults += _accounted_twice(kind, done, recorded, accounts)
    if kind.results:
        results = [read_results(files) for files in folders]
        faults += ["a result file is not complete" for one in results if one.keys() != kind.results.keys()]
    elif times := eyes.one(_NOT_ONCE):
        faults.append(f"{times} accounts are not credited once")
    faults += [f"verify: {text}" for text in eyes.findings()]
    if eyes.books() != kind.books:
        faults.append("the books differ from those of one undisturbed run")
    return faults + leftovers(eyes)


def _tranche(kind: Kind, accounts: int, tranches: int) -> int:
    """So large that the work comes in that many tranches."""
    return -(-(len(kind.results) or accounts) // tranches)


def _other_files(home: Home) -> Home:
    """The same input once more, so that each process has a result file of its own."""
    other = Home(home.path / "other")
    target = other.files.payments
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(home.files.payments.read_bytes())
    return other


def _accounted_twice(kind: Kind, done: list[Ended], recorded: int, accounts: int) -> list[str]:
    """Each report accounts for everything, and what both say they recorded is what is recorded, once."""
    reports = [json.loads(one.out) for one in done]
    if kind.results:
        rows, said = len(kind.results), sum(report["recorded"] for report in reports)
        alone = sum(result[1] == "已记账" for result in kind.results.values())
        accounted = [report["recorded"] + report["already_there"] + report["refused"] for report in reports]
    else:
        rows, said, alone = accounts, sum(report["credited"] for report in reports), recorded
        accounted = [report["credited"] + report["already_credited"] for report in reports]
    faults = [f"a report accounts for {one} of {rows}" for one in accounted if one != rows]
    return faults + ([f"both recorded {said}, one alone would {alone}"] if said != alone else [])


def late_reader(kind: Kind, eyes: Eyes) -> list[str]:
    """One import has looked up which rows are known, and waits; another takes the file in; then the first goes on."""
    home = eyes.of
    gate = home.path / "gate-late"
    gate.mkdir()
    launch = ["--no-lock", "--reads", "--hold", "after", "--commit", "rows looked up#1", "--gate", str(gate)]
    late = home.start(*kind.command(_other_files(home)), "--json", launch=launch)
    wait_for(gate / "reached", late)
    first = home.run(*kind.command(home), "--json", launch=["--no-lock"])
    (gate / "go").touch()
    done = [first, ended(late)]
    faults = [f"ended with {one.code}: {one.err}" for one in done if one.code != kind.code]
    faults += [f"verify: {text}" for text in eyes.findings()]
    if eyes.books() != kind.books:
        faults.append("the books differ from those of one undisturbed run")
    return faults + ([] if faults else _accounted_twice(kind, done, 0, 0))


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a file appears, while the process that is to make it lives."""
    while not path.exists():
        if process.poll() is not None:
            raise AssertionError(f"the process ended before {path.name}: {process.communicate()}")
        time.sleep(0.01)
