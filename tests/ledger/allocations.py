"""Payments that no account has, and what putting one into an account rests on, made up for tests."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from ledger.account_decisions import Payment
from ledger.allocation import ByHand, Received
from ledger.words import MoneyKind

ONE: Final = UUID(int=1)


def received(**said: Any) -> Received:
    payment = Payment(
        MoneyKind.CONTRIBUTION, 300_00, 2025, said.pop("treasury_on", date(2025, 9, 29)),
        paid_on=said.pop("paid_on", date(2025, 9, 26)), serial="S1",
    )  # fmt: skip
    plain: dict[str, Any] = {
        "file_id": 1, "line": 2, "file": "ab", "reason": "UNKNOWN_PERSON", "owner": None, "digest": b"d",
        "cancelled": False, "approval": "", "agency": "", "payment": payment,
    }  # fmt: skip
    return Received(**{**plain, **said})


def by_hand(**said: Any) -> ByHand:
    plain: dict[str, Any] = {
        "serial": "S1", "received": received(), "account": None, "person": None, "holder": ONE,
        "division": "150700.01.001.001", "county": "150700.01", "reconciled": True,
    }  # fmt: skip
    return ByHand(**{**plain, **said})
