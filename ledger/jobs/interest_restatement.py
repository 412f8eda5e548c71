"""A credited year settled anew at another rate, with all credited years after it: for a rate that was wrong.

By two people, with the document that corrects. The corrected rate is entered first; then every account credited in the
year is settled anew in tranches. A run that was stopped is simply repeated: an account that stands at the new rate
records nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec

from ledger.account import PersonalAccount
from ledger.account_decisions import Asked, Decided, Past, restate_interest
from ledger.account_events import InterestAdjusted
from ledger.jobs.rule_entry import enter
from ledger.late_money import Origin
from ledger.refusals import Refusal
from ledger.region_rules import ValueEntered
from ledger.store.batch import Tranche
from ledger.store.job_lock import job_lock
from ledger.store.job_record import JobRecord
from ledger.store.log import PoolLog
from ledger.store.recorder import RulesMovedError
from ledger.store.states import page_of_states

TRANCHE: Final = 2_000


class RestatementReport(msgspec.Struct, kw_only=True):
    """What a restatement did. `difference` is the sum of all adjustments (fen)."""

    pool: str
    year: int
    rate: str
    rate_document: str
    restated: int = 0
    unchanged: int = 0
    closed: int = 0
    not_credited: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    difference: int = 0


def restate(
    log: PoolLog,
    entry: ValueEntered,
    progress: Callable[[int], None] = lambda _accounts: None,
) -> RestatementReport:
    """Enter the corrected rate and settle the pool anew. Raises `Refused`, and `BusyError` while interest is run."""
    report = RestatementReport(pool=log.pool, year=entry.year, rate=entry.value, rate_document=entry.document)
    origin = Origin(entry.actor, entry.reviewer, f"job restate {entry.year}")
    with (
        job_lock(log, "interest", entry.actor),
        JobRecord(log, "restate", str(entry.year), origin) as record,
    ):
        enter(log, entry, restating=True)
        last = bytes(16)
        while accounts := _page(log, last):
            last = max(accounts)
            looked_at = len(accounts)
            while accounts:
                accounts = _settle(log, entry.year, origin, accounts, report)
            progress(looked_at)
        record.report = {"restated": report.restated, "difference_fen": report.difference}
    return report


def _page(log: PoolLog, after: bytes) -> list[bytes]:
    with log.connections.connection() as connection:
        return [account for account, _state in page_of_states(connection, log, after, TRANCHE)]


def _settle(log: PoolLog, year: int, origin: Origin, accounts: list[bytes], report: RestatementReport) -> list[bytes]:
    """Settle a tranche anew; gives the accounts that moved meanwhile and must be looked at again."""
    rules = log.rules()
    tranche = Tranche(log)
    tranche.load(UUID(bytes=account) for account in accounts)
    due: list[bytes] = []
    for account in accounts:
        state = tranche.state(account)
        assert state is not None
        if state.closed:
            report.closed += 1
        elif not state.first_year <= year <= state.credited_through:
            report.not_credited += 1
        else:
            due.append(account)
    tranche.load_histories(UUID(bytes=account) for account in due)

    def decision(state: PersonalAccount, past: Past) -> Asked:
        return restate_interest(state, year, rules, origin, past)

    answers: dict[bytes, Decided] = {account: tranche.decide(account, decision) for account in due}
    try:
        moved = log.record(tranche.writes(), rules_version=rules.version).moved
    except RulesMovedError:
        moved = frozenset(due)
    for account, answer in answers.items():
        if account not in moved:
            _count(answer, report)
    return [account for account in due if account in moved]


def _count(answer: Decided, report: RestatementReport) -> None:
    if isinstance(answer, Refusal):
        report.refused[answer.reason] = report.refused.get(answer.reason, 0) + 1
    elif answer:
        report.restated += 1
        report.difference += sum(event.effect.interest for event in answer if isinstance(event, InterestAdjusted))
    else:
        report.unchanged += 1
