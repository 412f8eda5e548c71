"""Payments that failed (缴费不成功信息) as they are told: each case, who answers for it until when, and its cause."""

from __future__ import annotations

from datetime import date
from typing import Any

from ledger.clock import SHANGHAI
from ledger.money import fen_to_yuan
from ledger.store.failures import FailureCase, Failures
from ledger.store.log import PoolLog
from ledger.words import CHINESE
from ledger.working_days import passed


def cases_told(log: PoolLog, today: date, *, only_open: bool = False) -> list[dict[str, Any]]:
    """Every case, or those not closed, as they came. A person stands by the id of the register, if they are in it."""
    cases = Failures(log).every()
    return [_told(one, today) for one in cases if not only_open or one.standing.status != "closed"]


def _told(case: FailureCase, today: date) -> dict[str, Any]:
    failure, stands = case.failure, case.standing
    received_on = failure.received_at.astimezone(SHANGHAI).date()
    waits = stands.status != "closed"
    return {
        "case": str(failure.case_id),
        "status": stands.status,
        "participant": str(failure.participant) if failure.participant else None,
        "item": CHINESE[failure.kind],
        "period": failure.period,
        "amount": fen_to_yuan(failure.fen),
        "failed_on": failure.failed_on.isoformat(),
        "cause": failure.cause,
        "serial": failure.serial,
        "voucher": failure.voucher,
        "received_on": received_on.isoformat(),
        "age_working_days": passed(received_on, today) if waits else None,
        "owner": stands.owner,
        "due_on": stands.due_on.isoformat() if stands.due_on else None,
        "overdue": waits and stands.due_on is not None and stands.due_on < today,
        "reason": stands.reason,
        "steps": [
            {
                "step": one.step.name.lower(),
                "owner": one.owner,
                "due_on": one.due_on.isoformat() if one.due_on else None,
                "reason": one.reason,
                "actor": one.actor,
                "reviewer": one.reviewer,
                "recorded_at": one.recorded_at.isoformat(),
            }
            for one in case.steps
        ],
    }
